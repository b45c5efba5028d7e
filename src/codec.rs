//! Codecs: each in a directory of its own with encoder, decoder, payload format and SDP parameters.
//! Synchronous; each instance is owned by the one thread that uses it.

use bytes::BytesMut;

use crate::media::{AudioFrame, Bitrate, EncodedFrame, RtpPacket, Size, VideoFrame};

/// Why a codec could not be made or could not encode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codec} {what}: {reason}")]
pub struct CodecError {
    /// Which codec.
    pub codec: &'static str,
    /// What it was doing.
    pub what: &'static str,
    /// What the library said.
    pub reason: String,
}

/// Why a frame could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The picture depends on one that never came: only a key frame helps.
    #[error("a key frame is needed")]
    NeedsKeyFrame,
    /// The picture's size is out of range (see [`Size`]).
    #[error("a picture of {width}x{height} is refused")]
    Refused {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The bytes are not what they claim to be.
    #[error("undecodable: {0}")]
    Corrupt(String),
}

/// Why a packet's payload is not of the codec's payload format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid payload: {0}")]
pub struct PayloadError(pub &'static str);

/// What a video encoder is to aim at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoTarget {
    /// The size of the pictures that will be handed in.
    pub size: Size,
    /// How many a second.
    pub frame_rate: f64,
    /// What the stream may cost.
    pub bitrate: Bitrate,
}

/// What an audio encoder is to aim at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioTarget {
    /// What the stream may cost.
    pub bitrate: Bitrate,
    /// The share of packets that get lost, 0.0 to 1.0: how much of the rate goes into redundancy.
    pub loss: f32,
}

/// Raw pictures in, access units out.
pub trait VideoEncoder: Send {
    /// Encodes one picture. `None` means that rate control skipped it. A picture of another size
    /// than the target's is encoded at its own, beginning with a key frame.
    ///
    /// # Errors
    /// If the encoder fails; the next picture may succeed.
    fn encode(&mut self, frame: &VideoFrame, key_frame: bool) -> Result<Option<EncodedFrame>, CodecError>;

    /// Takes a new target, effective with the next picture. No key frame unless the size changes.
    ///
    /// # Errors
    /// If the encoder refuses it; the old target then holds.
    fn set_target(&mut self, target: VideoTarget) -> Result<(), CodecError>;
}

/// Access units in, raw pictures out.
pub trait VideoDecoder: Send {
    /// Decodes one access unit. `None` means that it holds no picture.
    ///
    /// # Errors
    /// If it cannot be decoded; after [`DecodeError::NeedsKeyFrame`] nothing can until one comes.
    fn decode(&mut self, frame: &EncodedFrame) -> Result<Option<VideoFrame>, DecodeError>;
}

/// Raw sound in, packets out: 20 ms each.
pub trait AudioEncoder: Send {
    /// Encodes one block of 20 ms.
    ///
    /// # Errors
    /// If the encoder fails; the next block may succeed.
    fn encode(&mut self, frame: &AudioFrame) -> Result<EncodedFrame, CodecError>;

    /// Takes a new target, effective with the next block.
    fn set_target(&mut self, target: AudioTarget);
}

/// What an audio decoder has to go on.
#[derive(Clone, Copy, Debug)]
pub enum AudioPayload<'a> {
    /// The packet itself.
    Packet(&'a EncodedFrame),
    /// The packet is lost, but its successor is here and may carry a copy (in-band FEC).
    Recover(&'a EncodedFrame),
    /// The packet is lost without a trace: something inaudible is to be made up.
    Conceal,
}

/// Packets in, raw sound out.
pub trait AudioDecoder: Send {
    /// Decodes one packet's worth of sound into `out`.
    ///
    /// # Errors
    /// If the packet is damaged; `out` is then undefined.
    fn decode(&mut self, payload: AudioPayload<'_>, out: &mut AudioFrame) -> Result<(), DecodeError>;
}

/// A codec's RTP payload format, receiving side.
pub trait Depacketizer: Send {
    /// Whether a frame can begin with this packet.
    fn is_start(&self, packet: &RtpPacket) -> bool;

    /// Whether this packet carries (the beginning of) something a decoder can start from.
    fn is_key(&self, packet: &RtpPacket) -> bool;

    /// Appends what the packet carries to a frame under assembly.
    ///
    /// # Errors
    /// If the payload is malformed; the frame is then lost.
    fn append(&mut self, packet: &RtpPacket, out: &mut BytesMut) -> Result<(), PayloadError>;
}
