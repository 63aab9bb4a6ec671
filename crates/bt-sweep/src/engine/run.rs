//! One search under way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::engine::job::{Job, Scope};
use crate::engine::pool::{Chunk, ChunkState, Done};
use crate::engine::{Engine, Observer, Progress, Sweep};
use crate::ledger::Ledger;
use crate::results::{Trials, TrialsBuilder};
use crate::search::{Asked, Search, Told};
use crate::{Error, Outcome, Params, Proposal, Result, Status, TrialKey, TrialRecord};

/// How often a sweep looks at the clock and asks whether it is cancelled.
const TICK: Duration = Duration::from_millis(20);
/// How long a search waits for its trials without sleeping.
const AWAKE: Duration = Duration::from_micros(500);
/// How long a trial that was told to end may go on before its thread is given up.
const GRACE: Duration = Duration::from_secs(1);
/// The work that a worker takes at once, where trials are short.
const CHUNK_US: u64 = 2_000;
const LONGEST_CHUNK: usize = 256;

/// What all searches of one sweep share: one in a plain sweep, several in a walk-forward.
pub(crate) struct Session<'s> {
    pub(crate) engine: &'s Engine,
    pub(crate) sweep: &'s Sweep,
    /// The place of the objective among the metrics.
    pub(crate) metric: usize,
    pub(crate) observer: &'s mut dyn Observer,
    pub(crate) begin: Instant,
    pub(crate) ledger: Option<Arc<Ledger>>,
    /// What an earlier run of the same sweep has left.
    pub(crate) known: Option<Trials>,
    /// Whether that is all there will be: the first trial beyond it ends the run as a cancellation would.
    pub(crate) is_past: bool,
    pub(crate) table: TrialsBuilder,
    pub(crate) progress: Progress,
}

/// What a search came to.
pub(crate) struct Found {
    /// False where it was cancelled.
    pub(crate) is_complete: bool,
    /// The best trials at full fidelity, the best first. Where none has an objective, the first that came to a result: a strategy
    /// that never traded is still one that can be followed.
    pub(crate) best: Vec<Candidate>,
}

/// A trial that is among the best.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) score: f64,
    pub(crate) params: Params,
}

pub(crate) struct Run<'r, 's> {
    session: &'r mut Session<'s>,
    search: &'r mut dyn Search,
    scope: Scope,
    part: u32,
    /// How many of the best trials are wanted.
    wanted: usize,
    /// One for each fidelity, by its bits.
    jobs: HashMap<u64, Arc<Job>>,
    asked: VecDeque<Proposal>,
    /// How many of the trials asked for last a worker takes at once, where they run together.
    together: usize,
    under_way: BTreeMap<u64, UnderWay>,
    /// The points under way, with the numbers of later proposals of the same: those wait for it instead of running.
    twins: HashMap<TrialKey, Vec<u64>>,
    /// Trials that ended before one with a smaller number.
    early: BTreeMap<u64, TrialRecord>,
    /// The number of the trial that is due.
    next: u64,
    best: Vec<Candidate>,
    /// The first trial at full fidelity that came to a result without an objective.
    unscored: Option<Candidate>,
    /// Trials that ran, and their time.
    ran: u64,
    took_us: u64,
    /// The number that the search's next proposal has to have.
    numbered: u64,
    begun: Instant,
    cancelled: Option<Instant>,
    sender: Sender<Done>,
    receiver: Receiver<Done>,
}

/// A chunk that a worker has or will have.
struct UnderWay {
    state: Arc<ChunkState>,
    job: Arc<Job>,
    /// The trial itself where there is a deadline, to be recorded if it never comes back.
    trial: Option<TrialRecord>,
}

impl<'r, 's> Run<'r, 's> {
    pub(crate) fn new(
        session: &'r mut Session<'s>,
        search: &'r mut dyn Search,
        scope: Scope,
        part: u32,
        wanted: usize,
    ) -> Self {
        let (sender, receiver) = channel();
        Self {
            session,
            search,
            scope,
            part,
            wanted,
            jobs: HashMap::new(),
            asked: VecDeque::new(),
            together: 1,
            under_way: BTreeMap::new(),
            twins: HashMap::new(),
            early: BTreeMap::new(),
            next: 0,
            best: Vec::new(),
            unscored: None,
            ran: 0,
            took_us: 0,
            numbered: 0,
            begun: Instant::now(),
            cancelled: None,
            sender,
            receiver,
        }
    }

    /// Runs the search to its end, or until it is cancelled. All trials are in the session's table then.
    ///
    /// # Errors
    /// What the search, the ledger and the data layers meet.
    pub(crate) fn run(mut self) -> Result<Found> {
        let is_complete = self.drive()?;
        // Trials behind a cancelled one are results all the same.
        for record in std::mem::take(&mut self.early).into_values() {
            self.session.count(&record);
        }
        let mut best = std::mem::take(&mut self.best);
        if best.is_empty() {
            best.extend(self.unscored.take());
        }
        Ok(Found { is_complete, best })
    }

    fn drive(&mut self) -> Result<bool> {
        loop {
            let is_done = self.cancelled.is_none() && self.hand_out()?;
            if self.under_way.is_empty() {
                return match (self.cancelled.is_some(), is_done) {
                    (true, _) => Ok(false),
                    (false, true) => Ok(true),
                    (false, false) => Err(waits_for_nothing()),
                };
            }
            match self.next_done() {
                Ok(done) => {
                    self.take_in(done)?;
                    while let Ok(done) = self.receiver.try_recv() {
                        self.take_in(done)?;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.look_around()?;
        }
    }

    /// The next chunk that ends. A short search waits awake, as its workers do: to be woken would take as long as the search.
    fn next_done(&self) -> std::result::Result<Done, RecvTimeoutError> {
        while self.begun.elapsed() < AWAKE {
            if let Ok(done) = self.receiver.try_recv() {
                return Ok(done);
            }
            thread::yield_now();
        }
        self.receiver.recv_timeout(TICK)
    }

    /// Keeps the workers supplied. True where the search has no more.
    fn hand_out(&mut self) -> Result<bool> {
        let supplied = 2 * self.session.engine.workers;
        loop {
            while self.under_way.len() < supplied && !self.asked.is_empty() {
                self.hand_out_chunk()?;
                if self.cancelled.is_some() {
                    return Ok(false);
                }
            }
            if !self.asked.is_empty() {
                return Ok(false);
            }
            match self.search.ask()? {
                Asked::Trials(proposals) if !proposals.is_empty() => {
                    proposals.iter().try_for_each(|proposal| self.check_number(proposal.number))?;
                    self.make_room(proposals.len());
                    self.asked.extend(proposals);
                    self.together = self.share();
                }
                Asked::Trials(_) | Asked::Wait => return Ok(false),
                Asked::Done => return Ok(true),
            }
        }
    }

    /// Tables that grow step by step are copied each time.
    fn make_room(&mut self, proposals: usize) {
        self.twins.reserve(proposals.min(LONGEST_CHUNK));
        if !self.session.is_past {
            self.session.table.reserve(proposals);
        }
    }

    /// Refuses a number that would never be told, or that stands for two trials.
    fn check_number(&mut self, number: u64) -> Result<()> {
        if number != self.numbered {
            return Err(Error::Mismatch {
                what: "the number of the search's next proposal".into(),
                found: number.to_string(),
                expected: self.numbered.to_string(),
            });
        }
        self.numbered += 1;
        Ok(())
    }

    fn hand_out_chunk(&mut self) -> Result<()> {
        let Some(fidelity) = self.asked.front().map(|proposal| proposal.fidelity) else { return Ok(()) };
        let job = self.job(fidelity)?;
        let same = self.asked.iter().take_while(|next| next.fidelity == fidelity);
        let chunk = same.take(self.chunk_len()).count();
        let mut trials = Vec::with_capacity(chunk);
        for _ in 0..chunk {
            let Some(proposal) = self.asked.pop_front() else { break };
            let record = job.record(proposal);
            if let Some(known) = self.session.known(&record) {
                self.end(known)?;
            } else {
                match self.twins.entry(record.key) {
                    Entry::Occupied(mut twins) => twins.get_mut().push(record.number),
                    Entry::Vacant(place) => {
                        place.insert(Vec::new());
                        trials.push(record);
                    }
                }
            }
        }
        if self.session.is_past && !trials.is_empty() {
            self.cancelled = Some(Instant::now());
            return self.deliver();
        }
        if let Some(first) = trials.first() {
            let state = ChunkState::new(self.session.sweep.deadline);
            let trial = self.session.sweep.deadline.map(|_| first.clone());
            let under_way = UnderWay { state: Arc::clone(&state), job: Arc::clone(&job), trial };
            self.under_way.insert(first.number, under_way);
            self.session.engine.pool.push(Chunk { job, trials, state, done: self.sender.clone() });
        }
        self.deliver()
    }

    /// How many trials the next chunk may have: what takes a moment, and leaves no worker without.
    fn chunk_len(&self) -> usize {
        if self.session.sweep.deadline.is_some() {
            return 1;
        }
        if self.session.sweep.backtest.batch_size() > 1 {
            return self.together;
        }
        let shared = self.asked.len().div_ceil(self.session.engine.workers).max(1);
        let each_us = (self.took_us / self.ran.max(1)).max(1);
        let short = if self.ran == 0 { 1 } else { (CHUNK_US / each_us) as usize };
        shared.min(short.clamp(1, LONGEST_CHUNK))
    }

    /// The parts of equal length in which the workers take all that is asked for, no part longer than a batch may be. What trials
    /// of a batch share is computed once for each part, so a few short ones at the end would cost what long ones do.
    fn share(&self) -> usize {
        let (trials, workers) = (self.asked.len(), self.session.engine.workers);
        let parts = trials.div_ceil(self.session.sweep.backtest.batch_size().max(1));
        trials.div_ceil(parts.next_multiple_of(workers)).max(1)
    }

    fn job(&mut self, fidelity: f64) -> Result<Arc<Job>> {
        if let Some(job) = self.jobs.get(&fidelity.to_bits()) {
            return Ok(Arc::clone(job));
        }
        let scope = self.scope.first_share(fidelity)?;
        let Session { sweep, ledger, begin, .. } = &*self.session;
        let backtest = Arc::clone(&sweep.backtest);
        let job = Job::new(backtest, scope, self.part, fidelity, ledger.as_ref(), *begin);
        let job = Arc::new(job);
        self.jobs.insert(fidelity.to_bits(), Arc::clone(&job));
        Ok(job)
    }

    fn take_in(&mut self, done: Done) -> Result<()> {
        // Not there any more where it was given up a moment before.
        if self.under_way.remove(&done.first).is_none() {
            return Ok(());
        }
        let (ended, rest) = done.ran?;
        for TrialRecord { key, number, params, fidelity, .. } in rest.into_iter().rev() {
            let twins = self.twins.remove(&key).unwrap_or_default();
            for number in twins.into_iter().rev().chain([number]) {
                self.asked.push_front(Proposal { number, params: params.clone(), fidelity });
            }
        }
        for record in ended {
            self.ran += 1;
            self.took_us += record.took_us;
            self.end(record)?;
        }
        self.deliver()
    }

    /// Takes in a trial that ended, and what waited for it.
    fn end(&mut self, record: TrialRecord) -> Result<()> {
        // Not only once it is its turn: the same point may be proposed again before that.
        if !self.session.is_past {
            self.session.table.push(&record)?;
        }
        for number in self.twins.remove(&record.key).unwrap_or_default() {
            self.session.progress.known += 1;
            self.early.insert(number, TrialRecord { number, ..record.clone() });
        }
        if record.number == self.next {
            return self.tell(record);
        }
        self.early.insert(record.number, record);
        Ok(())
    }

    /// Tells the search what came out, in the order of the numbers.
    fn deliver(&mut self) -> Result<()> {
        while let Some(record) = self.early.remove(&self.next) {
            self.tell(record)?;
        }
        Ok(())
    }

    /// The number is the one that is due.
    fn tell(&mut self, record: TrialRecord) -> Result<()> {
        self.next += 1;
        let score = self.session.score(&record);
        self.search.tell(Told { number: record.number, score })?;
        self.session.count(&record);
        self.compare(record, score);
        Ok(())
    }

    /// Keeps the best trials; of equals those with the smaller numbers. Values on less data do not compare.
    fn compare(&mut self, record: TrialRecord, score: Option<f64>) {
        if record.fidelity < 1.0 || record.status != Status::Done {
            return;
        }
        let Some(score) = score else {
            self.unscored.get_or_insert(Candidate { score: f64::NAN, params: record.params });
            return;
        };
        let place = self.best.partition_point(|better| better.score >= score);
        if place < self.wanted && !self.best.iter().any(|other| other.params == record.params) {
            self.best.insert(place, Candidate { score, params: record.params });
            self.best.truncate(self.wanted);
        }
    }

    /// Ends what was cancelled, is late, or does not come back.
    fn look_around(&mut self) -> Result<()> {
        if self.cancelled.is_none() && self.session.observer.is_cancelled() {
            self.cancel();
        }
        self.lost().into_iter().try_for_each(|first| self.give_up(first))
    }

    fn cancel(&mut self) {
        self.cancelled = Some(Instant::now());
        self.under_way.values().for_each(|chunk| chunk.state.stop.cancel());
        // What no worker has yet may lie behind the trials of another sweep: it is not waited for.
        self.under_way.retain(|_, chunk| !chunk.state.withdraw());
    }

    /// Tells late trials to end; gives those that have not ended long after they were told.
    fn lost(&self) -> Vec<u64> {
        let is_lost = |chunk: &UnderWay| {
            let over = self.overdue(chunk);
            if over.is_some() {
                chunk.state.stop.expire();
            }
            over.is_some_and(|over| over > GRACE)
        };
        self.under_way.iter().filter(|(_, chunk)| is_lost(chunk)).map(|(&first, _)| first).collect()
    }

    /// For how long a chunk's trial should have ended; none where it may go on.
    fn overdue(&self, chunk: &UnderWay) -> Option<Duration> {
        if let Some(cancelled) = self.cancelled {
            return Some(cancelled.elapsed());
        }
        let deadline = self.session.sweep.deadline?;
        let (started, _) = chunk.state.started()?;
        started.elapsed().checked_sub(deadline)
    }

    fn give_up(&mut self, first: u64) -> Result<()> {
        let Some(chunk) = self.under_way.get(&first) else { return Ok(()) };
        let Some((started, worker)) = chunk.state.started() else { return Ok(()) };
        if !chunk.state.abandon() {
            return Ok(());
        }
        let Some(UnderWay { job, trial, .. }) = self.under_way.remove(&first) else { return Ok(()) };
        self.session.engine.pool.replace(worker)?;
        let Some(trial) = trial.filter(|_| self.cancelled.is_none()) else { return Ok(()) };
        let record = TrialRecord {
            status: Status::Deadline,
            outcome: Outcome::default(),
            worker,
            started_us: started.duration_since(self.session.begin).as_micros() as u64,
            took_us: started.elapsed().as_micros() as u64,
            ..trial
        };
        job.keep(worker, std::slice::from_ref(&record))?;
        self.end(record)?;
        self.deliver()
    }
}

impl Drop for Run<'_, '_> {
    /// Takes its trials off the workers where an error or a panic has ended it: whoever comes next finds them free.
    fn drop(&mut self) {
        self.cancel();
        while !self.under_way.is_empty() {
            if let Ok(done) = self.receiver.recv_timeout(TICK) {
                self.under_way.remove(&done.first);
            }
            for first in self.lost() {
                if let Err(error) = self.give_up(first) {
                    tracing::error!(target: "bt_sweep", %error, "the engine has a worker less");
                }
            }
        }
    }
}

impl Session<'_> {
    /// The table, once everything that was appended is durable. Of the past all that is known.
    ///
    /// # Errors
    /// What the ledger met.
    pub(crate) fn close(self) -> Result<(Trials, Progress)> {
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.flush())?;
        let past = self.known.filter(|_| self.is_past);
        Ok((past.unwrap_or_else(|| self.table.finish()), self.progress))
    }

    /// The result of a trial that an earlier run, or an earlier proposal of the same point, has brought.
    fn known(&mut self, trial: &TrialRecord) -> Option<TrialRecord> {
        let resumed = self.known.as_ref().and_then(|known| known.find(&trial.key));
        let known = resumed.or_else(|| self.table.find(&trial.key))?.record();
        self.progress.known += 1;
        Some(TrialRecord { number: trial.number, ..known })
    }

    /// A trial's objective, where it has one.
    fn value(&self, record: &TrialRecord) -> Option<f64> {
        record.outcome.metrics.get(self.metric).copied()
    }

    fn score(&self, record: &TrialRecord) -> Option<f64> {
        self.value(record).and_then(|value| self.sweep.objective.score(value))
    }

    /// Counts a trial that came to its end, and shows it.
    fn count(&mut self, record: &TrialRecord) {
        let (value, score) = (self.value(record), self.score(record));
        self.progress.done += 1;
        self.progress.failed += u64::from(record.status != Status::Done);
        let best = self.progress.best.and_then(|best| self.sweep.objective.score(best));
        // Values of rungs on less data are not compared with those on all of it.
        if record.fidelity >= 1.0 && score.is_some() && best.is_none_or(|best| score > Some(best)) {
            self.progress.best = value;
        }
        self.observer.finished(record, &self.progress);
    }
}

fn waits_for_nothing() -> Error {
    Error::Strategy("the search waits for trials to end, and none is under way".to_owned())
}
