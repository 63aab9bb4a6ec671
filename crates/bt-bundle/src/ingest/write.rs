//! Bars on their way to the disk: gathered, sorted and hashed by all processors, written in order by one.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bt_core::{
    Adjustment, AssetDigest, Bars, Field, Result, adjustments_digest, column_digest, timestamps_digest,
};

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
    let workers = threads().min(settled.assets.len());
    std::thread::scope(|scope| {
        let mut lanes: Vec<Receiver<Result<Ready>>> = Vec::with_capacity(workers);
        for worker in 0..workers {
            // One in hand, so that a worker and the writer seldom wait for each other.
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || prepare(rows, settled, adjustments, (worker, workers), &sender));
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
    adjustments: &BTreeMap<String, Vec<Adjustment>>,
    (worker, workers): (usize, usize),
    sender: &SyncSender<Result<Ready>>,
) {
    for asset in settled.assets.iter().skip(worker).step_by(workers) {
        let list = adjustments.get(&asset.name).map_or(&[][..], Vec::as_slice);
        let mut gathered = AssetRows::default();
        let ready = settle::gather_bars(rows, asset, &settled.clock, &mut gathered)
            .and_then(|()| digest(bars(&gathered)?, list))
            .map(|digest| Ready { rows: gathered, digest });
        if sender.send(ready).is_err() {
            return;
        }
    }
}

fn bars(rows: &AssetRows) -> Result<Bars<'_>> {
    Bars::new(&rows.known, &rows.sorted, rows.known.len())
}

fn digest(bars: Bars<'_>, adjustments: &[Adjustment]) -> Result<AssetDigest> {
    let fields = (0..).map_while(|number| match number {
        0..5 => Some(Field::OHLCV[number]),
        _ => Field::extra(number - 5),
    });
    Ok(AssetDigest {
        timestamps: timestamps_digest(bars.timestamps()),
        columns: fields.map_while(|field| bars.get(field)).map(column_digest).collect(),
        adjustments: adjustments_digest(adjustments),
    })
}
