//! The steps of both sides' peer connections, as observers are told of them.

use std::sync::{Arc, Condvar, Mutex};

use p2pcall::{
    media::{Clock, Description, DescriptionKind, now},
    observe::{Event, EventKind, Events, Observer, StepName, StepValue},
    rtc::{Peer, PictureCodecs},
    signaling::memory,
};

use crate::{
    hang_up,
    peer::answering,
    serial,
    side::{ANSWERER_HZ, OFFERER_HZ, PATIENCE, Role, Side, media, runtime},
};

/// Writes down the names of steps.
#[derive(Default)]
struct Timeline {
    names: Mutex<Vec<StepName>>,
    changed: Condvar,
}

impl Observer for Timeline {
    fn on_event(&self, event: &Event) {
        let EventKind::Step(step) = &event.kind else { return };
        assert_eq!(step.connection, 1);
        if let StepValue::Description(description) = &step.value {
            assert!(description.sdp.starts_with("v=0"));
        }
        self.names.lock().expect("nobody panics").push(step.name);
        self.changed.notify_all();
    }

    fn wants_steps(&self) -> bool {
        true
    }
}

impl Timeline {
    /// Waits for a step.
    fn told(&self, wanted: StepName) {
        let told = |names: &mut Vec<StepName>| !names.contains(&wanted);
        let names = self.names.lock().expect("nobody panics");
        let waited = self.changed.wait_timeout_while(names, PATIENCE, told).expect("nobody panics").1;
        assert!(!waited.timed_out(), "{wanted} was not told");
    }

    /// Returns those of a list that were told, in their order.
    fn of(&self, wanted: &[StepName]) -> Vec<StepName> {
        self.names.lock().expect("nobody panics").iter().copied().filter(|name| wanted.contains(name)).collect()
    }
}

#[test]
fn both_timelines_are_told_in_their_order() {
    use StepName::{
        AddStream, CreateAnswer, CreateAnswerOnSuccess, CreateOffer, CreateOfferOnSuccess, OnAddStream,
        SetLocalDescription, SetLocalDescriptionOnSuccess, SetRemoteDescription, SetRemoteDescriptionOnSuccess,
    };
    let _turn = serial::turn();
    let runtime = runtime();
    let _entered = runtime.enter();
    let (near, far) = memory();
    let [offering, answering] = [Arc::new(Timeline::default()), Arc::new(Timeline::default())];
    let mut offerer = Side::observed(Role::Offer, media(OFFERER_HZ), near, vec![offering.clone()]);
    let mut answerer = Side::observed(Role::Answer, media(ANSWERER_HZ), far, vec![answering.clone()]);
    for side in [&offerer, &answerer] {
        side.connected();
        side.numbers(|numbers| numbers.len() >= 5);
    }
    for timeline in [&offering, &answering] {
        timeline.told(StepName::SelectedCandidatePairChange);
    }
    hang_up(&runtime, &mut offerer, &mut answerer);

    let [offering, answering] = [offering, answering].map(|timeline| {
        timeline.of(&[
            AddStream,
            CreateOffer,
            CreateOfferOnSuccess,
            SetLocalDescription,
            SetLocalDescriptionOnSuccess,
            SetRemoteDescription,
            OnAddStream,
            SetRemoteDescriptionOnSuccess,
            CreateAnswer,
            CreateAnswerOnSuccess,
        ])
    });
    let expected = [
        AddStream,
        CreateOffer,
        CreateOfferOnSuccess,
        SetLocalDescription,
        SetLocalDescriptionOnSuccess,
        SetRemoteDescription,
        OnAddStream,
        SetRemoteDescriptionOnSuccess,
    ];
    assert_eq!(offering, expected);
    let expected = [
        SetRemoteDescription,
        OnAddStream,
        SetRemoteDescriptionOnSuccess,
        CreateAnswer,
        CreateAnswerOnSuccess,
        SetLocalDescription,
        SetLocalDescriptionOnSuccess,
    ];
    assert_eq!(answering, expected);
}

#[test]
fn a_description_that_is_not_taken_is_told() {
    let runtime = runtime();
    let timeline = Arc::new(Timeline::default());
    runtime.block_on(async {
        let clock = Clock::new(now());
        let config = answering(PictureCodecs::default());
        let events = Events::new(clock, [timeline.clone() as Arc<dyn Observer>]);
        let (mut peer, _told) = Peer::new(&config, clock, &events).await.expect("a socket on the loopback");
        let offer = Description { kind: DescriptionKind::Offer, sdp: "v=0\r\nnonsense\r\n".into() };
        peer.answer(&offer).await.expect_err("nonsense");
        peer.close().await;
    });
    use StepName::{
        SetRemoteDescription, SetRemoteDescriptionOnFailure, SetRemoteDescriptionOnSuccess, TransceiverAdded,
    };
    let told = timeline.of(&[
        SetRemoteDescription,
        SetRemoteDescriptionOnFailure,
        SetRemoteDescriptionOnSuccess,
        TransceiverAdded,
    ]);
    let expected = [TransceiverAdded, TransceiverAdded, SetRemoteDescription, SetRemoteDescriptionOnFailure];
    assert_eq!(told, expected);
}
