//! Any text at all is read as a file of contacts. What is found must be found again when it is written anew.

#![no_main]

use libfuzzer_sys::fuzz_target;
use p2pcall::trust::{ContactBook, ContactName, Judgement};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match ContactBook::from_text(&text) {
        Ok(book) => {
            assert_eq!(ContactBook::from_text(&book.to_text()).as_ref(), Ok(&book));
            for (name, contact) in book.list() {
                let judgement = book.judge(name, &contact.fingerprint);
                assert_eq!(judgement, Judgement::Known { verified: contact.verified, since: contact.first_seen });
                assert!(book.names_of(&contact.fingerprint).any(|other| other == name));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(name) = text.parse::<ContactName>() {
        assert_eq!(name.as_str().parse().as_ref(), Ok(&name));
        assert!(name.as_str().chars().count() <= ContactName::CHARACTERS && !name.as_str().contains('\n'));
    }
});
