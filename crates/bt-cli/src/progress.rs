//! How far a long command is: a bar on a terminal, a line now and then elsewhere, always on standard error.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Output, grouped, say};

/// Between two lines where no terminal shows a bar.
const INTERVAL: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(100);

/// What is done, how fast, how long it takes, and the best so far. Workers share it by reference.
///
/// ```
/// use bt_cli::progress::{Progress, Show};
/// let progress = Progress::start(Show::Nothing, "trial", Some(1000), 250);
/// progress.advance(1);
/// progress.best("sharpe 1.31 (fast=10, slow=60)");
/// assert_eq!(progress.done(), 251);
/// progress.finish();
/// ```
#[derive(Debug)]
pub struct Progress {
    show: Show,
    bar: ProgressBar,
    state: Mutex<State>,
}

/// Where progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Show {
    /// As a bar that is drawn again and again.
    Bar,
    /// As a line every ten seconds.
    Lines,
    /// Nowhere.
    Nothing,
}

impl Show {
    /// A bar on a terminal; lines where standard error is none, or the output is for a program; nothing where nobody wants
    /// to know.
    pub fn of(output: Output) -> Self {
        match (output.quiet, output.json || !std::io::stderr().is_terminal()) {
            (true, _) => Self::Nothing,
            (false, true) => Self::Lines,
            (false, false) => Self::Bar,
        }
    }
}

#[derive(Debug)]
struct State {
    figures: Figures,
    start: Instant,
    /// When the last line was written.
    told: Instant,
}

impl Progress {
    /// Starts to count things of this name (`trial`): of how many, where that is known, and how many were done already,
    /// which count for what is left and not for the rate.
    pub fn start(show: Show, thing: &'static str, total: Option<u64>, already: u64) -> Self {
        let bar = match show {
            Show::Bar => bar(total, already),
            Show::Lines | Show::Nothing => ProgressBar::hidden(),
        };
        let now = Instant::now();
        let figures = Figures { thing, total, already, done: already, best: String::new() };
        let progress = Self { show, bar, state: Mutex::new(State { figures, start: now, told: now }) };
        progress.draw(&mut progress.state());
        progress
    }

    /// Counts more of them as done. Costs a lock and, on a terminal, some formatting.
    pub fn advance(&self, more: u64) {
        let mut state = self.state();
        state.figures.done += more;
        self.draw(&mut state);
    }

    /// Says how many are done, how many of them were known without work, and how many there are in all: for who counts
    /// himself, and learns the total on the way.
    pub fn at(&self, done: u64, known: u64, total: Option<u64>) {
        let mut state = self.state();
        if state.figures.total != total {
            self.bar.set_style(style(total));
            total.map_or_else(|| self.bar.unset_length(), |total| self.bar.set_length(total));
        }
        (state.figures.done, state.figures.already, state.figures.total) = (done, known, total);
        self.draw(&mut state);
    }

    /// Names the best so far, in words.
    pub fn best(&self, words: impl Into<String>) {
        let mut state = self.state();
        state.figures.best = words.into();
        self.draw(&mut state);
    }

    /// How many are done, those that were done already included.
    pub fn done(&self) -> u64 {
        self.state().figures.done
    }

    /// Says something without tearing the bar apart.
    pub fn say(&self, words: &str) {
        match self.show {
            Show::Bar => self.bar.println(words),
            Show::Lines => tell(words),
            Show::Nothing => {}
        }
    }

    /// Takes the bar away, or writes the last line where anything was done.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        let state = self.state();
        if self.show == Show::Lines && state.figures.done > 0 {
            tell(&state.figures.line(state.start.elapsed()));
        }
    }

    fn draw(&self, state: &mut State) {
        match self.show {
            Show::Bar => {
                self.bar.set_position(state.figures.done);
                self.bar.set_message(state.figures.line(state.start.elapsed()));
            }
            Show::Lines if state.told.elapsed() >= INTERVAL => {
                state.told = Instant::now();
                tell(&state.figures.line(state.start.elapsed()));
            }
            Show::Lines | Show::Nothing => {}
        }
    }

    /// A worker that panicked while it held the lock left counts that are still good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bar(total: Option<u64>, already: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_style(style(total));
    bar.set_position(already);
    bar.enable_steady_tick(TICK);
    bar
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = if total.is_some() { "{bar:24} {wide_msg}" } else { "{spinner} {wide_msg}" };
    ProgressStyle::with_template(template).expect("a test draws with both templates")
}

fn tell(line: &str) {
    say(&format!("{line}\n"));
}

#[derive(Clone, PartialEq, Debug)]
struct Figures {
    thing: &'static str,
    total: Option<u64>,
    already: u64,
    done: u64,
    best: String,
}

impl Figures {
    fn line(&self, elapsed: Duration) -> String {
        let mut line = grouped(self.done);
        if let Some(total) = self.total {
            let share = if total == 0 { 100.0 } else { 100.0 * self.done as f64 / total as f64 };
            let _ = write!(line, "/{} ({share:.0} %)", grouped(total));
        }
        let _ = write!(line, " {}s", self.thing);
        if let Some(rate) = self.rate(elapsed) {
            let digits = usize::from(rate < 99.95);
            let _ = write!(line, ", {rate:.digits$}/s");
            let left = self.total.map(|total| total.saturating_sub(self.done)).filter(|&left| left > 0);
            if let Some(left) = left {
                let _ = write!(line, ", {} left", span(left as f64 / rate));
            }
        }
        if !self.best.is_empty() {
            let _ = write!(line, ", best {}", self.best);
        }
        line
    }

    /// A second; none before there is anything to tell it from.
    fn rate(&self, elapsed: Duration) -> Option<f64> {
        let rate = self.done.saturating_sub(self.already) as f64 / elapsed.as_secs_f64();
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }
}

/// Seconds in the two units that say enough.
fn span(seconds: f64) -> String {
    let whole = seconds.ceil() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", grouped(whole / 86_400), whole % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(total: Option<u64>, already: u64, done: u64, best: &str) -> Figures {
        Figures { thing: "trial", total, already, done, best: best.to_owned() }
    }

    #[test]
    fn a_line_says_done_rate_remaining_and_best() {
        let line = figures(Some(1000), 0, 250, "sharpe 1.31").line(Duration::from_secs(10));
        assert_eq!(line, "250/1,000 (25 %) trials, 25.0/s, 30 s left, best sharpe 1.31");
    }

    #[test]
    fn what_was_done_before_is_no_part_of_the_rate() {
        let line = figures(Some(1000), 500, 600, "").line(Duration::from_secs(10));
        assert_eq!(line, "600/1,000 (60 %) trials, 10.0/s, 40 s left");
    }

    #[test]
    fn nothing_is_said_that_is_not_known() {
        assert_eq!(figures(None, 0, 0, "").line(Duration::ZERO), "0 trials");
        assert_eq!(figures(Some(0), 0, 0, "").line(Duration::ZERO), "0/0 (100 %) trials");
        let over = figures(Some(3), 0, 4, "").line(Duration::from_secs(2));
        assert_eq!(over, "4/3 (133 %) trials, 2.0/s");
    }

    #[test]
    fn spans_have_two_units_at_most() {
        let spans = [0.1, 59.0, 60.5, 3599.0, 7260.0, 200_000.0, f64::INFINITY].map(span);
        let expected =
            ["1 s", "59 s", "1 min 1 s", "59 min 59 s", "2 h 1 min", "2 d 7 h", "213,503,982,334,601 d 7 h"];
        assert_eq!(spans, expected);
    }

    #[test]
    fn a_quiet_command_shows_nothing_and_one_for_programs_no_bar() {
        assert_eq!(Show::of(Output { json: false, quiet: true }), Show::Nothing);
        assert_eq!(Show::of(Output { json: true, quiet: false }), Show::Lines);
    }

    #[test]
    fn what_is_learned_on_the_way_counts_as_if_it_had_been_known() {
        for show in [Show::Bar, Show::Nothing] {
            let progress = Progress::start(show, "trial", None, 0);
            progress.at(40, 30, Some(100));
            assert_eq!(progress.state().figures, figures(Some(100), 30, 40, ""));
            progress.at(41, 30, None);
            assert_eq!(progress.state().figures, figures(None, 30, 41, ""));
            progress.finish();
        }
    }

    #[test]
    fn workers_that_share_it_lose_no_count_however_it_is_shown() {
        for (show, total) in [(Show::Bar, Some(400)), (Show::Bar, None), (Show::Nothing, Some(400))] {
            let progress = Progress::start(show, "trial", total, 0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..100).for_each(|_| progress.advance(1)));
                }
            });
            progress.best("sharpe 1.31");
            assert_eq!(progress.done(), 400);
            progress.finish();
        }
    }
}
