//! Bars on their way to the disk: gathered, sorted and hashed by all processors, written in order by one.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use bt_core::{Adjustment, AssetDigest, Bars, Result};

use super::clock::Clock;
use super::collect::{AssetRows, Collected};
use super::settle::{self, Asset, Settled};
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
        let lanes: Vec<Lane> = (0..workers)
            .map(|worker| {
                let digest = |bars: Bars<'_>, name: &str| {
                    let list = adjustments.get(name).map_or(&[][..], Vec::as_slice);
                    AssetDigest::of(bars, extra_columns, list)
                };
                // One in hand, so that a worker and the writer seldom wait for each other.
                let (sender, ready) = sync_channel(1);
                let (used, reused) = channel();
                let assets = settled.assets.iter().skip(worker).step_by(workers);
                scope.spawn(move || {
                    prepare(rows, assets, &settled.clock, digest, &sender, &reused);
                });
                Lane { ready, used }
            })
            .collect();
        for asset in 0..settled.assets.len() {
            let lane = &lanes[asset % workers];
            let Ready { rows, digest } = lane.ready.recv().map_err(|_| ended_early())??;
            draft.write_digested(bars(&rows)?, digest)?;
            // A worker that is done needs no more.
            drop(lane.used.send(rows));
        }
        Ok(())
    })
}

/// A worker, as the writer sees it.
struct Lane {
    ready: Receiver<Result<Ready>>,
    /// Takes back what was written: fresh memory for each asset would cost as much as gathering it.
    used: Sender<AssetRows>,
}

/// Gathers and hashes assets, until all are done or nobody listens any more.
fn prepare<'s>(
    rows: &Collected,
    assets: impl Iterator<Item = &'s Asset>,
    clock: &Clock,
    digest: impl Fn(Bars<'_>, &str) -> AssetDigest,
    ready: &SyncSender<Result<Ready>>,
    reused: &Receiver<AssetRows>,
) {
    for asset in assets {
        let mut gathered = reused.try_recv().unwrap_or_default();
        let done = settle::gather_bars(rows, asset, clock, &mut gathered)
            .and_then(|()| Ok(digest(bars(&gathered)?, &asset.name)))
            .map(|digest| Ready { rows: gathered, digest });
        if ready.send(done).is_err() {
            return;
        }
    }
}

fn bars(rows: &AssetRows) -> Result<Bars<'_>> {
    Bars::new(&rows.known, &rows.sorted, rows.known.len())
}
