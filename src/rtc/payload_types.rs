//! Which payload type means which codec, in what comes in.

use std::sync::{Arc, Mutex, PoisonError};

use super::description;
use crate::media::Codec;

/// The payload types of an offer, ours or theirs: the answer keeps to them. Clones share them.
///
/// A sender may change from one codec to another in mid-stream, each packet says which it is (RFC 3264, 8.3.2).
#[derive(Clone, Debug, Default)]
pub(super) struct PayloadTypes(Arc<Mutex<Vec<(u8, Codec)>>>);

impl PayloadTypes {
    /// Takes what an offer says.
    pub(super) fn offered(&self, sdp: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = description::payload_types(sdp);
    }

    pub(super) fn codec(&self, payload_type: u8) -> Option<Codec> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(number, _)| *number == payload_type).map(|(_, codec)| *codec)
    }
}
