//! Numbers in text.

use bt_asset_cache::kernel::decimal_to_f64;

use super::NumberFormat;

impl NumberFormat {
    /// Reads a number; NaN where the text says that there is none (empty, `NaN`, `NA`, `N/A`, `null`, `none`).
    ///
    /// The result is the double nearest to the decimal text. `Err` holds the reason.
    #[inline]
    pub(super) fn read(self, text: &[u8]) -> Result<f64, &'static str> {
        if self == Self::default()
            && let Some(value) = plain(text)
        {
            return Ok(value);
        }
        self.read_any(text.trim_ascii())
    }

    #[cold]
    fn read_any(self, text: &[u8]) -> Result<f64, &'static str> {
        const MISSING: [&str; 5] = ["nan", "na", "n/a", "null", "none"];
        let not_a_number = "is not a number";
        let text = str::from_utf8(text).map_err(|_| not_a_number)?;
        if text.is_empty() || MISSING.iter().any(|missing| text.eq_ignore_ascii_case(missing)) {
            return Ok(f64::NAN);
        }
        let number = self.normal(text).ok_or(not_a_number)?;
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) => Err("is not finite"),
            Err(_) if text.contains(',') => Err(
                "is not a number; state decimal and thousands separators if it has them (`IngestOptions::number_format`)",
            ),
            Err(_) => Err(not_a_number),
        }
    }

    /// The number as Rust writes it, or `None` where separators stand where they should not.
    fn normal(self, text: &str) -> Option<String> {
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut number = String::with_capacity(text.len());
        match self.thousands {
            Some(separator) if whole.contains(separator) => {
                let mut groups = whole.split(separator);
                let first = groups.next()?;
                number.push_str(first);
                let digits = first.trim_start_matches(['-', '+']).len();
                let grouped = groups.clone().all(|group| group.len() == 3) && (1..=3).contains(&digits);
                grouped.then(|| groups.for_each(|group| number.push_str(group)))?;
            }
            _ => number.push_str(whole),
        }
        if let Some(fraction) = fraction {
            // A second separator, whichever it is, is left for the parser to refuse.
            number.push('.');
            number.push_str(fraction);
        }
        let foreign = self.decimal != '.' && whole.contains('.') && self.thousands != Some('.');
        (!foreign).then_some(number)
    }
}

/// Digits with at most one full stop, where the double nearest to them is one division away.
#[inline]
fn plain(text: &[u8]) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let (mut units, mut scale, mut seen_point) = (0_u64, 0_usize, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + u64::from(byte - b'0');
                scale += usize::from(seen_point);
            }
            b'.' if !seen_point && digits.len() > 1 => seen_point = true,
            _ => return None,
        }
    }
    let value = (units <= EXACT).then(|| decimal_to_f64(units.into(), scale as i8))?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<f64, &'static str> {
        NumberFormat::default().read(text.as_bytes())
    }

    #[test]
    fn text_that_says_there_is_no_number_is_missing() {
        for text in ["", "  ", "NaN", "nan", "NA", "n/a", "NULL", "None"] {
            assert!(read(text).unwrap().is_nan(), "{text:?}");
        }
    }

    #[test]
    fn text_that_is_no_finite_number_is_refused() {
        for text in
            ["abc", "1.2.3", "1,234", "--1", "-", ".", "inf", "-Infinity", "1e999", "0x10", "1 2", "é", "$1"]
        {
            assert!(read(text).is_err(), "{text:?} was read as {:?}", read(text));
        }
    }

    #[test]
    fn separators_are_read_where_they_are_stated_and_stand_right() {
        let europe = NumberFormat { decimal: ',', thousands: Some('.') };
        assert_eq!(europe.read(b"1.234.567,5"), Ok(1_234_567.5));
        assert_eq!(europe.read(b"-12,25"), Ok(-12.25));
        assert!(europe.read(b"1.23").is_err());
        assert!(europe.read(b"12.3456,0").is_err());
        assert!(NumberFormat { decimal: ',', thousands: None }.read(b"1.5").is_err());
        assert_eq!(NumberFormat { thousands: Some(','), ..Default::default() }.read(b"1,234.5"), Ok(1234.5));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn the_short_way_gives_the_same_bits_as_the_long_one(text in "-?[0-9]{1,12}(\\.[0-9]{0,12})?|-?\\.[0-9]{1,9}") {
            let long: f64 = text.parse().unwrap();
            prop_assert_eq!(read(&text).unwrap().to_bits(), long.to_bits(), "{}", text);
        }

        #[test]
        fn exponents_and_long_mantissas_are_rounded_as_rust_does(value in prop::num::f64::NORMAL) {
            prop_assert_eq!(read(&value.to_string()).unwrap().to_bits(), value.to_bits());
            prop_assert_eq!(read(&format!("{value:e}")).unwrap().to_bits(), value.to_bits());
        }
    }
}
