//! What a person calls a contact.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name for a contact, which only the person who chose it sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContactName(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactNameError {
    /// There is nothing in it.
    #[error("The name is empty. Give the contact one.")]
    Empty,
    /// It is too long.
    #[error("The name is longer than {} characters. Shorten it.", ContactName::CHARACTERS)]
    Long,
    /// A terminal would not show it as it is.
    #[error("The name has characters that are not shown, such as line ends. Leave them out.")]
    Control,
}

impl ContactName {
    /// So many characters it may have.
    pub const CHARACTERS: usize = 64;

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character does something to a terminal, or to the order in which others are shown.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl FromStr for ContactName {
    type Err = ContactNameError;

    /// Takes what a person typed, without white space around it. Names that differ in case are two.
    fn from_str(text: &str) -> Result<Self, ContactNameError> {
        let text = text.trim();
        if text.is_empty() {
            Err(ContactNameError::Empty)
        } else if text.chars().any(is_control) {
            Err(ContactNameError::Control)
        } else if text.chars().count() > Self::CHARACTERS {
            Err(ContactNameError::Long)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl TryFrom<String> for ContactName {
    type Error = ContactNameError;

    fn try_from(text: String) -> Result<Self, ContactNameError> {
        text.parse()
    }
}

impl From<ContactName> for String {
    fn from(name: ContactName) -> Self {
        name.0
    }
}

impl fmt::Display for ContactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_can_be_shown() {
        let longest = "ü".repeat(ContactName::CHARACTERS);
        for (text, expected) in [
            ("Anna", Ok("Anna")),
            (" Anna Blume\n", Ok("Anna Blume")),
            ("Ω 👩‍🚀", Ok("Ω 👩‍🚀")),
            (&longest, Ok(longest.as_str())),
            (&format!("{longest}x"), Err(ContactNameError::Long)),
            ("", Err(ContactNameError::Empty)),
            (" \n", Err(ContactNameError::Empty)),
            ("An\nna", Err(ContactNameError::Control)),
            ("\u{1b}[2JAnna", Err(ContactNameError::Control)),
            ("ann\u{202e}a", Err(ContactNameError::Control)),
        ] {
            assert_eq!(
                text.parse::<ContactName>().as_ref().map(ContactName::as_str),
                expected.as_ref().map(|name| *name)
            );
        }
    }
}
