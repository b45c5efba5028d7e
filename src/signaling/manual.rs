//! A person carries the blob; the embedder shows ours and asks for the other one.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{BlobForm, Expected, Found, SessionBlob, Signaling, SignalingError};
use crate::media::{Description, wall_clock};

/// Signaling through two functions: one shows a blob to the person, one gets theirs.
#[derive(Debug)]
pub struct Manual<S, A> {
    show: S,
    ask: A,
    form: Arc<Mutex<BlobForm>>,
}

impl<S, A, F> Manual<S, A>
where
    S: FnMut(SessionBlob) -> Result<(), SignalingError> + Send + 'static,
    A: FnMut(Expected) -> F + Send + 'static,
    F: Future<Output = Result<Found, SignalingError>> + Send + 'static,
{
    /// Returns a signaling that shows with `show` and asks with `ask`. `ask` is told what is expected
    /// so that it can ask again at once when something else comes. An offer is written in the form
    /// given, an answer in the form in which the offer came.
    pub fn new(show: S, ask: A, form: BlobForm) -> Self {
        Self { show, ask, form: Arc::new(Mutex::new(form)) }
    }
}

impl<S, A, F> Signaling for Manual<S, A>
where
    S: FnMut(SessionBlob) -> Result<(), SignalingError> + Send + 'static,
    A: FnMut(Expected) -> F + Send + 'static,
    F: Future<Output = Result<Found, SignalingError>> + Send + 'static,
{
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        (self.show)(SessionBlob::encode(&description, *locked(&self.form)))
    }

    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        let asked = (self.ask)(expected.clone());
        let form = self.form.clone();
        async move {
            let found = asked.await?;
            expected.check(&found.description, wall_clock())?;
            *locked(&form) = found.form;
            Ok(found.description)
        }
    }
}

fn locked(form: &Mutex<BlobForm>) -> MutexGuard<'_, BlobForm> {
    // One value of one word is never half written.
    form.lock().unwrap_or_else(PoisonError::into_inner)
}
