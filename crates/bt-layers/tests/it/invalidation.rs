//! What an invalidation forgets, and what it leaves alone.

use std::sync::Arc;
use std::thread;

use bt_layers::bt_core::{ErrorKind, Field};
use bt_layers::bt_dataportal::Request;
use bt_layers::{Invalidate, OptimizationConfig, Options, VersionCheck};
use bt_testkit::{Behaviour, Gate};

use crate::{checked, edition, name, over_tables, subsets};

#[test]
fn invalidating_one_name_leaves_the_bars_of_every_other() {
    let (layers, tables) = over_tables(&OptimizationConfig::default(), Options::default());
    let names = ["a", "b", "c"].map(name);
    let mut worker = layers.worker().unwrap();
    for (number, name) in names.iter().enumerate() {
        tables.publish(name, &edition(number));
        worker.trial(name).unwrap();
    }
    layers.invalidate(Invalidate::One(&names[1]));
    assert_eq!(layers.stats().grouped.unwrap().entries, 2);
    names.iter().for_each(|name| drop(worker.trial(name).unwrap()));
    assert_eq!(tables.0.reads(), 4, "only b is read again");
    layers.invalidate(Invalidate::All);
    names.iter().for_each(|name| drop(worker.trial(name).unwrap()));
    assert_eq!(tables.0.reads(), 7);
    layers.invalidate(Invalidate::One(&name("unheard-of")));
    assert_eq!(layers.stats().grouped.unwrap().entries, 3);
}

#[test]
fn every_version_of_an_invalidated_name_is_forgotten() {
    let (layers, tables) = over_tables(&OptimizationConfig::default(), Options::default());
    let mut worker = layers.worker().unwrap();
    for number in 0..3 {
        tables.publish(&name("us"), &edition(number));
        worker.trial(&name("us")).unwrap();
    }
    assert!(worker.trial_on(&name("us"), edition(0).version()).is_ok());
    layers.invalidate(Invalidate::One(&name("us")));
    assert_eq!(layers.stats().grouped.unwrap().entries, 0);
    let gone = worker.trial_on(&name("us"), edition(0).version()).unwrap_err();
    assert!(matches!(gone.kind(), ErrorKind::VersionNotFound { .. }), "{gone}");
}

#[test]
fn what_is_being_read_during_an_invalidation_is_not_kept() {
    for config in subsets().filter(|config| config.enable_bundle_pooling) {
        for all in [false, true] {
            let (layers, tables) = over_tables(&config, checked(VersionCheck::Never));
            tables.publish(&name("us"), &edition(0));
            let gate = Gate::new();
            tables.0.then(Behaviour::Block(Arc::clone(&gate)));
            let early = {
                let layers = layers.clone();
                thread::spawn(move || layers.worker().unwrap().trial(&name("us")).unwrap().bundle().version())
            };
            gate.wait_until_somebody_waits();
            let us = name("us");
            layers.invalidate(if all { Invalidate::All } else { Invalidate::One(&us) });
            gate.open();
            assert_eq!(early.join().unwrap(), edition(0).version());
            assert_eq!(layers.stats().grouped.map_or(0, |grouped| grouped.entries), 0);
            layers.worker().unwrap().trial(&name("us")).unwrap();
            assert_eq!(tables.0.reads(), 2);
        }
    }
}

#[test]
fn an_invalidation_reaches_the_workers_that_have_stacks_of_their_own() {
    for config in subsets().filter(|config| !config.enable_bundle_pooling) {
        let (layers, tables) = over_tables(&config, checked(VersionCheck::Never));
        tables.publish(&name("us"), &edition(0));
        let mut workers: Vec<_> = (0..3).map(|_| layers.worker().unwrap()).collect();
        workers.iter_mut().for_each(|worker| drop(worker.trial(&name("us")).unwrap()));
        tables.publish(&name("us"), &edition(1));
        layers.invalidate(Invalidate::One(&name("us")));
        for worker in &mut workers {
            assert_eq!(worker.trial(&name("us")).unwrap().bundle().version(), edition(1).version());
        }
    }
}

#[test]
fn kept_windows_go_with_everything_and_stay_where_one_name_goes() {
    let (layers, tables) = over_tables(&OptimizationConfig::default(), Options::default());
    tables.publish(&name("us"), &edition(0));
    let mut worker = layers.worker().unwrap();
    let mut read = || {
        let mut trial = worker.trial(&name("us")).unwrap();
        let (portal, history) = trial.parts();
        let (asset, fields) = (portal.assets().ids().next().unwrap(), [Field::CLOSE]);
        let moment = portal.moments().next_back().unwrap();
        let request = Request::new(asset, &fields, 20);
        assert_eq!(history.unwrap().frame(&moment.history(request).unwrap()).unwrap().num_rows(), 20);
    };
    let entries = || layers.stats().history.unwrap().tier1.entries;
    read();
    assert_eq!(entries(), 1);
    layers.invalidate(Invalidate::One(&name("us")));
    assert_eq!(entries(), 1);
    layers.invalidate(Invalidate::All);
    assert_eq!(entries(), 0);
    read();
    assert_eq!(entries(), 1);
}

#[test]
fn windows_of_a_version_that_was_replaced_make_room_for_those_of_the_new_one() {
    let (layers, tables) = over_tables(&OptimizationConfig::default(), Options::default());
    let mut worker = layers.worker().unwrap();
    for number in 0..5 {
        let published = tables.publish(&name("us"), &edition(number));
        for pinned in [false, true, false] {
            let trial = match pinned {
                true => worker.trial_on(&name("us"), published),
                false => worker.trial(&name("us")),
            };
            let mut trial = trial.unwrap();
            let (portal, history) = trial.parts();
            let (asset, fields) = (portal.assets().ids().next().unwrap(), [Field::CLOSE]);
            let moment = portal.moments().next_back().unwrap();
            let request = Request::new(asset, &fields, 20);
            history.unwrap().frame(&moment.history(request).unwrap()).unwrap();
            assert_eq!(layers.stats().history.unwrap().tier1.entries, 1, "after edition {number}");
        }
    }
    assert_eq!(layers.stats().history.unwrap().tier1.loads, 5);
}

#[test]
fn the_current_version_is_told_without_opening_and_pins_a_sweep() {
    for config in subsets() {
        let (layers, tables) = over_tables(&config, Options::default());
        let pinned = tables.publish(&name("us"), &edition(0));
        assert_eq!(layers.version(&name("us")).unwrap(), pinned);
        assert_eq!(layers.stats().pool.cache.loads, 0);
        let mut worker = layers.worker().unwrap();
        assert_eq!(worker.trial_on(&name("us"), pinned).unwrap().bundle().version(), pinned);
        assert!(matches!(layers.version(&name("uk")).unwrap_err().kind(), ErrorKind::BundleNotFound { .. }));
    }
}
