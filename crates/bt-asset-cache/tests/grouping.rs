//! Grouped bars against the naive oracle, for any order of rows, chunking and encoding.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod oracle;

use std::collections::BTreeSet;
use std::sync::Arc;

use bt_asset_cache::{FilteredBars, GroupedBars};
use bt_core::{Bundle, Timestamp};
use oracle::{
    Assets, CASES, DAY, Encoding, Naive, Numbers, Row, Stamps, naive, read, some_cuts, some_encoding,
    some_rows, table,
};
use proptest::prelude::*;

fn at(day: i32) -> Timestamp {
    Timestamp::from_nanos(i64::from(day) * DAY * 1_000_000_000)
}

/// What the index promises, asked for at every moment.
fn assert_positions_agree(bundle: &GroupedBars) {
    let slab = bundle.slab().unwrap();
    let calendar = bundle.calendar();
    for (span, id) in slab.spans.iter().zip(bundle.assets().ids()) {
        let bars = bundle.bars(id).unwrap();
        assert_eq!(slab.bars(id.rank()).timestamps(), bars.timestamps());
        for position in 0..=calendar.len() {
            let now = position.checked_sub(1).map_or(Timestamp::MIN, |last| calendar[last]);
            assert_eq!(span.known(slab.positions, position), bars.until(now).len());
        }
    }
}

fn moments(naive: &Naive) -> Vec<i64> {
    naive.values().flat_map(|bars| bars.keys().copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn grouped_is_filtered_is_naive_for_any_order_chunking_and_encoding(
        (rows, _) in some_rows(250), encoding in some_encoding(), cuts in some_cuts(),
    ) {
        let table = table(&rows, encoding, &cuts);
        let expected = naive(&rows, encoding);
        let grouped = GroupedBars::from_table(&table).unwrap();
        prop_assert_eq!(&read(&grouped), &expected);
        let calendar: Vec<i64> = grouped.calendar().iter().map(|moment| moment.as_nanos()).collect();
        prop_assert_eq!(&calendar, &moments(&expected));
        grouped.slab().unwrap().check(calendar.len()).unwrap();
        assert_positions_agree(&grouped);

        let filtered = FilteredBars::from_table(table).unwrap();
        prop_assert_eq!(&read(&filtered), &expected);
        prop_assert_eq!(filtered.calendar().as_slice(), grouped.calendar().as_slice());
        prop_assert_eq!(&read(&filtered.fresh().unwrap()), &expected);
    }

    #[test]
    fn two_bars_of_an_asset_at_one_moment_are_refused_by_name_and_moment(
        (rows, _) in some_rows(120), encoding in some_encoding(), cuts in some_cuts(),
        twin in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!rows.is_empty());
        let mut rows = rows;
        let twin = Row { cents: [Some(1); 5], ..rows[twin.index(rows.len())].clone() };
        rows.insert(place.index(rows.len() + 1), twin.clone());
        let single = naive(&[twin], encoding);
        let (name, bars) = single.first_key_value().unwrap();
        let moment = Timestamp::from_nanos(*bars.keys().next().unwrap());
        let expected = format!("asset {name:?} at {moment}: there are two bars of this asset at this moment");

        let table = table(&rows, encoding, &cuts);
        prop_assert_eq!(GroupedBars::from_table(&table).unwrap_err().to_string(), expected.clone());
        let filtered = FilteredBars::from_table(table).unwrap();
        let asset = filtered.assets().id(name).unwrap();
        prop_assert_eq!(filtered.bars(asset).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_slice_is_what_became_known_in_its_range(
        (rows, _) in some_rows(250), encoding in some_encoding(), after in -8..26i32, days in 1..30i32, second in 1..20i32,
    ) {
        let whole = Arc::new(GroupedBars::from_table(&table(&rows, encoding, &[])).unwrap());
        let expected = |after: Timestamp, until: Timestamp| {
            let within = |moment: &i64| (after.as_nanos() + 1..=until.as_nanos()).contains(moment);
            let mut naive = naive(&rows, encoding);
            naive.values_mut().for_each(|bars| bars.retain(|moment, _| within(moment)));
            naive
        };
        let until = after + days;
        let slice = Arc::new(whole.slice(at(after), at(until)).unwrap());
        prop_assert_eq!(read(&*slice), expected(at(after), at(until)));
        let calendar: Vec<i64> = slice.calendar().iter().map(|moment| moment.as_nanos()).collect();
        prop_assert_eq!(calendar, moments(&expected(at(after), at(until))));
        assert_positions_agree(&slice);

        let again = slice.slice(at(after), at(after + second)).unwrap();
        prop_assert_eq!(read(&again), expected(at(after), at(until.min(after + second))));
        assert_positions_agree(&again);
        prop_assert!(Arc::ptr_eq(again.whole().unwrap(), &whole));
    }

    #[test]
    fn the_content_version_depends_on_the_bars_alone(
        (rows, _) in some_rows(120), encoding in some_encoding(), cuts in some_cuts(),
        changed in any::<prop::sample::Index>(), column in 0..5usize,
    ) {
        let version = |rows: &[Row], cuts: &[usize]| {
            GroupedBars::from_table(&table(rows, encoding, cuts)).unwrap().content_version()
        };
        let content = version(&rows, &cuts);
        let mut shuffled = rows.clone();
        shuffled.reverse();
        prop_assert_eq!(version(&shuffled, &[]), content);
        if !rows.is_empty() {
            let cents = &mut shuffled[changed.index(rows.len())].cents[column];
            *cents = cents.map_or(Some(0), |cents| Some(cents ^ 1));
            prop_assert_ne!(version(&shuffled, &[]), content);
        }
    }
}

/// The child of the next test, in which no thread can be started; alone it does nothing.
#[test]
fn child_without_threads() {
    if std::env::var_os("BT_WITHOUT_THREADS").is_none() {
        return;
    }
    assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "a thread of 1 PiB was started");
    println!("content {}", sample().content_version());
}

fn sample() -> GroupedBars {
    let row = |at: u8| Row { asset: at % 3, day: i32::from(at / 3), cents: [Some(i16::from(at)); 5] };
    let rows: Vec<Row> = (0..60).map(row).collect();
    let encoding =
        Encoding { assets: Assets::Utf8, stamps: Stamps::Dates, numbers: Numbers::Float64, label: None };
    GroupedBars::from_table(&table(&rows, encoding, &[])).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn the_content_version_is_the_same_where_no_thread_can_be_had() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_without_threads", "--nocapture", "--test-threads=1"])
        // No address space has room for such a stack.
        .env("RUST_MIN_STACK", (1_u64 << 50).to_string())
        .env("BT_WITHOUT_THREADS", "1")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    let told = format!("content {}", sample().content_version());
    assert!(child.status.success() && out.contains(&told), "{out}{err}");
}
