//! What stands between this machine and the internet: whether UDP gets through, how a NAT behaves (RFC 4787, RFC 5780),
//! and whom a call will reach through it (RFC 8445).
//!
//! [`examine`] asks STUN servers; [`Findings`] is what they told, [`Verdict`] what follows from it.

mod address;
mod ask;
mod behaviour;
mod class;
mod filtering;
mod findings;
mod hairpin;
mod lifetime;
mod line;
mod local;
mod mapping;
mod message;
mod server;
mod verdict;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

pub use address::PublicAddress;
pub use behaviour::Behaviour;
pub use class::{Class, Way};
pub use filtering::Filtering;
pub use findings::{Findings, Ipv6, Udp};
pub use lifetime::Lifetime;
pub use line::{Grade, Line};
pub use mapping::Mapping;
pub use server::{Family, Reach, Server, ServerFinding};
pub use verdict::Verdict;

/// What to ask.
#[derive(Clone, Debug, Default)]
pub struct Inquiry {
    /// STUN servers.
    pub servers: Vec<Server>,
    /// Local addresses to ask from, the first of each family; empty: whatever there is.
    pub bind: Vec<IpAddr>,
    /// How long to wait, at most, to see when the NAT forgets a silent socket; `None`: that is not looked at.
    pub longest_lifetime: Option<Duration>,
}

/// Why nothing can be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NatError {
    /// No server was named.
    #[error("There is no STUN server to ask. Name one with --stun stun:HOST.")]
    NoServer,
}

/// Asks the servers, all at the same time; takes some ten seconds at most, and the time to wait for the NAT's memory.
///
/// # Errors
///
/// If there is no server to ask. What fails on the way is a finding.
pub async fn examine(inquiry: &Inquiry) -> Result<Findings, NatError> {
    if inquiry.servers.is_empty() {
        return Err(NatError::NoServer);
    }
    let found = server::lookup(&inquiry.servers).await;
    let addresses = |is_v4: bool| -> Vec<SocketAddr> {
        found.iter().flatten().copied().filter(|address| address.is_ipv4() == is_v4).collect()
    };
    let (v4, v6) = (addresses(true), addresses(false));
    let longest = inquiry.longest_lifetime;
    let (bind_v4, bind_v6) = (inquiry.from(true), inquiry.from(false));
    let ((replies_v4, ipv4), (replies_v6, behaviour), global_address) = tokio::join!(
        behaviour::behaviour(bind_v4, &v4, longest),
        behaviour::behaviour(bind_v6, &v6, longest),
        local::has_global_ipv6(bind_v6),
    );
    let (mut replies_v4, mut replies_v6) = (replies_v4.into_iter(), replies_v6.into_iter());
    let mut servers = Vec::new();
    for (server, addresses) in inquiry.servers.iter().zip(&found) {
        if addresses.is_empty() {
            servers.push(ServerFinding::not_resolved(server));
        }
        for address in addresses {
            let replies = if address.is_ipv4() { &mut replies_v4 } else { &mut replies_v6 };
            servers.extend(replies.next().map(|reply| ServerFinding::of(server, *address, reply)));
        }
    }
    let answered = servers.iter().any(|server| server.family == Some(Family::Ipv6) && server.reach == Reach::Answered);
    Ok(Findings { udp: Udp::of(&servers), servers, ipv4, ipv6: Ipv6 { global_address, answered, behaviour } })
}

/// Whether the NAT gives one socket another public port for each destination, as several servers see it over IPv4;
/// `None` if they are too few to tell. Nothing is sent but a request to each, and again if it is not answered.
pub async fn is_symmetric(inquiry: &Inquiry) -> Option<bool> {
    let bind = inquiry.from(true);
    let found = server::lookup(&inquiry.servers).await;
    let servers: Vec<SocketAddr> = found.into_iter().flatten().filter(SocketAddr::is_ipv4).collect();
    let socket = local::open(bind).await.ok()?;
    let questions: Vec<ask::Question> = servers.iter().copied().map(ask::Question::plain).collect();
    let mut observations = Vec::new();
    for (to, reply) in servers.iter().zip(ask::ask(&socket, &questions).await) {
        if let Ok(reply) = reply {
            observations.extend(behaviour::observation(&socket, bind, *to, &reply).await);
        }
    }
    Mapping::of(&observations).depends()
}

impl Inquiry {
    /// Returns the address to ask from over one family.
    fn from(&self, is_v4: bool) -> IpAddr {
        let named = self.bind.iter().copied().find(|address| address.is_ipv4() == is_v4);
        named.unwrap_or(if is_v4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    #[tokio::test]
    async fn servers_are_told_in_the_order_that_they_were_given() {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let live = local::open(here).await.expect("a socket");
        let port = live.local_addr().expect("an address").port();
        let server = |host: &str, port| Server { host: host.into(), port };
        let servers = vec![server("a name.invalid", 1), server("127.0.0.1", port)];
        let inquiry = Inquiry { servers, bind: vec![here], longest_lifetime: None };
        let serve = async {
            loop {
                let (request, from) = ask::receive(&live).await;
                live.send_to(&message::tests::answer(&request, from, None), from).await.expect("sent");
            }
        };
        let findings = tokio::select! {
            findings = examine(&inquiry) => findings.expect("a server is named"),
            () = serve => unreachable!("it serves for ever"),
        };
        let reached: Vec<(&str, Reach)> =
            findings.servers.iter().map(|found| (found.server.as_str(), found.reach)).collect();
        let live = format!("127.0.0.1:{port}");
        assert_eq!(reached, [("a name.invalid:1", Reach::NotResolved), (&live, Reach::Answered)]);
        assert_eq!((findings.udp, findings.ipv4.mapping), (Udp::Works, Mapping::None));
    }

    #[tokio::test]
    async fn a_nat_is_symmetric_if_two_servers_see_different_ports() {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let live = [local::open(here).await.expect("a socket"), local::open(here).await.expect("a socket")];
        let servers: Vec<Server> = live
            .iter()
            .map(|socket| Server { host: here.to_string(), port: socket.local_addr().expect("an address").port() })
            .collect();
        let inquiry =
            |servers: &[Server]| Inquiry { servers: servers.to_vec(), bind: vec![here], longest_lifetime: None };
        let serve = async |socket: &UdpSocket, port: u16| loop {
            let (request, from) = ask::receive(socket).await;
            let mapped = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), port);
            socket.send_to(&message::tests::answer(&request, mapped, None), from).await.expect("sent");
        };
        for (asked, second, expected) in [(2, 2, Some(true)), (2, 1, None), (1, 2, None), (0, 2, None)] {
            let inquiry = inquiry(&servers[..asked]);
            let found = tokio::select! {
                found = is_symmetric(&inquiry) => found,
                () = serve(&live[0], 1) => unreachable!("it serves for ever"),
                () = serve(&live[1], second) => unreachable!("it serves for ever"),
            };
            assert_eq!(found, expected, "{asked} servers, the second sees port {second}");
        }
    }

    #[tokio::test]
    async fn without_a_server_nothing_is_found() {
        assert_eq!(examine(&Inquiry::default()).await, Err(NatError::NoServer));
    }
}
