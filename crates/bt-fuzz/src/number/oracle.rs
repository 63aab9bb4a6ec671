//! Numbers as their grammar says, one character after the other: no way is short, nothing is clever.

use bt_bundle::NumberFormat;

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// The double nearest to it.
    Value(f64),
    /// A number with an exponent and a unit, which is rounded more than once.
    About(f64),
    Missing,
    Refused,
}

pub(super) fn read(format: NumberFormat, text: &[u8], scale: u8) -> Number {
    let is_largest = text.trim_ascii() == i64::MAX.to_string().as_bytes();
    let Ok(text) = str::from_utf8(text).map(str::trim) else { return Number::Refused };
    if scale > 0 && is_largest {
        return Number::Missing;
    }
    if MISSING.split('|').any(|missing| missing == text.to_ascii_lowercase()) {
        return Number::Missing;
    }
    let amount = without_currency(text);
    let (amount, power) = without_unit(&amount);
    amount_of(format, amount, power - i32::from(scale)).unwrap_or(Number::Refused)
}

const MISSING: &str =
    "|nan|nat|na|n/a|n.a.|#n/a|#n/a n/a|#value!|#ref!|#div/0!|#num!|#name?|null|none|nil|-|--|–|—|.|\\n";
const CURRENCIES: &str = "$ A$ C$ HK$ NT$ NZ$ R$ S$ US$ £ ¥ ฿ ₦ ₩ ₪ ₫ € ₱ ₴ ₹ ₺ ₽ 元 円 Fr. SFr. Ft Kč RM Rp Rs. Rs TL kr. kr lei zł \
    AED ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GBX HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PKR PLN QAR \
    RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR";

/// The longest currency stands behind the amount, before it, or between a minus and the amount.
fn without_currency(text: &str) -> String {
    let longest = |fits: &dyn Fn(&str) -> bool| {
        CURRENCIES.split_whitespace().filter(|sign| fits(sign)).map(str::len).max()
    };
    if let Some(len) = longest(&|sign| text.ends_with(sign)) {
        return text[..text.len() - len].trim().to_owned();
    }
    if let Some(len) = longest(&|sign| text.starts_with(sign)) {
        return text[len..].trim().to_owned();
    }
    let Some(size) = text.strip_prefix('-') else { return text.to_owned() };
    match longest(&|sign| size.starts_with(sign)) {
        Some(len) => format!("-{}", size[len..].trim_start()),
        None => text.to_owned(),
    }
}

fn without_unit(text: &str) -> (&str, i32) {
    for (unit, power) in [('k', 3), ('m', 6), ('b', 9), ('t', 12)] {
        if let Some(front) = text.strip_suffix([unit, unit.to_ascii_uppercase()]) {
            return (front.trim_end(), power);
        }
    }
    (text, 0)
}

/// Sign, whole part, fraction, exponent.
fn amount_of(format: NumberFormat, text: &str, power: i32) -> Option<Number> {
    let (sign, rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (&text[..1], rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once(format.decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let unmarked = without_marks(whole);
    let is_grouped =
        unmarked.is_some() || format.thousands.is_some_and(|separator| whole.contains(separator));
    // A group of three digits ends a number, or a separator of decimals follows.
    if is_grouped && exponent.is_some() && fraction.is_none() {
        return None;
    }
    let whole = ungrouped(unmarked.as_deref().unwrap_or(whole), format.thousands)?;
    let fraction = fraction.unwrap_or("");
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(&whole) || !are_digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let number = format!("{sign}{whole}.{fraction}");
    let number = match exponent {
        None if power == 0 => number,
        None => format!("{number}e{power}"),
        Some(exponent) => {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            if digits.is_empty() || !are_digits(digits) {
                return None;
            }
            format!("{number}e{exponent}")
        }
    };
    let value: f64 = number.parse().ok()?;
    let is_about = exponent.is_some() && power != 0;
    let value = if is_about { value * 10_f64.powi(power) } else { value };
    match (value.is_finite(), is_about) {
        (false, true) => Some(Number::About(f64::MAX)),
        (false, false) => None,
        (true, true) => Some(Number::About(value)),
        (true, false) => Some(Number::Value(value)),
    }
}

fn ungrouped(whole: &str, thousands: Option<char>) -> Option<String> {
    let Some(separator) = thousands.filter(|separator| whole.contains(*separator)) else {
        return Some(whole.to_owned());
    };
    let groups: Vec<&str> = whole.split(separator).collect();
    let lengths: Vec<usize> = groups[1..].iter().map(|group| group.len()).collect();
    let (last, front) = lengths.split_last()?;
    let are_full = *last == 3 && [2, 3].iter().any(|len| front.iter().all(|other| other == len));
    let begins = (1..=3).contains(&groups[0].len()) && groups[0].contains(|c| c != '0');
    (are_full && begins).then(|| groups.concat())
}

/// Digits between which spaces stand before each three of them, or apostrophes.
fn without_marks(whole: &str) -> Option<String> {
    [" \u{a0}\u{2009}\u{202f}", "'’"].iter().find_map(|marks| {
        let groups: Vec<&str> = whole.split(|c| marks.contains(c)).collect();
        let are_digits = groups.concat().bytes().all(|byte| byte.is_ascii_digit());
        let are_full = groups.len() > 1 && groups[1..].iter().all(|group| group.len() == 3);
        let begins = (1..=3).contains(&groups[0].len()) && groups[0].contains(|c| c != '0');
        (are_digits && are_full && begins).then(|| groups.concat())
    })
}
