#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adjustment;
mod asset;
mod bars;
mod bundle;
mod calendar;
mod digest;
mod error;
mod field;
mod metadata;
mod name;
mod slab;
mod time;
mod version;

pub use adjustment::{Adjustment, AdjustmentKind};
pub use asset::{AssetId, AssetList, nearest_names};
pub use bars::Bars;
pub use bundle::{Bundle, BundleSource, DynSource, erase};
pub use calendar::Calendar;
pub use digest::{AssetDigest, Digest, adjustments_digest, bundle_version, column_digest, timestamps_digest};
pub use error::{Error, ErrorKind, Result};
pub use field::Field;
pub use metadata::BundleMetadata;
pub use name::BundleName;
pub use slab::{Slab, Span};
pub use time::{Frequency, Timestamp};
pub use version::BundleVersion;

pub use ndarray;
