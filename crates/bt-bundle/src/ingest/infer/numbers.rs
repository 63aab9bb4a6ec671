//! How a source writes its numbers, where nobody stated it: by what its first rows leave no doubt of.

use crate::ingest::NumberFormat;
use crate::ingest::field::number;

/// What numbers show of the signs in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::ingest) struct SeparatorsShown {
    /// A full stop can only be a decimal point.
    point: bool,
    /// A comma can only be a decimal comma.
    comma: bool,
    /// Full stops stand where thousands would have them.
    point_groups: bool,
    /// Commas stand where thousands would have them.
    comma_groups: bool,
    /// Full stops can only stand between thousands.
    many_points: bool,
    /// Commas can only stand between thousands.
    many_commas: bool,
    /// Spaces or apostrophes stand between thousands.
    marks: bool,
}

impl SeparatorsShown {
    pub(in crate::ingest) fn note(&mut self, text: &[u8]) {
        let Ok(text) = str::from_utf8(text) else { return };
        let amount = number::amount(text.trim());
        let text = number::without_marks(&amount, &['.', ',']);
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b".,-+".contains(&byte));
        if !is_number {
            return;
        }
        self.marks |= text.len() < amount.len();
        let text = text.as_bytes();
        let last = |sign: u8| text.iter().rposition(|&byte| byte == sign);
        match (last(b'.'), last(b',')) {
            (Some(point), Some(comma)) if point > comma => (self.point, self.comma_groups) = (true, true),
            (Some(_), Some(_)) => (self.comma, self.point_groups) = (true, true),
            (Some(point), None) => {
                self.many_points |= are_groups(text, b'.');
                note_one(text, b'.', point, &mut self.point, &mut self.point_groups);
            }
            (None, Some(comma)) => {
                self.many_commas |= are_groups(text, b',');
                note_one(text, b',', comma, &mut self.comma, &mut self.comma_groups);
            }
            (None, None) => {}
        }
    }

    /// Notes a text of any column, if it can be one number alone: `2.417.212.836,00`.
    pub(in crate::ingest) fn note_certain(&mut self, text: &[u8]) {
        let Ok(text) = str::from_utf8(text) else { return };
        let amount = number::amount(text.trim());
        let text = amount.as_bytes();
        let Some(at) = text.iter().rposition(|byte| b".,".contains(byte)) else { return };
        let (whole, fraction) = (&text[..at], &text[at + 1..]);
        let other = if text[at] == b',' { b'.' } else { b',' };
        if !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit) && are_groups(whole, other) {
            self.note(text);
        }
    }

    /// The format, unless the numbers contradict each other or tell nothing; then full stops are decimal points.
    pub(in crate::ingest) fn format(self) -> NumberFormat {
        match self {
            Self { comma: true, point: false, point_groups, .. } => {
                NumberFormat { decimal: ',', thousands: point_groups.then_some('.') }
            }
            Self { point: true, comma: false, comma_groups: true, .. } => {
                NumberFormat { decimal: '.', thousands: Some(',') }
            }
            Self { marks: true, comma_groups: true, many_commas: false, point: false, .. } => {
                NumberFormat { decimal: ',', thousands: None }
            }
            Self { many_points: true, many_commas: false, point: false, .. } => {
                NumberFormat { decimal: ',', thousands: Some('.') }
            }
            Self { many_commas: true, many_points: false, comma: false, .. } => {
                NumberFormat { decimal: '.', thousands: Some(',') }
            }
            _ => NumberFormat::default(),
        }
    }
}

/// Whether one sign stands at least twice, and before three digits each time: `1.154.000`.
fn are_groups(text: &[u8], sign: u8) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut groups = digits.split(|&byte| byte == sign);
    let first = groups.next().unwrap_or_default();
    let groups: Vec<_> = groups.collect();
    groups.len() > 1
        && (1..=3).contains(&first.len())
        && number::are_groups(groups.iter().map(|group| group.len()))
        && groups.iter().chain([&first]).all(|group| group.iter().all(u8::is_ascii_digit))
}

/// Whether a text is a number with one full stop before three digits, which may stand between thousands: `133.220`.
pub(in crate::ingest) fn may_be_thousands(text: &[u8]) -> bool {
    let mut shown = SeparatorsShown::default();
    shown.note(text);
    shown == SeparatorsShown { point_groups: true, ..Default::default() }
}

/// A number with one kind of sign, last at `at`. A single group of three digits behind it could be either.
fn note_one(text: &[u8], sign: u8, at: usize, is_decimal: &mut bool, is_group: &mut bool) {
    let signs = text.iter().filter(|&&byte| byte == sign).count();
    let behind = text.len() - at - 1;
    let before = text[..at].iter().filter(|byte| byte.is_ascii_digit()).count();
    match (signs, behind) {
        (1, 3)
            if (1..=3).contains(&before) && text.iter().find(|byte| byte.is_ascii_digit()) != Some(&b'0') =>
        {
            *is_group = true;
        }
        (1, _) => *is_decimal = true,
        (_, 3) => *is_group = true,
        // A date, perhaps.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(numbers: &[&str]) -> NumberFormat {
        let mut shown = SeparatorsShown::default();
        numbers.iter().for_each(|number| shown.note(number.as_bytes()));
        shown.format()
    }

    #[test]
    fn separators_are_read_where_the_numbers_leave_no_doubt() {
        let english = NumberFormat { decimal: '.', thousands: Some(',') };
        let european = NumberFormat { decimal: ',', thousands: Some('.') };
        assert_eq!(format(&["18,246.9", "27,195"]), english);
        assert_eq!(format(&["12.5", "27,195"]), english);
        assert_eq!(format(&["1.234,50", "12"]), european);
        assert_eq!(format(&["12,25", "27.195"]), european);
        assert_eq!(format(&["12,25"]), NumberFormat { decimal: ',', thousands: None });
        assert_eq!(format(&["12,34,567"]), english);
        assert_eq!(format(&["13,181", "1.154.000"]), european);
        assert_eq!(format(&["2.961", "1.154.000"]), european);
        assert_eq!(format(&["2,961", "1,154,000"]), english);
        assert_eq!(format(&["2.961", "1,154,000"]), english);
        assert_eq!(format(&["0,125"]), NumberFormat { decimal: ',', thousands: None });
        assert_eq!(format(&["R$ 1.223,03", "12"]), european);
        assert_eq!(format(&["1 848,20", "848,200"]), NumberFormat { decimal: ',', thousands: None });
        assert_eq!(format(&["848,200", "1\u{202f}848"]), NumberFormat { decimal: ',', thousands: None });
        assert_eq!(format(&["12 345.678", "1'223.03"]), NumberFormat::default());
    }

    #[test]
    fn a_number_that_can_be_one_alone_tells_of_all_wherever_it_stands() {
        let with = |number: &str, other: &str| {
            let mut shown = SeparatorsShown::default();
            shown.note(number.as_bytes());
            shown.note_certain(other.as_bytes());
            shown.format()
        };
        let european = NumberFormat { decimal: ',', thousands: Some('.') };
        assert_eq!(with("133.220", "2.417.212.836,00"), european);
        assert_eq!(with("133.220", "R$ 2.417.212.836,00"), european);
        assert_eq!(with("42,661", "1,234,567.8"), NumberFormat { decimal: '.', thousands: Some(',') });
        for other in ["1.234.567", "12,37", "1.234,5", "1.2.3,4", "1.234.567,x", "1.234.567,"] {
            assert_eq!(with("133.220", other), NumberFormat::default(), "{other}");
        }
        assert_eq!(with("12.5", "2.417.212.836,00"), NumberFormat::default());
    }

    #[test]
    fn numbers_that_could_be_two_are_left_to_whoever_knows() {
        for numbers in [
            &["27,195"][..],
            &["27.195"],
            &["12.5", "12,5"],
            &["1.154.000", "1,154,000"],
            &["127.0.0.1"],
            &["12"],
            &[],
            &["abc", "1/2"],
        ] {
            assert_eq!(format(numbers), NumberFormat::default(), "{numbers:?}");
        }
    }
}
