//! Ctrl-C: the first asks for a clean stop, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::{Code, Failure};
use crate::output::Output;

/// Whether somebody asked for the end. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for Ctrl-C (SIGINT, and on Unix SIGTERM and SIGHUP) from now on: the first calls `stop`, on a thread of its
    /// own, and the process goes on; the second ends it at once with code 130.
    ///
    /// A command that stopped cleanly because it was asked to fails with [`Code::Interrupted`], and says how to go on.
    ///
    /// # Errors
    /// Where the process listens already, or the system refuses.
    pub fn listen(output: Output, mut stop: impl FnMut() + Send + 'static) -> Result<Self, Failure> {
        let interrupt = Self::default();
        let asked = interrupt.clone();
        let handler = move || {
            if asked.0.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(Code::Interrupted.number()));
            }
            output.note("stopping; what has ended is kept. Ctrl-C again ends at once");
            stop();
        };
        ctrlc::set_handler(handler)
            .map_err(|error| Failure::new(Code::Failure, format!("listen for Ctrl-C: {error}")))?;
        Ok(interrupt)
    }

    /// Whether the first Ctrl-C has come.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
