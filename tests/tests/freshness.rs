//! What a new version means for those who read: seen as each policy promises, and never in mid-trial.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bt_bundle::Store;
use bt_core::{BundleName, BundleVersion, ErrorKind, Field};
use bt_layers::{Invalidate, Layers, OptimizationConfig, Options, VersionCheck};
use bt_testkit::{Market, MarketData, conformance};

struct Published {
    _folder: tempfile::TempDir,
    store: Store,
    name: BundleName,
    data: MarketData,
}

fn published() -> Published {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    let (name, data) = (BundleName::new("fresh").unwrap(), Market::common(1, 3, 40).generate());
    store.publish(&name, &data.bundle(), "a test").unwrap();
    Published { _folder: folder, store, name, data }
}

impl Published {
    fn layers(&self, version_check: VersionCheck) -> Layers {
        let options = Options { version_check, ..Options::default() };
        Layers::over_bundles(&OptimizationConfig::default(), options, self.store.clone()).unwrap()
    }

    /// Publishes the data with one change of a kind.
    fn correct(&self, change: impl FnOnce(&mut MarketData)) -> (MarketData, BundleVersion) {
        let mut data = self.data.clone();
        change(&mut data);
        let version = self.store.publish(&self.name, &data.bundle(), "a correction").unwrap().version;
        (data, version)
    }
}

#[test]
fn a_corrected_price_volume_or_date_is_seen_by_the_next_trial_where_every_access_checks() {
    let corrections: [fn(&mut MarketData); 3] = [
        |data| data.assets[1].columns[3][7] += 0.01,
        |data| data.assets[1].columns[4][7] += 1.0,
        |data| data.assets[1].timestamps[39] = data.assets[1].timestamps[39].plus_seconds(60),
    ];
    let published = published();
    let layers = published.layers(VersionCheck::EveryAccess);
    let mut worker = layers.worker().unwrap();
    let mut seen = vec![worker.trial(&published.name).unwrap().bundle().version()];
    for correction in corrections {
        let (data, version) = published.correct(correction);
        let trial = worker.trial(&published.name).unwrap();
        conformance::bundle_holds(&**trial.bundle(), &data);
        assert_eq!(trial.bundle().version(), version);
        assert!(!seen.contains(&version), "a correction kept a version");
        seen.push(version);
    }
}

#[test]
fn without_checks_a_new_version_is_seen_after_an_invalidation() {
    let published = published();
    let layers = published.layers(VersionCheck::Never);
    let mut worker = layers.worker().unwrap();
    let old = worker.trial(&published.name).unwrap().bundle().version();
    let (_, new) = published.correct(|data| data.assets[0].columns[0][0] += 1.0);
    assert_eq!(worker.trial(&published.name).unwrap().bundle().version(), old);
    layers.invalidate(Invalidate::One(&published.name));
    assert_eq!(worker.trial(&published.name).unwrap().bundle().version(), new);
}

#[test]
fn under_an_interval_of_nothing_every_trial_checks() {
    let published = published();
    let layers = published.layers(VersionCheck::Every(Duration::ZERO));
    let mut worker = layers.worker().unwrap();
    worker.trial(&published.name).unwrap();
    let (_, new) = published.correct(|data| data.assets[0].columns[0][0] += 1.0);
    assert_eq!(worker.trial(&published.name).unwrap().bundle().version(), new);
}

#[test]
fn a_trial_keeps_its_version_whatever_is_published_and_collected_meanwhile() {
    let published = published();
    let layers = published.layers(VersionCheck::EveryAccess);
    let mut worker = layers.worker().unwrap();
    let trial = worker.trial(&published.name).unwrap();
    let portal = trial.portal();
    let mut moments = portal.moments();
    moments.nth(9);
    let (data, _) =
        published.correct(|data| data.assets[0].columns[3].iter_mut().for_each(|close| *close = 1.0));
    published.store.gc(&published.name, 1).unwrap();
    for (bar, moment) in moments.enumerate() {
        let asset = portal.assets().id(&published.data.assets[0].name).unwrap();
        let window = moment.window(asset, Field::CLOSE, 1).unwrap();
        assert_eq!(window, [published.data.assets[0].columns[3][10 + bar]]);
    }
    let next = layers.worker().unwrap().trial(&published.name).unwrap().bundle().clone();
    conformance::bundle_holds(&*next, &data);
}

#[test]
fn a_pinned_sweep_reads_one_version_in_every_trial() {
    let published = published();
    let layers = published.layers(VersionCheck::EveryAccess);
    let mut worker = layers.worker().unwrap();
    let pinned = published.data.version();
    for _trial in 0..3 {
        let trial = worker.trial_on(&published.name, pinned).unwrap();
        conformance::bundle_holds(&**trial.bundle(), &published.data);
        drop(trial);
        published.correct(|data| data.assets[0].columns[3][0] += 1.0);
    }
    let unknown = worker.trial_on(&published.name, BundleVersion([7; 32])).unwrap_err();
    assert!(matches!(unknown.kind(), ErrorKind::VersionNotFound { .. }), "{unknown}");
}

#[test]
fn an_identifier_of_yesterdays_version_is_refused_by_todays() {
    let published = published();
    let layers = published.layers(VersionCheck::EveryAccess);
    let mut worker = layers.worker().unwrap();
    let old = worker.trial(&published.name).unwrap().portal().assets().ids().next().unwrap();
    published.correct(|data| data.assets[0].columns[3][0] += 1.0);
    let trial = worker.trial(&published.name).unwrap();
    let portal = trial.portal();
    let error = portal.moments().next_back().unwrap().window(old, Field::CLOSE, 1).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ForeignAsset { .. }), "{error}");
}
