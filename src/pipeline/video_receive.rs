//! Pictures on their way in: packets ─▶ frames ─▶ decoder ─▶ sink, on one thread.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use super::{Inbound, Meter, Thread, rotations::Rotations, spawn_thread};
use crate::{
    codec::{self, CodecError, DecodeError, Depacketizer, VideoDecoder},
    jitter::{Arrived, PictureDelay, PlayoutClock, Pop, VideoBuffer},
    media::{Clock, Codec, FramePool, MediaKind, MediaTime, NtpTime, SeqNo, Size, VideoFrame, now},
    observe::{EventKind, Events, InboundStats},
    sink::VideoSink,
};

/// What is ready before the first packet says which codec it is.
const EXPECTED: Codec = Codec::H264;

/// How long the thread sleeps at most.
const IDLE: Duration = Duration::from_millis(100);

/// What is assumed of the line until its round trip is known.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// How long a key frame takes beyond the round trip: until the next picture is captured and encoded,
/// and the largest frame there is has left.
const KEY_FRAME_TIME: Duration = Duration::from_millis(100);

/// Frames that may wait to be shown. **When full the oldest is decoded and shown early**: half a
/// second's worth at 60 a second; the playout delay does not go beyond that.
const WAITING: usize = 32;

/// What the receiving thread works with.
pub(crate) struct VideoReceive {
    /// What the network says. The end of it ends the thread.
    pub(crate) inbound: Receiver<Inbound>,
    /// Where pictures are shown, if anywhere.
    pub(crate) sink: Option<Box<dyn VideoSink>>,
    /// Keeps the picture in step with the sound.
    pub(crate) playout: Arc<PlayoutClock>,
    /// The call's clock.
    pub(crate) clock: Clock,
    /// Asks the other side for a key frame. Must not block.
    pub(crate) ask_key_frame: Box<dyn Fn() + Send>,
    /// Figures.
    pub(crate) meter: Meter<InboundStats>,
    /// Where it tells what happens.
    pub(crate) events: Events,
}

impl VideoReceive {
    /// Starts the thread `video-receive`.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn spawn(self) -> std::io::Result<Thread> {
        spawn_thread("video-receive", move || {
            let events = self.events.clone();
            if let Err(what) = self.run() {
                events.emit(EventKind::SinkFailed { kind: MediaKind::Video, what });
            }
        })
    }

    fn run(mut self) -> Result<(), String> {
        let (depacketizer, decoder) = parts(EXPECTED).map_err(|error| error.to_string())?;
        let mut reception = Reception {
            codec: EXPECTED,
            buffer: VideoBuffer::new(depacketizer, EXPECTED.clock_rate_hz()),
            decoder,
            delay: PictureDelay::new(),
            waiting: VecDeque::with_capacity(WAITING),
            round_trip: ROUND_TRIP,
            decode_time: Duration::ZERO,
            asked: None,
            damaged_since: None,
            rotations: Rotations::default(),
            pool: FramePool::default(),
            ntp: None,
            shown: Shown::default(),
        };
        let mut wake = now() + IDLE;
        loop {
            match self.inbound.recv_timeout(wake.saturating_duration_since(now()).min(IDLE)) {
                Ok(inbound) => {
                    reception.take(inbound, &self);
                    while let Ok(inbound) = self.inbound.try_recv() {
                        reception.take(inbound, &self);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = now();
            let assembled = reception.assemble(now, &self);
            let shown = reception.show(&mut self);
            wake = assembled.into_iter().chain(shown).min().unwrap_or(now + IDLE);
        }
        if let Some(sink) = &mut self.sink {
            sink.finish();
        }
        Ok(())
    }
}

/// What a codec takes to receive.
type Parts = (Box<dyn Depacketizer>, Box<dyn VideoDecoder>);

fn parts(codec: Codec) -> Result<Parts, CodecError> {
    Ok((codec::depacketizer(codec)?, codec::video_decoder(codec)?))
}

/// The state of the thread.
struct Reception {
    /// That of the newest packet.
    codec: Codec,
    buffer: VideoBuffer,
    decoder: Box<dyn VideoDecoder>,
    delay: PictureDelay,
    waiting: VecDeque<Arrived>,
    round_trip: Duration,
    /// How long decoding takes, smoothed: a picture is begun that much before it is due.
    decode_time: Duration,
    asked: Option<Instant>,
    /// When the first picture was shown of which something had to be made up, if no key frame came since.
    damaged_since: Option<Instant>,
    rotations: Rotations,
    pool: FramePool,
    /// A moment of the stream and the same moment of the sender's wall clock.
    ntp: Option<(MediaTime, NtpTime)>,
    shown: Shown,
}

/// What was shown last.
#[derive(Default)]
struct Shown {
    size: Option<Size>,
    at: Option<Instant>,
    /// The usual time between two pictures.
    interval: Option<Duration>,
}

impl Reception {
    fn take(&mut self, inbound: Inbound, thread: &VideoReceive) {
        match inbound {
            Inbound::Packet(codec, packet) => {
                thread.meter.update(|stats| {
                    stats.bytes_received += packet.payload.len() as u64;
                    stats.codec = Some(codec);
                });
                if codec == self.codec || self.change_codec(codec, packet.seq) {
                    let told = packet.rotation.map(|rotation| (packet.timestamp, rotation));
                    self.buffer.insert(packet);
                    if let Some((timestamp, rotation)) = told
                        && let Some(time) = self.buffer.media_time(timestamp)
                    {
                        self.rotations.note(time, rotation);
                    }
                }
            }
            Inbound::Report(report) => {
                if let Some(time) = self.buffer.media_time(report.rtp) {
                    thread.playout.set_report(MediaKind::Video, time, report.ntp);
                    self.ntp = Some((time, report.ntp));
                }
            }
            Inbound::RoundTrip(round_trip) => {
                self.round_trip = round_trip.min(Duration::from_secs(1));
                self.buffer.set_patience(patience(self.round_trip));
            }
        }
    }

    /// Goes on with another codec, to which the sender has changed: with a key frame. Returns whether it does; the
    /// packet is otherwise a late one of before.
    fn change_codec(&mut self, codec: Codec, seq: SeqNo) -> bool {
        if self.buffer.is_behind(seq) {
            return false;
        }
        match parts(codec) {
            Ok((depacketizer, decoder)) => {
                tracing::debug!(?codec, "pictures come in another codec");
                self.buffer.change_codec(depacketizer);
                // What waits is of the codec before.
                self.waiting.clear();
                (self.codec, self.decoder, self.damaged_since) = (codec, decoder, None);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "pictures that come cannot be decoded");
                false
            }
        }
    }

    /// Moves whole frames to where they wait to be shown. Returns when there is more to do.
    fn assemble(&mut self, now: Instant, thread: &VideoReceive) -> Option<Instant> {
        let wake = loop {
            match self.buffer.pop(now) {
                Pop::Frame(arrived) => {
                    if let Some(carried_at) = arrived.carried_at {
                        self.delay.observe(arrived.frame.media_time, carried_at);
                    }
                    thread.meter.update(|stats| stats.frames_received += 1);
                    self.waiting.push_back(arrived);
                }
                Pop::Missing => tracing::debug!("packets of pictures are lost for good"),
                Pop::WaitUntil(at) => break Some(at),
                Pop::Empty => break None,
            }
        };
        if self.buffer.needs_key_frame() {
            self.ask_key_frame(now, thread);
        }
        let counts = self.buffer.reception();
        thread.meter.update(|stats| {
            stats.packets_received = counts.received;
            stats.packets_lost = counts.lost;
            stats.packets_discarded = counts.discarded;
            stats.jitter = counts.jitter;
        });
        wake
    }

    fn ask_key_frame(&mut self, now: Instant, thread: &VideoReceive) {
        // Again only when the first one, or what it asked for, must be lost.
        let again = self.round_trip * 3 / 2 + KEY_FRAME_TIME;
        if self.asked.is_some_and(|at| now.saturating_duration_since(at) < again) {
            return;
        }
        self.asked = Some(now);
        thread.meter.update(|stats| stats.pli_count += 1);
        (thread.ask_key_frame)();
    }

    /// Decodes and shows what is due. Returns when the next one is.
    fn show(&mut self, thread: &mut VideoReceive) -> Option<Instant> {
        while let Some(arrived) = self.waiting.front() {
            let time = arrived.frame.media_time;
            let begun = now();
            let alone = self.delay.play_at(time).unwrap_or(begun);
            thread.playout.set_alone(MediaKind::Video, time, alone);
            let due = alone + thread.playout.extra_delay(MediaKind::Video);
            let begin = due.checked_sub(self.decode_time).unwrap_or(due);
            if begin > begun && self.waiting.len() < WAITING {
                return Some(begin);
            }
            let Some(arrived) = self.waiting.pop_front() else { break };
            self.decode(&arrived, begun, thread);
        }
        None
    }

    /// Decodes a frame, if what comes of it may be shown. What is made up looks right for a moment
    /// and ever worse after: better a picture that stops.
    fn decode_if_fit(&mut self, arrived: &Arrived, now: Instant) -> Result<Option<VideoFrame>, DecodeError> {
        if !arrived.damaged {
            self.damaged_since = None;
            return self.decoder.decode(&arrived.frame);
        }
        let since = *self.damaged_since.get_or_insert(now);
        if now.saturating_duration_since(since) > self.round_trip + KEY_FRAME_TIME {
            self.buffer.skip_to_key_frame();
            return Err(DecodeError::NeedsKeyFrame);
        }
        self.decoder.conceal(&arrived.frame)
    }

    fn decode(&mut self, arrived: &Arrived, begun: Instant, thread: &mut VideoReceive) {
        let frame = match self.decode_if_fit(arrived, begun) {
            Ok(Some(frame)) => {
                let rotation = self.rotations.at(frame.captured_at);
                frame.rotated(rotation, &self.pool)
            }
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "a picture is lost");
                thread.meter.update(|stats| stats.frames_dropped += 1);
                return self.ask_key_frame(begun, thread);
            }
        };
        let at = now();
        let took = at.saturating_duration_since(begun);
        self.decode_time = (self.decode_time * 7 + took) / 8;
        if arrived.frame.key_frame {
            self.asked = None;
        }
        let time = frame.captured_at;
        thread.playout.set_played(MediaKind::Video, time, at);
        let size = frame.size();
        let news = self.shown.note(size, at);
        let end_to_end = self.ntp.map(|(media_time, ntp)| {
            let captured =
                ntp.micros() + time.since_epoch().as_micros() as i64 - media_time.since_epoch().as_micros() as i64;
            (thread.clock.ntp(thread.clock.at(at)).micros() - captured) as f64 / 1e6
        });
        thread.meter.update(|stats| {
            stats.frames_decoded += 1;
            stats.key_frames_decoded += u64::from(arrived.frame.key_frame);
            stats.total_decode_time += took.as_secs_f64();
            stats.frames_concealed += u64::from(arrived.damaged);
            stats.frames_rendered += 1;
            stats.size = Some(size);
            let waited = at.saturating_duration_since(arrived.first_arrival).as_secs_f64();
            stats.playout_delay = waited;
            stats.total_processing_delay += waited;
            stats.jitter_buffer_delay += begun.saturating_duration_since(arrived.first_arrival).as_secs_f64();
            stats.jitter_buffer_emitted_count += 1;
            if let Some(gap) = news.gap {
                stats.total_inter_frame_delay += gap.as_secs_f64();
                stats.total_squared_inter_frame_delay += gap.as_secs_f64().powi(2);
            }
            stats.sync_offset = thread.playout.sync_offset();
            stats.end_to_end_delay = end_to_end;
            if let Some(gap) = news.frozen {
                stats.freeze_count += 1;
                stats.total_freezes_duration += gap.as_secs_f64();
            }
        });
        if news.first {
            thread.events.emit(EventKind::FirstFrameReceived { kind: MediaKind::Video });
        }
        if news.resized {
            thread.events.emit(EventKind::PictureSize { size });
        }
        if let Some(sink) = &mut thread.sink
            && let Err(error) = sink.show(frame)
        {
            thread.sink = None;
            thread.events.emit(EventKind::SinkFailed { kind: MediaKind::Video, what: error.to_string() });
        }
    }
}

/// How long a missing packet is waited for. A retransmission takes a round trip, and it or the wish
/// for it may be lost: three in a row rarely are. After that a key frame is there sooner.
fn patience(round_trip: Duration) -> Duration {
    (round_trip * 7 / 2 + Duration::from_millis(150)).min(Duration::from_millis(800))
}

/// What is new about a picture.
struct News {
    first: bool,
    resized: bool,
    /// Since the one before.
    gap: Option<Duration>,
    frozen: Option<Duration>,
}

impl Shown {
    /// A gap that exceeds the usual one by so much is a freeze (webrtc-stats, freezeCount).
    const FREEZE: Duration = Duration::from_millis(150);

    fn note(&mut self, size: Size, at: Instant) -> News {
        let first = self.size.is_none();
        let resized = self.size.replace(size) != Some(size);
        let gap = self.at.replace(at).map(|before| at.saturating_duration_since(before));
        let frozen = match (gap, self.interval) {
            (Some(gap), Some(usual)) => (gap > (usual * 3).max(usual + Self::FREEZE)).then_some(gap),
            _ => None,
        };
        if let Some(gap) = gap {
            self.interval = Some(self.interval.map_or(gap, |usual| (usual * 29 + gap) / 30));
        }
        News { first, resized, gap, frozen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freezes_are_told_from_the_usual() {
        let start = now();
        let mut shown = Shown::default();
        let mut note = |millis| shown.note(Size::HD, start + Duration::from_millis(millis));
        assert!(note(0).first);
        for frame in 1..30 {
            let news = note(frame * 33);
            assert!(!news.first && !news.resized && news.frozen.is_none());
        }
        assert_eq!(note(29 * 33 + 190).frozen, Some(Duration::from_millis(190)));
        assert_eq!(note(29 * 33 + 190 + 33).frozen, None);
    }
}
