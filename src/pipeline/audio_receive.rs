//! Sound on its way in: packets ─▶ player (jitter buffer and decoder) ─▶ sink, on one thread.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use super::{Inbound, Meter, SinkOpener, Thread, level::level, reserve::Reserve, spawn_thread};
use crate::{
    audio::FarEnd,
    codec,
    jitter::{AudioPlayer, PlayoutClock},
    media::{AudioFrame, Clock, Codec, MediaKind, SAMPLE_RATE_HZ, now},
    observe::{EventKind, Events, InboundStats},
    sink::{AudioSink, NullAudio, SinkError},
};

/// The thread sleeps at most so long; a fraction of it if the device takes sound in portions.
const IDLE: Duration = Duration::from_millis(20);
const TICK: Duration = Duration::from_millis(4);

/// It does not sleep for less.
const NAP: Duration = Duration::from_millis(1);

/// With so little in the sink nothing is waited for.
const URGENT: Duration = Duration::from_millis(2);

/// Samples a channel in 20 ms, the unit in which blocks are counted.
const BLOCK: u64 = SAMPLE_RATE_HZ as u64 / 50;

/// Both channels are played: a mono stream is decoded to two that are the same.
const CHANNELS: u8 = 2;

/// What the receiving thread works with.
pub(crate) struct AudioReceive {
    /// Which codec.
    pub(crate) codec: Codec,
    /// What the network says. The end of it ends the thread.
    pub(crate) inbound: Receiver<Inbound>,
    /// Opens the sink, on the thread that will own it. Without one the sound is decoded at the same
    /// pace and forgotten.
    pub(crate) open: Option<SinkOpener<dyn AudioSink>>,
    /// Told what a room hears, whose microphone may hear it, too.
    pub(crate) far_end: Option<FarEnd>,
    /// Keeps the sound in step with the picture.
    pub(crate) playout: Arc<PlayoutClock>,
    /// The call's clock.
    pub(crate) clock: Clock,
    /// Figures.
    pub(crate) meter: Meter<InboundStats>,
    /// Where it tells what happens.
    pub(crate) events: Events,
}

impl AudioReceive {
    /// Starts the thread `audio-receive`.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn spawn(self) -> std::io::Result<Thread> {
        spawn_thread("audio-receive", move || {
            let events = self.events.clone();
            if let Err(what) = self.run() {
                events.emit(EventKind::SinkFailed { kind: MediaKind::Audio, what });
            }
        })
    }

    fn run(mut self) -> Result<(), String> {
        let heard = self.open.is_some();
        let mut sink: Box<dyn AudioSink> = match self.open.take().map(|open| open()) {
            Some(Ok(sink)) => sink,
            Some(Err(error)) => self.without_sink(&error.to_string()),
            None => Box::new(NullAudio::new().0),
        };
        let decoder = codec::audio_decoder(self.codec, CHANNELS).map_err(|error| error.to_string())?;
        let mut playing = Playing {
            heard,
            far_end: self.far_end.take(),
            concealing: false,
            starved: Duration::ZERO,
            player: AudioPlayer::new(self.codec.clock_rate_hz(), decoder, CHANNELS),
            reserve: Reserve::new(),
            piece: AudioFrame::default(),
            first: true,
        };
        let mut sleep = IDLE;
        loop {
            match self.inbound.recv_timeout(sleep) {
                Ok(inbound) => {
                    playing.take(inbound, &self);
                    while let Ok(inbound) = self.inbound.try_recv() {
                        playing.take(inbound, &self);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            sleep = match playing.feed(&mut *sink, &self) {
                Ok(sleep) => sleep,
                Err(error) => {
                    sink = self.without_sink(&error.to_string());
                    NAP
                }
            };
        }
        sink.finish();
        Ok(())
    }

    /// Says what happened; the sound goes on unheard, so that a call of two does not lose its clock.
    fn without_sink(&self, what: &str) -> Box<dyn AudioSink> {
        self.events.emit(EventKind::SinkFailed { kind: MediaKind::Audio, what: what.into() });
        Box::new(NullAudio::new().0)
    }
}

/// The state of the thread.
struct Playing {
    player: AudioPlayer,
    reserve: Reserve,
    piece: AudioFrame,
    first: bool,
    /// Told what a room hears.
    far_end: Option<FarEnd>,
    /// Whether the last piece was made up.
    concealing: bool,
    /// How long the sink had run dry when last asked.
    starved: Duration,
    /// Whether anybody listens: the picture does not wait for sound that nobody hears.
    heard: bool,
}

impl Playing {
    fn take(&mut self, inbound: Inbound, thread: &AudioReceive) {
        match inbound {
            Inbound::Packet(codec, packet) => {
                thread.meter.update(|stats| {
                    stats.bytes_received += packet.payload.len() as u64;
                    stats.codec = Some(codec);
                });
                self.player.insert(packet);
            }
            Inbound::Report(report) => {
                if let Some(time) = self.player.media_time(report.rtp) {
                    thread.playout.set_report(MediaKind::Audio, time, report.ntp);
                }
            }
            // Sound is not sent again: it is recovered from the next packet, or made up.
            Inbound::RoundTrip(_) => {}
        }
    }

    /// Fills the sink up to its level. Returns how long that lasts.
    fn feed(&mut self, sink: &mut dyn AudioSink, thread: &AudioReceive) -> Result<Duration, SinkError> {
        let in_portions = sink.wanted() > Duration::ZERO;
        let level = self.reserve.level().max(sink.wanted() + URGENT);
        let urgent = URGENT.max(sink.wanted());
        self.player.set_ahead(level);
        self.player.set_extra_delay(thread.playout.extra_delay(MediaKind::Audio));
        loop {
            let (now, queued, starved) = (now(), sink.queued(), sink.starved());
            if let Some(far_end) = self.far_end.as_mut().filter(|_| sink.is_speaker()) {
                far_end.starved(starved.saturating_sub(self.starved));
            }
            self.starved = starved;
            if queued > level {
                let longest = if in_portions { TICK } else { IDLE };
                return Ok((queued - level).clamp(NAP, longest));
            }
            if !self.player.next(now, queued, queued <= urgent, &mut self.piece) {
                return Ok(queued.saturating_sub(urgent).clamp(NAP, TICK));
            }
            let heard_at = now + sink.delay();
            // The one place where sound leaves for the device.
            if let Some(far_end) = self.far_end.as_mut().filter(|_| sink.is_speaker()) {
                far_end.played(&self.piece);
            }
            sink.play(&self.piece)?;
            self.reserve.observe(self.starved, now);
            self.note(heard_at, thread);
        }
    }

    /// Tells the picture, and whoever asks for figures, when what was played is heard.
    fn note(&mut self, heard_at: Instant, thread: &AudioReceive) {
        let time = self.piece.captured_at;
        let delay = self.player.delay();
        if let Some(delay) = delay
            && self.heard
        {
            // But for the other medium it would be heard as much earlier as its delay were shorter.
            let alone = heard_at + self.player.target_alone();
            thread.playout.set_alone(MediaKind::Audio, time, alone.checked_sub(delay).unwrap_or(alone));
            thread.playout.set_played(MediaKind::Audio, time, heard_at);
        }
        let end_to_end = delay.and_then(|_| {
            let captured = thread.playout.captured_micros(MediaKind::Audio, time)?;
            Some((thread.clock.ntp(thread.clock.at(heard_at)).micros() - captured) as f64 / 1e6)
        });
        let (counts, played) = (self.player.reception(), self.player.played());
        if played.packets > 0 && std::mem::take(&mut self.first) {
            thread.events.emit(EventKind::FirstFrameReceived { kind: MediaKind::Audio });
        }
        let level = level(&self.piece.samples);
        thread.meter.update(|stats| {
            stats.frames_decoded = played.packets;
            stats.frames_rendered = played.samples / BLOCK;
            stats.packets_received = counts.received;
            stats.packets_lost = counts.lost;
            stats.packets_discarded = counts.discarded;
            stats.jitter = counts.jitter;
            stats.concealed = played.concealed.div_ceil(BLOCK);
            stats.recovered = played.recovered;
            stats.frames_dropped = played.skipped;
            stats.total_samples_received = played.samples;
            stats.concealment_events += u64::from(played.concealed > stats.concealed_samples && !self.concealing);
            self.concealing = played.concealed > stats.concealed_samples;
            stats.concealed_samples = played.concealed;
            stats.audio_level = level;
            stats.total_audio_energy += level * level * self.piece.duration().as_secs_f64();
            stats.inserted_samples_for_deceleration = played.inserted;
            stats.removed_samples_for_acceleration = played.removed;
            if let Some(delay) = delay {
                let samples = self.piece.samples_per_channel() as u64;
                stats.playout_delay = delay.as_secs_f64();
                stats.jitter_buffer_delay += delay.as_secs_f64() * samples as f64;
                stats.jitter_buffer_emitted_count += samples;
                stats.end_to_end_delay = end_to_end;
            }
        });
    }
}
