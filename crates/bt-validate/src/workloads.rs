//! The workloads of `docs/validation.md`: which data, how many trials, over which part of the calendar.

use std::ops::Range;

use bt_testkit::Market;

use crate::report::Mode;
use crate::strategy::{Band, Trial};

/// Where a workload's bars come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Set {
    /// 8 assets × 252 bars.
    Micro,
    /// 50 assets × 252 bars, as the Python original measured.
    Seed,
    /// 8 assets, 25 years daily, listed one after the other: 41,000 rows.
    Production,
    /// 500 assets × 2520 bars (× 504 in a quick run).
    Wide,
    /// 500 assets × 2520 bars in any run: for memory, where a fifth of the bars would show the process and not the bars.
    Shared,
    /// The shipped real bars: 12,154 rows.
    Real,
}

impl Set {
    /// All of them, the smallest first.
    pub const ALL: [Self; 6] =
        [Self::Micro, Self::Seed, Self::Real, Self::Production, Self::Wide, Self::Shared];

    /// Its name, also the bundle's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Micro => "micro",
            Self::Seed => "seed",
            Self::Production => "production",
            Self::Wide => "wide",
            Self::Shared => "wide-shared",
            Self::Real => "real",
        }
    }

    /// The recipe of its bars; none for the real ones.
    pub fn market(self, mode: Mode) -> Option<Market> {
        let wide_days = if mode == Mode::Quick { 504 } else { 2520 };
        match self {
            Self::Micro => Some(Market::common(1, 8, 252)),
            Self::Seed => Some(Market::common(2, 50, 252)),
            Self::Production => Some(Market::staggered(3, 8, 6300, 3950)),
            Self::Wide => Some(Market::common(4, 500, wide_days)),
            Self::Shared => Some(Market::common(4, 500, 2520)),
            Self::Real => None,
        }
    }
}

/// One sweep that arms are compared on.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its id in claims.
    pub id: &'static str,
    /// What it consists of, for the report.
    pub description: &'static str,
    /// Its bars.
    pub set: Set,
    /// Trials of the whole sweep.
    pub trials: usize,
    /// Workers, each of which gets its data ready once.
    pub workers: usize,
    /// Parts of the calendar that trials run over in turn; one part is the whole calendar.
    pub folds: usize,
}

const fn sweep(id: &'static str, description: &'static str, set: Set, trials: usize) -> Workload {
    Workload { id, description, set, trials, workers: 1, folds: 1 }
}

/// The workloads that `total.*` claims are about, then those of few trials.
pub const WORKLOADS: [Workload; 10] = [
    sweep("micro", "25 trials × 8 assets × 252 bars", Set::Micro, 25),
    sweep("seed", "100 trials × 50 assets × 252 bars", Set::Seed, 100),
    Workload {
        workers: 8,
        ..sweep("seed-workers", "100 trials × 50 assets × 252 bars over 8 workers, summed", Set::Seed, 100)
    },
    sweep(
        "production",
        "400 trials × 8 assets × 25 years daily (41,000 rows, staggered)",
        Set::Production,
        400,
    ),
    sweep("wide", "100 trials × 500 assets × 2520 bars (504 in a quick run)", Set::Wide, 100),
    sweep("real", "100 trials × the shipped real bars (5 shares, 12,154 rows)", Set::Real, 100),
    Workload {
        folds: 5,
        ..sweep("walk-forward", "5 windows × 50 trials on the production data", Set::Production, 250)
    },
    sweep("trials-1", "1 trial × 8 assets × 252 bars", Set::Micro, 1),
    sweep("trials-5", "5 trials × 8 assets × 252 bars", Set::Micro, 5),
    sweep("trials-25", "25 trials × 8 assets × 252 bars", Set::Micro, 25),
];

/// The production sweep over several workers: what the layers are evaluated on one after the other.
pub static EVALUATION: Workload = Workload {
    workers: 8,
    ..sweep(
        "production-workers",
        "400 trials × the production data over 8 workers, their starts included, summed",
        Set::Production,
        400,
    )
};

/// The production sweep cut to fewer trials, or to all of them: the points of the break-even curve.
pub static BREAK_EVEN: [Workload; 8] = [
    first_trials("break-even-1", 1),
    first_trials("break-even-2", 2),
    first_trials("break-even-5", 5),
    first_trials("break-even-10", 10),
    first_trials("break-even-25", 25),
    first_trials("break-even-50", 50),
    first_trials("break-even-100", 100),
    first_trials("break-even-400", 400),
];

const fn first_trials(id: &'static str, trials: usize) -> Workload {
    sweep(id, "a production sweep of so many trials", Set::Production, trials)
}

impl Workload {
    /// The workload with this id.
    pub fn named(id: &str) -> Option<&'static Self> {
        let beside = std::iter::once(&EVALUATION).chain(&BREAK_EVEN);
        WORKLOADS.iter().chain(beside).find(|workload| workload.id == id)
    }

    /// The plain sweep over a set.
    ///
    /// # Panics
    /// For [`Set::Shared`], which no sweep runs on.
    pub fn on(set: Set) -> &'static Self {
        let plain = |workload: &&Self| workload.set == set && workload.workers == 1 && workload.folds == 1;
        WORKLOADS.iter().find(plain).expect("every set but the shared one has a plain sweep")
    }

    /// The trials of one of its workers.
    pub fn share(&self, worker: usize) -> Range<usize> {
        share(self.trials, worker, self.workers)
    }

    /// The trial number `index`, on a calendar of so many moments. Trials of one fold follow each other, as a
    /// walk-forward runs them.
    pub fn trial(&self, index: usize, moments: usize) -> Trial {
        let in_fold = self.trials / self.folds;
        let fold = (index / in_fold).min(self.folds - 1);
        let bound = |fold: usize| moments * fold / self.folds;
        Trial {
            band: Band::of_trial(index % in_fold, in_fold),
            first: bound(fold) + 1,
            last: bound(fold + 1),
        }
    }
}

/// The trials of one of so many workers.
pub fn share(trials: usize, worker: usize, workers: usize) -> Range<usize> {
    let from = |worker: usize| trials * worker / workers;
    from(worker)..from(worker + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_cover_the_calendar_once() {
        let workload = Workload::named("walk-forward").expect("it is in the table");
        let moments = 6300;
        let mut next = 1;
        for fold in 0..5 {
            let trial = workload.trial(fold * 50, moments);
            assert_eq!((trial.first, trial.band), (next, Band(0.0)));
            next = trial.last + 1;
        }
        assert_eq!(next, moments + 1);
        assert_eq!(workload.trial(249, moments).band, Band(0.02));
    }

    #[test]
    fn the_production_set_has_41000_rows() {
        let market = Set::Production.market(Mode::Full).expect("it is generated");
        assert_eq!(market.days.iter().sum::<usize>(), 41_000);
    }
}
