//! Sound between device and codec: devices, rings, sample rates.
//!
//! Sound is 48 kHz interleaved `f32` inside; what devices want is their own affair and ends here.

#[cfg(feature = "sound")]
mod device;
mod far_end;
mod processing;
#[cfg(feature = "sound")]
mod reconnect;
#[cfg(feature = "sound")]
mod resample;
#[cfg(feature = "sound")]
mod ring;
#[cfg(feature = "sound")]
mod sample_clock;
mod settings;

#[cfg(feature = "sound")]
pub use self::device::{SoundDeviceInfo, SoundSelect, microphones, speakers};
pub use self::settings::MicrophoneSettings;
#[cfg(feature = "sound")]
pub(crate) use self::{
    device::{Failure, Request, SoundError, Stream, open_microphone, open_speaker},
    reconnect::Reconnect,
    resample::Resampler,
    ring::{CaptureReader, PlaybackWriter},
};
pub(crate) use self::{
    far_end::{FarEnd, FarEndReader, far_end},
    processing::AudioProcessing,
};
