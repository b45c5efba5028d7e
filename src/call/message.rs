//! What the two programs tell each other over the data channel: one JSON object a message.

use serde::{Deserialize, Serialize};

use super::{state::Input, task::Task};
use crate::{media::MediaKind, observe::EventKind};

/// A message. Unknown ones are ignored, so that newer programs can say more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Message {
    /// A medium of the sender's was switched off or on.
    Muted {
        /// Which one.
        kind: MediaKind,
        /// Off or on.
        muted: bool,
    },
    /// The sender's picture rests because the line is too narrow, or goes on.
    PicturePaused {
        /// Which of the two.
        paused: bool,
    },
    /// Who the sender is.
    Name {
        /// By its own word.
        name: String,
    },
    /// The sender hangs up.
    Bye,
}

impl Message {
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("plain values are always JSON")
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Task {
    /// Takes a message of the other side's. Returns what it means to the call's state, if anything.
    pub(super) async fn told(&mut self, text: &str) -> Option<Input> {
        match Message::from_text(text) {
            Some(Message::Name { name }) => self.remote_name(name).await,
            Some(Message::Bye) => return Some(Input::RemoteBye),
            Some(Message::Muted { kind, muted }) => self.events.emit(EventKind::Muted { kind, remote: true, muted }),
            Some(Message::PicturePaused { paused }) => {
                self.events.emit(EventKind::PicturePaused { remote: true, paused });
            }
            None => {
                if let Some(candidate) = candidate(text) {
                    self.peer.add_candidate(candidate).await;
                }
            }
        }
        None
    }
}

/// Reads a candidate that a program sends when it finds it, as browsers write it (RTCIceCandidateInit).
fn candidate(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Init {
        candidate: String,
    }
    let init: Init = serde_json::from_str(text).ok()?;
    init.candidate.starts_with("candidate:").then_some(init.candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_known() {
        let line = "candidate:1 1 udp 2130706431 192.0.2.1 9 typ host";
        for (text, expected) in [
            (format!(r#"{{"candidate":"{line}","sdpMid":"0","sdpMLineIndex":0}}"#), Some(line)),
            (r#"{"candidate":"","sdpMid":"0"}"#.into(), None),
            (r#"{"say":"bye"}"#.into(), None),
            ("candidate:1".into(), None),
        ] {
            assert_eq!(candidate(&text).as_deref(), expected);
        }
    }

    #[test]
    fn the_wire_form_stays() {
        for (message, text) in [
            (Message::Bye, r#"{"say":"bye"}"#),
            (Message::Muted { kind: MediaKind::Audio, muted: true }, r#"{"say":"muted","kind":"audio","muted":true}"#),
            (Message::PicturePaused { paused: true }, r#"{"say":"picture_paused","paused":true}"#),
            (Message::Name { name: "Anna".into() }, r#"{"say":"name","name":"Anna"}"#),
        ] {
            assert_eq!(message.to_text(), text);
            assert_eq!(Message::from_text(text), Some(message));
        }
        assert_eq!(Message::from_text(r#"{"say":"sing"}"#), None);
        assert_eq!(Message::from_text("nonsense"), None);
    }
}
