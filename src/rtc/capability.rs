//! Our codecs as the WebRTC library's codec parameters.

use rtc::{
    peer_connection::configuration::media_engine::{MIME_TYPE_FLEX_FEC03, MIME_TYPE_H264, MIME_TYPE_OPUS},
    rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind},
};
use webrtc::peer_connection::MediaEngine;

use super::RtcError;
use crate::media::{Codec, MediaKind};

/// Returns a media engine that knows our codecs and no others, most wanted first.
///
/// `video/rtx` is left out on purpose: with it the library's NACK generator asks again for what was
/// already repaired, by the hundred. Retransmissions go out on the stream's own SSRC instead
/// (RFC 4585 allows it, browsers take it).
pub(super) fn media_engine() -> Result<MediaEngine, RtcError> {
    let mut engine = MediaEngine::default();
    engine.register_codec(parameters(Codec::Opus, OPUS_FMTP, 96), RtpCodecKind::Audio)?;
    // Two payload types, one codec: browsers offer constrained baseline with one profile or the
    // other, and a decoder of ours takes both.
    engine.register_codec(parameters(Codec::H264, "42e01f", 97), RtpCodecKind::Video)?;
    engine.register_codec(parameters(Codec::H264, "42001f", 98), RtpCodecKind::Video)?;
    engine.register_codec(flexfec(), RtpCodecKind::Video)?;
    Ok(engine)
}

/// Repair packets for any of our pictures, in the form that browsers know.
fn flexfec() -> RTCRtpCodecParameters {
    let rtp_codec = RTCRtpCodec {
        mime_type: MIME_TYPE_FLEX_FEC03.into(),
        clock_rate: Codec::H264.clock_rate_hz(),
        channels: 0,
        sdp_fmtp_line: String::new(),
        rtcp_feedback: vec![],
    };
    RTCRtpCodecParameters { rtp_codec, payload_type: 99 }
}

/// RFC 7587: FEC wanted, silence is sent too.
const OPUS_FMTP: &str = "useinbandfec=1";

/// Returns one codec for a local track.
pub(super) fn codec(codec: Codec) -> RTCRtpCodec {
    match codec {
        Codec::H264 => parameters(codec, "42e01f", 97).rtp_codec,
        Codec::Opus => parameters(codec, OPUS_FMTP, 96).rtp_codec,
    }
}

fn parameters(codec: Codec, detail: &str, payload_type: u8) -> RTCRtpCodecParameters {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    let rtp_codec = match codec {
        Codec::H264 => RTCRtpCodec {
            mime_type: MIME_TYPE_H264.into(),
            clock_rate: codec.clock_rate_hz(),
            channels: 0,
            sdp_fmtp_line: format!("packetization-mode=1;profile-level-id={detail}"),
            rtcp_feedback: vec![feedback("nack", ""), feedback("nack", "pli")],
        },
        Codec::Opus => RTCRtpCodec {
            mime_type: MIME_TYPE_OPUS.into(),
            clock_rate: codec.clock_rate_hz(),
            channels: 2,
            sdp_fmtp_line: detail.into(),
            rtcp_feedback: vec![],
        },
    };
    RTCRtpCodecParameters { rtp_codec, payload_type }
}

/// Returns our word for the library's kind of medium.
pub(super) fn media_kind(kind: RtpCodecKind) -> Option<MediaKind> {
    match kind {
        RtpCodecKind::Audio => Some(MediaKind::Audio),
        RtpCodecKind::Video => Some(MediaKind::Video),
        _ => None,
    }
}

/// Returns the library's word for our kind of medium.
pub(super) fn codec_kind(kind: MediaKind) -> RtpCodecKind {
    match kind {
        MediaKind::Audio => RtpCodecKind::Audio,
        MediaKind::Video => RtpCodecKind::Video,
    }
}
