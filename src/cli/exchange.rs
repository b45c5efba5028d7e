//! The exchange with the person: hands our text over, asks for the other one.

mod clipboard;
mod consent;
mod handout;
mod letter;
mod lines;
mod pasted;
mod qr;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{Mutex, mpsc};

pub(super) use clipboard::Surroundings;
pub(super) use consent::Consent;
pub(super) use handout::Wishes;

use super::StatusLine;
use crate::{
    media::{DescriptionKind, wall_clock},
    signaling::{BlobError, BlobForm, Expected, Found, Manual, SessionBlob, Signaling, SignalingError},
};

/// How often a file that is not there yet is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Where the other side's blob comes from.
#[derive(Clone, Debug)]
pub(super) enum From {
    /// The command line.
    Argument(String),
    /// A file, which may have to be waited for.
    File(PathBuf),
    /// A terminal, where a person pastes it.
    Terminal,
    /// Standard input that is no terminal. Lines after the blob stay in it.
    Lines(Arc<Mutex<mpsc::Receiver<String>>>),
}

impl From {
    pub(super) fn lines(lines: mpsc::Receiver<String>) -> Self {
        Self::Lines(Arc::new(Mutex::new(lines)))
    }
}

/// Tells what there is in a text.
type Judge = dyn Fn(&str) -> Result<Found, BlobError> + Send + Sync;

/// What is looked for in a text.
#[derive(Clone)]
pub(super) struct Sought {
    /// In a word, with the article "an".
    what: &'static str,
    judge: Arc<Judge>,
}

impl Sought {
    pub(super) fn new(
        what: &'static str,
        judge: impl Fn(&str) -> Result<Found, BlobError> + Send + Sync + 'static,
    ) -> Self {
        Self { what, judge: Arc::new(judge) }
    }

    fn expected(expected: Expected) -> Self {
        let what = match expected.kind {
            DescriptionKind::Offer => "offer",
            DescriptionKind::Answer => "answer",
        };
        Self::new(what, move |text| expected.read(text, wall_clock()))
    }

    fn judge(&self, text: &str) -> Result<Found, BlobError> {
        (self.judge)(text)
    }

    /// Judges a text to which nothing will be added: an empty line makes its end clear.
    fn judge_whole(&self, text: &str) -> Result<Found, BlobError> {
        self.judge(&format!("{text}\n\n"))
    }
}

/// Returns signaling through the person in front of the terminal, or through files and pipes. Our
/// text is written in the form `form`; without one an offer is plain, and an answer like the offer. With `consent` the
/// person is asked before an offer is taken.
pub(super) fn signaling(
    from: From,
    form: Option<BlobForm>,
    wishes: Wishes,
    consent: Option<Consent>,
    line: StatusLine,
) -> impl Signaling {
    let quiet = wishes.quiet;
    // The status line asks for the paste, and the code must be seen whole.
    let silent = quiet || wishes.qr;
    let mut handout = handout::Handout::new(wishes, line.clone());
    let mut asker = Asker { from, line, quiet, reader: pasted::Reader::default(), again: false };
    let ask = move |expected: Expected| {
        if !silent && matches!(asker.from, From::Terminal) {
            asker.line.print(prompt(&expected));
        }
        let (asking, line) = (asker.clone(), asker.line.clone());
        let consent = consent.clone().filter(|_| expected.kind == DescriptionKind::Offer);
        asker.again = true;
        async move {
            let found = asking.ask(Sought::expected(expected)).await?;
            if let Some(consent) = consent {
                consent.ask(&found, &line).await?;
            }
            Ok(Found { form: form.unwrap_or(found.form), ..found })
        }
    };
    Manual::new(move |blob: SessionBlob| handout.show(&blob), ask, form.unwrap_or(BlobForm::Plain))
}

/// Reads what is sought from where it comes from.
pub(super) async fn read(from: From, sought: Sought, line: StatusLine, quiet: bool) -> Result<Found, SignalingError> {
    Asker { from, line, quiet, reader: pasted::Reader::default(), again: false }.ask(sought).await
}

const fn prompt(expected: &Expected) -> &'static str {
    match (expected.kind, &expected.answered) {
        (DescriptionKind::Offer, None) => "Paste here the offer you were sent:",
        (DescriptionKind::Offer, Some(_)) => "If they send you another offer, paste it here, too.",
        (DescriptionKind::Answer, _) => "Paste their answer here:",
    }
}

/// Asks for the other side's text.
#[derive(Clone)]
struct Asker {
    from: From,
    line: StatusLine,
    quiet: bool,
    reader: pasted::Reader,
    /// Something else was asked for before: our own description has changed meanwhile.
    again: bool,
}

impl Asker {
    async fn ask(self, sought: Sought) -> Result<Found, SignalingError> {
        match self.from {
            // There is no other.
            From::Argument(_) if self.again => std::future::pending().await,
            From::Argument(text) => sought.judge(&text).map_err(Into::into),
            From::File(path) => from_file(&path, &sought, &self.line, self.again).await,
            From::Terminal => pasted::from_terminal(self.reader, sought, self.line, self.quiet).await,
            From::Lines(lines) => lines::from_lines(&mut *lines.lock().await, &sought, &self.line, self.quiet).await,
        }
    }
}

/// Looks for a text in a file until it is there. When it is looked for `again`, the file may still
/// hold what fitted before.
async fn from_file(path: &Path, sought: &Sought, line: &StatusLine, again: bool) -> Result<Found, SignalingError> {
    // The text, and whether it stayed the same from one look to the next.
    let mut last = (None, false);
    let mut told = false;
    loop {
        match std::fs::read(path) {
            Ok(bytes) => {
                let text = text(&bytes);
                // Somebody may still be writing it: only what stays the same is all there is.
                let stays = last.0.as_ref() == Some(&text);
                if stays && last.1 {
                    // It was judged as all there is, and still is: that is no work to do five times a second.
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
                match sought.judge(&text) {
                    Ok(found) if found.end_is_clear || stays => return Ok(found),
                    Err(BlobError::Incomplete { .. }) if stays => match sought.judge_whole(&text) {
                        Err(error @ BlobError::Incomplete { .. }) if !told => {
                            told = true;
                            line.print(&format!("{error} {} is looked at until it is whole.", path.display()));
                        }
                        Err(BlobError::Incomplete { .. }) => {}
                        verdict => return verdict.map_err(Into::into),
                    },
                    Ok(_) | Err(BlobError::Incomplete { .. }) => {}
                    Err(BlobError::NotABlob) if text.trim().is_empty() => {}
                    Err(BlobError::AnotherOffer { .. } | BlobError::Answered) if again => {}
                    Err(error) if stays => return Err(error.into()),
                    Err(_) => {}
                }
                last = (Some(text), stays);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(SignalingError::Ended(format!("{} cannot be read: {error}.", path.display())));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Returns the text in a file. Windows' own shell writes UTF-16.
pub(super) fn text(bytes: &[u8]) -> String {
    match bytes.strip_prefix(&[0xff, 0xfe]) {
        Some(utf_16) => {
            let units = utf_16.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Whether a person can be asked.
pub(super) fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_text_however_written() {
        let utf_16: Vec<u8> = "\u{feff}eyJä\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, expected) in
            [(&b"eyJ\n"[..], "eyJ\n"), (&utf_16, "eyJä\r\n"), (b"eyJ\xe4", "eyJ\u{fffd}"), (b"", "")]
        {
            assert_eq!(text(bytes), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_waited_for_until_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("offer");
        let line = StatusLine::plain(std::io::sink());
        // Grows by a character each time it is looked at.
        let grown = path.clone();
        let judge = move |text: &str| {
            std::fs::write(&grown, format!("{text}x")).expect("room");
            match text.len() {
                3.. => Err(BlobError::Newer),
                characters => Err(BlobError::Incomplete { characters, wanted: None, ends: String::new() }),
            }
        };
        std::fs::write(&path, "x").expect("room");
        let sought = Sought::new("offer", judge);
        let growing = from_file(&path, &sought, &line, false);
        // What is wrong but changes may still become right.
        assert!(tokio::time::timeout(LOOK * 10, growing).await.is_err());

        // What does not change is judged in both ways it can be, and then no more.
        let judged = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = judged.clone();
        let cut = Sought::new("offer", move |text| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Err(BlobError::Incomplete { characters: text.len(), wanted: None, ends: String::new() })
        });
        assert!(tokio::time::timeout(LOOK * 50, from_file(&path, &cut, &line, false)).await.is_err());
        assert_eq!(judged.load(std::sync::atomic::Ordering::Relaxed), 3);

        let wrong = Sought::new("offer", |_| Err(BlobError::Newer));
        assert_eq!(from_file(&path, &wrong, &line, false).await, Err(BlobError::Newer.into()));
    }
}
