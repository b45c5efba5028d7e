//! Sound in pieces of 10 ms or less, whenever the speaker wants the next.
//!
//! The speaker sets the pace. Packets are decoded when they are needed. How late sound is played is
//! compared with how late it has to be; periods of it are taken out or put in until both agree.

mod pace;

use std::time::{Duration, Instant};

use super::{
    AudioBuffer, Front,
    lateness::{Micros, distance, elapsed},
    stretch,
};
use crate::{
    codec::{AudioDecoder, AudioPayload},
    jitter::Reception,
    media::{AudioFrame, MediaTime, RtpPacket, RtpTime, SAMPLE_RATE_HZ},
};

/// Plays what packets of sound carry: decodes, recovers, makes up, and holds it as long as the
/// line's jitter demands.
pub struct AudioPlayer {
    buffer: AudioBuffer,
    decoder: Box<dyn AudioDecoder>,
    channels: usize,
    /// How long before it is played a piece is asked for.
    ahead: Duration,
    extra_delay: Duration,
    state: State,
    /// Decoded, interleaved, still to be played.
    pcm: Vec<f32>,
    /// What was played last: a period may be repeated.
    before: Vec<f32>,
    block: AudioFrame,
    /// The media time at which `pcm` ends.
    position: MediaTime,
    /// What was made up since the last packet, and is not yet known to stand for lost sound.
    made_up: Duration,
    /// How long only made-up sound was played.
    without: Duration,
    /// What the last sample was multiplied with.
    gain: f32,
    /// How late sound is played, smoothed, in microseconds; see [`Self::delay`].
    delay: Option<Micros>,
    /// How much has to be played before the next stretching.
    untouched: Duration,
    counts: AudioPlayed,
}

/// What was played, in samples a channel at 48 kHz unless said (webrtc-stats, the names differ).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioPlayed {
    /// All samples, silence included.
    pub samples: u64,
    /// Packets decoded.
    pub packets: u64,
    /// Packets recovered from their successors.
    pub recovered: u64,
    /// Packets left out because the speaker had not played for a while.
    pub skipped: u64,
    /// Samples made up in place of what was lost or late.
    pub concealed: u64,
    /// Samples taken out to play sooner.
    pub removed: u64,
    /// Samples put in to play later.
    pub inserted: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has come.
    Before,
    Playing,
    /// Silence: the sender pauses, or the line is dead.
    Silent,
}

/// What is played at once.
const PIECE: Duration = Duration::from_millis(10);

/// Media times that differ by less follow each other.
const SLIGHT: Micros = 2_500;

/// After so much made-up sound it fades away, and then is silence.
const FADES_AFTER: Duration = Duration::from_millis(40);
const SILENT_AFTER: Duration = Duration::from_millis(100);

/// How long coming back to full loudness takes.
const FADE_IN: Duration = Duration::from_millis(5);

/// How much more delay than the target is put up with at the very start, and how much ever: then packets are
/// left behind, because the speaker did not play for a while.
const LATE_AT_FIRST: Micros = 12_000;
const FAR_TOO_LATE: Micros = 500_000;

impl AudioPlayer {
    /// Returns a player of a stream whose time stamps count `clock_rate_hz`, with a decoder for so
    /// many channels.
    pub fn new(clock_rate_hz: u32, decoder: Box<dyn AudioDecoder>, channels: u8) -> Self {
        Self {
            buffer: AudioBuffer::new(clock_rate_hz),
            decoder,
            channels: usize::from(channels.max(1)),
            ahead: Duration::ZERO,
            extra_delay: Duration::ZERO,
            state: State::Before,
            pcm: Vec::new(),
            before: Vec::new(),
            block: AudioFrame::default(),
            position: MediaTime::ZERO,
            made_up: Duration::ZERO,
            without: Duration::ZERO,
            gain: 1.0,
            delay: None,
            untouched: Duration::ZERO,
            counts: AudioPlayed::default(),
        }
    }

    /// Takes a packet.
    pub fn insert(&mut self, packet: RtpPacket) {
        let recovers = self.decoder.carries_previous(&packet.payload);
        if self.buffer.insert(packet, recovers) && self.state == State::Playing {
            self.fall_silent();
        }
    }

    /// Sets how long before it is played a piece is usually asked for: what the sink keeps ready.
    pub fn set_ahead(&mut self, ahead: Duration) {
        self.ahead = ahead;
    }

    /// Sets how much longer than the line's jitter demands sound is held, as
    /// [`crate::jitter::PlayoutClock::extra_delay`] asks.
    pub fn set_extra_delay(&mut self, extra: Duration) {
        self.extra_delay = extra;
    }

    /// Fills `out` with the next 10 ms, which will be played `queued` from now; `false` if there is
    /// nothing yet, as packets may still come in time. To the `urgent` it gives less than 10 ms if there is
    /// no more and, once the first packet has come, makes something up if there is nothing.
    pub fn next(&mut self, now: Instant, queued: Duration, urgent: bool, out: &mut AudioFrame) -> bool {
        let plays_at = now + queued;
        self.fill(plays_at, urgent);
        self.keep_to_target(plays_at);
        self.fill(plays_at, urgent);
        let piece = self.samples_in(PIECE).min(self.pcm.len());
        if piece == 0 || piece < self.samples_in(PIECE) && !urgent {
            return false;
        }
        out.captured_at = self.head();
        out.channels = self.channels as u8;
        out.samples.clear();
        out.samples.extend(self.pcm.drain(..piece));
        self.before.extend_from_slice(&out.samples);
        let surplus = self.before.len().saturating_sub(stretch::LONGEST * self.channels);
        self.before.drain(..surplus);
        self.untouched = self.untouched.saturating_sub(out.duration());
        self.counts.samples += out.samples_per_channel() as u64;
        true
    }

    /// Returns how long after the earliest possible moment sound is to be played.
    pub fn target(&self) -> Duration {
        self.target_alone() + self.extra_delay
    }

    /// Returns the same but for [`Self::set_extra_delay`].
    pub fn target_alone(&self) -> Duration {
        self.buffer.target() + self.ahead
    }

    /// Returns how long after the earliest possible moment (without jitter, to a speaker that takes all
    /// at once) sound is played. `None` while nothing is.
    pub fn delay(&self) -> Option<Duration> {
        let delay = self.delay.filter(|_| self.state == State::Playing && self.without.is_zero())?;
        Some(Duration::from_micros(delay.max(0) as u64))
    }

    /// Returns the moment of an RTP time stamp, as of a sender report, on the line of time of the
    /// pieces; `None` before the first packet.
    pub fn media_time(&self, timestamp: RtpTime) -> Option<MediaTime> {
        self.buffer.media_time(timestamp)
    }

    /// Returns the figures of the stream so far.
    pub fn reception(&self) -> Reception {
        self.buffer.reception()
    }

    /// Returns what was played.
    pub fn played(&self) -> AudioPlayed {
        self.counts
    }

    /// Decodes until a piece is there, or nothing more.
    fn fill(&mut self, plays_at: Instant, urgent: bool) {
        while self.pcm.len() < self.samples_in(PIECE) {
            let urgent = urgent && self.pcm.is_empty();
            if !self.refill(plays_at, urgent) {
                break;
            }
        }
    }

    /// Adds to `pcm`. `false` if there is nothing to add yet.
    fn refill(&mut self, plays_at: Instant, urgent: bool) -> bool {
        // What waits in `pcm` is played before.
        let plays_at = plays_at + self.duration_of(self.pcm.len());
        match (self.buffer.front(), self.state) {
            (None, State::Before) => false,
            (None, State::Playing) => urgent && self.starve(),
            (None, State::Silent) => urgent && self.be_silent(PIECE),
            (Some(front), State::Playing) => self.go_on(front, plays_at, urgent),
            (Some(front), State::Before | State::Silent) => self.start(front, plays_at),
        }
    }

    /// Begins with the oldest packet when its time has come.
    fn start(&mut self, front: Front, plays_at: Instant) -> bool {
        let target = micros(self.target());
        let patience = if self.state == State::Before { LATE_AT_FIRST } else { FAR_TOO_LATE };
        let front = if self.late(front.media_time, plays_at) > target + patience {
            self.leave_behind(plays_at);
            self.buffer.front().unwrap_or(front)
        } else {
            front
        };
        let early = target - self.late(front.media_time, plays_at);
        if early >= micros(PIECE) {
            return self.state != State::Before && self.be_silent(PIECE);
        }
        self.be_silent(Duration::from_micros(early.max(0) as u64));
        self.account_for(front);
        self.state = State::Playing;
        self.position = front.media_time;
        self.delay = None;
        self.play()
    }

    /// Goes on with the oldest packet, or with what is to be heard before it.
    fn go_on(&mut self, front: Front, plays_at: Instant, urgent: bool) -> bool {
        let gap = |this: &Self| distance(this.position, front.media_time);
        if self.late(front.media_time, plays_at) > micros(self.target()) + FAR_TOO_LATE {
            self.fall_silent();
            return self.start(front, plays_at);
        }
        if gap(self) < SLIGHT {
            self.account_for(front);
            return self.play();
        }
        if front.missing == 0 {
            // The sender paused.
            self.fall_silent();
            return self.start(front, plays_at);
        }
        // What was made up stands for some of what is lost.
        let stands = self.made_up.min(Duration::from_micros(gap(self) as u64));
        self.position = self.position + stands;
        self.made_up -= stands;
        self.conceal_count(stands);
        if gap(self) < SLIGHT {
            self.account_for(front);
            return self.play();
        }
        if !urgent {
            // They may only be late.
            return false;
        }
        let gap = gap(self);
        if front.recovers && gap <= micros(self.buffer.block) + SLIGHT {
            return self.recover(gap);
        }
        if self.without >= SILENT_AFTER {
            self.fall_silent();
            return self.start(front, plays_at);
        }
        let part = PIECE.min(Duration::from_micros(gap as u64));
        self.conceal(part);
        self.conceal_count(part);
        self.position = self.position + part;
        true
    }

    /// No packet is there at all.
    fn starve(&mut self) -> bool {
        if self.without >= SILENT_AFTER {
            self.fall_silent();
            return self.be_silent(PIECE);
        }
        self.conceal(PIECE);
        self.made_up += PIECE;
        true
    }

    /// The oldest packet tells what the made-up sound before it was.
    fn account_for(&mut self, front: Front) {
        let made_up = std::mem::take(&mut self.made_up);
        let paused = distance(self.position, front.media_time) >= SLIGHT;
        let lost = if paused { made_up.min(self.buffer.block * front.missing.min(1_000) as u32) } else { made_up };
        self.conceal_count(lost);
    }

    fn conceal_count(&mut self, duration: Duration) {
        self.counts.concealed += self.frames_in(duration) as u64;
    }

    /// Decodes the oldest packet.
    fn play(&mut self) -> bool {
        let Some(packet) = self.buffer.pop() else { return false };
        self.without = Duration::ZERO;
        match self.decoder.decode(AudioPayload::Packet(&packet), &mut self.block) {
            Ok(()) => {
                self.counts.packets += 1;
                self.buffer.block = self.block.duration();
                self.position = packet.media_time + self.buffer.block;
                self.append(0, Fade::In);
            }
            Err(error) => {
                tracing::debug!(%error, "a packet of sound cannot be decoded");
                let block = self.buffer.block;
                self.position = packet.media_time + block;
                self.conceal_count(block);
                self.conceal(block);
            }
        }
        true
    }

    /// Takes the end of a lost packet, as long as the gap, from its successor.
    fn recover(&mut self, gap: Micros) -> bool {
        let Some(successor) = self.buffer.peek() else { return false };
        if let Err(error) = self.decoder.decode(AudioPayload::Recover(&successor), &mut self.block) {
            tracing::debug!(%error, "a packet of sound cannot be recovered");
            self.buffer.give_up_missing();
            self.position = successor.media_time;
            return true;
        }
        let gap = self.samples_in(Duration::from_micros(gap as u64));
        self.append(self.block.samples.len().saturating_sub(gap), Fade::In);
        self.buffer.give_up_missing();
        self.position = successor.media_time;
        self.counts.recovered += 1;
        self.without = Duration::ZERO;
        true
    }

    /// Makes up so much.
    fn conceal(&mut self, duration: Duration) {
        let end = self.pcm.len() + self.samples_in(duration);
        let fade = if self.without >= FADES_AFTER { Fade::Out } else { Fade::None };
        while self.pcm.len() < end {
            if self.decoder.decode(AudioPayload::Conceal, &mut self.block).is_err() || self.block.samples.is_empty() {
                break;
            }
            self.append(0, fade);
        }
        self.pcm.resize(end, 0.0);
        self.without += duration;
    }

    fn be_silent(&mut self, duration: Duration) -> bool {
        self.pcm.resize(self.pcm.len() + self.samples_in(duration), 0.0);
        if self.state == State::Silent {
            self.made_up += duration;
        }
        true
    }

    fn fall_silent(&mut self) {
        self.state = State::Silent;
        self.gain = 0.0;
    }

    /// Forgets packets that wait for longer than the target, but for the newest.
    fn leave_behind(&mut self, plays_at: Instant) {
        let target = micros(self.target());
        while self.buffer.len() > 1
            && self.buffer.front().is_some_and(|front| self.late(front.media_time, plays_at) > target)
        {
            self.buffer.pop();
            self.counts.skipped += u64::from(self.state != State::Before);
        }
        self.buffer.give_up_missing();
    }

    /// Appends what was decoded, from a sample on.
    fn append(&mut self, from: usize, fade: Fade) {
        let step = match fade {
            Fade::In => 1.0 / self.frames_in(FADE_IN) as f32,
            Fade::None => 0.0,
            Fade::Out => -1.0 / self.frames_in(SILENT_AFTER - FADES_AFTER) as f32,
        };
        let from = from.min(self.block.samples.len());
        if self.gain >= 1.0 && step >= 0.0 {
            self.pcm.extend_from_slice(&self.block.samples[from..]);
            return;
        }
        for moment in self.block.samples[from..].chunks_exact(self.channels) {
            self.gain = (self.gain + step).clamp(0.0, 1.0);
            self.pcm.extend(moment.iter().map(|sample| sample * self.gain));
        }
    }

    /// The media time that `pcm` begins with.
    fn head(&self) -> MediaTime {
        let pcm = self.duration_of(self.pcm.len());
        MediaTime::new(self.position.since_epoch().saturating_sub(pcm))
    }

    /// How long after the earliest possible moment what has this media time is played.
    fn late(&self, media_time: MediaTime, plays_at: Instant) -> Micros {
        self.buffer.earliest(media_time).map_or(0, |earliest| elapsed(earliest, plays_at))
    }

    /// Samples of one channel.
    fn frames_in(&self, duration: Duration) -> usize {
        MediaTime::new(duration).ticks(SAMPLE_RATE_HZ) as usize
    }

    /// Samples of all channels.
    fn samples_in(&self, duration: Duration) -> usize {
        self.frames_in(duration) * self.channels
    }

    fn duration_of(&self, samples: usize) -> Duration {
        MediaTime::from_ticks((samples / self.channels) as u64, SAMPLE_RATE_HZ).since_epoch()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fade {
    In,
    None,
    Out,
}

impl std::fmt::Debug for AudioPlayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioPlayer").field("state", &self.state).field("played", &self.counts).finish_non_exhaustive()
    }
}

fn micros(duration: Duration) -> Micros {
    duration.as_micros() as Micros
}
