//! The media of a description that one connection can carry: one sound, one picture, one channel, over one path.
//!
//! The library has one transport: what is not bundled with the rest cannot be carried. It refuses what stands in no
//! bundle, takes no stream that is not declared, and does not know `bundle-only`.

use std::collections::HashSet;

use super::{Formats, direction, kind_of, media, session};
use crate::media::MediaKind;

/// SSRCs for streams of which the description does not tell theirs.
const UNDECLARED: u32 = 0x7fff_0000;

/// Returns the description in which the media that are taken are bundled, and the others stand aside. `learnt` tells
/// SSRCs that the description does not.
pub(super) fn bundled(sdp: &str, learnt: &[(MediaKind, u32)]) -> String {
    let media: Vec<&str> = media(sdp).collect();
    let taken = taken(sdp, &media);
    let (session, _) = session(sdp);
    let mut out: String = session.split_inclusive('\n').filter(|line| !line.starts_with("a=group:")).collect();
    // Some say in each medium what stands for all (RFC 8839, 5.3).
    if !out.contains("a=ice-lite") && sdp.contains("\na=ice-lite") {
        out.push_str("a=ice-lite\r\n");
    }
    let mids: Vec<&str> = media
        .iter()
        .enumerate()
        .filter(|(index, _)| taken.contains(index))
        .filter_map(|(_, medium)| mid(medium))
        .collect();
    if !mids.is_empty() {
        out.push_str(&format!("a=group:BUNDLE {}\r\n", mids.join(" ")));
    }
    for (index, medium) in media.into_iter().enumerate() {
        match taken.contains(&index) {
            true => {
                let known = learnt.iter().find(|(kind, _)| kind_of(medium) == Some(*kind));
                open(medium, known.map_or(UNDECLARED + index as u32, |(_, ssrc)| *ssrc), &mut out);
            }
            false => aside(medium, &mut out),
        }
    }
    out
}

/// Returns which media are taken: of each kind the first with a codec of ours, as far as they are bundled.
fn taken(sdp: &str, media: &[&str]) -> HashSet<usize> {
    let is_open = |medium: &str| !is_refused(medium);
    let group = session(sdp).0.lines().find_map(|line| line.trim_end().strip_prefix("a=group:BUNDLE "));
    let group: HashSet<&str> = group.unwrap_or_default().split(' ').collect();
    let is_bundled = |medium: &str| mid(medium).is_some_and(|mid| group.contains(mid));
    let any_bundled = media.iter().any(|medium| is_open(medium) && is_bundled(medium));
    let candidates: Vec<(usize, &str)> = media
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, medium)| is_open(medium) && (is_bundled(medium) || !any_bundled))
        .collect();
    let first =
        |fits: &dyn Fn(&str) -> bool| candidates.iter().find(|(_, medium)| fits(medium)).map(|(index, _)| *index);
    let with_codec = |medium: &str| Formats::of(medium).is_some_and(|formats| formats.best().is_some());
    let of_kind = |kind| {
        let is_kind = move |medium: &str| kind_of(medium) == Some(kind);
        first(&|medium| is_kind(medium) && with_codec(medium)).or_else(|| first(&is_kind))
    };
    let channel = first(&|medium| medium.starts_with("m=application ") && medium.contains("webrtc-datachannel"));
    let all = [of_kind(MediaKind::Audio), of_kind(MediaKind::Video), channel].into_iter().flatten();
    // Nothing is bundled: each would have a path of its own, and there is one.
    if any_bundled { all.collect() } else { all.min().into_iter().collect() }
}

/// Returns the media in such a description that the other side sends, of which the SSRC is not known.
pub(in super::super) fn undeclared(sdp: &str) -> Vec<MediaKind> {
    let is_undeclared = |line: &str| {
        let ssrc = line.strip_prefix("a=ssrc:").and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
        ssrc.is_some_and(|ssrc| ssrc & 0xffff_0000 == UNDECLARED)
    };
    let (session, _) = session(sdp);
    let is_sent = |medium: &&str| !matches!(direction(medium, session), Some("recvonly" | "inactive"));
    media(sdp).filter(|medium| medium.lines().any(is_undeclared)).filter(is_sent).filter_map(kind_of).collect()
}

/// Writes a medium that is taken.
fn open(medium: &str, undeclared: u32, out: &mut String) {
    let is_rtp = kind_of(medium).is_some();
    let mut lines = medium.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let mut words = first.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        // It shares another's port (RFC 9143, 6).
        (Some(kind), Some("0"), Some(rest)) => out.push_str(&format!("{kind} 9 {rest}")),
        _ => out.push_str(first),
    }
    // One layer of a simulcast is enough: without an answer to that only one comes (RFC 8853, 5.3.2).
    let unwanted = ["a=bundle-only", "a=rid:", "a=simulcast:"];
    // It tells tracks apart by their names, which have to be known before their SSRCs.
    let mut name = (is_rtp && !medium.contains("\na=msid:") && !medium.contains(" msid:"))
        .then(|| format!("a=msid:- {}\r\n", mid(medium).unwrap_or_default()));
    for line in lines.filter(|line| !unwanted.iter().any(|start| line.starts_with(start))) {
        if line.starts_with("a=") {
            name.take().iter().for_each(|name| out.push_str(name));
        }
        out.push_str(line);
    }
    if is_rtp && !out.ends_with('\n') {
        out.push_str("\r\n");
    }
    if is_rtp && !medium.contains("\na=ssrc:") {
        out.push_str(&format!("a=ssrc:{undeclared} cname:-\r\n"));
    }
}

/// Writes a medium that is not taken: nothing flows.
fn aside(medium: &str, out: &mut String) {
    let unwanted = [
        "a=sendrecv",
        "a=sendonly",
        "a=recvonly",
        "a=inactive",
        "a=ssrc",
        "a=msid",
        "a=rid:",
        "a=simulcast:",
        "a=bundle-only",
        "a=candidate:",
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=fingerprint:",
    ];
    let lines = medium.split_inclusive('\n').filter(|line| !unwanted.iter().any(|start| line.starts_with(start)));
    lines.for_each(|line| out.push_str(line));
    if !out.ends_with('\n') {
        out.push_str("\r\n");
    }
    out.push_str("a=inactive\r\n");
}

/// Whether a medium is refused (RFC 3264, 6).
fn is_refused(medium: &str) -> bool {
    let is_bundle_only = medium.lines().any(|line| line.trim_end() == "a=bundle-only");
    medium.split_ascii_whitespace().nth(1) == Some("0") && !is_bundle_only
}

fn mid(medium: &str) -> Option<&str> {
    medium.lines().find_map(|line| line.trim_end().strip_prefix("a=mid:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIO: &str = "m=audio 9 P 111|a=mid:a|a=rtpmap:111 opus/48000/2|a=ssrc:1 x|";
    const VIDEO: &str = "m=video 9 P 96|a=mid:v|a=rtpmap:96 VP8/90000|a=ssrc:2 x|a=sendrecv|";
    const OTHER: &str = "m=video 9 P 97|a=mid:w|a=rtpmap:97 XYZ/90000|a=ssrc:3 x|a=sendrecv|";
    const CHANNEL: &str = "m=application 9 D webrtc-datachannel|a=mid:d|";

    /// Returns the mids that are bundled, and those that are inactive.
    fn outcome(group: &str, media: &[&str]) -> (String, String) {
        let sdp = format!("v=0|{group}{}", media.concat()).replace('|', "\r\n");
        let out = bundled(&sdp, &[]);
        let group = out.lines().find_map(|line| line.strip_prefix("a=group:BUNDLE ")).unwrap_or_default().to_owned();
        let inactive: Vec<&str> =
            super::media(&out).filter(|medium| medium.contains("\r\na=inactive\r\n")).filter_map(mid).collect();
        assert_eq!(super::media(&out).count(), media.len());
        (group, inactive.join(" "))
    }

    #[test]
    fn one_of_each_kind_is_taken_if_it_is_bundled() {
        let refused = VIDEO.replace("video 9", "video 0");
        let bundle_only = refused.replace("a=mid", "a=bundle-only|a=mid");
        for (group, media, taken, aside) in [
            ("a=group:BUNDLE a v d|", &[AUDIO, VIDEO, CHANNEL][..], "a v d", ""),
            ("a=group:BUNDLE d v a|", &[CHANNEL, VIDEO, AUDIO], "d v a", ""),
            ("a=group:BUNDLE a v w d|", &[AUDIO, VIDEO, OTHER, CHANNEL], "a v d", "w"),
            ("a=group:BUNDLE w v|", &[OTHER, VIDEO], "v", "w"),
            ("a=group:BUNDLE w|", &[OTHER], "w", ""),
            ("a=group:BUNDLE a v|", &[AUDIO, &refused], "a", "v"),
            ("a=group:BUNDLE a v|", &[AUDIO, &bundle_only], "a v", ""),
            ("a=group:BUNDLE a v|", &[AUDIO, VIDEO, CHANNEL], "a v", "d"),
            ("", &[AUDIO, VIDEO, CHANNEL], "a", "v d"),
            ("", &[CHANNEL], "d", ""),
            ("", &[], "", ""),
        ] {
            assert_eq!(outcome(group, media), (taken.to_owned(), aside.to_owned()), "{group} {media:?}");
        }
    }

    #[test]
    fn what_the_library_does_not_know_is_left_out() {
        let medium = "m=video 0 P 96|a=bundle-only|a=mid:v|a=rtpmap:96 VP8/90000|a=rid:h send|a=simulcast:send h|";
        let sdp = format!("v=0|a=group:BUNDLE v|{medium}").replace('|', "\r\n");
        let out = bundled(&sdp, &[]);
        assert_eq!(undeclared(&out), [MediaKind::Video]);
        for direction in ["a=recvonly", "a=inactive"] {
            assert_eq!(undeclared(&format!("{out}{direction}\r\n")), [], "{direction}");
        }
        assert_eq!(undeclared(&bundled(&sdp, &[(MediaKind::Video, 5)])), []);
        let lines: Vec<&str> = out.lines().collect();
        let expected = [
            "v=0",
            "a=group:BUNDLE v",
            "m=video 9 P 96",
            "a=msid:- v",
            "a=mid:v",
            "a=rtpmap:96 VP8/90000",
            "a=ssrc:2147418112 cname:-",
        ];
        assert_eq!(lines, expected);
    }
}
