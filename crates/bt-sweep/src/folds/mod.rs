//! Walk-forward folds: which moments a strategy is tuned on, and which later ones it is judged on.
//!
//! ```text
//! rolling                                    expanding (also called anchored)
//!
//! fold 0  w[==train==]p[val]p[test]          w[==train==]p[val]p[test]
//! fold 1     w   [==train==]p[val]p[test]    w[=====train=====]p[val]p[test]
//! fold 2        w      [==train==]p[val]p    w[========train========]p[val]p
//!         ----------- moments ----------->   ----------- moments ----------->
//!            step
//! ```
//!
//! The borders of a fold are measured from its *anchor*, where its test begins. The first anchor lies `warm_up` bars and the
//! lengths of train and validation behind the first moment, each later one a `step` further. The test lies behind the anchor, the
//! validation right before it, the train right before that. So tests lie end to end where `step` equals `test`, whatever the
//! other lengths, and never overlap where it is longer.
//!
//! - **Rolling**: each train has the same length, and moves with the anchor.
//! - **Expanding**: each train begins with the first one, and grows. The field calls the same folds *anchored* (Pardo, "The
//!   Evaluation and Optimization of Trading Strategies", 2008); both names are read.
//! - **Purge** (`p`): the last `purge` bars of the train and of the validation are left out, so that no trade and no label that was
//!   opened in one part reaches into the next (López de Prado, "Advances in Financial Machine Learning", 2018, ch. 7). The parts
//!   that are left are shorter by so much.
//! - **Embargo**: a train that would begin less than `embargo` bars after the end of an earlier fold's test begins so many bars after
//!   it. A train that holds an earlier test holds all of it and what follows: for its fold those bars are history, and its own
//!   test lies later still. So expanding trains have nothing to drop, and an embargo on them is refused.
//! - **Warm-up** (`w`): `warm_up` bars before each part feed indicators and are never scored. They may belong to an earlier part
//!   of the same fold, purged bars included. Every part has all of them.
//!
//! # Time
//! Months and days are counted by the days of bars ([`BarClock::day`]), in the bundle's zone: from the day of the bar behind a
//! border, or from the next one where the border cuts that day. A day that a month does not have is the month's last one. Bars of the
//! day to which they lead, and of later days, lie behind the border, whenever they become known: daily bars that are known at midnight
//! and those that are known at the close give the same folds, in every zone. Months and days are added up from the first anchor
//! on, so that no border drifts over weekends. Lengths in bars are exact.
//!
//! # The end
//! A test in bars is whole or is not there. One in months or days is there when at most a tenth of its days lie behind that of
//! the last bar: weekends and holidays have no bars. Moments behind the last test are in no test.

mod place;
mod span;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use bt_core::{BarClock, Calendar, Day};

use crate::{Error, Result};
use place::{BarDays, Place};
pub use span::Span;

/// How data is cut into folds. The module says what each length means.
///
/// ```
/// use bt_sweep::bt_core::{BarClock, Calendar, Conventions, Frequency, Timestamp};
/// use bt_sweep::folds::{Kind, WalkForward};
/// let days: Vec<_> = (0..1000).map(|day| Timestamp::from_nanos(day * 86_400_000_000_000)).collect();
/// let walk = WalkForward {
///     validate: Some("100b".parse()?),
///     warm_up: 50,
///     purge: 5,
///     ..WalkForward::new(Kind::Rolling, "400b".parse()?, "200b".parse()?)
/// };
/// let clock = BarClock::new(Frequency::Daily, &Conventions::UTC)?;
/// let folds = walk.folds(Calendar::from_sorted(&days), &clock)?;
/// assert_eq!(folds.len(), 2);
/// assert_eq!((folds[0].train.clone(), folds[0].test.clone()), (50..445, 550..750));
/// assert_eq!((folds[1].train.clone(), folds[1].test.clone()), (250..645, 750..950));
/// assert_eq!(folds[1].validate, Some(650..745));
/// assert_eq!(folds[1].visible(&folds[1].test), 700..950);
/// # Ok::<(), bt_sweep::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WalkForward {
    /// What the train does from fold to fold.
    pub kind: Kind,
    /// How long parameters are searched; of the first fold where the train expands.
    pub train: Span,
    /// How long the best of them are compared, if at all.
    pub validate: Option<Span>,
    /// How long the chosen ones are judged.
    pub test: Span,
    /// How far apart tests begin. Shorter than `test`, tests overlap.
    pub step: Span,
    /// Bars before each part that feed indicators and are never scored.
    pub warm_up: usize,
    /// Bars left out at the end of train and validation.
    pub purge: usize,
    /// Bars left out before a train that follows an earlier test.
    pub embargo: usize,
}

/// What the train does from fold to fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It moves: old bars are forgotten.
    Rolling,
    /// It grows: its start stays. Also read as `anchored`.
    Expanding,
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "rolling" => Ok(Self::Rolling),
            "expanding" | "anchored" => Ok(Self::Expanding),
            other => Err(Error::unknown("kind of folds", other, ["rolling", "expanding", "anchored"])),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rolling => "rolling",
            Self::Expanding => "expanding",
        })
    }
}

/// What a part of a fold is for. A plain sweep is one train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Parameters are searched on it.
    Train,
    /// The best of them are compared on it.
    Validation,
    /// The one that is chosen is judged on it.
    Test,
}

impl Role {
    const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The number that tells the parts of all folds apart, in the order of time: `3 × fold`, one more for the validation, two more
    /// for the test.
    pub const fn part(self, fold: u32) -> u32 {
        3 * fold + self as u32
    }

    /// The fold, and what this part of it is for.
    pub const fn of_part(part: u32) -> (u32, Self) {
        (part / 3, Self::ALL[(part % 3) as usize])
    }

    /// `"train"`, `"validation"` or `"test"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// One fold: moments of the bundle's calendar, as indices into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Counts from 0 on.
    pub index: usize,
    /// Where parameters are searched.
    pub train: Range<usize>,
    /// Where the best of them are compared.
    pub validate: Option<Range<usize>>,
    /// Where the chosen ones are judged.
    pub test: Range<usize>,
    /// Bars before each part that feed indicators and are never scored; there are always so many.
    pub warm_up: usize,
}

impl Fold {
    /// What a trial that is scored on one of the fold's parts may see: its moments and the warm-up before them.
    pub fn visible(&self, scored: &Range<usize>) -> Range<usize> {
        scored.start.saturating_sub(self.warm_up)..scored.end
    }

    /// Train, validation and test, in order of time.
    pub fn parts(&self) -> impl Iterator<Item = &Range<usize>> {
        std::iter::once(&self.train).chain(&self.validate).chain(std::iter::once(&self.test))
    }
}

/// As a ledger keeps it: what is resumed has to have the same folds.
impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, train, validate, test, warm_up } = self;
        write!(f, "{index}: train {}..{}, ", train.start, train.end)?;
        if let Some(validate) = validate {
            write!(f, "validate {}..{}, ", validate.start, validate.end)?;
        }
        write!(f, "test {}..{}, warm-up {warm_up}", test.start, test.end)
    }
}

impl WalkForward {
    /// Folds whose tests lie end to end, without validation, warm-up, purge and embargo.
    pub fn new(kind: Kind, train: Span, test: Span) -> Self {
        Self { kind, train, validate: None, test, step: test, warm_up: 0, purge: 0, embargo: 0 }
    }

    /// The folds of a calendar, at least one. The clock, that of the bundle, tells the days of its bars. O(folds × log moments).
    ///
    /// # Errors
    /// [`Error::Invalid`] where a length is 0, where an embargo is on expanding folds, where the calendar is too short for one
    /// fold, and where a part has no bar: of a fold in a hole of the data, or because a purge or an embargo leaves none.
    pub fn folds(&self, calendar: Calendar<'_>, clock: &BarClock) -> Result<Vec<Fold>> {
        self.check()?;
        let bars = BarDays { moments: calendar.as_slice(), clock };
        let origin = self.origin(bars);
        let first = self.first_anchor(origin);
        let mut folds = Vec::new();
        for index in 0.. {
            let anchor = first.after(self.step, index);
            let Some(test) = self.whole_test(bars, anchor) else { break };
            let fold = self.fold(index, origin, anchor, test, &folds);
            check_parts(&fold, self, anchor.day())?;
            folds.push(fold);
        }
        if folds.is_empty() { Err(self.too_short(bars, first)) } else { Ok(folds) }
    }

    fn check(&self) -> Result<()> {
        let lengths = [
            ("train", Some(self.train)),
            ("validate", self.validate),
            ("test", Some(self.test)),
            ("step", Some(self.step)),
        ];
        for (name, span) in lengths {
            if let Some(span) = span.filter(|span| span.number() == 0) {
                return Err(Error::invalid(name, span, "a length of at least 1"));
            }
        }
        if self.kind == Kind::Expanding && self.embargo > 0 {
            let allowed = "0 with expanding folds, whose trains hold all earlier tests; use purge for a gap before the test";
            return Err(Error::invalid("embargo", self.embargo, allowed));
        }
        Ok(())
    }

    /// Where the first train begins.
    fn origin<'c>(&self, bars: BarDays<'c>) -> Place<'c> {
        let all_bars = [Some(self.train), self.validate, Some(self.test), Some(self.step)];
        if all_bars.into_iter().flatten().all(Span::is_bars) {
            Place::at(bars, self.warm_up)
        } else {
            Place::at_whole_day(bars, self.warm_up)
        }
    }

    fn first_anchor<'c>(&self, origin: Place<'c>) -> Place<'c> {
        let trained = origin.after(self.train, 1);
        self.validate.map_or(trained, |validate| trained.after(validate, 1))
    }

    /// The test behind an anchor, unless the data ends too early.
    fn whole_test(&self, bars: BarDays<'_>, anchor: Place<'_>) -> Option<Range<usize>> {
        let (last, moments) = (bars.clock.day(*bars.moments.last()?), bars.moments);
        if anchor.position >= moments.len() {
            return None;
        }
        let end = anchor.after(self.test, 1);
        let is_whole = match self.test {
            Span::Bars(_) => end.position <= moments.len(),
            Span::Months(_) | Span::Days(_) => {
                let days =
                    |from: Day| i64::from(end.day().days_since_1970()) - i64::from(from.days_since_1970());
                days(last.plus(1)) * 10 <= days(anchor.day())
            }
        };
        is_whole.then(|| anchor.position..end.position.min(moments.len()))
    }

    fn fold(
        &self,
        index: usize,
        origin: Place<'_>,
        anchor: Place<'_>,
        test: Range<usize>,
        earlier: &[Fold],
    ) -> Fold {
        let border = self.validate.map_or(anchor, |validate| anchor.before(validate));
        // Months backwards are not always the months that led here: those to the 28th of February began on the 31st of January.
        let start = match self.kind {
            Kind::Rolling => {
                self.after_embargo(border.before(self.train).position.max(origin.position), earlier)
            }
            Kind::Expanding => origin.position,
        };
        let purged = |start: usize, end: usize| start..end.saturating_sub(self.purge).max(start);
        let border = border.position.max(origin.position);
        Fold {
            index,
            train: purged(start, border),
            validate: self.validate.map(|_| purged(border, anchor.position)),
            test,
            warm_up: self.warm_up,
        }
    }

    /// The first moment from `start` on that lies in no embargo. Tests end in order of their folds.
    fn after_embargo(&self, start: usize, earlier: &[Fold]) -> usize {
        let embargoed = |fold: &Fold| fold.test.end..fold.test.end.saturating_add(self.embargo);
        let first = earlier.partition_point(|fold| embargoed(fold).end <= start);
        earlier[first..]
            .iter()
            .map(embargoed)
            .fold(start, |start, embargoed| if embargoed.contains(&start) { embargoed.end } else { start })
    }

    #[cold]
    fn too_short(&self, bars: BarDays<'_>, first: Place<'_>) -> Error {
        let BarDays { moments, clock } = bars;
        let found = match (moments.first(), moments.last()) {
            (Some(&from), Some(&until)) => {
                format!("{} moments, of {} to {}", moments.len(), clock.name(from), clock.name(until))
            }
            _ => "no moment".to_owned(),
        };
        let validate = self.validate.map_or(String::new(), |validate| format!(", {validate} of validation"));
        let mut allowed = format!(
            "enough for one fold: {} bars of warm-up, {} of training{validate}, {} of test",
            self.warm_up, self.train, self.test
        );
        let end = first.after(self.test, 1);
        if first.position < moments.len() && !self.test.is_bars() {
            allowed += &format!("; they would reach to {}", end.day().plus(-1));
        } else if first.position <= moments.len() && self.test.is_bars() {
            allowed += &format!("; these are {} moments", end.position);
        }
        Error::invalid("the data", found, allowed)
    }
}

fn check_parts(fold: &Fold, walk: &WalkForward, anchor: Day) -> Result<()> {
    let validate = fold.validate.as_ref().zip(walk.validate);
    let parts = [
        Some(("train", &fold.train, walk.train)),
        validate.map(|(part, span)| ("validation", part, span)),
        Some(("test", &fold.test, walk.test)),
    ];
    let Some((name, _, span)) = parts.into_iter().flatten().find(|(_, part, _)| part.is_empty()) else {
        return Ok(());
    };
    let what = format!("the {name} of fold {}, whose test begins with {anchor},", fold.index);
    let allowed = format!(
        "a length with a bar in it besides a purge of {} and an embargo of {}; lengths in bars, as 20b, meet no holes",
        walk.purge, walk.embargo
    );
    Err(Error::invalid(what, format!("{span} without a bar"), allowed))
}

/// The first share of the scored moments, at least one of them: what a trial of a lower fidelity is scored on. Rounded up, so
/// that a larger share is never less.
///
/// # Errors
/// [`Error::Invalid`] where the share is not in (0, 1], or where nothing is scored.
pub fn first_share(scored: &Range<usize>, share: f64) -> Result<Range<usize>> {
    if !(share > 0.0 && share <= 1.0) {
        return Err(Error::invalid("fidelity", share, "a share of the data above 0 and up to 1"));
    }
    if scored.is_empty() {
        return Err(Error::invalid("scored moments", format!("{scored:?}"), "at least one"));
    }
    let moments = (scored.len() as f64 * share).ceil() as usize;
    Ok(scored.start..scored.start + moments.clamp(1, scored.len()))
}
