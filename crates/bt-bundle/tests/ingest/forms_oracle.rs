//! Days, moments and numbers written by hand, without a library of the ingest.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Day {
    pub(super) year: i32,
    pub(super) month: u32,
    pub(super) day: u32,
}

pub(super) const DATE_FORMS: u8 = 20;

pub(super) fn is_excel(form: u8) -> bool {
    form == 18
}

/// Whether a form is three numbers of two digits, so that only neighbours tell which of them is the year.
pub(super) fn wants_neighbours(form: u8) -> bool {
    matches!(form, 12 | 19)
}

impl Day {
    /// As many days, one after the other, from one of those that is no month.
    pub(super) fn in_a_row(days: &[Self]) -> Vec<Self> {
        let first = days.iter().find(|day| day.day > 12).map_or(0, |day| i64::from(day.since_1970()));
        (0..days.len() as i64).map(|after| Self::at(first + after)).collect()
    }

    /// Days since 1970-01-01, counted year by year and month by month.
    pub(super) fn since_1970(&self) -> i32 {
        let is_leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let years: i32 = (1970..self.year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
        let lengths = [31, if is_leap(self.year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        years + lengths[..self.month as usize - 1].iter().sum::<i32>() + self.day as i32 - 1
    }

    /// The day that is so many days after 1970-01-01.
    fn at(since_1970: i64) -> Self {
        let mut day = Self { year: 1970 + (since_1970 / 366) as i32, month: 1, day: 1 };
        while i64::from(Self { year: day.year + 1, ..day }.since_1970()) <= since_1970 {
            day.year += 1;
        }
        while day.month < 12 && i64::from(Self { month: day.month + 1, ..day }.since_1970()) <= since_1970 {
            day.month += 1;
        }
        day.day += (since_1970 - i64::from(day.since_1970())) as u32;
        day
    }

    pub(super) fn written(&self, form: u8) -> String {
        let Self { year, month, day } = *self;
        let name = MONTHS[month as usize - 1];
        let (short, two) = (&name[..3], year % 100);
        match form {
            0 => format!("{year}-{month:02}-{day:02}"),
            1 => format!("{year}.{month:02}.{day:02}"),
            2 => format!("{year}/{month}/{day}"),
            3 => format!("{year}{month:02}{day:02}"),
            4 => format!("{day:02}-{short}-{year}"),
            5 => format!("{day:02}-{}-{two:02}", short.to_uppercase()),
            6 => format!("{day} {name} {year}"),
            7 => format!("{short} {day}, {year}"),
            8 => format!("{name} {day} {year}"),
            9 => format!("{year}-{short}-{day:02}"),
            10 => format!("{day:02}.{month:02}.{year}"),
            11 => format!("{month}/{day}/{year}"),
            12 => format!("{day:02}/{month:02}/{two:02}"),
            13 => format!("{month:02}-{day:02}-{year}"),
            14 => format!("{year}-{month:02}-{day:02} 00:00:00"),
            15 => format!("{year}-{month:02}-{day:02}T00:00:00Z"),
            16 => format!("{short} {day}, {year} 12:00 AM"),
            17 => format!("{day:02}.{month:02}.{year} 00:00:00.000"),
            19 => format!("{two:02}-{month:02}-{day:02}"),
            _ => (self.since_1970() + 25_569).to_string(),
        }
    }
}

/// Seconds since 1970, and minutes ahead of UTC on the clock that shows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) seconds: i64,
    pub(super) offset: i64,
}

pub(super) const TIME_FORMS: u8 = 18;

impl Moment {
    /// The day and the hour and minute at an offset.
    fn clock(&self, offset: i64) -> (Day, i64, i64) {
        let local = self.seconds + offset * 60;
        (Day::at(local / 86_400), local % 86_400 / 3600, local % 3600 / 60)
    }

    /// Whether a date in this form tells which of its numbers is the day.
    pub(super) fn tells_order(&self, form: u8) -> bool {
        match form {
            6 | 7 => self.clock(0).0.day > 12,
            8 => self.clock(self.offset).0.day > 12,
            _ => true,
        }
    }

    /// Whether this form of a moment is the digits of another date and time: `1996030200`, `199603020000`.
    pub(super) fn shows_another_date(&self, form: u8) -> bool {
        let digits = self.written(form);
        let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| pair.parse::<u32>().ok()).unwrap_or(0);
        let is_date =
            matches!(pair(0), 19 | 20) && (1..=12).contains(&pair(4)) && (1..=31).contains(&pair(6));
        matches!((form, digits.len()), (12, 10) | (14, 12)) && is_date && pair(8) < 24 && pair(10) < 60
    }

    pub(super) fn written(&self, form: u8) -> String {
        let offset = if (8..12).contains(&form) { self.offset } else { 0 };
        let (day, hour, minute) = self.clock(offset);
        let Day { year, month, day } = day;
        let (sign, ahead) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        let (half, twelve) =
            (if hour < 12 { "AM" } else { "PM" }, if hour % 12 == 0 { 12 } else { hour % 12 });
        let short = &MONTHS[month as usize - 1][..3];
        match form {
            0 => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}"),
            1 => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00.000Z"),
            2 => format!("{year}{month:02}{day:02} {hour:02}{minute:02}00"),
            3 => format!("{year}{month:02}{day:02}{hour:02}{minute:02}00"),
            4 => format!("{year}.{month:02}.{day:02} {hour:02}:{minute:02}:00"),
            5 => format!("{day:02}-{short}-{year} {twelve}:{minute:02}:00 {half}"),
            6 => format!("{month}/{day}/{year} {twelve}:{minute:02} {half}"),
            7 => format!("{day:02}.{month:02}.{year} {hour:02}:{minute:02}"),
            8 => format!(
                "{day:02}.{month:02}.{year} {hour:02}:{minute:02}:00.000 GMT{sign}{:02}{:02}",
                ahead / 60,
                ahead % 60
            ),
            9 => format!(
                "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:00{sign}{:02}:{:02}",
                ahead / 60,
                ahead % 60
            ),
            10 => format!(
                "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}{sign}{:02}{:02}",
                ahead / 60,
                ahead % 60
            ),
            11 => format!(
                "{short} {day}, {year} {hour:02}:{minute:02} UTC{sign}{:02}:{:02}",
                ahead / 60,
                ahead % 60
            ),
            12 => self.seconds.to_string(),
            13 => format!("{}.0", self.seconds),
            14 => format!("{}000", self.seconds),
            15 => format!("{}000000", self.seconds),
            16 => format!("{}000000000", self.seconds),
            _ => format!("{year}-{month:02}-{day:02} {twelve}:{minute:02}-{half} UTC"),
        }
    }
}

/// A number of units of 10^-`decimals`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal {
    pub(super) units: i64,
    pub(super) decimals: u32,
}

pub(super) const NUMBER_FORMS: u8 = 11;

/// The signs for the fraction and between thousands that a form has to state.
pub(super) fn separators(form: u8) -> Option<(char, char)> {
    match form {
        8 => Some(('.', ',')),
        9 => Some((',', '.')),
        10 => Some((',', ' ')),
        _ => None,
    }
}

impl Decimal {
    /// As Rust reads its decimal text.
    pub(super) fn value(&self) -> f64 {
        self.plain().parse().unwrap()
    }

    fn parts(&self) -> (String, String) {
        let text = format!("{:0>1$}", self.units, self.decimals as usize + 1);
        let (whole, fraction) = text.split_at(text.len() - self.decimals as usize);
        (whole.to_owned(), fraction.to_owned())
    }

    fn plain(&self) -> String {
        let (whole, fraction) = self.parts();
        if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
    }

    fn grouped(&self, decimal: char, thousands: char) -> String {
        let (whole, fraction) = self.parts();
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                grouped.push(thousands);
            }
            grouped.push(digit);
        }
        if fraction.is_empty() { grouped } else { format!("{grouped}{decimal}{fraction}") }
    }

    pub(super) fn written(&self, form: u8) -> String {
        let plain = self.plain();
        match form {
            0 => plain,
            1 => format!("${plain}"),
            2 => format!("{plain} €"),
            3 => format!(" +{plain} "),
            4 => format!("{}e-{}", self.units, self.decimals),
            5 => format!("{plain}E+00"),
            // A thousandth, a millionth and a thousand-millionth of it, with the letter that multiplies.
            6 => format!("{}K", Self { decimals: self.decimals + 3, ..*self }.plain()),
            7 => format!("£{}M", Self { decimals: self.decimals + 6, ..*self }.plain()),
            8 => self.grouped('.', ','),
            9 => self.grouped(',', '.'),
            _ => self.grouped(',', ' '),
        }
    }
}
