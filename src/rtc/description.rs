//! The other side's description before the library sees it: what is to be read from it, and what the library
//! would get wrong.

mod bundled;

pub(super) use bundled::undeclared;

use self::bundled::bundled;
use super::{
    capability::{self, Match},
    track::{repair_ssrc, ssrc},
};
use crate::media::{Codec, Description, MediaKind};

/// Returns the text that the library is to take in place of the other side's.
///
/// `wished` says in which order codecs for pictures are to be looked at, whatever the text says, and `learnt` SSRCs
/// that it does not tell.
pub(super) fn for_library(description: &Description, wished: Option<&[Codec]>, learnt: &[(MediaKind, u32)]) -> String {
    let sdp = capability::without_defaults(&for_each_codec(&spread(&bundled(&with_repair(description), learnt))));
    rewritten(&sdp, |medium| {
        let formats = Formats::of(medium)?;
        let mut payload_types = formats.payload_types.clone();
        if let Some(wished) = wished {
            let rank = |payload_type: &&str| {
                let codec = formats.matched(payload_type).map(|(codec, _)| codec);
                wished.iter().position(|wish| Some(*wish) == codec).unwrap_or(wished.len())
            };
            payload_types.sort_by_key(rank);
        }
        if formats.best() == Some(Match::Partial) {
            // The library would take the repair packets alone, which match exactly.
            payload_types.retain(|payload_type| !formats.is_repair(payload_type));
        }
        Some(formats.line(&payload_types))
    })
}

/// Whether the other side wants to receive a medium (RFC 8866, 6.7), by what the library takes of its description.
pub(super) fn receives(sdp: &str, kind: MediaKind) -> bool {
    let (session, _) = session(sdp);
    let mut media = media(sdp).filter(|medium| kind_of(medium) == Some(kind));
    media.any(|medium| matches!(direction(medium, session), None | Some("sendrecv" | "recvonly")))
}

/// Returns the streams of which a description tells (RFC 8830), each with its tracks: those that the other side sends.
pub(super) fn streams(sdp: &str) -> Vec<(String, Vec<(MediaKind, String)>)> {
    let (session, _) = session(sdp);
    let mut streams: Vec<(String, Vec<_>)> = Vec::new();
    for medium in media(sdp) {
        let Some(kind) = kind_of(medium) else { continue };
        if matches!(direction(medium, session), Some("recvonly" | "inactive")) || medium.split(' ').nth(1) == Some("0")
        {
            continue;
        }
        let mut lines = medium.lines();
        let msid = lines.find_map(|line| {
            line.strip_prefix("a=msid:")
                .or_else(|| line.strip_prefix("a=ssrc:")?.split_once(" msid:").map(|(_, msid)| msid))
        });
        let (stream, track) = msid.unwrap_or("-").split_once(' ').unwrap_or((msid.unwrap_or("-"), ""));
        let track = (kind, track.trim_end().to_owned());
        match streams.iter_mut().find(|(id, _)| id == stream) {
            Some((_, tracks)) => tracks.push(track),
            None => streams.push((stream.to_owned(), vec![track])),
        }
    }
    streams
}

/// Returns the direction that a medium, or else its session, tells.
fn direction<'a>(medium: &'a str, session: &'a str) -> Option<&'a str> {
    [medium, session].into_iter().find_map(|lines| {
        let mut attributes = lines.lines().filter_map(|line| line.trim_end().strip_prefix("a="));
        attributes.find(|name| matches!(*name, "sendrecv" | "sendonly" | "recvonly" | "inactive"))
    })
}

/// Returns the codec in which the library lets us send a medium: the first of ours in a description of the other
/// side, or of those that match exactly if any does. `None` if there is none, or it is refused.
pub(super) fn chosen(sdp: &str, kind: MediaKind) -> Option<Codec> {
    let medium = media(sdp).find(|medium| kind_of(medium) == Some(kind))?;
    let formats = Formats::of(medium)?;
    let best = formats.best()?;
    let matches = formats.payload_types.iter().filter_map(|payload_type| formats.matched(payload_type));
    matches.filter(|(_, how)| *how == best).map(|(codec, _)| codec).next()
}

/// Returns which payload types mean which codec of ours.
pub(super) fn payload_types(sdp: &str) -> Vec<(u8, Codec)> {
    let formats = media(sdp).filter_map(Formats::of);
    let of_medium = |formats: Formats<'_>| -> Vec<(u8, Codec)> {
        let known = |payload_type: &&str| Some((payload_type.parse().ok()?, formats.matched(payload_type)?.0));
        formats.payload_types.iter().filter_map(known).collect()
    };
    formats.flat_map(of_medium).collect()
}

/// Whether an answer refuses a medium: its port is zero (RFC 3264, 6).
pub(super) fn is_refused(answer: &str, kind: MediaKind) -> bool {
    let refused = match kind {
        MediaKind::Audio => "m=audio 0 ",
        MediaKind::Video => "m=video 0 ",
    };
    answer.lines().any(|line| line.starts_with(refused))
}

/// The formats of a medium (RFC 8866, 5.14).
struct Formats<'a> {
    medium: &'a str,
    /// The words of its first line up to the formats.
    head: Vec<&'a str>,
    payload_types: Vec<&'a str>,
}

impl<'a> Formats<'a> {
    /// Returns those of sound or pictures.
    fn of(medium: &'a str) -> Option<Self> {
        kind_of(medium)?;
        let mut words = medium.lines().next()?.split_ascii_whitespace();
        let head: Vec<&str> = words.by_ref().take(3).collect();
        (head.len() == 3).then(|| Self { medium, head, payload_types: words.collect() })
    }

    fn attribute(&self, name: &str, payload_type: &str) -> Option<&'a str> {
        let attributes = self.medium.lines().filter_map(|line| line.strip_prefix("a=")?.strip_prefix(name));
        attributes.filter_map(|value| value.split_once(' ')).find(|(of, _)| *of == payload_type).map(|(_, value)| value)
    }

    /// Returns which codec of ours a payload type means, and how well it matches.
    fn matched(&self, payload_type: &str) -> Option<(Codec, Match)> {
        let name = self.attribute("rtpmap:", payload_type)?;
        let parameters = self.attribute("fmtp:", payload_type).unwrap_or_default();
        let found = capability::matched(name.trim(), parameters)?;
        (Some(found.0.kind()) == kind_of(self.medium)).then_some(found)
    }

    /// Returns how well that of ours matches that does best.
    fn best(&self) -> Option<Match> {
        self.payload_types.iter().filter_map(|payload_type| self.matched(payload_type)).map(|(_, how)| how).max()
    }

    fn is_repair(&self, payload_type: &str) -> bool {
        self.attribute("rtpmap:", payload_type).is_some_and(|name| name.trim().eq_ignore_ascii_case("flexfec-03/90000"))
    }

    /// Returns the first line with these payload types.
    fn line(&self, payload_types: &[&str]) -> String {
        [&self.head[..], payload_types].concat().join(" ")
    }
}

fn kind_of(medium: &str) -> Option<MediaKind> {
    match medium.split_ascii_whitespace().next()? {
        "m=audio" => Some(MediaKind::Audio),
        "m=video" => Some(MediaKind::Video),
        _ => None,
    }
}

/// Splits into the session's lines and the text of the media.
fn session(sdp: &str) -> (&str, &str) {
    sdp.split_at(sdp.find("\nm=").map_or(sdp.len(), |end| end + 1))
}

/// Returns the text of each medium.
fn media(sdp: &str) -> impl Iterator<Item = &str> {
    let (_, mut rest) = session(sdp);
    std::iter::from_fn(move || {
        let (medium, next) = session(rest);
        rest = next;
        (!medium.is_empty()).then_some(medium)
    })
}

/// Returns the description with another first line for each medium for which there is one.
fn rewritten(sdp: &str, line: impl Fn(&str) -> Option<String>) -> String {
    let mut out = session(sdp).0.to_owned();
    for medium in media(sdp) {
        match line(medium) {
            Some(first) => {
                out.push_str(&first);
                out.push_str(
                    &medium[medium.trim_end_matches(['\r', '\n']).find(['\r', '\n']).unwrap_or(medium.len())..],
                );
            }
            None => out.push_str(medium),
        }
    }
    out
}

/// Says which stream repairs which (RFC 5956) where a p2pcall leaves it out: its SSRCs are known, and
/// browsers refuse a group of which one stream has no more lines.
fn with_repair(description: &Description) -> String {
    let sdp = &description.sdp;
    let [stream, repair] = [ssrc(MediaKind::Video, description.kind), repair_ssrc(description.kind)];
    let line = format!("a=ssrc:{stream} ");
    match sdp.find(&line) {
        Some(at) if sdp.contains(" flexfec-03/90000") && !sdp.contains("a=ssrc-group:FEC-FR ") => {
            let (before, after) = sdp.split_at(at);
            format!("{before}a=ssrc-group:FEC-FR {stream} {repair}\n{after}")
        }
        _ => sdp.clone(),
    }
}

/// Repeats in each medium what RFC 8285 (5) and RFC 8842 (5.1) also allow once for all of them: the
/// library looks for it there alone. Comes last, so that what a medium says for itself is found first.
fn spread(sdp: &str) -> String {
    let (session, _) = session(sdp);
    let lines = |prefix| session.split_inclusive('\n').filter(move |line| line.starts_with(prefix));
    let setup: String = lines("a=setup:").collect();
    let extensions: String = lines("a=extmap:").collect();
    let mut spread = session.to_owned();
    for medium in media(sdp) {
        spread.push_str(medium);
        spread.push_str(&setup);
        if kind_of(medium).is_some() {
            spread.push_str(&extensions);
        }
    }
    spread
}

/// Repeats for each codec what RFC 4585 (4.2) also allows once for all of a medium's: the library does not know it.
fn for_each_codec(sdp: &str) -> String {
    let mut out = session(sdp).0.to_owned();
    for medium in media(sdp) {
        let payload_types = Formats::of(medium).map(|formats| formats.payload_types).unwrap_or_default();
        for line in medium.split_inclusive('\n') {
            match line.strip_prefix("a=rtcp-fb:* ") {
                Some(kind) => {
                    payload_types.iter().for_each(|number| out.push_str(&format!("a=rtcp-fb:{number} {kind}")));
                }
                None => out.push_str(line),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::DescriptionKind;

    #[test]
    fn a_medium_is_refused_by_its_port() {
        let answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\nm=video 0 UDP/TLS/RTP/SAVPF 0\r\n";
        assert!(is_refused(answer, MediaKind::Video) && !is_refused(answer, MediaKind::Audio));
    }

    #[test]
    fn what_holds_for_all_media_is_repeated_in_each() {
        for end in ["\n", "\r\n"] {
            let lines = |text: &str| text.replace('|', end);
            let sdp = lines("v=0|a=setup:active|a=extmap:1 urn:x|m=audio 9|a=mid:0|m=application 9|a=mid:1|");
            let spread_out = lines(
                "v=0|a=setup:active|a=extmap:1 urn:x|m=audio 9|a=mid:0|a=setup:active|a=extmap:1 urn:x|\
                 m=application 9|a=mid:1|a=setup:active|",
            );
            assert_eq!(spread(&sdp), spread_out);
            let sdp = lines("v=0|m=audio 9|a=setup:active|a=extmap:1 urn:x|a=mid:0|");
            assert_eq!(spread(&sdp), sdp, "what is there already is left alone");
        }
    }

    /// As Chromium offers, in short, and with a codec that nobody knows.
    const OFFER: &str = "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:0\r\na=ssrc:1 msid:x y\r\n\
        a=rtpmap:111 opus/48000/2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 45 103 106 49\r\na=mid:1\r\na=ssrc:2 msid:x z\r\na=rtpmap:96 VP8/90000\r\n\
        a=rtpmap:97 rtx/90000\r\n\
        a=fmtp:97 apt=96\r\na=rtpmap:45 XYZ/90000\r\na=rtpmap:103 H264/90000\r\n\
        a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\na=rtpmap:106 H264/90000\r\n\
        a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=f4001f\r\na=rtpmap:49 flexfec-03/90000\r\n";

    #[test]
    fn codecs_are_taken_in_the_order_that_is_wished() {
        let offer = |sdp: String| Description { kind: DescriptionKind::Offer, sdp };
        let high = OFFER.replace("profile-level-id=42001f", "profile-level-id=f4001f");
        let other_alone = high.replace(" 96 97 45 ", " ");
        for (sdp, wished, line, codec) in [
            (OFFER, None, "96 97 45 103 106 49", Some(Codec::Vp8)),
            (OFFER, Some(&[Codec::H264, Codec::Vp8][..]), "103 106 96 97 45 49", Some(Codec::H264)),
            (OFFER, Some(&[Codec::Vp8, Codec::H264]), "96 103 106 97 45 49", Some(Codec::Vp8)),
            // What matches in part alone is not taken beside what matches.
            (&high, Some(&[Codec::H264, Codec::Vp8]), "103 106 96 97 45 49", Some(Codec::Vp8)),
            (&other_alone, None, "103 106", Some(Codec::H264)),
            (&OFFER.replace("H264", "H265").replace("VP8", "AV1"), None, "96 97 45 103 106 49", None),
        ] {
            let text = for_library(&offer(sdp.to_owned()), wished, &[]);
            let found = text.lines().find(|line| line.starts_with("m=video"));
            assert_eq!(found, Some(&*format!("m=video 9 UDP/TLS/RTP/SAVPF {line}")), "{wished:?}");
            assert_eq!(chosen(&text, MediaKind::Video), codec, "{line}");
            assert_eq!(chosen(&text, MediaKind::Audio), Some(Codec::Opus));
            assert_eq!(text.lines().count(), sdp.lines().count());
        }
    }

    #[test]
    fn what_holds_for_all_codecs_is_repeated_for_each() {
        let sdp = "v=0\nm=video 9 P 97 100\na=rtcp-fb:* nack pli\na=rtcp-fb:97 x\n";
        let expected = "v=0\nm=video 9 P 97 100\na=rtcp-fb:97 nack pli\na=rtcp-fb:100 nack pli\na=rtcp-fb:97 x\n";
        assert_eq!(for_each_codec(sdp), expected);
    }

    #[test]
    fn who_wants_to_receive_is_told() {
        for (lines, expected) in [
            ("v=0|m=video 9 P 96|a=sendrecv|", true),
            ("v=0|m=video 9 P 96|", true),
            ("v=0|m=video 9 P 96|a=recvonly|", true),
            ("v=0|m=video 9 P 96|a=sendonly|", false),
            ("v=0|m=video 9 P 96|a=inactive|", false),
            ("v=0|a=sendonly|m=video 9 P 96|", false),
            ("v=0|a=sendonly|m=video 9 P 96|a=sendrecv|", true),
            ("v=0|m=video 9 P 96|a=inactive|m=video 9 P 96|a=sendrecv|", true),
            ("v=0|m=audio 9 P 96|", false),
        ] {
            assert_eq!(receives(&lines.replace('|', "\r\n"), MediaKind::Video), expected, "{lines}");
        }
    }

    #[test]
    fn streams_are_told_with_their_tracks() {
        let audio = (MediaKind::Audio, "y".to_owned());
        for (sdp, expected) in [
            (OFFER.to_owned(), vec![("x".to_owned(), vec![audio.clone(), (MediaKind::Video, "z".into())])]),
            (OFFER.replace("a=mid:1", "a=recvonly"), vec![("x".into(), vec![audio.clone()])]),
            (OFFER.replace("m=video 9", "m=video 0"), vec![("x".into(), vec![audio])]),
            ("v=0\r\nm=audio 9 P 1\r\n".into(), vec![("-".into(), vec![(MediaKind::Audio, String::new())])]),
            ("v=0\r\nm=application 9 P 1\r\n".into(), vec![]),
        ] {
            assert_eq!(streams(&sdp), expected, "{sdp}");
        }
    }

    #[test]
    fn payload_types_are_known() {
        let known = [(111, Codec::Opus), (96, Codec::Vp8), (103, Codec::H264), (106, Codec::H264)];
        assert_eq!(payload_types(OFFER), known);
    }
}
