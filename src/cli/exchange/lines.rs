//! Looks for the other side's text in lines: a standard input that is no terminal.

use std::time::Duration;

use tokio::{sync::mpsc, time::timeout};

use super::Sought;
use crate::{
    cli::StatusLine,
    signaling::{BlobError, Found, SignalingError},
};

/// Nothing came for so long: what is there is all there is.
const PAUSE: Duration = Duration::from_secs(1);

/// So much that is nothing is kept: a text may begin in it that was not seen yet.
const KEPT: usize = 16 * 1024;

/// Reads lines until they hold what is sought. Lines before it are ignored, with a word.
///
/// Once it is whole it is taken. What may go on, and what is wrong (more may put it right), is judged
/// when nothing comes for a while.
pub(super) async fn from_lines(
    lines: &mut mpsc::Receiver<String>,
    sought: &Sought,
    status: &StatusLine,
    quiet: bool,
) -> Result<Found, SignalingError> {
    let mut text = String::new();
    let mut verdict = Err(BlobError::NotABlob);
    loop {
        let settled = !matches!(verdict, Err(BlobError::NotABlob | BlobError::Incomplete { .. }));
        let next = match settled {
            true => timeout(PAUSE, lines.recv()).await.ok().flatten(),
            false => lines.recv().await,
        };
        let Some(line) = next else { break };
        if line.trim() == "quit" {
            if settled {
                break;
            }
            return Err(SignalingError::Interrupted);
        }
        text.push_str(&line);
        verdict = sought.judge(&text);
        match &verdict {
            Ok(found) if found.end_is_clear => return verdict.map_err(Into::into),
            Err(BlobError::NotABlob) => {
                if !line.trim().is_empty() && !quiet {
                    status.print(&format!("Ignored a line that is no {}.", sought.what));
                }
                if text.len() > KEPT {
                    text.clear();
                }
            }
            _ => {}
        }
    }
    match verdict {
        Err(BlobError::NotABlob) => {
            Err(SignalingError::Ended(format!("The input ended before there was an {}.", sought.what)))
        }
        Err(BlobError::Incomplete { .. }) => sought.judge_whole(&text).map_err(Into::into),
        verdict => verdict.map_err(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{Description, DescriptionKind},
        signaling::{BlobForm, Expected, SessionBlob},
    };

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
        let sought = Sought::expected(Expected::new(DescriptionKind::Offer, None));
        let status = StatusLine::plain(std::io::sink());
        let result = from_lines(&mut receiver, &sought, &status, false).await;
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
        assert!(matches!(lines(&["nothing", "quit"]).await.0, Err(SignalingError::Interrupted)));
        let cut = lines(&[&blob[..100]]).await.0;
        assert!(matches!(cut, Err(SignalingError::Blob(BlobError::Incomplete { characters: 100, .. }))), "{cut:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_go_on_is_taken_when_nothing_comes() {
        let (sender, mut receiver) = mpsc::channel(64);
        let answer = Description { kind: DescriptionKind::Answer, ..offer() };
        let blob = SessionBlob::encode(&answer, BlobForm::Plain);
        sender.send(format!("{blob}\n")).await.expect("room");
        let sought = Sought::expected(Expected::new(DescriptionKind::Offer, None));
        let status = StatusLine::plain(std::io::sink());
        // The other end stays open.
        let result = from_lines(&mut receiver, &sought, &status, true).await;
        assert!(matches!(result, Err(SignalingError::Blob(BlobError::WrongKind { .. }))), "{result:?}");
        drop(sender);
    }
}
