//! Two honest sides, and what each says to messages that are none.

use proptest::prelude::*;

use super::{Bytes32, Fingerprint, Role, Step, Verification, VerificationError, VerificationMessage, Words};

const OFFERER: Fingerprint = Fingerprint::from_bytes([1; 32]);
const ANSWERER: Fingerprint = Fingerprint::from_bytes([2; 32]);

fn offerer() -> Verification {
    Verification::new(Role::Offerer, OFFERER, ANSWERER, [3; 32])
}

fn answerer() -> Verification {
    Verification::new(Role::Answerer, ANSWERER, OFFERER, [4; 32])
}

fn nonce(byte: u8) -> Bytes32 {
    Bytes32([byte; 32])
}

/// Carries all messages over. Returns the words of both sides.
fn talk(offerer: &mut Verification, answerer: &mut Verification) -> [Option<Words>; 2] {
    let mut message = offerer.begin();
    let mut to_answerer = true;
    while let Some(said) = message.take() {
        let hears = if to_answerer { &mut *answerer } else { &mut *offerer };
        let heard = hears.hear(&said.to_text()).expect("a message of ours");
        message = heard.expect("an honest message").send;
        to_answerer = !to_answerer;
    }
    [offerer.words(), answerer.words()]
}

#[test]
fn two_honest_sides_see_the_same_words() {
    let [here, there] = talk(&mut offerer(), &mut answerer());
    assert!(here.is_some() && here == there);
    // Made once with Python's hashlib and hmac from docs/security.md alone.
    assert_eq!(here.expect("words").to_string(), "flatfoot performance optic backwater");
}

#[test]
fn the_words_depend_on_both_nonces_and_both_certificates() {
    let [usual, _] = talk(&mut offerer(), &mut answerer());
    let other = Fingerprint::from_bytes([9; 32]);
    for (offerers, answerers, ours, theirs) in [
        ([9; 32], [4; 32], OFFERER, ANSWERER),
        ([3; 32], [9; 32], OFFERER, ANSWERER),
        ([3; 32], [4; 32], other, ANSWERER),
        ([3; 32], [4; 32], OFFERER, other),
        ([4; 32], [3; 32], OFFERER, ANSWERER),
        ([3; 32], [4; 32], ANSWERER, OFFERER),
    ] {
        let mut offerer = Verification::new(Role::Offerer, ours, theirs, offerers);
        let mut answerer = Verification::new(Role::Answerer, theirs, ours, answerers);
        let [here, there] = talk(&mut offerer, &mut answerer);
        assert!(here.is_some() && here == there && here != usual);
    }
}

#[test]
fn only_who_offered_begins_and_only_once() {
    let mut offerer = offerer();
    assert!(matches!(offerer.begin(), Some(VerificationMessage::VerifyCommit { .. })));
    assert_eq!(offerer.begin(), None);
    assert_eq!(answerer().begin(), None);
}

#[test]
fn a_message_out_of_turn_ends_it_for_good() {
    let commit = VerificationMessage::VerifyCommit { commitment: nonce(5) };
    let told = VerificationMessage::VerifyNonce { nonce: nonce(4) };
    let reveal = VerificationMessage::VerifyReveal { nonce: nonce(3) };
    for (name, mut side, begins, said, expected) in [
        ("a nonce before the commitment", offerer(), false, vec![told], VerificationError::OutOfTurn),
        ("our commitment comes back", offerer(), true, vec![commit], VerificationError::OutOfTurn),
        ("a reveal in place of a nonce", offerer(), true, vec![reveal], VerificationError::OutOfTurn),
        ("two nonces", offerer(), true, vec![told, told], VerificationError::OutOfTurn),
        ("a commitment after the words", offerer(), true, vec![told, commit], VerificationError::OutOfTurn),
        ("a nonce to who answers", answerer(), false, vec![told], VerificationError::OutOfTurn),
        ("a reveal without commitment", answerer(), false, vec![reveal], VerificationError::OutOfTurn),
        ("two commitments", answerer(), false, vec![commit, commit], VerificationError::OutOfTurn),
        ("another reveal than committed", answerer(), false, vec![commit, reveal], VerificationError::Commitment),
    ] {
        if begins {
            side.begin();
        }
        let (last, before) = said.split_last().expect("messages");
        for message in before {
            side.step(*message).expect(name);
        }
        assert_eq!(side.step(*last), Err(expected), "{name}");
        assert_eq!((side.words(), side.failure()), (None, Some(expected)), "{name}");
        for message in [commit, told, reveal] {
            assert_eq!(side.step(message), Ok(Step::default()), "{name}: no second try");
        }
        assert_eq!((side.begin(), side.words(), side.failure()), (None, None, Some(expected)), "{name}");
    }
}

#[test]
fn the_wire_form_stays() {
    let base64 = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
    for (message, text) in [
        (
            VerificationMessage::VerifyCommit { commitment: nonce(3) },
            format!(r#"{{"say":"verify_commit","commitment":"{base64}"}}"#),
        ),
        (
            VerificationMessage::VerifyNonce { nonce: nonce(3) },
            format!(r#"{{"say":"verify_nonce","nonce":"{base64}"}}"#),
        ),
        (
            VerificationMessage::VerifyReveal { nonce: nonce(3) },
            format!(r#"{{"say":"verify_reveal","nonce":"{base64}"}}"#),
        ),
    ] {
        assert_eq!(message.to_text(), text);
        assert_eq!(VerificationMessage::from_text(&text), Some(Ok(message)));
        let newer = text.replace('}', r#","more":1}"#);
        assert_eq!(VerificationMessage::from_text(&newer), Some(Ok(message)), "newer programs may say more");
    }
}

#[test]
fn what_is_not_about_verification_is_left_alone() {
    for text in ["", "nonsense", "{}", r#"{"say":"bye"}"#, r#"{"say":"verify_more"}"#, r#"{"say":7}"#] {
        let mut side = answerer();
        assert_eq!(side.hear(text), None, "{text}");
        assert_eq!(side.failure(), None, "{text}");
    }
}

#[test]
fn a_broken_message_ends_it() {
    for text in [
        r#"{"say":"verify_commit"}"#,
        r#"{"say":"verify_commit","commitment":""}"#,
        r#"{"say":"verify_commit","commitment":"AwMD"}"#,
        r#"{"say":"verify_commit","commitment":[3]}"#,
        r#"{"say":"verify_nonce","nonce":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwN="}"#,
        r#"{"say":"verify_reveal","nonce":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="}"#,
    ] {
        let mut side = answerer();
        assert_eq!(side.hear(text), Some(Err(VerificationError::Malformed)), "{text}");
        assert_eq!(side.failure(), Some(VerificationError::Malformed));
    }
}

#[test]
fn the_nonce_is_not_written_to_logs() {
    let shown = format!("{:?}", offerer());
    assert!(!shown.contains("AwMD") && !shown.contains("3, 3"), "{shown}");
}

proptest! {
    #[test]
    fn any_texts_are_survived(texts in proptest::collection::vec(any::<String>(), 0..8), begins: bool) {
        let mut side = offerer();
        if begins {
            side.begin();
        }
        for text in texts {
            let _ = side.hear(&text);
            let _ = side.hear(&format!(r#"{{"say":"verify_nonce","nonce":"{text}"}}"#));
        }
        prop_assert!(side.words().is_none() || side.failure().is_none());
    }
}
