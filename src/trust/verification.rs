//! Four words that two people compare, and that a man in the middle cannot make equal.
//!
//! The short authentication string of ZRTP (RFC 6189, 4.4.1.1 and 7), with the commitment after Vaudenay, "Secure
//! Communications over Insecure Channels Based on Short Authenticated Strings" (CRYPTO 2005): who offers commits to a
//! random number, the other tells his, then the first is revealed. Neither knows the words before he is bound, so
//! whoever sits between has one guess in 2³² and cannot search, whatever certificates he brings.
//! docs/security.md has the wire form.

mod message;

#[cfg(test)]
mod man_in_the_middle;
#[cfg(test)]
mod tests;

use ring::{
    digest::{Context, SHA256},
    hkdf::{HKDF_SHA256, Salt},
};

pub use message::{Bytes32, VerificationMessage};

use super::{fingerprint::Fingerprint, words::Words};

/// Which description was ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// We offered: we commit.
    Offerer,
    /// We answered.
    Answerer,
}

/// What a message led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What to send to the other side now, before anything else.
    pub send: Option<VerificationMessage>,
    /// The words to show. They count only if both people see the same.
    pub words: Option<Words>,
}

/// Why there are no words, or none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerificationError {
    /// A message is not one that the protocol knows.
    #[error(
        "The other side's part of the verification cannot be read: somebody may be between you. Hang up and call again."
    )]
    Malformed,
    /// A message came twice, too early or too late.
    #[error(
        "The other side's part of the verification came out of turn: somebody may be between you. Hang up and call \
         again."
    )]
    OutOfTurn,
    /// What was revealed is not what was committed to, for the certificates that we see.
    #[error("The other side sees other certificates than this one: somebody is between you. Hang up.")]
    Commitment,
}

/// One verification, of one side. Make one for each call and no second: each gives an attacker one guess.
pub struct Verification {
    role: Role,
    own: Fingerprint,
    remote: Fingerprint,
    nonce: [u8; Self::NONCE],
    stage: Stage,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    Commit,
    Nonce,
    Reveal { commitment: Bytes32 },
    Done(Words),
    Failed(VerificationError),
}

impl Verification {
    /// So many random bytes each side brings.
    pub const NONCE: usize = 32;

    const COMMIT_LABEL: &[u8] = b"p2pcall verification 1 commitment";
    const WORDS_SALT: &[u8] = b"p2pcall verification 1";
    const WORDS_INFO: &[u8] = b"words";

    /// Returns a verification of the connection between these two certificates. The remote one has to be that
    /// of the DTLS connection, not only of its description; the nonce fresh from the system's random numbers.
    pub const fn new(role: Role, own: Fingerprint, remote: Fingerprint, nonce: [u8; Self::NONCE]) -> Self {
        let stage = match role {
            Role::Offerer => Stage::Start,
            Role::Answerer => Stage::Commit,
        };
        Self { role, own, remote, nonce, stage }
    }

    /// Begins, once the data channel is open: returns what to send. Who answered waits, and gets `None`; so does
    /// who has begun.
    pub fn begin(&mut self) -> Option<VerificationMessage> {
        if self.stage != Stage::Start {
            return None;
        }
        self.stage = Stage::Nonce;
        Some(VerificationMessage::VerifyCommit { commitment: self.commitment(&self.nonce) })
    }

    /// Takes a text of the data channel. `None` if it is about something else.
    ///
    /// # Errors
    /// As [`Verification::step`].
    pub fn hear(&mut self, text: &str) -> Option<Result<Step, VerificationError>> {
        match VerificationMessage::from_text(text)? {
            Ok(message) => Some(self.step(message)),
            Err(error) => Some(self.fail(error)),
        }
    }

    /// Takes a message of the other side's.
    ///
    /// # Errors
    /// Once, and for good: after a failure every message is passed over without an answer, so that nobody gets
    /// a second try. Words that were shown before count no more.
    pub fn step(&mut self, message: VerificationMessage) -> Result<Step, VerificationError> {
        match (self.stage, message) {
            (Stage::Commit, VerificationMessage::VerifyCommit { commitment }) => {
                self.stage = Stage::Reveal { commitment };
                let send = VerificationMessage::VerifyNonce { nonce: Bytes32(self.nonce) };
                Ok(Step { send: Some(send), words: None })
            }
            (Stage::Nonce, VerificationMessage::VerifyNonce { nonce }) => {
                let words = self.finish(&self.nonce.clone(), &nonce.0);
                let send = VerificationMessage::VerifyReveal { nonce: Bytes32(self.nonce) };
                Ok(Step { send: Some(send), words: Some(words) })
            }
            (Stage::Reveal { commitment }, VerificationMessage::VerifyReveal { nonce }) => {
                // Both are public by now: comparing them may take as long as it likes.
                if self.commitment(&nonce.0) != commitment {
                    return self.fail(VerificationError::Commitment);
                }
                let words = self.finish(&nonce.0, &self.nonce.clone());
                Ok(Step { send: None, words: Some(words) })
            }
            _ => self.fail(VerificationError::OutOfTurn),
        }
    }

    /// Returns the words, once there are any and while they count.
    pub const fn words(&self) -> Option<Words> {
        match self.stage {
            Stage::Done(words) => Some(words),
            _ => None,
        }
    }

    /// Returns why it failed, if it did.
    pub const fn failure(&self) -> Option<VerificationError> {
        match self.stage {
            Stage::Failed(error) => Some(error),
            _ => None,
        }
    }

    fn fail(&mut self, error: VerificationError) -> Result<Step, VerificationError> {
        if self.failure().is_some() {
            return Ok(Step::default());
        }
        self.stage = Stage::Failed(error);
        Err(error)
    }

    fn finish(&mut self, offerer: &[u8; Self::NONCE], answerer: &[u8; Self::NONCE]) -> Words {
        let words = self.derive(offerer, answerer);
        self.stage = Stage::Done(words);
        words
    }

    /// Returns both certificates as both sides order them: the offerer's first.
    const fn fingerprints(&self) -> [&Fingerprint; 2] {
        match self.role {
            Role::Offerer => [&self.own, &self.remote],
            Role::Answerer => [&self.remote, &self.own],
        }
    }

    /// Only who offered commits; that is in the label, and all fields have fixed lengths.
    fn commitment(&self, nonce: &[u8; Self::NONCE]) -> Bytes32 {
        let [offerer, answerer] = self.fingerprints();
        let mut context = Context::new(&SHA256);
        for part in [Self::COMMIT_LABEL, b" offerer", nonce, offerer.as_bytes(), answerer.as_bytes()] {
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Bytes32(bytes)
    }

    fn derive(&self, offerers: &[u8; Self::NONCE], answerers: &[u8; Self::NONCE]) -> Words {
        let [offerer, answerer] = self.fingerprints();
        let secret = [&offerers[..], answerers, offerer.as_bytes(), answerer.as_bytes()].concat();
        let mut bytes = [0; Words::COUNT];
        Salt::new(HKDF_SHA256, Self::WORDS_SALT)
            .extract(&secret)
            .expand(&[Self::WORDS_INFO], Length(Words::COUNT))
            .and_then(|key| key.fill(&mut bytes))
            .expect("HKDF gives as much as 255 hashes");
        Words::from_bytes(bytes)
    }
}

impl std::fmt::Debug for Verification {
    /// Without the nonce: it is a secret until it is revealed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verification").field("role", &self.role).field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// How many bytes are wanted of HKDF.
struct Length(usize);

impl ring::hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
