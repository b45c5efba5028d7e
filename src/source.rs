//! Where frames begin: cameras, microphones, files, and the synthetic sources that ship with
//! p2pcall. Synchronous; each source is owned by the one thread that reads it.

#[cfg(feature = "camera")]
mod camera;
mod file;
#[cfg(feature = "sound")]
mod microphone;
mod paced;
mod resample;
mod spec;
mod test_pattern;
mod tone;
mod wav;
mod y4m;

use std::time::Duration;

#[cfg(feature = "camera")]
pub use camera::{Camera, CameraInfo, OfferedFormat, PixelFormat, cameras};
pub use file::{AudioFile, VideoFile};
#[cfg(feature = "sound")]
pub use microphone::Microphone;
pub use paced::{Pace, Tick};
pub use spec::{AudioSourceSpec, CameraChoice, VideoSourceSpec};
pub use test_pattern::{TestPattern, frame_number, paint};
pub use tone::{Tone, tone_power};

use crate::media::{AudioFrame, VideoFormat, VideoFrame};

/// Why a source cannot be opened, or gives nothing more.
///
/// The message is for the person: what happened, then what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is no such device or file.
    #[error("{0}")]
    Missing(String),
    /// Another program holds it.
    #[error("{0}")]
    Busy(String),
    /// The system does not let us.
    #[error("{0}")]
    Denied(String),
    /// It is there, but what it gives cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// It gave frames and now gives none: unplugged, or its writer has gone.
    #[error("{0}")]
    Ended(String),
}

/// Pictures, one after the other.
pub trait VideoSource: Send {
    /// Returns what the source gives: a camera may not give what was asked for.
    fn format(&self) -> VideoFormat;

    /// Waits at most `timeout` for the next picture. `Ok(None)` means nothing yet.
    ///
    /// # Errors
    /// The source will not give anything again.
    fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError>;
}

/// Sound, block after block.
pub trait AudioSource: Send {
    /// Returns how many channels each block has: 1 or 2.
    fn channels(&self) -> u8;

    /// Whether it hears a room: only then is its sound to be freed of echo and noise, and evened.
    fn is_microphone(&self) -> bool {
        false
    }

    /// Waits at most `timeout` for the next 20 ms of sound (960 samples a channel) and writes them
    /// to `frame`. `Ok(false)` means nothing yet; `frame` is then undefined.
    ///
    /// # Errors
    /// The source will not give anything again.
    fn read(&mut self, frame: &mut AudioFrame, timeout: Duration) -> Result<bool, SourceError>;
}
