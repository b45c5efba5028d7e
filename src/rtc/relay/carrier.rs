//! One connection to a TURN server, over TCP or TLS, that carries what the library sends as datagrams.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

use super::{
    authority::{self, Authorities},
    failure::RelayFailure,
    framing,
};

/// A connection is made within this, or not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The next address of a server is tried so much later than the one before (RFC 8305, 5).
const STAGGER: Duration = Duration::from_millis(250);

/// Bytes that the system may hold for the line. What lies there is late: the system's own choice
/// grows to megabytes, seconds of pictures.
const SEND_BUFFER: u32 = 64 * 1024;

/// So many datagrams are written at once.
const BATCH: usize = 16;

/// Where a connection goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) addresses: Vec<SocketAddr>,
    /// Local addresses to come from; empty: any.
    pub(super) bind: Vec<IpAddr>,
    /// Who vouches for the server, if it is to be encrypted.
    pub(super) tls: Option<Authorities>,
}

impl Target {
    /// Connects and carries datagrams to and fro until nobody sends any more.
    ///
    /// `connected` is called once; then what comes is delivered as from `address`. A full `incoming` makes the
    /// server wait.
    pub(super) async fn carry(
        self,
        outgoing: mpsc::Receiver<Bytes>,
        address: SocketAddr,
        incoming: mpsc::Sender<(SocketAddr, Bytes)>,
        connected: impl FnOnce(),
    ) -> Result<(), RelayFailure> {
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, self.connect())
            .await
            .map_err(|_| RelayFailure::Connect(io::ErrorKind::TimedOut.into()))??;
        let Some(authorities) = self.tls else {
            connected();
            return pump(stream, outgoing, address, incoming).await;
        };
        // The system's authorities are read from files.
        let connector = tokio::task::spawn_blocking(move || authorities.connector())
            .await
            .map_err(|error| RelayFailure::Authorities(error.to_string()))??;
        let stream =
            tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(authority::server_name(&self.host)?, stream))
                .await
                .map_err(|_| RelayFailure::Tls("it does not answer".into()))?
                .map_err(|error| authority::failure(&error, &self.host))?;
        connected();
        pump(stream, outgoing, address, incoming).await
    }

    /// Tries all addresses, each a little after the one before; the first connection counts.
    async fn connect(&self) -> Result<TcpStream, RelayFailure> {
        let mut attempts = JoinSet::new();
        for (turn, address) in self.addresses.iter().copied().enumerate() {
            let from = self.bind.iter().copied().find(|local| local.is_ipv4() == address.is_ipv4());
            if from.is_none() && !self.bind.is_empty() {
                continue;
            }
            attempts.spawn(async move {
                tokio::time::sleep(STAGGER * u32::try_from(turn).unwrap_or(u32::MAX)).await;
                connect(address, from).await
            });
        }
        let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "none of the local addresses fits");
        while let Some(attempt) = attempts.join_next().await {
            match attempt.map_err(io::Error::other).flatten() {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(RelayFailure::Connect(failure))
    }
}

async fn connect(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_send_buffer_size(SEND_BUFFER)?;
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn pump(
    stream: impl AsyncRead + AsyncWrite,
    outgoing: mpsc::Receiver<Bytes>,
    address: SocketAddr,
    incoming: mpsc::Sender<(SocketAddr, Bytes)>,
) -> Result<(), RelayFailure> {
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        written = write(writer, outgoing) => written.map_err(|error| RelayFailure::Lost(error.to_string())),
        read = read(reader, address, incoming) => read,
    }
}

async fn write(mut stream: impl AsyncWrite + Unpin, mut outgoing: mpsc::Receiver<Bytes>) -> io::Result<()> {
    let (mut datagrams, mut buffer) = (Vec::with_capacity(BATCH), BytesMut::new());
    let mut requests = Requests::default();
    while outgoing.recv_many(&mut datagrams, BATCH).await > 0 {
        for datagram in datagrams.drain(..).filter(|datagram| requests.is_new(datagram)) {
            framing::write(&datagram, &mut buffer);
        }
        stream.write_all(&buffer).await?;
        stream.flush().await?;
        buffer.clear();
    }
    stream.shutdown().await
}

async fn read(
    mut stream: impl AsyncRead + Unpin,
    address: SocketAddr,
    incoming: mpsc::Sender<(SocketAddr, Bytes)>,
) -> Result<(), RelayFailure> {
    let mut buffer = BytesMut::with_capacity(8 * 1024);
    loop {
        match stream.read_buf(&mut buffer).await {
            Ok(0) => return Err(RelayFailure::Lost("the server closed the connection".into())),
            Ok(_) => {}
            Err(error) => return Err(RelayFailure::Lost(error.to_string())),
        }
        loop {
            match framing::read(&mut buffer) {
                Ok(None) => break,
                Ok(Some(datagram)) => {
                    if incoming.send((address, datagram)).await.is_err() {
                        return Ok(());
                    }
                }
                Err(framing::NotTurn) => return Err(RelayFailure::SilentStream),
            }
        }
    }
}

/// The newest requests. The library repeats one that is not answered soon, as one must over UDP; on a
/// stream nothing is lost, and the server would answer each.
#[derive(Debug, Default)]
struct Requests(VecDeque<[u8; 12]>);

impl Requests {
    /// So many are remembered; **the oldest is forgotten**.
    const CAPACITY: usize = 32;

    fn is_new(&mut self, datagram: &[u8]) -> bool {
        // Two zero bits and no class bit: a request (RFC 8489, 5).
        let is_request = datagram.len() >= 20 && datagram[0] & 0xc1 == 0 && datagram[1] & 0x10 == 0;
        let Some(id) = datagram.get(8..20).and_then(|id| id.try_into().ok()).filter(|_| is_request) else {
            return true;
        };
        if self.0.contains(&id) {
            return false;
        }
        self.0.push_back(id);
        if self.0.len() > Self::CAPACITY {
            self.0.pop_front();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

    fn message(typ: [u8; 2], id: u8) -> Bytes {
        let mut message = vec![typ[0], typ[1], 0, 0, 0x21, 0x12, 0xa4, 0x42];
        message.resize(20, id);
        message.into()
    }

    #[test]
    fn requests_are_not_repeated() {
        let mut requests = Requests::default();
        let (request, other, indication) = (message([0, 3], 1), message([0, 3], 2), message([0, 0x16], 1));
        let channel = Bytes::from_static(&[0x40, 0, 0, 0]);
        for (datagram, is_new) in [(&request, true), (&indication, true), (&request, false), (&other, true)] {
            assert_eq!(requests.is_new(datagram), is_new);
        }
        assert!(requests.is_new(&indication) && requests.is_new(&channel) && requests.is_new(&channel));
        for id in 3..40 {
            assert!(requests.is_new(&message([0, 4], id)));
        }
        assert!(requests.is_new(&request), "long forgotten");
    }

    #[tokio::test]
    async fn datagrams_pass_a_stream_in_both_directions() {
        let (near, mut far) = tokio::io::duplex(4096);
        let (outbox, outgoing) = mpsc::channel(8);
        let (incoming, mut inbox) = mpsc::channel(8);
        let pumping = tokio::spawn(pump(near, outgoing, ADDRESS, incoming));
        let channel = Bytes::from_static(&[0x40, 0, 0, 1, 7]);
        for datagram in [message([0, 3], 1), message([0, 3], 1), channel.clone()] {
            outbox.send(datagram).await.expect("room");
        }
        let mut sent = [0; 28];
        far.read_exact(&mut sent).await.expect("a request once, and padded data");
        assert_eq!((&sent[..20], &sent[20..]), (&message([0, 3], 1)[..], &[0x40, 0, 0, 1, 7, 0, 0, 0][..]));
        far.write_all(&sent[20..]).await.expect("open");
        assert_eq!(inbox.recv().await, Some((ADDRESS, channel)));
        drop(far);
        assert!(matches!(pumping.await, Ok(Err(RelayFailure::Lost(_)))));
    }

    #[tokio::test]
    async fn the_end_of_sending_is_no_failure() {
        let (near, mut far) = tokio::io::duplex(4096);
        let (outbox, outgoing) = mpsc::channel(8);
        let (incoming, _inbox) = mpsc::channel(8);
        outbox.send(message([0, 4], 1)).await.expect("room");
        drop(outbox);
        assert!(pump(near, outgoing, ADDRESS, incoming).await.is_ok());
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).await.expect("the last words");
        assert_eq!(sent.len(), 20);
    }
}
