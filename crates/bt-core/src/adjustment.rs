use crate::Timestamp;

/// A corporate action of one asset: stored and hashed with the bundle, not applied to its bars.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Adjustment {
    /// The first moment at which prices reflect it: the start of the ex-date.
    pub ex_date: Timestamp,
    /// What happened.
    pub kind: AdjustmentKind,
}

/// The kinds of [`Adjustment`].
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum AdjustmentKind {
    /// A split: this many new shares for each old one (2.0 for two-for-one, 0.1 for a one-for-ten reverse split).
    Split {
        /// New shares for each old one, above 0.
        ratio: f64,
    },
    /// A cash dividend for each share.
    Dividend {
        /// In the currency of the prices, above 0.
        amount: f64,
    },
}
