//! Our codecs as the WebRTC library's codec parameters.

use rtc::{
    peer_connection::configuration::media_engine::{
        MIME_TYPE_FLEX_FEC03, MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_VP8,
    },
    rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind},
};
use webrtc::peer_connection::MediaEngine;

use super::{RtcError, red};
use crate::media::{Codec, MediaKind};

/// Returns a media engine that knows our codecs and no others, for pictures in this order.
///
/// `video/rtx` is left out on purpose: with it the library's NACK generator asks again for what was
/// already repaired, by the hundred. Retransmissions go out on the stream's own SSRC instead
/// (RFC 4585 allows it, browsers take it).
pub(super) fn media_engine(pictures: &[Codec]) -> Result<MediaEngine, RtcError> {
    let mut engine = MediaEngine::default();
    engine.register_codec(parameters(Codec::Opus, OPUS_FMTP, 96), RtpCodecKind::Audio)?;
    let mut redundant = parameters(Codec::Opus, "96/96", red::PAYLOAD_TYPE);
    redundant.rtp_codec.mime_type = red::MIME_TYPE.into();
    engine.register_codec(redundant, RtpCodecKind::Audio)?;
    for codec in pictures {
        match codec {
            Codec::H264 => {
                for (payload_type, profile) in H264_PROFILES {
                    engine
                        .register_codec(parameters(*codec, &h264_fmtp(profile), payload_type), RtpCodecKind::Video)?;
                }
            }
            Codec::Vp8 => engine.register_codec(parameters(*codec, "", 100), RtpCodecKind::Video)?,
            Codec::Opus => {}
        }
    }
    engine.register_codec(flexfec(), RtpCodecKind::Video)?;
    Ok(engine)
}

/// One codec under several names, of which the first alone travels: constrained baseline, written in three ways,
/// main and high. A decoder of ours takes them all, and theirs take the constrained baseline that we send.
const H264_PROFILES: [(u8, &str); 7] = [
    (97, "42e01f"),
    (98, "42001f"),
    (101, "42c01f"),
    (102, "4d001f"),
    (103, "4d401f"),
    (104, "64001f"),
    (105, "640c1f"),
];

fn h264_fmtp(profile: &str) -> String {
    format!("packetization-mode=1;profile-level-id={profile}")
}

/// How well a codec of the other side is one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// By its name: its parameters are not as any that we know.
    Partial,
    /// By its parameters, too.
    Exact,
}

/// Returns which codec of ours one with this name and these parameters is, as the library will judge it.
pub(super) fn matched(name: &str, fmtp: &str) -> Option<(Codec, Match)> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("opus/48000/2") {
        return Some((Codec::Opus, Match::Exact));
    }
    if is("VP8/90000") {
        return Some((Codec::Vp8, Match::Exact));
    }
    if !is("H264/90000") {
        return None;
    }
    let value = |name: &str| {
        fmtp.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_ascii_lowercase())
        })
    };
    // Profile and its constraints; the level may differ.
    let profile = value("profile-level-id").unwrap_or_default();
    let is_known = profile.len() == 6 && H264_PROFILES.iter().any(|(_, known)| profile.starts_with(&known[..4]));
    let exact = value("packetization-mode").as_deref() == Some("1") && is_known;
    Some((Codec::H264, if exact { Match::Exact } else { Match::Partial }))
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
        Codec::H264 => parameters(codec, &h264_fmtp("42e01f"), 97).rtp_codec,
        Codec::Vp8 => parameters(codec, "", 100).rtp_codec,
        Codec::Opus => parameters(codec, OPUS_FMTP, 96).rtp_codec,
    }
}

fn parameters(codec: Codec, fmtp: &str, payload_type: u8) -> RTCRtpCodecParameters {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    let (mime_type, channels) = match codec {
        Codec::H264 => (MIME_TYPE_H264, 0),
        Codec::Vp8 => (MIME_TYPE_VP8, 0),
        Codec::Opus => (MIME_TYPE_OPUS, 2),
    };
    let rtcp_feedback = match codec.kind() {
        MediaKind::Video => vec![feedback("nack", ""), feedback("nack", "pli")],
        MediaKind::Audio => vec![],
    };
    let rtp_codec = RTCRtpCodec {
        mime_type: mime_type.into(),
        clock_rate: codec.clock_rate_hz(),
        channels,
        sdp_fmtp_line: fmtp.into(),
        rtcp_feedback,
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
    fn codecs_are_known_by_name_and_parameters() {
        use Match::{Exact, Partial};
        for (name, fmtp, expected) in [
            ("opus/48000/2", "minptime=10", Some((Codec::Opus, Exact))),
            ("vp8/90000", "max-fs=12288;max-fr=60", Some((Codec::Vp8, Exact))),
            ("H264/90000", "packetization-mode=1;profile-level-id=42e01f", Some((Codec::H264, Exact))),
            ("h264/90000", "Profile-Level-Id=42001F; packetization-mode=1", Some((Codec::H264, Exact))),
            ("H264/90000", "profile-level-id=640c2a;packetization-mode=1", Some((Codec::H264, Exact))),
            ("H264/90000", "profile-level-id=42e01f;packetization-mode=0", Some((Codec::H264, Partial))),
            ("H264/90000", "profile-level-id=42e01f", Some((Codec::H264, Partial))),
            ("H264/90000", "profile-level-id=f4001f;packetization-mode=1", Some((Codec::H264, Partial))),
            ("H264/90000", "profile-level-id=42é0;packetization-mode=1", Some((Codec::H264, Partial))),
            ("H264/90000", "", Some((Codec::H264, Partial))),
            ("VP9/90000", "", None),
            ("PCMU/8000", "", None),
        ] {
            assert_eq!(matched(name, fmtp), expected, "{name} {fmtp}");
        }
    }

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
