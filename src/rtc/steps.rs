//! Tells each step of a connection's life (W3C WebRTC, 4.4) as it is done.

use serde_json::{Value, json};
use webrtc::{
    data_channel::DataChannel,
    error::{Error, Result},
    peer_connection::RTCSessionDescription,
};

use super::description::streams;
use crate::{
    media::{Description, MediaKind},
    observe::{Events, StepName, StepValue},
};

/// The names of a step, of its success and of its failure.
type Names = [StepName; 3];

pub(super) const CREATE_OFFER: Names =
    [StepName::CreateOffer, StepName::CreateOfferOnSuccess, StepName::CreateOfferOnFailure];
pub(super) const CREATE_ANSWER: Names =
    [StepName::CreateAnswer, StepName::CreateAnswerOnSuccess, StepName::CreateAnswerOnFailure];
pub(super) const SET_LOCAL: Names =
    [StepName::SetLocalDescription, StepName::SetLocalDescriptionOnSuccess, StepName::SetLocalDescriptionOnFailure];
pub(super) const SET_REMOTE: Names =
    [StepName::SetRemoteDescription, StepName::SetRemoteDescriptionOnSuccess, StepName::SetRemoteDescriptionOnFailure];

/// Tells the steps of one connection. Clones are of the same one.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    events: Events,
    /// Which of the call's connections.
    pub(super) connection: u32,
}

impl Steps {
    pub(super) fn new(events: &Events) -> Self {
        Self { events: events.clone(), connection: events.next_connection() }
    }

    /// Whether anybody listens.
    pub(super) const fn are_wanted(&self) -> bool {
        self.events.wants_steps()
    }

    pub(super) fn tell(&self, name: StepName, value: impl FnOnce() -> StepValue) {
        self.events.step(self.connection, name, value);
    }

    /// Tells that a state was entered.
    pub(super) fn state(&self, name: StepName, state: &impl std::fmt::Display) {
        self.tell(name, || StepValue::State(state.to_string()));
    }

    /// Does what makes a description, and tells of it.
    pub(super) async fn create(
        &self,
        [name, success, failure]: Names,
        work: impl Future<Output = Result<RTCSessionDescription>>,
    ) -> Result<RTCSessionDescription> {
        self.tell(name, || StepValue::Nothing);
        let created = work.await;
        match &created {
            Ok(description) => self.tell(success, || StepValue::Description(described(description))),
            Err(error) => self.failed(failure, error),
        }
        created
    }

    /// Does what sets a description, and tells of it. `meanwhile` tells what the description brings.
    pub(super) async fn set(
        &self,
        [name, success, failure]: Names,
        description: &Description,
        work: impl Future<Output = Result<()>>,
        meanwhile: impl FnOnce(&Self),
    ) -> Result<()> {
        self.tell(name, || StepValue::Description(description.clone()));
        let set = work.await;
        match &set {
            Ok(()) => {
                meanwhile(self);
                self.tell(success, || StepValue::Nothing);
            }
            Err(error) => self.failed(failure, error),
        }
        set
    }

    fn failed(&self, name: StepName, error: &Error) {
        self.tell(name, || StepValue::Failure(error.to_string()));
    }

    /// Tells which tracks of ours there are. Who offers adds them as a stream.
    pub(super) fn tracks(&self, tracks: &[(MediaKind, &str)], offers: bool) {
        if tracks.is_empty() {
            return;
        }
        if offers {
            self.tell(StepName::AddStream, || stream("p2pcall", tracks.iter().copied()));
        }
        for (index, (kind, id)) in tracks.iter().enumerate() {
            self.transceiver(*kind, index, json!({ "track": id, "streams": ["p2pcall"] }), "sendrecv");
        }
    }

    /// Tells of a transceiver, by what it sends.
    pub(super) fn transceiver(&self, kind: MediaKind, index: usize, sender: Value, direction: &str) {
        self.tell(StepName::TransceiverAdded, || {
            StepValue::details([
                ("kind", json!(kind)),
                ("sender", sender),
                ("direction", direction.into()),
                ("reason", if direction == "sendrecv" { "addTrack" } else { "addTransceiver" }.into()),
                ("transceiverIndex", index.into()),
            ])
        });
    }

    /// Tells which tracks the other side's description names.
    pub(super) fn remote_streams(&self, sdp: &str) {
        if self.are_wanted() {
            for (id, tracks) in streams(sdp) {
                let tracks = tracks.iter().map(|(kind, id)| (*kind, &**id));
                self.tell(StepName::OnAddStream, || stream(&id, tracks));
            }
        }
    }

    /// Tells of a data channel.
    pub(super) async fn channel(&self, name: StepName, channel: &dyn DataChannel) {
        if self.are_wanted() {
            let label = channel.label().await.unwrap_or_default();
            self.tell(name, || StepValue::details([("label", label.into()), ("ordered", true.into())]));
        }
    }
}

fn stream<'a>(id: &str, tracks: impl Iterator<Item = (MediaKind, &'a str)>) -> StepValue {
    let tracks = tracks.map(|(kind, id)| json!({ "kind": kind, "id": id })).collect();
    StepValue::details([("id", id.into()), ("tracks", Value::Array(tracks))])
}

fn described(description: &RTCSessionDescription) -> Description {
    Description { kind: super::peer::kind(description), sdp: description.sdp.clone() }
}
