use std::time::Duration;

use bt_core::{BundleName, BundleVersion};
use hashbrown::HashMap;
use parking_lot::Mutex;

/// When the source last said that a version is current, for each name: only an interval needs to know.
///
/// A confirmation counts from the moment *before* the source was asked: what changed while it answered is newer.
pub(crate) struct Confirmed {
    latest: Mutex<HashMap<BundleName, (BundleVersion, Duration)>>,
    max_names: usize,
}

impl Confirmed {
    pub(crate) fn new(max_names: usize) -> Self {
        Self { latest: Mutex::new(HashMap::new()), max_names }
    }

    /// Whether this version was confirmed less than `interval` before `now`. A clock that went back confirms nothing.
    pub(crate) fn is_recent(
        &self,
        name: &BundleName,
        version: BundleVersion,
        now: Duration,
        interval: Duration,
    ) -> bool {
        let latest = self.latest.lock();
        let Some(&(confirmed, asked_at)) = latest.get(name) else { return false };
        confirmed == version && now.checked_sub(asked_at).is_some_and(|age| age < interval)
    }

    /// Notes what the source said when it was asked at `asked_at`. Bounded: with more names than bundles may be kept,
    /// all are forgotten, which costs a check each.
    pub(crate) fn note(&self, name: &BundleName, version: BundleVersion, asked_at: Duration) {
        let mut latest = self.latest.lock();
        match latest.get_mut(name) {
            Some(known) => *known = (version, asked_at),
            None => {
                if latest.len() >= self.max_names {
                    latest.clear();
                }
                latest.insert(name.clone(), (version, asked_at));
            }
        }
    }
}
