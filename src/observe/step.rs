//! The steps of a peer connection's life, under the names by which engineers know them from Chrome's webrtc-internals.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::media::{Description, DescriptionKind};

/// One step: something that was done with the connection, came of it, or was told by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which of the call's connections, from 1 on: one whose addresses went stale while a person carried the blobs is
    /// built anew.
    pub connection: u32,
    /// What it was.
    pub name: StepName,
    /// What it was about.
    pub value: StepValue,
}

/// What a step is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StepValue {
    /// Its name says all.
    Nothing,
    /// A description, as the WebRTC library has it or as it came.
    Description(Description),
    /// An ICE candidate.
    Candidate {
        /// The medium that it stands in.
        mid: String,
        /// The medium's place.
        index: u16,
        /// `candidate:` and what follows it.
        line: String,
    },
    /// The state that is entered, in the W3C's words.
    State(String),
    /// Why it failed, in words.
    Failure(String),
    /// Other details by their names in the W3C's interfaces.
    Details(Map<String, Value>),
}

impl StepValue {
    /// Returns details by name.
    pub fn details<const N: usize>(members: [(&str, Value); N]) -> Self {
        Self::Details(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Returns it as the W3C's interfaces have it in JSON: a description as `{"type","sdp"}`, a state as its name.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Description(Description { kind, sdp }) => json!({ "type": kind_name(*kind), "sdp": sdp }),
            Self::Candidate { mid, index, line } => {
                json!({ "sdpMid": mid, "sdpMLineIndex": index, "candidate": line })
            }
            Self::State(text) | Self::Failure(text) => json!(text),
            Self::Details(members) => Value::Object(members.clone()),
        }
    }
}

/// Returns `offer` or `answer`.
pub(super) const fn kind_name(kind: DescriptionKind) -> &'static str {
    match kind {
        DescriptionKind::Offer => "offer",
        DescriptionKind::Answer => "answer",
    }
}

/// Makes the enum out of a table.
macro_rules! step_names {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// The names of steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum StepName {
            $($(#[$doc])+ $variant,)+
        }

        impl StepName {
            /// Returns the name as it is known.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

step_names! {
    /// Tracks of ours were added, before an offer.
    AddStream = "addStream",
    /// There is a transceiver more: for a track of ours, or to receive.
    TransceiverAdded = "transceiverAdded",
    /// A data channel of ours was made.
    CreateDataChannel = "createDataChannel",
    /// An offer is to be made.
    CreateOffer = "createOffer",
    /// It is made.
    CreateOfferOnSuccess = "createOfferOnSuccess",
    /// It cannot be made.
    CreateOfferOnFailure = "createOfferOnFailure",
    /// An answer is to be made.
    CreateAnswer = "createAnswer",
    /// It is made.
    CreateAnswerOnSuccess = "createAnswerOnSuccess",
    /// It cannot be made.
    CreateAnswerOnFailure = "createAnswerOnFailure",
    /// Our description is to be taken.
    SetLocalDescription = "setLocalDescription",
    /// It is taken.
    SetLocalDescriptionOnSuccess = "setLocalDescriptionOnSuccess",
    /// It is not.
    SetLocalDescriptionOnFailure = "setLocalDescriptionOnFailure",
    /// The other side's description is to be taken.
    SetRemoteDescription = "setRemoteDescription",
    /// It is taken.
    SetRemoteDescriptionOnSuccess = "setRemoteDescriptionOnSuccess",
    /// It is not.
    SetRemoteDescriptionOnFailure = "setRemoteDescriptionOnFailure",
    /// The other side's description names tracks that it will send.
    OnAddStream = "onaddstream",
    /// The first packet of a track came.
    Track = "track",
    /// A data channel of the other side's was opened.
    DataChannel = "datachannel",
    /// The library thinks that descriptions have to be exchanged.
    OnNegotiationNeeded = "onnegotiationneeded",
    /// The exchange of descriptions is in another state.
    SignalingStateChange = "signalingstatechange",
    /// The search for candidates is in another state.
    IceGatheringStateChange = "icegatheringstatechange",
    /// A candidate of ours was found.
    IceCandidate = "icecandidate",
    /// A server gave no candidate.
    IceCandidateError = "icecandidateerror",
    /// A candidate of the other side's came after its description.
    AddIceCandidate = "addIceCandidate",
    /// It is of no use.
    AddIceCandidateFailed = "addIceCandidateFailed",
    /// ICE is in another state.
    IceConnectionStateChange = "iceconnectionstatechange",
    /// The connection is in another state.
    ConnectionStateChange = "connectionstatechange",
    /// Another pair of candidates carries the call.
    SelectedCandidatePairChange = "selectedcandidatepairchange",
    /// The connection is closed by us.
    Close = "close",
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for StepName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// As a line of a trace has it.
impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut line = serializer.serialize_struct("Step", 3)?;
        line.serialize_field("name", &self.name)?;
        line.serialize_field("connection", &self.connection)?;
        line.serialize_field("value", &self.value.to_json())?;
        line.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_the_w3c_has_them() {
        let sdp = "v=0\r\n".to_owned();
        for (value, text) in [
            (StepValue::Nothing, "null"),
            (
                StepValue::Description(Description { kind: DescriptionKind::Answer, sdp }),
                r#"{"sdp":"v=0\r\n","type":"answer"}"#,
            ),
            (
                StepValue::Candidate { mid: "0".into(), index: 0, line: "candidate:1".into() },
                r#"{"candidate":"candidate:1","sdpMLineIndex":0,"sdpMid":"0"}"#,
            ),
            (StepValue::State("stable".into()), r#""stable""#),
            (StepValue::details([("kind", "audio".into())]), r#"{"kind":"audio"}"#),
        ] {
            assert_eq!(value.to_json().to_string(), text);
        }
    }
}
