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
    let feature = matches!(unknown, Compression::ZSTD(_)).then_some("zstd");
    Some(FileFault::Compression { name: name(unknown), feature, supported: SUPPORTED })
}

fn name(codec: Compression) -> String {
    let debug = format!("{codec:?}").to_ascii_lowercase();
    debug.split('(').next().unwrap_or_default().to_owned()
}

/// The codecs that [`is_known`].
const SUPPORTED: &str = match cfg!(feature = "zstd") {
    true => "snappy, gzip, lz4, zstd and none",
    false => "snappy, gzip, lz4 and none",
};

fn is_known(codec: Compression) -> bool {
    let reads_zstd = cfg!(feature = "zstd");
    let is_zstd = matches!(codec, Compression::ZSTD(_));
    !matches!(codec, Compression::BROTLI(_) | Compression::LZO) && (reads_zstd || !is_zstd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codecs_that_are_told_as_supported_are_those_that_are_read() {
        for codec in [
            Compression::SNAPPY,
            Compression::GZIP(Default::default()),
            Compression::LZ4,
            Compression::ZSTD(Default::default()),
            Compression::BROTLI(Default::default()),
            Compression::LZO,
        ] {
            let name = name(codec);
            assert_eq!(SUPPORTED.contains(&name), is_known(codec), "{name}");
        }
        assert!(is_known(Compression::UNCOMPRESSED) && SUPPORTED.ends_with("none"));
    }
}
