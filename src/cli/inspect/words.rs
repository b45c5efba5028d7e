//! What an offer or an answer holds, in words.

use std::time::SystemTime;

use jiff::tz::TimeZone;

use super::{AddressScope, CandidateInfo, CandidateType, CodecInfo, Report};
use crate::{
    cli::when,
    media::{DescriptionKind, MediaKind},
    signaling::{BlobForm, MediaDirection},
};

/// Not codecs of their own, but repairs of others and keys pressed.
const COMPANIONS: [&str; 5] = ["rtx", "red", "ulpfec", "flexfec-03", "telephone-event"];

pub(super) fn tell(report: &Report, now: SystemTime, zone: &TimeZone) -> String {
    let contents = &report.contents;
    let mut lines = vec![heading(report)];
    lines.push(match report.created {
        Some(created) => {
            let (ago, at) = (when::ago(created, now), when::day_and_time(created, zone));
            format!("Made {ago}, on {at}.")
        }
        None => "It does not say when it was made.".into(),
    });
    lines.push(format!("Form: {}, {} characters.", form(report.form), report.characters));
    if let Some(fingerprint) = &contents.fingerprint {
        lines.push(format!("Fingerprint: {fingerprint}"));
    }
    for (kind, name) in [(MediaKind::Audio, "Sound"), (MediaKind::Video, "Picture")] {
        lines.push(format!("{name}: {}", codecs(&contents.codecs, kind)));
    }
    lines.push(format!("Data channel: {}", if contents.data_channel { "yes" } else { "no" }));
    if contents.candidates.is_empty() {
        lines.push("Addresses: none".into());
    } else {
        lines.push("Addresses at which its writer may be reached:".into());
        lines.extend(contents.candidates.iter().map(candidate));
        let revealing = contents.candidates.iter().filter(|candidate| candidate.reveals_private).count();
        let by_us = contents.maker == Some("p2pcall");
        if revealing > 0 {
            lines.push(format!(
                "{revealing} of them {} an address of the writer's own network{}.",
                if revealing == 1 { "shows" } else { "show" },
                if by_us { "; with --hide-addresses there is none" } else { "" }
            ));
        }
    }
    lines.extend(report.passphrase.map(str::to_owned));
    lines.extend(report.warnings.iter().map(|warning| format!("Warning: {warning}")));
    lines.join("\n") + "\n"
}

fn heading(report: &Report) -> String {
    let contents = &report.contents;
    let mut heading = match contents.kind {
        DescriptionKind::Offer => "An offer".to_owned(),
        DescriptionKind::Answer => "An answer".to_owned(),
    };
    if let Some(answers) = report.answers {
        heading.push_str(&format!(" to the offer {answers}"));
    }
    if let Some(id) = contents.id {
        heading.push_str(&format!(", short id {id}"));
    }
    if let Some(maker) = contents.maker {
        heading.push_str(&format!(", made by {maker}"));
    }
    heading + "."
}

const fn form(form: BlobForm) -> &'static str {
    match form {
        BlobForm::Plain => "plain (base64 of JSON)",
        BlobForm::Json => "JSON",
        BlobForm::Sdp => "SDP alone",
        BlobForm::Compact => "compact (for p2pcall alone)",
    }
}

/// Lists a medium's codecs, each name once; direction as far as it goes for all of them.
fn codecs(all: &[CodecInfo], kind: MediaKind) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut directions: Vec<MediaDirection> = Vec::new();
    for codec in all.iter().filter(|codec| codec.kind == kind) {
        if !directions.contains(&codec.direction) {
            directions.push(codec.direction);
        }
        let name = match codec.channels {
            Some(2) => format!("{} {} kHz stereo", codec.name, codec.clock_rate / 1000),
            _ if kind == MediaKind::Audio => format!("{} {} kHz", codec.name, codec.clock_rate / 1000),
            _ => codec.name.clone(),
        };
        if !COMPANIONS.contains(&codec.name.to_ascii_lowercase().as_str()) && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return "none".into();
    }
    let directions: Vec<&str> = directions.into_iter().map(direction).collect();
    format!("{} ({})", names.join(", "), directions.join("; "))
}

const fn direction(direction: MediaDirection) -> &'static str {
    match direction {
        MediaDirection::SendRecv => "both ways",
        MediaDirection::SendOnly => "from its writer alone",
        MediaDirection::RecvOnly => "to its writer alone",
        MediaDirection::Inactive => "neither way",
    }
}

fn candidate(candidate: &CandidateInfo) -> String {
    let address = match candidate.address.contains(':') {
        true => format!("[{}]:{}", candidate.address, candidate.port),
        false => format!("{}:{}", candidate.address, candidate.port),
    };
    let found = match candidate.kind {
        CandidateType::Host => "its own",
        CandidateType::Srflx => "as a STUN server saw it",
        CandidateType::Prflx => "as another peer saw it",
        CandidateType::Relay => "a TURN server's",
    };
    let protocol = candidate.protocol.to_ascii_uppercase();
    let version = match (candidate.scope, candidate.address.contains(':')) {
        (AddressScope::Mdns | AddressScope::Name, _) => "",
        (_, true) => ", IPv6",
        (_, false) => ", IPv4",
    };
    let mut line = format!("  {:<5} {address}  {protocol}{version}, {found}", candidate.kind);
    if let Some(scope) = scope(candidate.scope) {
        line.push_str(&format!("; {scope}"));
    }
    if let Some(related) = candidate.related_address.filter(|related| AddressScope::of(*related).is_private()) {
        line.push_str(&format!("; shows the private address {related}"));
    }
    line
}

const fn scope(scope: AddressScope) -> Option<&'static str> {
    Some(match scope {
        AddressScope::Public => return None,
        AddressScope::Private => "private (RFC 1918)",
        AddressScope::CarrierGradeNat => "private, the provider's (RFC 6598)",
        AddressScope::UniqueLocal => "private (IPv6 ULA)",
        AddressScope::LinkLocal => "private (link-local)",
        AddressScope::Loopback => "the same machine alone",
        AddressScope::Mdns => "an mDNS name: the same network alone",
        AddressScope::Name => "a name",
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{
        media::Description,
        signaling::{Found, ShortId},
    };

    const SDP: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=ice-ufrag:x\r\na=ice-pwd:secret\r\n\
        a=candidate:1 1 udp 1 192.168.1.7 40000 typ host\r\n\
        a=candidate:1 1 udp 1 fd00::7 40000 typ host\r\n\
        a=candidate:2 1 udp 1 203.0.113.9 40000 typ srflx raddr 192.168.1.7 rport 40000\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102 103 104\r\na=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\n\
        a=rtpmap:104 H264/90000\r\na=sendonly\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_356_120 + seconds)
    }

    fn report(sdp: &str, answers: Option<ShortId>, seconds: u64) -> Report {
        let sdp = crate::signaling::Stamp::new(at(0), answers).apply(sdp);
        let description = Description { kind: DescriptionKind::Answer, sdp };
        Report::of(&Found { description, form: BlobForm::Plain, characters: 1_398, end_is_clear: true }, at(seconds))
    }

    #[test]
    fn everything_is_told_and_nothing_secret() {
        let report = report(SDP, "abc123".parse().ok(), 190);
        let text = tell(&report, at(190), &TimeZone::UTC);
        let id = report.contents.id.expect("an id");
        let expected = format!(
            "An answer to the offer abc123, short id {id}, made by p2pcall.\n\
             Made 3 minutes ago, on 22 November, 14:02 UTC.\n\
             Form: plain (base64 of JSON), 1398 characters.\n\
             Fingerprint: sha-256 AA:BB\n\
             Sound: opus 48 kHz stereo (both ways)\n\
             Picture: H264 (from its writer alone)\n\
             Data channel: yes\n\
             Addresses at which its writer may be reached:\n\
             \u{20} host  192.168.1.7:40000  UDP, IPv4, its own; private (RFC 1918)\n\
             \u{20} host  [fd00::7]:40000  UDP, IPv6, its own; private (IPv6 ULA)\n\
             \u{20} srflx 203.0.113.9:40000  UDP, IPv4, as a STUN server saw it; shows the private address 192.168.1.7\n\
             3 of them show an address of the writer's own network; with --hide-addresses there is none.\n"
        );
        assert_eq!(text, expected);
        let json = serde_json::to_string(&report.for_programs()).expect("JSON");
        assert!(!json.contains("secret") && !text.contains("secret"));
        assert!(json.contains(r#""created":"2026-11-22T14:02:00Z""#), "{json}");
    }

    #[test]
    fn what_stands_in_the_way_of_a_call_is_a_warning() {
        let here = SDP.replace("a=candidate:2", "a=x-candidate:2");
        for (sdp, seconds, words) in [
            (SDP.to_owned(), 13 * 3600, "made 13 hours ago"),
            (SDP.replace("a=candidate", "a=x-candidate"), 0, "no address in this"),
            (SDP.replace("opus", "G722").replace("H264", "VP9"), 0, "neither Opus sound nor pictures"),
            (here, 0, "Only somebody in the same network"),
        ] {
            let report = report(&sdp, None, seconds);
            assert!(report.warnings.iter().any(|warning| warning.contains(words)), "{words}: {:?}", report.warnings);
            assert!(tell(&report, at(seconds), &TimeZone::UTC).contains("\nWarning: "));
        }
        assert_eq!(report(SDP, None, 0).warnings, [""; 0]);
    }

    #[test]
    fn programs_are_told_what_they_rely_on() {
        let report = report(SDP, None, 0);
        let json = serde_json::to_value(report.for_programs()).expect("JSON");
        let mut keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
        keys.sort();
        assert_eq!(keys, ["candidates", "characters", "codecs", "created", "fingerprint", "form", "id", "kind"]);
        assert_eq!(json["codecs"][0]["name"], "opus");
        assert_eq!(json["candidates"][0]["scope"], "private");
        assert_eq!(json["candidates"][2]["type"], "srflx");
    }
}
