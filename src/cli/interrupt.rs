//! Ctrl-C and its like: the first hangs up, the second ends at once.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::call::{Control, Controls};

/// Counts interruptions, from signals and from keys.
#[derive(Clone, Debug)]
pub(super) struct Interrupt {
    controls: Controls,
    count: watch::Sender<u32>,
    at_once: CancellationToken,
}

impl Interrupt {
    pub(super) fn new(controls: Controls) -> Self {
        Self { controls, count: watch::Sender::new(0), at_once: CancellationToken::new() }
    }

    /// Takes one.
    pub(super) async fn happened(&self) {
        self.count.send_modify(|count| *count += 1);
        if *self.count.borrow() > 1 {
            self.at_once.cancel();
        }
        self.controls.send(Control::HangUp).await;
    }

    /// Waits for the second one.
    pub(super) async fn twice(&self) {
        self.at_once.cancelled().await;
    }

    /// Takes those that the system sends, for ever.
    pub(super) async fn watch_signals(self) {
        loop {
            if let Err(error) = signal().await {
                tracing::warn!(%error, "signals are not seen");
                return;
            }
            self.happened().await;
        }
    }
}

/// Waits for a signal that asks the program to end.
#[cfg(unix)]
pub(super) async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// Waits for a signal that asks the program to end.
#[cfg(not(unix))]
pub(super) async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
