//! What is answered to the descriptions of others: recorded ones, and what becomes of them when their writer wants
//! something else.

#[path = "support/peer.rs"]
mod peer;

use std::time::SystemTime;

use p2pcall::{
    media::{Clock, Codec, Description, DescriptionKind, now},
    observe::Events,
    rtc::{Peer, PictureCodecs},
    signaling::{AddressScope, Contents, Expected, Stamp, travelling},
};

use peer::answering;

fn recorded(name: &str) -> String {
    let path = format!("{}/tests/data/sdp/{name}.sdp", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a recording")
}

fn offer(sdp: &str) -> Description {
    Description { kind: DescriptionKind::Offer, sdp: sdp.into() }
}

/// Returns a peer that answers, with sound and picture of its own.
async fn peer(picture_codecs: PictureCodecs) -> Peer {
    let clock = Clock::new(now());
    let config = answering(picture_codecs);
    Peer::new(&config, clock, &Events::new(clock, [])).await.expect("a socket on the loopback").0
}

/// Returns what p2pcall answers, a line for each medium: kind, formats, mid, direction, numbers of header extensions.
/// The first line names what is bundled, the last what is sent.
async fn answered(sdp: &str, picture_codecs: PictureCodecs) -> Vec<String> {
    let offer = offer(sdp);
    let mut peer = peer(picture_codecs).await;
    peer.answer(&offer).await.expect("an answer");
    let own = peer.local_description().await.expect("a description");
    let answer = travelling(&own, Some(&offer), Stamp::new(SystemTime::UNIX_EPOCH, None), false).sdp;
    let tracks = peer.local_tracks().await.expect("tracks");
    let sent: Vec<String> = tracks.iter().map(|track| format!("{:?}", track.codec())).collect();
    peer.close().await;

    let mut media = answer.split("\nm=");
    let session = media.next().unwrap_or_default();
    let group = session.lines().find_map(|line| line.strip_prefix("a=group:")).unwrap_or("nothing is bundled");
    let mut lines = vec![group.to_owned()];
    lines.extend(media.map(summary));
    lines.push(format!("sends {}", if sent.is_empty() { "nothing".into() } else { sent.join(", ") }));
    lines
}

fn summary(medium: &str) -> String {
    let attribute = |name: &str| medium.lines().find_map(|line| line.strip_prefix(name));
    let words: Vec<&str> = medium.lines().next().unwrap_or_default().split(' ').collect();
    let mid = attribute("a=mid:").unwrap_or("none");
    if words[1] == "0" {
        return format!("{} refused, mid {mid}", words[0]);
    }
    let names: Vec<String> = words[3..]
        .iter()
        .map(|format| {
            let map = attribute(&format!("a=rtpmap:{format} "));
            map.map_or((*format).to_owned(), |map| format!("{format} {}", map.split('/').next().unwrap_or_default()))
        })
        .collect();
    let directions = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
    let direction = medium.lines().find(|line| directions.contains(line)).map_or("", |line| &line[2..]);
    let mut extensions: Vec<&str> =
        medium.lines().filter_map(|line| line.strip_prefix("a=extmap:")?.split(' ').next()).collect();
    extensions.sort_by_key(|number| number.parse::<u8>().ok());
    let extensions =
        if extensions.is_empty() { String::new() } else { format!(", extensions {}", extensions.join(" ")) };
    format!("{} {}, mid {mid} {direction}{extensions}", words[0], names.join(", ")).trim_end().to_owned()
}

const CHANNEL: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:d\r\n\
    a=sctp-port:5000\r\na=max-message-size:262144\r\n";

/// A recorded offer taken apart: its session, its sound and its picture.
struct Parts {
    session: String,
    audio: String,
    video: String,
    /// ICE, DTLS: what a medium needs to be the first.
    transport: String,
}

impl Parts {
    fn of(sdp: &str) -> Self {
        let (session, media) = sdp.split_at(sdp.find("m=audio").expect("sound comes first"));
        let (audio, video) = media.split_at(media.find("m=video").expect("then the picture"));
        let is_transport = |line: &&str| {
            ["a=ice-", "a=candidate", "a=fingerprint", "a=setup"].iter().any(|start| line.starts_with(start))
        };
        let transport = audio.split_inclusive('\n').filter(is_transport).collect();
        Self { session: session.into(), audio: audio.into(), video: video.into(), transport }
    }

    /// Puts media together that are bundled with these mids.
    fn with(&self, group: &str, media: &[&str]) -> String {
        let session = self.session.replace("a=group:BUNDLE 0 1", group);
        [&[session.as_str()][..], media].concat().concat().replace("\r\n\r\n", "\r\n")
    }
}

fn without(medium: &str, starts: &[&str]) -> String {
    medium.split_inclusive('\n').filter(|line| !starts.iter().any(|start| line.starts_with(start))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_browsers_offer_is_answered_in_their_numbers() {
    let sound = "audio 109 opus, mid 0 sendrecv, extensions 7";
    let picture = "video 120 VP8, mid 1 sendrecv, extensions 7";
    let canvas = [
        "BUNDLE 0 1",
        "video 120 VP8, mid 0 sendrecv, extensions 7",
        "audio 109 opus, mid 1 sendrecv, extensions 7",
        "sends Opus, Vp8",
    ];
    let camera = ["BUNDLE 0 1", sound, picture, "sends Opus, Vp8"];
    for (name, expected) in [
        (
            "chromium-offer",
            [
                "BUNDLE 0 1",
                "audio 111 opus, 63 red, mid 0 sendrecv, extensions 3",
                "video 102 H264, 108 H264, 116 H264, 96 VP8, mid 1 sendrecv, extensions 3 13",
                "sends Opus, H264",
            ],
        ),
        ("offer-canvas-mdnsoff", canvas),
        ("offer-canvas-mdnson", canvas),
        ("offer-canvas-noloop", canvas),
        ("offer-gum-mdnsdefault", camera),
        ("offer-gum-mdnsoff", camera),
        ("offer-gum-mdnson", camera),
        (
            "offer-h264first",
            [
                "BUNDLE 0 1",
                sound,
                "video 126 H264, 105 H264, 120 VP8, mid 1 sendrecv, extensions 7",
                "sends Opus, H264",
            ],
        ),
        (
            "offer-h264only",
            ["BUNDLE 0 1", sound, "video 126 H264, 105 H264, mid 1 sendrecv, extensions 7", "sends Opus, H264"],
        ),
        (
            "offer-recvonly-mdnsoff",
            [
                "BUNDLE 0 1",
                "audio 109 opus, mid 0 sendonly, extensions 7",
                "video 120 VP8, mid 1 sendonly, extensions 7",
                "sends Opus, Vp8",
            ],
        ),
        ("offer-vp8only", camera),
    ] {
        assert_eq!(answered(&recorded(name), PictureCodecs::default()).await, expected, "{name}");
    }
    let vp8 = answered(&recorded("offer-h264first"), PictureCodecs::first(Codec::Vp8)).await;
    assert_eq!(vp8[2..], ["video 120 VP8, 126 H264, 105 H264, mid 1 sendrecv, extensions 7", "sends Opus, Vp8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_offered_is_accepted_or_refused_properly() {
    let parts = Parts::of(&recorded("offer-vp8only"));
    let Parts { audio, video, transport, .. } = &parts;
    let bundle = "a=group:BUNDLE 0 1";
    let direction = |medium: &str, direction: &str| medium.replace("a=sendrecv", direction);
    let second = video.replace("a=mid:1", "a=mid:2").replace("a=ssrc:", "a=ssrc:1");
    let simulcast = without(video, &["a=ssrc"]) + "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n";
    let bundle_only = video.replacen("m=video ", "m=video 0 ", 1);
    let bundle_only = {
        let (line, rest) = bundle_only.split_once("\r\n").expect("lines");
        let words: Vec<&str> = line.split(' ').collect();
        format!("{}\r\na=bundle-only\r\n{rest}", [&words[..2], &words[3..]].concat().join(" "))
    };
    let channel = CHANNEL.to_owned() + transport;
    let (sound, picture) =
        ("audio 109 opus, mid 0 sendrecv, extensions 7", "video 120 VP8, mid 1 sendrecv, extensions 7");
    let data = "application webrtc-datachannel, mid d";
    let text = "m=text 9 RTP/AVP 98\r\nc=IN IP4 0.0.0.0\r\na=mid:t\r\na=rtpmap:98 t140/1000\r\n";
    for (name, sdp, expected) in [
        (
            "the picture first",
            parts.with("a=group:BUNDLE 1 0", &[video, audio]),
            &["BUNDLE 1 0", picture, sound, "sends Opus, Vp8"][..],
        ),
        (
            "a channel, too",
            parts.with("a=group:BUNDLE 0 1 d", &[audio, video, CHANNEL]),
            &["BUNDLE 0 1 d", sound, picture, data, "sends Opus, Vp8"],
        ),
        (
            "the channel first",
            parts.with("a=group:BUNDLE d 0 1", &[&channel, audio, video]),
            &["BUNDLE d 0 1", data, sound, picture, "sends Opus, Vp8"],
        ),
        ("the channel alone", parts.with("a=group:BUNDLE d", &[&channel]), &["BUNDLE d", data, "sends nothing"]),
        (
            "a second picture",
            parts.with("a=group:BUNDLE 0 1 2", &[audio, video, &second]),
            &["BUNDLE 0 1", sound, picture, "video refused, mid 2", "sends Opus, Vp8"],
        ),
        ("simulcast", parts.with(bundle, &[audio, &simulcast]), &["BUNDLE 0 1", sound, picture, "sends Opus, Vp8"]),
        (
            "no streams declared",
            parts.with(bundle, &[&without(audio, &["a=ssrc"]), &without(video, &["a=ssrc", "a=msid"])]),
            &["BUNDLE 0 1", sound, picture, "sends Opus, Vp8"],
        ),
        (
            "an inactive picture",
            parts.with(bundle, &[audio, &direction(video, "a=inactive")]),
            &["BUNDLE 0 1", sound, "video 120 VP8, mid 1 inactive, extensions 7", "sends Opus"],
        ),
        (
            "it only sends",
            parts.with(bundle, &[&direction(audio, "a=sendonly"), &direction(video, "a=sendonly")]),
            &[
                "BUNDLE 0 1",
                "audio 109 opus, mid 0 recvonly, extensions 7",
                "video 120 VP8, mid 1 recvonly, extensions 7",
                "sends nothing",
            ],
        ),
        (
            "a picture for nobody",
            parts.with(bundle, &[audio, &direction(video, "a=recvonly")]),
            &["BUNDLE 0 1", sound, "video 120 VP8, mid 1 sendonly, extensions 7", "sends Opus, Vp8"],
        ),
        (
            "bundled or not at all",
            parts.with(bundle, &[audio, &bundle_only]),
            &["BUNDLE 0 1", sound, picture, "sends Opus, Vp8"],
        ),
        (
            "a refused picture",
            parts.with("a=group:BUNDLE 0", &[audio, &bundle_only.replace("a=bundle-only\r\n", "")]),
            &["BUNDLE 0", sound, "video refused, mid 1", "sends Opus"],
        ),
        (
            "nothing bundled",
            parts.with("a=x", &[audio, video, CHANNEL]),
            &["nothing is bundled", sound, "video refused, mid 1", "application refused, mid d", "sends Opus"],
        ),
        (
            "in step",
            parts.with("a=group:BUNDLE 0 1 d\r\na=group:LS 0 1", &[audio, video, CHANNEL]),
            &["BUNDLE 0 1 d", sound, picture, data, "sends Opus, Vp8"],
        ),
        (
            "a light side",
            parts.with("a=group:BUNDLE 0 1\r\na=ice-lite", &[audio, video]),
            &["BUNDLE 0 1", sound, picture, "sends Opus, Vp8"],
        ),
        (
            "text",
            parts.with("a=group:BUNDLE 0 1 t", &[audio, video, text]),
            &["BUNDLE 0 1", sound, picture, "text refused, mid t", "sends Opus, Vp8"],
        ),
        (
            "other codecs",
            parts.with(bundle, &[audio, &video.replace("VP8/", "XYZ/")]),
            &["BUNDLE 0", sound, "video refused, mid 1", "sends Opus"],
        ),
    ] {
        assert_eq!(answered(&sdp, PictureCodecs::default()).await, expected, "{name}");
        // A channel alone is no call: that is said before anything is answered.
        let taken = Expected::new(DescriptionKind::Offer, None).check(&offer(&sdp), SystemTime::now());
        assert_eq!(taken.is_ok(), name != "the channel alone", "{name}: {taken:?}");
    }
}

#[test]
fn recorded_answers_are_read() {
    for (name, codecs, scope) in [
        ("answer-gum-mdnsdefault", ["opus", "VP8", "AV1", "VP9"], AddressScope::Mdns),
        ("answer-gum-mdnsoff", ["opus", "VP8", "AV1", "VP9"], AddressScope::Public),
        ("answer-h264", ["opus", "H264", "VP8", "VP9"], AddressScope::Public),
    ] {
        let contents = Contents::of(&Description { kind: DescriptionKind::Answer, sdp: recorded(name) });
        assert_eq!(contents.maker, Some("Firefox"), "{name}");
        let mut names: Vec<&str> = contents.codecs.iter().map(|codec| codec.name.as_str()).collect();
        names.retain(|name| codecs.contains(name));
        names.dedup();
        assert_eq!(names, codecs, "{name}");
        assert_eq!((contents.candidates.len(), contents.candidates[0].scope), (4, scope), "{name}");
    }
}
