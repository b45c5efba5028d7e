//! Keeps everything that happens in a call, and waits for what is to happen.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use p2pcall::{
    media::now,
    observe::{CallStateName, Event, EventKind, Observer},
};

/// What happened so far.
#[derive(Default)]
pub(crate) struct Journal {
    events: Mutex<Vec<Event>>,
    changed: Condvar,
}

impl Journal {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Asks about every event, past and coming, until the answer is `Some`; `None` if that does not
    /// happen in time.
    pub(crate) fn wait_for<T>(&self, timeout: Duration, mut wanted: impl FnMut(&Event) -> Option<T>) -> Option<T> {
        let deadline = now() + timeout;
        let mut asked = 0;
        let mut events = self.lock();
        loop {
            if let Some(answer) = events[asked..].iter().find_map(&mut wanted) {
                return Some(answer);
            }
            asked = events.len();
            let left = deadline.saturating_duration_since(now());
            if left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(events, left).unwrap_or_else(PoisonError::into_inner);
            events = waited.0;
        }
    }

    /// Returns the states that were entered, in order.
    pub(crate) fn states(&self) -> Vec<CallStateName> {
        let state = |event: &Event| match event.kind {
            EventKind::State { state } => Some(state),
            _ => None,
        };
        self.lock().iter().filter_map(state).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Journal {
    fn on_event(&self, event: &Event) {
        self.lock().push(event.clone());
        self.changed.notify_all();
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dull = |event: &&Event| !matches!(event.kind, EventKind::Allocation { .. } | EventKind::Stats(_));
        f.debug_list().entries(self.lock().iter().filter(dull)).finish()?;
        let stats = |event: &Event| match &event.kind {
            EventKind::Stats(report) => Some(report.clone()),
            _ => None,
        };
        write!(f, "\nnewest figures: {:?}", self.lock().iter().rev().find_map(stats))
    }
}
