//! A source in memory whose bundles can be replaced, and which counts, fails and blocks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bt_bundle_pool::bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleName, BundleSource, BundleVersion, Calendar, Error, ErrorKind,
    Frequency, Result, Timestamp,
};

/// One asset, one bar; its price makes the version.
pub(crate) struct OneBar {
    assets: AssetList,
    days: [Timestamp; 1],
    values: [f64; 5],
    heap_bytes: usize,
}

pub(crate) fn version_of(price: u32) -> BundleVersion {
    BundleVersion::of_bytes(&price.to_le_bytes())
}

impl OneBar {
    fn new(price: u32, heap_bytes: usize) -> Self {
        Self {
            assets: AssetList::new(version_of(price), ["ACME"]).unwrap(),
            days: [Timestamp::from_date(2024, 1, 6).unwrap()],
            values: [f64::from(price); 5],
            heap_bytes,
        }
    }

    pub(crate) fn price(&self) -> u32 {
        self.values[3] as u32
    }
}

impl Bundle for OneBar {
    fn version(&self) -> BundleVersion {
        self.assets.version()
    }

    fn assets(&self) -> &AssetList {
        &self.assets
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar::from_sorted(&self.days)
    }

    fn frequency(&self) -> Frequency {
        Frequency::Daily
    }

    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        self.assets.rank(asset)?;
        Bars::new(&self.days, &self.values, 1)
    }

    fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}

#[derive(Default)]
pub(crate) struct Fake {
    /// All prices ever published under a name, the current one last.
    published: Mutex<HashMap<BundleName, Vec<u32>>>,
    pub(crate) versions_asked: AtomicU64,
    pub(crate) opened: AtomicU64,
    failing: Mutex<Option<Error>>,
    gate: Gate,
    heap_bytes: usize,
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn with_heap_bytes(heap_bytes: usize) -> Arc<Self> {
        Arc::new(Self { heap_bytes, ..Self::default() })
    }

    pub(crate) fn publish(&self, name: &BundleName, price: u32) {
        self.published.lock().unwrap().entry(name.clone()).or_default().push(price);
    }

    pub(crate) fn remove(&self, name: &BundleName) {
        self.published.lock().unwrap().remove(name);
    }

    /// From now on every call fails, or works again.
    pub(crate) fn fail(&self, error: Option<Error>) {
        *self.failing.lock().unwrap() = error;
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    pub(crate) fn versions_asked(&self) -> u64 {
        self.versions_asked.load(Ordering::SeqCst)
    }

    fn prices(&self, name: &BundleName) -> Result<Vec<u32>> {
        if let Some(error) = &*self.failing.lock().unwrap() {
            return Err(error.clone());
        }
        let missing = || ErrorKind::BundleNotFound { name: name.clone(), nearest: Vec::new() };
        Ok(self.published.lock().unwrap().get(name).cloned().ok_or_else(missing)?)
    }
}

impl BundleSource for Fake {
    type Bundle = OneBar;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.versions_asked.fetch_add(1, Ordering::SeqCst);
        Ok(version_of(*self.prices(name)?.last().unwrap()))
    }

    fn open(&self, name: &BundleName) -> Result<Arc<OneBar>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let price = *self.prices(name)?.last().unwrap();
        self.gate.pass();
        Ok(Arc::new(OneBar::new(price, self.heap_bytes)))
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<OneBar>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let prices = self.prices(name)?;
        let missing = || ErrorKind::VersionNotFound { name: name.clone(), version };
        let price = prices.into_iter().find(|&price| version_of(price) == version).ok_or_else(missing)?;
        Ok(Arc::new(OneBar::new(price, self.heap_bytes)))
    }
}

/// Holds up whoever opens a bundle, after it has read which one is current.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    waiting: usize,
}

impl Gate {
    pub(crate) fn close(&self) {
        self.state.lock().unwrap().closed = true;
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().closed = false;
        self.changed.notify_all();
    }

    /// Blocks until somebody stands before the gate.
    pub(crate) fn until_somebody_waits(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.waiting == 0).unwrap());
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        state = self.changed.wait_while(state, |state| state.closed).unwrap();
        state.waiting -= 1;
    }
}

/// A clock that is set by hand.
#[derive(Clone, Default)]
pub(crate) struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    pub(crate) fn set_millis(&self, millis: u64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    pub(crate) fn reader(&self) -> impl Fn() -> Duration + Send + Sync + 'static {
        let millis = Arc::clone(&self.0);
        move || Duration::from_millis(millis.load(Ordering::SeqCst))
    }
}

pub(crate) fn name(text: &str) -> BundleName {
    text.parse().unwrap()
}
