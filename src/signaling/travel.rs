//! What of our description travels.
//!
//! The WebRTC library keeps its full description. The other side gets the lines that mean something to
//! it, each once, so that a person can carry them: see `docs/blob-format.md`.

use std::collections::HashSet;

use super::{
    Stamp,
    sdp::{Direction, Lines, Sdp},
};
use crate::media::{Description, DescriptionKind};

/// How the text begins: nothing of it is used with ICE (RFC 8829, 5.2.1; RFC 8839, 4.2.1).
pub(super) const PREAMBLE: &str = "v=0\no=- 1 1 IN IP6 ::\ns=-\nc=IN IP6 ::\nt=0 0\n";

/// Which way up pictures are: an offer of ours does without. Whoever then sends pictures turns them himself.
const ORIENTATION: &str = " urn:3gpp:video-orientation";

/// The stream to which both our tracks belong: receivers keep its sound and pictures together.
pub(super) const STREAM: &str = "p";

/// Makes what travels out of the WebRTC library's description of our side.
///
/// What holds for all media is said once, in front. Candidates stand in the first medium that is not
/// refused, with which the others are bundled (RFC 8843, 7.1).
/// Lines end in a line feed, which every reader takes (RFC 8866, 5). Where a candidate's base is, nobody
/// but us needs to know. `hide_addresses` leaves out the candidates that are our interfaces' addresses.
///
/// An answer keeps to the `offer` it belongs to: what is inactive there stays so, and header extensions stand
/// where they stand there.
pub fn travelling(local: &Description, offer: Option<&Description>, stamp: Stamp, hide_addresses: bool) -> Description {
    let sdp = Sdp::new(&local.sdp);
    let offer = offer.map(|offer| Sdp::new(&offer.sdp));
    let mut out = PREAMBLE.to_owned();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    if offer.as_ref().is_none_or(|offer| offer.session.attribute("group").is_some()) {
        bundle(&sdp).iter().for_each(|group| line(group));
    }
    for name in ["fingerprint", "ice-ufrag", "ice-pwd"] {
        sdp.attribute(name).iter().for_each(|value| line(&format!("a={name}:{value}")));
    }
    // Firefox takes what stands in front for the data channel's, too, and refuses it in an answer to its own.
    let may_share = offer.as_ref().is_none_or(|offer| offer.session.attribute("extmap").is_some());
    let shared = if may_share { shared_extensions(&sdp, local.kind) } else { vec![] };
    shared.iter().for_each(|extension| line(extension));

    let open = sdp.media.iter().position(|medium| !medium.is_refused());
    let open = open.and_then(|index| sdp.media[index].attribute("mid"));
    let offered = offer.as_ref().map_or(&sdp.media, |offer| &offer.media);
    for offered in offered {
        let mid = offered.attribute("mid");
        // The library leaves out what is neither sound nor picture nor channel.
        let medium = sdp.media.iter().find(|medium| medium.attribute("mid") == mid);
        let of_medium = match medium {
            Some(medium) if !medium.is_refused() => match medium.medium().next() {
                Some("audio" | "video") => rtp(medium, local.kind, offer.as_ref().map(|_| offered), !shared.is_empty()),
                _ => association(medium),
            },
            _ => refused(offered, sdp.attribute("setup")),
        };
        of_medium.iter().for_each(|text| line(text));
        if mid == open {
            candidates(&sdp, hide_addresses).iter().for_each(|candidate| line(candidate));
        }
    }
    Description { kind: local.kind, sdp: stamp.apply(&out) }
}

/// Adds our part of a passphrase to an offer that travels.
pub fn with_share(offer: &Description, share: &str, stamp: Stamp) -> Description {
    let media = offer.sdp.find("\nm=").map_or(offer.sdp.len(), |end| end + 1);
    let (session, media) = offer.sdp.split_at(media);
    Description { kind: offer.kind, sdp: stamp.apply(&format!("{session}a=passphrase:{share}\n{media}")) }
}

/// Returns an answer that tells nothing but what is sealed in it.
pub fn sealed_answer(sealed: &str, stamp: Stamp) -> Description {
    Description { kind: DescriptionKind::Answer, sdp: stamp.apply(&format!("{PREAMBLE}a=sealed:{sealed}\n")) }
}

/// Returns the lines of header extensions if they are the same for all media that have any.
fn shared_extensions<'a>(sdp: &Sdp<'a>, kind: DescriptionKind) -> Vec<&'a str> {
    let extensions = |medium: &Lines<'a>| -> Vec<&'a str> {
        medium.0.iter().filter(|line| line.starts_with("a=extmap:") && travels(line, kind)).copied().collect()
    };
    let is_rtp = |medium: &&Lines| !medium.is_refused() && matches!(medium.medium().next(), Some("audio" | "video"));
    let mut media = sdp.media.iter().filter(is_rtp).map(extensions);
    let first = media.next().unwrap_or_default();
    if media.all(|other| other == first) { first } else { vec![] }
}

/// Whether a header extension is told to the other side.
fn travels(extension: &str, kind: DescriptionKind) -> bool {
    kind == DescriptionKind::Answer || !extension.ends_with(ORIENTATION)
}

/// Returns the line that says which media share one path, without those that are refused (RFC 9143, 7.3.3).
fn bundle(sdp: &Sdp) -> Option<String> {
    let group = sdp.session.attribute("group")?;
    let refused: Vec<&str> =
        sdp.media.iter().filter(|medium| medium.is_refused()).filter_map(|medium| medium.attribute("mid")).collect();
    let words: Vec<&str> = group.split(' ').filter(|word| !refused.contains(word)).collect();
    Some(format!("a=group:{}", words.join(" ")))
}

/// Returns the lines of a medium that is refused. They mean nothing (RFC 3264, 6), but some readers insist on them.
fn refused(medium: &Lines, setup: Option<&str>) -> Vec<String> {
    let words: Vec<&str> = medium.medium().collect();
    let [kind, _, protocol, format, ..] = words.as_slice() else { return vec![] };
    let line = format!("m={kind} 0 {protocol} {format}");
    let mid = medium.attribute("mid").map(|mid| format!("a=mid:{mid}"));
    let setup = setup.map(|setup| format!("a=setup:{setup}"));
    let codec = ["rtpmap", "fmtp"].map(|name| format!("a={name}:{format} "));
    let is_needed = |line: &str| {
        line == "a=rtcp-mux" || line.starts_with("a=sctp-port:") || codec.iter().any(|start| line.starts_with(start))
    };
    let needed = medium.0.iter().filter(|line| is_needed(line));
    let needed = needed.map(|line| (*line).to_owned());
    std::iter::once(line).chain(mid).chain(setup).chain(needed).collect()
}

/// Returns the lines of a medium that goes over RTP.
fn rtp(medium: &Lines, kind: DescriptionKind, offered: Option<&Lines>, extensions_shared: bool) -> Vec<String> {
    let unwanted = if kind == DescriptionKind::Offer { repeated_codecs(medium) } else { HashSet::new() };
    let wanted = |payload_type: &str| !unwanted.contains(payload_type);
    // The library says that it sends where it has nothing to send, too.
    let direction = match medium.attribute("ssrc") {
        // The library answers that it would receive (RFC 3264, 6.1).
        _ if offered.is_some_and(|offered| offered.direction() == Direction::Inactive) => Direction::Inactive,
        Some(_) => medium.direction(),
        None => medium.direction().without_sending(),
    };
    let redundant = medium.attributes("rtpmap").find_map(|map| map.strip_suffix(" red/48000/2"));
    let formats: Vec<&str> = medium.medium().filter(|word| wanted(word)).collect();

    let repair = medium.attributes("rtpmap").find_map(|map| map.strip_suffix(" flexfec-03/90000"));

    let mut lines = vec![format!("m={}", formats.join(" "))];
    let mid = medium.attribute("mid").unwrap_or_default();
    lines.push(format!("a=mid:{mid}"));
    // Who begins the handshake. Some readers look for it in the media alone.
    lines.extend(medium.attribute("setup").map(|setup| format!("a=setup:{setup}")));
    lines.push(direction.line().to_owned());
    lines.extend(medium.has("a=rtcp-mux").then(|| "a=rtcp-mux".to_owned()));
    for line in &medium.0 {
        let Some((name, value)) = line.strip_prefix("a=").and_then(|attribute| attribute.split_once(':')) else {
            continue;
        };
        let payload_type = value.split(' ').next().unwrap_or_default();
        let keep = match name {
            "rtpmap" | "fmtp" => wanted(payload_type),
            // Nobody says anything about repair packets, and what holds for sound holds for its copies.
            "rtcp-fb" => wanted(payload_type) && ![repair, redundant].contains(&Some(payload_type)),
            "extmap" => !extensions_shared && travels(line, kind),
            "rid" | "simulcast" => true,
            _ => false,
        };
        lines.extend(keep.then(|| (*line).to_owned()));
    }
    // The WebRTC library of the other p2pcall needs both the SSRC and a name for each track.
    let ssrc = medium.attribute("ssrc").and_then(|ssrc| ssrc.split(' ').next()).filter(|_| direction.sends());
    lines.extend(ssrc.map(|ssrc| ssrc_line(ssrc, mid)));
    lines
}

/// Returns the one line that tells a track's SSRC and its name (RFC 5576).
pub(super) fn ssrc_line(ssrc: impl std::fmt::Display, track: &str) -> String {
    format!("a=ssrc:{ssrc} msid:{STREAM} {track}")
}

/// Returns the payload types whose codec another one before them has: the same with a different profile,
/// which we take too.
fn repeated_codecs<'a>(medium: &Lines<'a>) -> HashSet<&'a str> {
    let mut seen = HashSet::new();
    medium
        .attributes("rtpmap")
        .filter_map(|map| map.split_once(' '))
        .filter(|(_, codec)| !seen.insert(*codec))
        .map(|(payload_type, _)| payload_type)
        .collect()
}

/// Returns the lines of the medium for data channels (RFC 8841).
fn association(medium: &Lines) -> Vec<String> {
    let keep = |start: &'static str| {
        medium.0.iter().filter(move |line| line.starts_with(start)).map(|line| (*line).to_owned())
    };
    let kept = ["m=", "a=mid:", "a=setup:", "a=sctp-port:", "a=max-message-size:"].into_iter().flat_map(keep);
    kept.collect()
}

/// Returns the lines of candidates, each address once.
fn candidates(sdp: &Sdp, hide_addresses: bool) -> Vec<String> {
    let mut foundations: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    let mut lines = Vec::new();
    for candidate in sdp.media.iter().flat_map(|medium| medium.attributes("candidate")) {
        let words: Vec<&str> = candidate.split_ascii_whitespace().collect();
        let [foundation, component, transport, priority, address, port, "typ", kind, rest @ ..] = words.as_slice()
        else {
            continue;
        };
        // RTCP is multiplexed: the second component is never used.
        let unused = *component != "1" || (hide_addresses && *kind == "host");
        if unused || !seen.insert((transport.to_ascii_lowercase(), *address, *port)) {
            continue;
        }
        let index = foundations.iter().position(|known| known == foundation).unwrap_or(foundations.len());
        if index == foundations.len() {
            foundations.push(foundation);
        }
        let mut line = format!("a=candidate:{} 1 {transport} {priority} {address} {port} typ {kind}", index + 1);
        for pair in rest.chunks_exact(2) {
            match pair {
                ["raddr", base] => line.push_str(if base.contains(':') { " raddr ::" } else { " raddr 0.0.0.0" }),
                ["rport", _] => line.push_str(" rport 9"),
                ["tcptype", tcptype] => line.push_str(&format!(" tcptype {tcptype}")),
                _ => {}
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests;
