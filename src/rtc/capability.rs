//! Our codecs as the WebRTC library's codec parameters.

use rtc::{
    peer_connection::configuration::media_engine::{MIME_TYPE_FLEX_FEC03, MIME_TYPE_H264, MIME_TYPE_OPUS},
    rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind},
};
use webrtc::peer_connection::MediaEngine;

use super::{RtcError, red};
use crate::media::{Codec, MediaKind};

/// Returns a media engine that knows our codecs and no others, most wanted first.
///
/// `video/rtx` is left out on purpose: with it the library's NACK generator asks again for what was
/// already repaired, by the hundred. Retransmissions go out on the stream's own SSRC instead
/// (RFC 4585 allows it, browsers take it).
pub(super) fn media_engine() -> Result<MediaEngine, RtcError> {
    let mut engine = MediaEngine::default();
    engine.register_codec(parameters(Codec::Opus, OPUS_FMTP, 96), RtpCodecKind::Audio)?;
    let mut redundant = parameters(Codec::Opus, "96/96", red::PAYLOAD_TYPE);
    redundant.rtp_codec.mime_type = red::MIME_TYPE.into();
    engine.register_codec(redundant, RtpCodecKind::Audio)?;
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

/// RFC 7587, 6.1: with copies of what was lost, without silence, and in stereo if it is.
const OPUS_FMTP: &str = "useinbandfec=1;usedtx=1;stereo=1";

/// Returns the description without parameters of Opus that say what holds without them: the library takes
/// `stereo=0` for something that cannot be agreed on, and then leaves the codec out.
pub(super) fn without_defaults(sdp: &str) -> String {
    let mut out = String::with_capacity(sdp.len());
    for line in sdp.split_inclusive('\n') {
        let text = line.trim_end();
        match text.split_once(' ') {
            Some((name, parameters)) if name.starts_with("a=fmtp:") && parameters.contains("=0") => {
                let kept = |parameter: &&str| !OPUS_DEFAULTS.contains(&parameter.trim());
                let parameters: Vec<&str> = parameters.split(';').filter(kept).collect();
                if !parameters.is_empty() {
                    out.push_str(&format!("{name} {}{}", parameters.join(";"), &line[text.len()..]));
                }
            }
            _ => out.push_str(line),
        }
    }
    out
}

const OPUS_DEFAULTS: [&str; 3] = ["useinbandfec=0", "usedtx=0", "stereo=0"];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_anyway_need_not_be_said() {
        for (sdp, expected) in [
            ("a=fmtp:111 minptime=10;useinbandfec=1\r\n", "a=fmtp:111 minptime=10;useinbandfec=1\r\n"),
            ("a=fmtp:111 stereo=0; useinbandfec=1;usedtx=0\r\na=x\r\n", "a=fmtp:111  useinbandfec=1\r\na=x\r\n"),
            ("a=fmtp:111 usedtx=0\na=x\n", "a=x\n"),
            ("a=fmtp:97 packetization-mode=0", "a=fmtp:97 packetization-mode=0"),
        ] {
            assert_eq!(without_defaults(sdp), expected);
        }
    }
}
