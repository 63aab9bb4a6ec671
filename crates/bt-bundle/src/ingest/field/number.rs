//! Numbers in text.

use std::borrow::Cow;

use bt_asset_cache::kernel::decimal_to_f64;

use super::Unread;
use crate::ingest::NumberFormat;

/// Texts that say that there is no number, in any case; an empty one does as well.
const MISSING: [&str; 20] = [
    "#div/0!", "#n/a", "#name?", "#num!", "#ref!", "#value!", "-", "--", ".", "\\n", "n.a.", "n/a", "na",
    "nan", "nat", "nil", "none", "null", "–", "—",
];
/// Signs and codes of currencies, which may stand before or behind an amount.
const CURRENCIES: [&str; 79] = [
    "$", "A$", "AED", "ARS", "AUD", "BRL", "C$", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP",
    "EUR", "Fr.", "Ft", "GBP", "GBX", "HK$", "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "Kč", "MXN",
    "MYR", "NOK", "NT$", "NZ$", "NZD", "PHP", "PKR", "PLN", "QAR", "R$", "RM", "RON", "RUB", "Rp", "Rs",
    "Rs.", "S$", "SAR", "SEK", "SFr.", "SGD", "THB", "TL", "TRY", "TWD", "UAH", "US$", "USD", "VND", "ZAR",
    "kr", "kr.", "lei", "zł", "£", "¥", "฿", "₦", "₩", "₪", "₫", "€", "₱", "₴", "₹", "₺", "₽", "元", "円",
];
/// Signs that can only stand between thousands: spaces, one of which may stand for another, and apostrophes.
const MARKS: [&[char]; 2] = [&[' ', '\u{a0}', '\u{2009}', '\u{202f}'], &['\'', '\u{2019}']];

impl NumberFormat {
    /// Reads a number; NaN where the text says that there is none.
    ///
    /// The result is the double nearest to the decimal text.
    #[inline]
    pub(in crate::ingest) fn read(self, text: &[u8]) -> Result<f64, Unread> {
        match plain(text) {
            Some((units, scale)) if self.is_plain() => Ok(decimal(text, units, scale)),
            _ => self.read_any(text, 0),
        }
    }

    /// Reads a number that counts units of 10^-`scale`, rounded once; the largest 64-bit integer stands for none.
    #[inline]
    pub(in crate::ingest) fn read_scaled(self, text: &[u8], scale: u8) -> Result<f64, Unread> {
        if scale == 0 {
            return self.read(text);
        }
        if text.trim_ascii() == b"9223372036854775807" {
            return Ok(f64::NAN);
        }
        self.read_any(text, -i32::from(scale))
    }

    /// Whether a full stop can only be the decimal point.
    #[inline]
    fn is_plain(self) -> bool {
        self.decimal == '.'
    }

    #[cold]
    fn read_any(self, text: &[u8], exponent: i32) -> Result<f64, Unread> {
        let text = str::from_utf8(text).map_err(|_| Unread::Encoding)?.trim();
        if is_missing(text) {
            return Ok(f64::NAN);
        }
        let text = amount(text);
        let (text, unit) = split_unit(&text);
        if matches!(text.trim_start_matches(['-', '+']).to_ascii_lowercase().as_str(), "inf" | "infinity") {
            return Err(Unread::NotFinite);
        }
        let text = without_marks(text, &[self.decimal]);
        let number = self.normal(&text).ok_or(Unread::Form)?;
        let value = with_exponent(&number, exponent + unit).ok_or(Unread::Form)?;
        if value.is_finite() { Ok(value) } else { Err(Unread::NotFinite) }
    }

    /// The number as Rust writes it, or `None` where separators stand where they should not.
    fn normal(self, text: &str) -> Option<String> {
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut number = match self.thousands {
            Some(separator) if whole.contains(separator) => ungrouped(whole, &[separator])?,
            _ => whole.to_owned(),
        };
        if let Some(fraction) = fraction {
            // A second separator, whichever it is, is left for the parser to refuse.
            number.push('.');
            number.push_str(fraction);
        }
        let foreign = self.decimal != '.' && whole.contains('.') && self.thousands != Some('.');
        (!foreign).then_some(number)
    }
}

/// The digits of a whole number without the separators between its groups; `None` where those are no groups.
fn ungrouped(whole: &str, separators: &[char]) -> Option<String> {
    let mut groups = whole.split(separators);
    let front = groups.next()?.trim_start_matches(['-', '+']);
    let are_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    // No thousand begins with a group of zeros: `0,123` is a fraction.
    let are_groups = (1..=3).contains(&front.len())
        && are_digits(front)
        && !front.bytes().all(|digit| digit == b'0')
        && are_groups(groups.clone().map(str::len))
        && groups.all(are_digits);
    are_groups.then(|| whole.replace(separators, ""))
}

/// A number without the spaces or apostrophes between its groups of three digits, before one of the decimal signs or nothing.
pub(in crate::ingest) fn without_marks<'t>(text: &'t str, decimals: &[char]) -> Cow<'t, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b' ' | b'\'')) {
        return text.into();
    }
    let is_mark = |c: &char| MARKS.iter().any(|marks| marks.contains(c));
    let is_of_whole = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+') || is_mark(&c);
    let (whole, rest) = text.split_at(text.find(|c| !is_of_whole(c)).unwrap_or(text.len()));
    let marks = MARKS.iter().find(|&&marks| whole.contains(marks)).filter(|&&marks| {
        (rest.is_empty() || rest.starts_with(decimals))
            && whole.split(marks).skip(1).all(|group| group.len() == 3)
    });
    match marks.and_then(|marks| ungrouped(whole, marks)) {
        Some(whole) => (whole + rest).into(),
        None => text.into(),
    }
}

/// Whether digits stand in groups of these lengths behind the first: of three, or as in India of two before the last three.
pub(in crate::ingest) fn are_groups(lengths: impl Iterator<Item = usize>) -> bool {
    let lengths: Vec<usize> = lengths.collect();
    matches!(&lengths[..], [front @ .., 3] if front.iter().all(|&len| len == 3) || front.iter().all(|&len| len == 2))
}

/// Whether a text says that there is no number.
pub(in crate::ingest) fn is_missing(text: &str) -> bool {
    // Most texts are numbers or dates.
    !text.starts_with(|c: char| c.is_ascii_digit())
        && (text.is_empty()
            || MISSING.iter().any(|missing| text.eq_ignore_ascii_case(missing))
            // Bloomberg says what is not there: `#N/A Field Not Applicable`.
            || text.get(..5).is_some_and(|front| front.eq_ignore_ascii_case("#n/a ")))
}

/// The amount without the sign or code of its currency.
pub(in crate::ingest) fn amount(text: &str) -> Cow<'_, str> {
    if let Some(amount) = without_sign_behind(text).or_else(|| without_sign_before(text)) {
        return amount.trim().into();
    }
    match text.strip_prefix('-').and_then(without_sign_before) {
        Some(amount) => format!("-{}", amount.trim_start()).into(),
        None => text.into(),
    }
}

fn without_sign_behind(text: &str) -> Option<&str> {
    // Most numbers end with a digit or a unit: their last byte tells it without a look at every sign.
    let last = text.as_bytes().last().filter(|byte| !byte.is_ascii_digit())?;
    let like = CURRENCIES.iter().filter(|sign| sign.as_bytes().last() == Some(last));
    // `Rs.` goes before `Rs`.
    like.filter_map(|sign| text.strip_suffix(sign)).min_by_key(|rest| rest.len())
}

fn without_sign_before(text: &str) -> Option<&str> {
    let first = text.as_bytes().first().filter(|byte| !byte.is_ascii_digit())?;
    let at = CURRENCIES.partition_point(|sign| sign.as_bytes() < std::slice::from_ref(first));
    let like = CURRENCIES[at..].iter().take_while(|sign| sign.as_bytes().first() == Some(first));
    like.filter_map(|sign| text.strip_prefix(sign)).min_by_key(|rest| rest.len())
}

/// Splits off the letter that multiplies a number: K, M, B or T.
fn split_unit(text: &str) -> (&str, i32) {
    let unit = match text.as_bytes().last() {
        Some(b'K' | b'k') => 3,
        Some(b'M' | b'm') => 6,
        Some(b'B' | b'b') => 9,
        Some(b'T' | b't') => 12,
        _ => return (text, 0),
    };
    (text[..text.len() - 1].trim_end(), unit)
}

/// Rounded once where the text has no exponent of its own, which no fixed-point number has.
fn with_exponent(number: &str, exponent: i32) -> Option<f64> {
    let starts = number.trim_start_matches(['-', '+']).as_bytes().first();
    // What Rust reads beside digits, a sign before `nan` among them, is no number here.
    if !starts.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    if exponent == 0 {
        return number.parse().ok();
    }
    match number.contains(['e', 'E']) {
        false => format!("{number}e{exponent}").parse().ok(),
        true => Some(number.parse::<f64>().ok()? * 10_f64.powi(exponent)),
    }
}

#[inline]
fn decimal(text: &[u8], units: u64, scale: usize) -> f64 {
    let value = decimal_to_f64(units.into(), scale as i8);
    if text[0] == b'-' { -value } else { value }
}

/// Units and decimals of digits with at most one full stop, where the double nearest to them is one division away.
#[inline]
fn plain(text: &[u8]) -> Option<(u64, usize)> {
    const EXACT: u64 = 1 << 53;
    let digits = match text {
        [b'-', digits @ ..] => digits,
        digits => digits,
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
    (units <= EXACT).then_some((units, scale))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<f64, Unread> {
        NumberFormat::default().read(text.as_bytes())
    }

    #[test]
    fn text_that_says_there_is_no_number_is_missing() {
        for text in [
            "",
            "  ",
            "NaN",
            "nan",
            "NA",
            "n/a",
            "NULL",
            "None",
            "-",
            "--",
            "N/A",
            "#N/A",
            " - ",
            "#N/A N/A",
            "#VALUE!",
            "#REF!",
            "#DIV/0!",
            "#NUM!",
            "#NAME?",
            ".",
            "\\N",
            "n.a.",
            "N.A.",
            "—",
            "–",
            "NaT",
            "#N/A Invalid Security",
        ] {
            assert!(read(text).unwrap().is_nan(), "{text:?}");
        }
    }

    #[test]
    fn text_that_is_no_finite_number_is_refused() {
        for text in [
            "abc",
            "1.2.3",
            "1,234",
            "--1",
            "-.",
            "..",
            "inf",
            "-Infinity",
            "1e999",
            "0x10",
            "1 2",
            "é",
            "$",
            "$$1",
            "1$2",
            "K",
            "2.35%",
            "1KK",
            "1Q",
            "infK",
            "-nan",
            "1 23",
            "1234 567",
            "0 123",
            "1 234'567",
            "1 234e5",
            "1.5 234",
            "12 34 567",
            "' 123",
            "US$ 10 USD",
            "10 XYZ",
        ] {
            assert!(read(text).is_err(), "{text:?} was read as {:?}", read(text));
        }
    }

    #[test]
    fn amounts_are_read_without_the_sign_of_their_currency() {
        for (text, value) in [
            ("$191.38", 191.38),
            ("€12.07", 12.07),
            ("-$5.5", -5.5),
            ("$-5.5", -5.5),
            ("12.5 €", 12.5),
            ("£3", 3.0),
            ("US$ 10", 10.0),
            ("CHF 10.5", 10.5),
            ("184.82 USD", 184.82),
            ("184.82 kr", 184.82),
            ("184.82kr.", 184.82),
            ("Rs. 12", 12.0),
            ("Rs 12.5", 12.5),
            ("-US$ 5.5", -5.5),
            ("R$\u{a0}1 223.03", 1223.03),
            ("1.2M USD", 1_200_000.0),
            ("100 円", 100.0),
        ] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
        let comma = NumberFormat { decimal: ',', thousands: None };
        assert_eq!(comma.read("12,50 zł".as_bytes()), Ok(12.5));
        assert_eq!(NumberFormat { thousands: Some('.'), ..comma }.read(b"R$ 1.223,03"), Ok(1223.03));
        assert!(CURRENCIES.is_sorted() && MISSING.is_sorted());
    }

    #[test]
    fn spaces_and_apostrophes_between_groups_of_three_digits_need_no_word() {
        let comma = NumberFormat { decimal: ',', thousands: None };
        for space in [" ", "\u{a0}", "\u{202f}", "\u{2009}"] {
            assert_eq!(comma.read(format!("1{space}848,20").as_bytes()), Ok(1848.2), "{space:?}");
            assert_eq!(read(&format!("-12{space}345{space}678")), Ok(-12_345_678.0), "{space:?}");
            let stated = NumberFormat { thousands: Some(' '), ..Default::default() };
            assert_eq!(stated.read(format!("1{space}848.2").as_bytes()), Ok(1848.2), "{space:?}");
        }
        assert_eq!(read("1'223.03"), Ok(1223.03));
        assert_eq!(read("1’223’000"), Ok(1_223_000.0));
        assert!(comma.read(b"1 848.20").is_err());
        assert!(NumberFormat { decimal: ',', thousands: Some('.') }.read(b"1 234.567,5").is_err());
    }

    #[test]
    fn letters_multiply_exactly() {
        for (text, value) in [
            ("11.62K", 11_620.0),
            ("1.29M", 1_290_000.0),
            ("3B", 3e9),
            ("0.87k", 870.0),
            ("1.1m", 1_100_000.0),
            ("2.5T", 2.5e12),
            ("$1.2M", 1_200_000.0),
        ] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn separators_are_read_where_they_are_stated_and_stand_right() {
        let europe = NumberFormat { decimal: ',', thousands: Some('.') };
        assert_eq!(europe.read(b"1.234.567,5"), Ok(1_234_567.5));
        assert_eq!(europe.read(b"-12,25"), Ok(-12.25));
        assert!(europe.read(b"1.23").is_err());
        assert!(europe.read(b"12.3456,0").is_err());
        // No group of three digits, but an exponent.
        assert!(europe.read(b"1.2e3").is_err());
        assert!(europe.read(b"12e.064").is_err());
        assert!(NumberFormat { decimal: ',', thousands: None }.read(b"1.5").is_err());
        assert_eq!(NumberFormat { thousands: Some(','), ..Default::default() }.read(b"1,234.5"), Ok(1234.5));
    }

    #[test]
    fn fixed_point_numbers_are_divided_and_rounded_once() {
        let read = |text: &str, scale| NumberFormat::default().read_scaled(text.as_bytes(), scale);
        assert_eq!(read("146685572179", 9), Ok(146.685572179));
        assert_eq!(read("1882689", 4), Ok(188.2689));
        // Above 2^53, where the integer itself is no double.
        assert_eq!(read("9007199254740993", 9), Ok("9007199.254740993".parse().unwrap()));
        assert!(read("9223372036854775807", 9).unwrap().is_nan());
        assert_eq!(read("-37630000000", 9), Ok(-37.63));
        assert_eq!(read("12.5", 1), Ok(1.25));
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

        #[test]
        fn a_fixed_point_number_is_the_double_nearest_to_its_decimal_text(units in any::<i64>(), scale in 1..19_u8) {
            prop_assume!(units != i64::MAX);
            let nearest: f64 = format!("{units}e-{scale}").parse().unwrap();
            let read = NumberFormat::default().read_scaled(units.to_string().as_bytes(), scale).unwrap();
            prop_assert_eq!(read.to_bits(), nearest.to_bits());
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in prop::collection::vec(any::<u8>(), 0..30), scale in 0..19_u8) {
            for format in [NumberFormat::default(), NumberFormat { decimal: ',', thousands: Some('.') }] {
                let _ = format.read_scaled(&text, scale);
            }
        }
    }
}
