//! Where a file sink writes: a regular file, or a FIFO whose reader comes when it likes.

use std::{
    fs::File,
    io::{self, ErrorKind, IoSlice, Seek, SeekFrom, Write},
    path::Path,
};

use super::super::SinkError;

/// A file that is open for writing, or a FIFO that will be.
#[derive(Debug)]
pub(super) struct Output {
    name: String,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Regular(File),
    #[cfg(unix)]
    Fifo(fifo::Fifo),
    /// Nothing can be written any more, for this reason.
    Gone(String),
}

impl Output {
    /// Makes the file, or takes the FIFO that is there; a reader is not waited for.
    pub(super) fn open(path: &Path) -> Result<Self, SinkError> {
        let name = path.display().to_string();
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
                return Ok(Self { name, target: Target::Fifo(fifo::Fifo::new(path)) });
            }
        }
        match File::create(path) {
            Ok(file) => Ok(Self { name, target: Target::Regular(file) }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(SinkError::Missing(format!("{name} cannot be made: there is no such directory.")))
            }
            Err(error) => Err(SinkError::Unusable(format!("{name} cannot be written: {error}."))),
        }
    }

    /// Returns whether what is written now goes anywhere: a FIFO has a reader.
    pub(super) fn is_read(&mut self) -> Result<bool, SinkError> {
        let result = match &mut self.target {
            Target::Regular(_) => Ok(true),
            #[cfg(unix)]
            Target::Fifo(fifo) => fifo.open(),
            Target::Gone(reason) => return Err(SinkError::Ended(reason.clone())),
        };
        result.map_err(|error| self.give_up(&error))
    }

    /// Writes all of it, one part after the other, if [`Output::is_read`].
    pub(super) fn write(&mut self, parts: &[&[u8]]) -> Result<(), SinkError> {
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let result = match &mut self.target {
            Target::Regular(file) => write_all(file, &mut slices, |_| Ok(())),
            #[cfg(unix)]
            Target::Fifo(fifo) => fifo.write(&mut slices),
            Target::Gone(reason) => return Err(SinkError::Ended(reason.clone())),
        };
        result.map_err(|error| self.give_up(&error))
    }

    /// Writes over what is in a regular file; a FIFO forgets nothing it was given.
    pub(super) fn patch(&mut self, position: u64, bytes: &[u8]) {
        let Target::Regular(file) = &mut self.target else { return };
        let patched = file
            .seek(SeekFrom::Start(position))
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.seek(SeekFrom::End(0)));
        if let Err(error) = patched {
            tracing::warn!(%error, "a file's header could not be completed");
        }
    }

    fn give_up(&mut self, error: &io::Error) -> SinkError {
        let name = &self.name;
        let reason = match error.kind() {
            ErrorKind::BrokenPipe => format!("{name} is not read any more: its reader has gone."),
            ErrorKind::TimedOut => format!("{name} is not read any more: its reader takes nothing."),
            ErrorKind::StorageFull => format!("{name} cannot be written any more: the disk is full."),
            _ => format!("{name} cannot be written any more: {error}."),
        };
        self.target = Target::Gone(reason.clone());
        SinkError::Ended(reason)
    }
}

/// Writes everything; `wait` is called when nothing can be written for the moment.
fn write_all(
    file: &mut File,
    mut slices: &mut [IoSlice<'_>],
    mut wait: impl FnMut(&File) -> io::Result<()>,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => IoSlice::advance_slices(&mut slices, len),
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait(file)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
mod fifo {
    use std::{
        fs::{File, OpenOptions},
        io::{self, ErrorKind, IoSlice},
        os::unix::fs::OpenOptionsExt,
        path::{Path, PathBuf},
        time::Duration,
    };

    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        fs::OFlags,
        io::Errno,
    };

    use crate::media::now;

    /// A reader who takes nothing for so long has gone for good.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// The writing end of a FIFO; it can be opened only while there is a reader.
    #[derive(Debug)]
    pub(super) struct Fifo {
        path: PathBuf,
        file: Option<File>,
        patience: Duration,
    }

    impl Fifo {
        pub(super) fn new(path: &Path) -> Self {
            Self { path: path.into(), file: None, patience: PATIENCE }
        }

        /// Opens it if there is a reader. Returns whether it is open.
        pub(super) fn open(&mut self) -> io::Result<bool> {
            if self.file.is_some() {
                return Ok(true);
            }
            let flags = OFlags::NONBLOCK.bits() as i32;
            match OpenOptions::new().write(true).custom_flags(flags).open(&self.path) {
                Ok(file) => {
                    // A picture passes in fewer, larger pieces. Only a wish: there may be a limit.
                    #[cfg(any(target_os = "linux", target_os = "android"))]
                    let _ = rustix::pipe::fcntl_setpipe_size(&file, 1 << 20);
                    self.file = Some(file);
                    Ok(true)
                }
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NXIO) => Ok(false),
                Err(error) => Err(error),
            }
        }

        pub(super) fn write(&mut self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
            let Some(file) = &mut self.file else { return Ok(()) };
            super::write_all(file, slices, |file| wait(file, self.patience))
        }
    }

    /// Waits until something can be written again.
    fn wait(file: &File, patience: Duration) -> io::Result<()> {
        let deadline = now() + patience;
        loop {
            let left = deadline.saturating_duration_since(now());
            let limit = Timespec::try_from(left).map_err(|_| ErrorKind::InvalidInput)?;
            match poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&limit)) {
                Ok(0) => return Err(ErrorKind::TimedOut.into()),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_reader_who_takes_nothing_is_given_up() {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("fifo");
            let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
            assert!(made.success());
            let mut fifo = Fifo { patience: Duration::from_millis(1), ..Fifo::new(&path) };
            assert!(!fifo.open().expect("a FIFO"), "nobody reads");
            let flags = OFlags::NONBLOCK.bits() as i32;
            let reader = OpenOptions::new().read(true).custom_flags(flags).open(&path).expect("opens");
            assert!(fifo.open().expect("a FIFO"), "somebody reads");
            fifo.write(&mut [IoSlice::new(b"fits")]).expect("there is room");
            let error = fifo.write(&mut [IoSlice::new(&vec![0; 4 << 20])]).expect_err("nobody takes it");
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            drop(reader);
            let error = fifo.write(&mut [IoSlice::new(b"more")]).expect_err("nobody is there");
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
    }
}
