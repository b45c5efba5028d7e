//! Threads and queues: what carries frames between sources, codecs, network and sinks.
//!
//! Media is synchronous, on named threads; the network is asynchronous. They meet at two bridges:
//! encoded frames go out through a bounded tokio channel, packets come in through a bounded
//! standard one.

mod audio_receive;
mod audio_send;
mod level;
mod meter;
mod reserve;
mod rotations;
mod thread;
mod video_receive;
mod video_send;

pub(crate) use audio_receive::AudioReceive;
pub(crate) use audio_send::{AudioSend, AudioSendKnobs};
pub(crate) use meter::Meter;
pub use thread::{Outcome, Thread, spawn_thread};
pub(crate) use video_receive::VideoReceive;
pub(crate) use video_send::{VideoCapture, VideoEncode, VideoSendKnobs};

use std::time::Duration;

use crate::{
    media::{Codec, RtpPacket, SenderReport},
    sink::SinkError,
    source::SourceError,
};

/// Opens a source on the thread that will own it: devices may not be moved between threads.
pub type SourceOpener<T> = Box<dyn FnOnce() -> Result<Box<T>, SourceError> + Send>;

/// Opens a sink on the thread that will own it.
pub type SinkOpener<T> = Box<dyn FnOnce() -> Result<Box<T>, SinkError> + Send>;

/// What the network tells a receiving thread.
#[derive(Clone, Debug)]
pub(crate) enum Inbound {
    /// A packet of the stream, and the codec of what is in it.
    Packet(Codec, RtpPacket),
    /// How the stream's time relates to the sender's wall clock.
    Report(SenderReport),
    /// The round trip has changed.
    RoundTrip(Duration),
}

/// Packets that may wait for the thread that takes pictures. **When full a packet is dropped and
/// counted**: it is lost like one the network lost.
pub(crate) const VIDEO_PACKETS: usize = 512;

/// Packets that may wait for the thread that takes sound. **When full a packet is dropped and
/// counted.**
pub(crate) const AUDIO_PACKETS: usize = 128;

/// Encoded pictures that may wait for the network; see [`VideoEncode::encoded`].
pub(crate) const VIDEO_FRAMES: usize = 4;

/// Encoded blocks of sound that may wait for the network; see [`AudioSend::encoded`].
pub(crate) const AUDIO_FRAMES: usize = 10;
