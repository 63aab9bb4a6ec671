//! The structures of Parquet that are walked over before they are decoded.
//!
//! [Specification](https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift)

use super::thrift::Kind::{Binary, Bool, Double, I8, I16, I32, I64, List, Nested};
use super::thrift::Structure;

macro_rules! structures {
    ($($(#[$doc:meta])* $constant:ident = $name:literal { $($number:literal: $kind:expr,)* })*) => {
        $(
            $(#[$doc])*
            pub(super) const $constant: Structure =
                Structure { name: $name, fields: &[$(($number, $kind)),*] };
        )*
    };
}

structures! {
    EMPTY = "empty structure" {}
    TIME_UNIT = "TimeUnit" { 1: Nested(&EMPTY), 2: Nested(&EMPTY), 3: Nested(&EMPTY), }
    TIME = "TimeType" { 1: Bool, 2: Nested(&TIME_UNIT), }
    DECIMAL = "DecimalType" { 1: I32, 2: I32, }
    INTEGER = "IntType" { 1: I8, 2: Bool, }
    VARIANT = "VariantType" { 1: I8, }
    GEOMETRY = "GeometryType" { 1: Binary, }
    GEOGRAPHY = "GeographyType" { 1: Binary, 2: I32, }
    LOGICAL_TYPE = "LogicalType" {
        1: Nested(&EMPTY), 2: Nested(&EMPTY), 3: Nested(&EMPTY), 4: Nested(&EMPTY), 5: Nested(&DECIMAL),
        6: Nested(&EMPTY), 7: Nested(&TIME), 8: Nested(&TIME), 10: Nested(&INTEGER), 11: Nested(&EMPTY),
        12: Nested(&EMPTY), 13: Nested(&EMPTY), 14: Nested(&EMPTY), 15: Nested(&EMPTY),
        16: Nested(&VARIANT), 17: Nested(&GEOMETRY), 18: Nested(&GEOGRAPHY), 19: Nested(&EMPTY),
    }
    SCHEMA_ELEMENT = "SchemaElement" {
        1: I32, 2: I32, 3: I32, 4: Binary, 5: I32, 6: I32, 7: I32, 8: I32, 9: I32,
        10: Nested(&LOGICAL_TYPE),
    }
    STATISTICS = "Statistics" {
        1: Binary, 2: Binary, 3: I64, 4: I64, 5: Binary, 6: Binary, 7: Bool, 8: Bool, 9: I64,
    }
    KEY_VALUE = "KeyValue" { 1: Binary, 2: Binary, }
    PAGE_ENCODING_STATS = "PageEncodingStats" { 1: I32, 2: I32, 3: I32, }
    SIZE_STATISTICS = "SizeStatistics" { 1: I64, 2: List(&I64), 3: List(&I64), }
    BOUNDING_BOX = "BoundingBox" {
        1: Double, 2: Double, 3: Double, 4: Double, 5: Double, 6: Double, 7: Double, 8: Double,
    }
    GEOSPATIAL_STATISTICS = "GeospatialStatistics" { 1: Nested(&BOUNDING_BOX), 2: List(&I32), }
    COLUMN_META_DATA = "ColumnMetaData" {
        1: I32, 2: List(&I32), 3: List(&Binary), 4: I32, 5: I64, 6: I64, 7: I64,
        8: List(&Nested(&KEY_VALUE)), 9: I64, 10: I64,
        11: I64, 12: Nested(&STATISTICS), 13: List(&Nested(&PAGE_ENCODING_STATS)), 14: I64, 15: I32,
        16: Nested(&SIZE_STATISTICS),
        17: Nested(&GEOSPATIAL_STATISTICS),
    }
    COLUMN_CHUNK = "ColumnChunk" {
        1: Binary, 2: I64, 3: Nested(&COLUMN_META_DATA), 4: I64, 5: I32, 6: I64, 7: I32, 9: Binary,
    }
    SORTING_COLUMN = "SortingColumn" { 1: I32, 2: Bool, 3: Bool, }
    ROW_GROUP = "RowGroup" {
        1: List(&Nested(&COLUMN_CHUNK)), 2: I64, 3: I64, 4: List(&Nested(&SORTING_COLUMN)), 5: I64,
        6: I64, 7: I16,
    }
    COLUMN_ORDER = "ColumnOrder" { 1: Nested(&EMPTY), 2: Nested(&EMPTY), }
    /// What the footer holds.
    FILE_META_DATA = "FileMetaData" {
        1: I32, 2: List(&Nested(&SCHEMA_ELEMENT)), 3: I64, 4: List(&Nested(&ROW_GROUP)),
        5: List(&Nested(&KEY_VALUE)), 6: Binary,
        7: List(&Nested(&COLUMN_ORDER)), 9: Binary,
    }
    DATA_PAGE_HEADER = "DataPageHeader" { 1: I32, 2: I32, 3: I32, 4: I32, 5: Nested(&STATISTICS), }
    DICTIONARY_PAGE_HEADER = "DictionaryPageHeader" { 1: I32, 2: I32, 3: Bool, }
    DATA_PAGE_HEADER_V2 = "DataPageHeaderV2" {
        1: I32, 2: I32, 3: I32, 4: I32, 5: I32, 6: I32, 7: Bool, 8: Nested(&STATISTICS),
    }
    /// What stands before each page.
    PAGE_HEADER = "PageHeader" {
        1: I32, 2: I32, 3: I32, 4: I32, 5: Nested(&DATA_PAGE_HEADER), 6: Nested(&EMPTY),
        7: Nested(&DICTIONARY_PAGE_HEADER), 8: Nested(&DATA_PAGE_HEADER_V2),
    }
}
