//! What must be known of all rows before the first bar is written: frequency, calendar, bars of each asset.

use bt_asset_cache::kernel::CalendarBuilder;
use bt_core::{Error, Frequency, Result, Timestamp};

use super::clock::{Clock, Gaps};
use super::collect::{AssetRows, Collected, Want};
use super::rows::{BadRow, LeftOut, Place, Source};
use super::{BadRows, IngestOptions};

/// An ingest whose every question is answered.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) clock: Clock,
    /// By name, those without a bar left out.
    pub(super) assets: Vec<Asset>,
    pub(super) calendar: Vec<Timestamp>,
    pub(super) duplicates: LeftOut,
}

#[derive(Debug)]
pub(super) struct Asset {
    pub(super) name: String,
    /// Its number in the collected rows.
    pub(super) number: usize,
    pub(super) bars: usize,
}

/// Passes over all stamps, once or (where the frequency of times within a day is to be inferred) twice.
///
/// # Errors
/// No rows; dates among times; a duplicate, where bad rows fail; what [`Clock::settle`] refuses.
pub(super) fn settle(rows: &Collected, sources: &[Source], options: &IngestOptions) -> Result<Settled> {
    check_kinds(rows, sources)?;
    let check_near = |gaps: &Gaps| match gaps.far_apart() {
        Some(reason) => Err(Error::invalid_input(super::report::first_names(sources), reason)),
        None => Ok(()),
    };
    let gaps_to_infer_from = || {
        let gaps = stamp_gaps(rows)?;
        check_near(&gaps).map(|()| gaps)
    };
    let clock = Clock::settle(options, rows.traits, gaps_to_infer_from)?;
    let clock = match &rows.stamps {
        Some(stamps) => clock.for_stamps(stamps.clone()),
        None => clock,
    };
    let (mut calendar, mut duplicates) = (CalendarBuilder::default(), LeftOut::default());
    let (mut assets, mut gathered, mut gaps) = (Vec::new(), AssetRows::default(), Gaps::default());
    for (name, number) in rows.by_name() {
        rows.gather(number, Want::Stamps, &mut gathered)?;
        let order = Order::of(&mut gathered, &clock);
        if !order.twins.is_empty() {
            rows.gather(number, Want::Places, &mut gathered)?;
        }
        for &(twin, first) in &order.twins {
            let bad = || twin_row(name, &gathered, twin as usize, first as usize, &clock, sources);
            match options.on_bad_row {
                BadRows::Fail => return Err(bad().into()),
                BadRows::Skip => duplicates.add(bad),
            }
        }
        order.apply(&mut gathered, 0);
        calendar.add(&gathered.known);
        gaps.add(Timestamp::slice_as_nanos(&gathered.known));
        assets.push(Asset { name: name.to_owned(), number, bars: gathered.known.len() });
    }
    if options.frequency.is_none() && clock.frequency == Frequency::Daily {
        check_near(&gaps)?;
    }
    Ok(Settled { clock, assets, calendar: calendar.finish(), duplicates })
}

fn check_kinds(rows: &Collected, sources: &[Source]) -> Result<()> {
    let traits = rows.traits;
    match (traits.date, traits.time) {
        (None, None) => {
            let names = super::report::first_names(sources);
            let reason = match rows.left_out.examples.first() {
                None => "there are no rows".to_owned(),
                Some(first) => {
                    let bad = super::report::counted(rows.left_out.count, "row");
                    format!("every row is bad ({bad}); the first: {first}")
                }
            };
            Err(Error::invalid_input(names, reason))
        }
        (Some(date), Some(time)) => {
            let (later, what, earlier, other) = match date > time {
                true => (date, "a date without a time", time, "a time"),
                false => (time, "a date with a time", date, "none"),
            };
            let reason = format!("{what}, but {} has {other}", place(earlier, sources));
            Err(BadRow::new(&sources[later.source()], later.number(), None, reason).into())
        }
        _ => Ok(()),
    }
}

fn place(place: Place, sources: &[Source]) -> String {
    let source = &sources[place.source()];
    format!("{}, {} {}", source.name, source.unit, place.number())
}

fn twin_row(
    name: &str,
    rows: &AssetRows,
    twin: usize,
    first: usize,
    clock: &Clock,
    sources: &[Source],
) -> BadRow {
    let (known, twin) = (clock.known(rows.stamps[first]), rows.places[twin]);
    let earlier = place(rows.places[first], sources);
    let reason = format!("{name:?} has a bar for the same time (known {known}) already, in {earlier}");
    BadRow::new(&sources[twin.source()], twin.number(), None, reason)
}

fn stamp_gaps(rows: &Collected) -> Result<Gaps> {
    let (mut gaps, mut gathered) = (Gaps::default(), AssetRows::default());
    for (_, number) in rows.by_name() {
        rows.gather(number, Want::Stamps, &mut gathered)?;
        if !gathered.stamps.is_sorted() {
            gathered.stamps.sort_unstable();
        }
        gaps.add(&gathered.stamps);
    }
    Ok(gaps)
}

/// The order of one asset's rows in time, and those that come too late.
#[derive(Debug)]
struct Order {
    /// The rows to keep, ascending in time; `None` where they are all of them as they stand.
    kept: Option<Vec<u32>>,
    /// Rows left out, each with the earlier one for the same time.
    twins: Vec<(u32, u32)>,
}

impl Order {
    /// Finds the order of an asset's rows, and fills in when their bars became known, row by row.
    fn of(rows: &mut AssetRows, clock: &Clock) -> Self {
        rows.known.clear();
        rows.known.extend(rows.stamps.iter().map(|&stamp| clock.known(stamp)));
        if rows.known.windows(2).all(|pair| pair[0] < pair[1]) {
            return Self { kept: None, twins: Vec::new() };
        }
        let mut order: Vec<u32> = (0..rows.stamps.len() as u32).collect();
        // Stable, so that of two rows for the same time the one that was read first stays.
        order.sort_by_key(|&row| rows.known[row as usize]);
        let (mut kept, mut twins) = (Vec::<u32>::with_capacity(order.len()), Vec::new());
        for row in order {
            match kept.last() {
                Some(&first) if rows.known[first as usize] == rows.known[row as usize] => {
                    twins.push((row, first))
                }
                _ => kept.push(row),
            }
        }
        Self { kept: Some(kept), twins }
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

/// Gathers one asset's bars, ascending in time: `known` and `sorted`.
///
/// # Errors
/// Where the temporary file cannot be read.
pub(super) fn gather_bars(
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
