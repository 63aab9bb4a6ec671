//! What fuzz targets call and nobody else may.

use std::path::Path;

use bt_bundle::Store;
use bt_core::{BundleName, BundleVersion};

use crate::commands::request::Request;
use crate::exit::Failure;

/// Reads the request in a folder, writes it again, and prepares what it asks for on this version of a bundle, up to the first
/// trial.
///
/// # Errors
/// What is wrong with it.
///
/// # Panics
/// Where a request that was read is another one once it is written.
pub fn request(
    folder: &Path,
    store: &Store,
    name: &BundleName,
    version: BundleVersion,
) -> Result<(), String> {
    let told = |failure: Failure| failure.message;
    let mut request = Request::read(folder).map_err(told)?;
    let copy = folder.join("copy");
    request.write(&copy).map_err(told)?;
    let again = Request::read(&copy).map_err(told)?;
    // By their words, since a NaN is not equal to itself.
    assert_eq!(format!("{again:?}"), format!("{request:?}"));
    (request.bundle, request.bundle_version) = (name.to_string(), version.to_string());
    let prepared = request.prepare(store.clone(), Some(1)).map_err(told)?;
    prepared.described().map(drop).map_err(told)
}
