//! Which public address a NAT gives to one socket for different destinations (RFC 4787, 4.1; RFC 5780, 4.3).

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

/// How a NAT maps, as RFC 4787 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mapping {
    /// There is no NAT: the public address is this machine's own.
    None,
    /// The same public address and port for every destination.
    EndpointIndependent,
    /// Another port for each destination address.
    AddressDependent,
    /// Another port for each destination address and port: what is called a symmetric NAT.
    AddressAndPortDependent,
    /// Either of the last two: the servers that answered cannot tell which.
    AddressDependentOrWorse,
    /// No server, or only one without another address, answered.
    Unknown,
}

/// What one server said of the one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Observation {
    /// Where the request went.
    pub(super) to: SocketAddr,
    /// The address of this machine that it left from.
    pub(super) local: SocketAddr,
    /// Where it came from, as the server saw it.
    pub(super) mapped: SocketAddr,
}

impl Mapping {
    /// Judges from what several servers, or several addresses of one, said of one socket.
    pub(super) fn of(observations: &[Observation]) -> Self {
        let Some(first) = observations.first() else { return Self::Unknown };
        // What left over another interface went another way, perhaps through another NAT.
        let same_way: Vec<&Observation> = observations.iter().filter(|each| each.local == first.local).collect();
        if same_way.iter().all(|each| each.mapped == each.local) {
            return Self::None;
        }
        let any_pair = |wanted: &dyn Fn(&Observation, &Observation) -> bool| {
            same_way.iter().enumerate().any(|(index, a)| same_way[..index].iter().any(|b| wanted(a, b)))
        };
        let one_host = |a: &Observation, b: &Observation| a.to.ip() == b.to.ip() && a.to.port() != b.to.port();
        let two_hosts = |a: &Observation, b: &Observation| a.to.ip() != b.to.ip();
        let by_port = any_pair(&|a, b| one_host(a, b) && a.mapped != b.mapped);
        let by_address = any_pair(&|a, b| two_hosts(a, b) && a.mapped != b.mapped);
        match (by_port, by_address) {
            (true, _) => Self::AddressAndPortDependent,
            (false, true) if any_pair(&one_host) => Self::AddressDependent,
            (false, true) => Self::AddressDependentOrWorse,
            (false, false) if any_pair(&two_hosts) => Self::EndpointIndependent,
            (false, false) => Self::Unknown,
        }
    }

    /// Whether another destination sees another port; `None` if that is not known.
    pub const fn depends(self) -> Option<bool> {
        match self {
            Self::None | Self::EndpointIndependent => Some(false),
            Self::AddressDependent | Self::AddressAndPortDependent | Self::AddressDependentOrWorse => Some(true),
            Self::Unknown => None,
        }
    }
}

/// Returns where else a server is to be asked: at its other address, once at the port that it was asked at and
/// once at the other (RFC 5780, 4.3, tests II and III). Empty if the other address is none.
pub(super) fn other_targets(server: SocketAddr, other: SocketAddr) -> Vec<SocketAddr> {
    let usable = match other.ip() {
        IpAddr::V4(address) => server.is_ipv4() && !address.is_loopback() && !address.is_broadcast(),
        IpAddr::V6(address) => server.is_ipv6() && !address.is_loopback(),
    };
    if !usable || other.ip() == server.ip() || other.port() == server.port() {
        return vec![];
    }
    vec![SocketAddr::new(other.ip(), server.port()), other]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtc::nat::message::tests::read;

    #[test]
    fn each_nat_is_named_by_what_servers_saw() {
        const LOCAL: &str = "10.0.0.2:5000";
        const HOME: &str = "192.0.2.1:5000";
        const OTHER: &str = "192.0.2.1:6000";
        const THIRD: &str = "192.0.2.1:7000";
        const S1: &str = "198.51.100.1:3478";
        const S2: &str = "198.51.100.2:3478";
        const S2_OTHER: &str = "198.51.100.2:3479";
        for (seen, expected) in [
            (&[][..], Mapping::Unknown),
            (&[(S1, LOCAL)], Mapping::None),
            (&[(S1, LOCAL), (S2, LOCAL)], Mapping::None),
            (&[(S1, HOME)], Mapping::Unknown),
            (&[(S2, HOME), (S2_OTHER, HOME)], Mapping::Unknown),
            (&[(S1, HOME), (S2, HOME)], Mapping::EndpointIndependent),
            (&[(S1, HOME), (S2, HOME), (S2_OTHER, HOME)], Mapping::EndpointIndependent),
            (&[(S1, HOME), (S2, OTHER)], Mapping::AddressDependentOrWorse),
            (&[(S1, HOME), (S2, OTHER), (S2_OTHER, OTHER)], Mapping::AddressDependent),
            (&[(S1, HOME), (S2, OTHER), (S2_OTHER, THIRD)], Mapping::AddressAndPortDependent),
            (&[(S2, HOME), (S2_OTHER, OTHER)], Mapping::AddressAndPortDependent),
        ] {
            let observations: Vec<Observation> = seen
                .iter()
                .map(|(to, mapped)| Observation { to: read(to), local: read(LOCAL), mapped: read(mapped) })
                .collect();
            assert_eq!(Mapping::of(&observations), expected, "{seen:?}");
        }
    }

    #[test]
    fn ways_through_other_interfaces_are_not_compared() {
        let seen = |to, local, mapped| Observation { to: read(to), local: read(local), mapped: read(mapped) };
        let home = seen("198.51.100.1:1", "10.0.0.2:5", "192.0.2.1:5");
        let tunnel = seen("198.51.100.2:1", "10.9.0.2:5", "203.0.113.1:5");
        assert_eq!(Mapping::of(&[home, tunnel]), Mapping::Unknown);
    }

    #[test]
    fn only_another_address_is_asked() {
        for (other, targets) in [
            ("198.51.100.2:3479", &["198.51.100.2:3478", "198.51.100.2:3479"][..]),
            ("198.51.100.1:3479", &[]),
            ("198.51.100.2:3478", &[]),
            ("127.0.0.1:3479", &[]),
            ("[2001:db8::1]:3479", &[]),
        ] {
            let expected: Vec<SocketAddr> = targets.iter().map(|target| read(target)).collect();
            assert_eq!(other_targets(read("198.51.100.1:3478"), read(other)), expected, "{other}");
        }
    }
}
