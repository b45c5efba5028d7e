//! Any messages at all are said to both sides of a verification, among them what an honest other side says. There
//! must be words or a failure, never both, and no words after a failure.

#![no_main]

use libfuzzer_sys::fuzz_target;
use p2pcall::trust::{Fingerprint, Role, Verification, VerificationMessage};

const FINGERPRINTS: [Fingerprint; 2] = [Fingerprint::from_bytes([1; 32]), Fingerprint::from_bytes([2; 32])];

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let [offerer, answerer] = FINGERPRINTS;
    let mut sides = [
        Verification::new(Role::Offerer, offerer, answerer, [3; 32]),
        Verification::new(Role::Answerer, answerer, offerer, [4; 32]),
    ];
    let mut last = None;
    for line in text.lines() {
        // The first character says whom the line is for; a line with nothing else stands for what was said last.
        let (side, said) = match line.split_at_checked(1) {
            Some(("<", said)) => (0, said),
            Some((">", said)) => (1, said),
            _ => {
                last = sides[0].begin().or(last);
                continue;
            }
        };
        let honest = last.map(VerificationMessage::to_text).filter(|_| said.is_empty());
        let before = sides[side].failure();
        match sides[side].hear(honest.as_deref().unwrap_or(said)) {
            Some(Ok(step)) => {
                assert!(before.is_none() || (step.send.is_none() && step.words.is_none()));
                assert!(step.words.is_none() || step.words == sides[side].words());
                last = step.send.or(last);
            }
            Some(Err(error)) => assert!(before.is_none() && sides[side].failure() == Some(error)),
            None => assert_eq!(before, sides[side].failure()),
        }
        assert!(sides[side].words().is_none() || sides[side].failure().is_none());
    }
    if let Some(Ok(message)) = VerificationMessage::from_text(&text) {
        assert_eq!(VerificationMessage::from_text(&message.to_text()), Some(Ok(message)));
    }
});
