//! The connection: the only module that names the `webrtc` crate.
//!
//! Encoded frames in, RTP packets out; everything else that happens comes as an [`RtcEvent`].
//! Asynchronous; the crate's callbacks only forward.

mod address;
mod again;
mod build;
mod candidate;
mod capability;
mod chain;
mod channel;
mod contact;
mod counts;
mod description;
mod estimate;
mod fec;
mod forward;
mod handshake;
mod identity;
mod keepalive;
mod lookup;
mod nack;
pub mod nat;
mod network;
mod orientation;
mod pacer;
mod padding;
mod payload_types;
mod peer;
mod punch;
mod red;
mod relay;
mod socket;
mod stage;
mod stats;
mod steps;
mod stun;
mod tap;
mod track;
mod undeclared;
mod url;

use std::ops::RangeInclusive;

pub use address::Bind;
pub use channel::MessageChannel;
pub use contact::Contact;
pub use counts::WireCounts;
pub use identity::{Certificate, Identity};
pub use network::NetworkChange;
pub use peer::Peer;
pub use relay::Authorities;
pub use track::{LocalTrack, RemoteTrack, Sent};
pub use url::{ServerUrlError, StunUrl, TurnTransport, TurnUrl};

use crate::media::{Bitrate, Codec, DescriptionKind, MediaKind, SenderReport};

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
    /// Local addresses and interfaces to use; empty: all addresses but loopback and link-local ones.
    pub bind: Vec<Bind>,
    /// Local ports to use; `None`: any.
    pub ports: Option<RangeInclusive<u16>>,
    /// Whether to send sound.
    pub send_audio: bool,
    /// Whether to send pictures.
    pub send_video: bool,
    /// The codecs for them.
    pub picture_codecs: PictureCodecs,
    /// Time between two connectivity checks of a pair of candidates. There are 65,534 of them at most:
    /// whoever waits for a person needs them to last.
    pub check_interval: std::time::Duration,
    /// The rate to begin with, before the congestion controller knows anything.
    pub start_bitrate: Bitrate,
    /// The most that sound and picture together may cost.
    pub max_bitrate: Bitrate,
}

/// In which codecs pictures may go either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureCodecs {
    /// The best first.
    pub order: Vec<Codec>,
    /// Whether that order counts more than what the other side likes best.
    pub insist: bool,
}

/// All there are.
impl Default for PictureCodecs {
    fn default() -> Self {
        Self { order: vec![Codec::H264, Codec::Vp8], insist: false }
    }
}

impl PictureCodecs {
    /// Returns all there are, this one first.
    pub fn first(codec: Codec) -> Self {
        let mut order = Self::default().order;
        order.sort_by_key(|known| *known != codec);
        Self { order, insist: true }
    }
}

/// A TURN server and what it wants to know.
#[derive(Clone)]
pub struct TurnServer {
    /// Where it is, and how it is reached.
    pub url: TurnUrl,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// Who may vouch for it beside the authorities that the system trusts, over TLS.
    pub authorities: Authorities,
}

impl std::fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnServer").field("url", &self.url).finish_non_exhaustive()
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
    /// There is no interface of that name, or it has no address.
    #[error("There is no network interface '{name}' with an address here. There are: {there}.")]
    Interface {
        /// The name.
        name: String,
        /// The names there are.
        there: String,
    },
    /// A server's address is not one.
    #[error("A server's address cannot be read: {0}.")]
    Server(#[from] ServerUrlError),
    /// Certificates that cannot be used.
    #[error("The certificates cannot be used: {0}.")]
    Authorities(String),
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
    /// One side has refused the other's handshake: [`Peer::contact`] tells more.
    HandshakeRefused,
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
    /// The other side sends a stream of which its description did not tell the SSRC.
    Undeclared(MediaKind, u32),
    /// The other side needs a key frame (PLI, RFC 4585; FIR, RFC 5104).
    KeyFrameWanted,
    /// How the other side's RTP time relates to its wall clock.
    SenderReport(MediaKind, SenderReport),
    /// The other side reports about a stream of ours (RFC 3550, 6.4.1): [`Peer::counts`] has what it says.
    ReceiverReport {
        /// The round trip in seconds, if the report tells it.
        round_trip_time: Option<f64>,
    },
    /// The channel for messages is open.
    Channel(MessageChannel),
    /// A message from the other side.
    Message(String),
    /// The public address that a waiting description names has changed.
    MappingChanged,
    /// A TURN server is of no use, or the relay on it is lost. Told once for each server and reason.
    RelayFailed {
        /// The server's address, without user name and password.
        server: String,
        /// What happened and what to do, in words that begin small.
        reason: String,
        /// Whether there was a relay: its address leads nowhere any more.
        lost: bool,
    },
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

/// Returns the local addresses that these name; none if nothing is named.
///
/// # Errors
/// If an interface is named that is not there or has no address.
pub fn local_addresses(bind: &[Bind]) -> Result<Vec<std::net::IpAddr>, RtcError> {
    address::bound(bind)
}

/// Returns whether IPv4 and IPv6 lead anywhere from here. Sends nothing.
pub fn routes() -> [bool; 2] {
    network::routes()
}
