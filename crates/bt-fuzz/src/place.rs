//! Where files of a run lie.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory that goes with its value: in memory where the system has such a place, since a fuzzer waits for nothing else.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("bt-fuzz").tempdir_in(parent).expect("a directory for the run")
}

/// Writes a file into a directory.
pub(crate) fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("a file for the run");
    path
}
