//! Two ends of a channel: signaling for demos, tests and embedders with a transport of their own.

use std::{future::Future, sync::Arc};

use tokio::sync::{Mutex, mpsc};

use super::{Expected, Signaling, SignalingError};
use crate::media::{Description, wall_clock};

/// One end; see [`memory`].
#[derive(Debug)]
pub struct Memory {
    to: mpsc::Sender<Description>,
    from: Arc<Mutex<mpsc::Receiver<Description>>>,
}

/// Returns two ends: what is sent at one is received at the other. Each direction holds one
/// description; **a second send waits**.
pub fn memory() -> (Memory, Memory) {
    let ((to_b, from_a), (to_a, from_b)) = (mpsc::channel(1), mpsc::channel(1));
    let end = |to, from| Memory { to, from: Arc::new(Mutex::new(from)) };
    (end(to_b, from_b), end(to_a, from_a))
}

impl Signaling for Memory {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        self.to.send(description).await.map_err(|_| ended())
    }

    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        let from = self.from.clone();
        async move {
            let description = from.lock().await.recv().await.ok_or_else(ended)?;
            expected.check(&description, wall_clock())?;
            Ok(description)
        }
    }
}

fn ended() -> SignalingError {
    SignalingError::Ended("The other end of the exchange is gone.".into())
}
