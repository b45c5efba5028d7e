//! Ctrl-C and its like: the first hangs up, the second ends at once.

use std::io;

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
    pub(super) async fn watch(self, mut signals: Signals) {
        while signals.next().await.is_some() {
            self.happened().await;
        }
    }
}

/// The signals that ask the program to end. None that comes after it was made is missed.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    streams: [tokio::signal::unix::Signal; 3],
    #[cfg(windows)]
    stream: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen, within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self { streams: [interrupt?, terminate?, hangup?] })
    }

    /// Waits for the next; `None` if none can come.
    pub(super) async fn next(&mut self) -> Option<()> {
        let [interrupt, terminate, hangup] = &mut self.streams;
        tokio::select! {
            signal = interrupt.recv() => signal,
            signal = terminate.recv() => signal,
            signal = hangup.recv() => signal,
        }
    }
}

#[cfg(windows)]
impl Signals {
    /// Begins to listen, within a runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { stream: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for the next; `None` if none can come.
    pub(super) async fn next(&mut self) -> Option<()> {
        self.stream.recv().await
    }
}
