//! What can be wrong with a blob, told so that a person knows what to do.

use std::time::SystemTime;

use super::super::ShortId;
use crate::media::DescriptionKind;

/// What is wrong with a blob, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is nothing like a blob in the text.
    #[error("There is no offer or answer in this. Paste the whole text that the other p2pcall printed.")]
    NotABlob,
    /// The text ends too early.
    #[error("This is cut off after {characters} characters. Copy it again, from the first character to the last.")]
    Incomplete {
        /// How many characters of it there are.
        characters: usize,
        /// How many there should be, where the form tells it.
        wanted: Option<usize>,
    },
    /// The text was changed on its way.
    #[error("This was damaged on its way ({reason}). Copy it again, or send it as a file.")]
    Damaged {
        /// What the decoder stumbled over.
        reason: String,
    },
    /// A later version of p2pcall made it.
    #[error("This was made by a newer p2pcall than yours. Update yours, or ask for the text that --blob plain prints.")]
    Newer,
    /// Its sender's session cannot be alive any more.
    #[error("This is too old: nobody can be waiting behind it any more. Ask the other side to make a new one.")]
    TooOld {
        /// When it was made.
        created: SystemTime,
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
    /// An answer to an offer that is not the one waiting here.
    #[error(
        "This answers another offer ({answers}), not yours ({own}). Send them your offer, and paste their answer to it."
    )]
    AnotherOffer {
        /// The offer that it answers.
        answers: ShortId,
        /// Our offer.
        own: ShortId,
        /// When the answer was made.
        created: SystemTime,
        /// When our offer was made.
        own_created: Option<SystemTime>,
    },
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
