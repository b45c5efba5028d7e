//! What the two programs tell each other over the data channel: one JSON object a message.

use serde::{Deserialize, Serialize};

use crate::media::MediaKind;

/// A message. Unknown ones are ignored, so that newer programs can say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The sender hangs up.
    Bye,
}

impl Message {
    pub(super) fn to_text(self) -> String {
        serde_json::to_string(&self).expect("plain values are always JSON")
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_stays() {
        for (message, text) in [
            (Message::Bye, r#"{"say":"bye"}"#),
            (Message::Muted { kind: MediaKind::Audio, muted: true }, r#"{"say":"muted","kind":"audio","muted":true}"#),
            (Message::PicturePaused { paused: true }, r#"{"say":"picture_paused","paused":true}"#),
        ] {
            assert_eq!(message.to_text(), text);
            assert_eq!(Message::from_text(text), Some(message));
        }
        assert_eq!(Message::from_text(r#"{"say":"sing"}"#), None);
        assert_eq!(Message::from_text("nonsense"), None);
    }
}
