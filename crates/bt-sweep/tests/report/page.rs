use bt_sweep::report::{
    Curve, Facts, Fold, Histogram, MAX_BYTES, Overfitting, Parameter, Pbo, ReportData, Span, Summarizer,
    TrialRow, TrialSummary, Unfinished, WalkForward, html, write,
};
use bt_sweep::{Objective, Status, Value};
use serde_json::Value as Json;

const NASTY: &str = "</script><script>alert('\"&<b>')</script><!--";

fn row<'a>(number: u64, params: &'a [Value], metrics: &'a [f64], status: &'a Status) -> TrialRow<'a> {
    TrialRow {
        number,
        fold: 0,
        params,
        fidelity: 1.0,
        status,
        metrics,
        worker: (number % 4) as u32,
        started_us: number * 10,
        took_us: 9,
    }
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{prefix}{at}")).collect()
}

/// A summary of `trials` of continuous parameters with metrics that are spread out.
fn many(trials: u64, parameters: usize, metrics: usize) -> TrialSummary {
    let names_of = names("metric", metrics);
    let space: Vec<Parameter> =
        names("p", parameters).iter().map(|name| Parameter::of_range(name, 0.0, 1.0, false)).collect();
    let mut summarizer = Summarizer::new(&space, &names_of, Objective::maximize("metric0")).unwrap();
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut point, mut values) = (vec![Value::Float(0.0); parameters], vec![0.0; metrics]);
    for number in 0..trials {
        point.iter_mut().for_each(|value| *value = Value::Float(uniform()));
        values.iter_mut().for_each(|value| *value = uniform() - 0.5);
        summarizer.add(&row(number, &point, &values, &Status::Done)).unwrap();
    }
    summarizer.finish()
}

/// What the script reads, as a browser would find it.
fn payload(page: &str) -> Json {
    let start = page.find("id=\"data\">").unwrap() + "id=\"data\">".len();
    let end = start + page[start..].find("</script").unwrap();
    serde_json::from_str(&page[start..end]).unwrap()
}

fn everything() -> ReportData {
    let days: Vec<i64> = (0..5000).map(|day| day * 86_400_000_000_000).collect();
    let equity: Vec<f64> = (0..5000).map(|day| 1.0 + (f64::from(day) / 90.0).sin() / 2.0).collect();
    let curve = || Curve::new("a curve", &days, &equity).unwrap();
    let span = Span { first_ns: 0, last_ns: days[4999], first_day_ns: 0, last_day_ns: days[4999] };
    let fold = |number: u32| Fold {
        number,
        train: span,
        validation: Some(span),
        test: span,
        params: vec![Value::Float(0.5)],
        in_sample: f64::from(number),
        out_of_sample: f64::NAN,
    };
    ReportData {
        curves: (0..12).map(|_| curve()).collect(),
        buy_and_hold: Some(curve()),
        walk_forward: Some(WalkForward { folds: (0..300).map(fold).collect(), out_of_sample: Some(curve()) }),
        overfitting: Some(Overfitting {
            trials: 9,
            sharpe: Some(1.0),
            expected_maximum: Some(0.5),
            deflated: Some(f64::NAN),
            pbo: Some(Pbo {
                probability: 0.2,
                splits: 70,
                logits: Some(Histogram::around_zero(&[1.0, -1.0])),
            }),
            no_pbo: None,
        }),
        ..ReportData::new(Facts { assets: names("ASSET", 3000), ..Facts::default() }, many(1000, 3, 4))
    }
}

fn assert_self_contained(page: &str) {
    for foreign in [
        "http://",
        "https://",
        "src=",
        "href=",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
        "import(",
        "//cdn",
    ] {
        assert!(!page.contains(foreign), "{foreign} in the page");
    }
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
}

#[test]
fn a_page_needs_nothing_else() {
    assert_self_contained(&html(&everything()));
}

#[test]
fn what_is_left_out_is_said() {
    let left_out = payload(&html(&everything()))["left_out"].to_string();
    assert!(left_out.contains("Only the first 10 of 12 curves are drawn."), "{left_out}");
    assert!(left_out.contains("Only the first 200 of 300 folds are drawn."), "{left_out}");
}

#[test]
fn a_million_trials_fit_into_five_megabytes() {
    let trials = many(1_000_000, 6, 16);
    assert_eq!(trials.counts.plotted, 1_000_000);
    assert!(trials.slices.is_none());
    let page = html(&ReportData { trials, ..everything() });
    assert!(page.len() <= MAX_BYTES, "{} bytes", page.len());
    assert!(payload(&page)["left_out"].to_string().contains("combinations of two parameters and a metric"));
}

#[test]
fn many_parameters_and_metrics_fit_into_five_megabytes() {
    for (trials, parameters, metrics) in [(2000, 70, 80), (20_000, 12, 30), (20_000, 2, 3)] {
        let page = html(&ReportData { trials: many(trials, parameters, metrics), ..everything() });
        assert!(page.len() <= MAX_BYTES, "{} bytes of {parameters} parameters", page.len());
        let heatmaps = payload(&page)["trials"]["heatmaps"].as_array().unwrap().len();
        assert!(heatmaps > 0, "no heat map of {parameters} parameters");
    }
}

#[test]
fn names_and_messages_of_any_length_fit_into_five_megabytes() {
    let long = |at: usize| format!("{at}{}", "<".repeat(5000));
    let space: Vec<Parameter> = (0..64)
        .map(|at| Parameter::of_values(long(at), (0..60).map(|i| Value::from(long(i).as_str()))))
        .collect();
    let metrics: Vec<String> = (0..64).map(long).collect();
    let mut summarizer = Summarizer::new(&space, &metrics, Objective::maximize(long(0))).unwrap();
    for number in 0..1000_usize {
        let point: Vec<Value> = (0..64).map(|_| Value::from(long(number % 60).as_str())).collect();
        let status = if number % 2 == 0 { Status::Done } else { Status::Failed(long(number)) };
        summarizer.add(&row(number as u64, &point, &[1.0; 64], &status)).unwrap();
    }
    let facts = Facts { strategy: long(1), assets: (0..100).map(long).collect(), ..Facts::default() };
    let page = html(&ReportData { facts, trials: summarizer.finish(), ..everything() });
    assert!(page.len() <= MAX_BYTES, "{} bytes", page.len());
    assert_self_contained(&page);
}

#[test]
fn no_text_leaves_its_place_in_the_page() {
    let space = [Parameter::of_values(NASTY, [NASTY, "b"]), Parameter::of_values("n", [1])];
    let mut summarizer = Summarizer::new(&space, &[NASTY.into()], Objective::minimize(NASTY)).unwrap();
    let point = [NASTY.into(), Value::Int(1)];
    summarizer.add(&row(0, &point, &[1.0], &Status::Done)).unwrap();
    summarizer.add(&row(1, &point, &[], &Status::Failed(NASTY.into()))).unwrap();
    let facts = Facts {
        strategy: NASTY.into(),
        settings: NASTY.into(),
        bundle: NASTY.into(),
        bundle_version: NASTY.into(),
        assets: vec![NASTY.into()],
        search: NASTY.into(),
        ..Facts::default()
    };
    let curve = Curve::new(NASTY, &[0], &[1.0]).unwrap();
    let data = ReportData { curves: vec![curve], ..ReportData::new(facts, summarizer.finish()) };
    let page = html(&data);
    assert_self_contained(&page);
    let head = page.split_once("id=\"data\">").unwrap().0;
    assert!(!head.contains("<b>'") && !head.contains("alert('"), "quotes are escaped outside of the data");
    let read = payload(&page);
    assert_eq!(read["trials"]["axes"][0]["name"], NASTY);
    assert_eq!(read["trials"]["failures"][0]["message"], NASTY);
    assert_eq!(read["curves"][0]["label"], NASTY);
}

#[test]
fn sweeps_without_anything_to_plot_have_a_page() {
    let objective = || Objective::maximize("m");
    let one = [Parameter::of_values("a", [1])];
    let nothing = Summarizer::new(&[], &["m".into()], objective()).unwrap().finish();
    let mut failed = Summarizer::new(&one, &["m".into()], objective()).unwrap();
    failed.add(&row(0, &[Value::Int(1)], &[], &Status::Deadline)).unwrap();
    let mut undefined = Summarizer::new(&one, &["m".into()], objective()).unwrap();
    undefined.add(&row(0, &[Value::Int(1)], &[f64::NAN], &Status::Done)).unwrap();
    for (summary, plotted, top) in [(nothing, 0, 0), (failed.finish(), 0, 0), (undefined.finish(), 1, 0)] {
        assert_eq!((summary.counts.plotted, summary.top.len()), (plotted, top));
        assert_self_contained(&html(&ReportData::new(Facts::default(), summary)));
    }
}

#[test]
fn infinite_and_undefined_metrics_keep_their_names() {
    let metrics = ["m", "n", "o"].map(String::from);
    let mut summarizer = Summarizer::new(&[], &metrics, Objective::maximize("m")).unwrap();
    summarizer.add(&row(0, &[], &[f64::INFINITY, f64::NAN, -0.5], &Status::Done)).unwrap();
    let read = payload(&html(&ReportData::new(Facts::default(), summarizer.finish())));
    assert_eq!(read["trials"]["top"][0]["metrics"], serde_json::json!(["Infinity", "NaN", -0.5]));
}

#[test]
fn trials_on_a_share_of_the_data_are_counted_and_not_plotted() {
    let space = [Parameter::of_values("a", [1])];
    let mut summarizer = Summarizer::new(&space, &["m".into()], Objective::maximize("m")).unwrap();
    for (number, fidelity) in [(0, 0.25), (1, 0.25), (2, 1.0)] {
        let params = [Value::Int(1)];
        summarizer.add(&TrialRow { fidelity, ..row(number, &params, &[9.0], &Status::Done) }).unwrap();
    }
    let summary = summarizer.finish();
    assert_eq!((summary.counts.done, summary.counts.plotted, summary.top.len()), (3, 1, 1));
    assert_eq!(summary.rungs.iter().map(|rung| rung.trials).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_report_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let data = ReportData::new(Facts::default(), many(10, 2, 1));
    write(&data, &path).unwrap();
    write(&data, &path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), html(&data));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
    let missing = folder.path().join("none").join("report.html");
    assert!(write(&data, &missing).unwrap_err().to_string().contains("report.html"));
}

#[test]
fn an_interrupted_sweep_says_so_first() {
    assert!(!html(&everything()).contains("Not complete"));
    for (planned, expected) in
        [(Some(15_000), "there are 2288 of 15000 trials"), (None, "there are 2288 trials")]
    {
        let page =
            html(&ReportData { unfinished: Some(Unfinished { trials: 2288, planned }), ..everything() });
        let place = page.find(expected).unwrap();
        assert!(place < page.find("id=\"plots\"").unwrap());
    }
}
