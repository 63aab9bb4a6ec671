use std::cmp::Ordering;

use super::axis::Axis;

/// The plotted trials in columns: what aggregates are computed from.
#[derive(Debug)]
pub(super) struct Columns {
    /// For each parameter the cell of each trial.
    params: Vec<Vec<u8>>,
    /// For each metric its value in each trial, rounded as the page shows it.
    pub(super) metrics: Vec<Vec<f32>>,
    /// The objective's score of each trial, NaN where there is none.
    scores: Vec<f64>,
    /// The fold and the number of each trial.
    ids: Vec<(u32, u64)>,
}

impl Columns {
    pub(super) fn new(parameters: usize, metrics: usize) -> Self {
        Self {
            params: vec![Vec::new(); parameters],
            metrics: vec![Vec::new(); metrics],
            scores: Vec::new(),
            ids: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, cells: &[u8], metrics: &[f64], score: Option<f64>, id: (u32, u64)) {
        self.params.iter_mut().zip(cells).for_each(|(column, cell)| column.push(*cell));
        self.metrics.iter_mut().zip(metrics).for_each(|(column, value)| column.push(*value as f32));
        self.scores.push(score.unwrap_or(f64::NAN));
        self.ids.push(id);
    }

    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    /// The folds as an axis, where there are several.
    pub(super) fn fold_axis(&self) -> Option<Axis> {
        let mut folds: Vec<u32> = self.ids.iter().map(|id| id.0).collect();
        folds.sort_unstable();
        folds.dedup();
        (folds.len() > 1).then(|| Axis::of_folds(&folds))
    }

    /// For each axis the cell of each trial, the folds' axis included.
    pub(super) fn cells(&self, axes: &[Axis]) -> Vec<Vec<u8>> {
        let mut cells = self.params.clone();
        if let Some(axis) = axes.last().filter(|axis| axis.fold) {
            let cell = |id: &(u32, u64)| axis.cell_of_fold(id.0);
            cells.push(self.ids.iter().map(cell).collect());
        }
        cells
    }

    /// The better one of two trials first: by score, then by fold and number, so that the order in which trials came makes
    /// no difference. One without a score comes after any with one.
    pub(super) fn rank(&self, a: usize, b: usize) -> Ordering {
        let (score, other) = (self.scores[a], self.scores[b]);
        let by_score = match (score.is_nan(), other.is_nan()) {
            (false, false) => other.partial_cmp(&score).unwrap_or(Ordering::Equal),
            (undefined, other_undefined) => undefined.cmp(&other_undefined),
        };
        by_score.then_with(|| self.ids[a].cmp(&self.ids[b]))
    }

    pub(super) fn has_score(&self, trial: usize) -> bool {
        !self.scores[trial].is_nan()
    }
}
