//! The engine's own claims, and what stands beside them in the report.

use std::convert::Infallible;

use super::{Reading, Run, progress};
use crate::claims::id;
use crate::gate::{Rule, evaluate};
use crate::report::{ClaimResult, ScalingRounds};
use crate::stats::{Round, median};
use crate::sweeps::bohb::{Kind, LANDSCAPES, SEEDS};
use crate::sweeps::scaling::{LEAST_CORES, ScalingRound, workload};
use crate::sweeps::{cores, determinism, pool};
use crate::task::{Setting, Task};
use crate::workloads::Set;

/// Decides where sweeps are interrupted.
const SEED: u64 = 0x5eed;

impl Run<'_> {
    pub(super) fn heavy(&mut self) -> anyhow::Result<()> {
        self.compare_pools()?;
        self.play_searches()?;
        self.scale_the_engine()?;
        self.compare_tables()
    }

    fn compare_pools(&mut self) -> anyhow::Result<()> {
        for (part, contest) in pool::CONTESTS {
            let id = id::part(id::POOL, part);
            let Some(claim) = self.claim(&id) else { continue };
            if claim.is_shown_only() && self.is_quick() {
                self.leave_out(&[id]);
                continue;
            }
            let (set, kind, workers) = (contest.set().name(), contest.name(), contest.workers);
            progress(&format!("{set}: one pool of {workers} {kind} against a new one for each batch"));
            pool::check(&self.setting, contest)?;
            let reading: Reading<'_, Round> = (claim, Box::new(|round| Some(*round)));
            self.measure(&[reading], |rounds, seed, _| Task::Pools { contest, rounds, seed })?;
            self.evaluate_pool(&id, &format!("persistent worker pool, {kind}"))?;
        }
        Ok(())
    }

    /// The step of the sequential evaluation that the pool is, where the claim has a target.
    fn evaluate_pool(&mut self, id: &str, name: &str) -> anyhow::Result<()> {
        let result = self.results.iter().find(|result| result.id == id && result.target.is_some());
        let Some(saved) = result.and_then(|result| result.interval()) else { return Ok(()) };
        let evaluation = evaluate(&Rule::default(), &[name], |_, _| Ok::<_, Infallible>(saved));
        self.heavy.steps.extend(evaluation.map_or_else(|never| match never {}, |one| one.steps));
        Ok(())
    }

    fn play_searches(&mut self) -> anyhow::Result<()> {
        if !self.claims(id::BARS_SAVED) {
            return Ok(());
        }
        for (set, suffix) in [(Set::Real, ""), (Set::Production, ".production")] {
            if set == Set::Production && self.is_quick() {
                self.leave_out(
                    &LANDSCAPES.map(|one| id::part(id::BARS_SAVED, &format!("{}{suffix}", one.name))),
                );
                continue;
            }
            let bohb = |name: &str| id::part(id::BARS_SAVED, &format!("{name}{suffix}"));
            let random = |name: &str| id::part(id::BARS_SAVED, &format!("{name}.random"));
            let is_claimed = |name: &str| {
                let has = |id: String| self.claim(&id).is_some();
                has(bohb(name)) || (set == Set::Real && has(random(name)))
            };
            for landscape in LANDSCAPES.iter().filter(|one| is_claimed(one.name)).collect::<Vec<_>>() {
                progress(&format!("{}: bars until {} is as good as its grid", set.name(), landscape.name));
                let surveyed = landscape.survey(&self.setting.dataset(set), cores())?;
                for (kind, id) in [(Kind::Bohb, bohb(landscape.name)), (Kind::Random, random(landscape.name))]
                {
                    let cost = surveyed.play(kind)?;
                    let note = format!("{} of {} seeds got there", cost.reached, SEEDS.count());
                    if kind == Kind::Bohb || set == Set::Real {
                        self.exact_with_note(&id, cost.median_saved, note);
                    }
                    let (space, set) = (landscape.name.to_owned(), set.name().to_owned());
                    self.heavy.searches.push(crate::report::SearchCost { space, set, ..cost });
                }
            }
        }
        Ok(())
    }

    fn scale_the_engine(&mut self) -> anyhow::Result<()> {
        let Some(claim) = self.claim(id::SCALING) else { return Ok(()) };
        progress(&format!("{}: two workers of the engine against one", workload().id));
        let reading: Reading<'_, ScalingRound> = (claim, Box::new(ScalingRound::counted));
        let collected = self.measure(&[reading], |rounds, seed, _| Task::Scaling { rounds, seed })?;
        let rounds = scaling_rounds(&collected.rounds);
        if let Some(result) = self.results.last_mut() {
            let (out, all) = (rounds.left_out, rounds.measured);
            let note =
                format!("{out} of {all} rounds left out: the machine gave less than {LEAST_CORES} cores");
            result.note = Some(result.note.take().map_or(note.clone(), |why| format!("{why}; {note}")));
        }
        self.heavy.scaling = Some(rounds);
        Ok(())
    }

    fn compare_tables(&mut self) -> anyhow::Result<()> {
        if !self.claims(id::DETERMINISM) {
            return Ok(());
        }
        progress("production: the same sweep on 1, 2 and 8 workers, interrupted and resumed");
        let Setting { fault, .. } = self.setting;
        let interruptions = if self.is_quick() { 1 } else { 3 };
        let dataset = self.setting.dataset(Set::Production);
        let tables = determinism::tables(&dataset, interruptions, SEED, fault)?;
        let others = tables.iter().filter(|table| !table.is_same).count();
        self.exact(id::DETERMINISM, "", Ok(others as f64));
        self.heavy.tables = tables;
        Ok(())
    }

    /// Says that a quick run does not measure what is only shown and takes runs of its own.
    fn leave_out(&mut self, ids: &[String]) {
        let claims = ids.iter().filter_map(|id| self.claim(id));
        let results = claims.map(|claim| ClaimResult::unmeasured(claim, "a quick run leaves it out"));
        self.results.extend(results.collect::<Vec<_>>());
    }

    fn exact_with_note(&mut self, id: &str, value: f64, note: String) {
        self.exact(id, "", Ok(value));
        if let Some(result) = self.results.last_mut().filter(|result| result.id == id) {
            result.note = Some(note);
        }
    }
}

fn scaling_rounds(rounds: &[ScalingRound]) -> ScalingRounds {
    let used: Option<Vec<[f64; 2]>> = rounds.iter().map(|round| round.cores_used).collect();
    let median_of =
        |used: &[[f64; 2]], side: usize| median(&used.iter().map(|round| round[side]).collect::<Vec<_>>());
    ScalingRounds {
        measured: rounds.len(),
        left_out: rounds.iter().filter(|round| round.counted().is_none()).count(),
        least_cores: LEAST_CORES,
        cores_given: rounds.iter().map(|round| round.cores_given).collect(),
        cores_used: used.map(|used| [0, 1].map(|side| median_of(&used, side))),
        seconds: rounds.iter().map(|round| round.seconds).collect(),
    }
}
