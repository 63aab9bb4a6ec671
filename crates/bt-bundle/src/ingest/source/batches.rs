//! Rows of Arrow record batches.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrowPrimitiveType, RecordBatch, downcast_integer_array, types as t};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, Schema, TimeUnit};
use bt_asset_cache::kernel::{Assets, Stamp as ArrayStamp, Stamps, Texts, Values, decimal_to_f64};
use bt_core::{AssetList, Error, Result, Timestamp, Zone};

use super::Opening;
use crate::ingest::fault::{
    AssetFault, Fault, Finding, HeaderFault, NumberFault, RowFault, TimeFault, excerpt,
};
use crate::ingest::field::day::{DateOrder, OrderEvidence};
use crate::ingest::field::numeric::{NumericEvidence, NumericTimes};
use crate::ingest::field::time::{Stamp, TimeReader, Written, wall_clock};
use crate::ingest::field::zone::Own;
use crate::ingest::field::{Unread, asset};
use crate::ingest::infer::columns::{Layout, Naming, Sample, TimeSeen, TimesShown, is_known};
use crate::ingest::infer::numbers::SeparatorsShown;
use crate::ingest::infer::shown::{are_zero, seen, shows};
use crate::ingest::infer::summary::StampSummary;
use crate::ingest::rows::{
    Checked, Names, RowFindings, RowId, Rows, Source, check, scatter, starts, targets,
};
use crate::ingest::wall::DAY;
use crate::ingest::{BadRows, IngestOptions, NumberFormat};

/// Rows that one thread decodes at a time.
pub(super) const BLOCK: usize = 64 << 10;
/// Rows that are looked at to see what columns of text hold.
pub(super) const SAMPLE: usize = 1000;
/// Rows that are looked at to see what a column of times holds.
const TIMES: usize = 50;

/// How the batches of one source are read.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) source: Source,
    pub(super) number: usize,
    pub(super) layout: Layout,
    /// The columns as the batches name them.
    names: Vec<String>,
    /// The asset of all rows, where no column says it.
    asset: Option<String>,
    times: TimeReader,
    numbers: NumberFormat,
}

/// What a schema says, with the first rows where there are some.
pub(super) struct Table<'a> {
    names: Vec<String>,
    /// The asset that the names of the columns say.
    asset: Option<String>,
    schema: &'a Schema,
    first: Option<&'a RecordBatch>,
    times: &'a TimeReader,
}

impl<'a> Table<'a> {
    /// Takes a schema, whose columns may have pandas' names of two levels: what, of which asset.
    ///
    /// # Errors
    /// Where several assets stand side by side.
    pub(super) fn new(
        schema: &'a Schema,
        first: Option<&'a RecordBatch>,
        times: &'a TimeReader,
    ) -> Result<Self, HeaderFault> {
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let levels: Vec<_> = names.iter().map(|name| levels(name)).collect();
        let mut assets: Vec<String> = levels.iter().flatten().map(|(_, asset)| asset.clone()).collect();
        assets.retain(|asset| !asset.is_empty());
        assets.sort_unstable();
        assets.dedup();
        if assets.len() > 1 {
            return Err(HeaderFault::Wide { assets, columns: names.into_iter().take(3).collect() });
        }
        let plain = names.into_iter().zip(levels).map(|(name, levels)| levels.map_or(name, |(what, _)| what));
        Ok(Self { names: plain.collect(), asset: assets.pop(), schema, first, times })
    }

    pub(super) fn layout(&self, naming: Naming, options: &IngestOptions) -> Result<Layout, HeaderFault> {
        let naming = naming.or_by_header(self.asset.as_deref());
        Layout::find(self.names.clone(), naming, options, self)
    }

    /// Whether only rows can tell what the columns hold, or which of several columns of times is meant. Types tell it where one
    /// column has times and all others numbers with decimals.
    pub(super) fn asks_for_rows(&self) -> bool {
        let is_time = |kind: &DataType| kind.is_temporal();
        let is_plain = |kind: &DataType| is_time(kind) || is_number(kind) && !kind.is_integer();
        let kinds = || self.schema.fields().iter().map(|field| field.data_type());
        kinds().filter(|kind| is_time(kind)).count() != 1 || !kinds().all(is_plain)
    }

    fn column(&self, at: usize) -> Option<&'a dyn Array> {
        self.first.map(|batch| batch.column(at).as_ref())
    }

    /// What the first rows show of the order of dates.
    pub(super) fn order(&self, layout: &Layout) -> OrderEvidence {
        let mut evidence = OrderEvidence::default();
        if let Some(dates) = self.column(layout.time) {
            note_dates(dates, &mut evidence);
        }
        evidence
    }

    /// What numbers in the column of times are, by the first rows.
    fn numeric_times(&self, layout: &Layout) -> NumericTimes {
        let mut evidence = NumericEvidence::default();
        let times = self.column(layout.time).and_then(|array| Times::new(array).ok());
        if let Some(times) = times.filter(|times| !times.is_stamps()) {
            (0..times.array.len().min(SAMPLE)).for_each(|row| evidence.note(times.text(row).as_bytes()));
        }
        evidence.numbers()
    }

    fn numbers(&self, layout: &Layout, options: &IngestOptions) -> NumberFormat {
        let inferred = || {
            let mut shown = SeparatorsShown::default();
            let columns = layout.values.iter().flatten().filter_map(|&at| Texts::new(self.column(at)?));
            for texts in columns {
                (0..texts.len())
                    .filter_map(|row| texts.get(row))
                    .for_each(|text| shown.note(text.as_bytes()));
            }
            if shown.format() == NumberFormat::default() {
                let columns = (0..self.names.len()).filter_map(|at| Texts::new(self.column(at)?));
                for texts in columns {
                    (0..texts.len())
                        .filter_map(|row| texts.get(row))
                        .for_each(|text| shown.note_certain(text.as_bytes()));
                }
            }
            shown.format()
        };
        options.number_format.unwrap_or_else(inferred)
    }

    /// What is known of a source once its layout is, which `projected` is of the columns that its batches have.
    pub(super) fn shape(
        &self,
        mut source: Source,
        opening: &Opening<'_>,
        layout: &Layout,
        (projected, names): (Layout, Vec<String>),
    ) -> Result<Shape> {
        let asset = opening.one_asset(&mut source, layout, self.asset.as_deref())?;
        let column = |at: usize| Times::new(self.column(at)?).ok();
        let dated = |(dates, clocks): (Times<'_>, Times<'_>)| -> Vec<(String, String)> {
            (0..clocks.array.len())
                .filter(|&row| clocks.array.is_valid(row))
                .map(|row| (dates.text(row), clocks.text(row)))
                .collect()
        };
        let dated = column(layout.time).zip(layout.clock.and_then(column)).map(dated).unwrap_or_default();
        let digits =
            layout.clock_digits(dated.iter().map(|(date, clock)| (date.as_bytes(), clock.as_bytes())));
        let times = opening.times.clone().with(None, digits);
        Ok(Shape {
            source,
            number: opening.number,
            layout: projected,
            names,
            asset,
            times: times.with_numbers(self.numeric_times(layout)).with_zone_of_column(layout.zone_of_times()),
            numbers: self.numbers(layout, opening.options),
        })
    }
}

/// Notes what a column of dates shows of the order of dates, if they are text.
pub(super) fn note_dates(array: &dyn Array, evidence: &mut OrderEvidence) {
    let Some(texts) = Texts::new(array) else { return };
    (0..texts.len()).filter_map(|row| texts.get(row)).for_each(|text| evidence.note(text.as_bytes()));
}

/// The parts of a name such as `('Close', 'AAPL')`: what, and of which asset.
fn levels(name: &str) -> Option<(String, String)> {
    let inner = name.strip_prefix('(')?.strip_suffix(')')?;
    let (one, other) = inner.split_once(',')?;
    let part = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    let (one, other) = (part(one), part(other));
    if is_known(&other) && !is_known(&one) { Some((other, one)) } else { Some((one, other)) }
}

impl Sample for Table<'_> {
    fn is_number(&self, column: usize) -> bool {
        is_number(self.schema.field(column).data_type())
    }

    fn has_digits(&self, column: usize) -> bool {
        let begins = |text: &str| text.trim_start().starts_with(|c: char| c.is_ascii_digit());
        let texts = self.column(column).and_then(Texts::new);
        texts.is_some_and(|texts| (0..texts.len()).filter_map(|row| texts.get(row)).any(begins))
    }

    fn is_zero(&self, column: usize) -> bool {
        let Some(array) = self.column(column) else { return false };
        let rows = array.len().min(SAMPLE);
        let mut scratch = Vec::new();
        Values::new(array).is_ok_and(|values| are_zero(values.read(0..rows, &mut scratch).iter().copied()))
    }

    fn times(&self, column: usize) -> TimesShown {
        match self.schema.field(column).data_type() {
            DataType::Date32 => TimesShown::Dates,
            DataType::Timestamp(..) | DataType::Date64 => TimesShown::Times,
            DataType::Time32(_) | DataType::Time64(_) => TimesShown::TimesOfDay,
            _ => self.column(column).map_or(TimesShown::Nothing, |array| shown(array, self.times)),
        }
    }

    fn seen(&self, column: usize) -> Vec<Option<TimeSeen>> {
        let Some(times) = self.column(column).and_then(|array| Times::new(array).ok()) else {
            return Vec::new();
        };
        seen(self.times, |reader| {
            let read = |row| times.stamp(row, None, reader).ok().map(|stamp| TimeSeen::of(&stamp));
            (0..times.array.len().min(TIMES)).map(read).collect()
        })
    }
}

/// What a column of text or numbers shows of times.
fn shown(array: &dyn Array, times: &TimeReader) -> TimesShown {
    let Ok(column) = Times::new(array) else { return TimesShown::Nothing };
    let rows = (0..array.len()).filter(|&row| array.is_valid(row));
    TimesShown::most(rows.filter_map(|row| shows(times, column.text(row).as_bytes())).take(TIMES))
}

fn is_number(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Float64
                | DataType::Float32
                | DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
        )
}

impl Shape {
    pub(super) fn set_order(&mut self, order: Option<DateOrder>) {
        self.times = self.times.clone().with_order(order);
    }

    /// # Errors
    /// Where a batch has other columns than the first.
    pub(super) fn check(&self, batch: &RecordBatch, row: u64) -> Result<()> {
        let schema = batch.schema();
        let same = schema.fields().iter().map(|field| field.name()).eq(&self.names);
        if same {
            return Ok(());
        }
        let fault = HeaderFault::Changed { before: self.names.clone() };
        Err(Finding::new(self.source.row(row), fault).into())
    }

    /// What the source's own column of assets says first in a batch, where it has to say the same in every row.
    pub(super) fn own_asset(&self, batch: &RecordBatch) -> Result<Option<Arc<str>>> {
        let Some(column) = self.layout.own_asset else { return Ok(None) };
        let mut names = Names::default();
        self.assets(batch.column(column), column)?.numbers(&mut names, &mut |_| {});
        Ok(names.iter().next().map(Arc::from))
    }

    fn assets<'a>(&self, array: &'a dyn Array, column: usize) -> Result<Assets<'a>> {
        let fault = |_| self.wrong_type(array, column, "text, dictionaries, integers").into();
        Assets::new(array).map_err(fault)
    }

    fn wrong_type(&self, array: &dyn Array, column: usize, allowed: &'static str) -> Finding {
        self.column(column, HeaderFault::WrongType { found: array.data_type().to_string(), allowed })
    }

    fn column(&self, at: usize, fault: impl Into<Fault>) -> Finding {
        Finding::new(self.source.whole().column(&self.layout.names[at]), fault)
    }
}

/// Some rows of a source.
#[derive(Debug)]
pub(in crate::ingest) struct Block {
    pub(super) shape: Arc<Shape>,
    /// What the source's own column of assets says first.
    pub(super) own_asset: Option<Arc<str>>,
    /// Number of the first row; the source's first is 1.
    pub(super) first: u64,
    pub(super) batch: RecordBatch,
}

impl Block {
    /// Decodes the rows, column by column.
    ///
    /// # Errors
    /// The first bad row, where bad rows fail; a column of a type that is not what the column should hold.
    pub(super) fn decode(self, options: &IngestOptions) -> Result<Rows> {
        let layout = &self.shape.layout;
        let (mut names, mut bad) = (Names::default(), Faults::of(&self));
        let codes = self.assets(&mut names, &mut bad)?;
        let times = Times::new(self.batch.column(layout.time));
        let times = times.map_err(|fault| self.shape.column(layout.time, fault))?;
        let (moments, mut summary) = self.moments(&times, &[], &mut bad)?;
        let order = Order::of(&codes, names.len());
        let scale = options.price_scale.map_or(0, |scale| scale.decimals());
        let columns = layout.values.iter().enumerate().map(|(value, column)| {
            self.numbers(*column, if value < 4 { scale } else { 0 }, &order, &mut bad)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let seen = see(&columns, &order, options, &mut bad);
        let ids: Vec<_> =
            (0..moments.len() as u64).map(|row| RowId::new(self.shape.number, self.first + row)).collect();
        let (mut findings, is_left_out) = bad.judge(options)?;
        self.tell(seen, &is_left_out, &mut findings);
        if !is_left_out.is_empty() {
            // What rows show that are no bars says nothing of the others.
            let mut known = Faults::of(&self);
            summary = self.moments(&times, &is_left_out, &mut known)?.1;
        }
        let rows = Rows {
            assets: names.into_vec(),
            stamps: order.apply(moments),
            ids: order.apply(ids),
            starts: order.starts.clone(),
            columns,
            summary,
            read: self.batch.num_rows() as u64,
            findings,
        };
        Ok(if is_left_out.is_empty() { rows } else { rows.without(&order.apply(is_left_out)) })
    }

    /// The number of each row's asset.
    fn assets(&self, names: &mut Names, bad: &mut Faults<'_>) -> Result<Vec<u32>> {
        let layout = &self.shape.layout;
        let Some(column) = layout.asset.or(layout.own_asset) else {
            let name = self.shape.asset.as_deref().unwrap_or_default();
            return Ok(vec![names.number(name); self.batch.num_rows()]);
        };
        let mut assets = self.shape.assets(self.batch.column(column), column)?;
        let mut nameless = Vec::new();
        let mut own = Names::default();
        let into = if layout.asset.is_some() { &mut *names } else { &mut own };
        let codes = assets.numbers(into, &mut |fault| nameless.push(fault.row.unwrap_or_default()));
        nameless.into_iter().for_each(|row| bad.add(row, Some(column), AssetFault::Missing));
        if layout.asset.is_some() {
            self.check_names(names, &codes, column, bad);
            return Ok(codes);
        }
        self.check_own(own, column)?;
        let name = self.shape.asset.as_deref().unwrap_or_default();
        Ok(vec![names.number(name); self.batch.num_rows()])
    }

    fn check_names(&self, names: &Names, codes: &[u32], column: usize, bad: &mut Faults<'_>) {
        let fault =
            |name: &str| AssetFault::Name { name: excerpt(name.as_bytes()), allowed: AssetList::NAME_RULE };
        let faults: Vec<Option<AssetFault>> =
            names.iter().map(|name| (!asset::is_name(name)).then(|| fault(name))).collect();
        if faults.iter().all(Option::is_none) {
            return;
        }
        for (row, &code) in codes.iter().enumerate() {
            if let Some(fault) = &faults[code as usize] {
                bad.add(row, Some(column), fault.clone());
            }
        }
    }

    /// Where the asset is known already, the source's own column has to say the same in every row.
    fn check_own(&self, own: Names, column: usize) -> Result<()> {
        let Some(first) = &self.own_asset else { return Ok(()) };
        match own.iter().find(|name| **name != **first) {
            None => Ok(()),
            Some(other) => {
                let [name, first] = [other, &**first].map(|name| excerpt(name.as_bytes()));
                Err(self.shape.column(column, AssetFault::Several { name, first }).into())
            }
        }
    }

    /// The moment of each row, of bad ones any; and what those have in common that are not left out.
    fn moments(
        &self,
        times: &Times<'_>,
        is_left_out: &[bool],
        bad: &mut Faults<'_>,
    ) -> Result<(Vec<i64>, StampSummary)> {
        let Shape { layout, number, .. } = &*self.shape;
        let is_bar = |row: usize| is_left_out.get(row) != Some(&true);
        let id = |row: usize| RowId::new(*number, self.first + row as u64);
        if let (TimeKind::Stamps(stamps), None) = (&times.kind, layout.clock)
            && let Some(days) = stamps.days()
        {
            let first = (0..days.len()).find(|&row| is_bar(row));
            return Ok((days, StampSummary::of_dates(first.map(id))));
        }
        let (mut reader, mut summary) = (self.shape.times.clone(), StampSummary::default());
        let clocks = layout.clock.map(|at| {
            let clocks = Clocks::new(self.batch.column(at), &mut reader);
            clocks.map_err(|fault| Error::from(self.shape.column(at, fault)))
        });
        let clocks = clocks.transpose()?;
        let moments = (0..times.array.len()).map(|row| {
            let clock = clocks.as_ref().map(|clocks| &clocks.read[row]);
            match times.stamp(row, clock, &mut reader) {
                Ok(stamp) => {
                    if is_bar(row) {
                        summary.note(&stamp, id(row), &reader);
                    }
                    stamp.nanos
                }
                Err(why) => {
                    let text = match &clocks {
                        Some(clocks) => {
                            format!("{} {}", times.text(row).trim_end_matches("T00:00:00"), clocks.text(row))
                        }
                        None => times.text(row),
                    };
                    bad.add(row, Some(layout.time), reader.fault(text.as_bytes(), why));
                    0
                }
            }
        });
        Ok((moments.collect(), summary))
    }

    /// The numbers of a column, in order of their assets.
    fn numbers(
        &self,
        column: Option<usize>,
        scale: u8,
        order: &Order,
        bad: &mut Faults<'_>,
    ) -> Result<Vec<f64>> {
        let rows = self.batch.num_rows();
        let Some(column) = column else { return Ok(vec![f64::NAN; rows]) };
        let array = self.batch.column(column);
        if let Some(texts) = Texts::new(array) {
            let read = |row: usize| {
                let text = texts.get(row).unwrap_or_default().as_bytes();
                self.shape.numbers.read_scaled(text, scale).unwrap_or_else(|why| {
                    let is_price = self.shape.layout.values[..4].contains(&Some(column));
                    bad.add(row, Some(column), super::number_fault(text, is_price, why));
                    f64::NAN
                })
            };
            return Ok(order.apply((0..rows).map(read).collect()));
        }
        if scale > 0 {
            return self.scaled(column, scale).map(|values| order.apply(values));
        }
        let values =
            Values::new(array).map_err(|_| self.wrong_type(column, "numbers, or text of numbers"))?;
        let mut out = vec![0.0; rows];
        match &order.targets {
            None => values.write(0..rows, &mut out),
            Some(targets) => {
                // Some thousand at a time, which stay in the processor's cache until they are scattered.
                const CHUNK: usize = 4096;
                let mut scratch = Vec::new();
                for start in (0..rows).step_by(CHUNK) {
                    let end = rows.min(start + CHUNK);
                    let read = values.read(start..end, &mut scratch);
                    targets[start..end]
                        .iter()
                        .zip(read)
                        .for_each(|(&target, &value)| out[target as usize] = value);
                }
            }
        }
        Ok(out)
    }

    /// Prices in fixed point: integers are divided and rounded once, the largest of 64 bits stands for none.
    fn scaled(&self, column: usize, scale: u8) -> Result<Vec<f64>> {
        let array = self.batch.column(column).as_ref();
        let price = |units: Option<i128>| match units {
            None => f64::NAN,
            Some(units) if units == i128::from(i64::MAX) => f64::NAN,
            Some(units) => decimal_to_f64(units, scale as i8),
        };
        let integers: Option<Vec<f64>> = downcast_integer_array!(
            array => Some(array.iter().map(|value| price(value.map(i128::from))).collect()),
            _ => None
        );
        if let Some(values) = integers {
            return Ok(values);
        }
        let values =
            Values::new(array).map_err(|_| self.wrong_type(column, "numbers, or text of numbers"))?;
        let mut scratch = Vec::new();
        let divisor = 10_f64.powi(scale.into());
        Ok(values.read(0..array.len(), &mut scratch).iter().map(|value| value / divisor).collect())
    }

    fn wrong_type(&self, column: usize, allowed: &'static str) -> Finding {
        self.shape.wrong_type(self.batch.column(column), column, allowed)
    }

    /// Tells of what is odd or missing in rows that are bars.
    fn tell(&self, seen: Seen, is_left_out: &[bool], findings: &mut RowFindings) {
        let is_bar = |row: usize| is_left_out.get(row) != Some(&true);
        let Seen { mut odd, mut missing } = seen;
        odd.sort_by_key(|&(row, ..)| row);
        for (row, value, fault) in odd.into_iter().filter(|&(row, ..)| is_bar(row)) {
            findings.note(&fault.clone(), || self.finding(row, self.shape.layout.values[value], fault));
        }
        missing.sort_unstable();
        for (row, value) in missing.into_iter().filter(|&(row, _)| is_bar(row)) {
            if let Some(column) = self.shape.layout.values[value] {
                findings.missing.add(|| self.finding(row, Some(column), NumberFault::Missing));
            }
        }
    }

    fn finding(&self, row: usize, column: Option<usize>, fault: impl Into<Fault>) -> Finding {
        let place = self.shape.source.row(self.first + row as u64);
        match column {
            Some(column) => Finding::new(place.column(&self.shape.layout.names[column]), fault),
            None => Finding::new(place, fault),
        }
    }
}

/// The rows of a block that are no bars.
struct Faults<'a> {
    block: &'a Block,
    /// Row, column and what is wrong with it.
    rows: Vec<(usize, Option<usize>, Fault)>,
    /// Rows without a price.
    unpriced: Vec<usize>,
}

impl<'a> Faults<'a> {
    fn of(block: &'a Block) -> Self {
        Self { block, rows: Vec::new(), unpriced: Vec::new() }
    }

    #[cold]
    fn add(&mut self, row: usize, column: Option<usize>, fault: impl Into<Fault>) {
        self.rows.push((row, column, fault.into()));
    }

    /// What is told, and which rows are left out (none at all: an empty list).
    fn judge(mut self, options: &IngestOptions) -> Result<(RowFindings, Vec<bool>)> {
        let (mut findings, mut is_left_out) = (RowFindings::default(), Vec::new());
        let rows = self.block.batch.num_rows();
        self.unpriced.sort_unstable();
        // Whatever else is wrong with it: without a price it is no bar.
        self.rows.retain(|(row, column, fault)| {
            let is_unread_price = matches!(fault, Fault::Number(_)) && column.is_some();
            is_unread_price || self.unpriced.binary_search(row).is_err()
        });
        let mut unread: Vec<usize> = self.rows.iter().map(|&(row, ..)| row).collect();
        unread.sort_unstable();
        for &row in self.unpriced.iter().filter(|row| unread.binary_search(row).is_err()) {
            findings.unpriced.add(|| self.block.finding(row, None, RowFault::Unpriced));
            is_left_out.resize(rows, false);
            is_left_out[row] = true;
        }
        // Stable: of several faults of a row the first that was found is told.
        self.rows.sort_by_key(|&(row, ..)| row);
        self.rows.dedup_by_key(|&mut (row, ..)| row);
        for (row, column, fault) in self.rows {
            let finding = self.block.finding(row, column, fault);
            match options.on_bad_row {
                BadRows::Skip if !finding.fault.is_of_source() => findings.rejected.add(|| finding),
                _ => return Err(finding.into()),
            }
            is_left_out.resize(rows, false);
            is_left_out[row] = true;
        }
        Ok((findings, is_left_out))
    }
}

/// How rows are brought in order of their assets.
struct Order {
    starts: Vec<u32>,
    /// Where each row goes; `None` where all stay.
    targets: Option<Vec<u32>>,
}

impl Order {
    fn of(codes: &[u32], assets: usize) -> Self {
        let starts = starts(codes, assets);
        let targets = (!codes.is_sorted()).then(|| targets(codes, &starts));
        Self { starts, targets }
    }

    fn apply<T: Copy + Default>(&self, values: Vec<T>) -> Vec<T> {
        match &self.targets {
            None => values,
            Some(targets) => scatter(&values, targets),
        }
    }

    /// The row that went to each place.
    #[cold]
    fn rows(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.starts.last().copied().unwrap_or_default()).collect();
        for (row, &target) in self.targets.iter().flatten().enumerate() {
            rows[target as usize] = row as u32;
        }
        rows
    }
}

/// What is to be told of rows, if they are bars: row, and number of the value.
#[derive(Default)]
struct Seen {
    odd: Vec<(usize, usize, RowFault)>,
    missing: Vec<(usize, usize)>,
}

/// Checks all values.
fn see(columns: &[Vec<f64>], order: &Order, options: &IngestOptions, bad: &mut Faults<'_>) -> Seen {
    let [opens, highs, lows, closes, volumes, extras @ ..] = columns else { return Seen::default() };
    let has_volume = bad.block.shape.layout.values[4].is_some();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let prices = opens.iter().zip(highs).zip(lows).zip(closes).zip(volumes);
    for (at, ((((&open, &high), &low), &close), &volume)) in prices.enumerate() {
        let checked = check([open, high, low, close, volume]).with(options);
        if checked != Checked::Sound {
            found.push((at, checked));
        }
        // The sum by which the faults are found, too: missing where one of them is, or where infinite ones cancel out.
        if (open + high + low + close + volume).is_nan() {
            let known_volume = if has_volume { volume } else { 0.0 };
            note_missing(at, &[open, high, low, close, known_volume], 0, &mut missing);
        }
    }
    for (number, values) in (5..).zip(extras) {
        for (at, value) in values.iter().enumerate().filter(|(_, value)| !value.is_finite()) {
            match value.is_nan() {
                true => note_missing(at, &[*value], number, &mut missing),
                false => {
                    let fault = NumberFault::NotFinite { text: value.to_string() };
                    found.push((at, Checked::Bad(number, fault.into())));
                }
            }
        }
    }
    if found.is_empty() && missing.is_empty() {
        return Seen::default();
    }
    let rows = order.rows();
    missing.iter_mut().for_each(|(at, _)| *at = rows[*at] as usize);
    Seen { odd: sort_out(found, &rows, bad), missing }
}

#[cold]
fn note_missing(at: usize, values: &[f64], first: usize, missing: &mut Vec<(usize, usize)>) {
    let nans = values.iter().zip(first..).filter(|(value, _)| value.is_nan());
    missing.extend(nans.map(|(_, number)| (at, number)));
}

/// Sorts what was found into rows that are no bars and odd ones, of which the latter are returned.
#[cold]
fn sort_out(
    found: Vec<(usize, Checked)>,
    rows: &[u32],
    bad: &mut Faults<'_>,
) -> Vec<(usize, usize, RowFault)> {
    let mut told = Vec::new();
    for (at, checked) in found {
        let row = rows[at] as usize;
        match checked {
            Checked::Sound => {}
            Checked::Unpriced => bad.unpriced.push(row),
            Checked::Bad(value, fault) => bad.add(row, bad.block.shape.layout.values[value], fault),
            Checked::Odd(odd) => told.extend(odd.into_iter().map(|(value, fault)| (row, value, fault))),
        }
    }
    told
}

/// A column of dates or times.
struct Times<'a> {
    array: &'a dyn Array,
    kind: TimeKind<'a>,
    /// The zone of the column, where it is not UTC.
    zone: Option<Arc<Zone>>,
}

enum TimeKind<'a> {
    Stamps(Stamps<'a>),
    /// `None` for nulls and for what exceeds 63 bits.
    Integers(Vec<Option<i64>>),
    /// Numbers as text has them; `None` for nulls and for what is no number.
    Floats(Vec<Option<String>>),
    Texts(Texts<'a>),
}

impl<'a> Times<'a> {
    fn new(array: &'a dyn Array) -> Result<Self, Fault> {
        let wrong_type = || HeaderFault::WrongType {
            found: array.data_type().to_string(),
            allowed: "Timestamp, Date32, Date64, text, numbers",
        };
        let zone = match array.data_type() {
            DataType::Timestamp(_, Some(name)) => {
                let unknown = |_| TimeFault::Zone {
                    text: excerpt(array.data_type().to_string().as_bytes()),
                    zone: excerpt(name.as_bytes()),
                };
                Some(name.parse::<Zone>().map_err(unknown)?).filter(|zone| *zone != Zone::utc()).map(Arc::new)
            }
            _ => None,
        };
        let kind = match (Texts::new(array), integers(array)) {
            (Some(texts), _) => TimeKind::Texts(texts),
            (_, Some(integers)) => TimeKind::Integers(integers),
            _ if array.data_type().is_floating() => TimeKind::Floats(floats(array)),
            _ => TimeKind::Stamps(Stamps::new(array).map_err(|_| wrong_type())?),
        };
        Ok(Self { array, kind, zone })
    }

    #[inline]
    fn stamp(
        &self,
        row: usize,
        clock: Option<&Result<(i64, Own), Unread>>,
        reader: &mut TimeReader,
    ) -> Result<Stamp, Unread> {
        let written = match &self.kind {
            _ if self.array.is_null(row) => return Err(Unread::Missing),
            TimeKind::Texts(texts) => reader.written(texts.get(row).unwrap_or_default().trim().as_bytes())?,
            TimeKind::Integers(integers) => reader.integer(integers[row].ok_or(Unread::Range)?)?,
            TimeKind::Floats(texts) => {
                reader.written(texts[row].as_ref().ok_or(Unread::Missing)?.as_bytes())?
            }
            TimeKind::Stamps(stamps) => match stamps.stamp(row).map_err(|_| Unread::Range)? {
                ArrayStamp::Date(nanos) => Written::Date(nanos),
                ArrayStamp::Local(nanos) => Written::Local(nanos, Own::Nothing),
                ArrayStamp::Moment(nanos) => match &self.zone {
                    Some(zone) => return reader.in_zone_of_column(nanos, zone),
                    None => Written::Moment(nanos),
                },
            },
        };
        match (clock, written) {
            (None, written) => reader.stamp(written),
            (Some(clock), Written::Date(midnight)) => {
                let (nanos, own) = clock.clone()?;
                reader.stamp(wall_clock(midnight, nanos, own)?)
            }
            (Some(_), _) => Err(Unread::Form),
        }
    }

    fn is_stamps(&self) -> bool {
        matches!(self.kind, TimeKind::Stamps(_))
    }

    /// The value as it stands in the column, for messages.
    #[cold]
    fn text(&self, row: usize) -> String {
        match &self.kind {
            _ if self.array.is_null(row) => "null".to_owned(),
            TimeKind::Stamps(stamps) => match stamps.stamp(row) {
                Ok(stamp) => {
                    Timestamp::from_nanos(stamp.nanos()).to_string().trim_end_matches('Z').to_owned()
                }
                Err(reason) => reason.split(" is not between").next().unwrap_or_default().to_owned(),
            },
            TimeKind::Integers(integers) => match integers[row] {
                Some(integer) => integer.to_string(),
                None => format!("a number above {}", i64::MAX),
            },
            TimeKind::Floats(texts) => texts[row].clone().unwrap_or_default(),
            TimeKind::Texts(texts) => texts.get(row).unwrap_or_default().to_owned(),
        }
    }
}

/// The integers of a column, `None` for nulls and for what exceeds 63 bits; or `None` where it holds something else.
fn integers(array: &dyn Array) -> Option<Vec<Option<i64>>> {
    downcast_integer_array!(
        array => Some(array.iter().map(|value| value.and_then(ArrowNativeType::to_i64)).collect()),
        _ => None
    )
}

/// The numbers of a column as text has them.
fn floats(array: &dyn Array) -> Vec<Option<String>> {
    let text = |value: &f64| value.is_finite().then(|| value.to_string());
    let Ok(values) = Values::new(array) else { return vec![None; array.len()] };
    values.read(0..array.len(), &mut Vec::new()).iter().map(text).collect()
}

/// A column of times of day.
struct Clocks<'a> {
    array: &'a dyn Array,
    /// Nanoseconds since midnight, and the zone that the field names.
    read: Vec<Result<(i64, Own), Unread>>,
}

impl<'a> Clocks<'a> {
    fn new(array: &'a dyn Array, reader: &mut TimeReader) -> Result<Self, Fault> {
        if let Some(nanos) = since_midnight(array) {
            return Ok(Self { array, read: nanos.into_iter().map(within_day).collect() });
        }
        let read = match (Texts::new(array), integers(array)) {
            (Some(texts), _) => {
                let read = |row| reader.clock(texts.get(row).unwrap_or_default().trim().as_bytes());
                (0..texts.len()).map(read).collect()
            }
            (_, Some(integers)) => {
                let read =
                    |value: Option<i64>| reader.clock(value.ok_or(Unread::Missing)?.to_string().as_bytes());
                integers.into_iter().map(read).collect()
            }
            _ => {
                let found = array.data_type().to_string();
                return Err(
                    HeaderFault::WrongType { found, allowed: "Time32, Time64, text, integers" }.into()
                );
            }
        };
        Ok(Self { array, read })
    }

    /// The value as people write it, for messages.
    #[cold]
    fn text(&self, row: usize) -> String {
        match since_midnight(&*self.array.slice(row, 1)) {
            Some(nanos) => nanos[0].map_or_else(String::new, clock_text),
            None => Times::new(self.array).map_or_else(|_| String::new(), |times| times.text(row)),
        }
    }
}

/// The times of day of a column that has them as a type, in nanoseconds; `None` for nulls, and where it is another column.
fn since_midnight(array: &dyn Array) -> Option<Vec<Option<i64>>> {
    fn scaled<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &dyn Array, nanos: i64) -> Vec<Option<i64>> {
        let scaled = |value: T::Native| value.into().saturating_mul(nanos);
        array.as_primitive::<T>().iter().map(|value| value.map(scaled)).collect()
    }
    match array.data_type() {
        DataType::Time32(TimeUnit::Second) => Some(scaled::<t::Time32SecondType>(array, 1_000_000_000)),
        DataType::Time32(_) => Some(scaled::<t::Time32MillisecondType>(array, 1_000_000)),
        DataType::Time64(TimeUnit::Microsecond) => Some(scaled::<t::Time64MicrosecondType>(array, 1000)),
        DataType::Time64(_) => Some(scaled::<t::Time64NanosecondType>(array, 1)),
        _ => None,
    }
}

/// A column of times may hold any integer: 25:00 is no time of the next day.
fn within_day(nanos: Option<i64>) -> Result<(i64, Own), Unread> {
    match nanos {
        None => Err(Unread::Missing),
        Some(nanos) if (0..DAY).contains(&nanos) => Ok((nanos, Own::Nothing)),
        Some(_) => Err(Unread::NoSuchDay),
    }
}

fn clock_text(nanos: i64) -> String {
    match (0..DAY).contains(&nanos) {
        true => Timestamp::from_nanos(nanos).to_string()[11..].trim_end_matches('Z').to_owned(),
        false => format!("{} s", nanos as f64 / 1e9),
    }
}
