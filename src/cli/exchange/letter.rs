//! Our text in a letter, for somebody who has never heard of p2pcall.

use crate::{
    cli::status::wrapped,
    media::DescriptionKind,
    signaling::{BlobForm, ShortId},
};

/// Mail programs break longer lines.
const COLUMNS: usize = 72;

/// Where the program's source is, if the package says so.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// What a letter says.
pub(super) struct Letter<'a> {
    pub(super) kind: DescriptionKind,
    pub(super) blob: &'a str,
    pub(super) form: BlobForm,
    pub(super) id: Option<ShortId>,
    /// The offer that an answer belongs to.
    pub(super) answers: Option<ShortId>,
    /// Until when we wait.
    pub(super) until: &'a str,
}

impl Letter<'_> {
    /// Returns the letter. Whoever reads our texts finds the one in it.
    pub(super) fn write(&self) -> String {
        let paragraphs = match self.kind {
            DescriptionKind::Offer => vec![
                fill(
                    "I would like to make a video call with you, straight from my computer to yours, without an account \
                     and without a server in between. It takes a program called p2pcall on your side, too.",
                ),
                fill(&source()),
                "1. Open a terminal and run:\n\n       p2pcall answer".into(),
                "2. Paste this whole message there. You get a text in return.".into(),
                "3. Send me that text. When I paste it here, we see each other.".into(),
                fill(&format!("My side waits until {} at the latest.", self.until)),
            ],
            DescriptionKind::Answer => vec![
                fill(&format!(
                    "Here is my answer to your offer{}. Paste this whole message into the terminal where p2pcall waits for \
                     it. The call then begins.",
                    self.answers.map(|id| format!(" {id}")).unwrap_or_default()
                )),
                fill(&format!("My side waits until {} at the latest.", self.until)),
            ],
        };
        let title = match (self.kind, self.id) {
            (DescriptionKind::Offer, Some(id)) => format!("Offer {id}:"),
            (DescriptionKind::Offer, None) => "Offer:".into(),
            (DescriptionKind::Answer, Some(id)) => format!("Answer {id}:"),
            (DescriptionKind::Answer, None) => "Answer:".into(),
        };
        [paragraphs, vec![title, self.wrapped()]].concat().join("\n\n") + "\n"
    }

    fn wrapped(&self) -> String {
        match self.form {
            // Their lines mean something.
            BlobForm::Json | BlobForm::Sdp => self.blob.trim_end().to_owned(),
            _ => {
                let characters: Vec<char> = self.blob.chars().collect();
                let lines: Vec<String> = characters.chunks(COLUMNS).map(|line| line.iter().collect()).collect();
                lines.join("\n")
            }
        }
    }
}

fn source() -> String {
    match REPOSITORY {
        "" => "If you do not have it yet, ask me where to get it.".into(),
        repository => format!(
            "If you do not have it: {repository} says how to get it; with Rust it is \"cargo install --git {repository}\"."
        ),
    }
}

/// Breaks a paragraph into lines.
fn fill(paragraph: &str) -> String {
    wrapped(paragraph, COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(kind: DescriptionKind, blob: &str, form: BlobForm) -> String {
        let id = |text: &str| text.parse().ok();
        Letter { kind, blob, form, id: id("7k2m9q"), answers: id("abc123"), until: "23 November, 02:14 CET" }.write()
    }

    #[test]
    fn a_letter_tells_what_to_do() {
        let blob = "eyJ0eXBlIjoi".repeat(20);
        let offer = letter(DescriptionKind::Offer, &blob, BlobForm::Plain);
        for words in ["p2pcall answer", "Offer 7k2m9q:", "until 23 November, 02:14 CET", "Send me that text"] {
            assert!(offer.contains(words), "{words}: {offer}");
        }
        let answer = letter(DescriptionKind::Answer, &blob, BlobForm::Compact);
        assert!(answer.contains("your offer abc123") && answer.contains("Answer 7k2m9q:"), "{answer}");
        for text in [offer, answer] {
            assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
            let joined: String = text.split_whitespace().collect();
            assert!(joined.ends_with(&blob), "{text}");
        }
    }

    #[test]
    fn lines_that_mean_something_are_kept() {
        let json = format!("{{\"type\":\"offer\",\"sdp\":\"{}\"}}", "a=x\\r\\n".repeat(40));
        assert!(letter(DescriptionKind::Offer, &json, BlobForm::Json).ends_with(&format!("\n\n{json}\n")));
        let sdp = "v=0\r\ns=-\r\n";
        assert!(letter(DescriptionKind::Offer, sdp, BlobForm::Sdp).ends_with("\n\nv=0\r\ns=-\n"));
    }
}
