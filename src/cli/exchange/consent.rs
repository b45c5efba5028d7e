//! Asks whether an offer is to be taken, before anything is sent to anybody.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::{
    cli::{StatusLine, inspect},
    pipeline::spawn_thread,
    signaling::{Found, SignalingError},
};

/// Lines of a standard input that is no terminal.
type Lines = Arc<Mutex<mpsc::Receiver<String>>>;

/// Where the person says yes or no.
#[derive(Clone)]
pub(in crate::cli) struct Consent {
    /// Without them, at the terminal.
    lines: Option<Lines>,
}

impl Consent {
    pub(in crate::cli) const fn new(lines: Option<Lines>) -> Self {
        Self { lines }
    }

    /// Says what an offer holds and waits for the word.
    ///
    /// # Errors
    /// [`SignalingError::Interrupted`] if it is not a yes.
    pub(super) async fn ask(&self, found: &Found, line: &StatusLine) -> Result<(), SignalingError> {
        line.print(inspect::told(found).trim_end());
        line.print("Nothing has been sent to anybody yet. To take the call type yes, to leave it anything else:");
        let word = match &self.lines {
            Some(lines) => lines.lock().await.recv().await,
            None => at_terminal().await,
        };
        match word.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(SignalingError::Interrupted),
        }
    }
}

/// Reads a line from the terminal; the paste before it has left it as it was.
async fn at_terminal() -> Option<String> {
    let (sender, receiver) = oneshot::channel();
    let read = move || {
        let mut text = String::new();
        let _ = sender.send(std::io::stdin().read_line(&mut text).ok().map(|_| text));
    };
    spawn_thread("consent", read).ok()?;
    receiver.await.ok().flatten()
}
