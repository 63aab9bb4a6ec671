//! A bundle in memory, small enough to see through.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;

use bt_bundle::bt_core::{
    Adjustment, AssetId, AssetList, Bars, Bundle, BundleName, BundleVersion, Calendar, Conventions, Field,
    Frequency, Result, Timestamp,
};

/// One asset's bars: timestamps, and columns of the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Asset {
    pub(crate) times: Vec<i64>,
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) adjustments: Vec<Adjustment>,
}

/// A bundle whose parts a test can change.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) assets: BTreeMap<String, Asset>,
    pub(crate) frequency: Frequency,
    pub(crate) conventions: Conventions,
    pub(crate) extra: Vec<String>,
}

impl Sample {
    /// Three assets: one on every moment, one listed later, one with a gap.
    pub(crate) fn three() -> Self {
        let assets = [("AAA", vec![10, 20, 30, 40]), ("BBB", vec![30, 40]), ("CCC", vec![10, 40])];
        let make = |(at, (name, times)): (usize, (&str, Vec<i64>))| {
            let value = |column: usize, row: usize| (100 * at + 10 * column + row) as f64 + 0.25;
            let columns =
                (0..5).map(|column| (0..times.len()).map(|row| value(column, row)).collect()).collect();
            (name.to_owned(), Asset { times, columns, adjustments: vec![] })
        };
        let assets = assets.into_iter().enumerate().map(make).collect();
        Self { assets, frequency: Frequency::Daily, conventions: Conventions::UTC, extra: vec![] }
    }

    pub(crate) fn open(&self) -> Memory {
        let version = BundleVersion([1; 32]);
        let mut calendar: Vec<_> = self.assets.values().flat_map(|asset| &asset.times).copied().collect();
        calendar.sort_unstable();
        calendar.dedup();
        let times = |times: &[i64]| times.iter().map(|&nanos| Timestamp::from_nanos(nanos)).collect();
        Memory {
            list: AssetList::new(version, self.assets.keys()).unwrap(),
            calendar: times(&calendar),
            times: self.assets.values().map(|asset| times(&asset.times)).collect(),
            values: self.assets.values().map(|asset| asset.columns.concat()).collect(),
            adjustments: self.assets.values().map(|asset| asset.adjustments.clone()).collect(),
            frequency: self.frequency,
            conventions: self.conventions.clone(),
            extra: self.extra.clone(),
        }
    }
}

/// An open [`Sample`].
pub(crate) struct Memory {
    list: AssetList,
    calendar: Vec<Timestamp>,
    times: Vec<Vec<Timestamp>>,
    values: Vec<Vec<f64>>,
    adjustments: Vec<Vec<Adjustment>>,
    frequency: Frequency,
    conventions: Conventions,
    extra: Vec<String>,
}

impl Bundle for Memory {
    fn version(&self) -> BundleVersion {
        self.list.version()
    }
    fn assets(&self) -> &AssetList {
        &self.list
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
        let rank = self.list.rank(asset)?;
        Bars::new(&self.times[rank], &self.values[rank], self.times[rank].len())
    }
    fn heap_bytes(&self) -> usize {
        0
    }
    fn extra_columns(&self) -> &[String] {
        &self.extra
    }
    fn adjustments(&self, asset: AssetId) -> Result<&[Adjustment]> {
        self.list.rank(asset).map(|rank| self.adjustments[rank].as_slice())
    }
}

pub(crate) fn name(name: &str) -> BundleName {
    BundleName::new(name).unwrap()
}

/// Checks that an open bundle holds exactly what a sample does.
pub(crate) fn assert_same(bundle: &dyn Bundle, sample: &Sample) {
    let expected = sample.open();
    assert_eq!(bundle.assets().names().collect::<Vec<_>>(), expected.assets().names().collect::<Vec<_>>());
    assert_eq!(bundle.calendar().as_slice(), expected.calendar().as_slice());
    assert_eq!(bundle.frequency(), expected.frequency());
    assert_eq!(bundle.conventions(), expected.conventions());
    assert_eq!(bundle.extra_columns(), expected.extra_columns());
    for ((id, expected_id), asset) in
        bundle.assets().ids().zip(expected.assets().ids()).zip(sample.assets.values())
    {
        let bars = bundle.bars(id).unwrap();
        assert_eq!(bars.timestamps(), expected.bars(expected_id).unwrap().timestamps());
        for (number, column) in asset.columns.iter().enumerate() {
            let field =
                Field::OHLCV.get(number).copied().unwrap_or_else(|| Field::extra(number - 5).unwrap());
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(bars.field(field)), bits(column), "{field}");
        }
        assert_eq!(bundle.adjustments(id).unwrap(), asset.adjustments);
    }
}

/// A directory for a store: in memory where the system has such a place, since thousands of syncs would wait for a disk.
pub(crate) fn root() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Changes one bit of the place in a file where these bytes are, which have to be there once.
pub(crate) fn flip(path: &std::path::Path, bytes: &[u8]) {
    let mut content = std::fs::read(path).unwrap();
    let mut places = content.windows(bytes.len()).enumerate().filter(|(_, window)| *window == bytes);
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        panic!("{bytes:?} is not once in {}", path.display())
    };
    content[at] ^= 1;
    replace(path, &content);
}

/// Puts a file with other content in the place of a published one, which is read-only.
pub(crate) fn replace(path: &std::path::Path, content: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, content).unwrap();
}
