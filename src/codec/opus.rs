//! Opus at 48 kHz, payload format of RFC 7587: one packet, one frame.

mod decode;
mod encode;
mod fmtp;

use ::opus::Channels;

use super::{CodecEntry, CodecError, CodecParts};
use crate::media::Codec;

pub(super) const ENTRY: CodecEntry = CodecEntry {
    codec: Codec::Opus,
    name: NAME,
    fmtp: fmtp::OFFERED,
    accepts: fmtp::accepts,
    parts: CodecParts::Audio {
        new_encoder: |channels, target| Ok(Box::new(encode::OpusEncoder::new(channels, target)?)),
        new_decoder: |channels| Ok(Box::new(decode::OpusDecoder::new(channels)?)),
    },
};

const NAME: &str = "opus";

fn codec_error(what: &'static str, reason: impl ToString) -> CodecError {
    CodecError { codec: NAME, what, reason: reason.to_string() }
}

fn layout(channels: u8) -> Result<Channels, CodecError> {
    match channels {
        1 => Ok(Channels::Mono),
        2 => Ok(Channels::Stereo),
        _ => Err(codec_error("cannot start", format!("{channels} channels; it takes 1 or 2"))),
    }
}
