//! Threads with a name, an owner and a way to be waited for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::{Duration, Instant},
};

use crate::media::now;

/// A thread that was started with [`spawn_thread`].
#[derive(Debug)]
pub struct Thread {
    name: &'static str,
    ended: Receiver<Outcome>,
}

/// How a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Returned,
    /// It panicked: our bug, already logged.
    Panicked,
    /// It did not end in time and is left to itself: a device's driver may never return.
    Abandoned,
}

/// Starts a named thread: the one place in p2pcall that does.
///
/// A debugger and `top -H` show the name. A panic is logged and reported by [`Thread::join_by`].
///
/// # Errors
/// If the system has no more threads to give.
#[expect(clippy::disallowed_methods, reason = "the one place that starts a thread")]
pub fn spawn_thread(name: &'static str, body: impl FnOnce() + Send + 'static) -> std::io::Result<Thread> {
    let (tell, ended) = sync_channel(1);
    std::thread::Builder::new().name(name.into()).spawn(move || {
        let outcome = match catch_unwind(AssertUnwindSafe(body)) {
            Ok(()) => Outcome::Returned,
            Err(_) => {
                tracing::error!(thread = name, "a thread panicked: this is a bug in p2pcall");
                Outcome::Panicked
            }
        };
        // Nobody may be waiting any more; that is fine.
        let _ = tell.try_send(outcome);
    })?;
    Ok(Thread { name, ended })
}

impl Thread {
    /// Returns the name the thread was started with.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Waits for the thread until `deadline`, then abandons it.
    pub fn join_by(self, deadline: Instant) -> Outcome {
        let left = deadline.saturating_duration_since(now()).max(Duration::from_millis(1));
        match self.ended.recv_timeout(left) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => Outcome::Panicked,
            Err(RecvTimeoutError::Timeout) => Outcome::Abandoned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart() {
        let deadline = now() + Duration::from_secs(60);
        let returned = spawn_thread("returns", || ()).expect("a thread");
        assert_eq!(returned.join_by(deadline), Outcome::Returned);
        let panicked = spawn_thread("panics", || panic!("on purpose")).expect("a thread");
        assert_eq!(panicked.join_by(deadline), Outcome::Panicked);
        let (_keep, never) = sync_channel::<()>(0);
        let stuck = spawn_thread("stuck", move || _ = never.recv()).expect("a thread");
        assert_eq!(stuck.join_by(now()), Outcome::Abandoned);
    }
}
