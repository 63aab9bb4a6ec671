//! How far apart bars are, by the distances between neighbours.

use std::ops::RangeInclusive;

use bt_core::{Day, Frequency};
use hashbrown::HashMap;

use super::clock::Begin;
use crate::ingest::fault::FrequencyFault;
use crate::ingest::wall::{DAY, MINUTE};

/// The distances between neighbouring bars of the same asset.
#[derive(Default, Debug)]
pub(in crate::ingest) struct Gaps {
    /// Below a day: how often each occurs.
    short: HashMap<i64, u64>,
    /// One to four days: daily bars, with weekends and holidays.
    days: u64,
    /// More, in days: how often each occurs. Weekly or monthly bars, or none for a while.
    long: HashMap<i64, u64>,
    /// Frequencies that assets have by themselves, beyond doubt, and the first asset of each.
    of_assets: Vec<(Frequency, String)>,
}

impl Gaps {
    /// Clocks that are set forward make a day of 23 hours.
    const SHORTEST_DAY: i64 = 22 * 60 * MINUTE;

    /// Adds the gaps of one asset's ascending stamps.
    pub(in crate::ingest) fn add(&mut self, asset: &str, stamps: &[i64]) {
        if let Some(frequency) = regular(stamps)
            && self.of_assets.iter().all(|(other, _)| *other != frequency)
        {
            self.of_assets.push((frequency, asset.to_owned()));
        }
        for pair in stamps.windows(2) {
            match pair[1].saturating_sub(pair[0]) {
                0 => (),
                gap if gap < Self::SHORTEST_DAY => *self.short.entry(gap).or_default() += 1,
                gap if gap <= 4 * DAY + 2 * 60 * MINUTE => self.days += 1,
                gap => *self.long.entry(gap.saturating_add(DAY / 2) / DAY).or_default() += 1,
            }
        }
    }

    /// The frequency of bars of which nothing is known beforehand.
    pub(in crate::ingest) fn frequency(&self) -> Result<Frequency, FrequencyFault> {
        if let Some(longer) = self.longer()? {
            return Ok(longer);
        }
        let short: u64 = self.short.values().sum();
        if short < self.days {
            return Ok(Frequency::Daily);
        }
        let Some(gap) = commonest(&self.short) else { return Err(FrequencyFault::Unknown) };
        match u16::try_from(gap / MINUTE) {
            Ok(minutes @ 1..1440) if gap % MINUTE == 0 => Ok(Frequency::Minutes(minutes)),
            _ => Err(FrequencyFault::Unusual { nanos: gap }),
        }
    }

    /// # Errors
    /// Where an asset has another frequency beyond doubt: its bars would be known too early, or too late.
    pub(in crate::ingest) fn check_assets(&self, frequency: Frequency) -> Result<(), FrequencyFault> {
        match self.of_assets.iter().find(|(other, _)| *other != frequency) {
            None => Ok(()),
            Some((other, asset)) => {
                Err(FrequencyFault::OfAsset { asset: asset.clone(), frequency: *other, most: frequency })
            }
        }
    }

    /// Weeks or months, where most bars are further apart than daily ones.
    pub(in crate::ingest) fn longer(&self) -> Result<Option<Frequency>, FrequencyFault> {
        let near = self.days + self.short.values().sum::<u64>();
        let Some(days) = commonest(&self.long).filter(|_| self.long.values().sum::<u64>() > near) else {
            return Ok(None);
        };
        match days {
            6..=8 => Ok(Some(Frequency::Weekly)),
            26..=36 => Ok(Some(Frequency::Monthly)),
            _ => Err(FrequencyFault::FarApart { days }),
        }
    }
}

/// The frequency of one asset's ascending stamps, where nearly all of their distances are the same: an asset that is seldom
/// traded is no asset of longer bars.
pub(in crate::ingest) fn regular(stamps: &[i64]) -> Option<Frequency> {
    // So many that chance does not make them, in thousands of assets.
    const WEEKS: usize = 8;
    const MONTHS: usize = 6;
    const OTHERS: usize = 20;
    let gaps = || stamps.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).filter(|&gap| gap > 0);
    let (count, least) = (gaps().count(), gaps().min()?);
    let near =
        |days: RangeInclusive<i64>| gaps().all(|gap| days.contains(&(gap.saturating_add(DAY / 2) / DAY)));
    match least {
        _ if near(6..=8) => (count >= WEEKS).then_some(Frequency::Weekly),
        _ if near(26..=36) => (count >= MONTHS).then_some(Frequency::Monthly),
        _ if count < OTHERS => None,
        // At one time of the day, but for an hour where clocks are set.
        Gaps::SHORTEST_DAY.. => {
            let is_whole = |gap: i64| (gap + 90 * MINUTE).rem_euclid(DAY) <= 180 * MINUTE;
            (near(1..=4) && gaps().all(is_whole)).then_some(Frequency::Daily)
        }
        _ => {
            let same = gaps().filter(|&gap| gap == least).count();
            let minutes = u16::try_from(least / MINUTE).ok().filter(|_| least % MINUTE == 0)?;
            (4 * same >= 3 * count).then_some(Frequency::Minutes(minutes))
        }
    }
}

/// Of two that occur equally often the longer: a bar is then known late rather than early.
fn commonest(gaps: &HashMap<i64, u64>) -> Option<i64> {
    gaps.iter().max_by_key(|&(&gap, &count)| (count, gap)).map(|(&gap, _)| gap)
}

/// Which days of their weeks or months the bars of a longer frequency are stamped with.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::ingest) struct DaysOfPeriods {
    stamps: u64,
    /// First days, and those that follow one without trading.
    firsts: u64,
    exact_firsts: u64,
    lasts: u64,
    exact_lasts: u64,
    sundays: u64,
}

/// What the stamps of weekly or monthly bars are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum PeriodStamp {
    Starts,
    Ends,
    Unclear,
}

impl DaysOfPeriods {
    pub(in crate::ingest) fn add(&mut self, day: Day, frequency: Frequency) {
        let (first, exact_first, last, exact_last) = match frequency {
            Frequency::Monthly => of_month(day),
            _ => of_week(day),
        };
        self.stamps += 1;
        self.firsts += u64::from(first);
        self.exact_firsts += u64::from(exact_first);
        self.lasts += u64::from(last);
        self.exact_lasts += u64::from(exact_last);
        self.sundays += u64::from(frequency == Frequency::Weekly && day.weekday() == 6);
    }

    /// When weeks or months begin, if the stamps are starts.
    pub(in crate::ingest) fn begin(self, frequency: Frequency) -> Begin {
        let most = |count: u64| 2 * count > self.stamps;
        match frequency {
            Frequency::Weekly if most(self.sundays) => Begin::Usual(6),
            Frequency::Weekly if most(self.exact_firsts) => Begin::Usual(0),
            Frequency::Monthly if most(self.exact_firsts) => Begin::Usual(0),
            _ => Begin::Anywhere,
        }
    }

    /// Starts where every stamp is a first trading day, and most are first days; ends likewise.
    pub(in crate::ingest) fn shown(self) -> PeriodStamp {
        let most = |exact: u64| 2 * exact > self.stamps;
        match self {
            _ if self.firsts == self.stamps && most(self.exact_firsts) => PeriodStamp::Starts,
            _ if self.lasts == self.stamps && most(self.exact_lasts) => PeriodStamp::Ends,
            _ => PeriodStamp::Unclear,
        }
    }
}

/// Weeks begin on Mondays, or a day or two later after a holiday; they end on Fridays, or a day or two earlier. A Sunday could
/// be either: some week begins with it, another ends.
fn of_week(day: Day) -> (bool, bool, bool, bool) {
    let weekday = day.weekday();
    (weekday <= 2, weekday == 0, (2..=5).contains(&weekday), weekday == 4)
}

/// Months begin with the first or the first weekday, or after a holiday by the fourth; they end with their last day, or up to four
/// days earlier.
fn of_month(day: Day) -> (bool, bool, bool, bool) {
    let (.., of_month) = day.date();
    let left = day.days_in_month() - of_month;
    let has_weekday_before = (1..of_month).any(|back| day.plus(-(back as i32)).weekday() < 5);
    (of_month <= 4, !has_weekday_before, left <= 4, left <= 2)
}
