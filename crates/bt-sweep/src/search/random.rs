use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::draws::Draws;
use super::model::Model;
use super::{Asked, CHUNK, Search, Tally, Told};
use crate::{Error, Names, Params, Result, Space};

/// A discrete space of at most this many points is drawn from without putting back.
const SMALL: u64 = 1_000_000;

/// So many draws in a row that do not satisfy the constraints are taken to mean that none does.
const REJECTED: u32 = 1_000_000;

/// Points drawn at random, each as likely as another that satisfies the constraints. The seed alone decides; nothing that is
/// told changes what comes.
///
/// A discrete space of at most a million points is drawn from without putting back: no point comes twice, and where as many
/// trials are asked for as there are points, or more, each comes once. In a larger or a continuous space the draws are
/// independent. A draw that does not satisfy the constraints is drawn again, up to a million times.
#[derive(Debug)]
pub struct RandomSearch {
    space: Space,
    seed: u64,
    trials: u64,
    draws: Draws,
    sampler: Sampler,
    tally: Tally,
}

impl RandomSearch {
    /// `trials` points of a space.
    ///
    /// # Errors
    /// [`Error::Invalid`] for 0 trials.
    pub fn new(space: Space, seed: u64, trials: u64) -> Result<Self> {
        check_trials(trials)?;
        let (draws, sampler) = (Draws::new(seed), Sampler::new(&space));
        Ok(Self { space, seed, trials, draws, sampler, tally: Tally::default() })
    }
}

impl Search for RandomSearch {
    fn names(&self) -> &Names {
        self.space.names()
    }

    /// The next 1024 points, or what is left.
    ///
    /// # Errors
    /// [`Error::Invalid`] where no point is found that satisfies the constraints.
    fn ask(&mut self) -> Result<Asked> {
        let mut trials = Vec::new();
        while trials.len() < CHUNK && self.tally.asked < self.trials {
            let Some(params) = self.sampler.next(&self.space, &mut self.draws)? else { break };
            trials.push(self.tally.propose(params, 1.0));
        }
        Ok(if trials.is_empty() { Asked::Done } else { Asked::Trials(trials) })
    }

    fn tell(&mut self, told: Told) -> Result<()> {
        self.tally.tell(told.number)
    }

    /// As many as were asked for, or as a small space has; its points are counted when this is first asked.
    fn total(&self) -> Option<u64> {
        Some(self.trials.min(self.sampler.available(&self.space)))
    }

    fn describe(&self) -> String {
        format!("random search, {} trials, seed {}, of {}", self.trials, self.seed, self.space)
    }
}

/// Draws points of one space: from a deck where the space is small, so that none comes twice; independently otherwise.
#[derive(Debug)]
pub(super) struct Sampler {
    deck: Option<Deck>,
    /// Indices of the points that came, where a model has to know.
    seen: Option<HashSet<u128>>,
    available: OnceLock<u64>,
}

impl Sampler {
    pub(super) fn new(space: &Space) -> Self {
        let points = space.cardinality().and_then(|points| u64::try_from(points).ok());
        let deck = points.filter(|&points| points <= SMALL).map(Deck::new);
        Self { deck, seen: None, available: OnceLock::new() }
    }

    /// One that a model proposes points for, too.
    pub(super) fn with_memory(space: &Space) -> Self {
        Self { seen: Some(HashSet::new()), ..Self::new(space) }
    }

    /// The next point that satisfies the constraints; none where a small space has no more.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it never had one, or a million draws found none.
    pub(super) fn next(&mut self, space: &Space, draws: &mut Draws) -> Result<Option<Params>> {
        let Some(deck) = &mut self.deck else {
            let mut points = (0..REJECTED).map(|_| draws.point(space));
            let found = points.find(|point| space.satisfies(point));
            let found = found.ok_or_else(|| none_satisfies(space, format!("{REJECTED} random points")))?;
            self.remember(space, &found);
            return Ok(Some(found));
        };
        while let Some(index) = deck.deal(draws) {
            let point = space.point(u128::from(index)).expect("the index is below the cardinality");
            let came = self.seen.as_ref().is_some_and(|seen| seen.contains(&u128::from(index)));
            if space.satisfies(&point) && !came {
                deck.useful = true;
                self.remember(space, &point);
                return Ok(Some(point));
            }
        }
        match deck.useful || self.seen.as_ref().is_some_and(|seen| !seen.is_empty()) {
            true => Ok(None),
            false => Err(none_satisfies(space, format!("its {} points", deck.cards))),
        }
    }

    /// A point of a model that satisfies the constraints and, in a discrete space, did not come before; none where the model
    /// finds none.
    pub(super) fn modeled(&mut self, space: &Space, model: &mut Model, draws: &mut Draws) -> Option<Params> {
        let came = |point: &Params| {
            let seen = self.seen.as_ref().zip(space.index_of(point));
            seen.is_some_and(|(seen, index)| seen.contains(&index))
        };
        let point = model.propose(space, draws, |point| space.satisfies(point) && !came(point))?;
        self.remember(space, &point);
        Some(point)
    }

    fn remember(&mut self, space: &Space, point: &Params) {
        if let Some(seen) = &mut self.seen {
            seen.extend(space.index_of(point));
        }
    }

    /// From now on every point may come again.
    pub(super) fn restart(&mut self) {
        self.seen.iter_mut().for_each(HashSet::clear);
        self.deck = self.deck.take().map(|deck| Deck { useful: deck.useful, ..Deck::new(deck.cards) });
    }

    /// How many different points there are to draw; `u64::MAX` where the space is not small.
    pub(super) fn available(&self, space: &Space) -> u64 {
        let count = |deck: &Deck| {
            if space.constraints().is_empty() {
                return deck.cards;
            }
            let points = (0..deck.cards).filter_map(|index| space.point(u128::from(index)));
            points.filter(|point| space.satisfies(point)).count() as u64
        };
        *self.available.get_or_init(|| self.deck.as_ref().map_or(u64::MAX, count))
    }
}

pub(super) fn check_trials(trials: u64) -> Result<()> {
    if trials == 0 {
        return Err(Error::invalid("the number of trials", 0, "at least 1"));
    }
    Ok(())
}

fn none_satisfies(space: &Space, of_which: String) -> Error {
    Error::invalid("the space", space, format!("constraints that at least one of {of_which} satisfies"))
}

/// The shuffle of Fisher and Yates, dealt card by card; memory grows with the cards dealt, not with the deck.
#[derive(Clone, Debug)]
struct Deck {
    cards: u64,
    dealt: u64,
    /// Whether a card was ever of use.
    useful: bool,
    /// What lies at a place where another card than its own lies.
    moved: HashMap<u64, u64>,
}

impl Deck {
    fn new(cards: u64) -> Self {
        Self { cards, dealt: 0, useful: false, moved: HashMap::new() }
    }

    fn deal(&mut self, draws: &mut Draws) -> Option<u64> {
        if self.dealt == self.cards {
            return None;
        }
        let place = self.dealt + draws.below(u128::from(self.cards - self.dealt));
        // The card on top goes where the dealt one lay; places above are not looked at again.
        let top = self.moved.remove(&self.dealt).unwrap_or(self.dealt);
        let card = match place == self.dealt {
            true => top,
            false => self.moved.insert(place, top).unwrap_or(place),
        };
        self.dealt += 1;
        Some(card)
    }
}
