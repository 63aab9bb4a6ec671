//! The footer: found, walked over and only then decoded.

use std::ops::Range;

use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::ChunkReader;

use super::damage::Damage;
use super::format;
use super::thrift::{MAX_DEPTH, Malformed, walk};

/// What stands before the data: `PAR1`.
const MAGIC_SIZE: u64 = 4;

/// A file's metadata, and where its data may lie. A footer of more bytes than `allowed` is not read.
pub(super) fn read(input: &impl ChunkReader, allowed: u64) -> Result<(ParquetMetaData, Range<u64>), Damage> {
    let file = input.len();
    let tail = file.checked_sub(FOOTER_SIZE as u64);
    let end = tail.filter(|&end| end >= MAGIC_SIZE).ok_or(Damage::Short(file))?;
    let tail = FooterTail::try_from(&*input.get_bytes(end, FOOTER_SIZE)?)?;
    if tail.is_encrypted_footer() {
        return Err(Damage::Encrypted);
    }
    let length = tail.metadata_length() as u64;
    let most = (end - MAGIC_SIZE).min(allowed);
    let start =
        end - Some(length).filter(|&length| length <= most).ok_or(Damage::FooterLength { length, most })?;
    let bytes = input.get_bytes(start, tail.metadata_length())?;
    check(&bytes).map_err(|fault| match fault {
        FooterFault::Malformed(malformed) => Damage::Footer(start, malformed),
        FooterFault::Schema(reason) => Damage::Schema(reason),
    })?;
    Ok((ParquetMetaDataReader::decode_metadata(&bytes)?, MAGIC_SIZE..start))
}

enum FooterFault {
    Malformed(Malformed),
    Schema(&'static str),
}

/// Walks over a footer, so that decoding it allocates in proportion to its bytes and nests only so deep.
fn check(bytes: &[u8]) -> Result<(), FooterFault> {
    let mut children = Vec::new();
    let visit = &mut |structure: &'static str, field: i16, value: i64| match (structure, field) {
        ("SchemaElement", 0) => children.push(0),
        ("SchemaElement", 5) => {
            if let Some(last) = children.last_mut() {
                *last = value;
            }
        }
        _ => {}
    };
    walk(bytes, &format::FILE_META_DATA, visit).map_err(FooterFault::Malformed)?;
    tree(&children).map_err(FooterFault::Schema)
}

/// Checks that the numbers of children, given depth first, are those of one tree that is not too deep.
fn tree(children: &[i64]) -> Result<(), &'static str> {
    // For each level that is open, how many of its elements are still to come.
    let mut open: Vec<u64> = Vec::new();
    for (at, &children) in children.iter().enumerate() {
        if at > 0 {
            let Some(left) = open.last_mut() else { return Err("has more than one root") };
            *left -= 1;
        }
        let children = u64::try_from(children).map_err(|_| "has a negative number of columns")?;
        open.push(children);
        if open.len() > MAX_DEPTH as usize {
            return Err("is nested too deep");
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    if open.is_empty() { Ok(()) } else { Err("has fewer columns than it declares") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_children_must_be_those_of_one_tree() {
        assert_eq!(tree(&[2, 0, 0]), Ok(()));
        assert_eq!(tree(&[2, 2, 0, 1, 0, 0]), Ok(()));
        assert_eq!(tree(&[]), Ok(()));
        assert_eq!(tree(&[1, 0, 0]), Err("has more than one root"));
        assert_eq!(tree(&[3, 0, 0]), Err("has fewer columns than it declares"));
        assert_eq!(tree(&[i64::from(i32::MAX), 0]), Err("has fewer columns than it declares"));
        assert_eq!(tree(&[-1, 0]), Err("has a negative number of columns"));
        assert_eq!(tree(&[1; 100_000]), Err("is nested too deep"));
    }
}
