//! Sentences: the fault itself, which names no option of anybody, and behind it what the library advises.

use std::fmt;

use bt_core::{Field, Frequency};

use super::super::report::counted;
use super::{
    AdjustmentFault, AssetFault, Fault, FileFault, FrequencyFault, HeaderFault, NumberFault, OptionConflict,
    RowFault, TimeFault,
};
use crate::{Column, DateOrder};

/// A fault without advice.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'f>(&'f Fault);

impl Fault {
    /// The fault alone, for a program that advises in the terms of its own options.
    pub fn statement(&self) -> Statement<'_> {
        Statement(self)
    }
}

impl fmt::Display for Fault {
    /// The fault, and what the library advises.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statement().fmt(f)?;
        self.advice().into_iter().try_for_each(|advice| write!(f, "; {}", advice.in_library_terms()))
    }
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fault::Header(fault) => fault.fmt(f),
            Fault::Time(fault) => fault.fmt(f),
            Fault::Number(fault) => fault.fmt(f),
            Fault::Asset(fault) => fault.fmt(f),
            Fault::Row(fault) => fault.fmt(f),
            Fault::Frequency(fault) => fault.fmt(f),
            Fault::File(fault) => fault.fmt(f),
            Fault::Adjustment(fault) => fault.fmt(f),
            Fault::Options(conflict) => conflict.fmt(f),
        }
    }
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty; a header line with the names of the columns is needed"),
            Self::Missing { missing, found, delimiter, lines, .. } => {
                missing_columns(f, missing, found, *delimiter)?;
                match lines {
                    0 | 1 => Ok(()),
                    lines => write!(f, "; none of its first {lines} lines names such columns"),
                }
            }
            Self::Absent { first } => {
                write!(f, "its first line, {}, holds values and no names of columns", list(first))
            }
            Self::Ambiguous { columns: [one, other], what } => {
                write!(f, "columns {one:?} and {other:?} could both be the {}", noun(what))
            }
            Self::SameExtra { columns: [one, other], name } => {
                write!(f, "columns {one:?} and {other:?} could both be the extra column {name:?}")
            }
            Self::NoSuchColumn { name, what: Column::Extra(_), found } => {
                write!(f, "no column {name:?}, which is stated to be an extra one; it has {}", list(found))
            }
            Self::NoSuchColumn { name, what, found } => {
                write!(
                    f,
                    "no column {name:?}, which is stated to be {}; it has {}",
                    article(what),
                    list(found)
                )
            }
            Self::Wide { assets, columns } if assets.is_empty() => {
                write!(f, "it is a wide table: columns such as {} hold assets side by side", list(columns))
            }
            Self::Wide { assets, columns } => write!(
                f,
                "it is a wide table: columns such as {} hold assets side by side ({})",
                list(columns),
                list(assets)
            ),
            Self::TooLarge { columns: Some(columns), most } => {
                write!(f, "it has {columns} columns; at most {most} are read")
            }
            Self::TooLarge { columns: None, most } => {
                write!(f, "its header does not end within {most} bytes")
            }
            Self::ExtraMissing { name, first } => {
                write!(f, "it has no column {name:?}, which {first} has")
            }
            Self::ExtraNew { name, first } => {
                write!(f, "it has a column {name:?}, which {first} does not have")
            }
            Self::OpenQuote { name } => {
                write!(
                    f,
                    "a quote of its header is not closed on that line: the name of a column would be {name:?}"
                )
            }
            Self::OtherFormat { what } => write!(f, "it is {what}, and is read as CSV"),
            Self::NotUtf8 { name } => write!(f, "its header is not UTF-8: {name:?}"),
            Self::Fields { found, expected } => {
                write!(f, "its rows have {found} fields, and its header has {expected} names")
            }
            Self::Changed { before } => write!(f, "the columns are no longer {}", list(before)),
            Self::WrongType { found, allowed } => write!(f, "{found} is not read; allowed: {allowed}"),
        }
    }
}

fn missing_columns(
    f: &mut fmt::Formatter<'_>,
    missing: &[(Column, &[&str])],
    found: &[String],
    delimiter: Option<char>,
) -> fmt::Result {
    const NAMES: usize = 3;
    let (prices, others): (Vec<_>, Vec<_>) = missing.iter().partition(|(column, _)| column.field().is_some());
    let mut all: Vec<String> = others.iter().map(|(column, _)| article(column)).collect();
    let prices: Vec<_> = prices.iter().map(|(column, _)| noun(column)).collect();
    match &prices[..] {
        [] => {}
        [only] => all.push(format!("a column of {only} prices")),
        [first @ .., last] => all.push(format!("columns of {} and {last} prices", first.join(", "))),
    }
    write!(f, "no column looks like {}", all.join(", nor like "))?;
    // Of several the names would be longer than the file's own.
    if let [(_, known)] = missing {
        let more = if known.len() > NAMES { ", …" } else { "" };
        write!(f, " (known names: {}{more})", known[..known.len().min(NAMES)].join(", "))?;
    }
    write!(f, "; it has {}", list(found))?;
    match delimiter {
        Some(delimiter) => write!(f, " (fields separated by {delimiter:?})"),
        None => Ok(()),
    }
}

impl fmt::Display for TimeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no date or time"),
            Self::Unreadable { text, expected, .. } => write!(f, "{text:?} is not {expected}"),
            Self::Number { text } => write!(f, "{text} is a number, and nothing says what it counts"),
            Self::NoSuchDay { text } => {
                write!(f, "{text:?} is no day or time of the calendar between 1677-09-22 and 2262-04-09")
            }
            Self::OutOfRange { text } => write!(f, "{text} is not between 1677-09-22 and 2262-04-09"),
            Self::DateOrder { text, readings } => {
                let reading = |(order, day): &(DateOrder, String)| format!("{day} with the {order} first");
                let readings = readings.iter().map(reading).collect::<Vec<_>>().join(" and ");
                write!(f, "{text:?} is {readings}, and no other date tells which")
            }
            Self::OtherOrder { text, order, of_others } => write!(
                f,
                "{text:?} has the {order} first, and other dates of the input have the {of_others} first"
            ),
            Self::Abbreviation { text, name, zone } => {
                write!(f, "{text:?} says {name}, and the clocks of {zone} are not at {name} on that day")
            }
            Self::Twice { text, zone } => {
                write!(f, "{text:?} happens twice in {zone}, where clocks are set back")
            }
            Self::Skipped { text, zone } => {
                write!(f, "{text:?} does not exist in {zone}, where clocks are set forward over it")
            }
            Self::Zone { text, zone } => write!(
                f,
                "{text:?} names the zone {zone:?}, which is not known; allowed: names of the IANA database, offsets, UTC"
            ),
            Self::Mixed { has_time, other } => match has_time {
                true => write!(f, "a date with a time, but {other} has none"),
                false => write!(f, "a date without a time, but {other} has a time"),
            },
            Self::Zones { first, other } => {
                write!(f, "its times are in {other}, those of earlier inputs in {first}")
            }
            Self::MovedDay { known, ends } => write!(
                f,
                "the day of the bundle's last bar ends at {ends} by this input, and was taken to end at {known}"
            ),
        }
    }
}

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { text, .. } => write!(f, "{text:?} is not a number"),
            Self::DecimalOrThousands { text, decimal, thousands } => write!(
                f,
                "{text:?} is {decimal} with a decimal comma and {thousands} with commas between thousands, and nothing \
                 tells which"
            ),
            Self::NotUtf8 { text } => write!(f, "{text:?} is not UTF-8"),
            Self::NotFinite { text } => write!(f, "{text} is not finite"),
            Self::Missing => f.write_str("is missing"),
        }
    }
}

impl fmt::Display for AssetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no asset"),
            Self::Name { name, allowed } => write!(f, "{name:?} is no asset's name; allowed: {allowed}"),
            Self::NotUtf8 { text } => write!(f, "{text:?} is not UTF-8"),
            Self::Several { name, first } => write!(
                f,
                "{name:?} is another asset than {first:?} above, so one name cannot be the asset of all rows"
            ),
            Self::FileName => f.write_str("the file's name is no asset's name"),
        }
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields { found, expected } => {
                write!(f, "{} where the header has {expected}", counted(*found as u64, "field"))
            }
            Self::TooLong { most } => write!(f, "a line longer than {most} bytes; is a quote left open?"),
            Self::HighBelowLow { high, low } => write!(f, "{high} is below the low, {low}"),
            Self::NegativeVolume { volume } => write!(f, "{volume} is below 0"),
            Self::Outside { price, low, high } => {
                write!(f, "{price} is outside low and high, {low} to {high}")
            }
            Self::NotAboveZero { price } => write!(f, "{price} is not above 0"),
            Self::OpenQuote => f.write_str("a quote that opens here is not closed where its field ends"),
            Self::Unpriced => f.write_str("open, high, low and close are all missing"),
            Self::Repeated { earlier } => write!(f, "the same as {earlier}"),
            Self::Duplicate { asset, known, is_of_day, earlier, unread_clock, apart, .. } => {
                let same = if *is_of_day { "day" } else { "time" };
                write!(
                    f,
                    "{asset:?} has a bar for the same {same} (known {known}) already, in {earlier}, with other values"
                )?;
                match (unread_clock, apart) {
                    (Some(column), _) => {
                        write!(f, "; column {column:?}, which is not read, holds times of day")
                    }
                    (None, Some(column)) => {
                        write!(f, "; column {column:?}, which is not read, tells such rows apart")
                    }
                    (None, None) => Ok(()),
                }
            }
            Self::None { first: None, .. } => f.write_str("there are no rows"),
            Self::None { read, first: Some(first) } => {
                write!(
                    f,
                    "none of {} is a bar; the first: {}: {}",
                    counted(*read, "row"),
                    first.place,
                    first.fault.statement()
                )
            }
        }
    }
}

impl fmt::Display for FrequencyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                f.write_str("no asset has two bars near each other, so nothing tells how far apart they are")
            }
            Self::Unusual { nanos } => write!(
                f,
                "the commonest distance of bars is {} s; allowed: {}",
                *nanos as f64 / 1e9,
                Frequency::ALLOWED
            ),
            Self::FarApart { days } => {
                write!(f, "most bars are {days} days apart; allowed: {}", Frequency::ALLOWED)
            }
            Self::OfAsset { asset, frequency, most } => {
                write!(f, "{asset:?} has bars of {frequency}, and most bars are of {most}")
            }
            Self::Months { frequency } => {
                write!(f, "its dates are months without a day, which bars of {frequency} cannot have")
            }
            Self::AssetFarApart { asset, days, most } => {
                write!(f, "the bars of {asset:?} are {days} days apart, and most bars are of {most}")
            }
            Self::Starts { frequency } => write!(
                f,
                "its {} bars are stamped with the first day of their {}, at which they are not over",
                adjective(*frequency),
                period(*frequency)
            ),
            Self::StartOrEnd { frequency } => write!(
                f,
                "its {} bars are stamped with neither the first nor the last days of their {}s, so nothing tells when they \
                 are over",
                adjective(*frequency),
                period(*frequency)
            ),
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular => f.write_str("it is no regular file; devices, pipes and sockets are not read"),
            Self::EmptyFolder { endings } => write!(f, "the folder holds no file that ends in {endings}"),
            Self::Encoding { encoding } => write!(f, "its text is not valid {encoding}"),
            Self::Damaged { reason } => f.write_str(reason),
            Self::Compression { name, supported, .. } => {
                write!(f, "compressed with {name}, which is not read; supported: {supported}")
            }
        }
    }
}

impl fmt::Display for AdjustmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAsset { name } => write!(f, "{name:?} is no asset that has bars"),
            Self::Kind { text } => write!(f, "{text:?} is neither split nor dividend"),
            Self::Value { text } => write!(f, "{text:?} is not above 0"),
            Self::Repeated { ex_date } => write!(f, "the asset has one of this kind at {ex_date} already"),
            Self::Column { known, found } => {
                write!(f, "no column named {}; it has {}", known.join(" or "), list(found))
            }
        }
    }
}

impl fmt::Display for OptionConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloseWithinDays { frequency } => {
                write!(f, "a session close is stated, but these are {frequency} bars; only bars of a day or longer wait for it")
            }
            Self::CloseAndEnds => f.write_str(
                "a session close is stated, but also that the times are the ends of bars, at which they are known",
            ),
            Self::CloseAndStarts { frequency } => write!(
                f,
                "a session close is stated, but also that the times are the starts of {} bars, which are known when the next \
                 {} begins",
                adjective(*frequency),
                period(*frequency)
            ),
        }
    }
}

fn adjective(frequency: Frequency) -> &'static str {
    if frequency == Frequency::Monthly { "monthly" } else { "weekly" }
}

fn period(frequency: Frequency) -> &'static str {
    if frequency == Frequency::Monthly { "month" } else { "week" }
}

/// The first names of a list.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<_> =
        names.iter().take(SHOWN).map(|name| format!("{:?}", super::excerpt(name.as_bytes()))).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What a column holds, in words.
fn noun(column: &Column) -> String {
    match column {
        Column::Asset => "asset".to_owned(),
        Column::Timestamp => "timestamp".to_owned(),
        Column::Time => "time of day".to_owned(),
        Column::Extra(name) => format!("extra column {name:?}"),
        Column::Ignored => "ignored column".to_owned(),
        price => Field::NAMES[price.field().map_or(0, Field::index)].to_owned(),
    }
}

fn article(column: &Column) -> String {
    match column {
        Column::Open | Column::High | Column::Low | Column::Close => {
            format!("a column of {} prices", noun(column))
        }
        Column::Asset | Column::Extra(_) | Column::Ignored => format!("an {}", noun(column)),
        _ => format!("a {}", noun(column)),
    }
}
