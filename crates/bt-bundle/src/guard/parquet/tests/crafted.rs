//! Files whose every number is chosen: a column, its pages byte by byte, and what the footer says about them.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnChunkMetaDataBuilder, FileMetaData, ParquetMetaDataBuilder,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;

/// A file of one column and one row group.
#[derive(Clone)]
pub(super) struct Crafted {
    /// `required int64 x` and the like.
    pub(super) column: &'static str,
    pub(super) codec: Compression,
    /// Rows of the row group, and values of the chunk.
    pub(super) rows: i64,
    pub(super) values: i64,
    /// Headers with their bytes.
    pub(super) pages: Vec<Vec<u8>>,
}

impl Crafted {
    /// Three whole numbers.
    pub(super) fn whole() -> Self {
        let page = data_page(3, [1_i64, 2, 3].map(i64::to_le_bytes).as_flattened(), 24, 0);
        let codec = Compression::UNCOMPRESSED;
        Self { column: "required int64 x", codec, rows: 3, values: 3, pages: vec![page] }
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.with(|chunk| chunk)
    }

    /// The file, with something else said about its chunk.
    pub(super) fn with(
        &self,
        say: impl Fn(ColumnChunkMetaDataBuilder) -> ColumnChunkMetaDataBuilder,
    ) -> Bytes {
        let message = format!("message m {{ {}; }}", self.column);
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(parse_message_type(&message).unwrap())));
        let pages = self.pages.concat();
        let chunk = ColumnChunkMetaData::builder(schema.column(0))
            .set_compression(self.codec)
            .set_num_values(self.values)
            .set_data_page_offset(4)
            .set_total_compressed_size(pages.len() as i64);
        let group = RowGroupMetaData::builder(Arc::clone(&schema))
            .set_num_rows(self.rows)
            .add_column_metadata(say(chunk).build().unwrap())
            .build()
            .unwrap();
        let file = FileMetaData::new(1, self.rows, None, None, schema, None);
        let metadata = ParquetMetaDataBuilder::new(file).add_row_group(group).build();
        let mut bytes = [b"PAR1".as_slice(), &pages].concat();
        ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().unwrap();
        bytes.into()
    }
}

/// A data page of `count` values in this encoding, that says to give `size` bytes.
pub(super) fn data_page(count: i64, content: &[u8], size: i64, encoding: i64) -> Vec<u8> {
    let data = integers(&[(1, count), (2, encoding), (3, 3), (4, 3)]);
    page(0, 5, &data, content, size)
}

/// A data page of the second version, with lengths of its levels.
pub(super) fn data_page_v2(count: i64, nulls: i64, levels: i64, content: &[u8], size: i64) -> Vec<u8> {
    let data = integers(&[(1, count), (2, nulls), (3, count), (4, 0), (5, levels), (6, 0)]);
    page(3, 8, &data, content, size)
}

/// A dictionary page of `count` entries.
pub(super) fn dictionary_page(count: i64, content: &[u8], size: i64) -> Vec<u8> {
    page(2, 7, &integers(&[(1, count), (2, 0)]), content, size)
}

/// A page of this type, whose own header is the field `field`.
pub(super) fn page(kind: i64, field: u8, own: &[u8], content: &[u8], size: i64) -> Vec<u8> {
    let mut header = integers(&[(1, kind), (2, size), (3, content.len() as i64)]);
    // A structure, by the step from field 3.
    header.push((field - 3) << 4 | 12);
    [header.as_slice(), own, &[0, 0], content].concat()
}

/// Fields that are integers, without an end.
pub(super) fn integers(fields: &[(u8, i64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = 0;
    for &(field, value) in fields {
        bytes.push((field - last) << 4 | 5);
        bytes.extend(varint((value << 1 ^ value >> 63) as u64));
        last = field;
    }
    bytes
}

pub(super) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A file of a footer alone.
pub(super) fn footer(metadata: &[u8]) -> Bytes {
    [b"PAR1", metadata, &(metadata.len() as u32).to_le_bytes(), b"PAR1"].concat().into()
}
