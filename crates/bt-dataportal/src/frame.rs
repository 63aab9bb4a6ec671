//! Windows as Arrow record batches.

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field as Column, Schema, SchemaRef, TimeUnit};
use bt_core::{AssetId, Error, Field, Result, Timestamp};

use crate::panel::{self, Rows};
use crate::{Assets, DataPortal, Moment, Request, Series, Window};

impl Window<'_> {
    /// As an Arrow record batch: `timestamp` (nanoseconds, UTC), then one column of 64-bit floats for each field of
    /// one asset (`close`), or for each asset and field of a set (`AAPL.close`), asset by asset.
    ///
    /// The same rows and the same values as [`array`](Self::array). Rows of a set before the calendar begins have no
    /// timestamp. Everything is copied, O(values), and each column costs two allocations.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    pub fn frame(&self) -> Result<RecordBatch> {
        let (blank, moments, values) = self.rows_and_values()?;
        let rows = blank + moments.len();
        let values = ScalarBuffer::from(values);
        let columns = self.request.columns();
        let fields = self.request.fields.len();
        // Values lie field by field; columns stand asset by asset.
        let places = (0..columns).flat_map(|asset| (0..fields).map(move |field| field * columns + asset));
        let column = |place: usize| -> ArrayRef {
            Arc::new(Float64Array::new(values.slice(place * rows, rows), None))
        };
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(timestamp_array(blank, moments)?)];
        arrays.extend(places.map(column));
        batch(self.schema()?, arrays)
    }

    /// Rows before the calendar begins, the moments of the others, and the values of both; the bundle is asked once.
    fn rows_and_values(&self) -> Result<(usize, &[Timestamp], Vec<f64>)> {
        let Request { assets, fields, bar_count, .. } = self.request;
        match assets {
            Assets::One(asset) => {
                let asset = self.moment.asset(asset)?;
                Ok((0, asset.timestamps(bar_count), asset.copied(fields, bar_count)?))
            }
            Assets::Set(_) => {
                let Rows { blank, start, end } = self.rows();
                Ok((blank, &self.moment.portal.calendar[start..end], self.values()?))
            }
        }
    }

    fn schema(&self) -> Result<SchemaRef> {
        let portal = self.moment.portal;
        let named = |asset: Option<AssetId>| {
            self.request.fields.iter().map(move |&field| {
                let asset = asset.map(|asset| portal.assets().name(asset)).transpose()?;
                let field = field_name(portal, field);
                Ok(value_column(asset.map_or_else(|| field.to_owned(), |asset| format!("{asset}.{field}"))))
            })
        };
        let values: Result<Vec<_>> = match self.request.assets {
            Assets::One(_) => named(None).collect(),
            Assets::Set(set) => set.assets().iter().flat_map(|&asset| named(Some(asset))).collect(),
        };
        let timestamp = Column::new("timestamp", timestamp_type(), true);
        Ok(Arc::new(Schema::new([vec![timestamp], values?].concat())))
    }
}

/// One field of one asset as frames of a single column: what history calls cost that build a frame each time.
///
/// The column is copied into Arrow's memory when it is made ([`DataPortal::frames`]); a window then is a slice of it in
/// a record batch of its own. [`Series`] gives the same values for a fraction of the time.
#[derive(Clone)]
pub struct FrameSeries<'a> {
    series: Series<'a>,
    column: Float64Array,
    schema: SchemaRef,
}

impl<'a> FrameSeries<'a> {
    pub(crate) fn new(portal: &'a DataPortal<'a>, asset: AssetId, field: Field) -> Result<Self> {
        let series = Series::new(portal, asset, field)?;
        let schema = Schema::new(vec![value_column(field_name(portal, field).to_owned())]);
        let column = Float64Array::from(series.values().to_vec());
        Ok(Self { series, column, schema: Arc::new(schema) })
    }

    /// The last `bar_count` values known at this moment as a record batch of one column, named like the field; fewer
    /// rows where fewer are known. O(1): the column is shared.
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where the moment is of another bundle version.
    pub fn window(&self, moment: Moment<'_>, bar_count: usize) -> Result<RecordBatch> {
        let known = self.series.at(moment)?.len();
        let count = bar_count.min(known);
        batch(Arc::clone(&self.schema), vec![Arc::new(self.column.slice(known - count, count))])
    }
}

/// Without the column, which holds what is not known yet.
impl fmt::Debug for FrameSeries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FrameSeries").field(&self.series).finish()
    }
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns).map_err(|error: ArrowError| Error::other(error))
}

fn value_column(name: String) -> Column {
    Column::new(name, DataType::Float64, false)
}

fn field_name<'a>(portal: &'a DataPortal<'_>, field: Field) -> &'a str {
    let extra = || portal.bundle.extra_columns().get(field.index() - Field::NAMES.len());
    let standard = Field::NAMES.get(field.index()).copied();
    standard.or_else(|| extra().map(String::as_str)).unwrap_or_default()
}

fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn timestamp_array(blank: usize, moments: &[Timestamp]) -> Result<TimestampNanosecondArray> {
    let mut nanos = panel::room_for(blank + moments.len(), 1, 1)?;
    nanos.resize(blank, 0);
    nanos.extend_from_slice(Timestamp::slice_as_nanos(moments));
    let is_known = || BooleanBuffer::collect_bool(nanos.len(), |row| row >= blank);
    let known = (blank > 0).then(|| NullBuffer::new(is_known()));
    Ok(TimestampNanosecondArray::new(nanos.into(), known).with_timezone("UTC"))
}
