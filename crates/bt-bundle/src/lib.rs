#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![cfg_attr(
    not(all(feature = "csv", feature = "parquet", feature = "ipc")),
    allow(dead_code, reason = "what formats share is used by some of them")
)]

#[cfg(target_endian = "big")]
compile_error!(
    "bundles are little-endian and used where they lie; a big-endian host would have to convert them"
);

mod append;
mod bundle;
mod disk;
mod draft;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gc;
mod guard;
mod head;
mod held;
mod index;
mod ingest;
mod ipc;
mod known;
mod leaves;
mod lock;
mod manifest;
mod map;
mod matrix;
mod publish;
mod store;
mod verify;

pub use arrow_array;
pub use bt_asset_cache;
pub use bt_asset_cache::Label;
pub use bt_core;
pub use bt_core::Zone;

pub use append::Appended;
pub use bundle::MappedBundle;
pub use disk::{Disk, RealDisk};
pub use draft::{Draft, DraftShape, Published};
pub use gc::Collected;
pub use guard::{is_guarded, silence_guarded_panics};
pub use ingest::{
    AdjustmentFault, Advice, AppendReport, AssetFault, AssetName, BadRows, Column, DateOrder, Encoding,
    EpochUnit, Extras, Fault, FileFault, FileFormat, Finding, Findings, FrequencyFault, HeaderFault, Ingest,
    IngestOptions, IngestReport, ListedFile, Listing, Note, NumberFault, NumberFormat, OptionConflict, Place,
    PriceScale, RowFault, RowNumber, SessionClose, SkipReason, Skipped, TimeFault, TimeFormat, Timings,
    list_files,
};
#[cfg(feature = "parquet")]
pub use ingest::{FileDigests, ParquetTables};
pub use manifest::{AssetRange, Digests, Manifest};
pub use map::OpenMode;
#[cfg(feature = "floor")]
pub use map::open_map_unmap;
pub use store::{OpenOptions, Store};
pub use verify::Verified;
