use bt_core::{BundleName, BundleVersion};
use hashbrown::HashMap;
use parking_lot::Mutex;

/// Which versions were opened under which names: the cache itself knows versions alone.
///
/// Bounded by what is kept and what is loading: the rest is forgotten whenever their number has doubled.
#[derive(Debug, Default)]
pub(crate) struct Opened(Mutex<Pairs>);

#[derive(Debug, Default)]
struct Pairs {
    /// With the number of their loads that are under way.
    loads: HashMap<(BundleName, BundleVersion), usize>,
    tidy_at: usize,
}

/// A load that is under way.
pub(crate) struct Loading<'a> {
    opened: &'a Opened,
    pair: (BundleName, BundleVersion),
}

impl Opened {
    /// Notes a version before it is loaded or kept, so that whoever invalidates the name meanwhile knows of it.
    pub(crate) fn note(
        &self,
        name: &BundleName,
        version: BundleVersion,
        is_kept: impl Fn(&BundleVersion) -> bool,
    ) -> Loading<'_> {
        let pair = (name.clone(), version);
        let mut pairs = self.0.lock();
        if pairs.loads.len() >= pairs.tidy_at {
            pairs.loads.retain(|(_, version), under_way| *under_way > 0 || is_kept(version));
            pairs.tidy_at = 64 + 2 * pairs.loads.len();
        }
        *pairs.loads.entry(pair.clone()).or_default() += 1;
        Loading { opened: self, pair }
    }

    /// Whether this version was opened under this name, as far as it is still kept.
    pub(crate) fn has(&self, name: &BundleName, version: BundleVersion) -> bool {
        self.0.lock().loads.contains_key(&(name.clone(), version))
    }

    /// All versions that were opened under this name.
    pub(crate) fn versions(&self, name: &BundleName) -> Vec<BundleVersion> {
        let pairs = self.0.lock();
        let of_name = pairs.loads.keys().filter(|(opened, _)| opened == name);
        of_name.map(|&(_, version)| version).collect()
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        if let Some(loads) = self.opened.0.lock().loads.get_mut(&self.pair) {
            *loads -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_what_is_neither_kept_nor_loading() {
        let (opened, name) = (Opened::default(), BundleName::new("daily").unwrap());
        let version = |number: u32| BundleVersion::of_bytes(&number.to_le_bytes());
        let is_kept = |asked: &BundleVersion| *asked == version(0);
        drop(opened.note(&name, version(0), is_kept));
        let _loading = opened.note(&name, version(1), is_kept);
        for number in 2..1000 {
            drop(opened.note(&name, version(number), is_kept));
            assert!(opened.versions(&name).len() < 150);
        }
        assert!(opened.has(&name, version(0)) && opened.has(&name, version(1)));
        assert!(!opened.has(&name, version(2)));
        assert!(!opened.has(&BundleName::new("other").unwrap(), version(0)));
    }
}
