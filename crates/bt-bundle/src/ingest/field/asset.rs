//! Names of assets.

use bt_core::AssetList;

use crate::ingest::fault::{AssetFault, excerpt};

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
    AssetList::check_name(name).is_ok()
}

#[cold]
fn fault(text: &[u8]) -> AssetFault {
    match str::from_utf8(text) {
        Ok(text) if text.trim().is_empty() => AssetFault::Missing,
        Ok(_) => AssetFault::Name { name: excerpt(text), allowed: AssetList::NAME_RULE },
        Err(_) => AssetFault::NotUtf8 { text: excerpt(text) },
    }
}
