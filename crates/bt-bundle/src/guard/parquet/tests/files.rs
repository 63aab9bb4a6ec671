//! Small Parquet files of all kinds that are read.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array, Float64Array,
    Int64Array, LargeStringArray, ListArray, RecordBatch, StringArray, TimestampNanosecondArray,
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{DoubleType, Int96, Int96Type};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::guard::mutation::Sample;

/// A file and where its footer lies.
fn sample(name: impl Into<String>, bytes: Bytes) -> Sample {
    let tail = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap()) as usize;
    Sample { name: name.into(), bytes, footer: tail - length..tail }
}

const ROWS: usize = 260;

/// Every codec with both versions of pages, with dictionaries and without; every encoding; the odd types.
pub(super) fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    for codec in codecs() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for dictionary in [true, false] {
                let properties = small(version).set_compression(codec).set_dictionary_enabled(dictionary);
                let name = format!("{codec:?}, {version:?}, dictionary {dictionary}");
                samples.push(sample(name, written(&bars(), properties)));
            }
        }
    }
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = small(version).set_dictionary_enabled(false).set_encoding(encoding);
            samples.push(sample(format!("{encoding:?}, {version:?}"), written(&texts(), properties)));
        }
    }
    for encoding in [Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT] {
        let properties =
            small(WriterVersion::PARQUET_2_0).set_dictionary_enabled(false).set_encoding(encoding);
        samples.push(sample(format!("{encoding:?}"), written(&integers(), properties)));
    }
    let properties = small(WriterVersion::PARQUET_1_0);
    samples.push(sample("odd types", written(&odd(), properties)));
    let with_statistics = small(WriterVersion::PARQUET_1_0)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_write_page_header_statistics(true)
        .set_bloom_filter_enabled(true);
    samples.push(sample("statistics", written(&texts(), with_statistics)));
    samples.push(sample("Int96", int96()));
    samples.push(sample("no rows", written(&bars().slice(0, 0), small(WriterVersion::PARQUET_1_0))));
    samples
}

fn codecs() -> Vec<Compression> {
    let mut codecs = vec![
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ];
    if cfg!(feature = "zstd") {
        codecs.push(Compression::ZSTD(Default::default()));
    }
    codecs
}

/// Several row groups, each of several pages.
fn small(version: WriterVersion) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_writer_version(version)
        .set_max_row_group_row_count(Some(100))
        .set_data_page_row_count_limit(40)
        .set_write_batch_size(20)
}

fn written(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Bytes {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn days() -> impl Iterator<Item = i32> {
    (0..ROWS as i32).map(|row| 18_000 + row / 3)
}

/// Bars in long form, with nulls, of dates, decimals and times.
pub(super) fn bars() -> RecordBatch {
    let rows = || 0..ROWS as i64;
    let opens = rows().map(|row| (row % 17 != 5).then_some(100.0 + (row % 50) as f64 / 8.0));
    let highs = rows().map(|row| i128::from(1_020_000 + row * 7));
    let closes = rows().map(|row| Some(10_i128.pow(25) + i128::from(row)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ticker", Arc::new(StringArray::from_iter_values(rows().map(|row| format!("ASSET-{}", row % 3))))),
        ("date", Arc::new(Date32Array::from_iter_values(days()))),
        (
            "time",
            Arc::new(TimestampNanosecondArray::from_iter_values(rows().map(|row| row * 86_400_000_000_000))),
        ),
        ("open", Arc::new(opens.collect::<Float64Array>())),
        ("high", Arc::new(Decimal128Array::from_iter_values(highs).with_precision_and_scale(12, 4).unwrap())),
        ("close", Arc::new(closes.collect::<Decimal128Array>().with_precision_and_scale(30, 6).unwrap())),
        ("volume", Arc::new(rows().map(|row| (row % 11 != 0).then_some(row * 1000)).collect::<Int64Array>())),
    ];
    batch(columns)
}

fn texts() -> RecordBatch {
    let note = |row: i32| {
        (row % 7 != 3).then(|| format!("2024-01-{:02} note {}", row % 28 + 1, "x".repeat(row as usize % 30)))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ticker", Arc::new(days().map(|day| Some(format!("A{}", day % 5))).collect::<StringArray>())),
        ("note", Arc::new(days().map(note).collect::<StringArray>())),
        ("long", Arc::new(days().map(note).collect::<LargeStringArray>())),
    ];
    batch(columns)
}

fn integers() -> RecordBatch {
    let rows = || 0..ROWS as i64;
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "volume",
            Arc::new(rows().map(|row| (row % 9 != 0).then_some(row * row * 1001)).collect::<Int64Array>()),
        ),
        ("date", Arc::new(Date32Array::from_iter_values(days()))),
    ];
    batch(columns)
}

fn odd() -> RecordBatch {
    let lists =
        (0..ROWS as i32).map(|row| (row % 5 != 0).then(|| (0..row % 4).map(Some).collect::<Vec<_>>()));
    let binary = (0..ROWS).map(|row| (row % 6 != 1).then_some([row as u8; 11]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "flag",
            Arc::new((0..ROWS).map(|row| (row % 4 != 2).then_some(row % 3 == 0)).collect::<BooleanArray>()),
        ),
        ("float", Arc::new(Float32Array::from_iter_values((0..ROWS).map(|row| row as f32 / 3.0)))),
        ("binary", Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(binary, 11).unwrap())),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
    ];
    batch(columns)
}

/// Timestamps as Spark and Impala wrote them.
fn int96() -> Bytes {
    let schema = "message bars { required int96 date; optional double close; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(small(WriterVersion::PARQUET_1_0).build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for _ in 0..2 {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let stamps: Vec<Int96> = (0..60).map(|row| Int96::from(vec![row, 7, 2_459_000 + row])).collect();
        column.typed::<Int96Type>().write_batch(&stamps, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let levels: Vec<i16> = (0..60).map(|row| (row % 4 != 0).into()).collect();
        column.typed::<DoubleType>().write_batch(&[1.5; 45], Some(&levels), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes.into()
}
