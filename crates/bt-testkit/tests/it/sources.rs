//! Wrong sources of bundles.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bt_core::{BundleName, BundleSource, BundleVersion, Error, ErrorKind, Result};
use bt_testkit::{FakeSource, MarketData, MemoryBundle, conformance};
use parking_lot::Mutex;

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    StaleVersion,
    StaleOpen,
    NowAndThenStaleOpen,
    VersionOfClosesAlone,
    VersionOfPricesAlone,
    VersionOfMetadata,
    VersionsThatShareAnIdentifiersTag,
    AnyNameWillDo,
    PinsTheCurrentVersion,
    PinsWhateverNameHadTheVersion,
    PinsUnderNamesThatDoNotExist,
    OldVersionsWithNewBars,
    MissingIsAnIoError,
    MissingIsEmpty,
    MissingVersionIsAMissingBundle,
    Rounds,
}

#[derive(Default)]
struct Published {
    first: HashMap<BundleName, Arc<MemoryBundle>>,
    current: HashMap<BundleName, Arc<MemoryBundle>>,
    by_version: HashMap<BundleVersion, (BundleName, Arc<MemoryBundle>)>,
    latest: Option<Arc<MemoryBundle>>,
}

struct Wrong {
    fault: Fault,
    right: FakeSource,
    published: Mutex<Published>,
    opens: AtomicUsize,
}

impl Wrong {
    fn new(fault: Fault) -> Self {
        Self { fault, right: FakeSource::default(), published: Mutex::default(), opens: AtomicUsize::new(0) }
    }

    fn publish(&self, name: &BundleName, data: &MarketData) {
        self.right.publish(name, data);
        let bundle = Arc::new(MemoryBundle::with_version(&self.held(data), self.version_of(data)));
        let mut published = self.published.lock();
        published.first.entry(name.clone()).or_insert_with(|| Arc::clone(&bundle));
        published.by_version.insert(bundle_version(&bundle), (name.clone(), Arc::clone(&bundle)));
        published.current.insert(name.clone(), Arc::clone(&bundle));
        published.latest = Some(bundle);
    }

    fn held(&self, data: &MarketData) -> MarketData {
        let mut held = data.clone();
        if self.fault == Fault::Rounds {
            let values = held.assets.iter_mut().flat_map(|asset| &mut asset.columns).flatten();
            values.for_each(|value| *value = (*value * 10.0).round() / 10.0);
        }
        held
    }

    fn version_of(&self, data: &MarketData) -> BundleVersion {
        let mut seen = data.clone();
        let forget = |columns: std::ops::Range<usize>, seen: &mut MarketData| {
            for asset in &mut seen.assets {
                asset.columns[columns.clone()].iter_mut().flatten().for_each(|value| *value = 0.0);
            }
        };
        match self.fault {
            Fault::VersionOfClosesAlone => {
                forget(0..3, &mut seen);
                forget(4..5, &mut seen);
            }
            Fault::VersionOfPricesAlone => forget(4..5, &mut seen),
            Fault::VersionOfMetadata => forget(0..5, &mut seen),
            _ => {}
        }
        let mut version = seen.version();
        if self.fault == Fault::VersionsThatShareAnIdentifiersTag {
            version.0[..4].fill(7);
        }
        version
    }

    fn current(&self, name: &BundleName) -> Result<Arc<MemoryBundle>> {
        let published = self.published.lock();
        if let (Fault::AnyNameWillDo, Some(_), Some(latest)) =
            (self.fault, published.current.get(name), &published.latest)
        {
            return Ok(Arc::clone(latest));
        }
        published.current.get(name).cloned().ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &BundleName) -> Error {
        match self.fault {
            Fault::MissingIsAnIoError => Error::io("open", std::io::ErrorKind::NotFound.into()),
            _ => ErrorKind::BundleNotFound { name: name.clone(), nearest: vec![] }.into(),
        }
    }

    fn empty() -> Arc<MemoryBundle> {
        Arc::new(bt_testkit::Market::common(1, 0, 0).generate().bundle())
    }
}

fn bundle_version(bundle: &MemoryBundle) -> BundleVersion {
    bt_core::Bundle::version(bundle)
}

impl BundleSource for Wrong {
    type Bundle = MemoryBundle;

    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        match (self.fault, self.published.lock().first.get(name)) {
            (Fault::StaleVersion, Some(first)) => return Ok(bundle_version(first)),
            (Fault::MissingIsEmpty, None) => return Ok(bundle_version(&Self::empty())),
            _ => {}
        }
        self.current(name).map(|bundle| bundle_version(&bundle))
    }

    fn open(&self, name: &BundleName) -> Result<Arc<MemoryBundle>> {
        let opens = self.opens.fetch_add(1, Ordering::Relaxed);
        match (self.fault, self.published.lock().first.get(name)) {
            (Fault::StaleOpen, Some(first)) => return Ok(Arc::clone(first)),
            (Fault::NowAndThenStaleOpen, Some(first)) if opens % 5 == 4 => return Ok(Arc::clone(first)),
            (Fault::MissingIsEmpty, None) => return Ok(Self::empty()),
            _ => {}
        }
        self.current(name)
    }

    fn open_version(&self, name: &BundleName, version: BundleVersion) -> Result<Arc<MemoryBundle>> {
        let current = self.current(name);
        let kept = self.published.lock().by_version.get(&version).cloned();
        match (self.fault, current, kept) {
            (Fault::PinsTheCurrentVersion, Ok(current), _) => return Ok(current),
            (Fault::PinsWhateverNameHadTheVersion, Ok(_), Some((_, kept))) => return Ok(kept),
            (Fault::PinsUnderNamesThatDoNotExist, Err(_), Some((_, kept))) => return Ok(kept),
            (Fault::OldVersionsWithNewBars, Ok(_), Some((had, _))) if had == *name => {
                return Ok(Arc::new(relabelled(&*self.right.open(name)?, version)));
            }
            (Fault::MissingVersionIsAMissingBundle, Ok(_), None) => return Err(self.missing(name)),
            (_, Ok(current), _) if bundle_version(&current) == version => return Ok(current),
            (_, Err(missing), _) => return Err(missing),
            _ => {}
        }
        Err(ErrorKind::VersionNotFound { name: name.clone(), version }.into())
    }
}

/// The bars of one version under another's name.
fn relabelled(bundle: &MemoryBundle, version: BundleVersion) -> MemoryBundle {
    let bars = |id| bt_core::Bundle::bars(bundle, id).unwrap();
    let assets = bt_core::Bundle::assets(bundle);
    let asset = |(id, name): (bt_core::AssetId, &str)| bt_testkit::AssetData {
        name: name.to_owned(),
        timestamps: bars(id).timestamps().to_vec(),
        columns: bt_core::Field::OHLCV.map(|field| bars(id).field(field).to_vec()),
    };
    let data = MarketData {
        frequency: bt_core::Bundle::frequency(bundle),
        assets: assets.ids().zip(assets.names()).map(asset).collect(),
    };
    MemoryBundle::with_version(&data, version)
}

#[test]
fn a_source_that_breaks_a_promise_is_caught_by_it() {
    for (fault, says) in [
        (Fault::None, "nothing is wrong"),
        (Fault::StaleVersion, "what is opened is not of the version that is said to be current"),
        (Fault::StaleOpen, "differ"),
        (Fault::NowAndThenStaleOpen, "differ"),
        (Fault::VersionOfClosesAlone, "a corrected open kept the version"),
        (Fault::VersionOfPricesAlone, "a corrected volume kept the version"),
        (Fault::VersionOfMetadata, "a corrected open kept the version"),
        (
            Fault::VersionsThatShareAnIdentifiersTag,
            "an identifier of the old version was accepted by the new one",
        ),
        (Fault::AnyNameWillDo, "the assets differ"),
        (Fault::PinsTheCurrentVersion, "conformance never had version"),
        (Fault::PinsWhateverNameHadTheVersion, "conformance never had version"),
        (
            Fault::PinsUnderNamesThatDoNotExist,
            "a bundle that does not exist was opened by a version of another",
        ),
        (Fault::OldVersionsWithNewBars, "open of A0001 differs"),
        (
            Fault::MissingIsAnIoError,
            "a missing bundle must be refused with `ErrorKind::BundleNotFound` and its name, no-such-bundle; got `ErrorKind::Io`: open: ",
        ),
        (Fault::MissingIsEmpty, "a missing bundle was found"),
        (
            Fault::MissingVersionIsAMissingBundle,
            "a version that never was must be refused with `ErrorKind::VersionNotFound`; got `ErrorKind::BundleNotFound`: no ",
        ),
        (Fault::Rounds, "differs"),
    ] {
        let source = Wrong::new(fault);
        let verdict =
            verdict(|| conformance::bundle_source(&source, |name, data| source.publish(name, data)));
        assert!(verdict.contains(says), "{fault:?}: {verdict}");
    }
}
