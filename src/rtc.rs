//! The connection: the only module that names the `webrtc` crate.
//!
//! Encoded frames in, RTP packets out; everything else that happens comes as an [`RtcEvent`].
//! Asynchronous; the crate's callbacks only forward.

mod capability;
mod channel;
mod contact;
mod estimate;
mod forward;
mod handshake;
mod identity;
mod keepalive;
mod loss;
mod nack;
mod network;
mod pacer;
mod peer;
mod punch;
mod queueing;
mod socket;
mod stun;
mod tap;
mod track;

use std::{net::SocketAddr, ops::RangeInclusive};

pub use channel::MessageChannel;
pub use contact::Contact;
pub use identity::Identity;
pub use network::NetworkChange;
pub use peer::Peer;
pub use track::{LocalTrack, RemoteTrack, Sent};

use crate::media::{Bitrate, DescriptionKind, MediaKind, SenderReport};

/// What a connection is to be made of.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    /// What the other side knows the connection by.
    pub identity: Identity,
    /// The description that is ours: whether we offer or answer.
    pub own: DescriptionKind,
    /// STUN servers, `stun:host:port`.
    pub stun: Vec<String>,
    /// TURN servers.
    pub turn: Vec<TurnServer>,
    /// Use relayed candidates alone.
    pub relay_only: bool,
    /// Local addresses to use, loopback allowed; empty: all but loopback and link-local ones.
    pub bind: Vec<std::net::IpAddr>,
    /// Local ports to use; `None`: any.
    pub ports: Option<RangeInclusive<u16>>,
    /// Whether to send sound.
    pub send_audio: bool,
    /// Whether to send pictures.
    pub send_video: bool,
    /// Time between two connectivity checks of a pair of candidates. There are 65,534 of them at most:
    /// whoever waits for a person needs them to last.
    pub check_interval: std::time::Duration,
    /// The rate to begin with, before the congestion controller knows anything.
    pub start_bitrate: Bitrate,
    /// The most that sound and picture together may cost.
    pub max_bitrate: Bitrate,
}

/// A TURN server over UDP and what it wants to know.
#[derive(Clone)]
pub struct TurnServer {
    /// `turn:host:port`.
    pub url: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnServer").finish_non_exhaustive()
    }
}

/// Why a connection cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RtcError {
    /// No socket could be opened.
    #[error("No network socket could be opened: {0}. Name other addresses with --bind or other ports with --port.")]
    Socket(String),
    /// A port of the range is in use.
    #[error(
        "No port from {first} to {last} is free on {address}. End the program that uses them, or name others with --port."
    )]
    PortInUse {
        /// The address that was tried.
        address: std::net::IpAddr,
        /// The first port of the range.
        first: u16,
        /// The last port of the range.
        last: u16,
    },
    /// The other side's description is not one we can work with.
    #[error("The other side's description cannot be used: {0}.")]
    Description(String),
    /// The WebRTC library failed.
    #[error("The connection failed: {0}.")]
    Library(String),
}

impl From<webrtc::error::Error> for RtcError {
    fn from(error: webrtc::error::Error) -> Self {
        Self::Library(error.to_string())
    }
}

/// Something that happened to the connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum RtcEvent {
    /// ICE found a path to the other side; DTLS comes next.
    PathFound,
    /// ICE and DTLS are through, for the first time or again after [`RtcEvent::Disconnected`].
    Connected,
    /// Nothing has come from the other side for some seconds.
    Disconnected,
    /// DTLS failed, or ICE gave up.
    Failed,
    /// The other side closed the connection.
    Closed,
    /// A local candidate was found.
    Candidate(CandidateKind),
    /// All candidates are found.
    GatheringComplete,
    /// The other side sends a track.
    Track(RemoteTrack),
    /// The other side needs a key frame (PLI, RFC 4585; FIR, RFC 5104).
    KeyFrameWanted,
    /// How the other side's RTP time relates to its wall clock.
    SenderReport(MediaKind, SenderReport),
    /// What the other side says about a stream of ours (RFC 3550, 6.4.1).
    ReceiverReport {
        /// Which stream.
        kind: MediaKind,
        /// The share of packets lost since the last report, 0.0 to 1.0.
        fraction_lost: f64,
        /// The round trip in seconds, if the report tells it.
        round_trip_time: Option<f64>,
    },
    /// The channel for messages is open.
    Channel(MessageChannel),
    /// A message from the other side.
    Message(String),
    /// The public address that a waiting description names has changed.
    MappingChanged,
}

/// The kinds of candidates (RFC 8445, 5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// An address of this machine.
    Host,
    /// An address that a STUN server saw.
    ServerReflexive,
    /// An address on a TURN server.
    Relay,
}

/// Returns whether IPv4 and IPv6 lead anywhere from here. Sends nothing.
pub fn routes() -> [bool; 2] {
    network::routes()
}

/// Returns the sockets to open for the addresses and ports asked for.
fn addresses(config: &PeerConfig) -> Result<Vec<SocketAddr>, RtcError> {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
    let bind = match config.bind.as_slice() {
        [] => vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
        named => named.to_vec(),
    };
    let mut addresses = Vec::new();
    for address in bind {
        // Opened to see whether it can be, and closed again: the library opens its own.
        match &config.ports {
            None => match UdpSocket::bind((address, 0)) {
                Ok(_) => addresses.push(SocketAddr::new(address, 0)),
                // A machine without IPv6 (or IPv4) is no reason to fail unless it was asked for.
                Err(_) if config.bind.is_empty() => {}
                Err(error) => return Err(RtcError::Socket(format!("{address}: {error}"))),
            },
            Some(ports) => match ports.clone().find(|port| UdpSocket::bind((address, *port)).is_ok()) {
                Some(port) => addresses.push(SocketAddr::new(address, port)),
                None if config.bind.is_empty() && address.is_ipv6() && !addresses.is_empty() => {}
                None => {
                    return Err(RtcError::PortInUse { address, first: *ports.start(), last: *ports.end() });
                }
            },
        }
    }
    if addresses.is_empty() {
        return Err(RtcError::Socket("neither IPv4 nor IPv6 is available".into()));
    }
    Ok(addresses)
}
