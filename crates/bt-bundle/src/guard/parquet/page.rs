//! The header of a page.

use super::damage::ChunkFault;
use super::format;
use super::thrift::walk;

/// What a page says about itself, as far as it is checked. Numbers are as they stand there, negative ones too.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: i64,
    /// Bytes after the header, and what they give.
    pub(super) compressed: i64,
    pub(super) uncompressed: i64,
    pub(super) data: Option<Values>,
    pub(super) data_v2: Option<ValuesV2>,
    pub(super) dictionary: Option<Values>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) values: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValuesV2 {
    pub(super) values: i64,
    pub(super) nulls: i64,
    pub(super) rows: i64,
    /// Bytes of levels, which are never compressed.
    pub(super) definition_levels: i64,
    pub(super) repetition_levels: i64,
    pub(super) is_compressed: bool,
}

impl Default for ValuesV2 {
    /// A page that does not say whether it is compressed is.
    fn default() -> Self {
        Self { values: 0, nulls: 0, rows: 0, definition_levels: 0, repetition_levels: 0, is_compressed: true }
    }
}

/// Types of pages.
pub(super) mod kind {
    pub(in super::super) const DATA: i64 = 0;
    pub(in super::super) const INDEX: i64 = 1;
    pub(in super::super) const DICTIONARY: i64 = 2;
    pub(in super::super) const DATA_V2: i64 = 3;
}

impl PageHeader {
    /// Reads the header at the beginning of `bytes`, which lie at the byte `at` of the file. Returns its length, too.
    pub(super) fn read(bytes: &[u8], at: u64) -> Result<(Self, u64), ChunkFault> {
        let mut header = Self::default();
        let mut has_kind = false;
        let length = walk(bytes, &format::PAGE_HEADER, &mut |structure, field, value| {
            has_kind |= (structure, field) == ("PageHeader", 1);
            header.note(structure, field, value);
        });
        let length = length.map_err(|malformed| ChunkFault::Header { at, malformed })?;
        if !has_kind {
            return Err(ChunkFault::Missing { at, what: "type" });
        }
        Ok((header, length as u64))
    }

    fn note(&mut self, structure: &str, field: i16, value: i64) {
        match (structure, field) {
            ("PageHeader", 1) => self.kind = value,
            ("PageHeader", 2) => self.uncompressed = value,
            ("PageHeader", 3) => self.compressed = value,
            ("DataPageHeader", 0) => self.data = Some(Values::default()),
            ("DataPageHeader", 1) => self.data = Some(Values { values: value }),
            ("DictionaryPageHeader", 0) => self.dictionary = Some(Values::default()),
            ("DictionaryPageHeader", 1) => self.dictionary = Some(Values { values: value }),
            ("DataPageHeaderV2", 0) => self.data_v2 = Some(ValuesV2::default()),
            ("DataPageHeaderV2", field) => {
                if let Some(data) = &mut self.data_v2 {
                    data.note(field, value);
                }
            }
            _ => {}
        }
    }
}

impl ValuesV2 {
    fn note(&mut self, field: i16, value: i64) {
        match field {
            1 => self.values = value,
            2 => self.nulls = value,
            3 => self.rows = value,
            5 => self.definition_levels = value,
            6 => self.repetition_levels = value,
            7 => self.is_compressed = value != 0,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::parquet::thrift::Malformed;

    #[test]
    fn a_data_page_of_the_second_version_is_read_with_its_levels() {
        let bytes = [
            0x15, 0x06, 0x15, 0xc8, 0x01, 0x15, 0x64, // type 3, 100 bytes, 50 of them compressed
            0x5c, 0x15, 0x14, 0x15, 0x04, 0x15, 0x14, 0x15, 0x00, 0x15, 0x06, 0x15, 0x00, 0x12,
            0x00, // 8: V2
            0x00, 0xaa,
        ];
        let (header, length) = PageHeader::read(&bytes, 4).unwrap();
        assert_eq!(length as usize, bytes.len() - 1);
        let data_v2 = ValuesV2 {
            values: 10,
            nulls: 2,
            rows: 10,
            definition_levels: 3,
            repetition_levels: 0,
            is_compressed: false,
        };
        let expected = PageHeader {
            kind: kind::DATA_V2,
            compressed: 50,
            uncompressed: 100,
            data_v2: Some(data_v2),
            ..PageHeader::default()
        };
        assert_eq!(header, expected);
    }

    #[test]
    fn a_header_that_ends_or_has_no_type_says_where() {
        let ended = PageHeader::read(&[0x15], 99).unwrap_err();
        assert!(matches!(ended, ChunkFault::Header { at: 99, malformed: Malformed::Ended }), "{ended}");
        let untyped = PageHeader::read(&[0x25, 0x02, 0x00], 99).unwrap_err();
        assert_eq!(untyped.to_string(), "the page header at byte 99 has no type");
    }
}
