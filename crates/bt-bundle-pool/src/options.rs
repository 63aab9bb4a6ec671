use std::time::Duration;

/// When a pool asks its source whether a bundle has a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VersionCheck {
    /// On every access: a change is seen by the next one. Costs one [`version`](bt_core::BundleSource::version) of the
    /// source, a `stat` where a store is behind it.
    #[default]
    EveryAccess,
    /// On the first access after this much time has passed since the last check: a change is seen that much later at
    /// the latest.
    Every(Duration),
    /// Never: a change is seen after an invalidation, or once the bundle was evicted.
    Never,
}

/// The options of a pool.
///
/// ```
/// use bt_bundle_pool::{PoolOptions, VersionCheck};
/// let options = PoolOptions::default();
/// assert_eq!(options.max_bundles, 100);
/// assert_eq!(options.max_bytes, 2 << 30);
/// assert_eq!(options.version_check, VersionCheck::EveryAccess);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolOptions {
    /// How many bundles are kept open, pinned versions included; at least 1. 100 by default.
    pub max_bundles: usize,
    /// Bytes that they hold on the heap together; at least 1. 2 GiB by default. What is mapped from files does not
    /// count.
    pub max_bytes: usize,
    /// When to look for a newer version. On every access by default.
    pub version_check: VersionCheck,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { max_bundles: 100, max_bytes: 2 << 30, version_check: VersionCheck::default() }
    }
}
