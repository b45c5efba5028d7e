//! A path between two peers that loses, delays and cuts: two UDP sockets, each standing for one side.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use p2pcall::{
    media::{Description, now},
    signaling::{Expected, Signaling, SignalingError},
};
use tokio::{net::UdpSocket, runtime::Runtime, sync::mpsc};

use crate::side::Role;

/// Packets on their way. **When full a packet is lost**, as in a router.
const ON_THEIR_WAY: usize = 4096;

/// The path. Loses and delays nothing until told.
pub(crate) struct Relay {
    /// Stands for the answerer: the offerer sends to it.
    to_answerer: Arc<UdpSocket>,
    /// Stands for the offerer: the answerer sends to it.
    to_offerer: Arc<UdpSocket>,
    offerer: Mutex<Option<SocketAddr>>,
    answerer: Mutex<Option<SocketAddr>>,
    loss_permille: AtomicU32,
    delay_ms: AtomicU32,
    cut: AtomicBool,
}

impl Relay {
    pub(crate) fn start(runtime: &Runtime) -> Arc<Self> {
        let socket = || runtime.block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).expect("a socket");
        let relay = Arc::new(Self {
            to_answerer: Arc::new(socket()),
            to_offerer: Arc::new(socket()),
            offerer: Mutex::default(),
            answerer: Mutex::default(),
            loss_permille: AtomicU32::new(0),
            delay_ms: AtomicU32::new(0),
            cut: AtomicBool::new(false),
        });
        runtime.spawn(relay.clone().carry(Role::Offer));
        runtime.spawn(relay.clone().carry(Role::Answer));
        relay
    }

    /// From now on each direction loses so many of a thousand packets, always the same ones, and
    /// delays the others.
    pub(crate) fn impair(&self, loss_permille: u32, delay: Duration) {
        self.loss_permille.store(loss_permille, Ordering::Relaxed);
        self.delay_ms.store(delay.as_millis() as u32, Ordering::Relaxed);
    }

    /// From now on nothing arrives, or everything again.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    /// Carries what `from` sends.
    async fn carry(self: Arc<Self>, from: Role) {
        let (receive, send, seed) = match from {
            Role::Offer => (self.to_answerer.clone(), self.to_offerer.clone(), 1),
            Role::Answer => (self.to_offerer.clone(), self.to_answerer.clone(), 2),
        };
        let (delayed, mut due) = mpsc::channel::<(std::time::Instant, Vec<u8>)>(ON_THEIR_WAY);
        let relay = self.clone();
        tokio::spawn(async move {
            while let Some((at, packet)) = due.recv().await {
                tokio::time::sleep_until(at.into()).await;
                let to = match from {
                    Role::Offer => &relay.answerer,
                    Role::Answer => &relay.offerer,
                };
                let to = *to.lock().expect("the lock is never held across a panic");
                if let Some(to) = to {
                    let _ = send.send_to(&packet, to).await;
                }
            }
        });
        let mut packet = vec![0; 2048];
        for number in 0_u64.. {
            let Ok((len, _)) = receive.recv_from(&mut packet).await else { continue };
            let lost = random(seed, number) % 1000 < u64::from(self.loss_permille.load(Ordering::Relaxed));
            if lost || self.cut.load(Ordering::Relaxed) {
                continue;
            }
            let at = now() + Duration::from_millis(self.delay_ms.load(Ordering::Relaxed).into());
            let _ = delayed.try_send((at, packet[..len].to_vec()));
        }
    }

    /// Remembers where `side` is, and puts the relay in its place.
    fn stand_in(&self, side: Role, description: Description) -> Description {
        let (place, socket) = match side {
            Role::Offer => (&self.offerer, &self.to_offerer),
            Role::Answer => (&self.answerer, &self.to_answerer),
        };
        let ours = socket.local_addr().expect("the socket is bound").port();
        let line = |line: &str| {
            let mut words: Vec<String> = line.split(' ').map(Into::into).collect();
            if line.starts_with("a=candidate:") {
                let port = words[5].parse().expect("a candidate's sixth word is its port");
                *place.lock().expect("the lock is never held across a panic") =
                    Some((Ipv4Addr::LOCALHOST, port).into());
                words[5] = ours.to_string();
            }
            words.join(" ") + "\r\n"
        };
        // The stamp's check sum would not fit any more.
        let lines = description.sdp.lines().filter(|line| !line.starts_with("a=p2pcall:"));
        Description { kind: description.kind, sdp: lines.map(line).collect() }
    }
}

/// A fixed sequence of numbers for each seed (splitmix64).
const fn random(seed: u64, number: u64) -> u64 {
    let mut z = (seed << 32).wrapping_add(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Signaling that leads the other side to the relay.
pub(crate) struct ThroughRelay<S> {
    pub(crate) side: Role,
    pub(crate) relay: Arc<Relay>,
    pub(crate) inner: S,
}

impl<S: Signaling> Signaling for ThroughRelay<S> {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        let description = self.relay.stand_in(self.side, description);
        self.inner.send(description).await
    }

    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        self.inner.receive(expected)
    }
}
