//! Bundles that contradict themselves: answers without meaning or errors, and never a panic.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bt_dataportal::bt_core::{
    AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Error, Field, Frequency, Result, Slab, Span,
    Timestamp,
};
use bt_dataportal::{DataPortal, HistoryCache, HistoryOptions, Moment, Policy, Request};
use proptest::prelude::*;

use crate::fake::{Fake, any_bundle, field};
use crate::oracle::bits;

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// What a slab, a calendar and columns say, without regard to each other.
#[derive(Debug, Clone)]
struct Liar {
    assets: AssetList,
    calendar: Vec<Timestamp>,
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
    spans: Vec<Span>,
    positions: Vec<u32>,
    extra: Vec<String>,
    has_slab: bool,
    /// How many bars an asset has where there is no slab; told apart at every call.
    calls: Arc<AtomicUsize>,
}

impl Bundle for Liar {
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
    fn bars(&self, _: AssetId) -> Result<Bars<'_>> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let count = (call * 7) % (self.timestamps.len() + 1);
        Bars::new(&self.timestamps[..count], &self.values, self.timestamps.len())
    }
    fn heap_bytes(&self) -> usize {
        usize::MAX
    }
    fn slab(&self) -> Option<Slab<'_>> {
        let all = Bars::new(&self.timestamps, &self.values, self.timestamps.len()).ok()?;
        self.has_slab.then_some(Slab { all, spans: &self.spans, positions: &self.positions })
    }
    fn extra_columns(&self) -> &[String] {
        &self.extra
    }
}

fn any_span() -> impl Strategy<Value = Span> {
    let number = prop_oneof![8 => 0..12u32, 1 => Just(u32::MAX), 1 => any::<u32>()];
    let place = prop_oneof![8 => 0..30u64, 1 => Just(u64::MAX), 1 => any::<u64>()];
    (place.clone(), place, number.clone(), number.clone(), number).prop_map(
        |(first, positions_first, len, calendar_first, calendar_len)| Span {
            first,
            positions_first,
            len,
            calendar_first,
            calendar_len,
        },
    )
}

/// Spans that mostly pass the check of a slab, so that what lies behind it is reached.
fn sound_spans(assets: usize) -> impl Strategy<Value = Vec<Span>> {
    let span = (0..3u64, 0..6u32, 0..6u32, 0..5u32, 0..8u64);
    prop::collection::vec(span, assets).prop_map(|parts| {
        let mut next = 0;
        let mut span = |(hole, len, more, calendar_first, positions_first): (u64, u32, u32, u32, u64)| {
            let first = next + hole;
            next = first + u64::from(len);
            Span { first, positions_first, len, calendar_first, calendar_len: len + more }
        };
        parts.into_iter().map(&mut span).collect()
    })
}

fn any_liar() -> impl Strategy<Value = Liar> {
    let moment = prop_oneof![8 => -5..15i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let moments = |count| prop::collection::vec(moment.clone().prop_map(Timestamp::from_nanos), count);
    let positions = prop::collection::vec(prop_oneof![8 => 0..12u32, 1 => any::<u32>()], 0..60);
    let spans = (1..5usize).prop_flat_map(|assets| {
        (Just(assets), prop_oneof![4 => sound_spans(assets).boxed(), 1 => prop::collection::vec(any_span(), 0..5).boxed()])
    });
    let shape = (0..3usize, 0..40usize, any::<bool>(), any::<bool>());
    (moments(0..14), moments(0..30), spans, positions, shape).prop_map(
        |(mut calendar, timestamps, (assets, spans), positions, (extra, missing, has_slab, is_sorted))| {
            if is_sorted {
                calendar.sort_unstable();
            }
            let names = (0..assets).map(|rank| format!("A{rank}"));
            let columns = Field::OHLCV.len() + extra;
            let full = columns * timestamps.len();
            Liar {
                assets: AssetList::new(BundleVersion([7; 32]), names).unwrap(),
                calendar,
                // At least five columns, of the last extra one perhaps a part.
                values: (0..full.saturating_sub(missing).max(5 * timestamps.len()))
                    .map(|at| at as f64)
                    .collect(),
                timestamps,
                spans,
                positions,
                extra: (0..extra).map(|at| format!("extra {at}")).collect(),
                has_slab,
                calls: Arc::default(),
            }
        },
    )
}

/// Asks for everything that can be asked of a moment, and drops the answers.
fn ask_everything(portal: &DataPortal<'_>, moment: Moment<'_>, bar_count: usize, fields: &[Field]) {
    let _ = format!("{moment:?} {portal:?}");
    let ids: Vec<_> = portal.assets().ids().collect();
    let set = portal.intern(&ids).unwrap();
    let _ = moment.panel(&set, fields[0], bar_count);
    let many = moment.history(Request::new(&set, fields, bar_count));
    let windows = ids.iter().map(|&id| moment.history(Request::new(id, fields, bar_count)));
    for window in windows.chain([many]).flatten() {
        let _ = (window.array(), window.frame(), window.bar_count());
    }
    for id in ids {
        let series = portal.series(id, fields[0]);
        let _ = series.map(|series| (series.at(moment).map(drop), series.current(moment).map(drop)));
        let _ = portal.frames(id, fields[0]).map(|frames| frames.window(moment, bar_count));
        let Ok(asset) = moment.asset(id) else { continue };
        let _ =
            (asset.window(fields[0], bar_count), asset.series(fields[0]), asset.view(fields[0], bar_count));
        let _ =
            (asset.matrix(bar_count), asset.timestamps(bar_count), format!("{:?}", asset.bars(bar_count)));
    }
}

proptest! {
    #![proptest_config(crate::cases(4000))]

    #[test]
    fn a_bundle_that_contradicts_itself_never_causes_a_panic(
        liar in any_liar(),
        bar_count in prop_oneof![9 => 0..40usize, 1 => Just(usize::MAX)],
        columns in prop::collection::vec(0..8usize, 1..4),
        now in -6..16i64,
    ) {
        let portal = DataPortal::new(&liar);
        let fields: Vec<_> = columns.into_iter().map(field).collect();
        for moment in portal.moments().chain([portal.at(at(now)), portal.at(Timestamp::MIN), portal.at(Timestamp::MAX)]) {
            ask_everything(&portal, moment, bar_count, &fields);
        }
        let cache = HistoryCache::new(HistoryOptions { policy: Policy::Always, ..Default::default() }).unwrap();
        let mut history = Arc::new(cache).handle();
        let set = portal.intern(&portal.assets().ids().collect::<Vec<_>>()).unwrap();
        for moment in portal.moments_between(at(now), at(now - 3)).chain(portal.moments()) {
            let _ = history.window(moment, set.assets()[0], fields[0], bar_count);
            let _ = history.panel(moment, &set, fields[0], bar_count);
            for request in [Request::new(&set, &fields, bar_count), Request::new(set.assets()[0], &fields, bar_count)] {
                if let Ok(window) = moment.history(request) {
                    let _ = history.array(&window).map(drop);
                    let _ = history.frame(&window).map(drop);
                }
            }
        }
    }

    #[test]
    fn a_slab_that_contradicts_itself_is_not_read(bundle in any_bundle(), span in any_span(), pick in any::<prop::sample::Index>()) {
        let mut liar = Unsound { bundle: bundle.clone(), spans: bundle.slab().unwrap().spans.to_vec() };
        *pick.get_mut(&mut liar.spans) = span;
        prop_assume!(liar.slab().unwrap().check_slice(bundle.calendar().len()).is_err());
        let (portal, honest) = (DataPortal::new(&liar), DataPortal::new(&bundle));
        for (moment, expected) in portal.moments().zip(honest.moments()) {
            for id in portal.assets().ids() {
                let window = moment.window(id, Field::CLOSE, 7).unwrap();
                prop_assert_eq!(bits(window), bits(expected.window(id, Field::CLOSE, 7).unwrap()));
            }
        }
    }
}

/// Honest bars under spans that are not.
struct Unsound {
    bundle: Fake,
    spans: Vec<Span>,
}

impl Bundle for Unsound {
    fn version(&self) -> BundleVersion {
        self.bundle.version()
    }
    fn assets(&self) -> &AssetList {
        self.bundle.assets()
    }
    fn calendar(&self) -> Calendar<'_> {
        self.bundle.calendar()
    }
    fn frequency(&self) -> Frequency {
        Frequency::Daily
    }
    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        self.bundle.bars(asset)
    }
    fn heap_bytes(&self) -> usize {
        0
    }
    fn slab(&self) -> Option<Slab<'_>> {
        self.bundle.slab().map(|slab| Slab { spans: &self.spans, ..slab })
    }
}

/// A bundle without a slab whose storage fails when told to.
struct Flaky {
    bundle: Fake,
    is_down: Arc<AtomicBool>,
}

impl Bundle for Flaky {
    fn version(&self) -> BundleVersion {
        self.bundle.version()
    }
    fn assets(&self) -> &AssetList {
        self.bundle.assets()
    }
    fn calendar(&self) -> Calendar<'_> {
        self.bundle.calendar()
    }
    fn frequency(&self) -> Frequency {
        Frequency::Daily
    }
    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::io("read the bars", std::io::Error::other("the disk is away")));
        }
        self.bundle.bars(asset)
    }
    fn heap_bytes(&self) -> usize {
        0
    }
}

#[test]
fn an_error_of_the_storage_reaches_who_asks_and_is_not_kept() {
    let is_down = Arc::new(AtomicBool::new(false));
    let bundle = Fake::listed(&[&[10, 20, 30], &[10, 30]]);
    let flaky = Flaky { bundle: bundle.clone(), is_down: Arc::clone(&is_down) };
    let portal = DataPortal::new(&flaky);
    let set = portal.intern(&[bundle.id(0), bundle.id(1)]).unwrap();
    let moment = portal.at(at(30));
    let cache = HistoryCache::new(HistoryOptions { policy: Policy::Always, ..Default::default() }).unwrap();
    let cache = Arc::new(cache);
    let mut history = cache.handle();
    for bar_count in [20, 3] {
        let window = moment.history(Request::new(&set, &[Field::CLOSE], bar_count)).unwrap();
        for is_away in [true, false] {
            is_down.store(is_away, Ordering::SeqCst);
            let answers = [
                moment.window(bundle.id(0), Field::CLOSE, 2).map(drop),
                moment.panel(&set, Field::CLOSE, bar_count).map(drop),
                portal.series(bundle.id(0), Field::CLOSE).map(drop),
                portal.frames(bundle.id(0), Field::CLOSE).map(drop),
                history.window(moment, bundle.id(0), Field::CLOSE, bar_count).map(drop),
                history.panel(moment, &set, Field::CLOSE, bar_count).map(drop),
                history.frame(&window).map(drop),
                window.frame().map(drop),
            ];
            for (place, answer) in answers.into_iter().enumerate() {
                match answer {
                    Err(error) => {
                        assert!(is_away && error.to_string().contains("the disk is away"), "{error}")
                    }
                    Ok(()) => assert!(!is_away, "answer {place} does not come from the storage"),
                }
            }
        }
        // What is kept needs no storage any more.
        is_down.store(true, Ordering::SeqCst);
        assert!(history.panel(moment, &set, Field::CLOSE, bar_count).is_ok());
    }
    let stats = cache.stats();
    assert_eq!((stats.tier1.entries, stats.tier2.entries), (3, 3));
    assert!(stats.tier1.load_failures > 0 && stats.tier2.load_failures > 0);
}
