//! What happened: events for people, programs and tests.
//!
//! Every part of a call that has something to tell holds an [`Events`] and emits; the embedder
//! gives the [`Observer`]s. Emitting is cheap and never blocks: an observer with a queue drops what
//! does not fit and counts it.

mod dump;
mod redact;
mod stats;
mod step;
mod trace;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use serde::Serialize;

pub use dump::{Dump, Subject};
pub use redact::redacted;
pub use stats::{
    CandidatePairStats, InboundPair, InboundStats, OutboundPair, OutboundStats, QualityLimitation,
    QualityLimitationDurations, RemoteInboundPair, RemoteInboundStats, RemoteOutboundPair, RemoteOutboundStats,
    StatsReport,
};

pub use step::{Step, StepName, StepValue};
pub use trace::TraceWriter;

use crate::media::{Bitrate, Clock, DescriptionKind, MediaKind, Size, VideoFormat};

/// Something that happened in a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Seconds since the call was begun.
    #[serde(rename = "t", serialize_with = "as_seconds")]
    pub at: Duration,
    /// What it was.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Everything that can happen in a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// Our description is complete and can be carried to the other side.
    LocalDescription {
        /// Offer or answer.
        kind: DescriptionKind,
        /// How many candidates it holds.
        candidates: usize,
    },
    /// The other side's description was taken.
    RemoteDescription {
        /// Offer or answer.
        kind: DescriptionKind,
    },
    /// A STUN server did not answer in time, or none did.
    GatheringIncomplete,
    /// The public address that our description names has changed: the blob that the other person has
    /// leads nowhere any more. A new [`EventKind::LocalDescription`] follows.
    MappingChanged,
    /// This machine has other addresses than our description names. A new [`EventKind::LocalDescription`]
    /// follows.
    NetworkChanged,
    /// This machine has no network at the moment.
    NetworkGone,
    /// What came from the person was of no use, and the call waits on.
    Ignored {
        /// Why, in words.
        what: String,
    },
    /// The call does not connect yet; why, as far as can be told.
    Obstructed {
        /// As a word for programs.
        obstacle: &'static str,
        /// In words, with what to do.
        what: String,
    },
    /// Our network gives each connection another public port, and there is no TURN server: the call will reach few
    /// people. Told once, while the other side's description is awaited.
    SymmetricNat {
        /// What that means and what to do, in words.
        what: String,
    },
    /// A TURN server is of no use, or the relay on it is lost.
    RelayFailed {
        /// The server's address, without user name and password.
        server: String,
        /// What happened and what to do, in words that follow the address and a colon.
        reason: String,
    },
    /// The call entered another state.
    State {
        /// Which one.
        state: CallStateName,
    },
    /// A source is open.
    SourceOpened {
        /// Sound or picture.
        kind: MediaKind,
        /// What it is, in words: name, size, rate.
        what: String,
    },
    /// A source cannot be opened or has ended: the call goes on without it.
    SourceFailed {
        /// Sound or picture.
        kind: MediaKind,
        /// What happened and what to do, in words.
        what: String,
    },
    /// The other side knows no codec in which this medium could be sent: the call goes on without it.
    NotTaken {
        /// Sound or picture.
        kind: MediaKind,
    },
    /// A sink cannot be opened or has ended: the call goes on without it.
    SinkFailed {
        /// Sound or picture.
        kind: MediaKind,
        /// What happened and what to do, in words.
        what: String,
    },
    /// The first frame was handed to the network.
    FirstFrameSent {
        /// Sound or picture.
        kind: MediaKind,
    },
    /// The first frame was decoded.
    FirstFrameReceived {
        /// Sound or picture.
        kind: MediaKind,
    },
    /// Received pictures have another size than before.
    PictureSize {
        /// The size from now on.
        size: Size,
    },
    /// We asked the other side for a key frame.
    KeyFrameRequested,
    /// The other side asked us for a key frame.
    KeyFrameWanted,
    /// What we send has another size, rate or cost.
    Allocation {
        /// The congestion controller's estimate for everything together.
        estimate: Bitrate,
        /// What the picture may cost.
        video: Bitrate,
        /// What the sound may cost.
        audio: Bitrate,
        /// The picture's size.
        size: Size,
        /// Pictures a second.
        frame_rate: f64,
    },
    /// This machine does not encode as fast as was asked: the picture is smaller, or moves less. Told once.
    MachineTooSlow {
        /// What it sends instead.
        #[serde(flatten)]
        format: VideoFormat,
    },
    /// A medium was switched off or on, here or there.
    Muted {
        /// Sound or picture.
        kind: MediaKind,
        /// Whether the other side did it.
        remote: bool,
        /// Off or on.
        muted: bool,
    },
    /// The line became too narrow for a picture, and sound goes on alone; or there is room for it again.
    PicturePaused {
        /// Whether it is the other side's picture.
        remote: bool,
        /// Given up or taken up again.
        paused: bool,
    },
    /// A step of the peer connection's life, for observers that [want them](Observer::wants_steps).
    Step(Box<Step>),
    /// Figures, once a second while connected.
    Stats(Box<StatsReport>),
    /// A thread of ours panicked, or did not end in time.
    ThreadLost {
        /// Its name.
        thread: &'static str,
    },
    /// The words that both people see if nobody is between them.
    VerificationWords {
        /// Four words.
        words: String,
    },
    /// There are no words, or they count no more: somebody may be between the two.
    VerificationFailed {
        /// What happened and what to do, in words.
        what: String,
    },
    /// The other side's program knows nothing of words: the long form, for both people to compare.
    SafetyNumber {
        /// 60 digits in groups of five.
        digits: String,
        /// Whether it says of itself that it is a program that knows of words.
        suspicious: bool,
    },
    /// The person here says that the words are the same.
    WordsConfirmed,
    /// The other side says who it is.
    RemoteName {
        /// By its own word.
        name: String,
        /// The SHA-256 of the certificate that proves that it is the same as before.
        #[serde(skip)]
        fingerprint: String,
    },
    /// The call is over.
    Ended {
        /// Why, as a word for programs.
        reason: &'static str,
        /// Why, for people.
        what: String,
    },
}

/// The states of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStateName {
    /// Our description is being made.
    Describing,
    /// The other side's description is awaited: a person carries it.
    AwaitingRemote,
    /// Both descriptions are there; ICE and DTLS are at work.
    Connecting,
    /// Media flows.
    Connected,
    /// Nothing has come from the other side for a while.
    Interrupted,
    /// The call is being taken down.
    Ending,
}

/// Takes part in what happens. Must not block.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn on_event(&self, event: &Event);

    /// Whether it wants [`EventKind::Step`], too: each description, candidate and state of the peer connection, with
    /// addresses and all. Asked once, when the call begins; where nobody wants them they cost nothing.
    fn wants_steps(&self) -> bool {
        false
    }
}

/// A handle through which parts of a call tell what happened. Cloning is cheap.
#[derive(Clone)]
pub struct Events {
    clock: Clock,
    observers: Arc<[Arc<dyn Observer>]>,
    wants_steps: bool,
    connections: Arc<AtomicU32>,
}

impl Events {
    /// Returns a handle that tells these observers, with times since the clock's epoch.
    pub fn new(clock: Clock, observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Self {
        let observers: Arc<[_]> = observers.into_iter().collect();
        let wants_steps = observers.iter().any(|observer: &Arc<dyn Observer>| observer.wants_steps());
        Self { clock, observers, wants_steps, connections: Arc::default() }
    }

    /// Whether anybody wants to know the steps of the peer connection.
    pub const fn wants_steps(&self) -> bool {
        self.wants_steps
    }

    /// Returns the number of a peer connection that is being built.
    pub fn next_connection(&self) -> u32 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells those who want to know it of a step of the peer connection with this number.
    pub fn step(&self, connection: u32, name: StepName, value: impl FnOnce() -> StepValue) {
        if self.wants_steps {
            self.emit(EventKind::Step(Box::new(Step { connection, name, value: value() })));
        }
    }

    /// Tells every observer.
    pub fn emit(&self, kind: EventKind) {
        let event = Event { at: self.clock.now().since_epoch(), kind };
        let is_step = matches!(event.kind, EventKind::Step(_));
        for observer in &*self.observers {
            if !is_step || observer.wants_steps() {
                observer.on_event(&event);
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("observers", &self.observers.len()).finish_non_exhaustive()
    }
}

/// An observer that keeps events until they are read elsewhere.
#[derive(Debug)]
pub struct EventQueue {
    sender: SyncSender<Event>,
    dropped: AtomicU64,
}

impl EventQueue {
    /// How many events wait at most. **Overflow: the newest is dropped and counted**, because an
    /// observer must not hurt the call.
    pub const CAPACITY: usize = 1024;

    /// Returns the observer and the end to read from.
    pub fn new() -> (Arc<Self>, Receiver<Event>) {
        let (sender, receiver) = sync_channel(Self::CAPACITY);
        (Arc::new(Self { sender, dropped: AtomicU64::new(0) }), receiver)
    }

    /// Returns how many events were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Observer for EventQueue {
    fn on_event(&self, event: &Event) {
        if self.sender.try_send(event.clone()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn as_seconds<S: serde::Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_micros() as f64 / 1e6)
}
