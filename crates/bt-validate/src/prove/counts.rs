//! What is counted, not timed: hit rates, bytes, resident sets.

use std::sync::Arc;

use anyhow::Context;
use arrow::array::Array;
use bt_asset_cache::{GroupedBars, TableSource};
use bt_core::{Bundle, Field};
use bt_dataportal::{DataPortal, HistoryCache, HistoryOptions, HistoryStats, Policy};

use super::{Run, progress};
use crate::arms::NaiveWorker;
use crate::arms::naive::converted;
use crate::claims::id;
use crate::report::{ClaimResult, HitRate, MemoryUse};
use crate::strategy::{FAST, SLOW};
use crate::task::{Task, outcome};
use crate::turn::Arm;
use crate::workers::{self, WORKERS};
use crate::workloads::{Set, Workload};

/// Pairs of lookbacks, where every trial has its own.
const PAIRS: usize = 100;

impl Run<'_> {
    pub(super) fn count(&mut self) -> anyhow::Result<()> {
        if self.claims(id::GROUPED_BYTES) {
            progress("Layer 1: bytes");
            self.layer_1_bytes()?;
        }
        if self.claims(id::HIT_RATE) || self.claims(id::HISTORY_BYTES) {
            progress("Layer 2: hits and bytes");
            self.layer_2_hits()?;
        }
        if self.claims(id::PEAK) {
            progress("peak memory of each arm, in processes of their own");
            self.peaks()?;
        }
        if self.claims(id::SHARED_PAGES) || self.claims(id::SHARED_BUNDLE) {
            progress(&format!("memory of {WORKERS} worker processes"));
            self.proportional_sets()?;
        }
        self.scale()
    }

    /// Judges a count, or says why there is none.
    pub(super) fn exact(&mut self, row: &str, part: &str, value: Result<f64, &str>) {
        if let Some(claim) = self.claim(&id::part(row, part)) {
            self.results.push(match value {
                Ok(value) => ClaimResult::exact(claim, value),
                Err(why) => ClaimResult::unmeasured(claim, why),
            });
        }
    }

    fn layer_1_bytes(&mut self) -> anyhow::Result<()> {
        let dataset = self.setting.dataset(Set::Seed);
        let grouped = self.grouped(Set::Seed)?.heap_bytes() as f64;
        let naive = NaiveWorker::load(&dataset)?;
        let table = naive.table();
        let converted = |column| match naive_is_number(column) {
            true => converted(column).get_buffer_memory_size(),
            false => column.get_buffer_memory_size(),
        };
        let decimals: usize = table.columns().iter().map(|column| column.get_buffer_memory_size()).sum();
        let floats: usize = table.columns().iter().map(converted).sum();
        self.exact(id::GROUPED_BYTES, "", Ok(grouped / decimals as f64));
        self.exact(id::GROUPED_BYTES, "f64-table", Ok(grouped / floats as f64));
        Ok(())
    }

    fn grouped(&self, set: Set) -> anyhow::Result<GroupedBars> {
        let dataset = self.setting.dataset(set);
        Ok(GroupedBars::from_table(&dataset.tables().read(&dataset.name)?)?)
    }

    fn layer_2_hits(&mut self) -> anyhow::Result<()> {
        for set in [Set::Seed, Set::Production] {
            let (bundle, name) = (self.grouped(set)?, set.name());
            let auto = Some("a window of one asset is a view: nothing to keep".to_owned());
            for (policy, hits, bytes, note) in [
                (Policy::Always, name.to_owned(), format!("always.{name}"), None),
                (Policy::Auto, format!("auto.{name}"), format!("auto.{name}"), auto),
            ] {
                let stats = sweep_windows(&bundle, policy, Workload::on(set).trials, |_| [FAST, SLOW])?;
                let cache = format!("{policy:?}, lookbacks {FAST} and {SLOW}");
                let row = hit_rate(name, &cache, &stats, note);
                self.exact(id::HIT_RATE, &hits, row.rate().ok_or("nothing was asked of the cache"));
                self.exact(id::HISTORY_BYTES, &bytes, Ok(stats.bytes() as f64));
                self.hit_rates.push(row);
            }
        }
        self.own_lookbacks()
    }

    /// Every trial with lookbacks of its own: what a user of a cache would hope for, and does not get.
    fn own_lookbacks(&mut self) -> anyhow::Result<()> {
        let bundle = self.grouped(Set::Seed)?;
        let stats = sweep_windows(&bundle, Policy::Always, PAIRS, own_lookbacks)?;
        let note = format!(
            "each of {PAIRS} pairs of lookbacks asks for other windows, and an LRU of {} that is scanned in a circle \
             evicts each just before it is wanted: such a sweep gains from views, not from a cache",
            HistoryOptions::default().tier2_entries
        );
        let row = hit_rate("seed", &format!("Always, {PAIRS} pairs of lookbacks"), &stats, Some(note));
        self.exact(id::HIT_RATE, "own-lookbacks", row.rate().ok_or("nothing was asked of the cache"));
        self.hit_rates.push(row);
        Ok(())
    }

    fn peaks(&mut self) -> anyhow::Result<()> {
        for set in [Set::Production, Set::Wide] {
            let (mut least, mut most) = (Vec::new(), Vec::new());
            for arm in [Arm::Naive, Arm::Careful, Arm::MAPPED] {
                let task = Task::Peak { set: set.name().to_owned(), arm: arm.name() };
                let peak = || outcome::<Option<u64>>(&self.setting, &task);
                let peaks: Option<Vec<u64>> = (0..3).map(|_| peak()).collect::<anyhow::Result<_>>()?;
                let peaks = peaks.unwrap_or_default();
                least.push(peaks.iter().min().copied());
                most.push(peaks.iter().max().copied());
                self.memory.push(MemoryUse {
                    workload: set.name().to_owned(),
                    arm: arm.name(),
                    workers: 1,
                    peak_rss_bytes: peaks.into_iter().max(),
                    pss_bytes: None,
                });
            }
            // The least favourable of the processes: the most of ours against the least of naive.
            let ratio = most[2].zip(least[0]).map(|(ours, naive)| ours as f64 / naive as f64);
            self.exact(id::PEAK, set.name(), ratio.ok_or("this system does not tell a peak resident set"));
        }
        Ok(())
    }

    /// What [`WORKERS`] processes hold as a multiple of what one does, on mapped pages and on copies of their own.
    fn proportional_sets(&mut self) -> anyhow::Result<()> {
        let set = || Set::Shared.name().to_owned();
        let none = "this system does not tell a proportional set";
        let mapped = Task::Hold { set: set(), arm: Arm::MAPPED.name(), touch: true };
        let ratio = self.many_to_one(&Arm::MAPPED.name(), &mapped)?.ok_or(none);
        self.exact(id::SHARED_PAGES, "", ratio);
        self.exact(id::SHARED_BUNDLE, "", ratio);
        if self.claims(id::SHARED_BUNDLE) {
            let copies = Task::HoldCopy { set: set() };
            let ratio = self.many_to_one("private copies", &copies)?.ok_or(none);
            self.exact(id::SHARED_BUNDLE, "private-copies", ratio);
        }
        Ok(())
    }

    fn many_to_one(&mut self, arm: &str, task: &Task) -> anyhow::Result<Option<f64>> {
        let mut sets = Vec::new();
        for count in [1, WORKERS] {
            let pss_bytes = workers::proportional_set(&self.setting, task, count)?;
            sets.push(pss_bytes);
            self.memory.push(MemoryUse {
                workload: Set::Shared.name().to_owned(),
                arm: arm.to_owned(),
                workers: count,
                peak_rss_bytes: None,
                pss_bytes,
            });
        }
        Ok(sets[1].zip(sets[0]).map(|(many, one)| many as f64 / one as f64))
    }
}

fn naive_is_number(column: &arrow::array::ArrayRef) -> bool {
    use arrow::datatypes::DataType;
    matches!(column.data_type(), DataType::Decimal128(..) | DataType::Int64)
}

/// Asks for every window of every trial through Layer 2, and tells what its cache made of that.
fn sweep_windows(
    bundle: &dyn Bundle,
    policy: Policy,
    trials: usize,
    lookbacks: impl Fn(usize) -> [usize; 2],
) -> anyhow::Result<HistoryStats> {
    let cache = Arc::new(HistoryCache::new(HistoryOptions { policy, ..HistoryOptions::default() })?);
    let mut handle = cache.handle();
    let portal = DataPortal::new(bundle);
    for trial in 0..trials {
        handle.refresh();
        for moment in portal.moments() {
            for asset in
                portal.assets().ids().filter(|&asset| moment.asset(asset).is_ok_and(|bars| bars.has_bar()))
            {
                for bar_count in lookbacks(trial) {
                    handle
                        .window(moment, asset, Field::CLOSE, bar_count)
                        .context("a window of this bundle")?;
                }
            }
        }
    }
    handle.refresh();
    Ok(cache.stats())
}

/// Pair number `trial`, none of which is a permanent window.
fn own_lookbacks(trial: usize) -> [usize; 2] {
    [5 + trial % 10, 60 + trial / 10 * 10]
}

fn hit_rate(workload: &str, cache: &str, stats: &HistoryStats, note: Option<String>) -> HitRate {
    HitRate {
        workload: workload.to_owned(),
        cache: cache.to_owned(),
        hits: stats.tier1.hits + stats.tier2.hits,
        misses: stats.tier1.misses + stats.tier2.misses,
        bytes: stats.bytes() as u64,
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bt_testkit::Market;

    #[test]
    fn pairs_of_lookbacks_are_all_different_and_never_permanent() {
        let pairs: std::collections::HashSet<_> = (0..PAIRS).map(own_lookbacks).collect();
        assert_eq!(pairs.len(), PAIRS);
        assert!(pairs.iter().flatten().all(|bars| ![20, 50, 200].contains(bars)));
    }

    #[test]
    fn repeated_lookbacks_hit_and_own_lookbacks_do_not() {
        let bundle = Market::common(1, 4, 100).generate().bundle();
        let repeated =
            sweep_windows(&bundle, Policy::Always, 20, |_| [FAST, SLOW]).expect("windows of this bundle");
        assert!(repeated.hit_rate() > 0.94, "{}", repeated.hit_rate());
        let own = sweep_windows(&bundle, Policy::Always, 20, own_lookbacks).expect("windows of this bundle");
        assert!(own.hit_rate() < 0.01, "{}", own.hit_rate());
    }
}
