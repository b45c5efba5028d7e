//! The blob: a description as text that a person carries.
//!
//! Written as base64 of the W3C's JSON `{"type","sdp"}` on one line, the form that browsers' examples
//! and other WebRTC tools speak; read in that form however it was wrapped, and as the bare JSON.

mod compact;
mod error;

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

pub use error::BlobError;

use crate::media::Description;

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

/// How a description is written as text. Reading recognises the form; nobody declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlobForm {
    /// Base64 of the W3C's JSON `{"type","sdp"}`: what browsers' examples and most tools speak.
    Plain,
    /// The JSON itself, as aiortc's tools print it.
    Json,
    /// The SDP alone.
    Sdp,
    /// p2pcall's own short form, see `docs/blob-format.md`.
    Compact,
}

impl BlobForm {
    /// Returns the form's name, for options and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Json => "json",
            Self::Sdp => "sdp",
            Self::Compact => "compact",
        }
    }
}

impl fmt::Display for BlobForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A description as it was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub description: Description,
    /// How it was written.
    pub form: BlobForm,
    /// How many characters it had, white space not counted.
    pub characters: usize,
}

/// A description as one line of text.
///
/// `Debug` shows its length alone: whoever has the text can take the call.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionBlob(String);

impl SessionBlob {
    /// Writes a description in one of the forms.
    pub fn encode(description: &Description, form: BlobForm) -> Self {
        let json = || serde_json::to_string(description).expect("two strings are always JSON");
        Self(match form {
            BlobForm::Plain => BASE64.encode(json()),
            BlobForm::Compact => compact::encode(description).unwrap_or_else(|| BASE64.encode(json())),
            BlobForm::Json => json(),
            BlobForm::Sdp => description.sdp.clone(),
        })
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a line of text could be the beginning of a blob.
    pub fn begins(line: &str) -> bool {
        let line = line.trim_start();
        line.starts_with(BASE64_START) || line.starts_with('{') || line.starts_with(compact::PREFIX)
    }

    /// Reads a description from text that may be wrapped at any column.
    ///
    /// # Errors
    /// [`BlobError::Incomplete`] if more text could make it whole; anything else is final.
    pub fn decode(text: &str) -> Result<Description, BlobError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix(compact::PREFIX) {
            let symbols: String = rest.chars().filter(char::is_ascii_alphanumeric).collect();
            return compact::decode(&symbols).map(|(description, _)| description);
        }
        let start: String = text.chars().filter(|c| !c.is_whitespace()).take(BASE64_START.len()).collect();
        if !Self::begins(&start) || text.len() > MAX_CHARACTERS {
            return Err(BlobError::NotABlob);
        }
        let json = if text.starts_with('{') { text.as_bytes().to_vec() } else { from_base64(text)? };
        serde_json::from_slice(&json).map_err(|error| {
            if error.is_eof() {
                BlobError::Incomplete { characters: text.chars().count(), wanted: None }
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
    use crate::media::DescriptionKind;

    fn description(sdp: &str) -> Description {
        Description { kind: DescriptionKind::Offer, sdp: sdp.into() }
    }

    #[test]
    fn the_form_is_what_browsers_write() {
        let blob = SessionBlob::encode(&description("v=0\r\n"), BlobForm::Plain);
        assert_eq!(blob.as_str(), "eyJ0eXBlIjoib2ZmZXIiLCJzZHAiOiJ2PTBcclxuIn0=");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let whole = SessionBlob::encode(&description("v=0\r\na=b:c\r\n"), BlobForm::Plain).0;
        let json = r#"{"type":"offer","sdp":"v=0"}"#;
        assert!(SessionBlob::decode(json).is_ok());
        for (text, expected) in [
            ("", BlobError::NotABlob),
            ("hello there", BlobError::NotABlob),
            (&whole[..20], BlobError::Incomplete { characters: 20, wanted: None }),
            (&whole[..21], BlobError::Incomplete { characters: 21, wanted: None }),
            (&json[..10], BlobError::Incomplete { characters: 10, wanted: None }),
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
            let mut text = SessionBlob::encode(&description, BlobForm::Plain).0;
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
            let text = SessionBlob::encode(&description(&sdp), BlobForm::Plain).0;
            let whole = text.trim_end_matches('=').len() - 3;
            let cut = 3 + ((whole - 3) as f64 * share) as usize;
            prop_assert_eq!(SessionBlob::decode(&text[..cut]), Err(BlobError::Incomplete { characters: cut, wanted: None }));
        }

        #[test]
        fn nothing_panics(text in "\\PC*") {
            let _ = SessionBlob::decode(&text);
            let _ = SessionBlob::decode(&format!("eyJ{text}"));
        }
    }
}
