//! Parquet files as tables.

use bt_asset_cache::{Label, TableColumns, TableSource};
use bt_bundle::{Ingest, IngestOptions, ParquetTables};
use bt_core::{BundleName, ErrorKind};
use bytes::Bytes;
use parquet::basic::Compression;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};

use crate::{Place, data};

fn stocks() -> TableColumns {
    TableColumns {
        asset: "Ticker".into(),
        timestamp: "Date".into(),
        values: ["Open", "High", "Low", "Close", "Volume"].map(String::from),
        extra: vec!["Adj Close".into()],
    }
}

/// The shipped bars, in a file that says of its columns that they are compressed otherwise than they are.
fn said_to_be(codec: Compression) -> Vec<u8> {
    let content = std::fs::read(data("stocks.parquet")).unwrap();
    let mut reader = ParquetMetaDataReader::new();
    reader.try_parse(&Bytes::from(content.clone())).unwrap();
    let metadata = reader.finish().unwrap();
    let recoded = |group: &RowGroupMetaData| {
        let column = |column: &ColumnChunkMetaData| {
            column.clone().into_builder().set_compression(codec).build().unwrap()
        };
        let columns = group.columns().iter().map(column).collect();
        group.clone().into_builder().set_column_metadata(columns).build().unwrap()
    };
    let groups = metadata.row_groups().iter().map(recoded).collect();
    let metadata = metadata.into_builder().set_row_groups(groups).build();
    let footer = content.len() - 8;
    let length = u32::from_le_bytes(content[footer..footer + 4].try_into().unwrap()) as usize;
    let mut recoded = content[..footer - length].to_vec();
    ParquetMetaDataWriter::new(&mut recoded, &metadata).finish().unwrap();
    recoded
}

#[test]
fn a_codec_that_this_build_does_not_read_is_named_with_what_would() {
    let brotli = (
        Compression::BROTLI(Default::default()),
        match cfg!(feature = "zstd") {
            true => "compressed with brotli, which is not read; supported: snappy, gzip, lz4, zstd and none",
            false => "compressed with brotli, which is not read; supported: snappy, gzip, lz4 and none",
        },
    );
    let zstd = (
        Compression::ZSTD(Default::default()),
        "compressed with zstd, which is not read; supported: snappy, gzip, lz4 and none; build bt-bundle with its feature \
         `zstd`",
    );
    for (codec, says) in [brotli, zstd].into_iter().take(if cfg!(feature = "zstd") { 1 } else { 2 }) {
        let place = Place::new();
        let path = place.write("bars.parquet", said_to_be(codec));
        let says = format!("{}: {says}", path.display());
        let ingested = place.ingest(Ingest::new(IngestOptions::default()).parquet(&path)).unwrap_err();
        assert!(ingested.to_string().starts_with(&says), "{ingested}");
        let name: BundleName = "bars".parse().unwrap();
        let read = ParquetTables::of_files(name.clone(), [&path]).read(&name).unwrap_err();
        assert!(read.to_string().starts_with(&says), "{read}");
    }
}

#[test]
fn what_is_read_has_the_version_that_was_told() {
    let name: BundleName = "stocks".parse().unwrap();
    let tables = ParquetTables { columns: stocks(), ..ParquetTables::in_folder(data("")) };
    let version = tables.version(&name).unwrap();
    let table = tables.read(&name).unwrap();
    assert_eq!((table.version, table.rows()), (version, 12_154));
    let bars = bt_asset_cache::GroupedBars::from_table(&table).unwrap();
    assert_eq!(bt_core::Bundle::assets(&bars).len(), 5);
}

#[test]
fn another_file_and_another_reading_are_other_versions() {
    let place = Place::new();
    let name: BundleName = "bars".parse().unwrap();
    let path = place.write("bars.parquet", std::fs::read(data("stocks.parquet")).unwrap());
    let tables = ParquetTables::of_files(name.clone(), [&path]);
    let version = tables.version(&name).unwrap();
    let renamed = ParquetTables { columns: stocks(), ..ParquetTables::in_folder(place.directory.path()) };
    let labelled =
        ParquetTables { label: Some(Label::Date), ..ParquetTables::of_files(name.clone(), [&path]) };
    let doubled = ParquetTables::of_files(name.clone(), [&path, &path]);
    for other in [renamed, labelled, doubled] {
        assert_ne!(other.version(&name).unwrap(), version);
    }
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.push(0);
    std::fs::write(&path, bytes).unwrap();
    assert_ne!(tables.version(&name).unwrap(), version);
}

#[test]
fn a_folder_of_parts_is_one_table() {
    let place = Place::new();
    let whole = std::fs::read(data("stocks.parquet")).unwrap();
    place.write("twice/1.parquet", &whole);
    place.write("twice/2.parquet", &whole);
    let tables = ParquetTables { columns: stocks(), ..ParquetTables::in_folder(place.directory.path()) };
    assert_eq!(tables.read(&"twice".parse().unwrap()).unwrap().rows(), 2 * 12_154);
}

#[test]
fn tables_that_are_not_there_and_files_that_are_none_are_refused_by_name() {
    let place = Place::new();
    let tables = ParquetTables::in_folder(place.directory.path());
    let error = tables.version(&"absent".parse().unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::BundleNotFound { .. }), "{error}");
    place.write("stocks-us.parquet", "");
    place.write("parts/1.parquet", "");
    for (asked, meant) in [("stocks_us", "stocks-us"), ("Parts", "parts")] {
        let error = tables.version(&asked.parse().unwrap()).unwrap_err().to_string();
        assert!(error.ends_with(&format!("did you mean {meant}?")), "{error}");
    }
    let named = ParquetTables::of_files("stocks".parse().unwrap(), ["somewhere"]);
    let error = named.version(&"stock".parse().unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("did you mean stocks?"), "{error}");
    place.write("text.parquet", "not a table");
    let error = tables.read(&"text".parse().unwrap()).unwrap_err().to_string();
    assert!(error.contains("text.parquet"), "{error}");
}
