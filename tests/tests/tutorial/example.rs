use bt_sweep::bt_core::{self, BundleName, BundleVersion, Field};
use bt_sweep::bt_layers::bt_asset_cache::{Label, Table, TableSource, arrow_array as arrow};
use std::sync::Arc;

/// Bars as our framework keeps them: asset, nanoseconds since 1970, and open, high, low, close, volume.
type Row = (String, i64, [f64; 5]);

struct OwnBars {
    rows: Vec<Row>,
    version: BundleVersion,
}

impl OwnBars {
    fn new(rows: Vec<Row>) -> Self {
        let version = BundleVersion::of_bytes(format!("{rows:?}").as_bytes());
        Self { rows, version }
    }
}

impl TableSource for OwnBars {
    fn version(&self, _name: &BundleName) -> bt_core::Result<BundleVersion> {
        Ok(self.version)
    }

    fn read(&self, _name: &BundleName) -> bt_core::Result<Table> {
        let assets = arrow::StringArray::from_iter_values(self.rows.iter().map(|row| &row.0));
        let times = arrow::Int64Array::from_iter_values(self.rows.iter().map(|row| row.1));
        let mut columns =
            vec![("asset", Arc::new(assets) as arrow::ArrayRef), ("timestamp", Arc::new(times))];
        for (place, column) in ["open", "high", "low", "close", "volume"].into_iter().enumerate() {
            let values = self.rows.iter().map(|row| row.2[place]);
            columns.push((column, Arc::new(arrow::Float64Array::from_iter_values(values))));
        }
        let batch = arrow::RecordBatch::try_from_iter(columns).map_err(bt_core::Error::other)?;
        Ok(Table { label: Some(Label::End), ..Table::new(self.version, vec![batch]) })
    }
}

use bt_sweep::bt_dataportal::{Moment, Series};
use bt_sweep::{Indicator, Indicators, OnBar, Orders, Params, Result, Strategy, TrialView};

/// Holds what closes above its mean by more than a band, in equal parts.
struct AboveMean;

struct State<'t> {
    closes: Vec<Series<'t>>,
    means: Indicators<'t>,
    band: f64,
}

impl Strategy for AboveMean {
    fn id(&self) -> (String, u32) {
        ("above-mean".into(), 1)
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, params: &Params) -> Result<Box<dyn OnBar + 't>> {
        let means = view.indicators(Field::CLOSE, Indicator::Sma(params.count("window")?))?;
        Ok(Box::new(State { closes: view.series(Field::CLOSE)?, means, band: params.float("band")? }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        let share = 1.0 / self.closes.len() as f64;
        for (place, closes) in self.closes.iter().enumerate() {
            let mean = self.means.current(place, moment)?;
            if let (Some([.., close]), Some(mean)) = (closes.current(moment)?, mean) {
                orders.set_weight(place, if *close > mean * (1.0 + self.band) { share } else { 0.0 })?;
            }
        }
        Ok(())
    }
}

use bt_sweep::bt_layers::{Layers, OptimizationConfig, Options};
use bt_sweep::{Accounting, Engine, EngineOptions, EventDriven, Objective, Observer, Space, Sweep};
use bt_sweep::{WalkForwardResult, folds::Kind, folds::WalkForward, search::Tpe};

fn walk_forward(bars: OwnBars, folder: &str, observer: &mut dyn Observer) -> Result<WalkForwardResult> {
    let layers = Layers::over_tables(&OptimizationConfig::default(), Options::default(), bars)?;
    let engine = Engine::new(layers, EngineOptions::default())?;
    let backtest = EventDriven { strategy: AboveMean, accounting: Some(Accounting::default()) };
    let mut sweep = Sweep::new(backtest, "own-bars".parse()?, Objective::maximize("sharpe"));
    sweep.folder = Some(folder.into());
    sweep.resume = std::path::Path::new(folder).join("sweep.json").exists();
    let walk = WalkForward { warm_up: 99, ..WalkForward::new(Kind::Rolling, "2y".parse()?, "6m".parse()?) };
    let space = Space::builder().int("window", 5, 100, 5).uniform("band", 0.0, 0.05).build()?;
    let mut search = |_: &_| Ok(Box::new(Tpe::new(space.clone(), 7, 48)?) as _);
    let result = engine.walk_forward(&sweep, &walk, &mut search, observer)?;
    for (chosen, fold) in result.folds.iter().filter_map(|fold| Some((fold.chosen.as_ref()?, fold))) {
        println!("{chosen}: {:.2} in sample, {:.2} out of it", fold.in_sample, fold.out_of_sample);
    }
    Ok(result)
}
