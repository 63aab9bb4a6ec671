//! Which arms' turns a timed claim compares.

use crate::claims::Registry;
use crate::stats::Round;
use crate::task::RoundOfTurns;
use crate::turn::{Arm, Turn};
use crate::workloads::{Set, WORKLOADS, Workload};

/// A claim about two arms of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The claim's id.
    pub claim: String,
    /// The workload.
    pub workload: &'static Workload,
    /// What is compared with.
    pub base: Side,
    /// What the claim is about.
    pub optimised: Side,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// The arm's name.
    pub arm: String,
    /// Whether getting the data ready is left out.
    pub trials_only: bool,
}

impl Side {
    fn sweep(arm: Arm) -> Self {
        Self { arm: arm.name(), trials_only: false }
    }

    fn trials(arm: Arm) -> Self {
        Self { arm: arm.name(), trials_only: true }
    }

    fn seconds(&self, round: &RoundOfTurns, workload: &Workload) -> Option<f64> {
        let turn: &Turn = round.get(&self.arm)?;
        let trials = workload.trials;
        Some(if self.trials_only { turn.trial_seconds * trials as f64 } else { turn.sweep_seconds(trials) })
    }
}

impl Comparison {
    /// The comparison's rounds; a round without one of the arms is left out.
    pub fn rounds(&self, rounds: &[RoundOfTurns]) -> Vec<Round> {
        let both = |round| {
            let base_seconds = self.base.seconds(round, self.workload)?;
            Some(Round { base_seconds, optimised_seconds: self.optimised.seconds(round, self.workload)? })
        };
        rounds.iter().filter_map(both).collect()
    }
}

/// All comparisons of arms, in the order of the table.
pub fn comparisons() -> Vec<Comparison> {
    let layers_1_and_2 = Arm::named("l1+l2").expect("it is a combination");
    let mut all = Vec::new();
    let mut add = |row: &str, workload: &str, base: Side, optimised: Side| {
        let workload = Workload::named(workload).expect("the table names workloads that exist");
        let name = if row == "total.overhead_ratio" { String::new() } else { format!(".{}", workload.id) };
        all.push(Comparison { claim: format!("{row}{name}"), workload, base, optimised });
    };
    for workload in ["seed", "production"] {
        add("l2.cumulative.time_saved", workload, Side::sweep(Arm::Naive), Side::sweep(layers_1_and_2));
    }
    for workload in ["seed-workers", "micro", "seed", "production", "wide", "real", "walk-forward"] {
        add("total.time_saved", workload, Side::sweep(Arm::Naive), Side::sweep(Arm::MAPPED));
    }
    for workload in
        ["seed", "production", "wide", "real", "walk-forward", "trials-1", "trials-5", "trials-25"]
    {
        add("total.vs_careful", workload, Side::sweep(Arm::Careful), Side::sweep(Arm::MAPPED));
    }
    for workload in ["seed", "production", "wide", "real", "walk-forward"] {
        add("total.vs_ideal", workload, Side::trials(Arm::Ideal), Side::trials(Arm::MAPPED));
    }
    for workload in ["trials-1", "trials-5", "trials-25"] {
        add("micro.no_regression", workload, Side::sweep(Arm::Naive), Side::sweep(Arm::MAPPED));
    }
    add("total.overhead_ratio", "production", Side::trials(Arm::Ideal), Side::sweep(Arm::MAPPED));
    add("total.overhead_ratio", "production", Side::trials(Arm::Ideal), Side::sweep(Arm::Naive));
    if let Some(naive) = all.last_mut() {
        naive.claim.push_str(".naive");
    }
    all
}

/// The arms whose times a workload's report shows: all of them where the layers are taken apart, else the references
/// and all layers.
pub fn arms_of(workload: &Workload) -> Vec<Arm> {
    match workload.id {
        "seed" | "production" => Arm::all(),
        _ => vec![Arm::Naive, Arm::Careful, Arm::Ideal, Arm::MAPPED],
    }
}

/// The sets that claims need: those of the comparisons' workloads, and those of what is measured beside them.
pub fn sets_for(registry: &Registry, comparisons: &[Comparison]) -> Vec<Set> {
    let beside: [(&str, &[Set]); 5] = [
        ("l1.", &[Set::Seed]),
        ("l2.", &[Set::Seed, Set::Production]),
        ("l3.", &[Set::Seed, Set::Production, Set::Wide]),
        ("total.memory.", &[Set::Production, Set::Wide]),
        ("workers.", &[Set::Shared]),
    ];
    let claimed = |prefix: &str| registry.claims().iter().any(|claim| claim.id.starts_with(prefix));
    let needed = |set: &Set| {
        comparisons.iter().any(|one| one.workload.set == *set)
            || beside.iter().any(|(prefix, sets)| sets.contains(set) && claimed(prefix))
    };
    Set::ALL.into_iter().filter(needed).collect()
}

/// The workloads that a set of claims needs.
pub fn workloads_for(comparisons: &[Comparison]) -> Vec<&'static Workload> {
    WORKLOADS.iter().filter(|workload| comparisons.iter().any(|one| one.workload == *workload)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_is_a_claim_and_its_arms_are_run() {
        let registry = Registry::standard();
        for comparison in comparisons() {
            assert!(registry.get(&comparison.claim).is_some(), "{} is not in the table", comparison.claim);
            let run: Vec<_> = arms_of(comparison.workload).into_iter().map(Arm::name).collect();
            assert!(run.contains(&comparison.base.arm) && run.contains(&comparison.optimised.arm));
        }
    }

    #[test]
    fn opening_is_left_out_only_where_the_claim_says_so() {
        let turn = |ready_seconds, trial_seconds| Turn { ready_seconds, trial_seconds, trials_run: 3 };
        let round =
            RoundOfTurns::from([("ideal".into(), turn(9.0, 1.0)), ("all+mapped".into(), turn(5.0, 2.0))]);
        let named = |claim: &str| comparisons().into_iter().find(|one| one.claim == claim).expect("a claim");
        let [vs_ideal, overhead] = ["total.vs_ideal.production", "total.overhead_ratio"].map(named);
        let trials = vs_ideal.workload.trials as f64;
        assert_eq!(vs_ideal.rounds(std::slice::from_ref(&round))[0].ratio(), 2.0);
        assert_eq!(overhead.rounds(&[round])[0].ratio(), (5.0 + 2.0 * trials) / trials);
    }
}
