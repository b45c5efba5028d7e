//! A place for one value: the newest wins.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

/// A queue of capacity one. **Overflow: the newest value replaces the one that waits**, because a
/// stale picture is worthless.
///
/// Clones share the place.
#[derive(Debug)]
pub struct Slot<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    closed: bool,
    replaced: u64,
}

/// What a wait on a [`Slot`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The newest value.
    Value(T),
    /// Nothing came in time.
    TimedOut,
    /// Nothing will come any more.
    Closed,
}

impl<T> Slot<T> {
    /// Returns an empty, open slot.
    pub fn new() -> Self {
        let state = State { value: None, closed: false, replaced: 0 };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// Puts a value in, in place of one that nobody took. Returns `false` if the slot is closed.
    pub fn put(&self, value: T) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        if state.value.replace(value).is_some() {
            state.replaced += 1;
        }
        drop(state);
        self.shared.changed.notify_one();
        true
    }

    /// Takes the value out, waiting at most `timeout` for one.
    pub fn take(&self, timeout: Duration) -> Taken<T> {
        let waiting = |state: &mut State<T>| state.value.is_none() && !state.closed;
        let (mut state, _) = self
            .shared
            .changed
            .wait_timeout_while(self.lock(), timeout, waiting)
            .expect("the lock is never held across a panic");
        match state.value.take() {
            Some(value) => Taken::Value(value),
            None if state.closed => Taken::Closed,
            None => Taken::TimedOut,
        }
    }

    /// Takes the value out if there is one.
    pub fn try_take(&self) -> Option<T> {
        self.lock().value.take()
    }

    /// Ends the slot: a value that waits can still be taken, new ones are refused.
    pub fn close(&self) {
        self.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// Whether the slot was closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Returns how many values nobody took.
    pub fn replaced(&self) -> u64 {
        self.lock().replaced
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.shared.state.lock().expect("the lock is never held across a panic")
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_wins() {
        let slot = Slot::new();
        assert!(slot.put(1) && slot.put(2));
        assert_eq!(slot.take(Duration::ZERO), Taken::Value(2));
        assert_eq!(slot.take(Duration::ZERO), Taken::TimedOut);
        assert_eq!(slot.replaced(), 1);
    }

    #[test]
    fn closing_keeps_what_waits_and_refuses_the_rest() {
        let slot = Slot::new();
        slot.put(1);
        slot.close();
        assert!(!slot.put(2));
        assert_eq!(slot.take(Duration::ZERO), Taken::Value(1));
        assert_eq!(slot.take(Duration::MAX), Taken::Closed);
    }

    #[test]
    fn a_waiting_thread_is_woken() {
        let slot = Slot::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slot.take(Duration::from_secs(60)));
            slot.put(7);
            assert_eq!(waiting.join().expect("no panic"), Taken::Value(7));
        });
    }
}
