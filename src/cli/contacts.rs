//! `p2pcall contacts`: who is remembered.

use serde_json::json;

use super::{
    Exit, Refusal,
    acquaintance::{CONTACTS, day},
    args::ContactsArgs,
    config, print_result, say,
};
use crate::trust::{Contacts, ContactsError};

pub(super) fn run(args: &ContactsArgs) -> Result<Exit, Refusal> {
    let refusal = |error: ContactsError| Refusal { exit: Exit::CallFailed, what: error.to_string() };
    let directory = config::data_directory().ok_or_else(|| Refusal {
        exit: Exit::CallFailed,
        what: "There is no directory in which contacts could be kept: HOME is not set.".into(),
    })?;
    let mut contacts = Contacts::load(directory.join(CONTACTS)).map_err(refusal)?;
    if let Some(name) = &args.forget {
        contacts.forget(name).map_err(refusal)?;
        say(&format!("{name} is forgotten: who calls himself so will be new to you."));
        return Ok(Exit::Success);
    }
    let text = if args.json { for_programs(&contacts) } else { words(&contacts) };
    print_result(text.as_bytes())?;
    Ok(Exit::Success)
}

fn words(contacts: &Contacts) -> String {
    let mut text = String::new();
    for (name, contact) in contacts.book().list() {
        let verified = if contact.verified { "words compared" } else { "words not compared" };
        let (first, last) = (day(contact.first_seen), day(contact.last_seen));
        text.push_str(&format!("{name}: {verified}, first seen {first}, last {last}\n"));
    }
    if text.is_empty() {
        say("Nobody is remembered yet. Whoever calls with --as NAME is.");
    }
    text
}

fn for_programs(contacts: &Contacts) -> String {
    let entry = |(name, contact): (&crate::trust::ContactName, &crate::trust::Contact)| {
        json!({
            "name": name,
            "fingerprint": contact.fingerprint,
            "first_seen": contact.first_seen,
            "last_seen": contact.last_seen,
            "verified": contact.verified,
        })
    };
    let entries: Vec<_> = contacts.book().list().map(entry).collect();
    serde_json::to_string_pretty(&entries).expect("plain values are always JSON") + "\n"
}
