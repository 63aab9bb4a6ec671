//! Who writes to a ledger: one process at a time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bt_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk;
use crate::{Error, Result};

const LOCK: &str = ".lock";
const HOLDER: &str = "holder.json";

/// A ledger's lock. The system releases it whatever becomes of the process.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    holder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    since: String,
}

/// Takes the lock of a folder, or says who has it.
pub(crate) fn lock(folder: &Path) -> Result<Lock> {
    let path = folder.join(LOCK);
    let failed = |error| Error::io(format!("lock {}", path.display()), error);
    let holder = folder.join(HOLDER);
    [&path, &holder].into_iter().try_for_each(|path| disk::check_regular(path))?;
    let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => {}
        Err(fs4::TryLockError::WouldBlock) => {
            let what = format!("a sweep into {}", folder.display());
            return Err(Error::Busy { what, holder: name_of(&holder) });
        }
        Err(fs4::TryLockError::Error(error)) => return Err(failed(error)),
    }
    let lock = Lock { file, holder };
    let text = serde_json::to_string(&Holder::this()).map_err(std::io::Error::other);
    text.and_then(|text| fs::write(&lock.holder, text + "\n"))
        .map_err(|error| Error::io(format!("write {}", lock.holder.display()), error))?;
    Ok(lock)
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file serves a message only: whether it goes or stays, the lock is what counts.
        drop(fs::remove_file(&self.holder));
        // A child that was forked meanwhile has the file open, too, and would keep it locked.
        drop(fs4::FileExt::unlock(&self.file));
    }
}

impl Holder {
    fn this() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since_1970.as_secs()).unwrap_or_default();
        let since = Timestamp::from_nanos(seconds.saturating_mul(1_000_000_000)).to_string();
        Self { pid: std::process::id(), host: host(), since }
    }
}

fn host() -> String {
    let of_linux = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named =
        of_linux.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    named.map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// Who says that he has the lock; he may be about to say it, or about to go.
fn name_of(path: &Path) -> String {
    let text = disk::read_document(path).unwrap_or_default();
    match serde_json::from_slice::<Holder>(&text) {
        Ok(Holder { pid, host, since }) => format!("process {pid} on {host} writes there since {since}"),
        Err(_) => "another process writes there".to_owned(),
    }
}
