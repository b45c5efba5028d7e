//! How the passphrase's part of an offer and an answer is written.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::aead::MAX_TAG_LEN;

use super::PassphraseError;

/// What one side tells of its passphrase: a point that nobody can test guesses on. As text it is base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Share([u8; Self::LENGTH]);

impl Share {
    /// So many bytes it has.
    pub const LENGTH: usize = 32;

    /// The crate puts a letter for the side before a share. It does not travel: the description tells the side.
    pub(super) const OFFER: u8 = b'A';
    pub(super) const ANSWER: u8 = b'B';

    /// Returns the share that is these bytes. Whether they are a point shows when it is used.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    pub(super) fn from_message(message: &[u8]) -> Self {
        Self(*message.last_chunk().expect("a side's letter and 32 bytes"))
    }

    pub(super) fn to_message(self, side: u8) -> Vec<u8> {
        [&[side], &self.0[..]].concat()
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({self})")
    }
}

impl FromStr for Share {
    type Err = PassphraseError;

    fn from_str(text: &str) -> Result<Self, PassphraseError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| PassphraseError::Damaged)?;
        bytes.try_into().map(Self).map_err(|_| PassphraseError::Damaged)
    }
}

/// An answer that only who knows the passphrase can read: 32 bytes of share, the text sealed, 16 bytes of seal.
///
/// How long the text is can be seen. As text it is base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(super) share: Share,
    pub(super) ciphertext: Vec<u8>,
}

impl Sealed {
    /// So many bytes it is longer than what is sealed.
    pub const OVERHEAD: usize = Share::LENGTH + MAX_TAG_LEN;

    /// Returns its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.share.0[..], &self.ciphertext].concat()
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// If there are too few of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PassphraseError> {
        let (share, ciphertext) = bytes.split_first_chunk().ok_or(PassphraseError::Damaged)?;
        if ciphertext.len() < MAX_TAG_LEN {
            return Err(PassphraseError::Damaged);
        }
        Ok(Self { share: Share(*share), ciphertext: ciphertext.to_vec() })
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.to_bytes()))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.ciphertext.len())
    }
}

impl FromStr for Sealed {
    type Err = PassphraseError;

    fn from_str(text: &str) -> Result<Self, PassphraseError> {
        Self::from_bytes(&STANDARD.decode(text.trim()).map_err(|_| PassphraseError::Damaged)?)
    }
}
