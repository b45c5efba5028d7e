//! What a line of SDP may look like (RFC 8866, 9), as far as WebRTC's lines go.
//!
//! Not a parser: it tells a line that was joined rightly from one that was joined wrongly.

use std::net::IpAddr;

/// Whether a line is well-formed. Lines that WebRTC does not know are, if they might be.
pub(super) fn is_valid(line: &str) -> bool {
    let Some((letter, value)) = line.split_once('=') else { return false };
    let words: Vec<&str> = value.split(' ').collect();
    match (letter, &words[..]) {
        ("v", _) => value == "0",
        ("o", [_, id, version, "IN", "IP4" | "IP6", _]) => is_number(id) && is_number(version),
        ("c", ["IN", "IP4" | "IP6", address]) => address.parse::<IpAddr>().is_ok(),
        ("b", [band]) => band.split_once(':').is_some_and(|(_, rate)| is_number(rate)),
        ("t", [from, to]) => is_number(from) && is_number(to),
        ("m", [medium, port, protocol, formats @ ..]) => {
            is_medium(medium) && port.parse::<u16>().is_ok() && are_formats(protocol, formats)
        }
        ("a", _) => match value.split_once(':') {
            Some((name, value)) => is_attribute(name, value),
            None => FLAGS.contains(&value),
        },
        ("s" | "i" | "u" | "e" | "p" | "r" | "z" | "k", _) => true,
        _ => false,
    }
}

/// Whether this is one of the media of `m=`.
pub(super) fn is_medium(word: &str) -> bool {
    ["audio", "video", "application", "text", "image", "message"].contains(&word)
}

const FLAGS: [&str; 10] = [
    "bundle-only",
    "end-of-candidates",
    "extmap-allow-mixed",
    "ice-lite",
    "inactive",
    "recvonly",
    "rtcp-mux",
    "rtcp-rsize",
    "sendonly",
    "sendrecv",
];

const PROTOCOLS: [&str; 10] = [
    "UDP/TLS/RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "TCP/TLS/RTP/SAVPF",
    "RTP/SAVPF",
    "RTP/SAVP",
    "RTP/AVPF",
    "RTP/AVP",
    "UDP/DTLS/SCTP",
    "TCP/DTLS/SCTP",
    "DTLS/SCTP",
];

const FEEDBACK: [&str; 11] = [
    "nack",
    "nack pli",
    "nack rpsi",
    "nack sli",
    "ccm fir",
    "ccm tmmbr",
    "ccm tstr",
    "goog-remb",
    "transport-cc",
    "ack rpsi",
    "rrtr",
];

fn are_formats(protocol: &str, formats: &[&str]) -> bool {
    let distinct = formats.iter().enumerate().all(|(index, format)| !formats[..index].contains(format));
    let is_format = |format: &&str| if protocol.contains("RTP") { is_payload_type(format) } else { !format.is_empty() };
    // More than there are payload types; also bounds the work.
    PROTOCOLS.contains(&protocol) && (1..=128).contains(&formats.len()) && formats.iter().all(is_format) && distinct
}

fn is_attribute(name: &str, value: &str) -> bool {
    let words: Vec<&str> = value.split(' ').collect();
    match (name, &words[..]) {
        ("candidate", _) => is_candidate(&words),
        ("fingerprint", [hash, bytes]) => {
            let parts: Vec<&str> = bytes.split(':').collect();
            let is_byte = |part: &&str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
            parts.iter().all(is_byte) && (*hash != "sha-256" || parts.len() == 32)
        }
        ("ice-ufrag", [ufrag]) => (4..=256).contains(&ufrag.len()) && ufrag.bytes().all(is_ice_character),
        ("ice-pwd", [password]) => (22..=256).contains(&password.len()) && password.bytes().all(is_ice_character),
        ("setup", [role]) => ["actpass", "active", "passive", "holdconn"].contains(role),
        ("mid", [mid]) => !mid.is_empty(),
        ("group", ["BUNDLE" | "LS" | "FID", mids @ ..]) => mids.iter().all(|mid| !mid.is_empty()),
        ("rtpmap", [format, codec]) => {
            let mut parts = codec.split('/');
            parts.next().is_some_and(|name| !name.is_empty())
                && is_payload_type(format)
                && parts.next().is_some_and(is_number)
                && parts.all(is_number)
        }
        ("fmtp", [format, parameters @ ..]) => {
            let last = parameters.len().saturating_sub(1);
            is_payload_type(format)
                && !parameters.is_empty()
                && parameters
                    .iter()
                    .enumerate()
                    .all(|(at, word)| !word.is_empty() && (at == last || word.ends_with(';')))
        }
        ("rtcp-fb", [format, ..]) => {
            let kind = value.split_once(' ').map_or("", |(_, kind)| kind);
            (is_payload_type(format) || *format == "*") && FEEDBACK.contains(&kind)
        }
        ("extmap", [id, uri]) => {
            let number = id.split_once('/').map_or(*id, |(number, _)| number);
            is_number(number) && (uri.starts_with("urn:") || uri.starts_with("http://") || uri.starts_with("https://"))
        }
        ("ssrc", [ssrc, attribute]) => is_number(ssrc) && attribute.contains(':'),
        ("ssrc", [ssrc, attribute, track]) => is_number(ssrc) && attribute.starts_with("msid:") && !track.is_empty(),
        ("ssrc-group", ["FID" | "FEC" | "FEC-FR" | "SIM", ssrcs @ ..]) => ssrcs.iter().all(|ssrc| is_number(ssrc)),
        ("msid", [_] | [_, _]) => true,
        // Chromium writes a space before it.
        ("msid-semantic", _) => value.split(' ').find(|word| !word.is_empty()) == Some("WMS"),
        ("rtcp", [port] | [port, "IN", "IP4" | "IP6", _]) => is_number(port),
        ("sctp-port" | "max-message-size", [number]) => is_number(number),
        ("sctpmap", [port, _, streams]) => is_number(port) && is_number(streams),
        ("p2pcall", [version, minutes, answers, check]) => {
            is_number(version) && is_number(minutes) && (answers.len() == 6 || *answers == "-") && check.len() == 8
        }
        (
            "fingerprint" | "ice-ufrag" | "ice-pwd" | "setup" | "mid" | "group" | "rtpmap" | "fmtp" | "rtcp-fb"
            | "extmap" | "ssrc" | "ssrc-group" | "msid" | "rtcp" | "sctp-port" | "max-message-size" | "sctpmap"
            | "p2pcall",
            _,
        ) => false,
        _ => is_name(name),
    }
}

/// Whether this can name an attribute (RFC 8866, 9: `token`, without the odd ones).
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// RFC 8839, 5.1.
fn is_candidate(words: &[&str]) -> bool {
    let [foundation, component, transport, priority, address, port, "typ", kind, more @ ..] = words else {
        return false;
    };
    let is_address = |address: &str| address.parse::<IpAddr>().is_ok() || is_host_name(address);
    let is_extension = |pair: &[&str]| match pair {
        ["raddr", address] => is_address(address),
        ["rport", port] => port.parse::<u16>().is_ok(),
        ["tcptype", kind] => ["active", "passive", "so"].contains(kind),
        ["generation" | "network-id" | "network-cost", number] => is_number(number),
        ["ufrag", ufrag] => ufrag.bytes().all(is_ice_character),
        _ => false,
    };
    !foundation.is_empty()
        && is_number(component)
        && (transport.eq_ignore_ascii_case("udp") || transport.eq_ignore_ascii_case("tcp"))
        && priority.parse::<u32>().is_ok()
        && is_address(address)
        && port.parse::<u16>().is_ok()
        && ["host", "srflx", "prflx", "relay"].contains(kind)
        && more.chunks(2).all(is_extension)
}

/// A name with a letter in its last label: half an address is none.
fn is_host_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.') && !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_ice_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

fn is_payload_type(word: &str) -> bool {
    word.parse::<u8>().is_ok_and(|number| number < 128)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rightly_joined_lines_are_told_from_others() {
        for (line, expected) in [
            ("v=0", true),
            ("o=- 1 2 IN IP4 0.0.0.0", true),
            ("o=- 1 2 INIP4 0.0.0.0", false),
            ("m=video 9 UDP/TLS/RTP/SAVPF 96 97", true),
            ("m=video 9 UDP/TLS/RTP/SAVPF 9697", false),
            ("m=video 9 UDP/TLS/RTP/SAVPF 96 96", false),
            ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", true),
            ("m=application 9 UDP/DTLS/SCTPwebrtc-datachannel", false),
            ("a=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host generation 0", true),
            ("a=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host Cheers Bob", false),
            ("a=candidate:1 1 udp 2130706431 192.0.2.19 typ host", false),
            ("a=candidate:1 1 udp 1 x.local 9 typ srflx raddr 0.0.0.0 rport 0", true),
            ("a=candidate:1 1 udp 1 192.0. 9 typ host", false),
            ("a=rtpmap:111 opus/48000/2", true),
            ("a=rtpmap:111opus/48000/2", false),
            ("a=fmtp:97 apt=96", true),
            ("a=fmtp:97 ap t=96", false),
            ("a=fmtp:97 a=1; b=2", true),
            ("a=rtcp-fb:96 nack pli", true),
            ("a=rtcp-fb:96 nackpli", false),
            ("a=ssrc:1 cname:x", true),
            ("a=ssrc:1 cname:x Cheers", false),
            ("a=rtcp-mux", true),
            ("a=rtcp-", false),
            ("a=finger print:x", false),
            ("a=something:else and more", true),
            ("hello", false),
        ] {
            assert_eq!(is_valid(line), expected, "{line}");
        }
    }
}
