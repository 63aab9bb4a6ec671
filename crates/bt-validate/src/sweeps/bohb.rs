//! How many bars a search evaluates until it is as good as the whole grid.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use anyhow::{Context, ensure};
use bt_sweep::search::{Asked, Bohb, Brackets, Grid, RandomSearch, Search, Told};
use bt_sweep::{Accounting, Names, Objective, Parameter, Params, Proposal, Result, Space, strategies};

use super::engine;
use crate::data::Dataset;
use crate::report::SearchCost;
use crate::stats::median;

/// A space in which a grid's best is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landscape {
    /// Its name in claims.
    pub name: &'static str,
    /// The built-in strategy.
    pub strategy: &'static str,
    /// Its parameters.
    pub domains: &'static [&'static str],
}

/// The spaces, as `docs/validation.md` fixes them.
pub const LANDSCAPES: [Landscape; 3] = [
    Landscape { name: "crossover", strategy: "sma-crossover", domains: &["fast=2..60:2", "slow=20..200:10"] },
    Landscape {
        name: "donchian",
        strategy: "donchian-breakout",
        domains: &["entry=10..200:10", "exit=5..100:5"],
    },
    Landscape {
        name: "rsi",
        strategy: "rsi-reversion",
        domains: &["lookback=2..30:2", "low=10..40:5", "high=60..90:5"],
    },
];

/// The seeds of the searches.
pub const SEEDS: std::ops::RangeInclusive<u64> = 1..=25;

/// How BOHB divides its work; it goes round until it is there.
pub const BRACKETS: Brackets = Brackets { min_fidelity: 1.0 / 9.0, eta: 3, rounds: 1 };

/// More rounds of brackets than any search may have before it has cost as much as the grid.
const ROUNDS: u32 = 1000;

/// How near to the grid's best is near enough, as a share of it.
const NEAR: f64 = 0.01;

impl Landscape {
    fn space(&self) -> anyhow::Result<Space> {
        let given = self.domains.iter().map(|text| text.parse()).collect::<Result<Vec<Parameter>>>()?;
        Ok(strategies::find(self.strategy)?.space(given)?)
    }

    /// Every point of the grid on every share of the data that BOHB's brackets have.
    ///
    /// # Errors
    /// What the engine meets; a grid without a best.
    pub fn survey(&self, dataset: &Dataset, workers: usize) -> anyhow::Result<Surveyed> {
        let shares = shares()?;
        let backtest = strategies::event_driven(self.strategy, Accounting::default())?;
        let sweep = super::sweep(dataset, backtest, Objective::maximize("sharpe"));
        let mut search = Everywhere::new(self.space()?, &shares)?;
        let result = engine(dataset, workers)?.run(&sweep, &mut search, &mut ())?;
        let trials = &result.trials;
        let [sharpe, bars] = ["sharpe", "bars"].map(|name| {
            trials.metric_names().iter().position(|known| known == name).context("a metric of the engine")
        });
        let (sharpe, bars) = (sharpe?, bars?);
        let mut surveyed = Surveyed { space: self.space()?, scores: HashMap::new(), bars: BTreeMap::new() };
        for trial in trials.iter().filter(|trial| trial.is_done()) {
            let score = Some(trial.metrics()[sharpe]).filter(|score| !score.is_nan());
            surveyed.scores.insert(surveyed.key(&trial.params(), trial.fidelity())?, score);
            surveyed.bars.insert(trial.fidelity().to_bits(), trial.metrics()[bars] as u64);
        }
        ensure!(surveyed.bars.len() == shares.len(), "a share of the data on which every trial failed");
        Ok(surveyed)
    }
}

/// The shares of the data that BOHB's brackets have.
fn shares() -> anyhow::Result<Vec<f64>> {
    let mut shares: Vec<f64> = BRACKETS.rungs()?.into_iter().flatten().map(|(_, share)| share).collect();
    shares.sort_by(f64::total_cmp);
    shares.dedup();
    Ok(shares)
}

/// What is known of a space: enough to play any search on it without running a trial.
pub struct Surveyed {
    space: Space,
    /// By point and bits of the share.
    scores: HashMap<(u128, u64), Option<f64>>,
    /// The bars of a trial, by the bits of its share. The assets are the same in all of them.
    bars: BTreeMap<u64, u64>,
}

impl Surveyed {
    fn key(&self, params: &Params, fidelity: f64) -> anyhow::Result<(u128, u64)> {
        let index = self.space.index_of(params).context("a point of the space")?;
        Ok((index, fidelity.to_bits()))
    }

    /// Plays a search with each seed.
    ///
    /// # Errors
    /// What the searches meet; a grid without a best.
    pub fn play(&self, kind: Kind) -> anyhow::Result<SearchCost> {
        let whole = self.scores.iter().filter(|((_, share), _)| *share == 1.0_f64.to_bits());
        let best = whole.clone().filter_map(|(_, score)| *score).max_by(f64::total_cmp);
        let best = best.context("no point of the grid has a Sharpe ratio")?;
        let enough = best - NEAR * best.abs();
        let points = Grid::new(self.space.clone())?.total().context("a grid that can be counted")?;
        let grid_bars = points * self.bars.get(&1.0_f64.to_bits()).context("the whole data")?;
        let bars = self.bars_of_seeds(kind, enough, grid_bars)?;
        let reached = bars.iter().flatten().count();
        let share = |bars: Option<u64>| bars.unwrap_or(grid_bars) as f64 / grid_bars as f64;
        let saved: Vec<f64> = bars.into_iter().map(|bars| 1.0 - share(bars)).collect();
        let enough_points = whole.filter(|(_, score)| score.is_some_and(|score| score >= enough)).count();
        Ok(SearchCost {
            space: String::new(),
            set: String::new(),
            search: kind.name().to_owned(),
            points,
            points_near_best: enough_points as u64,
            median_saved: median(&saved),
            saved,
            reached,
        })
    }

    /// As [`bars_until`](Self::bars_until), seed by seed, on all cores: nothing is timed meanwhile.
    fn bars_of_seeds(&self, kind: Kind, enough: f64, most: u64) -> anyhow::Result<Vec<Option<u64>>> {
        let next = AtomicU64::new(*SEEDS.start());
        let play = || {
            let mut played = Vec::new();
            loop {
                let seed = next.fetch_add(1, Relaxed);
                if !SEEDS.contains(&seed) {
                    return anyhow::Ok(played);
                }
                let search = &mut *kind.search(&self.space, seed)?;
                played.push((seed, self.bars_until(search, enough, most)?));
            }
        };
        let played = thread::scope(|scope| {
            let threads: Vec<_> = (0..super::cores()).map(|_| scope.spawn(play)).collect();
            let played = threads.into_iter().map(|thread| thread.join().expect("no panic in a search"));
            played.collect::<anyhow::Result<Vec<_>>>()
        })?;
        let by_seed: BTreeMap<u64, Option<u64>> = played.into_iter().flatten().collect();
        Ok(by_seed.into_values().collect())
    }

    /// The bars that a search evaluates until it is told a score of at least `enough` on the whole data; none where it
    /// has evaluated `most` before.
    fn bars_until(&self, search: &mut dyn Search, enough: f64, most: u64) -> anyhow::Result<Option<u64>> {
        let (mut bars, mut ran) = (0, HashMap::new());
        loop {
            let Asked::Trials(trials) = search.ask()? else { return Ok(None) };
            for Proposal { number, params, fidelity } in trials {
                let key = self.key(&params, fidelity)?;
                // As in the engine, where a point that is known is not run again.
                if ran.insert(key, ()).is_none() {
                    bars += self.bars.get(&key.1).context("a share that was surveyed")?;
                }
                // A trial that failed, as one with a window longer than its share does, is in no table.
                let score = self.scores.get(&key).copied().flatten();
                if bars >= most {
                    return Ok(None);
                }
                if fidelity >= 1.0 && score.is_some_and(|score| score >= enough) {
                    return Ok(Some(bars));
                }
                search.tell(Told { number, score })?;
            }
        }
    }
}

/// Which search is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The one that the claim is about.
    Bohb,
    /// Points at random, none twice, on the whole data.
    Random,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Bohb => "BOHB",
            Self::Random => "random search",
        }
    }

    fn search(self, space: &Space, seed: u64) -> anyhow::Result<Box<dyn Search>> {
        Ok(match self {
            Self::Bohb => Box::new(Bohb::new(space.clone(), seed, Brackets { rounds: ROUNDS, ..BRACKETS })?),
            Self::Random => Box::new(RandomSearch::new(space.clone(), seed, u64::MAX)?),
        })
    }
}

/// A grid on several shares of the data.
struct Everywhere {
    names: Names,
    asked: VecDeque<(Params, f64)>,
    next: u64,
}

impl Everywhere {
    fn new(space: Space, shares: &[f64]) -> Result<Self> {
        let names = space.names().clone();
        let (mut grid, mut points) = (Grid::new(space)?, Vec::new());
        while let Asked::Trials(trials) = grid.ask()? {
            points.extend(trials.into_iter().map(|trial| trial.params));
        }
        let on = |&share: &f64| points.iter().map(move |point| (point.clone(), share));
        Ok(Self { names, asked: shares.iter().flat_map(on).collect(), next: 0 })
    }
}

impl Search for Everywhere {
    fn names(&self) -> &Names {
        &self.names
    }

    fn ask(&mut self) -> Result<Asked> {
        if self.asked.is_empty() {
            return Ok(Asked::Done);
        }
        let proposals = std::mem::take(&mut self.asked).into_iter().map(|(params, fidelity)| {
            self.next += 1;
            Proposal { number: self.next - 1, params, fidelity }
        });
        Ok(Asked::Trials(proposals.collect()))
    }

    fn tell(&mut self, _told: Told) -> Result<()> {
        Ok(())
    }

    fn total(&self) -> Option<u64> {
        Some(self.next + self.asked.len() as u64)
    }

    fn describe(&self) -> String {
        "a grid on several shares of the data".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A space of 60 points whose best is known, and of which every share says the same.
    fn hill() -> Surveyed {
        let space = Space::builder().int("x", 0, 59, 1).build().unwrap();
        let mut surveyed = Surveyed { space, scores: HashMap::new(), bars: BTreeMap::new() };
        for share in shares().unwrap() {
            surveyed.bars.insert(share.to_bits(), (900.0 * share).round() as u64);
            for x in 0..60 {
                let score = 1.0 - ((x as f64) - 41.0).powi(2) / 1000.0;
                surveyed.scores.insert((x, share.to_bits()), Some(score));
            }
        }
        surveyed
    }

    #[test]
    fn the_document_has_the_spaces_that_are_measured() {
        let document = include_str!("../../../../docs/validation.md");
        for landscape in LANDSCAPES {
            let row = format!(
                "| {} | `{}` | `{}` |",
                landscape.name,
                landscape.strategy,
                landscape.domains.join(" ")
            );
            let row = document.lines().find(|line| line.starts_with(&row)).expect("a row of the document");
            let grid = Grid::new(landscape.space().unwrap()).unwrap();
            assert!(row.ends_with(&format!("| {} |", grid.total().unwrap())), "{row}");
        }
        assert!(document.contains(&format!("the seeds {} to {}", SEEDS.start(), SEEDS.end())));
    }

    #[test]
    fn the_smallest_share_of_the_real_bars_holds_more_than_the_longest_lookback() {
        // 12,154 rows of 5 assets: no asset has fewer than 2,000 bars.
        const { assert!(BRACKETS.min_fidelity * 2000.0 > 200.0) };
        const { assert!(BRACKETS.min_fidelity / 3.0 * 2431.0 < 200.0) };
    }

    #[test]
    fn a_search_that_finds_the_best_first_costs_one_trial() {
        struct Best(Names, u64);
        impl Search for Best {
            fn names(&self) -> &Names {
                &self.0
            }
            fn ask(&mut self) -> Result<Asked> {
                let params = Params::new(&self.0, [41.into()])?;
                self.1 += 1;
                Ok(Asked::Trials(vec![Proposal { number: self.1 - 1, params, fidelity: 1.0 }]))
            }
            fn tell(&mut self, _: Told) -> Result<()> {
                Ok(())
            }
            fn total(&self) -> Option<u64> {
                None
            }
            fn describe(&self) -> String {
                String::new()
            }
        }
        let hill = hill();
        let bars = hill.bars_until(&mut Best(Names::new(["x"]), 0), 0.99, 54_000).unwrap();
        assert_eq!(bars, Some(900));
    }

    #[test]
    fn a_search_that_never_gets_there_saves_nothing() {
        let hill = hill();
        let mut search = Kind::Random.search(&hill.space, 1).unwrap();
        assert_eq!(hill.bars_until(&mut *search, 2.0, 54_000).unwrap(), None);
        let mut search = Kind::Bohb.search(&hill.space, 1).unwrap();
        assert_eq!(hill.bars_until(&mut *search, 2.0, 54_000).unwrap(), None);
    }

    #[test]
    fn a_random_search_for_seven_of_sixty_points_saves_most() {
        let cost = hill().play(Kind::Random).unwrap();
        assert_eq!((cost.points, cost.reached, cost.saved.len()), (60, 25, 25));
        // Seven points are within 1 % of the best: 38 to 44.
        assert_eq!(cost.points_near_best, 7);
        assert!((0.6..1.0).contains(&cost.median_saved), "{}", cost.median_saved);
    }

    #[test]
    fn a_search_is_played_the_same_every_time() {
        assert_eq!(hill().play(Kind::Bohb).unwrap(), hill().play(Kind::Bohb).unwrap());
    }
}
