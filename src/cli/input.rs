//! Standard input that is no terminal: lines, one after the other.

use std::io::{BufRead, Read};

use tokio::sync::mpsc;

use crate::pipeline::spawn_thread;

/// Lines that may wait. **When full the reading waits**: a pipe keeps them.
const LINES: usize = 16;

/// The longest line that is read whole; longer ones come in pieces of this.
const LONGEST: u64 = 1 << 20;

/// Starts the thread that reads lines until the input ends or nobody wants them any more.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(LINES);
    let read = move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                        return;
                    }
                }
            }
        }
    };
    // Without a thread there is no input, as with an empty one. The thread is left to itself at the
    // end: nothing can wake it.
    if let Err(error) = spawn_thread("stdin", read) {
        tracing::error!(%error, "standard input is not read");
    }
    receiver
}
