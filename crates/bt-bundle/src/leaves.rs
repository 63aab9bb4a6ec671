//! `digests.arrow`: the digest of every column of every asset, for whoever verifies or appends.

use std::borrow::Cow;
use std::path::Path;

use arrow_schema::{DataType, Field, Schema};
use bt_core::{AssetDigest, AssetList, Digest, Error, Result};

use crate::ipc::{self, Kind, Plan, Table};
use crate::map::{OpenMode, Region};
use crate::{files, matrix};

/// The file's name.
pub(crate) const FILE: &str = "digests.arrow";
/// The column of the digests of splits and dividends.
pub(crate) const ADJUSTMENTS: &str = "adjustments";

/// Reads the digests of a version with these assets and columns after volume.
pub(crate) fn read(directory: &Path, assets: &AssetList, extra: &[String]) -> Result<Vec<AssetDigest>> {
    let (file, len) = files::open_part(directory, FILE)?;
    let what = directory.join(FILE).display().to_string();
    let (limit, assets, columns) = (largest(assets, extra), assets.len(), 5 + extra.len());
    if len > limit {
        let reason = format!("it has {len} bytes; at most {limit} are allowed for {assets} assets");
        return Err(Error::corrupt(what, reason));
    }
    let region = Region::open(&file, len, OpenMode::Read, &what)?;
    let table = Table::read(region.bytes(), &what)?;
    let wrong = || {
        Error::corrupt(&what, format!("it does not hold the digests of {assets} assets of {columns} columns"))
    };
    let digests = digests(&table, region.bytes(), assets).filter(|digests| digests.len() == columns + 2);
    let digests = digests.ok_or_else(wrong)?;
    Ok((0..assets).map(|rank| leaf(&digests, rank)).collect())
}

/// What the file may have at most: twice what a version with these assets needs, and room for the schema.
fn largest(assets: &AssetList, extra: &[String]) -> usize {
    let row = size_of::<Digest>() * (7 + extra.len()) + size_of::<u32>();
    let names: usize = assets.names().chain(extra.iter().map(String::as_str)).map(str::len).sum();
    (2 * row).saturating_mul(assets.len()).saturating_add(8 * names + (1 << 20))
}

/// The columns of digests: of adjustments, of timestamps, and of each column of the bars.
fn digests<'a>(table: &Table, file: &'a [u8], assets: usize) -> Option<Vec<&'a [Digest]>> {
    let [batch] = table.batches.as_slice() else { return None };
    let column = |number: usize| {
        let (length, place) = batch.values(&table.columns, number);
        let fits = table.columns[number].kind == Kind::Digest && length == assets && batch.nulls(number) == 0;
        ipc::numbers(file.get(place)?).filter(|digests: &&[Digest]| fits && digests.len() == assets)
    };
    (1..table.columns.len()).map(column).collect()
}

fn leaf(digests: &[&[Digest]], rank: usize) -> AssetDigest {
    AssetDigest {
        adjustments: digests[0][rank],
        timestamps: digests[1][rank],
        columns: digests[2..].iter().map(|column| column[rank]).collect(),
    }
}

/// Lays out the file, with the content of each buffer: a row for each asset.
pub(crate) fn encode(
    names: &[String],
    extra: &[String],
    leaves: &[AssetDigest],
    format: u32,
) -> (Plan, Vec<Cow<'static, [u8]>>) {
    let columns = bt_core::Field::NAMES.into_iter().chain(extra.iter().map(String::as_str));
    let digests = [ADJUSTMENTS, matrix::TIMESTAMP].into_iter().chain(columns);
    let mut fields = vec![Field::new(matrix::ASSET, DataType::Utf8, false)];
    fields.extend(digests.map(|name| Field::new(name, DataType::FixedSizeBinary(32), false)));
    let (ends, text) = ipc::text_buffers(names);
    let mut buffers = vec![Cow::default(), ends.into(), text.into()];
    let mut push = |digest: &dyn Fn(&AssetDigest) -> Digest| {
        let column: Vec<Digest> = leaves.iter().map(digest).collect();
        buffers.extend([Cow::default(), column.as_flattened().to_vec().into()]);
    };
    push(&|leaf| leaf.adjustments);
    push(&|leaf| leaf.timestamps);
    (0..fields.len() - 3).for_each(|column| push(&|leaf| leaf.columns[column]));
    let lengths: Vec<_> = buffers.iter().map(|buffer| buffer.len() as u64).collect();
    let arrays = vec![names.len(); fields.len()];
    let metadata = [(ipc::FORMAT_KEY.to_owned(), format.to_string())];
    let schema = Schema::new_with_metadata(fields, std::collections::HashMap::from(metadata));
    (ipc::plan(&schema, None, names.len(), &arrays, &lengths), buffers)
}
