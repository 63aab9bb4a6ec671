//! Names of assets.

use bt_core::AssetList;

use crate::ingest::fault::{AssetFault, excerpt};

/// The name that a field holds, without white space around it, or the signs by which a spreadsheet keeps it text: `="0050"`.
#[inline]
pub(in crate::ingest) fn read(text: &[u8]) -> Result<&str, AssetFault> {
    match str::from_utf8(text).map(|name| unquoted(name.trim()).trim()) {
        Ok(name) if is_name(name) => Ok(name),
        _ => Err(fault(text)),
    }
}

/// A name without the signs by which a spreadsheet keeps it text.
pub(in crate::ingest) fn unquoted(name: &str) -> &str {
    name.strip_prefix("=\"").and_then(|name| name.strip_suffix('"')).unwrap_or(name)
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
