//! TURN servers: whether they give a relay (RFC 8656), over their transport and for this user.

use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use super::{Grade, Line, Network};
use crate::{
    media::{Bitrate, Clock, DescriptionKind, now},
    observe::Events,
    rtc::{
        Bind, CandidateKind, Identity, Peer, PeerConfig, PictureCodecs, RtcError, RtcEvent, TurnServer, TurnTransport,
    },
};

/// What has not answered by then is silent: a name, a connection, TLS and two requests need their round trips.
const PATIENCE: Duration = Duration::from_secs(6);

/// After its failure a server may be tried over the other family of addresses.
const GRACE: Duration = Duration::from_millis(500);

/// What a TURN server answers.
#[derive(Clone, Debug, Serialize)]
pub struct TurnFinding {
    /// Its address, without user name and password.
    pub server: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// How long it took to be given a relay, in milliseconds; `None` if none was given.
    pub relay_ms: Option<f64>,
    /// Why none was given, and what to do.
    pub error: Option<String>,
}

/// Asks all servers for a relay, at the same time, and gives it back.
pub(super) async fn relays(network: &Network, clock: Clock) -> Vec<TurnFinding> {
    let mut asked = JoinSet::new();
    for (index, server) in network.turn.iter().cloned().enumerate() {
        let bind = network.bind.clone();
        asked.spawn(async move { (index, relay(server, bind, clock).await) });
    }
    let mut found = asked.join_all().await;
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, finding)| finding).collect()
}

async fn relay(server: TurnServer, bind: Vec<Bind>, clock: Clock) -> TurnFinding {
    let (url, begun) = (server.url.to_string(), now());
    let transport = match server.url.transport() {
        TurnTransport::Udp => "udp",
        TurnTransport::Tcp => "tcp",
        TurnTransport::Tls => "tls",
    };
    let outcome = allocate(server, bind, clock).await.unwrap_or_else(|error| Err(error.to_string()));
    let took = now().saturating_duration_since(begun);
    let (relay_ms, error) = match outcome {
        Ok(()) => (Some((took.as_secs_f64() * 1e4).round() / 10.0), None),
        Err(error) => (None, Some(error)),
    };
    TurnFinding { server: url, transport, relay_ms, error }
}

/// Gathers as a call does that uses this server alone; returns why that gave no relay.
async fn allocate(server: TurnServer, bind: Vec<Bind>, clock: Clock) -> Result<Result<(), String>, RtcError> {
    let config = PeerConfig {
        identity: Identity::new()?,
        own: DescriptionKind::Offer,
        stun: vec![],
        turn: vec![server],
        relay_only: true,
        bind,
        ports: None,
        send_audio: false,
        send_video: false,
        picture_codecs: PictureCodecs::default(),
        check_interval: Duration::from_secs(1),
        start_bitrate: Bitrate::from_kbps(100),
        max_bitrate: Bitrate::from_kbps(100),
    };
    let (mut peer, mut events) = Peer::new(&config, clock, &Events::new(clock, [])).await?;
    let outcome = async {
        peer.offer().await?;
        let mut until = now() + PATIENCE;
        let mut reason = "it does not answer. Look whether its address is right and it is running.".to_owned();
        while let Ok(Some(event)) = tokio::time::timeout_at(until.into(), events.recv()).await {
            match event {
                RtcEvent::Candidate(CandidateKind::Relay) => return Ok(Ok(())),
                RtcEvent::RelayFailed { reason: told, .. } => {
                    reason = told;
                    until = until.min(now() + GRACE);
                }
                _ => {}
            }
        }
        Ok(Err(reason))
    }
    .await;
    peer.close().await;
    outcome
}

impl TurnFinding {
    /// Whether it gave a relay.
    pub const fn answers(&self) -> bool {
        self.relay_ms.is_some()
    }

    /// Returns it in words.
    pub fn line(&self) -> Line {
        let about = format!("TURN server {}", self.server);
        match (self.relay_ms, &self.error) {
            (Some(ms), _) => Line::new(Grade::Good, about, format!("gives a relay in {ms:.0} ms")),
            (None, Some(error)) => Line::new(Grade::Bad, about, error.as_str()),
            (None, None) => Line::new(Grade::Bad, about, "gives no relay. Look whether it is running."),
        }
    }
}
