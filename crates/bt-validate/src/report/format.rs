//! Numbers as people read them: three or four digits, and a unit that cannot be taken for another.

use crate::claims::Measure;

/// What stands where a number was not measured.
pub(crate) const NONE: &str = "–";

/// A value in the unit of its measure: `98.7 %`, `6.02×`, `1.23 ms`, `4.5 MiB`, `0.13`.
#[must_use]
pub fn value(measure: Measure, value: f64) -> String {
    match measure {
        Measure::TimeSaved | Measure::HitRate | Measure::BarsSaved => share(value),
        // Ratios near one are what these claims are about: two decimals would hide on which side of the target.
        Measure::TimeRatio if value < 10.0 => format!("{value:.3}×"),
        Measure::SpeedUp | Measure::TimeRatio | Measure::MemoryRatio => format!("{}×", digits(value)),
        Measure::Overhead => digits(value),
        Measure::Seconds => seconds(value),
        Measure::Bytes => bytes(value),
        Measure::OtherResults => format!("{value} runs"),
    }
}

/// A target with its direction: `≥ 99.8 %`, `≤ 1.10×`; one that must be exceeded is `> 0 %`.
#[must_use]
pub fn target(measure: Measure, limit: f64) -> String {
    let number = match measure {
        Measure::TimeSaved | Measure::HitRate | Measure::BarsSaved => whole_share(limit),
        Measure::TimeRatio | Measure::MemoryRatio => format!("{limit:.2}×"),
        Measure::SpeedUp => format!("{limit}×"),
        Measure::Overhead => format!("{limit}"),
        Measure::Seconds => format!("{} ms", (1e9 * limit).round() / 1e6),
        Measure::Bytes => format!("{} MiB", limit / 1_048_576.0),
        Measure::OtherResults => format!("{limit} runs"),
    };
    let sign = match measure {
        Measure::TimeSaved if limit == 0.0 => ">",
        _ if measure.higher_is_better() => "≥",
        _ => "≤",
    };
    format!("{sign} {number}")
}

/// A share in percent, with more decimals the nearer it is to all or nothing: `83.4 %`, `99.87 %`, `0.030 %`.
#[must_use]
pub fn share(value: f64) -> String {
    let percent = 100.0 * value;
    let remarkable = percent.abs().min((100.0 - percent).abs());
    // What is nearer than this to all or nothing is the noise of a division.
    let decimals = if remarkable < 1e-5 { 1.0 } else { (1.0 - remarkable.log10().floor()).clamp(1.0, 4.0) };
    signed(format!("{percent:.*} %", decimals as usize))
}

/// A share that was set, not measured: all of its decimals, and no more.
pub(crate) fn whole_share(value: f64) -> String {
    format!("{} %", (1e6 * value).round() / 1e4)
}

/// A share on an axis: `20 %`.
pub(crate) fn percent_tick(value: f64) -> String {
    format!("{:.0} %", 100.0 * value)
}

/// Mebibytes on an axis: `200 MiB`.
pub(crate) fn mebibytes_tick(value: f64) -> String {
    format!("{} MiB", without_zeros(&digits(value)))
}

/// A round time on an axis: `10 ms`.
pub(crate) fn seconds_tick(value: f64) -> String {
    // A power of ten that was computed may lie a bit below the unit's limit.
    let text = seconds(value * (1.0 + 1e-12));
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    format!("{} {unit}", without_zeros(number))
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// A time in the unit that leaves one to three digits before the point.
#[must_use]
pub fn seconds(value: f64) -> String {
    match value.abs() {
        s if s >= 1.0 => format!("{} s", digits(value)),
        s if s >= 1e-3 => format!("{} ms", digits(1e3 * value)),
        s if s >= 1e-6 => format!("{} µs", digits(1e6 * value)),
        _ => format!("{} ns", digits(1e9 * value)),
    }
}

/// How long something took, for people: `48 s`, `20 min 34 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole / 60 {
        0 => format!("{whole} s"),
        minutes => format!("{minutes} min {} s", whole % 60),
    }
}

/// Bytes in binary units.
#[must_use]
pub fn bytes(value: f64) -> String {
    match value {
        b if b >= 1_073_741_824.0 => format!("{} GiB", digits(b / 1_073_741_824.0)),
        b if b >= 1_048_576.0 => format!("{} MiB", digits(b / 1_048_576.0)),
        b if b >= 1024.0 => format!("{} KiB", digits(b / 1024.0)),
        b => format!("{b} B"),
    }
}

/// A probability: never a bare zero.
#[must_use]
pub fn probability(p: f64) -> String {
    match p {
        p if p < 1e-4 => format!("{:.0e}", p.max(f64::MIN_POSITIVE)),
        p => format!("{p:.4}"),
    }
}

/// Three significant digits, thousands apart.
#[must_use]
pub fn digits(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    let plain = format!("{value:.decimals$}");
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let point = if fraction.is_empty() { "" } else { "." };
    signed(format!("{}{point}{fraction}", thousands(whole)))
}

/// A whole number with its thousands apart.
#[must_use]
pub fn count(value: u64) -> String {
    thousands(&value.to_string())
}

fn thousands(whole: &str) -> String {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}")
}

/// A typographic minus, as wide as a digit.
fn signed(text: String) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_carry_direction_and_unit() {
        assert_eq!(target(Measure::TimeSaved, 0.275), "≥ 27.5 %");
        assert_eq!(target(Measure::TimeSaved, 0.0), "> 0 %");
        assert_eq!(target(Measure::SpeedUp, 6.02), "≥ 6.02×");
        assert_eq!(target(Measure::TimeRatio, 1.1), "≤ 1.10×");
        assert_eq!(target(Measure::Seconds, 5e-5), "≤ 0.05 ms");
        assert_eq!(target(Measure::Bytes, 5.0 * 1_048_576.0), "≤ 5 MiB");
        assert_eq!(target(Measure::HitRate, 0.934), "≥ 93.4 %");
    }

    #[test]
    fn shares_near_the_whole_keep_their_difference_visible() {
        assert_eq!(share(0.834), "83.4 %");
        assert_eq!(share(0.9987), "99.87 %");
        assert_eq!(share(0.99998), "99.9980 %");
        assert_eq!(share(1.0), "100.0 %");
        assert_eq!(share(0.0003), "0.030 %");
        assert_eq!(share(0.0), "0.0 %");
        assert_eq!(share(-0.025), "−2.5 %");
    }

    #[test]
    fn times_and_bytes_choose_their_unit() {
        assert_eq!(seconds(1.234), "1.23 s");
        assert_eq!(seconds(0.004_67), "4.67 ms");
        assert_eq!(seconds(3.2e-5), "32.0 µs");
        assert_eq!(seconds(2e-9), "2.00 ns");
        assert_eq!(bytes(5.0 * 1_048_576.0), "5.00 MiB");
        assert_eq!(bytes(100.0), "100 B");
        assert_eq!(seconds_tick(0.01), "10 ms");
        assert_eq!(seconds_tick(10_f64.powi(-3)), "1 ms");
        assert_eq!(mebibytes_tick(0.0), "0 MiB");
        assert_eq!(mebibytes_tick(1500.0), "1,500 MiB");
        assert_eq!(duration(1234.4), "20 min 34 s");
        assert_eq!(duration(47.9), "48 s");
    }

    #[test]
    fn large_numbers_are_grouped_and_small_p_values_are_not_zero() {
        assert_eq!(digits(12_345.6), "12,346");
        assert_eq!(digits(-1_234_567.0), "−1,234,567");
        assert_eq!(digits(0.0), "0.00");
        assert_eq!(value(Measure::TimeRatio, 1.1004), "1.100×");
        assert_eq!(value(Measure::SpeedUp, 1.1004), "1.10×");
        assert_eq!(count(1_260_000), "1,260,000");
        assert_eq!(probability(0.0), "2e-308");
        assert_eq!(probability(0.0123), "0.0123");
    }
}
