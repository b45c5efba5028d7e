use std::time::SystemTime;

use super::*;
use crate::signaling::{BlobForm, SessionBlob};

/// What the WebRTC library says of a side that sends and takes everything, with all kinds of candidates.
const LIBRARY: &str = "v=0\r\n\
    o=- 7281480288520337256 643432132 IN IP4 0.0.0.0\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=fingerprint:sha-256 A1:EB:F6:E8:CC:67:1C:21:4D:A6:23:81:6A:F6:A1:AB:93:D2:06:5E:56:15:A7:59:30:5C:D6:5C:45:34:A6:AA\r\n\
    a=extmap-allow-mixed\r\n\
    a=group:BUNDLE 0 1 2\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=setup:actpass\r\n\
    a=mid:0\r\n\
    a=ice-ufrag:QKXz\r\n\
    a=ice-pwd:DPHSl3f2T6JMcqq53JXRiQ\r\n\
    a=rtcp-mux\r\n\
    a=rtcp-rsize\r\n\
    a=rtpmap:96 opus/48000/2\r\n\
    a=fmtp:96 useinbandfec=1\r\n\
    a=rtcp-fb:96 transport-cc\r\n\
    a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=msid:p2pcall 8e307687\r\n\
    a=ssrc:2 cname:p2pcall\r\n\
    a=ssrc:2 msid:p2pcall 8e307687\r\n\
    a=ssrc:2 mslabel:p2pcall\r\n\
    a=ssrc:2 label:8e307687\r\n\
    a=sendrecv\r\n\
    a=candidate:2722046357 1 udp 2130706431 192.168.1.23 45931 typ host\r\n\
    a=candidate:2722046357 2 udp 2130706431 192.168.1.23 45931 typ host\r\n\
    a=candidate:607854466 1 udp 1694498815 203.0.113.7 49809 typ srflx raddr 192.168.1.23 rport 45931\r\n\
    a=candidate:607854466 2 udp 1694498815 203.0.113.7 49809 typ srflx raddr 192.168.1.23 rport 45931\r\n\
    a=end-of-candidates\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 97 98 100 99\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=setup:actpass\r\n\
    a=mid:1\r\n\
    a=ice-ufrag:QKXz\r\n\
    a=ice-pwd:DPHSl3f2T6JMcqq53JXRiQ\r\n\
    a=rtcp-mux\r\n\
    a=rtcp-rsize\r\n\
    a=rtpmap:97 H264/90000\r\n\
    a=fmtp:97 packetization-mode=1;profile-level-id=42e01f\r\n\
    a=rtcp-fb:97 nack\r\n\
    a=rtcp-fb:97 nack pli\r\n\
    a=rtcp-fb:97 transport-cc\r\n\
    a=rtpmap:98 H264/90000\r\n\
    a=fmtp:98 packetization-mode=1;profile-level-id=42001f\r\n\
    a=rtcp-fb:98 nack\r\n\
    a=rtpmap:100 VP8/90000\r\n\
    a=rtcp-fb:100 nack\r\n\
    a=rtcp-fb:100 nack pli\r\n\
    a=rtcp-fb:100 transport-cc\r\n\
    a=rtpmap:99 flexfec-03/90000\r\n\
    a=rtcp-fb:99 nack\r\n\
    a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=msid:p2pcall aec67e88\r\n\
    a=ssrc-group:FEC-FR 3 6\r\n\
    a=ssrc:3 cname:p2pcall\r\n\
    a=ssrc:3 msid:p2pcall aec67e88\r\n\
    a=sendrecv\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=setup:actpass\r\n\
    a=mid:2\r\n\
    a=sendrecv\r\n\
    a=sctp-port:5000\r\n\
    a=max-message-size:65536\r\n\
    a=ice-ufrag:QKXz\r\n\
    a=ice-pwd:DPHSl3f2T6JMcqq53JXRiQ\r\n";

fn travels(sdp: &str, hide_addresses: bool) -> Description {
    let local = Description { kind: DescriptionKind::Offer, sdp: sdp.into() };
    travelling(&local, None, Stamp::new(SystemTime::UNIX_EPOCH, None), hide_addresses)
}

fn candidate_lines(description: &Description) -> Vec<&str> {
    description.sdp.lines().filter(|line| line.starts_with("a=candidate:")).collect()
}

fn with_candidates(lines: &[&str]) -> String {
    let end = "a=end-of-candidates\r\n";
    let bare = LIBRARY.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect::<String>();
    let added: String = lines.iter().map(|line| format!("a=candidate:{line}\r\n")).collect();
    bare.replace(end, &format!("{added}{end}"))
}

#[test]
fn an_offer_is_short() {
    let offer = travels(LIBRARY, false);
    assert_eq!(Stamp::of(&offer), Ok(Some(Stamp::new(SystemTime::UNIX_EPOCH, None))));
    let plain = SessionBlob::encode(&offer, BlobForm::Plain);
    assert!(plain.as_str().len() <= 1720, "{}", plain.as_str().len());
    let compact = SessionBlob::encode(&offer, BlobForm::Compact);
    assert!(compact.as_str().len() <= 140, "{}", compact.as_str().len());
    assert_eq!(
        candidate_lines(&offer),
        [
            "a=candidate:1 1 udp 2130706431 192.168.1.23 45931 typ host",
            "a=candidate:2 1 udp 1694498815 203.0.113.7 49809 typ srflx raddr 0.0.0.0 rport 9",
        ]
    );
}

#[test]
fn addresses_are_told_once_or_not_at_all() {
    let host = "11 1 udp 2130706431 192.0.2.5 5000 typ host";
    let same = "22 1 udp 1694498815 192.0.2.5 5000 typ srflx raddr 192.0.2.5 rport 5000";
    let v6 = "33 1 udp 2130706431 fd00::2 5001 typ host";
    let v6_public = "44 1 udp 1694498815 2001:db8::2 5001 typ srflx raddr fd00::2 rport 5001";
    let relay = "55 1 udp 16777215 198.51.100.9 6000 typ relay raddr 203.0.113.7 rport 5000";
    for (lines, hide, left) in [
        (&[host, same][..], false, &["1 1 udp 2130706431 192.0.2.5 5000 typ host"][..]),
        (&[host, same], true, &["1 1 udp 1694498815 192.0.2.5 5000 typ srflx raddr 0.0.0.0 rport 9"]),
        (
            &[v6, v6_public, relay],
            true,
            &[
                "1 1 udp 1694498815 2001:db8::2 5001 typ srflx raddr :: rport 9",
                "2 1 udp 16777215 198.51.100.9 6000 typ relay raddr 0.0.0.0 rport 9",
            ],
        ),
        (&[host, v6], true, &[]),
    ] {
        let sdp = with_candidates(lines);
        let travels = travels(&sdp, hide);
        let left: Vec<String> = left.iter().map(|line| format!("a=candidate:{line}")).collect();
        assert_eq!(candidate_lines(&travels), left);
    }
}

#[test]
fn what_a_browser_numbered_is_kept() {
    let answer = LIBRARY
        .replace("m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n", "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n")
        .replace("BUNDLE 0 1 2", "BUNDLE v 2")
        .replace("a=mid:1\r\n", "a=mid:v\r\n")
        .replace("actpass", "active")
        .replace("97", "103")
        .replace("98", "109")
        .replace("extmap:1", "extmap:4");
    let local = Description { kind: DescriptionKind::Answer, sdp: answer };
    let sdp = travelling(&local, None, Stamp::new(SystemTime::UNIX_EPOCH, None), false).sdp;
    for line in [
        "a=group:BUNDLE v 2\n",
        "a=setup:active\n",
        "m=audio 0 UDP/TLS/RTP/SAVPF 0\na=mid:0\na=setup:active\na=rtcp-mux\nm=video 9 UDP/TLS/RTP/SAVPF 103 109 100 99\na=mid:v\na=setup:active\na=sendrecv\n",
        "a=extmap:4 ",
        "a=fmtp:109 packetization-mode=1;profile-level-id=42001f\n",
        "a=ice-ufrag:QKXz\na=ice-pwd:DPHSl3f2T6JMcqq53JXRiQ\n",
        "a=rtpmap:99 flexfec-03/90000\na=ssrc:3 msid:p v\na=candidate:1 ",
    ] {
        assert!(sdp.contains(line), "{line} is not in:\n{sdp}");
    }
}

#[test]
fn an_answer_keeps_to_its_offer() {
    let local = Description { kind: DescriptionKind::Answer, sdp: LIBRARY.replace("actpass", "active") };
    let answered = |offer: &str| {
        let offer = Description { kind: DescriptionKind::Offer, sdp: offer.into() };
        travelling(&local, Some(&offer), Stamp::new(SystemTime::UNIX_EPOCH, None), false).sdp
    };
    let ours = answered(&travels(LIBRARY, false).sdp);
    let (session, media) = ours.split_at(ours.find("\nm=").expect("a medium"));
    assert!(
        session.contains("\na=extmap:1 ") && !media.contains("a=extmap") && session.contains("a=group:BUNDLE 0 1 2")
    );
    // With header extensions in the media, one of them inactive, nothing bundled.
    let others = LIBRARY.replace("a=group:BUNDLE 0 1 2\r\n", "");
    let (before, video) = others.split_at(others.find("m=video").expect("pictures"));
    let sdp = answered(&format!("{before}{}", video.replace("a=sendrecv", "a=inactive")));
    let (session, media) = sdp.split_at(sdp.find("\nm=").expect("a medium"));
    assert!(!session.contains("a=extmap") && !session.contains("a=group"), "{session}");
    let (audio, video) = media.split_at(media.find("m=video").expect("pictures"));
    assert!(audio.contains("\na=extmap:1 ") && audio.contains("\na=sendrecv\n") && audio.contains("a=ssrc:"));
    assert!(video.contains("\na=extmap:1 ") && video.contains("\na=inactive\n") && !video.contains("a=ssrc:"));
}

#[test]
fn what_is_refused_is_bundled_no_more() {
    let local = LIBRARY.replace("m=video 9", "m=video 0");
    assert!(travels(&local, false).sdp.contains("\na=group:BUNDLE 0 2\n"));
}

#[test]
fn extensions_with_different_numbers_stay_in_their_medium() {
    let uri = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    let last = LIBRARY.rfind("extmap:1").expect("the one of the pictures");
    let sdp = format!("{}extmap:7{}", &LIBRARY[..last], &LIBRARY[last + 8..]);
    let sdp = travels(&sdp, false).sdp;
    let (session, media) = sdp.split_at(sdp.find("\nm=").expect("a medium"));
    assert!(!session.contains("extmap"));
    let (audio, video) = media.split_at(media.find("m=video").expect("pictures"));
    assert!(audio.contains(&format!("a=extmap:1 {uri}\n")) && video.contains(&format!("a=extmap:7 {uri}\n")));
}

#[test]
fn a_side_that_only_listens_names_no_tracks() {
    let sdp = travels(&LIBRARY.replace("a=sendrecv", "a=recvonly"), false).sdp;
    assert!(!sdp.contains("ssrc") && !sdp.contains("msid"), "{sdp}");
    assert_eq!(sdp.matches("a=recvonly\n").count(), 2);
}
