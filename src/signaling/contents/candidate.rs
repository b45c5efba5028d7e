//! Candidates: addresses at which the writer of a description may be reached (RFC 8839, 5.1).

use std::{fmt, net::IpAddr};

use serde::Serialize;

/// A candidate, in the words of the W3C's `RTCIceCandidate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CandidateInfo {
    /// How the address was found.
    #[serde(rename = "type")]
    pub kind: CandidateType,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// An address, or a name in `.local` that stands for one.
    pub address: String,
    /// The port.
    pub port: u16,
    /// Where the address is known.
    pub scope: AddressScope,
    /// The address behind it, where the writer tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related_address: Option<IpAddr>,
    /// Whether it tells how the writer's own network is numbered.
    pub reveals_private: bool,
}

/// How the address of a candidate was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CandidateType {
    /// The writer's own.
    Host,
    /// What a STUN server saw.
    Srflx,
    /// What the other side saw.
    Prflx,
    /// A TURN server's.
    Relay,
}

impl fmt::Display for CandidateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Host => "host",
            Self::Srflx => "srflx",
            Self::Prflx => "prflx",
            Self::Relay => "relay",
        })
    }
}

/// Where an address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressScope {
    /// Everywhere.
    Public,
    /// In one network (RFC 1918).
    Private,
    /// In one provider's network (RFC 6598).
    CarrierGradeNat,
    /// In one network, over IPv6 (RFC 4193).
    UniqueLocal,
    /// On one link (RFC 3927, RFC 4291).
    LinkLocal,
    /// On one machine.
    Loopback,
    /// It is a name that only the same network resolves (mDNS).
    Mdns,
    /// It is another name.
    Name,
}

impl AddressScope {
    /// Returns where an address is known.
    pub const fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        match address {
            _ if address.is_loopback() => Self::Loopback,
            IpAddr::V4(address) if address.is_private() => Self::Private,
            IpAddr::V4(address) if address.is_link_local() => Self::LinkLocal,
            IpAddr::V4(address) if address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64 => {
                Self::CarrierGradeNat
            }
            IpAddr::V6(address) if address.is_unique_local() => Self::UniqueLocal,
            IpAddr::V6(address) if address.is_unicast_link_local() => Self::LinkLocal,
            _ => Self::Public,
        }
    }

    /// Whether the address tells how the writer's own network is numbered.
    pub const fn is_private(self) -> bool {
        matches!(self, Self::Private | Self::CarrierGradeNat | Self::UniqueLocal | Self::LinkLocal)
    }
}

impl CandidateInfo {
    /// Reads what follows `a=candidate:`; `None` if it is none.
    pub(super) fn parse(attribute: &str) -> Option<Self> {
        // Foundation, component, transport, priority, address, port, "typ", type, more in pairs.
        let words: Vec<&str> = attribute.split_ascii_whitespace().collect();
        let (&[_, _, transport, _, address, port, "typ", kind], more) = words.split_first_chunk()? else { return None };
        let value = |name: &str| more.chunks_exact(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
        let kind = match kind {
            "host" => CandidateType::Host,
            "srflx" => CandidateType::Srflx,
            "prflx" => CandidateType::Prflx,
            "relay" => CandidateType::Relay,
            _ => return None,
        };
        let scope = match address.parse() {
            Ok(address) => AddressScope::of(address),
            Err(_) if address.ends_with(".local") => AddressScope::Mdns,
            Err(_) => AddressScope::Name,
        };
        // Writers that keep it to themselves say 0.0.0.0.
        let related_address = value("raddr")
            .and_then(|address| address.parse().ok())
            .filter(|address: &IpAddr| !address.is_unspecified());
        let reveals_private =
            scope.is_private() || related_address.is_some_and(|address| AddressScope::of(address).is_private());
        Some(Self {
            kind,
            protocol: transport.to_ascii_lowercase(),
            address: address.to_owned(),
            port: port.parse().ok()?,
            scope,
            related_address,
            reveals_private,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known_here_or_everywhere() {
        for (address, scope) in [
            ("203.0.113.9", AddressScope::Public),
            ("2001:db8::1", AddressScope::Public),
            ("10.1.2.3", AddressScope::Private),
            ("172.31.0.1", AddressScope::Private),
            ("192.168.0.1", AddressScope::Private),
            ("::ffff:192.168.0.1", AddressScope::Private),
            ("100.64.0.1", AddressScope::CarrierGradeNat),
            ("100.127.255.255", AddressScope::CarrierGradeNat),
            ("100.128.0.1", AddressScope::Public),
            ("169.254.1.1", AddressScope::LinkLocal),
            ("fe80::1", AddressScope::LinkLocal),
            ("fd00::1", AddressScope::UniqueLocal),
            ("127.0.0.1", AddressScope::Loopback),
            ("::1", AddressScope::Loopback),
        ] {
            assert_eq!(AddressScope::of(address.parse().expect("an address")), scope, "{address}");
        }
    }

    #[test]
    fn candidates_are_read() {
        let tell = |attribute: &str| {
            CandidateInfo::parse(attribute).map(|info| {
                format!(
                    "{} {} {}:{} {:?} {}",
                    info.kind, info.protocol, info.address, info.port, info.scope, info.reveals_private
                )
            })
        };
        for (attribute, expected) in [
            ("1 1 udp 2130706431 192.168.1.7 40000 typ host", Some("host udp 192.168.1.7:40000 Private true")),
            (
                "2 1 UDP 1694498815 203.0.113.9 40000 typ srflx raddr 192.168.1.7 rport 40000",
                Some("srflx udp 203.0.113.9:40000 Public true"),
            ),
            (
                "2 1 udp 1694498815 203.0.113.9 40000 typ srflx raddr 0.0.0.0 rport 0 generation 0",
                Some("srflx udp 203.0.113.9:40000 Public false"),
            ),
            (
                "3 1 udp 1 198.51.100.1 3478 typ relay raddr 203.0.113.9 rport 9",
                Some("relay udp 198.51.100.1:3478 Public false"),
            ),
            ("4 1 tcp 1 2001:db8::1 9 typ host tcptype active", Some("host tcp 2001:db8::1:9 Public false")),
            ("5 1 udp 1 4ab1-x.local 50000 typ host", Some("host udp 4ab1-x.local:50000 Mdns false")),
            ("1 1 udp 1 192.0.2.1 99999 typ host", None),
            ("1 1 udp 1 192.0.2.1 9 typ odd", None),
            ("1 1 udp 1", None),
            ("", None),
        ] {
            assert_eq!(tell(attribute).as_deref(), expected, "{attribute}");
        }
    }
}
