//! Reading one value from its text, and showing it so that it reads back.

/// Bytes in one "GB" of `cache_size_gb`.
pub(crate) const GIBIBYTE: f64 = (1u64 << 30) as f64;

/// Units of a size in bytes; the binary ones, largest first, also serve to show one.
const UNITS: [(&str, u128); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];
const BINARY_UNITS: usize = 4;

/// `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Plain bytes, or a number and a unit: `200MiB` is 200 · 2^20, `2GB` is 2 · 10^9, `1.5 GiB` is 3 · 2^29. A fraction
/// of a byte is dropped; a fraction without a unit is not a size, and a point has digits on both sides.
///
/// ```
/// use bt_optimize_config::size;
/// assert_eq!(size("1.5GiB"), Some(3 << 29));
/// assert_eq!(size("much"), None);
/// ```
pub fn size(text: &str) -> Option<usize> {
    let number_ends = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_ends);
    let unit = unit_bytes(unit.trim_start())?;
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if unit == 1 || whole.is_empty() || fraction.is_empty() => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    usize::try_from(digits.checked_mul(unit)? / scale).ok()
}

fn unit_bytes(unit: &str) -> Option<u128> {
    let unit = if unit.is_empty() { "B" } else { unit };
    UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|&(_, bytes)| bytes)
}

/// A size with the largest binary unit that leaves a whole number, else in plain bytes.
pub(crate) fn show_size(bytes: usize) -> String {
    let mut binary = UNITS[..BINARY_UNITS].iter();
    match binary.find(|&&(_, unit)| bytes > 0 && (bytes as u128).is_multiple_of(unit)) {
        Some((name, unit)) => format!("{}{name}", bytes as u128 / unit),
        None => bytes.to_string(),
    }
}

/// Whole numbers with commas between them, in square brackets or without.
pub(crate) fn whole_numbers(text: &str) -> Option<Vec<usize>> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if bracketed.is_some_and(|list| list.trim().is_empty()) {
        return Some(Vec::new());
    }
    bracketed.unwrap_or(text).split(',').map(|number| number.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read_as_the_table_says() {
        for (text, bytes) in [
            ("200MiB", Some(200 << 20)),
            ("200 mib", Some(200 << 20)),
            ("2GB", Some(2_000_000_000)),
            ("1.5GiB", Some(3 << 29)),
            ("0.5KiB", Some(512)),
            (".5KiB", None),
            ("1.GB", None),
            ("1. GB", None),
            ("1.", None),
            ("0.1GiB", Some(107_374_182)),
            ("7", Some(7)),
            ("7B", Some(7)),
            ("7.0", None),
            ("7.5B", None),
            ("1.2.3MB", None),
            ("", None),
            (".", None),
            (".MB", None),
            ("MiB", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("2G", None),
            ("2Gb/s", None),
            ("١MB", None),
            ("340282366920938463463374607431768211455TiB", None),
            ("1.00000000000000000000000000000000000000000000GB", None),
        ] {
            assert_eq!(size(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn lists_are_read_with_and_without_brackets() {
        assert_eq!(whole_numbers("20, 50,200"), Some(vec![20, 50, 200]));
        assert_eq!(whole_numbers("[20 , 50]"), Some(vec![20, 50]));
        assert_eq!(whole_numbers("[ ]"), Some(vec![]));
        for bad in ["", "20,", "20 50", "[20", "20]", "[[20]]", "a", "-1", "1.0"] {
            assert_eq!(whole_numbers(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn a_shown_size_reads_back(count in 1usize..5000, shift in 0u32..45) {
            let bytes = count << shift;
            prop_assert_eq!(size(&show_size(bytes)), Some(bytes));
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in any::<String>(), sizes in "[0-9.]{0,60}[kKmMgGtT]?[iI]?[bB]?") {
            let _ = (boolean(&text), size(&text), whole_numbers(&text), size(&sizes));
        }
    }
}
