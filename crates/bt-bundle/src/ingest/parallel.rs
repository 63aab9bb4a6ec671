//! Work on several threads whose results come in the order of their items.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};

use bt_core::{Error, Result};

/// Items under way for each thread: one in work and one in hand, so that nobody waits while others are busy.
const DEPTH: usize = 2;

/// Takes items from `next`, works on up to `threads` of them at once, and gives the results to `take` in the order of the
/// items. Where no thread can be had, the caller's does all the work.
///
/// # Errors
/// Of several errors that of the first item; an error of `next` comes after those of the items before it.
pub(super) fn ordered<I: Send, O: Send>(
    threads: usize,
    mut next: impl FnMut() -> Result<Option<I>>,
    work: impl Fn(I) -> Result<O> + Sync,
    mut take: impl FnMut(O) -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map_while(|_| Worker::start(scope, &work)).collect();
        if workers.is_empty() {
            while let Some(item) = next()? {
                take(work(item)?)?;
            }
            return Ok(());
        }
        let (mut sent, mut taken) = (0, 0);
        loop {
            let item = next();
            // Before an error of `next` is told, so that of several errors the first in order is.
            let may_wait = if matches!(item, Ok(Some(_))) { DEPTH * workers.len() - 1 } else { 0 };
            while sent - taken > may_wait {
                let worker: &Worker<I, O> = &workers[taken % workers.len()];
                take(worker.results.recv().map_err(|_| ended_early())??)?;
                taken += 1;
            }
            let Some(item) = item? else { return Ok(()) };
            workers[sent % workers.len()].items.send(item).map_err(|_| ended_early())?;
            sent += 1;
        }
    })
}

/// As many threads as there are processors; more than some would only add to the memory that items take.
pub(super) fn threads() -> usize {
    #[cfg(feature = "fuzzing")]
    if super::fuzzing::is_on_one_thread() {
        return 0;
    }
    std::thread::available_parallelism().map_or(1, usize::from).min(16)
}

/// A thread that works on items in the order in which it gets them.
struct Worker<I, O> {
    items: SyncSender<I>,
    results: Receiver<Result<O>>,
}

impl<I: Send, O: Send> Worker<I, O> {
    /// `None` where the system gives no thread.
    fn start<'s>(scope: &'s Scope<'s, '_>, work: &'s (impl Fn(I) -> Result<O> + Sync)) -> Option<Self>
    where
        I: 's,
        O: 's,
    {
        let (items, to_do) = sync_channel::<I>(DEPTH);
        let (done, results) = sync_channel(DEPTH);
        let run = move || {
            for item in to_do {
                if done.send(work(item)).is_err() {
                    // Nobody listens any more: an earlier item has failed.
                    return;
                }
            }
        };
        Builder::new().spawn_scoped(scope, run).ok().map(|_| Self { items, results })
    }
}

/// The panic of the thread follows.
#[cold]
fn ended_early() -> Error {
    Error::other("a thread of the ingest has ended early")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(threads: usize, items: usize, bad: &[usize]) -> (Vec<usize>, Option<String>) {
        let (mut items, mut taken) = (0..items, Vec::new());
        let work = |item: usize| match bad.contains(&item) {
            true => Err(Error::other(format!("item {item}"))),
            false => Ok(item),
        };
        let take = |item| {
            taken.push(item);
            Ok(())
        };
        let error = ordered(threads, || Ok(items.next()), work, take).err();
        (taken, error.map(|error| error.to_string()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn results_come_in_order_up_to_the_first_error_on_any_number_of_threads(
            threads in 0..5_usize,
            items in 0..60_usize,
            bad in prop::collection::vec(0..60_usize, 0..3),
        ) {
            let first = bad.iter().copied().filter(|&bad| bad < items).min();
            let (taken, error) = run(threads, items, &bad);
            prop_assert_eq!(taken, (0..first.unwrap_or(items)).collect::<Vec<_>>());
            prop_assert_eq!(error, first.map(|item| format!("item {item}")));
        }
    }

    #[test]
    fn an_error_of_the_input_comes_after_those_of_the_items_before_it() {
        let mut count = 0;
        let next = || {
            count += 1;
            if count < 4 { Ok(Some(count)) } else { Err(Error::other("the input")) }
        };
        let work = |item| if item == 3 { Err(Error::other("item 3")) } else { Ok(item) };
        let error = ordered(2, next, work, |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "item 3");
    }
}
