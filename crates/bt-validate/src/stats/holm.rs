//! Holm's step-down adjustment for many p values.

/// Each p value adjusted by Holm's method, in the order given.
///
/// The smallest is multiplied by their number, the next by one less, and so on; none is smaller than the one before
/// it in rank nor above 1 (Holm, "A simple sequentially rejective multiple test procedure", 1979).
///
/// ```
/// let adjusted = bt_validate::stats::holm(&[0.02, 0.5]);
/// assert_eq!(adjusted, [0.04, 0.5]);
/// ```
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut floor = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        floor = floor.max((p_values.len() - rank) as f64 * p_values[index]).min(1.0);
        adjusted[index] = floor;
    }
    adjusted
}
