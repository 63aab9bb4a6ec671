//! How a metric is distributed over the values of one parameter.

use serde::Serialize;

use super::axis::Axis;
use super::columns::Columns;
use super::packed::{Packed, packed_len};

/// The distribution of one metric in each cell of one axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Marginal {
    /// The place of the axis.
    pub axis: usize,
    /// The metric's place among the names.
    pub metric: usize,
    /// How many trials of each cell have a finite value.
    pub trials: Packed<u32>,
    /// For each cell five values: the smallest, the quartiles, the largest, of the finite ones; NaN where there is none.
    ///
    /// A quartile is a value that occurs: that at `round(q × (n - 1))` of the `n` sorted ones, halves rounded up.
    pub five: Packed<f32>,
}

/// The marginals of all axes, metrics in the order of `by_need`, as many as `room` bytes of a page take.
pub(super) fn all(
    columns: &Columns,
    axes: &[Axis],
    by_need: &[usize],
    room: usize,
    left_out: &mut Vec<String>,
) -> Vec<Marginal> {
    let cost = |axis: &Axis| packed_len(24 * axis.len()) + 100;
    let cost: usize = axes.iter().map(cost).sum();
    let fitting = room.checked_div(cost).unwrap_or(0).min(by_need.len());
    if fitting < by_need.len() && !axes.is_empty() {
        left_out.push(format!("Distributions by parameter: {fitting} of {} metrics.", by_need.len()));
    }
    let cells = columns.cells(axes);
    let each = |&metric: &usize| {
        let values = &columns.metrics[metric];
        (0..axes.len()).map(move |axis| (axis, metric, values))
    };
    let wanted = by_need[..fitting].iter().flat_map(each);
    wanted.map(|(axis, metric, values)| one(axis, metric, &cells[axis], axes[axis].len(), values)).collect()
}

fn one(axis: usize, metric: usize, cells: &[u8], count: usize, values: &[f32]) -> Marginal {
    let mut groups: Vec<Vec<f32>> = vec![Vec::new(); count];
    for (cell, value) in cells.iter().zip(values).filter(|(_, value)| value.is_finite()) {
        groups[usize::from(*cell)].push(*value);
    }
    let trials = groups.iter().map(|group| group.len() as u32).collect();
    let five = groups.iter_mut().flat_map(|group| five_of(group)).collect();
    Marginal { axis, metric, trials: Packed(trials), five: Packed(five) }
}

fn five_of(group: &mut [f32]) -> [f32; 5] {
    let ends = (group.iter().copied().min_by(f32::total_cmp), group.iter().copied().max_by(f32::total_cmp));
    let (Some(low), Some(high)) = ends else { return [f32::NAN; 5] };
    let last = group.len() - 1;
    let place = |quarter: usize| (last * quarter * 2 + 4) / 8;
    let (first, middle, third) = (place(1), place(2), place(3));
    // What is left and right of the median stays there: each quartile is looked for in its half alone.
    let (below, median, above) = group.select_nth_unstable_by(middle, f32::total_cmp);
    let median = *median;
    let within = |half: &mut [f32], place: usize| *half.select_nth_unstable_by(place, f32::total_cmp).1;
    let lower = if first == middle { median } else { within(below, first) };
    let upper = if third == middle { median } else { within(above, third - middle - 1) };
    [low, lower, median, upper, high]
}
