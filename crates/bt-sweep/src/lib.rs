#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod account;
mod backtest;
mod dates;
mod engine;
mod error;
pub mod event;
pub mod folds;
mod indicator;
mod kernel;
pub mod ledger;
pub mod metrics;
mod moments;
mod objective;
pub mod overfit;
mod params;
mod part;
pub mod report;
pub mod results;
pub mod search;
mod series;
mod space;
pub mod strategies;
mod trial;
pub mod vectorised;
mod year;

pub use account::{Accounting, Commission, Fill};
pub use backtest::{Backtest, BacktestId, Stop, TrialView};
pub use dates::BarTime;
pub use engine::{
    Engine, EngineOptions, FoldResult, FoldSpans, Observer, Progress, Returns, Sweep, SweepResult,
    WalkForwardResult,
};
pub use error::{Error, Result};
pub use event::{EventDriven, OnBar, Orders, Strategy};
pub use indicator::{Indicator, missing_returns};
pub use metrics::{Metric, Metrics};
pub use objective::{Direction, Objective};
pub use params::{Names, Params, Value};
pub use part::Part;
pub use series::{Indicators, SeriesCache};
pub use space::{Constraint, Domain, Parameter, Relation, Space, SpaceBuilder};
pub use trial::{Block, Outcome, Proposal, Status, TrialKey, TrialRecord};
pub use year::{Year, YearReason};

pub use bt_layers;
pub use bt_layers::{bt_core, bt_dataportal};
