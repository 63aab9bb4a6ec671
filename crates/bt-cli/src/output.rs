//! What the command prints: text for people, aligned tables, one JSON object for programs.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

use serde::Serialize;

use crate::exit::{Code, Failure};

/// How results are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Output {
    /// As one JSON object instead of text.
    pub json: bool,
    /// Without reports of what was done.
    pub quiet: bool,
}

impl Output {
    /// Prints what was asked for: the JSON object where that is wanted, else the text.
    ///
    /// # Errors
    /// Where standard output cannot be written. A reader that went away is a success with nothing to tell.
    pub fn show(self, object: &impl Serialize, text: impl Display) -> Result<(), Failure> {
        if !self.json {
            return print(format_args!("{text}\n"));
        }
        let text = serde_json::to_string_pretty(object)
            .map_err(|error| Failure::new(Code::Failure, format!("write JSON: {error}")))?;
        print(format_args!("{}\n", json_escaped(&text)))
    }

    /// Prints what was done, unless nobody wants to know.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub fn report(self, object: &impl Serialize, text: impl Display) -> Result<(), Failure> {
        if self.quiet && !self.json { Ok(()) } else { self.show(object, text) }
    }

    /// Says something beside the result, on standard error; not to programs, nor where nobody wants to know.
    pub fn note(self, text: impl Display) {
        if !self.quiet && !self.json {
            say(&format!("{}\n", Escaped(text)));
        }
    }
}

/// Writes to standard output, with styles only where a terminal shows them.
///
/// # Errors
/// As [`Output::show`].
pub fn print(text: fmt::Arguments<'_>) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.to_string().as_bytes()).and_then(|()| out.flush());
    written.map_err(unwritten)
}

/// Writes to standard error at once, with styles only where a terminal shows them: in pieces it would mix with what other processes
/// write there. Where standard error is gone there is nobody to tell.
pub(crate) fn say(text: &str) {
    let mut err = io::stderr().lock();
    let _ = match anstream::AutoStream::choice(&err) {
        anstream::ColorChoice::Never => {
            err.write_all(anstream::adapter::strip_str(text).to_string().as_bytes())
        }
        // On a terminal the console may have to be told of styles.
        _ => anstream::stderr().lock().write_all(text.as_bytes()),
    };
}

/// The most characters of a message, and how many of them are its end.
const MAX_MESSAGE: usize = 4000;
const END: usize = 1000;

/// A message that somebody can read: of a long one the beginning and the end, and how much is left out between them.
pub(crate) fn shortened(message: &str) -> Cow<'_, str> {
    let characters = message.chars().count();
    if characters <= MAX_MESSAGE {
        return message.into();
    }
    let byte = |at: usize| message.char_indices().nth(at).map_or(message.len(), |(byte, _)| byte);
    let (begin, end) = (&message[..byte(MAX_MESSAGE - END)], &message[byte(characters - END)..]);
    format!("{begin} … ({} characters left out) … {end}", grouped((characters - MAX_MESSAGE) as u64)).into()
}

/// `bt list | head -1` closes the pipe when it has read enough: that is an end, and no error.
pub(crate) fn unwritten(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Code::Success, ""),
        _ => Failure::new(Code::Failure, format!("write to standard output: {error}")),
    }
}

/// Text that came from a file, a name or the command line, as one line without control characters, which a terminal would
/// obey: they are shown as `\n` or `\u{1b}`.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character.is_control() {
            true => safe.extend(character.escape_default()),
            false => safe.push(character),
        }
    }
    safe.into()
}

/// Text of several lines, each of them [`escaped`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<T>(pub T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.0.to_string().split('\n').enumerate() {
            write!(f, "{}{}", if at > 0 { "\n" } else { "" }, escaped(line))?;
        }
        Ok(())
    }
}

/// JSON of the same value without the control characters that JSON itself allows in a text.
pub(crate) fn json_escaped(json: &str) -> Cow<'_, str> {
    let is_raw = |character: char| character.is_control() && character != '\n';
    if !json.contains(is_raw) {
        return json.into();
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        let _ = match is_raw(character) {
            true => write!(safe, "\\u{:04x}", u32::from(character)),
            false => safe.write_char(character),
        };
    }
    safe.into()
}

/// Characters of the widest cell; of a longer text the first are shown.
const WIDEST: usize = 512;

fn cell(text: &str) -> String {
    // Cut before it is escaped, so that a text of any length costs no more.
    let shown = text.char_indices().nth(WIDEST).map_or(text, |(end, _)| &text[..end]);
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{}{more}", escaped(shown))
}

/// Rows under a header, each column as wide as its widest cell.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

/// On which side the cells of a column meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

impl Table {
    /// A table without rows yet.
    pub fn new(columns: impl IntoIterator<Item = (impl Into<String>, Align)>) -> Self {
        let columns = columns.into_iter().map(|(name, align)| (cell(&name.into()), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row. Cells beyond the columns are not shown, absent ones are empty. Cells are [`escaped`], and cut after 512
    /// characters.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|text| cell(&text)).collect());
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut line = String::new();
        for (at, (&(_, align), &width)) in self.columns.iter().zip(widths).enumerate() {
            let cell = cells.get(at).copied().unwrap_or_default();
            let gap = if at > 0 { "  " } else { "" };
            // Widths in format strings end at 65,535.
            let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
            let _ = match align {
                Align::Left => write!(line, "{gap}{cell}{blanks}"),
                Align::Right => write!(line, "{gap}{blanks}{cell}"),
            };
        }
        line.truncate(line.trim_end().len());
        line
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BOLD: anstyle::Style = anstyle::Style::new().bold();
        let width = |at: usize, (name, _): &(String, Align)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(String::as_str);
            cells.chain([name.as_str()]).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(at, column)| width(at, column)).collect();
        let header: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "{BOLD}{}{BOLD:#}", self.line(&header, &widths))?;
        self.rows.iter().try_for_each(|row| {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            write!(f, "\n{}", self.line(&cells, &widths))
        })
    }
}

/// A whole number with commas between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 bar`, `12,154 bars`.
pub fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(count))
}

/// Bytes in the largest binary unit that leaves at least 1, with three digits.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let (mut scaled, mut unit) = (count as f64 / 1024.0, 0);
    while scaled >= 1023.5 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    let digits = if scaled < 9.995 { 2 } else { usize::from(scaled < 99.95) };
    format!("{scaled:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(table: &Table) -> String {
        anstream::adapter::strip_str(&table.to_string()).to_string()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_no_line_ends_with_blanks() {
        let mut table = Table::new([("NAME", Align::Left), ("BARS", Align::Right), ("NOTE", Align::Left)]);
        table.row(["a".into(), "12,154".into(), String::new()]);
        table.row(["größer".into(), "7".into(), "odd".into()]);
        assert_eq!(plain(&table), "NAME      BARS  NOTE\na       12,154\ngrößer       7  odd");
    }

    #[test]
    fn no_control_character_of_a_file_or_a_name_reaches_the_terminal() {
        assert_eq!(escaped("größer 円"), "größer 円");
        assert_eq!(escaped("a\u{1b}[2J\n\t\u{7f}\u{9b}b"), r"a\u{1b}[2J\n\t\u{7f}\u{9b}b");
        assert_eq!(Escaped("one\u{1b}c\ntwo\r\n").to_string(), "one\\u{1b}c\ntwo\\r\n");
        let mut table = Table::new([("A\u{7}", Align::Left), ("B", Align::Right)]);
        table.row(["\u{1b}]0;title\u{7}".into(), "1\n2".into()]);
        let text = plain(&table);
        let header = format!("A\\u{{7}}{}B", " ".repeat(18));
        assert_eq!(text, format!("{header}\n\\u{{1b}}]0;title\\u{{7}}  1\\n2"));
        let value = serde_json::json!({ "name": "a\u{9b}\u{1b}\u{7f}b" });
        let json = serde_json::to_string_pretty(&value).unwrap();
        let safe = json_escaped(&json);
        assert!(!safe.contains(|c: char| c.is_control() && c != '\n'), "{safe:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }

    #[test]
    fn a_cell_of_any_length_makes_a_table() {
        let mut table = Table::new([("NAME", Align::Left), ("BARS", Align::Right)]);
        table.row(["x".repeat(65_536), "7".into()]);
        table.row(["y".into(), "8".into()]);
        let text = plain(&table);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], format!("{}…     7", "x".repeat(512)));
        assert_eq!(lines[2].chars().count(), 512 + 1 + 2 + 4);
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        let texts = [0, 7, 999, 1000, 12_154, 1_000_000].map(grouped);
        assert_eq!(texts, ["0", "7", "999", "1,000", "12,154", "1,000,000"]);
        assert_eq!((counted(1, "bar"), counted(2000, "bar")), ("1 bar".into(), "2,000 bars".into()));
    }

    #[test]
    fn sizes_keep_three_digits() {
        let texts = [0, 1023, 1024, 10_240, 102_400, 1_048_575, 1 << 20, u64::MAX].map(bytes);
        assert_eq!(
            texts,
            ["0 B", "1023 B", "1.00 KiB", "10.0 KiB", "100 KiB", "1.00 MiB", "1.00 MiB", "16.0 EiB"]
        );
    }

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        assert_eq!(shortened(&"é".repeat(4000)), "é".repeat(4000));
        let long = format!("{}{}{}", "a".repeat(3000), "é".repeat(4_000_000), "z".repeat(1000));
        let expected =
            format!("{} … (4,000,000 characters left out) … {}", "a".repeat(3000), "z".repeat(1000));
        assert_eq!(shortened(&long), expected);
    }
}
