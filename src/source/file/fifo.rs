//! The reading end of a FIFO, never waited on for longer than the caller wants.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::media::now;

/// A FIFO that was opened without waiting for a writer.
#[derive(Debug)]
pub(super) struct Fifo {
    file: File,
    /// Whether there has been a writer. Before, the end of the file means only that there is none.
    had_writer: bool,
    // Nothing is ever sent: waiting for it is waiting for time to pass.
    never: (SyncSender<()>, Receiver<()>),
}

/// What a wait for bytes came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// So many bytes.
    Bytes(usize),
    /// Nothing in time.
    Nothing,
    /// The writer has gone.
    Ended,
}

impl Fifo {
    /// Takes a file that was opened non-blocking.
    pub(super) fn new(file: File) -> Self {
        // A picture passes in fewer, larger pieces. Only a wish: the system may have a limit.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = rustix::pipe::fcntl_setpipe_size(&file, 1 << 20);
        Self { file, had_writer: false, never: sync_channel(0) }
    }

    /// Reads what is there, waiting at most `timeout` for something.
    pub(super) fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Got {
        let deadline = now() + timeout.min(Duration::from_secs(3600));
        loop {
            match self.file.read(buffer) {
                Ok(0) if self.had_writer => return Got::Ended,
                Ok(0) => {}
                Ok(len) => {
                    self.had_writer = true;
                    return Got::Bytes(len);
                }
                // Empty, not at its end: there is a writer.
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.had_writer = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::debug!(%error, "reading a FIFO");
                    return Got::Ended;
                }
            }
            let left = deadline.saturating_duration_since(now());
            if left.is_zero() {
                return Got::Nothing;
            }
            self.wait(left);
        }
    }

    /// Waits until there may be something to read.
    fn wait(&mut self, timeout: Duration) {
        let Ok(limit) = Timespec::try_from(timeout) else { return };
        let mut files = [PollFd::new(&self.file, PollFlags::IN)];
        let hung_up = matches!(poll(&mut files, Some(&limit)), Ok(1..)) && !files[0].revents().contains(PollFlags::IN);
        if !hung_up || self.had_writer {
            return;
        }
        if cfg!(any(target_os = "linux", target_os = "android")) {
            // Linux says so only if a writer has come and gone.
            self.had_writer = true;
        } else {
            // Elsewhere it may mean that none has come yet, and poll doesn't wait for one.
            let _ = self.never.1.recv_timeout(timeout.min(Duration::from_millis(10)));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs::OpenOptions, path::Path, path::PathBuf};

    /// A FIFO in a directory of its own.
    pub(in super::super) struct TestFifo {
        _directory: tempfile::TempDir,
        path: PathBuf,
    }

    impl TestFifo {
        pub(in super::super) fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("fifo");
            let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
            assert!(made.success());
            Self { _directory: directory, path }
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.path
        }

        /// Returns the writing end; the reading end is open already, so nothing is waited for.
        pub(in super::super) fn writer(&self) -> std::fs::File {
            OpenOptions::new().write(true).open(&self.path).expect("opens")
        }
    }
}
