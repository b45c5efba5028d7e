//! Everything that is found of the network.

use serde::Serialize;

use super::{
    behaviour::Behaviour,
    class::Class,
    server::{Family, Reach, ServerFinding},
};

/// What is found. In JSON the behaviour over IPv4 stands beside the rest, as most calls go that way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// Whether UDP gets out and answers come in.
    pub udp: Udp,
    /// Each server at each family of addresses that it has, in the order that they were given.
    pub servers: Vec<ServerFinding>,
    /// What is between here and the internet over IPv4.
    #[serde(flatten)]
    pub ipv4: Behaviour,
    /// The same over IPv6, and whether there is any.
    pub ipv6: Ipv6,
}

/// IPv6 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ipv6 {
    /// Whether packets to the internet leave from a global address.
    pub global_address: bool,
    /// Whether a server answered.
    pub answered: bool,
    /// What is between here and the internet.
    #[serde(flatten)]
    pub behaviour: Behaviour,
}

/// Whether UDP gets through, and if not, how far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Udp {
    /// A server answered.
    Works,
    /// Requests left, and no answer came.
    NoAnswer,
    /// This machine lets none out.
    NotLetOut,
    /// No way leads to the servers.
    NoRoute,
    /// No server's name was found.
    NotResolved,
}

impl Udp {
    /// Judges by the server that was got furthest with.
    pub(super) fn of(servers: &[ServerFinding]) -> Self {
        let any = |reach| servers.iter().any(|server| server.reach == reach);
        if any(Reach::Answered) || any(Reach::Refused) {
            Self::Works
        } else if any(Reach::NoAnswer) {
            Self::NoAnswer
        } else if any(Reach::NotLetOut) {
            Self::NotLetOut
        } else if any(Reach::NoRoute) {
            Self::NoRoute
        } else {
            Self::NotResolved
        }
    }
}

impl Findings {
    /// Returns what the network is over one family of addresses.
    pub fn class(&self, family: Family) -> Class {
        let any = |wanted: &[Reach]| {
            self.servers.iter().any(|server| server.family == Some(family) && wanted.contains(&server.reach))
        };
        let behaviour = match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6.behaviour,
        };
        if any(&[Reach::Answered]) {
            Class::of(behaviour)
        } else if any(&[Reach::NoAnswer, Reach::NotLetOut]) && !any(&[Reach::Refused]) {
            Class::Blocked
        } else {
            Class::Unknown
        }
    }

    /// From now on public addresses are written in full.
    pub fn show_addresses(&mut self) {
        for mapped in self.servers.iter_mut().filter_map(|server| server.mapped.as_mut()) {
            mapped.show();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rtc::nat::{ask::Silence, filtering::Filtering, mapping::Mapping, message::tests::read, server::Server};

    fn named() -> Server {
        Server { host: "stun.example.org".into(), port: 3478 }
    }

    /// Returns what is found where the only server, over IPv4, is silent.
    pub(in crate::rtc::nat) fn silent(silence: Silence) -> Findings {
        let servers = vec![ServerFinding::of(&named(), read("192.0.2.1:3478"), Err(silence))];
        let ipv6 = Ipv6 { global_address: false, answered: false, behaviour: Behaviour::UNKNOWN };
        Findings { udp: Udp::of(&servers), servers, ipv4: Behaviour::UNKNOWN, ipv6 }
    }

    /// Returns what is found where a server answers over IPv4.
    pub(in crate::rtc::nat) fn answered(mapping: Mapping, filtering: Filtering) -> Findings {
        let mut findings = silent(Silence::NoAnswer);
        let server = &mut findings.servers[0];
        (server.reach, server.round_trip_ms) = (Reach::Answered, Some(12.5));
        findings.udp = Udp::Works;
        findings.ipv4 = Behaviour { mapping, filtering, ..Behaviour::UNKNOWN };
        findings
    }

    #[test]
    fn the_server_that_was_got_furthest_with_counts() {
        let reached = |silence| ServerFinding::of(&named(), read("192.0.2.1:3478"), Err(silence));
        let lost = ServerFinding::not_resolved(&named());
        for (servers, expected) in [
            (vec![], Udp::NotResolved),
            (vec![lost.clone()], Udp::NotResolved),
            (vec![lost.clone(), reached(Silence::NoRoute)], Udp::NoRoute),
            (vec![reached(Silence::NotLetOut), reached(Silence::NoRoute)], Udp::NotLetOut),
            (vec![reached(Silence::NotLetOut), reached(Silence::NoAnswer)], Udp::NoAnswer),
            (vec![reached(Silence::Refused(400)), reached(Silence::NoAnswer)], Udp::Works),
        ] {
            assert_eq!(Udp::of(&servers), expected, "{servers:?}");
        }
    }

    #[test]
    fn silence_is_told_from_no_network() {
        for (silence, expected) in [
            (Silence::NoAnswer, Class::Blocked),
            (Silence::NotLetOut, Class::Blocked),
            (Silence::NoRoute, Class::Unknown),
            (Silence::Refused(500), Class::Unknown),
        ] {
            let findings = silent(silence);
            assert_eq!(findings.class(Family::Ipv4), expected, "{silence:?}");
            assert_eq!(findings.class(Family::Ipv6), Class::Unknown, "no server was asked");
        }
    }

    #[test]
    fn programs_find_everything_where_it_is_documented() {
        let findings = answered(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent);
        let json = serde_json::to_value(&findings).expect("plain values");
        for (at, expected) in [
            ("/udp", "works"),
            ("/mapping", "endpoint_independent"),
            ("/filtering", "address_and_port_dependent"),
            ("/servers/0/server", "stun.example.org:3478"),
            ("/servers/0/reach", "answered"),
            ("/servers/0/family", "ipv4"),
            ("/ipv6/mapping", "unknown"),
        ] {
            assert_eq!(json.pointer(at).and_then(|value| value.as_str()), Some(expected), "{at}: {json}");
        }
    }
}
