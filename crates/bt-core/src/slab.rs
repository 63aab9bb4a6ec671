use crate::{Bars, Calendar, Error, Result, Timestamp};

/// Where one asset's bars lie in a [`Slab`], and how the bundle's calendar finds them. 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The asset's first row.
    pub first: u64,
    /// Where its table starts in [`Slab::positions`]; without meaning for an asset without gaps, which has no table.
    pub positions_first: u64,
    /// Its number of bars.
    pub len: u32,
    /// The position of its first bar in the bundle's calendar.
    pub calendar_first: u32,
    /// Moments of the calendar from its first bar to its last, both included. More than `len` where there are gaps.
    pub calendar_len: u32,
}

impl Span {
    /// Whether a moment between the asset's first and last bar lacks a bar.
    #[inline]
    pub const fn has_gaps(&self) -> bool {
        self.len != self.calendar_len
    }

    /// How many of the asset's bars are known when `position` moments of the calendar have happened.
    ///
    /// Arithmetic where there are no gaps, one look into the table where there are. Never more than `len`, whatever a
    /// damaged table says.
    #[inline]
    pub fn known(&self, positions: &[u32], position: usize) -> usize {
        let since_first =
            position.saturating_sub(self.calendar_first as usize).min(self.calendar_len as usize);
        if !self.has_gaps() || since_first == 0 {
            return since_first;
        }
        let entry = (self.positions_first as usize).wrapping_add(since_first - 1);
        positions.get(entry).map_or(0, |&known| (known as usize).min(self.len as usize))
    }

    /// Whether the asset has a bar at the last of the `position` moments that have happened. False before its listing,
    /// in a gap and after its delisting.
    #[inline]
    pub fn has_bar(&self, positions: &[u32], position: usize) -> bool {
        position > 0 && self.known(positions, position) > self.known(positions, position - 1)
    }

    /// One row past the asset's last.
    #[inline]
    pub const fn end(&self) -> u64 {
        self.first.saturating_add(self.len as u64)
    }
}

/// All assets' bars in one matrix: the fast path under every view.
#[derive(Clone, Copy, Debug)]
pub struct Slab<'a> {
    /// All rows, sorted by (asset, time). In a slice of a bundle, also rows that belong to none of the spans.
    pub all: Bars<'a>,
    /// The assets, by rank.
    pub spans: &'a [Span],
    /// For each asset with gaps, one entry for each calendar moment from its first bar to its last: how many of its
    /// bars are known then.
    pub positions: &'a [u32],
}

impl<'a> Slab<'a> {
    /// One asset's bars.
    ///
    /// # Panics
    /// Where there is no such rank, or where its span lies outside the matrix, which [`check`](Self::check) excludes.
    #[inline]
    pub fn bars(&self, rank: usize) -> Bars<'a> {
        let span = &self.spans[rank];
        self.all.slice(span.first as usize, span.end() as usize)
    }

    /// Checks that every span and every table lies inside, that spans follow each other and that they fill the matrix,
    /// in O(assets). Whoever makes a slab from a file calls it once.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) with the first asset that does not fit.
    pub fn check(&self, calendar_len: usize) -> Result<()> {
        self.check_slice(calendar_len)?;
        let (mut next_row, rows) = (0, self.all.len() as u64);
        for (rank, span) in self.spans.iter().enumerate() {
            if span.first != next_row {
                return Err(misplaced(rank, span));
            }
            next_row = span.end();
        }
        if next_row == rows {
            Ok(())
        } else {
            Err(Error::corrupt("the spans", format!("they cover {next_row} of {rows} rows")))
        }
    }

    /// As [`check`](Self::check), but rows of no asset may lie before, between and after the spans, as they do in a
    /// slice of a bundle that shares the bundle's matrix.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) with the first asset that does not fit.
    pub fn check_slice(&self, calendar_len: usize) -> Result<()> {
        let mut next_row = 0;
        for (rank, span) in self.spans.iter().enumerate() {
            let in_calendar =
                u64::from(span.calendar_first) + u64::from(span.calendar_len) <= calendar_len as u64;
            let table_end = span.positions_first.checked_add(u64::from(span.calendar_len));
            let in_table =
                !span.has_gaps() || table_end.is_some_and(|end| end <= self.positions.len() as u64);
            let in_matrix = span.first >= next_row && span.end() <= self.all.len() as u64;
            if !in_matrix || span.len > span.calendar_len || !in_calendar || !in_table {
                return Err(misplaced(rank, span));
            }
            next_row = span.end();
        }
        Ok(())
    }

    /// Finds each asset's place in the calendar: its span, and one table for all assets with gaps.
    ///
    /// `assets` are the assets' timestamps by rank, each ascending. O(rows + calendar moments of assets with gaps).
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) where a timestamp is not in the calendar or does not ascend, or
    /// where the calendar or an asset has more than 2^32 − 1 moments.
    pub fn index<'t>(
        calendar: Calendar<'_>,
        assets: impl IntoIterator<Item = &'t [Timestamp]>,
    ) -> Result<(Vec<Span>, Vec<u32>)> {
        check_calendar(calendar.len())?;
        let (mut spans, mut positions, mut first) = (Vec::new(), Vec::new(), 0);
        for timestamps in assets {
            let span = place(calendar, timestamps, first, &mut positions)
                .map_err(|reason| Error::corrupt(format!("asset {}", spans.len()), reason))?;
            first = span.end();
            spans.push(span);
        }
        Ok((spans, positions))
    }
}

/// Positions in the calendar are kept in 32 bits.
fn check_calendar(moments: usize) -> Result<()> {
    match u32::try_from(moments) {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(Error::corrupt("the calendar", format!("it has {moments} moments; {} are allowed", u32::MAX)))
        }
    }
}

#[cold]
fn misplaced(rank: usize, span: &Span) -> Error {
    Error::corrupt(format!("the span of asset {rank}"), format!("{span:?} does not fit"))
}

fn place(
    calendar: Calendar<'_>,
    timestamps: &[Timestamp],
    first: u64,
    positions: &mut Vec<u32>,
) -> Result<Span, String> {
    let len = u32::try_from(timestamps.len()).map_err(|_| format!("it has {} bars", timestamps.len()))?;
    let (Some(&start), Some(&end)) = (timestamps.first(), timestamps.last()) else {
        return Ok(Span { first, ..Span::default() });
    };
    let from = calendar.partition_point(|&moment| moment < start);
    let to = calendar.known_at(end).max(from);
    let moments = &calendar[from..to];
    let span = Span {
        first,
        positions_first: positions.len() as u64,
        len,
        calendar_first: from as u32,
        calendar_len: moments.len() as u32,
    };
    if moments != timestamps {
        tabulate(moments, timestamps, positions)?;
    }
    Ok(span)
}

fn tabulate(moments: &[Timestamp], timestamps: &[Timestamp], positions: &mut Vec<u32>) -> Result<(), String> {
    let mut known = 0;
    positions.extend(moments.iter().map(|moment| {
        known += usize::from(timestamps.get(known) == Some(moment));
        known as u32
    }));
    match timestamps.get(known) {
        None => Ok(()),
        Some(stray) => Err(format!("its bar at {stray} is not in the calendar, repeats or is out of order")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: &[i64]) -> Vec<Timestamp> {
        nanos.iter().map(|&n| Timestamp::from_nanos(n)).collect()
    }

    #[test]
    fn known_bars_agree_with_a_search_for_assets_with_and_without_gaps() {
        let calendar = at(&[10, 20, 30, 40, 50, 60]);
        let assets = [
            at(&[20, 30, 40]),
            at(&[10, 40, 60]),
            at(&[60]),
            at(&[]),
            at(&[10, 20, 30, 40, 50, 60]),
            at(&[10, 30]),
        ];
        let (spans, positions) =
            Slab::index(Calendar::from_sorted(&calendar), assets.iter().map(Vec::as_slice)).unwrap();
        for position in 0..=calendar.len() {
            let now = position.checked_sub(1).map(|last| calendar[last]);
            for (span, asset) in spans.iter().zip(&assets) {
                let known = asset.iter().filter(|&&bar| Some(bar) <= now).count();
                let has_bar = asset.iter().any(|&bar| Some(bar) == now);
                assert_eq!(span.known(&positions, position), known, "{asset:?} at {position}");
                assert_eq!(span.has_bar(&positions, position), has_bar, "{asset:?} at {position}");
            }
        }
        assert_eq!(
            spans.iter().map(Span::has_gaps).collect::<Vec<_>>(),
            [false, true, false, false, false, true]
        );
    }

    #[test]
    fn a_bar_outside_the_calendar_is_refused() {
        let calendar = at(&[10, 20, 30]);
        for asset in [at(&[10, 25]), at(&[20, 10]), at(&[10, 10]), at(&[40]), at(&[5, 10])] {
            let indexed = Slab::index(Calendar::from_sorted(&calendar), [asset.as_slice()]);
            assert!(indexed.is_err(), "{asset:?} gave {indexed:?}");
        }
    }

    #[test]
    fn a_calendar_whose_positions_do_not_fit_is_refused() {
        assert!(check_calendar(u32::MAX as usize).is_ok());
        let error = check_calendar(u32::MAX as usize + 1).unwrap_err().to_string();
        assert!(error.contains("4294967296 moments; 4294967295 are allowed"), "{error}");
    }

    #[test]
    fn a_damaged_table_never_gives_more_bars_than_there_are() {
        let span = Span { first: 0, positions_first: 0, len: 2, calendar_first: 0, calendar_len: 3 };
        assert_eq!(span.known(&[u32::MAX; 3], 2), 2);
        assert_eq!(span.known(&[], 2), 0);
        let far = Span { positions_first: u64::MAX, ..span };
        assert_eq!(far.known(&[1, 1, 2], 1), 0);
    }

    #[test]
    fn spans_that_overlap_leave_holes_or_leave_the_matrix_are_refused() {
        let moments = at(&[1, 2, 3, 4]);
        let values = [0.0; 20];
        let all = Bars::new(&moments, &values, 4).unwrap();
        let span = |first, len| Span { first, positions_first: 0, len, calendar_first: 0, calendar_len: len };
        let check = |spans: &[Span]| Slab { all, spans, positions: &[] }.check(4);
        assert!(check(&[span(0, 2), span(2, 2)]).is_ok());
        assert!(check(&[span(0, 2), span(1, 3)]).is_err());
        assert!(check(&[span(0, 2), span(3, 1)]).is_err());
        assert!(check(&[span(0, 2)]).is_err());
        assert!(check(&[span(0, 5)]).is_err());
        assert!(check(&[Span { len: 3, ..span(0, 4) }]).is_err());
    }

    #[test]
    fn a_slice_may_leave_rows_out_but_not_share_or_leave_the_matrix() {
        let moments = at(&[1, 2, 3, 4]);
        let values = [0.0; 20];
        let all = Bars::new(&moments, &values, 4).unwrap();
        let span = |first, len| Span { first, positions_first: 0, len, calendar_first: 0, calendar_len: len };
        let check = |spans: &[Span]| Slab { all, spans, positions: &[] }.check_slice(4);
        assert!(check(&[span(0, 1), span(2, 1)]).is_ok());
        assert!(check(&[span(1, 0), span(1, 2), span(4, 0)]).is_ok());
        assert!(check(&[span(0, 2), span(1, 2)]).is_err());
        assert!(check(&[span(2, 3)]).is_err());
        assert!(check(&[Span { first: u64::MAX, ..span(0, 1) }]).is_err());
    }
}
