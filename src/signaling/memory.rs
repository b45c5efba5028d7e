//! Two ends of a channel: signaling for demos, tests and embedders with a transport of their own.

use tokio::sync::mpsc;

use super::{Expected, Signaling, SignalingError};
use crate::media::{Description, wall_clock};

/// One end; see [`memory`].
#[derive(Debug)]
pub struct Memory {
    to: mpsc::Sender<Description>,
    from: mpsc::Receiver<Description>,
}

/// Returns two ends: what is sent at one is received at the other. Each direction holds one
/// description; **a second send waits**.
pub fn memory() -> (Memory, Memory) {
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::channel(1), mpsc::channel(1));
    (Memory { to: to_b, from: from_b }, Memory { to: to_a, from: from_a })
}

impl Signaling for Memory {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        self.to.send(description).await.map_err(|_| ended())
    }

    async fn receive(&mut self, expected: Expected) -> Result<Description, SignalingError> {
        let description = self.from.recv().await.ok_or_else(ended)?;
        expected.check(&description, wall_clock())?;
        Ok(description)
    }
}

fn ended() -> SignalingError {
    SignalingError::Ended("The other end of the exchange is gone.".into())
}
