//! A person carries the blob; the embedder shows ours and asks for the other one.

use std::future::Future;

use super::{Expected, SessionBlob, Signaling, SignalingError};
use crate::media::Description;

/// Signaling through two functions: one shows a blob to the person, one gets theirs.
#[derive(Debug)]
pub struct Manual<S, A> {
    show: S,
    ask: A,
}

impl<S, A, F> Manual<S, A>
where
    S: FnMut(SessionBlob) -> Result<(), SignalingError> + Send + 'static,
    A: FnMut(Expected) -> F + Send + 'static,
    F: Future<Output = Result<Description, SignalingError>> + Send,
{
    /// Returns a signaling that shows with `show` and asks with `ask`. `ask` is told what is expected
    /// so that it can ask again at once when something else comes.
    pub const fn new(show: S, ask: A) -> Self {
        Self { show, ask }
    }
}

impl<S, A, F> Signaling for Manual<S, A>
where
    S: FnMut(SessionBlob) -> Result<(), SignalingError> + Send + 'static,
    A: FnMut(Expected) -> F + Send + 'static,
    F: Future<Output = Result<Description, SignalingError>> + Send,
{
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        (self.show)(SessionBlob::encode(&description))
    }

    async fn receive(&mut self, expected: Expected) -> Result<Description, SignalingError> {
        let description = (self.ask)(expected.clone()).await?;
        expected.check(&description)?;
        Ok(description)
    }
}
