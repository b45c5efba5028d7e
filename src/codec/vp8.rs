//! VP8 through libvpx (RFC 6386), payload format of RFC 7741.

mod decode;
mod depacketize;
mod descriptor;
mod encode;
mod frame_tag;
mod raw;

use super::{CodecEntry, CodecError, CodecParts};
use crate::media::Codec;

pub(super) const ENTRY: CodecEntry = CodecEntry {
    codec: Codec::Vp8,
    name: NAME,
    fmtp: "",
    // All that can be said is how large pictures may be and how many (RFC 7741, 6.1).
    accepts: |_| true,
    parts: CodecParts::Video {
        new_encoder: |target| Ok(Box::new(encode::Vp8Encoder::new(target)?)),
        new_decoder: || Ok(Box::new(decode::Vp8Decoder::new()?)),
        new_depacketizer: || Box::<depacketize::Vp8Depacketizer>::default(),
    },
};

const NAME: &str = "VP8";

fn codec_error(what: &'static str, reason: impl ToString) -> CodecError {
    CodecError { codec: NAME, what, reason: reason.to_string() }
}
