//! The table as CSV (RFC 4180).

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::columns::{self, FIRST, LAST, MIDDLE, Type};
use super::{Trial, Trials};
use crate::Result;
use crate::ledger::disk::replace;

impl Trials {
    /// Writes the table as CSV, with a line of names first. The file is there as a whole or not at all.
    ///
    /// A field that a trial does not have (its metrics unless it is done, its message unless it failed) is empty; a metric that is
    /// not defined is `NaN`. Real numbers have the fewest digits that give them back. A parameter that is called like another column
    /// gets the prefix `param.`, a metric `metric.`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) naming the path.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        replace(path.as_ref(), |file| {
            let mut out = BufWriter::with_capacity(1 << 16, file);
            self.csv_to(&mut out)?;
            out.flush()
        })
    }

    fn csv_to(&self, out: &mut impl Write) -> io::Result<()> {
        let names = columns::names(self);
        let mut line = String::new();
        let first = FIRST.iter().copied().chain(names.params.iter().map(String::as_str)).chain(MIDDLE);
        let all = first.chain(names.metrics.iter().map(String::as_str)).chain(LAST);
        all.for_each(|name| push_field(&mut line, name));
        end_line(&mut line, out)?;
        let types: Vec<Type> =
            (0..self.names.as_slice().len()).map(|param| columns::type_of(self, param)).collect();
        for trial in self.iter() {
            push_trial(&mut line, trial, &types);
            end_line(&mut line, out)?;
        }
        Ok(())
    }
}

fn push_trial(line: &mut String, trial: Trial<'_>, types: &[Type]) {
    push_plain(line, trial.number());
    push_plain(line, trial.fold());
    push_plain(line, trial.role().name());
    push_plain(line, format_args!("{:?}", trial.fidelity()));
    for (param, column) in types.iter().enumerate() {
        push_field(line, &columns::text(trial.cell(param), *column));
    }
    push_plain(line, trial.status_name());
    match trial.message() {
        Some(message) => push_field(line, message),
        None => push_plain(line, ""),
    }
    for metric in trial.metrics_or_nan() {
        if trial.is_done() {
            push_plain(line, format_args!("{metric:?}"));
        } else {
            push_plain(line, "");
        }
    }
    push_plain(line, trial.worker());
    push_plain(line, trial.started_us());
    push_plain(line, trial.took_us());
}

/// Appends a field that needs no quotes, and a comma.
fn push_plain(line: &mut String, value: impl std::fmt::Display) {
    // A String takes whatever is written to it.
    let _ = write!(line, "{value},");
}

/// Appends a field, quoted where it has to be, and a comma. An empty text is quoted: an empty field is one that is missing.
fn push_field(line: &mut String, text: &str) {
    let is_plain = !text.is_empty()
        && !text.contains([',', '"', '\n', '\r'])
        && !text.starts_with([' ', '\t'])
        && !text.ends_with([' ', '\t']);
    if is_plain {
        line.push_str(text);
    } else {
        line.push('"');
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    }
    line.push(',');
}

/// Writes the line without its last comma.
fn end_line(line: &mut String, out: &mut impl Write) -> io::Result<()> {
    line.pop();
    line.push('\n');
    out.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> String {
        let mut line = String::new();
        push_field(&mut line, text);
        line
    }

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        assert_eq!(field("close"), "close,");
        assert_eq!(field("a,b"), "\"a,b\",");
        assert_eq!(field("say \"no\""), "\"say \"\"no\"\"\",");
        assert_eq!(field("two\nlines"), "\"two\nlines\",");
        assert_eq!(field("cr\r"), "\"cr\r\",");
        assert_eq!(field(" space"), "\" space\",");
        assert_eq!(field(""), "\"\",");
    }
}
