//! Two people who know a passphrase, and others who do not.

use proptest::prelude::*;

use super::{OfferedPassphrase, Passphrase, PassphraseError, PassphraseProof, Sealed, Share};

const OFFER: &[u8] = b"v=0 an offer with its fingerprint and its share";
const ANSWER: &[u8] = b"v=0 an answer with its addresses";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text).expect("not empty")
}

#[test]
fn who_knows_the_passphrase_reads_the_answer_and_proves_it() {
    for (typed_here, typed_there) in [("4711", "4711"), ("4711\n", " 4711"), ("correct horse", "correct horse")] {
        let (offered, share) = OfferedPassphrase::begin(&passphrase(typed_here));
        let share: Share = share.to_string().parse().expect("a share");
        let (sealed, awaited) = passphrase(typed_there).answer(&share, OFFER, ANSWER).expect("an answer");
        let sealed: Sealed = sealed.to_string().parse().expect("a sealed answer");
        assert_eq!(sealed.to_bytes().len(), ANSWER.len() + Sealed::OVERHEAD);
        let opened = offered.open(&sealed, OFFER).expect("the same passphrase");
        assert_eq!(opened.plaintext, ANSWER);
        let proof = PassphraseProof::from_text(&opened.proof.to_text()).expect("ours").expect("a proof");
        assert_eq!(awaited.check(&proof), Ok(()));
    }
}

#[test]
fn a_wrong_passphrase_and_a_changed_text_are_refused_alike() {
    type Change = fn(&mut Vec<u8>);
    let same: Change = |_| {};
    for (name, there, context, change) in [
        ("another passphrase", "4712", OFFER, same),
        ("a longer passphrase", "47110", OFFER, same),
        ("a rewritten offer", "4711", b"v=0 an offer with another fingerprint", same),
        ("an empty offer", "4711", b"", same),
        ("a changed text", "4711", OFFER, |bytes| bytes[Share::LENGTH] ^= 1),
        ("a changed seal", "4711", OFFER, |bytes| *bytes.last_mut().expect("bytes") ^= 1),
        ("a changed share", "4711", OFFER, |bytes| bytes[3] ^= 1),
        ("no share at all", "4711", OFFER, |bytes| bytes[..Share::LENGTH].fill(0)),
        ("the neutral point", "4711", OFFER, |bytes| {
            bytes[..Share::LENGTH].fill(0);
            bytes[0] = 1;
        }),
        ("a text cut short", "4711", OFFER, |bytes| bytes.truncate(bytes.len() - 1)),
        ("nothing but a seal", "4711", OFFER, |bytes| bytes.truncate(Sealed::OVERHEAD)),
    ] {
        let (offered, share) = OfferedPassphrase::begin(&passphrase("4711"));
        let (sealed, _) = passphrase(there).answer(&share, context, ANSWER).expect("an answer");
        let mut bytes = sealed.to_bytes();
        change(&mut bytes);
        let sealed = Sealed::from_bytes(&bytes).expect("long enough");
        // `open` takes the state away: that there is one try only is seen to by the compiler.
        assert_eq!(offered.open(&sealed, OFFER), Err(PassphraseError::Refused), "{name}");
    }
}

#[test]
fn who_rewrote_the_offer_cannot_prove_that_he_read_the_answer() {
    // He guesses once, and wrongly; what he derives is neither the answer nor a proof.
    let (his, share) = OfferedPassphrase::begin(&passphrase("0000"));
    let (sealed, awaited) = passphrase("4711").answer(&share, OFFER, ANSWER).expect("an answer");
    assert_eq!(his.open(&sealed, OFFER), Err(PassphraseError::Refused));
    let (another, share) = OfferedPassphrase::begin(&passphrase("4711"));
    let (sealed, _) = passphrase("4711").answer(&share, OFFER, ANSWER).expect("an answer");
    let of_another_call = another.open(&sealed, OFFER).expect("opens").proof;
    assert_eq!(awaited.check(&of_another_call), Err(PassphraseError::Unproven));
}

#[test]
fn each_try_costs_an_offer_and_of_many_guesses_one_hits() {
    let guesses = 20;
    let opened = (0..guesses)
        .filter(|guess| {
            let (offered, share) = OfferedPassphrase::begin(&passphrase("0007"));
            let (sealed, _) = passphrase(&format!("{guess:04}")).answer(&share, OFFER, ANSWER).expect("an answer");
            offered.open(&sealed, OFFER).is_ok()
        })
        .count();
    assert_eq!(opened, 1);
}

#[test]
fn shares_and_answers_are_new_each_time() {
    let (_, first) = OfferedPassphrase::begin(&passphrase("4711"));
    let (_, second) = OfferedPassphrase::begin(&passphrase("4711"));
    assert_ne!(first, second);
    let [one, other] = [(); 2].map(|()| passphrase("4711").answer(&first, OFFER, ANSWER).expect("an answer").0);
    assert!(one.share != other.share && one.ciphertext != other.ciphertext);
}

#[test]
fn what_is_damaged_is_told_before_it_counts_as_a_try() {
    let no_point = Share::from_bytes([2; 32]);
    assert_eq!(passphrase("4711").answer(&no_point, OFFER, ANSWER).expect_err("none"), PassphraseError::Damaged);
    for text in ["", "4711", "AAAA", "A A", &"A".repeat(60)] {
        assert_eq!(text.parse::<Share>(), Err(PassphraseError::Damaged), "{text}");
        assert_eq!(text.parse::<Sealed>(), Err(PassphraseError::Damaged), "{text}");
    }
    for text in [r#"{"say":"passphrase_proof"}"#, r#"{"say":"passphrase_proof","proof":4}"#] {
        assert_eq!(PassphraseProof::from_text(text), Some(Err(PassphraseError::Unproven)), "{text}");
    }
    for text in ["", r#"{"say":"bye"}"#] {
        assert_eq!(PassphraseProof::from_text(text), None, "{text}");
    }
}

#[test]
fn the_wire_form_of_a_proof_stays() {
    let text = r#"{"say":"passphrase_proof","proof":"AwMD"}"#;
    assert_eq!(PassphraseProof::from_text(text).expect("a proof").expect("a proof").to_text(), text);
}

#[test]
fn an_empty_passphrase_is_none_and_none_is_shown() {
    for text in ["", " ", "\t\r\n"] {
        assert_eq!(Passphrase::new(text).expect_err("empty"), PassphraseError::Empty);
    }
    assert!(!format!("{:?}", passphrase("4711")).contains("4711"));
    assert!(!format!("{:?}", OfferedPassphrase::begin(&passphrase("4711")).0).contains("4711"));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, text: String) {
        if let Ok(sealed) = Sealed::from_bytes(&bytes) {
            prop_assert_eq!(sealed.to_bytes(), bytes);
        }
        let _ = text.parse::<Sealed>();
        let _ = PassphraseProof::from_text(&text);
    }
}
