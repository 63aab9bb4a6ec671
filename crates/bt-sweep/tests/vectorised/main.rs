//! Vectorised backtests against a naive one, bar by bar.

mod adapter;
mod crossover;
mod oracle;
