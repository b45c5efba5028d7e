//! Whole calls: two peers in one program, over real sockets on the loopback interface.
//!
//! What is judged is what arrives: the numbers painted into pictures, the frequency of tones.

#[path = "call/codecs.rs"]
mod codecs;
#[path = "support/journal.rs"]
mod journal;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/relay.rs"]
mod relay;
#[path = "support/serial.rs"]
mod serial;
#[path = "support/side.rs"]
mod side;
#[path = "call/statistics.rs"]
mod statistics;
#[path = "call/steps.rs"]
mod steps;
#[path = "support/stun.rs"]
mod stun;
#[path = "call/trust.rs"]
mod trust;
#[path = "call/waiting.rs"]
mod waiting;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use p2pcall::{
    call::{Call, CallConfig, Control, Ended, Media},
    media::{Description, MediaKind, VideoFormat, VideoFrame},
    observe::{CallStateName, EventKind, StatsReport},
    signaling::{BlobForm, Expected, Memory, SessionBlob, Signaling, SignalingError, memory},
    source::{SourceError, TestPattern, VideoSource, frame_number},
};
use tokio::{
    runtime::{EnterGuard, Runtime},
    sync::oneshot,
};

use relay::{Relay, ThroughRelay};
use side::{ANSWERER_HZ, OFFERER_HZ, PATIENCE, Role, Side, is_black, media, runtime};

/// Begins a call between two sides.
fn begin(_runtime: &EnterGuard<'_>, offerer: Media, answerer: Media) -> (Side, Side) {
    let (near, far) = memory();
    let [near, far] = [near, far].map(|memory| InWriting { memory, short: true });
    (Side::new(Role::Offer, offerer, near), Side::new(Role::Answer, answerer, far))
}

/// Carries descriptions as text.
struct InWriting {
    memory: Memory,
    /// Whether the text is to be short: an order of codecs that is not the usual takes more.
    short: bool,
}

impl Signaling for InWriting {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        let text = |form| SessionBlob::encode(&description, form).to_string();
        let (plain, compact) = (text(BlobForm::Plain), text(BlobForm::Compact));
        assert!(plain.len() <= 1720, "{}", plain.len());
        assert!(!self.short || compact.len() <= 140, "{}", compact.len());
        let read = SessionBlob::find(&compact).expect("our own blob").description;
        assert!(read == description, "{}", description.sdp);
        self.memory.send(read).await
    }

    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        self.memory.receive(expected)
    }
}

/// Begins a call between two sides over a relay.
fn begin_through(runtime: &Runtime) -> (Side, Side, Arc<Relay>) {
    let relay = Relay::start(runtime);
    let _entered = runtime.enter();
    let through = |side, inner| ThroughRelay { side, relay: relay.clone(), inner };
    let (near, far) = memory();
    let offerer = Side::new(Role::Offer, media(OFFERER_HZ), through(Role::Offer, near));
    let answerer = Side::new(Role::Answer, media(ANSWERER_HZ), through(Role::Answer, far));
    (offerer, answerer, relay)
}

fn hang_up(runtime: &Runtime, first: &mut Side, second: &mut Side) {
    first.control(Control::HangUp);
    let (first, second) = (first.ended(runtime), second.ended(runtime));
    assert_eq!((&first.ended, &second.ended), (&Ended::HungUp, &Ended::RemoteHungUp));
    assert!(first.connected.is_some() && second.connected.is_some());
}

#[test]
fn pictures_and_sound_arrive_both_ways_and_the_offerer_hangs_up() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer) = begin(&runtime.enter(), media(OFFERER_HZ), media(ANSWERER_HZ));
    for (side, hz) in [(&offerer, ANSWERER_HZ), (&answerer, OFFERER_HZ)] {
        side.connected();
        side.numbers(|numbers| numbers.len() >= 40);
        side.tone(hz);
    }
    hang_up(&runtime, &mut offerer, &mut answerer);
    use CallStateName::{AwaitingRemote, Connected, Connecting};
    assert_eq!(offerer.journal.states()[..3], [AwaitingRemote, Connecting, Connected]);
}

#[test]
fn the_answerer_hangs_up() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer) = begin(&runtime.enter(), media(OFFERER_HZ), media(ANSWERER_HZ));
    answerer.connected();
    offerer.connected();
    hang_up(&runtime, &mut answerer, &mut offerer);
}

#[test]
fn letting_go_of_a_call_hangs_up() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer) = begin(&runtime.enter(), media(OFFERER_HZ), media(ANSWERER_HZ));
    answerer.connected();
    offerer.connected();
    offerer.abandon();
    assert_eq!(answerer.ended(&runtime).ended, Ended::RemoteHungUp);
}

#[test]
fn hidden_addresses_leave_nothing_without_a_server() {
    let runtime = runtime();
    let (near, _far) = memory();
    let config = CallConfig { hide_addresses: true, ..side::config() };
    let call = {
        let _entered = runtime.enter();
        Call::offer(config, Media::new(), near, vec![])
    };
    let Ended::Failed(words) = runtime.block_on(call.ended()).ended else {
        panic!("it should not have begun");
    };
    assert!(words.contains("no address to give out") && words.contains("--stun"), "{words}");
}

#[test]
fn a_side_may_send_less_than_it_receives() {
    let _turn = serial::turn();
    for (offered, answered) in
        [((false, false), (true, true)), ((true, false), (false, true)), ((true, false), (true, false))]
    {
        let runtime = runtime();
        let only = |hz, (video, audio)| {
            let mut media = media(hz);
            media.video_source = media.video_source.filter(|_| video);
            media.audio_source = media.audio_source.filter(|_| audio);
            media
        };
        let (mut offerer, mut answerer) =
            begin(&runtime.enter(), only(OFFERER_HZ, offered), only(ANSWERER_HZ, answered));
        for (side, hz, (video, audio)) in [(&offerer, ANSWERER_HZ, answered), (&answerer, OFFERER_HZ, offered)] {
            side.connected();
            if video {
                side.numbers(|numbers| numbers.len() >= 10);
            }
            if audio {
                side.tone(hz);
            }
        }
        for (side, (video, audio)) in [(&offerer, answered), (&answerer, offered)] {
            let (pictures, blocks) = side.counts();
            assert_eq!((pictures > 0, blocks > 0), (video, audio), "{:?} {:?}", side.name, side.journal);
        }
        hang_up(&runtime, &mut answerer, &mut offerer);
    }
}

#[test]
fn what_is_switched_off_is_neither_seen_nor_heard() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer) = begin(&runtime.enter(), media(OFFERER_HZ), media(ANSWERER_HZ));
    let before = answerer.numbers(|numbers| numbers.len() >= 5);
    answerer.tone(OFFERER_HZ);
    for (kind, muted) in
        [(MediaKind::Video, true), (MediaKind::Audio, true), (MediaKind::Video, false), (MediaKind::Audio, false)]
    {
        offerer.control(Control::Mute(kind, muted));
        let told = EventKind::Muted { kind, remote: true, muted };
        answerer.event("being told", |event| *event == told);
        match (kind, muted) {
            (MediaKind::Video, true) => {
                let mut black = 0;
                answerer.picture("pictures that stay black", |picture| {
                    assert!(is_black(picture) || black == 0, "a picture came through");
                    black += usize::from(is_black(picture));
                    (black == 3).then_some(())
                });
            }
            (MediaKind::Video, false) => {
                let number = answerer.picture("the pattern again", |picture| {
                    frame_number(picture).filter(|number| *number > before[before.len() - 1] + 40)
                });
                assert!(number > 0);
            }
            (MediaKind::Audio, true) => answerer.silence(),
            (MediaKind::Audio, false) => answerer.tone(OFFERER_HZ),
        }
        // The other way nothing changes.
        offerer.tone(ANSWERER_HZ);
    }
    hang_up(&runtime, &mut offerer, &mut answerer);
}

#[test]
fn what_was_switched_off_before_the_call_is_off_in_it() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer) = begin(&runtime.enter(), media(OFFERER_HZ), media(ANSWERER_HZ));
    for side in [&offerer, &answerer] {
        side.control(Control::Mute(MediaKind::Video, true));
    }
    for side in [&offerer, &answerer] {
        side.connected();
        side.event("being told", |event| {
            *event == EventKind::Muted { kind: MediaKind::Video, remote: true, muted: true }
        });
        side.picture("a black picture", |picture| is_black(picture).then_some(()));
    }
    hang_up(&runtime, &mut offerer, &mut answerer);
}

/// Signaling in which the answer waits for a word.
struct HeldBack {
    inner: Memory,
    word: Option<oneshot::Receiver<()>>,
}

impl Signaling for HeldBack {
    async fn send(&mut self, description: Description) -> Result<(), SignalingError> {
        self.inner.send(description).await
    }

    fn receive(
        &mut self,
        expected: Expected,
    ) -> impl Future<Output = Result<Description, SignalingError>> + Send + 'static {
        let (received, word) = (self.inner.receive(expected), self.word.take());
        async move {
            let description = received.await?;
            if let Some(word) = word {
                let _ = word.await;
            }
            Ok(description)
        }
    }
}

/// The library gives an answerer up after 30 s, and each pair of candidates after 7 checks: a
/// person who carries the answer may take longer. Nothing but real time shows it.
#[test]
fn an_answer_that_is_carried_for_35_seconds_still_connects() {
    let runtime = runtime();
    let (word, waited_for) = oneshot::channel();
    let (near, far) = memory();
    let entered = runtime.enter();
    let near = HeldBack { inner: near, word: Some(waited_for) };
    let mut offerer = Side::new(Role::Offer, media(OFFERER_HZ), near);
    let mut answerer = Side::new(Role::Answer, media(ANSWERER_HZ), far);
    drop(entered);
    answerer.event("the answer", |event| matches!(event, EventKind::LocalDescription { .. }));
    let early = answerer.journal.wait_for(Duration::from_secs(35), |event| match &event.kind {
        EventKind::State { state } if *state != CallStateName::AwaitingRemote => Some(event.clone()),
        EventKind::Ended { .. } => Some(event.clone()),
        _ => None,
    });
    assert_eq!(early, None, "while the answer was carried");

    // Only now is there anything to compute.
    let _turn = serial::turn();
    word.send(()).expect("the offerer still waits");
    for (side, hz) in [(&offerer, ANSWERER_HZ), (&answerer, OFFERER_HZ)] {
        side.connected();
        side.numbers(|numbers| numbers.len() >= 5);
        side.tone(hz);
    }
    hang_up(&runtime, &mut answerer, &mut offerer);
}

#[test]
fn lost_packets_are_asked_for_again() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer, relay) = begin_through(&runtime);
    answerer.connected();
    answerer.numbers(|numbers| numbers.len() >= 15);
    relay.impair(50, Duration::from_millis(30));

    let newest = |side: &Side| {
        let mut newest: Option<(Duration, StatsReport)> = None;
        let _: Option<()> = side.journal.wait_for(Duration::ZERO, |event| {
            if let EventKind::Stats(report) = &event.kind {
                newest = Some((event.at, (**report).clone()));
            }
            None
        });
        newest.unwrap_or_default()
    };
    // Figures come once a second: what is counted begins with fresh ones, or pictures from before count as lost.
    let before = newest(&offerer).0;
    answerer.numbers(|_| newest(&offerer).0 > before);
    let (sent, received) = (newest(&offerer), newest(&answerer));
    let shown = answerer.counts().0;
    answerer.numbers(|numbers| numbers.len() > 32 && newest(&offerer).0 >= sent.0 + Duration::from_secs(6));

    let (sent_after, received_after) = (newest(&offerer), newest(&answerer));
    let encoded = sent_after.1.outbound.video.frames_encoded - sent.1.outbound.video.frames_encoded;
    let arrived = answerer.counts().0 - shown;
    assert!(arrived * 10 >= encoded * 8, "{arrived} of {encoded} pictures arrived: {:?}", answerer.journal);
    let (before, after) = (&received.1.inbound.video, &received_after.1.inbound.video);
    let packets = after.packets_received - before.packets_received;
    let lost = after.packets_lost - before.packets_lost;
    assert!(packets > 50 && lost * 50 < packets, "{lost} packets never came, {packets} did: {:?}", answerer.journal);
    answerer.tone(OFFERER_HZ);
    hang_up(&runtime, &mut offerer, &mut answerer);
}

#[test]
fn a_path_that_comes_back_is_used_again() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer, relay) = begin_through(&runtime);
    for side in [&offerer, &answerer] {
        side.connected();
        side.numbers(|numbers| numbers.len() >= 5);
    }
    relay.cut(true);
    answerer.event("interrupted", |event| matches!(event, EventKind::State { state: CallStateName::Interrupted }));
    relay.cut(false);
    let wanted = [CallStateName::Connected, CallStateName::Interrupted, CallStateName::Connected];
    let mut next = wanted.iter();
    let mut state = next.next();
    let back = answerer.journal.wait_for(PATIENCE, |event| {
        if matches!(event.kind, EventKind::State { state: entered } if Some(&entered) == state) {
            state = next.next();
        }
        state.is_none().then_some(())
    });
    assert!(back.is_some(), "{:?}", answerer.journal);
    answerer.tone(OFFERER_HZ);
    offerer.tone(ANSWERER_HZ);
    hang_up(&runtime, &mut offerer, &mut answerer);
}

#[test]
fn a_path_that_is_cut_ends_the_call_on_both_sides() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer, relay) = begin_through(&runtime);
    for side in [&offerer, &answerer] {
        side.connected();
        side.numbers(|numbers| numbers.len() >= 5);
    }
    relay.cut(true);
    for side in [&mut offerer, &mut answerer] {
        let summary = side.ended(&runtime);
        assert_eq!(summary.ended, Ended::ConnectionLost);
        assert!(summary.connected.is_some());
        assert!(side.journal.states().contains(&CallStateName::Interrupted), "{:?}", side.journal);
    }
}

#[test]
fn a_source_that_cannot_be_opened_leaves_the_other_medium() {
    let _turn = serial::turn();
    let runtime = runtime();
    let mut broken = media(OFFERER_HZ);
    broken.video_source = Some(Box::new(|| Err(SourceError::Missing("There is no camera here.".into()))));
    let mut mute = media(ANSWERER_HZ);
    mute.audio_source = Some(Box::new(|| Err(SourceError::Busy("Another program has the microphone.".into()))));
    let (mut offerer, mut answerer) = begin(&runtime.enter(), broken, mute);
    for (side, kind, what) in [
        (&offerer, MediaKind::Video, "There is no camera here."),
        (&answerer, MediaKind::Audio, "Another program has the microphone."),
    ] {
        let failed = EventKind::SourceFailed { kind, what: what.into() };
        side.event("the failure", |event| *event == failed);
    }
    answerer.tone(OFFERER_HZ);
    offerer.numbers(|numbers| numbers.len() >= 10);
    hang_up(&runtime, &mut offerer, &mut answerer);
}

/// A camera that can be pulled out.
struct Unpluggable {
    pattern: TestPattern,
    pulled_out: Arc<AtomicBool>,
}

impl VideoSource for Unpluggable {
    fn format(&self) -> VideoFormat {
        self.pattern.format()
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        match self.pulled_out.load(Ordering::Relaxed) {
            true => Err(SourceError::Ended("The camera is gone.".into())),
            false => self.pattern.read(timeout),
        }
    }
}

#[test]
fn a_source_that_ends_leaves_black_and_the_other_medium() {
    let _turn = serial::turn();
    let runtime = runtime();
    let mut fragile = media(OFFERER_HZ);
    let (clock, pulled_out) = (fragile.clock, Arc::new(AtomicBool::new(false)));
    let camera = Unpluggable { pattern: TestPattern::new(side::format(), clock), pulled_out: pulled_out.clone() };
    fragile.video_source = Some(Box::new(move || Ok(Box::new(camera))));
    let (mut offerer, mut answerer) = begin(&runtime.enter(), fragile, media(ANSWERER_HZ));
    answerer.picture("the pattern", frame_number);
    pulled_out.store(true, Ordering::Relaxed);
    let failed = EventKind::SourceFailed { kind: MediaKind::Video, what: "The camera is gone.".into() };
    offerer.event("the failure", |event| *event == failed);
    answerer.picture("black", |picture| is_black(picture).then_some(()));
    answerer.tone(OFFERER_HZ);
    let seen = offerer.counts().0;
    offerer.picture("pictures the other way", |_| (offerer.counts().0 > seen + 5).then_some(()));
    hang_up(&runtime, &mut offerer, &mut answerer);
}
