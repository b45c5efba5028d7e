//! Takes out of a text what is nobody's business: addresses, ICE credentials, fingerprints.

use std::net::IpAddr;

use serde_json::Value;

/// What stands in the place of an address, and of all else.
const ADDRESS: [&str; 2] = ["x.x.x.x", "x::x"];
const HIDDEN: &str = "x";

/// Members of the W3C's dictionaries that are hidden whole.
const MEMBERS: [&str; 6] =
    ["fingerprint", "base64Certificate", "usernameFragment", "iceLocalUsernameFragment", "foundation", "networkId"];

/// Hides it everywhere in a JSON value.
pub(super) fn redact(value: &mut Value) {
    match value {
        Value::String(text) => *text = redacted(text),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(members) => {
            for (name, member) in members {
                if MEMBERS.contains(&name.as_str()) && member.is_string() {
                    *member = HIDDEN.into();
                } else {
                    redact(member);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns a text without it: SDP, candidates, or words.
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let hidden = ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:sha-256 ", "a=p2pcall:"];
        match hidden.iter().find(|start| content.starts_with(**start)) {
            Some(start) => {
                out.push_str(start);
                out.push_str(HIDDEN);
            }
            None => words(content, &mut out),
        }
        out.push_str(&line[content.len()..]);
    }
    out
}

/// Writes a line, word for word.
fn words(line: &str, out: &mut String) {
    let mut before = "";
    for word in line.split_inclusive(char::is_whitespace) {
        let content = word.trim_end();
        // The ICE credentials at the end of a browser's candidate.
        if before == "ufrag" {
            out.push_str(HIDDEN);
        } else {
            content.split_inclusive(|letter| !is_of_word(letter)).for_each(|part| {
                let bare = part.trim_end_matches(|letter| !is_of_word(letter));
                address(bare, out);
                out.push_str(&part[bare.len()..]);
            });
        }
        out.push_str(&word[content.len()..]);
        before = content;
    }
}

/// Whether an address may stand beside a letter, without being cut.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '.' | ':')
}

/// Writes a word, without the address that it is or begins or ends with: `192.0.2.1:9`, `candidate:…`.
fn address(word: &str, out: &mut String) {
    // The end of a sentence is no part of it.
    let trimmed = word.trim_end_matches(['.', ':']);
    let (head, rest) = (trimmed, &word[trimmed.len()..]);
    let (before, candidate, after) = match head.rsplit_once(':') {
        _ if head.parse::<IpAddr>().is_ok() => ("", head, ""),
        Some((host, port)) if host.parse::<IpAddr>().is_ok() && port.parse::<u16>().is_ok() => {
            ("", host, &head[host.len()..])
        }
        Some((scheme, host)) if host.parse::<IpAddr>().is_ok() => (&head[..=scheme.len()], host, ""),
        _ => match head.split_once(':') {
            // `stun:192.0.2.1:3478`
            Some((scheme, host)) if host.split(':').next().is_some_and(|host| host.parse::<IpAddr>().is_ok()) => {
                let host = host.split(':').next().unwrap_or_default();
                (&head[..=scheme.len()], host, &head[scheme.len() + 1 + host.len()..])
            }
            _ => ("", "", head),
        },
    };
    out.push_str(before);
    match candidate.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => out.push_str(candidate),
        Ok(address) => out.push_str(ADDRESS[usize::from(address.is_ipv6())]),
        // A fingerprint.
        Err(_) if after.split(':').count() >= 16 => return out.push_str(HIDDEN),
        Err(_) => {}
    }
    out.push_str(after);
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_is_nobodys_business() {
        let print = ["A1"; 32].join(":");
        for (text, expected) in [
            ("No route to 192.0.2.7.", "No route to x.x.x.x."),
            ("192.0.2.7:3478 refuses", "x.x.x.x:3478 refuses"),
            ("stun:192.0.2.7:3478", "stun:x.x.x.x:3478"),
            ("[2001:db8::7]:3478 and (fe80::1)", "[x::x]:3478 and (x::x)"),
            ("c=IN IP6 ::\r\no=- 1 1 IN IP4 203.0.113.9\r\n", "c=IN IP6 ::\r\no=- 1 1 IN IP4 x.x.x.x\r\n"),
            (
                "a=candidate:1 1 udp 2130706431 192.168.1.23 45931 typ srflx raddr 10.0.0.1 rport 9 ufrag QK/z network-id 1\n",
                "a=candidate:1 1 udp 2130706431 x.x.x.x 45931 typ srflx raddr x.x.x.x rport 9 ufrag x network-id 1\n",
            ),
            (
                "candidate:1 1 udp 1 0bdb1c5e-3d0e.local 9 typ host",
                "candidate:1 1 udp 1 0bdb1c5e-3d0e.local 9 typ host",
            ),
            ("a=ice-ufrag:QKXz\r\na=ice-pwd:DPHS\r\n", "a=ice-ufrag:x\r\na=ice-pwd:x\r\n"),
            (&format!("a=fingerprint:sha-256 {print}\n"), "a=fingerprint:sha-256 x\n"),
            (&format!("The fingerprint {print} is new"), "The fingerprint x is new"),
            ("Version 0.1.0 at 12:34:56, 1.5 s", "Version 0.1.0 at 12:34:56, 1.5 s"),
            ("a=rtpmap:96 H264/90000", "a=rtpmap:96 H264/90000"),
            ("", ""),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn members_are_hidden_by_their_names() {
        let mut value = serde_json::json!({
            "a": { "address": "192.0.2.7", "port": 9, "usernameFragment": "QKXz", "candidateType": "host" },
            "b": [{ "fingerprint": "A1:EB", "sdp": "a=ice-pwd:DPHS\r\n" }],
        });
        redact(&mut value);
        let expected = serde_json::json!({
            "a": { "address": "x.x.x.x", "port": 9, "usernameFragment": "x", "candidateType": "host" },
            "b": [{ "fingerprint": "x", "sdp": "a=ice-pwd:x\r\n" }],
        });
        assert_eq!(value, expected);
    }
}
