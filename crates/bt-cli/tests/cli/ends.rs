//! How commands end: exit codes, errors that name things, pipes that close, colours.

use std::fs;
use std::process::Stdio;

use bt_bundle::bt_core::{BundleName, Frequency, Timestamp};
use bt_bundle::{DraftShape, Store};
use serde_json::Value;

use super::place::{Place, Run};

fn with_bundle() -> Place {
    let place = Place::new();
    place.write("a.csv", "Ticker,Date,Open,High,Low,Close,Volume\nIBM,2024-01-05,1,2,0.5,1.5,10\n");
    place.done("ingest us-equities a.csv");
    place
}

#[test]
fn what_is_not_there_ends_with_4_and_the_nearest_name() {
    let place = with_bundle();
    for command in ["inspect", "verify", "append", "gc"] {
        let rest = match command {
            "append" => " a.csv",
            "gc" => " --keep 1",
            _ => "",
        };
        let run = place.run(&format!("{command} us-equitis{rest}"));
        run.fails(4, &["error: no bundle named \"us-equitis\"; did you mean us-equities?"]);
        run_without_store(&place, &format!("{command} us-equities{rest}"));
    }
    run_without_store(&place, "list");
    place.run("inspect us-equities --version 0123").fails(4, &["has no version 0123; it has "]);
}

fn run_without_store(place: &Place, line: &str) {
    place
        .run(&format!("{line} --store nowhere"))
        .fails(4, &["no store at nowhere", "`bt ingest NAME FILES`"]);
}

#[test]
fn what_is_not_allowed_ends_with_2_and_what_is() {
    let place = with_bundle();
    for (line, told) in [
        ("", "Usage: bt"),
        ("ingets us a.csv", "'ingest'"),
        ("ingest us", "<FILES>..."),
        ("ingest a.csv us", "the bundle's name comes first"),
        ("ingest prices/a.csv", "the bundle's name comes first"),
        ("ingest us a.csv --zone Berlin", "Europe"),
        ("ingest us a.csv --no-extras --extra x", "cannot be used with"),
        ("gc us-equities --keep 0", "0 is not in 1.."),
        ("gc us-equities", "--keep"),
        ("inspect us-equities --version XY", "hexadecimal digits"),
        ("completions tcsh", "bash"),
        ("inspect con", "device name"),
    ] {
        let run = place.run(line);
        let code = if line == "ingest a.csv us" { 4 } else { 2 };
        let told = if line.contains("Berlin") { "America/New_York" } else { told };
        run.fails(code, &[told]);
    }
}

#[test]
fn damage_ends_with_3_and_is_named() {
    let place = with_bundle();
    let version = place.json("list")["bundles"][0]["version"].as_str().unwrap().to_owned();
    let manifest = place.path(&format!("bundles/us-equities/{version}/manifest.json"));
    fs::remove_file(&manifest).unwrap();
    fs::write(&manifest, "{").unwrap();
    place.run("inspect us-equities").fails(3, &["manifest", &version, "hint: `bt verify us-equities"]);
    let verified = place.run("verify us-equities");
    assert!(verified.code == 0 && verified.out.contains("is intact"), "{verified:?}");
    assert!(verified.err.contains("the manifest of us-equities") && verified.err.contains("cannot be read"));
    let bars = place.path(&format!("bundles/us-equities/{version}/bars.arrow"));
    let mut bytes = fs::read(&bars).unwrap();
    let at = bytes.windows(8).position(|window| window == 1.5_f64.to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::remove_file(&bars).unwrap();
    fs::write(&bars, bytes).unwrap();
    place.run("verify us-equities").fails(3, &["close of asset \"IBM\"", "hint: ingest it again"]);
    place.write("later.csv", "Ticker,Date,Open,High,Low,Close,Volume\nIBM,2024-01-08,1,2,0.5,1.5,10\n");
    place.run("append us-equities later.csv").fails(3, &["close of asset \"IBM\"", "hint: ingest it again"]);
    // The hint is right.
    let report = place.json("ingest us-equities a.csv");
    assert_eq!((&report["unchanged"], &report["repaired"]), (&false.into(), &true.into()));
    assert_eq!(report["version"], version);
    place.done("verify us-equities");
    place.done("inspect us-equities");
    assert!(place.done("ingest us-equities a.csv").contains("(was there already)"));
    assert_eq!(place.json("append us-equities later.csv")["new_bars"], 1);
}

#[test]
fn a_repair_is_told() {
    let place = with_bundle();
    let version = place.json("list")["bundles"][0]["version"].as_str().unwrap().to_owned();
    fs::remove_file(place.path(&format!("bundles/us-equities/{version}/digests.arrow"))).unwrap();
    let report = place.done("ingest us-equities a.csv");
    assert!(report.contains("(was there, damaged, and is repaired)"), "{report}");
}

#[test]
fn a_missing_file_of_a_version_is_damage_and_named() {
    for file in ["bars.arrow", "index.arrow", "digests.arrow"] {
        let place = with_bundle();
        let version = place.json("list")["bundles"][0]["version"].as_str().unwrap().to_owned();
        fs::remove_file(place.path(&format!("bundles/us-equities/{version}/{file}"))).unwrap();
        for line in ["verify us-equities", "append us-equities a.csv"] {
            place.run(line).fails(3, &[&format!("{file} is missing")]);
        }
    }
    let place = with_bundle();
    let head = place.path("bundles/us-equities/HEAD");
    fs::remove_file(&head).unwrap();
    fs::write(&head, "0".repeat(64)).unwrap();
    for line in
        ["verify us-equities", "append us-equities a.csv", "inspect us-equities", "gc us-equities --keep 1"]
    {
        place.run(line).fails(3, &["us-equities", &"0".repeat(64)]);
    }
    assert!(place.json("list")["bundles"][0]["damage"].is_string());
    // Nobody says that it is there.
    let asked = place.run(&format!("verify us-equities --version {}", "0".repeat(64)));
    asked.fails(4, &["has no version"]);
}

#[test]
fn a_version_of_unknown_age_is_kept_and_told() {
    let place = with_bundle();
    let version = place.json("list")["bundles"][0]["version"].as_str().unwrap().to_owned();
    place.write("b.csv", "Ticker,Date,Open,High,Low,Close,Volume\nIBM,2024-01-05,1,2,0.5,1.25,10\n");
    place.done("ingest us-equities b.csv");
    fs::remove_file(place.path(&format!("bundles/us-equities/{version}/manifest.json"))).unwrap();
    let told = place.done("gc us-equities --keep 1");
    assert!(told.contains("of unknown age") && told.contains("manifest.json is missing"), "{told}");
    let collected = place.json("gc us-equities --keep 1");
    assert_eq!((&collected["removed"], &collected["kept"]), (&Value::Array(vec![]), &2.into()));
    assert_eq!(collected["unknown"][0]["version"], version);
    assert!(collected["unknown"][0]["reason"].as_str().unwrap().contains("manifest.json is missing"));
}

#[test]
fn no_control_character_of_a_file_or_an_argument_reaches_the_terminal() {
    let place = with_bundle();
    let version = place.json("list")["bundles"][0]["version"].as_str().unwrap().to_owned();
    // A bundle from before the rule for names.
    for (file, change) in [("index.arrow", true), ("manifest.json", false)] {
        let path = place.path(&format!("bundles/us-equities/{version}/{file}"));
        let mut bytes = fs::read(&path).unwrap();
        if change {
            let at = bytes.windows(3).position(|window| window == b"IBM").unwrap();
            bytes[at + 1] = 0x1b;
        } else {
            let text = String::from_utf8(bytes).unwrap();
            bytes = text.replace("ingested from", "\\u001b[2J\\u009b").into_bytes();
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    let page = place.done("inspect us-equities --assets");
    assert!(page.contains("\nI\\u{1b}M ") && page.contains("\\u{1b}[2J\\u{9b}"), "{page}");
    let json = place.done("inspect us-equities --assets --json");
    let damaged = place.run("verify us-equities");
    let mut odd = place.command("ingest us");
    let odd = Run::of("ingest", &odd.arg("a\u{1b}[31m.csv").output().unwrap());
    assert_eq!((damaged.code, odd.code), (3, 4), "{odd:?}");
    for text in [page, json, damaged.err, odd.err] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bundles_are_made_where_no_thread_can_be_had() {
    let (place, lonely) = (with_bundle(), Place::new());
    let rows = |days: std::ops::RangeInclusive<u32>| {
        let rows =
            days.flat_map(|day| ["A", "B", "C"].map(|a| format!("{a},2024-01-{day:02},1,2,0.5,1.5,10\n")));
        format!("Ticker,Date,Open,High,Low,Close,Volume\n{}", rows.collect::<String>())
    };
    for place in [&place, &lonely] {
        place.write("first.csv", rows(1..=9)).write("later.csv", rows(10..=12));
    }
    for line in ["ingest us first.csv --json", "append us later.csv --json", "verify us --json"] {
        // No address space has room for such a stack.
        let output = lonely.command(line).env("RUST_MIN_STACK", (1_u64 << 50).to_string()).output().unwrap();
        let (alone, usual) = (Run::of(line, &output), place.run(line));
        assert_eq!((alone.code, usual.code), (0, 0), "{alone:?} {usual:?}");
        let version = |run: &Run| serde_json::from_str::<Value>(&run.out).unwrap()["version"].clone();
        assert_eq!(version(&alone), version(&usual), "{line}");
    }
}

#[test]
fn a_damaged_bundle_is_listed_beside_the_others() {
    let place = with_bundle();
    place.done("ingest other a.csv");
    fs::remove_file(place.path("bundles/other/HEAD")).unwrap();
    place.write("bundles/other/HEAD", "nothing");
    let list = place.done("list");
    assert!(list.contains("us-equities") && list.contains("\"nothing\" is not exactly 64"), "{list}");
    assert!(place.json("list")["bundles"][0]["damage"].is_string());
    place.run("inspect other").fails(3, &["HEAD is damaged"]);
}

#[test]
fn a_bundle_that_is_being_written_ends_with_5() {
    let place = with_bundle();
    let store = Store::open(place.path("bundles")).unwrap();
    let day = Timestamp::from_date(2024, 1, 6).unwrap();
    let shape = DraftShape {
        frequency: Frequency::Daily,
        conventions: Default::default(),
        extra_columns: vec![],
        assets: vec![("IBM".to_owned(), 1)],
        calendar: vec![day],
        adjustments: Default::default(),
        origin: "a test".to_owned(),
    };
    let name: BundleName = "us-equities".parse().unwrap();
    let draft = store.draft(&name, shape).unwrap();
    for line in ["gc us-equities --keep 1", "append us-equities a.csv", "ingest us-equities a.csv"] {
        place.run(line).fails(5, &["us-equities", "try again"]);
    }
    drop(draft);
    place.done("gc us-equities --keep 1");
}

#[test]
fn errors_are_objects_where_the_output_is_for_programs() {
    let place = with_bundle();
    for (line, code, kind) in [
        ("inspect nothing --json", 4, "not-found"),
        ("--json gc us-equities", 2, "usage"),
        ("ingest us a.csv --frequency 5m --json", 2, "usage"),
        ("list --json --store nowhere", 4, "not-found"),
    ] {
        let run = place.run(line);
        run.fails(code, &[]);
        let error: Value = serde_json::from_str(&run.err).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!(
            (&error["error"]["code"], &error["error"]["kind"]),
            (&code.into(), &kind.into()),
            "{line}"
        );
        assert!(error["error"]["message"].as_str().unwrap().len() > 10, "{line}");
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let place = with_bundle();
    for line in
        ["list", "list --json", "inspect us-equities", "completions bash", "--help", "ingest us a.csv"]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(line).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let run = Run::of(line, &output);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{line}");
    }
}

#[test]
fn an_empty_store_is_no_error_and_says_what_to_do() {
    let place = Place::new();
    fs::create_dir(place.path("bundles")).unwrap();
    let run = place.run("list");
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    assert!(run.err.contains("has no bundles; `bt ingest NAME FILES` makes one"), "{run:?}");
    assert_eq!(place.json("list")["bundles"], Value::Array(vec![]));
}

#[test]
fn completions_know_every_command_in_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.done(&format!("completions {shell}"));
        for word in ["ingest", "append", "inspect", "session-close"] {
            assert!(script.contains(word), "{shell} knows no {word}");
        }
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let place = with_bundle();
    let coloured = |settings: &[(&str, &str)]| {
        let output = place.command("list").envs(settings.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "0"), ("NO_COLOR", "1")]));
}
