//! The manifest of a draft.

use std::time::{Duration, SystemTime};

use bt_core::{BundleMetadata, BundleSource, BundleVersion, Field, Span, Timestamp, timestamps_digest};

use super::Draft;
use crate::Manifest;
use crate::manifest::{AssetRange, Digests};

impl Draft<'_> {
    pub(super) fn manifest(&self, version: BundleVersion) -> Manifest {
        let text = |moment: &Timestamp| moment.to_string();
        let calendar = &self.shape.calendar;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Manifest {
            format: self.shape.format(),
            name: self.name.to_string(),
            version: version.to_string(),
            sequence: self.sequence(now),
            published: Timestamp::from_nanos(0).plus_seconds(now.as_secs() as i64).to_string(),
            parent: self.parent.map(|parent| parent.to_string()),
            origin: Manifest::origin(&self.shape.origin),
            frequency: self.shape.frequency.to_string(),
            zone: self.shape.conventions.zone.to_string(),
            label: self.shape.conventions.label.to_string(),
            columns: Field::NAMES
                .map(String::from)
                .into_iter()
                .chain(self.shape.extra_columns.clone())
                .collect(),
            rows: self.spans.last().map_or(0, Span::end),
            moments: calendar.len() as u64,
            first: calendar.first().map(text),
            last: calendar.last().map(text),
            adjustments: self.shape.adjustments.values().map(|list| list.len() as u64).sum(),
            asset_count: self.names.len() as u64,
            assets: self.listed_assets(),
            digests: self.digests(),
        }
    }

    /// Later than that of every version before, by the clock; where the clock went backwards, than that of the current one.
    fn sequence(&self, now: Duration) -> u64 {
        let current = self.store.version(&self.name);
        let before = current
            .and_then(|version| Manifest::sequence_of(&self.store.version_directory(&self.name, version)));
        before.unwrap_or(0).saturating_add(1).max(now.as_micros() as u64)
    }

    fn listed_assets(&self) -> Vec<AssetRange> {
        let calendar = &self.shape.calendar;
        let all = self.names.iter().zip(&self.spans);
        let all = all.map(|(name, span)| AssetRange::new(name, span, calendar));
        if Manifest::lists(&self.names) { all.collect() } else { Vec::new() }
    }

    fn digests(&self) -> Digests {
        let calendar = &self.shape.calendar;
        let metadata = calendar.first().zip(calendar.last()).map(|(&start, &end)| {
            let metadata = BundleMetadata {
                name: self.name.clone(),
                symbols: self.names.clone(),
                start,
                end,
                frequency: self.shape.frequency,
                extra_columns: self.shape.extra_columns.clone(),
            };
            BundleVersion(metadata.digest()).to_string()
        });
        Digests { calendar: BundleVersion(timestamps_digest(calendar)).to_string(), metadata }
    }
}
