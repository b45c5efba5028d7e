//! Codecs: each in a directory of its own with encoder, decoder, payload format and SDP parameters.
//! Synchronous; each instance is owned by the one thread that uses it.
//!
//! A new codec is a directory and a line in [`CODECS`].

#[cfg(test)]
mod contract;
mod decoded;
mod h264;
mod opus;
mod vp8;

use bytes::BytesMut;

use crate::media::{AudioFrame, Bitrate, Codec, EncodedFrame, RtpPacket, Size, VideoFrame};

/// The codecs p2pcall speaks, best first: the only place where one is registered.
pub static CODECS: &[CodecEntry] = &[h264::ENTRY, vp8::ENTRY, opus::ENTRY];

/// All there is to know about one codec.
#[derive(Clone, Copy, Debug)]
pub struct CodecEntry {
    /// Which codec.
    pub codec: Codec,
    /// Its name in SDP (`a=rtpmap`), where case does not matter.
    pub name: &'static str,
    /// The format parameters we offer (`a=fmtp`), without the payload type.
    pub fmtp: &'static str,
    /// Whether a remote's format parameters describe something we can decode and may send.
    pub accepts: fn(fmtp: &str) -> bool,
    /// How its encoder and decoder are made.
    pub parts: CodecParts,
}

/// How the encoder and the decoder of a codec are made.
#[derive(Clone, Copy, Debug)]
pub enum CodecParts {
    /// A codec for pictures.
    Video {
        /// Makes an encoder that aims at the target.
        new_encoder: fn(VideoTarget) -> Result<Box<dyn VideoEncoder>, CodecError>,
        /// Makes a decoder.
        new_decoder: fn() -> Result<Box<dyn VideoDecoder>, CodecError>,
        /// Makes the receiving side of the payload format.
        new_depacketizer: fn() -> Box<dyn Depacketizer>,
    },
    /// A codec for sound. Its packets need no depacketizer: one packet, one frame.
    Audio {
        /// Makes an encoder for 1 or 2 channels that aims at the target.
        new_encoder: fn(channels: u8, AudioTarget) -> Result<Box<dyn AudioEncoder>, CodecError>,
        /// Makes a decoder that gives 1 or 2 channels, whatever comes in.
        new_decoder: fn(channels: u8) -> Result<Box<dyn AudioDecoder>, CodecError>,
    },
}

impl CodecEntry {
    /// Returns the entry of a codec.
    ///
    /// # Panics
    /// Never: every [`Codec`] has an entry, and a test holds it to that.
    pub fn of(codec: Codec) -> &'static Self {
        CODECS.iter().find(|entry| entry.codec == codec).expect("every codec has an entry")
    }
}

/// Makes an encoder for pictures.
///
/// # Errors
/// If the codec is for sound, or refuses the target.
pub fn video_encoder(codec: Codec, target: VideoTarget) -> Result<Box<dyn VideoEncoder>, CodecError> {
    let entry = CodecEntry::of(codec);
    match entry.parts {
        CodecParts::Video { new_encoder, .. } => new_encoder(target),
        CodecParts::Audio { .. } => Err(entry.wrong_kind("encode pictures")),
    }
}

/// Makes a decoder for pictures.
///
/// # Errors
/// If the codec is for sound, or its library fails.
pub fn video_decoder(codec: Codec) -> Result<Box<dyn VideoDecoder>, CodecError> {
    let entry = CodecEntry::of(codec);
    match entry.parts {
        CodecParts::Video { new_decoder, .. } => new_decoder(),
        CodecParts::Audio { .. } => Err(entry.wrong_kind("decode pictures")),
    }
}

/// Makes the receiving side of a video codec's RTP payload format.
///
/// # Errors
/// If the codec is for sound.
pub fn depacketizer(codec: Codec) -> Result<Box<dyn Depacketizer>, CodecError> {
    let entry = CodecEntry::of(codec);
    match entry.parts {
        CodecParts::Video { new_depacketizer, .. } => Ok(new_depacketizer()),
        CodecParts::Audio { .. } => Err(entry.wrong_kind("depacketize pictures")),
    }
}

/// Makes an encoder for sound of 1 or 2 channels.
///
/// # Errors
/// If the codec is for pictures, or refuses the channels.
pub fn audio_encoder(codec: Codec, channels: u8, target: AudioTarget) -> Result<Box<dyn AudioEncoder>, CodecError> {
    let entry = CodecEntry::of(codec);
    match entry.parts {
        CodecParts::Audio { new_encoder, .. } => new_encoder(channels, target),
        CodecParts::Video { .. } => Err(entry.wrong_kind("encode sound")),
    }
}

/// Makes a decoder that gives sound of 1 or 2 channels.
///
/// # Errors
/// If the codec is for pictures, or refuses the channels.
pub fn audio_decoder(codec: Codec, channels: u8) -> Result<Box<dyn AudioDecoder>, CodecError> {
    let entry = CodecEntry::of(codec);
    match entry.parts {
        CodecParts::Audio { new_decoder, .. } => new_decoder(channels),
        CodecParts::Video { .. } => Err(entry.wrong_kind("decode sound")),
    }
}

/// How many threads share a picture: it costs as much with two of them, and is there in little more than half the
/// time.
fn threads(size: Size) -> u16 {
    let useful = match size.pixels() {
        ..SMALL => 1,
        pixels if pixels <= Size::HD.pixels() => 2,
        _ => 4,
    };
    std::thread::available_parallelism().map_or(1, |there| useful.min(there.get() as u16))
}

/// Pictures of fewer pixels than 640x360 are encoded before a second thread would have begun.
const SMALL: usize = 640 * 360;

impl CodecEntry {
    fn wrong_kind(&self, what: &'static str) -> CodecError {
        let reason = format!("it is a codec for {}", self.codec.kind());
        CodecError { codec: self.name, what: "cannot be used", reason: format!("cannot {what}: {reason}") }
    }
}

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
    /// Whether silence need not be sent (DTX).
    pub dtx: bool,
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

    /// Decodes an access unit of which a part is missing, or that depends on such a one: what is
    /// missing is made up from the picture before. Such pictures are to be shown for a moment only,
    /// until a key frame comes.
    ///
    /// # Errors
    /// If there is nothing to make it up from, as for a key frame that is itself damaged.
    fn conceal(&mut self, frame: &EncodedFrame) -> Result<Option<VideoFrame>, DecodeError>;
}

/// Raw sound in, packets out: 20 ms each.
pub trait AudioEncoder: Send {
    /// Encodes one block of 20 ms. `None` means that it is as silent as the one before, and need not be sent.
    ///
    /// # Errors
    /// If the encoder fails; the next block may succeed.
    fn encode(&mut self, frame: &AudioFrame) -> Result<Option<EncodedFrame>, CodecError>;

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
    /// The packet is lost without a trace: 10 ms of something inaudible are to be made up.
    Conceal,
}

/// Packets in, raw sound out.
pub trait AudioDecoder: Send {
    /// Decodes one packet's worth of sound into `out`.
    ///
    /// # Errors
    /// If the packet is damaged; `out` is then undefined.
    fn decode(&mut self, payload: AudioPayload<'_>, out: &mut AudioFrame) -> Result<(), DecodeError>;

    /// Whether a packet with this payload carries a copy of the one before it.
    fn carries_previous(&self, payload: &[u8]) -> bool;
}

/// A frame's place among temporal layers: none depends on one of a layer above its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TemporalLayer {
    /// 0 is the lowest.
    pub depth: u8,
    /// Whether it builds on the lowest layer alone.
    pub sync: bool,
    /// The number of the newest frame of the lowest layer, this one or the one it builds on; it wraps.
    pub base: Option<u8>,
}

/// A codec's RTP payload format, receiving side.
pub trait Depacketizer: Send {
    /// Whether a frame can begin with this packet.
    fn is_start(&self, packet: &RtpPacket) -> bool;

    /// Whether what this packet carries is complete with it: no fragment of it follows.
    fn is_end(&self, packet: &RtpPacket) -> bool;

    /// Whether this packet carries (the beginning of) something a decoder can start from.
    fn is_key(&self, packet: &RtpPacket) -> bool;

    /// Whether a decoder can start from the frame with this packet first, even if another packet of it was
    /// in front of this one and is missing.
    fn is_entry(&self, packet: &RtpPacket) -> bool;

    /// Whether the frame that begins with this packet is the one right after that of which packets were appended
    /// last, by a number in it: what is missing in between held nothing. `false` where nothing tells.
    fn continues(&self, packet: &RtpPacket) -> bool;

    /// Whether no other frame depends on the one this packet belongs to.
    fn is_disposable(&self, packet: &RtpPacket) -> bool;

    /// Returns the place of the frame that this packet belongs to; the lowest where there are no layers.
    fn layer(&self, packet: &RtpPacket) -> TemporalLayer;

    /// Appends what the packet carries to a frame under assembly.
    ///
    /// # Errors
    /// If the payload is malformed; the frame is then lost.
    fn append(&mut self, packet: &RtpPacket, out: &mut BytesMut) -> Result<(), PayloadError>;
}
