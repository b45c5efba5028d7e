//! The library's callbacks as events: nothing is done here but telling.
//!
//! Callbacks are awaited on the library's driver loop: a slow one would stop the connection.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use webrtc::{
    data_channel::DataChannel,
    media_stream::track_remote::TrackRemote,
    peer_connection::{
        PeerConnectionEventHandler, RTCIceCandidateType, RTCIceConnectionState, RTCIceGatheringState,
        RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSignalingState,
    },
};

use super::{
    CandidateKind, RtcEvent, channel, orientation::Orientation, payload_types::PayloadTypes, red, steps::Steps, track,
    undeclared::Undeclared,
};
use crate::observe::{StepName, StepValue};

/// Sends events without ever waiting.
///
/// **Capacity 256; when full the event is lost, with an error in the log.** It cannot fill while
/// the call's task runs, which never waits for media.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    events: mpsc::Sender<RtcEvent>,
    /// Ends the driver's sleep.
    nudge: Arc<Notify>,
    /// What comes in as which codec, which way up pictures are, and redundant sound as what.
    payload_types: PayloadTypes,
    orientation: Orientation,
    red: red::Incoming,
    pub(super) undeclared: Undeclared,
    pub(super) steps: Steps,
}

impl Forward {
    const CAPACITY: usize = 256;

    pub(super) fn new(steps: Steps) -> (Self, mpsc::Receiver<RtcEvent>) {
        let (events, receiver) = mpsc::channel(Self::CAPACITY);
        let forward = Self {
            events,
            nudge: Arc::default(),
            payload_types: PayloadTypes::default(),
            orientation: Orientation::default(),
            red: red::Incoming::default(),
            undeclared: Undeclared::default(),
            steps,
        };
        (forward, receiver)
    }

    /// Takes what an offer says about payload types and header extensions, ours or theirs.
    pub(super) fn offered(&self, sdp: &str) {
        self.payload_types.offered(sdp);
        self.orientation.offered(sdp);
        self.red.offered(sdp);
    }

    /// Waits until the library's driver is to look again at what there is to send.
    pub(super) fn nudged(&self) -> impl Future<Output = ()> + Send + use<> {
        let nudge = self.nudge.clone();
        async move { nudge.notified().await }
    }

    /// Looks at a datagram for a stream that was not declared, if there is one.
    pub(super) fn look(&self, datagram: &[u8]) {
        if self.undeclared.is_expected()
            && let Some((kind, ssrc)) = self.undeclared.found(datagram, &self.payload_types)
        {
            self.tell(RtcEvent::Undeclared(kind, ssrc));
        }
    }

    pub(super) fn tell(&self, event: RtcEvent) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(event) {
            tracing::error!(?event, "the call's task does not keep up: an event is lost");
        }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Forward {
    async fn on_negotiation_needed(&self) {
        self.steps.tell(StepName::OnNegotiationNeeded, || StepValue::Nothing);
    }

    async fn on_signaling_state_change(&self, state: RTCSignalingState) {
        self.steps.state(StepName::SignalingStateChange, &state);
    }

    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        self.steps.tell(StepName::IceCandidate, || StepValue::Candidate {
            mid: "0".into(),
            index: 0,
            line: event.candidate.to_json().map(|init| init.candidate).unwrap_or_default(),
        });
        let kind = match event.candidate.typ {
            RTCIceCandidateType::Srflx => CandidateKind::ServerReflexive,
            RTCIceCandidateType::Relay => CandidateKind::Relay,
            _ => CandidateKind::Host,
        };
        self.tell(RtcEvent::Candidate(kind));
    }

    async fn on_ice_candidate_error(&self, event: RTCPeerConnectionIceErrorEvent) {
        self.steps.tell(StepName::IceCandidateError, || {
            StepValue::details([
                ("url", event.url.into()),
                ("address", event.address.into()),
                ("port", event.port.into()),
                ("error_code", event.error_code.into()),
                ("error_text", event.error_text.into()),
            ])
        });
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.steps.state(StepName::IceGatheringStateChange, &state);
        if state == RTCIceGatheringState::Complete {
            self.tell(RtcEvent::GatheringComplete);
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        tracing::debug!(%state, "ice");
        self.steps.state(StepName::IceConnectionStateChange, &state);
        if state == RTCIceConnectionState::Connected {
            self.tell(RtcEvent::PathFound);
            // The first message of the DTLS handshake is ready now, and the driver would send it only
            // after its next timer, some 200 ms later.
            self.nudge.notify_one();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        tracing::debug!(%state, "connection");
        self.steps.state(StepName::ConnectionStateChange, &state);
        match state {
            RTCPeerConnectionState::Connected => self.tell(RtcEvent::Connected),
            RTCPeerConnectionState::Disconnected => self.tell(RtcEvent::Disconnected),
            RTCPeerConnectionState::Failed => self.tell(RtcEvent::Failed),
            RTCPeerConnectionState::Closed => self.tell(RtcEvent::Closed),
            _ => {}
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.steps.channel(StepName::DataChannel, &*channel).await;
        tokio::spawn(channel::read(channel, self.clone()));
    }

    async fn on_track(&self, remote: Arc<dyn TrackRemote>) {
        let numbers = (self.payload_types.clone(), self.orientation.clone());
        if self.steps.are_wanted() {
            let (kind, id) = (remote.kind().await.to_string(), remote.track_id().await);
            self.steps.tell(StepName::Track, || StepValue::details([("kind", kind.into()), ("id", id.into())]));
        }
        if let Some(track) = track::RemoteTrack::new(remote, numbers, self.red.clone()).await {
            self.tell(RtcEvent::Track(track));
        }
    }
}
