//! Every source and every decorator keeps the promises of the traits.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::sync::Arc;

use bt_asset_cache::{Filtered, FilteredBars, Grouped, GroupedBars, TableColumns};
use bt_bundle::{OpenMode, OpenOptions, ParquetTables, Store};
use bt_bundle_pool::{BundlePool, PoolOptions};
use bt_core::{Bundle, BundleName, erase};
use bt_testkit::{FakeSource, FakeTables, Layout, Market, MarketData, RowOrder, conformance};
use parquet::arrow::ArrowWriter;

fn markets() -> Vec<MarketData> {
    vec![
        Market::common(1, 3, 40).generate(),
        Market::staggered(2, 4, 50, 10).generate(),
        Market::staggered(3, 3, 60, 30).with_gaps(0.2).with_missing(0.05).generate(),
        Market::common(4, 1, 1).generate(),
    ]
}

fn publish(store: &Store, name: &BundleName, data: &MarketData) {
    store.publish(name, &data.bundle(), "a test").unwrap();
}

#[test]
fn a_store_keeps_the_promises_of_a_source_however_it_opens() {
    for mode in [OpenMode::Map, OpenMode::Read] {
        for verify in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::create(folder.path()).unwrap().with_options(OpenOptions { mode, verify });
            conformance::bundle_source(&store, |name, data| publish(&store, name, data));
        }
    }
}

#[test]
fn a_pool_a_pool_of_pools_and_an_erased_pool_keep_the_promises_of_a_source() {
    let source = Arc::new(FakeSource::default());
    let publish = |name: &BundleName, data: &MarketData| {
        source.publish(name, data);
    };
    let pool = BundlePool::new(Arc::clone(&source), PoolOptions::default()).unwrap();
    conformance::bundle_source(&pool, publish);
    let pool = BundlePool::new(pool, PoolOptions::default()).unwrap();
    conformance::bundle_source(&pool, publish);
}

#[test]
fn a_pool_over_a_store_keeps_the_promises_of_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    let pool = BundlePool::new(store.clone(), PoolOptions::default()).unwrap();
    conformance::bundle_source(&pool, |name, data| publish(&store, name, data));
}

#[test]
fn grouped_and_filtered_tables_keep_the_promises_of_a_source() {
    for layout in [
        Layout::default(),
        Layout { order: RowOrder::Shuffled(7), batch_rows: 13, ..Layout::decimals_and_dates() },
    ] {
        let tables = Arc::new(FakeTables::default());
        let publish = |name: &BundleName, data: &MarketData| {
            tables.publish(name, data, &layout);
        };
        conformance::bundle_source(&Grouped::new(Arc::clone(&tables)), publish);
        let tables = Arc::new(FakeTables::default());
        let publish = |name: &BundleName, data: &MarketData| {
            tables.publish(name, data, &layout);
        };
        conformance::bundle_source(&Filtered(Arc::clone(&tables)), publish);
    }
}

#[test]
fn parquet_files_keep_the_promises_of_a_source_of_tables() {
    let folder = tempfile::tempdir().unwrap();
    let columns = Layout::decimals_and_dates().columns;
    let tables = ParquetTables { columns, ..ParquetTables::in_folder(folder.path()) };
    conformance::table_source(&tables, |name, data| {
        let table = data.table(&Layout::decimals_and_dates());
        // As a vendor replaces a file: written beside it, then renamed over it.
        let (new, path) = (folder.path().join("new"), folder.path().join(format!("{name}.parquet")));
        let mut writer =
            ArrowWriter::try_new(File::create(&new).unwrap(), table.batches[0].schema(), None).unwrap();
        table.batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.close().unwrap();
        fs::rename(new, path).unwrap();
    });
}

#[test]
fn every_kind_of_bundle_holds_the_same_bars() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    for (number, data) in markets().iter().enumerate() {
        let name = BundleName::new(&format!("market-{number}")).unwrap();
        publish(&store, &name, data);
        let table = || data.table(&Layout { order: RowOrder::Shuffled(number as u64), ..Layout::default() });
        let source = FakeSource::default();
        source.publish(&name, data);
        let bundles: [Arc<dyn Bundle>; 5] = [
            Arc::new(data.bundle()),
            Arc::new(data.bundle().without_slab()),
            Arc::new(GroupedBars::from_table(&table()).unwrap()),
            Arc::new(FilteredBars::from_table(table()).unwrap()),
            erase(store.clone()).open(&name).unwrap(),
        ];
        for bundle in &bundles {
            conformance::bundle(&**bundle);
            conformance::bundle_holds(&**bundle, data);
        }
        // The last one is mapped.
        bundles[..4].iter().for_each(|bundle| conformance::bundle_on_the_heap(&**bundle));
    }
}

#[test]
fn memory_tables_and_disk_agree_on_what_a_version_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    for (number, data) in markets().iter().enumerate() {
        let name = BundleName::new(&format!("market-{number}")).unwrap();
        let published = store.publish(&name, &data.bundle(), "a test").unwrap().version;
        let grouped = GroupedBars::from_table(&data.table(&Layout::default())).unwrap();
        assert_eq!(published, data.version());
        assert_eq!(grouped.content_version(), data.version());
    }
}

#[test]
fn usual_column_names_are_the_default() {
    assert_eq!(Layout::default().columns, TableColumns::default());
}
