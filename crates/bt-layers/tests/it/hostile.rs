//! Sources that lie, fail, panic, answer from within, and users that ask for what is not theirs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use bt_layers::bt_asset_cache::{Table, TableSource};
use bt_layers::bt_core::{BundleName, BundleSource, BundleVersion, Error, ErrorKind, Result};
use bt_layers::{Invalidate, Layers, OptimizationConfig, Options, VersionCheck};
use bt_testkit::{Behaviour, Gate, Layout, MemoryBundle, conformance};

use crate::{checked, edition, name, over_bundles, over_tables, subsets};

/// Says that it has one version and opens another; or says another one each time it is asked.
#[derive(Clone)]
struct Liar {
    says: Arc<AtomicU64>,
    step: u64,
}

impl Liar {
    fn new(step: u64) -> Self {
        Self { says: Arc::new(AtomicU64::new(7)), step }
    }

    fn lie(&self) -> BundleVersion {
        BundleVersion::of_bytes(&self.says.fetch_add(self.step, Ordering::Relaxed).to_le_bytes())
    }
}

impl BundleSource for Liar {
    type Bundle = MemoryBundle;

    fn version(&self, _: &BundleName) -> Result<BundleVersion> {
        Ok(self.lie())
    }

    fn open(&self, _: &BundleName) -> Result<Arc<MemoryBundle>> {
        Ok(Arc::new(edition(0).bundle()))
    }

    fn open_version(&self, name: &BundleName, _: BundleVersion) -> Result<Arc<MemoryBundle>> {
        self.open(name)
    }
}

impl TableSource for Liar {
    fn version(&self, _: &BundleName) -> Result<BundleVersion> {
        Ok(self.lie())
    }

    fn read(&self, _: &BundleName) -> Result<Table> {
        Ok(edition(0).table(&Layout::default()))
    }
}

#[test]
fn a_source_whose_version_and_bars_disagree_is_served_as_what_the_bars_say_and_pins_nothing_else() {
    for config in subsets() {
        for step in [0, 1] {
            let bundles = Layers::over_bundles(&config, Options::default(), Liar::new(step)).unwrap();
            let tables = Layers::over_tables(&config, Options::default(), Liar::new(step)).unwrap();
            for layers in [bundles, tables] {
                thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(|| {
                            let mut worker = layers.worker().unwrap();
                            for _trial in 0..5 {
                                let trial = worker.trial(&name("us")).unwrap();
                                assert_eq!(trial.bundle().version(), edition(0).version());
                                conformance::bundle_holds(&**trial.bundle(), &edition(0));
                            }
                            let foreign = worker.trial_on(&name("us"), BundleVersion([9; 32])).unwrap_err();
                            let is_named = matches!(
                                foreign.kind(),
                                ErrorKind::Corrupt { .. } | ErrorKind::VersionNotFound { .. }
                            );
                            assert!(is_named, "{foreign}");
                        });
                    }
                });
            }
        }
    }
}

#[test]
fn a_version_of_another_name_or_of_no_name_is_not_found_whatever_is_kept() {
    for config in subsets() {
        let (bundles, source) = over_bundles(&config, Options::default());
        let (grouped, tables) = over_tables(&config, Options::default());
        for (name, number) in [(name("us"), 0), (name("eu"), 1)] {
            source.publish(&name, &edition(number));
            tables.publish(&name, &edition(number));
        }
        for layers in [bundles, grouped] {
            let mut worker = layers.worker().unwrap();
            worker.trial(&name("us")).unwrap();
            worker.trial(&name("eu")).unwrap();
            let foreign = worker.trial_on(&name("eu"), edition(0).version()).unwrap_err();
            assert!(matches!(foreign.kind(), ErrorKind::VersionNotFound { .. }), "{foreign}");
            let missing = worker.trial_on(&name("none"), edition(0).version()).unwrap_err();
            assert!(matches!(missing.kind(), ErrorKind::BundleNotFound { .. }), "{missing}");
            assert!(worker.trial_on(&name("us"), edition(0).version()).is_ok());
        }
    }
}

#[test]
fn names_that_differ_in_case_are_different_bundles() {
    for config in subsets() {
        let (layers, tables) = over_tables(&config, Options::default());
        tables.publish(&name("us"), &edition(0));
        let mut worker = layers.worker().unwrap();
        worker.trial(&name("us")).unwrap();
        let missing = worker.trial(&name("US")).unwrap_err();
        assert!(matches!(missing.kind(), ErrorKind::BundleNotFound { name, .. } if name.as_str() == "US"));
        tables.publish(&name("US"), &edition(1));
        assert_eq!(worker.trial(&name("US")).unwrap().bundle().version(), edition(1).version());
        assert_eq!(worker.trial(&name("us")).unwrap().bundle().version(), edition(0).version());
    }
}

#[test]
fn what_fails_or_panics_is_not_kept_and_the_worker_goes_on() {
    for config in subsets() {
        let (bundles, source) = over_bundles(&config, Options::default());
        let (grouped, tables) = over_tables(&config, Options::default());
        source.publish(&name("us"), &edition(0));
        tables.publish(&name("us"), &edition(0));
        for behaviour in [Behaviour::Fail("disk on fire".into()), Behaviour::Panic("a bug".into())] {
            source.then(behaviour.clone());
            tables.0.then(behaviour);
        }
        for layers in [bundles, grouped] {
            let mut worker = layers.worker().unwrap();
            assert_eq!(worker.trial(&name("us")).unwrap_err().to_string(), "disk on fire");
            let panicked = catch_unwind(AssertUnwindSafe(|| worker.trial(&name("us")).map(drop)));
            assert!(panicked.is_err());
            conformance::bundle_holds(&**worker.trial(&name("us")).unwrap().bundle(), &edition(0));
            let stats = layers.stats().pool.cache;
            assert_eq!((stats.loads, stats.load_failures), (3, 2));
        }
    }
}

#[test]
fn a_table_that_takes_for_ever_to_read_holds_up_nobody_who_wants_another() {
    for config in subsets() {
        let (layers, tables) = over_tables(&config, Options::default());
        tables.publish(&name("slow"), &edition(0));
        tables.publish(&name("fast"), &edition(1));
        let gate = Gate::new();
        tables.0.then(Behaviour::Block(Arc::clone(&gate)));
        thread::scope(|scope| {
            let slow = scope.spawn(|| {
                let mut worker = layers.worker().unwrap();
                worker.trial(&name("slow")).map(|trial| trial.bundle().version())
            });
            gate.wait_until_somebody_waits();
            let mut worker = layers.worker().unwrap();
            for _trial in 0..3 {
                worker.trial(&name("fast")).unwrap();
            }
            assert!(worker.trial_on(&name("fast"), edition(1).version()).is_ok());
            layers.invalidate(Invalidate::One(&name("fast")));
            assert!(layers.stats().pool.cache.loads > 0);
            gate.open();
            assert_eq!(slow.join().unwrap().unwrap(), edition(0).version());
        });
    }
}

/// Fails or panics when it is asked for a version.
struct Moody(Arc<AtomicUsize>);

const FAILS: usize = 1;
const PANICS: usize = 2;

impl BundleSource for Moody {
    type Bundle = MemoryBundle;

    fn version(&self, _: &BundleName) -> Result<BundleVersion> {
        match self.0.load(Ordering::Relaxed) {
            FAILS => Err(Error::other("network down")),
            PANICS => panic!("a bug in version"),
            _ => Ok(edition(0).version()),
        }
    }

    fn open(&self, _: &BundleName) -> Result<Arc<MemoryBundle>> {
        Ok(Arc::new(edition(0).bundle()))
    }

    fn open_version(&self, name: &BundleName, _: BundleVersion) -> Result<Arc<MemoryBundle>> {
        self.open(name)
    }
}

#[test]
fn a_version_check_that_fails_or_panics_serves_nothing_old_and_recovers_without_an_open() {
    let mood = Arc::new(AtomicUsize::new(0));
    let config = OptimizationConfig::default();
    let layers = Layers::over_bundles(&config, Options::default(), Moody(Arc::clone(&mood))).unwrap();
    let mut worker = layers.worker().unwrap();
    worker.trial(&name("us")).unwrap();
    mood.store(FAILS, Ordering::Relaxed);
    assert_eq!(worker.trial(&name("us")).unwrap_err().to_string(), "network down");
    assert!(worker.trial_on(&name("us"), edition(0).version()).is_ok(), "what is pinned needs no check");
    mood.store(PANICS, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| worker.trial(&name("us")).map(drop))).is_err());
    mood.store(0, Ordering::Relaxed);
    assert!(worker.trial(&name("us")).is_ok());
    assert_eq!(layers.stats().pool.cache.loads, 1);
}

/// Asks the layers that it stands under.
#[derive(Clone, Default)]
struct Reentrant(Arc<OnceLock<Layers>>);

impl TableSource for Reentrant {
    fn version(&self, _: &BundleName) -> Result<BundleVersion> {
        Ok(edition(0).version())
    }

    fn read(&self, asked: &BundleName) -> Result<Table> {
        let layers = self.0.get().expect("the test has set it");
        let _trial = layers.worker()?.trial(asked)?;
        Ok(edition(0).table(&Layout::default()))
    }
}

#[test]
fn a_source_that_asks_for_what_it_is_loading_gets_an_error_and_no_deadlock() {
    for config in subsets().filter(|config| config.enable_bundle_pooling) {
        let source = Reentrant::default();
        let layers = Layers::over_tables(&config, Options::default(), source.clone()).unwrap();
        source.0.set(layers.clone()).unwrap();
        let error = layers.worker().unwrap().trial(&name("us")).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Reentrant { .. }), "{error}");
    }
}

#[test]
fn a_worker_that_dies_in_mid_trial_disturbs_no_other() {
    for config in subsets() {
        let (layers, tables) = over_tables(&config, Options::default());
        tables.publish(&name("us"), &edition(0));
        let died = {
            let layers = layers.clone();
            thread::spawn(move || {
                let mut worker = layers.worker().unwrap();
                let _trial = worker.trial(&name("us")).unwrap();
                panic!("the strategy divides by zero");
            })
        };
        assert!(died.join().is_err());
        let mut worker = layers.worker().unwrap();
        conformance::bundle_holds(&**worker.trial(&name("us")).unwrap().bundle(), &edition(0));
        assert_eq!(layers.stats().stacks, 1);
    }
}

#[test]
fn a_bundle_outlives_the_worker_and_the_layers_that_opened_it() {
    for config in subsets() {
        let (layers, tables) = over_tables(&config, Options::default());
        tables.publish(&name("us"), &edition(0));
        let mut worker = layers.worker().unwrap();
        let bundle = Arc::clone(worker.trial(&name("us")).unwrap().bundle());
        drop((layers, tables));
        worker.trial(&name("us")).unwrap();
        drop(worker);
        conformance::bundle_holds(&*bundle, &edition(0));
    }
}

#[test]
fn a_version_that_comes_back_is_read_as_what_it_was() {
    for config in subsets() {
        for check in [VersionCheck::EveryAccess, VersionCheck::Every(std::time::Duration::ZERO)] {
            let (layers, tables) = over_tables(&config, checked(check));
            let mut worker = layers.worker().unwrap();
            for number in [0, 1, 0, 2, 1, 0] {
                tables.publish(&name("us"), &edition(number));
                conformance::bundle_holds(&**worker.trial(&name("us")).unwrap().bundle(), &edition(number));
            }
        }
    }
}

#[test]
fn a_configuration_that_is_not_valid_is_refused_by_field() {
    type Change = fn(&mut OptimizationConfig);
    let changes: [(&str, Change); 7] = [
        ("cache_size_gb = NaN", |config| config.cache_size_gb = f64::NAN),
        ("cache_size_gb = -1", |config| config.cache_size_gb = -1.0),
        ("lru_maxsize = 0", |config| config.lru_maxsize = 0),
        ("tier2_maxsize = 0", |config| config.tier2_maxsize = 0),
        ("cache_size_limit = 0", |config| config.cache_size_limit = 0),
        ("max_bundle_pool_size = 0", |config| config.max_bundle_pool_size = 0),
        ("permanent_windows = [20, 20]", |config| config.permanent_windows = vec![20, 20]),
    ];
    for (says, change) in changes {
        let mut config = OptimizationConfig::default();
        change(&mut config);
        let error = Layers::over_tables(&config, Options::default(), Liar::new(0)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidOption { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_trial_on_a_version_keeps_to_it_while_others_follow_what_is_published() {
    for config in subsets().filter(|config| config.enable_caching) {
        let (layers, tables) = over_tables(&config, Options::default());
        tables.publish(&name("us"), &edition(0));
        let mut worker = layers.worker().unwrap();
        worker.trial(&name("us")).unwrap();
        for number in 1..5 {
            tables.publish(&name("us"), &edition(number));
            assert_eq!(worker.trial(&name("us")).unwrap().bundle().version(), edition(number).version());
            let pinned = worker.trial_on(&name("us"), edition(0).version()).unwrap();
            conformance::bundle_holds(&**pinned.bundle(), &edition(0));
        }
    }
}
