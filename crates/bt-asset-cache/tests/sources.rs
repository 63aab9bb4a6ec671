//! Tables as sources of bundles: conformance, one load, and what happens when a table changes under a reader.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use bt_asset_cache::{Filtered, FilteredBars, Grouped, GroupedBars, GroupedCache, Table, TableSource};
use bt_core::{Bundle, BundleName, BundleSource, BundleVersion, ErrorKind, Field, Result};
use bt_testkit::{Behaviour, FakeTables, Gate, Layout, Market, MarketData, RowOrder, conformance};

fn name() -> BundleName {
    BundleName::new("daily").unwrap()
}

fn market() -> MarketData {
    Market::staggered(3, 5, 60, 20).with_gaps(0.1).generate()
}

fn layouts() -> Vec<Layout> {
    let orders = [RowOrder::ByAsset, RowOrder::ByTime, RowOrder::Shuffled(1)];
    let encodings =
        [Layout::default(), Layout::decimals_and_dates(), Layout { dictionary: true, ..Layout::default() }];
    let mut layouts = Vec::new();
    for (order, encoding) in
        orders.iter().flat_map(|order| encodings.iter().map(move |encoding| (order, encoding)))
    {
        for batch_rows in [usize::MAX, 17] {
            layouts.push(Layout { order: *order, batch_rows, ..encoding.clone() });
        }
    }
    layouts
}

/// Sixteen threads that do the same at the same time.
fn sixteen<R: Send>(run: impl Fn() -> R + Sync) -> Vec<R> {
    let barrier = std::sync::Barrier::new(16);
    thread::scope(|scope| {
        let one = || {
            barrier.wait();
            run()
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn bars_with_and_without_layer_1_are_bundles_whatever_the_table_looks_like() {
    let data = market();
    for layout in layouts() {
        let table = data.table(&layout);
        let grouped = GroupedBars::from_table(&table).unwrap();
        conformance::bundle(&grouped);
        conformance::bundle_holds(&grouped, &data);
        assert_eq!(grouped.content_version(), data.version(), "{layout:?}");
        let filtered = FilteredBars::from_table(table).unwrap();
        conformance::bundle(&filtered);
        conformance::bundle_holds(&filtered, &data);
    }
}

#[test]
fn tables_with_and_without_layer_1_are_sources_of_bundles() {
    let tables = Arc::new(FakeTables::default());
    let publish = |name: &BundleName, data: &MarketData| {
        tables.publish(name, data, &Layout::default());
    };
    conformance::bundle_source(&Grouped::new(Arc::clone(&tables)), publish);
    let tables = Arc::new(FakeTables::default());
    conformance::bundle_source(&Filtered(Arc::clone(&tables)), |name, data| {
        tables.publish(name, data, &Layout::default());
    });
}

/// One table, whatever name it is asked for by.
#[derive(Debug)]
struct OneTable(Table);

impl TableSource for OneTable {
    fn version(&self, _: &BundleName) -> Result<BundleVersion> {
        Ok(self.0.version)
    }

    fn read(&self, _: &BundleName) -> Result<Table> {
        Ok(self.0.clone())
    }
}

#[test]
fn rows_that_cannot_be_grouped_are_named_by_their_table_and_counted_from_1() {
    let mut table = market().table(&Layout::default());
    table.columns.timestamp = "when".into();
    let starts = "table daily, batch 1: there is no column \"when\"; the columns are asset, ";
    let grouped = Grouped::new(OneTable(table.clone())).open(&name()).unwrap_err().to_string();
    assert!(grouped.starts_with(starts) && grouped.ends_with("in `Table::columns`"), "{grouped}");
    let filtered = Filtered(OneTable(table)).open(&name()).unwrap_err().to_string();
    assert!(filtered.starts_with(starts), "{filtered}");
}

#[test]
fn sixteen_threads_on_one_missing_table_read_it_once() {
    let tables = Arc::new(FakeTables::default());
    tables.publish(&name(), &market(), &Layout::default());
    let gate = Gate::new();
    tables.then(Behaviour::Block(Arc::clone(&gate)));
    let source = Grouped::new(Arc::clone(&tables));
    let bundles = thread::scope(|scope| {
        scope.spawn(|| {
            gate.wait_until_somebody_waits();
            gate.open();
        });
        sixteen(|| source.open(&name()).unwrap())
    });
    assert!(bundles.iter().all(|bundle| Arc::ptr_eq(bundle, &bundles[0])));
    assert_eq!(tables.reads(), 1);
    assert_eq!(source.cache().stats().loads, 1);
}

#[test]
fn a_kept_version_is_opened_without_reading_the_table_again() {
    let tables = Arc::new(FakeTables::default());
    let first = tables.publish(&name(), &market(), &Layout::default());
    let source = Grouped::new(Arc::clone(&tables));
    let bundle = source.open(&name()).unwrap();
    tables.publish(&name(), &market().with_corrected_close(0, 0), &Layout::default());
    let reads = tables.reads();
    assert!(Arc::ptr_eq(&source.open_version(&name(), first).unwrap(), &bundle));
    assert_eq!(tables.reads(), reads);
}

#[test]
fn a_corrected_price_is_another_bundle_and_identifiers_do_not_travel() {
    let tables = Arc::new(FakeTables::default());
    let data = market();
    tables.publish(&name(), &data, &Layout::default());
    let source = Grouped::new(Arc::clone(&tables));
    let old = source.open(&name()).unwrap();
    let corrected = data.clone().with_corrected_close(0, 7);
    tables.publish(&name(), &corrected, &Layout::default());
    let new = source.open(&name()).unwrap();
    assert_ne!(old.version(), new.version());
    conformance::bundle_holds(&*old, &data);
    conformance::bundle_holds(&*new, &corrected);
    let asset = old.assets().ids().next().unwrap();
    assert!(matches!(new.bars(asset).unwrap_err().kind(), ErrorKind::ForeignAsset { .. }));
    let slice = old.slice(data.calendar()[3], data.calendar()[30]).unwrap();
    assert!(matches!(slice.bars(asset).unwrap_err().kind(), ErrorKind::ForeignAsset { .. }));
}

#[test]
fn a_failed_or_panicking_read_is_not_kept() {
    let tables = Arc::new(FakeTables::default());
    tables.publish(&name(), &market(), &Layout::default());
    let source = Grouped::new(Arc::clone(&tables));
    tables.then(Behaviour::Fail("disk on fire".into()));
    assert_eq!(source.open(&name()).unwrap_err().to_string(), "disk on fire");
    tables.then(Behaviour::Panic("a bug".into()));
    assert!(thread::scope(|scope| scope.spawn(|| source.open(&name())).join()).is_err());
    conformance::bundle_holds(&*source.open(&name()).unwrap(), &market());
    assert_eq!(tables.reads(), 3);
}

#[test]
fn layer_1_off_reads_the_table_for_every_opening() {
    let tables = Arc::new(FakeTables::default());
    tables.publish(&name(), &market(), &Layout::decimals_and_dates());
    let source = Filtered(Arc::clone(&tables));
    for opened in 1..=3 {
        source.open(&name()).unwrap();
        assert_eq!(tables.reads(), opened);
    }
}

/// A table that is replaced after its version was asked for and before it is read, so many times.
struct Slippery {
    editions: Vec<Table>,
    current: AtomicUsize,
    slips: Mutex<usize>,
}

impl Slippery {
    fn new(slips: usize) -> Self {
        let edition = |edition| market().with_corrected_close(0, edition).table(&Layout::default());
        Self {
            editions: (0..20).map(edition).collect(),
            current: AtomicUsize::new(0),
            slips: Mutex::new(slips),
        }
    }
}

impl TableSource for Slippery {
    fn version(&self, _: &BundleName) -> Result<BundleVersion> {
        Ok(self.editions[self.current.load(Ordering::SeqCst)].version)
    }

    fn read(&self, _: &BundleName) -> Result<Table> {
        let mut slips = self.slips.lock().unwrap();
        if *slips > 0 {
            *slips -= 1;
            self.current.fetch_add(1, Ordering::SeqCst);
        }
        Ok(self.editions[self.current.load(Ordering::SeqCst)].clone())
    }
}

fn is_what_its_version_says(bundle: &GroupedBars) -> bool {
    let is_edition = |edition: usize| {
        let data = market().with_corrected_close(0, edition);
        let close = bundle.bars(bundle.assets().ids().next().unwrap()).unwrap().field(Field::CLOSE);
        data.version() == bundle.version() && close == data.assets[0].columns[3]
    };
    (0..20).any(is_edition)
}

#[test]
fn a_table_that_changes_while_it_is_opened_is_never_kept_under_its_old_version() {
    let source = Grouped::new(Slippery::new(1));
    let (old, new) = (source.tables().editions[0].version, source.tables().editions[1].version);
    let opened = source.open(&name()).unwrap();
    assert_eq!(opened.version(), new);
    assert!(is_what_its_version_says(&opened));
    assert!(source.cache().get(&old).is_none());
    assert!(Arc::ptr_eq(&source.cache().get(&new).unwrap(), &opened));
    let gone = source.open_version(&name(), old).unwrap_err();
    assert!(matches!(gone.kind(), ErrorKind::VersionNotFound { .. }), "{gone}");
}

#[test]
fn a_pinned_version_that_is_replaced_meanwhile_is_not_found() {
    let source = Grouped::new(Slippery::new(1));
    let old = source.version(&name()).unwrap();
    let gone = source.open_version(&name(), old).unwrap_err();
    assert!(matches!(gone.kind(), ErrorKind::VersionNotFound { version, .. } if *version == old), "{gone}");
    let gone = Filtered(Slippery::new(1)).open_version(&name(), old).unwrap_err();
    assert!(matches!(gone.kind(), ErrorKind::VersionNotFound { .. }), "{gone}");
}

#[test]
fn threads_that_open_a_changing_table_all_get_what_some_version_says() {
    for slips in 0..6 {
        let source = Grouped::new(Slippery::new(slips));
        for opened in sixteen(|| source.open(&name())) {
            assert!(is_what_its_version_says(&opened.unwrap()));
        }
    }
}

#[test]
fn two_sources_share_a_cache_by_version() {
    let cache = GroupedCache::default();
    let tables = Arc::new(FakeTables::default());
    let version = tables.publish(&name(), &market(), &Layout::default());
    let (one, two) = (
        Grouped::with_cache(Arc::clone(&tables), cache.clone()),
        Grouped::with_cache(Arc::clone(&tables), cache.clone()),
    );
    assert!(Arc::ptr_eq(&one.open(&name()).unwrap(), &two.open(&name()).unwrap()));
    assert_eq!((tables.reads(), cache.stats().entries), (1, 1));
    let mut worker = cache.handle();
    let load = || unreachable!("it is kept");
    assert_eq!(worker.get_or_load(&version, load).unwrap().version(), version);
    assert!(worker.get(&version).is_some());
}
