use bt_core::{Bars, Field};

/// The first bar that cannot be, and why: infinite numbers, a high below the low, an open or a close outside both, a
/// volume below 0. NaN is a missing value, not a fault. O(bars × columns).
///
/// Grouping does not refuse such bars, since what a table holds is for its source to say; an ingest asks here.
///
/// ```
/// use bt_asset_cache::kernel::first_fault;
/// use bt_core::{Bars, Timestamp};
/// let timestamps = [Timestamp::from_nanos(1)];
/// //               open  high  low  close  volume
/// let bars = |low| [10.0, 11.0, low, 10.5, 100.0];
/// assert!(first_fault(Bars::new(&timestamps, &bars(9.0), 1)?).is_none());
/// assert_eq!(first_fault(Bars::new(&timestamps, &bars(12.0), 1)?).unwrap().1, "high 11 is below low 12");
/// # Ok::<(), bt_core::Error>(())
/// ```
pub fn first_fault(bars: Bars<'_>) -> Option<(usize, String)> {
    let columns = (5..).map_while(|at| bars.get(Field::extra(at - 5)?)).collect::<Vec<_>>();
    let ohlcv = Field::OHLCV.map(|field| bars.field(field));
    (0..bars.len()).find_map(|row| {
        let extra_fault = || columns.iter().find(|column| column[row].is_infinite());
        fault(ohlcv.map(|column| column[row]))
            .or_else(|| extra_fault().map(|column| format!("an extra column is {}", column[row])))
            .map(|reason| (row, reason))
    })
}

fn fault([open, high, low, close, volume]: [f64; 5]) -> Option<String> {
    let named = Field::NAMES.iter().zip([open, high, low, close, volume]);
    let infinite = named.clone().find(|(_, value)| value.is_infinite());
    let outside =
        [("open", open), ("close", close)].into_iter().find(|&(_, price)| price > high || price < low);
    match (infinite, outside) {
        (Some((name, value)), _) => Some(format!("{name} is {value}")),
        _ if high < low => Some(format!("high {high} is below low {low}")),
        (_, Some((name, price))) => Some(format!("{name} {price} is outside low {low} to high {high}")),
        _ if volume < 0.0 => Some(format!("volume {volume} is below 0")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_told_and_a_missing_value_is_none() {
        let inf = f64::INFINITY;
        let reason = |bar| fault(bar).unwrap();
        assert_eq!(reason([inf, 2.0, 1.0, 1.5, 0.0]), "open is inf");
        assert_eq!(reason([1.5, 1.0, 2.0, 1.5, 0.0]), "high 1 is below low 2");
        assert_eq!(reason([1.5, 2.0, 1.0, 2.5, 0.0]), "close 2.5 is outside low 1 to high 2");
        assert_eq!(reason([0.5, 2.0, 1.0, 1.5, 0.0]), "open 0.5 is outside low 1 to high 2");
        assert_eq!(reason([1.5, 2.0, 1.0, 1.5, -1.0]), "volume -1 is below 0");
        assert!(fault([1.5, 2.0, 1.0, 1.5, 0.0]).is_none());
        assert!(fault([f64::NAN; 5]).is_none());
    }
}
