//! What a description holds, read from its SDP: codecs, candidates, fingerprint.
//!
//! Tolerant: what it does not know it leaves out. Nothing here is secret but the addresses; the ICE
//! password is never part of it.

mod candidate;

use serde::Serialize;

pub use candidate::{AddressScope, CandidateInfo, CandidateType};

use super::ShortId;
use crate::media::{Description, DescriptionKind, MediaKind};

/// What a description holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Offer or answer.
    pub kind: DescriptionKind,
    /// By which people tell it from others.
    pub id: Option<ShortId>,
    /// The program that wrote it, if that can be told.
    pub maker: Option<&'static str>,
    /// Hash function and hash of the certificate (RFC 8122): `sha-256 AB:CD:…`.
    pub fingerprint: Option<String>,
    /// Codecs of media that are not refused, in the order of preference.
    pub codecs: Vec<CodecInfo>,
    /// Whether there is a data channel.
    pub data_channel: bool,
    /// Where the writer can be reached, each address once.
    pub candidates: Vec<CandidateInfo>,
}

/// A codec, in the words of the W3C's `RTCRtpCodec`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodecInfo {
    /// Sound or picture.
    pub kind: MediaKind,
    /// The name as in `a=rtpmap`: `H264`, `opus`.
    pub name: String,
    /// Ticks of RTP time a second.
    pub clock_rate: u32,
    /// Channels of sound, where they are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// The number by which packets name it.
    pub payload_type: u8,
    /// Parameters as in `a=fmtp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fmtp: Option<String>,
    /// Which way its medium flows, seen by the writer.
    pub direction: MediaDirection,
}

/// Which way a medium flows, seen by the writer of the description (RFC 8866, 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaDirection {
    /// Both ways.
    SendRecv,
    /// From the writer alone.
    SendOnly,
    /// To the writer alone.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl MediaDirection {
    fn of(attribute: &str) -> Option<Self> {
        Some(match attribute {
            "sendrecv" => Self::SendRecv,
            "sendonly" => Self::SendOnly,
            "recvonly" => Self::RecvOnly,
            "inactive" => Self::Inactive,
            _ => return None,
        })
    }
}

impl Contents {
    /// Reads a description.
    pub fn of(description: &Description) -> Self {
        let mut sections = sections(&description.sdp);
        let session = sections.remove(0);
        let mut contents = Self {
            kind: description.kind,
            id: ShortId::of(description),
            maker: maker(&description.sdp),
            fingerprint: description.attribute("fingerprint").map(|value| value.trim().to_owned()),
            codecs: vec![],
            data_channel: false,
            candidates: vec![],
        };
        for section in &sections {
            let mut words = section[0].split_ascii_whitespace();
            let (medium, port) = (words.next(), words.next());
            let formats: Vec<&str> = words.skip(1).collect();
            let refused = port == Some("0") && !attributes(section).any(|attribute| attribute == "bundle-only");
            let kind = match medium {
                Some("audio") => MediaKind::Audio,
                Some("video") => MediaKind::Video,
                Some("application") => {
                    contents.data_channel |= !refused && formats.first() == Some(&"webrtc-datachannel");
                    continue;
                }
                _ => continue,
            };
            if refused {
                continue;
            }
            let direction = attributes(section)
                .chain(attributes(&session))
                .find_map(MediaDirection::of)
                .unwrap_or(MediaDirection::SendRecv);
            contents.codecs.extend(formats.iter().filter_map(|format| codec(kind, direction, format, section)));
        }
        // Bundled media repeat theirs.
        for attribute in description.sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=candidate:")) {
            if let Some(candidate) = CandidateInfo::parse(attribute)
                && !contents.candidates.contains(&candidate)
            {
                contents.candidates.push(candidate);
            }
        }
        contents
    }
}

/// Splits into the session's part and the media, each of which begins with what follows `m=`.
fn sections(sdp: &str) -> Vec<Vec<&str>> {
    let mut sections = vec![vec![]];
    for line in sdp.lines().map(str::trim_end) {
        match line.strip_prefix("m=") {
            Some(medium) => sections.push(vec![medium]),
            None => sections.last_mut().expect("there is always the session's").push(line),
        }
    }
    sections
}

fn attributes<'a>(section: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    section.iter().filter_map(|line| line.strip_prefix("a="))
}

fn codec(kind: MediaKind, direction: MediaDirection, format: &str, section: &[&str]) -> Option<CodecInfo> {
    let of_format = |name: &str| {
        attributes(section).find_map(|attribute| attribute.strip_prefix(name)?.strip_prefix(format)?.strip_prefix(' '))
    };
    let mut map = of_format("rtpmap:")?.trim().split('/');
    Some(CodecInfo {
        kind,
        name: map.next()?.to_owned(),
        clock_rate: map.next()?.parse().ok()?,
        channels: map.next().and_then(|channels| channels.parse().ok()),
        payload_type: format.parse().ok()?,
        fmtp: of_format("fmtp:").map(str::to_owned),
        direction,
    })
}

/// Tells writers apart that leave a mark.
fn maker(sdp: &str) -> Option<&'static str> {
    let has = |beginning: &str| sdp.lines().any(|line| line.starts_with(beginning));
    let marks = [
        ("a=p2pcall:", "p2pcall"),
        ("o=mozilla...THIS_IS_SDPARTA", "Firefox"),
        // Chromium, its relatives, and Safari, which share one WebRTC library.
        ("a=msid-semantic: WMS", "a browser such as Chromium or Safari"),
    ];
    marks.iter().find(|(mark, _)| has(mark)).map(|(_, maker)| *maker)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n\
        a=ice-ufrag:x\r\na=ice-pwd:secret\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102 11\r\na=rtpmap:102 H264/90000\r\na=sendonly\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

    fn contents(sdp: &str) -> Contents {
        Contents::of(&Description { kind: DescriptionKind::Offer, sdp: sdp.into() })
    }

    #[test]
    fn media_that_are_not_refused_are_listed() {
        for sdp in [SDP.to_owned(), SDP.replace("\r\n", "\n")] {
            let contents = contents(&sdp);
            let codec =
                |kind, name: &str, clock_rate, channels, payload_type, fmtp: Option<&str>, direction| CodecInfo {
                    kind,
                    name: name.into(),
                    clock_rate,
                    channels,
                    payload_type,
                    fmtp: fmtp.map(Into::into),
                    direction,
                };
            let opus = Some("useinbandfec=1");
            assert_eq!(
                contents.codecs,
                [
                    codec(MediaKind::Audio, "opus", 48_000, Some(2), 111, opus, MediaDirection::SendRecv),
                    codec(MediaKind::Video, "H264", 90_000, None, 102, None, MediaDirection::SendOnly),
                ]
            );
            assert!(contents.data_channel);
            assert_eq!(contents.candidates.len(), 1);
            assert_eq!(contents.fingerprint.as_deref(), Some("sha-256 AA:BB"));
            assert!(!format!("{contents:?}").contains("secret"));
        }
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let nothing = contents("");
        assert_eq!((nothing.id, nothing.maker, nothing.data_channel), (None, None, false));
        assert!(nothing.codecs.is_empty() && nothing.candidates.is_empty());
        let refused = contents(&SDP.replace("m=application 9", "m=application 0"));
        assert!(!refused.data_channel);
        // A direction for all, and one that is only bundled.
        let sdp = SDP.replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n");
        let sdp = sdp.replace("m=audio 9", "m=audio 0").replace("a=ice-ufrag", "a=bundle-only\r\na=ice-ufrag");
        let directions: Vec<MediaDirection> = contents(&sdp).codecs.iter().map(|codec| codec.direction).collect();
        assert_eq!(directions, [MediaDirection::Inactive, MediaDirection::SendOnly]);
    }

    #[test]
    fn writers_are_told_by_their_marks() {
        for (line, maker) in [
            ("a=p2pcall:1 0 - 0", Some("p2pcall")),
            ("o=mozilla...THIS_IS_SDPARTA-99.0 1 0 IN IP4 0.0.0.0", Some("Firefox")),
            ("a=msid-semantic: WMS", Some("a browser such as Chromium or Safari")),
            ("a=msid-semantic:WMS *", None),
        ] {
            assert_eq!(contents(&format!("v=0\r\n{line}\r\n")).maker, maker, "{line}");
        }
    }
}
