//! From what a row is stamped with to the moment at which its bar became known.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bt_asset_cache::{Label, Shown};
use bt_core::{BarLabel, Conventions, Error, ErrorKind, Frequency, Result, Timestamp, Zone};
use hashbrown::HashMap;

use super::IngestOptions;
use super::report::counted;
use super::rows::Place;
use super::stamp::{Stamp, time_of_day};
use super::wall::{self, DAY, MINUTE};

/// When the session of a day closes, on the wall clock.
///
/// ```
/// let close: bt_bundle::SessionClose = "16:00".parse()?;
/// assert_eq!(close.to_string(), "16:00");
/// assert!("26:00".parse::<bt_bundle::SessionClose>().is_err());
/// # Ok::<(), bt_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionClose {
    nanos: i64,
}

impl FromStr for SessionClose {
    type Err = Error;

    /// Reads `HH:MM`, or `HH:MM:SS`.
    fn from_str(text: &str) -> Result<Self> {
        let unreadable = || ErrorKind::Unreadable {
            what: "session close",
            text: text.chars().take(100).collect(),
            allowed: "HH:MM or HH:MM:SS, 00:00 to 23:59:59",
        };
        time_of_day(text.as_bytes()).map(|nanos| Self { nanos }).ok_or_else(|| unreadable().into())
    }
}

impl fmt::Display for SessionClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.nanos / MINUTE;
        write!(f, "{:02}:{:02}", minutes / 60, minutes % 60)?;
        match self.nanos % MINUTE / wall::SECOND {
            0 => Ok(()),
            seconds => write!(f, ":{seconds:02}"),
        }
    }
}

/// What the stamps read so far have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Traits {
    /// The first that is a date without a time.
    pub(super) date: Option<Place>,
    /// The first with a time.
    pub(super) time: Option<Place>,
    /// All with a time are midnights of the stated zone.
    pub(super) local_midnights: bool,
    /// All with a time are midnights UTC.
    pub(super) utc_midnights: bool,
    /// Some are read on the wall clock of the zone.
    pub(super) on_wall_clock: bool,
}

impl Default for Traits {
    fn default() -> Self {
        Self::NONE
    }
}

impl Traits {
    pub(super) const NONE: Self =
        Self { date: None, time: None, local_midnights: true, utc_midnights: true, on_wall_clock: false };

    /// Adds one stamp, which is `moment`.
    #[inline]
    pub(super) fn note(&mut self, stamp: Stamp, moment: i64, place: Place, zone: &Zone) {
        if stamp.is_date() {
            self.date.get_or_insert(place);
            return;
        }
        self.time.get_or_insert(place);
        self.on_wall_clock |= matches!(stamp, Stamp::Local(_));
        self.utc_midnights &= moment.rem_euclid(DAY) == 0;
        self.local_midnights = self.local_midnights
            && match stamp {
                Stamp::Local(local) => local.rem_euclid(DAY) == 0,
                Stamp::Date(_) | Stamp::Moment(_) => wall::is_midnight(zone, moment),
            };
    }

    /// Adds what later stamps have in common.
    pub(super) fn extend(&mut self, later: Self) {
        self.date = self.date.or(later.date);
        self.time = self.time.or(later.time);
        self.local_midnights &= later.local_midnights;
        self.utc_midnights &= later.utc_midnights;
        self.on_wall_clock |= later.on_wall_clock;
    }

    fn dates(self) -> bool {
        self.time.is_none()
    }

    fn shown(self) -> Shown {
        match self {
            _ if self.dates() => Shown::Dates,
            _ if self.local_midnights || self.utc_midnights => Shown::Midnights,
            _ => Shown::Times,
        }
    }
}

/// How stamps become known moments, settled once for an ingest.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) frequency: Frequency,
    pub(super) rule: Rule,
    traits: Traits,
    zone: Zone,
    /// Whether nobody stated the zone.
    is_assumed: bool,
    close: Option<SessionClose>,
    /// The end of each day from `first_day` on, where the rule looks days up: once for each day, not for each row.
    day_ends: Vec<i64>,
    first_day: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    /// The stamp is the 00:00 UTC of a day, which it stands for.
    EndOfDate,
    /// The stamp is a moment; the bar is known when its local day ends.
    EndOfLocalDay,
    /// The stamp is a moment; the bar is known at the first session close after it.
    NextClose,
    /// The stamp is a moment; the bar is known at the same time of the next local day.
    NextDay,
    /// The bar is known so many nanoseconds after its stamp.
    After(i64),
}

impl Clock {
    /// Settles what was not stated, on the safe side: never is a bar known before its end.
    ///
    /// `gaps` are only asked for where the frequency must be inferred from them; whether bars are too
    /// [far apart](Gaps::far_apart) is for the caller to see.
    pub(super) fn settle(
        options: &IngestOptions,
        traits: Traits,
        gaps: impl FnOnce() -> Result<Gaps>,
    ) -> Result<Self> {
        let frequency = match (options.frequency, traits.shown()) {
            (Some(frequency), _) => frequency,
            (None, Shown::Dates | Shown::Midnights) => Frequency::Daily,
            (None, Shown::Times) => gaps()?.frequency()?,
        };
        let rule = rule(options, traits, frequency)?;
        let (zone, is_assumed) = (options.zone().clone(), options.zone.is_none());
        let close = options.session_close;
        Ok(Self { frequency, rule, traits, zone, is_assumed, close, day_ends: Vec::new(), first_day: 0 })
    }

    /// What the bundle says of the zone and of which day a bar belongs to.
    pub(super) fn conventions(&self) -> Conventions {
        let label = match self.rule {
            Rule::NextDay => BarLabel::Start,
            _ => BarLabel::End,
        };
        Conventions { zone: self.zone.name().to_owned().into(), label }
    }

    /// Tabulates the ends of days, for stamps within this range.
    pub(super) fn for_stamps(mut self, stamps: RangeInclusive<i64>) -> Self {
        if self.rule == Rule::EndOfDate {
            self.first_day = stamps.start().div_euclid(DAY);
            self.day_ends =
                (self.first_day..=stamps.end().div_euclid(DAY)).map(|day| self.end_of_day(day)).collect();
        }
        self
    }

    /// When the bar with this stamp became known. Ascends with the stamp.
    #[inline]
    pub(super) fn known(&self, stamp: i64) -> Timestamp {
        Timestamp::from_nanos(match self.rule {
            Rule::After(nanos) => stamp.saturating_add(nanos),
            Rule::EndOfDate => {
                let day = stamp.div_euclid(DAY);
                let tabulated = self.day_ends.get(day.wrapping_sub(self.first_day) as usize);
                tabulated.copied().unwrap_or_else(|| self.end_of_day(day))
            }
            Rule::EndOfLocalDay => self.end_of_day(wall::day(&self.zone, stamp)),
            Rule::NextClose => self.next_close(stamp),
            Rule::NextDay => self.next_day(stamp),
        })
    }

    /// When bars become known and how their times were read, in words.
    pub(super) fn describe(&self, options: &IngestOptions) -> String {
        format!("{}; {}", self.describe_rule(options), self.describe_reading())
    }

    fn describe_reading(&self) -> String {
        let zone = &self.zone;
        let assumed = if self.is_assumed { "; assumed, no zone was stated" } else { "" };
        match self.traits {
            traits if traits.dates() => format!("dates are days in {zone}{assumed}"),
            traits if traits.on_wall_clock => format!("times read as {zone}{assumed}"),
            _ if self.frequency != Frequency::Daily => "times read as the moments that they name".to_owned(),
            _ => format!("times read as the moments that they name, days as those of {zone}{assumed}"),
        }
    }

    fn describe_rule(&self, options: &IngestOptions) -> String {
        let zone = &self.zone;
        let end = match self.close {
            Some(close) => format!("at the session close, {close} in {zone}"),
            None => format!("when that day ends in {zone}"),
        };
        let assumed = match options.label {
            Some(_) => "",
            None => "; assumed, since no label was stated",
        };
        match self.rule {
            Rule::EndOfDate | Rule::EndOfLocalDay => format!("times stand for days; a bar is known {end}"),
            Rule::NextClose => {
                let close = self.close.map(|close| close.to_string()).unwrap_or_default();
                format!(
                    "times are bars' starts{assumed}; a bar is known at the next session close, {close} in {zone}"
                )
            }
            Rule::NextDay => {
                format!("times are bars' starts{assumed}; a bar is known one day later in {zone}")
            }
            Rule::After(0) => "times are bars' ends; a bar is known then".to_owned(),
            Rule::After(nanos) => {
                let later = counted((nanos / MINUTE).unsigned_abs(), "minute");
                format!("times are bars' starts{assumed}; a bar is known {later} later")
            }
        }
    }

    fn end_of_day(&self, day: i64) -> i64 {
        match self.close {
            // A session that closes at midnight closes at the end of its day, not at its beginning.
            Some(close) if close.nanos > 0 => {
                wall::latest(&self.zone, day.saturating_mul(DAY).saturating_add(close.nanos))
            }
            _ => wall::start_of_day(&self.zone, day + 1),
        }
    }

    fn next_close(&self, stamp: i64) -> i64 {
        let day = wall::day(&self.zone, stamp);
        let close = self.end_of_day(day);
        if close > stamp { close } else { self.end_of_day(day + 1) }
    }

    fn next_day(&self, stamp: i64) -> i64 {
        let local = wall::local(&self.zone, stamp);
        match wall::is_midnight(&self.zone, stamp) {
            true => wall::start_of_day(&self.zone, local.div_euclid(DAY) + 1),
            false => wall::latest(&self.zone, local.saturating_add(DAY)),
        }
    }
}

fn rule(options: &IngestOptions, traits: Traits, frequency: Frequency) -> Result<Rule> {
    let label = Label::settle(options.label, frequency, traits.shown())?;
    let close = options.session_close;
    match (frequency, label) {
        (Frequency::Minutes(_), _) if close.is_some() => Err(no_close("the bars are not daily")),
        (Frequency::Minutes(minutes), Label::Start) => Ok(Rule::After(i64::from(minutes) * MINUTE)),
        (_, Label::End) if close.is_some() => {
            Err(no_close("the label says that the times are the bars' ends"))
        }
        (_, Label::End) => Ok(Rule::After(0)),
        // Midnights UTC are dates, whatever the zone: taken as moments they would lie on the evening before in New
        // York, and the bar would be known a day too early.
        (_, Label::Date) if traits.dates() || traits.utc_midnights => Ok(Rule::EndOfDate),
        (_, Label::Date) => Ok(Rule::EndOfLocalDay),
        (_, Label::Start) if close.is_some() => Ok(Rule::NextClose),
        (_, Label::Start) => Ok(Rule::NextDay),
    }
}

fn no_close(why: &str) -> Error {
    Error::invalid_option("session_close", "stated", format!("none, because {why}"))
}

/// The distances between neighbouring bars of the same asset.
#[derive(Default, Debug)]
pub(super) struct Gaps {
    /// Below a day: how often each occurs.
    short: HashMap<i64, u64>,
    /// One to four days: daily bars, with weekends and holidays.
    days: u64,
    /// More, in days: how often each occurs. Weekly or monthly bars, or none for a while.
    long: HashMap<i64, u64>,
}

impl Gaps {
    /// Clocks that are set forward make a day of 23 hours.
    const SHORTEST_DAY: i64 = 22 * 60 * MINUTE;

    /// Adds the gaps of one asset's ascending stamps.
    pub(super) fn add(&mut self, stamps: &[i64]) {
        for pair in stamps.windows(2) {
            match pair[1].saturating_sub(pair[0]) {
                0 => (),
                gap if gap < Self::SHORTEST_DAY => *self.short.entry(gap).or_default() += 1,
                gap if gap <= 4 * DAY + 2 * 60 * MINUTE => self.days += 1,
                gap => *self.long.entry((gap + DAY / 2) / DAY).or_default() += 1,
            }
        }
    }

    fn frequency(&self) -> Result<Frequency> {
        let short: u64 = self.short.values().sum();
        if short < self.days {
            return Ok(Frequency::Daily);
        }
        let Some(gap) = commonest(&self.short) else {
            return Err(Error::invalid_option(
                "frequency",
                "inferred",
                "a stated one, such as 1d or 5m: no asset has two bars near each other",
            ));
        };
        match u16::try_from(gap / MINUTE) {
            Ok(minutes @ 1..1440) if gap % MINUTE == 0 => Ok(Frequency::Minutes(minutes)),
            _ => Err(Error::invalid_option(
                "frequency",
                format!("{} s, the commonest distance of bars,", gap as f64 / 1e9),
                "1m to 1439m or 1d; state the frequency, or resample the bars",
            )),
        }
    }

    /// Why these bars are neither daily nor within the day, where most are further apart.
    pub(super) fn far_apart(&self) -> Option<String> {
        let near = self.days + self.short.values().sum::<u64>();
        let days = commonest(&self.long).filter(|_| self.long.values().sum::<u64>() > near)?;
        Some(format!(
            "bars are {days} days apart; allowed: daily or 1 to 1439 minutes; a weekly or monthly bar that is stamped with \
             its first day would be visible before its end; state the frequency if they are daily bars \
             (`IngestOptions::frequency`)"
        ))
    }
}

/// Of two that occur equally often the longer: a bar is then known late rather than early.
fn commonest(gaps: &HashMap<i64, u64>) -> Option<i64> {
    gaps.iter().max_by_key(|&(&gap, &count)| (count, gap)).map(|(&gap, _)| gap)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::TimeFormat;
    use crate::ingest::stamp::resolve;

    fn text(day: i64) -> String {
        Timestamp::from_nanos(day * DAY).to_string()[..10].to_owned()
    }

    /// When daily bars with these stamps are known.
    fn known(stamps: &[String], options: &IngestOptions) -> Vec<i64> {
        let mut traits = Traits::NONE;
        let mut moments = Vec::new();
        for (at, stamp) in stamps.iter().enumerate() {
            let stamp = TimeFormat::Iso.read(stamp.as_bytes()).unwrap();
            let moment = resolve(stamp, options.zone()).unwrap();
            traits.note(stamp, moment, Place::new(0, at as u64), options.zone());
            moments.push(moment);
        }
        let clock = Clock::settle(options, traits, || unreachable!("the frequency is stated")).unwrap();
        let range = moments.iter().min().copied().unwrap()..=moments.iter().max().copied().unwrap();
        let tabulated = clock.clone().for_stamps(range);
        let known = |moment: i64| {
            assert_eq!(clock.known(moment), tabulated.known(moment));
            clock.known(moment).as_nanos()
        };
        moments.into_iter().map(known).collect()
    }

    fn zones() -> impl Strategy<Value = Zone> {
        let names = [
            "UTC",
            "America/New_York",
            "America/Chicago",
            "America/Sao_Paulo",
            "Asia/Tokyo",
            "Asia/Kolkata",
            "Europe/London",
            "Australia/Sydney",
            "Pacific/Auckland",
        ];
        prop::sample::select(names.to_vec()).prop_map(|name| name.parse().unwrap())
    }

    #[test]
    fn a_session_that_closes_at_midnight_closes_at_the_end_of_its_day() {
        let options = IngestOptions {
            zone: Some("America/New_York".parse().unwrap()),
            session_close: Some("00:00".parse().unwrap()),
            frequency: Some(Frequency::Daily),
            ..Default::default()
        };
        let end = "2024-01-06T05:00:00Z".parse::<Timestamp>().unwrap().as_nanos();
        for stamp in [
            "2024-01-05",
            "2024-01-05 00:00:00",
            "2024-01-05T00:00:00Z",
            "2024-01-05 09:30",
            "2024-01-05 16:00",
        ] {
            assert_eq!(known(&[stamp.to_owned()], &options), [end], "{stamp}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        /// Whatever is stated or left out, short of stating that times are ends.
        #[test]
        fn a_daily_bar_is_never_visible_before_its_close(
            days in prop::collection::btree_set(0_i64..20_000, 1..20),
            zone in zones(),
            state_zone in any::<bool>(),
            state_close in any::<bool>(),
            label in prop::sample::select(vec![None, Some(Label::Date), Some(Label::Start)]),
            written in 0..4_usize,
        ) {
            let close: SessionClose = "16:00".parse().unwrap();
            let options = IngestOptions {
                label,
                // A day that is taken for one in UTC is safe where exchanges close before 00:00 UTC.
                zone: state_zone.then(|| zone.clone()),
                session_close: (state_close && state_zone).then_some(close),
                frequency: Some(Frequency::Daily),
                ..Default::default()
            };
            let opening = |day: i64| Timestamp::from_nanos(wall::latest(&zone, day * DAY + 570 * MINUTE)).to_string();
            // Who states that only the day is meant, of a moment, has to state where it is that day.
            let written = if label == Some(Label::Date) && !state_zone { written % 3 } else { written };
            let stamp = |&day: &i64| match written {
                0 => text(day),
                1 => format!("{} 00:00:00", text(day)),
                2 => format!("{}T00:00:00Z", text(day)),
                _ => opening(day),
            };
            let stamps: Vec<String> = days.iter().map(stamp).collect();
            let known = known(&stamps, &options);
            prop_assert!(known.is_sorted());
            for (&day, &known) in days.iter().zip(&known) {
                let close = wall::latest(&zone, day * DAY + close.nanos);
                prop_assert!(known >= close, "day {}: known {}, closes {}", text(day), known, close);
            }
        }

        #[test]
        fn a_bar_within_the_day_is_known_at_its_end(minutes in 1..1440_u16, stamp in -4_000_000_000_i64..8_000_000_000) {
            let clock = |label| {
                let options = IngestOptions { label, frequency: Some(Frequency::Minutes(minutes)), ..Default::default() };
                let traits = Traits { time: Some(Place::new(0, 1)), utc_midnights: false, local_midnights: false, ..Traits::NONE };
                Clock::settle(&options, traits, || unreachable!("the frequency is stated")).unwrap()
            };
            let stamp = stamp * super::wall::SECOND;
            let known = |label| clock(label).known(stamp).as_nanos();
            prop_assert_eq!(known(Some(Label::End)), stamp);
            prop_assert_eq!(known(Some(Label::Start)), stamp + i64::from(minutes) * MINUTE);
            prop_assert_eq!(known(None), known(Some(Label::Start)));
        }
    }
}
