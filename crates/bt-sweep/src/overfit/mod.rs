//! How much of the best trial is luck: a sweep is a search for it.
//!
//! - [`deflated_sharpe`] asks whether the best Sharpe ratio is more than the best of so many trials without skill would show.
//! - [`overfitting`] asks how often the best trial of one half of the data is below the median trial on the other half.
//!
//! Sharpe ratios here are per bar and without a risk-free rate, mean over standard deviation of the returns; nothing is annualized.

mod choice;
mod cscv;
mod sharpe;

pub use cscv::{Overfitting, overfitting};
pub use sharpe::{
    Deflated, SharpeEstimate, deflated_sharpe, effective_trials, expected_maximum_sharpe,
    probabilistic_sharpe, sharpe_variance,
};
