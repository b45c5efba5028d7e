//! Who was called before, and with which certificate: kept in a file, and compared each time.
//!
//! Key continuity as SSH has it (RFC 4251, 4.1) and ZRTP (RFC 6189, 15.1): if nobody was between the two the first
//! time, nobody is as long as the certificate stays the same. One that changed is never taken silently.

mod book;
mod name;

#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use book::{Contact, ContactBook, ContactBookError, Judgement};
pub use name::{ContactName, ContactNameError};

use super::{
    fingerprint::Fingerprint,
    private_file::{lock, replace},
};

/// Why contacts could not be read, changed or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContactsError {
    /// The file is there and cannot be read.
    #[error("The contacts cannot be read from {}: {error}.", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It is not as this program writes it. It is left as it is.
    #[error(
        "The contacts in {} cannot be understood: {reason}. Repair the file, or move it away: then everybody is new.",
        path.display()
    )]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A later version of the program wrote it. It is left as it is.
    #[error("A newer p2pcall wrote the contacts in {}. Use that one.", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
    },
    /// The file cannot be locked or written.
    #[error(
        "The contacts cannot be kept in {}: {error}. See whether the disk is full or the directory yours.",
        path.display()
    )]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The name is known with another certificate.
    #[error("{name} has another certificate than before. Compare the words first; then forget the old one.")]
    Changed {
        /// Whose.
        name: ContactName,
    },
    /// Nobody has this name.
    #[error("There is no contact {name}. `p2pcall contacts` lists all.")]
    Unknown {
        /// Which name.
        name: ContactName,
    },
}

/// The contacts in a file. What is read from it is kept; what is changed is changed in the file first.
#[derive(Debug)]
pub struct Contacts {
    path: PathBuf,
    book: ContactBook,
}

impl Contacts {
    /// Reads the contacts. A file that is not there has none in it, and is made at the first change.
    ///
    /// # Errors
    /// If it cannot be read or understood. Such a file is never overwritten.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, ContactsError> {
        let path = path.into();
        let book = read(&path)?;
        Ok(Self { path, book })
    }

    /// Returns what was read, to look things up.
    pub const fn book(&self) -> &ContactBook {
        &self.book
    }

    /// Keeps that somebody of this name and certificate was there, at `now` in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`ContactsError::Changed`] if the name is known with another certificate; or if the file cannot be changed.
    pub fn remember(&mut self, name: &ContactName, fingerprint: Fingerprint, now: u64) -> Result<(), ContactsError> {
        self.change(|book| book.remember(name, fingerprint, now))
    }

    /// Keeps a new certificate in place of the one before, because the person said so. Its words are not compared yet.
    ///
    /// # Errors
    /// If the file cannot be changed.
    pub fn replace(&mut self, name: &ContactName, fingerprint: Fingerprint, now: u64) -> Result<(), ContactsError> {
        self.change(|book| {
            book.replace(name, fingerprint, now);
            Ok(())
        })
    }

    /// Keeps whether the words were compared and the same, for this certificate and no other.
    ///
    /// # Errors
    /// If nobody has the name, or by now another certificate; or if the file cannot be changed.
    pub fn set_verified(
        &mut self,
        name: &ContactName,
        fingerprint: Fingerprint,
        verified: bool,
    ) -> Result<(), ContactsError> {
        self.change(|book| book.set_verified(name, fingerprint, verified))
    }

    /// Forgets somebody.
    ///
    /// # Errors
    /// If nobody has the name, or the file cannot be changed.
    pub fn forget(&mut self, name: &ContactName) -> Result<(), ContactsError> {
        self.change(|book| book.forget(name))
    }

    /// Changes what is in the file by now: another program may have changed it since it was read here. What one
    /// writes the other cannot lose, because both hold the same lock while they read, change and write.
    fn change(
        &mut self,
        change: impl FnOnce(&mut ContactBook) -> Result<(), ContactsError>,
    ) -> Result<(), ContactsError> {
        let unwritable = |error| ContactsError::Unwritable { path: self.path.clone(), error };
        let _lock = lock(&self.path).map_err(unwritable)?;
        let mut book = read(&self.path)?;
        change(&mut book)?;
        replace(&self.path, book.to_text().as_bytes()).map_err(unwritable)?;
        self.book = book;
        Ok(())
    }
}

fn read(path: &Path) -> Result<ContactBook, ContactsError> {
    match fs::read_to_string(path) {
        Ok(text) => ContactBook::from_text(&text).map_err(|error| error.of(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ContactBook::default()),
        Err(error) => Err(ContactsError::Unreadable { path: path.into(), error }),
    }
}
