//! One or several fields of many assets on the bundle's calendar.

use bt_core::ndarray::{Array3, ArrayView3, CowArray, Ix3, ShapeBuilder};
use bt_core::{AssetId, Error, Field, Result};

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
    let lattice = set.lattice()?;
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
        for &asset in assets {
            match whole(portal, asset, field, rows) {
                Some(column) => values.extend_from_slice(column),
                None => {
                    values.resize(values.len() + rows.blank, f64::NAN);
                    portal.series(asset, field)?.align(portal.calendar, rows.start, rows.end, &mut values);
                }
            }
        }
    }
    Ok(values)
}

/// The asset's column, where it has a bar at each of the moments and no gap anywhere: most columns of most panels.
#[inline]
fn whole<'a>(portal: &DataPortal<'a>, asset: AssetId, field: Field, rows: Rows) -> Option<&'a [f64]> {
    let span = portal.span(asset).filter(|span| !span.has_gaps() && rows.blank == 0)?;
    let start = rows.start.checked_sub(span.calendar_first as usize)?;
    let count = rows.end - rows.start;
    let first = field.index() * portal.all.stride() + span.first as usize + start;
    let inside = start + count <= span.len as usize && portal.has_field(field);
    portal.all.values().get(first..first + count).filter(|_| inside)
}

fn room_for(rows: usize, assets: usize, fields: usize) -> Result<Vec<f64>> {
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
