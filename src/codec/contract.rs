//! What every codec of the table must do.

mod picture;
mod sound;

use super::*;
use crate::media::{MediaKind, RtpTime, SeqNo, now};

#[test]
fn every_codec_has_one_entry_that_accepts_what_it_offers() {
    for codec in [Codec::H264, Codec::Vp8, Codec::Opus] {
        assert_eq!(CODECS.iter().filter(|entry| entry.codec == codec).count(), 1, "{codec:?}");
        let entry = CodecEntry::of(codec);
        assert!((entry.accepts)(entry.fmtp), "{codec:?}");
        assert_eq!(matches!(entry.parts, CodecParts::Video { .. }), codec.kind() == MediaKind::Video);
    }
    assert!(video_decoder(Codec::Opus).is_err() && audio_decoder(Codec::H264, 1).is_err());
}

fn codecs(kind: MediaKind) -> impl Iterator<Item = Codec> {
    CODECS.iter().map(|entry| entry.codec).filter(move |codec| codec.kind() == kind)
}

/// Returns a packet with this number and payload, and nothing else about it.
pub(super) fn packet(seq: u16, payload: &[u8]) -> RtpPacket {
    RtpPacket {
        ssrc: 1,
        payload_type: 96,
        seq: SeqNo(seq),
        timestamp: RtpTime(0),
        marker: false,
        rotation: None,
        payload: bytes::Bytes::copy_from_slice(payload),
        arrival: now(),
    }
}
