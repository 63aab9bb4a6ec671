//! Options that would do nothing: refused, since whoever gives one expects it to count.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::sweep::{PlanArguments, SearchKind};

/// Which searches take an option; its id and its name.
const OF_SEARCHES: [(&str, &str, &[SearchKind]); 5] = [
    ("trials", "--trials", &[SearchKind::Random, SearchKind::Tpe, SearchKind::Halving]),
    ("min_fidelity", "--min-fidelity", &[SearchKind::Halving, SearchKind::Hyperband, SearchKind::Bohb]),
    ("eta", "--eta", &[SearchKind::Halving, SearchKind::Hyperband, SearchKind::Bohb]),
    ("rounds", "--rounds", &[SearchKind::Hyperband, SearchKind::Bohb]),
    (
        "seed",
        "--seed",
        &[SearchKind::Random, SearchKind::Tpe, SearchKind::Halving, SearchKind::Hyperband, SearchKind::Bohb],
    ),
];

const OF_ACCOUNTS: [(&str, &str); 7] = [
    ("cash", "--cash"),
    ("fill", "--fill"),
    ("commission_per_share", "--commission-per-share"),
    ("commission_bps", "--commission-bps"),
    ("commission_minimum", "--commission-minimum"),
    ("slippage_bps", "--slippage-bps"),
    ("periods_per_year", "--periods-per-year"),
];

/// What is wrong with the options of a command line, where one of them would do nothing.
pub fn idle(matches: &ArgMatches, plan: &PlanArguments) -> Option<String> {
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let of_search = OF_SEARCHES.iter().find(|(id, _, kinds)| is_given(id) && !kinds.contains(&plan.search));
    if let Some((_, name, kinds)) = of_search {
        let kinds: Vec<_> = kinds.iter().map(|&kind| named(kind)).collect();
        let (kinds, search) = (kinds.join(", "), named(plan.search));
        return Some(format!("{name} has no effect with --search {search}; it is for {kinds}"));
    }
    if is_given("top") && matches.ids().any(|id| id == "embargo") {
        return Some("--top has no effect in a walk-forward, whose trials do not compare".to_owned());
    }
    if !plan.vectorised {
        return None;
    }
    // Other names are answered with those that there are; this one is looked for by default.
    if is_given("metric") && plan.metric == "sharpe" {
        let metric = &plan.metric;
        return Some(format!("--metric {metric}: a vectorised sweep has sum_of_returns and no other metric"));
    }
    let of_account = OF_ACCOUNTS.iter().find(|(id, _)| is_given(id));
    of_account.map(|(_, name)| format!("{name} has no effect with --vectorised, which keeps no account"))
}

fn named(kind: SearchKind) -> String {
    let value = clap::ValueEnum::to_possible_value(&kind);
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::super::{Arguments, Command};
    use super::*;

    fn idle_in(words: &str) -> Option<String> {
        let matches = Arguments::command().get_matches_from(words.split_whitespace());
        let parsed = Arguments::from_arg_matches(&matches).expect("a command line that parses");
        let Command::Sweep(sweep) = parsed.command else { unreachable!("it is a sweep") };
        idle(matches.subcommand()?.1, &sweep.run.plan)
    }

    #[test]
    fn an_option_that_would_do_nothing_is_named_with_what_it_is_for() {
        let found = idle_in("bt sweep sma-crossover us --trials 10").expect("a grid takes no number");
        assert_eq!(found, "--trials has no effect with --search grid; it is for random, tpe, halving");
        assert!(idle_in("bt sweep sma-crossover us --search tpe --rounds 2").is_some());
        let found = idle_in("bt sweep sma-crossover us --vectorised --slippage-bps 0").expect("no account");
        assert_eq!(found, "--slippage-bps has no effect with --vectorised, which keeps no account");
        assert!(idle_in("bt sweep sma-crossover us --vectorised --metric sharpe").is_some());
    }

    #[test]
    fn a_walk_forward_shows_no_best_trials_and_refuses_their_number() {
        let words = "bt walk-forward sma-crossover us --train 100 --test 50 --top 3";
        let matches = Arguments::command().get_matches_from(words.split_whitespace());
        let parsed = Arguments::from_arg_matches(&matches).expect("a command line that parses");
        let Command::WalkForward(walk) = parsed.command else { unreachable!("it is a walk-forward") };
        let found = idle(matches.subcommand().expect("a command").1, &walk.run.plan);
        assert_eq!(
            found.as_deref(),
            Some("--top has no effect in a walk-forward, whose trials do not compare")
        );
    }

    #[test]
    fn options_that_count_and_those_that_nobody_gave_are_let_through() {
        for words in [
            "bt sweep sma-crossover us",
            "bt sweep sma-crossover us --vectorised",
            "bt sweep sma-crossover us --vectorised --metric sum_of_returns",
            "bt sweep sma-crossover us --search halving --trials 9 --eta 2 --seed 1 --min-fidelity 0.1",
            "bt sweep sma-crossover us --commission-bps 5 --metric calmar",
        ] {
            assert_eq!(idle_in(words), None, "{words}");
        }
    }
}
