use super::{Asked, CHUNK, Search, Tally, Told};
use crate::{Error, Names, Params, Result};

/// Given points, in their order: those of a file, or the best of an earlier sweep.
///
/// For an optimizer of your own that learns from results, implement [`Search`] itself: five small functions.
#[derive(Clone, Debug)]
pub struct Points {
    names: Names,
    points: Box<[Params]>,
    tally: Tally,
}

impl Points {
    /// Points whose parameters are `names`, in their order.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a point with other parameters; [`Error::Invalid`] where there is no point.
    pub fn new(names: &Names, points: impl IntoIterator<Item = Params>) -> Result<Self> {
        let points: Box<[Params]> = points.into_iter().collect();
        if points.is_empty() {
            return Err(Error::invalid("the number of points", 0, "at least 1"));
        }
        if let Some(at) = points.iter().position(|point| point.names() != names) {
            return Err(Error::Mismatch {
                what: format!("the parameters of point {at}").into(),
                found: points[at].names().as_slice().join(", "),
                expected: names.as_slice().join(", "),
            });
        }
        Ok(Self { names: names.clone(), points, tally: Tally::default() })
    }
}

impl Search for Points {
    fn names(&self) -> &Names {
        &self.names
    }

    fn ask(&mut self) -> Result<Asked> {
        let rest = &self.points[self.tally.asked as usize..];
        if rest.is_empty() {
            return Ok(Asked::Done);
        }
        let next = rest.iter().take(CHUNK).map(|point| self.tally.propose(point.clone(), 1.0));
        Ok(Asked::Trials(next.collect()))
    }

    fn tell(&mut self, told: Told) -> Result<()> {
        self.tally.tell(told.number)
    }

    fn total(&self) -> Option<u64> {
        Some(self.points.len() as u64)
    }

    /// The names and a checksum of the points.
    fn describe(&self) -> String {
        let mut hasher = crc32fast::Hasher::new();
        self.points.iter().for_each(|point| hasher.update(format!("{point}\n").as_bytes()));
        let names = self.names.as_slice().join(" ");
        format!("{} points of {names}, checksum {:08x}", self.points.len(), hasher.finalize())
    }
}
