//! The contacts themselves, without their file: what is known of whom, and what a certificate means.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::{ContactName, ContactsError, Fingerprint};

/// The version of files that this program writes, and the newest it reads.
const VERSION: u32 = 1;

/// What is known of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The certificate of the last call.
    pub fingerprint: Fingerprint,
    /// When it was first seen, in seconds since the Unix epoch.
    pub first_seen: u64,
    /// When it was last seen.
    pub last_seen: u64,
    /// Whether both people compared the words and they were the same.
    pub verified: bool,
}

/// What the certificate of somebody means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nobody was called by this name.
    New,
    /// It is the same as before.
    Known {
        /// Whether the words were compared.
        verified: bool,
        /// When it was first seen, in seconds since the Unix epoch.
        since: u64,
    },
    /// It is another one: a new device, or somebody else. To be said loudly.
    Changed {
        /// What was known.
        before: Contact,
    },
}

/// All contacts, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactBook(BTreeMap<ContactName, Contact>);

/// Why a text is no file of contacts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactBookError {
    /// A later version wrote it.
    #[error("a newer p2pcall wrote it")]
    Newer,
    /// It is something else.
    #[error("{0}")]
    Broken(String),
}

impl ContactBookError {
    pub(super) fn of(self, path: &Path) -> ContactsError {
        match self {
            Self::Newer => ContactsError::Newer { path: path.into() },
            Self::Broken(reason) => ContactsError::Broken { path: path.into(), reason },
        }
    }
}

/// How a file looks. Unknown fields are refused: they would be lost with the next change.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    contacts: BTreeMap<ContactName, Contact>,
}

impl ContactBook {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// If it is anything but that.
    pub fn from_text(text: &str) -> Result<Self, ContactBookError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let broken = |error: serde_json::Error| ContactBookError::Broken(error.to_string());
        let Versioned { version } = serde_json::from_str(text).map_err(broken)?;
        match version {
            VERSION => Ok(Self(serde_json::from_str::<File>(text).map_err(broken)?.contacts)),
            0 => Err(ContactBookError::Broken("there is no version 0".into())),
            _ => Err(ContactBookError::Newer),
        }
    }

    /// Returns the text of a file.
    pub fn to_text(&self) -> String {
        let file = File { version: VERSION, contacts: self.0.clone() };
        serde_json::to_string_pretty(&file).expect("plain values are always JSON") + "\n"
    }

    /// Returns what it means that somebody of this name has this certificate.
    pub fn judge(&self, name: &ContactName, fingerprint: &Fingerprint) -> Judgement {
        match self.0.get(name) {
            None => Judgement::New,
            Some(contact) if contact.fingerprint == *fingerprint => {
                Judgement::Known { verified: contact.verified, since: contact.first_seen }
            }
            Some(before) => Judgement::Changed { before: *before },
        }
    }

    /// Returns who has this certificate, in the order of their names.
    pub fn names_of(&self, fingerprint: &Fingerprint) -> impl Iterator<Item = &ContactName> {
        self.list().filter(move |(_, contact)| contact.fingerprint == *fingerprint).map(|(name, _)| name)
    }

    /// Returns all, in the order of their names.
    pub fn list(&self) -> impl Iterator<Item = (&ContactName, &Contact)> {
        self.0.iter()
    }

    pub(super) fn remember(
        &mut self,
        name: &ContactName,
        fingerprint: Fingerprint,
        now: u64,
    ) -> Result<(), ContactsError> {
        match self.0.get_mut(name) {
            None => self.replace(name, fingerprint, now),
            // Clocks are set back now and then; what was seen later stays.
            Some(contact) if contact.fingerprint == fingerprint => contact.last_seen = contact.last_seen.max(now),
            Some(_) => return Err(ContactsError::Changed { name: name.clone() }),
        }
        Ok(())
    }

    pub(super) fn replace(&mut self, name: &ContactName, fingerprint: Fingerprint, now: u64) {
        let contact = Contact { fingerprint, first_seen: now, last_seen: now, verified: false };
        self.0.insert(name.clone(), contact);
    }

    pub(super) fn set_verified(
        &mut self,
        name: &ContactName,
        fingerprint: Fingerprint,
        verified: bool,
    ) -> Result<(), ContactsError> {
        match self.0.get_mut(name) {
            Some(contact) if contact.fingerprint == fingerprint => contact.verified = verified,
            Some(_) => return Err(ContactsError::Changed { name: name.clone() }),
            None => return Err(ContactsError::Unknown { name: name.clone() }),
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, name: &ContactName) -> Result<(), ContactsError> {
        self.0.remove(name).map(|_| ()).ok_or_else(|| ContactsError::Unknown { name: name.clone() })
    }
}
