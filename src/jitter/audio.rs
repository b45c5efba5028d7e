//! Packets of sound in any order in, one after the other out, and how long they have to wait.

mod lateness;
mod player;
#[cfg(test)]
mod simulation;
mod stretch;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

pub use player::{AudioPlayed, AudioPlayer};
#[cfg(test)]
pub(super) use simulation::Tone;

use self::lateness::Lateness;
use super::reception::{Account, Index, Place, Reception};
use crate::media::{EncodedFrame, MediaTime, RtpPacket, RtpTime};

/// Orders packets of sound. Holds at most 256; when full, it drops the oldest.
#[derive(Clone, Debug)]
struct AudioBuffer {
    clock_rate_hz: u32,
    account: Option<Account>,
    lateness: Lateness,
    packets: BTreeMap<Index, Waiting>,
    /// Everything before this place was played or given up.
    next: Index,
    /// How long a packet lasts.
    block: Duration,
}

#[derive(Clone, Debug)]
struct Waiting {
    packet: RtpPacket,
    /// Whether it carries a copy of the one before.
    recovers: bool,
}

/// What is known of the packet to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Front {
    /// What it begins with.
    media_time: MediaTime,
    /// How many packets before it are missing.
    missing: u64,
    /// Whether it carries a copy of the one before.
    recovers: bool,
}

/// Five seconds of the usual packets.
const CAPACITY: usize = 256;

/// The usual length of a packet.
const BLOCK: Duration = Duration::from_millis(20);

impl AudioBuffer {
    fn new(clock_rate_hz: u32) -> Self {
        Self {
            clock_rate_hz,
            account: None,
            lateness: Lateness::default(),
            packets: BTreeMap::new(),
            next: Index::MIN,
            block: BLOCK,
        }
    }

    /// Takes a packet, which may carry a copy of the one before. `true` if it is of another stream
    /// than those before it (another SSRC, or a sender that began anew), which are then forgotten.
    fn insert(&mut self, packet: RtpPacket, recovers: bool) -> bool {
        let clock_rate_hz = self.clock_rate_hz;
        let account = self.account.get_or_insert_with(|| Account::new(&packet, clock_rate_hz));
        let newest = account.highest();
        let index = match account.enter(&packet) {
            Place::New(index) => index,
            Place::Old => return false,
            Place::Restart => {
                *self = Self::new(clock_rate_hz);
                self.insert(packet, recovers);
                return true;
            }
        };
        // Late ones above all tell how long to wait.
        let media_time = account.media_time(packet.timestamp);
        self.lateness.observe(media_time, packet.arrival);
        if recovers && index > newest + 1 && index > account.first() {
            let copied = MediaTime::new(media_time.since_epoch().saturating_sub(self.block));
            self.lateness.observe(copied, packet.arrival);
        }
        if index < self.next || packet.payload.is_empty() {
            account.discard(1);
            return false;
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
        self.packets.insert(index, Waiting { packet, recovers });
        false
    }

    /// Returns what is known of the oldest packet.
    fn front(&self) -> Option<Front> {
        let (&index, waiting) = self.packets.first_key_value()?;
        let media_time = self.media_time(waiting.packet.timestamp)?;
        Some(Front { media_time, missing: index.saturating_sub(self.next).max(0) as u64, recovers: waiting.recovers })
    }

    /// Returns the oldest packet without taking it.
    fn peek(&self) -> Option<EncodedFrame> {
        self.packets.first_key_value().map(|(_, waiting)| self.frame(&waiting.packet))
    }

    /// Takes the oldest packet; those missing before it are given up.
    fn pop(&mut self) -> Option<EncodedFrame> {
        let (index, waiting) = self.packets.pop_first()?;
        self.next = index + 1;
        Some(self.frame(&waiting.packet))
    }

    /// Gives up what is missing before the oldest packet, which becomes the next.
    fn give_up_missing(&mut self) {
        if let Some((&index, _)) = self.packets.first_key_value() {
            self.next = index;
        }
    }

    fn len(&self) -> usize {
        self.packets.len()
    }

    /// Returns the moment of an RTP time stamp on the line of time of the frames; `None` before the
    /// first packet.
    fn media_time(&self, timestamp: RtpTime) -> Option<MediaTime> {
        self.account.as_ref().map(|account| account.media_time(timestamp))
    }

    /// Returns when what has this media time would arrive over the bare line; `None` before the
    /// first packet.
    fn earliest(&self, media_time: MediaTime) -> Option<Instant> {
        self.lateness.earliest(media_time)
    }

    /// Returns how long after [`Self::earliest`] packets have to be played for hardly any to be late.
    fn target(&self) -> Duration {
        self.lateness.target()
    }

    /// Returns the figures of the stream so far.
    fn reception(&self) -> Reception {
        self.account.as_ref().map(Account::counts).unwrap_or_default()
    }

    fn frame(&self, packet: &RtpPacket) -> EncodedFrame {
        let media_time = self.media_time(packet.timestamp).unwrap_or_default();
        EncodedFrame { media_time, key_frame: true, duration: self.block, payload: packet.payload.clone() }
    }
}

#[cfg(test)]
mod tests;
