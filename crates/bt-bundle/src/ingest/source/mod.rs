//! The inputs of an ingest, opened one after the other and cut into pieces.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use bt_core::{Error, Field, Result, Zone};

use super::fault::{AssetFault, Finding, HeaderFault, NumberFault, Place, excerpt};
use super::field::Unread;
use super::field::day::{DateOrder, OrderEvidence};
use super::field::time::TimeReader;
use super::infer::columns::{Layout, Naming};
use super::rows::{RowId, Rows, Source};
use super::{AssetName, Batches, FileFormat, IngestOptions, Input, NumberFormat};

mod batches;
#[cfg(feature = "csv")]
mod csv;
mod encoding;
pub(super) mod folder;
#[cfg(feature = "ipc")]
mod ipc;
#[cfg(feature = "parquet")]
mod parquet;

pub use encoding::Encoding;
use folder::{Listing, SkipReason, Skipped};

/// What one thread decodes at a time.
pub(super) enum Piece {
    #[cfg(feature = "csv")]
    Lines(csv::Block),
    Batch(batches::Block),
}

impl Piece {
    pub(super) fn decode(self, options: &IngestOptions) -> Result<Rows> {
        match self {
            #[cfg(feature = "csv")]
            Self::Lines(block) => block.decode(options),
            Self::Batch(block) => block.decode(options),
        }
    }
}

pub(super) struct Sources<'a> {
    waiting: VecDeque<Input<'a>>,
    open: Option<Open<'a>>,
    all: Vec<Source>,
    times: TimeReader,
    /// Whether all inputs that wait were searched for a date that shows the order of dates, and none does.
    are_searched: bool,
    /// The first source's columns, which decide the bundle's extra columns.
    first: Option<Layout>,
    /// Whether there is more than one input, so that one that holds nothing can be left out.
    are_several: bool,
    pub(super) skipped: Vec<Skipped>,
    /// Lines before the header of the first source that has any.
    pub(super) before_header: Option<(String, usize)>,
    /// The first source whose prices look like fixed point, and its median close.
    pub(super) fixed_point: Option<(String, f64)>,
    /// The first source whose first dates could be two, and the order of another's in which it is read.
    pub(super) order_of_others: Option<(String, DateOrder)>,
    /// The first source with a price that only other numbers tell to be in groups of thousands, and that price.
    pub(super) grouped: Option<(String, String, f64)>,
    /// The first source whose numbers are whole or have three decimals, volumes as well, and the first of them.
    pub(super) thousandths: Option<(String, String, f64)>,
}

enum Open<'a> {
    #[cfg(feature = "csv")]
    Csv(Box<csv::CsvFile>),
    Arrow(OpenBatches<'a>),
}

struct OpenBatches<'a> {
    shape: Option<Arc<batches::Shape>>,
    /// What the source's own column of assets says first, where it has to say the same in every row.
    own_asset: Option<Arc<str>>,
    number: usize,
    row: u64,
    batches: Batches<'a>,
    rest: Option<RecordBatch>,
}

/// How a source is opened.
struct Opening<'o> {
    options: &'o IngestOptions,
    times: &'o TimeReader,
    /// Its number among the sources.
    number: usize,
    naming: Naming,
    /// The asset of its rows, where no column says it.
    asset: Option<String>,
    /// Whether somebody stated the asset.
    is_asset_stated: bool,
}

/// An open file of Arrow batches.
struct ArrowFile<'a> {
    layout: Layout,
    shape: batches::Shape,
    order: OrderEvidence,
    batches: Batches<'a>,
}

impl Opening<'_> {
    /// The asset of rows that do not say it, where the header may.
    fn asset(&self, in_header: Option<&str>) -> Option<String> {
        match in_header {
            Some(name) if !self.is_asset_stated => Some(name.to_owned()),
            _ => self.asset.clone(),
        }
    }

    /// The asset of all rows, where no column says it; the source keeps who says it, and whether it has volumes.
    fn one_asset(
        &self,
        source: &mut Source,
        layout: &Layout,
        in_header: Option<&str>,
    ) -> Result<Option<String>> {
        source.has_volume = layout.values[Field::VOLUME.index()].is_some();
        source.unread_clock = layout.unread_clock.as_deref().map(Arc::from);
        source.apart = layout.apart.as_deref().map(Arc::from);
        if layout.asset.is_some() {
            return Ok(None);
        }
        let nameless = || Finding::new(source.whole(), AssetFault::FileName);
        let asset = self.asset(in_header).ok_or_else(nameless)?;
        source.names_asset = in_header.is_none() && !self.is_asset_stated;
        Ok(Some(asset))
    }
}

impl<'a> Sources<'a> {
    pub(super) fn new(inputs: Vec<Input<'a>>, options: &IngestOptions, bundle: Option<&Zone>) -> Self {
        Self {
            are_several: inputs.len() > 1 || matches!(inputs[..], [Input::Folder { .. }]),
            waiting: inputs.into(),
            open: None,
            all: Vec::new(),
            times: TimeReader::new(options, bundle),
            are_searched: false,
            first: None,
            skipped: Vec::new(),
            before_header: None,
            fixed_point: None,
            order_of_others: None,
            grouped: None,
            thousandths: None,
        }
    }

    /// All sources opened so far.
    pub(super) fn all(&self) -> &[Source] {
        &self.all
    }

    /// Names of the bundle's extra columns, once a source was opened.
    pub(super) fn extras(&self) -> &[String] {
        self.first.as_ref().map_or(&[], |layout| &layout.extras)
    }

    /// What each column of the first source was read as.
    pub(super) fn columns(&self, stated: Option<&str>) -> Vec<(String, String)> {
        let Some(layout) = &self.first else { return Vec::new() };
        let name = |column: Option<usize>, absent: &str| {
            column.map_or(format!("({absent})"), |column| layout.names[column].clone())
        };
        let by_file = self.all.first().is_some_and(|source| source.names_asset);
        let asset = match (stated, by_file) {
            (Some(stated), _) => format!("stated: {stated}"),
            (None, true) => "the file's name".to_owned(),
            (None, false) => "the header".to_owned(),
        };
        let time = match layout.clock {
            None => layout.names[layout.time].clone(),
            Some(clock) => format!("{} {}", layout.names[layout.time], layout.names[clock]),
        };
        let mut columns =
            vec![("asset".to_owned(), name(layout.asset, &asset)), ("timestamp".to_owned(), time)];
        let fields = Field::NAMES.into_iter().chain(layout.extras.iter().map(String::as_str));
        columns.extend(
            fields.zip(&layout.values).map(|(field, &column)| (field.to_owned(), name(column, "none: NaN"))),
        );
        columns
    }

    /// Whether no column of the first source was taken for the volume, and another may be it.
    pub(super) fn may_have_volume(&self) -> bool {
        self.first.as_ref().is_some_and(|layout| layout.may_have_volume)
    }

    /// Names of the first source's columns that the bundle does not keep.
    pub(super) fn ignored(&self) -> Vec<String> {
        let layout = self.first.iter();
        let names =
            layout.flat_map(|layout| layout.ignored.iter().map(|&column| layout.names[column].clone()));
        names
            .map(|name| if name.is_empty() { "(a column without a name)".to_owned() } else { name })
            .collect()
    }

    /// The next piece, none at the end.
    pub(super) fn next(&mut self, options: &IngestOptions) -> Result<Option<Piece>> {
        loop {
            if let Some(open) = &mut self.open {
                let piece = match open {
                    #[cfg(feature = "csv")]
                    Open::Csv(file) => file.next_block()?.map(Piece::Lines),
                    Open::Arrow(batches) => batches
                        .next(&mut self.first, &mut self.all, &mut self.times, options)?
                        .map(Piece::Batch),
                };
                if let Some(piece) = piece {
                    return Ok(Some(piece));
                }
                self.open = None;
            }
            match self.waiting.pop_front() {
                None => return Ok(None),
                Some(input) => self.open(input, options)?,
            }
        }
    }

    fn open(&mut self, input: Input<'a>, options: &IngestOptions) -> Result<()> {
        if self.all.len() >= RowId::MAX_SOURCES {
            let most = RowId::MAX_SOURCES;
            return Err(Error::invalid_input("the inputs", format!("more than {most} files")));
        }
        match input {
            Input::File { path, format, asset, may_be_prose } => {
                let opened = self.open_file(&path, format, &asset, options);
                match opened {
                    Err(error) if self.are_several => self.skip(path, may_be_prose, error),
                    opened => opened,
                }
            }
            Input::Folder { path, format, asset } => self.unfold(&path, format, &asset),
            Input::Batches(batches) => {
                self.all.push(Source::new("record batches".into(), false));
                let number = self.all.len() - 1;
                self.open = Some(Open::Arrow(OpenBatches {
                    shape: None,
                    own_asset: None,
                    number,
                    row: 1,
                    batches,
                    rest: None,
                }));
                Ok(())
            }
        }
    }

    /// Passes over a file that holds nothing, where there are others; every other error stands.
    fn skip(&mut self, path: PathBuf, may_be_prose: bool, error: Error) -> Result<()> {
        let fault = Finding::of(&error).map(|finding| finding.fault.clone());
        let reason = match fault {
            Some(super::Fault::Header(HeaderFault::Empty)) => SkipReason::Empty,
            Some(super::Fault::Header(fault)) if may_be_prose && fault.is_no_table() => SkipReason::NoTable,
            _ => return Err(error),
        };
        self.skipped.push(Skipped { path, reason });
        Ok(())
    }

    fn open_file(
        &mut self,
        path: &Path,
        format: FileFormat,
        asset: &AssetName,
        options: &IngestOptions,
    ) -> Result<()> {
        let (naming, name) = match asset {
            AssetName::InColumn => (Naming::Column, None),
            AssetName::ByFile => (Naming::ColumnOrName, file_stem(path)),
            AssetName::FileAlone => (Naming::Name, file_stem(path)),
            AssetName::Default(name) => (Naming::ColumnOrName, Some(name.clone())),
            AssetName::Stated(name) => (Naming::Name, Some(name.clone())),
        };
        if let Some(name) = name.as_deref().filter(|_| matches!(asset, AssetName::Stated(_))) {
            super::field::asset::read(name.as_bytes())
                .map_err(|fault| Finding::new(Place::of("the stated asset"), fault))?;
        }
        let times = self.times.clone();
        let opening = Opening {
            options,
            times: &times,
            number: self.all.len(),
            naming,
            asset: name,
            is_asset_stated: matches!(asset, AssetName::Stated(_)),
        };
        match format {
            FileFormat::Csv => self.open_csv(path, &opening),
            FileFormat::Parquet => self.open_parquet(path, &opening),
            FileFormat::ArrowIpc => self.open_ipc(path, &opening),
        }
    }

    #[cfg(feature = "csv")]
    fn open_csv(&mut self, path: &Path, opening: &Opening<'_>) -> Result<()> {
        let mut file = csv::CsvFile::open(path, opening)?;
        let order = self.settle_order(path, &file.order, opening.options, || {
            csv::CsvFile::open(path, opening)?.search_order()
        })?;
        file.shape.times = file.shape.times.with_order(order);
        agree(&mut self.first, &self.all, &file.shape.source, &file.shape.layout)?;
        let name = file.shape.source.name.to_string();
        if file.lines_before_header > 0 {
            self.before_header.get_or_insert((name.clone(), file.lines_before_header));
        }
        if let Some((text, price)) = file.grouped.take() {
            self.grouped.get_or_insert((name.clone(), text, price));
        }
        if let Some((text, number)) = file.thousandths.take() {
            self.thousandths.get_or_insert((name.clone(), text, number));
        }
        if let Some(price) = file.fixed_point {
            self.fixed_point.get_or_insert((name, price));
        }
        self.all.push(file.shape.source.clone());
        self.open = Some(Open::Csv(Box::new(file)));
        Ok(())
    }

    #[cfg(not(feature = "csv"))]
    fn open_csv(&mut self, path: &Path, _: &Opening<'_>) -> Result<()> {
        Err(unsupported(path, "csv"))
    }

    #[cfg(feature = "parquet")]
    fn open_parquet(&mut self, path: &Path, opening: &Opening<'_>) -> Result<()> {
        let file = parquet::open(path, opening)?;
        let search = || search_dates(parquet::column(path, file.layout.time, opening)?);
        let order = self.settle_order(path, &file.order, opening.options, search)?;
        self.open_arrow(file, order, opening)
    }

    #[cfg(not(feature = "parquet"))]
    fn open_parquet(&mut self, path: &Path, _: &Opening<'_>) -> Result<()> {
        Err(unsupported(path, "parquet"))
    }

    #[cfg(feature = "ipc")]
    fn open_ipc(&mut self, path: &Path, opening: &Opening<'_>) -> Result<()> {
        let file = ipc::open(path, opening)?;
        let search = || search_dates(ipc::column(path, file.layout.time, opening)?);
        let order = self.settle_order(path, &file.order, opening.options, search)?;
        self.open_arrow(file, order, opening)
    }

    #[cfg(not(feature = "ipc"))]
    fn open_ipc(&mut self, path: &Path, _: &Opening<'_>) -> Result<()> {
        Err(unsupported(path, "ipc"))
    }

    #[cfg(any(feature = "parquet", feature = "ipc"))]
    fn open_arrow(
        &mut self,
        file: ArrowFile<'a>,
        order: Option<DateOrder>,
        opening: &Opening<'_>,
    ) -> Result<()> {
        let ArrowFile { layout, mut shape, batches, .. } = file;
        shape.set_order(order);
        agree(&mut self.first, &self.all, &shape.source, &layout)?;
        self.all.push(shape.source.clone());
        let number = opening.number;
        self.open = Some(Open::Arrow(OpenBatches {
            shape: Some(Arc::new(shape)),
            own_asset: None,
            number,
            row: 1,
            batches,
            rest: None,
        }));
        Ok(())
    }

    /// The order of dates, where that is a question: by the first date of the whole ingest that shows it.
    fn settle_order(
        &mut self,
        path: &Path,
        shown: &OrderEvidence,
        options: &IngestOptions,
        search: impl FnOnce() -> Result<OrderEvidence>,
    ) -> Result<Option<DateOrder>> {
        if !self.times.lacks_order() || shown.is_empty() {
            self.note_order(path, shown, self.times.inferred_order());
            return Ok(None);
        }
        let mut order = shown.order();
        if order.is_none() && !self.are_searched {
            order = search()?.order();
            if order.is_none() {
                order = self.search_others(options);
                self.note_order(path, shown, order);
            }
            self.are_searched = order.is_none();
        }
        // Where no date tells, rows are refused one by one, with both readings.
        self.times = self.times.clone().with_order(order);
        Ok(order)
    }

    /// Notes a source that is read in an order which another one shows.
    fn note_order(&mut self, path: &Path, shown: &OrderEvidence, order: Option<DateOrder>) {
        if let Some(order) = order.filter(|_| shown.is_open()) {
            self.order_of_others.get_or_insert((path.display().to_string(), order));
        }
    }

    /// Looks for a date that shows the order in the inputs that wait. What is wrong with one of them is told at its turn.
    fn search_others(&self, options: &IngestOptions) -> Option<DateOrder> {
        self.waiting.iter().find_map(|input| match input {
            Input::File { path, format, .. } => self.search_file(path, *format, options),
            Input::Folder { path, format, .. } => {
                let files = list_format(path, *format).ok()?.files;
                files.iter().find_map(|file| self.search_file(&file.path, *format, options))
            }
            Input::Batches(_) => None,
        })
    }

    fn search_file(&self, path: &Path, format: FileFormat, options: &IngestOptions) -> Option<DateOrder> {
        let (naming, asset) = (Naming::ColumnOrName, Some(String::from("any")));
        let opening =
            Opening { options, times: &self.times, number: 0, naming, asset, is_asset_stated: false };
        let evidence = match format {
            FileFormat::Csv => search_csv(path, &opening),
            FileFormat::Parquet => search_parquet(path, &opening),
            FileFormat::ArrowIpc => search_ipc(path, &opening),
        };
        evidence.ok()?.order()
    }

    /// Puts a folder's files in the folder's place, in order of their names.
    fn unfold(&mut self, folder: &Path, format: FileFormat, asset: &AssetName) -> Result<()> {
        let listing = list_format(folder, format)?;
        if listing.files.is_empty() {
            let fault = super::fault::FileFault::EmptyFolder { endings: format.endings() };
            return Err(Finding::new(Place::of(folder.display().to_string()), fault).into());
        }
        self.skipped.extend(listing.skipped);
        for file in listing.files.into_iter().rev() {
            let may_be_prose = folder::may_be_prose(&file.path);
            let input = Input::File { path: file.path, format, asset: asset.clone(), may_be_prose };
            self.waiting.push_front(input);
        }
        Ok(())
    }
}

/// The files of one format in a folder, and what else is there.
fn list_format(folder: &Path, format: FileFormat) -> Result<Listing> {
    let mut listing = folder::list_files(folder, false)?;
    listing.keep(format);
    Ok(listing)
}

#[cfg(feature = "csv")]
fn search_csv(path: &Path, opening: &Opening<'_>) -> Result<OrderEvidence> {
    let file = csv::CsvFile::open(path, opening)?;
    if file.order.is_open() { file.search_order() } else { Ok(file.order) }
}

#[cfg(not(feature = "csv"))]
fn search_csv(path: &Path, _: &Opening<'_>) -> Result<OrderEvidence> {
    Err(unsupported(path, "csv"))
}

#[cfg(feature = "parquet")]
fn search_parquet(path: &Path, opening: &Opening<'_>) -> Result<OrderEvidence> {
    let file = parquet::open(path, opening)?;
    match file.order.is_open() {
        true => search_dates(parquet::column(path, file.layout.time, opening)?),
        false => Ok(file.order),
    }
}

#[cfg(not(feature = "parquet"))]
fn search_parquet(path: &Path, _: &Opening<'_>) -> Result<OrderEvidence> {
    Err(unsupported(path, "parquet"))
}

#[cfg(feature = "ipc")]
fn search_ipc(path: &Path, opening: &Opening<'_>) -> Result<OrderEvidence> {
    let file = ipc::open(path, opening)?;
    match file.order.is_open() {
        true => search_dates(ipc::column(path, file.layout.time, opening)?),
        false => Ok(file.order),
    }
}

#[cfg(not(feature = "ipc"))]
fn search_ipc(path: &Path, _: &Opening<'_>) -> Result<OrderEvidence> {
    Err(unsupported(path, "ipc"))
}

/// Reads batches of one column, of dates, until one shows the order of dates.
#[cfg(any(feature = "parquet", feature = "ipc"))]
fn search_dates(batches: Batches<'_>) -> Result<OrderEvidence> {
    let mut evidence = OrderEvidence::default();
    for batch in batches {
        batches::note_dates(batch?.column(0), &mut evidence);
        if evidence.order().is_some() {
            break;
        }
    }
    Ok(evidence)
}

#[cfg(not(all(feature = "csv", feature = "parquet", feature = "ipc")))]
fn unsupported(path: &Path, feature: &str) -> Error {
    bt_core::ErrorKind::Unsupported {
        what: path.display().to_string(),
        instead: format!("build bt-bundle with its feature `{feature}`"),
    }
    .into()
}

fn file_stem(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?.trim();
    super::field::asset::is_name(stem).then(|| stem.to_owned())
}

/// How a file of Arrow batches is laid out and read, and which of its columns.
#[cfg(any(feature = "parquet", feature = "ipc"))]
fn lay_out(
    path: &Path,
    schema: &arrow_schema::Schema,
    opening: &Opening<'_>,
    first_rows: impl FnOnce() -> Result<Option<RecordBatch>>,
) -> Result<(Layout, batches::Shape, OrderEvidence, Vec<usize>)> {
    let source = Source::new(path.display().to_string().into(), false);
    let refused = |fault: HeaderFault| Error::from(Finding::new(source.whole(), fault));
    let table = batches::Table::new(schema, None, opening.times).map_err(refused)?;
    // Of text only rows can tell what it is.
    let first = if table.asks_for_rows() { first_rows()? } else { None };
    let table = batches::Table::new(schema, first.as_ref(), opening.times).map_err(refused)?;
    let layout = table.layout(opening.naming, opening.options).map_err(refused)?;
    let (kept, projected) = layout.projected();
    let names = kept.iter().map(|&at| schema.field(at).name().clone()).collect();
    let order = table.order(&layout);
    let shape = table.shape(source.clone(), opening, &layout, (projected, names))?;
    Ok((layout, shape, order, kept))
}

/// What is wrong with the text of a number.
#[cold]
pub(super) fn number_fault(text: &[u8], is_price: bool, why: Unread) -> NumberFault {
    match why {
        Unread::NotFinite => NumberFault::NotFinite { text: excerpt(text) },
        Unread::Encoding => NumberFault::NotUtf8 { text: excerpt(text) },
        _ => either(text).unwrap_or_else(|| NumberFault::Unreadable {
            text: excerpt(text),
            has_separators: has_separators(text),
            is_price,
        }),
    }
}

/// Whether digits are all that a text has beside separators: `1.154.000`, `1'234.5`, `12 345,6`.
fn has_separators(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_other = |byte: &&u8| !byte.is_ascii_digit() && !b"-+$".contains(byte);
    let others: Vec<u8> = text.iter().filter(is_other).copied().collect();
    digits > 0 && !others.is_empty() && others.iter().all(|byte| b",.' ".contains(byte) || !byte.is_ascii())
}

/// A number with one comma, which may be a decimal one or stand between thousands.
fn either(text: &[u8]) -> Option<NumberFault> {
    let read = |decimal, thousands| NumberFormat { decimal, thousands }.read(text).ok();
    let (decimal, thousands) = (read(',', None)?, read('.', Some(','))?);
    Some(NumberFault::DecimalOrThousands { text: excerpt(text), decimal, thousands })
}

/// Every source must have the extra columns of the first: a bundle's assets have the same columns.
fn agree(first: &mut Option<Layout>, all: &[Source], source: &Source, layout: &Layout) -> Result<()> {
    let Some(first) = first else {
        *first = Some(layout.clone());
        return Ok(());
    };
    let name = all.first().map_or_else(String::new, |source| source.name.to_string());
    let lacks =
        |one: &Layout, other: &Layout| one.extras.iter().find(|extra| !other.extras.contains(extra)).cloned();
    let fault = match (lacks(first, layout), lacks(layout, first)) {
        (Some(missing), _) => HeaderFault::ExtraMissing { name: missing, first: name },
        (None, Some(new)) => HeaderFault::ExtraNew { name: new, first: name },
        (None, None) => return Ok(()),
    };
    Err(Finding::new(source.whole(), fault).into())
}

impl OpenBatches<'_> {
    fn next(
        &mut self,
        first: &mut Option<Layout>,
        all: &mut [Source],
        times: &mut TimeReader,
        options: &IngestOptions,
    ) -> Result<Option<batches::Block>> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.batches.next().transpose()? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        let shape = match &self.shape {
            Some(shape) => Arc::clone(shape),
            None => {
                let shape = Arc::new(of_batches(&batch, self.number, first, all, times, options)?);
                Arc::clone(self.shape.insert(shape))
            }
        };
        shape.check(&batch, self.row)?;
        let rows = batch.num_rows().min(batches::BLOCK);
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        // Here, where blocks come in order: several threads would each find another one first.
        if self.own_asset.is_none() {
            self.own_asset = shape.own_asset(&batch)?;
        }
        let own_asset = self.own_asset.clone();
        let block = batches::Block { shape, own_asset, first: self.row, batch: batch.slice(0, rows) };
        self.row += rows as u64;
        Ok(Some(block))
    }
}

/// How batches are read that come without a file, by the first of them.
fn of_batches(
    batch: &RecordBatch,
    number: usize,
    first: &mut Option<Layout>,
    all: &mut [Source],
    times: &mut TimeReader,
    options: &IngestOptions,
) -> Result<batches::Shape> {
    let source = all[number].clone();
    let refused = |fault: HeaderFault| Error::from(Finding::new(source.whole(), fault));
    let opening = Opening {
        options,
        times: &times.clone(),
        number,
        naming: Naming::Column,
        asset: None,
        is_asset_stated: false,
    };
    let schema = batch.schema();
    let table = batches::Table::new(&schema, Some(batch), opening.times).map_err(refused)?;
    let layout = table.layout(Naming::Column, options).map_err(refused)?;
    agree(first, all, &source, &layout)?;
    let order = table.order(&layout);
    if times.lacks_order() {
        *times = times.clone().with_order(order.order());
    }
    let opening = Opening { times, ..opening };
    let names = schema.fields().iter().map(|field| field.name().clone()).collect();
    let shape = table.shape(source, &opening, &layout, (layout.clone(), names))?;
    all[number] = shape.source.clone();
    Ok(shape)
}
