//! One side of a call whose pictures and sound are known.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use p2pcall::{
    call::{Call, CallConfig, Control, Controls, Media, Summary},
    media::{Size, VideoFormat, VideoFrame},
    observe::{CallStateName, Event, EventKind, Observer},
    signaling::Signaling,
    sink::{NullAudio, NullVideo, Played, Shown},
    source::{TestPattern, Tone, frame_number, tone_power},
};
use tokio::runtime::Runtime;

use crate::journal::Journal;

/// However slow the machine: by then it has happened or never will.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Sound is judged over so much of it: tones more than some Hz apart are told apart.
const LISTEN: Duration = Duration::from_millis(400);

/// What the offerer says, in Hz.
pub(crate) const OFFERER_HZ: f32 = 440.0;
/// What the answerer says, in Hz.
pub(crate) const ANSWERER_HZ: f32 = 1000.0;

/// Small enough for an unoptimised build on a busy machine.
pub(crate) fn format() -> VideoFormat {
    VideoFormat { size: Size::new(320, 180).expect("in range"), frame_rate: 15.0 }
}

/// A call over the loopback interface, without servers.
pub(crate) fn config() -> CallConfig {
    CallConfig { bind: vec![Ipv4Addr::LOCALHOST.into()], stun: vec![], format: format(), ..CallConfig::default() }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// The test pattern, and a tone of this frequency.
pub(crate) fn media(hz: f32) -> Media {
    let mut media = Media::new();
    let clock = media.clock;
    media.video_source = Some(Box::new(move || Ok(Box::new(TestPattern::new(format(), clock)))));
    media.audio_source = Some(Box::new(move || Ok(Box::new(Tone::new(hz, clock)))));
    media
}

/// Offer or answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Offer,
    Answer,
}

/// One side of a call.
pub(crate) struct Side {
    pub(crate) name: Role,
    call: Option<Call>,
    controls: Option<Controls>,
    pub(crate) journal: Arc<Journal>,
    shown: Shown,
    played: Played,
}

impl Side {
    /// Begins a call that sends `media` and remembers what comes. Needs the runtime entered.
    pub(crate) fn new(name: Role, media: Media, signaling: impl Signaling) -> Self {
        Self::with_config(name, config(), media, signaling)
    }

    /// Begins a call that is configured otherwise.
    pub(crate) fn with_config(name: Role, config: CallConfig, media: Media, signaling: impl Signaling) -> Self {
        Self::begin(name, config, media, signaling, vec![])
    }

    /// Begins a call that others observe, too.
    pub(crate) fn observed(
        name: Role,
        media: Media,
        signaling: impl Signaling,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Self {
        Self::begin(name, config(), media, signaling, observers)
    }

    fn begin(
        name: Role,
        config: CallConfig,
        mut media: Media,
        signaling: impl Signaling,
        mut observers: Vec<Arc<dyn Observer>>,
    ) -> Self {
        let (video, shown) = NullVideo::new();
        let (audio, played) = NullAudio::new();
        media.video_sink = Some(Box::new(video));
        media.audio_sink = Some(Box::new(move || Ok(Box::new(audio))));
        let journal = Journal::new();
        let begin = match name {
            Role::Offer => Call::offer,
            Role::Answer => Call::answer,
        };
        observers.push(journal.clone());
        let call = begin(config, media, signaling, observers);
        Self { name, controls: Some(call.controls()), call: Some(call), journal, shown, played }
    }

    /// Waits until the call is connected.
    pub(crate) fn connected(&self) {
        self.event("connected", |event| matches!(event, EventKind::State { state: CallStateName::Connected }));
    }

    /// Waits for an event, which may have happened already.
    pub(crate) fn event(&self, what: &str, wanted: impl Fn(&EventKind) -> bool) -> Event {
        let event = self.journal.wait_for(PATIENCE, |event| wanted(&event.kind).then(|| event.clone()));
        event.unwrap_or_else(|| panic!("{:?}: {what} did not happen, but {:?}", self.name, self.journal))
    }

    /// Waits for pictures until `enough`; returns their numbers, which ascend: nothing was shown
    /// twice, out of order, turned or damaged.
    pub(crate) fn numbers(&self, mut enough: impl FnMut(&[u32]) -> bool) -> Vec<u32> {
        let mut numbers: Vec<u32> = Vec::new();
        let seen = self.shown.wait_for(PATIENCE, |picture| {
            let number = frame_number(picture).unwrap_or_else(|| panic!("no number in the picture after {numbers:?}"));
            assert!(numbers.last().is_none_or(|last| *last < number), "{number} came after {numbers:?}");
            numbers.push(number);
            enough(&numbers).then_some(())
        });
        seen.unwrap_or_else(|error| panic!("{:?}: {error}; {numbers:?}; {:?}", self.name, self.journal));
        numbers
    }

    /// Waits for a picture that is as wanted.
    pub(crate) fn picture<T>(&self, what: &str, wanted: impl FnMut(&VideoFrame) -> Option<T>) -> T {
        let seen = self.shown.wait_for(PATIENCE, wanted);
        seen.unwrap_or_else(|error| panic!("{:?}: {what}: {error}; {:?}", self.name, self.journal))
    }

    /// Waits for a tone in sound that comes from now on.
    pub(crate) fn tone(&self, hz: f32) {
        self.sound(&format!("a tone of {hz} Hz"), |sound| tone_power(sound, hz) > 0.9);
    }

    /// Waits until sound that comes from now on is none.
    pub(crate) fn silence(&self) {
        self.sound("silence", |sound| sound.iter().all(|sample| sample.abs() < 0.01));
    }

    fn sound(&self, what: &str, wanted: impl Fn(&[f32]) -> bool) {
        let blocks = (LISTEN.as_millis() / 20) as u64;
        let from = self.played.count() + blocks;
        let heard = self.played.wait_for(PATIENCE, Duration::ZERO, |_| {
            (self.played.count() >= from && wanted(&self.played.last(LISTEN))).then_some(())
        });
        heard.unwrap_or_else(|error| panic!("{:?}: {what}: {error}; {:?}", self.name, self.journal));
    }

    /// Returns a handle for controls of one's own.
    pub(crate) fn controls(&self) -> Controls {
        self.controls.clone().expect("the call goes on")
    }

    /// Returns how many pictures and blocks of sound came.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.shown.count(), self.played.count())
    }

    pub(crate) fn control(&self, control: Control) {
        if let Some(controls) = &self.controls {
            controls.send_blocking(control);
        }
    }

    /// Lets go of the call.
    pub(crate) fn abandon(&mut self) {
        self.controls = None;
        self.call = None;
    }

    /// Waits for the end, which leaves nothing behind.
    pub(crate) fn ended(&mut self, runtime: &Runtime) -> Summary {
        let call = self.call.take().expect("the end is waited for once");
        let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, call.ended()).await });
        let summary = ended.unwrap_or_else(|_| panic!("{:?} did not end: {:?}", self.name, self.journal));
        let lost = self.journal.wait_for(Duration::ZERO, |event| match event.kind {
            EventKind::ThreadLost { thread } => Some(thread),
            _ => None,
        });
        assert_eq!(lost, None, "{:?} left a thread behind", self.name);
        summary
    }
}

/// Whether a picture is black all over.
pub(crate) fn is_black(picture: &VideoFrame) -> bool {
    let sum: usize = picture.y().iter().copied().map(usize::from).sum();
    sum / picture.y().len() < 24 && picture.y().iter().all(|luma| *luma < 48)
}
