//! The page: a head made here, and plots that its script draws from the data embedded in it.

use std::fmt::{self, Write as _};

use bt_core::Timestamp;
use serde::Serialize;

use super::curve::Curve;
use super::extras::{Fold, Overfitting, Span};
use super::packed::clipped;
use super::summary::TrialSummary;
use super::{Facts, ReportData, Unfinished};

/// The most bytes that a page has.
pub const MAX_BYTES: usize = 5_000_000;

/// Forbids the browser to load anything, too.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
const NO_SCRIPT: &str = "<noscript><p class=\"banner inconclusive\">The plots are drawn by a script in this page, and \
                         scripts are switched off.</p></noscript>\n";

const MAX_CURVES: usize = 10;
const MAX_FOLDS: usize = 200;
const MAX_FACT: usize = 600;

/// The report as a page that opens without a network and without any other file, in at most [`MAX_BYTES`].
///
/// Texts are escaped, whatever they hold. What had to be left out is said at the page's end.
pub fn html(data: &ReportData) -> String {
    let title =
        clipped(&format!("{} v{} on {}", data.facts.strategy, data.facts.version, data.facts.bundle), 200);
    let title = escaped(&title);
    let (style, script, head) = (include_str!("page.css"), include_str!("page.js"), head(data));
    // The markup around the parts is far below a kilobyte.
    let room = MAX_BYTES - 2000 - title.len() - style.len() - script.len() - head.len();
    let data = payload(data, room);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{head}{NO_SCRIPT}\
         <div id=\"plots\"></div>\n</main>\n<div id=\"tip\" role=\"status\"></div>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>\n{script}</script>\n</body>\n</html>\n"
    )
}

/// What the script reads.
#[derive(Serialize)]
struct Payload<'a> {
    trials: &'a TrialSummary,
    curves: &'a [Curve],
    buy_and_hold: Option<&'a Curve>,
    folds: &'a [Fold],
    out_of_sample: Option<&'a Curve>,
    overfitting: Option<&'a Overfitting>,
    left_out: Vec<String>,
}

/// Takes a part out of a report.
type Shed = fn(&mut ReportData);

/// What goes first where a page would be too large, by its name on the page.
///
/// Summaries keep to budgets that fit; this is for names and values of extraordinary length, and for data made by hand.
const SHED: [(&str, Shed); 6] = [
    ("Heat maps with other parameters fixed", |data| data.trials.slices = None),
    ("Parallel coordinates", |data| data.trials.sample.clear()),
    ("Distributions by parameter", |data| data.trials.marginals.clear()),
    ("Heat maps", |data| data.trials.heatmaps.clear()),
    ("Curves and folds", |data| {
        data.curves.clear();
        (data.buy_and_hold, data.walk_forward) = (None, None);
    }),
    ("Tables of trials and failures", |data| {
        data.trials.top.clear();
        data.trials.failures.clear();
        data.trials.axes.clear();
    }),
];

/// The data as JSON of at most `room` bytes.
fn payload(data: &ReportData, room: usize) -> String {
    let mut json = written(data);
    if json.len() <= room {
        return json;
    }
    let mut smaller = data.clone();
    for (name, shed) in SHED {
        shed(&mut smaller);
        smaller.trials.left_out.push(format!("{name}: left out to keep the page small."));
        json = written(&smaller);
        if json.len() <= room {
            break;
        }
    }
    json
}

fn written(data: &ReportData) -> String {
    let folds = data.walk_forward.as_ref().map_or(&[][..], |walk| &walk.folds);
    let mut left_out = data.trials.left_out.clone();
    for (what, all, most) in [("curves", data.curves.len(), MAX_CURVES), ("folds", folds.len(), MAX_FOLDS)] {
        if all > most {
            left_out.push(format!("Only the first {most} of {all} {what} are drawn."));
        }
    }
    let payload = Payload {
        trials: &data.trials,
        curves: &data.curves[..data.curves.len().min(MAX_CURVES)],
        buy_and_hold: data.buy_and_hold.as_ref(),
        folds: &folds[..folds.len().min(MAX_FOLDS)],
        out_of_sample: data.walk_forward.as_ref().and_then(|walk| walk.out_of_sample.as_ref()),
        overfitting: data.overfitting.as_ref(),
        left_out,
    };
    let json =
        serde_json::to_string(&payload).expect("keys are texts and no serializer of these types fails");
    // Nothing in the data may end the element that holds it.
    json.replace('<', "\\u003c")
}

fn head(data: &ReportData) -> String {
    let facts = &data.facts;
    let kind = if data.walk_forward.is_some() { "Walk-forward" } else { "Sweep" };
    let mut head = format!(
        "<header>\n<h1>{} <span class=\"soft\">v{}</span></h1>\n<div class=\"meta\">\n",
        escaped(&clipped(&facts.strategy, 120)),
        facts.version
    );
    for (what, text) in facts_in_words(facts, kind, &data.trials.objective.to_string()) {
        let text = escaped(&clipped(&text, MAX_FACT));
        let _ = writeln!(head, "<span><b>{what}</b> {text}</span>");
    }
    head.push_str("</div>\n</header>\n");
    if let Some(unfinished) = data.unfinished {
        let _ = writeln!(head, "<p class=\"banner inconclusive\">{unfinished}</p>");
    }
    head
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trials, planned } = self;
        write!(f, "Not complete: there are {trials} ")?;
        planned.map_or(Ok(()), |planned| write!(f, "of {planned} "))?;
        f.write_str("trials. Which is best, and how much of that is luck, is not known before all have run.")
    }
}

fn facts_in_words(facts: &Facts, kind: &'static str, objective: &str) -> Vec<(&'static str, String)> {
    let assets = match facts.assets.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        many => {
            let shown = many[..many.len().min(MAX_ASSETS)].join(", ");
            let rest = if many.len() > MAX_ASSETS { " …" } else { "" };
            format!("{}: {shown}{rest}", many.len())
        }
    };
    let version: String = facts.bundle_version.chars().take(12).collect();
    let range = facts.range.map_or(String::new(), |Span { first_day_ns, last_day_ns, .. }| {
        format!("{} to {}", date(first_day_ns), date(last_day_ns))
    });
    let workers = if facts.workers == 0 { String::new() } else { facts.workers.to_string() };
    let all = [
        (kind, objective.to_owned()),
        ("Search", facts.search.clone()),
        ("Settings", facts.settings.clone()),
        ("Bundle", format!("{} {version}", facts.bundle).trim().to_owned()),
        ("Assets", assets),
        ("Bars", range),
        ("Year", facts.year.clone()),
        ("Missing returns", missing(facts.missing_returns)),
        ("Took", facts.duration_us.map_or(String::new(), duration)),
        ("Workers", workers),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

const MAX_ASSETS: usize = 12;

fn missing(returns: u64) -> String {
    match returns {
        0 => String::new(),
        some => format!("{some}: a close is missing there, or the one before is missing, 0 or below"),
    }
}

/// The date of a reading of the wall clock.
fn date(nanoseconds: i64) -> String {
    let (year, month, day) = Timestamp::from_nanos(nanoseconds).date();
    format!("{year:04}-{month:02}-{day:02}")
}

fn duration(microseconds: u64) -> String {
    let seconds = microseconds as f64 / 1e6;
    match microseconds / 1_000_000 {
        0 => format!("{:.3} s", seconds),
        whole if whole < 120 => format!("{seconds:.1} s"),
        whole if whole < 7200 => format!("{} min {:02} s", whole / 60, whole % 60),
        whole => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let day = 86_400_000_000_000;
        assert_eq!(
            [0, -1, 19_782 * day, i64::MAX, i64::MIN].map(date),
            ["1970-01-01", "1969-12-31", "2024-02-29", "2262-04-11", "1677-09-21"]
        );
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let durations = [1500, 61_500_000, 185_000_000, 7_260_000_000].map(duration);
        assert_eq!(durations, ["0.002 s", "61.5 s", "3 min 05 s", "2 h 01 min"]);
    }
}
