//! Opening a bundle of the store: the same whatever the number of rows. And the digest of what a bundle says of itself.

use std::path::PathBuf;

use bt_benches::{Paired, Rows, is_wanted};
use bt_bundle::{OpenMode, OpenOptions, Store, open_map_unmap};
use bt_core::{Bundle, BundleMetadata, BundleName, BundleSource, BundleVersion, Field, Frequency};
use bt_testkit::Market;
use criterion::Criterion;
use tempfile::TempDir;

fn main() {
    let mut criterion = bt_benches::criterion();
    let mut rows = Rows::new("open");
    let markets = [
        ("50 assets, 12.6 K rows", Market::common(1, 50, 252)),
        ("500 assets, 1.26 M rows", Market::common(1, 500, 2520)),
        ("500 assets, 1.26 M rows, gaps", Market::common(1, 500, 2520).with_gaps(0.01)),
    ];
    let mut opened = Vec::new();
    for (case, market) in markets {
        if is_wanted(&format!("open/{case}")) {
            opened.push(open(&mut criterion, &mut rows, case, &market));
        }
    }
    if let [small, large, _] = opened[..] {
        rows.shown("warm open of a bundle, one price", "1.26 M rows : 12.6 K rows", large / small, "×");
    }
    if is_wanted("metadata/digest") {
        metadata(&mut criterion, &mut rows);
    }
    criterion.final_summary();
}

/// Measures the digest of metadata beside hashing a message of its length.
fn metadata(criterion: &mut Criterion, rows: &mut Rows) {
    let symbols: Vec<String> = (0..50_u32).map(|at| format!("S{:04}", at * 7919 % 9973)).collect();
    let shuffled = BundleMetadata {
        name: "us-equities.daily".parse().expect("a good name"),
        symbols,
        start: "2014-01-03".parse().expect("a date"),
        end: "2024-01-03".parse().expect("a date"),
        frequency: Frequency::Daily,
        extra_columns: vec![],
    };
    let mut sorted = shuffled.clone();
    sorted.symbols.sort();
    assert!(sorted.symbols != shuffled.symbols && sorted.digest() == shuffled.digest());
    // Domain, name, first and last moment, frequency, and the two lists: each text and each list after its length.
    let texts: usize = sorted.symbols.iter().map(|symbol| 4 + symbol.len()).sum();
    let message = vec![7; 15 + 4 + sorted.name.as_str().len() + 16 + 4 + 4 + texts + 4];
    let times = Paired::new("metadata/digest")
        .arm("SHA-256 of as many bytes", || BundleVersion::of_bytes(&message))
        .arm("sorted", || sorted.digest())
        .arm("shuffled", || shuffled.digest())
        .run(criterion);
    let row = "digest of metadata, 50 symbols";
    rows.at_most(
        row,
        "sorted, time : bare SHA-256",
        times.ratio("sorted", "SHA-256 of as many bytes"),
        2.0,
        "×",
    );
    rows.at_least(row, "shuffled", 1e6 / times.nanos("shuffled"), 500.0, " K/s");
}

/// Measures one bundle, and gives the nanoseconds of its open.
fn open(criterion: &mut Criterion, rows: &mut Rows, case: &str, market: &Market) -> f64 {
    let Published { store, name, path, asset, .. } = &Published::new(market);
    let reading = store.clone().with_options(OpenOptions { mode: OpenMode::Read, ..Default::default() });
    let price = |store: &Store| {
        let bundle = store.open(name).expect("published");
        let asset = bundle.assets().id(asset).expect("listed");
        bundle.bars(asset).expect("its own asset").field(Field::CLOSE)[17]
    };
    assert_eq!(price(store).to_bits(), price(&reading).to_bits());
    let bundle = store.open(name).expect("published");
    let head = store.root().join(name.as_str()).join("HEAD");

    let times = Paired::new(&format!("open/{case}"))
        .arm("open, map, unmap", || open_map_unmap(path).ok())
        .arm("open of the bundle, one price", || price(store))
        .arm("version", || store.version(name).ok())
        .arm("stat of HEAD", || std::fs::symlink_metadata(&head).ok())
        .arm("slab of an open bundle", || bundle.slab().map(|slab| slab.all.len()))
        .run(criterion);
    let row = "warm open of a bundle, one price";
    let floor = times.ratio("open of the bundle, one price", "open, map, unmap");
    rows.at_most(row, &format!("{case}, time : open + map + unmap"), floor, 10.0, "×");
    rows.shown(row, case, times.nanos("open of the bundle, one price") / 1000.0, " µs");
    rows.shown("current version of a bundle", case, times.nanos("version"), " ns");
    times.nanos("open of the bundle, one price")
}

/// A store with one bundle whose `HEAD` has settled.
struct Published {
    store: Store,
    name: BundleName,
    path: PathBuf,
    /// An asset in the middle.
    asset: String,
    _folder: TempDir,
}

impl Published {
    fn new(market: &Market) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::create(folder.path()).expect("a store");
        let name = BundleName::new("us-equities.daily").expect("a good name");
        let bundle = market.generate().bundle();
        let version = store.publish(&name, &bundle, "generated").expect("published").version;
        let names = bundle.assets();
        let asset = names.names().nth(names.len() / 2).expect("it has assets").to_owned();
        let path = folder.path().join(name.as_str()).join(version.to_string()).join("bars.arrow");
        // What was written just now is read at every access.
        std::thread::sleep(std::time::Duration::from_millis(150));
        Self { store, name, path, asset, _folder: folder }
    }
}
