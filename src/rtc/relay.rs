//! TURN servers in every transport (RFC 8656), and what goes wrong with them.
//!
//! The library speaks TURN over UDP alone and keeps its errors to itself. Its sockets are wrapped: what it
//! sends to a server over TCP or TLS, which it believes to be at an address that exists nowhere, is taken
//! out and put on a connection, and what comes back there is given to it as if it had come in datagrams.
//! All requests to servers and their answers are read on the way.

mod authority;
mod carrier;
mod failure;
mod framing;
mod socket;
mod watch;

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::mpsc;

pub use authority::Authorities;
pub(super) use socket::RelayRuntime;

use self::{carrier::Target, failure::RelayFailure, watch::Watch};
use super::{
    PeerConfig, RtcError, RtcEvent, StunUrl, TurnTransport, address,
    forward::Forward,
    lookup::{Name, lookup, one_of_each_family},
};

/// A server that has not answered within this is said to be silent.
const SILENCE: Duration = Duration::from_secs(3);

/// Datagrams that wait for a connection. **When full the newest is dropped**, as a full router does: the
/// congestion controller sees the loss, and what waits is not made any later.
const OUTGOING: usize = 64;

/// Addresses that exist nowhere (RFC 7600, RFC 6666); their ports number the servers.
const NOWHERE: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8)), IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 1))];

/// The servers of one connection, with the names looked up.
#[derive(Debug)]
pub(super) struct Servers {
    /// STUN servers as the library wants them, `stun:address:port`.
    pub(super) stun: Vec<String>,
    relays: Vec<Relay>,
    forward: Forward,
}

#[derive(Debug)]
struct Relay {
    name: String,
    username: String,
    password: Password,
    place: Place,
    watch: Mutex<Watch>,
    told: Mutex<HashSet<std::mem::Discriminant<RelayFailure>>>,
}

#[derive(Debug)]
enum Place {
    /// The server's own addresses.
    Datagrams(Vec<SocketAddr>),
    /// An address that exists nowhere, and what it stands for. One socket has the connection.
    Stream { stands_for: Box<Target>, address: SocketAddr, taken: AtomicBool },
}

struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

impl Servers {
    /// Looks all names up.
    ///
    /// # Errors
    /// If a server or an interface is not what it should be. A name that is not found is none: it is told as an
    /// event.
    pub(super) async fn new(config: &PeerConfig, forward: Forward) -> Result<Arc<Self>, RtcError> {
        let bind = address::bound(&config.bind)?;
        let stun = config.stun.iter().map(|url| url.parse()).collect::<Result<Vec<StunUrl>, _>>()?;
        let mut names: Vec<Name<'_>> =
            stun.iter().map(|url| Name { host: &url.host, port: url.port, needed: false }).collect();
        names.extend(config.turn.iter().map(|turn| Name { host: &turn.url.host, port: turn.url.port, needed: true }));
        let mut found = lookup(&names).await;
        let turned = found.split_off(stun.len());
        let stun = found.iter().flat_map(|addresses| one_of_each_family(addresses)).map(|a| format!("stun:{a}"));

        let v4 = address::addresses(config)?.iter().any(SocketAddr::is_ipv4);
        let mut relays = Vec::new();
        for (number, (turn, addresses)) in (1..).zip(config.turn.iter().zip(turned)) {
            let silent = addresses.is_empty();
            let target = || Target {
                host: turn.url.host.clone(),
                addresses: addresses.clone(),
                bind: bind.clone(),
                tls: (turn.url.transport == TurnTransport::Tls).then(|| turn.authorities.clone()),
            };
            let relay = Relay {
                name: turn.url.to_string(),
                username: turn.username.clone(),
                password: Password(turn.password.clone()),
                place: match turn.url.transport {
                    TurnTransport::Udp => Place::Datagrams(one_of_each_family(&addresses).collect()),
                    _ if silent => Place::Datagrams(vec![]),
                    TurnTransport::Tcp | TurnTransport::Tls => Place::Stream {
                        stands_for: Box::new(target()),
                        address: SocketAddr::new(NOWHERE[usize::from(!v4)], number),
                        taken: AtomicBool::new(false),
                    },
                },
                watch: Mutex::default(),
                told: Mutex::default(),
            };
            if silent {
                relay.tell(&forward, &RelayFailure::Name);
            }
            relays.push(relay);
        }
        Ok(Arc::new(Self { stun: stun.collect(), relays, forward }))
    }

    /// Returns the TURN servers as the library wants them: addresses, user name, password.
    pub(super) fn turn(&self) -> impl Iterator<Item = (Vec<String>, &str, &str)> {
        self.relays.iter().map(|relay| {
            let urls = relay.addresses().iter().map(|address| format!("turn:{address}?transport=udp"));
            (urls.collect(), relay.username.as_str(), relay.password.0.as_str())
        })
    }

    /// Returns the number of the server at an address.
    fn at(&self, address: SocketAddr) -> Option<usize> {
        self.relays.iter().position(|relay| relay.addresses().contains(&address))
    }

    /// Takes a datagram to a server.
    fn sent(self: &Arc<Self>, index: usize, datagram: &[u8]) {
        let relay = &self.relays[index];
        // A connection has a clock of its own.
        if relay.watch().sent(datagram) && matches!(relay.place, Place::Datagrams(_)) {
            tokio::spawn(self.clone().listen(index, RelayFailure::SilentDatagrams));
        }
    }

    /// Takes a datagram from a server.
    fn received(&self, index: usize, datagram: &[u8]) {
        let relay = &self.relays[index];
        let failure = relay.watch().received(datagram);
        if let Some(failure) = failure {
            relay.tell(&self.forward, &failure);
        }
    }

    /// Waits for an answer, and tells if there is none.
    async fn listen(self: Arc<Self>, index: usize, silence: RelayFailure) {
        tokio::time::sleep(SILENCE).await;
        let relay = &self.relays[index];
        let answered = relay.watch().is_answered();
        if !answered {
            relay.tell(&self.forward, &silence);
        }
    }

    /// Begins a connection to a server, if no other socket has it. What is sent goes out there, what comes goes to
    /// `inbox`; when it ends, the sender is closed.
    fn connect(
        self: &Arc<Self>,
        index: usize,
        inbox: mpsc::Sender<(SocketAddr, Bytes)>,
    ) -> Option<mpsc::Sender<Bytes>> {
        let Place::Stream { stands_for, address, taken } = &self.relays[index].place else { return None };
        if taken.swap(true, Ordering::Relaxed) {
            return None;
        }
        let (outbox, outgoing) = mpsc::channel(OUTGOING);
        let (servers, target, address) = (self.clone(), stands_for.clone(), *address);
        tokio::spawn(async move {
            let listening = servers.clone();
            let connected = move || _ = tokio::spawn(listening.listen(index, RelayFailure::SilentStream));
            if let Err(failure) = target.carry(outgoing, address, inbox, connected).await {
                servers.relays[index].tell(&servers.forward, &failure);
            }
        });
        Some(outbox)
    }

    /// Lets another socket have the connection to a server.
    fn release(&self, index: usize) {
        if let Place::Stream { taken, .. } = &self.relays[index].place {
            taken.store(false, Ordering::Relaxed);
        }
    }
}

impl Relay {
    /// Returns the addresses that the library believes the server to be at.
    fn addresses(&self) -> &[SocketAddr] {
        match &self.place {
            Place::Datagrams(addresses) => addresses,
            Place::Stream { address, .. } => std::slice::from_ref(address),
        }
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.watch.lock().expect("the lock is never held across a panic")
    }

    /// Tells of a failure; of each kind once.
    fn tell(&self, forward: &Forward, failure: &RelayFailure) {
        let kind = std::mem::discriminant(failure);
        if self.told.lock().expect("the lock is never held across a panic").insert(kind) {
            let lost = matches!(failure, RelayFailure::Lost(_));
            forward.tell(RtcEvent::RelayFailed { server: self.name.clone(), reason: failure.to_string(), lost });
        }
    }
}
