//! How the points of a space are chosen: the trait, and the searches there are.
//!
//! | search | takes | learns | use it |
//! |---|---|---|---|
//! | [`Grid`] | discrete spaces | no | to see all of a small space: heatmaps, the probability of overfitting |
//! | [`RandomSearch`] | any space | no | for a first look at a large one |
//! | [`Tpe`] | any space | yes | where trials are dear and few |
//! | [`SuccessiveHalving`], [`Hyperband`] | any space | which points go on | where a part of the data tells good points from bad ones |
//! | [`Bohb`] | any space | yes | the same, with new points near the good ones |
//! | [`Points`] | a list | no | to run points that are known |
//!
//! An optimizer from elsewhere is a [`Search`] of five small functions; what it wants to vary may be a
//! [`Space`](crate::Space):
//!
//! ```
//! use bt_sweep::search::{Asked, Search, Told};
//! use bt_sweep::{Names, Proposal, Result, Space};
//!
//! /// Goes through a discrete space from the first point on, until a score falls.
//! struct Climb { space: Space, asked: u64, told: u64, last: f64, is_done: bool }
//!
//! impl Search for Climb {
//!     fn names(&self) -> &Names { self.space.names() }
//!     fn ask(&mut self) -> Result<Asked> {
//!         // What it asks next depends on what it is told: with trials under way it would be chance.
//!         if self.told < self.asked { return Ok(Asked::Wait); }
//!         let next = self.space.point(self.asked.into()).filter(|_| !self.is_done);
//!         let Some(params) = next else { return Ok(Asked::Done) };
//!         self.asked += 1;
//!         Ok(Asked::Trials(vec![Proposal { number: self.asked - 1, params, fidelity: 1.0 }]))
//!     }
//!     fn tell(&mut self, told: Told) -> Result<()> {
//!         let score = told.score.unwrap_or(f64::NEG_INFINITY);
//!         (self.told, self.is_done) = (self.told + 1, score < self.last);
//!         self.last = score;
//!         Ok(())
//!     }
//!     fn total(&self) -> Option<u64> { None }
//!     fn describe(&self) -> String { format!("climb through {}", self.space) }
//! }
//!
//! let space = Space::builder().int("n", 1, 9, 1).build()?;
//! let mut climb = Climb { space, asked: 0, told: 0, last: f64::NEG_INFINITY, is_done: false };
//! let mut trials = 0;
//! while let Asked::Trials(proposals) = climb.ask()? {
//!     for proposal in proposals {
//!         let score = -(proposal.params.float("n")? - 4.0).powi(2);
//!         climb.tell(Told { number: proposal.number, score: Some(score) })?;
//!         trials += 1;
//!     }
//! }
//! assert_eq!(trials, 5);
//! # Ok::<(), bt_sweep::Error>(())
//! ```

mod draws;
mod grid;
mod hyperband;
mod model;
mod points;
mod random;
mod tpe;

pub use grid::{GRID_LIMIT, Grid};
pub use hyperband::{Bohb, Brackets, Hyperband, SuccessiveHalving};
pub use points::Points;
pub use random::RandomSearch;
pub use tpe::{Tpe, TpeOptions};

use crate::{Error, Names, Proposal, Result};

/// How many trials a search that does not learn proposes at once.
const CHUNK: usize = 1024;

/// What a search answers when it is asked for more.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Trials to run next; an empty list means to [wait](Self::Wait).
    Trials(Vec<Proposal>),
    /// None before more of those under way were told.
    Wait,
    /// There will be no more.
    Done,
}

/// What came out of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The proposal's number.
    pub number: u64,
    /// The objective as a score of which more is better; none where the trial failed or its objective is NaN.
    pub score: Option<f64>,
}

/// Chooses the points of a sweep, by `ask` and `tell`.
///
/// Proposals are numbered from 0 on, in the order in which they are asked for, and every one is told, once, in that order. A
/// search that learns proposes in batches of a fixed size and answers [`Asked::Wait`] until the whole batch is told; so the
/// same seed gives the same trials, whatever the number of workers.
pub trait Search: Send {
    /// The parameters' names.
    fn names(&self) -> &Names;

    /// The next trials.
    ///
    /// # Errors
    /// Where no point can be found: constraints that nothing satisfies.
    fn ask(&mut self) -> Result<Asked>;

    /// Takes in a result. Results come in the order of their numbers.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where another number was due.
    fn tell(&mut self, told: Told) -> Result<()>;

    /// How many trials there will be, where that is known.
    fn total(&self) -> Option<u64>;

    /// The search, its seed and its space in one line, by which a resumed sweep is known to be the same.
    fn describe(&self) -> String;
}

/// Which numbers were given out, and which is told next.
#[derive(Clone, Debug, Default)]
struct Tally {
    asked: u64,
    told: u64,
}

impl Tally {
    /// Numbers a proposal.
    fn propose(&mut self, params: crate::Params, fidelity: f64) -> Proposal {
        let number = self.asked;
        self.asked += 1;
        Proposal { number, params, fidelity }
    }

    fn tell(&mut self, number: u64) -> Result<()> {
        if number != self.told || number >= self.asked {
            return Err(Error::Mismatch {
                what: "the number of the trial that is told".into(),
                found: number.to_string(),
                expected: match self.asked {
                    asked if asked == self.told => format!("none: all {asked} that were asked for are told"),
                    _ => self.told.to_string(),
                },
            });
        }
        self.told += 1;
        Ok(())
    }

    /// Trials under way.
    fn pending(&self) -> u64 {
        self.asked - self.told
    }
}
