//! Packets of sound, one at a time, whenever the speaker wants the next.
//!
//! The speaker sets the pace. What is decided here is only how long packets wait before they are
//! played: at the start, after a pause, and by a block made up or left out in between.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    DelayEstimator,
    reception::{Account, Index, Place, Reception},
};
use crate::media::{EncodedFrame, MediaTime, RtpPacket, RtpTime};

/// What the speaker is to get for the next block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioPop {
    /// The next packet.
    Packet(EncodedFrame),
    /// The next packet is lost, but this is its successor, which may carry a copy of it and comes
    /// again as the next packet.
    Recover(EncodedFrame),
    /// Nothing is known of the next block: something is to be made up.
    Conceal,
    /// Nothing is to be played yet: before the start, after the end, or in a pause of the sender's
    /// (DTX). Silence.
    Wait,
}

/// Orders packets of sound and holds them as long as the line's jitter demands. Holds at most 256
/// packets; when full, it drops the oldest.
#[derive(Clone, Debug)]
pub struct AudioBuffer {
    clock_rate_hz: u32,
    account: Option<Account>,
    delay: DelayEstimator,
    extra_delay: Duration,
    packets: BTreeMap<Index, RtpPacket>,
    /// Everything before this place was played or given up.
    next: Index,
    /// The media time at which the last block given ends.
    position: Option<MediaTime>,
    /// Whether a run of blocks is being played; if not, it waits for enough to begin one.
    playing: bool,
    /// How much was made up since the last packet.
    made_up: Duration,
    /// How long a packet lasts.
    block: Duration,
    /// The usual size of a packet in bytes: much smaller ones hold near silence.
    usual_len: f64,
    /// Since when more, or less, than the target is held.
    off_target: Option<(bool, Instant)>,
    adjusted_at: Option<Instant>,
    concealed: u64,
    recovered: u64,
    skipped: u64,
}

/// Five seconds of the usual packets.
const CAPACITY: usize = 256;

/// The usual length of a packet, and the step in which the delay changes.
const BLOCK: Duration = Duration::from_millis(20);

/// After so much made-up sound the line is taken to be silent.
const MAX_MADE_UP: Duration = Duration::from_millis(100);

/// How much more than the target is held before blocks are left out, and less before they are made
/// up: the target moves a little all the time.
const TOO_MUCH: Duration = Duration::from_millis(40);
const TOO_LITTLE: Duration = BLOCK;

/// With so much more than the target it is left behind at once: the speaker did not play for a while.
const FAR_TOO_MUCH: Duration = Duration::from_millis(400);

/// How long to put up with too much before leaving out a quiet block, and before leaving out any.
const SKIP_PATIENCE: (Duration, Duration) = (Duration::from_millis(1_000), Duration::from_millis(2_000));

/// The same for too little: a rising delay cannot wait long, or sound breaks off.
const STRETCH_PATIENCE: (Duration, Duration) = (Duration::ZERO, Duration::from_millis(200));

/// The time from one such change to the next.
const BETWEEN_ADJUSTMENTS: Duration = Duration::from_millis(100);

impl AudioBuffer {
    /// Returns an empty buffer.
    pub fn new(clock_rate_hz: u32) -> Self {
        Self {
            clock_rate_hz,
            account: None,
            delay: DelayEstimator::for_sound(),
            extra_delay: Duration::ZERO,
            packets: BTreeMap::new(),
            next: Index::MIN,
            position: None,
            playing: false,
            made_up: Duration::ZERO,
            block: BLOCK,
            usual_len: 0.0,
            off_target: None,
            adjusted_at: None,
            concealed: 0,
            recovered: 0,
            skipped: 0,
        }
    }

    /// Takes a packet. Another SSRC, or a sender that began anew, resets the buffer.
    pub fn insert(&mut self, packet: RtpPacket) {
        let clock_rate_hz = self.clock_rate_hz;
        let account = self.account.get_or_insert_with(|| Account::new(&packet, clock_rate_hz));
        let newest = account.highest();
        let index = match account.enter(&packet) {
            Place::New(index) => index,
            Place::Old => return,
            Place::Restart => {
                self.reset();
                return self.insert(packet);
            }
        };
        // Late ones above all tell how long to wait.
        self.delay.observe(account.media_time(packet.timestamp), packet.arrival);
        if index < self.next || packet.payload.is_empty() {
            return account.discard(1);
        }
        if index < newest {
            account.recover();
        }
        if self.packets.len() >= CAPACITY
            && let Some((oldest, _)) = self.packets.pop_first()
        {
            account.discard(1);
            self.next = self.next.max(oldest + 1);
        }
        self.usual_len += (packet.payload.len() as f64 - self.usual_len) * 0.02;
        self.packets.insert(index, packet);
    }

    /// Gives what is to be decoded for the next block. To be asked each time the speaker wants one.
    pub fn pop(&mut self, now: Instant) -> AudioPop {
        if !self.playing && !self.start(now) {
            return AudioPop::Wait;
        }
        if self.packets.is_empty() {
            return self.run_dry();
        }
        if self.packets.contains_key(&self.next) {
            return self.play(now);
        }
        if self.made_up >= MAX_MADE_UP {
            self.stop();
            return if self.start(now) { self.play(now) } else { AudioPop::Wait };
        }
        self.fill_gap(now)
    }

    /// Sets how much longer than the line's jitter demands packets are held, as
    /// [`super::PlayoutClock::extra_delay`] asks.
    pub fn set_extra_delay(&mut self, extra: Duration) {
        self.extra_delay = extra;
    }

    /// Returns how long packets are to be held from the earliest possible arrival.
    pub fn target(&self) -> Duration {
        self.delay.target() + self.extra_delay
    }

    /// Returns when the sound of a media time would be played but for
    /// [`Self::set_extra_delay`]; `None` before the first packet.
    pub fn play_at_alone(&self, media_time: MediaTime) -> Option<Instant> {
        self.delay.play_at(media_time)
    }

    /// Returns the media time that the next block begins with; `None` before the start.
    pub fn position(&self) -> Option<MediaTime> {
        self.position
    }

    /// Returns how much sound is held.
    pub fn depth(&self) -> Duration {
        let (Some((_, first)), Some((_, last))) = (self.packets.first_key_value(), self.packets.last_key_value())
        else {
            return Duration::ZERO;
        };
        let media_time = |packet: &RtpPacket| self.media_time(packet.timestamp).unwrap_or_default();
        media_time(last).saturating_since(media_time(first)) + self.block
    }

    /// Returns the moment of an RTP time stamp, as of a sender report, on the line of time of the
    /// frames; `None` before the first packet.
    pub fn media_time(&self, timestamp: RtpTime) -> Option<MediaTime> {
        self.account.as_ref().map(|account| account.media_time(timestamp))
    }

    /// Returns the figures of the stream so far.
    pub fn reception(&self) -> Reception {
        self.account.as_ref().map(Account::counts).unwrap_or_default()
    }

    /// Returns how many blocks had to be made up.
    pub const fn concealed(&self) -> u64 {
        self.concealed
    }

    /// Returns how many lost packets had a successor to recover them from.
    pub const fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Returns how many packets were left out to shorten the delay.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Begins a run if the oldest packet has waited for its time. Leaves out what has waited too long.
    fn start(&mut self, now: Instant) -> bool {
        while let Some((&index, packet)) = self.packets.first_key_value() {
            let held = self.held(packet, now);
            if held < micros(self.target()) {
                return false;
            }
            if held > micros(self.target() + BLOCK) && self.packets.len() > 1 {
                self.packets.pop_first();
                self.skipped += 1;
                self.next = index + 1;
                continue;
            }
            (self.next, self.playing) = (index, true);
            (self.off_target, self.made_up) = (None, Duration::ZERO);
            return true;
        }
        false
    }

    fn stop(&mut self) {
        self.playing = false;
    }

    /// The next packet is there.
    fn play(&mut self, now: Instant) -> AudioPop {
        if self.held(&self.packets[&self.next], now) > micros(self.target() + FAR_TOO_MUCH) {
            self.leave_behind(now);
        }
        let packet = &self.packets[&self.next];
        let (held, target) = (self.held(packet, now), micros(self.target()));
        let media_time = self.media_time(packet.timestamp).unwrap_or_default();
        let paused = self.position.is_some_and(|position| media_time > position + self.block);
        if paused && held < target {
            return AudioPop::Wait;
        }
        let quiet = (packet.payload.len() as f64) < 0.7 * self.usual_len;
        if held > target + micros(TOO_MUCH) {
            if self.packets.contains_key(&(self.next + 1)) && self.adjusts(true, quiet, now) {
                self.packets.remove(&self.next);
                self.next += 1;
                self.skipped += 1;
            }
        } else if held + micros(TOO_LITTLE) < target {
            if self.adjusts(false, quiet, now) {
                return self.conceal();
            }
        } else {
            self.off_target = None;
        }
        self.give()
    }

    /// Leaves out what waits longer than the target, but for the newest packet.
    fn leave_behind(&mut self, now: Instant) {
        let target = micros(self.target());
        while self.packets.len() > 1
            && let Some((&index, packet)) = self.packets.first_key_value()
            && self.held(packet, now) > target
        {
            self.packets.remove(&index);
            self.skipped += 1;
        }
        if let Some((&first, _)) = self.packets.first_key_value() {
            self.next = first;
        }
    }

    /// Whether to leave out (`more`) or make up a block now: after a while at a quiet place, after
    /// a longer while anywhere.
    fn adjusts(&mut self, more: bool, quiet: bool, now: Instant) -> bool {
        let since = match self.off_target {
            Some((was_more, since)) if was_more == more => since,
            _ => now,
        };
        self.off_target = Some((more, since));
        let patience = if more { SKIP_PATIENCE } else { STRETCH_PATIENCE };
        let patience = if quiet { patience.0 } else { patience.1 };
        let recently = self.adjusted_at.is_some_and(|at| now.saturating_duration_since(at) < BETWEEN_ADJUSTMENTS);
        let adjusts = !recently && now.saturating_duration_since(since) >= patience;
        if adjusts {
            self.adjusted_at = Some(now);
        }
        adjusts
    }

    fn give(&mut self) -> AudioPop {
        let Some(packet) = self.packets.remove(&self.next) else { return self.conceal() };
        let frame = self.frame(&packet);
        self.next += 1;
        self.made_up = Duration::ZERO;
        self.position = Some(frame.media_time + frame.duration);
        self.block = frame.duration;
        AudioPop::Packet(frame)
    }

    /// The next packet is not there, but later ones are.
    fn fill_gap(&mut self, now: Instant) -> AudioPop {
        let position = self.position.unwrap_or_default();
        let held = self.delay.earliest(position).map_or(0, |earliest| signed_micros(earliest, now));
        if held + micros(TOO_LITTLE) < micros(self.target()) {
            // There is time: it may only be late.
            return self.conceal();
        }
        self.next += 1;
        self.position = Some(position + self.block);
        match self.packets.get(&self.next) {
            Some(successor) => {
                self.recovered += 1;
                self.made_up += self.block;
                AudioPop::Recover(self.frame(successor))
            }
            None => self.conceal(),
        }
    }

    /// No packet is there at all.
    fn run_dry(&mut self) -> AudioPop {
        if self.made_up >= MAX_MADE_UP {
            self.stop();
            return AudioPop::Wait;
        }
        self.conceal()
    }

    fn conceal(&mut self) -> AudioPop {
        self.concealed += 1;
        self.made_up += self.block;
        AudioPop::Conceal
    }

    /// How long the packet has been held since its earliest possible arrival, in microseconds;
    /// negative if it came before that.
    fn held(&self, packet: &RtpPacket, now: Instant) -> i64 {
        let earliest = self.media_time(packet.timestamp).and_then(|media_time| self.delay.earliest(media_time));
        earliest.map_or(0, |earliest| signed_micros(earliest, now))
    }

    fn frame(&self, packet: &RtpPacket) -> EncodedFrame {
        let media_time = self.media_time(packet.timestamp).unwrap_or_default();
        // The successor tells how long a packet lasts, unless a pause lies between.
        let successor = self.packets.values().find(|successor| successor.seq == packet.seq.next());
        let step = successor.and_then(|successor| self.media_time(successor.timestamp));
        let step = step.map(|next| next.saturating_since(media_time));
        let sane = Duration::from_micros(2_500)..=Duration::from_millis(120);
        let duration = step.filter(|step| sane.contains(step)).unwrap_or(self.block);
        EncodedFrame { media_time, key_frame: true, duration, payload: packet.payload.clone() }
    }

    fn reset(&mut self) {
        let fresh = Self::new(self.clock_rate_hz);
        *self = Self {
            extra_delay: self.extra_delay,
            concealed: self.concealed,
            recovered: self.recovered,
            skipped: self.skipped,
            ..fresh
        };
    }
}

fn micros(duration: Duration) -> i64 {
    duration.as_micros() as i64
}

fn signed_micros(from: Instant, to: Instant) -> i64 {
    micros(to.saturating_duration_since(from)) - micros(from.saturating_duration_since(to))
}

#[cfg(test)]
mod tests;
