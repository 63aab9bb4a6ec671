//! Parquet files of which a byte is not what was written.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use bt_asset_cache::TableSource;
use bt_bundle::{Ingest, ParquetTables};
use bt_core::{BundleName, ErrorKind};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use crate::{Place, daily};

/// Four bars of two assets. Nothing is compressed, so that damage reaches the decoders.
fn bars() -> Vec<u8> {
    let numbers = |first: f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..4).map(|n| first + f64::from(n))))
    };
    let columns: [(&str, ArrayRef); 7] = [
        ("Ticker", Arc::new(StringArray::from(vec!["A", "B", "A", "B"]))),
        ("Date", Arc::new(Date32Array::from(vec![19_000, 19_000, 19_001, 19_001]))),
        ("Open", numbers(10.0)),
        ("High", numbers(12.0)),
        ("Low", numbers(9.0)),
        ("Close", numbers(11.0)),
        ("Volume", numbers(1000.0)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Whether the bytes were refused, with an error that names their file.
fn is_refused<T>(outcome: Result<T, bt_core::Error>, at: usize) -> bool {
    let Err(error) = outcome else { return false };
    assert!(matches!(error.kind(), ErrorKind::InvalidInput { .. }), "{at}: {error}");
    assert!(error.to_string().contains("bars.parquet"), "{at}: {error}");
    true
}

#[test]
fn any_damaged_byte_is_an_error_of_tables_that_names_the_file_or_goes_unseen() {
    let (place, whole) = (Place::new(), bars());
    let name: BundleName = "bars".parse().unwrap();
    let refused = (0..whole.len()).filter(|&at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let path = place.write("bars.parquet", &bytes);
        is_refused(ParquetTables::of_files(name.clone(), [path]).read(&name), at)
    });
    assert!(refused.count() > whole.len() / 3);
}

#[test]
fn any_damaged_byte_is_an_error_of_an_ingest_that_names_the_file_or_goes_unseen() {
    let (place, whole) = (Place::new(), bars());
    let refused = (0..whole.len()).step_by(7).filter(|&at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x11;
        let path = place.write("bars.parquet", &bytes);
        is_refused(place.ingest(Ingest::new(daily()).parquet(path)), at)
    });
    assert!(refused.count() > whole.len() / 7 / 3);
    place.write("bars.parquet", &whole);
    let path = place.path("bars.parquet");
    assert_eq!(place.ingest(Ingest::new(daily()).parquet(path)).unwrap().bars, 4);
}
