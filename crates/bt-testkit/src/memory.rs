use bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Conventions, Frequency, Result, Slab, Span,
    Timestamp,
};

use crate::MarketData;

/// A bundle in plain vectors: the simplest correct implementation of [`Bundle`], with or without the fast path.
#[derive(Clone, Debug)]
pub struct MemoryBundle {
    assets: AssetList,
    frequency: Frequency,
    conventions: Conventions,
    calendar: Vec<Timestamp>,
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
    spans: Vec<Span>,
    positions: Vec<u32>,
    extra_columns: Vec<String>,
    with_slab: bool,
}

impl MemoryBundle {
    /// Lays the bars out in one matrix; the version is the content's.
    ///
    /// # Panics
    /// Where the data breaks the rules of a bundle: names or timestamps that do not ascend, columns of unequal length.
    pub fn new(data: &MarketData) -> Self {
        Self::with_version(data, data.version())
    }

    /// The same under another version: for tests of what must not depend on content.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn with_version(data: &MarketData, version: BundleVersion) -> Self {
        let assets =
            AssetList::new(version, data.assets.iter().map(|asset| &asset.name)).expect("names ascend");
        let calendar = data.calendar();
        let series = data.assets.iter().map(|asset| asset.timestamps.as_slice());
        let (spans, positions) =
            Slab::index(Calendar::from_sorted(&calendar), series).expect("timestamps ascend");
        let column =
            |column: usize| data.assets.iter().flat_map(move |asset| asset.columns[column].iter().copied());
        let timestamps: Vec<_> =
            data.assets.iter().flat_map(|asset| asset.timestamps.iter().copied()).collect();
        let values: Vec<f64> = (0..5).flat_map(column).collect();
        assert_eq!(values.len(), timestamps.len() * 5, "columns of unequal length");
        Self {
            assets,
            frequency: data.frequency,
            conventions: Conventions::UTC,
            calendar,
            timestamps,
            values,
            spans,
            positions,
            extra_columns: Vec::new(),
            with_slab: true,
        }
    }

    /// The same bundle without the fast path, as an implementer with scattered memory would have it.
    pub fn without_slab(self) -> Self {
        Self { with_slab: false, ..self }
    }

    /// The same bundle with one more column, after those it has: the value of each bar, by its asset's rank and its
    /// number. The version stays, so this is for reading, and not for a store that would hash it.
    pub fn with_extra(mut self, name: &str, value: impl Fn(usize, usize) -> f64) -> Self {
        for (rank, span) in self.spans.iter().enumerate() {
            self.values.extend((0..span.len as usize).map(|bar| value(rank, bar)));
        }
        self.extra_columns.push(name.to_owned());
        self
    }

    /// The same bundle with days of another zone, or bars that belong to another day. The version stays, as with
    /// [`with_extra`](Self::with_extra).
    pub fn with_conventions(self, conventions: Conventions) -> Self {
        Self { conventions, ..self }
    }

    fn whole(&self) -> Slab<'_> {
        let all = Bars::new(&self.timestamps, &self.values, self.timestamps.len()).expect("five columns");
        Slab { all, spans: &self.spans, positions: &self.positions }
    }
}

impl Bundle for MemoryBundle {
    fn version(&self) -> BundleVersion {
        self.assets.version()
    }

    fn assets(&self) -> &AssetList {
        &self.assets
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar::from_sorted(&self.calendar)
    }

    fn frequency(&self) -> Frequency {
        self.frequency
    }

    fn conventions(&self) -> &Conventions {
        &self.conventions
    }

    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        self.assets.rank(asset).map(|rank| self.whole().bars(rank))
    }

    fn heap_bytes(&self) -> usize {
        self.assets.heap_bytes()
            + (self.calendar.capacity() + self.timestamps.capacity() + self.values.capacity()) * 8
            + self.spans.capacity() * size_of::<Span>()
            + self.positions.capacity() * 4
            + self.extra_columns.iter().map(|name| size_of::<String>() + name.capacity()).sum::<usize>()
    }

    fn extra_columns(&self) -> &[String] {
        &self.extra_columns
    }

    fn slab(&self) -> Option<Slab<'_>> {
        self.with_slab.then(|| self.whole())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bt_core::Field;

    use crate::{Market, conformance};

    #[test]
    fn extra_columns_are_read_by_name_with_and_without_a_slab() {
        let data = Market::staggered(1, 3, 20, 5).generate();
        let bundle = data.bundle().with_extra("turnover", |rank, bar| (100 * rank + bar) as f64);
        let bundle = bundle.with_extra("trades", |_, _| f64::NAN);
        for bundle in [bundle.clone(), bundle.without_slab()] {
            conformance::bundle(&bundle);
            conformance::bundle_holds(&bundle, &data);
            conformance::bundle_on_the_heap(&bundle);
            let last = bundle.bars(bundle.assets().id("A0002").unwrap()).unwrap();
            let turnover = bundle.field("turnover").unwrap();
            assert_eq!(last.field(turnover), [200.0, 201.0, 202.0, 203.0, 204.0]);
            assert_eq!(bundle.field("trades").unwrap(), Field::extra(1).unwrap());
        }
    }
}
