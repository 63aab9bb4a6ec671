//! Arrays as NumPy saves them, as far as the peers' data needs: version 1, little-endian, in C order.

use std::path::Path;

/// The numbers of a file of 64-bit floats, row by row.
///
/// # Errors
/// What cannot be read, and why.
pub fn floats(path: &Path) -> Result<Vec<f64>, String> {
    Ok(read(path, "'<f8'")?.into_iter().map(f64::from_le_bytes).collect())
}

/// The numbers of a file of 64-bit integers.
///
/// # Errors
/// What cannot be read, and why.
pub fn integers(path: &Path) -> Result<Vec<i64>, String> {
    Ok(read(path, "'<i8'")?.into_iter().map(i64::from_le_bytes).collect())
}

fn read(path: &Path, kind: &str) -> Result<Vec<[u8; 8]>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    parse(&bytes, kind).map_err(|reason| format!("{}: {reason}", path.display()))
}

fn parse(bytes: &[u8], kind: &str) -> Result<Vec<[u8; 8]>, String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00").ok_or("not an array of NumPy's version 1")?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or("cut off in its header")?;
    let header = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)));
    let (header, values) = header.ok_or("cut off in its header")?;
    let header = String::from_utf8_lossy(header);
    if !header.contains(kind) || !header.contains("'fortran_order': False") {
        return Err(format!("not an array of {kind} in C order: {}", header.trim()));
    }
    match values.as_chunks() {
        (values, []) => Ok(values.to_vec()),
        (_, rest) => Err(format!("{} bytes too many", rest.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, values: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
    }

    #[test]
    fn values_are_read_and_other_kinds_refused() {
        let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n";
        let values = [7i64, -1].map(i64::to_le_bytes);
        assert_eq!(parse(&file(header, values.as_flattened()), "'<i8'").unwrap(), values);
        assert!(parse(&file(header, &[0; 9]), "'<i8'").is_err());
        assert!(parse(&file(header, &[]), "'<f8'").unwrap_err().contains("'<i8'"));
        assert!(parse(b"\x93NUMPY\x01\x00\xff\xff", "'<f8'").unwrap_err().contains("cut off"));
        assert!(parse(b"PK", "'<f8'").is_err());
    }
}
