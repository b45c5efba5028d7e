//! What can be wrong with a blob, told so that a person knows what to do.

use std::time::Duration;

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
    #[error("{}", incomplete(*characters, *wanted, ends))]
    Incomplete {
        /// How many characters of it there are.
        characters: usize,
        /// How many there should be, where the form tells it.
        wanted: Option<usize>,
        /// The last characters that are there, for a person to find the place; empty if unknown.
        ends: String,
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
    #[error(
        "This was made {} ago: nobody can be waiting behind it any more. Ask the other side to make a new one.",
        in_words(*age)
    )]
    TooOld {
        /// How long ago it was made.
        age: Duration,
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
    #[error("{}", another_offer(*answers, *own, *age, *own_age))]
    AnotherOffer {
        /// The offer that it answers.
        answers: ShortId,
        /// Our offer.
        own: ShortId,
        /// How long ago the answer was made.
        age: Duration,
        /// How long ago our offer was made, if it says so.
        own_age: Option<Duration>,
    },
    /// The offer that was answered already.
    #[error("This is the offer that you have answered already. Send them your answer, which stands above.")]
    Answered,
    /// The SDP inside is none.
    #[error("This holds no session that could be joined. Ask the other side to make it again.")]
    NoSession,
    /// The other side knows none of our codecs.
    #[error(
        "The other side offers neither Opus sound nor pictures in H.264 or VP8: there is nothing both can play. Use p2pcall or a browser there."
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
    /// There are addresses in it, but none to which this side can send.
    #[error("{}", out_of_reach(*only))]
    OutOfReach {
        /// What all addresses in it have in common.
        only: OnlyCandidates,
    },
}

/// What makes all candidates of a description useless here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnlyCandidates {
    /// TCP: p2pcall speaks UDP.
    Tcp,
    /// IPv4, and there is no route here.
    Ipv4,
    /// IPv6, and there is no route here.
    Ipv6,
}

fn incomplete(characters: usize, wanted: Option<usize>, ends: &str) -> String {
    let missing = match wanted.map(|wanted| wanted.saturating_sub(characters)) {
        Some(missing @ 1..) => format!(" and the last {missing} are missing"),
        _ => String::new(),
    };
    let place = if ends.is_empty() { String::new() } else { format!(" What is here ends with \"…{ends}\".") };
    format!(
        "This is cut off after {characters} characters{missing}.{place} \
         Copy it again, from the first character to the last."
    )
}

fn another_offer(answers: ShortId, own: ShortId, age: Duration, own_age: Option<Duration>) -> String {
    let own_age = own_age.map_or_else(String::new, |age| format!(", made {} ago", in_words(age)));
    format!(
        "This answer, made {} ago, is to another offer ({answers}), not to the one that waits here ({own}{own_age}). \
         Send them this offer, and paste their answer to it.",
        in_words(age)
    )
}

fn out_of_reach(only: OnlyCandidates) -> &'static str {
    match only {
        OnlyCandidates::Tcp => {
            "The other side can be reached over TCP alone, and p2pcall speaks UDP. \
             Ask them to allow UDP or to use a TURN server, and to make it again."
        }
        OnlyCandidates::Ipv4 => {
            "The other side can be reached over IPv4 alone, and there is no IPv4 here. \
             Use a TURN server that has both, or a network with IPv4, and begin again."
        }
        OnlyCandidates::Ipv6 => {
            "The other side can be reached over IPv6 alone, and there is no IPv6 here. \
             Use a TURN server that has both, or a network with IPv6, and begin again."
        }
    }
}

/// Tells a duration as a person would: in whole minutes, hours or days.
fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (number, unit) = match seconds {
        ..60 => return "less than a minute".to_owned(),
        60..5400 => (seconds / 60, "minute"),
        5400..129_600 => ((seconds + 1800) / 3600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_how_much_and_how_long() {
        let id = |text: &str| text.parse().expect("a short id");
        let cut = |wanted, ends: &str| BlobError::Incomplete { characters: 90, wanted, ends: ends.into() };
        for (error, words) in [
            (cut(None, ""), "cut off after 90 characters. Copy"),
            (
                cut(Some(132), "4xYz"),
                "after 90 characters and the last 42 are missing. What is here ends with \"…4xYz\".",
            ),
            (BlobError::TooOld { age: Duration::from_secs(13 * 3600) }, "made 13 hours ago"),
            (
                BlobError::AnotherOffer {
                    answers: id("abc123"),
                    own: id("xyz789"),
                    age: Duration::from_secs(185),
                    own_age: Some(Duration::from_secs(5)),
                },
                "made 3 minutes ago, is to another offer (abc123), not to the one that waits here (xyz789, made less than a minute ago)",
            ),
        ] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn durations_are_told_as_people_do() {
        for (seconds, expected) in [
            (0, "less than a minute"),
            (60, "1 minute"),
            (5399, "89 minutes"),
            (5400, "2 hours"),
            (129_599, "36 hours"),
            (129_600, "2 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        }
    }
}
