//! Ways of compression: which are read, and how much more than their input they can give.

use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use crate::FileFault;

/// The most bytes that one byte of a compressed page can stand for, by the format of each codec. A page that declares
/// more was never written; none that was is refused.
///
/// - snappy: a copy of 64 bytes takes 3.
/// - LZ4: each further byte of a match's length stands for 255.
/// - gzip: a match of 258 bytes takes 2 bits.
/// - zstd: a block of 128 KiB that repeats one byte takes 4.
///
/// `None` for what is not compressed, and for what is not read.
pub(super) fn most_expansion(codec: Compression) -> Option<u64> {
    match codec {
        Compression::SNAPPY => Some(22),
        Compression::LZ4 | Compression::LZ4_RAW => Some(255),
        Compression::GZIP(_) => Some(1032),
        Compression::ZSTD(_) => Some(32 << 10),
        Compression::UNCOMPRESSED | Compression::BROTLI(_) | Compression::LZO => None,
    }
}

/// What a file with a codec that this build does not know says: that.
pub(super) fn unknown(content: &ParquetMetaData) -> Option<FileFault> {
    let columns = content.row_groups().iter().flat_map(|group| group.columns());
    let unknown = columns.map(|column| column.compression()).find(|&codec| !is_known(codec))?;
    let name = format!("{unknown:?}").to_ascii_lowercase();
    let name = name.split('(').next().unwrap_or_default().to_owned();
    let feature = matches!(unknown, Compression::ZSTD(_)).then_some("zstd");
    Some(FileFault::Compression { name, feature })
}

fn is_known(codec: Compression) -> bool {
    let reads_zstd = cfg!(feature = "zstd");
    let is_zstd = matches!(codec, Compression::ZSTD(_));
    !matches!(codec, Compression::BROTLI(_) | Compression::LZO) && (reads_zstd || !is_zstd)
}
