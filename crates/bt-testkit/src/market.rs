use bt_core::{AssetDigest, adjustments_digest, bundle_version, column_digest, timestamps_digest};
use bt_core::{BundleVersion, Conventions, Digest, Frequency, Timestamp};
use oorandom::Rand64;

use crate::MemoryBundle;

/// A recipe for daily bars that look like real ones; the same recipe gives the same bars, everywhere and always.
///
/// Calibrated on five large US shares over 2000–2013: daily log returns with a standard deviation of 2.3 % and fat
/// tails (kurtosis 6), overnight gaps of 1.4 %, wicks of 0.7 %, volumes log-normal around 9 million. Prices are rounded
/// to cents, and a share that becomes expensive is split without adjustment, as in raw data.
///
/// ```
/// use bt_testkit::Market;
/// let market = Market::staggered(7, 8, 6300, 3950);
/// let data = market.generate();
/// assert_eq!(data.assets.len(), 8);
/// assert_eq!(data.assets[0].timestamps.len(), 6300);
/// assert_eq!(data.assets[7].timestamps.len(), 3950);
/// assert_eq!(data.version(), market.generate().version());
/// ```
#[derive(Clone, Debug)]
pub struct Market {
    /// Seed of the random numbers.
    pub seed: u64,
    /// Number of trading days of each asset; all end on the same day.
    pub days: Vec<usize>,
    /// Chance that an asset has no bar on a day between its first and its last.
    pub gap_chance: f64,
    /// Chance that a value of a bar is missing (NaN).
    pub missing_chance: f64,
}

impl Market {
    /// `assets` that were all listed on the same day and trade every day: a common calendar.
    pub fn common(seed: u64, assets: usize, days: usize) -> Self {
        Self::staggered(seed, assets, days, days)
    }

    /// `assets` that were listed one after the other: the first has `longest` days, the last `shortest`.
    pub fn staggered(seed: u64, assets: usize, longest: usize, shortest: usize) -> Self {
        let spread = longest.saturating_sub(shortest) as f64 / assets.saturating_sub(1).max(1) as f64;
        let days = (0..assets).map(|asset| longest - (asset as f64 * spread).round() as usize).collect();
        Self { seed, days, gap_chance: 0.0, missing_chance: 0.0 }
    }

    /// With days on which an asset does not trade.
    pub fn with_gaps(self, gap_chance: f64) -> Self {
        Self { gap_chance, ..self }
    }

    /// With missing values.
    pub fn with_missing(self, missing_chance: f64) -> Self {
        Self { missing_chance, ..self }
    }

    /// Makes the bars. O(rows).
    ///
    /// # Panics
    /// Beyond 90,601 trading days: the first would lie before 1677, where timestamps begin.
    pub fn generate(&self) -> MarketData {
        let calendar = weekdays_until_end_of_2024(self.days.iter().copied().max().unwrap_or(0));
        let width = self.days.len().saturating_sub(1).to_string().len().max(4);
        let asset = |(rank, &days): (usize, &usize)| {
            let mut rng = Rand64::new(u128::from(self.seed) << 64 | rank as u128);
            let name = format!("A{rank:0width$}");
            self.asset(name, &calendar[calendar.len() - days..], &mut rng)
        };
        MarketData { frequency: Frequency::Daily, assets: self.days.iter().enumerate().map(asset).collect() }
    }

    fn asset(&self, name: String, days: &[Timestamp], rng: &mut Rand64) -> AssetData {
        let mut asset = AssetData { name, timestamps: Vec::new(), columns: Default::default() };
        let mut walk = Walk::start(rng);
        for (at, &day) in days.iter().enumerate() {
            let bar = walk.next_bar(rng);
            let inside = at > 0 && at + 1 < days.len();
            if inside && rng.rand_float() < self.gap_chance {
                continue;
            }
            asset.timestamps.push(day);
            for (column, value) in asset.columns.iter_mut().zip(bar) {
                let missing = self.missing_chance > 0.0 && rng.rand_float() < self.missing_chance;
                column.push(if missing { f64::NAN } else { value });
            }
        }
        asset
    }
}

/// One asset's bars.
#[derive(Clone, Debug)]
pub struct AssetData {
    /// Its name.
    pub name: String,
    /// When each bar became known, ascending.
    pub timestamps: Vec<Timestamp>,
    /// Open, high, low, close, volume; one value a timestamp.
    pub columns: [Vec<f64>; 5],
}

impl AssetData {
    fn digest(&self) -> AssetDigest {
        AssetDigest {
            timestamps: timestamps_digest(&self.timestamps),
            columns: self.columns.iter().map(|column| column_digest(column)).collect(),
            adjustments: adjustments_digest(&[]),
        }
    }
}

/// Bars of several assets, as plain vectors: the ground truth that a test can change and compare with.
#[derive(Clone, Debug)]
pub struct MarketData {
    /// How far apart the bars are.
    pub frequency: Frequency,
    /// The assets, ascending by name.
    pub assets: Vec<AssetData>,
}

impl MarketData {
    /// The distinct timestamps of all assets, ascending.
    pub fn calendar(&self) -> Vec<Timestamp> {
        let mut calendar: Vec<_> =
            self.assets.iter().flat_map(|asset| asset.timestamps.iter().copied()).collect();
        calendar.sort_unstable();
        calendar.dedup();
        calendar
    }

    /// Number of bars of all assets.
    pub fn rows(&self) -> usize {
        self.assets.iter().map(|asset| asset.timestamps.len()).sum()
    }

    /// The content version, as every store must compute it.
    pub fn version(&self) -> BundleVersion {
        let digests: Vec<_> = self.assets.iter().map(AssetData::digest).collect();
        let named: Vec<_> =
            self.assets.iter().zip(&digests).map(|(asset, digest)| (asset.name.as_str(), digest)).collect();
        let calendar: Digest = timestamps_digest(&self.calendar());
        bundle_version(self.frequency, &Conventions::UTC, &[], &calendar, &named)
    }

    /// A bundle of these bars in memory.
    pub fn bundle(&self) -> MemoryBundle {
        MemoryBundle::new(self)
    }

    /// The same bars with one close changed by a cent: what a vendor's correction looks like.
    ///
    /// # Panics
    /// Where there is no such bar.
    pub fn with_corrected_close(mut self, asset: usize, bar: usize) -> Self {
        self.assets[asset].columns[3][bar] += 0.01;
        self
    }
}

/// The last `days` weekdays up to the end of 2024, each as the midnight at which its bar is known.
fn weekdays_until_end_of_2024(days: usize) -> Vec<Timestamp> {
    const DAY: i64 = 86_400_000_000_000;
    /// 1 January 2025, the midnight at which Tuesday's bar is known.
    const LAST: i64 = 20_089;
    // Day 0 of the epoch was a Thursday: known at a Sunday's or Monday's midnight means traded on a weekend.
    let traded_on_weekend = |known: i64| matches!(known.rem_euclid(7), 3 | 4);
    let mut known: Vec<_> =
        (0..).map(|back| LAST - back).filter(|&day| !traded_on_weekend(day)).take(days).collect();
    known.reverse();
    let moment =
        |day: i64| day.checked_mul(DAY).expect("timestamps begin in 1677: at most 90,601 trading days");
    known.into_iter().map(|day| Timestamp::from_nanos(moment(day))).collect()
}

/// A random walk of one share's price and volume.
struct Walk {
    close: f64,
    log_volume: f64,
    drift: f64,
    sigma: f64,
}

impl Walk {
    fn start(rng: &mut Rand64) -> Self {
        Self {
            close: 20.0 + 100.0 * rng.rand_float(),
            log_volume: 16.0 + normal(rng),
            drift: 0.0003,
            sigma: 0.017 + 0.012 * rng.rand_float(),
        }
    }

    fn next_bar(&mut self, rng: &mut Rand64) -> [f64; 5] {
        self.split();
        // One day in ten is a wild one: together they have the kurtosis of real returns.
        let wild = if rng.rand_float() < 0.1 { 2.0 } else { 0.8 };
        let scale = self.sigma * wild;
        let open = self.close * (0.6 * scale * normal(rng)).exp();
        let close = open * (self.drift + 0.8 * scale * normal(rng)).exp();
        let high = open.max(close) * (0.4 * scale * normal(rng).abs()).exp();
        let low = open.min(close) * (-0.4 * scale * normal(rng).abs()).exp();
        let volume = (self.log_volume + 0.4 * normal(rng) + 0.3 * wild).exp();
        self.close = cents(close);
        [cents(open), cents(high), cents(low), self.close, volume.round()]
    }

    fn split(&mut self) {
        let ratio = match self.close {
            dear if dear > 400.0 => 2.0,
            cheap if cheap < 2.0 => 0.1,
            _ => return,
        };
        self.close = cents(self.close / ratio);
        self.log_volume += f64::ln(ratio);
    }
}

fn cents(price: f64) -> f64 {
    (price * 100.0).round().max(1.0) / 100.0
}

/// A standard normal number, by the Box–Muller transform.
fn normal(rng: &mut Rand64) -> f64 {
    let radius = (-2.0 * (1.0 - rng.rand_float()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.rand_float()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_known_after_weekdays_and_end_with_2024() {
        let days = weekdays_until_end_of_2024(10);
        assert_eq!(days.last().unwrap().to_string(), "2025-01-01T00:00:00Z");
        assert_eq!(days[0].to_string(), "2024-12-19T00:00:00Z");
        assert!(!days.contains(&"2024-12-29T00:00:00Z".parse().unwrap()), "a Saturday's bar");
    }

    #[test]
    fn days_reach_back_as_far_as_timestamps_do() {
        assert!(weekdays_until_end_of_2024(90_601).is_sorted());
        assert!(std::panic::catch_unwind(|| weekdays_until_end_of_2024(90_602)).is_err());
    }

    #[test]
    fn bars_look_like_real_ones() {
        let data = Market::common(1, 20, 2500).generate();
        let mut returns = Vec::new();
        for asset in &data.assets {
            let [open, high, low, close, volume] = &asset.columns;
            for bar in 0..close.len() {
                assert!(low[bar] <= open[bar].min(close[bar]) && high[bar] >= open[bar].max(close[bar]));
                let cents = close[bar] * 100.0;
                approx::assert_abs_diff_eq!(cents, cents.round(), epsilon = 1e-6);
                assert!(volume[bar] >= 0.0);
            }
            returns.extend(close.windows(2).map(|pair| (pair[1] / pair[0]).ln()).filter(|r| r.abs() < 0.4));
        }
        let variance = returns.iter().map(|r| r * r).sum::<f64>() / returns.len() as f64;
        let kurtosis =
            returns.iter().map(|r| r.powi(4)).sum::<f64>() / returns.len() as f64 / variance.powi(2);
        assert!((0.015..0.03).contains(&variance.sqrt()), "{}", variance.sqrt());
        assert!((4.0..12.0).contains(&kurtosis), "{kurtosis}");
    }

    #[test]
    fn gaps_leave_out_bars_but_neither_the_first_nor_the_last() {
        let whole = Market::common(3, 4, 300).generate();
        let gapped = Market::common(3, 4, 300).with_gaps(0.1).generate();
        assert!(gapped.rows() < whole.rows() * 95 / 100);
        for (asset, whole) in gapped.assets.iter().zip(&whole.assets) {
            assert_eq!(asset.timestamps.first(), whole.timestamps.first());
            assert_eq!(asset.timestamps.last(), whole.timestamps.last());
        }
    }

    #[test]
    fn a_correction_changes_the_version() {
        let data = Market::common(3, 2, 30).generate();
        assert_ne!(data.version(), data.clone().with_corrected_close(1, 7).version());
    }
}
