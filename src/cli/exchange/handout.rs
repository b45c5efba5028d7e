//! Hands our text over to the person: printed, in a file, in a letter, as a QR code, on the clipboard.

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    clipboard::{Clipboard, Surroundings, Way},
    letter::Letter,
    qr::{self, Paint},
};
use crate::{
    cli::{StatusLine, when},
    media::{DescriptionKind, wall_clock},
    signaling::{Found, LIFETIME, SessionBlob, ShortId, SignalingError, Stamp},
};

/// How our text is to be handed over.
#[derive(Debug)]
pub(in crate::cli) struct Wishes {
    /// The file that takes the text instead of standard output.
    pub(in crate::cli) file: Option<PathBuf>,
    /// As a link to the page at this address.
    pub(in crate::cli) link: Option<String>,
    /// As a letter.
    pub(in crate::cli) mail: bool,
    /// As a QR code, too.
    pub(in crate::cli) qr: bool,
    /// On the clipboard, too; whose is for the surroundings to say.
    pub(in crate::cli) copy: Option<Surroundings>,
    /// Whether a QR code can be painted black on white.
    pub(in crate::cli) paints: bool,
    /// So long we wait, if that is limited.
    pub(in crate::cli) wait: Option<Duration>,
    /// Only errors and what was asked for.
    pub(in crate::cli) quiet: bool,
}

/// Hands our texts over, one after the other: a network that changes makes a new one necessary.
#[derive(Debug)]
pub(super) struct Handout {
    wishes: Wishes,
    line: StatusLine,
    clipboard: Option<Clipboard>,
    begun: SystemTime,
    /// A text was handed over before.
    again: bool,
}

impl Handout {
    pub(super) fn new(wishes: Wishes, line: StatusLine) -> Self {
        let clipboard = wishes.copy.map(Clipboard::new);
        Self { wishes, line, clipboard, begun: wall_clock(), again: false }
    }

    /// Hands a text over.
    pub(super) fn show(&mut self, blob: &SessionBlob) -> Result<(), SignalingError> {
        let found = SessionBlob::find(blob.as_str())?;
        let kind = found.description.kind;
        self.say(words(kind, self.again, self.wishes.link.is_some()));
        self.again = true;

        let blob = match &self.wishes.link {
            Some(page) => format!("{page}#{blob}"),
            None => blob.to_string(),
        };
        let text = if self.wishes.mail { self.letter(&blob, &found) } else { format!("{blob}\n") };
        match &self.wishes.file {
            Some(path) => {
                write(path, &text).map_err(|error| failed(&path.display().to_string(), &error))?;
                self.say(&format!("Your {kind} is written to {}.", path.display()));
            }
            None => self.line.aside(|| {
                let mut out = io::stdout().lock();
                let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
                printed.map_err(|error| failed("standard output", &error))
            })?,
        }
        self.copy(text.trim_end());
        // Last: it must be seen whole.
        self.draw(&blob);
        Ok(())
    }

    fn letter(&self, blob: &str, Found { description, form, .. }: &Found) -> String {
        let stamp = Stamp::of(description).ok().flatten();
        let made = stamp.map_or_else(wall_clock, Stamp::created);
        let until = self.wishes.wait.map_or(made + LIFETIME, |wait| (self.begun + wait).min(made + LIFETIME));
        Letter {
            kind: description.kind,
            blob,
            form: *form,
            id: ShortId::of(description),
            answers: stamp.and_then(Stamp::answers),
            until: &when::day_and_time(until, &when::here()),
        }
        .write()
    }

    fn copy(&mut self, text: &str) {
        let Some(clipboard) = &mut self.clipboard else { return };
        let way = self.line.aside(|| clipboard.copy(text));
        match way {
            Some(Way::System | Way::WlCopy) => self.say("Copied to the clipboard."),
            Some(Way::Tmux) => self.say(
                "Copied to tmux and sent to your terminal's clipboard; if pasting gives nothing, copy the text itself.",
            ),
            Some(Way::Terminal) => {
                self.say("Sent to your terminal's clipboard (OSC 52); if pasting gives nothing, copy the text itself.")
            }
            None => self.line.print("There is no clipboard here: no display, and no terminal. Copy the text itself."),
        }
    }

    fn draw(&self, blob: &str) {
        if !self.wishes.qr {
            return;
        }
        let terminal = io::stderr().is_terminal();
        let room = terminal.then(|| crossterm::terminal::size().ok()).flatten();
        // A terminal that was never told its size calls it zero.
        let room = room.filter(|(columns, rows)| *columns > 0 && *rows > 0);
        let room = room.map(|(columns, rows)| (columns.into(), rows.into()));
        let paint = if self.wishes.paints { Paint::Colours } else { Paint::Blocks };
        match qr::render(blob, room, paint) {
            Ok(code) => self.line.print(code.trim_end_matches('\n')),
            Err(error) => self.line.print(&error.to_string()),
        }
    }

    fn say(&self, words: &str) {
        if !self.wishes.quiet {
            self.line.print(words);
        }
    }
}

const fn words(kind: DescriptionKind, again: bool, link: bool) -> &'static str {
    match (kind, again) {
        (DescriptionKind::Offer, false) if link => {
            "Send this link to the other person, by mail or chat. They open it in a browser; they get an answer for you."
        }
        (DescriptionKind::Offer, false) => {
            "Send this offer to the other person, by mail or chat. They run \"p2pcall answer\" and paste it; \
             they get an answer for you."
        }
        (DescriptionKind::Offer, true) => {
            "The offer you sent may lead nowhere now: send this new one. An answer to the old one is read, too, if it comes."
        }
        (DescriptionKind::Answer, false) => {
            "Send this answer back to the other person. The call begins when they paste it."
        }
        (DescriptionKind::Answer, true) => {
            "The answer you sent may lead nowhere now: send this new one, to be pasted instead of it."
        }
    }
}

/// Writes a file in one piece: whoever waits for it must not see half of it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, text)?;
    std::fs::rename(&partial, path)
}

fn failed(place: &str, error: &io::Error) -> SignalingError {
    SignalingError::Ended(format!("Our text cannot be written to {place}: {error}."))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{media::Description, signaling::BlobForm};

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn wishes(file: PathBuf) -> Wishes {
        Wishes {
            file: Some(file),
            link: None,
            mail: false,
            qr: false,
            copy: None,
            paints: false,
            wait: None,
            quiet: false,
        }
    }

    fn blob(address: &str) -> SessionBlob {
        let sdp = format!(
            "v=0\r\na=fingerprint:sha-256 AA\r\na=ice-ufrag:x\r\na=candidate:1 1 udp 1 {address} 9 typ host\r\n"
        );
        SessionBlob::encode(&Description { kind: DescriptionKind::Offer, sdp }, BlobForm::Plain)
    }

    #[test]
    fn a_new_text_replaces_the_old_one_and_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("offer");
        let output = Output::default();
        let qr = Wishes { qr: true, ..wishes(file.clone()) };
        let mut handout = Handout::new(qr, StatusLine::plain(output.clone()));
        for (address, words) in [("192.0.2.1", "Send this offer"), ("192.0.2.2", "send this new one")] {
            let blob = blob(address);
            handout.show(&blob).expect("a place to write to");
            assert_eq!(std::fs::read_to_string(&file).expect("it is there"), format!("{blob}\n"));
            let told = String::from_utf8(std::mem::take(&mut *output.0.lock().expect("no panic"))).expect("UTF-8");
            assert!(told.starts_with(words) || told.contains(words), "{told}");
            assert!(told.contains("Your offer is written to ") && told.contains('█'), "{told}");
        }
    }

    #[test]
    fn a_letter_goes_where_the_text_would() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("letter");
        let mail = Wishes { mail: true, quiet: true, ..wishes(file.clone()) };
        let output = Output::default();
        Handout::new(mail, StatusLine::plain(output.clone())).show(&blob("192.0.2.1")).expect("a place to write to");
        let letter = std::fs::read_to_string(&file).expect("it is there");
        assert!(letter.contains("p2pcall answer") && letter.contains("eyJ"), "{letter}");
        assert!(output.0.lock().expect("no panic").is_empty());
    }

    #[test]
    fn a_link_holds_the_text_behind_its_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, page) = (folder.path().join("link"), "https://example.org/call.html");
        let output = Output::default();
        let wishes = Wishes { link: Some(page.into()), ..wishes(file.clone()) };
        let blob = blob("192.0.2.1");
        Handout::new(wishes, StatusLine::plain(output.clone())).show(&blob).expect("a place to write to");
        let link = std::fs::read_to_string(&file).expect("it is there");
        assert_eq!(link, format!("{page}#{blob}\n"));
        assert!(SessionBlob::find(&link).is_ok(), "a person may paste it, too");
        let told = String::from_utf8(output.0.lock().expect("no panic").clone()).expect("UTF-8");
        assert!(told.starts_with("Send this link"), "{told}");
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_told() {
        let mut handout = Handout::new(wishes("no/such/place".into()), StatusLine::plain(io::sink()));
        let error = handout.show(&blob("192.0.2.1")).expect_err("there is no such place");
        assert!(error.to_string().contains("no/such/place"), "{error}");
    }
}
