//! Opening a bundle of the store: the same whatever the number of rows.

use std::path::PathBuf;

use bt_benches::{Paired, Rows, is_wanted};
use bt_bundle::{OpenMode, OpenOptions, Store, open_map_unmap};
use bt_core::{Bundle, BundleName, BundleSource, Field};
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
    criterion.final_summary();
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
        // A HEAD that was written just now is read at every access.
        std::thread::sleep(std::time::Duration::from_millis(150));
        Self { store, name, path, asset, _folder: folder }
    }
}
