//! The blob: a description as text that a person carries.
//!
//! Written as base64 of the W3C's JSON `{"type","sdp"}` on one line, the form that browsers' examples
//! and other WebRTC tools speak; read in that form however it was wrapped, and as the bare JSON.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::media::{Description, DescriptionKind};

/// Longer texts are no blob: real ones have a few thousand characters.
const MAX_CHARACTERS: usize = 256 * 1024;

/// Reads with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How base64 of a JSON object begins.
const BASE64_START: &str = "eyJ";

/// What is wrong with a blob, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is nothing like a blob in the text.
    #[error(
        "There is no offer or answer in this. Paste the whole text that the other p2pcall printed: it begins with \"eyJ\"."
    )]
    NotABlob,
    /// The text ends too early.
    #[error("This is cut off after {characters} characters. Copy it again, from the first character to the last.")]
    Incomplete {
        /// How many characters of it there are.
        characters: usize,
    },
    /// The text was changed on its way.
    #[error("This was damaged on its way ({reason}). Copy it again, or send it as a file.")]
    Damaged {
        /// What the decoder stumbled over.
        reason: String,
    },
    /// An answer where an offer belongs, or the other way round.
    #[error("{}", wrong_kind(*got, *wanted))]
    WrongKind {
        /// What it is.
        got: DescriptionKind,
        /// What is needed here.
        wanted: DescriptionKind,
    },
    /// What this very program printed.
    #[error("This is your own {0}. Send it to the other person, and paste here what they send back.")]
    Own(DescriptionKind),
    /// The SDP inside is none.
    #[error("This holds no session that could be joined. Ask the other side to make it again.")]
    NoSession,
    /// The other side knows neither H.264 nor Opus.
    #[error(
        "The other side offers neither Opus sound nor H.264 pictures: there is nothing both can play. Use p2pcall or a browser with H.264 there."
    )]
    NoCommonCodec,
    /// The WebRTC library does not take it.
    #[error("The session in this cannot be joined ({reason}). Ask the other side to make it again.")]
    Refused {
        /// What the library said.
        reason: String,
    },
    /// There is no address in it.
    #[error(
        "There is no address in this at which the other side could be reached. Ask them to look at their network and to make it again."
    )]
    NoCandidate,
}

fn wrong_kind(got: DescriptionKind, wanted: DescriptionKind) -> &'static str {
    match (got, wanted) {
        (DescriptionKind::Answer, _) => {
            "This is an answer, but an offer is needed here. Paste it in the terminal that printed your offer."
        }
        (DescriptionKind::Offer, _) => {
            "This is an offer, but an answer is needed here. To answer it, run \"p2pcall answer\" and paste it there; \
             only one of you runs \"p2pcall offer\"."
        }
    }
}

/// A description as one line of text.
///
/// `Debug` shows its length alone: whoever has the text can take the call.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionBlob(String);

impl SessionBlob {
    /// Writes a description.
    pub fn encode(description: &Description) -> Self {
        let json = serde_json::to_string(description).expect("two strings are always JSON");
        Self(BASE64.encode(json))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a line of text could be the beginning of a blob.
    pub fn begins(line: &str) -> bool {
        let line = line.trim_start();
        line.starts_with(BASE64_START) || line.starts_with('{')
    }

    /// Reads a description from text that may be wrapped at any column.
    ///
    /// # Errors
    /// [`BlobError::Incomplete`] if more text could make it whole; anything else is final.
    pub fn decode(text: &str) -> Result<Description, BlobError> {
        let text = text.trim();
        let start: String = text.chars().filter(|c| !c.is_whitespace()).take(BASE64_START.len()).collect();
        if !Self::begins(&start) || text.len() > MAX_CHARACTERS {
            return Err(BlobError::NotABlob);
        }
        let json = if text.starts_with('{') { text.as_bytes().to_vec() } else { from_base64(text)? };
        serde_json::from_slice(&json).map_err(|error| {
            if error.is_eof() {
                BlobError::Incomplete { characters: text.chars().count() }
            } else {
                BlobError::Damaged { reason: error.to_string() }
            }
        })
    }
}

fn from_base64(text: &str) -> Result<Vec<u8>, BlobError> {
    let mut symbols: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        // base64url is the same but for two symbols (RFC 4648, 5).
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    // A single symbol left over holds no whole byte: more is to come, and what is there can be read.
    let unpadded = symbols.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    if unpadded % 4 == 1 {
        symbols.truncate(unpadded - 1);
    }
    BASE64.decode(&symbols).map_err(|error| BlobError::Damaged { reason: error.to_string() })
}

impl fmt::Display for SessionBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionBlob({} characters)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn description(sdp: &str) -> Description {
        Description { kind: DescriptionKind::Offer, sdp: sdp.into() }
    }

    #[test]
    fn the_form_is_what_browsers_write() {
        let blob = SessionBlob::encode(&description("v=0\r\n"));
        assert_eq!(blob.as_str(), "eyJ0eXBlIjoib2ZmZXIiLCJzZHAiOiJ2PTBcclxuIn0=");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let whole = SessionBlob::encode(&description("v=0\r\na=b:c\r\n")).0;
        let json = r#"{"type":"offer","sdp":"v=0"}"#;
        assert!(SessionBlob::decode(json).is_ok());
        for (text, expected) in [
            ("", BlobError::NotABlob),
            ("hello there", BlobError::NotABlob),
            (&whole[..20], BlobError::Incomplete { characters: 20 }),
            (&whole[..21], BlobError::Incomplete { characters: 21 }),
            (&json[..10], BlobError::Incomplete { characters: 10 }),
        ] {
            assert_eq!(SessionBlob::decode(text), Err(expected), "{text}");
        }
        let damaged = [whole.replacen('J', "!", 2), BASE64.encode("{\"type\":\"maybe\",\"sdp\":\"\"}")];
        for text in [format!("eyJ{}", &damaged[0][3..]), damaged[1].clone()] {
            assert!(matches!(SessionBlob::decode(&text), Err(BlobError::Damaged { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_wrapping_is_read(sdp in "\\PC{0,200}", column in 1_usize..100, url in any::<bool>(), padded in any::<bool>()) {
            let description = description(&sdp);
            let mut text = SessionBlob::encode(&description).0;
            if url {
                text = text.replace('+', "-").replace('/', "_");
            }
            if !padded {
                text = text.trim_end_matches('=').into();
            }
            let wrapped: Vec<&str> = text.as_bytes().chunks(column).filter_map(|line| std::str::from_utf8(line).ok()).collect();
            prop_assert_eq!(SessionBlob::decode(&wrapped.join("\r\n  ")), Ok(description));
        }

        #[test]
        fn any_beginning_is_incomplete(sdp in "\\PC{1,100}", share in 0.0..1.0_f64) {
            let text = SessionBlob::encode(&description(&sdp)).0;
            let whole = text.trim_end_matches('=').len() - 3;
            let cut = 3 + ((whole - 3) as f64 * share) as usize;
            prop_assert_eq!(SessionBlob::decode(&text[..cut]), Err(BlobError::Incomplete { characters: cut }));
        }

        #[test]
        fn nothing_panics(text in "\\PC*") {
            let _ = SessionBlob::decode(&text);
            let _ = SessionBlob::decode(&format!("eyJ{text}"));
        }
    }
}
