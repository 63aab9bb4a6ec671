//! How far apart bars are, by the distances between neighbours.

use bt_core::{Day, Frequency, Zone};
use hashbrown::HashMap;

use super::clock::Begin;
use crate::ingest::fault::FrequencyFault;
use crate::ingest::wall::{self, DAY, HOUR, MINUTE};

/// The distances between neighbouring bars of the same asset.
#[derive(Default, Debug)]
pub(in crate::ingest) struct Gaps {
    /// Below a day: how often each occurs.
    short: HashMap<i64, u64>,
    /// From one trading day to the next, over a weekend or not, at about the same time of the day.
    days: u64,
    /// Two to four days that leave out a weekday: how often each occurs. Holidays, or bars that are not daily.
    skipping: HashMap<i64, u64>,
    /// One to four days and a part of a day: how often each occurs.
    odd: HashMap<i64, u64>,
    /// More, in days: how often each occurs. Weekly or monthly bars, or none for a while.
    long: HashMap<i64, u64>,
    /// Spacings that bars have by themselves, beyond doubt, and the first asset of each.
    spacings: Vec<(Spacing, String)>,
    /// By what all distances of an asset are multiples of, the asset that has most.
    grids: HashMap<i64, (Grid, String)>,
    /// The zone of times, where they may be those of bars within the day.
    zone: Option<Zone>,
    /// The first asset with some bars in a row that are stamped with midnights.
    at_midnights: Option<String>,
}

/// How far apart some bars of an asset are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Spacing {
    Of(Frequency),
    /// So many days, which is no frequency of a bundle.
    Days(i64),
}

/// The distances of an asset, and what they are all multiples of.
#[derive(Clone, Copy, Default, Debug)]
struct Grid {
    multiple: i64,
    count: usize,
    least: i64,
    /// How many are the least.
    same: usize,
    last: i64,
}

impl Grid {
    fn add(&mut self, gap: i64) {
        if gap != self.last {
            self.multiple = divisor(self.multiple, gap);
            self.last = gap;
        }
        (self.least, self.same) = match self.count {
            0 => (gap, 1),
            _ if gap < self.least => (gap, 1),
            _ => (self.least, self.same + usize::from(gap == self.least)),
        };
        self.count += 1;
    }

    /// Adds a gap that was added before, so many times.
    fn repeat(&mut self, gap: i64, times: usize) {
        self.count += times;
        self.same += if gap == self.least { times } else { 0 };
    }

    /// The spacing of bars within the day, most of which are equally far apart.
    fn regular(self) -> Option<Spacing> {
        let is_regular =
            self.count >= Runs::OTHERS && self.least < Gaps::SHORTEST_DAY && 4 * self.same >= 3 * self.count;
        minutes(self.least).filter(|_| is_regular).map(Spacing::Of)
    }

    /// Whether the distances are multiples of several times another one, and too many for that to be chance.
    fn is_wider(self, frequency: i64) -> bool {
        const LEAST_GAPS: usize = 8;
        // One in a million.
        const BITS: f64 = 20.0;
        let times = self.multiple / frequency;
        times > 1 && self.count >= LEAST_GAPS && self.count as f64 * (times as f64).log2() >= BITS
    }
}

impl Gaps {
    /// Clocks that are set forward make a day of 23 hours.
    const SHORTEST_DAY: i64 = 22 * HOUR;
    const LONGEST_DAYS: i64 = 4 * DAY + 2 * HOUR;
    /// How far daily bars are from the same time of the day: some days close early.
    const EARLY_CLOSE: i64 = 5 * HOUR;

    /// Of bars whose times are read in a zone; of dates without one.
    pub(in crate::ingest) fn new(zone: Option<Zone>) -> Self {
        Self { zone, ..Self::default() }
    }

    /// Adds the gaps of one asset's ascending stamps.
    pub(in crate::ingest) fn add(&mut self, asset: &str, stamps: &[i64]) {
        let (mut runs, mut grid) = (Runs::default(), Grid::default());
        // Most bars within the day are as far apart as the two before them: those are counted, and added at once.
        let (mut last, mut repeated) = (0, 0);
        for pair in stamps.windows(2) {
            let gap = pair[1].saturating_sub(pair[0]);
            match gap {
                0 => {}
                gap if gap == last && gap < Self::SHORTEST_DAY => repeated += 1,
                gap => {
                    self.repeat(last, repeated, &mut grid);
                    self.add_gap(pair[0], gap);
                    runs.add(gap);
                    grid.add(gap);
                    (last, repeated) = (gap, 0);
                }
            }
        }
        self.repeat(last, repeated, &mut grid);
        for spacing in runs.found.into_iter().chain(grid.regular()) {
            if self.spacings.iter().all(|(other, _)| *other != spacing) {
                self.spacings.push((spacing, asset.to_owned()));
            }
        }
        self.add_grid(grid, asset);
        if self.at_midnights.is_none() && runs.has_days && self.has_midnights(stamps) {
            self.at_midnights = Some(asset.to_owned());
        }
    }

    /// Adds a gap within the day that follows upon the same one, so many times.
    fn repeat(&mut self, gap: i64, times: u64, grid: &mut Grid) {
        if times > 0 {
            *self.short.entry(gap).or_default() += times;
            grid.repeat(gap, times as usize);
        }
    }

    fn add_gap(&mut self, from: i64, gap: i64) {
        let days = whole_days(gap);
        match gap {
            gap if gap < Self::SHORTEST_DAY => *self.short.entry(gap).or_default() += 1,
            gap if gap > Self::LONGEST_DAYS => *self.long.entry(days).or_default() += 1,
            gap if (gap - days * DAY).abs() > Self::EARLY_CLOSE => *self.odd.entry(gap).or_default() += 1,
            _ if skips_weekday(from, days) => *self.skipping.entry(days).or_default() += 1,
            _ => self.days += 1,
        }
    }

    fn add_grid(&mut self, grid: Grid, asset: &str) {
        match self.grids.get_mut(&grid.multiple) {
            None => _ = self.grids.insert(grid.multiple, (grid, asset.to_owned())),
            Some((most, _)) if most.count >= grid.count => {}
            Some(most) => *most = (grid, asset.to_owned()),
        }
    }

    /// Whether three bars in a row are stamped with midnights: bars within the day of an asset that is seldom traded are not.
    fn has_midnights(&self, stamps: &[i64]) -> bool {
        let Some(zone) = &self.zone else { return false };
        let is_day = |pair: &[i64]| pair[1].saturating_sub(pair[0]) >= Self::SHORTEST_DAY;
        stamps.windows(3).any(|three| {
            three.windows(2).all(is_day) && three.iter().all(|&stamp| wall::is_midnight(zone, stamp))
        })
    }

    /// The frequency of bars of which nothing is known beforehand.
    pub(in crate::ingest) fn frequency(&self) -> Result<Frequency, FrequencyFault> {
        if let Some(longer) = self.longer()? {
            return Ok(longer);
        }
        let (short, days) = (sum(&self.short), self.days + sum(&self.skipping));
        if let Some(gap) = commonest(&self.odd).filter(|gap| self.odd[gap] > short + days) {
            return Err(FrequencyFault::Unusual { nanos: gap });
        }
        if short < days + sum(&self.odd) {
            return Ok(Frequency::Daily);
        }
        let Some(gap) = commonest(&self.short) else { return Err(FrequencyFault::Unknown) };
        minutes(gap).ok_or(FrequencyFault::Unusual { nanos: gap })
    }

    /// # Errors
    /// Where an asset has bars of another frequency beyond doubt, always or for a while: they would be known too early, or too
    /// late.
    pub(in crate::ingest) fn check_assets(&self, most: Frequency) -> Result<(), FrequencyFault> {
        let fault = |spacing, asset: &String| match spacing {
            Spacing::Of(frequency) => FrequencyFault::OfAsset { asset: asset.clone(), frequency, most },
            Spacing::Days(days) => FrequencyFault::AssetFarApart { asset: asset.clone(), days, most },
        };
        if let Some(asset) = self.at_midnights.as_ref().filter(|_| most.is_intraday()) {
            return Err(fault(Spacing::Of(Frequency::Daily), asset));
        }
        if let Some((spacing, asset)) = self.spacings.iter().find(|(other, _)| *other != Spacing::Of(most)) {
            return Err(fault(*spacing, asset));
        }
        match self.wider_grid(most) {
            None => Ok(()),
            Some((grid, asset)) => {
                Err(fault(Spacing::Of(minutes(grid.least).unwrap_or(Frequency::Daily)), asset))
            }
        }
    }

    /// The first asset by name whose distances are all multiples of more than those of most bars, where they are too many for
    /// that to be chance.
    fn wider_grid(&self, most: Frequency) -> Option<&(Grid, String)> {
        let Frequency::Minutes(minutes) = most else { return None };
        let is_wider = |(grid, _): &&(Grid, String)| grid.is_wider(i64::from(minutes) * MINUTE);
        self.grids.values().filter(is_wider).min_by_key(|(_, asset)| asset)
    }

    /// Weeks or months, where most bars are further apart than daily ones.
    ///
    /// # Errors
    /// Where they are further apart, and are neither.
    pub(in crate::ingest) fn longer(&self) -> Result<Option<Frequency>, FrequencyFault> {
        let (near, skipping) = (self.days + sum(&self.short) + sum(&self.odd), sum(&self.skipping));
        // One may be a holiday.
        if let Some(days) = commonest(&self.skipping).filter(|_| skipping > 1 && skipping > near) {
            return Err(FrequencyFault::FarApart { days });
        }
        let Some(days) = commonest(&self.long).filter(|_| sum(&self.long) > near + skipping) else {
            return Ok(None);
        };
        match days {
            6..=8 => Ok(Some(Frequency::Weekly)),
            26..=36 => Ok(Some(Frequency::Monthly)),
            _ => Err(FrequencyFault::FarApart { days }),
        }
    }
}

/// Finds bars of an asset that are equally far apart for so long that it is no chance in thousands of assets: one that is seldom
/// traded has no longer bars.
#[derive(Default)]
struct Runs {
    /// How many gaps in a row are those of daily bars.
    daily: usize,
    /// Whether any two in a row are a day or longer.
    has_days: bool,
    was_day: bool,
    /// How many gaps in a row are as long as the one that they began with, and that one, in days.
    same: (usize, i64),
    found: Vec<Spacing>,
}

impl Runs {
    const WEEKS: usize = 8;
    const MONTHS: usize = 6;
    const OTHERS: usize = 10;

    fn add(&mut self, gap: i64) {
        let (days, is_day) = (whole_days(gap), gap >= Gaps::SHORTEST_DAY);
        self.has_days |= is_day && self.was_day;
        self.was_day = is_day;
        // At one time of the day, but for an hour where clocks are set.
        let is_whole = days > 0 && (gap - days * DAY).abs() <= 90 * MINUTE;
        self.daily = if is_whole && days <= 4 { self.daily + 1 } else { 0 };
        if self.daily == Self::OTHERS {
            self.find(Spacing::Of(Frequency::Daily));
        }
        self.same = match self.same {
            _ if days < 2 => (0, 0),
            (count, first) if is_like(first, days) => (count + 1, first),
            _ => (1, days),
        };
        match self.same {
            (Self::WEEKS, 6..=8) => self.find(Spacing::Of(Frequency::Weekly)),
            (Self::MONTHS, 26..=36) => self.find(Spacing::Of(Frequency::Monthly)),
            (Self::OTHERS, days) if !matches!(days, 6..=8 | 26..=36) => self.find(Spacing::Days(days)),
            _ => {}
        }
    }

    fn find(&mut self, spacing: Spacing) {
        // Every third day is no day.
        if matches!(spacing, Spacing::Days(2..=4)) {
            self.found.retain(|other| *other != Spacing::Of(Frequency::Daily));
        }
        if !self.found.contains(&spacing) {
            self.found.push(spacing);
        }
    }
}

/// Whether two distances in days are both those of weeks, or of months, or nearly the same.
fn is_like(first: i64, days: i64) -> bool {
    match first {
        6..=8 => (6..=8).contains(&days),
        26..=36 => (26..=36).contains(&days),
        _ => first > 0 && (days - first).abs() <= first / 10,
    }
}

/// A distance below a day in whole minutes.
fn minutes(gap: i64) -> Option<Frequency> {
    match u16::try_from(gap / MINUTE) {
        Ok(minutes @ 1..1440) if gap % MINUTE == 0 => Some(Frequency::Minutes(minutes)),
        _ => None,
    }
}

fn whole_days(gap: i64) -> i64 {
    gap.saturating_add(DAY / 2) / DAY
}

/// Whether a weekday lies between a moment and the one so many days later.
fn skips_weekday(from: i64, days: i64) -> bool {
    let first = from.div_euclid(DAY);
    (1..days).any(|after| Day::from_days_since_1970((first + after) as i32).weekday() < 5)
}

/// The greatest common divisor.
fn divisor(one: i64, other: i64) -> i64 {
    let (mut one, mut other) = (other, one);
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

fn sum(gaps: &HashMap<i64, u64>) -> u64 {
    gaps.values().sum()
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
    /// By weekday, from Monday on.
    weekdays: [u64; 7],
    /// The weekdays that most weeks of an asset begin with, and whether most months of one do not begin with their first day.
    of_assets: [bool; 7],
    has_late_months: bool,
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
        self.weekdays[day.weekday() as usize] += 1;
    }

    /// Adds the days of one asset.
    pub(in crate::ingest) fn add_asset(&mut self, of_asset: Self) {
        // Fewer may all be days after a holiday.
        const ENOUGH: u64 = 3;
        self.stamps += of_asset.stamps;
        self.firsts += of_asset.firsts;
        self.exact_firsts += of_asset.exact_firsts;
        self.lasts += of_asset.lasts;
        self.exact_lasts += of_asset.exact_lasts;
        for (all, of_asset) in self.weekdays.iter_mut().zip(of_asset.weekdays) {
            *all += of_asset;
        }
        if of_asset.stamps >= ENOUGH {
            self.has_late_months |= !of_asset.most(of_asset.exact_firsts);
            of_asset.weekday().into_iter().for_each(|weekday| self.of_assets[weekday] = true);
        }
    }

    fn most(&self, count: u64) -> bool {
        2 * count > self.stamps
    }

    /// The weekday of most.
    fn weekday(&self) -> Option<usize> {
        self.weekdays.iter().position(|&count| self.most(count))
    }

    /// When weeks or months begin, if the stamps are starts.
    pub(in crate::ingest) fn begin(&self, frequency: Frequency) -> Begin {
        match (frequency, self.weekday()) {
            (Frequency::Weekly, Some(weekday @ (0 | 6))) => self.unless_others(frequency, weekday as u32),
            (Frequency::Monthly, _) if self.most(self.exact_firsts) => self.unless_others(frequency, 0),
            _ => Begin::Anywhere,
        }
    }

    /// Periods that begin as usual, unless an asset has some that begin regularly where others do after a holiday only.
    pub(in crate::ingest) fn unless_others(&self, frequency: Frequency, weekday: u32) -> Begin {
        let has_others = match frequency {
            Frequency::Weekly => self.of_assets[(weekday as usize + 1) % 7],
            _ => self.has_late_months,
        };
        if has_others { Begin::Anywhere } else { Begin::Usual(weekday) }
    }

    /// Starts where every stamp is a first trading day, and most are first days; ends likewise.
    pub(in crate::ingest) fn shown(self) -> PeriodStamp {
        match self {
            _ if self.firsts == self.stamps && self.most(self.exact_firsts) => PeriodStamp::Starts,
            _ if self.lasts == self.stamps && self.most(self.exact_lasts) => PeriodStamp::Ends,
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
