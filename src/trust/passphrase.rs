//! A word or four digits that two people told each other, against who reads and rewrites what they exchange.
//!
//! SPAKE2 (Abdalla and Pointcheval 2005; RFC 9382, of which the crate is an older variant) inside offer and answer:
//! whoever does not know the passphrase has one guess for each text, made in front of the people, and learns nothing
//! that he could search at home. The answer is sealed with the key that comes of it. The offer cannot be: a key from
//! four digits alone would be found by trying all of them. docs/security.md has the wire form.

mod sealed;

#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hkdf::{HKDF_SHA256, Salt},
    hmac::{self, HMAC_SHA256},
};
use serde::{Deserialize, Serialize};
use spake2::{Ed25519Group, Identity, Password, Spake2};
use zeroize::Zeroizing;

pub use sealed::{Sealed, Share};

/// Why a passphrase did not bring two people together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// There is nothing in it.
    #[error("The passphrase is empty. Type what you told each other: four digits suffice.")]
    Empty,
    /// What came is no share, or no sealed answer. Nothing was tried.
    #[error("What the text says about the passphrase is damaged. Copy the whole text again.")]
    Damaged,
    /// The answer cannot be opened. Which of the causes it is cannot be told.
    #[error(
        "The passphrase differs, or one of the two texts was changed on its way. Make a new offer: each is good for \
         one try, or somebody else could guess on."
    )]
    Refused,
    /// Who is connected could not open our answer.
    #[error(
        "The other side has not shown that it knows the passphrase: it may be somebody else. Hang up, and ask for a \
         new offer with another passphrase."
    )]
    Unproven,
}

/// What two people told each other. Not shown by `Debug`, wiped from memory when it goes.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes what a person typed. White space around it is dropped; all else is compared to the byte, so `é` in
    /// two writings of Unicode is two passphrases.
    ///
    /// # Errors
    /// If nothing is left.
    pub fn new(text: &str) -> Result<Self, PassphraseError> {
        let text = text.trim();
        if text.is_empty() { Err(PassphraseError::Empty) } else { Ok(Self(Zeroizing::new(text.to_owned()))) }
    }

    /// Seals an answer to the offer that carried this share. The context is everything that the offer said, to the
    /// byte: if one of them was rewritten on its way, the answer cannot be opened.
    ///
    /// The answer alone proves nothing to who gives it: somebody who rewrote the offer cannot read it, but can wait at
    /// the other end. So nothing may be sent to the other side, or believed of it, before its proof has been checked.
    ///
    /// # Errors
    /// If the share is damaged.
    ///
    /// # Panics
    /// If the system gives no random numbers.
    pub fn answer(
        &self,
        offered: &Share,
        offer_context: &[u8],
        plaintext: &[u8],
    ) -> Result<(Sealed, AwaitedProof), PassphraseError> {
        let [offer, answer] = identities();
        let (state, message) = Spake2::<Ed25519Group>::start_b(&self.to_password(), &offer, &answer);
        let shared = state.finish(&offered.to_message(Share::OFFER)).map_err(|_| PassphraseError::Damaged)?;
        let keys = Keys::new(&Zeroizing::new(shared), offer_context);
        let mut ciphertext = plaintext.to_vec();
        keys.seal
            .seal_in_place_append_tag(nonce(), Aad::empty(), &mut ciphertext)
            .expect("an answer is shorter than 256 GB");
        Ok((Sealed { share: Share::from_message(&message), ciphertext }, AwaitedProof(keys.prove)))
    }

    fn to_password(&self) -> Password {
        Password::new(self.0.as_bytes())
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

fn identities() -> [Identity; 2] {
    [Identity::new(b"p2pcall offer"), Identity::new(b"p2pcall answer")]
}

/// What who offered keeps until the answer comes. Good for one answer.
pub struct OfferedPassphrase(Spake2<Ed25519Group>);

impl OfferedPassphrase {
    /// Begins. Returns also the share that the offer has to carry, for everybody to see.
    ///
    /// # Panics
    /// If the system gives no random numbers.
    pub fn begin(passphrase: &Passphrase) -> (Self, Share) {
        let [offer, answer] = identities();
        let (state, message) = Spake2::start_a(&passphrase.to_password(), &offer, &answer);
        (Self(state), Share::from_message(&message))
    }

    /// Opens an answer. The context is everything that our offer said, as [`Passphrase::answer`] was given it.
    ///
    /// # Errors
    /// If the passphrase differs or anything was changed. There is no second try.
    pub fn open(self, sealed: &Sealed, offer_context: &[u8]) -> Result<Opened, PassphraseError> {
        let shared = self.0.finish(&sealed.share.to_message(Share::ANSWER)).map_err(|_| PassphraseError::Refused)?;
        let keys = Keys::new(&Zeroizing::new(shared), offer_context);
        let mut text = sealed.ciphertext.clone();
        let length =
            keys.seal.open_in_place(nonce(), Aad::empty(), &mut text).map_err(|_| PassphraseError::Refused)?.len();
        text.truncate(length);
        Ok(Opened { plaintext: text, proof: keys.prove() })
    }
}

impl fmt::Debug for OfferedPassphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfferedPassphrase(…)")
    }
}

/// What was in a sealed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What the other side sealed.
    pub plaintext: Vec<u8>,
    /// To be sent as the first message of the data channel: the other side waits for it.
    pub proof: PassphraseProof,
}

/// Always zero: both sides' shares are fresh, so a key seals one text and no other.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// What both sides derive if they agree in everything.
struct Keys {
    seal: LessSafeKey,
    prove: hmac::Key,
}

impl Keys {
    const SEAL: &[u8] = b"p2pcall passphrase 1 answer";
    const PROVE: &[u8] = b"p2pcall passphrase 1 proof";
    /// What is signed. Only the offerer proves: the answer that opens is the other's proof.
    const OFFERER: &[u8] = b"offerer";

    fn new(shared: &[u8], offer_context: &[u8]) -> Self {
        let secret = Salt::new(HKDF_SHA256, digest(&SHA256, offer_context).as_ref()).extract(shared);
        let info = [Self::SEAL];
        let seal = secret.expand(&info, &CHACHA20_POLY1305).expect("a key is shorter than 255 hashes");
        let info = [Self::PROVE];
        let prove = secret.expand(&info, HMAC_SHA256).expect("a key is shorter than 255 hashes");
        Self { seal: LessSafeKey::new(UnboundKey::from(seal)), prove: prove.into() }
    }

    fn prove(&self) -> PassphraseProof {
        PassphraseProof { proof: STANDARD.encode(hmac::sign(&self.prove, Self::OFFERER)) }
    }
}

/// By what who offered shows that it could open the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename = "passphrase_proof")]
pub struct PassphraseProof {
    /// HMAC-SHA256 in base64.
    proof: String,
}

impl PassphraseProof {
    const NAME: &str = "passphrase_proof";

    /// Returns the message as it is sent.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("plain values are always JSON")
    }

    /// Reads a text of the data channel. `None` if it is about something else.
    ///
    /// # Errors
    /// If it calls itself a proof, and is none.
    pub fn from_text(text: &str) -> Option<Result<Self, PassphraseError>> {
        #[derive(Deserialize)]
        struct Subject {
            say: String,
        }
        let Subject { say } = serde_json::from_str(text).ok()?;
        (say == Self::NAME).then(|| serde_json::from_str(text).map_err(|_| PassphraseError::Unproven))
    }
}

/// The proof that who answered waits for. Good for one.
pub struct AwaitedProof(hmac::Key);

impl AwaitedProof {
    /// Compares, in constant time.
    ///
    /// # Errors
    /// If it is not the one. There is no second try.
    pub fn check(self, proof: &PassphraseProof) -> Result<(), PassphraseError> {
        let tag = STANDARD.decode(&proof.proof).map_err(|_| PassphraseError::Unproven)?;
        hmac::verify(&self.0, Keys::OFFERER, &tag).map_err(|_| PassphraseError::Unproven)
    }
}

impl fmt::Debug for AwaitedProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwaitedProof(…)")
    }
}
