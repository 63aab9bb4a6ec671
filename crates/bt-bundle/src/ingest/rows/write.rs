//! Bars on their way to the disk: gathered, sorted and hashed by all processors, written in order by one.

use std::collections::BTreeMap;

use bt_core::{Adjustment, AssetDigest, Bars, Result};
use parking_lot::Mutex;

use super::collect::{AssetRows, Collected};
use super::settle::{self, Settled};
use crate::Draft;
use crate::ingest::parallel;

/// Writes all assets' bars, by name.
///
/// # Errors
/// What reading the temporary file and writing to the draft meet.
pub(in crate::ingest) fn assets(
    rows: &Collected,
    settled: &Settled,
    adjustments: &BTreeMap<String, Vec<Adjustment>>,
    draft: &mut Draft<'_>,
) -> Result<()> {
    let extra_columns = draft.extra_columns();
    let mut assets = settled.assets.iter();
    // What was written is used again: fresh memory for each asset would cost as much as gathering it.
    let spare = Mutex::new(Vec::<AssetRows>::new());
    let work = |asset: &settle::Asset| {
        let mut gathered = spare.lock().pop().unwrap_or_default();
        settle::gather_bars(rows, asset, &settled.clock, &mut gathered)?;
        let list = adjustments.get(&asset.name).map_or(&[][..], Vec::as_slice);
        let digest = AssetDigest::of(bars(&gathered)?, extra_columns, list);
        Ok((gathered, digest))
    };
    let threads = parallel::threads().min(settled.assets.len());
    parallel::ordered(
        threads,
        || Ok(assets.next()),
        work,
        |(gathered, digest)| {
            draft.write_digested(bars(&gathered)?, digest)?;
            spare.lock().push(gathered);
            Ok(())
        },
    )
}

fn bars(rows: &AssetRows) -> Result<Bars<'_>> {
    Bars::new(&rows.known, &rows.sorted, rows.known.len())
}
