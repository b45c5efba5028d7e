//! Asks the person in front of the terminal for the other side's text.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Sought;
use crate::{
    cli::{Asked, Reading, StatusLine, prompt::count, read_pasted},
    pipeline::spawn_thread,
    signaling::{BlobError, Found, SignalingError},
};

/// Whoever reads from the terminal holds it: one who was told to stop may not have noticed yet when
/// the next one begins.
pub(super) type Reader = Arc<Mutex<()>>;

/// Ends the reading when the one who waits for it goes away.
struct StopOnDrop(CancellationToken);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Asks until there is what is sought, or the person has enough.
pub(super) async fn from_terminal(
    reader: Reader,
    sought: Sought,
    line: StatusLine,
    quiet: bool,
) -> Result<Found, SignalingError> {
    let stop = StopOnDrop(CancellationToken::new());
    let told = stop.0.clone();
    let (sender, receiver) = oneshot::channel();
    let failed = |error: std::io::Error| SignalingError::Ended(format!("The terminal cannot be read: {error}."));
    spawn_thread("prompt", move || {
        let _one = reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = String::new();
        let asked = read_pasted(&line, &told, |text| {
            read = count(text.chars().filter(|character| !character.is_whitespace()).count());
            reading(text, &sought)
        });
        // In place of the echo.
        if !quiet && matches!(asked, Ok(Asked::Done(_))) {
            line.print(&format!("({read})"));
        }
        // The one who asked may have gone away meanwhile.
        let _ = sender.send(asked);
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

fn reading(text: &str, sought: &Sought) -> Reading<Found> {
    match sought.judge(text) {
        Ok(found) if !found.end_is_clear => Reading::MayContinue(found),
        Ok(found) => Reading::Done(found),
        Err(error @ BlobError::Incomplete { .. }) => Reading::Incomplete(error.to_string()),
        Err(error) => Reading::Wrong(format!("{error}\nPaste the {} here:", sought.what)),
    }
}
