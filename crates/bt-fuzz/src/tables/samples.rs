//! Small files that are whole, of each kind that is read.

use std::sync::{Arc, LazyLock};

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int64Array,
    RecordBatch, StringArray, StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray,
    UInt32Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};

const ROWS: i64 = 24;
const DAY: i64 = 86_400;
/// 2024-01-05.
const FIRST_DAY: i64 = 19_727;

pub(super) fn parquet() -> &'static [Vec<u8>] {
    static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(all_parquet);
    &FILES
}

pub(super) fn arrow() -> &'static [Vec<u8>] {
    static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(all_arrow);
    &FILES
}

fn all_parquet() -> Vec<Vec<u8>> {
    let one = WriterVersion::PARQUET_1_0;
    let two = WriterVersion::PARQUET_2_0;
    let plain = |version| small(version).set_dictionary_enabled(false);
    vec![
        as_parquet(&plainest(), plain(one)),
        as_parquet(&plainest(), plain(two).set_compression(Compression::SNAPPY)),
        as_parquet(&odd(), small(one).set_compression(Compression::GZIP(Default::default()))),
        as_parquet(&odd(), small(two).set_compression(Compression::LZ4_RAW)),
        as_parquet(&texts(), plain(two).set_encoding(Encoding::DELTA_BYTE_ARRAY)),
        as_parquet(&texts(), plain(one).set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY)),
        as_parquet(&counts(), plain(two).set_encoding(Encoding::DELTA_BINARY_PACKED)),
        as_parquet(&counts(), plain(two).set_encoding(Encoding::BYTE_STREAM_SPLIT)),
        as_parquet(
            &odd(),
            small(one).set_statistics_enabled(EnabledStatistics::Page).set_bloom_filter_enabled(true),
        ),
        as_parquet(&plainest().slice(0, 0), small(one)),
        as_parquet(&texts(), small(one).set_compression(Compression::LZ4)),
    ]
}

/// Several row groups, each of several pages.
fn small(version: WriterVersion) -> WriterPropertiesBuilder {
    let properties = WriterProperties::builder().set_writer_version(version).set_created_by(String::new());
    properties
        .set_max_row_group_row_count(Some(16))
        .set_data_page_row_count_limit(8)
        .set_write_batch_size(8)
        .set_statistics_enabled(EnabledStatistics::None)
}

fn as_parquet(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build()));
    let mut writer = writer.expect("a schema that Parquet has");
    writer.write(batch).and_then(|()| writer.close().map(drop)).expect("a whole file");
    bytes
}

fn all_arrow() -> Vec<Vec<u8>> {
    let lz4 = Some(CompressionType::LZ4_FRAME);
    vec![
        as_arrow(&plainest(), None),
        as_arrow(&odd(), None),
        as_arrow(&texts(), lz4),
        as_arrow(&integers(), lz4),
        as_arrow(&integers(), None),
        as_arrow(&views(), None),
        as_arrow(&plainest().slice(0, 0), None),
    ]
}

/// Two batches.
fn as_arrow(batch: &RecordBatch, codec: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(codec).expect("a codec that there is");
    let mut bytes = Vec::new();
    let writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options);
    let mut writer = writer.expect("a schema that Arrow has");
    let half = batch.num_rows() / 2;
    for part in [batch.slice(0, half), batch.slice(half, batch.num_rows() - half)] {
        writer.write(&part).expect("a batch of the schema");
    }
    writer.finish().expect("a whole file");
    drop(writer);
    bytes
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("columns of one length")
}

fn days() -> impl Iterator<Item = i64> {
    (0..ROWS).map(|row| FIRST_DAY + row / 2)
}

fn names() -> impl Iterator<Item = &'static str> {
    (0..ROWS).map(|row| ["AAPL", "IBM"][row as usize % 2])
}

fn prices() -> Vec<f64> {
    (0..ROWS).map(|row| 100.0 + row as f64 / 8.0).collect()
}

/// Names, moments and doubles.
fn plainest() -> RecordBatch {
    batch(vec![
        ("symbol", Arc::new(StringArray::from_iter_values(names())) as ArrayRef),
        (
            "timestamp",
            Arc::new(TimestampNanosecondArray::from_iter_values(days().map(|day| day * DAY * 1_000_000_000))),
        ),
        ("close", Arc::new(Float64Array::from(prices()))),
    ])
}

/// Names in a dictionary, dates, decimals, single precision, a column with gaps, and one that nobody needs.
fn odd() -> RecordBatch {
    let decimals = Decimal128Array::from_iter_values((0..ROWS).map(|row| 10_000 + i128::from(row)));
    let decimals = decimals.with_precision_and_scale(12, 2).expect("a decimal");
    batch(vec![
        ("symbol", Arc::new(names().collect::<DictionaryArray<Int32Type>>()) as ArrayRef),
        ("date", Arc::new(Date32Array::from_iter_values(days().map(|day| day as i32)))),
        ("open", Arc::new(decimals)),
        ("close", Arc::new(Float32Array::from_iter_values(prices().into_iter().map(|price| price as f32)))),
        ("oi", Arc::new((0..ROWS).map(|row| (row % 5 != 0).then_some(row as f64)).collect::<Float64Array>())),
        ("venue", Arc::new(StringArray::from_iter_values(names()))),
    ])
}

/// Everything in text.
fn texts() -> RecordBatch {
    let text = |values: Vec<String>| Arc::new(StringArray::from_iter_values(values)) as ArrayRef;
    batch(vec![
        ("symbol", text(names().map(str::to_owned).collect())),
        ("date", text((0..ROWS).map(|row| format!("2024-01-{:02} 09:30", 5 + row / 2)).collect())),
        ("close", text(prices().iter().map(f64::to_string).collect())),
    ])
}

/// Moments as counts, prices in fixed point.
fn integers() -> RecordBatch {
    batch(vec![
        ("timestamp", Arc::new(Int64Array::from_iter_values(days().map(|day| day * DAY * 1000))) as ArrayRef),
        ("close", Arc::new(Int64Array::from_iter_values(0..ROWS))),
        ("volume", Arc::new(UInt32Array::from_iter_values((0..ROWS).map(|row| row as u32)))),
        ("asset", Arc::new(StringArray::from_iter_values(names()))),
    ])
}

/// The same without names, which no encoding of numbers has.
fn counts() -> RecordBatch {
    integers().project(&[0, 1, 2]).expect("three columns")
}

fn views() -> RecordBatch {
    let moments = TimestampMillisecondArray::from_iter_values(days().map(|day| day * DAY * 1000));
    batch(vec![
        ("symbol", Arc::new(StringViewArray::from_iter_values(names())) as ArrayRef),
        ("timestamp", Arc::new(moments.with_timezone("America/New_York"))),
        ("close", Arc::new(Float64Array::from(prices()))),
    ])
}
