//! The NAT's mapping, kept open and watched while a person carries the blobs.
//!
//! A server-reflexive candidate is only worth something as long as the NAT keeps the mapping behind
//! it, often no more than 30 s. The library asks the STUN server once; here the same socket goes on
//! asking until the call is connected, and notices when the mapping has changed (RFC 8445, 11, asks
//! for keepalives; RFC 8489 for the messages).

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use rtc::stun::message::{BINDING_REQUEST, Message, TransactionId};
use webrtc::runtime::AsyncUdpSocket;

use super::{RtcEvent, contact::Watch, forward::Forward, socket::WatchedSocket};

/// Time between two requests: below the shortest UDP time-out that NATs may have by RFC 4787 and
/// below the 30 s that many have in truth, with one request lost.
const INTERVAL: Duration = Duration::from_secs(12);

/// So many requests may stay without an answer before another server is asked.
const PATIENCE: u32 = 2;

/// Sends requests from each socket, through the first STUN server that answers.
#[derive(Debug)]
pub(super) struct Keepalive {
    /// `stun:host:port`.
    servers: Vec<String>,
}

impl Keepalive {
    pub(super) fn new(servers: Vec<String>) -> Arc<Self> {
        Arc::new(Self { servers })
    }

    /// Sends requests from one socket until the call is connected or the socket is gone.
    pub(super) async fn keep(self: Arc<Self>, socket: Weak<WatchedSocket>, watch: Arc<Watch>) {
        if self.servers.is_empty() {
            return;
        }
        let mut interval = tokio::time::interval(INTERVAL);
        // After a sleep of the machine once is enough.
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        interval.tick().await;
        let mut others = VecDeque::new();
        loop {
            interval.tick().await;
            if !watch.waiting() {
                return;
            }
            let Some(socket) = socket.upgrade() else { return };
            let Ok(local) = socket.local_addr() else { return };
            let server = match socket.mapping.server() {
                Some(server) => server,
                // The one that answered before does not any more, or none has yet: each gets its turn.
                None => {
                    if others.is_empty() {
                        others = self.resolve(local).await;
                    }
                    let Some(server) = others.pop_front() else { continue };
                    server
                }
            };
            let mut request = Message::new();
            if request.build(&[Box::new(TransactionId::new()), Box::new(BINDING_REQUEST)]).is_err() {
                continue;
            }
            socket.mapping.asked(request.transaction_id.0);
            // A request that does not leave is like one that is lost: the next one follows.
            let _ = socket.send_to(&request.raw, server).await;
        }
    }

    /// Returns the addresses of all servers that a socket can reach.
    async fn resolve(&self, local: SocketAddr) -> VecDeque<SocketAddr> {
        const PORT: u16 = 3478;
        let mut found = VecDeque::new();
        for server in &self.servers {
            let host = server.trim_start_matches("stun:");
            // Without a port the name alone, or an IPv6 address in its brackets.
            let port_given = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let host = if port_given { host.to_owned() } else { format!("{host}:{PORT}") };
            if let Ok(addresses) = tokio::net::lookup_host(host).await {
                found.extend(addresses.filter(|address| address.is_ipv4() == local.is_ipv4()));
            }
        }
        found
    }
}

/// What STUN servers say of one socket.
#[derive(Debug)]
pub(super) struct Mapping {
    forward: Forward,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Our requests without an answer; few, since they are forgotten after [`PATIENCE`].
    asked: VecDeque<[u8; 12]>,
    /// Who answered last, and with which address. Servers may see different ones: only what the same
    /// server says can be compared.
    seen: Option<(SocketAddr, SocketAddr)>,
}

impl Mapping {
    pub(super) fn new(forward: Forward) -> Self {
        Self { forward, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the lock is never held across a panic")
    }

    /// Returns the server that answers.
    fn server(&self) -> Option<SocketAddr> {
        let state = self.state();
        let (server, _) = state.seen?;
        (state.asked.len() < PATIENCE as usize).then_some(server)
    }

    /// A request of ours leaves.
    fn asked(&self, transaction: [u8; 12]) {
        let mut state = self.state();
        if state.asked.len() > PATIENCE as usize {
            state.asked.pop_front();
        }
        state.asked.push_back(transaction);
    }

    /// A server has said which address a request came from. Whether the request was ours.
    pub(super) fn told(&self, server: SocketAddr, transaction: [u8; 12], address: SocketAddr) -> bool {
        let mut state = self.state();
        let ours = state.asked.contains(&transaction);
        if ours {
            state.asked.clear();
        }
        match state.seen {
            Some((before, seen)) if before == server => {
                state.seen = Some((server, address));
                if seen != address {
                    self.forward.tell(RtcEvent::MappingChanged);
                }
            }
            // The library asks all servers at once: the first that answers is kept to.
            Some(_) if !ours => {}
            _ => state.seen = Some((server, address)),
        }
        ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{Clock, now},
        observe::Events,
        rtc::steps::Steps,
    };

    #[test]
    fn only_what_one_server_says_is_compared() {
        let address = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
        let (first, second) = (address(1), address(2));
        let (forward, mut events) = Forward::new(Steps::new(&Events::new(Clock::new(now()), [])));
        let mapping = Mapping::new(forward);
        let mut changed = || matches!(events.try_recv(), Ok(RtcEvent::MappingChanged));

        assert_eq!(mapping.server(), None);
        assert!(!mapping.told(first, [0; 12], address(100)), "the library's own request");
        assert!(!mapping.told(second, [1; 12], address(200)), "a symmetric NAT");
        assert_eq!(mapping.server(), Some(first));
        assert!(!changed());

        mapping.asked([2; 12]);
        assert!(mapping.told(first, [2; 12], address(100)));
        assert!(!changed());
        mapping.asked([3; 12]);
        assert!(mapping.told(first, [3; 12], address(101)));
        assert!(changed());
    }

    #[test]
    fn a_server_that_falls_silent_is_left() {
        let address = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
        let (forward, mut events) = Forward::new(Steps::new(&Events::new(Clock::new(now()), [])));
        let mapping = Mapping::new(forward);
        mapping.told(address(1), [0; 12], address(100));
        mapping.asked([1; 12]);
        assert_eq!(mapping.server(), Some(address(1)), "one may be lost");
        mapping.asked([2; 12]);
        assert_eq!(mapping.server(), None);
        for transaction in 3..100 {
            mapping.asked([transaction; 12]);
        }
        assert!(mapping.told(address(2), [99; 12], address(300)), "another one answers");
        assert_eq!(mapping.server(), Some(address(2)));
        assert!(events.try_recv().is_err(), "it may see another address");
    }
}
