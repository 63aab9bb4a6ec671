//! The registry of everything that is claimed, as `docs/validation.md` fixes it.
//!
//! A row of the table becomes one or more [`Claim`]s. A *whole* claim, such as `l2.hit_rate`, stands for several
//! parts and is as good as the weakest of them; a *shown* claim has no target and no verdict.

pub mod id;
mod table;

use serde::{Deserialize, Serialize};
use std::fmt;

/// All claims, or those that `--only` left, in the order of the table.
#[derive(Clone, Debug)]
pub struct Registry {
    claims: Vec<Claim>,
}

impl Registry {
    /// Every claim of `docs/validation.md`.
    #[must_use]
    pub fn standard() -> Self {
        Registry { claims: table::TABLE.iter().flat_map(table::Row::claims).collect() }
    }

    /// The claims in the order of the table, a whole before its parts.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The claim with this id, if it is there; linear in the number of claims.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.id == id)
    }

    /// Whether a claim's id begins so.
    #[must_use]
    pub fn has(&self, prefix: &str) -> bool {
        self.claims.iter().any(|claim| claim.id.starts_with(prefix))
    }

    /// Keeps the claim with the id `pattern` and its parts or, where no id is that, all whose id begins with it.
    ///
    /// A part that is kept alone does not bring its whole along: that would miss the other parts.
    ///
    /// # Errors
    ///
    /// [`UnknownClaim`] if nothing is left.
    ///
    /// ```
    /// use bt_validate::claims::Registry;
    /// let layer_two = Registry::standard().select("l2.")?;
    /// assert!(layer_two.claims().iter().all(|claim| claim.id.starts_with("l2.")));
    /// assert!(Registry::standard().select("l7").is_err());
    /// # Ok::<(), bt_validate::claims::UnknownClaim>(())
    /// ```
    pub fn select(&self, pattern: &str) -> Result<Registry, UnknownClaim> {
        let is_id = self.get(pattern).is_some();
        let wanted = |claim: &&Claim| match is_id {
            true => claim.id == pattern || claim.part_of.as_deref() == Some(pattern),
            false => claim.id.starts_with(pattern),
        };
        let claims: Vec<Claim> = self.claims.iter().filter(wanted).cloned().collect();
        if claims.is_empty() || pattern.is_empty() {
            let known = self.claims.iter().map(|claim| claim.id.clone()).collect();
            return Err(UnknownClaim { pattern: pattern.to_owned(), known });
        }
        Ok(Registry { claims })
    }
}

/// One thing that is claimed, or shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its key in `report.json`.
    pub id: String,
    /// What is compared with what.
    pub description: String,
    /// What kind of number it is.
    pub measure: Measure,
    /// The target in the unit of `measure`; none for a whole and for what is only shown.
    pub limit: Option<f64>,
    /// The ids of its parts; empty unless it is a whole.
    pub parts: Vec<String>,
    /// The whole that it is a part of.
    pub part_of: Option<String>,
    /// What the Python original published for it.
    pub original: Option<Original>,
}

impl Claim {
    /// Whether it has no target and decides nothing.
    #[must_use]
    pub fn is_shown_only(&self) -> bool {
        self.limit.is_none() && !self.is_whole()
    }

    /// Whether its verdict is that of its weakest part.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.parts.is_empty()
    }
}

/// What the Python original (rustybt) published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Original {
    /// The figure in the unit of the claim's measure, where there is one in that unit.
    pub value: Option<f64>,
    /// The figure in words.
    pub text: String,
}

/// The kinds of numbers that are claimed. Each timed kind is one way to read a ratio `optimised / base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// `1 − optimised / base`, a share.
    TimeSaved,
    /// `base / optimised`.
    SpeedUp,
    /// `optimised / base`.
    TimeRatio,
    /// Data handling per computation: `optimised / base − 1`, where base is the ideal arm.
    Overhead,
    /// A time in seconds; the base of its rounds is one second.
    Seconds,
    /// Hits per access, a share; exact.
    HitRate,
    /// Bytes held; exact.
    Bytes,
    /// Bytes per bytes; exact.
    MemoryRatio,
    /// `1 − bars / bars of the grid` that a search evaluates, a share; exact.
    BarsSaved,
    /// Runs that came to another result; exact.
    OtherResults,
}

impl Measure {
    /// Whether it comes from times, and so from a test; the others are counted.
    #[must_use]
    pub fn is_timed(self) -> bool {
        !matches!(
            self,
            Measure::HitRate
                | Measure::Bytes
                | Measure::MemoryRatio
                | Measure::BarsSaved
                | Measure::OtherResults
        )
    }

    /// Whether a target is a least value; otherwise it is a largest.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        matches!(self, Measure::TimeSaved | Measure::SpeedUp | Measure::HitRate | Measure::BarsSaved)
    }

    /// The largest ratio `optimised / base` that a target of this kind allows; the target itself if it is counted.
    #[must_use]
    pub fn max_ratio(self, limit: f64) -> f64 {
        match self {
            Measure::TimeSaved => 1.0 - limit,
            Measure::SpeedUp => 1.0 / limit,
            Measure::Overhead => 1.0 + limit,
            _ => limit,
        }
    }

    /// A ratio `optimised / base` read as this kind: the inverse of [`max_ratio`](Self::max_ratio).
    #[must_use]
    pub fn of_ratio(self, ratio: f64) -> f64 {
        match self {
            Measure::TimeSaved => 1.0 - ratio,
            Measure::SpeedUp => 1.0 / ratio,
            Measure::Overhead => ratio - 1.0,
            _ => ratio,
        }
    }

    /// Whether a counted value meets the target; a value on it does.
    #[must_use]
    pub fn is_met(self, value: f64, limit: f64) -> bool {
        if self.higher_is_better() { value >= limit } else { value <= limit }
    }
}

/// `--only` named nothing that is claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownClaim {
    /// What was asked for.
    pub pattern: String,
    /// Every id there is.
    pub known: Vec<String>,
}

impl fmt::Display for UnknownClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no claim is called or begins with {:?}; there are {}", self.pattern, self.known.join(", "))
    }
}

impl std::error::Error for UnknownClaim {}

#[cfg(test)]
mod tests;
