//! The command line: what can be asked for.

mod exact;
mod idle;
pub mod input;
pub mod sweep;

use std::path::PathBuf;

use bt_bundle::bt_core::BundleName;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use idle::idle;
pub use input::{Format, InputArguments};
pub use sweep::{
    FillKind, FoldArguments, PlanArguments, ReportArguments, RunArguments, SearchKind, SweepArguments,
    WalkForwardArguments,
};

/// Shown below `bt --help`; each line that starts with `bt` is tried by a test.
const WALK_THROUGH: &str = "\
A walk-through:
  bt ingest us-equities prices/*.csv   # make a bundle; read its report
  bt list                              # which bundles there are
  bt inspect us-equities --assets      # ranges, versions, digests
  bt append us-equities new/*.csv      # add later bars
  bt verify us-equities                # compare every digest
  bt gc us-equities --keep 2           # remove old versions
  bt strategies                        # what there is to run
  bt sweep sma-crossover us-equities --out runs/first
  bt report runs/first                 # its best trials again; report.html beside them
  bt walk-forward sma-crossover us-equities --train 2y --test 6m --out runs/walk

Bundles lie in the folder `bundles` of the current directory, unless --store or BT_STORE names another. Every command \
has examples in its --help.
";

/// Ingest bars, sweep strategies over them, walk forward, report.
#[derive(Parser, Debug)]
#[command(name = "bt", version, max_term_width = 110, after_help = with_codes(WALK_THROUGH))]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    /// The folder of the bundles
    #[arg(long, global = true, env = "BT_STORE", default_value = "bundles", value_name = "DIR")]
    pub store: PathBuf,
    /// Print one JSON object instead of text; errors too, on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no reports, notes or progress; results that were asked for and errors remain
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

fn with_codes(text: &str) -> String {
    format!("{text}\n{}", crate::exit::CODES)
}

/// What `bt` can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a bundle of CSV and Parquet files, or a new version of one
    #[command(after_help = INGEST_EXAMPLES)]
    Ingest(IngestArguments),
    /// Add later bars to a bundle
    #[command(after_help = APPEND_EXAMPLES)]
    Append(IngestArguments),
    /// List the bundles of the store
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Show what a bundle holds: ranges, versions, digests, origin, size on disk
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArguments),
    /// Read a whole bundle and compare every digest
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
    /// Remove old versions of a bundle
    #[command(after_help = GC_EXAMPLES)]
    Gc(GcArguments),
    /// Run a strategy for each point of a space of parameters
    #[command(after_help = SWEEP_EXAMPLES)]
    Sweep(SweepArguments),
    /// Search parameters on one part of the data and judge them on a later one, again and again
    #[command(after_help = WALK_FORWARD_EXAMPLES)]
    WalkForward(WalkForwardArguments),
    /// Show what a sweep or a walk-forward came to, and write its report
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// List the strategies that there are, with their parameters
    #[command(after_help = STRATEGIES_EXAMPLES)]
    Strategies,
    /// Write a script that completes `bt` in your shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArguments),
}

const INGEST_EXAMPLES: &str = "\
Examples:
  bt ingest us-equities prices/*.csv               # one file an asset, or files with many
  bt ingest us-equities prices/                    # all CSV, or all Parquet files of a folder
  bt ingest us-equities history.parquet --zone America/New_York --session-close 16:00
  bt ingest ibm download.csv --asset IBM           # a file that does not say its asset
  bt ingest us-equities odd.csv --column asset=instr --column close=settle --ignore comment
  bt ingest dax kurse.csv --decimal , --thousands . --time-format day-first
  bt ingest us-minutes minutes.csv --label end --zone America/New_York --no-extras
  bt ingest us-equities prices.csv --adjustments splits.csv --on-bad-row skip

Usual column names (Ticker, symbol, Date, timestamp, Open, Vol ...) need no option. The report says how each was \
understood and what was assumed: read it before you trust the bars. A bar is visible from the moment at which it is \
known: a daily bar from the next midnight of the zone, unless --session-close says when.

Ingesting into a name that exists publishes a new version; the old ones stay until `bt gc`.
";

const APPEND_EXAMPLES: &str = "\
Examples:
  bt append us-equities new/*.csv
  bt append us-equities june.parquet --zone America/New_York --session-close 16:00

State the same options as for the ingest. New bars come after each asset's last one; bars that are there already may \
come again if they are the same. A bar that differs is a correction: ingest again from corrected files.
";

const LIST_EXAMPLES: &str = "\
Examples:
  bt list
  bt list --store /data/bundles --json
";

const INSPECT_EXAMPLES: &str = "\
Examples:
  bt inspect us-equities
  bt inspect us-equities --assets
  bt inspect us-equities --version 3fb2 --json     # the first digits of a version are enough
";

const VERIFY_EXAMPLES: &str = "\
Examples:
  bt verify us-equities
  bt verify us-equities --version 3fb2

Ends with 3 where it finds damage, and names the asset and the column.
";

const GC_EXAMPLES: &str = "\
Examples:
  bt gc us-equities --keep 1                       # the current version alone

The current version always stays, and so does one that a running program has open.
";

const SWEEP_EXAMPLES: &str = "\
Examples:
  bt sweep sma-crossover us-equities                 # the strategy's own space, every point
  bt sweep sma-crossover us-equities --param fast=5..50:5 --param slow=60..150:10 --metric sharpe --out runs/first
  bt sweep --resume runs/first                       # goes on where it stopped
  bt sweep rsi-reversion us-equities --assets AAPL,MSFT --from 2005-01-01 --until 2012-01-01
  bt sweep momentum us-equities --search tpe --trials 200 --seed 7 --metric calmar
  bt sweep sma-crossover us-equities --search bohb --param fast=2..100 --param slow=10..300 --where 'slow>=60'
  bt sweep donchian-breakout us-equities --commission-bps 5 --slippage-bps 2 --fill next-close

A target that is decided at a bar is filled at the next one. Values of a parameter: 5..50:5 (by steps),
0.1..0.9 (real), log:1e-4..1e-1, '5|10|20', 20. Quote what has <, > or |. Ctrl-C gives up the trials under way; with --out those
that ended are kept, and none of them is run again. The result of many trials is luck in part: read the deflated Sharpe ratio.
";

const WALK_FORWARD_EXAMPLES: &str = "\
Examples:
  bt walk-forward sma-crossover us-equities --train 2y --validate 6m --test 6m --step 6m
  bt walk-forward sma-crossover us-equities --train 500b --test 125b --warm-up 150 --out runs/walk
  bt walk-forward --resume runs/walk

Lengths are 2y, 6m, 3w, 30d, or 500b for bars. No trial sees a bar outside of its part and the warm-up before it.
The warm-up is as long as the strategy's longest lookback, unless --warm-up says otherwise.
";

const REPORT_EXAMPLES: &str = "\
Examples:
  bt report runs/first                               # also while the sweep still runs
  bt report runs/first --json --top 3
";

const STRATEGIES_EXAMPLES: &str = "\
Examples:
  bt strategies
";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  bt completions bash > ~/.local/share/bash-completion/completions/bt
  bt completions zsh > ~/.zfunc/_bt
  bt completions fish > ~/.config/fish/completions/bt.fish
";

/// Of `bt ingest` and `bt append`.
#[derive(Args, Debug)]
pub struct IngestArguments {
    /// The bundle's name
    #[arg(value_parser = name)]
    pub name: BundleName,
    /// What is read, and how.
    #[command(flatten)]
    pub input: InputArguments,
}

/// Reads a bundle's name, and knows a path that stands in its place.
fn name(text: &str) -> Result<BundleName, String> {
    let order = match text.contains(['/', '\\']) {
        true => "; the bundle's name comes first, then the files",
        false => "",
    };
    BundleName::new(text).map_err(|error| format!("{error}{order}"))
}

/// Of `bt inspect`.
#[derive(Args, Debug)]
pub struct InspectArguments {
    /// The bundle's name
    pub name: BundleName,
    /// The version, or its first digits; by default the current one
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// List the assets with their ranges
    #[arg(long)]
    pub assets: bool,
}

/// Of `bt verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The bundle's name
    pub name: BundleName,
    /// The version, or its first digits; by default the current one
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
}

/// Of `bt gc`.
#[derive(Args, Debug)]
pub struct GcArguments {
    /// The bundle's name
    pub name: BundleName,
    /// How many of the versions published last stay, at least 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: u32,
}

/// Of `bt completions`.
#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_is_a_command_that_parses() {
        let command = Arguments::command();
        let helps = command.get_subcommands().chain([&command]).map(|command| {
            let help = command.get_after_help().map(ToString::to_string);
            help.unwrap_or_else(|| panic!("{} has no examples", command.get_name()))
        });
        let mut tried = 0;
        for line in helps.flat_map(|help| help.lines().map(str::to_owned).collect::<Vec<_>>()) {
            let Some(example) = line.strip_prefix("  bt ") else { continue };
            let example =
                example.split(" #").next().unwrap_or_default().split(" > ").next().unwrap_or_default();
            let words = example.split_whitespace().map(|word| word.trim_matches('\''));
            let parsed = Arguments::try_parse_from(["bt"].into_iter().chain(words));
            assert!(
                parsed.is_ok(),
                "bt {example}: {}",
                parsed.err().map(|e| e.to_string()).unwrap_or_default()
            );
            tried += 1;
        }
        assert!(tried >= 20, "{tried}");
    }
}
