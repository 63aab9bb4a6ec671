//! What every implementation of the traits must do, as functions that panic with the promise that was broken.
//!
//! Call them from a test of your own crate:
//!
//! ```
//! use bt_core::{BundleName, BundleSource};
//! use bt_testkit::{FakeSource, Market, conformance};
//!
//! let source = FakeSource::default();
//! conformance::bundle_source(&source, |name, data| { source.publish(name, data); });
//!
//! let bundle = Market::staggered(1, 3, 40, 20).with_gaps(0.1).generate().bundle();
//! conformance::bundle(&bundle);
//! ```

use std::fmt::Display;
use std::sync::Arc;
use std::thread;

use bt_asset_cache::{GroupedBars, TableSource};
use bt_core::{
    AssetId, Bundle, BundleName, BundleSource, BundleVersion, Conventions, Error, ErrorKind, Field, Result,
    Span,
};

use crate::{AssetData, Market, MarketData, oracle};

/// Checks one open bundle: all that can be said of it without knowing what it should hold.
///
/// # Panics
/// With the promise of [`Bundle`] that is broken.
pub fn bundle(bundle: &dyn Bundle) {
    names_and_identifiers_agree(bundle);
    the_calendar_is_the_union_of_all_bars(bundle);
    bars_ascend_and_have_every_column(bundle);
    foreign_identifiers_are_refused(bundle);
    fields_resolve_by_name(bundle);
    adjustments_ascend(bundle);
    the_slab_shows_the_same_bars(bundle);
    the_same_call_gives_the_same_answer_on_every_thread(bundle);
}

/// Checks that an open bundle holds exactly these bars, bit by bit. Publish some with missing values, too: what strips or
/// fills them is found by nothing else.
///
/// # Panics
/// With the first difference.
pub fn bundle_holds(bundle: &dyn Bundle, data: &MarketData) {
    holds(bundle, data, oracle::same_bits);
}

/// Checks that a bundle whose bars lie on the heap says so: caches believe [`Bundle::heap_bytes`]. Not for bundles that are
/// mapped from files.
///
/// # Panics
/// Where it says less than its bars take.
pub fn bundle_on_the_heap(bundle: &dyn Bundle) {
    let values = 1 + 5 + bundle.extra_columns().len();
    let bars = |asset| bundle.bars(asset).expect("own asset").len();
    let least = bundle.assets().ids().map(bars).sum::<usize>() * values * size_of::<f64>();
    let says = bundle.heap_bytes();
    assert!(says >= least, "it says that it holds {says} bytes on the heap, and its bars alone are {least}");
}

fn holds(bundle: &dyn Bundle, data: &MarketData, are_same: impl Fn(&[f64], &[f64]) -> bool) {
    let names: Vec<_> = data.assets.iter().map(|asset| asset.name.as_str()).collect();
    same_list("the assets differ", &names, &bundle.assets().names().collect::<Vec<_>>());
    assert_eq!(bundle.frequency(), data.frequency, "the frequencies differ");
    assert_eq!(*bundle.conventions(), Conventions::UTC, "the conventions differ");
    for asset in &data.assets {
        let bars =
            bundle.assets().id(&asset.name).and_then(|id| bundle.bars(id)).expect("the asset is listed");
        same_list(&format!("timestamps of {} differ", asset.name), &asset.timestamps, bars.timestamps());
        for field in Field::OHLCV {
            let (expected, got) = (&asset.columns[field.index()][..], bars.field(field));
            let same = |bar: &usize| are_same(&got[*bar..=*bar], &expected[*bar..=*bar]);
            if let Some(bar) = (0..expected.len()).find(|bar| !same(bar)) {
                let (what, at) = (format!("{field} of {} differs", asset.name), asset.timestamps[bar]);
                panic!(
                    "{what}, first in the bar known at {at}: expected {}, got {}",
                    expected[bar], got[bar]
                );
            }
        }
    }
    same_list("the calendars differ", &data.calendar(), bundle.calendar().as_slice());
}

/// Panics with the first difference between two lists.
fn same_list<T: PartialEq + Display>(what: &str, expected: &[T], got: &[T]) {
    let first = (0..expected.len().max(got.len())).find(|&at| expected.get(at) != got.get(at));
    let Some(first) = first else { return };
    let shown = |list: &[T]| list.get(first).map_or("the end".to_owned(), |item| item.to_string());
    panic!(
        "{what}: expected {} and got {} of them; number {} is the first that differs: expected {}, got {}",
        expected.len(),
        got.len(),
        first + 1,
        shown(expected),
        shown(got)
    );
}

/// What came instead of the answer that was promised: an error, by its message and case.
fn came_instead(error: &Error) -> String {
    let case = format!("{:?}", error.kind());
    let case = case.split([' ', '(', '{']).next().unwrap_or_default();
    format!("got `ErrorKind::{case}`: {error}")
}

/// Checks a source of bundles; `publish` must make the given bars the current version of the given bundle. They are daily
/// bars that are known at midnight, without missing values.
///
/// # Panics
/// With the promise of [`BundleSource`] that is broken.
pub fn bundle_source<S: BundleSource + ?Sized>(source: &S, publish: impl Fn(&BundleName, &MarketData))
where
    S::Bundle: Sized,
{
    let (name, other) = (name("conformance"), name("conformance-2"));
    missing_bundles_are_named(|name| source.version(name).map(|_| ()));
    missing_bundles_are_named(|name| source.open(name).map(|_| ()));

    let data = original();
    publish(&name, &data);
    let first = opens(source, &name, &data);
    assert_eq!(source.open(&name).expect("it opens again").version(), first.version());
    let others = Market::common(8, 2, 20).generate();
    publish(&other, &others);
    let foreign = opens(source, &other, &others);
    opens(source, &name, &data);
    versions_can_be_pinned(source, &name, &first, &data);
    no_other_version_is_served(source, &name, foreign.version());
    missing_bundles_have_no_versions(source, first.version());

    let mut seen = vec![first.version()];
    for (what, corrected) in corrections(&data) {
        publish(&name, &corrected);
        let second = opens(source, &name, &corrected);
        assert!(!seen.contains(&second.version()), "{what} kept the version");
        seen.push(second.version());
        bundle_holds(&*first, &data);
        let foreign = first.assets().ids().next().expect("it has assets");
        assert!(
            second.bars(foreign).is_err(),
            "an identifier of the old version was accepted by the new one"
        );
        versions_can_be_pinned(source, &name, &second, &corrected);
        match source.open_version(&name, first.version()) {
            Ok(pinned) => is_pinned(&*pinned, first.version(), &data),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::VersionNotFound { .. }),
                "a version that is no longer there must be refused with `ErrorKind::VersionNotFound`; {}",
                came_instead(&error)
            ),
        }
    }
    publish(&name, &data);
    opens(source, &name, &data);
    opens(source, &other, &others);
    everybody_opens_the_same(source, &name);
}

/// What a source says is current opens as what was published.
fn opens<S: BundleSource + ?Sized>(source: &S, name: &BundleName, data: &MarketData) -> Arc<S::Bundle>
where
    S::Bundle: Sized,
{
    let opened = source.open(name).expect("a published bundle opens");
    let says = source.version(name).expect("a published bundle has a version");
    bundle(&*opened);
    bundle_holds(&*opened, data);
    assert_eq!(says, opened.version(), "what is opened is not of the version that is said to be current");
    opened
}

fn versions_can_be_pinned<S: BundleSource + ?Sized>(
    source: &S,
    name: &BundleName,
    current: &Arc<S::Bundle>,
    data: &MarketData,
) where
    S::Bundle: Sized,
{
    let pinned = source.open_version(name, current.version()).expect("the current version can be pinned");
    is_pinned(&*pinned, current.version(), data);
    no_other_version_is_served(source, name, BundleVersion([0x5a; 32]));
}

fn is_pinned(pinned: &dyn Bundle, version: BundleVersion, data: &MarketData) {
    assert_eq!(pinned.version(), version, "another version was pinned");
    bundle_holds(pinned, data);
}

fn no_other_version_is_served<S: BundleSource + ?Sized>(source: &S, name: &BundleName, other: BundleVersion) {
    match source.open_version(name, other).map(|pinned| pinned.version()) {
        Ok(pinned) => panic!("{name} never had version {other}, and {pinned} was opened"),
        Err(error) => {
            assert!(
                matches!(error.kind(), ErrorKind::VersionNotFound { .. }),
                "a version that never was must be refused with `ErrorKind::VersionNotFound`; {}",
                came_instead(&error)
            );
        }
    }
}

fn missing_bundles_have_no_versions<S: BundleSource + ?Sized>(source: &S, version: BundleVersion) {
    let Err(error) = source.open_version(&name("no-such-bundle"), version) else {
        panic!("a bundle that does not exist was opened by a version of another");
    };
    let is_named =
        matches!(error.kind(), ErrorKind::VersionNotFound { .. } | ErrorKind::BundleNotFound { .. });
    assert!(
        is_named,
        "a version of a missing bundle must be refused with `ErrorKind::VersionNotFound` or `BundleNotFound`; {}",
        came_instead(&error)
    );
}

fn everybody_opens_the_same<S: BundleSource + ?Sized>(source: &S, name: &BundleName) {
    let current = source.version(name).expect("it has a version");
    thread::scope(|scope| {
        let open = || source.open(name).map(|bundle| bundle.version());
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        for thread in threads {
            let opened = thread.join().expect("no panic on another thread").expect("it opens");
            assert_eq!(opened, current, "threads open different versions");
        }
    });
}

/// Checks a source of tables; `publish` must make the given bars the current table of the given name. They are daily
/// bars that are known at midnight, without missing values. Prices may be rounded to 1e-10 of themselves.
///
/// # Panics
/// With the promise of [`TableSource`] that is broken.
pub fn table_source<T: TableSource + ?Sized>(source: &T, publish: impl Fn(&BundleName, &MarketData)) {
    let (name, other) = (name("conformance"), name("conformance-2"));
    missing_bundles_are_named(|name| source.version(name).map(|_| ()));
    missing_bundles_are_named(|name| source.read(name).map(|_| ()));

    let (data, others) = (original(), Market::common(8, 2, 20).generate());
    publish(&name, &data);
    let mut seen = vec![reads(source, &name, &data)];
    publish(&other, &others);
    reads(source, &other, &others);
    reads(source, &name, &data);
    for (what, corrected) in corrections(&data) {
        publish(&name, &corrected);
        let version = reads(source, &name, &corrected);
        assert!(!seen.contains(&version), "{what} kept the version");
        seen.push(version);
    }
    reads(source, &other, &others);
}

/// What a source says is current is read as what was published.
fn reads<T: TableSource + ?Sized>(source: &T, name: &BundleName, data: &MarketData) -> BundleVersion {
    let says = source.version(name).expect("a published table has a version");
    let table = source.read(name).expect("a published table is read");
    assert_eq!(says, table.version, "what is read is not of the version that is said to be current");
    assert_eq!(table.rows(), data.rows(), "rows are missing, or too many");
    let grouped = GroupedBars::from_table(&table).expect("the table can be grouped");
    holds(&grouped, data, are_close);
    says
}

/// As near as a price gets that was a decimal on its way.
fn are_close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| approx::relative_eq!(a, b, max_relative = 1e-10))
}

fn original() -> MarketData {
    Market::staggered(5, 3, 60, 30).with_gaps(0.1).generate()
}

/// What a vendor's correction can be, each of one value or row. The bars stay ones that an ingest accepts.
fn corrections(data: &MarketData) -> Vec<(&'static str, MarketData)> {
    let correct = |change: fn(&mut AssetData)| {
        let mut data = data.clone();
        change(&mut data.assets[1]);
        data
    };
    let without_an_asset = MarketData { assets: data.assets[..2].to_vec(), ..data.clone() };
    vec![
        ("a corrected open", correct(|asset| asset.columns[0][3] = other_in_range(asset, 0, 3))),
        ("a corrected high", correct(|asset| add_cents(&mut asset.columns[1][3], 1.0))),
        ("a corrected low", correct(|asset| add_cents(&mut asset.columns[2][3], -1.0))),
        ("a corrected close", correct(|asset| asset.columns[3][3] = other_in_range(asset, 3, 3))),
        ("a corrected volume", correct(|asset| asset.columns[4][3] += 1.0)),
        ("a bar that is left out", correct(without_a_bar)),
        ("another name of an asset", correct(|asset| asset.name.push('X'))),
        ("an asset that is left out", without_an_asset),
    ]
}

/// To the double nearest to the price in decimals, as it comes back from decimals.
fn add_cents(price: &mut f64, cents: f64) {
    *price = ((*price * 100.0).round() + cents) / 100.0;
}

/// The high where the value is not the high, else the low.
fn other_in_range(asset: &AssetData, column: usize, bar: usize) -> f64 {
    let [value, high, low] = [column, 1, 2].map(|column| asset.columns[column][bar]);
    if value == high { low } else { high }
}

fn without_a_bar(asset: &mut AssetData) {
    asset.timestamps.remove(7);
    asset.columns.iter_mut().for_each(|column| _ = column.remove(7));
}

fn name(name: &str) -> BundleName {
    BundleName::new(name).expect("a plain name")
}

fn missing_bundles_are_named(ask: impl Fn(&BundleName) -> Result<()>) {
    let missing = name("no-such-bundle");
    let error = ask(&missing).expect_err("a missing bundle was found");
    assert!(
        matches!(error.kind(), ErrorKind::BundleNotFound { name, .. } if *name == missing),
        "a missing bundle must be refused with `ErrorKind::BundleNotFound` and its name, {missing}; {}",
        came_instead(&error)
    );
}

fn names_and_identifiers_agree(bundle: &dyn Bundle) {
    let assets = bundle.assets();
    assert_eq!(assets.version(), bundle.version(), "the asset list belongs to another version");
    for (id, name) in assets.ids().zip(assets.names()) {
        assert_eq!(assets.id(name).ok(), Some(id), "{name} does not resolve to its identifier");
    }
}

fn the_calendar_is_the_union_of_all_bars(bundle: &dyn Bundle) {
    let bars = |asset| bundle.bars(asset).expect("own asset");
    let mut union: Vec<_> =
        bundle.assets().ids().flat_map(|asset| bars(asset).timestamps()).copied().collect();
    union.sort_unstable();
    union.dedup();
    same_list("the calendar is not the union of all bars", &union, bundle.calendar().as_slice());
}

fn bars_ascend_and_have_every_column(bundle: &dyn Bundle) {
    let columns = 5 + bundle.extra_columns().len();
    for asset in bundle.assets().ids() {
        let bars = bundle.bars(asset).expect("own asset");
        assert!(bars.timestamps().is_sorted_by(|a, b| a < b), "bars of {asset} do not ascend");
        assert_eq!(bars.view().shape(), [bars.len(), 5], "the matrix of {asset} has another shape");
        let present = |field: Option<Field>| field.and_then(|field| bars.get(field)).map(<[f64]>::len);
        for extra in 5..columns {
            assert_eq!(
                present(Field::extra(extra - 5)),
                Some(bars.len()),
                "column {extra} of {asset} is not there"
            );
        }
    }
}

fn foreign_identifiers_are_refused(bundle: &dyn Bundle) {
    let other = BundleVersion(bundle.version().0.map(|byte| !byte));
    let beyond = AssetId::new(bundle.assets().len() as u32, bundle.version());
    for asset in [AssetId::new(0, other), beyond] {
        let refusals = [("bars", bundle.bars(asset).err()), ("adjustments", bundle.adjustments(asset).err())];
        for (method, refusal) in refusals {
            let kind = refusal.as_ref().map(Error::kind);
            assert!(
                matches!(kind, Some(ErrorKind::ForeignAsset { .. })),
                "`Bundle::{method}` must refuse {asset}, which is not of this bundle, with `ErrorKind::ForeignAsset`; {}",
                refusal.as_ref().map_or("got an answer".to_owned(), came_instead)
            );
        }
    }
}

fn fields_resolve_by_name(bundle: &dyn Bundle) {
    for field in Field::OHLCV {
        let name = Field::NAMES[field.index()];
        assert_eq!(bundle.field(name).ok(), Some(field), "{name} resolves to another field");
    }
    for (extra, name) in bundle.extra_columns().iter().enumerate() {
        assert_eq!(bundle.field(name).ok(), Field::extra(extra), "{name} resolves to another field");
    }
    let error = bundle.field("no such field").expect_err("an unknown field resolved");
    assert!(
        matches!(error.kind(), ErrorKind::UnknownField { allowed, .. } if allowed.len() >= 5),
        "an unknown field must be refused with `ErrorKind::UnknownField` and the fields that there are; {}",
        came_instead(&error)
    );
}

fn adjustments_ascend(bundle: &dyn Bundle) {
    for asset in bundle.assets().ids() {
        let adjustments = bundle.adjustments(asset).expect("own asset");
        let ascend = adjustments.is_sorted_by_key(|adjustment| adjustment.ex_date);
        assert!(ascend, "adjustments of {asset} do not ascend by ex-date");
    }
}

fn the_slab_shows_the_same_bars(bundle: &dyn Bundle) {
    let Some(slab) = bundle.slab() else { return };
    let calendar = bundle.calendar();
    slab.check_slice(calendar.len()).expect("the slab is sound");
    assert_eq!(slab.spans.len(), bundle.assets().len(), "the slab has other assets");
    for asset in bundle.assets().ids() {
        let (bars, fast) = (bundle.bars(asset).expect("own asset"), slab.bars(asset.rank()));
        same_list(
            &format!("the slab shows other timestamps of {asset}"),
            bars.timestamps(),
            fast.timestamps(),
        );
        for column in 0..5 + bundle.extra_columns().len() {
            let field = Field::OHLCV.get(column).copied().or_else(|| Field::extra(column.wrapping_sub(5)));
            let field = field.expect("a column number");
            assert!(
                oracle::same_bits(bars.field(field), fast.field(field)),
                "the slab shows another {field} of {asset}"
            );
        }
        positions_agree_with_a_search(
            &slab.spans[asset.rank()],
            slab.positions,
            calendar.as_slice(),
            bars.timestamps(),
        );
    }
}

fn positions_agree_with_a_search<T: Ord>(span: &Span, positions: &[u32], calendar: &[T], bars: &[T]) {
    for position in 0..=calendar.len() {
        let now = position.checked_sub(1).map(|last| &calendar[last]);
        let known = now.map_or(0, |now| bars.partition_point(|bar| bar <= now));
        assert_eq!(
            span.known(positions, position),
            known,
            "the slab knows other bars: {span:?} at position {position}"
        );
    }
}

fn the_same_call_gives_the_same_answer_on_every_thread(bundle: &dyn Bundle) {
    let columns =
        || Field::OHLCV.into_iter().chain((0..bundle.extra_columns().len()).filter_map(Field::extra));
    let answers = || {
        let bars = |asset| bundle.bars(asset).expect("own asset");
        let values =
            |asset| columns().flat_map(move |field| bars(asset).field(field)).map(|value| value.to_bits());
        let of_asset = |asset| (bars(asset).timestamps().to_vec(), values(asset).collect::<Vec<_>>());
        (
            bundle.version(),
            bundle.calendar().as_slice().to_vec(),
            bundle.assets().ids().map(of_asset).collect(),
        )
    };
    let here: (_, _, Vec<_>) = answers();
    assert!(answers() == here, "the same call gives another answer");
    thread::scope(|scope| {
        let others: Vec<_> = (0..4).map(|_| scope.spawn(answers)).collect();
        for other in others {
            assert!(other.join().expect("no panic on another thread") == here, "threads see different bars");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::{FakeSource, FakeTables, Layout};

    #[test]
    fn the_fakes_conform() {
        let source = FakeSource::default();
        bundle_source(&source, |name, data| {
            source.publish(name, data);
        });
        let tables = FakeTables::default();
        table_source(&tables, |name, data| {
            tables.publish(name, data, &Layout::default());
        });
        let bundle = Market::common(2, 3, 30).with_missing(0.1).generate().bundle().without_slab();
        super::bundle(&bundle);
        bundle_on_the_heap(&bundle);
    }
}
