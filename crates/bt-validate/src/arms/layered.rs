//! Our layers: the eight combinations over the Parquet file, and all of them over the mapped store.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use bt_bundle::Store;
use bt_core::{AssetId, Bundle, BundleName, Field, Timestamp};
use bt_dataportal::{DataPortal, FrameSeries, Moment, Series};
use bt_layers::{Layers, OptimizationConfig, Options, Windows};

use super::{Scratch, Worker};
use crate::data::Dataset;
use crate::faults::Fault;
use crate::strategy::{Access, FAST, Observer, SLOW, Trial, TrialResult, run_trial};

/// Which layers are on, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layering {
    /// Layers 1, 2 and 3.
    pub layers: [bool; 3],
    /// Over the mapped store instead of the Parquet file.
    pub mapped: bool,
    /// What it gets wrong on purpose.
    pub fault: Option<Fault>,
}

impl Layering {
    /// All combinations over the Parquet file.
    pub const COMBINATIONS: [Self; 8] = [
        Self::over_parquet([false, false, false]),
        Self::over_parquet([true, false, false]),
        Self::over_parquet([false, true, false]),
        Self::over_parquet([false, false, true]),
        Self::over_parquet([true, true, false]),
        Self::over_parquet([true, false, true]),
        Self::over_parquet([false, true, true]),
        Self::over_parquet([true, true, true]),
    ];

    /// Layer 1 alone.
    pub const LAYER_1: Self = Self::over_parquet([true, false, false]);

    /// Layers 1 and 2.
    pub const LAYERS_1_AND_2: Self = Self::over_parquet([true, true, false]);

    /// All layers over the mapped store.
    pub const MAPPED: Self = Self { layers: [true; 3], mapped: true, fault: None };

    /// A combination over the Parquet file.
    pub const fn over_parquet(layers: [bool; 3]) -> Self {
        Self { layers, mapped: false, fault: None }
    }

    /// Its name in the report: `none`, `l1`, `l1+l3` …, `all+mapped`.
    pub fn name(self) -> String {
        let on: Vec<_> =
            (1..=3).filter(|layer| self.layers[layer - 1]).map(|layer| format!("l{layer}")).collect();
        match (self.mapped, on.is_empty()) {
            (true, _) => "all+mapped".into(),
            (false, true) => "none".into(),
            (false, false) => on.join("+"),
        }
    }

    /// Stacks the layers over a data set.
    ///
    /// # Errors
    /// Where the store or the file cannot be opened.
    pub fn start(self, dataset: &Dataset) -> anyhow::Result<LayeredShared> {
        Ok(LayeredShared { layers: self.layers(dataset)?, name: dataset.name.clone(), fault: self.fault })
    }

    /// The layers over a data set, for whoever has workers of his own.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn layers(self, dataset: &Dataset) -> anyhow::Result<Layers> {
        let [enable_caching, enable_history_cache, enable_bundle_pooling] = self.layers;
        let config = OptimizationConfig {
            enable_caching,
            enable_history_cache,
            enable_bundle_pooling,
            ..OptimizationConfig::default()
        };
        Ok(match self.mapped {
            true => Layers::over_bundles(&config, Options::default(), Store::open(&dataset.store)?)?,
            false => Layers::over_tables(&config, Options::default(), dataset.tables())?,
        })
    }
}

/// The layers on a data set.
pub struct LayeredShared {
    layers: Layers,
    name: BundleName,
    fault: Option<Fault>,
}

impl LayeredShared {
    /// A worker with its data ready.
    ///
    /// # Errors
    /// Where the bundle cannot be opened.
    pub fn worker(&self) -> anyhow::Result<LayeredWorker> {
        let mut worker = self.layers.worker()?;
        let moments = worker.trial(&self.name)?.bundle().calendar().len();
        Ok(LayeredWorker { worker, name: self.name.clone(), fault: self.fault, moments })
    }
}

/// A worker of the layers.
pub struct LayeredWorker {
    worker: bt_layers::Worker,
    name: BundleName,
    fault: Option<Fault>,
    moments: usize,
}

impl LayeredWorker {
    /// What a backtest reads that only looks at every asset's last close; their sum.
    ///
    /// # Errors
    /// Where the bundle cannot be opened or an asset not be read.
    pub fn read_last_closes(&mut self) -> bt_core::Result<f64> {
        let data = self.worker.trial(&self.name)?;
        let bundle = data.bundle();
        let last =
            |asset: AssetId| Ok(bundle.bars(asset)?.field(Field::CLOSE).last().copied().unwrap_or(f64::NAN));
        bundle.assets().ids().map(last).sum()
    }

    fn run(
        fault: Option<Fault>,
        mut access: impl Access,
        trial: Trial,
        scratch: &mut Scratch,
        observer: &mut impl Observer,
    ) -> TrialResult {
        match fault {
            None => run_trial(&mut access, trial, scratch, observer),
            Some(fault) => fault.run(access, trial, scratch, observer),
        }
    }
}

impl Worker for LayeredWorker {
    fn moments(&self) -> usize {
        self.moments
    }

    fn trial(
        &mut self,
        trial: Trial,
        scratch: &mut Scratch,
        observer: &mut impl Observer,
    ) -> anyhow::Result<TrialResult> {
        let data = self.worker.trial(&self.name)?;
        let portal = data.portal();
        let (assets, moment) = (portal.assets(), portal.at(Timestamp::MIN));
        let (mut views, mut frames) = (Vec::with_capacity(assets.len()), Vec::new());
        for asset in assets.ids() {
            match data.windows(&portal, asset, Field::CLOSE)? {
                Windows::Views(series) => views.push(series),
                Windows::Frames(made, ..) => frames.push((portal.series(asset, Field::CLOSE)?, made)),
            }
        }
        let portal = &portal;
        Ok(if frames.is_empty() {
            Self::run(self.fault, Views { portal, moment, closes: views }, trial, scratch, observer)
        } else {
            Self::run(
                self.fault,
                Frames { portal, moment, closes: frames, made: None },
                trial,
                scratch,
                observer,
            )
        })
    }

    fn read_everything(&mut self) -> anyhow::Result<f64> {
        Ok(read_all(&**self.worker.trial(&self.name)?.bundle())?)
    }
}

/// Reads every column of every bar; a sum over them.
///
/// # Errors
/// Where an asset cannot be read.
pub fn read_all(bundle: &dyn Bundle) -> bt_core::Result<f64> {
    let mut sum = 0.0;
    for asset in bundle.assets().ids() {
        let bars = bundle.bars(asset)?;
        sum += bars.timestamps().iter().map(|bar| bar.as_nanos() as f64).sum::<f64>();
        sum += Field::OHLCV.iter().flat_map(|&field| bars.field(field)).sum::<f64>();
    }
    Ok(sum)
}

/// Layer 2 on: views.
struct Views<'a> {
    portal: &'a DataPortal<'a>,
    moment: Moment<'a>,
    closes: Vec<Series<'a>>,
}

impl Access for Views<'_> {
    fn moments(&self) -> usize {
        self.portal.calendar().len()
    }

    fn assets(&self) -> usize {
        self.closes.len()
    }

    #[inline]
    fn at(&mut self, known: usize) {
        self.moment = moment(self.portal, known);
    }

    #[inline]
    fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])> {
        let known = self.closes[asset].current(self.moment).expect("a moment of this bundle")?;
        let last = |bars: usize| &known[known.len().saturating_sub(bars)..];
        Some((last(FAST), last(SLOW)))
    }
}

/// Layer 2 off: a frame for each history call, and the column taken out of it.
struct Frames<'a> {
    portal: &'a DataPortal<'a>,
    moment: Moment<'a>,
    closes: Vec<(Series<'a>, FrameSeries<'a>)>,
    made: Option<[RecordBatch; 2]>,
}

impl Access for Frames<'_> {
    fn moments(&self) -> usize {
        self.portal.calendar().len()
    }

    fn assets(&self) -> usize {
        self.closes.len()
    }

    fn at(&mut self, known: usize) {
        self.moment = moment(self.portal, known);
    }

    fn windows(&mut self, asset: usize) -> Option<(&[f64], &[f64])> {
        let (series, frames) = &self.closes[asset];
        series.current(self.moment).expect("a moment of this bundle")?;
        let frame = |bars| frames.window(self.moment, bars).expect("a moment of this bundle");
        let [fast, slow] = self.made.insert([frame(FAST), frame(SLOW)]);
        Some((closes(fast), closes(slow)))
    }
}

/// The moment at which so many have happened.
#[inline]
fn moment<'a>(portal: &'a DataPortal<'a>, known: usize) -> Moment<'a> {
    portal.moments().nth(known - 1).expect("a trial stays within the calendar")
}

fn closes(frame: &RecordBatch) -> &[f64] {
    frame.column(0).as_primitive::<Float64Type>().values()
}
