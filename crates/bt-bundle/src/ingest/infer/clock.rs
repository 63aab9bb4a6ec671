//! From what a row is stamped with to the moment at which its bar became known.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bt_asset_cache::{Label, Shown};
use bt_core::{
    BarClock, BarLabel, Bundle, Conventions, Day, Error, ErrorKind, Frequency, Result, Timestamp, Zone,
};

use super::frequency::{DaysOfPeriods, PeriodStamp};
use super::summary::StampSummary;
use crate::ingest::IngestOptions;
use crate::ingest::fault::{Fault, FrequencyFault, OptionConflict};
use crate::ingest::field::clock::session;
use crate::ingest::report::counted;
use crate::ingest::wall::{self, DAY, HOUR, MINUTE, SECOND};

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
        session(text).map(|nanos| Self { nanos }).ok_or_else(|| unreadable().into())
    }
}

impl fmt::Display for SessionClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.nanos / MINUTE;
        write!(f, "{:02}:{:02}", minutes / 60, minutes % 60)?;
        match self.nanos % MINUTE / SECOND {
            0 => Ok(()),
            seconds => write!(f, ":{seconds:02}"),
        }
    }
}

/// How stamps become known moments, settled once for an ingest.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct Clock {
    pub(in crate::ingest) frequency: Frequency,
    pub(in crate::ingest) rule: Rule,
    zone: Zone,
    source: ZoneSource,
    /// How far apart the offsets are that were named, in nanoseconds.
    offset_range: i64,
    are_dates: bool,
    /// Midnights UTC are dates, whatever the zone: taken as moments they would lie on the evening before in New York, and the
    /// bar would be known a day too early.
    are_days_in_utc: bool,
    on_wall_clock: bool,
    close: Option<SessionClose>,
    /// The end of each day from `first_day` on, where the rule looks days up: once for each day, not for each row.
    day_ends: Vec<i64>,
    first_day: i64,
    /// The beginnings of all days that were stamped, ascending, where the rule asks for the next one.
    day_starts: Vec<i64>,
}

/// Who said in which zone days lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ZoneSource {
    /// The user.
    Stated,
    /// The bundle that is appended to.
    Bundle,
    /// The input names it.
    Input,
    /// The input names offsets: the westernmost stands for the zone, in which the ends of all days lie in their day.
    Offsets,
    /// Nobody.
    Assumed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum Rule {
    /// The stamp is the 00:00 UTC of a day, which it stands for.
    EndOfDate,
    /// The stamp is a moment; the bar is known when its local day ends.
    EndOfLocalDay,
    /// The stamp is the beginning of a day at some offset; the bar is known when the next one begins.
    EndOfStampedDay,
    /// The stamp is a moment; the bar is known at the first session close after it.
    NextClose,
    /// The stamp is a moment; the bar is known at the same time of the next local day.
    NextDay,
    /// The stamp begins a week that begins with this weekday (0 is Monday); the bar is known when the next one begins.
    NextWeek(u32),
    /// The stamp begins a month of the calendar; the bar is known when the next one begins.
    NextMonth,
    /// The stamp begins a week of its own; the bar is known on the same weekday of the next one.
    WeekLater,
    /// The stamp begins a month of its own; the bar is known on the same day of the next one, or on the first after it.
    MonthLater,
    /// The bar is known so many nanoseconds after its stamp.
    After(i64),
}

/// What weekly or monthly bars are stamped with.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest) struct Periods {
    pub(in crate::ingest) shown: PeriodStamp,
    pub(in crate::ingest) begin: Begin,
}

/// The bundle that is appended to: what it says where the input does not.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct Base {
    pub(in crate::ingest) zone: Zone,
    /// When its periods begin, where bars of weeks or months are stamped with their starts.
    pub(in crate::ingest) begin: Option<Begin>,
}

impl Base {
    /// # Errors
    /// Where the bundle's zone is not known here.
    pub(in crate::ingest) fn of(bundle: &dyn Bundle) -> Result<Self> {
        let (frequency, conventions) = (bundle.frequency(), bundle.conventions());
        let zone: Zone = conventions.zone.parse()?;
        let is_long = matches!(frequency, Frequency::Weekly | Frequency::Monthly);
        let begin = (is_long && conventions.label == BarLabel::Start).then(|| {
            // Such a bar is known when the next one begins.
            let mut days = DaysOfPeriods::default();
            bundle.calendar().iter().for_each(|&known| days.add(zone.day(known), frequency));
            days.begin(frequency)
        });
        Ok(Self { zone, begin })
    }
}

/// When weeks or months begin, where stamps are their starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum Begin {
    /// On this weekday (0 is Monday), or with the first of a month; the first days of trading are stamped.
    Usual(u32),
    /// On any other day.
    Anywhere,
}

impl Clock {
    /// Settles what was not stated, on the safe side: never is a bar known before its end. `bundle` is the zone of the
    /// bundle that is appended to.
    ///
    /// # Errors
    /// Options that contradict the stamps.
    pub(in crate::ingest) fn settle(
        options: &IngestOptions,
        summary: &StampSummary,
        bundle: Option<&Zone>,
        frequency: Frequency,
        periods: impl FnOnce(&Self) -> Result<Periods>,
    ) -> Result<Result<Self, Fault>> {
        let (zone, source) = zone(options, summary, bundle);
        let offset_range = match (source, summary.offsets) {
            (ZoneSource::Offsets, Some((_, greatest))) => {
                let greatest = if summary.in_utc { greatest.max(0) } else { greatest };
                i64::from(greatest - zone.offset_minutes(Timestamp::from_nanos(0))) * MINUTE
            }
            _ => 0,
        };
        let mut clock = Self {
            frequency,
            rule: Rule::After(0),
            zone,
            source,
            offset_range,
            are_dates: summary.are_dates(),
            are_days_in_utc: summary.are_dates() || summary.utc_midnights,
            on_wall_clock: summary.on_wall_clock,
            close: options.session_close,
            day_ends: Vec::new(),
            first_day: 0,
            day_starts: Vec::new(),
        };
        let rule = match frequency {
            Frequency::Weekly | Frequency::Monthly => clock.rule_of_periods(options, summary, periods)?,
            _ => clock.rule_of_days(options, summary)?,
        };
        Ok(rule.map(|rule| {
            clock.rule = rule;
            clock
        }))
    }

    fn rule_of_days(&self, options: &IngestOptions, summary: &StampSummary) -> Result<Result<Rule, Fault>> {
        let label = Label::settle(options.label, self.frequency, summary.shown())?;
        let frequency = self.frequency;
        Ok(match (frequency, label) {
            (Frequency::Minutes(_), _) if self.close.is_some() => {
                Err(OptionConflict::CloseWithinDays { frequency }.into())
            }
            (Frequency::Minutes(minutes), Label::Start) => Ok(Rule::After(i64::from(minutes) * MINUTE)),
            (_, Label::End) if self.close.is_some() => Err(OptionConflict::CloseAndEnds.into()),
            (_, Label::End) => Ok(Rule::After(0)),
            (_, Label::Date) => Ok(self.end_of_day_rule()),
            (_, Label::Start) if self.close.is_some() => Ok(Rule::NextClose),
            (_, Label::Start) => Ok(Rule::NextDay),
        })
    }

    fn rule_of_periods(
        &self,
        options: &IngestOptions,
        summary: &StampSummary,
        periods: impl FnOnce(&Self) -> Result<Periods>,
    ) -> Result<Result<Rule, Fault>> {
        let (frequency, are_days) = (self.frequency, summary.shown() != Shown::Times);
        let periods = periods(self)?;
        // With a time of day a stamp is the moment at which its own period begins, in whatever zone.
        let begin = if are_days { periods.begin } else { Begin::Anywhere };
        let next = match (frequency, begin) {
            (Frequency::Monthly, Begin::Usual(_)) => Rule::NextMonth,
            (Frequency::Monthly, Begin::Anywhere) => Rule::MonthLater,
            (_, Begin::Usual(weekday)) => Rule::NextWeek(weekday),
            (_, Begin::Anywhere) => Rule::WeekLater,
        };
        Ok(match (options.label, periods.shown) {
            (Some(Label::Start), _) if self.close.is_some() => {
                Err(OptionConflict::CloseAndStarts { frequency }.into())
            }
            (Some(Label::Start), _) => Ok(next),
            (Some(Label::End), _) if !are_days && self.close.is_some() => {
                Err(OptionConflict::CloseAndEnds.into())
            }
            (Some(Label::End), _) if !are_days => Ok(Rule::After(0)),
            (Some(Label::End | Label::Date), _) => Ok(self.end_of_day_rule()),
            (None, PeriodStamp::Ends) if are_days => Ok(self.end_of_day_rule()),
            (None, PeriodStamp::Starts) => Err(FrequencyFault::Starts { frequency }.into()),
            (None, _) => Err(FrequencyFault::StartOrEnd { frequency }.into()),
        })
    }

    fn end_of_day_rule(&self) -> Rule {
        match self.source {
            _ if self.are_days_in_utc => Rule::EndOfDate,
            ZoneSource::Offsets if self.offset_range > 0 => Rule::EndOfStampedDay,
            _ => Rule::EndOfLocalDay,
        }
    }

    /// Tabulates the ends of days, for stamps within this range.
    pub(in crate::ingest) fn for_stamps(mut self, stamps: RangeInclusive<i64>) -> Self {
        if self.rule == Rule::EndOfDate {
            self.first_day = stamps.start().div_euclid(DAY);
            self.day_ends =
                (self.first_day..=stamps.end().div_euclid(DAY)).map(|day| self.end_of_day(day)).collect();
        }
        self
    }

    /// Takes all stamps of the ingest, ascending, where the rule asks for the next one.
    pub(in crate::ingest) fn with_day_starts(self, day_starts: Vec<i64>) -> Self {
        Self { day_starts, ..self }
    }

    /// When the bar with this stamp became known. Ascends with the stamp.
    #[inline]
    pub(in crate::ingest) fn known(&self, stamp: i64) -> Timestamp {
        Timestamp::from_nanos(match self.rule {
            Rule::After(nanos) => stamp.saturating_add(nanos),
            Rule::EndOfDate => {
                let day = stamp.div_euclid(DAY);
                let tabulated = self.day_ends.get(day.wrapping_sub(self.first_day) as usize);
                tabulated.copied().unwrap_or_else(|| self.end_of_day(day))
            }
            Rule::EndOfLocalDay => self.end_of_local_day(stamp),
            Rule::EndOfStampedDay => self.end_of_stamped_day(stamp),
            Rule::NextClose => self.next_close(stamp),
            Rule::NextDay => self.zone.next_day(Timestamp::from_nanos(stamp)).as_nanos(),
            Rule::NextWeek(weekday) => self.next_week(stamp, weekday),
            Rule::NextMonth => self.next_month(stamp),
            Rule::WeekLater => self.days_later(stamp, 7),
            Rule::MonthLater => self.month_later(stamp),
        })
    }

    /// The local day of a stamp.
    pub(in crate::ingest) fn day(&self, stamp: i64) -> Day {
        let day = match self.are_days_in_utc {
            true => stamp.div_euclid(DAY),
            // Beginnings of days at all offsets lie in their day then, and not in the evening before.
            false => wall::day(&self.zone, stamp.saturating_add(self.offset_range)),
        };
        Day::from_days_since_1970(day as i32)
    }

    /// Whether two bars of one asset, known at these moments, are two of one day, where bars are daily.
    #[inline]
    pub(in crate::ingest) fn are_of_one_day(&self, one: Timestamp, other: Timestamp) -> bool {
        // Most bars are further apart, and need no clock of their own.
        self.frequency == Frequency::Daily
            && one.as_nanos().abs_diff(other.as_nanos()) < DAY.unsigned_abs()
            && BarClock::with_zone(self.frequency, self.label(), self.zone.clone()).are_of_one_day(one, other)
    }

    /// The zone in which days lie.
    pub(in crate::ingest) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// What the bundle says of the zone and of which day a bar belongs to.
    pub(in crate::ingest) fn conventions(&self) -> Conventions {
        Conventions { zone: self.zone.name().to_owned().into(), label: self.label() }
    }

    fn label(&self) -> BarLabel {
        match self.rule {
            Rule::NextDay | Rule::NextWeek(_) | Rule::NextMonth | Rule::WeekLater | Rule::MonthLater => {
                BarLabel::Start
            }
            _ => BarLabel::End,
        }
    }

    /// When bars become known and how their times were read, in words.
    pub(in crate::ingest) fn describe(&self, options: &IngestOptions) -> String {
        format!("{}; {}", self.describe_rule(options), self.describe_reading())
    }

    fn describe_reading(&self) -> String {
        let zone = &self.zone;
        let who = match self.source {
            ZoneSource::Assumed => "; assumed, no zone was stated",
            ZoneSource::Bundle => ", the zone of the bundle",
            ZoneSource::Input | ZoneSource::Offsets | ZoneSource::Stated => "",
        };
        match self.source {
            _ if self.are_dates => format!("dates are days in {zone}{who}"),
            ZoneSource::Offsets => {
                format!("times read as the moments that they name, days as those of {zone}")
            }
            _ if self.on_wall_clock => format!("times read as {zone}{who}"),
            _ if self.frequency.is_intraday() => "times read as the moments that they name".to_owned(),
            _ => format!("times read as the moments that they name, days as those of {zone}{who}"),
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
            Rule::EndOfStampedDay if self.close.is_none() => {
                "times stand for days; a bar is known when the next day begins".to_owned()
            }
            Rule::EndOfStampedDay => format!("times stand for days; a bar is known {end}"),
            Rule::NextClose => {
                let close = self.close.map(|close| close.to_string()).unwrap_or_default();
                format!(
                    "times are bars' starts{assumed}; a bar is known at the next session close, {close} in {zone}"
                )
            }
            Rule::NextDay => {
                format!("times are bars' starts{assumed}; a bar is known one day later in {zone}")
            }
            Rule::NextWeek(_) => {
                format!("times are bars' starts; a bar is known when the next week begins in {zone}")
            }
            Rule::NextMonth => {
                format!("times are bars' starts; a bar is known when the next month begins in {zone}")
            }
            Rule::WeekLater => {
                format!(
                    "times are bars' starts; a bar is known when the day begins in {zone} that is a week later"
                )
            }
            Rule::MonthLater => {
                format!(
                    "times are bars' starts; a bar is known when the day begins in {zone} that is a month later"
                )
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

    /// A bar that is stamped behind the session close of its day is known when that day ends.
    fn end_of_local_day(&self, stamp: i64) -> i64 {
        let day = wall::day(&self.zone, stamp);
        let end = self.end_of_day(day);
        if end < stamp { wall::start_of_day(&self.zone, day + 1) } else { end }
    }

    /// The beginning of a day that was stamped and is a day away, clocks set or not; else 24 hours later. Of several, which
    /// are of assets in different zones, the last one.
    fn end_of_stamped_day(&self, stamp: i64) -> i64 {
        if let Some(close) = self.close.filter(|close| close.nanos > 0) {
            return stamp.saturating_add(close.nanos);
        }
        let next = self.day_starts.partition_point(|&start| start <= stamp.saturating_add(25 * HOUR));
        let next = self.day_starts[..next].last().filter(|&&next| next - stamp >= 23 * HOUR);
        next.copied().unwrap_or_else(|| stamp.saturating_add(DAY))
    }

    fn next_close(&self, stamp: i64) -> i64 {
        let day = wall::day(&self.zone, stamp);
        let close = self.end_of_day(day);
        if close > stamp { close } else { self.end_of_day(day + 1) }
    }

    /// Of a week that begins on its first day, or on the second after a holiday. Any other one ends a week later.
    fn next_week(&self, stamp: i64, weekday: u32) -> i64 {
        let day = self.day(stamp);
        let into = ((day.weekday() + 7 - weekday) % 7) as i32;
        match into {
            0 | 1 => self.start_of(day.plus(7 - into)),
            _ => self.days_later(stamp, 7),
        }
    }

    /// So many days later, at the same time of day.
    fn days_later(&self, stamp: i64, days: i64) -> i64 {
        // Clocks that are set back in a zone which nobody names make the period an hour longer.
        let day = i64::from(self.day(stamp).days_since_1970());
        if self.are_days_in_utc || stamp == wall::start_of_day(&self.zone, day) {
            return wall::start_of_day(&self.zone, day + days);
        }
        let later = wall::latest(&self.zone, wall::local(&self.zone, stamp).saturating_add(days * DAY));
        if self.source == ZoneSource::Stated { later } else { later.saturating_add(HOUR) }
    }

    fn month_later(&self, stamp: i64) -> i64 {
        let day = self.day(stamp);
        let (.., of_month) = day.date();
        let next = day.next_month();
        // Of months that begin with their last days, or with one that the next month does not have.
        if of_month == day.days_in_month() || of_month > next.days_in_month() {
            return self.start_of(next.next_month());
        }
        let same = next.plus(of_month as i32 - 1);
        self.days_later(stamp, i64::from(same.days_since_1970() - day.days_since_1970()))
    }

    /// Of a month that begins with its first day, or behind holidays. Any other one ends a month later.
    fn next_month(&self, stamp: i64) -> i64 {
        // October in Shanghai begins with the ninth at the latest.
        const LATEST: u32 = 9;
        let day = self.day(stamp);
        let (.., of_month) = day.date();
        if of_month > LATEST {
            return self.month_later(stamp);
        }
        self.start_of(day.next_month())
    }

    fn start_of(&self, day: Day) -> i64 {
        wall::start_of_day(&self.zone, day.days_since_1970().into())
    }
}

/// The zone in which days lie, and who said so.
fn zone(options: &IngestOptions, summary: &StampSummary, bundle: Option<&Zone>) -> (Zone, ZoneSource) {
    if let Some(zone) = &options.zone {
        return (zone.clone(), ZoneSource::Stated);
    }
    if let Some((_, zone)) = &summary.zone {
        return ((**zone).clone(), ZoneSource::Input);
    }
    let epoch = Timestamp::from_nanos(0);
    if let Some((least, _)) = summary.offsets {
        let utc = summary.in_utc.then_some(0);
        let bundle = bundle.filter(|zone| zone.is_fixed()).map(|zone| zone.offset_minutes(epoch));
        let westernmost = [Some(least), utc, bundle].into_iter().flatten().min().unwrap_or(least);
        return (Zone::fixed(westernmost).unwrap_or_default(), ZoneSource::Offsets);
    }
    match bundle {
        Some(zone) => (zone.clone(), ZoneSource::Bundle),
        None if summary.in_utc && !summary.on_wall_clock => (Zone::utc(), ZoneSource::Input),
        None => (Zone::utc(), ZoneSource::Assumed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::field::time::TimeReader;
    use crate::ingest::rows::RowId;

    fn text(day: i64) -> String {
        Timestamp::from_nanos(day * DAY).to_string()[..10].to_owned()
    }

    /// When bars with these stamps are known.
    fn known(stamps: &[String], options: &IngestOptions) -> Vec<i64> {
        let mut reader = TimeReader::new(options, None);
        let (mut summary, mut moments) = (StampSummary::default(), Vec::new());
        for (at, stamp) in stamps.iter().enumerate() {
            let stamp = reader.read(stamp.as_bytes(), None).unwrap();
            summary.note(&stamp, RowId::new(0, at as u64), &reader);
            moments.push(stamp.nanos);
        }
        let frequency = options.frequency.unwrap();
        let clock =
            Clock::settle(options, &summary, None, frequency, |_| unreachable!("daily")).unwrap().unwrap();
        let mut starts = moments.clone();
        starts.sort_unstable();
        let clock = clock.with_day_starts(starts);
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
            let stamp = stamp / 86_400 * 86_400 + 34_230;
            let known = |label| {
                let options = IngestOptions { label, frequency: Some(Frequency::Minutes(minutes)), ..Default::default() };
                known(&[Timestamp::from_nanos(stamp * SECOND).to_string()], &options)[0]
            };
            prop_assert_eq!(known(Some(Label::End)), stamp * SECOND);
            prop_assert_eq!(known(Some(Label::Start)), stamp * SECOND + i64::from(minutes) * MINUTE);
            prop_assert_eq!(known(None), known(Some(Label::Start)));
        }

        /// With offsets alone, as a zone's clocks show them.
        #[test]
        fn midnights_at_offsets_end_when_the_day_ends_in_the_zone_that_they_came_from(
            first in 0_i64..20_000,
            len in 2..40_i64,
            zone in zones(),
        ) {
            let midnight = |day: i64| wall::start_of_day(&zone, day);
            let text = |day: i64| {
                let moment = Timestamp::from_nanos(midnight(day));
                let offset = zone.offset_minutes(moment);
                let local = zone.local(moment).to_string();
                let sign = if offset < 0 { '-' } else { '+' };
                format!("{}{sign}{:02}:{:02}", local.trim_end_matches('Z'), offset.abs() / 60, offset.abs() % 60)
            };
            // Days that begin at midnight: not those whose midnight clocks skip.
            let days: Vec<i64> = (first..first + len).filter(|&day| text(day).contains("T00:00:00")).collect();
            prop_assume!(days.len() as i64 == len);
            let stamps: Vec<String> = days.iter().map(|&day| text(day)).collect();
            let options = IngestOptions { frequency: Some(Frequency::Daily), ..Default::default() };
            let known = known(&stamps, &options);
            for (&day, &known) in days.iter().zip(&known).take(days.len() - 1) {
                prop_assert_eq!(known, midnight(day + 1), "{}", day);
            }
        }
    }
}
