use std::sync::OnceLock;

use super::{Asked, CHUNK, Search, Tally, Told};
use crate::{Error, Names, Result, Space};

/// How many points a grid has at most unless it is told otherwise.
pub const GRID_LIMIT: u64 = 10_000_000;

/// Up to here the points that satisfy the constraints are counted, to know the total.
const COUNTED: u64 = 1_000_000;

/// Every point of a space that satisfies its constraints, once, in the order of [`Space::point`]: the last parameter varies
/// fastest. Points are made as they are asked for; memory does not grow with their number. Nothing that is told changes what
/// comes.
///
/// ```
/// use bt_sweep::Space;
/// use bt_sweep::search::{Asked, Grid, Search};
/// let space = Space::builder().int("fast", 5, 10, 5).int("slow", 5, 15, 5).less("fast", "slow").build()?;
/// let mut grid = Grid::new(space)?;
/// assert_eq!(grid.total(), Some(3));
/// let Asked::Trials(trials) = grid.ask()? else { unreachable!("a grid does not wait") };
/// let points: Vec<String> = trials.iter().map(|trial| trial.params.to_string()).collect();
/// assert_eq!(points, ["fast=5 slow=10", "fast=5 slow=15", "fast=10 slow=15"]);
/// assert_eq!(grid.ask()?, Asked::Done);
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Debug)]
pub struct Grid {
    space: Space,
    points: u64,
    next: u64,
    tally: Tally,
    total: OnceLock<Option<u64>>,
}

impl Grid {
    /// A grid of at most [`GRID_LIMIT`] points, constraints not counted.
    ///
    /// # Errors
    /// As [`with_limit`](Self::with_limit).
    pub fn new(space: Space) -> Result<Self> {
        Self::with_limit(space, GRID_LIMIT)
    }

    /// A grid of at most `limit` points, constraints not counted.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a continuous parameter, and for a larger grid, with its size.
    pub fn with_limit(space: Space, limit: u64) -> Result<Self> {
        let Some(points) = space.cardinality() else {
            return Err(continuous(&space));
        };
        if points > u128::from(limit) {
            let more = if points == u128::MAX { " or more" } else { "" };
            let size = format!("{points} points{more}");
            let allowed = format!(
                "at most {limit}; take larger steps or fewer parameters, or let random search draw from it"
            );
            return Err(Error::invalid("the size of the grid", size, allowed));
        }
        Ok(Self { space, points: points as u64, next: 0, tally: Tally::default(), total: OnceLock::new() })
    }

    fn count(&self) -> Option<u64> {
        if self.space.constraints().is_empty() {
            return Some(self.points);
        }
        if self.points > COUNTED {
            return None;
        }
        let satisfying = (0..self.points).filter_map(|index| self.space.point(u128::from(index)));
        Some(satisfying.filter(|params| self.space.satisfies(params)).count() as u64)
    }
}

fn continuous(space: &Space) -> Error {
    let parameters = space.parameters().iter();
    let continuous = parameters.filter(|parameter| parameter.domain.is_continuous());
    let texts: Vec<String> = continuous.map(ToString::to_string).collect();
    let allowed = "parameters with steps in a grid, such as x=0.1..0.9:0.1; random search takes any";
    Error::invalid("a continuous parameter", texts.join(" "), allowed)
}

impl Search for Grid {
    fn names(&self) -> &Names {
        self.space.names()
    }

    /// The next 1024 points, or what is left.
    ///
    /// # Errors
    /// [`Error::Invalid`] where no point at all satisfies the constraints.
    fn ask(&mut self) -> Result<Asked> {
        let mut trials = Vec::with_capacity(CHUNK.min((self.points - self.next) as usize));
        while trials.len() < CHUNK && self.next < self.points {
            let params = self.space.point(u128::from(self.next)).expect("the index is below the cardinality");
            self.next += 1;
            if self.space.satisfies(&params) {
                trials.push(self.tally.propose(params, 1.0));
            }
        }
        if !trials.is_empty() {
            return Ok(Asked::Trials(trials));
        }
        if self.tally.asked == 0 {
            let allowed = format!("constraints that at least one of its {} points satisfies", self.points);
            return Err(Error::invalid("the space", &self.space, allowed));
        }
        Ok(Asked::Done)
    }

    fn tell(&mut self, told: Told) -> Result<()> {
        self.tally.tell(told.number)
    }

    /// Exact without constraints. With them, points are counted when this is first asked, up to a million; none beyond.
    fn total(&self) -> Option<u64> {
        *self.total.get_or_init(|| self.count())
    }

    fn describe(&self) -> String {
        format!("grid of {}", self.space)
    }
}
