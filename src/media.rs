//! The nouns every other module speaks: frames, formats, time, packets, descriptions.
//!
//! No threads, no I/O, no protocol stack: plain values. Pictures are I420, sound is 48 kHz
//! interleaved `f32`, time is [`MediaTime`]; sources and sinks convert once, at the rim.

mod description;
mod format;
mod frame;
mod frame_pool;
mod picture;
mod rtp;
mod slot;
mod time;

pub use description::{Description, DescriptionKind};
pub use format::{Bitrate, Codec, MediaKind, SAMPLE_RATE_HZ, Size, VideoFormat};
pub use frame::{AudioFrame, EncodedFrame, FrameError, VideoFrame};
pub(crate) use frame_pool::FrameBuffer;
pub use frame_pool::FramePool;
pub use picture::{Canvas, Rotation};
pub use rtp::{RtpPacket, RtpTime, SenderReport, SeqNo};
pub use slot::{Slot, Taken};
pub use time::{Clock, MediaTime, NtpTime, now, wall_clock};
