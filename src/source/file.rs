//! Files as sources. A regular file is played at its own rate and loops; a FIFO is live: what comes
//! out of it was captured when it came.

mod audio;
#[cfg(unix)]
mod fifo;
mod video;

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

pub use audio::AudioFile;
pub use video::VideoFile;

use super::SourceError;

/// A file that is open for reading.
#[derive(Debug)]
enum Input {
    Regular(File),
    #[cfg(unix)]
    Live(fifo::Fifo),
}

/// Opens a file without waiting for anybody.
fn open(path: &Path) -> Result<Input, SourceError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    let file = options.open(path).map_err(|error| refused(path, &error))?;
    let kind = file.metadata().map_err(|error| refused(path, &error))?.file_type();
    if kind.is_dir() {
        return Err(SourceError::Unusable(format!("{} is a directory: name a file in it.", path.display())));
    }
    #[cfg(unix)]
    if !kind.is_file() {
        return Ok(Input::Live(fifo::Fifo::new(file)));
    }
    Ok(Input::Regular(file))
}

fn refused(path: &Path, error: &io::Error) -> SourceError {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            SourceError::Missing(format!("There is no file {path}: check its name, or make it first (mkfifo)."))
        }
        io::ErrorKind::PermissionDenied => {
            SourceError::Denied(format!("{path} may not be read: give yourself the right to (chmod u+r)."))
        }
        _ => SourceError::Unusable(format!("{path} cannot be read: {error}.")),
    }
}
