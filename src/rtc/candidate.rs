//! Candidates in a description, as they are carried to the other side.

/// Takes out server-reflexive candidates that a host candidate says already (RFC 8445, 5.1.3): without a NAT,
/// as with IPv6, a STUN server sees the address that there is.
pub(super) fn without_redundant(sdp: &str) -> String {
    let hosts: Vec<[&str; 3]> = sdp.lines().filter_map(candidate).filter(|c| c.1 == "host").map(|c| c.0).collect();
    let keep = |line: &&str| {
        candidate(line).is_none_or(|(at, kind)| {
            // Without any network the library names the wildcards.
            let nowhere = kind == "host" && ["0.0.0.0", "::"].contains(&at[1]);
            !nowhere && (kind != "srflx" || !hosts.contains(&at))
        })
    };
    sdp.split_inclusive('\n').filter(keep).collect()
}

/// Returns component, address and port of a candidate, and its kind (RFC 8839, 5.1).
fn candidate(line: &str) -> Option<([&str; 3], &str)> {
    let mut words = line.strip_prefix("a=candidate:")?.split_whitespace();
    let component = words.nth(1)?;
    let (address, port) = (words.nth(2)?, words.next()?);
    Some(([component, address, port], words.nth(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_candidate_says_is_not_said_again() {
        let host = "a=candidate:1 1 udp 2130706431 2001:db8::1 4000 typ host\r\n";
        let same = "a=candidate:2 1 udp 1694498815 2001:db8::1 4000 typ srflx raddr 2001:db8::1 rport 4000\r\n";
        let other = "a=candidate:3 1 udp 1694498815 192.0.2.1 4000 typ srflx raddr 10.0.0.1 rport 4000\r\n";
        let rest = "a=end-of-candidates\r\n";
        for (before, after) in [
            (format!("{host}{same}{other}{rest}"), format!("{host}{other}{rest}")),
            (format!("{same}{host}{same}"), host.to_owned()),
            (format!("{same}{rest}"), format!("{same}{rest}")),
            ("a=candidate:1 1 udp 1 0.0.0.0 4000 typ host\r\na=mid:0\r\n".into(), "a=mid:0\r\n".into()),
            ("a=candidate:1 1\r\n".into(), "a=candidate:1 1\r\n".into()),
        ] {
            assert_eq!(without_redundant(&before), after);
        }
    }
}
