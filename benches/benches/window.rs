//! History windows against hand-written slices, and what is kept against making it anew.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bt_benches::{Paired, Rows, is_wanted};
use bt_core::{AssetId, Bundle, Field};
use bt_dataportal::ndarray::{ArrayView1, ArrayView2, ShapeBuilder};
use bt_dataportal::{AssetSet, DataPortal, HistoryCache, HistoryOptions, Moment, Policy, Request, Series};
use bt_testkit::{Market, MemoryBundle};
use criterion::Criterion;
use hashbrown::HashMap;

const ASSETS: usize = 50;
const DAYS: usize = 252;
/// Windows that one pass over all moments and assets asks for.
const WINDOWS: u64 = (ASSETS * DAYS) as u64;

fn main() {
    let mut criterion = bt_benches::criterion();
    let mut rows = Rows::new("window");
    type Bench = fn(&mut Criterion, &mut Rows);
    let benches: [(&str, Bench); 6] = [
        ("window/one asset", one_asset),
        ("window/series", series),
        ("window/panel", panel),
        ("window/tier 1", tier_one),
        ("window/keep or make", keep_or_make),
        ("window/array or frame", array_or_frame),
    ];
    for (name, bench) in benches {
        if is_wanted(name) {
            bench(&mut criterion, &mut rows);
        }
    }
    criterion.final_summary();
}

/// Assets on one calendar; the same with gaps.
struct Data {
    bundle: MemoryBundle,
    gapped: MemoryBundle,
}

impl Data {
    fn new() -> Self {
        let market = || Market::common(7, ASSETS, DAYS);
        Self { bundle: market().generate().bundle(), gapped: market().with_gaps(0.1).generate().bundle() }
    }

    /// What a hand-written loop reads: each asset's closes.
    fn closes(&self) -> Vec<&[f64]> {
        let closes = |id| self.bundle.bars(id).expect("an asset of the bundle").field(Field::CLOSE);
        self.bundle.assets().ids().map(closes).collect()
    }
}

/// Times so many windows as passes over all moments and assets.
fn passes<R>(windows: u64, mut pass: impl FnMut() -> R) -> Duration {
    let passes = windows.div_ceil(WINDOWS);
    let start = Instant::now();
    for _ in 0..passes {
        black_box(pass());
    }
    start.elapsed().mul_f64(windows as f64 / (passes * WINDOWS) as f64)
}

/// What a pass asks for at each moment: every asset once, in no order, and as many bars as it says.
fn requests() -> Vec<(usize, usize)> {
    let asset = |place: usize| place * 17 % ASSETS;
    (0..ASSETS).map(|place| (asset(place), [20, 50, 200, 5, 31][place % 5])).collect()
}

/// Asks for each request's window at every moment.
#[inline(always)]
fn every<'a, R>(
    portal: &'a DataPortal<'a>,
    requests: &[(usize, usize)],
    ids: &[AssetId],
    ask: impl Fn(Moment<'a>, AssetId, usize) -> R,
) {
    for moment in portal.moments() {
        for &(asset, bar_count) in black_box(requests) {
            black_box(ask(moment, ids[asset], bar_count));
        }
    }
}

/// The same, by hand.
#[inline(always)]
fn by_hand<'a, R>(columns: &[&'a [f64]], requests: &[(usize, usize)], make: impl Fn(&'a [f64]) -> R) {
    for end in 1..=DAYS {
        for &(asset, bar_count) in black_box(requests) {
            black_box(make(&columns[asset][end.saturating_sub(bar_count)..end]));
        }
    }
}

fn one_asset(criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new();
    let closes = data.closes();
    let (portal, gapped) = (DataPortal::new(&data.bundle), DataPortal::new(&data.gapped));
    let ids: Vec<_> = data.bundle.assets().ids().collect();
    let gapped_ids: Vec<_> = data.gapped.assets().ids().collect();
    assert_same_windows(&portal, &ids, &closes);
    let requests = requests();
    let known = "an asset of the bundle";
    let times = Paired::new("window/one asset")
        .timed_arm("raw slice", |n| passes(n, || by_hand(&closes, &requests, |window| window)))
        .timed_arm("raw ArrayView1", |n| passes(n, || by_hand(&closes, &requests, ArrayView1::from)))
        .timed_arm("window", |n| {
            passes(n, || {
                every(&portal, &requests, &ids, |moment, id, bars| {
                    moment.window(id, Field::CLOSE, bars).expect(known)
                })
            })
        })
        .timed_arm("view", |n| {
            passes(n, || {
                every(&portal, &requests, &ids, |moment, id, bars| {
                    moment.asset(id).and_then(|asset| asset.view(Field::CLOSE, bars)).expect(known)
                })
            })
        })
        .timed_arm("matrix", |n| {
            passes(n, || {
                every(&portal, &requests, &ids, |moment, id, bars| {
                    moment.asset(id).expect(known).matrix(bars)
                })
            })
        })
        .timed_arm("gapped window", |n| {
            passes(n, || {
                every(&gapped, &requests, &gapped_ids, |moment, id, bars| {
                    moment.window(id, Field::CLOSE, bars).expect(known)
                })
            })
        })
        .timed_arm("at, then window", |n| {
            let now = portal.calendar().as_slice()[DAYS / 2];
            let ask =
                |_, id, bars| portal.at(black_box(now)).window(id, Field::CLOSE, bars).expect(known).len();
            passes(n, || every(&portal, &requests, &ids, ask))
        })
        .run(criterion);
    let row = "window of one asset";
    for (arm, limit) in [("window", 2.5), ("view", 3.0), ("matrix", 4.0), ("gapped window", 3.5)] {
        rows.at_most(row, &format!("{arm} : raw slice"), times.ratio(arm, "raw slice"), limit, "×");
    }
    rows.shown(row, "raw slice", times.nanos("raw slice"), " ns");
    rows.shown(row, "at(now) by search, then window", times.nanos("at, then window"), " ns");
}

fn assert_same_windows(portal: &DataPortal<'_>, ids: &[AssetId], closes: &[&[f64]]) {
    for (moment, end) in portal.moments().zip(1..) {
        for (&id, close) in ids.iter().zip(closes) {
            let asset = moment.asset(id).expect("an asset of the bundle");
            assert_eq!(asset.window(Field::CLOSE, 20).expect("a field"), &close[end - 20.min(end)..end]);
            assert_eq!(asset.matrix(20).column(3), asset.view(Field::CLOSE, 20).expect("a field"));
        }
    }
}

fn series(criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new();
    let closes = data.closes();
    let portal = DataPortal::new(&data.bundle);
    let ids: Vec<_> = data.bundle.assets().ids().collect();
    let resolve = |&id| portal.series(id, Field::CLOSE).expect("an asset of the bundle");
    let resolved: Vec<_> = ids.iter().map(resolve).collect();
    assert_eq!(last_by_hand(&closes), last_of_assets(&portal, &ids));
    assert_eq!(last_by_hand(&closes), last_of_series(&portal, &resolved));
    assert_eq!(means_by_hand(&closes), means_of_series(&portal, &resolved));
    assert_eq!(means_by_hand(&closes), means_of_assets(&portal, &ids));
    let times = Paired::new("window/series")
        .timed_arm("raw slices", |n| passes(n, || last_by_hand(black_box(&closes))))
        .timed_arm("asset, then series", |n| passes(n, || last_of_assets(&portal, black_box(&ids))))
        .timed_arm("resolved series", |n| passes(n, || last_of_series(&portal, black_box(&resolved))))
        .timed_arm("two means, raw slices", |n| passes(n, || means_by_hand(black_box(&closes))))
        .timed_arm("two means, asset, then series", |n| {
            passes(n, || means_of_assets(&portal, black_box(&ids)))
        })
        .timed_arm("two means, resolved series", |n| {
            passes(n, || means_of_series(&portal, black_box(&resolved)))
        })
        .run(criterion);
    let row = "series of one asset, per (asset, bar)";
    let over = |arm: &str, raw: &str| times.nanos(arm) - times.nanos(raw);
    rows.at_most(
        row,
        "moment.asset, then series, over raw slices",
        over("asset, then series", "raw slices"),
        1.5,
        " ns",
    );
    let means = over("two means, asset, then series", "two means, raw slices");
    rows.shown(row, "the same, two means of each", means, " ns");
    rows.shown(
        row,
        "a series resolved per trial, over raw slices",
        over("resolved series", "raw slices"),
        " ns",
    );
    let ratio = times.ratio("two means, resolved series", "two means, raw slices");
    rows.shown(row, "the same, two means of each : raw slices", ratio, "×");
}

fn last(values: &[f64]) -> f64 {
    values.last().copied().unwrap_or_default()
}

/// The means of the last 20 and 50 values, told apart by sign.
#[inline(always)]
fn means(values: &[f64]) -> f64 {
    match values.len() {
        0..50 => 0.0,
        len => mean(&values[len - 20..]) - mean(&values[len - 50..]),
    }
}

fn mean(values: &[f64]) -> f64 {
    let (blocks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    (lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()) / values.len() as f64
}

#[inline(never)]
fn last_by_hand(columns: &[&[f64]]) -> f64 {
    (1..=DAYS).map(|end| columns.iter().map(|column| last(&column[..end])).sum::<f64>()).sum()
}

#[inline(never)]
fn means_by_hand(columns: &[&[f64]]) -> f64 {
    (1..=DAYS).map(|end| columns.iter().map(|column| means(&column[..end])).sum::<f64>()).sum()
}

#[inline(never)]
fn last_of_assets(portal: &DataPortal<'_>, ids: &[AssetId]) -> f64 {
    sum_of_assets(portal, ids, last).expect("assets of the bundle")
}

#[inline(never)]
fn means_of_assets(portal: &DataPortal<'_>, ids: &[AssetId]) -> f64 {
    sum_of_assets(portal, ids, means).expect("assets of the bundle")
}

#[inline(always)]
fn sum_of_assets(
    portal: &DataPortal<'_>,
    ids: &[AssetId],
    of: impl Fn(&[f64]) -> f64,
) -> bt_core::Result<f64> {
    let mut total = 0.0;
    for moment in portal.moments() {
        let mut sum = -0.0;
        for &id in ids {
            sum += of(moment.asset(id)?.series(Field::CLOSE)?);
        }
        total += sum;
    }
    Ok(total)
}

#[inline(never)]
fn last_of_series(portal: &DataPortal<'_>, resolved: &[Series<'_>]) -> f64 {
    sum_of_series(portal, resolved, last).expect("moments of the same bundle")
}

#[inline(never)]
fn means_of_series(portal: &DataPortal<'_>, resolved: &[Series<'_>]) -> f64 {
    sum_of_series(portal, resolved, means).expect("moments of the same bundle")
}

#[inline(always)]
fn sum_of_series(
    portal: &DataPortal<'_>,
    resolved: &[Series<'_>],
    of: impl Fn(&[f64]) -> f64,
) -> bt_core::Result<f64> {
    let mut total = 0.0;
    for moment in portal.moments() {
        let mut sum = -0.0;
        for series in resolved {
            sum += of(series.at(moment)?);
        }
        total += sum;
    }
    Ok(total)
}

/// A panel of all assets, at moment after moment once the window is full.
struct Panels<'a> {
    portal: &'a DataPortal<'a>,
    set: &'a AssetSet,
    bar_count: usize,
    next: usize,
}

impl<'a> Panels<'a> {
    fn new(portal: &'a DataPortal<'a>, set: &'a AssetSet, bar_count: usize) -> Self {
        Self { portal, set, bar_count, next: 0 }
    }

    fn moment(&mut self) -> Moment<'a> {
        let full = self.bar_count - 1;
        let moments = self.portal.calendar().len() - full;
        self.next = if self.next + 1 == moments { 0 } else { self.next + 1 };
        self.portal.moments().nth(full + self.next).expect("a moment of the calendar")
    }
}

fn panel(criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new();
    let (portal, gapped) = (DataPortal::new(&data.bundle), DataPortal::new(&data.gapped));
    let ids: Vec<_> = data.bundle.assets().ids().collect();
    let (set, gapped_set) = (interned(&portal), interned(&gapped));
    // All but one: at unequal distances, so that it has to be gathered, and without a gap.
    let uneven: Vec<_> = ids.iter().copied().filter(|id| id.rank() != 7).collect();
    let uneven = portal.intern(&uneven).expect("assets of the bundle");
    let cache = Arc::new(HistoryCache::new(HistoryOptions::default()).expect("valid options"));
    let mut history = cache.handle();
    let close = Field::CLOSE;
    let made = "a panel of the bundle";
    let mut arms: [Panels<'_>; 5] = std::array::from_fn(|_| Panels::new(&portal, &set, 20));
    let [a, b, c, d, e] = &mut arms;
    let mut ragged = Panels::new(&gapped, &gapped_set, 20);
    let mut fresh = Panels::new(&gapped, &gapped_set, 20);
    let times = Paired::new("window/panel")
        .arm("view", || a.moment().panel(a.set, close, 20).expect(made))
        .arm("read", || b.moment().panel(b.set, close, 20).expect(made).iter().sum::<f64>())
        .arm("read by column", || sum(c.moment().panel(c.set, close, 20).expect(made).view()))
        .arm("gather", || d.moment().panel(&uneven, close, 20).expect(made))
        .arm("gather, read by column", || sum(e.moment().panel(&uneven, close, 20).expect(made).view()))
        .arm("gather over gaps", || fresh.moment().panel(fresh.set, close, 20).expect(made))
        .arm("kept, interned set", || {
            history.panel(ragged.moment(), ragged.set, close, 20).expect(made)[[0, 0]]
        })
        .run(criterion);
    let row = "50 assets × 20 bars as a matrix";
    rows.at_most(row, "common calendar, a view", times.nanos("view"), 40.0, " ns");
    rows.at_most(row, "interned set, warm", times.nanos("kept, interned set"), 40.0, " ns");
    rows.at_most(row, "gather : reading it", times.ratio("gather", "read by column"), 2.0, "×");
    rows.shown(row, "gather over gaps : reading it", times.ratio("gather over gaps", "read by column"), "×");
    rows.shown(row, "gather", times.nanos("gather"), " ns");
}

fn interned(portal: &DataPortal<'_>) -> AssetSet {
    portal.intern(&portal.assets().ids().collect::<Vec<_>>()).expect("assets of the bundle")
}

fn sum(panel: ArrayView2<'_, f64>) -> f64 {
    panel
        .columns()
        .into_iter()
        .map(|column| column.as_slice().map_or(0.0, |values| values.iter().sum()))
        .sum()
}

/// A hit on a permanent window against a lookup of a key of the same size in a bare table.
fn tier_one(criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new();
    let gapped = DataPortal::new(&data.gapped);
    let set = interned(&gapped);
    let cache = Arc::new(HistoryCache::new(HistoryOptions::default()).expect("valid options"));
    let mut history = cache.handle();
    let (mut ours, mut theirs) = (Panels::new(&gapped, &set, 20), Panels::new(&gapped, &set, 20));
    type Key = ([u8; 32], u32, u32, u32, [u16; 6]);
    let version = gapped.version().0;
    let mut bare: HashMap<Key, Arc<Vec<f64>>> = HashMap::new();
    let key = |moment: Moment<'_>| (version, moment.position() as u32, 20, u32::MAX, [3, 0, 0, 0, 0, 0]);
    for moment in gapped.moments() {
        let values = moment.panel(&set, Field::CLOSE, 20).expect("a panel").t().iter().copied().collect();
        bare.insert(key(moment), Arc::new(values));
    }
    let as_panel = |values: &Arc<Vec<f64>>| {
        ArrayView2::from_shape((20, ASSETS).f(), values).map(|panel| panel[[3, 4]]).ok()
    };
    let times = Paired::new("window/tier 1")
        .arm("bare hashbrown", || as_panel(&bare[&key(theirs.moment())]))
        .arm("handle", || {
            history.panel(ours.moment(), &set, Field::CLOSE, 20).ok().map(|panel| panel[[3, 4]])
        })
        .run(criterion);
    let row = "per-worker handle hit";
    rows.at_most(row, "tier 1 : bare hashbrown lookup", times.ratio("handle", "bare hashbrown"), 1.4, "×");
}

/// From what size on keeping a panel pays, in both tiers.
fn keep_or_make(criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new();
    let gapped = DataPortal::new(&data.gapped);
    let ids: Vec<_> = gapped.assets().ids().collect();
    for (assets, bar_count) in [(2, 5), (2, 20), (4, 20), (10, 20), (50, 20), (50, 200)] {
        let set = gapped.intern(&ids[..assets]).expect("assets of the bundle");
        let name = format!("{assets} assets × {bar_count} bars");
        let panels = || Panels::new(&gapped, &set, bar_count);
        let (mut a, mut b, mut c, mut d) = (panels(), panels(), panels(), panels());
        let (mut first, mut second) = (keeping(&[bar_count], 256), keeping(&[1], 256));
        let mut cyclic = keeping(&[1], 1);
        let close = Field::CLOSE;
        let times = Paired::new(&format!("window/keep or make/{name}"))
            .arm("make", || a.moment().panel(a.set, close, bar_count).map(|panel| panel[[0, 0]]).ok())
            .arm("tier 1 hit", || {
                first.panel(b.moment(), b.set, close, bar_count).map(|panel| panel[[0, 0]]).ok()
            })
            .arm("tier 2 hit", || {
                second.panel(c.moment(), c.set, close, bar_count).map(|panel| panel[[0, 0]]).ok()
            })
            .arm("tier 2 miss", || {
                cyclic.panel(d.moment(), d.set, close, bar_count).map(|panel| panel[[0, 0]]).ok()
            })
            .run(criterion);
        for arm in ["tier 1 hit", "tier 2 hit", "tier 2 miss"] {
            rows.shown("kept : made anew", &format!("{arm}, {name}"), times.ratio(arm, "make"), "×");
        }
    }
}

fn keeping(permanent_windows: &[usize], tier2_entries: usize) -> bt_dataportal::HistoryHandle {
    let permanent_windows = permanent_windows.to_vec();
    let options = HistoryOptions {
        permanent_windows,
        tier2_entries,
        policy: Policy::Always,
        ..HistoryOptions::default()
    };
    Arc::new(HistoryCache::new(options).expect("valid options")).handle()
}

fn array_or_frame(criterion: &mut Criterion, rows: &mut Rows) {
    let data = Data::new();
    let portal = DataPortal::new(&data.bundle);
    let id = data.bundle.assets().ids().nth(3).expect("an asset");
    let (series, frames) = (portal.series(id, Field::CLOSE), portal.frames(id, Field::CLOSE));
    let (series, frames) = (series.expect("a series"), frames.expect("a series"));
    let set = interned(&portal);
    let mut arms: [Panels<'_>; 6] = std::array::from_fn(|_| Panels::new(&portal, &set, 20));
    let [a, b, c, d, e, f] = &mut arms;
    let close = [Field::CLOSE];
    let times = Paired::new("window/array or frame")
        .arm("series, array", || series.window(a.moment(), 20).ok().map(last))
        .arm("series, frame", || frames.window(b.moment(), 20).ok().map(|frame| last_of(&frame)))
        .arm("one asset, array", || {
            c.moment().history(Request::new(id, &close, 20)).and_then(|window| window.array()).ok()
        })
        .arm("one asset, frame", || {
            d.moment().history(Request::new(id, &close, 20)).and_then(|window| window.frame()).ok()
        })
        .arm("50 assets, array", || {
            e.moment().history(Request::new(&set, &close, 20)).and_then(|window| window.array()).ok()
        })
        .arm("50 assets, frame", || {
            f.moment().history(Request::new(&set, &close, 20)).and_then(|window| window.frame()).ok()
        })
        .run(criterion);
    for what in ["series", "one asset", "50 assets"] {
        let ratio = times.ratio(&format!("{what}, array"), &format!("{what}, frame"));
        rows.at_least(
            "array return",
            &format!("{what}: time saved against a frame"),
            100.0 * (1.0 - ratio),
            27.5,
            " %",
        );
    }
}

fn last_of(frame: &arrow_array::RecordBatch) -> f64 {
    use arrow_array::cast::AsArray;
    last(frame.column(0).as_primitive::<arrow_array::types::Float64Type>().values())
}
