//! Indicators against naive ones and against TA-Lib, and the cache that trials share them through.

mod cache;
mod naive;
mod oracle;
mod talib;
