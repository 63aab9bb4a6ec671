//! What `bt sweep` and `bt walk-forward` run, and how `bt report` is told of it.

use std::path::PathBuf;

use bt_bundle::bt_core::BundleName;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::exact;

/// Of `bt sweep`.
#[derive(Args, Debug)]
pub struct SweepArguments {
    /// What is run.
    #[command(flatten)]
    pub run: RunArguments,
}

/// Of `bt walk-forward`.
#[derive(Args, Debug)]
pub struct WalkForwardArguments {
    /// How the data is cut into folds.
    #[command(flatten)]
    pub folds: FoldArguments,
    /// What is run.
    #[command(flatten)]
    pub run: RunArguments,
}

/// What both take.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The strategy, one of `bt strategies`
    #[arg(required_unless_present = "resume")]
    pub strategy: Option<String>,
    /// The bundle, one of `bt list`
    #[arg(required_unless_present = "resume")]
    pub bundle: Option<BundleName>,
    /// Keep every trial in this folder as it ends, and write tables and report there
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the sweep of this folder where it stopped; what it is, the folder says
    #[arg(long, value_name = "DIR", conflicts_with_all = ["strategy", "bundle", "out"])]
    pub resume: Option<PathBuf>,
    /// Threads that run trials; by default one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Show so many of the best trials
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// What a trial's result depends on, and which trials there are.
    #[command(flatten)]
    pub plan: PlanArguments,
}

/// What a sweep's results depend on beside strategy and bundle; kept in its folder, so that it can go on.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanArguments {
    /// A parameter and its values: fast=5..50:5, x=0.1..0.9, x=log:1e-4..1e-1, n='5|10|20', n=20; by default the strategy's own
    #[arg(long = "param", value_name = "NAME=VALUES", conflicts_with = "resume", help_heading = "Search")]
    pub params: Vec<String>,
    /// A condition on parameters: fast<slow; the strategy's own hold as well
    #[arg(long = "where", value_name = "CONDITION", conflicts_with = "resume", help_heading = "Search")]
    pub conditions: Vec<String>,
    /// How points are chosen
    #[arg(long, value_enum, default_value_t = SearchKind::Grid, conflicts_with = "resume", help_heading = "Search")]
    pub search: SearchKind,
    /// How many trials of random and tpe; how many points halving begins with
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "resume", help_heading = "Search")]
    pub trials: u64,
    /// The smallest share of the data that halving, hyperband and bohb begin with
    #[arg(long, allow_negative_numbers = true, value_name = "SHARE", default_value_t = 1.0 / 27.0, conflicts_with = "resume", help_heading = "Search")]
    #[serde(with = "exact")]
    pub min_fidelity: f64,
    /// One of so many points goes on with so many times the data: halving, hyperband, bohb
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "resume", help_heading = "Search")]
    pub eta: u32,
    /// How often all brackets are run: hyperband, bohb
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "resume", help_heading = "Search")]
    pub rounds: u32,
    /// Where random numbers begin: the same seed, the same trials
    #[arg(
        long,
        value_name = "SEED",
        default_value_t = 0,
        conflicts_with = "resume",
        help_heading = "Search"
    )]
    pub seed: u64,
    /// What is looked for, one of the metrics
    #[arg(
        long,
        default_value = "sharpe",
        value_name = "METRIC",
        conflicts_with = "resume",
        help_heading = "Search"
    )]
    pub metric: String,
    /// Look for the smallest value, also of a metric of which more is better; of a drawdown it is looked for anyway
    #[arg(long, conflicts_with = "resume", help_heading = "Search")]
    pub minimize: bool,
    /// The assets, by name, with commas between them, or `all`
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "all",
        value_name = "NAMES",
        conflicts_with = "resume",
        help_heading = "Data"
    )]
    pub assets: Vec<String>,
    /// The first bar that counts: the first one that begins on this day, or at this time, or later. A day is written as 2010-01-01, a time as 2010-01-04T09:30 (in the bundle's zone, or in UTC with a Z). Bars before it feed indicators alone
    #[arg(long, value_name = "DATE", conflicts_with = "resume", help_heading = "Data")]
    pub from: Option<String>,
    /// The first bar that no longer counts: the first one that begins on this day, or at this time, or later. No bar from it on is seen
    #[arg(long, value_name = "DATE", conflicts_with = "resume", help_heading = "Data")]
    pub until: Option<String>,
    /// The version of the bundle, or its first digits; by default the current one
    #[arg(long = "bundle-version", value_name = "VERSION", conflicts_with = "resume", help_heading = "Data")]
    pub version: Option<String>,
    /// Cash at the start
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "MONEY",
        default_value_t = 1_000_000.0,
        conflicts_with = "resume",
        help_heading = "Accounting"
    )]
    #[serde(with = "exact")]
    pub cash: f64,
    /// The price at which orders are filled
    #[arg(long, value_enum, default_value_t = FillKind::NextOpen, conflicts_with = "resume", help_heading = "Accounting")]
    pub fill: FillKind,
    /// Commission for each share
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "MONEY",
        default_value_t = 0.0,
        conflicts_with = "resume",
        help_heading = "Accounting"
    )]
    #[serde(with = "exact")]
    pub commission_per_share: f64,
    /// Commission on the value traded, in hundredths of a percent
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "BPS",
        default_value_t = 0.0,
        conflicts_with = "resume",
        help_heading = "Accounting"
    )]
    #[serde(with = "exact")]
    pub commission_bps: f64,
    /// The least commission of a fill
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "MONEY",
        default_value_t = 0.0,
        conflicts_with = "resume",
        help_heading = "Accounting"
    )]
    #[serde(with = "exact")]
    pub commission_minimum: f64,
    /// How much worse than the bar's price fills are, in hundredths of a percent
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "BPS",
        default_value_t = 0.0,
        conflicts_with = "resume",
        help_heading = "Accounting"
    )]
    #[serde(with = "exact")]
    pub slippage_bps: f64,
    /// Bars in a year, for annual figures; by default what the days and bars of the whole bundle say
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "N",
        conflicts_with = "resume",
        help_heading = "Accounting"
    )]
    #[serde(with = "exact::option")]
    pub periods_per_year: Option<f64>,
    /// Whole series at once, with the sum of returns as the one metric and no accounting; not of every strategy
    #[arg(long, conflicts_with = "resume", help_heading = "Accounting")]
    pub vectorised: bool,
    /// The longest that a trial may take, in seconds; late ones are recorded as such
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "SECONDS",
        conflicts_with = "resume",
        help_heading = "Search"
    )]
    #[serde(with = "exact::option")]
    pub deadline: Option<f64>,
}

/// How points are chosen.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchKind {
    /// Every point once
    Grid,
    /// Points by chance
    Random,
    /// Points like the good ones so far (tree-structured Parzen estimator)
    Tpe,
    /// Many points on little data, the better ones on more (successive halving)
    Halving,
    /// Several halvings that begin with different shares of the data
    Hyperband,
    /// Hyperband with points like the good ones so far
    Bohb,
}

/// The price at which orders are filled.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillKind {
    /// The next bar's open
    NextOpen,
    /// The next bar's close
    NextClose,
}

/// How a walk-forward cuts the data. Lengths are 2y, 6m, 3w, 30d, or 500b for bars.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldArguments {
    /// How long parameters are searched
    #[arg(
        long,
        value_name = "LENGTH",
        required_unless_present = "resume",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "resume",
        help_heading = "Folds"
    )]
    pub train: String,
    /// How long the best of them are compared; by default they are not
    #[arg(long, value_name = "LENGTH", conflicts_with = "resume", help_heading = "Folds")]
    pub validate: Option<String>,
    /// How long the chosen ones are judged
    #[arg(
        long,
        value_name = "LENGTH",
        required_unless_present = "resume",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "resume",
        help_heading = "Folds"
    )]
    pub test: String,
    /// How far apart tests begin; by default the length of a test
    #[arg(long, value_name = "LENGTH", conflicts_with = "resume", help_heading = "Folds")]
    pub step: Option<String>,
    /// Whether the train moves (rolling) or grows (expanding, anchored)
    #[arg(
        long,
        value_name = "KIND",
        default_value = "rolling",
        conflicts_with = "resume",
        help_heading = "Folds"
    )]
    pub kind: String,
    /// Bars before each part that feed indicators and do not count; by default what the strategy's longest lookback needs
    #[arg(long, value_name = "BARS", conflicts_with = "resume", help_heading = "Folds")]
    pub warm_up: Option<usize>,
    /// Bars left out at the end of train and validation
    #[arg(long, value_name = "BARS", default_value_t = 0, conflicts_with = "resume", help_heading = "Folds")]
    pub purge: usize,
    /// Bars left out before a train that follows an earlier test
    #[arg(long, value_name = "BARS", default_value_t = 0, conflicts_with = "resume", help_heading = "Folds")]
    pub embargo: usize,
}

/// Of `bt report`.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// The folder of a sweep or a walk-forward
    pub folder: PathBuf,
    /// Show so many of the best trials
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
}
