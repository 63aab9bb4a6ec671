use super::GRID_LIMIT;
use super::draws::Draws;
use super::model::{Model, Observation, coordinates};
use super::random::{Sampler, check_trials};
use super::{Asked, Search, Tally, Told};
use crate::{Error, Names, Params, Proposal, Result, Space};

/// Many points on a little of the data, then the best of them on more, and so on up to all of it: one bracket of
/// [`Hyperband`].
///
/// Rung i runs `points / eta^i` points, rounded down and at least one, on `eta^i` times the data of the first rung; the last
/// rung runs on all of it. Points that go on are those with the best scores, failed ones last, the earlier of equal ones
/// first; they are proposed again, under new numbers (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification
/// and Hyperparameter Optimization").
#[derive(Debug)]
pub struct SuccessiveHalving(Rungs);

/// Brackets of successive halving, from many points on little data to few points on all of it, because how much data it
/// takes to tell good points from bad ones is not known beforehand (Li et al. 2018, "Hyperband: A Novel Bandit-Based
/// Approach to Hyperparameter Optimization", algorithm 1).
///
/// ```
/// use bt_sweep::Space;
/// use bt_sweep::search::{Brackets, Hyperband, Search};
/// let space = Space::builder().uniform("x", 0.0, 1.0).build()?;
/// let search = Hyperband::new(space, 1, Brackets { min_fidelity: 1.0 / 9.0, ..Brackets::default() })?;
/// // 9 on a ninth, 3 on a third, 1 on all; 5 on a third, 1 on all; 3 on all.
/// assert_eq!(search.total(), Some(13 + 6 + 3));
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Debug)]
pub struct Hyperband(Rungs);

/// [`Hyperband`] whose points come from a model: two of three new points are drawn where good ones are dense, by the model
/// of [`Tpe`](super::Tpe) on the results of the largest share of the data that has enough of them, one more than parameters
/// and two; the third at random (Falkner, Klein and Hutter 2018, "BOHB: Robust and Efficient Hyperparameter Optimization at
/// Scale"). New points come in batches of 8.
#[derive(Debug)]
pub struct Bohb(Rungs);

/// How [`Hyperband`] and [`Bohb`] divide their work.
#[derive(Clone, Debug, PartialEq)]
pub struct Brackets {
    /// The smallest share of the data, from 1e-6 to 1; the smallest one used is the smallest power of `1 / eta` that is not below
    /// it.
    pub min_fidelity: f64,
    /// One of how many points goes on, and how many times the data it goes on with: at least 2.
    pub eta: u32,
    /// How often all brackets are gone through: 1 to 10,000.
    pub rounds: u32,
}

impl Default for Brackets {
    /// From 1/27 of the data, one of three goes on, all brackets once.
    fn default() -> Self {
        Self { min_fidelity: 1.0 / 27.0, eta: 3, rounds: 1 }
    }
}

impl Brackets {
    /// The brackets in their order; of each the rungs, with how many points run on which share of the data. With
    /// `min_fidelity` 1/81 and `eta` 3 it is table 1 of the paper.
    ///
    /// # Errors
    /// [`Error::Invalid`] for fields outside of what they say.
    pub fn rungs(&self) -> Result<Vec<Vec<(u64, f64)>>> {
        let deepest = depth(self.min_fidelity, self.eta)?;
        if !(1..=MOST_ROUNDS).contains(&self.rounds) {
            return Err(Error::invalid("rounds of brackets", self.rounds, format!("1 to {MOST_ROUNDS}")));
        }
        let round = (0..=deepest).rev().map(|depth| {
            let points = (u64::from(deepest) + 1) * u64::from(self.eta).pow(depth);
            halving(points.div_ceil(u64::from(depth) + 1), self.eta, depth)
        });
        Ok((0..self.rounds).flat_map(|_| round.clone()).collect())
    }

    fn describe(&self) -> String {
        let Self { min_fidelity, eta, rounds } = self;
        format!("from {min_fidelity} of the data by {eta}, {rounds} times")
    }
}

/// A round has hundreds of trials.
const MOST_ROUNDS: u32 = 10_000;

/// How many times the data can be divided by `eta`.
fn depth(min_fidelity: f64, eta: u32) -> Result<u32> {
    if eta < 2 {
        return Err(Error::invalid("eta, one of how many points goes on", eta, "at least 2"));
    }
    // Deeper than 2^-20 there is no bar left, and a bracket would have millions of points.
    if !(1e-6..=1.0).contains(&min_fidelity) {
        return Err(Error::invalid(
            "the smallest share of the data",
            min_fidelity,
            "above 0.000001, at most 1",
        ));
    }
    let shares =
        (1..).map(|depth| f64::from(eta).powi(depth)).take_while(|parts| parts * min_fidelity <= 1.0 + 1e-9);
    Ok(shares.count() as u32)
}

/// The rungs of one bracket that begins with so many points.
fn halving(points: u64, eta: u32, depth: u32) -> Vec<(u64, f64)> {
    let eta = u64::from(eta);
    let rung = |rung: u32| ((points / eta.pow(rung)).max(1), 1.0 / eta.pow(depth - rung) as f64);
    (0..=depth).map(rung).collect()
}

impl SuccessiveHalving {
    /// `points` random points, on at least `min_fidelity` of the data; one of `eta` goes on.
    ///
    /// # Errors
    /// [`Error::Invalid`] for 0 points or more than [`GRID_LIMIT`], an `eta` below 2, a share below 1e-6 or above 1.
    pub fn new(space: Space, seed: u64, points: u64, min_fidelity: f64, eta: u32) -> Result<Self> {
        check_trials(points)?;
        if points > GRID_LIMIT {
            let allowed = format!("at most {GRID_LIMIT}: a rung is held as a whole");
            return Err(Error::invalid("the number of points of the first rung", points, allowed));
        }
        let plan = vec![halving(points, eta.max(2), depth(min_fidelity, eta)?)];
        let name = format!("successive halving of {points} points from {min_fidelity} of the data by {eta}");
        Ok(Self(Rungs::new(space, seed, plan, name, false)))
    }
}

impl Hyperband {
    /// Brackets of random points.
    ///
    /// # Errors
    /// [`Error::Invalid`] for brackets that are none.
    pub fn new(space: Space, seed: u64, brackets: Brackets) -> Result<Self> {
        let name = format!("hyperband {}", brackets.describe());
        Ok(Self(Rungs::new(space, seed, brackets.rungs()?, name, false)))
    }
}

impl Bohb {
    /// Brackets of points that a model proposes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for brackets that are none.
    pub fn new(space: Space, seed: u64, brackets: Brackets) -> Result<Self> {
        let name = format!("bohb {}, batches of {BATCH}", brackets.describe());
        Ok(Self(Rungs::new(space, seed, brackets.rungs()?, name, true)))
    }
}

/// New points of a model come in batches of this size.
const BATCH: u64 = 8;

/// Brackets of rungs, gone through one after the other.
///
/// In a small space a bracket has no point twice, and no rung more points than there are.
#[derive(Debug)]
struct Rungs {
    space: Space,
    seed: u64,
    name: String,
    plan: Vec<Vec<(u64, f64)>>,
    draws: Draws,
    sampler: Sampler,
    learned: Option<Learned>,
    bracket: usize,
    rung: usize,
    /// Points of the rung, and their scores as far as they are told.
    members: Vec<(Params, Option<f64>)>,
    /// Those that go on to the rung.
    promoted: Vec<Params>,
    told: usize,
    tally: Tally,
}

impl Rungs {
    fn new(space: Space, seed: u64, plan: Vec<Vec<(u64, f64)>>, name: String, learns: bool) -> Self {
        let (draws, learned) = (Draws::new(seed), learns.then(Learned::default));
        let sampler = if learns { Sampler::with_memory(&space) } else { Sampler::new(&space) };
        let (members, promoted, tally) = (vec![], vec![], Tally::default());
        Self {
            space,
            seed,
            name,
            plan,
            draws,
            sampler,
            learned,
            bracket: 0,
            rung: 0,
            members,
            promoted,
            told: 0,
            tally,
        }
    }

    /// How many points the rung has, and on which share of the data; none behind the last.
    fn current(&self) -> Option<(usize, f64)> {
        let &(points, fidelity) = self.plan.get(self.bracket)?.get(self.rung)?;
        // At least 1, so that a space without a point is met by whoever draws, and says so.
        Some((points.min(self.sampler.available(&self.space)).max(1) as usize, fidelity))
    }

    fn ask(&mut self) -> Result<Asked> {
        if self.current().is_some_and(|(points, _)| points == self.members.len()) {
            if self.told < self.members.len() {
                return Ok(if self.is_last() { Asked::Done } else { Asked::Wait });
            }
            self.advance();
        }
        let Some((points, fidelity)) = self.current() else { return Ok(Asked::Done) };
        if self.learned.is_some() && self.tally.pending() > 0 {
            return Ok(Asked::Wait);
        }
        let points = match self.rung {
            0 => self.draw(points - self.members.len())?,
            _ => std::mem::take(&mut self.promoted),
        };
        self.members.extend(points.iter().map(|point| (point.clone(), None)));
        Ok(Asked::Trials(self.number(points, fidelity)))
    }

    fn number(&mut self, points: Vec<Params>, fidelity: f64) -> Vec<Proposal> {
        points.into_iter().map(|point| self.tally.propose(point, fidelity)).collect()
    }

    fn is_last(&self) -> bool {
        self.bracket + 1 == self.plan.len() && self.rung + 1 == self.plan[self.bracket].len()
    }

    /// To the next rung with the best of this one, or to the next bracket.
    fn advance(&mut self) {
        let mut ranked = std::mem::take(&mut self.members);
        self.told = 0;
        self.rung += 1;
        if self.rung == self.plan[self.bracket].len() {
            (self.bracket, self.rung) = (self.bracket + 1, 0);
            self.sampler.restart();
            return;
        }
        let worth = |score: &Option<f64>| score.unwrap_or(f64::NEG_INFINITY);
        // A failed trial after one that scored -infinity; the sort keeps the order of equal ones.
        ranked.sort_by(|(_, a), (_, b)| worth(b).total_cmp(&worth(a)).then(b.is_some().cmp(&a.is_some())));
        let points = self.current().map_or(0, |(points, _)| points);
        self.promoted = ranked.into_iter().take(points).map(|(point, _)| point).collect();
    }

    /// New points: a batch where a model learns from each, all that are missing otherwise.
    fn draw(&mut self, missing: usize) -> Result<Vec<Params>> {
        let count = if self.learned.is_some() { missing.min(BATCH as usize) } else { missing };
        let mut model = self.learned.as_ref().and_then(|learned| learned.model(&self.space));
        let mut points = Vec::with_capacity(count);
        while points.len() < count {
            // Drawn whether there is a model or not, so that it is one draw for each point.
            let at_random = self.learned.is_some() && self.draws.below(3) == 0;
            let modeled = model.as_mut().filter(|_| !at_random);
            let modeled = modeled.and_then(|model| self.sampler.modeled(&self.space, model, &mut self.draws));
            let point = match modeled {
                Some(point) => Some(point),
                None => self.sampler.next(&self.space, &mut self.draws)?,
            };
            points.push(point.expect("no rung has more points than there are to draw"));
        }
        Ok(points)
    }

    fn tell(&mut self, told: Told) -> Result<()> {
        self.tally.tell(told.number)?;
        let score = told.score.filter(|score| !score.is_nan());
        let (params, slot) = &mut self.members[self.told];
        *slot = score;
        let fidelity = self.plan[self.bracket][self.rung].1;
        if let Some(learned) = &mut self.learned {
            let coordinates = coordinates(&self.space, params);
            learned.add(fidelity, Observation { coordinates, score });
        }
        self.told += 1;
        Ok(())
    }

    fn total(&self) -> Option<u64> {
        let available = self.sampler.available(&self.space);
        Some(self.plan.iter().flatten().map(|(points, _)| points.min(&available)).sum())
    }

    fn describe(&self) -> String {
        format!("{}, seed {}, of {}", self.name, self.seed, self.space)
    }
}

/// Results by the share of the data that they are from.
#[derive(Debug, Default)]
struct Learned(Vec<(f64, Vec<Observation>)>);

impl Learned {
    fn add(&mut self, fidelity: f64, observation: Observation) {
        match self.0.iter_mut().find(|(known, _)| *known == fidelity) {
            Some((_, observations)) => observations.push(observation),
            None => self.0.push((fidelity, vec![observation])),
        }
    }

    /// Of the largest share that has enough results.
    fn model(&self, space: &Space) -> Option<Model> {
        let enough = space.axes().len() + 3;
        let usable = self.0.iter().filter(|(_, observations)| {
            observations.iter().filter(|observation| observation.score.is_some()).count() >= enough
        });
        let (_, observations) = usable.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
        Some(Model::new(space, observations))
    }
}

/// Each of them is a plan for the rungs.
macro_rules! by_rungs {
    ($($search:ident),+) => {$(
        impl Search for $search {
            fn names(&self) -> &Names {
                self.0.space.names()
            }

            /// The next rung, or the next batch of new points; waits until what it depends on is told.
            ///
            /// # Errors
            /// [`Error::Invalid`] where no point is found that satisfies the constraints.
            fn ask(&mut self) -> Result<Asked> {
                self.0.ask()
            }

            fn tell(&mut self, told: Told) -> Result<()> {
                self.0.tell(told)
            }

            /// Known beforehand; in a small space its points are counted when this is first asked.
            fn total(&self) -> Option<u64> {
                self.0.total()
            }

            fn describe(&self) -> String {
                self.0.describe()
            }
        }
    )+};
}

by_rungs!(SuccessiveHalving, Hyperband, Bohb);
