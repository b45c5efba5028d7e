//! STUN servers: whether their names are found and whether they answer.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::Serialize;
use tokio::{task::JoinSet, time::timeout};

use super::{
    address::PublicAddress,
    ask::{Reply, Silence},
};
use crate::rtc::StunUrl;

/// A name that is not found within this is not found.
const LOOKUP: Duration = Duration::from_secs(2);

/// A STUN server to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name or its address.
    pub host: String,
    /// Its port, usually 3478.
    pub port: u16,
}

impl From<StunUrl> for Server {
    fn from(url: StunUrl) -> Self {
        Self { host: url.host, port: url.port }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// Whether a server answered, and if not, how far it was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It answered.
    Answered,
    /// Its name was not found.
    NotResolved,
    /// No way leads there from here.
    NoRoute,
    /// This machine does not let the request out: a firewall of its own.
    NotLetOut,
    /// It answered with an error.
    Refused,
    /// Nothing came from it.
    NoAnswer,
}

/// What came of asking one server at one address of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServerFinding {
    /// Its name or address, and its port.
    pub server: String,
    /// Of its address; `None` if its name was not found.
    pub family: Option<Family>,
    /// Whether it answered.
    pub reach: Reach,
    /// The time to it and back in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Where it saw us.
    pub mapped: Option<PublicAddress>,
    /// Whether it has another address, so that more can be learnt from it (RFC 5780).
    pub has_other_address: bool,
}

impl ServerFinding {
    pub(super) fn not_resolved(server: &Server) -> Self {
        Self::silent(server, None, Reach::NotResolved)
    }

    pub(super) fn of(server: &Server, address: SocketAddr, reply: Result<Reply, Silence>) -> Self {
        let family = Some(if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 });
        match reply {
            Ok(reply) => Self {
                server: server.to_string(),
                family,
                reach: Reach::Answered,
                // To the microsecond.
                round_trip_ms: Some((reply.round_trip.as_secs_f64() * 1e6).round() / 1e3),
                mapped: Some(PublicAddress::new(reply.told.mapped)),
                has_other_address: reply.told.other.is_some(),
            },
            Err(Silence::NoRoute) => Self::silent(server, family, Reach::NoRoute),
            Err(Silence::NotLetOut) => Self::silent(server, family, Reach::NotLetOut),
            Err(Silence::Refused(_)) => Self::silent(server, family, Reach::Refused),
            Err(Silence::NoAnswer) => Self::silent(server, family, Reach::NoAnswer),
        }
    }

    fn silent(server: &Server, family: Option<Family>, reach: Reach) -> Self {
        Self { server: server.to_string(), family, reach, round_trip_ms: None, mapped: None, has_other_address: false }
    }
}

/// Looks all names up side by side; returns the first address of each family of each.
pub(super) async fn lookup(servers: &[Server]) -> Vec<Vec<SocketAddr>> {
    let mut found = vec![Vec::new(); servers.len()];
    let mut lookups = JoinSet::new();
    for (index, server) in servers.iter().enumerate() {
        let (host, port) = (server.host.clone(), server.port);
        lookups.spawn(async move {
            let addresses = timeout(LOOKUP, tokio::net::lookup_host((host, port))).await;
            (index, addresses.ok().and_then(Result::ok).map(Iterator::collect::<Vec<_>>).unwrap_or_default())
        });
    }
    while let Some(done) = lookups.join_next().await {
        match done {
            Ok((index, addresses)) => found[index] = one_of_each_family(&addresses),
            Err(error) => tracing::debug!(%error, "a lookup"),
        }
    }
    found
}

fn one_of_each_family(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = |is_v4| addresses.iter().copied().find(move |address| address.is_ipv4() == is_v4);
    [first(true), first(false)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtc::nat::message::tests::read;

    #[tokio::test]
    async fn addresses_need_no_lookup() {
        let servers = ["192.0.2.1", "2001:db8::1"].map(|host| Server { host: host.into(), port: 5 });
        assert_eq!(lookup(&servers).await, [[read("192.0.2.1:5")], [read("[2001:db8::1]:5")]]);
    }

    #[test]
    fn a_server_is_written_so_that_its_port_is_told_from_it() {
        for (host, expected) in [("example.org", "example.org:5"), ("2001:db8::1", "[2001:db8::1]:5")] {
            assert_eq!(Server { host: host.into(), port: 5 }.to_string(), expected);
        }
    }

    #[test]
    fn one_address_of_each_family_is_enough() {
        let all = ["[2001:db8::1]:5", "[2001:db8::2]:5", "192.0.2.1:5", "192.0.2.2:5"].map(read);
        assert_eq!(one_of_each_family(&all), [read("192.0.2.1:5"), read("[2001:db8::1]:5")]);
    }
}
