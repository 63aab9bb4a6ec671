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

use std::sync::Arc;
use std::thread;

use bt_asset_cache::TableSource;
use bt_core::{AssetId, Bundle, BundleName, BundleSource, BundleVersion, ErrorKind, Field, Result, Span};

use crate::{Market, MarketData, oracle};

/// Checks one open bundle.
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

/// Checks that an open bundle holds exactly these bars, bit by bit.
///
/// # Panics
/// With the first difference.
pub fn bundle_holds(bundle: &dyn Bundle, data: &MarketData) {
    let names: Vec<_> = data.assets.iter().map(|asset| asset.name.as_str()).collect();
    assert_eq!(bundle.assets().names().collect::<Vec<_>>(), names, "the assets differ");
    assert_eq!(bundle.calendar().as_slice(), data.calendar(), "the calendars differ");
    assert_eq!(bundle.frequency(), data.frequency, "the frequencies differ");
    for asset in &data.assets {
        let bars =
            bundle.assets().id(&asset.name).and_then(|id| bundle.bars(id)).expect("the asset is listed");
        assert_eq!(bars.timestamps(), asset.timestamps, "timestamps of {}", asset.name);
        for field in Field::OHLCV {
            let same = oracle::same_bits(bars.field(field), &asset.columns[field.index()]);
            assert!(same, "{field} of {} differs", asset.name);
        }
    }
}

/// Checks a source of bundles; `publish` must make the given bars the current version of the given bundle.
///
/// # Panics
/// With the promise of [`BundleSource`] that is broken.
pub fn bundle_source<S: BundleSource + ?Sized>(source: &S, publish: impl Fn(&BundleName, &MarketData))
where
    S::Bundle: Sized,
{
    let (name, data) = (name("conformance"), Market::staggered(5, 3, 60, 30).with_gaps(0.1).generate());
    missing_bundles_are_named(|name| source.version(name).map(|_| ()));
    missing_bundles_are_named(|name| source.open(name).map(|_| ()));

    publish(&name, &data);
    let first = source.open(&name).expect("a published bundle opens");
    bundle(&*first);
    bundle_holds(&*first, &data);
    assert_eq!(source.version(&name).expect("a published bundle has a version"), first.version());
    assert_eq!(source.open(&name).expect("it opens again").version(), first.version());

    let corrected = data.clone().with_corrected_close(1, 3);
    publish(&name, &corrected);
    let second = source.open(&name).expect("the corrected bundle opens");
    assert_ne!(first.version(), second.version(), "a corrected price kept the version");
    assert_eq!(source.version(&name).expect("it has a version"), second.version(), "the version is stale");
    bundle_holds(&*second, &corrected);
    bundle_holds(&*first, &data);
    let foreign = first.assets().ids().next().expect("it has assets");
    assert!(second.bars(foreign).is_err(), "an identifier of the old version was accepted by the new one");

    versions_can_be_pinned(source, &name, &first, &second);
}

fn versions_can_be_pinned<S: BundleSource + ?Sized>(
    source: &S,
    name: &BundleName,
    old: &Arc<S::Bundle>,
    new: &Arc<S::Bundle>,
) {
    let pinned = source.open_version(name, new.version()).expect("the current version can be pinned");
    assert_eq!(pinned.version(), new.version());
    match source.open_version(name, old.version()) {
        Ok(pinned) => assert_eq!(pinned.version(), old.version(), "another version was pinned"),
        Err(error) => assert!(matches!(error.kind(), ErrorKind::VersionNotFound { .. }), "{error:?}"),
    }
    let unknown = source
        .open_version(name, BundleVersion([0x5a; 32]))
        .map(|_| ())
        .expect_err("there is no such version");
    assert!(matches!(unknown.kind(), ErrorKind::VersionNotFound { .. }), "{unknown:?}");
}

/// Checks a source of tables; `publish` must make the given bars the current table of the given name.
///
/// # Panics
/// With the promise of [`TableSource`] that is broken.
pub fn table_source<T: TableSource + ?Sized>(source: &T, publish: impl Fn(&BundleName, &MarketData)) {
    let (name, data) = (name("conformance"), Market::staggered(6, 3, 40, 20).generate());
    missing_bundles_are_named(|name| source.version(name).map(|_| ()));
    missing_bundles_are_named(|name| source.read(name).map(|_| ()));

    publish(&name, &data);
    let first = source.read(&name).expect("a published table is read");
    assert_eq!(source.version(&name).expect("it has a version"), first.version, "read and version disagree");
    assert_eq!(first.batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), data.rows());

    publish(&name, &data.with_corrected_close(0, 2));
    let second = source.read(&name).expect("the corrected table is read");
    assert_ne!(first.version, second.version, "a corrected price kept the version");
    assert_eq!(source.version(&name).expect("it has a version"), second.version, "the version is stale");
}

fn name(name: &str) -> BundleName {
    BundleName::new(name).expect("a plain name")
}

fn missing_bundles_are_named(ask: impl Fn(&BundleName) -> Result<()>) {
    let missing = name("no-such-bundle");
    let error = ask(&missing).expect_err("a missing bundle was found");
    assert!(matches!(error.kind(), ErrorKind::BundleNotFound { name, .. } if *name == missing), "{error:?}");
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
    assert_eq!(bundle.calendar().as_slice(), union, "the calendar is not the union of all bars");
}

fn bars_ascend_and_have_every_column(bundle: &dyn Bundle) {
    let columns = 5 + bundle.extra_columns().len();
    for asset in bundle.assets().ids() {
        let bars = bundle.bars(asset).expect("own asset");
        assert!(bars.timestamps().is_sorted_by(|a, b| a < b), "bars of {asset} do not ascend");
        assert_eq!(bars.view().shape(), [bars.len(), 5]);
        let present = |field: Option<Field>| field.and_then(|field| bars.get(field)).map(<[f64]>::len);
        for extra in 5..columns {
            assert_eq!(present(Field::extra(extra - 5)), Some(bars.len()), "column {extra} of {asset}");
        }
    }
}

fn foreign_identifiers_are_refused(bundle: &dyn Bundle) {
    let other = BundleVersion(bundle.version().0.map(|byte| !byte));
    let beyond = AssetId::new(bundle.assets().len() as u32, bundle.version());
    for asset in [AssetId::new(0, other), beyond] {
        for refusal in [bundle.bars(asset).err(), bundle.adjustments(asset).err()] {
            let kind = refusal.as_ref().map(bt_core::Error::kind);
            assert!(matches!(kind, Some(ErrorKind::ForeignAsset { .. })), "{asset} gave {refusal:?}");
        }
    }
}

fn fields_resolve_by_name(bundle: &dyn Bundle) {
    for field in Field::OHLCV {
        assert_eq!(bundle.field(Field::NAMES[field.index()]).ok(), Some(field));
    }
    for (extra, name) in bundle.extra_columns().iter().enumerate() {
        assert_eq!(bundle.field(name).ok(), Field::extra(extra));
    }
    let error = bundle.field("no such field").expect_err("an unknown field resolved");
    assert!(
        matches!(error.kind(), ErrorKind::UnknownField { allowed, .. } if allowed.len() >= 5),
        "{error:?}"
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
    assert_eq!(slab.spans.len(), bundle.assets().len(), "a span for each asset");
    for asset in bundle.assets().ids() {
        let (bars, fast) = (bundle.bars(asset).expect("own asset"), slab.bars(asset.rank()));
        assert_eq!(bars.timestamps(), fast.timestamps(), "timestamps of {asset}");
        for column in 0..5 + bundle.extra_columns().len() {
            let field = Field::OHLCV.get(column).copied().or_else(|| Field::extra(column.wrapping_sub(5)));
            let field = field.expect("a column number");
            assert!(oracle::same_bits(bars.field(field), fast.field(field)), "{field} of {asset}");
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
        assert_eq!(span.known(positions, position), known, "{span:?} at position {position}");
    }
}

fn the_same_call_gives_the_same_answer_on_every_thread(bundle: &dyn Bundle) {
    let digest = || {
        let bars = |asset| bundle.bars(asset).expect("own asset");
        let closes =
            |asset| bars(asset).field(Field::CLOSE).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        bundle.assets().ids().map(closes).collect::<Vec<_>>()
    };
    let here = digest();
    thread::scope(|scope| {
        let others: Vec<_> = (0..4).map(|_| scope.spawn(digest)).collect();
        for other in others {
            assert!(other.join().expect("no panic on another thread") == here, "threads see different bars");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use bt_core::{Adjustment, AdjustmentKind, AssetList, Bars, Calendar, Frequency, Timestamp};

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
        bundle(&Market::common(2, 3, 30).with_missing(0.1).generate().bundle().without_slab());
    }

    /// Splits in the wrong order, all else in order.
    struct Unsorted(crate::MemoryBundle, [Adjustment; 2]);

    impl Bundle for Unsorted {
        fn version(&self) -> BundleVersion {
            self.0.version()
        }
        fn assets(&self) -> &AssetList {
            self.0.assets()
        }
        fn calendar(&self) -> Calendar<'_> {
            self.0.calendar()
        }
        fn frequency(&self) -> Frequency {
            self.0.frequency()
        }
        fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
            self.0.bars(asset)
        }
        fn heap_bytes(&self) -> usize {
            self.0.heap_bytes()
        }
        fn adjustments(&self, asset: AssetId) -> Result<&[Adjustment]> {
            self.0.assets().rank(asset).map(|_| self.1.as_slice())
        }
    }

    #[test]
    #[should_panic(expected = "do not ascend by ex-date")]
    fn adjustments_out_of_order_are_found() {
        let split = |nanos| Adjustment {
            ex_date: Timestamp::from_nanos(nanos),
            kind: AdjustmentKind::Split { ratio: 2.0 },
        };
        bundle(&Unsorted(Market::common(1, 2, 10).generate().bundle(), [split(2), split(1)]));
    }

    #[test]
    #[should_panic(expected = "close of A0001 differs")]
    fn a_bundle_with_another_price_is_found() {
        let data = Market::common(2, 3, 30).generate();
        bundle_holds(&data.clone().with_corrected_close(1, 7).bundle(), &data);
    }
}
