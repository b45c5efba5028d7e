//! How descriptions travel from one side to the other. With p2pcall a person carries them.

mod blob;
mod contents;
mod expected;
mod manual;
mod memory;
mod sdp;
mod stamp;
mod travel;

use std::future::Future;

pub use blob::{BlobError, BlobForm, Found, OnlyCandidates, SessionBlob};
pub use contents::{AddressScope, CandidateInfo, CandidateType, CodecInfo, Contents, MediaDirection};
pub use expected::{Expected, LIFETIME, Reach};
pub use manual::Manual;
pub use memory::{Memory, memory};
pub use stamp::{NoShortId, ShortId, Stamp};
pub use travel::{sealed_answer, travelling, with_share};

use crate::media::Description;

/// Why the exchange came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalingError {
    /// What came is not what was needed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Nothing will come: the input ended, or the other end of a channel is gone.
    #[error("{0}")]
    Ended(String),
    /// The person interrupted the exchange.
    #[error("Interrupted.")]
    Interrupted,
}

/// Carries descriptions. Complete ones: candidates are gathered before, and do not trickle.
pub trait Signaling: Send + 'static {
    /// Hands our description over. May be called again: when the network has changed the other side
    /// needs another one, with the same identity.
    fn send(&mut self, description: Description) -> impl Future<Output = Result<(), SignalingError>> + Send;

    /// Waits for the other side's description, for as long as it takes, and returns one that was
    /// checked against what is expected. Our own may be sent while this waits.
    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static;
}
