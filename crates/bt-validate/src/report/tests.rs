#[path = "tests/synthetic.rs"]
mod synthetic;

use super::*;
use crate::claims::{Claim, Measure, Registry};
use crate::stats::{Round, judge};
use approx::assert_abs_diff_eq;

#[test]
fn a_report_survives_its_json() {
    let report = synthetic::report();
    let again: Report = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert!(again == report, "a bit was lost on the way");
    assert_eq!(again.claims.len(), report.claims.len());
    assert_eq!(again.claim("total.vs_careful.wide").unwrap().rounds.len(), 10);
}

#[test]
fn the_json_has_the_keys_that_readers_are_promised() {
    let json: serde_json::Value = serde_json::from_str(&synthetic::report().to_json().unwrap()).unwrap();
    for key in ["schema_version", "host", "revision", "toolchain", "claims"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    let keys = ["id", "target", "measured", "ci_low", "ci_high", "p", "n", "verdict", "rounds"];
    for claim in json["claims"].as_array().unwrap() {
        for key in keys {
            assert!(claim.get(key).is_some(), "{key} of {claim}");
        }
    }
    let production =
        json["claims"].as_array().unwrap().iter().find(|c| c["id"] == "total.time_saved.production");
    let rounds = production.unwrap()["rounds"].as_array().unwrap();
    assert!(rounds.iter().all(|round| round.as_array().unwrap().len() == 2));
}

#[test]
fn anybody_can_recompute_a_claim_from_its_rounds() {
    let report = synthetic::report();
    let timed = report.claims.iter().filter(|claim| claim.measure.is_timed() && claim.measured.is_some());
    for claim in timed {
        let judgement = judge(&claim.rounds, claim.measure.max_ratio(claim.target.unwrap())).unwrap();
        assert_eq!((claim.p, claim.verdict), (Some(judgement.p), Some(judgement.verdict)), "{}", claim.id);
        assert_eq!((claim.n, claim.rounds.len()), (judgement.n, judgement.n), "{}", claim.id);
        assert_eq!(claim.measured, Some(claim.measure.of_ratio(judgement.ratio.estimate)), "{}", claim.id);
    }
}

#[test]
fn every_claim_is_in_every_form() {
    let report = synthetic::report();
    let forms = [report.to_markdown(), report.to_html(), report.to_terminal(), report.to_json().unwrap()];
    for claim in Registry::standard().claims() {
        for form in &forms {
            assert!(form.contains(&claim.id), "{} is missing in {}…", claim.id, &form[..40]);
        }
    }
}

#[test]
fn the_forms_state_the_statistics_that_are_used() {
    let report = synthetic::report();
    let html = report.to_html();
    for said in ["wrong with a chance of 1.25 %", "97.5 %", "after 10 and after 30 rounds", "α = 2.5 %"] {
        assert!(html.contains(said) && report.to_markdown().contains(said), "{said}");
    }
    assert!(report.to_terminal().contains("interval (97.5 %)"));
}

#[test]
fn arms_that_ran_fewer_trials_are_named_in_every_form() {
    let mut report = synthetic::report();
    let forms = |report: &Report| [report.to_markdown(), report.to_html(), report.to_terminal()];
    for form in forms(&report) {
        assert!(form.contains("naive 12"), "{form}");
    }
    report.equivalence.retain(|one| one.fewer.is_empty());
    for form in &forms(&report)[..2] {
        assert!(
            form.contains("every trial of every arm gave the same bits") && !form.contains("naive 12"),
            "{form}"
        );
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let html = synthetic::report().to_html();
    for loading in ["http:", "https:", "src=", "<link", "@import", "url(", "<script"] {
        assert!(!html.contains(loading), "{loading}");
    }
}

#[test]
fn text_from_outside_stays_text() {
    let report = synthetic::report();
    let html = report.to_html();
    assert!(html.contains("&lt;b&gt;markup&lt;/b&gt; &amp; pipes") && !html.contains("<b>markup</b>"));
}

#[test]
fn every_row_of_a_markdown_table_has_the_columns_of_its_head() {
    let markdown = synthetic::report().to_markdown();
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut width = None;
    for line in markdown.lines() {
        let is_row = line.starts_with('|');
        assert!(!is_row || width.is_none_or(|width| width == cells(line)), "{line}");
        width = is_row.then(|| cells(line));
    }
}

#[test]
fn every_chart_has_its_numbers_in_a_table() {
    let report = synthetic::report();
    let html = report.to_html();
    let charts = html.matches("<svg").count();
    assert_eq!(charts, html.matches("role=\"img\"").count());
    // The distances from the targets have the table of claims; two more tables hold statistics.
    assert_eq!(charts - 1, html.matches("<summary>Table</summary>").count());
    assert!(!html.contains("NaN") && !html.contains("inf"), "a chart got a number that is none");
}

#[test]
fn the_exit_status_is_that_of_the_worst_claim() {
    let mut report = synthetic::report();
    assert_eq!((report.exit_status(), report.verdict()), (1, Some(Verdict::Refuted)));
    report.claims.retain(|claim| claim.verdict != Some(Verdict::Refuted));
    assert_eq!(report.exit_status(), 2);
    report.claims.retain(|claim| claim.verdict == Some(Verdict::Pass));
    assert_eq!(report.exit_status(), 0);
}

#[test]
fn a_report_without_any_section_still_renders() {
    let full = synthetic::report();
    let empty = Report {
        claims: Vec::new(),
        shown: Vec::new(),
        equivalence: Vec::new(),
        workloads: Vec::new(),
        break_even: None,
        scaling: Vec::new(),
        memory: Vec::new(),
        hit_rates: Vec::new(),
        heavy: Heavy::default(),
        gate: None,
        notes: Vec::new(),
        ..full
    };
    assert_eq!(empty.exit_status(), 0);
    assert!(empty.to_html().contains("0 claims") && empty.to_markdown().contains("0 claims"));
    assert!(empty.to_terminal().contains("0 claims"));
}

#[test]
fn three_files_are_written_into_a_folder_that_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let report_folder = folder.path().join("a/report");
    synthetic::report().write_to(&report_folder).unwrap();
    for name in ["report.json", "report.md", "report.html"] {
        assert!(report_folder.join(name).metadata().unwrap().len() > 1000, "{name}");
    }
}

#[test]
fn a_claim_that_was_not_measured_is_inconclusive_and_not_silent() {
    let report = synthetic::report();
    let missing = report.claim("workers.pss").unwrap();
    assert_eq!((missing.verdict, missing.measured), (Some(Verdict::Inconclusive), None));
    assert!(missing.note.as_ref().unwrap().contains("not measured"));
}

#[test]
fn a_whole_is_as_good_as_its_weakest_part() {
    let registry = Registry::standard().select("l2.cumulative.time_saved").unwrap();
    let part = |name: &str, ratio| {
        let claim = registry.get(&format!("l2.cumulative.time_saved.{name}")).unwrap();
        ClaimResult::timed(claim, &steady_rounds(ratio))
    };
    let settled = settle(&registry, vec![part("seed", 0.01), part("production", 0.2)]);
    let whole = &settled.claims[0];
    assert_eq!(whole.id, "l2.cumulative.time_saved");
    assert_eq!(whole.verdict, Some(Verdict::Refuted));
    assert_eq!(whole.weakest_part.as_deref(), Some("l2.cumulative.time_saved.production"));
    assert_eq!(whole.measured, settled.claims[2].measured);
    assert_eq!(whole.parts.len(), 2);
}

#[test]
fn of_parts_that_pass_the_one_whose_bound_is_nearest_to_its_target_stands_for_the_whole() {
    let registry = Registry::standard().select("l2.cumulative.time_saved").unwrap();
    let part = |name: &str, rounds: &[Round]| {
        let claim = registry.get(&format!("l2.cumulative.time_saved.{name}")).unwrap();
        ClaimResult::timed(claim, rounds)
    };
    // Far from its target with a wide interval, and near to it with a narrow one.
    let mut wide = steady_rounds(0.001);
    wide.iter_mut().step_by(2).for_each(|round| round.optimised_seconds *= 4.0);
    let settled = settle(&registry, vec![part("seed", &wide), part("production", &steady_rounds(0.04))]);
    assert_eq!(settled.claims[0].verdict, Some(Verdict::Pass));
    assert_eq!(settled.claims[0].weakest_part.as_deref(), Some("l2.cumulative.time_saved.production"));
}

#[test]
fn a_whole_with_a_part_missing_does_not_pass() {
    let registry = Registry::standard().select("l2.cumulative.time_saved").unwrap();
    let seed = registry.get("l2.cumulative.time_saved.seed").unwrap();
    let settled = settle(&registry, vec![ClaimResult::timed(seed, &steady_rounds(0.01))]);
    assert_eq!(settled.claims[0].verdict, Some(Verdict::Inconclusive));
}

#[test]
fn the_part_nearest_to_its_limit_stands_for_a_whole_of_counts() {
    let registry = Registry::standard().select("l2.memory.bytes").unwrap();
    let bytes =
        [("auto.seed", 4e6), ("auto.production", 1e6), ("always.seed", 150e6), ("always.production", 20e6)];
    let results = bytes.map(|(name, bytes)| {
        ClaimResult::exact(registry.get(&format!("l2.memory.bytes.{name}")).unwrap(), bytes)
    });
    let whole = settle(&registry, results.to_vec()).claims.remove(0);
    assert_eq!(whole.weakest_part.as_deref(), Some("l2.memory.bytes.auto.seed"));
    assert_eq!((whole.verdict, whole.p), (Some(Verdict::Pass), None));
}

#[test]
fn a_hit_rate_nearest_to_its_target_stands_for_the_whole() {
    let registry = Registry::standard().select("l2.hit_rate").unwrap();
    let part =
        |name: &str, rate| ClaimResult::exact(registry.get(&format!("l2.hit_rate.{name}")).unwrap(), rate);
    let whole = settle(&registry, vec![part("seed", 0.94), part("production", 0.99)]).claims.remove(0);
    assert_eq!(whole.weakest_part.as_deref(), Some("l2.hit_rate.seed"));
}

#[test]
fn the_page_has_the_engines_claims_in_a_section_of_their_own() {
    let html = synthetic::report().to_html();
    let heading = "<h2>Heavy operations and the engine</h2>";
    let (before, after) = html.split_once(heading).expect("the section is there");
    let own = after.split("<h2>").next().unwrap();
    for claim in Registry::standard().claims() {
        let is_own = claim.id.starts_with("heavy.") || claim.id.starts_with("sweep.");
        let row = format!("<code>{}</code><br>", claim.id);
        assert!(!is_own || claim.part_of.is_some() || own.contains(&row), "{}", claim.id);
        assert!(!is_own || !before.contains(&row), "{} is among the others", claim.id);
        assert!(is_own || !own.contains(&row), "{} is in the section", claim.id);
    }
    for said in ["1 of 3 rounds are left out", "persistent worker pool, threads", "OTHERS", "random search"] {
        assert!(own.contains(said), "{said}");
    }
}

#[test]
fn one_run_with_another_table_refutes_determinism() {
    let registry = Registry::standard();
    let claim = registry.get("sweep.determinism").unwrap();
    assert_eq!(ClaimResult::exact(claim, 0.0).verdict, Some(Verdict::Pass));
    assert_eq!(ClaimResult::exact(claim, 1.0).verdict, Some(Verdict::Refuted));
}

#[test]
fn the_space_that_saves_least_stands_for_all_of_them() {
    let registry = Registry::standard().select("heavy.bohb.bars_saved").unwrap();
    let part = |name: &str, saved| {
        ClaimResult::exact(registry.get(&format!("heavy.bohb.bars_saved.{name}")).unwrap(), saved)
    };
    let whole = settle(&registry, vec![part("crossover", 0.9), part("donchian", 0.0), part("rsi", 0.5)]);
    let whole = &whole.claims[0];
    assert_eq!(whole.weakest_part.as_deref(), Some("heavy.bohb.bars_saved.donchian"));
    assert_eq!((whole.verdict, whole.measured), (Some(Verdict::Refuted), Some(0.0)));
}

#[test]
fn counts_on_their_target_meet_it() {
    let registry = Registry::standard();
    let exact = |id: &str, value| ClaimResult::exact(registry.get(id).unwrap(), value).verdict;
    assert_eq!(exact("workers.pss", 1.3), Some(Verdict::Pass));
    assert_eq!(exact("workers.pss", 1.31), Some(Verdict::Refuted));
    assert_eq!(exact("l2.hit_rate.seed", 0.934), Some(Verdict::Pass));
    assert_eq!(exact("l2.hit_rate.seed", 0.9339), Some(Verdict::Refuted));
}

#[test]
fn time_saved_and_speed_up_are_two_readings_of_one_ratio() {
    let result = ClaimResult::timed(&production(), &steady_rounds(0.05));
    let (saved, times) = (result.time_saved.unwrap(), result.speed_up.unwrap());
    assert_abs_diff_eq!(saved, 1.0 - 1.0 / times, epsilon = 1e-12);
    assert_eq!(result.measured, Some(saved));
    assert!(result.ci_low < result.measured && result.measured < result.ci_high);
}

#[test]
fn a_difference_that_is_not_positive_makes_a_claim_inconclusive_and_says_why() {
    let mut rounds = steady_rounds(0.05);
    rounds[4].optimised_seconds = -1e-6;
    let result = ClaimResult::timed(&production(), &rounds);
    assert_eq!((result.verdict, result.measured), (Some(Verdict::Inconclusive), None));
    assert!(result.note.unwrap().contains("value 4"));
    assert_eq!(result.rounds.len(), 10, "the rounds are reported all the same");
}

#[test]
fn rounds_after_the_deciding_look_are_kept_apart() {
    let rounds = [steady_rounds(0.05), steady_rounds(0.5)].concat();
    let result = ClaimResult::timed(&production(), &rounds);
    assert_eq!((result.n, result.rounds.len(), result.later_rounds.len()), (10, 10, 10));
    assert_eq!(result.verdict, Some(Verdict::Pass));
}

#[test]
fn each_process_has_its_own_mean() {
    let rounds: Vec<Round> = (0..10)
        .map(|i| Round { base_seconds: 1.0, optimised_seconds: if i < 4 { 0.02 } else { 0.04 } })
        .collect();
    let result = ClaimResult::timed(&production(), &rounds).with_processes(&[0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
    let means: Vec<(usize, usize)> =
        result.process_means.iter().map(|mean| (mean.process, mean.rounds)).collect();
    assert_eq!(means, [(0, 4), (1, 3), (2, 3)]);
    assert_abs_diff_eq!(result.process_means[0].measured, 0.98, epsilon = 1e-12);
    assert_abs_diff_eq!(result.process_means[2].measured, 0.96, epsilon = 1e-12);
}

#[test]
fn what_is_only_shown_has_an_interval_and_no_verdict() {
    let registry = Registry::standard();
    let claim = registry.get("total.overhead_ratio.naive").unwrap();
    let rounds: Vec<Round> =
        (0..10).map(|i| Round { base_seconds: 1.0, optimised_seconds: 75.0 + f64::from(i % 2) }).collect();
    let result = ClaimResult::timed(claim, &rounds);
    assert_eq!((result.verdict, result.p, result.target), (None, None, None));
    assert_abs_diff_eq!(result.measured.unwrap(), 74.5, epsilon = 0.1);
    assert_eq!(result.time_saved, None, "an overhead is not a saving");
}

#[test]
fn holm_counts_each_timed_claim_once() {
    let report = synthetic::report();
    let whole = report.claim("micro.no_regression").unwrap();
    let weakest = report.claim(whole.weakest_part.as_ref().unwrap()).unwrap();
    assert_eq!((whole.p, whole.holm_p), (weakest.p, weakest.holm_p));
    let leaves = report.claims.iter().filter(|claim| claim.p.is_some() && claim.parts.is_empty());
    let family = leaves.clone().count() as f64;
    let smallest = leaves.min_by(|a, b| a.p.unwrap().total_cmp(&b.p.unwrap())).unwrap();
    assert_eq!(smallest.holm_p, Some((smallest.p.unwrap() * family).min(1.0)));
}

#[test]
fn the_summary_counts_add_up() {
    let report = synthetic::report();
    let verdicts = [Verdict::Pass, Verdict::Inconclusive, Verdict::Refuted];
    assert_eq!(verdicts.map(|verdict| report.count(verdict)).iter().sum::<usize>(), report.claims.len());
    assert!(verdicts.iter().all(|verdict| report.count(*verdict) > 0));
    assert!(report.shown.iter().all(|claim| claim.verdict.is_none()));
}

#[test]
fn a_hit_rate_without_accesses_is_none_and_not_zero() {
    let report = synthetic::report();
    let rates: Vec<Option<f64>> = report.hit_rates.iter().map(HitRate::rate).collect();
    assert_eq!(rates, [Some(0.97), Some(0.995), None, Some(0.0003)]);
    assert_eq!(Measure::HitRate.max_ratio(0.9), 0.9);
}

#[test]
fn ingestion_is_repaid_where_the_curves_cross() {
    let curve = |arm: &str, per_trial: f64| Curve {
        arm: arm.to_owned(),
        points: [1, 10, 100]
            .map(|x| Point { x, seconds: Interval::of_geometric_mean(&[per_trial * f64::from(x)]).unwrap() })
            .to_vec(),
    };
    let repaid = |ingest| {
        BreakEven::new("w", vec![curve("naive", 1.0), curve("all+mapped", 0.5)], Some(ingest))
            .repaid_at_trials
    };
    assert_eq!(repaid(0.1), Some(1));
    assert_eq!(repaid(2.4), Some(5));
    assert_eq!(repaid(20.2), Some(41));
    assert_eq!(repaid(60.0), None);
    assert_eq!(BreakEven::new("w", vec![curve("naive", 1.0)], Some(1.0)).repaid_at_trials, None);
}

fn production() -> Claim {
    Registry::standard().get("total.time_saved.production").unwrap().clone()
}

fn steady_rounds(ratio: f64) -> Vec<Round> {
    (0..10)
        .map(|i| Round { base_seconds: 1.0, optimised_seconds: ratio * (1.0 + 0.001 * f64::from(i)) })
        .collect()
}
