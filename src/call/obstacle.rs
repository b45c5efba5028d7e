//! Why a call does not connect, from what was heard and what the descriptions tell.

use std::{collections::HashMap, fmt, net::IpAddr};

use crate::{media::Description, rtc::Contact};

/// What stands between the two sides, as far as can be told from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Nothing at all came from the other side.
    NoReply,
    /// Their checks arrive, but nobody answers ours.
    OneWay,
    /// Both networks give each connection another public port.
    BothSymmetric,
    /// Ours does, and theirs lets in only what it asked for.
    SymmetricHere,
    /// Theirs does, and ours lets in only what it asked for.
    SymmetricThere,
    /// No STUN server told our public address, and they are not in this network.
    NoPublicAddress,
    /// A path was found, but not the end of the handshake.
    Handshake,
    /// One side showed another certificate than its description announced.
    WrongFingerprint,
}

impl Obstacle {
    /// Judges from what was heard, from our complete description and from theirs.
    pub(super) fn of(contact: Contact, path_found: bool, ours: &Description, theirs: &Description) -> Self {
        let (here, there) = (is_symmetric(ours), is_symmetric(theirs));
        if contact.fingerprint_wrong() {
            Self::WrongFingerprint
        } else if path_found || contact.refused() {
            Self::Handshake
        } else if contact.checks_received > 0 {
            Self::OneWay
        } else if here && there {
            Self::BothSymmetric
        } else if here {
            Self::SymmetricHere
        } else if there {
            Self::SymmetricThere
        } else if !has_public(ours) && has_public(theirs) {
            Self::NoPublicAddress
        } else {
            Self::NoReply
        }
    }

    /// Returns the obstacle as a word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoReply => "no_reply",
            Self::OneWay => "one_way",
            Self::BothSymmetric => "both_symmetric",
            Self::SymmetricHere => "symmetric_here",
            Self::SymmetricThere => "symmetric_there",
            Self::NoPublicAddress => "no_public_address",
            Self::Handshake => "handshake",
            Self::WrongFingerprint => "wrong_fingerprint",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TURN: &str = "use a TURN server: --turn turn:HOST --turn-user NAME, on one side at least.";
        match self {
            Self::NoReply => write!(
                f,
                "Nothing has come from the other side. Is their p2pcall still running, and their machine awake? If it is, a \
                 firewall lets nothing through: {TURN}"
            ),
            Self::OneWay => write!(
                f,
                "What they send arrives here, but nothing of ours is answered: a firewall on one side lets only one direction \
                 through. Try another network, or {TURN}"
            ),
            Self::BothSymmetric => write!(
                f,
                "Your network and theirs both give each connection another public port (symmetric NAT): no direct connection \
                 is possible. To connect, {TURN}"
            ),
            Self::SymmetricHere => write!(
                f,
                "Your network gives each connection another public port (symmetric NAT), and theirs lets in only what it \
                 knows. To connect, {TURN}"
            ),
            Self::SymmetricThere => write!(
                f,
                "Their network gives each connection another public port (symmetric NAT), and yours lets in only what it \
                 knows. To connect, {TURN}"
            ),
            Self::NoPublicAddress => write!(
                f,
                "No STUN server told your public address, so they have only addresses of your own network. Look whether UDP \
                 is let out here, name another server with --stun, or {TURN}"
            ),
            Self::Handshake => f.write_str(
                "The other side was reached, but the encrypted connection was not made. The line may lose too much; try \
                 again from a new offer.",
            ),
            Self::WrongFingerprint => f.write_str(
                "The one who answered is not the one who made the text: the certificate is another. Somebody may be between \
                 you, or the text was altered. Exchange new texts over a way you trust.",
            ),
        }
    }
}

/// Candidates of a description over IPv4: kind, address, port, and the address behind, if it is told.
fn candidates(description: &Description) -> impl Iterator<Item = (&str, IpAddr, &str)> {
    description.sdp.lines().filter_map(|line| {
        let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split_ascii_whitespace().collect();
        let [_, component, _, _, address, port, "typ", kind, ..] = words[..] else { return None };
        let address: IpAddr = address.parse().ok()?;
        // With rtcp-mux there is no second component that matters.
        (component == "1" && address.is_ipv4()).then_some((kind, address, port))
    })
}

/// Whether several servers saw one address of a machine behind different ports. A machine with several
/// addresses of its own may look so, too, and is not counted.
fn is_symmetric(description: &Description) -> bool {
    let mut hosts = 0;
    let mut ports: HashMap<IpAddr, Vec<&str>> = HashMap::new();
    for (kind, address, port) in candidates(description) {
        match kind {
            "host" => hosts += 1,
            "srflx" => {
                let ports = ports.entry(address).or_default();
                if !ports.contains(&port) {
                    ports.push(port);
                }
            }
            _ => {}
        }
    }
    hosts <= 1 && ports.values().any(|ports| ports.len() > 1)
}

/// Whether anything but addresses of its own network is in it.
fn has_public(description: &Description) -> bool {
    candidates(description).any(|(kind, address, _)| {
        let private = match address {
            IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
            IpAddr::V6(_) => false,
        };
        kind != "host" || !private
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::DescriptionKind;

    fn description(candidates: &[&str]) -> Description {
        let lines: Vec<String> = candidates.iter().map(|rest| format!("a=candidate:1 1 udp 1 {rest}\r\n")).collect();
        Description { kind: DescriptionKind::Offer, sdp: format!("v=0\r\n{}", lines.concat()) }
    }

    #[test]
    fn what_was_heard_and_what_is_told_decide() {
        let host = "10.0.0.2 9 typ host";
        let cone = &[host, "192.0.2.1 9 typ srflx raddr 0.0.0.0 rport 9"][..];
        let symmetric = &[host, "192.0.2.1 9 typ srflx", "192.0.2.1 10 typ srflx"][..];
        let two_homes = &[host, "10.1.0.2 9 typ host", "192.0.2.1 9 typ srflx", "192.0.2.1 10 typ srflx"][..];
        let private = &[host][..];
        let none = Contact::default();
        let mut heard = none;
        heard.checks_received = 1;
        for (contact, path, ours, theirs, expected) in [
            (none, false, cone, cone, Obstacle::NoReply),
            (none, false, private, private, Obstacle::NoReply),
            (none, false, private, cone, Obstacle::NoPublicAddress),
            (none, false, symmetric, symmetric, Obstacle::BothSymmetric),
            (none, false, symmetric, cone, Obstacle::SymmetricHere),
            (none, false, cone, symmetric, Obstacle::SymmetricThere),
            (none, false, cone, two_homes, Obstacle::NoReply),
            (heard, false, cone, cone, Obstacle::OneWay),
            (heard, true, cone, cone, Obstacle::Handshake),
        ] {
            let obstacle = Obstacle::of(contact, path, &description(ours), &description(theirs));
            assert_eq!(obstacle, expected, "{contact:?} {path} {ours:?} {theirs:?}");
            assert!(obstacle.to_string().ends_with('.'));
        }
    }
}
