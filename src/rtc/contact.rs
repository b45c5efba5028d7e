//! What was heard of the other side before the call was connected: why it does not, if it does not.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use super::stun::BAD_CERTIFICATE;

/// Counts since the connection was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Connectivity checks that left here.
    pub checks_sent: u32,
    /// Checks of the other side that arrived here.
    pub checks_received: u32,
    /// Answers to our checks.
    pub answers_received: u32,
    /// The fatal DTLS alert that we sent (RFC 5246, 7.2).
    pub(super) alert_sent: Option<u8>,
    /// The fatal DTLS alert that was sent to us.
    pub(super) alert_received: Option<u8>,
}

impl Contact {
    /// Whether one side showed a certificate that is not the one its description announced.
    pub fn fingerprint_wrong(&self) -> bool {
        [self.alert_sent, self.alert_received].contains(&Some(BAD_CERTIFICATE))
    }

    /// Whether one side refused the other's handshake.
    pub const fn refused(&self) -> bool {
        self.alert_sent.is_some() || self.alert_received.is_some()
    }
}

/// Whether sockets are to be watched, and what they saw.
#[derive(Debug)]
pub(super) struct Watch {
    waiting: AtomicBool,
    contact: Mutex<Contact>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { waiting: AtomicBool::new(true), contact: Mutex::default() }
    }

    /// Whether the call is not connected yet.
    pub(super) fn waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The call is connected: ICE itself keeps the path open, and nothing has to be explained.
    pub(super) fn stop(&self) {
        self.waiting.store(false, Ordering::Relaxed);
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Contact)) {
        count(&mut self.contact.lock().expect("the lock is never held across a panic"));
    }

    pub(super) fn contact(&self) -> Contact {
        *self.contact.lock().expect("the lock is never held across a panic")
    }
}
