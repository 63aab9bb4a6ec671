//! One load in progress, and who waits for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use bt_core::Result;
use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use crate::shelf::Weighed;

/// A load that one thread leads and others may wait for.
pub(crate) struct Flight<T: ?Sized> {
    ticket: Arc<Ticket>,
    outcome: OnceCell<Result<Weighed<T>>>,
}

/// The part of a flight that does not depend on its type, so that waits across caches are seen in one place.
struct Ticket {
    leader: ThreadId,
    landed: AtomicBool,
}

/// Every thread of the process that waits for a flight, with that flight.
///
/// Few threads wait at any time, so a list serves; it is touched only by threads that are about to block anyway.
static WAITING: Mutex<Vec<(ThreadId, Arc<Ticket>)>> = Mutex::new(Vec::new());

impl<T: ?Sized> Flight<T> {
    /// A flight led by this thread.
    pub(crate) fn led_here() -> Arc<Self> {
        let ticket = Ticket { leader: thread::current().id(), landed: AtomicBool::new(false) };
        Arc::new(Self { ticket: Arc::new(ticket), outcome: OnceCell::new() })
    }

    /// Whether this thread leads it.
    pub(crate) fn is_led_here(&self) -> bool {
        self.ticket.leader == thread::current().id()
    }

    pub(crate) fn has_landed(&self) -> bool {
        self.ticket.landed.load(Ordering::Acquire)
    }

    /// Blocks until the flight lands. `None` where it never could: this thread leads it, or its leader waits, through
    /// any number of threads and caches, for a flight that this thread leads.
    pub(crate) fn wait(&self) -> Option<Result<Weighed<T>>> {
        let me = thread::current().id();
        {
            let mut waiting = WAITING.lock();
            if leads_back_to(me, &self.ticket, &waiting) {
                return None;
            }
            waiting.push((me, Arc::clone(&self.ticket)));
        }
        let outcome = self.outcome.wait().clone();
        WAITING.lock().retain(|(thread, _)| *thread != me);
        Some(outcome)
    }

    /// Hands the outcome to all who wait.
    pub(crate) fn land(&self, outcome: Result<Weighed<T>>) {
        self.ticket.landed.store(true, Ordering::Release);
        // A flight lands once, by its leader, so the cell is empty.
        let _ = self.outcome.set(outcome);
    }
}

/// Follows who waits for whom from the leader of `ticket`.
///
/// A thread that has not woken up yet still stands in the list with a flight that has landed; such a link holds nobody
/// up. No live cycle exists among the others, since the link that would close one is refused here.
fn leads_back_to(me: ThreadId, ticket: &Ticket, waiting: &[(ThreadId, Arc<Ticket>)]) -> bool {
    let mut ticket = ticket;
    while !ticket.landed.load(Ordering::Acquire) {
        if ticket.leader == me {
            return true;
        }
        let Some((_, next)) = waiting.iter().find(|(thread, _)| *thread == ticket.leader) else {
            return false;
        };
        ticket = next;
    }
    false
}
