//! A bundle in memory whose bars are whatever a test says.
use bt_dataportal::bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Field, Frequency, Result, Slab, Span,
    Timestamp,
};
use proptest::prelude::*;

/// One bar: when it became known, then open, high, low, close, volume and one extra column.
pub(crate) type Row = (i64, [f64; 6]);
pub(crate) const COLUMNS: usize = 6;

/// How a bundle's memory lies, which must not change any answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// One matrix, asset after asset.
    Slab,
    /// One matrix in which rows of nobody lie before and between the assets', as in a slice of a larger bundle.
    Holes,
    /// One matrix that is not shown as a slab.
    NoSlab,
    /// Every asset in memory of its own, with columns further apart than it has bars, and no slab.
    Scattered,
}

#[derive(Clone, Debug)]
pub(crate) struct Fake {
    /// The rows of each asset, as the oracle reads them.
    pub(crate) rows: Vec<Vec<Row>>,
    pub(crate) form: Form,
    assets: AssetList,
    calendar: Vec<Timestamp>,
    spans: Vec<Span>,
    positions: Vec<u32>,
    matrix: Matrix,
    /// By rank.
    own: Vec<Matrix>,
    extra: Vec<String>,
}

/// Columns one after the other, `timestamps.len() + padding` values apart.
#[derive(Clone, Debug, Default)]
struct Matrix {
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
    stride: usize,
}

impl Matrix {
    fn new(rows: &[Row], padding: usize) -> Self {
        let column = |column: usize| {
            rows.iter().map(move |row| row.1[column]).chain(std::iter::repeat_n(GARBAGE, padding))
        };
        Self {
            timestamps: rows.iter().map(|row| Timestamp::from_nanos(row.0)).collect(),
            values: (0..COLUMNS).flat_map(column).collect(),
            stride: rows.len() + padding,
        }
    }

    fn bars(&self) -> Bars<'_> {
        Bars::new(&self.timestamps, &self.values, self.stride).unwrap()
    }
}

/// What no answer may ever contain.
pub(crate) const GARBAGE: f64 = 9.125e99;

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
        let version = BundleVersion::of_bytes(format!("{rows:?}").as_bytes());
        let names = (0..rows.len()).map(|rank| format!("A{rank:03}"));
        Self {
            assets: AssetList::new(version, names).unwrap(),
            matrix: Matrix::new(&rows.concat(), 0),
            own: Vec::new(),
            calendar,
            spans,
            positions,
            extra: vec!["turnover".to_owned()],
            form: Form::Slab,
            rows,
        }
    }

    /// The same bars of the same version in memory that lies otherwise; from the plain form.
    pub(crate) fn laid_out(&self, form: Form) -> Self {
        let mut new = Self { form, ..self.clone() };
        match form {
            Form::Slab | Form::NoSlab => (),
            Form::Holes => new.dig_holes(),
            Form::Scattered => {
                new.own = self.rows.iter().zip(1..).map(|(rows, rank)| Matrix::new(rows, rank % 3)).collect();
                new.matrix = Matrix::default();
            }
        }
        new
    }

    fn dig_holes(&mut self) {
        let (mut all, nobody) = (Vec::new(), (i64::MAX, [GARBAGE; COLUMNS]));
        for (rank, (span, rows)) in self.spans.iter_mut().zip(&self.rows).enumerate() {
            all.extend(std::iter::repeat_n(nobody, (rank * 7 + 3) % 5));
            span.first = all.len() as u64;
            all.extend_from_slice(rows);
        }
        self.matrix = Matrix::new(&all, 1);
    }

    /// The same bars under another version.
    pub(crate) fn with_version(&self, version: BundleVersion) -> Self {
        let assets = AssetList::new(version, self.assets.names()).unwrap();
        Self { assets, ..self.clone() }
    }

    /// A bundle of so many columns, all but the first six made of zeroes.
    pub(crate) fn widened(mut self, columns: usize) -> Self {
        self.extra = (5..columns).map(|column| format!("column {column}")).collect();
        self.matrix.values.resize(columns * self.matrix.stride, 0.0);
        self
    }

    /// The same bundle in every form.
    pub(crate) fn forms(&self) -> [Self; 4] {
        [Form::Slab, Form::Holes, Form::NoSlab, Form::Scattered].map(|form| self.laid_out(form))
    }

    /// Assets that have a bar at each of these moments; every value tells asset, moment and column.
    pub(crate) fn listed(listings: &[&[i64]]) -> Self {
        let value =
            |rank: usize, at: i64, column: usize| (rank * 1000) as f64 + at as f64 + column as f64 / 10.0;
        let row = |rank, at| (at, std::array::from_fn(|column| value(rank, at, column)));
        let rows = |(rank, moments): (usize, &&[i64])| moments.iter().map(|&at| row(rank, at)).collect();
        Self::new(listings.iter().enumerate().map(rows).collect())
    }

    pub(crate) fn id(&self, rank: usize) -> AssetId {
        AssetId::new(rank as u32, self.version())
    }

    fn slab_of(&self) -> Slab<'_> {
        Slab { all: self.matrix.bars(), spans: &self.spans, positions: &self.positions }
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
        let rank = self.assets.rank(asset)?;
        Ok(self.own.get(rank).map_or_else(|| self.slab_of().bars(rank), Matrix::bars))
    }
    fn heap_bytes(&self) -> usize {
        0
    }
    fn slab(&self) -> Option<Slab<'_>> {
        matches!(self.form, Form::Slab | Form::Holes).then(|| self.slab_of())
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
