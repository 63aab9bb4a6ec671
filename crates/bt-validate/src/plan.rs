//! Which arms' turns a timed claim compares.

use crate::claims::{Registry, id};
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
    /// The claim's times in a round; none where the round lacks one of the arms.
    pub fn round(&self, round: &RoundOfTurns) -> Option<Round> {
        let base_seconds = self.base.seconds(round, self.workload)?;
        Some(Round { base_seconds, optimised_seconds: self.optimised.seconds(round, self.workload)? })
    }
}

/// The comparisons that claims ask for, in their order.
pub fn comparisons(registry: &Registry) -> Vec<Comparison> {
    registry.claims().iter().filter_map(|claim| comparison(&claim.id)).collect()
}

fn comparison(claim: &str) -> Option<Comparison> {
    let rows = [
        (id::CUMULATIVE, Side::sweep(Arm::Naive), Side::sweep(Arm::LAYERS_1_AND_2)),
        (id::TIME_SAVED, Side::sweep(Arm::Naive), Side::sweep(Arm::MAPPED)),
        (id::VS_CAREFUL, Side::sweep(Arm::Careful), Side::sweep(Arm::MAPPED)),
        (id::VS_IDEAL, Side::trials(Arm::Ideal), Side::trials(Arm::MAPPED)),
        (id::NO_REGRESSION, Side::sweep(Arm::Naive), Side::sweep(Arm::MAPPED)),
        (id::SWEEP_SAVED, Side::sweep(Arm::Naive), Side::sweep(Arm::Engine)),
        (id::VS_LAYERS, Side::sweep(Arm::MAPPED), Side::sweep(Arm::Engine)),
    ];
    let between =
        |workload, base, optimised| Comparison { claim: claim.to_owned(), workload, base, optimised };
    if claim.starts_with(id::OVERHEAD) {
        let arm = if id::part_name(id::OVERHEAD, claim).is_some() { Arm::Naive } else { Arm::MAPPED };
        return Some(between(Workload::named("production")?, Side::trials(Arm::Ideal), Side::sweep(arm)));
    }
    rows.into_iter().find_map(|(row, base, optimised)| {
        let workload = Workload::named(id::part_name(row, claim)?)?;
        Some(between(workload, base, optimised))
    })
}

/// The arms whose times a workload's report shows: all of them where the layers are taken apart, else the references
/// and all layers.
pub fn arms_of(workload: &Workload) -> Vec<Arm> {
    match workload.id {
        "seed" | "production" => Arm::all(),
        _ => vec![Arm::Naive, Arm::Careful, Arm::Ideal, Arm::MAPPED, Arm::Engine],
    }
}

/// The sets that claims need: those of the comparisons' workloads, and those of what is measured beside them.
pub fn sets_for(registry: &Registry, comparisons: &[Comparison]) -> Vec<Set> {
    let beside: [(&str, &[Set]); 9] = [
        (id::LAYER_1, &[Set::Seed]),
        (id::LAYER_2, &[Set::Seed, Set::Production]),
        (id::LAYER_3, &[Set::Seed, Set::Production, Set::Wide]),
        (id::PEAK, &[Set::Production, Set::Wide]),
        (id::SHARED_PAGES, &[Set::Shared]),
        (id::POOL, &[Set::Seed, Set::Production]),
        (id::SHARED_BUNDLE, &[Set::Shared]),
        (id::BARS_SAVED, &[Set::Real, Set::Production]),
        (id::SWEEP, &[Set::Production]),
    ];
    let needed = |set: &Set| {
        comparisons.iter().any(|one| one.workload.set == *set)
            || beside.iter().any(|(prefix, sets)| sets.contains(set) && registry.has(prefix))
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
    fn every_claim_about_two_arms_is_compared_and_its_arms_are_run() {
        let comparisons = comparisons(&Registry::standard());
        for comparison in &comparisons {
            let run: Vec<_> = arms_of(comparison.workload).into_iter().map(Arm::name).collect();
            assert!(run.contains(&comparison.base.arm) && run.contains(&comparison.optimised.arm));
        }
        let registry = Registry::standard();
        let rows = [
            id::CUMULATIVE,
            id::TIME_SAVED,
            id::VS_CAREFUL,
            id::VS_IDEAL,
            id::OVERHEAD,
            id::NO_REGRESSION,
            id::SWEEP_SAVED,
            id::VS_LAYERS,
        ];
        let about_arms = |id: &str| rows.iter().any(|row| id.starts_with(row));
        for claim in registry.claims().iter().filter(|claim| about_arms(&claim.id) && !claim.is_whole()) {
            assert!(comparisons.iter().any(|one| one.claim == claim.id), "{} is not compared", claim.id);
        }
    }

    #[test]
    fn opening_is_left_out_only_where_the_claim_says_so() {
        let turn = |ready_seconds, trial_seconds| Turn {
            ready_seconds,
            start_seconds: 0.0,
            trial_seconds,
            trials_run: 3,
        };
        let round =
            RoundOfTurns::from([("ideal".into(), turn(9.0, 1.0)), ("all+mapped".into(), turn(5.0, 2.0))]);
        let vs_ideal = comparison("total.vs_ideal.production").expect("it is about two arms");
        let overhead = comparison(id::OVERHEAD).expect("it is about two arms");
        let trials = vs_ideal.workload.trials as f64;
        assert_eq!(vs_ideal.round(&round).map(Round::ratio), Some(2.0));
        assert_eq!(overhead.round(&round).map(Round::ratio), Some((5.0 + 2.0 * trials) / trials));
    }
}
