//! Any text at all is read as a fingerprint and as a description that has one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use p2pcall::trust::{Fingerprint, FingerprintError};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match text.parse::<Fingerprint>() {
        Ok(fingerprint) => assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(fingerprint) = Fingerprint::of_sdp(&text) {
        // Another one anywhere is seen.
        let other = Fingerprint::of_certificate(bytes);
        let with_another = format!("{text}\r\na=fingerprint:{other}\r\n");
        let expected = if other == fingerprint { Ok(other) } else { Err(FingerprintError::Differ) };
        assert_eq!(Fingerprint::of_sdp(&with_another), expected);
    }
});
