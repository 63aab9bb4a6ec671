//! From files to a bundle and through all that can be done with it.

use super::place::{Place, shipped};

const LATER: &str = "Ticker,Date,Open,High,Low,Close,Volume,Adj Close\n\
                     IBM,2013-03-04,200,206,199,205,3700000,205\n\
                     NEW,2013-03-04,10,11,9,10,500,10\n";

#[test]
fn the_shipped_bars_go_from_a_file_to_a_bundle_and_through_every_command() {
    let place = Place::new();
    let report = place.done(&format!("ingest us {}", shipped("stocks.csv")));
    for told in ["read       12154 rows", "timestamp = \"Date\"", "assumed, no zone was stated", "5 assets"] {
        assert!(report.contains(told), "{told}: {report}");
    }
    let list = place.done("list");
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..6], ["us", "1d", "5", "12,154", "2000-03-01", "2013-03-01"]);
    let page = place.done("inspect us --assets");
    for told in
        ["columns    open, high, low, close, volume, adj_close", "FB       196  2012-05-18  2013-03-01"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(place.done("verify us").contains("is intact: 5 assets, 12,154 bars"));
    let appended = place.write("later.csv", LATER).done("append us later.csv");
    assert!(appended.contains("2 new bars") && appended.contains("6 assets, 12156 bars"), "{appended}");
    assert!(place.done("list").contains("12,156"));
    let collected = place.done("gc us --keep 1");
    assert!(collected.contains("removed 1 version"), "{collected}");
    assert!(place.done("verify us").contains("6 assets, 12,156 bars"));
}

#[test]
fn every_table_has_a_form_for_programs() {
    let place = Place::new();
    let ingested = place.json(&format!("ingest us {}", shipped("stocks.csv")));
    let version = ingested["version"].as_str().unwrap();
    assert_eq!((&ingested["bars"], &ingested["columns"]["close"]), (&12_154.into(), &"Close".into()));
    assert_eq!(ingested["left_out"]["count"], 0);
    let list = place.json("list");
    assert_eq!(list["bundles"][0]["name"], "us");
    assert_eq!(list["bundles"][0]["version"], version);
    let page = place.json("inspect us --assets");
    assert_eq!((&page["version"], &page["current"]), (&version.into(), &true.into()));
    assert_eq!((&page["assets"], &page["asset_ranges"][0]["name"]), (&5.into(), &"AAPL".into()));
    assert_eq!((&page["zone"], &page["label"]), (&"UTC".into(), &"end".into()));
    for bars in [&ingested, &list["bundles"][0], &page, &page["asset_ranges"][0]] {
        assert_eq!(
            (&bars["first"], &bars["first_day"]),
            (&"2000-03-02T00:00:00Z".into(), &"2000-03-01".into())
        );
        assert_eq!(
            (&bars["last"], &bars["last_day"]),
            (&"2013-03-02T00:00:00Z".into(), &"2013-03-01".into())
        );
    }
    assert_eq!(page["digests"]["calendar"].as_str().unwrap().len(), 64);
    assert_eq!(place.json("verify us")["intact"], true);
    let appended = place.write("later.csv", LATER).json("append us later.csv");
    assert_eq!((&appended["previous"], &appended["new_bars"]), (&version.into(), &2.into()));
    let old = place.json(&format!("inspect us --version {}", &version[..6]));
    assert_eq!((&old["version"], &old["current"]), (&version.into(), &false.into()));
    let collected = place.json("gc us --keep 1");
    assert_eq!(collected["removed"][0], version);
    assert!(collected["freed_bytes"].as_u64().unwrap() > 500_000, "{collected}");
}

#[test]
fn the_same_bars_are_the_same_version_from_either_format() {
    let place = Place::new();
    let version = |file| place.json(&format!("ingest us {} --no-extras", shipped(file)))["version"].clone();
    assert_eq!(version("stocks.csv"), version("stocks.parquet"));
    assert_eq!(place.json("inspect us")["versions"].as_array().unwrap().len(), 1);
}

#[test]
fn the_store_is_named_by_option_or_environment() {
    let place = Place::new();
    let line = format!("ingest us {} --store here", shipped("stocks.parquet"));
    place.done(&line);
    assert!(place.path("here/us/HEAD").is_file());
    assert!(!place.path("bundles").exists());
    let output = place.command("list").env("BT_STORE", "here").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("12,154"));
}

#[test]
fn a_quiet_command_reports_nothing_and_still_shows_what_is_asked_for() {
    let place = Place::new();
    for line in [&format!("-q ingest us {}", shipped("stocks.csv")), "verify us -q", "gc us --keep 1 -q"] {
        assert_eq!(place.done(line), "", "{line}");
    }
    assert!(place.done("list -q").contains("us"));
}
