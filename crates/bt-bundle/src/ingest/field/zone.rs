//! Zones that times name themselves.

use std::sync::Arc;

use bt_core::Zone;
use jiff::tz::TimeZoneDatabase;

/// The zone that a time names itself.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::ingest) enum Own {
    /// None.
    Nothing,
    /// None but the one that holds for times that name none, by what it is called when it is so many minutes ahead of UTC.
    Abbreviated(i32),
    /// So many minutes ahead of UTC.
    Offset(i32),
    /// A zone.
    Zone(Arc<Zone>),
    /// A zone, when it is so many minutes ahead of UTC.
    ZoneAt(Arc<Zone>, i32),
}

/// What a zone itself is called in winter and in summer, each with its minutes ahead of UTC then; without them, in both.
#[derive(Clone, Debug, Default)]
pub(super) struct Abbreviations(Arc<[(String, Option<i32>)]>);

impl Abbreviations {
    pub(super) fn of(zone: &Zone) -> Self {
        // The middles of January and July 2024.
        const SECONDS: [i64; 2] = [1_705_276_800, 1_721_001_600];
        let Ok(table) = TimeZoneDatabase::bundled().get(zone.name()) else { return Self::default() };
        let mut names = Vec::new();
        for moment in SECONDS.into_iter().filter_map(|second| jiff::Timestamp::from_second(second).ok()) {
            let info = table.to_offset_info(moment);
            // Zones without a name of their own are called by their offsets, such as `-03`.
            if info.abbreviation().bytes().all(|byte| byte.is_ascii_alphabetic()) {
                names.push((info.abbreviation().to_owned(), Some(info.offset().seconds() / 60)));
            }
        }
        let has = |name: String| names.iter().any(|(known, _)| *known == name);
        let both =
            ["E", "C", "M", "P"].iter().find(|zone| has(format!("{zone}ST")) && has(format!("{zone}DT")));
        names.extend(both.map(|zone| (format!("{zone}T"), None)));
        Self(names.into())
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<Own> {
        let (_, minutes) = self.0.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(text))?;
        Some(minutes.map_or(Own::Nothing, Own::Abbreviated))
    }
}

/// Minutes ahead of UTC of `Z`, `UTC`, `GMT`, `+09:00`, `GMT+0700`, `UTC-5`, `GMT-0500 (Eastern Standard Time)`.
pub(super) fn offset(zone: &[u8]) -> Option<i32> {
    let zone = str::from_utf8(without_comment(zone)).ok()?;
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let front =
        zone.get(..3).filter(|front| front.eq_ignore_ascii_case("utc") || front.eq_ignore_ascii_case("gmt"));
    match front.map(|_| zone[3..].trim()) {
        None => Zone::read_offset(zone),
        Some("") => Some(0),
        // `UTC-5`
        Some(text) if text.len() == 2 => {
            let (sign, hours) = text.split_at_checked(1)?;
            Zone::read_offset(&format!("{sign}0{hours}"))
        }
        Some(text) => Zone::read_offset(text),
    }
}

/// The zone that the name of a column says, as an offset from UTC: `Gmt time`, `Time (UTC)`, `datetime_utc`, `Time UTC+8`.
pub(in crate::ingest) fn of_column(name: &str) -> Option<Own> {
    words(name).find_map(of_word).map(Own::Offset)
}

/// The name of a column without the zone that it says.
pub(in crate::ingest) fn without(name: &str) -> Option<String> {
    let zone = words(name).find(|word| of_word(word).is_some())?;
    Some(name.replacen(zone, "", 1).trim_matches(is_between).to_owned())
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '_')
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(is_between)
}

fn of_word(word: &str) -> Option<i32> {
    let front = word.get(..3)?;
    let is_zone = front.eq_ignore_ascii_case("utc") || front.eq_ignore_ascii_case("gmt");
    if is_zone { offset(word.as_bytes()) } else { None }
}

/// What JavaScript and mail say of an offset in words is in the language of their user, and may be in another encoding.
fn without_comment(zone: &[u8]) -> &[u8] {
    let comment = zone.windows(2).position(|pair| pair == b" (").filter(|_| zone.ends_with(b")"));
    comment.map_or(zone, |at| &zone[..at])
}

/// The offset and the name of a zone that says both: `-05:00[America/New_York]`, as Java, Temporal and jiff write it.
pub(super) fn split_name(zone: &[u8]) -> Option<(i32, &[u8])> {
    let at = zone.iter().position(|&byte| byte == b'[')?;
    Some((offset(&zone[..at])?, zone[at + 1..].strip_suffix(b"]")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_may_say_its_zone() {
        for (name, minutes, rest) in [
            ("Gmt time", 0, "time"),
            ("Time (UTC)", 0, "Time"),
            ("datetime_utc", 0, "datetime"),
            ("Datetime (GMT+1)", 60, "Datetime"),
            ("Time [UTC+05:30]", 330, "Time"),
        ] {
            assert_eq!(of_column(name), Some(Own::Offset(minutes)), "{name}");
            assert_eq!(without(name).as_deref(), Some(rest), "{name}");
        }
        for name in ["Local time", "Gmtoffset", "time", "utcnow", "Time (EST)", ""] {
            assert_eq!((of_column(name), without(name)), (None, None), "{name}");
        }
    }

    #[test]
    fn abbreviations_are_those_that_a_zone_has_itself() {
        let find = |zone: &str, name: &str| Abbreviations::of(&zone.parse().unwrap()).find(name.as_bytes());
        for (zone, name, minutes) in [
            ("America/New_York", "EST", -300),
            ("America/New_York", "edt", -240),
            ("Europe/Berlin", "CET", 60),
            ("Europe/London", "BST", 60),
            ("Asia/Tokyo", "JST", 540),
            ("Asia/Kolkata", "IST", 330),
            ("Asia/Shanghai", "CST", 480),
            ("America/Chicago", "CST", -360),
            ("Australia/Sydney", "AEST", 600),
        ] {
            assert_eq!(find(zone, name), Some(Own::Abbreviated(minutes)), "{zone} {name}");
        }
        for (zone, name) in
            [("America/New_York", "ET"), ("America/Chicago", "CT"), ("America/Los_Angeles", "PT")]
        {
            assert_eq!(find(zone, name), Some(Own::Nothing), "{zone} {name}");
        }
        for (zone, name) in [
            ("America/New_York", "CST"),
            ("America/New_York", "CT"),
            ("Asia/Shanghai", "CT"),
            ("America/Phoenix", "MT"),
            ("America/Sao_Paulo", "-03"),
            ("+05:30", "IST"),
            ("UTC", "EST"),
        ] {
            assert_eq!(find(zone, name), None, "{zone} {name}");
        }
    }
}
