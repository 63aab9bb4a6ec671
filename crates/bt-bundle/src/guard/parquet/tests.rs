//! Files of all kinds, whole and damaged.

mod crafted;
mod files;

use std::path::Path;
use std::sync::LazyLock;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use bt_core::Result;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use proptest::prelude::*;

use super::ParquetInput;
use crate::guard::mutation::{self, Mutation, Sample, quiet};
use crafted::{Crafted, data_page, data_page_v2, dictionary_page, footer, integers, page, varint};

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(files::all);

const PATH: &str = "somewhere/bars.parquet";

/// Reads all columns, texts as dictionaries where asked.
fn read(bytes: &Bytes, dictionaries: bool, rows: usize) -> Result<Vec<RecordBatch>> {
    let mut input = ParquetInput::open(Path::new(PATH), bytes.clone(), 1)?;
    if dictionaries {
        let schema = with_dictionaries(input.schema());
        input = input.with_types(schema.into());
    }
    input.read(None, rows)?.collect()
}

fn with_dictionaries(schema: &Schema) -> Schema {
    let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => field.as_ref().clone().with_data_type(kind.clone()).into(),
        _ => field.clone(),
    });
    Schema::new(fields.collect::<Vec<_>>())
}

#[test]
fn whole_files_of_all_kinds_read_as_without_the_checks() {
    for sample in SAMPLES.iter() {
        for rows in [64, 1 << 16] {
            let plain = ParquetRecordBatchReaderBuilder::try_new(sample.bytes.clone()).unwrap();
            let plain: Vec<_> =
                plain.with_batch_size(rows).build().unwrap().map(|batch| batch.unwrap()).collect();
            let read =
                read(&sample.bytes, false, rows).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            assert_eq!(read, plain, "{}", sample.name);
        }
        let rows: usize = read(&sample.bytes, true, 64).unwrap().iter().map(RecordBatch::num_rows).sum();
        assert!(rows > 0 || sample.name == "no rows");
    }
}

fn survive(bytes: &Bytes, dictionaries: bool) {
    mutation::survive(PATH, || read(bytes, dictionaries, 1 << 16));
}

proptest! {
    // `PROPTEST_CASES` may ask for more.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(6000)))]

    #[test]
    fn a_damaged_file_gives_rows_or_an_error_that_names_it(mutation in Mutation::any(), dictionaries: bool) {
        survive(&mutation.of(&SAMPLES), dictionaries);
    }
}

/// The error of a file that is refused before it takes memory to speak of.
fn refusal(bytes: &Bytes) -> String {
    const MOST_BYTES: u64 = 1 << 20;
    quiet();
    let mut outcome = None;
    let used = allocation_counter::measure(|| outcome = Some(read(bytes, false, 1 << 16)));
    let said = outcome.unwrap().expect_err("it is damaged").to_string();
    assert!(used.bytes_max < MOST_BYTES, "{} bytes in use: {said}", used.bytes_max);
    said.strip_prefix(PATH).expect("it is named").to_owned()
}

fn assert_refused(bytes: &Bytes, says: &str) {
    let said = refusal(bytes);
    assert!(said.contains(says), "{said}");
}

#[test]
fn a_crafted_file_is_read_where_nothing_is_wrong_with_it() {
    let whole = read(&Crafted::whole().bytes(), false, 10).unwrap();
    assert_eq!(whole[0].num_rows(), 3);
}

#[test]
fn a_chunk_that_is_not_where_data_may_be_is_refused() {
    let whole = Crafted::whole();
    let outside = |start, length| {
        let bytes = whole.with(|chunk| chunk.set_data_page_offset(start).set_total_compressed_size(length));
        assert_refused(
            &bytes,
            &format!("\"x\": it is said to be {length} bytes at {start}; the data are at 4 to"),
        );
    };
    for (start, length) in
        [(0, 40), (-1, 40), (4, -1), (4, 1 << 40), (i64::MAX, i64::MAX), (4, 1000), (1 << 40, 7)]
    {
        outside(start, length);
    }
    let elsewhere = whole.with(|chunk| chunk.set_file_path("other.parquet".into()));
    assert_refused(&elsewhere, "it is in another file, \"other.parquet\"");
    let long = whole.with(|chunk| chunk.set_file_path("x".repeat(100_000)));
    assert_refused(&long, &format!("it is in another file, \"{}…\"", "x".repeat(100)));
    let negative_dictionary = whole.with(|chunk| chunk.set_dictionary_page_offset(Some(-4)));
    assert_refused(&negative_dictionary, "bytes at -4");
}

#[test]
fn counts_of_values_that_disagree_are_refused() {
    let whole = Crafted::whole();
    assert_refused(&Crafted { rows: 4, ..whole.clone() }.bytes(), "it has 3 values for 4 rows");
    assert_refused(&Crafted { values: 4, ..whole.clone() }.bytes(), "it has 4 values for 3 rows");
    let both = |rows| Crafted { rows, values: rows, ..whole.clone() }.bytes();
    assert_refused(&both(1 << 40), "its pages have 3 values, not the 1099511627776 that it declares");
    assert_refused(&both(2), "declares a number of values of 3; allowed: 0 to 2");
    assert_refused(&both(-3), "it has -3 values for -3 rows");
    let negative = vec![data_page(-3, &[0; 24], 24, 0)];
    assert_refused(
        &Crafted { pages: negative, ..whole.clone() }.bytes(),
        "a number of values of -3; allowed: 0 to 3",
    );
}

#[test]
fn sizes_that_no_page_can_have_are_refused_before_they_are_allocated() {
    let of = |codec, size| {
        Crafted { codec, pages: vec![data_page(3, &[0; 24], size, 0)], ..Crafted::whole() }.bytes()
    };
    let most = i64::from(i32::MAX);
    assert_refused(&of(Compression::SNAPPY, most), "declares a size of 2147483647; allowed: 0 to 528");
    assert_refused(&of(Compression::LZ4_RAW, most), "allowed: 0 to 6120");
    assert_refused(&of(Compression::GZIP(Default::default()), most), "allowed: 0 to 24768");
    if cfg!(feature = "zstd") {
        assert_refused(&of(Compression::ZSTD(Default::default()), most), "allowed: 0 to 786432");
    }
    assert_refused(&of(Compression::SNAPPY, -1), "declares a size of -1");
    let cut = Crafted { pages: vec![page(0, 5, &integers(&[(1, 3)]), &[], 24)], ..Crafted::whole() };
    let longer = [&cut.pages[0][..], &[0x15, 0x80]].concat();
    assert_refused(&Crafted { pages: vec![longer], ..cut }.bytes(), "is unreadable: it ends too early");
}

// No other codec expands this much in a file of a few KiB.
#[cfg(feature = "zstd")]
#[test]
fn pages_that_are_large_together_are_refused_by_the_budget() {
    let codec = Compression::ZSTD(Default::default());
    let pages = vec![data_page(3, &vec![0; 12 << 10], 300 << 20, 0)];
    let large = Crafted { codec, pages, ..Crafted::whole() };
    let text = "row group 0 needs 314572800 bytes for its largest pages, at most 268435456 are allowed";
    assert_refused(&large.bytes(), text);
    let roomy = ParquetInput::open(Path::new(PATH), large.bytes(), 400 << 20).unwrap();
    let checked = super::chunks::check(&*roomy.input, roomy.footer.metadata(), |_| true, &roomy.limits);
    assert!(checked.is_ok());
}

#[test]
fn dictionaries_that_cannot_be_are_refused() {
    let indices = [0, 6, 0];
    let with = |column, values: i64, content: &[u8]| {
        let dictionary = dictionary_page(values, content, content.len() as i64);
        Crafted { column, pages: vec![dictionary, data_page(3, &indices, 3, 8)], ..Crafted::whole() }
    };
    let huge = i64::from(i32::MAX);
    assert!(read(&with("required int64 x", 1, &[0; 8]).bytes(), false, 10).is_ok());
    assert_refused(
        &with("required int64 x", huge, &[0; 8]).bytes(),
        "entries of 2147483647; allowed: 0 to 1",
    );
    assert_refused(&with("required int96 x", huge, &[0; 40]).bytes(), "allowed: 0 to 3");
    assert_refused(&with("required binary x (utf8)", huge, &[0; 40]).bytes(), "allowed: 0 to 10");
    assert_refused(&with("required fixed_len_byte_array(9) x", huge, &[0; 40]).bytes(), "allowed: 0 to 4");
    assert_refused(&with("required boolean x", huge, &[0; 4]).bytes(), "allowed: 0 to 32");
    let texts = [3_u32.to_le_bytes().as_slice(), b"abc", &9_u32.to_le_bytes(), b"abc"].concat();
    let short = with("required binary x (utf8)", 2, &texts).bytes();
    assert_refused(&short, "a dictionary holds fewer entries than its page declares");
    let mut late = with("required int64 x", 1, &[0; 8]);
    late.pages.swap(0, 1);
    assert_refused(&late.bytes(), "is a dictionary after other pages");
}

#[test]
fn a_reader_that_panics_ends_in_an_error() {
    // The indices of a dictionary that is not there.
    let indices = Crafted { pages: vec![data_page(3, &[0, 6, 0], 3, 8)], ..Crafted::whole() };
    let error = read(&indices.bytes(), false, 10).map(drop);
    assert_refused(&indices.bytes(), "damaged: its reader failed (");
    assert!(error.is_err());
}

#[test]
fn odd_page_headers_are_refused() {
    let of = |page| Crafted { pages: vec![page], ..Crafted::whole() }.bytes();
    assert_refused(&of(page(9, 5, &integers(&[(1, 3)]), &[0; 24], 24)), "has the unknown type 9");
    assert_refused(&of(page(0, 7, &integers(&[(1, 3)]), &[0; 24], 24)), "at byte 4 has no DataPageHeader");
    assert_refused(&of(page(3, 5, &integers(&[(1, 3)]), &[0; 24], 24)), "at byte 4 has no DataPageHeaderV2");
    assert_refused(
        &of(data_page_v2(3, 4, 0, &[0; 24], 24)),
        "declares a number of nulls of 4; allowed: 0 to 3",
    );
    assert_refused(
        &of(data_page_v2(3, 0, 25, &[0; 24], 24)),
        "length of definition levels of 25; allowed: 0 to 24",
    );
    assert_refused(&of(data_page_v2(3, 0, -1, &[0; 24], 24)), "length of definition levels of -1");
}

#[test]
fn values_wider_than_a_batch_can_be_are_refused() {
    // Nulls: no byte of a value is there.
    let wide = |column| {
        let levels = [2, 0, 0, 0, 6, 0];
        Crafted { column, pages: vec![data_page(3, &levels, 6, 0)], ..Crafted::whole() }.bytes()
    };
    assert!(read(&wide("optional fixed_len_byte_array(1000) x"), false, 10).is_ok());
    assert_refused(
        &wide("optional fixed_len_byte_array(2000000000) x"),
        "values of 2000000000 bytes: 3 rows of them",
    );
}

#[test]
fn lengths_in_a_page_that_are_more_than_its_values_are_refused() {
    let huge = [varint(128), varint(4), varint(1 << 40), vec![0]].concat();
    let prefixes = [varint(128), varint(4), varint(3), vec![0, 0, 0, 0, 0, 0], huge.clone()].concat();
    for (content, encoding) in [(&huge, 6), (&huge, 7), (&prefixes, 7)] {
        let page = data_page(3, content, content.len() as i64, encoding);
        let texts = Crafted { column: "required binary x (utf8)", pages: vec![page], ..Crafted::whole() };
        assert_refused(&texts.bytes(), "a page holds 1099511627776 lengths, more than values");
    }
}

#[test]
fn a_schema_that_declares_more_than_it_has_is_refused_before_it_is_built() {
    // Field 2 of the metadata: a list of one element, whose number of columns is field 5.
    let schema = |children| [&[0x29, 0x1c, 0x48, 1, b'm'], &integers(&[(1, children)])[..], &[0, 0]].concat();
    let huge = footer(&schema(i64::from(i32::MAX)));
    assert_refused(&huge, "damaged: its schema has fewer columns than it declares");
    let deep = [
        vec![0x29, 0xfc],
        varint(5000),
        [&[0x48, 1, b'm'], &integers(&[(1, 1)])[..], &[0]].concat().repeat(5000),
        vec![0],
    ];
    assert_refused(&footer(&deep.concat()), "damaged: its schema is nested too deep");
    let truths = [&[0xd9, 0xf2][..], &varint(i32::MAX as u64), &[0]].concat();
    assert_refused(&footer(&truths), "it ends too early, or a length in it is too large");
}

#[test]
fn a_footer_that_is_longer_than_its_file_is_refused() {
    let mut bytes = Crafted::whole().bytes().to_vec();
    let length = bytes.len() - 8;
    bytes[length..length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_refused(&bytes.clone().into(), "its footer is said to have 4294967295 bytes; allowed: at most");
    bytes[length + 7] = b'E';
    assert_refused(&bytes.clone().into(), "encrypted, which is not read");
    assert_refused(&bytes[..11].to_vec().into(), "no Parquet file: it has 11 bytes");
    assert_refused(&Bytes::new(), "no Parquet file: it has 0 bytes");
}

/// Single bytes at which the reader panicked, one for each of its panics: the file, the position and the byte.
const PANICKED: [(&str, usize, u8); 12] = [
    ("UNCOMPRESSED, PARQUET_2_0, dictionary false", 4282, 1),
    ("GZIP(GzipLevel(6)), PARQUET_2_0, dictionary false", 1956, 108),
    ("UNCOMPRESSED, PARQUET_1_0, dictionary true", 420, 41),
    ("UNCOMPRESSED, PARQUET_1_0, dictionary true", 9764, 111),
    ("UNCOMPRESSED, PARQUET_1_0, dictionary true", 14119, 10),
    ("UNCOMPRESSED, PARQUET_2_0, dictionary false", 427, 0),
    ("UNCOMPRESSED, PARQUET_1_0, dictionary false", 2011, 16),
    ("UNCOMPRESSED, PARQUET_2_0, dictionary false", 5038, 255),
    ("SNAPPY, PARQUET_2_0, dictionary true", 7472, 0),
    ("GZIP(GzipLevel(6)), PARQUET_1_0, dictionary false", 5117, 16),
    ("LZ4_RAW, PARQUET_1_0, dictionary true", 6552, 174),
    ("BYTE_STREAM_SPLIT", 3066, 20),
];

#[test]
fn every_byte_that_once_made_the_reader_panic_ends_in_rows_or_an_error() {
    for (name, at, byte) in PANICKED {
        let sample = SAMPLES.iter().find(|sample| sample.name == name).expect(name);
        let mut bytes = sample.bytes.to_vec();
        bytes[at] = byte;
        survive(&bytes.into(), false);
    }
}
