//! The exchange with the person: shows our blob, asks for the other one.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Asked, Reading, StatusLine, read_pasted};
use crate::{
    media::{DescriptionKind, wall_clock},
    pipeline::spawn_thread,
    signaling::{BlobError, BlobForm, Expected, Found, Manual, SessionBlob, Signaling, SignalingError},
};

/// How often a file that is not there yet is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Where the other side's blob comes from.
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

/// Returns signaling through the person in front of the terminal, or through files and pipes.
pub(super) fn signaling(from: From, to: Option<PathBuf>, line: StatusLine, quiet: bool) -> impl Signaling {
    let from = Arc::new(from);
    let show_line = line.clone();
    let show = move |blob: SessionBlob| show(&blob, to.as_deref(), &show_line, quiet);
    Manual::new(show, move |expected| ask(from.clone(), expected, line.clone(), quiet), BlobForm::Plain)
}

fn show(blob: &SessionBlob, to: Option<&Path>, line: &StatusLine, quiet: bool) -> Result<(), SignalingError> {
    let failed = |place: &str, error: std::io::Error| {
        SignalingError::Ended(format!("Our text cannot be written to {place}: {error}."))
    };
    match to {
        // Whoever waits for the file must not see half of it.
        Some(path) => {
            let mut partial = path.as_os_str().to_owned();
            partial.push(".partial");
            std::fs::write(&partial, format!("{blob}\n"))
                .and_then(|()| std::fs::rename(&partial, path))
                .map_err(|error| failed(&path.display().to_string(), error))?;
            if !quiet {
                line.print(&format!("Written to {}.", path.display()));
            }
            Ok(())
        }
        None => line.aside(|| {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{blob}").and_then(|()| out.flush()).map_err(|error| failed("standard output", error))
        }),
    }
}

async fn ask(from: Arc<From>, expected: Expected, line: StatusLine, quiet: bool) -> Result<Found, SignalingError> {
    match &*from {
        From::Argument(text) => read(text, &expected).map_err(Into::into),
        From::File(path) => from_file(path, &expected).await,
        From::Terminal => from_terminal(expected, line, quiet).await,
        From::Lines(lines) => from_lines(&mut *lines.lock().await, &expected, &line, quiet).await,
    }
}

fn read(text: &str, expected: &Expected) -> Result<Found, BlobError> {
    expected.read(text, wall_clock())
}

async fn from_file(path: &Path, expected: &Expected) -> Result<Found, SignalingError> {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) => match read(&text, expected) {
                // Somebody may still be writing it.
                Err(BlobError::Incomplete { .. }) => {}
                Err(BlobError::NotABlob) if text.trim().is_empty() => {}
                result => return result.map_err(Into::into),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(SignalingError::Ended(format!("{} cannot be read: {error}.", path.display())));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Ends the reading when the one who waits for it goes away.
struct StopOnDrop(CancellationToken);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

async fn from_terminal(expected: Expected, line: StatusLine, quiet: bool) -> Result<Found, SignalingError> {
    if !quiet {
        line.print(match expected.kind {
            DescriptionKind::Offer => "Paste here the offer you were sent:",
            DescriptionKind::Answer => {
                "\nSend this offer to the other person, by mail or chat. They run \"p2pcall answer\" and paste it; \
                 they get an answer for you.\nPaste their answer here:"
            }
        });
    }
    let stop = StopOnDrop(CancellationToken::new());
    let (told, told_reader) = (stop.0.clone(), line.clone());
    let (sender, receiver) = oneshot::channel();
    let judge = move |text: &str| judge(text, &expected);
    let failed = |error: std::io::Error| SignalingError::Ended(format!("The terminal cannot be read: {error}."));
    spawn_thread("prompt", move || {
        // The one who asked may have gone away meanwhile.
        let _ = sender.send(read_pasted(&told_reader, &told, judge));
    })
    .map_err(failed)?;
    match receiver.await {
        Ok(Ok(Asked::Done(found))) => Ok(found),
        Ok(Ok(Asked::Interrupted | Asked::Stopped)) => Err(SignalingError::Interrupted),
        Ok(Ok(Asked::EndOfInput)) => {
            Err(SignalingError::Ended("The input ended before there was a whole text.".into()))
        }
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(SignalingError::Ended("The terminal cannot be read.".into())),
    }
}

fn judge(text: &str, expected: &Expected) -> Reading<Found> {
    match read(text, expected) {
        Ok(found) => Reading::Done(found),
        Err(BlobError::Incomplete { .. }) => Reading::Incomplete,
        Err(BlobError::NotABlob) if text.trim().is_empty() => Reading::Incomplete,
        Err(error) => Reading::Wrong(error.to_string()),
    }
}

/// Reads lines until they make a blob. Lines before it are ignored, with a word.
async fn from_lines(
    lines: &mut mpsc::Receiver<String>,
    expected: &Expected,
    status: &StatusLine,
    quiet: bool,
) -> Result<Found, SignalingError> {
    let mut text = String::new();
    while let Some(line) = lines.recv().await {
        if line.trim() == "quit" {
            return Err(SignalingError::Interrupted);
        }
        if text.is_empty() && !SessionBlob::may_be_in(&line) {
            if !line.trim().is_empty() && !quiet {
                status.print(&format!("Ignored a line that is no {}.", expected.kind));
            }
            continue;
        }
        text.push_str(&line);
        match read(&text, expected) {
            Err(BlobError::Incomplete { .. }) => {}
            result => return result.map_err(Into::into),
        }
    }
    match text.is_empty() {
        true => Err(SignalingError::Ended(format!("The input ended before there was an {}.", expected.kind))),
        false => read(&text, expected).map_err(Into::into),
    }
}

/// Whether a person can be asked.
pub(super) fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Description;

    const SDP: &str = "v=0\r\na=fingerprint:sha-256 AA\r\na=ice-ufrag:x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
                       a=rtpmap:111 opus/48000/2\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";

    fn offer() -> Description {
        Description { kind: DescriptionKind::Offer, sdp: SDP.into() }
    }

    async fn lines(input: &[&str]) -> (Result<Found, SignalingError>, Option<String>) {
        let (sender, mut receiver) = mpsc::channel(64);
        for line in input {
            sender.send(format!("{line}\n")).await.expect("room");
        }
        drop(sender);
        let expected = Expected::new(DescriptionKind::Offer, None);
        let status = StatusLine::plain(std::io::sink());
        let result = from_lines(&mut receiver, &expected, &status, false).await;
        (result, receiver.recv().await)
    }

    #[tokio::test]
    async fn a_blob_is_found_among_lines_and_the_rest_is_left() {
        let blob = SessionBlob::encode(&offer(), BlobForm::Plain).to_string();
        let (head, tail) = blob.split_at(76);
        let (result, rest) = lines(&["Hello,", "", head, tail, "quit"]).await;
        assert_eq!(result.map(|found| found.description), Ok(offer()));
        assert_eq!(rest.as_deref(), Some("quit\n"));
    }

    #[tokio::test]
    async fn an_end_is_told_from_a_cut() {
        let blob = SessionBlob::encode(&offer(), BlobForm::Plain).to_string();
        assert!(matches!(lines(&["nothing"]).await.0, Err(SignalingError::Ended(_))));
        let cut = lines(&[&blob[..100]]).await.0;
        let Err(SignalingError::Blob(BlobError::Incomplete { characters: 100, .. })) = cut else { panic!("{cut:?}") };
    }
}
