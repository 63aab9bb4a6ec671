//! Names of assets.

use super::super::fault::{AssetFault, excerpt};

/// What an asset's name may be.
pub(in crate::ingest) const ALLOWED: &str = "1 to 256 bytes of UTF-8 without control characters";
const LONGEST: usize = 256;

/// The name that a field holds, without white space around it.
#[inline]
pub(in crate::ingest) fn read(text: &[u8]) -> Result<&str, AssetFault> {
    match str::from_utf8(text).map(str::trim) {
        Ok(name) if is_name(name) => Ok(name),
        _ => Err(fault(text)),
    }
}

#[inline]
pub(in crate::ingest) fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && !name.bytes().any(|byte| byte < 0x20 || byte == 0x7f)
}

#[cold]
fn fault(text: &[u8]) -> AssetFault {
    match str::from_utf8(text) {
        Ok(text) if text.trim().is_empty() => AssetFault::Missing,
        Ok(_) => AssetFault::Name { name: excerpt(text), allowed: ALLOWED },
        Err(_) => AssetFault::NotUtf8 { text: excerpt(text) },
    }
}
