//! The blob: a description as text that a person carries.
//!
//! Written as base64 of the W3C's JSON `{"type","sdp"}` on one line, the form that browsers' examples
//! and other WebRTC tools speak. Read in every form and after whatever mail and chat programs did to
//! it: [`views`](view) of the text, in each view every place where a blob may begin, and of what is found there the
//! first that is whole.

mod characters;
mod compact;
mod envelope;
mod error;
mod json;
mod mend;
mod plain;
mod sdp_line;
mod sdp_text;
mod search;
mod symbols;
mod view;

use std::fmt;

use base64::Engine;

pub use error::{BlobError, OnlyCandidates};

use crate::media::Description;

pub(super) use search::search;

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
    /// Whether the text shows that this is all of it. `false` for SDP by itself to which further lines
    /// could belong: it ends with an empty line or one that is no SDP. Who reads from a pipe waits for
    /// that or for the pipe's end, who reads from a terminal for a pause; then the text may be read again
    /// with an empty line (`"\n\n"`) added, which makes the end clear and errors exact.
    pub end_is_clear: bool,
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
            BlobForm::Plain => plain::BASE64.encode(json()),
            BlobForm::Compact => compact::encode(description).unwrap_or_else(|| plain::BASE64.encode(json())),
            BlobForm::Json => json(),
            BlobForm::Sdp => description.sdp.clone(),
        })
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text could hold a blob or the beginning of one. Cheap, and never wrong when it says no
    /// of a line that holds at least the first characters of a blob.
    pub fn may_be_in(text: &str) -> bool {
        // Each way in which the first characters of JSON, SDP and the compact form are written.
        const BEGINNINGS: [&str; 10] =
            ["v=0\\", "%257b", "v%253d0", "%7b", "=7b", "&#123;", "&lbrace;", "v=3d0", "v%3d0", "\u{ff5b}"];
        let small = text.to_lowercase();
        let clean = characters::clean(text);
        let opens = |(at, _): (usize, &str)| {
            let next = clean[at + 1..].trim_start().trim_start_matches('\\').chars().next();
            next.is_none_or(|next| matches!(next, '"' | '\'' | '&' | '=' | '%'))
        };
        BEGINNINGS.iter().any(|beginning| small.contains(beginning))
            || clean.match_indices('{').any(opens)
            || clean.split_whitespace().any(plain::begins_in)
            || clean.lines().any(sdp_text::begins_in)
            || view::bare(&clean).lines().any(sdp_text::begins_in)
            || envelope::begins_in(&clean)
    }

    /// Finds the first whole blob in a text, whatever it is.
    ///
    /// # Errors
    /// [`BlobError::Incomplete`] if more text could make it whole; what is wrong otherwise.
    pub fn find(text: &str) -> Result<Found, BlobError> {
        search(text, |_| Ok(()))
    }
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
mod tests;
