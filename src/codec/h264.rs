//! H.264 constrained baseline through openh264, payload format of RFC 6184.

mod decode;
mod depacketize;
mod encode;
mod fmtp;
mod rate;
mod raw;

use super::{CodecEntry, CodecError, CodecParts};
use crate::media::Codec;

pub(super) const ENTRY: CodecEntry = CodecEntry {
    codec: Codec::H264,
    name: NAME,
    fmtp: fmtp::OFFERED,
    accepts: fmtp::accepts,
    parts: CodecParts::Video {
        new_encoder: |target| Ok(Box::new(encode::H264Encoder::new(target)?)),
        new_decoder: || Ok(Box::new(decode::H264Decoder::new()?)),
        new_depacketizer: || Box::<depacketize::H264Depacketizer>::default(),
    },
};

const NAME: &str = "H264";

/// NAL unit types (H.264, table 7-1) that decide what a decoder can do.
const NAL_SLICE: u8 = 1;
const NAL_IDR: u8 = 5;
const NAL_SPS: u8 = 7;

fn codec_error(what: &'static str, reason: impl ToString) -> CodecError {
    CodecError { codec: NAME, what, reason: reason.to_string() }
}

/// Returns the header of each NAL unit of an Annex B byte stream.
fn nal_headers(stream: &[u8]) -> impl Iterator<Item = u8> {
    stream.windows(4).filter(|bytes| bytes[..3] == [0, 0, 1]).map(|bytes| bytes[3])
}
