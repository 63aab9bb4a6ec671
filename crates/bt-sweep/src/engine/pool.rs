//! The workers: threads that outlive a sweep, and are replaced where a trial never returns.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bt_layers::Layers;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::engine::job::{Desk, Job, Ran, caught};
use crate::{Error, Result, SeriesCache, Stop, TrialRecord};

/// A persistent pool of workers, each with handles of its own on the layers.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    supplies: Supplies,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What every worker's desk is made of.
#[derive(Clone)]
pub(crate) struct Supplies {
    pub(crate) layers: Layers,
    pub(crate) series: Arc<SeriesCache>,
}

impl Supplies {
    /// # Errors
    /// Where the layers cannot be stacked for another worker.
    pub(crate) fn desk(&self, index: u32) -> Result<Desk> {
        Ok(Desk::new(self.layers.worker()?, index, Arc::clone(&self.series)))
    }
}

/// Trials that a worker takes at once.
pub(crate) struct Chunk {
    pub(crate) job: Arc<Job>,
    pub(crate) trials: Vec<TrialRecord>,
    pub(crate) state: Arc<ChunkState>,
    pub(crate) done: Sender<Done>,
}

/// What a worker does with its desk beside trials; an error is why it has none.
pub(crate) type Task = Box<dyn FnOnce(Result<&mut Desk>) + Send>;

enum Work {
    Chunk(Chunk),
    Task(Task),
}

/// A chunk that came to its end.
pub(crate) struct Done {
    /// The first of its trials, by which it is known.
    pub(crate) first: u64,
    /// Its trials that ended and those that were not begun, without those that were cancelled; or why none could be run.
    pub(crate) ran: Result<Ran>,
}

/// What a chunk's worker and whoever waits for it share.
pub(crate) struct ChunkState {
    pub(crate) stop: Stop,
    started: OnceLock<(Instant, u32)>,
    stage: AtomicU8,
}

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
const FINISHED: u8 = 2;
const ABANDONED: u8 = 3;

impl ChunkState {
    pub(crate) fn new(deadline: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            stop: Stop::with_deadline(deadline),
            started: OnceLock::new(),
            stage: AtomicU8::new(QUEUED),
        })
    }

    /// When a worker began, and which one.
    pub(crate) fn started(&self) -> Option<(Instant, u32)> {
        self.started.get().copied()
    }

    /// Gives a chunk up whose worker does not come back. False where it has just done so.
    pub(crate) fn abandon(&self) -> bool {
        self.pass(RUNNING, ABANDONED)
    }

    /// Takes a chunk back that no worker has yet. False where one has.
    pub(crate) fn withdraw(&self) -> bool {
        self.pass(QUEUED, ABANDONED)
    }

    /// False where the chunk was withdrawn.
    fn begin(&self, worker: u32) -> bool {
        let _ = self.started.set((Instant::now(), worker));
        self.pass(QUEUED, RUNNING)
    }

    /// False where the chunk was given up, and the thread with it.
    fn finish(&self) -> bool {
        self.pass(RUNNING, FINISHED)
    }

    fn pass(&self, from: u8, to: u8) -> bool {
        self.stage.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// How long a worker looks for its next chunk before it sleeps: to be woken takes as long as the trials of a small sweep or
/// fold do. Meanwhile it yields to whatever else there is to run.
const AWAKE: Duration = Duration::from_micros(200);

#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Work>,
    is_closed: bool,
}

impl Pool {
    /// # Errors
    /// Where a thread cannot be started.
    pub(crate) fn new(supplies: Supplies, workers: usize) -> Result<Self> {
        let pool = Self { queue: Arc::default(), supplies, threads: Mutex::default() };
        (0..workers).try_for_each(|index| pool.start(index as u32))?;
        Ok(pool)
    }

    fn start(&self, index: u32) -> Result<()> {
        let (queue, supplies) = (Arc::clone(&self.queue), self.supplies.clone());
        let thread = thread::Builder::new().name(format!("bt-worker-{index}"));
        let thread = thread
            .spawn(move || work(&queue, &supplies, index))
            .map_err(|error| Error::io(format!("start the thread of worker {index}"), error))?;
        self.threads.lock().push(thread);
        Ok(())
    }

    pub(crate) fn push(&self, chunk: Chunk) {
        self.queue.push(Work::Chunk(chunk));
    }

    pub(crate) fn push_task(&self, task: Task) {
        self.queue.push(Work::Task(task));
    }

    /// Starts another thread in the place of one that is lost in a trial.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub(crate) fn replace(&self, index: u32) -> Result<()> {
        tracing::warn!(target: "bt_sweep", worker = index, "a trial does not return: its thread is given up");
        let name = format!("bt-worker-{index}");
        // Dropped and not joined: it may never end.
        self.threads.lock().retain(|thread| thread.thread().name() != Some(&name));
        self.start(index)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.state.lock().is_closed = true;
        self.queue.changed.notify_all();
        for thread in self.threads.lock().drain(..) {
            // A worker catches the panics of trials; one of its own was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn push(&self, work: Work) {
        self.state.lock().waiting.push_back(work);
        self.changed.notify_one();
    }

    fn take(&self) -> Option<Work> {
        let sleep_at = Instant::now() + AWAKE;
        let mut state = self.state.lock();
        loop {
            if let Some(work) = state.waiting.pop_front() {
                return Some(work);
            }
            if state.is_closed {
                return None;
            }
            if Instant::now() < sleep_at {
                MutexGuard::unlocked(&mut state, thread::yield_now);
            } else {
                self.changed.wait(&mut state);
            }
        }
    }
}

fn work(queue: &Queue, supplies: &Supplies, index: u32) {
    let mut desk: Option<Desk> = None;
    while let Some(work) = queue.take() {
        let Chunk { job, trials, state, done } = match work {
            Work::Chunk(chunk) => chunk,
            Work::Task(task) => {
                task(at_desk(&mut desk, supplies, index));
                continue;
            }
        };
        let first = trials.first().map_or(0, |trial| trial.number);
        if !state.begin(index) {
            continue;
        }
        let run = || at_desk(&mut desk, supplies, index).and_then(|desk| job.run(desk, trials, &state.stop));
        // Trials catch their own panics; what is left are those of a bundle. A thread that died of one would be waited for.
        let ran = caught(run);
        if !state.finish() {
            return;
        }
        let ran = ran.and_then(|ran| job.keep(index, &ran.0).map(|()| ran));
        // Nobody may be listening any more, where the sweep failed meanwhile.
        let _ = done.send(Done { first, ran });
    }
}

fn at_desk<'d>(desk: &'d mut Option<Desk>, supplies: &Supplies, index: u32) -> Result<&'d mut Desk> {
    match desk {
        Some(desk) => Ok(desk),
        None => Ok(desk.insert(supplies.desk(index)?)),
    }
}
