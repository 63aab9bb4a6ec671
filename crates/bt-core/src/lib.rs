#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adjustment;
mod asset;
mod bars;
mod bundle;
mod calendar;
#[cfg(feature = "zones")]
mod clock;
mod conventions;
mod digest;
mod error;
mod field;
mod metadata;
mod name;
mod slab;
mod time;
mod version;
#[cfg(feature = "zones")]
mod zone;

pub use adjustment::{Adjustment, AdjustmentKind};
pub use asset::{AssetId, AssetList, nearest_names};
pub use bars::Bars;
pub use bundle::{Bundle, BundleSource, DynSource, erase};
pub use calendar::Calendar;
#[cfg(feature = "zones")]
pub use clock::{BarClock, BarName};
pub use conventions::{BarLabel, Conventions};
pub use digest::{
    AssetDigest, Digest, adjustments_digest, bundle_version, column_digest, is_format_1, timestamps_digest,
};
pub use error::{Error, ErrorKind, Result};
pub use field::Field;
pub use metadata::BundleMetadata;
pub use name::BundleName;
pub use slab::{Slab, Span};
pub use time::{Frequency, Timestamp};
pub use version::BundleVersion;
#[cfg(feature = "zones")]
pub use zone::{Day, WallClock, Zone};

pub use ndarray;
