use bt_core::{Calendar, Result, Slab, Span, Timestamp};

use super::CalendarBuilder;

/// The calendar of a bundle, and where each asset's bars lie in it.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The distinct timestamps, ascending.
    pub calendar: Vec<Timestamp>,
    /// One for each asset.
    pub spans: Vec<Span>,
    /// See [`Slab::positions`].
    pub positions: Vec<u32>,
}

/// Finds the calendar of rows sorted by asset, of which `starts` says where each asset's begin (and where the last ends).
///
/// `Ok(None)` where an asset's timestamps do not ascend strictly. One comparison a row where the longest asset's
/// timestamps are the calendar and no asset has gaps; otherwise a few times that.
///
/// # Errors
/// [`Corrupt`](bt_core::ErrorKind::Corrupt) where an asset has 2^32 bars or more.
///
/// # Panics
/// Where `starts` does not ascend or points beyond the rows.
pub fn index(timestamps: &[Timestamp], starts: &[usize]) -> Result<Option<Index>> {
    let assets = || starts.windows(2).map(|bounds| &timestamps[bounds[0]..bounds[1]]);
    let longest = assets().max_by_key(|times| times.len()).unwrap_or_default();
    if !ascends(longest) {
        return Ok(None);
    }
    if let Some(spans) = common(longest, assets()) {
        return Ok(Some(Index { calendar: longest.to_vec(), spans, positions: Vec::new() }));
    }
    if !assets().all(ascends) {
        return Ok(None);
    }
    let calendar = union(longest, assets());
    let (spans, positions) = Slab::index(Calendar::from_sorted(&calendar), assets())?;
    Ok(Some(Index { calendar, spans, positions }))
}

fn ascends(times: &[Timestamp]) -> bool {
    times.windows(2).all(|pair| pair[0] < pair[1])
}

/// The spans, where each asset's timestamps follow each other in the calendar too.
fn common<'t>(calendar: &[Timestamp], assets: impl Iterator<Item = &'t [Timestamp]>) -> Option<Vec<Span>> {
    let mut first = 0;
    assets
        .map(|times| {
            let from = times.first().map_or(0, |start| calendar.partition_point(|moment| moment < start));
            // Compared as integers, which is a comparison of memory.
            let moments = Timestamp::slice_as_nanos(calendar.get(from..from + times.len())?);
            let len = u32::try_from(times.len()).ok()?;
            let calendar_first = if len == 0 { 0 } else { u32::try_from(from).ok()? };
            let span = Span { first, positions_first: 0, len, calendar_first, calendar_len: len };
            first = span.end();
            (moments == Timestamp::slice_as_nanos(times)).then_some(span)
        })
        .collect()
}

/// All moments of all assets, ascending. Most of them are those of `longest`, so it goes first.
fn union<'t>(longest: &'t [Timestamp], assets: impl Iterator<Item = &'t [Timestamp]>) -> Vec<Timestamp> {
    let mut calendar = CalendarBuilder::default();
    std::iter::once(longest).chain(assets).for_each(|times| calendar.add(times));
    calendar.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: &[i64]) -> Vec<Timestamp> {
        nanos.iter().map(|&nanos| Timestamp::from_nanos(nanos)).collect()
    }

    fn indexed(assets: &[&[i64]]) -> Option<Index> {
        let mut starts = vec![0];
        assets.iter().for_each(|asset| starts.push(starts[starts.len() - 1] + asset.len()));
        index(&at(&assets.concat()), &starts).unwrap()
    }

    #[test]
    fn the_short_way_and_the_general_way_give_the_same_spans() {
        let assets: [&[i64]; 4] = [&[2, 3], &[1, 2, 3, 4], &[], &[4]];
        let short = indexed(&assets).unwrap();
        let slices: Vec<_> = assets.iter().map(|asset| at(asset)).collect();
        let (spans, positions) =
            Slab::index(Calendar::from_sorted(&short.calendar), slices.iter().map(Vec::as_slice)).unwrap();
        assert_eq!((short.spans, short.positions), (spans, positions));
        assert_eq!(short.calendar, at(&[1, 2, 3, 4]));
    }

    #[test]
    fn moments_that_the_longest_asset_lacks_are_in_the_calendar() {
        let index = indexed(&[&[1, 3, 5], &[2, 4], &[4, 5], &[9]]).unwrap();
        assert_eq!(index.calendar, at(&[1, 2, 3, 4, 5, 9]));
        assert_eq!(index.spans[1].len, 2);
        assert!(index.spans[1].has_gaps() && !index.spans[2].has_gaps());
    }

    #[test]
    fn assets_out_of_order_or_with_twins_are_told() {
        for assets in
            [[&[1, 2, 3][..], &[2, 1]], [&[3, 2, 1], &[1]], [&[1, 1, 2], &[1]], [&[1, 2, 3], &[1, 1]]]
        {
            assert!(indexed(&assets).is_none(), "{assets:?}");
        }
    }

    #[test]
    fn no_rows_have_an_empty_calendar() {
        assert!(indexed(&[]).unwrap().calendar.is_empty());
        assert!(index(&[], &[]).unwrap().unwrap().spans.is_empty());
    }
}
