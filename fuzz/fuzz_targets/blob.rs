//! Any text at all is given to the reader. What it finds must be found again when it is written anew.

#![no_main]

use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;
use p2pcall::{
    media::DescriptionKind,
    signaling::{BlobError, BlobForm, Expected, SessionBlob},
};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let expected = Expected::new(DescriptionKind::Offer, None);
    let read = expected.read(&text, UNIX_EPOCH);
    match SessionBlob::find(&text) {
        Ok(found) => {
            for form in [BlobForm::Plain, BlobForm::Compact] {
                let again = SessionBlob::find(SessionBlob::encode(&found.description, form).as_str());
                assert_eq!(again.map(|again| again.description).as_ref(), Ok(&found.description), "{form}");
            }
        }
        // What is no blob passes no check.
        Err(error) => assert!(read.is_err() && !error.to_string().is_empty()),
    }
    if let Err(BlobError::Incomplete { characters, .. }) = read {
        assert!(characters <= text.chars().count() * 4);
    }
});
