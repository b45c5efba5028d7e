//! One test at a time: each runs encoders and decoders of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};

static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test of this program runs; holds the others back until dropped.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    // A test that failed says nothing about the next one.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
