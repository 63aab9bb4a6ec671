//! Which column of an input is what.

use bt_core::Field;

use crate::ingest::fault::HeaderFault;
use crate::ingest::field::clock::ClockDigits;
use crate::ingest::field::day;
use crate::ingest::field::time::{Shown, Stamp};
use crate::ingest::wall::DAY;
use crate::ingest::{Column, Extras, IngestOptions};

/// The columns of one input, by number.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        let is_moment = !matches!(stamp.shown, Shown::Date | Shown::WallClock);
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

/// Names by which a column is known; of two columns the one with the earlier group of names is meant.
struct Known {
    first: &'static [&'static str],
    otherwise: &'static [&'static str],
    /// Where there are none of the others either.
    last: &'static [&'static str],
}

impl Known {
    fn groups(&self) -> [&'static [&'static str]; 3] {
        [self.first, self.otherwise, self.last]
    }

    fn names(&self) -> impl Iterator<Item = &'static &'static str> + use<> {
        self.groups().into_iter().flatten()
    }
}

const ASSET: Known = Known {
    first: &[
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
    otherwise: &["security", "name", "code"],
    last: &[],
};
const TIMESTAMP: Known = Known {
    first: &[
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
        "ts_event",
        "unix",
        "unix_timestamp",
        "unix_time",
        "epoch",
    ],
    otherwise: &["t", "dates", "mts", "snapped_at", "exchange_date", "datadate", "datum", "日期"],
    last: &[],
};
const VALUES: [Known; 5] = [
    Known { first: &["open", "o", "open_price", "px_open", "开盘"], otherwise: &[], last: &[] },
    Known { first: &["high", "h", "high_price", "px_high", "最高"], otherwise: &[], last: &[] },
    Known { first: &["low", "l", "low_price", "px_low", "最低"], otherwise: &[], last: &[] },
    Known {
        first: &["close", "c", "close_price", "px_last", "close_last", "收盘"],
        otherwise: &["last", "last_price", "price"],
        last: &["latest"],
    },
    Known {
        first: &["volume", "v", "vol", "px_volume", "成交量"],
        otherwise: &["total_traded_quantity", "tottrdqty", "tickvol", "tick_volume"],
        last: &[],
    },
];
/// A time of day as a count since midnight.
pub(in crate::ingest) const MILLIS_OF_DAY: &str = "ms_of_day";
/// What a column that names no row is called by those who wrote it.
const UNNAMED: [&str; 3] = ["", "unnamed_0", "index"];
/// The name that pandas gives an index without one.
const INDEX: &str = "index_level_0";
const PRICES: [Column; 4] = [Column::Open, Column::High, Column::Low, Column::Close];
/// Numbers that say nothing of a bar.
const NEVER_EXTRA: [&str; 3] = ["per", "interval", "timeframe"];

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
        let values = Field::OHLCV.into_iter().zip(&VALUES);
        let mut values: Vec<_> =
            values.map(|(field, known)| finder.one(&of_field(field), known)).collect::<Result<_, _>>()?;
        let by_name = naming == Naming::Name || naming == Naming::ColumnOrName && named.is_none();
        let (asset, own_asset) = if by_name { (None, named) } else { (named, None) };
        finder.check(asset.is_some() || by_name, time, &values)?;
        finder.keep_extras()?;
        let extras = finder.sorted_extras()?;
        values.extend(extras.iter().map(|&(_, at)| Some(at)));
        let time = time.unwrap_or_default();
        let used = |at: &usize| {
            [asset, Some(time), clock].contains(&Some(*at))
                || values.contains(&Some(*at))
                || own_asset == Some(*at)
        };
        let ignored = (0..names.len()).filter(|at| !used(at)).collect();
        let unread_clock = if clock.is_none() { finder.unread_clock() } else { None };
        let extras = extras.into_iter().map(|(name, _)| name).collect();
        Ok(Self { names, asset, own_asset, time, clock, values, extras, ignored, unread_clock })
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

    /// Whether the names of the columns of times say that they are in UTC: `Gmt time`, `Time (UTC)`, but not `UTC+3`.
    pub(in crate::ingest) fn are_times_in_utc(&self) -> bool {
        let mut names =
            [Some(self.time), self.clock].into_iter().flatten().map(|at| self.names[at].to_lowercase());
        names.any(|name| {
            let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|word| matches!(word, "utc" | "gmt")) && !name.contains(['+', '-'])
        })
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
            let at = names.iter().position(|other| other.trim().eq_ignore_ascii_case(name.trim()));
            let at = at.ok_or_else(|| HeaderFault::NoSuchColumn {
                name: name.clone(),
                what: column.clone(),
                found: names.to_vec(),
            })?;
            columns[at].push(match column {
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
                let free = known.groups().into_iter().map(|names| self.named(names));
                // What is stated to be another price as well goes by its name still: of closes alone a bar is made.
                let shared = known.groups().into_iter().map(|names| self.prices_named(names));
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

    /// The column of dates or times, and that of times of day where it is another.
    fn times(&mut self) -> Result<(Option<usize>, Option<usize>), HeaderFault> {
        let stated = |column| (0..self.names.len()).find(|&at| self.columns[at].contains(&column));
        let (time, clock) = (stated(Column::Timestamp), stated(Column::Time));
        let groups = TIMESTAMP.groups().into_iter();
        let known = groups.map(|names| self.named(names)).find(|found| !found.is_empty());
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
                ([], ..) => (self.unnamed_times(), None),
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
        (0..self.names.len()).filter(is_index).find(holds_times)
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
                missing.push((column, known.first));
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
        if let Some((assets, columns)) = self.wide() {
            return Err(HeaderFault::Wide { assets, columns });
        }
        let could_be_one_asset = missing.len() == 1 && !has_asset;
        Err(HeaderFault::Missing { missing, found: self.names.to_vec(), delimiter: None, could_be_one_asset })
    }

    /// Assets that stand side by side: names made of an asset's and a price's, in at least two assets.
    fn wide(&self) -> Option<(Vec<String>, Vec<String>)> {
        let (mut assets, mut columns) = (Vec::<String>::new(), Vec::new());
        for name in self.names {
            let Some(asset) = asset_and_price(name) else { continue };
            if !assets.contains(&asset) && assets.len() < 3 {
                assets.push(asset);
                columns.push(name.clone());
            }
        }
        (assets.len() > 1).then_some((assets, columns))
    }

    fn keep_extras(&mut self) -> Result<(), HeaderFault> {
        let wanted: Option<Vec<String>> = match &self.options.extras {
            Extras::Numeric => None,
            Extras::Only(wanted) => Some(wanted.iter().map(|name| normal(name)).collect()),
        };
        for (at, name) in self.names.iter().enumerate() {
            let name = normal(name);
            let is_kept = || match &wanted {
                // What goes by the name of a price or the volume, and is not it, was put aside for what is stated.
                None => {
                    let is_other =
                        NEVER_EXTRA.contains(&name.as_str()) || Field::NAMES.contains(&name.as_str());
                    !is_other && self.sample.is_number(at)
                }
                Some(wanted) => wanted.contains(&name),
            };
            if self.columns[at].is_empty() && !name.is_empty() && is_kept() {
                self.columns[at].push(Column::Extra(name));
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

/// The asset of a column's name that is made of an asset's and a price's: `AAPL:close`, `close_AAPL`, `AAPL Close`.
fn asset_and_price(name: &str) -> Option<String> {
    let is_price = |word: &str| {
        let word = normal(word);
        VALUES.iter().any(|known| known.first.contains(&word.as_str())) && word.len() > 1
    };
    let separators = |c: char| !c.is_alphanumeric() && c != '.' && c != '^' && c != '=';
    let parts: Vec<&str> = name.split(separators).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [asset, price] if is_price(price) && !is_price(asset) => Some(asset.to_owned()),
        [price, asset] if is_price(price) && !is_price(asset) => Some(asset.to_owned()),
        _ => None,
    }
    .filter(|asset| {
        !["adj", "adjusted", "price", "prev", "pre", "px", "average", "mean"]
            .contains(&normal(asset).as_str())
    })
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

/// A name as it is looked for: without the number that some interfaces put before it, as in `4. close`.
fn known_form(name: &str) -> String {
    let normal = normal(name);
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
        let extras =
            refused(&["asset", "date", "open", "high", "low", "close", "Adj Close", "adj_close"], &default);
        assert!(matches!(extras, HeaderFault::SameExtra { .. }), "{extras}");
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
        let several =
            find(&["when", "open", "high", "low", "settle"], &IngestOptions::default()).unwrap_err();
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
