//! A bundle in memory whose bars are whatever a test says.
use bt_dataportal::bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Field, Frequency, Result, Slab, Span,
    Timestamp,
};
use proptest::prelude::*;

/// One bar: when it became known, then open, high, low, close, volume and one extra column.
pub(crate) type Row = (i64, [f64; 6]);
pub(crate) const COLUMNS: usize = 6;

#[derive(Clone, Debug)]
pub(crate) struct Fake {
    /// The rows of each asset, as the oracle reads them.
    pub(crate) rows: Vec<Vec<Row>>,
    assets: AssetList,
    calendar: Vec<Timestamp>,
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
    spans: Vec<Span>,
    positions: Vec<u32>,
    extra: Vec<String>,
    has_slab: bool,
}

impl Fake {
    pub(crate) fn new(rows: Vec<Vec<Row>>) -> Self {
        let mut calendar: Vec<i64> = rows.iter().flatten().map(|row| row.0).collect();
        calendar.sort_unstable();
        calendar.dedup();
        let calendar: Vec<_> = calendar.into_iter().map(Timestamp::from_nanos).collect();
        let times: Vec<Vec<_>> =
            rows.iter().map(|rows| rows.iter().map(|row| Timestamp::from_nanos(row.0)).collect()).collect();
        let index = Slab::index(Calendar::from_sorted(&calendar), times.iter().map(Vec::as_slice));
        let (spans, positions) = index.unwrap();
        let column = |column: usize| rows.iter().flatten().map(move |row| row.1[column]);
        let version = BundleVersion::of_bytes(format!("{rows:?}").as_bytes());
        let names = (0..rows.len()).map(|rank| format!("A{rank:03}"));
        Self {
            assets: AssetList::new(version, names).unwrap(),
            timestamps: times.concat(),
            values: (0..COLUMNS).flat_map(column).collect(),
            calendar,
            spans,
            positions,
            extra: vec!["turnover".to_owned()],
            has_slab: true,
            rows,
        }
    }

    /// Assets that have a bar at each of these moments; every value tells asset, moment and column.
    pub(crate) fn listed(listings: &[&[i64]]) -> Self {
        let value =
            |rank: usize, at: i64, column: usize| (rank * 1000) as f64 + at as f64 + column as f64 / 10.0;
        let row = |rank, at| (at, std::array::from_fn(|column| value(rank, at, column)));
        let rows = |(rank, moments): (usize, &&[i64])| moments.iter().map(|&at| row(rank, at)).collect();
        Self::new(listings.iter().enumerate().map(rows).collect())
    }

    /// The same bundle, without the fast path.
    pub(crate) fn without_slab(&self) -> Self {
        Self { has_slab: false, ..self.clone() }
    }

    pub(crate) fn id(&self, rank: usize) -> AssetId {
        AssetId::new(rank as u32, self.version())
    }

    fn slab_of(&self) -> Slab<'_> {
        let all = Bars::new(&self.timestamps, &self.values, self.timestamps.len()).unwrap();
        Slab { all, spans: &self.spans, positions: &self.positions }
    }
}

impl Bundle for Fake {
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
        Frequency::Daily
    }
    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        self.assets.rank(asset).map(|rank| self.slab_of().bars(rank))
    }
    fn heap_bytes(&self) -> usize {
        0
    }
    fn slab(&self) -> Option<Slab<'_>> {
        self.has_slab.then(|| self.slab_of())
    }
    fn extra_columns(&self) -> &[String] {
        &self.extra
    }
}

/// The time between two moments of a generated calendar.
pub(crate) const STEP: i64 = 10;

/// The column's name to the portal: five of every bundle and one extra.
pub(crate) fn field(column: usize) -> Field {
    Field::OHLCV.get(column).copied().unwrap_or_else(|| Field::extra(column - 5).unwrap())
}

/// Up to six assets on up to forty moments: listed late, delisted early, with gaps, without a bar, with NaN; in one
/// bundle of three, all on a common calendar.
pub(crate) fn any_bundle() -> impl Strategy<Value = Fake> {
    let price = prop_oneof![9 => -1e6..1e6f64, 1 => Just(f64::NAN)];
    let row = proptest::array::uniform6(price);
    (1..40usize)
        .prop_flat_map(move |moments| {
            let asset = (0..moments, 0..=moments, any::<bool>(), any::<u64>());
            let assets = prop::collection::vec(asset, 1..6);
            (assets, prop::collection::vec(row.clone(), moments), 0..3)
        })
        .prop_map(|(assets, prices, kind)| {
            let asset = |rank: usize, (from, until, gaps, mask): (usize, usize, bool, u64)| {
                let (from, until, gaps) =
                    if kind == 0 { (0, prices.len(), false) } else { (from, until, gaps) };
                let listed = move |at: &usize| !gaps || mask >> at & 1 == 1;
                let row = |at: usize| (at as i64 * STEP, prices[at].map(|price| price + rank as f64));
                (from..until).filter(listed).map(row).collect()
            };
            Fake::new(assets.into_iter().enumerate().map(|(rank, shape)| asset(rank, shape)).collect())
        })
}

/// Before, between, at and after the moments of a generated calendar.
pub(crate) fn any_now() -> impl Strategy<Value = Timestamp> {
    (-2 * STEP..42 * STEP).prop_map(|now| Timestamp::from_nanos(now / 5 * 5))
}
