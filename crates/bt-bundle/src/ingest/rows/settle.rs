//! What must be known of all rows before the first bar is written: frequency, calendar, bars of each asset.

use bt_asset_cache::Shown;
use bt_asset_cache::kernel::CalendarBuilder;
use bt_core::{Field, Frequency, Result, Timestamp, Zone};

use super::collect::{AssetRows, Collected, Want};
use super::{RowFindings, Source};
use crate::ingest::fault::{Fault, Finding, FrequencyFault, Place, RowFault, TimeFault};
use crate::ingest::infer::clock::{Base, Begin, Clock, Periods, Rule};
use crate::ingest::infer::frequency::{DaysOfPeriods, Gaps};
use crate::ingest::infer::summary::StampSummary;
use crate::ingest::{BadRows, IngestOptions, wall};

/// An ingest whose every question is answered.
#[derive(Debug)]
pub(in crate::ingest) struct Settled {
    pub(in crate::ingest) clock: Clock,
    /// By name, those without a bar left out.
    pub(in crate::ingest) assets: Vec<Asset>,
    pub(in crate::ingest) calendar: Vec<Timestamp>,
}

#[derive(Debug)]
pub(in crate::ingest) struct Asset {
    pub(in crate::ingest) name: String,
    /// Its number in the collected rows.
    pub(in crate::ingest) number: usize,
    pub(in crate::ingest) bars: usize,
}

/// Passes over all stamps, once or (where the frequency is to be inferred, or the ends of days follow from the stamps) twice.
///
/// # Errors
/// No rows; dates among times; a duplicate, where bad rows fail; what [`Clock::settle`] refuses.
pub(in crate::ingest) fn settle(
    rows: &mut Collected,
    sources: &[Source],
    options: &IngestOptions,
    bundle: Option<&Base>,
) -> Result<Settled> {
    check_kinds(rows, sources)?;
    let clock = clock(rows, sources, options, bundle)?;
    let (mut calendar, mut findings) = (CalendarBuilder::default(), std::mem::take(&mut rows.findings));
    let (mut assets, mut gathered) = (Vec::new(), AssetRows::default());
    for (name, number) in rows.by_name() {
        rows.gather(number, Want::Stamps, &mut gathered)?;
        let order = Order::of(&mut gathered, &clock);
        if !order.duplicates.is_empty() {
            rows.gather(number, Want::All, &mut gathered)?;
            let duplicates = Duplicates { name, rows: &gathered, clock: &clock, sources };
            order.duplicates.iter().try_for_each(|&pair| duplicates.tell(pair, options, &mut findings))?;
        }
        order.apply(&mut gathered, 0);
        calendar.add(&gathered.known);
        assets.push(Asset { name: name.to_owned(), number, bars: gathered.known.len() });
    }
    rows.findings = findings;
    Ok(Settled { clock, assets, calendar: calendar.finish() })
}

fn clock(
    rows: &Collected,
    sources: &[Source],
    options: &IngestOptions,
    bundle: Option<&Base>,
) -> Result<Clock> {
    let all = || first_names(sources);
    let refused = |fault: Fault| Finding::new(Place::of(all()), fault);
    if let (None, Some((row, other))) = (&options.zone, &rows.summary.other_zone) {
        let first = rows.summary.zone.as_ref().map_or_else(String::new, |(_, zone)| zone.name().to_owned());
        let fault = TimeFault::Zones { first, other: other.name().to_owned() };
        return Err(Finding::new(row.place(sources), fault).into());
    }
    let has_months = rows.summary.has_months;
    let frequency = match (options.frequency, rows.summary.shown()) {
        (Some(frequency), _) if has_months && frequency != Frequency::Monthly => {
            return Err(refused(FrequencyFault::Months { frequency }.into()).into());
        }
        (Some(frequency), _) => frequency,
        (None, _) if has_months => {
            let gaps = gaps(rows, None)?;
            gaps.check_assets(Frequency::Monthly).map_err(|fault| refused(fault.into()))?;
            Frequency::Monthly
        }
        (None, shown) => {
            let zone = options.zone.as_ref().or(bundle.map(|bundle| &bundle.zone));
            inferred(&gaps(rows, zone)?, shown).map_err(|fault| refused(fault.into()))?
        }
    };
    if let Some(fault) = mixed_zones(options, &rows.summary, frequency) {
        return Err(refused(fault.into()).into());
    }
    let begin = bundle.and_then(|bundle| bundle.begin);
    let periods = |clock: &Clock| periods(rows, clock, frequency, begin);
    let zone = bundle.map(|bundle| &bundle.zone);
    let clock = Clock::settle(options, &rows.summary, zone, frequency, periods)?.map_err(refused)?;
    let clock = match &rows.stamps {
        Some(stamps) => clock.for_stamps(stamps.clone()),
        None => clock,
    };
    match clock.rule {
        Rule::EndOfStampedDay => Ok(clock.with_day_starts(distinct_stamps(rows)?)),
        _ => Ok(clock),
    }
}

/// Days in UTC beside those of a zone that the input names: one of them would end too early.
fn mixed_zones(options: &IngestOptions, summary: &StampSummary, frequency: Frequency) -> Option<TimeFault> {
    let is_clear = options.zone.is_some() || frequency.is_intraday() || !summary.in_utc;
    let (_, zone) = summary.zone.as_ref().filter(|_| !is_clear)?;
    Some(TimeFault::Zones { first: Zone::utc().name().to_owned(), other: zone.name().to_owned() })
}

/// # Errors
/// Where no frequency fits, or that of most bars does not fit an asset.
fn inferred(gaps: &Gaps, shown: Shown) -> Result<Frequency, FrequencyFault> {
    let frequency = match shown {
        Shown::Dates | Shown::Midnights => gaps.longer()?.unwrap_or(Frequency::Daily),
        Shown::Times => gaps.frequency()?,
    };
    gaps.check_assets(frequency)?;
    Ok(frequency)
}

fn check_kinds(rows: &Collected, sources: &[Source]) -> Result<()> {
    match (rows.summary.date, rows.summary.time) {
        (None, None) => {
            let findings = &rows.findings;
            let first = findings.rejected.examples.first().or(findings.unpriced.examples.first());
            let fault = RowFault::None { read: rows.read, first: first.cloned().map(Box::new) };
            Err(Finding::new(Place::of(first_names(sources)), fault).into())
        }
        (Some(date), Some(time)) => {
            let (later, earlier) = if date > time { (date, time) } else { (time, date) };
            let fault = TimeFault::Mixed { has_time: later == time, other: earlier.place(sources) };
            Err(Finding::new(later.place(sources), fault).into())
        }
        _ => Ok(()),
    }
}

fn first_names(sources: &[Source]) -> String {
    crate::ingest::report::first_names(sources)
}

fn gaps(rows: &Collected, zone: Option<&Zone>) -> Result<Gaps> {
    let named = rows.summary.zone.as_ref().map(|(_, zone)| &**zone);
    let of_times = || zone.or(named).unwrap_or(wall::utc()).clone();
    let mut gaps = Gaps::new((rows.summary.shown() == Shown::Times).then(of_times));
    each_ascending(rows, |name, stamps| gaps.add(name, stamps))?;
    Ok(gaps)
}

/// Which days of their weeks or months bars are stamped with; when those begin a bundle knows better that is appended to.
fn periods(rows: &Collected, clock: &Clock, frequency: Frequency, begin: Option<Begin>) -> Result<Periods> {
    let mut days = DaysOfPeriods::default();
    each_ascending(rows, |_, stamps| {
        let mut of_asset = DaysOfPeriods::default();
        stamps.iter().for_each(|&stamp| of_asset.add(clock.day(stamp), frequency));
        days.add_asset(of_asset);
    })?;
    let begin = match begin {
        Some(Begin::Usual(weekday)) => days.unless_others(frequency, weekday),
        Some(Begin::Anywhere) => Begin::Anywhere,
        None => days.begin(frequency),
    };
    Ok(Periods { shown: days.shown(), begin })
}

fn distinct_stamps(rows: &Collected) -> Result<Vec<i64>> {
    let distinct = |all: &mut Vec<i64>| {
        all.sort_unstable();
        all.dedup();
    };
    let (mut all, mut most) = (Vec::new(), 1 << 16);
    each_ascending(rows, |_, stamps| {
        all.extend_from_slice(stamps);
        // Once for each doubling, not for each asset.
        if all.len() > most {
            distinct(&mut all);
            most = most.max(2 * all.len());
        }
    })?;
    distinct(&mut all);
    Ok(all)
}

fn each_ascending(rows: &Collected, mut see: impl FnMut(&str, &[i64])) -> Result<()> {
    let mut gathered = AssetRows::default();
    for (name, number) in rows.by_name() {
        rows.gather(number, Want::Stamps, &mut gathered)?;
        if !gathered.stamps.is_sorted() {
            gathered.stamps.sort_unstable();
        }
        see(name, &gathered.stamps);
    }
    Ok(())
}

/// Rows of one asset for the same moment.
struct Duplicates<'a> {
    name: &'a str,
    rows: &'a AssetRows,
    clock: &'a Clock,
    sources: &'a [Source],
}

impl Duplicates<'_> {
    /// Tells of a row that is left out, since an earlier one is for the same moment. One that says the same is no fault.
    fn tell(
        &self,
        (later, first): (u32, u32),
        options: &IngestOptions,
        findings: &mut RowFindings,
    ) -> Result<()> {
        let (later, first) = (later as usize, first as usize);
        let id = self.rows.ids[later];
        let source = &self.sources[id.source()];
        let (place, earlier) = (id.place(self.sources), self.rows.ids[first].place(self.sources));
        let (values, others) = (self.rows.row(later), self.rows.row(first));
        let is_same =
            values.iter().zip(&others).all(|(one, other)| one == other || one.is_nan() && other.is_nan());
        if is_same {
            findings.repeated.add(|| Finding::new(place.clone(), RowFault::Repeated { earlier }));
        } else {
            let [known, known_later] = [first, later].map(|row| self.clock.known(self.rows.stamps[row]));
            let fault = RowFault::Duplicate {
                asset: self.name.to_owned(),
                known,
                is_of_day: known != known_later,
                earlier: Box::new(earlier),
                is_named_by_file: source.names_asset,
                unread_clock: source.unread_clock.as_deref().map(str::to_owned),
                apart: source.apart.as_deref().map(str::to_owned),
            };
            let finding = Finding::new(place.clone(), fault);
            match options.on_bad_row {
                BadRows::Fail => return Err(finding.into()),
                BadRows::Skip => findings.rejected.add(|| finding),
            }
        }
        findings.take_back(&place, &values, |value| value != Field::VOLUME.index() || source.has_volume);
        Ok(())
    }
}

/// The order of one asset's rows in time, and those that come too late.
#[derive(Debug)]
struct Order {
    /// The rows to keep, ascending in time; `None` where they are all of them as they stand.
    kept: Option<Vec<u32>>,
    /// Rows left out, each with the earlier one for the same time.
    duplicates: Vec<(u32, u32)>,
}

impl Order {
    /// Finds the order of an asset's rows, and fills in when their bars became known, row by row.
    fn of(rows: &mut AssetRows, clock: &Clock) -> Self {
        rows.known.clear();
        rows.known.extend(rows.stamps.iter().map(|&stamp| clock.known(stamp)));
        if rows.known.windows(2).all(|pair| pair[0] < pair[1] && !clock.are_of_one_day(pair[0], pair[1])) {
            return Self { kept: None, duplicates: Vec::new() };
        }
        let mut order: Vec<u32> = (0..rows.stamps.len() as u32).collect();
        let is_one_bar = |one, other| one == other || clock.are_of_one_day(one, other);
        // Stable, so that of two rows for the same time the one that was read first stays.
        order.sort_by_key(|&row| rows.known[row as usize]);
        let (mut kept, mut duplicates) = (Vec::<u32>::with_capacity(order.len()), Vec::new());
        for row in order {
            match kept.last() {
                Some(&first) if is_one_bar(rows.known[first as usize], rows.known[row as usize]) => {
                    duplicates.push((row, first));
                }
                _ => kept.push(row),
            }
        }
        Self { kept: Some(kept), duplicates }
    }

    /// Makes bars of the first `columns` columns of the rows.
    fn apply(&self, rows: &mut AssetRows, columns: usize) {
        let AssetRows { stamps, known, values, sorted, .. } = rows;
        sorted.clear();
        let Some(kept) = &self.kept else {
            std::mem::swap(values, sorted);
            return;
        };
        *known = kept.iter().map(|&row| known[row as usize]).collect();
        for column in values.chunks(stamps.len()).take(columns) {
            sorted.extend(kept.iter().map(|&row| column[row as usize]));
        }
    }
}

impl AssetRows {
    /// The values of one row.
    fn row(&self, row: usize) -> Vec<f64> {
        self.values.iter().skip(row).step_by(self.stamps.len().max(1)).copied().collect()
    }
}

/// Gathers one asset's bars, ascending in time: `known` and `sorted`.
///
/// # Errors
/// Where the temporary file cannot be read.
pub(in crate::ingest) fn gather_bars(
    rows: &Collected,
    asset: &Asset,
    clock: &Clock,
    into: &mut AssetRows,
) -> Result<()> {
    rows.gather(asset.number, Want::Values, into)?;
    let columns = into.values.len() / into.stamps.len().max(1);
    Order::of(into, clock).apply(into, columns);
    Ok(())
}
