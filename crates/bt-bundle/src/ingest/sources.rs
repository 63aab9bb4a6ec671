//! The inputs of an ingest, opened one after the other and cut into pieces.

use std::collections::VecDeque;
#[cfg(any(feature = "csv", feature = "parquet"))]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bt_core::{Error, Field, Result};

use super::columns::Layout;
#[cfg(feature = "csv")]
use super::columns::Naming;
use super::rows::{Place, Rows, Source};
use super::{Batches, IngestOptions, Input, batches};

/// What one thread decodes at a time.
pub(super) enum Piece {
    #[cfg(feature = "csv")]
    Lines(super::csv::Block),
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
    /// The first source's columns, which decide the bundle's extra columns.
    first: Option<Layout>,
}

enum Open<'a> {
    #[cfg(feature = "csv")]
    Csv(super::csv::CsvFile),
    Batches {
        shape: Option<Arc<batches::Shape>>,
        source: Source,
        number: usize,
        row: u64,
        batches: Batches<'a>,
        rest: Option<arrow_array::RecordBatch>,
    },
}

impl<'a> Sources<'a> {
    pub(super) fn new(inputs: Vec<Input<'a>>) -> Self {
        Self { waiting: inputs.into(), open: None, all: Vec::new(), first: None }
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
    pub(super) fn columns(&self) -> Vec<(String, String)> {
        let Some(layout) = &self.first else { return Vec::new() };
        let name = |column: Option<usize>, absent: &str| {
            column.map_or(format!("({absent})"), |column| layout.names[column].clone())
        };
        let mut columns = vec![
            ("asset".to_owned(), name(layout.asset, "the file's name")),
            ("timestamp".to_owned(), layout.names[layout.time].clone()),
        ];
        let fields = Field::NAMES.into_iter().chain(layout.extras.iter().map(String::as_str));
        columns.extend(
            fields.zip(&layout.values).map(|(field, &column)| (field.to_owned(), name(column, "none: NaN"))),
        );
        columns
    }

    /// Names of the first source's columns that the bundle does not keep.
    pub(super) fn ignored(&self) -> Vec<String> {
        let layout = self.first.iter();
        layout.flat_map(|layout| layout.ignored.iter().map(|&column| layout.names[column].clone())).collect()
    }

    /// The next piece, none at the end.
    pub(super) fn next(&mut self, options: &IngestOptions) -> Result<Option<Piece>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(piece) = open.next(&mut self.first, options)? {
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

    #[cfg_attr(
        not(any(feature = "csv", feature = "parquet")),
        expect(unused_variables, reason = "they say how files are read")
    )]
    fn open(&mut self, input: Input<'a>, options: &IngestOptions) -> Result<()> {
        let number = self.all.len();
        if number >= Place::MAX_SOURCES {
            return Err(Error::invalid_input(
                "the inputs",
                format!("more than {} files", Place::MAX_SOURCES),
            ));
        }
        match input {
            #[cfg(feature = "csv")]
            Input::Csv(path) => self.open_csv(&path, Naming::CsvColumn, None, options),
            #[cfg(feature = "csv")]
            Input::CsvFolder(folder) => self.unfold(&folder, "csv", |path| Input::CsvOfAsset(path, None)),
            #[cfg(feature = "csv")]
            Input::CsvOfAsset(path, stated) => {
                let asset = stated.map_or_else(|| asset_of(&path), Ok)?;
                self.open_csv(&path, Naming::FileName, Some(asset), options)
            }
            #[cfg(feature = "csv")]
            Input::CsvByName(path) => {
                self.open_csv(&path, Naming::ColumnOrFileName, Some(asset_of(&path)?), options)
            }
            #[cfg(feature = "parquet")]
            Input::Parquet(path) if path.is_dir() => self.unfold(&path, "parquet", Input::Parquet),
            #[cfg(feature = "parquet")]
            Input::Parquet(path) => {
                let file = super::parquet::ParquetFile::open(&path, options)?;
                let source = Source { name: path.display().to_string().into(), unit: "row" };
                agree(&mut self.first, &source, &file.layout)?;
                let shape = batches::Shape { source: source.clone(), number, layout: file.projected };
                self.open_batches(source, Some(Arc::new(shape)), file.batches);
                Ok(())
            }
            Input::Batches(batches) => {
                self.open_batches(Source { name: "record batches".into(), unit: "row" }, None, batches);
                Ok(())
            }
        }
    }

    fn open_batches(&mut self, source: Source, shape: Option<Arc<batches::Shape>>, batches: Batches<'a>) {
        let number = self.all.len();
        self.all.push(source.clone());
        self.open = Some(Open::Batches { shape, source, number, row: 1, batches, rest: None });
    }

    #[cfg(feature = "csv")]
    fn open_csv(
        &mut self,
        path: &Path,
        naming: Naming,
        asset: Option<String>,
        options: &IngestOptions,
    ) -> Result<()> {
        let file = super::csv::CsvFile::open(path, self.all.len(), naming, asset, options)?;
        agree(&mut self.first, &file.shape.source, &file.shape.layout)?;
        self.all.push(file.shape.source.clone());
        self.open = Some(Open::Csv(file));
        Ok(())
    }

    /// Puts a folder's files in the folder's place, in order of their names.
    #[cfg(any(feature = "csv", feature = "parquet"))]
    fn unfold(&mut self, folder: &Path, extension: &str, input: impl Fn(PathBuf) -> Input<'a>) -> Result<()> {
        let failed = |error| Error::io(format!("list {}", folder.display()), error);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let fits = path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if fits && !hidden && path.is_file() {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            let place = folder.display().to_string();
            return Err(Error::invalid_input(
                place,
                format!("the folder holds no file whose name ends in .{extension}"),
            ));
        }
        paths.sort();
        paths.into_iter().rev().for_each(|path| self.waiting.push_front(input(path)));
        Ok(())
    }
}

/// The asset that a file of a folder holds.
#[cfg(feature = "csv")]
fn asset_of(path: &Path) -> Result<String> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).map(str::trim).unwrap_or_default();
    match stem {
        "" => Err(Error::invalid_input(path.display().to_string(), "the file's name is no asset's name")),
        stem => Ok(stem.to_owned()),
    }
}

/// Every source must have the extra columns of the first: a bundle's assets have the same columns.
fn agree(first: &mut Option<Layout>, source: &Source, layout: &Layout) -> Result<()> {
    match first {
        None => {
            *first = Some(layout.clone());
            Ok(())
        }
        Some(first) if first.extras == layout.extras => Ok(()),
        Some(first) => {
            let reason = format!(
                "its extra columns are {:?}, those of the first input {:?}; state which ones to keep (extras)",
                layout.extras, first.extras
            );
            Err(Error::invalid_input(&*source.name, reason))
        }
    }
}

impl Open<'_> {
    fn next(&mut self, first: &mut Option<Layout>, options: &IngestOptions) -> Result<Option<Piece>> {
        match self {
            #[cfg(feature = "csv")]
            Self::Csv(file) => Ok(file.next_block()?.map(Piece::Lines)),
            Self::Batches { shape, source, number, row, batches, rest } => {
                let Some(batch) =
                    rest.take().map_or_else(|| batches.next().transpose(), |rest| Ok(Some(rest)))?
                else {
                    return Ok(None);
                };
                let shape = match shape {
                    Some(shape) => shape,
                    None => {
                        let layout = batches::layout(&source.name, &batch.schema(), options)?;
                        agree(first, source, &layout)?;
                        shape.insert(Arc::new(batches::Shape {
                            source: source.clone(),
                            number: *number,
                            layout,
                        }))
                    }
                };
                shape.check(&batch, *row)?;
                let rows = batch.num_rows().min(batches::BLOCK);
                if rows < batch.num_rows() {
                    *rest = Some(batch.slice(rows, batch.num_rows() - rows));
                }
                let block =
                    batches::Block { shape: Arc::clone(shape), first: *row, batch: batch.slice(0, rows) };
                *row += rows as u64;
                Ok(Some(Piece::Batch(block)))
            }
        }
    }
}
