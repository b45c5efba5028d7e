//! Figures that one thread writes and the call's task reads once a second.

use std::sync::{Arc, Mutex, MutexGuard};

/// Shared figures. Clones share them.
#[derive(Debug, Default)]
pub(crate) struct Meter<T>(Arc<Mutex<T>>);

impl<T: Clone> Meter<T> {
    /// Changes the figures.
    pub(crate) fn update(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock());
    }

    /// Returns the figures as they are.
    pub(crate) fn read(&self) -> T {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("the lock is never held across a panic")
    }
}

impl<T> Clone for Meter<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
