use std::cmp::Ordering;

/// The trials that are best inside, and how they do outside: each figure is the mean over those that are tied.
pub(super) struct Choice {
    /// Whether two trials have different ratios inside.
    pub(super) is_choice: bool,
    /// The ratio inside.
    pub(super) inside: f64,
    /// The ratio outside.
    pub(super) outside: f64,
    /// The share of them below the median trial outside; those that are the median count half.
    pub(super) below_median: f64,
    /// The share of them with a ratio below 0 outside.
    pub(super) losing: f64,
    /// The logit of the relative rank outside.
    pub(super) logit: f64,
}

/// Finds the best of trials, each of which stands for as many as its weight.
pub(super) struct Chooser<'w> {
    weights: &'w [u64],
    trials: u64,
    /// The places that the best have outside, ascending.
    places: Vec<Place>,
}

/// A value outside that trials among the best have.
#[derive(Clone, Copy)]
struct Place {
    value: f64,
    /// How many of the best have it.
    best: u64,
    /// How many of all trials have it.
    equal: u64,
    /// How many of all trials are below it.
    worse: u64,
}

impl<'w> Chooser<'w> {
    pub(super) fn new(weights: &'w [u64]) -> Self {
        Self { weights, trials: weights.iter().sum(), places: Vec::new() }
    }

    /// The choice by these values, squared ratios with their signs, one for each weight.
    pub(super) fn choice(&mut self, inside: &[f64], outside: &[f64]) -> Choice {
        let (least, best) = extremes(inside);
        self.find_places(inside, outside, best);
        match &mut self.places[..] {
            [one] => count(one, outside, self.weights),
            several => count_all(several, outside, self.weights),
        }
        let tied: u64 = self.places.iter().map(|place| place.best).sum();
        let mean = |value: &dyn Fn(&Place) -> f64| {
            self.places.iter().map(|place| place.best as f64 * value(place)).sum::<f64>() / tied as f64
        };
        Choice {
            is_choice: least < best,
            inside: ratio(best),
            outside: mean(&|place| ratio(place.value)),
            below_median: mean(&|place| place.below_median(self.trials)),
            losing: mean(&|place| f64::from(place.value < 0.0)),
            logit: mean(&|place| place.logit(self.trials)),
        }
    }

    fn find_places(&mut self, inside: &[f64], outside: &[f64], best: f64) {
        self.places.clear();
        for (at, _) in inside.iter().enumerate().filter(|(_, value)| **value == best) {
            self.places.push(Place { value: outside[at], best: self.weights[at], equal: 0, worse: 0 });
        }
        self.places.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
        self.places.dedup_by(|next, kept| {
            let is_same = next.value == kept.value;
            kept.best += if is_same { next.best } else { 0 };
            is_same
        });
    }
}

/// Counts the trials at and below one place, in a pass that a processor takes several values at once of.
fn count(place: &mut Place, outside: &[f64], weights: &[u64]) {
    for (&value, &weight) in outside.iter().zip(weights) {
        place.worse += if value < place.value { weight } else { 0 };
        place.equal += if value == place.value { weight } else { 0 };
    }
}

/// The same for several places.
fn count_all(places: &mut [Place], outside: &[f64], weights: &[u64]) {
    for (&value, &weight) in outside.iter().zip(weights) {
        let at = places.partition_point(|place| place.value < value);
        if let Some(place) = places.get_mut(at) {
            let count = if place.value == value { &mut place.equal } else { &mut place.worse };
            *count += weight;
        }
    }
    let mut below = 0;
    for place in places {
        place.worse += below;
        below = place.worse + place.equal;
    }
}

impl Place {
    /// Twice the mean of the ranks of all trials here, counted from 1.
    fn double_rank(&self) -> u64 {
        2 * self.worse + self.equal + 1
    }

    fn below_median(&self, trials: u64) -> f64 {
        match self.double_rank().cmp(&(trials + 1)) {
            Ordering::Less => 1.0,
            Ordering::Equal => 0.5,
            Ordering::Greater => 0.0,
        }
    }

    /// Of the rank over `trials + 1`.
    fn logit(&self, trials: u64) -> f64 {
        let (rank, all) = (self.double_rank(), 2 * (trials + 1));
        (rank as f64 / (all - rank) as f64).ln()
    }
}

/// The smallest and the largest value. Eight of each side by side: one after the other, each would wait for the one before.
fn extremes(values: &[f64]) -> (f64, f64) {
    let (mut least, mut most) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let smaller = |a: f64, b: f64| if b < a { b } else { a };
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, &value) in chunk.iter().enumerate() {
            least[lane] = smaller(least[lane], value);
            most[lane] = larger(most[lane], value);
        }
    }
    let all = |lanes: [f64; 8], pick: fn(f64, f64) -> f64| {
        lanes.into_iter().chain(rest.iter().copied()).reduce(pick).unwrap_or(f64::NAN)
    };
    (all(least, smaller), all(most, larger))
}

/// The root of a squared ratio, with its sign.
fn ratio(signed_square: f64) -> f64 {
    signed_square.signum() * signed_square.abs().sqrt()
}
