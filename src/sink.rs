//! Where frames end: a window, the terminal, a speaker, files, or nothing at all.
//! Synchronous; each sink is owned by the one thread that feeds it.

mod file;
mod null;
mod pace;
mod scale;
#[cfg(feature = "sound")]
mod speaker;
mod spec;
pub mod terminal;
#[cfg(feature = "window")]
pub mod window;

use std::time::Duration;

pub use file::{AudioFile, VideoFile};
pub use null::{NotSeen, NullAudio, NullVideo, Played, Shown};
#[cfg(feature = "sound")]
pub use speaker::Speaker;
pub use spec::{AudioSinkSpec, VideoSinkSpec};

use crate::media::{AudioFrame, VideoFrame};

/// Why a sink cannot be opened, or takes nothing more.
///
/// The message is for the person: what happened, then what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// There is no such device or place.
    #[error("{0}")]
    Missing(String),
    /// It is there but cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// It took frames and now takes none: unplugged, closed, or its reader has gone.
    #[error("{0}")]
    Ended(String),
}

/// Takes pictures at the moment they are to be seen.
pub trait VideoSink: Send {
    /// Shows a picture. Returns quickly: a slow screen keeps the newest and forgets the rest.
    ///
    /// # Errors
    /// The sink will not show anything again.
    fn show(&mut self, frame: VideoFrame) -> Result<(), SinkError>;

    /// Completes what was begun: a file's trailer, a restored screen.
    fn finish(&mut self) {}
}

/// Takes sound and plays it at its own pace: whoever feeds it keeps [`AudioSink::queued`] at a
/// level and no higher.
pub trait AudioSink: Send {
    /// Adds a block to what is to be played.
    ///
    /// # Errors
    /// The sink will not play anything again.
    fn play(&mut self, frame: &AudioFrame) -> Result<(), SinkError>;

    /// Whether a room hears it, and with it perhaps our microphone.
    fn is_speaker(&self) -> bool {
        false
    }

    /// Returns how much sound is waiting in the sink, not yet handed to the device.
    fn queued(&self) -> Duration;

    /// Returns how much the device takes at once: with less in the sink it plays silence in between.
    fn wanted(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns how long a block handed over now takes until it is heard, the device's own latency
    /// included.
    fn delay(&self) -> Duration {
        self.queued()
    }

    /// Returns how long silence was played because no sound was there, since the first block.
    fn starved(&self) -> Duration {
        Duration::ZERO
    }

    /// Completes what was begun: a file's header.
    fn finish(&mut self) {}
}
