//! Sockets that keep their NAT mapping open while a person carries the blobs, and guard the handshake.
//!
//! A server-reflexive candidate is only worth something as long as the NAT keeps the mapping behind
//! it, often no more than 30 s. The library asks the STUN server once; here the same socket goes on
//! asking until the call is connected, and notices when the mapping has changed (RFC 8445, 11, asks
//! for keepalives; RFC 8489 for the messages).

use std::{
    collections::HashSet,
    future::Future,
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rtc::stun::{
    message::{BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, TransactionId},
    xoraddr::XorMappedAddress,
};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit,
};

use super::{RtcEvent, forward::Forward, handshake::Handshake};

/// Time between two requests: below the shortest UDP time-out that NATs may have by RFC 4787 and
/// below the 30 s that many have in truth.
const INTERVAL: Duration = Duration::from_secs(12);

/// What the sockets of one connection share.
#[derive(Debug)]
pub(super) struct Keepalive {
    servers: Vec<String>,
    waiting: AtomicBool,
    forward: Forward,
}

impl Keepalive {
    /// Returns a keepalive through the first of these STUN servers (`stun:host:port`) that a socket
    /// can reach.
    pub(super) fn new(servers: Vec<String>, forward: Forward) -> Arc<Self> {
        Arc::new(Self { servers, waiting: AtomicBool::new(true), forward })
    }

    /// Ends it: from now on ICE itself keeps the path open.
    pub(super) fn stop(&self) {
        self.waiting.store(false, Ordering::Relaxed);
    }

    async fn server_for(&self, local: SocketAddr) -> Option<SocketAddr> {
        for server in &self.servers {
            let host = server.trim_start_matches("stun:");
            let host = if host.contains(':') { host.to_owned() } else { format!("{host}:3478") };
            if let Ok(mut addresses) = tokio::net::lookup_host(host).await
                && let Some(address) = addresses.find(|address| address.is_ipv4() == local.is_ipv4())
            {
                return Some(address);
            }
        }
        None
    }

    /// Sends requests from one socket until the call is connected or the socket is gone.
    async fn keep(self: Arc<Self>, socket: std::sync::Weak<WatchedSocket>) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.tick().await;
        let mut server = None;
        loop {
            interval.tick().await;
            if !self.waiting.load(Ordering::Relaxed) {
                return;
            }
            let Some(socket) = socket.upgrade() else { return };
            let Ok(local) = socket.local_addr() else { return };
            if server.is_none() {
                server = self.server_for(local).await;
            }
            let Some(server) = server else { continue };
            let mut request = Message::new();
            if request.build(&[Box::new(TransactionId::new()), Box::new(BINDING_REQUEST)]).is_err() {
                continue;
            }
            socket.state().ours.insert(request.transaction_id.0);
            // A request that does not leave is like one that is lost: the next one follows.
            let _ = socket.send_to(&request.raw, server).await;
        }
    }
}

/// Tokio's runtime, with sockets that are kept alive.
#[derive(Debug)]
pub(super) struct KeepaliveRuntime {
    tokio: TokioRuntime,
    keepalive: Arc<Keepalive>,
}

impl KeepaliveRuntime {
    pub(super) fn new(keepalive: Arc<Keepalive>) -> Self {
        Self { tokio: TokioRuntime, keepalive }
    }
}

#[derive(Debug)]
struct WatchedSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    keepalive: Arc<Keepalive>,
    handshake: Handshake,
    state: Mutex<Mapping>,
}

#[derive(Debug, Default)]
struct Mapping {
    ours: HashSet<[u8; 12]>,
    seen: Option<SocketAddr>,
}

impl WatchedSocket {
    fn state(&self) -> std::sync::MutexGuard<'_, Mapping> {
        self.state.lock().expect("the lock is never held across a panic")
    }

    /// Whether a datagram answers one of our requests; then it is none of the library's business.
    fn swallow(&self, datagram: &[u8]) -> bool {
        // First byte and magic cookie of a binding response (RFC 8489, 5).
        if datagram.len() < 20 || datagram[..2] != [1, 1] || datagram[4..8] != [0x21, 0x12, 0xa4, 0x42] {
            return false;
        }
        let mut state = self.state();
        if !<[u8; 12]>::try_from(&datagram[8..20]).is_ok_and(|id| state.ours.remove(&id)) {
            return false;
        }
        let mut response = Message::new();
        let mut mapped = XorMappedAddress::default();
        if response.unmarshal_binary(datagram).is_ok()
            && response.typ == BINDING_SUCCESS
            && mapped.get_from(&response).is_ok()
        {
            let address = SocketAddr::new(mapped.ip, mapped.port);
            if state.seen.replace(address).is_some_and(|before| before != address) {
                self.keepalive.forward.tell(RtcEvent::MappingChanged);
            }
        }
        true
    }
}

impl AsyncUdpSocket for WatchedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.keepalive.waiting.load(Ordering::Relaxed) {
            self.handshake.sent(transmit.contents);
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
        if let Poll::Ready(Ok(count)) = &received
            && self.keepalive.waiting.load(Ordering::Relaxed)
        {
            for (buffer, meta) in buffers.iter_mut().zip(meta).take(*count) {
                let len = meta.len.min(buffer.len());
                if self.handshake.was_answered(&buffer[..len]) || self.swallow(&buffer[..len]) {
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

impl Runtime for KeepaliveRuntime {
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
            keepalive: self.keepalive.clone(),
            handshake: Handshake::default(),
            state: Mutex::default(),
        });
        if !self.keepalive.servers.is_empty() {
            tokio::spawn(self.keepalive.clone().keep(Arc::downgrade(&watched)));
        }
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
        crate::media::now()
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        let nudged = self.keepalive.forward.nudged();
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
