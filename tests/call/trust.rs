//! Who is there: words to compare, passphrases, and somebody in between.

use std::sync::{Arc, Mutex};

use p2pcall::{
    call::{CallConfig, Control, Ended},
    media::{Description, DescriptionKind},
    observe::{CallStateName, EventKind},
    rtc::Certificate,
    signaling::{BlobForm, Expected, Memory, SessionBlob, Signaling, SignalingError, memory},
    trust::Passphrase,
};

use crate::{
    hang_up, serial,
    side::{ANSWERER_HZ, OFFERER_HZ, Role, Side, config, media, runtime},
};

/// Returns the words that a side shows.
fn words(side: &Side) -> String {
    let event = side.event("words", |event| matches!(event, EventKind::VerificationWords { .. }));
    let EventKind::VerificationWords { words } = event.kind else { panic!("words") };
    assert_eq!(words.split(' ').count(), 4, "{words}");
    words
}

#[test]
fn both_sides_show_the_same_words_and_know_each_other_again() {
    let _turn = serial::turn();
    let runtime = runtime();
    let _entered = runtime.enter();
    let certificate = Certificate::new().expect("random numbers");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (near, far) = memory();
        let named = CallConfig {
            name: Some("Anna".parse().expect("a name")),
            certificate: Some(certificate.clone()),
            ..config()
        };
        let mut offerer = Side::with_config(Role::Offer, named, media(OFFERER_HZ), near);
        let mut answerer = Side::new(Role::Answer, media(ANSWERER_HZ), far);
        let shown = words(&offerer);
        assert_eq!(shown, words(&answerer));
        let event = answerer.event("the name", |event| matches!(event, EventKind::RemoteName { .. }));
        let EventKind::RemoteName { name, fingerprint } = event.kind else { panic!("a name") };
        assert_eq!(name, "Anna");
        seen.push((shown, fingerprint));
        answerer.control(Control::ConfirmWords);
        answerer.event("the confirmation", |event| *event == EventKind::WordsConfirmed);
        hang_up(&runtime, &mut offerer, &mut answerer);
    }
    assert_eq!(seen[0].1, seen[1].1, "the certificate is the same");
    assert_ne!(seen[0].0, seen[1].0, "the words are new for each call");
}

/// Whoever carries the texts makes a call with each of the two instead.
#[test]
fn somebody_in_between_is_seen() {
    let _turn = serial::turn();
    let runtime = runtime();
    let _entered = runtime.enter();
    let [(near, carried), (other, far)] = [memory(), memory()];
    let mut offerer = Side::new(Role::Offer, media(OFFERER_HZ), near);
    let mut answerer = Side::new(Role::Answer, media(ANSWERER_HZ), far);
    // The two that he makes: what comes in by the one could go out by the other.
    let mut to_offerer = Side::new(Role::Answer, media(ANSWERER_HZ), carried);
    let mut to_answerer = Side::new(Role::Offer, media(OFFERER_HZ), other);
    for side in [&offerer, &answerer] {
        side.connected();
        side.numbers(|numbers| numbers.len() >= 5);
    }
    assert_ne!(words(&offerer), words(&answerer));
    assert_eq!(words(&offerer), words(&to_offerer));
    assert_eq!(words(&answerer), words(&to_answerer));
    hang_up(&runtime, &mut offerer, &mut to_offerer);
    hang_up(&runtime, &mut to_answerer, &mut answerer);
}

/// Carries descriptions as text in some form, noting them, and changes them on the way.
struct Carried {
    inner: Memory,
    form: BlobForm,
    seen: Arc<Mutex<Vec<Description>>>,
    change: fn(&str) -> String,
}

impl Carried {
    fn new(inner: Memory, form: BlobForm) -> Self {
        Self { inner, form, seen: Arc::default(), change: str::to_owned }
    }
}

impl Signaling for Carried {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        let text = SessionBlob::encode(&description, self.form).to_string();
        let read = SessionBlob::find(&text).expect("our own text").description;
        assert_eq!(read.sdp.replace("\r\n", "\n"), description.sdp);
        self.seen.lock().expect("nobody panics").push(read.clone());
        self.inner.send(Description { sdp: (self.change)(&read.sdp), ..read }).await
    }

    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        self.inner.receive(expected)
    }
}

fn with_passphrase(text: &str) -> CallConfig {
    CallConfig { passphrase: Some(Passphrase::new(text).expect("a passphrase")), ..config() }
}

#[test]
fn who_knows_the_passphrase_gets_through_and_nobody_reads_the_answer() {
    let _turn = serial::turn();
    for form in [BlobForm::Plain, BlobForm::Compact, BlobForm::Sdp] {
        let runtime = runtime();
        let _entered = runtime.enter();
        let (near, far) = memory();
        let (near, far) = (Carried::new(near, form), Carried::new(far, form));
        let answers = far.seen.clone();
        let mut offerer = Side::with_config(Role::Offer, with_passphrase("4711"), media(OFFERER_HZ), near);
        let mut answerer = Side::with_config(Role::Answer, with_passphrase(" 4711\n"), media(ANSWERER_HZ), far);
        for (side, hz) in [(&offerer, ANSWERER_HZ), (&answerer, OFFERER_HZ)] {
            side.connected();
            side.numbers(|numbers| numbers.len() >= 10);
            side.tone(hz);
        }
        assert_eq!(words(&offerer), words(&answerer));
        hang_up(&runtime, &mut offerer, &mut answerer);
        let answers = answers.lock().expect("nobody panics");
        let [answer] = &answers[..] else { panic!("one answer") };
        assert_eq!(answer.kind, DescriptionKind::Answer);
        for told in ["candidate", "fingerprint", "ice-", "m=", "127.0.0.1"] {
            assert!(!answer.sdp.contains(told), "{told} in {}", answer.sdp);
        }
    }
}

/// Returns how the offerer's call ends, with the words for the person.
fn refused(offering: CallConfig, answering: CallConfig, change: fn(&str) -> String) -> Ended {
    let runtime = runtime();
    let _entered = runtime.enter();
    let (near, far) = memory();
    let near = Carried { change, ..Carried::new(near, BlobForm::Plain) };
    // Which offer it answers is no secret, and whoever changed that changes this.
    let far = Carried { change: without_stamp, ..Carried::new(far, BlobForm::Plain) };
    let mut offerer = Side::with_config(Role::Offer, offering, media(OFFERER_HZ), near);
    let mut answerer = Side::with_config(Role::Answer, answering, media(ANSWERER_HZ), far);
    let ended = offerer.ended(&runtime).ended;
    answerer.control(Control::HangUp);
    answerer.ended(&runtime);
    for side in [&offerer, &answerer] {
        assert!(!side.journal.states().contains(&CallStateName::Connected), "{:?}", side.name);
    }
    ended
}

#[test]
fn a_wrong_passphrase_or_a_changed_offer_has_one_try() {
    let _turn = serial::turn();
    for (name, answering, change) in [
        ("a wrong one", "4712", (|sdp: &str| sdp.to_owned()) as fn(&str) -> String),
        ("another certificate", "4711", |sdp| changed(sdp, "a=fingerprint:sha-256 ")),
        ("other ICE credentials", "4711", |sdp| changed(sdp, "a=ice-pwd:")),
    ] {
        let ended = refused(with_passphrase("4711"), with_passphrase(answering), change);
        let Ended::Exchange(SignalingError::Ended(words)) = &ended else { panic!("{name}: {ended:?}") };
        assert!(words.contains("each is good for one try"), "{name}: {words}");
    }
}

/// Changes the first letter behind `start`, and the check sum with it: it is no secret.
fn changed(sdp: &str, start: &str) -> String {
    let (before, after) = sdp.split_once(start).expect("it is there");
    let other = if after.starts_with('A') { 'B' } else { 'A' };
    without_stamp(&format!("{before}{start}{other}{}", &after[1..]))
}

fn without_stamp(sdp: &str) -> String {
    sdp.lines().filter(|line| !line.starts_with("a=p2pcall:")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_passphrase_on_one_side_alone_is_told() {
    let _turn = serial::turn();
    let ended = |offering: CallConfig, answering: CallConfig| {
        let runtime = runtime();
        let _entered = runtime.enter();
        let (near, far) = memory();
        let mut offerer = Side::with_config(Role::Offer, offering, media(OFFERER_HZ), near);
        let mut answerer = Side::with_config(Role::Answer, answering, media(ANSWERER_HZ), far);
        let ended = answerer.ended(&runtime).ended;
        offerer.control(Control::HangUp);
        offerer.ended(&runtime);
        ended.to_string()
    };
    let words = ended(with_passphrase("4711"), config());
    assert!(words.contains("a passphrase belongs to it"), "{words}");
    let words = ended(config(), with_passphrase("4711"));
    assert!(words.contains("it has no passphrase"), "{words}");
}
