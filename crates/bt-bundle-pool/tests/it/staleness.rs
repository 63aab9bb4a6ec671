//! Over any sequence of publishing, reading, invalidating and passing time, a pool serves what the naive pool serves.

use std::sync::Arc;
use std::time::Duration;

use bt_bundle_pool::bt_core::BundleName;
use bt_bundle_pool::{BundlePool, Invalidate, PoolOptions, VersionCheck};
use proptest::prelude::*;

use crate::fake::{Fake, FakeClock, name, version_of};
use crate::oracle::Oracle;

const NAMES: usize = 3;
const INTERVAL: u64 = 10;

#[derive(Debug, Clone)]
enum Step {
    Publish(usize),
    Republish(usize),
    Get(usize),
    OpenVersion(usize, usize),
    InvalidateOne(usize),
    InvalidateAll,
    InvalidateIfChanged(usize),
    SetClock(u64),
    Tick(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES;
    prop_oneof![
        4 => name.clone().prop_map(Step::Publish),
        1 => name.clone().prop_map(Step::Republish),
        8 => name.clone().prop_map(Step::Get),
        2 => (name.clone(), 0usize..8).prop_map(|(name, back)| Step::OpenVersion(name, back)),
        1 => name.clone().prop_map(Step::InvalidateOne),
        1 => Just(Step::InvalidateAll),
        2 => name.prop_map(Step::InvalidateIfChanged),
        1 => (0u64..60).prop_map(Step::SetClock),
        5 => (0u64..=INTERVAL + 1).prop_map(Step::Tick),
    ]
}

fn policy() -> impl Strategy<Value = VersionCheck> {
    prop_oneof![
        Just(VersionCheck::EveryAccess),
        Just(VersionCheck::Every(Duration::from_millis(INTERVAL))),
        Just(VersionCheck::Never),
    ]
}

/// A pool, its source, and the truth about what was published and when.
struct World {
    pool: BundlePool<Arc<Fake>>,
    source: Arc<Fake>,
    names: Vec<BundleName>,
    clock: FakeClock,
    now: u64,
    published: Vec<Vec<u32>>,
    next_price: u32,
}

impl World {
    fn new(check: VersionCheck, max_bundles: usize) -> Self {
        let (source, clock) = (Fake::new(), FakeClock::default());
        let options = PoolOptions { version_check: check, max_bundles, ..PoolOptions::default() };
        let pool = BundlePool::with_clock(Arc::clone(&source), options, clock.reader()).unwrap();
        let names = (0..NAMES).map(|number| name(&format!("bundle-{number}"))).collect();
        let mut world =
            Self { pool, source, names, clock, now: 0, published: vec![Vec::new(); NAMES], next_price: 1 };
        (0..NAMES).for_each(|name| world.publish_new(name));
        world
    }

    fn publish_new(&mut self, name: usize) {
        self.publish(name, self.next_price);
        self.next_price += 1;
    }

    fn publish(&mut self, name: usize, price: u32) {
        self.source.publish(&self.names[name], price);
        self.published[name].push(price);
    }

    fn current(&self, name: usize) -> u32 {
        *self.published[name].last().unwrap()
    }

    fn set_clock(&mut self, now: u64) {
        self.now = now;
        self.clock.set_millis(now);
    }

    fn open_version(&self, name: usize, back: usize) -> (u32, u32) {
        let all = &self.published[name];
        let price = all[all.len().saturating_sub(1 + back)];
        (self.pool.open_version(&self.names[name], version_of(price)).unwrap().price(), price)
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 1500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_pool_with_room_serves_checks_and_opens_exactly_as_the_naive_one(
        check in policy(),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new(check, 100);
        let mut oracle = Oracle::default();
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Publish(name) => world.publish_new(name),
                Step::Republish(name) => world.publish(name, world.published[name][0]),
                Step::Get(name) => {
                    let served = world.pool.get(&world.names[name]).unwrap().price();
                    let expected = oracle.get(name, world.current(name), world.now, check);
                    prop_assert_eq!(served, expected, "step {} {:?}", number, step);
                }
                Step::OpenVersion(name, back) => {
                    let (served, asked) = world.open_version(name, back);
                    prop_assert_eq!(served, asked);
                }
                Step::InvalidateOne(name) => {
                    world.pool.force_invalidate(Invalidate::One(&world.names[name]));
                    oracle.open.remove(&name);
                }
                Step::InvalidateAll => {
                    world.pool.force_invalidate(Invalidate::All);
                    oracle.open.clear();
                }
                Step::InvalidateIfChanged(name) => {
                    let changed = world.pool.invalidate_if_version_changed(&world.names[name]).unwrap();
                    let expected = oracle.invalidate_if_changed(name, world.current(name), world.now);
                    prop_assert_eq!(changed, expected);
                }
                Step::SetClock(now) => world.set_clock(now),
                Step::Tick(millis) => world.set_clock(world.now + millis),
            }
            prop_assert_eq!(world.pool.stats().version_checks, oracle.checks);
            prop_assert_eq!(world.source.versions_asked(), oracle.checks);
        }
        let opened_as_current = oracle.loads;
        prop_assert!(world.source.opened() >= opened_as_current);
        if !steps.iter().any(|step| matches!(step, Step::OpenVersion(..))) {
            prop_assert_eq!(world.source.opened(), opened_as_current);
        }
    }

    /// With a limit that evicts, the naive pool no longer says what is open, but the promise is the same.
    #[test]
    fn a_pool_that_evicts_is_never_staler_than_asked_for(
        check in policy(),
        max_bundles in 1usize..4,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new(check, max_bundles);
        // For each name: the prices that an access may serve, with the time until which each was current.
        let mut allowed: Vec<Vec<(u32, u64)>> = (0..NAMES).map(|name| vec![(world.current(name), 0)]).collect();
        for step in &steps {
            match *step {
                Step::Publish(name) => {
                    allowed[name].last_mut().unwrap().1 = world.now;
                    world.publish_new(name);
                    allowed[name].push((world.current(name), world.now));
                }
                Step::Get(name) => {
                    let served = world.pool.get(&world.names[name]).unwrap().price();
                    let current = world.current(name);
                    let is_allowed = |&&(price, until): &&(u32, u64)| price == served && match check {
                        VersionCheck::Never => true,
                        VersionCheck::EveryAccess => false,
                        VersionCheck::Every(_) => world.now - until < INTERVAL,
                    };
                    prop_assert!(
                        served == current || allowed[name].iter().find(is_allowed).is_some(),
                        "{:?} served {} while {} was current, {:?}", step, served, current, allowed[name]
                    );
                }
                Step::OpenVersion(name, back) => {
                    let (served, asked) = world.open_version(name, back);
                    prop_assert_eq!(served, asked);
                }
                Step::InvalidateOne(name) | Step::InvalidateIfChanged(name) => {
                    match step {
                        Step::InvalidateOne(_) => {
                            world.pool.force_invalidate(Invalidate::One(&world.names[name]));
                        }
                        _ => _ = world.pool.invalidate_if_version_changed(&world.names[name]).unwrap(),
                    }
                    allowed[name] = vec![(world.current(name), world.now)];
                }
                Step::InvalidateAll => {
                    world.pool.force_invalidate(Invalidate::All);
                    (0..NAMES).for_each(|name| allowed[name] = vec![(world.current(name), world.now)]);
                }
                // This test is about a clock that goes forward.
                Step::SetClock(millis) | Step::Tick(millis) => world.set_clock(world.now + millis),
                Step::Republish(_) => (),
            }
            let stats = world.pool.stats().cache;
            prop_assert!(stats.entries <= max_bundles && stats.bytes <= stats.max_bytes);
        }
    }
}
