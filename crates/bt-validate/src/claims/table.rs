//! The table of claims, row by row.

use super::{Claim, Measure, Original, id};

const MIB: f64 = 1_048_576.0;

/// A row of the table in `docs/validation.md`.
pub(super) struct Row {
    id: &'static str,
    text: &'static str,
    measure: Measure,
    limits: Limits,
    original: Option<(Option<f64>, &'static str)>,
}

enum Limits {
    /// One claim.
    One(f64),
    /// A claim for each name, with no whole above them.
    Each(f64, &'static [&'static str]),
    /// A whole and its parts.
    Whole(&'static [(&'static str, f64)]),
    /// Numbers without a target; the empty name is the row's own id.
    Shown(&'static [&'static str]),
}

const STEADY_WORKLOADS: &[&str] = &["seed", "production", "wide", "real", "walk-forward"];
const ENGINE_WORKLOADS: &[&str] = &["micro", "seed", "production", "wide", "real", "walk-forward"];
const FEW_TRIALS: &[&str] = &["trials-1", "trials-5", "trials-25"];

pub(super) const TABLE: &[Row] = &[
    Row {
        id: id::ASSET_LIST,
        text: "asset list, cached against extracted",
        measure: Measure::TimeSaved,
        limits: Limits::One(0.998),
        original: Some((Some(0.998), "99.8 % less overhead")),
    },
    Row {
        id: id::PRE_GROUPING,
        text: "all bars of an asset: a view by resolved id against filtered and converted from a Utf8 table",
        measure: Measure::SpeedUp,
        limits: Limits::One(2598.0),
        original: Some((Some(2598.0), "2,598×, printed as “100.0 % less overhead”")),
    },
    Row {
        id: id::PRE_GROUPING,
        text: "the same, the view asked for by name",
        measure: Measure::SpeedUp,
        limits: Limits::Shown(&["by-name"]),
        original: None,
    },
    Row {
        id: id::PRE_GROUPING,
        text: "the same, filtered from a table whose assets are a dictionary",
        measure: Measure::SpeedUp,
        limits: Limits::Shown(&["dictionary"]),
        original: None,
    },
    Row {
        id: id::ACCESS,
        text: "seed workload, Layer 1 alone against naive, data access part",
        measure: Measure::SpeedUp,
        limits: Limits::One(6.02),
        original: Some((Some(6.02), "6.02×: 127.80 → 21.24 ms for 100 backtests × 50 assets × 252 bars")),
    },
    Row {
        id: id::GROUPED_BYTES,
        text: "bytes of the grouped bars against those of naive's Decimal table",
        measure: Measure::MemoryRatio,
        limits: Limits::One(0.80),
        original: Some((Some(0.80), "0.80× the memory")),
    },
    Row {
        id: id::GROUPED_BYTES,
        text: "bytes of the grouped bars against those of a table with f64 prices",
        measure: Measure::MemoryRatio,
        limits: Limits::Shown(&["f64-table"]),
        original: None,
    },
    Row {
        id: id::ARRAY,
        text: "a history call that returns an array against one that returns a frame",
        measure: Measure::TimeSaved,
        limits: Limits::One(0.275),
        original: Some((Some(0.275), "27.5 % faster")),
    },
    Row {
        id: id::HIT_RATE,
        text: "hits per access of the window cache, policy Always",
        measure: Measure::HitRate,
        limits: Limits::Whole(&[("seed", 0.934), ("production", 0.934)]),
        original: Some((Some(0.934), "93.4 % of accesses")),
    },
    Row {
        id: id::HIT_RATE,
        text: "hits per access of the window cache, policy Auto",
        measure: Measure::HitRate,
        limits: Limits::Shown(&["auto.seed", "auto.production"]),
        original: None,
    },
    Row {
        id: id::HIT_RATE,
        text: "hits per access when every trial has lookbacks of its own (100 pairs), policy Always",
        measure: Measure::HitRate,
        limits: Limits::Shown(&["own-lookbacks"]),
        original: None,
    },
    Row {
        id: id::CUMULATIVE,
        text: "Layers 1+2 against naive, computation included",
        measure: Measure::TimeSaved,
        limits: Limits::Whole(&[("seed", 0.948), ("production", 0.948)]),
        original: Some((Some(0.948), "94.8 % with layers 1+2")),
    },
    Row {
        id: id::HISTORY_BYTES,
        text: "bytes held by Layer 2",
        measure: Measure::Bytes,
        limits: Limits::Whole(&[
            ("auto.seed", 5.0 * MIB),
            ("auto.production", 5.0 * MIB),
            ("always.seed", 200.0 * MIB),
            ("always.production", 200.0 * MIB),
        ]),
        original: Some((None, "a limit of 200 MiB")),
    },
    Row {
        id: id::WORKER_INIT,
        text: "worker start to data ready after the first load, pooled against each worker loading the Parquet",
        measure: Measure::TimeSaved,
        limits: Limits::Whole(&[
            ("threads.seed", 0.84),
            ("threads.production", 0.84),
            ("threads.wide", 0.84),
            ("processes.wide", 0.84),
        ]),
        original: Some((Some(0.8171), "81.71 %: 25.53 → 4.67 ms per worker; its own target of 84 % missed")),
    },
    Row {
        id: id::THREAD_TIME,
        text: "worker start to data ready after the first load, pooled, in a thread",
        measure: Measure::Seconds,
        limits: Limits::Whole(&[("seed", 5e-5), ("production", 5e-5), ("wide", 5e-5)]),
        original: Some((Some(4.67e-3), "4.67 ms per worker")),
    },
    Row {
        id: id::FIRST_LOAD,
        text: "the first load, which the pool cannot save",
        measure: Measure::Seconds,
        limits: Limits::Shown(&["seed", "production", "wide"]),
        original: None,
    },
    Row {
        id: id::TIME_SAVED,
        text: "all layers, mapped, against naive: 100 backtests over 8 workers, loading included",
        measure: Measure::TimeSaved,
        limits: Limits::Each(0.90, &["seed-workers"]),
        original: Some((Some(0.859), "85.9 %: 15,284 → 2,161 ms, below its own gate of 90 %")),
    },
    Row {
        id: id::TIME_SAVED,
        text: "all layers, mapped, against naive",
        measure: Measure::TimeSaved,
        limits: Limits::Each(0.90, &["micro", "seed", "production", "wide", "real", "walk-forward"]),
        original: None,
    },
    Row {
        id: id::VS_CAREFUL,
        text: "all layers, mapped, against a careful engineer's own slices",
        measure: Measure::TimeRatio,
        limits: Limits::Each(1.10, STEADY_WORKLOADS),
        original: None,
    },
    Row {
        id: id::VS_CAREFUL,
        text: "all layers, mapped, against a careful engineer's own slices, few trials",
        measure: Measure::TimeRatio,
        limits: Limits::Shown(FEW_TRIALS),
        original: None,
    },
    Row {
        id: id::VS_IDEAL,
        text: "all layers, mapped, against preloaded raw slices, opening left out",
        measure: Measure::TimeRatio,
        limits: Limits::Each(1.15, STEADY_WORKLOADS),
        original: None,
    },
    Row {
        id: id::OVERHEAD,
        text: "data handling per computation, all layers, mapped, production",
        measure: Measure::Overhead,
        limits: Limits::One(0.2),
        original: Some((Some(74.0), "74 before its layers, < 5 wanted")),
    },
    Row {
        id: id::OVERHEAD,
        text: "data handling per computation, naive, production",
        measure: Measure::Overhead,
        limits: Limits::Shown(&["naive"]),
        original: Some((Some(74.0), "74")),
    },
    Row {
        id: id::PEAK,
        text: "peak RSS, all layers, mapped, against naive",
        measure: Measure::MemoryRatio,
        limits: Limits::Whole(&[("production", 0.80), ("wide", 0.80)]),
        original: None,
    },
    Row {
        id: id::NO_REGRESSION,
        text: "all layers, mapped, against naive on few trials (ingestion reported apart)",
        measure: Measure::TimeSaved,
        limits: Limits::Whole(&[("trials-1", 0.0), ("trials-5", 0.0), ("trials-25", 0.0)]),
        original: Some((None, "2–3 % slower")),
    },
    Row {
        id: id::SHARED_PAGES,
        text: "total PSS of 8 process workers against one, wide set",
        measure: Measure::MemoryRatio,
        limits: Limits::One(1.3),
        original: None,
    },
    Row {
        id: id::POOL,
        text: "5 batches of 20 trials on the seed set over 8 workers, one pool against a new pool with its bundles for each batch",
        measure: Measure::TimeSaved,
        limits: Limits::Whole(&[("processes", 0.05), ("threads", 0.05)]),
        original: Some((Some(0.7497), "74.97 % as processes")),
    },
    Row {
        id: id::POOL,
        text: "the same on the production set",
        measure: Measure::TimeSaved,
        limits: Limits::Shown(&["processes.production", "threads.production"]),
        original: None,
    },
    Row {
        id: id::POOL,
        text: "the same over 2 workers",
        measure: Measure::TimeSaved,
        limits: Limits::Shown(&["processes.two-workers", "threads.two-workers"]),
        original: None,
    },
    Row {
        id: id::SHARED_BUNDLE,
        text: "total PSS of 8 processes on one mapped bundle against one such process, wide set",
        measure: Measure::MemoryRatio,
        limits: Limits::One(1.3),
        original: None,
    },
    Row {
        id: id::SHARED_BUNDLE,
        text: "the same, each process with a copy of the bundle for itself",
        measure: Measure::MemoryRatio,
        limits: Limits::Shown(&["private-copies"]),
        original: None,
    },
    Row {
        id: id::BARS_SAVED,
        text: "bars evaluated until within 1 % of the grid's best objective, BOHB against the full grid, median over 25 seeds",
        measure: Measure::BarsSaved,
        limits: Limits::Whole(&[("crossover", 0.40), ("donchian", 0.40), ("rsi", 0.40)]),
        original: None,
    },
    Row {
        id: id::BARS_SAVED,
        text: "the same on the production set",
        measure: Measure::BarsSaved,
        limits: Limits::Shown(&["crossover.production", "donchian.production", "rsi.production"]),
        original: None,
    },
    Row {
        id: id::BARS_SAVED,
        text: "the same, random search in place of BOHB",
        measure: Measure::BarsSaved,
        limits: Limits::Shown(&["crossover.random", "donchian.random", "rsi.random"]),
        original: None,
    },
    Row {
        id: id::SWEEP_SAVED,
        text: "the same sweeps by the engine, on all layers, mapped, against naive",
        measure: Measure::TimeSaved,
        limits: Limits::Each(0.90, ENGINE_WORKLOADS),
        original: None,
    },
    Row {
        id: id::VS_LAYERS,
        text: "the same sweeps by the engine against the loop of all layers, mapped",
        measure: Measure::TimeRatio,
        limits: Limits::Shown(ENGINE_WORKLOADS),
        original: None,
    },
    Row {
        id: id::SCALING,
        text: "an event-driven sweep on production through the engine, 2 threads against 1",
        measure: Measure::SpeedUp,
        limits: Limits::One(1.85),
        original: None,
    },
    Row {
        id: id::DETERMINISM,
        text: "runs on 1, 2 and 8 workers, as a whole and interrupted and resumed, whose sorted table has other bytes",
        measure: Measure::OtherResults,
        limits: Limits::One(0.0),
        original: None,
    },
];

impl Row {
    /// The claims that the row stands for, a whole before its parts.
    pub(super) fn claims(&self) -> Vec<Claim> {
        match self.limits {
            Limits::One(limit) => vec![self.claim("", Some(limit))],
            Limits::Each(limit, names) => names.iter().map(|name| self.claim(name, Some(limit))).collect(),
            Limits::Shown(names) => names.iter().map(|name| self.claim(name, None)).collect(),
            Limits::Whole(parts) => self.whole(parts),
        }
    }

    fn whole(&self, parts: &[(&str, f64)]) -> Vec<Claim> {
        let part = |(name, limit): &(&str, f64)| Claim {
            part_of: Some(self.id.to_owned()),
            ..self.claim(name, Some(*limit))
        };
        let parts: Vec<Claim> = parts.iter().map(part).collect();
        let whole =
            Claim { parts: parts.iter().map(|part| part.id.clone()).collect(), ..self.claim("", None) };
        [vec![whole], parts].concat()
    }

    fn claim(&self, name: &str, limit: Option<f64>) -> Claim {
        Claim {
            id: id::part(self.id, name),
            description: self.text.to_owned(),
            measure: self.measure,
            limit,
            parts: Vec::new(),
            part_of: None,
            original: self.original.map(|(value, text)| Original { value, text: text.to_owned() }),
        }
    }
}
