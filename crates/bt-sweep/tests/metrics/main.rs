//! Metrics against figures of numpy, pandas and empyrical, and against the definitions written out.

mod fixture;
mod oracle;
mod random;
