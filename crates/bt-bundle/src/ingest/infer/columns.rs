//! Which column of an input is what.

use std::collections::{HashMap, HashSet};

use bt_core::Field;

use super::wide;
use crate::ingest::fault::HeaderFault;
use crate::ingest::field::clock::ClockDigits;
use crate::ingest::field::day;
use crate::ingest::field::time::{Shown, Stamp};
use crate::ingest::field::zone::{self, Own};
use crate::ingest::wall::DAY;
use crate::ingest::{Column, Extras, IngestOptions};

/// The columns of one input, by number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::ingest) struct Layout {
    /// The names as the input has them.
    pub(in crate::ingest) names: Vec<String>,
    /// `None` where one name is the asset of all rows.
    pub(in crate::ingest) asset: Option<usize>,
    /// The column of assets in an input whose asset is known already.
    pub(in crate::ingest) own_asset: Option<usize>,
    pub(in crate::ingest) time: usize,
    /// The time of day, where it has a column of its own.
    pub(in crate::ingest) clock: Option<usize>,
    /// Open, high, low, close, volume (which may be absent), then the extra columns in order of their names.
    pub(in crate::ingest) values: Vec<Option<usize>>,
    /// Names of the extra columns, ascending.
    pub(in crate::ingest) extras: Vec<String>,
    /// What the bundle does not keep.
    pub(in crate::ingest) ignored: Vec<usize>,
    /// The name of a column of times of day, where the date is read without one.
    pub(in crate::ingest) unread_clock: Option<String>,
    /// The name of a column that is not read, and tells rows of one asset and time apart.
    pub(in crate::ingest) apart: Option<String>,
    /// Whether no column was taken for the volume, and one is left that may be it.
    pub(in crate::ingest) may_have_volume: bool,
}

/// What says the asset of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum Naming {
    /// A column.
    Column,
    /// A column where there is one, else a name that is known: that of the file, or of its folder.
    ColumnOrName,
    /// A name that is stated, whatever the columns say.
    Name,
}

impl Naming {
    /// Where the names of the columns may say the asset, no column has to.
    pub(in crate::ingest) fn or_by_header(self, asset: Option<&str>) -> Self {
        if asset.is_some() && self == Self::Column { Self::ColumnOrName } else { self }
    }
}

/// What the first rows show of each column.
pub(in crate::ingest) trait Sample {
    /// Whether it holds numbers alone.
    fn is_number(&self, column: usize) -> bool;
    /// Whether some of its fields begin with a digit: numbers, perhaps written in an unknown way.
    fn has_digits(&self, column: usize) -> bool;
    /// The first of these columns that tells rows apart which are the same in `keys`, where there are such rows.
    fn tells_apart(&self, _keys: &[usize], _columns: &[usize]) -> Option<usize> {
        None
    }
    /// Whether it holds numbers that are 0, and no other.
    fn is_zero(&self, column: usize) -> bool;
    /// What its times are, if it holds any.
    fn times(&self, column: usize) -> TimesShown;
    /// The first times of a column, `None` for those that cannot be read; none at all where no rows are known.
    fn seen(&self, column: usize) -> Vec<Option<TimeSeen>>;
}

/// A time among the first rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) struct TimeSeen {
    pub(in crate::ingest) nanos: i64,
    /// Whether it is a moment whatever zone is stated: a count since 1970, or a time with an offset.
    pub(in crate::ingest) is_moment: bool,
}

impl TimeSeen {
    pub(in crate::ingest) fn of(stamp: &Stamp) -> Self {
        let is_moment = !matches!(stamp.shown, Shown::Date | Shown::Month | Shown::WallClock);
        Self { nanos: stamp.nanos, is_moment }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ingest) enum TimesShown {
    Nothing,
    Dates,
    TimesOfDay,
    Times,
}

impl TimesShown {
    /// What most fields of a column show, of those that show anything: the others are told as bad rows.
    pub(in crate::ingest) fn most(fields: impl Iterator<Item = Self>) -> Self {
        let all: Vec<Self> = fields.filter(|shown| *shown != Self::Nothing).collect();
        let count = |one: &Self| all.iter().filter(|other| *other == one).count();
        // Of equally many the last counts.
        let kinds = [Self::Times, Self::TimesOfDay, Self::Dates];
        kinds.into_iter().filter(|kind| count(kind) > 0).max_by_key(count).unwrap_or(Self::Nothing)
    }
}

/// Groups of names by which a column is known; of two columns the one with a name of the earlier group is meant.
struct Known(&'static [&'static [&'static str]]);

impl Known {
    /// The names that mean one thing alone.
    fn first(&self) -> &'static [&'static str] {
        self.0[0]
    }

    fn names(&self) -> impl Iterator<Item = &'static &'static str> + use<> {
        self.0.iter().copied().flatten()
    }
}

const ASSET: Known = Known(&[
    &[
        "asset",
        "ticker",
        "symbol",
        "sid",
        "instrument",
        "pair",
        "tic",
        "ts_code",
        "stock_code",
        "order_book_id",
        "股票代码",
    ],
    &["security", "name", "code"],
]);
const TIMESTAMP: Known = Known(&[
    &[
        "timestamp",
        "date",
        "datetime",
        "date_time",
        "time",
        "ts",
        "session",
        "day",
        "local_time",
        "gmt_time",
        "open_time",
        "trade_date",
        "price_date",
        "dtyyyymmdd",
        "window_start",
        "time_period_start",
        "begins_at",
        "ts_event",
        "unix",
        "unix_timestamp",
        "unix_time",
        "epoch",
    ],
    &["t", "dates", "mts", "snapped_at", "exchange_date", "datadate", "datum", "日期"],
]);
const VALUES: [Known; 5] = [
    Known(&[&["open", "o", "open_price", "price_open", "px_open", "开盘"]]),
    Known(&[&["high", "h", "high_price", "price_high", "px_high", "最高"]]),
    Known(&[&["low", "l", "low_price", "price_low", "px_low", "最低"]]),
    Known(&[
        &["close", "c", "close_price", "price_close", "px_last", "close_last", "收盘"],
        // Of futures, whose last trade is not what their day is settled at.
        &["settle", "settle_price", "settlement_price"],
        &["last", "last_price", "price"],
        &["latest"],
    ]),
    Known(&[
        &["volume", "v", "vol", "px_volume", "volume_traded", "成交量"],
        &["total_traded_quantity", "tottrdqty"],
        TICKS,
        // Pieces, beside which `Volumen` is the money that was paid for them.
        &["stuecke", "stück", "stücke"],
        &["volumen", "volumi"],
    ]),
];
/// Names of volumes that count changes of the price: what a market has where nobody reports trades.
const TICKS: &[&str] = &["tickvol", "tick_vol", "tickvolume", "tick_volume"];
/// Names of times by which text is called as well that is none.
const WEAK_TIMES: [&str; 3] = ["session", "day", "t"];
/// A time of day as a count since midnight.
pub(in crate::ingest) const MILLIS_OF_DAY: &str = "ms_of_day";
/// What a column that names no row is called by those who wrote it.
const UNNAMED: [&str; 3] = ["", "unnamed_0", "index"];
/// The name that pandas gives an index without one.
const INDEX: &str = "index_level_0";
/// The names of the two levels of an index that has none for either.
const LEVELS: [[&str; 2]; 4] =
    [["", ""], ["unnamed_0", "unnamed_1"], ["level_0", "level_1"], [INDEX, "index_level_1"]];
const PRICES: [Column; 4] = [Column::Open, Column::High, Column::Low, Column::Close];
/// Numbers that say nothing of a bar.
const NEVER_EXTRA: [&str; 3] = ["per", "interval", "timeframe"];
/// Parts of the names of numbers that may be a volume, whatever else is in them.
const MAYBE_VOLUME: [&str; 7] = ["vol", "qty", "quantity", "shares", "traded", "turnover", "stück"];
/// Parts of the names of other numbers that are none.
const NO_VOLUME: [&str; 18] = [
    "open", "high", "low", "close", "last", "price", "adj", "vwap", "average", "bid", "ask", "change", "chg",
    "spread", "factor", "split", "dividend", "return",
];

impl Layout {
    /// Finds the columns of an input with these names.
    ///
    /// # Errors
    /// Where a column is missing, two columns could be the same thing, or an option names a column that is not there.
    pub(in crate::ingest) fn find(
        names: Vec<String>,
        naming: Naming,
        options: &IngestOptions,
        sample: &dyn Sample,
    ) -> Result<Self, HeaderFault> {
        let mut finder = Finder::new(&names, options, sample)?;
        let named = finder.one(&Column::Asset, &ASSET)?;
        let (time, clock) = finder.times()?;
        let named = named.or_else(|| finder.unnamed_asset(time));
        let mut values = finder.values()?;
        let by_name = naming == Naming::Name || naming == Naming::ColumnOrName && named.is_none();
        let (asset, own_asset) = if by_name { (None, named) } else { (named, None) };
        finder.check(asset.is_some() || by_name, time, &values)?;
        finder.keep_extras()?;
        let extras = finder.sorted_extras()?;
        values.extend(extras.iter().map(|&(_, at)| Some(at)));
        let extras = extras.into_iter().map(|(name, _)| name).collect();
        let time = time.unwrap_or_default();
        let unread_clock = if clock.is_none() { finder.unread_clock() } else { None };
        let may_have_volume = values[Field::VOLUME.index()].is_none() && finder.may_have_volume();
        let layout = Self {
            names,
            asset,
            own_asset,
            time,
            clock,
            values,
            extras,
            unread_clock,
            may_have_volume,
            ..Self::default()
        };
        Ok(layout.with_ignored(sample))
    }

    /// The layout, with the columns that it does not use, and what those show.
    fn with_ignored(mut self, sample: &dyn Sample) -> Self {
        let keys: Vec<usize> = [self.asset, Some(self.time), self.clock].into_iter().flatten().collect();
        let used: HashSet<usize> =
            self.values.iter().flatten().chain(&keys).chain(&self.own_asset).copied().collect();
        self.ignored = (0..self.names.len()).filter(|at| !used.contains(at)).collect();
        self.apart = sample.tells_apart(&keys, &self.ignored).map(|at| self.names[at].clone());
        self
    }

    /// How times of day are written in digits alone, by the name of their column and the first of them, each behind its date.
    pub(in crate::ingest) fn clock_digits<'t>(
        &self,
        dated: impl Iterator<Item = (&'t [u8], &'t [u8])>,
    ) -> ClockDigits {
        if self.clock.is_some_and(|at| normal(&self.names[at]) == MILLIS_OF_DAY) {
            return ClockDigits::Millis;
        }
        let mut shown = ClockShown::default();
        dated.for_each(|(date, text)| shown.note(date.trim_ascii(), text.trim_ascii()));
        shown.digits()
    }

    /// The zone that the names of the columns of times say: `Gmt time`, `Time (UTC)`, `Datetime (GMT+1)`.
    pub(in crate::ingest) fn zone_of_times(&self) -> Own {
        let columns = [Some(self.time), self.clock].into_iter().flatten();
        columns.filter_map(|at| zone::of_column(&self.names[at])).next().unwrap_or(Own::Nothing)
    }

    /// The numbers of the columns that are read, ascending, and the layout of an input that has them only.
    pub(in crate::ingest) fn projected(&self) -> (Vec<usize>, Self) {
        let mut place = vec![0; self.names.len()];
        let mut kept = Vec::new();
        for at in (0..self.names.len()).filter(|at| self.ignored.binary_search(at).is_err()) {
            place[at] = kept.len();
            kept.push(at);
        }
        let layout = Self {
            names: kept.iter().map(|&at| self.names[at].clone()).collect(),
            asset: self.asset.map(|at| place[at]),
            own_asset: self.own_asset.map(|at| place[at]),
            time: place[self.time],
            clock: self.clock.map(|at| place[at]),
            values: self.values.iter().map(|column| column.map(|at| place[at])).collect(),
            extras: self.extras.clone(),
            ignored: Vec::new(),
            unread_clock: self.unread_clock.clone(),
            apart: self.apart.clone(),
            may_have_volume: self.may_have_volume,
        };
        (kept, layout)
    }
}

/// What the first times of day show that are written in digits alone.
#[derive(Default)]
struct ClockShown<'t> {
    longest: usize,
    first_date: Option<&'t [u8]>,
    has_dates: bool,
    /// Whether some begin with a zero, which has its place.
    are_padded: bool,
    has_midnight: bool,
    has_others_than_hours: bool,
    has_others_than_hundreds: bool,
}

impl<'t> ClockShown<'t> {
    fn note(&mut self, date: &'t [u8], text: &[u8]) {
        let number = day::number(text).unwrap_or(i64::MAX);
        self.longest = self.longest.max(text.len());
        self.has_dates |= *self.first_date.get_or_insert(date) != date;
        self.are_padded |= text.len() > 1 && text[0] == b'0';
        self.has_midnight |= number == 0;
        self.has_others_than_hours |= number >= 24;
        self.has_others_than_hundreds |= number % 100 != 0;
    }

    fn digits(&self) -> ClockDigits {
        // From midnight on, `0`, `1`, `2` may be hours or minutes, and `100` one o'clock or a minute, until a day is over.
        let is_unclear = self.has_midnight && !self.are_padded && !self.has_dates;
        match self.longest {
            1..=2 if is_unclear && !self.has_others_than_hours => ClockDigits::Unclear,
            3 if is_unclear && !self.has_others_than_hundreds => ClockDigits::Unclear,
            1..=2 if !self.has_others_than_hours => ClockDigits::Two,
            1..=4 => ClockDigits::Four,
            _ => ClockDigits::Six,
        }
    }
}

struct Finder<'a> {
    names: &'a [String],
    normal: Vec<String>,
    options: &'a IngestOptions,
    sample: &'a dyn Sample,
    /// What each column is: several things where that was stated.
    columns: Vec<Vec<Column>>,
}

impl<'a> Finder<'a> {
    fn new(
        names: &'a [String],
        options: &'a IngestOptions,
        sample: &'a dyn Sample,
    ) -> Result<Self, HeaderFault> {
        let mut columns: Vec<Vec<Column>> = vec![Vec::new(); names.len()];
        for (name, column) in &options.columns {
            columns[stated(names, name, column)?].push(match column {
                Column::Extra(name) => Column::Extra(self::normal(name)),
                column => column.clone(),
            });
        }
        let normal = names.iter().map(|name| known_form(name)).collect();
        Ok(Self { names, normal, options, sample, columns })
    }

    /// The one column that was stated to be `column`, or that goes by one of its known names.
    fn one(&mut self, column: &Column, known: &Known) -> Result<Option<usize>, HeaderFault> {
        let stated: Vec<_> = (0..self.names.len()).filter(|&at| self.columns[at].contains(column)).collect();
        let found = match stated.is_empty() {
            false => stated,
            true => {
                let free = known.0.iter().map(|names| self.named(names));
                // What is stated to be another price as well goes by its name still: of closes alone a bar is made.
                let shared = known.0.iter().map(|names| self.prices_named(names));
                free.chain(shared).find(|found| !found.is_empty()).unwrap_or_default()
            }
        };
        if let [one, other, ..] = found[..] {
            return Err(self.ambiguous(one, other, column));
        }
        let one = found.first().copied();
        if let Some(at) = one.filter(|&at| !self.columns[at].contains(column)) {
            self.columns[at].push(column.clone());
        }
        Ok(one)
    }

    /// The columns of which nothing is stated that go by one of these names.
    fn named(&self, names: &[&str]) -> Vec<usize> {
        let fits = |&at: &usize| self.columns[at].is_empty() && names.contains(&self.normal[at].as_str());
        (0..self.names.len()).filter(fits).collect()
    }

    /// The columns that are stated to be prices and go by one of these names.
    fn prices_named(&self, names: &[&str]) -> Vec<usize> {
        let are_prices =
            |columns: &[Column]| !columns.is_empty() && columns.iter().all(|column| PRICES.contains(column));
        let fits = |&at: &usize| are_prices(&self.columns[at]) && names.contains(&self.normal[at].as_str());
        (0..self.names.len()).filter(fits).collect()
    }

    /// The columns of open, high, low, close and volume.
    fn values(&mut self) -> Result<Vec<Option<usize>>, HeaderFault> {
        let all = Field::OHLCV.into_iter().zip(&VALUES);
        let found = all.map(|(field, known)| self.one(&of_field(field), known));
        let mut values = found.collect::<Result<Vec<_>, _>>()?;
        values[Field::VOLUME.index()] = self.volume_above_zero(values[Field::VOLUME.index()]);
        Ok(values)
    }

    /// The column of volumes; where it says 0 in every row, the one other column of volumes that does not.
    fn volume_above_zero(&mut self, volume: Option<usize>) -> Option<usize> {
        let at = volume?;
        let is_stated = self.options.columns.iter().any(|(_, column)| *column == Column::Volume);
        let names: Vec<_> = VALUES[Field::VOLUME.index()].names().copied().collect();
        let mut others = self.named(&names);
        if is_stated || others.is_empty() || !self.sample.is_zero(at) {
            return volume;
        }
        others.retain(|&other| self.sample.is_number(other) && !self.sample.is_zero(other));
        let [other] = others[..] else { return volume };
        self.columns[at] = vec![Column::Ignored];
        // It is an extra column too, as in files whose volume is not 0: those of one ingest have the same.
        let name = normal(&self.names[other]);
        let is_wanted = match &self.options.extras {
            Extras::Numeric => true,
            Extras::Only(wanted) => wanted.iter().any(|one| normal(one) == name),
        };
        self.columns[other].extend(is_wanted.then_some(Column::Extra(name)));
        self.columns[other].push(Column::Volume);
        Some(other)
    }

    /// Whether a column that nobody knows holds numbers, and may be the volume by its name.
    fn may_have_volume(&self) -> bool {
        let has = |parts: &[&str], name: &str| parts.iter().any(|part| name.contains(part));
        let is_nothing = |name: &str| UNNAMED.contains(&name) || LEVELS.as_flattened().contains(&name);
        let may = |at: &usize| {
            let name = self.normal[*at].as_str();
            let is_unknown = self.columns[*at].iter().all(|column| matches!(column, Column::Extra(_)));
            is_unknown
                && !is_nothing(name)
                && !NEVER_EXTRA.contains(&name)
                && (has(&MAYBE_VOLUME, name) || !has(&NO_VOLUME, name))
                && (self.sample.is_number(*at)
                    || self.sample.has_digits(*at) && self.sample.times(*at) == TimesShown::Nothing)
        };
        (0..self.names.len()).any(|at| may(&at))
    }

    /// The column of dates or times, and that of times of day where it is another.
    fn times(&mut self) -> Result<(Option<usize>, Option<usize>), HeaderFault> {
        let stated = |column| (0..self.names.len()).find(|&at| self.columns[at].contains(&column));
        let (time, clock) = (stated(Column::Timestamp), stated(Column::Time));
        let known = TIMESTAMP.0.iter().map(|names| self.times_named(names)).find(|found| !found.is_empty());
        let known = known.unwrap_or_default();
        let shown = |of: TimesShown| -> Vec<usize> {
            known.iter().copied().filter(|&at| self.sample.times(at) == of).collect()
        };
        let (dates, mut clocks, times) =
            (shown(TimesShown::Dates), shown(TimesShown::TimesOfDay), shown(TimesShown::Times));
        // The 5 of a column `day` is no time of day, nor is the number of a session.
        clocks.retain(|&at| !["day", "session"].contains(&self.normal[at].as_str()));
        let millis = self.normal.iter().position(|name| name == MILLIS_OF_DAY);
        let has_date = |time: Option<usize>| match time {
            Some(time) => self.sample.times(time) == TimesShown::Dates,
            None => times.is_empty() && dates.len() == 1,
        };
        let clock = clock.or(millis.filter(|_| has_date(time)));
        let (time, clock) = match (time, clock) {
            (Some(time), None) if self.sample.times(time) == TimesShown::Dates && clocks.len() == 1 => {
                (Some(time), Some(clocks[0]))
            }
            (Some(time), clock) => (Some(time), clock),
            (None, Some(clock)) => (dates.first().or(known.first()).copied(), Some(clock)),
            (None, None) => match (&known[..], &dates[..], &clocks[..], &times[..]) {
                ([], ..) => (self.unnamed_times().or_else(|| self.times_beside_text()), None),
                ([clock], [], [_], _) => match self.dates_by_another_name() {
                    Some(date) => (Some(date), Some(*clock)),
                    None => (Some(*clock), None),
                },
                ([one], ..) => (Some(*one), None),
                (_, [date], [clock], []) => (Some(*date), Some(*clock)),
                (_, _, _, [one]) => (Some(*one), None),
                ([one, other, ..], ..) => {
                    let all = match &times[..] {
                        [] if clocks.is_empty() => &dates,
                        times => times,
                    };
                    let found = self.said_twice(all);
                    (Some(found.ok_or_else(|| self.ambiguous(*one, *other, &Column::Timestamp))?), None)
                }
            },
        };
        for (at, column) in [(time, Column::Timestamp), (clock, Column::Time)] {
            if let Some(at) = at.filter(|&at| !self.columns[at].contains(&column)) {
                self.columns[at].push(column);
            }
        }
        // What else is called a time says it once more.
        for at in known {
            if self.columns[at].is_empty() {
                self.columns[at].push(Column::Ignored);
            }
        }
        Ok((time, clock))
    }

    /// The columns that go by one of these names of times, but for text that is called so and is none.
    fn times_named(&self, names: &[&str]) -> Vec<usize> {
        let mut found = self.named(names);
        found.retain(|&at| !self.is_other_text(at));
        found
    }

    /// Whether a column of text goes by the name of a time and holds none, as the `reg` of a column `session`.
    fn is_other_text(&self, at: usize) -> bool {
        WEAK_TIMES.contains(&self.normal[at].as_str())
            && !self.sample.seen(at).is_empty()
            && !self.sample.is_number(at)
            && self.sample.times(at) == TimesShown::Nothing
    }

    /// The one column of text that holds times, where the one that is called so holds none.
    fn times_beside_text(&self) -> Option<usize> {
        let all = || (0..self.names.len()).filter(|&at| self.columns[at].is_empty());
        if !all().any(|at| self.is_other_text(at)) {
            return None;
        }
        let holds_times = |at: &usize| {
            let is_time = matches!(self.sample.times(*at), TimesShown::Dates | TimesShown::Times);
            is_time && !self.sample.is_number(*at)
        };
        let mut found = all().filter(holds_times);
        found.next().filter(|_| found.next().is_none())
    }

    /// A column that nobody knows, and that holds times of day by its name and its rows.
    fn unread_clock(&self) -> Option<String> {
        let is_clock = |at: &usize| {
            let is_unknown = self.columns[*at].iter().all(|column| matches!(column, Column::Extra(_)));
            is_unknown
                && ["time", "zeit", "hour"].iter().any(|word| self.normal[*at].contains(word))
                && self.sample.times(*at) == TimesShown::TimesOfDay
        };
        (0..self.names.len()).find(is_clock).map(|at| self.names[at].clone())
    }

    /// The one column that nobody knows by its name and that holds dates.
    fn dates_by_another_name(&self) -> Option<usize> {
        let is_unknown = |at: &usize| {
            let name = self.normal[*at].as_str();
            let is_value = VALUES.iter().any(|known| known.names().any(|known| *known == name));
            self.columns[*at].is_empty() && !is_value && self.sample.times(*at) == TimesShown::Dates
        };
        let mut found = (0..self.names.len()).filter(is_unknown);
        found.next().filter(|_| found.next().is_none())
    }

    /// Of columns that say the same times the first; of one with moments and others that may be those on some wall clock, the one
    /// with moments.
    fn said_twice(&self, columns: &[usize]) -> Option<usize> {
        const WIDEST_OFFSET: u64 = DAY.unsigned_abs();
        if let [only] = columns {
            return Some(*only);
        }
        let seen: Vec<_> = columns.iter().map(|&at| self.sample.seen(at)).collect();
        let first = seen.first().filter(|seen| !seen.is_empty())?;
        let nanos = |seen: &[Option<TimeSeen>]| -> Vec<_> {
            seen.iter().map(|one| one.map(|one| one.nanos)).collect()
        };
        // Times that cannot be read say nothing, and so not the same.
        let is_read = 2 * first.iter().flatten().count() > first.len();
        if is_read && seen.iter().all(|other| nanos(other) == nanos(first)) {
            return columns.first().copied();
        }
        let are_moments = |at: &usize| seen[*at].iter().all(|one| one.is_some_and(|one| one.is_moment));
        let moments: Vec<usize> = (0..columns.len()).filter(are_moments).collect();
        let [only] = moments[..] else { return None };
        let are_near = |other: &Vec<Option<TimeSeen>>| {
            other.len() == seen[only].len()
                && other.iter().zip(&seen[only]).all(|pair| match pair {
                    (Some(one), Some(other)) => one.nanos.abs_diff(other.nanos) <= WIDEST_OFFSET,
                    _ => false,
                })
        };
        seen.iter().all(are_near).then(|| columns[only])
    }

    /// A data frame's index, where it has no name and holds times: the first column, but for files of pandas.
    fn unnamed_times(&self) -> Option<usize> {
        let is_index = |at: &usize| {
            let name = self.normal[*at].as_str();
            self.columns[*at].is_empty() && (name == INDEX || *at == 0 && UNNAMED.contains(&name))
        };
        let holds_times =
            |at: &usize| matches!(self.sample.times(*at), TimesShown::Dates | TimesShown::Times);
        let levels = self.unnamed_levels().into_iter().flatten();
        (0..self.names.len()).filter(is_index).chain(levels).find(holds_times)
    }

    /// The text beside the times of a data frame's index whose two levels have no names: the assets.
    fn unnamed_asset(&mut self, time: Option<usize>) -> Option<usize> {
        let [one, other] = self.unnamed_levels()?;
        let asset = match time? {
            time if time == one => other,
            time if time == other => one,
            _ => return None,
        };
        let is_text = !self.sample.is_number(asset) && self.sample.times(asset) == TimesShown::Nothing;
        if !is_text || !self.columns[asset].is_empty() {
            return None;
        }
        self.columns[asset].push(Column::Asset);
        Some(asset)
    }

    /// The columns of an index of two levels without names: the first two, but for files of pandas.
    fn unnamed_levels(&self) -> Option<[usize; 2]> {
        let first = |names: &[&str; 2]| {
            let at = self.normal.windows(2).position(|pair| pair[0] == names[0] && pair[1] == names[1])?;
            (at == 0 || names[0] == INDEX).then_some([at, at + 1])
        };
        LEVELS.iter().find_map(first)
    }

    fn check(
        &self,
        has_asset: bool,
        time: Option<usize>,
        values: &[Option<usize>],
    ) -> Result<(), HeaderFault> {
        let mut missing = Vec::new();
        let mut unless = |found: bool, column: Column, known: &Known| {
            if !found {
                missing.push((column, known.first()));
            }
        };
        unless(has_asset, Column::Asset, &ASSET);
        unless(time.is_some(), Column::Timestamp, &TIMESTAMP);
        for (field, known) in Field::OHLCV.into_iter().zip(&VALUES).take(Field::VOLUME.index()) {
            unless(values[field.index()].is_some(), of_field(field), known);
        }
        if missing.is_empty() {
            return Ok(());
        }
        if let Some((assets, columns)) = wide::side_by_side(self.names) {
            return Err(HeaderFault::Wide { assets, columns });
        }
        let could_be_one_asset = missing.len() == 1 && !has_asset;
        let is_unclaimed = |&at: &usize| self.columns[at].is_empty() && !self.names[at].is_empty();
        let unclaimed = (0..self.names.len()).filter(is_unclaimed).map(|at| self.names[at].clone()).collect();
        let found = self.names.to_vec();
        Err(HeaderFault::Missing { missing, found, unclaimed, delimiter: None, lines: 0, could_be_one_asset })
    }

    fn keep_extras(&mut self) -> Result<(), HeaderFault> {
        let wanted: Option<Vec<String>> = match &self.options.extras {
            Extras::Numeric => None,
            Extras::Only(wanted) => Some(wanted.iter().map(|name| normal(name)).collect()),
        };
        let names: Vec<String> = self.names.iter().map(|name| normal(name)).collect();
        let twins = self.unstated_twins(&names);
        for (at, name) in names.iter().enumerate() {
            let is_kept = || match &wanted {
                // What goes by the name of a price or the volume, and is not it, was put aside for what is stated.
                None => {
                    let is_other =
                        NEVER_EXTRA.contains(&name.as_str()) || Field::NAMES.contains(&name.as_str());
                    !is_other && !twins.contains(name.as_str()) && self.sample.is_number(at)
                }
                Some(wanted) => wanted.contains(name),
            };
            if self.columns[at].is_empty() && !name.is_empty() && is_kept() {
                self.columns[at].push(Column::Extra(name.clone()));
            }
        }
        let is_there = |name: &String| {
            self.columns.iter().flatten().any(|one| matches!(one, Column::Extra(extra) if extra == name))
        };
        match wanted.iter().flatten().find(|name| !is_there(name)) {
            None => Ok(()),
            Some(name) => Err(HeaderFault::NoSuchColumn {
                name: name.clone(),
                what: Column::Extra(name.clone()),
                found: self.names.to_vec(),
            }),
        }
    }

    /// Names of extra columns that nobody stated and that several columns have, such as `Change` and `% Change`: which is meant
    /// nothing tells, and no ingest has to fail for what nobody asked for.
    fn unstated_twins<'n>(&self, names: &'n [String]) -> HashSet<&'n str> {
        let stated = self.columns.iter().flatten().filter_map(|column| match column {
            Column::Extra(name) => Some(name.as_str()),
            _ => None,
        });
        let mut seen: HashSet<&str> = stated.collect();
        let free = (0..names.len()).filter(|&at| self.columns[at].is_empty());
        let mut count = HashMap::<&str, usize>::new();
        free.clone().for_each(|at| *count.entry(&names[at]).or_default() += 1);
        let mut twins = HashSet::new();
        for at in free {
            let name = names[at].as_str();
            let is_repeated = count[name] > 1 || seen.contains(name);
            if is_repeated && self.sample.is_number(at) && !seen.insert(name) {
                twins.insert(name);
            }
        }
        twins
    }

    /// The extra columns in order of their names.
    fn sorted_extras(&self) -> Result<Vec<(String, usize)>, HeaderFault> {
        let mut extras = Vec::new();
        for (at, columns) in self.columns.iter().enumerate() {
            extras.extend(columns.iter().filter_map(|column| match column {
                Column::Extra(name) => Some((name.clone(), at)),
                _ => None,
            }));
        }
        extras.sort_unstable();
        match extras.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(extras),
            Some(twin) => {
                let columns = [twin[0].1, twin[1].1].map(|at| self.names[at].clone());
                Err(HeaderFault::SameExtra { columns, name: twin[0].0.clone() })
            }
        }
    }

    fn ambiguous(&self, one: usize, other: usize, what: &Column) -> HeaderFault {
        let columns = [one, other].map(|at| self.names[at].clone());
        HeaderFault::Ambiguous { columns, what: what.clone() }
    }
}

/// The place of the column that an option names: by the very name, or else by the one that differs in case alone.
fn stated(names: &[String], name: &str, column: &Column) -> Result<usize, HeaderFault> {
    let name = name.trim();
    if let Some(at) = names.iter().position(|other| other.trim() == name) {
        return Ok(at);
    }
    let is_alike = |at: &usize| names[*at].trim().eq_ignore_ascii_case(name);
    let mut alike = (0..names.len()).filter(is_alike);
    match (alike.next(), alike.next()) {
        (Some(at), None) => Ok(at),
        (Some(one), Some(other)) => {
            let columns = [one, other].map(|at| names[at].clone());
            Err(HeaderFault::Ambiguous { columns, what: column.clone() })
        }
        (None, _) => Err(HeaderFault::NoSuchColumn {
            name: name.to_owned(),
            what: column.clone(),
            found: names.to_vec(),
        }),
    }
}

/// The field of a bar that goes by a name which means it alone, as its index.
pub(super) fn price_or_volume(name: &str) -> Option<usize> {
    let name = known_form(name);
    VALUES.iter().position(|known| known.first().contains(&name.as_str()))
}

/// Whether a name is one by which a column is known.
pub(in crate::ingest) fn is_known(name: &str) -> bool {
    let name = known_form(name);
    let all = [&ASSET, &TIMESTAMP].into_iter().chain(&VALUES);
    all.flat_map(Known::names).any(|known| *known == name)
}

/// Whether a name is one by which the column of assets is known.
pub(in crate::ingest) fn is_asset_name(name: &str) -> bool {
    let name = normal(name);
    ASSET.names().any(|known| *known == name)
}

/// Lower case, with one underscore for whatever is neither letter nor digit: `Adj Close` is `adj_close`.
pub(in crate::ingest) fn normal(name: &str) -> String {
    let spaced: String =
        name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join("_")
}

/// Whether a name was read without a loss.
pub(in crate::ingest) fn is_utf8(name: &str) -> bool {
    !name.contains(char::REPLACEMENT_CHARACTER)
}

/// A name as it is looked for: without the number that some interfaces put before it, as in `4. close`, and the zone of times,
/// as in `Time (UTC)`.
fn known_form(name: &str) -> String {
    let normal = normal(name);
    if let Some(time) = zone::without(name).map(|rest| self::normal(&rest))
        && TIMESTAMP.names().any(|known| *known == time)
    {
        return time;
    }
    if !is_utf8(name) {
        // One letter of it may be left that is a name by itself.
        return name.to_owned();
    }
    match normal.split_once('_') {
        Some((number, rest)) if name.contains('.') && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            rest.to_owned()
        }
        _ => normal,
    }
}

fn of_field(field: Field) -> Column {
    match field {
        Field::OPEN => Column::Open,
        Field::HIGH => Column::High,
        Field::LOW => Column::Low,
        Field::CLOSE => Column::Close,
        _ => Column::Volume,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every column holds numbers, and shows the times that the list has at its place.
    struct Fake(Vec<TimesShown>, bool);

    impl Sample for Fake {
        fn is_number(&self, _: usize) -> bool {
            true
        }
        fn has_digits(&self, _: usize) -> bool {
            true
        }
        fn is_zero(&self, _: usize) -> bool {
            false
        }
        fn times(&self, column: usize) -> TimesShown {
            self.0.get(column).copied().unwrap_or(TimesShown::Nothing)
        }
        fn seen(&self, column: usize) -> Vec<Option<TimeSeen>> {
            let nanos = if self.1 { 0 } else { column as i64 };
            vec![Some(TimeSeen { nanos, is_moment: false })]
        }
    }

    fn find_in(names: &[&str], sample: &Fake, options: &IngestOptions) -> Result<Layout, HeaderFault> {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Layout::find(names, Naming::Column, options, sample)
    }

    fn find(names: &[&str], options: &IngestOptions) -> Result<Layout, HeaderFault> {
        find_in(names, &Fake(Vec::new(), false), options)
    }

    const PRICES: [&str; 4] = ["open", "high", "low", "close"];

    #[test]
    fn columns_are_found_by_their_usual_names_in_any_order_and_case() {
        for names in [
            ["Ticker", "Date", "Open", "High", "Low", "Close", "Volume"],
            ["SYMBOL", "datetime", "o", "h", "l", "c", "v"],
            ["<TICKER>", "<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"],
            ["instrument", "Local time", "$open", "$high", "$low", "$close", "$volume"],
            ["symbol", "timestamp", "1. open", "2. high", "3. low", "4. close", "5. volume"],
            ["ts_code", "trade_date", "Open", "High", "Low", "Close/Last", "Volume"],
        ] {
            let layout = find(&names, &IngestOptions::default()).unwrap();
            assert_eq!((layout.asset, layout.time), (Some(0), 1));
            assert_eq!(layout.values, [Some(2), Some(3), Some(4), Some(5), Some(6)], "{names:?}");
        }
    }

    #[test]
    fn a_name_that_means_one_thing_alone_goes_before_one_that_may_mean_it() {
        let names =
            ["name", "symbol", "date", "open", "high", "low", "last", "close", "tickvol", "vol", "price"];
        let layout = find(&names, &IngestOptions::default()).unwrap();
        assert_eq!((layout.asset, layout.values[3], layout.values[4]), (Some(1), Some(7), Some(9)));
        let layout =
            find(&["symbol", "date", "price", "open", "high", "low"], &IngestOptions::default()).unwrap();
        assert_eq!(layout.values[3], Some(2));
    }

    #[test]
    fn a_date_and_a_time_of_day_are_joined_and_what_says_a_time_twice_is_read_once() {
        use TimesShown::{Dates, Times, TimesOfDay};
        let names = [&["symbol", "date", "time"], &PRICES[..]].concat();
        let found = |shown: [TimesShown; 2], are_same| {
            let sample = Fake(vec![TimesShown::Nothing, shown[0], shown[1]], are_same);
            find_in(&names, &sample, &IngestOptions::default()).map(|layout| (layout.time, layout.clock))
        };
        assert_eq!(found([Dates, TimesOfDay], false), Ok((1, Some(2))));
        assert_eq!(found([TimesOfDay, Dates], false), Ok((2, Some(1))));
        assert_eq!(found([Dates, Times], false), Ok((2, None)));
        assert_eq!(found([Times, Times], true), Ok((1, None)));
        assert!(matches!(found([Times, Times], false), Err(HeaderFault::Ambiguous { .. })));
        let columns = vec![("date".to_owned(), Column::Timestamp), ("time".to_owned(), Column::Ignored)];
        let options = IngestOptions { columns, ..Default::default() };
        let sample = Fake(vec![TimesShown::Nothing, Dates, TimesOfDay], false);
        assert_eq!(find_in(&names, &sample, &options).unwrap().clock, None);
    }

    #[test]
    fn a_column_without_a_name_is_the_time_where_it_comes_first_and_holds_times() {
        let names = [&["", "symbol"], &PRICES[..]].concat();
        let dates = Fake(vec![TimesShown::Dates], false);
        assert_eq!(find_in(&names, &dates, &IngestOptions::default()).unwrap().time, 0);
        assert!(find(&names, &IngestOptions::default()).is_err());
    }

    #[test]
    fn numbers_that_nobody_knows_become_extra_columns_in_order_of_their_names() {
        let names = ["Date", "Ticker", "Open", "High", "Low", "Close", "Volume", "VWAP", "Adj Close", ""];
        let layout = find(&names, &IngestOptions::default()).unwrap();
        assert_eq!(layout.extras, ["adj_close", "vwap"]);
        assert_eq!(layout.values[5..], [Some(8), Some(7)]);
        assert_eq!(layout.ignored, [9]);
        let none = IngestOptions { extras: Extras::NONE, ..Default::default() };
        assert_eq!(find(&names, &none).unwrap().ignored, [7, 8, 9]);
        let one = IngestOptions { extras: Extras::Only(vec!["Adj Close".into()]), ..Default::default() };
        assert_eq!(find(&names, &one).unwrap().extras, ["adj_close"]);
    }

    #[test]
    fn what_is_stated_goes_before_what_is_known_and_one_column_may_be_two_things() {
        let columns = vec![("Last".to_owned(), Column::Close), ("close".to_owned(), Column::Ignored)];
        let options = IngestOptions { columns, ..Default::default() };
        let layout =
            find(&["asset", "date", "open", "high", "low", "Close", "last", "volume"], &options).unwrap();
        assert_eq!(layout.values[3], Some(6));
        assert_eq!(layout.ignored, [5]);
        let columns =
            [Column::Open, Column::High, Column::Low, Column::Close].map(|column| ("NAV".to_owned(), column));
        let options = IngestOptions { columns: columns.into(), ..Default::default() };
        assert_eq!(find(&["asset", "date", "nav"], &options).unwrap().values[..4], [Some(2); 4]);
    }

    #[test]
    fn columns_that_are_missing_or_could_be_two_things_are_refused_by_name() {
        let default = IngestOptions::default();
        let refused = |names: &[&str], options: &IngestOptions| find(names, options).unwrap_err();
        let missing = refused(&["asset", "date", "open", "high", "low", "volume"], &default);
        let HeaderFault::Missing { missing, could_be_one_asset: false, .. } = missing else {
            panic!("{missing}")
        };
        assert_eq!(missing[0].0, Column::Close);
        let twins = ["asset", "date", "open", "high", "low", "close", "Adj Close", "adj_close"];
        let wanted = IngestOptions { extras: Extras::Only(vec!["adj_close".into()]), ..Default::default() };
        let extras = refused(&twins, &wanted);
        assert!(matches!(extras, HeaderFault::SameExtra { .. }), "{extras}");
        assert_eq!(find(&twins, &default).unwrap().ignored, [6, 7]);
        let twice = refused(&["asset", "date", "open", "Open", "high", "low", "close"], &default);
        assert!(matches!(twice, HeaderFault::Ambiguous { what: Column::Open, .. }), "{twice}");
        let columns = vec![("Schluss".to_owned(), Column::Close)];
        let stated = refused(&["asset", "date"], &IngestOptions { columns, ..Default::default() });
        assert!(matches!(stated, HeaderFault::NoSuchColumn { .. }), "{stated}");
        let only = IngestOptions { extras: Extras::Only(vec!["vwap".into()]), ..Default::default() };
        let absent = refused(&["asset", "date", "open", "high", "low", "close"], &only);
        assert!(matches!(absent, HeaderFault::NoSuchColumn { what: Column::Extra(_), .. }), "{absent}");
    }

    #[test]
    fn all_columns_that_are_missing_are_told_at_once() {
        let several = find(&["when", "open", "high", "low", "fix"], &IngestOptions::default()).unwrap_err();
        let HeaderFault::Missing { missing, .. } = &several else { panic!("{several}") };
        let missing: Vec<_> = missing.iter().map(|(column, _)| column.clone()).collect();
        assert_eq!(missing, [Column::Asset, Column::Timestamp, Column::Close]);
        let asset = find(&["date", "open", "high", "low", "close"], &IngestOptions::default()).unwrap_err();
        assert!(matches!(asset, HeaderFault::Missing { could_be_one_asset: true, .. }), "{asset}");
    }

    #[test]
    fn assets_side_by_side_are_told_from_columns_that_are_missing() {
        for names in [
            ["date", "BTX:open", "BTX:close", "ETX:open", "ETX:close"],
            ["date", "open_AAPL", "close_AAPL", "open_MSFT", "close_MSFT"],
            ["date", "AAPL Open", "AAPL Close", "BRK.B Open", "BRK.B Close"],
        ] {
            let fault = find(&names, &IngestOptions::default()).unwrap_err();
            assert!(matches!(&fault, HeaderFault::Wide { assets, .. } if assets.len() == 2), "{fault}");
        }
    }

    #[test]
    fn every_known_name_is_in_the_table_of_the_documentation() {
        let options = include_str!("../options.rs");
        for known in [&ASSET, &TIMESTAMP].into_iter().chain(&VALUES) {
            for name in known.names() {
                assert!(options.contains(&format!("`{name}`")), "{name}");
            }
        }
    }

    #[test]
    fn a_missing_volume_is_missing_in_every_bar() {
        let layout =
            find(&["asset", "date", "open", "high", "low", "close"], &IngestOptions::default()).unwrap();
        assert_eq!(layout.values[4], None);
    }
}
