//! One or several fields of many assets on the bundle's calendar.

use std::hint::select_unpredictable;
use std::ops::Range;

use bt_core::ndarray::{Array3, ArrayView3, CowArray, Ix3, ShapeBuilder};
use bt_core::{AssetId, Error, Field, Result, Span};

use crate::{AssetSet, DataPortal, Moment};

/// Which part of the calendar a panel covers: `blank` rows before it begins, then its moments `start..end`.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) blank: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Rows {
    #[inline]
    pub(crate) fn of(moment: Moment<'_>, bar_count: usize) -> Self {
        let end = moment.position;
        let start = end.saturating_sub(bar_count);
        Self { blank: bar_count - (end - start), start, end }
    }

    #[inline]
    pub(crate) fn count(self) -> usize {
        self.blank + (self.end - self.start)
    }
}

/// The panel as a view of the bundle, where its values lie at equal distances; shape (rows, assets, fields).
#[inline]
pub(crate) fn view<'a>(
    portal: &'a DataPortal<'a>,
    set: &AssetSet,
    fields: &[Field],
    rows: Rows,
) -> Option<ArrayView3<'a, f64>> {
    let lattice = set.lattice(portal)?;
    let first = lattice.row(rows.start, rows.end).filter(|_| rows.blank == 0)?;
    let (first_field, field_step) = field_steps(fields)?;
    let stride = portal.all.stride();
    let shape = (rows.count(), set.len(), fields.len()).strides((1, lattice.step, field_step * stride));
    let values = portal.all.values().get(first_field * stride + first..)?;
    ArrayView3::from_shape(shape, values).ok()
}

/// The panel's values, copied: for each field, for each asset, `rows`.
pub(crate) fn gather(
    portal: &DataPortal<'_>,
    assets: &[AssetId],
    fields: &[Field],
    rows: Rows,
) -> Result<Vec<f64>> {
    let mut values = room_for(rows.count(), assets.len(), fields.len())?;
    for &field in fields {
        let column = portal.column(field)?;
        for &asset in assets {
            match portal.span(asset) {
                Some(span) => {
                    copy(portal, span, column, rows, &mut values).ok_or_else(|| portal.missing(field))?
                }
                None => search(portal, asset, field, rows, &mut values)?,
            }
        }
    }
    Ok(values)
}

/// Appends one field of one asset of the slab. `None`, and what is appended without meaning, where the slab lacks it.
#[inline]
fn copy(portal: &DataPortal<'_>, span: &Span, column: &[f64], rows: Rows, out: &mut Vec<f64>) -> Option<()> {
    let bars = column.get(span.first as usize..)?.get(..span.len as usize)?;
    let listed = span.calendar_first as usize;
    let delisted = listed + span.calendar_len as usize;
    let moments = rows.start.clamp(listed, delisted) - listed..rows.end.clamp(listed, delisted) - listed;
    if moments.len() == rows.count() && !span.has_gaps() {
        out.extend_from_slice(bars.get(moments)?);
        return Some(());
    }
    let before = out.len();
    let unlisted = listed.clamp(rows.start, rows.end) - rows.start;
    out.resize(before + rows.blank + unlisted, f64::NAN);
    match portal.table(span) {
        None => out.extend_from_slice(bars.get(moments)?),
        Some(table) => {
            let first = out.len();
            out.resize(first + moments.len(), f64::NAN);
            spread(table, moments, bars, &mut out[first..]);
        }
    }
    out.resize(before + rows.count(), f64::NAN);
    Some(())
}

/// The bars at these moments since the asset's first bar, NaN in its gaps.
fn spread(table: &[u32], moments: Range<usize>, bars: &[f64], out: &mut [f64]) {
    let last = moments.start.checked_sub(1).and_then(|last| table.get(last));
    let mut before = last.copied().unwrap_or(0);
    for (value, &known) in out.iter_mut().zip(table.get(moments).unwrap_or_default()) {
        let has_bar = std::mem::replace(&mut before, known) != known;
        let bar = bars.get((known as usize).wrapping_sub(1)).copied().unwrap_or(f64::NAN);
        // Which moments have gaps is nothing that a processor could guess; as bits, so that no branch is made of it.
        *value = f64::from_bits(select_unpredictable(has_bar, bar.to_bits(), f64::NAN.to_bits()));
    }
}

/// Appends one field of one asset of a bundle without a slab: one search, then bars and moments side by side.
fn search(
    portal: &DataPortal<'_>,
    asset: AssetId,
    field: Field,
    rows: Rows,
    out: &mut Vec<f64>,
) -> Result<()> {
    let bars = portal.search(asset)?;
    let values = bars.get(field).filter(|_| portal.has_field(field)).ok_or_else(|| portal.missing(field))?;
    let (timestamps, moments) = (bars.timestamps(), &portal.calendar[rows.start..rows.end]);
    let mut next = moments.first().map_or(0, |first| timestamps.partition_point(|bar| bar < first));
    out.resize(out.len() + rows.blank, f64::NAN);
    out.extend(moments.iter().map(|moment| {
        let bar = next;
        next += usize::from(timestamps.get(bar) == Some(moment));
        if next > bar { values[bar] } else { f64::NAN }
    }));
    Ok(())
}

pub(crate) fn room_for<T>(rows: usize, assets: usize, fields: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let len = rows.checked_mul(assets).and_then(|len| len.checked_mul(fields));
    match len.map(|len| values.try_reserve_exact(len)) {
        Some(Ok(())) => Ok(values),
        _ => Err(Error::invalid_option(
            "bar_count",
            rows,
            format!("a panel of {assets} assets × {fields} fields that fits into memory"),
        )),
    }
}

/// Shape (rows, assets, fields) on values that lie column after column.
pub(crate) fn owned<'a>(values: Vec<f64>, assets: usize, fields: usize) -> CowArray<'a, f64, Ix3> {
    let rows = values.len() / (assets * fields);
    let array = Array3::from_shape_vec((rows, assets, fields).f(), values);
    CowArray::from(array.unwrap_or_else(|_| unreachable!("every column has the same number of rows")))
}

/// The first field's number and the distance to the next, where fields follow each other at equal distances.
#[inline]
pub(crate) fn field_steps(fields: &[Field]) -> Option<(usize, usize)> {
    let first = fields.first()?.index();
    let step = fields.get(1).map_or(1, |second| second.index().saturating_sub(first));
    let regular = fields.windows(2).all(|pair| pair[1].index().saturating_sub(pair[0].index()) == step);
    (regular && step > 0).then_some((first, step))
}
