//! Arrow files of all kinds, whole and damaged.

use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
    ListArray, RecordBatch, StringArray, StringViewArray, TimestampNanosecondArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use bt_core::Result;
use bytes::Bytes;
use proptest::prelude::*;

use super::{ArrowInput, BlockFault, place};
use crate::guard::mutation::{self, Mutation, Sample};

const PATH: &str = "somewhere/bars.arrow";
const ROWS: usize = 300;

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(samples);

/// Several batches of many types: plain, and in each compression that this build has.
fn samples() -> Vec<Sample> {
    let mut codecs = vec![None];
    if cfg!(feature = "ipc") {
        codecs.push(Some(CompressionType::LZ4_FRAME));
    }
    if cfg!(feature = "zstd") {
        codecs.push(Some(CompressionType::ZSTD));
    }
    codecs.into_iter().map(|codec| sample(&format!("{codec:?}"), &written(codec))).collect()
}

fn sample(name: &str, bytes: &[u8]) -> Sample {
    let tail = bytes.len() - 10;
    let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap()) as usize;
    Sample { name: name.into(), bytes: bytes.to_vec().into(), footer: tail - length..tail }
}

fn written(codec: Option<CompressionType>) -> Vec<u8> {
    let batch = batch();
    let options = IpcWriteOptions::default().try_with_compression(codec).unwrap();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
    for start in [0, 100, 200] {
        writer.write(&batch.slice(start, 100)).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn batch() -> RecordBatch {
    let rows = || 0..ROWS as i64;
    let names: Vec<_> = rows().map(|row| format!("ASSET-{}", row % 3)).collect();
    let lists = rows().map(|row| (row % 5 != 0).then(|| (0..row as i32 % 4).map(Some).collect::<Vec<_>>()));
    let closes = Decimal128Array::from_iter_values(rows().map(|row| i128::from(row) * 1001));
    let views = rows().map(|row| (row % 4 != 0).then(|| format!("a text of more than twelve bytes, {row}")));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ticker", Arc::new(StringArray::from_iter_values(&names))),
        (
            "group",
            Arc::new(names.iter().map(|name| Some(name.as_str())).collect::<DictionaryArray<Int32Type>>()),
        ),
        ("date", Arc::new(Date32Array::from_iter_values(rows().map(|row| row as i32)))),
        ("time", Arc::new(TimestampNanosecondArray::from_iter_values(rows().map(|row| row << 40)))),
        (
            "open",
            Arc::new(rows().map(|row| (row % 7 != 0).then_some(row as f64 / 8.0)).collect::<Float64Array>()),
        ),
        ("close", Arc::new(closes.with_precision_and_scale(12, 4).unwrap())),
        ("volume", Arc::new(Int64Array::from_iter_values(rows()))),
        (
            "flag",
            Arc::new(rows().map(|row| (row % 4 != 1).then_some(row % 3 == 0)).collect::<BooleanArray>()),
        ),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("view", Arc::new(views.collect::<StringViewArray>())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn read(bytes: &Bytes, columns: Option<Vec<usize>>) -> Result<Vec<RecordBatch>> {
    let input = ArrowInput::open(Path::new(PATH), Cursor::new(bytes.clone()), 1)?;
    input.read(columns)?.collect()
}

#[test]
fn whole_files_of_all_kinds_read_as_without_the_checks() {
    for sample in SAMPLES.iter() {
        for columns in [None, Some(vec![0, 2, 5])] {
            let plain = FileReader::try_new(Cursor::new(sample.bytes.clone()), columns.clone()).unwrap();
            let plain: Vec<_> = plain.map(|batch| batch.unwrap()).collect();
            assert_eq!(read(&sample.bytes, columns).unwrap(), plain, "{}", sample.name);
        }
        let input = ArrowInput::open(Path::new(PATH), Cursor::new(sample.bytes.clone()), 1).unwrap();
        assert_eq!(**input.schema(), *batch().schema());
    }
}

fn survive(bytes: &Bytes) {
    mutation::survive(PATH, || read(bytes, None));
}

proptest! {
    // `PROPTEST_CASES` may ask for more.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(6000)))]

    #[test]
    fn a_damaged_file_gives_rows_or_an_error_that_names_it(mutation in Mutation::any()) {
        survive(&mutation.of(&SAMPLES));
    }
}

fn refusal(bytes: Vec<u8>) -> String {
    const MOST_BYTES: u64 = 1 << 20;
    let (bytes, mut outcome) = (Bytes::from(bytes), None);
    let used = allocation_counter::measure(|| outcome = Some(read(&bytes, None)));
    let said = outcome.unwrap().expect_err("it is damaged").to_string();
    assert!(used.bytes_max < MOST_BYTES, "{} bytes in use: {said}", used.bytes_max);
    said
}

#[test]
fn what_is_no_arrow_file_is_refused_as_that() {
    let whole = &SAMPLES[0].bytes;
    assert!(refusal(whole[..17].to_vec()).ends_with("no Arrow file: it has 17 bytes"));
    assert!(refusal(b"FEA1 the first version of Feather".to_vec()).ends_with("does not begin with ARROW1"));
    let mut long = whole.to_vec();
    let tail = long.len() - 10;
    long[tail..tail + 4].copy_from_slice(&i32::MAX.to_le_bytes());
    assert!(refusal(long).contains("its footer is said to have 2147483647 bytes; allowed: at most"));
    assert!(refusal(whole[..whole.len() - 1].to_vec()).contains("correct footer"));
}

#[test]
fn a_block_must_lie_where_data_may_be() {
    let fits = |start, metadata, body| place(&arrow_ipc::Block::new(start, metadata, body), &(8..1000));
    assert_eq!(fits(8, 100, 892).unwrap(), (8, 100, 892));
    for (start, metadata, body) in [
        (8, 100, 893),
        (0, 100, 1),
        (-8, 100, 1),
        (8, -1, 1),
        (8, 4, 1),
        (8, 8, -1),
        (8, 8, i64::MAX),
        (i64::MAX, 8, 8),
    ] {
        assert!(
            matches!(fits(start, metadata, body), Err(BlockFault::Outside { .. })),
            "{start} {metadata} {body}"
        );
    }
}

#[test]
#[cfg(feature = "ipc")]
fn a_compressed_buffer_that_declares_more_than_it_can_give_is_refused_before_it_is_allocated() {
    let whole = &SAMPLES[1];
    // The sizes of the buffers, 800 bytes each, stand before their content.
    let size = 800_i64.to_le_bytes();
    let at = whole.bytes.windows(8).position(|window| window == size).unwrap();
    let with = |size: i64| {
        let mut bytes = whole.bytes.to_vec();
        bytes[at..at + 8].copy_from_slice(&size.to_le_bytes());
        refusal(bytes)
    };
    assert!(with(1 << 40).contains("declares a size of 1099511627776; allowed: 0 to"), "{}", with(1 << 40));
    assert!(with(-2).contains("declares a size of -2"));
    assert!(with(801).starts_with(PATH));
}
