//! A published bundle is what was published.

mod common;

use bt_bundle::bt_core::{Bundle, BundleSource, Field};
use bt_bundle::{OpenMode, OpenOptions, Store};
use common::{Sample, name};

#[test]
fn what_is_published_is_read_back_bit_for_bit() {
    let root = tempfile::tempdir().unwrap();
    let sample = Sample::three();
    let store = Store::create(root.path()).unwrap();
    let published = store.publish(&name("daily"), &sample.open(), "a test").unwrap();
    assert!(!published.unchanged);
    for mode in [OpenMode::Map, OpenMode::Read] {
        let store = store.clone().with_options(OpenOptions { mode, verify: true });
        let bundle = store.open(&name("daily")).unwrap();
        assert_eq!(bundle.version(), published.version);
        for (asset_name, asset) in &sample.assets {
            let bars = bundle.bars(bundle.assets().id(asset_name).unwrap()).unwrap();
            assert_eq!(bars.timestamps().iter().map(|t| t.as_nanos()).collect::<Vec<_>>(), asset.times);
            for field in Field::OHLCV {
                assert_eq!(bars.field(field), asset.columns[field.index()]);
            }
        }
    }
}
