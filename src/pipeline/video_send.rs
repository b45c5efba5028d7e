//! Pictures on their way out: source ─▶ slot ─▶ encoder ─▶ network.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{Meter, SourceOpener, Thread, spawn_thread};
use crate::{
    codec::{self, CodecError, VideoEncoder, VideoTarget},
    congestion::{Allocation, Effort},
    media::{Bitrate, Clock, Codec, EncodedFrame, MediaKind, MediaTime, Slot, Taken, VideoFormat, VideoFrame, now},
    observe::{EventKind, Events, OutboundStats, QualityLimitation},
    sink::VideoSink,
    source::{Pace, SourceError, VideoSource},
};

/// How often a thread that waits looks whether it is to end.
const PATIENCE: Duration = Duration::from_millis(100);

/// Key frames that are asked for within this time count once: they are the dearest frames there
/// are, and a line that loses packets loses more of them when a second one follows. On a narrow line it
/// is this many times what sending one takes.
const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(250);
const KEY_FRAME_COST: f64 = 2.0;

/// While the camera is off a black picture goes out this often, so that the other side sees it.
const MUTED_INTERVAL: Duration = Duration::from_secs(1);

/// What an encoder is made ready for before anything is known of the line.
const EXPECTED: Bitrate = Bitrate::from_kbps(1000);

/// What the call's task wants of the threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct VideoSendKnobs {
    muted: Arc<AtomicBool>,
    key_frame: Arc<AtomicBool>,
    codec: Slot<Codec>,
    allocation: Slot<Allocation>,
}

impl VideoSendKnobs {
    /// Switches the picture off or on.
    pub(crate) fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Relaxed);
    }

    /// Asks for a key frame.
    pub(crate) fn want_key_frame(&self) {
        self.key_frame.store(true, Ordering::Relaxed);
    }

    /// Says which codec was agreed on. To be called before the first allocation.
    pub(crate) fn set_codec(&self, codec: Codec) {
        self.codec.put(codec);
    }

    /// Sets what the picture may cost from the next one on. The first time lets pictures through.
    pub(crate) fn set_allocation(&self, allocation: Allocation) {
        self.allocation.put(allocation);
    }
}

/// What the capturing thread works with.
pub(crate) struct VideoCapture {
    /// Opens the source, on the thread that will own it.
    pub(crate) open: SourceOpener<dyn VideoSource>,
    /// The call's clock.
    pub(crate) clock: Clock,
    /// What the call's task wants.
    pub(crate) knobs: VideoSendKnobs,
    /// Where the encoder takes pictures from. Closing it ends the thread.
    pub(crate) raw: Slot<VideoFrame>,
    /// The person's own view.
    pub(crate) preview: Option<Box<dyn VideoSink>>,
    /// Where it tells what happens.
    pub(crate) events: Events,
}

impl VideoCapture {
    /// Starts the thread `video-capture`.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn spawn(self) -> std::io::Result<Thread> {
        spawn_thread("video-capture", move || self.run())
    }

    fn run(self) {
        let Self { open, clock, knobs, raw, mut preview, events } = self;
        let failed = |error: SourceError| {
            events.emit(EventKind::SourceFailed { kind: MediaKind::Video, what: error.to_string() });
        };
        let mut source = match open() {
            Ok(source) => source,
            Err(error) => return failed(error),
        };
        let format = source.format();
        events.emit(EventKind::SourceOpened { kind: MediaKind::Video, what: format.to_string() });
        let mut black_at: Option<MediaTime> = None;
        while !raw.is_closed() {
            let frame = match source.read(PATIENCE) {
                Ok(Some(frame)) => frame,
                Ok(None) => continue,
                Err(error) => {
                    failed(error);
                    return black(format, clock, &raw);
                }
            };
            let frame = if knobs.muted.load(Ordering::Relaxed) {
                if black_at.is_some_and(|at| frame.captured_at.saturating_since(at) < MUTED_INTERVAL) {
                    continue;
                }
                black_at = Some(frame.captured_at);
                VideoFrame::grey(frame.captured_at, frame.size(), 16)
            } else {
                black_at = None;
                frame
            };
            if let Some(sink) = &mut preview
                && sink.show(frame.clone()).is_err()
            {
                preview = None;
            }
            raw.put(frame);
        }
    }
}

/// Gives black pictures, now and then, until the call is over: what the other side sees last is not
/// a face that stopped.
fn black(format: VideoFormat, clock: Clock, raw: &Slot<VideoFrame>) {
    // The first is due after the last one of the source, or the encoder would skip it.
    let mut pace = Pace::new(clock, clock.now() + format.interval(), MUTED_INTERVAL, 0);
    while !raw.is_closed() {
        if let Some(tick) = pace.wait(PATIENCE) {
            raw.put(VideoFrame::grey(tick.at, format.size, 16));
        }
    }
}

/// What the encoding thread works with.
pub(crate) struct VideoEncode {
    /// What to be ready for: encoders take their time to begin.
    pub(crate) expected: (Codec, VideoFormat),
    /// What the call's task wants.
    pub(crate) knobs: VideoSendKnobs,
    /// Where pictures come from. Closing it ends the thread.
    pub(crate) raw: Slot<VideoFrame>,
    /// Where they go to the network. **When it is full the next raw picture is skipped**, never an
    /// encoded one: each depends on the one before.
    pub(crate) encoded: mpsc::Sender<EncodedFrame>,
    /// Figures.
    pub(crate) meter: Meter<OutboundStats>,
    /// Where it tells what happens.
    pub(crate) events: Events,
}

impl VideoEncode {
    /// Starts the thread `video-encode`. Nothing is sent before [`VideoSendKnobs::set_allocation`].
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn spawn(self) -> std::io::Result<Thread> {
        spawn_thread("video-encode", move || self.run())
    }

    fn run(self) {
        let Self { expected: (expected, format), knobs, raw, encoded, meter, events } = self;
        let VideoFormat { size, frame_rate } = format;
        let encoder = |codec| codec::video_encoder(codec, VideoTarget { size, frame_rate, bitrate: EXPECTED });
        let failed = |error: CodecError| {
            events.emit(EventKind::SourceFailed { kind: MediaKind::Video, what: error.to_string() });
        };
        let ready = match encoder(expected) {
            Ok(ready) => ready,
            Err(error) => return failed(error),
        };
        let allocation = loop {
            match knobs.allocation.take(PATIENCE) {
                Taken::Value(allocation) => break allocation,
                Taken::TimedOut if !encoded.is_closed() && !raw.is_closed() => {}
                Taken::TimedOut | Taken::Closed => return,
            }
        };
        let encoder = match knobs.codec.try_take() {
            Some(agreed) if agreed != expected => match encoder(agreed) {
                Ok(encoder) => encoder,
                Err(error) => return failed(error),
            },
            _ => ready,
        };
        let mut encode = Encode {
            encoder,
            allocation,
            effort: Effort::default(),
            last_key: None,
            next_due: None,
            meter,
            events,
            told: false,
        };
        encode.allocate(allocation);
        loop {
            let frame = match raw.take(PATIENCE) {
                Taken::Value(frame) => frame,
                Taken::TimedOut if encoded.is_closed() => break,
                Taken::TimedOut => continue,
                Taken::Closed => break,
            };
            if let Some(allocation) = knobs.allocation.try_take() {
                encode.allocate(allocation);
            }
            if encode.allocation.is_audio_alone() {
                continue;
            }
            if encode.allocation.held || encoded.capacity() == 0 || !encode.is_due(frame.captured_at) {
                encode.meter.update(|stats| stats.frames_dropped += 1);
                continue;
            }
            // Room was seen above, and nobody else sends: only a closed channel refuses.
            if let Some(frame) = encode.encode(&frame, &knobs.key_frame, now())
                && encoded.try_send(frame).is_err()
            {
                break;
            }
        }
    }
}

struct Encode {
    encoder: Box<dyn VideoEncoder>,
    allocation: Allocation,
    effort: Effort,
    /// When the last key frame was made, and for how long no other is.
    last_key: Option<(Instant, Duration)>,
    next_due: Option<MediaTime>,
    meter: Meter<OutboundStats>,
    events: Events,
    /// Whether the person knows that the machine is too slow.
    told: bool,
}

impl Encode {
    fn allocate(&mut self, allocation: Allocation) {
        self.allocation = allocation;
        let VideoFormat { size, frame_rate } = self.format();
        let target = VideoTarget { size, frame_rate, bitrate: allocation.video };
        if let Err(error) = self.encoder.set_target(target) {
            tracing::warn!(%error, "the encoder keeps its old target");
        }
    }

    /// Returns what line and machine allow.
    fn format(&self) -> VideoFormat {
        let Allocation { size, frame_rate, .. } = self.allocation;
        self.effort.limit(VideoFormat { size, frame_rate })
    }

    /// Makes less of the pictures if the machine does not keep up, and says so the first time.
    fn note_effort(&mut self, began: Instant) {
        let interval = Duration::from_secs_f64(1.0 / self.format().frame_rate.max(1.0));
        let was_limited = self.effort.is_limited();
        let ended = now();
        if self.effort.note(ended, ended.saturating_duration_since(began), interval) {
            self.allocate(self.allocation);
            if self.effort.is_limited() && !was_limited && !std::mem::replace(&mut self.told, true) {
                self.events.emit(EventKind::MachineTooSlow { format: self.format() });
            }
        }
    }

    /// Whether a picture is to go out, by the frame rate allowed. Half an interval early is in time:
    /// cameras are not exact.
    fn is_due(&mut self, captured_at: MediaTime) -> bool {
        let interval = Duration::from_secs_f64(1.0 / self.format().frame_rate.max(1.0));
        let due = self.next_due.unwrap_or(captured_at);
        if captured_at + interval / 2 < due {
            return false;
        }
        let next = due + interval;
        self.next_due = Some(if next < captured_at { captured_at + interval } else { next });
        true
    }

    fn encode(&mut self, frame: &VideoFrame, key_wanted: &AtomicBool, now: Instant) -> Option<EncodedFrame> {
        // Who needs another one asks again: what was asked for while one is on its way is forgotten.
        let rested = self.last_key.is_none_or(|(at, rest)| now.saturating_duration_since(at) >= rest);
        let key = key_wanted.swap(false, Ordering::Relaxed) && rested;
        let size = frame.size().fit_into(self.format().size);
        let scaled = frame.scaled(size);
        let began = crate::media::now();
        let encoded = match self.encoder.encode(&scaled, key) {
            Ok(Some(encoded)) => encoded,
            Ok(None) => {
                // Asked for and not given: it is still wanted.
                if key {
                    key_wanted.store(true, Ordering::Relaxed);
                }
                self.meter.update(|stats| stats.frames_dropped += 1);
                return None;
            }
            Err(error) => {
                tracing::warn!(%error, "a picture was not encoded");
                return None;
            }
        };
        self.note_effort(now);
        if encoded.key_frame {
            let seconds =
                KEY_FRAME_COST * encoded.payload.len() as f64 * 8.0 / self.allocation.video.bps().max(1) as f64;
            let rest = KEY_FRAME_INTERVAL.max(Duration::from_secs_f64(seconds.min(5.0)));
            self.last_key = Some((now, rest));
        }
        let took = crate::media::now().saturating_duration_since(began);
        let limited = self.effort.is_limited();
        self.meter.update(|stats| {
            stats.frames_encoded += 1;
            stats.key_frames_encoded += u64::from(encoded.key_frame);
            stats.total_encode_time += took.as_secs_f64();
            stats.quality_limitation_reason = if limited { QualityLimitation::Cpu } else { QualityLimitation::None };
            stats.quality_limitation_resolution_changes += u64::from(stats.size.is_some_and(|before| before != size));
            stats.size = Some(size);
            stats.source_size = Some(frame.size());
        });
        Some(encoded)
    }
}
