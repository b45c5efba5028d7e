//! Our description: made, completed with candidates, handed over, and made anew when the network changes.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{Ended, Request, failure::Failure, forewarning::Forewarning, state::CallState, task::Task};
use crate::{
    media::{now, wall_clock},
    observe::{CallStateName, EventKind},
    rtc::{CandidateKind, NetworkChange, Peer, RtcEvent},
    signaling::{ShortId, Signaling, Stamp, travelling},
};

/// A STUN server that does not answer costs at most this.
const GATHER_TIMEOUT: Duration = Duration::from_secs(1);

/// A TURN server needs several round trips, and without it there may be no call.
const RELAY_TIMEOUT: Duration = Duration::from_secs(5);

/// Once one server has answered the others may take this long.
const GATHER_GRACE: Duration = Duration::from_millis(150);

/// How often the machine's addresses are compared with those in our description.
const LOOK: Duration = Duration::from_secs(3);

/// A person cannot send new blobs faster than this, however often the network changes.
const RENEWAL_GAP: Duration = Duration::from_secs(30);

/// With its own addresses hidden a machine needs another one.
const NOTHING_LEFT: &str = "There is no address to give out: those of this machine are hidden, and no server gave \
                            another one. Name a STUN server with --stun or a TURN server with --turn, or do not hide them.";

/// A machine without any network, or without the server it is to be reached by alone.
const NO_NETWORK: &str = "There is no address at which this machine could be reached. Look whether it is connected to a \
                          network, and whether the servers that were named are right; then begin again.";

/// Whether our description still leads here.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    looked: Option<Instant>,
    renewed: Option<Instant>,
    stale: bool,
    moved: bool,
    gone: bool,
}

impl Task {
    /// Makes our description, complete with candidates, and hands it over.
    pub(super) async fn describe(
        &mut self,
        signaling: &mut impl Signaling,
        state: &mut CallState,
        connection: &mut mpsc::Receiver<RtcEvent>,
        controls: &mut mpsc::Receiver<Request>,
    ) -> Result<Option<Ended>, Failure> {
        match &self.offer {
            None => self.peer.offer().await?,
            Some(offer) => self.peer.answer(offer).await?,
        }
        if let Some(ended) = self.gather(state, connection, controls).await? {
            return Ok(Some(ended));
        }
        let Some(own) = self.peer.local_description().await else {
            return Ok(Some(Ended::Failed("The connection gave no description of itself.".into())));
        };
        let stamp = Stamp::new(wall_clock(), self.offer.as_ref().and_then(ShortId::of));
        let sent = travelling(&own, self.offer.as_ref(), stamp, self.hide_addresses);
        let candidates = sent.sdp.lines().filter(|line| line.starts_with("a=candidate:")).count();
        if candidates == 0 {
            let why = if self.hide_addresses { NOTHING_LEFT } else { NO_NETWORK };
            return Ok(Some(Ended::Failed(why.into())));
        }
        let sent = self.protected(sent, stamp)?;
        self.events.emit(EventKind::LocalDescription { kind: sent.kind, candidates });
        signaling.send(sent.clone()).await?;
        // Once a call: who knows it need not be told again.
        if self.forewarning.is_none() {
            self.forewarning = Forewarning::begin(&self.config, &self.events);
        }
        (self.own, self.sent) = (Some(own), Some(sent));
        self.freshness = Freshness { renewed: self.freshness.renewed, ..Freshness::default() };
        Ok(None)
    }

    /// Waits for candidates, but not for servers that do not answer.
    async fn gather(
        &mut self,
        state: &mut CallState,
        connection: &mut mpsc::Receiver<RtcEvent>,
        controls: &mut mpsc::Receiver<Request>,
    ) -> Result<Option<Ended>, Failure> {
        // TURN servers that may still answer, and whether any server told an address of ours.
        let mut relays = self.config.turn.len();
        let mut public = false;
        let timeout = if relays > 0 { RELAY_TIMEOUT } else { GATHER_TIMEOUT };
        let began = now();
        let mut deadline = began + timeout;
        loop {
            tokio::select! {
                event = connection.recv() => match event {
                    Some(RtcEvent::GatheringComplete) => break,
                    Some(RtcEvent::Candidate(CandidateKind::Host)) => {}
                    Some(RtcEvent::Candidate(kind)) => {
                        public = true;
                        if kind == CandidateKind::Relay || relays == 0 {
                            deadline = deadline.min(now() + GATHER_GRACE);
                        }
                    }
                    Some(event) => {
                        if matches!(event, RtcEvent::RelayFailed { .. }) {
                            relays = relays.saturating_sub(1);
                            if relays == 0 {
                                deadline = deadline.min(began + GATHER_TIMEOUT);
                            }
                        }
                        if let Some(ended) = self.event(event, state).await? {
                            return Ok(Some(ended));
                        }
                    }
                    None => return Ok(Some(Ended::Failed("The connection ended by itself.".into()))),
                },
                control = controls.recv() => if let Some(ended) = self.control(control, state).await {
                    return Ok(Some(ended));
                },
                () = tokio::time::sleep_until(deadline.into()) => break,
            }
        }
        let asked = !self.config.turn.is_empty() || !self.config.stun.is_empty();
        if asked && !public {
            self.events.emit(EventKind::GatheringIncomplete);
        }
        Ok(None)
    }

    /// A public or relayed address that our description names leads nowhere any more.
    pub(super) const fn mapping_changed(&mut self) {
        self.freshness.stale = true;
    }

    /// Makes a new description if ours leads nowhere any more and nobody has come yet. Certificate and
    /// ICE credentials stay: an answer to the earlier one is as good.
    pub(super) async fn renew_if_stale(
        &mut self,
        signaling: &mut impl Signaling,
        state: &mut CallState,
        connection: &mut mpsc::Receiver<RtcEvent>,
        controls: &mut mpsc::Receiver<Request>,
    ) -> Result<Option<Ended>, Failure> {
        let now = now();
        let Some(own) = self.own.as_ref().filter(|_| state.name() == CallStateName::AwaitingRemote) else {
            return Ok(None);
        };
        let due = |since: Option<Instant>, gap| since.is_none_or(|since| now.saturating_duration_since(since) >= gap);
        if due(self.freshness.looked, LOOK) {
            self.freshness.looked = Some(now);
            match self.peer.network_change(own) {
                NetworkChange::None => self.freshness.gone = false,
                NetworkChange::Changed => {
                    (self.freshness.stale, self.freshness.moved) = (true, true);
                }
                NetworkChange::Gone if self.freshness.gone => {}
                NetworkChange::Gone => {
                    self.freshness.gone = true;
                    self.events.emit(EventKind::NetworkGone);
                }
            }
        }
        if !self.freshness.stale || !due(self.freshness.renewed, RENEWAL_GAP) {
            return Ok(None);
        }
        self.freshness.renewed = Some(now);
        self.events.emit(if self.freshness.moved { EventKind::NetworkChanged } else { EventKind::MappingChanged });
        self.renew(signaling, state, connection, controls).await
    }

    /// Builds the connection again, with the same certificate and ICE credentials, and describes it.
    pub(super) async fn renew(
        &mut self,
        signaling: &mut impl Signaling,
        state: &mut CallState,
        connection: &mut mpsc::Receiver<RtcEvent>,
        controls: &mut mpsc::Receiver<Request>,
    ) -> Result<Option<Ended>, Failure> {
        self.peer.close().await;
        let (peer, events) = Peer::new(&self.config, self.clock, &self.events).await?;
        (self.estimate, self.peer, *connection) = (peer.estimate(), peer, events);
        self.describe(signaling, state, connection, controls).await
    }
}
