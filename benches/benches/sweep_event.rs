//! What an event-driven sweep costs on top of a strategy's arithmetic: the loop over moments, and accounting.

use std::hint::black_box;

use bt_benches::{Paired, Rows, Times, is_quick, is_wanted};
use bt_core::{Bundle, Field};
use bt_dataportal::{DataPortal, Moment, Series};
use bt_sweep::{
    Accounting, Backtest, Commission, EventDriven, Names, OnBar, Orders, Params, Result, SeriesCache, Stop,
    Strategy, TrialView,
};
use bt_testkit::{Market, MemoryBundle};
use criterion::Criterion;

fn main() {
    let mut criterion = bt_benches::criterion();
    let mut rows = Rows::new("sweep_event");
    let wide = if is_quick() { (500, 252) } else { (500, 2520) };
    for (assets, days) in [(8, 5000), (50, 252), wide] {
        let name = format!("sweep_event/{assets} × {days}");
        if is_wanted(&name) {
            crossover(&name, assets, days, &mut criterion, &mut rows);
        }
    }
    if is_wanted("sweep_event/gaps") {
        gaps(&mut criterion, &mut rows);
    }
    criterion.final_summary();
}

/// Bars and two moving averages of each asset's closes.
struct Data {
    bundle: MemoryBundle,
    averages: Vec<[Vec<f64>; 2]>,
}

impl Data {
    fn new(market: &Market) -> Self {
        let bundle = market.generate().bundle();
        let averages = |id| {
            let closes = bundle.bars(id).expect("an asset of the bundle").field(Field::CLOSE);
            [10, 40].map(|count| average(closes, count))
        };
        let averages = bundle.assets().ids().map(averages).collect();
        Self { bundle, averages }
    }

    fn bars(&self) -> usize {
        self.averages.iter().map(|[fast, _]| fast.len()).sum()
    }
}

fn average(values: &[f64], count: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let value = |at: usize| {
        sum += values[at] - if at >= count { values[at - count] } else { 0.0 };
        if at + 1 >= count { sum / count as f64 } else { f64::NAN }
    };
    (0..values.len()).map(value).collect()
}

/// Holds what is above its slow average, and sums the returns of what it held.
struct Crossover {
    averages: Vec<[Vec<f64>; 2]>,
    /// What it asks of the account.
    asks: Asks,
}

#[derive(Clone, Copy, PartialEq)]
enum Asks {
    Nothing,
    Targets,
    /// A rebalance of everything at every bar.
    Rebalances,
}

struct State<'t> {
    closes: Vec<Series<'t>>,
    averages: &'t [[Vec<f64>; 2]],
    is_long: Vec<bool>,
    sum: f64,
    asks: Asks,
}

impl Strategy for Crossover {
    fn id(&self) -> (String, u32) {
        ("crossover".into(), 1)
    }

    fn metrics(&self) -> Vec<String> {
        vec!["own_sum".into()]
    }

    fn start<'t>(&'t self, view: &TrialView<'t>, _: &Params) -> Result<Box<dyn OnBar + 't>> {
        let closes = view.series(Field::CLOSE)?;
        let is_long = vec![false; closes.len()];
        Ok(Box::new(State { closes, averages: &self.averages, is_long, sum: 0.0, asks: self.asks }))
    }
}

impl OnBar for State<'_> {
    fn on_bar(&mut self, moment: Moment<'_>, orders: &mut Orders<'_>) -> Result<()> {
        let weight = 1.0 / self.closes.len() as f64;
        for (place, closes) in self.closes.iter().enumerate() {
            let Some(known) = closes.current(moment)? else { continue };
            let (is_long, earned) = step(known, &self.averages[place], self.is_long[place]);
            self.is_long[place] = is_long;
            self.sum += earned;
            if self.asks != Asks::Nothing {
                orders.set_weight(place, if is_long { weight } else { 0.0 })?;
                if self.asks == Asks::Rebalances {
                    orders.rebalance(place)?;
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<f64>> {
        Ok(vec![self.sum])
    }
}

/// The arithmetic that all arms share: whether to be long from here on, and what was earned since the bar before.
#[inline(always)]
fn step(known: &[f64], [fast, slow]: &[Vec<f64>; 2], was_long: bool) -> (bool, f64) {
    let bar = known.len() - 1;
    let earned = if was_long { known[bar] / known[bar - 1] - 1.0 } else { 0.0 };
    (fast[bar] > slow[bar], earned)
}

/// What an engineer writes who has nothing but slices.
#[inline(never)]
fn by_hand(columns: &[&[f64]], averages: &[[Vec<f64>; 2]]) -> f64 {
    let mut is_long = vec![false; columns.len()];
    let mut sum = 0.0;
    for end in 1..=columns[0].len() {
        for (place, column) in columns.iter().enumerate() {
            let (next, earned) = step(&column[..end], &averages[place], is_long[place]);
            is_long[place] = next;
            sum += earned;
        }
    }
    sum
}

fn dear() -> Accounting {
    let commission = Commission { per_share: 0.005, per_value: 0.0001, minimum: 1.0 };
    Accounting { commission, slippage_bps: 5.0, ..Accounting::default() }
}

fn crossover(name: &str, assets: usize, days: usize, criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new(&Market::common(7, assets, days));
    let closes = |id| data.bundle.bars(id).expect("an asset of the bundle").field(Field::CLOSE);
    let columns: Vec<_> = data.bundle.assets().ids().map(closes).collect();
    let times = measure(name, &data, Some(&columns), criterion);
    let (row, bars) = ("event-driven sweep", data.bars() as f64);
    let over = |arm: &str| (times.nanos(arm) - times.nanos("by hand")) / bars;
    let case = |what: &str| format!("{what}, {assets} × {days}, per (asset, bar) over a loop by hand");
    rows.at_most(row, &case("accounting off"), over("accounting off"), 8.0, " ns");
    rows.at_most(row, &case("accounting on"), over("accounting on"), 60.0, " ns");
    rows.shown(row, &case("all rebalanced at every bar"), over("rebalancing"), " ns");
    rows.shown(row, &format!("by hand, {assets} × {days}"), times.nanos("by hand") / bars, " ns");
}

/// Assets with gaps have no loop by hand of the same speed: whole times.
fn gaps(criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new(&Market::common(7, 50, 252).with_gaps(0.1));
    let times = measure("sweep_event/gaps", &data, None, criterion);
    for arm in ["accounting off", "accounting on"] {
        let case = format!("{arm}, 50 × 252 with gaps, per (asset, bar), arithmetic included");
        rows.shown("event-driven sweep", &case, times.nanos(arm) / data.bars() as f64, " ns");
    }
}

fn measure(name: &str, data: &Data, columns: Option<&[&[f64]]>, criterion: &mut Criterion) -> Times {
    let portal = DataPortal::new(&data.bundle);
    let ids: Vec<_> = data.bundle.assets().ids().collect();
    let (stop, series) = (Stop::default(), SeriesCache::default());
    let view =
        TrialView::new(&portal, &ids, 0..portal.calendar().len(), &stop, &series).expect("bars to score");
    let params = Params::new(&Names::new(Vec::<String>::new()), []).expect("no parameters");
    let backtest = |accounting, asks| EventDriven {
        strategy: Crossover { averages: data.averages.clone(), asks },
        accounting,
    };
    let off = backtest(None, Asks::Nothing);
    let on = backtest(Some(dear()), Asks::Targets);
    let rebalancing = backtest(Some(dear()), Asks::Rebalances);
    let run = |backtest: &EventDriven<Crossover>| {
        let outcome = backtest.run(black_box(&view), &params).expect("a trial that ends");
        outcome.metrics.last().copied()
    };
    assert_eq!(run(&off), run(&on));
    assert_eq!(run(&off), run(&rebalancing));
    assert!(on.fills(&view, &params).expect("fills").len() > data.bars() / 100);
    let mut paired = Paired::new(name);
    if let Some(columns) = columns {
        assert_eq!(run(&off), Some(by_hand(columns, &data.averages)));
        paired = paired.arm("by hand", || by_hand(black_box(columns), &data.averages));
    }
    paired
        .arm("accounting off", || run(&off))
        .arm("accounting on", || run(&on))
        .arm("rebalancing", || run(&rebalancing))
        .run(criterion)
}
