//! Sweeps and walk-forwards as a new user tries them: what is refused, with which words and exit code, and what comes out.

use std::path::Path;

use super::place::{Place, Run, shipped};

/// A store with the shipped bars.
pub(super) fn with_bars() -> Place {
    let place = Place::new();
    place.done(&format!("ingest us {} --no-extras -q", shipped("stocks.parquet")));
    place
}

#[test]
fn what_cannot_be_swept_is_refused_with_what_is_allowed() {
    let place = with_bars();
    for (options, code, told) in [
        ("--param fsat=5..50", 2, &["no parameter \"fsat\"", "did you mean fast?"][..]),
        ("--param fast", 2, &["NAME=VALUES"]),
        ("--param fast=50..5:5", 2, &["a minimum that is not above the maximum"]),
        ("--where fast>slow", 2, &["at least one of its 100 points satisfies"]),
        ("--where fast<slw", 2, &["did you mean slow?"]),
        ("--param fast=1..1000000 --param slow=1..1000000", 2, &["1000000000000 points", "random search"]),
        ("--metric sharp", 2, &["no metric \"sharp\"", "did you mean sharpe?"]),
        ("--assets aapl", 4, &["no asset named \"aapl\"; did you mean AAPL?", "bt inspect NAME --assets"]),
        (
            "--from 1990-01-01 --until 1995-01-01",
            2,
            &["from 1990-01-01 until 1995-01-01", "a part with a bar, of 2000-03-01 to 2013-03-01"],
        ),
        // A Saturday and a Sunday.
        ("--from 2004-01-03 --until 2004-01-05", 2, &["from 2004-01-03 until 2004-01-05", "with a bar"]),
        ("--from 2010-01-01 --until 2010-01-01T00:00:00Z", 2, &["is not before"]),
        ("--from 2010-01-01 --until 2005-01-01", 2, &["--from 2010-01-01 is not before --until 2005-01-01"]),
        ("--from 2010", 2, &["--from: \"2010\" is not a timestamp", "YYYY-MM-DD"]),
        ("--search random --trials 0", 2, &["the number of trials = 0", "at least 1"]),
        ("--search halving --eta 1", 2, &["eta"]),
        ("--search halving --min-fidelity nan", 2, &["NaN"]),
        ("--cash -5", 2, &["initial cash = -5"]),
        ("--slippage-bps -1", 2, &["slippage in bps = -1"]),
        ("--periods-per-year nan", 2, &["periods per year = NaN"]),
        ("--deadline 0", 2, &["--deadline = 0.0", "from 0.001"]),
        ("--deadline 1e30", 2, &["--deadline = 1e30"]),
        ("--workers 0", 2, &["--workers"]),
        ("--bundle-version ffff", 4, &["bundle us has no version ffff; it has"]),
        ("--vectorised --metric calmar", 2, &["no metric \"calmar\""]),
        ("--vectorised --metric sharpe", 2, &["sum_of_returns and no other metric"]),
        ("--vectorised --cash 5", 2, &["--cash has no effect with --vectorised"]),
        ("--seed 5", 2, &["--seed has no effect with --search grid; it is for random, tpe"]),
    ] {
        place.run(&format!("sweep sma-crossover us {options} --out runs/no")).fails(code, told);
        assert!(!place.path("runs/no").exists(), "{options}");
    }
    place
        .run("sweep sma-crosover us")
        .fails(2, &["no strategy \"sma-crosover\"; did you mean sma-crossover?"]);
    place.run("sweep us sma-crossover").fails(2, &["the strategy comes first, then the bundle"]);
    place.run("sweep sma-crossover uss").fails(4, &["no bundle named \"uss\"; did you mean us?"]);
    place.run("sweep sma-crossover us --store none").fails(4, &["no store at none", "bt ingest"]);
    place.run("sweep sma-crossover").fails(2, &["BUNDLE"]);
}

#[test]
fn a_drawdown_is_looked_for_small_and_a_sharpe_ratio_large_unless_told_otherwise() {
    let place = with_bars();
    for (options, objective) in [
        ("--metric max_drawdown", "minimize max_drawdown"),
        ("--metric sharpe", "maximize sharpe"),
        ("--metric sharpe --minimize", "minimize sharpe"),
    ] {
        let out = place.done(&format!("sweep sma-crossover us --param fast=5|10 --param slow=60 {options}"));
        assert!(out.contains(objective), "{out}");
    }
}

#[test]
fn lengths_of_folds_that_do_not_fit_are_refused_with_what_is_allowed() {
    let place = with_bars();
    for (options, told) in [
        ("", &["--train", "--test"][..]),
        ("--train 0b --test 6m", &["the length = 0b", "500b (bars)"]),
        ("--train 2Y --test 6m", &["the length = 2Y", "2y (years)"]),
        ("--train 2 y --test 6m", &["unexpected argument"]),
        ("--train 20y --test 6m", &["enough for one fold", "149 bars of warm-up"]),
        ("--train 2y --test 6m --kind roling", &["did you mean rolling?"]),
        ("--train 2y --test 6m --kind expanding --embargo 5", &["embargo = 5"]),
        ("--train 2y --test 6m --purge 100000", &["purge of 100000"]),
    ] {
        let run = place.run(&format!("walk-forward sma-crossover us {options} --out runs/no"));
        run.fails(2, told);
        assert!(!place.path("runs/no").exists(), "{options}");
    }
}

#[test]
fn a_sweep_that_could_not_begin_leaves_what_else_a_folder_holds() {
    let place = with_bars();
    place.write("mine/notes.txt", "mine");
    place.run("sweep sma-crossover us --assets NOPE --out mine").fails(4, &["NOPE"]);
    let names: Vec<_> =
        std::fs::read_dir(place.path("mine")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["notes.txt"]);
    place.done("sweep sma-crossover us --param fast=5 --out mine -q");
    assert!(place.path("mine/notes.txt").exists() && place.path("mine/report.html").exists());
}

#[test]
fn a_folder_with_a_sweep_takes_no_other_and_goes_on_only_as_what_it_is() {
    let place = with_bars();
    place.done("sweep sma-crossover us --param fast=5 --out runs/first");
    let held = ["the folder runs/first holds a sweep already", "`--resume runs/first` goes on"];
    place.run("sweep momentum us --out runs/first").fails(2, &held);
    place.run("walk-forward sma-crossover us --train 4y --test 2y --out runs/first").fails(2, &held);
    place
        .run("walk-forward --resume runs/first")
        .fails(2, &["holds a sweep", "bt sweep --resume runs/first"]);
    for option in
        ["--metric calmar", "--seed 3", "--param fast=7", "--cash 5", "--until 2010-01-01", "--out x"]
    {
        let run = place.run(&format!("sweep --resume runs/first {option}"));
        run.fails(2, &["cannot be used with", option.split(' ').next().unwrap()]);
    }
    place.run("walk-forward --resume runs/first --train 2y").fails(2, &["cannot be used with", "--train"]);
    place.run("sweep --resume nothing").fails(4, &["no sweep in nothing: there is no request.json"]);
    place.run("report nothing").fails(4, &["no sweep in nothing"]);
    place.write("file", "");
    place.run("sweep sma-crossover us --out file").fails(1, &["create the folder file"]);
    place.write("mine/trials.csv", "my own");
    let told = ["mine/trials.csv is there, and mine holds no sweep"];
    place.run("sweep sma-crossover us --out mine").fails(2, &told);
    assert_eq!(std::fs::read_to_string(place.path("mine/trials.csv")).unwrap(), "my own");
    place.run("sweep sma-crossover us --out /proc/none/x").fails(1, &["create the folder /proc/none/x"]);
    assert_eq!(place.run("report file").code, 1);
}

#[test]
fn where_every_trial_fails_a_script_is_told_and_a_person_too() {
    let place = with_bars();
    let run = place.run("sweep sma-crossover us --param fast=5000..6000:500 --param slow=7000 -q");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("0 trials done, 3 failed or late"), "{run:?}");
    assert!(run.out.contains("at most 3270, since the data has 3270 bars"), "{run:?}");
    assert!(run.err.contains("no trial came to a result"), "{run:?}");
}

#[test]
fn a_sweep_stays_with_the_version_it_began_on_and_says_so_when_that_is_gone() {
    let place = with_bars();
    place.done("sweep sma-crossover us --param fast=5 --out runs/first");
    let before = table(&place.path("runs/first"));
    place.write(
        "later.csv",
        "Ticker,Date,Open,High,Low,Close,Volume\nIBM,2013-03-04,200,206,199,205,3700000\n",
    );
    place.done("append us later.csv");
    let line = "sweep --resume runs/first";
    let run = Run::of(line, &place.command(line).output().unwrap());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("has a newer version") && run.err.contains("stays with it"), "{run:?}");
    assert_eq!(table(&place.path("runs/first")), before);
    place.done("gc us --keep 1");
    let gone = "any more, on which this sweep began";
    place.run("sweep --resume runs/first").fails(4, &[gone, "`bt report DIR` writes what ran"]);
    // Without its bars and even without a store a ledger gives its trials.
    for store in ["", " --store nowhere"] {
        std::fs::remove_file(place.path("runs/first/trials.csv")).unwrap();
        let run = place.run(&format!("report runs/first{store}"));
        run.fails(4, &["trials of the sweep are written to", "trials.csv"]);
        assert_eq!(table(&place.path("runs/first")), before);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_workers() {
    let place = with_bars();
    let space = "sma-crossover us --param fast=5..20:5 --param slow=30..60:10";
    for (name, line) in [
        ("sweep", format!("sweep {space}")),
        ("walk", format!("walk-forward {space} --train 3y --validate 1y --test 2y")),
        ("bohb", format!("sweep {space} --search bohb --seed 7")),
    ] {
        let tables = [1, 2, 8].map(|workers| {
            let folder = format!("{name}{workers}");
            place.done(&format!("{line} --workers {workers} --out {folder} -q"));
            table(&place.path(&folder))
        });
        assert!(tables[0].lines().count() > 15, "{name}: {}", tables[0]);
        assert_eq!(tables[0], tables[1], "{name}");
        assert_eq!(tables[0], tables[2], "{name}");
    }
}

/// A store with one asset's daily bars: open, high, low and close of each day.
fn with_prices(days: &[[f64; 4]]) -> Place {
    let place = Place::new();
    let row = |(day, [open, high, low, close]): (usize, &[f64; 4])| {
        format!("2021-03-{:02},{open},{high},{low},{close},100\n", day + 1)
    };
    let rows: String = days.iter().enumerate().map(row).collect();
    place.write("ABC.csv", format!("Date,Open,High,Low,Close,Volume\n{rows}"));
    place.done("ingest x ABC.csv -q");
    place
}

const LAST_WINS: &str =
    "sweep momentum x --param lookback=1 --param hold=1 --param top=1 --metric total_return";

#[test]
fn what_falls_to_0_or_below_with_all_of_the_equity_in_it_is_ruin() {
    for low in [0.0, -5.5] {
        let place = with_prices(&[
            [8.0; 4],
            [8.0, 10.0, 8.0, 10.0],
            [10.0; 4],
            [10.0, 10.0, low, low],
            [12.0, 12.0, low, 12.0],
        ]);
        let metrics = &place.json(LAST_WINS)["top"][0]["metrics"];
        assert_eq!(
            (&metrics["total_return"], &metrics["max_drawdown"]),
            (&(-1.0).into(), &1.0.into()),
            "{low}"
        );
        assert_eq!((&metrics["trades"], &metrics["open_trades"]), (&1.0.into(), &0.0.into()), "{low}");
    }
}

#[test]
fn what_is_still_open_is_shown_beside_the_trades_that_ended() {
    let place = with_prices(&[[8.0; 4], [8.0, 10.0, 8.0, 10.0], [10.0; 4], [10.0, 10.0, 6.0, 6.0]]);
    let metrics = &place.json(LAST_WINS)["top"][0]["metrics"];
    assert_eq!((&metrics["trades"], &metrics["win_rate"]), (&0.0.into(), &serde_json::Value::Null));
    assert_eq!(metrics["open_trades"], 1.0);
    assert_eq!(metrics["open_return"], metrics["total_return"]);
    let table = place.done(LAST_WINS);
    assert!(table.contains("trades  open_trades  open_return"), "{table}");
    assert!(table.contains("     0            1      -0.4000"), "{table}");
    // Counts of what is seldom there are shown where it is.
    assert!(!table.contains("waits") && !table.contains("missing_returns"), "{table}");
}

#[test]
fn weights_that_waited_and_returns_that_are_missing_are_told() {
    let place = with_prices(&[
        [20.0; 4],
        [20.0, 21.0, 20.0, 21.0],
        [-3.0, 5.0, -4.0, -4.0],
        [5.0, 6.0, 5.0, 6.0],
        [6.0, 7.0, 6.0, 7.0],
    ]);
    let found = place.json(LAST_WINS);
    let metrics = &found["top"][0]["metrics"];
    assert_eq!((&metrics["waits"], &metrics["missing_returns"]), (&1.0.into(), &1.0.into()));
    assert_eq!(found["missing_returns"], 1);
    let table = place.done(LAST_WINS);
    assert!(table.contains("waits  missing_returns"), "{table}");

    let vectorised = "sweep sma-crossover x --vectorised --param fast=1 --param slow=2 --out v";
    let out = place.done(vectorised);
    assert!(out.contains("missing returns, at which a position earns nothing: 1;"), "{out}");
    let page = std::fs::read_to_string(place.path("v/report.html")).unwrap();
    assert!(page.contains("<b>Missing returns</b> 1: a close is missing there"), "the page does not tell");
}

#[test]
fn a_walk_forward_says_how_many_tests_are_not_among_the_joined_ones() {
    let place = with_bars();
    let line = "walk-forward momentum us --param lookback=20 --param hold=5 --train 4y --test 2y --param";
    let text = place.done(&format!("{line} top=1"));
    assert!(text.contains("out of sample, over all tests joined: return"), "{text}");
    let none = place.run(&format!("{line} top=99"));
    assert!(none.out.contains("out of sample: no test came to returns"), "{none:?}");
    assert!(none.out.contains("first failure: parameter top = 99"), "{none:?}");
    let none = place.run(&format!("{line} top=99 --json"));
    let json: serde_json::Value = serde_json::from_str(&none.out).unwrap();
    assert!(json["first_failure"].as_str().unwrap().contains("parameter top = 99"), "{json}");
    assert_eq!(json["untested_folds"].as_u64(), json["folds"].as_array().map(|folds| folds.len() as u64));
    assert!(json["out_of_sample_return"].is_null());
}

#[test]
fn what_programs_read_has_the_documented_keys() {
    let place = with_bars();
    let documentation = include_str!("../../../../docs/cli.md");
    let has = |object: &serde_json::Value, keys: &[&str]| {
        let map = object.as_object().unwrap();
        assert_eq!(map.len(), keys.len(), "{object}");
        for key in keys {
            assert!(map.contains_key(*key), "{key} is not in {object}");
            assert!(documentation.contains(&format!("`{key}`")), "{key} is not documented");
        }
    };
    let common = [
        "strategy",
        "bundle",
        "bundle_version",
        "search",
        "complete",
        "objective",
        "trials",
        "first_failure",
        "missing_returns",
        "top",
        "files",
        "periods_per_year",
        "periods_per_year_reason",
    ];
    let sweep = place.json("sweep sma-crossover us --out s --top 2");
    has(&sweep, &[&common[..], &["overfitting"]].concat());
    has(&sweep["trials"], &["total", "planned", "done", "failed", "deadline"]);
    has(&sweep["top"][1], &["number", "fidelity", "params", "metrics"]);
    let luck = [
        "trials",
        "sharpe",
        "expected_maximum_sharpe",
        "deflated_sharpe",
        "probability_of_overfitting",
        "probability_of_overfitting_undefined",
    ];
    has(&sweep["overfitting"], &luck);
    assert_eq!((&sweep["trials"]["done"], &sweep["complete"]), (&100.into(), &true.into()));
    assert_eq!(place.json("report s --top 2"), sweep);
    let walk = place.json("walk-forward sma-crossover us --param fast=5 --train 4y --test 2y");
    let joined = ["out_of_sample_return", "out_of_sample_sharpe", "out_of_sample_max_drawdown"];
    has(
        &walk,
        &[&common[..], &joined, &["folds", "untested_folds", "untested_after", "untested_after_day"]]
            .concat(),
    );
    assert!(joined.iter().all(|key| walk[key].is_f64()), "{walk}");
    let fold = [
        "fold",
        "params",
        "train_span",
        "train_days",
        "validation_span",
        "validation_days",
        "test_span",
        "test_days",
        "in_sample",
        "validation",
        "out_of_sample",
    ];
    has(&walk["folds"][0], &fold);
    assert_eq!(walk["folds"][0]["test_span"][0].as_str().unwrap().len(), "2004-10-05T00:00:00Z".len());
    let strategies = place.json("strategies");
    has(&strategies["strategies"][0], &["name", "about", "constraints", "vectorised", "parameters"]);
    has(&strategies["strategies"][0]["parameters"][0], &["name", "about", "domain", "default"]);
    let run = place.run("sweep sma-crossover us --assets NOPE --json");
    let error: serde_json::Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!((run.code, &error["error"]["kind"]), (4, &"not-found".into()));
}

#[test]
fn a_range_is_that_of_the_days_of_bars() {
    let place = with_bars();
    let bars = |range: &str| {
        let line =
            "sweep momentum us --param lookback=1 --param skip=0 --param hold=9 --param top=1 --metric bars";
        place.json(&format!("{line} {range}"))["top"][0]["metrics"]["bars"].as_f64().unwrap()
    };
    // A Friday, and the week after it.
    assert_eq!(bars("--from 2004-01-02 --until 2004-01-03"), 1.0);
    assert_eq!(bars("--from 2004-01-02T00:00 --until 2004-01-02T00:00:01Z"), 1.0);
    assert_eq!(bars("--from 2004-01-03 --until 2004-01-10"), 5.0);
    assert_eq!(bars("--from 2013-03-01"), 1.0);
    assert_eq!(bars("--until 2000-03-04"), 3.0);
}

#[test]
fn tests_of_a_walk_forward_begin_and_end_with_days_that_have_bars() {
    let place = with_bars();
    let line = "walk-forward sma-crossover us --param fast=5 --param slow=20 --train 4y --test 2y";
    let walk = place.json(line);
    let days =
        |fold: usize| [0, 1].map(|end| walk["folds"][fold]["test_days"][end].as_str().unwrap().to_owned());
    // 19 bars of warm-up from 1 March on, four years from the 28th on: a Sunday in 2004.
    assert_eq!(days(0), ["2004-03-29", "2006-03-27"]);
    assert_eq!(walk["folds"][0]["test_span"][0], "2004-03-30T00:00:00Z");
    assert_eq!(walk["folds"][0]["train_days"][0], "2000-03-28");
    assert_eq!(
        (&walk["untested_after_day"], &walk["untested_after"]),
        (&"2012-03-27".into(), &"2012-03-28T00:00:00Z".into())
    );
    let text = place.done(line);
    assert!(text.contains("2004-03-29  2006-03-27"), "{text}");
    assert!(text.contains("bars after 2012-03-27 are in no test"), "{text}");
}

#[test]
fn a_year_of_hourly_bars_around_the_clock_has_8760_and_is_told_with_its_reason() {
    let place = Place::new();
    let close = |hour: u32| 100.0 + f64::from(hour * 37 % 101) / 10.0;
    let row = |hour: u32| {
        let (day, close) = (hour / 24, close(hour));
        let date = format!("2024-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        format!("{date}T{:02}:00:00Z,{close},{close},{close},{close},1\n", hour % 24)
    };
    // Months of 28 days: some weeks lack days, the median week does not.
    let rows: String = (0..24 * 84).map(row).collect();
    place.write("BTC.csv", format!("Date,Open,High,Low,Close,Volume\n{rows}"));
    place.done("ingest btc BTC.csv --frequency 60m -q");
    let line = "sweep sma-crossover btc --param fast=2 --param slow=5 --out";
    let auto = place.json(&format!("{line} auto"));
    assert_eq!(auto["periods_per_year"], 8760.0);
    let reason = "365 days of 24 bars, since the median week has bars on 7 days";
    assert!(auto["periods_per_year_reason"].as_str().unwrap().starts_with(reason), "{auto}");
    let header = std::fs::read_to_string(place.path("auto/sweep.json")).unwrap();
    assert!(header.contains("periods=auto:8760"), "{header}");
    let page = std::fs::read_to_string(place.path("auto/report.html")).unwrap();
    assert!(page.contains("<b>Year</b> 8760 bars: 365 days of 24 bars"), "{}", &page[..4000]);
    assert!(place.done("report auto").contains("annual figures count 8760 bars a year: 365 days of 24 bars"));
    let given = place.json(&format!("{line} given --periods-per-year 1638"));
    assert_eq!(
        (&given["periods_per_year"], &given["periods_per_year_reason"]),
        (&1638.0.into(), &"as given".into())
    );
    let sharpe = |json: &serde_json::Value| json["top"][0]["metrics"]["sharpe"].as_f64().unwrap();
    assert!((sharpe(&auto) / sharpe(&given) - (8760.0_f64 / 1638.0).sqrt()).abs() < 1e-12);
    let vectorised = place.json("sweep sma-crossover btc --param fast=2 --param slow=5 --vectorised");
    assert!(vectorised["periods_per_year"].is_null(), "{vectorised}");
}

#[test]
fn parts_of_a_walk_forward_begin_with_the_indicators_of_the_longest_window() {
    let place = with_bars();
    let told = |options: &str| {
        let line = format!("walk-forward {options} --train 4y --test 2y --search random --trials 2");
        let run = Run::of(&line, &place.command(&line).output().unwrap());
        assert_eq!(run.code, 0, "{run:?}");
        run.err.lines().next().unwrap().to_owned()
    };
    for (options, bars) in [
        ("sma-crossover us", "149 bars"),
        ("sma-crossover us --param slow=60|200|80", "199 bars"),
        ("sma-crossover us --warm-up 7", "7 bars"),
        ("donchian-breakout us", "100 bars"),
        ("momentum us --param lookback=100", "100 bars"),
        ("rsi-reversion us --param lookback=20", "20 bars"),
    ] {
        let told = told(options);
        assert_eq!(told, format!("each part has {bars} before it for indicators"), "{options}");
    }
}

#[test]
fn the_luck_of_equal_trials_is_told_as_undefined_with_the_reason() {
    let place = with_bars();
    // Never below 1: no trial ever buys.
    let line =
        "sweep rsi-reversion us --param lookback=10|11|12 --param low=0.001 --metric total_return --out flat";
    let reason = "in no split of the data two trials have different Sharpe ratios in sample";
    let told = place.done(line);
    assert!(told.contains(&format!("probability of backtest overfitting: undefined; {reason}")), "{told}");
    let json = place.json("report flat");
    assert!(json["overfitting"]["probability_of_overfitting"].is_null(), "{json}");
    assert_eq!(json["overfitting"]["probability_of_overfitting_undefined"], reason, "{json}");
    assert!(std::fs::read_to_string(place.path("flat/report.html")).unwrap().contains(reason));
    let json = place.json("sweep sma-crossover us");
    assert!(json["overfitting"]["probability_of_overfitting"].is_f64(), "{json}");
    assert!(json["overfitting"]["probability_of_overfitting_undefined"].is_null(), "{json}");
}

/// The table of a folder without what differs from run to run: worker, start and duration, which are the last columns.
pub(super) fn table(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("trials.csv")).unwrap();
    assert!(text.lines().next().unwrap().ends_with(",worker,started_us,took_us"), "{text}");
    text.lines().map(|line| line.rsplitn(4, ',').last().unwrap().to_owned() + "\n").collect()
}
