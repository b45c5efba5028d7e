//! The sockets under the connection: what passes is watched while a person carries the blobs.
//!
//! The library opens its sockets through a runtime that can be wrapped. Until the call is connected each
//! datagram is looked at: the NAT's mapping is kept and watched ([`Keepalive`]), checks are thinned out
//! ([`Punch`]), the handshake is guarded ([`Handshake`]), and what the other side was heard to say is
//! counted ([`Contact`]). Afterwards datagrams pass untouched.

use std::{
    future::Future,
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit,
};

use super::{
    RtcEvent,
    contact::Watch,
    forward::Forward,
    handshake::{Handshake, is_handshake, is_repeated},
    keepalive::{Keepalive, Mapping},
    punch::Punch,
    stun::{Datagram, classify},
};
use crate::media::now;

/// When a datagram of the handshake goes out again, each counted from the time before.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_millis(80), Duration::from_millis(160)];

/// The type of a DTLS record that is an alert (RFC 5246, 6.2.1).
const ALERT: u8 = 21;

/// So long nothing comes after the alert that closes a connection.
const SILENCE: Duration = Duration::from_secs(1);

/// Tokio's runtime, with sockets that are watched.
#[derive(Debug)]
pub(super) struct WatchedRuntime {
    tokio: TokioRuntime,
    keepalive: Arc<Keepalive>,
    watch: Arc<Watch>,
    forward: Forward,
}

impl WatchedRuntime {
    pub(super) fn new(keepalive: Arc<Keepalive>, watch: Arc<Watch>, forward: Forward) -> Self {
        Self { tokio: TokioRuntime, keepalive, watch, forward }
    }
}

/// One socket of the connection.
#[derive(Debug)]
pub(super) struct WatchedSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    watch: Arc<Watch>,
    forward: Forward,
    handshake: Handshake,
    /// How many datagrams of the handshake have come.
    answers: Arc<AtomicU32>,
    /// How many datagrams have come at all.
    received: Arc<AtomicU32>,
    pub(super) mapping: Mapping,
    punch: Mutex<Punch>,
}

impl WatchedSocket {
    pub(super) async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.send_to(datagram, to).await
    }

    /// Takes note of an alert in the call: with nothing after it the other side has closed the connection (RFC 5246,
    /// 7.2.1). The library tells of that by the data channel alone. Anybody could send such a record, but not keep the
    /// other side silent.
    fn alerted(&self) {
        let (received, before, forward) =
            (self.received.clone(), self.received.load(Ordering::Relaxed), self.forward.clone());
        tokio::spawn(async move {
            tokio::time::sleep(SILENCE).await;
            if received.load(Ordering::Relaxed) == before {
                forward.tell(RtcEvent::Closed);
            }
        });
    }

    fn punch(&self) -> std::sync::MutexGuard<'_, Punch> {
        self.punch.lock().expect("the lock is never held across a panic")
    }

    /// Sends a datagram of the handshake again, twice, as if the network had doubled it: the library waits
    /// a second for an answer before it does so itself. What comes twice is dropped by its record's number
    /// (RFC 6347, 4.1.2.6); but not by all, so nothing is sent again once the other side has answered.
    fn send_again(&self, datagram: &[u8], to: SocketAddr) {
        let (socket, datagram) = (self.socket.clone(), datagram.to_vec());
        let (answers, before) = (self.answers.clone(), self.answers.load(Ordering::Relaxed));
        tokio::spawn(async move {
            for pause in AGAIN_AFTER {
                tokio::time::sleep(pause).await;
                if answers.load(Ordering::Relaxed) != before {
                    return;
                }
                // The library's own attempts tell what is wrong.
                let _ = socket.send_to(&datagram, to).await;
            }
        });
    }

    /// Whether a datagram is to leave.
    fn leaves(&self, datagram: &[u8], to: SocketAddr) -> bool {
        self.handshake.sent(datagram);
        if is_repeated(datagram) {
            self.send_again(datagram, to);
        }
        match classify(datagram) {
            Datagram::Check => {
                self.watch.count(|contact| contact.checks_sent += 1);
                self.punch().passes(to, now())
            }
            Datagram::Alert(alert) => {
                self.watch.count(|contact| contact.alert_sent = Some(alert));
                self.forward.tell(RtcEvent::HandshakeRefused);
                true
            }
            _ => true,
        }
    }

    /// Whether a datagram is the library's business.
    fn arrives(&self, datagram: &[u8], from: SocketAddr) -> bool {
        if is_handshake(datagram) {
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
        match classify(datagram) {
            Datagram::Check => {
                self.watch.count(|contact| contact.checks_received += 1);
                self.punch().heard(now());
                true
            }
            Datagram::CheckAnswered => {
                self.watch.count(|contact| contact.answers_received += 1);
                self.punch().heard(now());
                true
            }
            Datagram::Mapped { transaction, address } => !self.mapping.told(from, transaction, address),
            Datagram::Alert(alert) => {
                self.watch.count(|contact| contact.alert_received = Some(alert));
                self.forward.tell(RtcEvent::HandshakeRefused);
                true
            }
            Datagram::Other => !self.handshake.was_answered(datagram),
        }
    }
}

impl AsyncUdpSocket for WatchedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.watch.waiting() && !self.leaves(transmit.contents, transmit.destination) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        self.socket.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(cx, buffers, meta);
        if let Poll::Ready(Ok(count)) = &received {
            self.received.fetch_add(*count as u32, Ordering::Relaxed);
            // One buffer may hold several datagrams.
            let ends = buffers.iter().zip(meta.iter()).take(*count).any(|(buffer, meta)| {
                let received = &buffer[..meta.len.min(buffer.len())];
                received.chunks(meta.stride.max(1)).any(|datagram| datagram.first() == Some(&ALERT))
            });
            if ends && !self.watch.waiting() {
                self.alerted();
            }
        }
        if let Poll::Ready(Ok(count)) = &received
            && self.forward.undeclared.is_expected()
        {
            buffers.iter().zip(meta.iter()).take(*count).for_each(|(buffer, meta)| {
                self.forward.look(&buffer[..meta.stride.min(meta.len).min(buffer.len())]);
            });
        }
        if let Poll::Ready(Ok(count)) = &received
            && self.watch.waiting()
        {
            for (buffer, meta) in buffers.iter_mut().zip(meta).take(*count) {
                let len = meta.len.min(buffer.len());
                if !self.arrives(&buffer[..len], meta.addr) {
                    // One byte that is neither STUN nor DTLS nor RTP (RFC 7983): the stack drops it.
                    buffer[0] = 0xff;
                    (meta.len, meta.stride) = (1, 1);
                }
            }
        }
        received
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for WatchedRuntime {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let socket = self.tokio.wrap_udp_socket(socket)?;
        if socket.local_addr()?.port() == MDNS_PORT {
            return Ok(socket);
        }
        let watched = Arc::new(WatchedSocket {
            socket,
            watch: self.watch.clone(),
            forward: self.forward.clone(),
            handshake: Handshake::default(),
            answers: Arc::default(),
            received: Arc::default(),
            mapping: Mapping::new(self.forward.clone()),
            punch: Mutex::default(),
        });
        tokio::spawn(self.keepalive.clone().keep(Arc::downgrade(&watched), self.watch.clone()));
        Ok(watched)
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.tokio.connect_tcp(address)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        self.tokio.resolve_host(host)
    }

    fn now(&self) -> Instant {
        now()
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        let nudged = self.forward.nudged();
        Box::pin(async move { _ = tokio::time::timeout(duration, nudged).await })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }
}

/// Multicast DNS listens here: it has no mapping to keep.
const MDNS_PORT: u16 = 5353;
