//! A metric over two parameters at a time.

use std::cmp::Ordering;

use serde::Serialize;

use super::axis::Axis;
use super::columns::Columns;
use super::packed::{Packed, packed_len};

/// Metrics over the cells of two axes. Cells come row by row: `y * x_axis.len() + x`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heatmap {
    /// The place of the axis to the right.
    pub x: usize,
    /// The place of the axis upwards.
    pub y: usize,
    /// How many trials each cell has.
    pub trials: Packed<u32>,
    /// The metrics for which there was room, the objective first.
    pub layers: Vec<Layer>,
}

/// One metric of a heat map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// The metric's place among the names.
    pub metric: usize,
    /// Its value in the cell's best trial by the objective; NaN where the cell has none.
    pub best: Packed<f32>,
    /// The mean of its finite values in the cell; NaN where there is none.
    pub mean: Packed<f32>,
}

/// The heat maps of all pairs of axes, metrics in the order of `by_need`, as many as `room` bytes of a page take.
pub(super) fn all(
    columns: &Columns,
    axes: &[Axis],
    by_need: &[usize],
    room: usize,
    left_out: &mut Vec<String>,
) -> Vec<Heatmap> {
    let pairs: Vec<(usize, usize)> =
        (0..axes.len()).flat_map(|x| (x + 1..axes.len()).map(move |y| (x, y))).collect();
    let planned = plan(axes, &pairs, by_need, room);
    let fitting: usize = planned.iter().map(Vec::len).sum();
    let wanted = pairs.len() * by_need.len();
    if fitting < wanted {
        left_out.push(format!(
            "Heat maps: {} of {wanted} combinations of two parameters and a metric are left out to keep the page small.",
            wanted - fitting
        ));
    }
    let cells = columns.cells(axes);
    let planned = pairs.into_iter().zip(planned).filter(|(_, metrics)| !metrics.is_empty());
    planned.map(|((x, y), metrics)| one(columns, axes, &cells, (x, y), &metrics)).collect()
}

/// Which metrics each pair gets: the most needed metric for all pairs first.
fn plan(axes: &[Axis], pairs: &[(usize, usize)], by_need: &[usize], room: usize) -> Vec<Vec<usize>> {
    let mut planned: Vec<Vec<usize>> = vec![Vec::new(); pairs.len()];
    let mut left = room;
    for &metric in by_need {
        for (&(x, y), metrics) in pairs.iter().zip(&mut planned) {
            let array = packed_len(4 * axes[x].len() * axes[y].len());
            let cost = if metrics.is_empty() { 3 * array } else { 2 * array } + 100;
            if let Some(rest) = left.checked_sub(cost) {
                left = rest;
                metrics.push(metric);
            }
        }
    }
    planned
}

fn one(
    columns: &Columns,
    axes: &[Axis],
    cells: &[Vec<u8>],
    (x, y): (usize, usize),
    metrics: &[usize],
) -> Heatmap {
    let width = axes[x].len();
    let count = width * axes[y].len();
    let places: Vec<u16> =
        cells[x].iter().zip(&cells[y]).map(|(x, y)| u16::from(*y) * width as u16 + u16::from(*x)).collect();
    let mut trials = vec![0_u32; count];
    let mut best: Vec<Option<usize>> = vec![None; count];
    for (trial, &cell) in places.iter().enumerate() {
        let cell = usize::from(cell);
        trials[cell] += 1;
        let wins = best[cell].is_none_or(|other| columns.rank(trial, other) == Ordering::Less);
        if wins && columns.has_score(trial) {
            best[cell] = Some(trial);
        }
    }
    let layer = |&metric: &usize| {
        let values = &columns.metrics[metric];
        let best = best.iter().map(|trial| trial.map_or(f32::NAN, |trial| values[trial])).collect();
        Layer { metric, best: Packed(best), mean: Packed(means(values, count, &places)) }
    };
    Heatmap { x, y, trials: Packed(trials), layers: metrics.iter().map(layer).collect() }
}

fn means(values: &[f32], cells: usize, places: &[u16]) -> Vec<f32> {
    let mut sums = vec![(0.0_f64, 0_u32); cells];
    for (value, place) in values.iter().zip(places).filter(|(value, _)| value.is_finite()) {
        let (sum, count) = &mut sums[usize::from(*place)];
        *sum += f64::from(*value);
        *count += 1;
    }
    sums.into_iter().map(|(sum, count)| (sum / f64::from(count)) as f32).collect()
}
