//! What happens while a person carries the blobs, and when the two sides do not come together.

use std::future::Future;

use p2pcall::{
    call::{CallConfig, Ended, Obstacle},
    media::{Description, DescriptionKind},
    observe::{CallStateName, EventKind},
    signaling::{Expected, Memory, Signaling, SignalingError, memory},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    relay::{Relay, ThroughRelay},
    serial,
    side::{ANSWERER_HZ, OFFERER_HZ, Role, Side, config, media, runtime},
    stun::StunServer,
};

/// Changes what passes.
struct Altered {
    inner: Memory,
    alter: fn(&str) -> String,
}

impl Signaling for Altered {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        let sdp = (self.alter)(&description.sdp);
        self.inner.send(Description { sdp, ..description }).await
    }

    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        self.inner.receive(expected)
    }
}

/// Puts another fingerprint in the place of the one there is.
fn with_another_fingerprint(sdp: &str) -> String {
    let another = ["AB"; 32].join(":");
    let lines = sdp.lines().map(|line| match line.split_once("fingerprint:sha-256 ") {
        Some((before, _)) => format!("{before}fingerprint:sha-256 {another}\r\n"),
        // The check sum of the text would tell it before.
        None if line.starts_with("a=p2pcall:") => String::new(),
        None => format!("{line}\r\n"),
    });
    lines.collect()
}

#[test]
fn a_certificate_that_was_not_announced_ends_the_call_on_both_sides() {
    let _turn = serial::turn();
    let runtime = runtime();
    let entered = runtime.enter();
    let (near, far) = memory();
    let far = Altered { inner: far, alter: with_another_fingerprint };
    let mut offerer = Side::new(Role::Offer, media(OFFERER_HZ), near);
    let mut answerer = Side::new(Role::Answer, media(ANSWERER_HZ), far);
    drop(entered);
    for side in [&mut offerer, &mut answerer] {
        let ended = side.ended(&runtime).ended;
        assert_eq!(ended, Ended::HandshakeFailed(Obstacle::WrongFingerprint), "{:?}: {:?}", side.name, side.journal);
    }
}

/// Only real time shows it.
#[test]
fn silence_is_explained_before_it_ends_the_call() {
    let runtime = runtime();
    let relay = Relay::start(&runtime);
    relay.cut(true);
    let entered = runtime.enter();
    let (near, far) = memory();
    let through = |side, inner| ThroughRelay { side, relay: relay.clone(), inner };
    let mut offerer = Side::new(Role::Offer, media(OFFERER_HZ), through(Role::Offer, near));
    let answerer = Side::new(Role::Answer, media(ANSWERER_HZ), through(Role::Answer, far));
    drop(entered);
    offerer.event("the explanation", |event| matches!(event, EventKind::Obstructed { obstacle: "no_reply", .. }));
    assert_eq!(offerer.ended(&runtime).ended, Ended::Unreachable(Obstacle::NoReply));
    // The answerer goes on waiting: for all it knows nobody has pasted its answer yet.
    assert_eq!(answerer.journal.states(), [CallStateName::AwaitingRemote]);
}

fn candidates(description: &Description) -> Vec<&str> {
    description.sdp.lines().filter(|line| line.starts_with("a=candidate:")).collect()
}

/// Hands what is sent to the test, and takes from it what is received.
struct ThroughTest {
    sent: mpsc::Sender<Description>,
    answer: Option<oneshot::Receiver<Description>>,
}

impl Signaling for ThroughTest {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        self.sent.send(description).await.map_err(|_| SignalingError::Interrupted)
    }

    fn receive(&mut self, _: Expected) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        let answer = self.answer.take().expect("one answer is asked for");
        async { answer.await.map_err(|_| SignalingError::Interrupted) }
    }
}

#[test]
fn a_mapping_that_changes_leads_to_a_new_offer_and_the_answer_to_the_first_is_as_good() {
    a_mapping_changes(false);
}

#[test]
fn a_new_offer_is_answered_by_the_one_who_has_answered_before() {
    a_mapping_changes(true);
}

#[test]
fn whoever_is_behind_a_symmetric_nat_without_a_turn_server_is_told_in_time() {
    let runtime = runtime();
    let servers = [StunServer::start(&runtime), StunServer::start(&runtime)];
    servers[1].map_to("198.51.100.1:2000");
    let (near, _far) = memory();
    let config = CallConfig { stun: servers.iter().map(StunServer::url).collect(), ..config() };
    let entered = runtime.enter();
    let offerer = Side::with_config(Role::Offer, config, media(OFFERER_HZ), near);
    drop(entered);
    let told = |event: &EventKind| matches!(event, EventKind::SymmetricNat { what } if what.contains("--turn"));
    offerer.event("the warning", told);
}

/// Only real time shows it.
fn a_mapping_changes(answered_again: bool) {
    let runtime = runtime();
    let server = StunServer::start(&runtime);
    let (sender, mut sent) = mpsc::channel(4);
    let (answer, answered) = oneshot::channel();
    let through_test = ThroughTest { sent: sender, answer: Some(answered) };
    let (mut near, far) = memory();
    let config = CallConfig { stun: vec![server.url()], ..config() };
    let entered = runtime.enter();
    let mut offerer = Side::with_config(Role::Offer, config, media(OFFERER_HZ), through_test);
    let mut answerer = Side::new(Role::Answer, media(ANSWERER_HZ), far);
    drop(entered);
    let mut next = || runtime.block_on(sent.recv()).expect("the offerer waits");
    let mapped = |description: &Description, address: &str| {
        description.sdp.lines().any(|line| line.contains(&format!(" {address} ")) && line.contains("typ srflx"))
    };

    let first = next();
    assert!(mapped(&first, "198.51.100.1 1000"), "{}", first.sdp);
    runtime.block_on(near.send(first.clone())).expect("the answerer waits");
    let expected = Expected::new(DescriptionKind::Answer, Some(first.clone()));
    let to_first = runtime.block_on(near.receive(expected.clone())).expect("an answer");

    server.map_to("198.51.100.1:2000");
    let second = next();
    assert!(mapped(&second, "198.51.100.1 2000"), "{}", second.sdp);
    offerer.event("the reason", |event| *event == EventKind::MappingChanged);
    for same in ["fingerprint", "ice-ufrag", "ice-pwd"] {
        assert_eq!(first.attribute(same), second.attribute(same), "{same}");
    }

    let to_hand_over = match answered_again {
        false => to_first,
        true => {
            runtime.block_on(near.send(second)).expect("the answerer waits");
            let to_second = runtime.block_on(near.receive(expected)).expect("another answer");
            assert_ne!(candidates(&to_first), candidates(&to_second), "another socket");
            to_second
        }
    };

    let _turn = serial::turn();
    answer.send(to_hand_over).expect("the offerer waits for it");
    for (side, hz) in [(&offerer, ANSWERER_HZ), (&answerer, OFFERER_HZ)] {
        side.connected();
        side.numbers(|numbers| numbers.len() >= 5);
        side.tone(hz);
    }
    crate::hang_up(&runtime, &mut offerer, &mut answerer);
}
