//! Bars on their way to the disk: gathered, sorted and hashed by all processors, written in order by one.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bt_core::{Adjustment, AssetDigest, Bars, Result};

use super::collect::{AssetRows, Collected};
use super::settle::{self, Settled};
use super::{ended_early, threads};
use crate::Draft;

/// One asset's bars, ready to be written.
struct Ready {
    rows: AssetRows,
    digest: AssetDigest,
}

/// Writes all assets' bars, by name.
///
/// # Errors
/// What reading the temporary file and writing to the draft meet.
pub(super) fn assets(
    rows: &Collected,
    settled: &Settled,
    adjustments: &BTreeMap<String, Vec<Adjustment>>,
    draft: &mut Draft<'_>,
) -> Result<()> {
    let extra_columns = draft.extra_columns();
    let workers = threads().min(settled.assets.len());
    std::thread::scope(|scope| {
        let mut lanes: Vec<Receiver<Result<Ready>>> = Vec::with_capacity(workers);
        for worker in 0..workers {
            // One in hand, so that a worker and the writer seldom wait for each other.
            let (sender, receiver) = sync_channel(1);
            let digest = |bars: Bars<'_>, name: &str| {
                let list = adjustments.get(name).map_or(&[][..], Vec::as_slice);
                AssetDigest::of(bars, extra_columns, list)
            };
            scope.spawn(move || prepare(rows, settled, digest, (worker, workers), &sender));
            lanes.push(receiver);
        }
        for asset in 0..settled.assets.len() {
            let ready = lanes[asset % workers].recv();
            let ready = ready.map_err(|_| ended_early())??;
            draft.write_digested(bars(&ready.rows)?, ready.digest)?;
        }
        Ok(())
    })
}

/// Gathers and hashes every `workers`-th asset, until all are done or nobody listens any more.
fn prepare(
    rows: &Collected,
    settled: &Settled,
    digest: impl Fn(Bars<'_>, &str) -> AssetDigest,
    (worker, workers): (usize, usize),
    sender: &SyncSender<Result<Ready>>,
) {
    for asset in settled.assets.iter().skip(worker).step_by(workers) {
        let mut gathered = AssetRows::default();
        let ready = settle::gather_bars(rows, asset, &settled.clock, &mut gathered)
            .and_then(|()| Ok(digest(bars(&gathered)?, &asset.name)))
            .map(|digest| Ready { rows: gathered, digest });
        if sender.send(ready).is_err() {
            return;
        }
    }
}

fn bars(rows: &AssetRows) -> Result<Bars<'_>> {
    Bars::new(&rows.known, &rows.sorted, rows.known.len())
}
