//! What people call the bars of a version, as its manifest tells.

use bt_bundle::Manifest;
use bt_bundle::bt_core::{BarClock, Conventions, Result, Timestamp};

/// The days of a version's bars, or their starts where they are shorter.
pub(super) struct Days(Option<BarClock>);

impl Days {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self(clock(manifest).ok())
    }

    /// Of a bar that became known at this moment; none where the manifest has no such bar or no zone that is known here.
    pub(super) fn of_bar(&self, known: Option<&str>) -> Option<String> {
        let known: Timestamp = known?.parse().ok()?;
        Some(self.0.as_ref()?.name(known).to_string())
    }

    /// As a cell of a table: without a day the moment itself.
    pub(super) fn shown(&self, known: Option<&str>) -> String {
        self.of_bar(known).unwrap_or_else(|| known.unwrap_or("-").to_owned())
    }
}

fn clock(manifest: &Manifest) -> Result<BarClock> {
    let conventions = Conventions { zone: manifest.zone.clone().into(), label: manifest.label.parse()? };
    BarClock::new(manifest.frequency.parse()?, &conventions)
}
