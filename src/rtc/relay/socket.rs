//! The library's sockets, with what goes to and comes from TURN servers seen and, where it must, led elsewhere.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::Future,
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, Transmit,
};

use super::{Place, Servers};

/// Datagrams from connections that wait for the library. **When full, the connections wait**, and with them the
/// servers.
const INCOMING: usize = 256;

/// A runtime whose sockets reach TURN servers over TCP and TLS, too.
#[derive(Debug)]
pub(in crate::rtc) struct RelayRuntime<R> {
    inner: R,
    servers: Arc<Servers>,
}

impl<R> RelayRuntime<R> {
    pub(in crate::rtc) const fn new(inner: R, servers: Arc<Servers>) -> Self {
        Self { inner, servers }
    }
}

#[derive(Debug)]
struct RelaySocket {
    socket: Arc<dyn AsyncUdpSocket>,
    servers: Arc<Servers>,
    /// The connections that this socket has, by the server's number.
    connections: Mutex<HashMap<usize, mpsc::Sender<Bytes>>>,
    incoming: mpsc::Sender<(SocketAddr, Bytes)>,
    inbox: Mutex<mpsc::Receiver<(SocketAddr, Bytes)>>,
}

impl RelaySocket {
    fn new(socket: Arc<dyn AsyncUdpSocket>, servers: Arc<Servers>) -> Self {
        let (incoming, inbox) = mpsc::channel(INCOMING);
        Self { socket, servers, connections: Mutex::default(), incoming, inbox: Mutex::new(inbox) }
    }

    /// Puts a datagram on the connection to a server. An error makes the library give the server up.
    fn carry(&self, index: usize, datagram: &[u8]) -> io::Result<()> {
        let mut connections = self.connections.lock().expect("the lock is never held across a panic");
        let connection = match connections.entry(index) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let connection = self.servers.connect(index, self.incoming.clone());
                entry.insert(connection.ok_or(io::ErrorKind::AddrInUse)?)
            }
        };
        match connection.try_send(Bytes::copy_from_slice(datagram)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                tracing::trace!("the connection to the TURN server is slow: a datagram is dropped");
                Ok(())
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Drop for RelaySocket {
    fn drop(&mut self) {
        if let Ok(connections) = self.connections.get_mut() {
            connections.keys().for_each(|index| self.servers.release(*index));
        }
    }
}

impl AsyncUdpSocket for RelaySocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let Some(index) = self.servers.at(transmit.destination) else {
            return self.socket.poll_send(cx, transmit);
        };
        self.servers.sent(index, transmit.contents);
        if matches!(self.servers.relays[index].place, Place::Datagrams(_)) {
            return self.socket.poll_send(cx, transmit);
        }
        let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        for datagram in transmit.contents.chunks(size) {
            self.carry(index, datagram)?;
        }
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let carried = self.inbox.lock().expect("the lock is never held across a panic").poll_recv(cx);
        if let (Poll::Ready(Some((from, datagram))), [buffer, ..], [meta, ..]) = (carried, &mut *buffers, &mut *meta) {
            if let Some(index) = self.servers.at(from) {
                self.servers.received(index, &datagram);
            }
            let len = datagram.len().min(buffer.len());
            buffer[..len].copy_from_slice(&datagram[..len]);
            *meta = RecvMeta::default();
            (meta.addr, meta.len, meta.stride) = (from, len, len.max(1));
            return Poll::Ready(Ok(1));
        }
        let received = self.socket.poll_recv(cx, buffers, meta);
        if let Poll::Ready(Ok(count)) = &received {
            for (buffer, meta) in buffers.iter().zip(meta).take(*count) {
                if let Some(index) = self.servers.at(meta.addr) {
                    let len = meta.len.min(buffer.len());
                    for datagram in buffer[..len].chunks(meta.stride.max(1)) {
                        self.servers.received(index, datagram);
                    }
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

impl<R: Runtime> Runtime for RelayRuntime<R> {
    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let socket = self.inner.wrap_udp_socket(socket)?;
        if self.servers.relays.is_empty() {
            return Ok(socket);
        }
        Ok(Arc::new(RelaySocket::new(socket, self.servers.clone())))
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        // The library writes a TURN server's IPv6 address without brackets.
        let address = host.rsplit_once(':').and_then(|(host, port)| {
            let address = host.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6)?;
            Some(SocketAddr::new(address, port.parse().ok()?))
        });
        match address {
            Some(address) => Box::pin(async move { Ok(vec![address]) }),
            None => self.inner.resolve_host(host),
        }
    }

    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.inner.spawn(future)
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.inner.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.inner.connect_tcp(address)
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        self.inner.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.inner.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.inner.block_on(future);
    }
}
