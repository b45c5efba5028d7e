//! A file of contacts, and two programs that change it.

use std::fs;

use proptest::prelude::*;

use super::{ContactBook, ContactName, Contacts, ContactsError, Fingerprint, Judgement};

const KEY: Fingerprint = Fingerprint::from_bytes([0x0a; 32]);
const OTHER_KEY: Fingerprint = Fingerprint::from_bytes([0x0b; 32]);

fn name(text: &str) -> ContactName {
    text.parse().expect("a name")
}

#[test]
fn a_certificate_is_new_then_known_then_changed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("p2pcall/contacts.json");
    let mut contacts = Contacts::load(&path).expect("none yet");
    let anna = name("Anna");
    assert_eq!(contacts.book().judge(&anna, &KEY), Judgement::New);
    contacts.remember(&anna, KEY, 100).expect("kept");
    assert_eq!(contacts.book().judge(&anna, &KEY), Judgement::Known { verified: false, since: 100 });
    contacts.set_verified(&anna, KEY, true).expect("kept");
    for (now, last_seen) in [(300, 300), (200, 300)] {
        contacts.remember(&anna, KEY, now).expect("kept");
        let (_, contact) = contacts.book().list().next().expect("one");
        assert_eq!((contact.first_seen, contact.last_seen, contact.verified), (100, last_seen, true));
    }

    let mut again = Contacts::load(&path).expect("read");
    assert_eq!(again.book(), contacts.book());
    let Judgement::Changed { before } = again.book().judge(&anna, &OTHER_KEY) else { panic!("changed") };
    assert_eq!((before.fingerprint, before.verified), (KEY, true));
    assert!(matches!(again.remember(&anna, OTHER_KEY, 400), Err(ContactsError::Changed { .. })), "not silently");
    assert!(matches!(again.set_verified(&anna, OTHER_KEY, true), Err(ContactsError::Changed { .. })));
    assert_eq!(Contacts::load(&path).expect("read").book(), contacts.book(), "nothing was written");
    again.replace(&anna, OTHER_KEY, 400).expect("kept");
    assert_eq!(again.book().judge(&anna, &OTHER_KEY), Judgement::Known { verified: false, since: 400 });
    again.forget(&anna).expect("forgotten");
    assert_eq!(Contacts::load(&path).expect("read").book().list().count(), 0);
    assert!(matches!(again.forget(&anna), Err(ContactsError::Unknown { .. })));
    assert!(matches!(again.set_verified(&anna, KEY, true), Err(ContactsError::Unknown { .. })));
}

#[test]
fn a_certificate_is_found_under_all_its_names() {
    let mut book = ContactBook::default();
    for (who, key) in [("Bob", KEY), ("Anna", KEY), ("Carl", OTHER_KEY)] {
        book.remember(&name(who), key, 1).expect("new");
    }
    assert_eq!(book.names_of(&KEY).map(ContactName::as_str).collect::<Vec<_>>(), ["Anna", "Bob"]);
    assert_eq!(book.names_of(&Fingerprint::from_bytes([1; 32])).count(), 0);
}

#[test]
fn two_programs_lose_nothing_of_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("contacts.json");
    std::thread::scope(|scope| {
        for program in 0..4 {
            let mut contacts = Contacts::load(&path).expect("read");
            scope.spawn(move || {
                for call in 0..10 {
                    contacts.remember(&name(&format!("{program} {call}")), KEY, 1).expect("kept");
                }
            });
        }
    });
    assert_eq!(Contacts::load(&path).expect("read").book().list().count(), 40);
}

#[test]
fn a_broken_file_is_told_and_never_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("contacts.json");
    let whole = {
        let mut book = ContactBook::default();
        book.remember(&name("Anna"), KEY, 1).expect("new");
        book.to_text()
    };
    for (text, newer) in [
        (String::new(), false),
        ("{}".into(), false),
        (whole[..whole.len() / 2].into(), false),
        (whole.replace("Anna", r"An\nna"), false),
        (whole.replace("0A:", ""), false),
        (whole.replace("true", "maybe").replace("false", "maybe"), false),
        (whole.replace(r#""version": 1"#, r#""version": 0"#), false),
        (whole.replace(r#""version": 1"#, r#""version": 1, "more": 2"#), false),
        (whole.replace(r#""first_seen""#, r#""more": 2, "first_seen""#), false),
        (whole.replace(r#""version": 1"#, r#""version": 2, "more": 2"#), true),
    ] {
        let mut contacts = Contacts { path: path.clone(), book: ContactBook::default() };
        fs::write(&path, &text).expect("written");
        for error in [
            Contacts::load(&path).expect_err("broken"),
            contacts.remember(&name("Bob"), KEY, 1).expect_err("broken"),
            contacts.forget(&name("Anna")).expect_err("broken"),
        ] {
            assert_eq!(matches!(error, ContactsError::Newer { .. }), newer, "{text}: {error}");
            assert!(newer || matches!(error, ContactsError::Broken { .. }), "{text}: {error}");
        }
        assert_eq!(fs::read_to_string(&path).expect("read"), text, "as it was");
    }
    fs::write(&path, [0xff]).expect("written");
    assert!(matches!(Contacts::load(&path), Err(ContactsError::Unreadable { .. })), "no UTF-8");
    let in_a_file = Contacts::load(path.join("contacts.json"));
    assert!(matches!(in_a_file, Err(ContactsError::Unreadable { .. })) || cfg!(not(unix)));
}

#[test]
fn the_form_of_the_file_stays() {
    let mut book = ContactBook::default();
    book.remember(&name("Anna"), KEY, 1_767_225_600).expect("new");
    let key = format!("sha-256 0A{}", ":0A".repeat(31));
    let text = format!(
        r#"{{
  "version": 1,
  "contacts": {{
    "Anna": {{
      "fingerprint": "{key}",
      "first_seen": 1767225600,
      "last_seen": 1767225600,
      "verified": false
    }}
  }}
}}
"#
    );
    assert_eq!(book.to_text(), text);
    assert_eq!(ContactBook::from_text(&text), Ok(book));
}

proptest! {
    #[test]
    fn any_text_is_survived(text: String) {
        if let Ok(book) = ContactBook::from_text(&text) {
            prop_assert_eq!(ContactBook::from_text(&book.to_text()), Ok(book));
        }
    }
}
