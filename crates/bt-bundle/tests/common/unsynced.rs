use std::path::Path;

use bt_bundle::Disk;

/// A disk that forgets to make anything last, for tests in which nothing crashes.
#[derive(Debug)]
pub(crate) struct Unsynced;

impl Disk for Unsynced {
    fn sync_file(&self, _: &std::fs::File) -> std::io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}
