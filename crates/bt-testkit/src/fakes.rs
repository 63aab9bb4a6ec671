use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bt_asset_cache::{Table, TableSource};
use bt_core::{BundleName, BundleSource, BundleVersion, Error, ErrorKind, Result};
use parking_lot::{Condvar, Mutex};

use crate::{Layout, MarketData, MemoryBundle};

/// What a fake does the next time it is asked to open or read.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answer.
    Serve,
    /// Return [`Error::other`] with this message.
    Fail(String),
    /// Panic with this message.
    Panic(String),
    /// Wait at the gate, then answer.
    Block(Arc<Gate>),
}

impl Behaviour {
    fn act(self) -> Result<()> {
        match self {
            Self::Serve => Ok(()),
            Self::Fail(message) => Err(Error::other(message)),
            Self::Panic(message) => panic!("{message}"),
            Self::Block(gate) => {
                gate.pass();
                Ok(())
            }
        }
    }
}

/// Where a loader waits until the test lets it go on: no test needs to sleep.
///
/// Nobody waits for ever: after a minute both sides panic with what they waited for, so that a test which goes wrong
/// ends.
#[derive(Default, Debug)]
pub struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default, Debug)]
struct GateState {
    open: bool,
    waiting: usize,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.state.lock().open = true;
        self.changed.notify_all();
    }

    /// Returns when somebody waits at the gate.
    ///
    /// # Panics
    /// Where the gate is open, since then nobody waits; where nobody has come within a minute.
    pub fn wait_until_somebody_waits(&self) {
        self.wait_for_somebody(PATIENCE);
    }

    /// As [`wait_until_somebody_waits`](Self::wait_until_somebody_waits), with a patience of your own.
    ///
    /// # Panics
    /// Where the gate is open, since then nobody waits; where nobody has come in time.
    pub fn wait_for_somebody(&self, patience: Duration) {
        let mut state = self.state.lock();
        let until = Instant::now() + patience;
        while state.waiting == 0 {
            assert!(!state.open, "the gate is open: nobody will wait at it");
            let is_over = self.changed.wait_until(&mut state, until).timed_out();
            assert!(!is_over || state.waiting > 0, "nobody has come to the gate within {patience:?}");
        }
    }

    fn pass(&self) {
        let mut state = self.state.lock();
        state.waiting += 1;
        self.changed.notify_all();
        let outcome = self.changed.wait_while_for(&mut state, |state| !state.open, PATIENCE);
        state.waiting -= 1;
        assert!(!outcome.timed_out(), "nobody has opened the gate within {PATIENCE:?}");
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Versions of named things, with counters and a script of misbehaviour: what both fakes are made of.
struct Shelf<T> {
    versions: Mutex<HashMap<BundleName, Vec<(BundleVersion, T)>>>,
    script: Mutex<VecDeque<Behaviour>>,
    loads: AtomicUsize,
    checks: AtomicUsize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            versions: Mutex::default(),
            script: Mutex::default(),
            loads: AtomicUsize::new(0),
            checks: AtomicUsize::new(0),
        }
    }
}

impl<T: Clone> Shelf<T> {
    fn put(&self, name: &BundleName, version: BundleVersion, thing: T) {
        self.versions.lock().entry(name.clone()).or_default().push((version, thing));
    }

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        self.current(name).map(|(version, _)| version)
    }

    fn load(&self, name: &BundleName, wanted: Option<BundleVersion>) -> Result<T> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let behaviour = self.script.lock().pop_front().unwrap_or(Behaviour::Serve);
        behaviour.act()?;
        match wanted {
            None => self.current(name).map(|(_, thing)| thing),
            Some(version) => self.pinned(name, version),
        }
    }

    fn current(&self, name: &BundleName) -> Result<(BundleVersion, T)> {
        let versions = self.versions.lock();
        let current = versions.get(name).and_then(|versions| versions.last().cloned());
        current.ok_or_else(|| ErrorKind::BundleNotFound { name: name.clone(), nearest: vec![] }.into())
    }

    fn pinned(&self, name: &BundleName, wanted: BundleVersion) -> Result<T> {
        self.current(name)?;
        let versions = self.versions.lock();
        let found =
            versions[name].iter().find(|(version, _)| *version == wanted).map(|(_, thing)| thing.clone());
        found.ok_or_else(|| ErrorKind::VersionNotFound { name: name.clone(), version: wanted }.into())
    }
}

/// A source of bundles in memory that counts, fails, panics and blocks as a test wants it.
///
/// ```
/// use bt_core::{BundleName, BundleSource};
/// use bt_testkit::{Behaviour, FakeSource, Market};
/// let name = BundleName::new("fake")?;
/// let source = FakeSource::default();
/// source.publish(&name, &Market::common(1, 2, 30).generate());
/// source.then(Behaviour::Fail("disk on fire".into()));
/// assert_eq!(source.open(&name).unwrap_err().to_string(), "disk on fire");
/// assert_eq!(source.open(&name)?.assets().len(), 2);
/// assert_eq!(source.opens(), 2);
/// # use bt_core::Bundle;
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Default)]
pub struct FakeSource(Shelf<Arc<MemoryBundle>>);

impl FakeSource {
    /// Makes `data` the current version; earlier ones stay openable by version.
    pub fn publish(&self, name: &BundleName, data: &MarketData) -> BundleVersion {
        let version = data.version();
        self.0.put(name, version, Arc::new(data.bundle()));
        version
    }

    /// Adds to the script: what the next open does that has no line of the script yet.
    pub fn then(&self, behaviour: Behaviour) {
        self.0.script.lock().push_back(behaviour);
    }

    /// How many times a bundle was opened, or tried to be.
    pub fn opens(&self) -> usize {
        self.0.loads.load(Ordering::Relaxed)
    }

    /// How many times the version was asked for.
    pub fn version_checks(&self) -> usize {
        self.0.checks.load(Ordering::Relaxed)
    }
}

impl BundleSource for FakeSource {
    type Bundle = MemoryBundle;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.0.version(name)
    }

    fn open(&self, name: &BundleName) -> Result<Arc<MemoryBundle>> {
        self.0.load(name, None)
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<MemoryBundle>> {
        self.0.load(name, Some(version))
    }
}

/// A source of long tables in memory that counts, fails, panics and blocks as a test wants it.
#[derive(Default)]
pub struct FakeTables(Shelf<Arc<Table>>);

impl FakeTables {
    /// Makes `data`, laid out as said, the current table.
    pub fn publish(&self, name: &BundleName, data: &MarketData, layout: &Layout) -> BundleVersion {
        let table = data.table(layout);
        let version = table.version;
        self.0.put(name, version, Arc::new(table));
        version
    }

    /// Adds to the script: what the next read does that has no line of the script yet.
    pub fn then(&self, behaviour: Behaviour) {
        self.0.script.lock().push_back(behaviour);
    }

    /// How many times a table was read, or tried to be.
    pub fn reads(&self) -> usize {
        self.0.loads.load(Ordering::Relaxed)
    }

    /// How many times the version was asked for.
    pub fn version_checks(&self) -> usize {
        self.0.checks.load(Ordering::Relaxed)
    }
}

impl TableSource for FakeTables {
    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        self.0.version(name)
    }

    fn read(&self, name: &BundleName) -> Result<Table> {
        self.0.load(name, None).map(|table| (*table).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_everybody_through_once_it_is_open() {
        let gate = Gate::new();
        std::thread::scope(|scope| {
            let loader = scope.spawn(|| Behaviour::Block(Arc::clone(&gate)).act());
            gate.wait_until_somebody_waits();
            assert!(!loader.is_finished());
            gate.open();
            loader.join().unwrap().unwrap();
        });
        Behaviour::Block(gate).act().unwrap();
    }

    #[test]
    #[should_panic(expected = "the gate is open: nobody will wait at it")]
    fn waiting_for_somebody_at_an_open_gate_is_a_mistake_of_the_test_and_no_hang() {
        let gate = Gate::new();
        gate.open();
        gate.wait_until_somebody_waits();
    }

    #[test]
    #[should_panic(expected = "the gate is open: nobody will wait at it")]
    fn so_it_is_where_the_gate_opens_meanwhile() {
        let gate = Gate::new();
        std::thread::scope(|scope| {
            scope.spawn(|| gate.open());
            gate.wait_until_somebody_waits();
        });
    }

    #[test]
    #[should_panic(expected = "nobody has come to the gate within 10ms")]
    fn nobody_is_waited_for_for_ever() {
        Gate::new().wait_for_somebody(Duration::from_millis(10));
    }
}
