//! No bar of a table is visible before its end, whatever the timestamps look like and whether anybody labelled them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Date64Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use bt_asset_cache::{FilteredBars, GroupedBars, Label, Table};
use bt_core::{Bundle, BundleVersion, Frequency, Timestamp};

const DAY: i64 = 86_400;

fn table(columns: impl IntoIterator<Item = ArrayRef>) -> Table {
    let batch = |stamps: ArrayRef| {
        let rows = stamps.len();
        let ones = || Arc::new(Float64Array::from(vec![1.0; rows])) as ArrayRef;
        let assets = Arc::new(StringArray::from(vec!["A"; rows])) as ArrayRef;
        let prices = ["open", "high", "low", "close", "volume"].map(|name| (name, ones()));
        RecordBatch::try_from_iter([("asset", assets), ("timestamp", stamps)].into_iter().chain(prices))
            .unwrap()
    };
    Table::new(BundleVersion([1; 32]), columns.into_iter().map(batch).collect())
}

/// When the bars became known, with and without Layer 1.
fn known(table: &Table) -> Result<Vec<String>, String> {
    let text = |bundle: &dyn Bundle| {
        let bars = bundle.bars(bundle.assets().id("A").unwrap()).unwrap();
        bars.timestamps().iter().map(Timestamp::to_string).collect::<Vec<_>>()
    };
    let told = |error: bt_core::Error| error.to_string();
    let grouped = GroupedBars::from_table(table).map(|bars| text(&bars)).map_err(told);
    let filtered = FilteredBars::from_table(table.clone()).map(|bars| text(&bars)).map_err(told);
    assert_eq!(grouped, filtered, "with and without Layer 1");
    grouped
}

/// These seconds in every type of column that can hold them as times.
fn times(seconds: &[i64]) -> Vec<ArrayRef> {
    let scaled = |scale: i64| seconds.iter().map(|second| second * scale).collect::<Vec<_>>();
    vec![
        Arc::new(TimestampSecondArray::from(scaled(1))),
        Arc::new(TimestampMillisecondArray::from(scaled(1_000))),
        Arc::new(TimestampMicrosecondArray::from(scaled(1_000_000)).with_timezone("UTC")),
        Arc::new(TimestampNanosecondArray::from(scaled(1_000_000_000))),
        Arc::new(TimestampNanosecondArray::from(scaled(1_000_000_000)).with_timezone("UTC")),
        Arc::new(Int64Array::from(scaled(1_000_000_000))),
    ]
}

fn dates(days: &[i32]) -> Vec<ArrayRef> {
    vec![
        Arc::new(Date32Array::from(days.to_vec())),
        Arc::new(days.iter().map(|day| Some(i64::from(*day) * DAY * 1000)).collect::<Date64Array>()),
    ]
}

#[test]
fn a_daily_bar_stamped_midnight_is_invisible_before_its_close_in_a_table() {
    // The fifth and the eighth of January 2024.
    let (days, midnights) = ([19_727, 19_730], [19_727 * DAY, 19_730 * DAY]);
    for stamps in times(&midnights).into_iter().chain(dates(&days)) {
        let table = table([Arc::clone(&stamps)]);
        assert_eq!(known(&table).unwrap(), ["2024-01-06T00:00:00Z", "2024-01-09T00:00:00Z"]);
        let grouped = GroupedBars::from_table(&table).unwrap();
        let bars = grouped.bars(grouped.assets().id("A").unwrap()).unwrap();
        for (now, visible) in
            [("2024-01-05T10:00:00Z", 0), ("2024-01-05T23:59:59Z", 0), ("2024-01-06T00:00:00Z", 1)]
        {
            let now = now.parse().unwrap();
            assert_eq!(bars.until(now).len(), visible, "{} at {now}", stamps.data_type());
            assert_eq!(grouped.calendar().known_at(now), visible);
        }
        for label in [Label::Start, Label::Date] {
            assert_eq!(known(&Table { label: Some(label), ..table.clone() }), known(&table), "{label:?}");
        }
    }
}

#[test]
fn an_end_is_an_end_where_that_is_stated_unless_it_is_a_date() {
    let label = Some(Label::End);
    for stamps in times(&[19_727 * DAY, 19_727 * DAY + 60_000]) {
        let known = known(&Table { label, ..table([stamps]) }).unwrap();
        assert_eq!(known, ["2024-01-05T00:00:00Z", "2024-01-05T16:40:00Z"]);
    }
    for stamps in dates(&[19_727]) {
        assert_eq!(known(&Table { label, ..table([stamps]) }).unwrap(), ["2024-01-06T00:00:00Z"]);
    }
}

#[test]
fn a_time_without_a_label_is_a_start() {
    for stamps in times(&[19_727 * DAY + 57_600]) {
        let daily = table([stamps]);
        assert_eq!(known(&daily).unwrap(), ["2024-01-06T16:00:00Z"]);
        let minutes = Table { frequency: Frequency::Minutes(5), ..daily };
        assert_eq!(known(&minutes).unwrap(), ["2024-01-05T16:05:00Z"]);
    }
    // A minute bar may well start at midnight.
    for stamps in times(&[19_727 * DAY]) {
        let minutes = Table { frequency: Frequency::Minutes(1), ..table([stamps]) };
        assert_eq!(known(&minutes).unwrap(), ["2024-01-05T00:01:00Z"]);
    }
}

#[test]
fn one_time_in_the_last_batch_says_that_midnights_before_it_are_no_days() {
    let batch = |seconds: &[i64]| Arc::new(TimestampSecondArray::from(seconds.to_vec())) as ArrayRef;
    let midnights = table([batch(&[0, DAY]), batch(&[]), batch(&[2 * DAY])]);
    assert_eq!(midnights.settled_label().unwrap(), Label::Date);
    let times = table([batch(&[0, DAY]), batch(&[]), batch(&[2 * DAY + 1])]);
    assert_eq!(times.settled_label().unwrap(), Label::Start);
}

#[test]
fn dates_among_times_are_refused_by_place() {
    let (date, time) = (dates(&[1]).remove(0), times(&[2 * DAY]).remove(0));
    let what = "column \"timestamp\": a date with";
    assert_eq!(
        known(&table([Arc::clone(&date), Arc::clone(&time)])).unwrap_err(),
        format!("batch 2, row 1, {what} a time, but batch 1, row 1 has none")
    );
    assert_eq!(
        known(&table([Arc::clone(&time), date])).unwrap_err(),
        format!("batch 2, row 1, {what}out a time, but batch 1, row 1 has a time")
    );
    let odd = Arc::new(Date64Array::from(vec![DAY * 1000, DAY * 1000 + 1]));
    assert_eq!(
        known(&table([odd as ArrayRef])).unwrap_err(),
        format!("batch 1, row 2, {what} a time, but batch 1, row 1 has none")
    );
    // A batch without rows says nothing.
    assert!(known(&table([time, dates(&[]).remove(0)])).is_ok());
}

#[test]
fn bars_within_a_day_that_have_dates_or_are_no_frequency_are_refused() {
    let date = table(dates(&[1]).into_iter().take(1));
    let refused = known(&Table { frequency: Frequency::Minutes(5), ..date.clone() }).unwrap_err();
    assert!(refused.starts_with("frequency = 5m is out of range; allowed: 1d"), "{refused}");
    let time = table(times(&[60]).into_iter().take(1));
    let label = Some(Label::Date);
    let refused = known(&Table { frequency: Frequency::Minutes(5), label, ..time.clone() }).unwrap_err();
    assert!(refused.starts_with("label = Date is out of range"), "{refused}");
    for minutes in [0, 1440] {
        assert!(known(&Table { frequency: Frequency::Minutes(minutes), ..time.clone() }).is_err());
    }
}

fn in_new_york(seconds: &[i64]) -> ArrayRef {
    Arc::new(TimestampSecondArray::from(seconds.to_vec()).with_timezone("America/New_York"))
}

#[test]
fn days_of_a_column_in_a_time_zone_end_at_its_midnights() {
    // 00:00 of 2024-03-09 and, after clocks were set forward, of 2024-03-11.
    let midnights = [1_709_960_400, 1_710_129_600];
    let table = table([in_new_york(&midnights)]);
    assert_eq!(known(&table).unwrap(), ["2024-03-10T05:00:00Z", "2024-03-12T04:00:00Z"]);
    let conventions = GroupedBars::from_table(&table).unwrap().conventions().clone();
    assert_eq!(conventions.zone, "America/New_York");
    // Midnights UTC are evenings there: times, which a bar may start at.
    let evenings = self::table([in_new_york(&[19_727 * DAY])]);
    assert_eq!(evenings.settled_label().unwrap(), Label::Start);
    // Taken for the days that they lie in, as stated, they are over at 05:00 UTC, not at 00:00.
    let stated = Table { label: Some(Label::Date), ..evenings };
    assert_eq!(known(&stated).unwrap(), ["2024-01-05T05:00:00Z"]);
}

#[test]
fn a_time_zone_that_is_unknown_or_another_than_before_is_refused() {
    let unknown = TimestampSecondArray::from(vec![0]).with_timezone("Mars/Olympus");
    let refused = known(&table([Arc::new(unknown) as ArrayRef])).unwrap_err();
    assert!(refused.starts_with("batch 1, column \"timestamp\": "), "{refused}");
    assert!(refused.contains("Mars/Olympus"), "{refused}");
    let utc: ArrayRef = Arc::new(TimestampSecondArray::from(vec![DAY]).with_timezone("Etc/UTC"));
    assert_eq!(
        known(&table([utc, in_new_york(&[DAY])])).unwrap_err(),
        "batch 2, column \"timestamp\": the time zone is America/New_York, but that of the batches before is UTC"
    );
}
