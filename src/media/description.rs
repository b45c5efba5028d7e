//! Session descriptions: what one side offers or answers (RFC 8829, W3C WebRTC 4.7).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a description opens the exchange or closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DescriptionKind {
    /// What the caller proposes.
    Offer,
    /// What the other side agrees to.
    Answer,
}

impl fmt::Display for DescriptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
        })
    }
}

/// A complete description: kind and SDP text, candidates included.
///
/// `Debug` shows the kind alone: the text holds addresses and ICE passwords.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Offer or answer.
    #[serde(rename = "type")]
    pub kind: DescriptionKind,
    /// The SDP (RFC 8866).
    pub sdp: String,
}

impl Description {
    /// Returns the value of the first attribute `a=name:value` in the text.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.sdp.lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description").field("kind", &self.kind).finish_non_exhaustive()
    }
}
