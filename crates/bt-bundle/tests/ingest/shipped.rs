//! The data that ships with the project.

use bt_bundle::{Extras, Ingest, IngestOptions};
use bt_core::{Bundle, BundleSource, Field, Frequency};

use crate::{Place, data, name};

#[test]
fn real_bars_are_the_same_version_from_csv_and_from_parquet() {
    let place = Place::new();
    let options = IngestOptions { extras: Extras::NONE, ..Default::default() };
    let csv = place.ingest(Ingest::new(options.clone()).csv(data("stocks.csv"))).unwrap();
    let parquet = place.ingest(Ingest::new(options).parquet(data("stocks.parquet"))).unwrap();
    assert_eq!(csv.version, parquet.version);
    assert_eq!((csv.bars, csv.assets, csv.rows_read), (12_154, 5, 12_154));
    assert_eq!((csv.rejected.count, csv.outside.count), (0, 0));
    assert!(parquet.unchanged && !csv.unchanged);
    assert_eq!((csv.frequency, csv.frequency_inferred), (Frequency::Daily, true));
    assert_eq!(csv.first, Some("2000-03-02".parse().unwrap()));
    assert_eq!(csv.last, Some("2013-03-02".parse().unwrap()));
}

/// The CSV file has more decimals of the adjusted close than the Parquet file keeps.
#[test]
fn adjusted_closes_are_an_extra_column_within_the_rounding_of_the_parquet_file() {
    let place = Place::new();
    let mut adjusted = Vec::new();
    for ingest in [
        Ingest::new(IngestOptions::default()).csv(data("stocks.csv")),
        Ingest::new(IngestOptions::default()).parquet(data("stocks.parquet")),
    ] {
        place.ingest(ingest).unwrap();
        let bundle = place.store.open(&name()).unwrap();
        let field = bundle.field("adj_close").unwrap();
        let aapl = bundle.bars(bundle.assets().id("AAPL").unwrap()).unwrap();
        assert_eq!(aapl.field(Field::CLOSE)[0], 130.31);
        adjusted.push(aapl.field(field).to_vec());
    }
    assert_eq!(adjusted[0].len(), 3270);
    approx::assert_abs_diff_eq!(adjusted[0][..], adjusted[1][..], epsilon = 0.5e-8 + 1e-12);
}

#[test]
fn the_report_tells_what_was_understood() {
    let place = Place::new();
    let report = place.ingest(Ingest::new(IngestOptions::default()).csv(data("stocks.csv"))).unwrap();
    let text = report.to_string();
    for part in [
        "12154 rows",
        "stocks.csv",
        "asset = \"Ticker\"",
        "timestamp = \"Date\"",
        "adj_close = \"Adj Close\"",
        "1d (inferred)",
        "a bar is known when that day ends in UTC",
        "5 assets, 12154 bars",
        "bars, 2000-03-01 to 2013-03-01",
        "fsync",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}
