//! What two programs say to each other until they have words: JSON on the data channel, beside a call's other messages.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::Error};

use super::VerificationError;

/// A message of the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum VerificationMessage {
    /// Who offered binds itself to a nonce.
    VerifyCommit {
        /// The hash of the nonce and of both certificates.
        commitment: Bytes32,
    },
    /// Who answered tells its nonce.
    VerifyNonce {
        /// The nonce.
        nonce: Bytes32,
    },
    /// Who offered tells the nonce that it is bound to.
    VerifyReveal {
        /// The nonce.
        nonce: Bytes32,
    },
}

impl VerificationMessage {
    const NAMES: [&str; 3] = ["verify_commit", "verify_nonce", "verify_reveal"];

    /// Returns the message as it is sent.
    pub fn to_text(self) -> String {
        serde_json::to_string(&self).expect("plain values are always JSON")
    }

    /// Reads a text of the data channel. `None` if it is about something else, which is not for us to judge.
    ///
    /// # Errors
    /// If it calls itself one of these messages, and is none.
    pub fn from_text(text: &str) -> Option<Result<Self, VerificationError>> {
        #[derive(Deserialize)]
        struct Subject {
            say: String,
        }
        let Subject { say } = serde_json::from_str(text).ok()?;
        Self::NAMES
            .contains(&say.as_str())
            .then(|| serde_json::from_str(text).map_err(|_| VerificationError::Malformed))
    }
}

/// 32 bytes, in JSON as base64 (RFC 4648, 4, padded): a nonce or a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes32(
    /// The bytes.
    pub [u8; 32],
);

impl fmt::Debug for Bytes32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl Serialize for Bytes32 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes32 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("32 bytes are wanted"))
    }
}
