//! A call: from two descriptions to picture and sound, and to the end.
//!
//! [`Call`] is a handle; one task owns everything behind it.

mod describe;
mod exchange;
mod failure;
mod forewarning;
mod incoming;
mod message;
mod obstacle;
mod outgoing;
mod proof;
mod report;
mod seal;
mod state;
mod task;

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

pub use obstacle::Obstacle;
pub use state::Ended;

use crate::{
    audio::MicrophoneSettings,
    media::{Bitrate, Clock, Codec, DescriptionKind, MediaKind, Size, VideoFormat, now},
    observe::{Events, Observer, StatsReport},
    pipeline::{SinkOpener, SourceOpener},
    rtc::{Bind, Certificate, TurnServer},
    signaling::Signaling,
    sink::{AudioSink, VideoSink},
    source::{AudioSource, VideoSource},
    trust::{ContactName, Passphrase},
};

/// What a call is to be like.
#[derive(Clone, Debug)]
pub struct CallConfig {
    /// STUN servers, `stun:host:port`.
    pub stun: Vec<String>,
    /// TURN servers.
    pub turn: Vec<TurnServer>,
    /// Use relayed candidates alone: the other side does not learn our addresses.
    pub relay_only: bool,
    /// Leave the addresses of this machine's own interfaces out of the description: the other side is
    /// reached from public ones (STUN) or relayed ones (TURN) alone.
    pub hide_addresses: bool,
    /// Local addresses and interfaces to use; empty: all addresses but loopback and link-local ones.
    pub bind: Vec<Bind>,
    /// Local ports to use; `None`: any.
    pub ports: Option<std::ops::RangeInclusive<u16>>,
    /// The size and rate of pictures to send when the line carries them.
    pub format: VideoFormat,
    /// The codec for pictures, either way, if the other side knows it, whatever it likes best. `None`: what it likes
    /// best, H.264 if it does not say.
    pub codec: Option<Codec>,
    /// The most that our picture may cost.
    pub max_bitrate: Bitrate,
    /// What is done to our sound where [`AudioSource::is_microphone`]; other sound stays as it is.
    pub microphone: MicrophoneSettings,
    /// Hang up that long after the call connected.
    pub duration: Option<Duration>,
    /// Who we are: told to the other side once the call is connected.
    pub name: Option<ContactName>,
    /// The certificate by which the other side knows us again. `None`: a new one for this call.
    pub certificate: Option<Certificate>,
    /// What both people told each other beforehand: nobody else can take part, or read our answer.
    pub passphrase: Option<Passphrase>,
}

impl Default for CallConfig {
    fn default() -> Self {
        Self {
            stun: vec!["stun:stun.l.google.com:19302".into(), "stun:stun.cloudflare.com:3478".into()],
            turn: vec![],
            relay_only: false,
            hide_addresses: false,
            bind: vec![],
            ports: None,
            format: VideoFormat { size: Size::HD, frame_rate: 30.0 },
            codec: None,
            max_bitrate: Bitrate::from_kbps(2500),
            microphone: MicrophoneSettings::ALL,
            duration: None,
            name: None,
            certificate: None,
            passphrase: None,
        }
    }
}

/// Where a call's pictures and sound come from and go to. Whatever is `None` is not sent, or
/// decoded for nobody.
pub struct Media {
    /// The line of time that the sources count on, and from which events count.
    pub clock: Clock,
    /// Our pictures.
    pub video_source: Option<SourceOpener<dyn VideoSource>>,
    /// Our sound.
    pub audio_source: Option<SourceOpener<dyn AudioSource>>,
    /// Where we see ourselves.
    pub preview: Option<Box<dyn VideoSink>>,
    /// Where we see the other side.
    pub video_sink: Option<Box<dyn VideoSink>>,
    /// Where we hear the other side.
    pub audio_sink: Option<SinkOpener<dyn AudioSink>>,
}

impl Media {
    /// Returns neither sources nor sinks, and a line of time that begins now.
    pub fn new() -> Self {
        Self {
            clock: Clock::new(now()),
            video_source: None,
            audio_source: None,
            preview: None,
            video_sink: None,
            audio_sink: None,
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media").finish_non_exhaustive()
    }
}

/// What a person wants during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// Switches a medium of ours off or on; the other side is told.
    Mute(MediaKind, bool),
    /// Switches a medium of ours to what it is not.
    ToggleMute(MediaKind),
    /// Says that the words of the verification are the same on both sides.
    ConfirmWords,
    /// Ends the call; the other side is told.
    HangUp,
}

/// A handle for controls; clones share the call.
#[derive(Clone, Debug)]
pub struct Controls(mpsc::Sender<Request>);

/// What is asked of the call's task.
#[derive(Debug)]
enum Request {
    Control(Control),
    /// Figures, to be sent here.
    Stats(oneshot::Sender<StatsReport>),
}

impl Controls {
    /// How many controls may wait. **When full the caller waits**: a person is slow.
    const CAPACITY: usize = 16;

    /// Hands a control to the call; does nothing once the call is over.
    pub async fn send(&self, control: Control) {
        let _ = self.0.send(Request::Control(control)).await;
    }

    /// Hands a control to the call from a thread; does nothing once the call is over.
    pub fn send_blocking(&self, control: Control) {
        let _ = self.0.blocking_send(Request::Control(control));
    }

    /// Returns the figures of this moment (W3C WebRTC, 8.4: getStats); `None` if the call is over.
    /// [`StatsReport::to_w3c`] gives them as a browser does. Rates are since they were asked for last.
    pub async fn stats(&self) -> Option<StatsReport> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(Request::Stats(sender)).await.ok()?;
        receiver.await.ok()
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How it ended.
    pub ended: Ended,
    /// How long it was connected; `None` if never.
    pub connected: Option<Duration>,
    /// The last figures.
    pub stats: StatsReport,
}

/// Which side of the exchange we are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Offer,
    Answer,
}

impl Role {
    /// Returns which description is ours.
    const fn description(self) -> DescriptionKind {
        match self {
            Self::Offer => DescriptionKind::Offer,
            Self::Answer => DescriptionKind::Answer,
        }
    }
}

/// A call in progress. Dropping it hangs up without waiting.
#[derive(Debug)]
pub struct Call {
    controls: Controls,
    task: tokio::task::JoinHandle<Summary>,
}

impl Call {
    /// Begins a call with an offer of ours. Must be called on a tokio runtime with time and I/O.
    pub fn offer(
        config: CallConfig,
        media: Media,
        signaling: impl Signaling,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Self {
        Self::begin(Role::Offer, config, media, signaling, observers)
    }

    /// Begins a call with the other side's offer, which `signaling` receives first. Must be called on
    /// a tokio runtime with time and I/O.
    pub fn answer(
        config: CallConfig,
        media: Media,
        signaling: impl Signaling,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Self {
        Self::begin(Role::Answer, config, media, signaling, observers)
    }

    fn begin(
        role: Role,
        config: CallConfig,
        media: Media,
        signaling: impl Signaling,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(Controls::CAPACITY);
        let events = Events::new(media.clock, observers);
        let task = tokio::spawn(task::run(role, config, media, signaling, events, receiver));
        Self { controls: Controls(sender), task }
    }

    /// Returns a handle for controls.
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Waits until the call is over.
    pub async fn ended(self) -> Summary {
        // The task keeps running if its handle is dropped, so nothing is lost here but the answer.
        self.task.await.unwrap_or_else(|error| Summary {
            ended: Ended::Failed(format!("p2pcall has a bug: the call's task ended early ({error})")),
            connected: None,
            stats: StatsReport::default(),
        })
    }
}
