//! Who was called before: what is said of the other side, and what is kept of it.

use std::path::PathBuf;

use super::{Exit, Refusal, config, when};
use crate::{
    media::wall_clock,
    rtc::Certificate,
    trust::{ContactName, Contacts, ContactsError, Fingerprint, Judgement, private_file},
};

/// The file of contacts, in the data directory.
pub(super) const CONTACTS: &str = "contacts.json";

/// What is remembered of people, and about whom we hear in this call.
pub(super) struct Acquaintances {
    path: Option<PathBuf>,
    met: Option<Met>,
}

/// The other side of this call, as it says who it is.
struct Met {
    name: ContactName,
    fingerprint: Fingerprint,
    /// Somebody else had this name before.
    changed: bool,
}

impl Acquaintances {
    /// Keeps them in the person's data directory, if there is one.
    pub(super) fn new() -> Self {
        Self { path: config::data_directory().map(|directory| directory.join(CONTACTS)), met: None }
    }

    /// Hears who the other side is; returns what is to be said of it.
    pub(super) fn meet(&mut self, name: &str, fingerprint: &str) -> String {
        let (Ok(name), Ok(fingerprint)) = (name.parse::<ContactName>(), fingerprint.parse::<Fingerprint>()) else {
            return "The other side's name cannot be read.".into();
        };
        let words = self.judge(&name, fingerprint);
        words.unwrap_or_else(|error| format!("The other side calls itself {name}. {error}"))
    }

    fn judge(&mut self, name: &ContactName, fingerprint: Fingerprint) -> Result<String, ContactsError> {
        let Some(mut contacts) = self.load()? else {
            return Ok(format!("The other side calls itself {name}. There is no data directory to remember it in."));
        };
        let judgement = contacts.book().judge(name, &fingerprint);
        let others: Vec<String> =
            contacts.book().names_of(&fingerprint).filter(|other| *other != name).map(ToString::to_string).collect();
        let changed = matches!(judgement, Judgement::Changed { .. });
        self.met = Some(Met { name: name.clone(), fingerprint, changed });
        if !changed {
            contacts.remember(name, fingerprint, seconds())?;
        }
        Ok(match judgement {
            Judgement::New if others.is_empty() => {
                format!(
                    "The other side calls itself {name}, and is new to you. Compare the words with each other once."
                )
            }
            Judgement::New => format!(
                "The other side calls itself {name}. You know it as {}: it is the same certificate.",
                others.join(", ")
            ),
            Judgement::Known { verified: true, since } => {
                format!("This is {name}, whose words you compared; known since {}.", day(since))
            }
            Judgement::Known { verified: false, since } => format!(
                "This is the {name} of before, known since {}. You have not compared the words yet.",
                day(since)
            ),
            Judgement::Changed { before } => format!(
                "WARNING: {name} is NOT THE SAME as before (last seen {}): it is a new device, or somebody else who calls \
                 himself so. Compare the words before you believe it.",
                day(before.last_seen)
            ),
        })
    }

    /// The person compared the words, and they are the same. Returns what is to be said.
    pub(super) fn confirm(&mut self) -> String {
        let sure = "The words are the same: nobody is between you.";
        match self.keep() {
            Ok(Some(name)) => format!("{sure} {name} is remembered as verified."),
            Ok(None) => sure.into(),
            Err(error) => format!("{sure} {error}"),
        }
    }

    fn keep(&mut self) -> Result<Option<ContactName>, ContactsError> {
        let (Some(mut contacts), Some(met)) = (self.load()?, &self.met) else { return Ok(None) };
        if met.changed {
            contacts.replace(&met.name, met.fingerprint, seconds())?;
        }
        contacts.set_verified(&met.name, met.fingerprint, true)?;
        Ok(Some(met.name.clone()))
    }

    fn load(&self) -> Result<Option<Contacts>, ContactsError> {
        self.path.as_ref().map(Contacts::load).transpose()
    }
}

/// Returns the certificate that is kept for somebody of this name; the first time a new one.
pub(super) fn certificate(name: &ContactName) -> Result<Certificate, Refusal> {
    let refusal = |what: String| Refusal { exit: Exit::CallFailed, what };
    let directory = config::data_directory()
        .ok_or_else(|| refusal("There is no directory to keep your certificate in: HOME is not set.".into()))?;
    let file = percent_encoding::utf8_percent_encode(name.as_str(), percent_encoding::NON_ALPHANUMERIC);
    let path = directory.join("certificates").join(format!("{file}.pem"));
    let at = path.display();
    let unusable = |error: &dyn std::fmt::Display| {
        refusal(format!(
            "Your certificate in {at} cannot be used: {error}. Move it away to get a new one; who knows you will be warned."
        ))
    };
    let unwritable = |error: std::io::Error| refusal(format!("Your certificate cannot be kept in {at}: {error}."));
    let _held = private_file::lock(&path).map_err(unwritable)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Certificate::from_pem(&text).map_err(|error| unusable(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let certificate = Certificate::new().map_err(|error| unusable(&error))?;
            let text = certificate.to_pem().map_err(|error| unusable(&error))?;
            private_file::replace(&path, text.as_bytes()).map_err(unwritable)?;
            Ok(certificate)
        }
        Err(error) => Err(unusable(&error)),
    }
}

/// Now, in seconds since the Unix epoch.
fn seconds() -> u64 {
    wall_clock().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Returns the day of a moment.
pub(super) fn day(seconds: u64) -> String {
    when::day(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds), &when::here())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquaintances(directory: &tempfile::TempDir) -> Acquaintances {
        Acquaintances { path: Some(directory.path().join(CONTACTS)), met: None }
    }

    #[test]
    fn people_are_new_known_or_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let [first, second] = [[1; 32], [2; 32]].map(|bytes| Fingerprint::from_bytes(bytes).to_string());
        let meet = |name: &str, fingerprint: &str| {
            let mut call = acquaintances(&directory);
            let words = call.meet(name, fingerprint);
            (call, words)
        };
        for (name, fingerprint, confirmed, expected) in [
            ("Anna", &first, false, "The other side calls itself Anna, and is new to you."),
            ("Anna", &first, true, "This is the Anna of before, known since "),
            ("Anna", &first, false, "This is Anna, whose words you compared; known since "),
            ("Ann", &first, false, "The other side calls itself Ann. You know it as Anna: it is the same certificate."),
            ("Anna", &second, false, "WARNING: Anna is NOT THE SAME as before"),
            ("Anna", &second, true, "WARNING: Anna is NOT THE SAME as before"),
            ("Anna", &second, false, "This is Anna, whose words you compared"),
            ("Anna", &first, false, "WARNING: Anna is NOT THE SAME as before"),
            ("A\u{1b}[2J", &first, false, "The other side's name cannot be read."),
        ] {
            let (mut call, words) = meet(name, fingerprint);
            assert!(words.starts_with(expected), "{words}");
            if confirmed {
                assert!(call.confirm().ends_with("Anna is remembered as verified."));
            }
        }
        assert_eq!(acquaintances(&directory).confirm(), "The words are the same: nobody is between you.");
    }
}
