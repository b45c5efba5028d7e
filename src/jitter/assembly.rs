//! RTP packets to access units.
//!
//! A frame is whole when every packet is there from the one after the previous frame's last to the
//! one with the marker, or to the last before another time stamp. Frames leave in decoding order,
//! each as soon as it is whole; [`super::PictureDelay`] says when to show it.
//!
//! A gap is given the time for a retransmission, in a frame on which no other depends only until the
//! next frame is whole. After that the frame leaves as it is, and it and
//! those after it, up to the next key frame, are marked as damaged: each depends on the one before.
//! A key frame with a gap is of no use to anybody.

mod damage;
mod layers;

use std::{
    collections::BTreeMap,
    fmt,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use bytes::BytesMut;

use self::layers::Damage;
use super::reception::{Account, Index, Place, Reception};
use crate::{
    codec::Depacketizer,
    media::{EncodedFrame, MediaTime, RtpPacket, RtpTime, SeqNo},
};

/// What [`VideoBuffer::pop`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pop {
    /// The next frame in decoding order.
    Frame(Arrived),
    /// Nothing can be given before the next key frame. Said once for each such loss.
    Missing,
    /// A packet is missing and may still come: ask again then, or after the next packet.
    WaitUntil(Instant),
    /// There is nothing to give until another packet comes.
    Empty,
}

/// A frame and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The frame. Its media time counts from an hour before the stream's first time stamp.
    pub frame: EncodedFrame,
    /// Whether packets of it, or of a frame that it depends on, are lost for good: a decoder has to
    /// make something up.
    pub damaged: bool,
    /// When the first of its packets came.
    pub first_arrival: Instant,
    /// When the last of its packets, and of those of the frames before it, came: not before this
    /// could it be decoded.
    pub completed_at: Instant,
    /// When the last of its packets came that no later packet overtook: what the line itself takes,
    /// without what was lost and sent again. `None` if all were overtaken.
    pub carried_at: Option<Instant>,
}

/// Puts pictures together again. Holds at most 1,024 packets; when full, it drops all up to the
/// next key frame.
pub struct VideoBuffer {
    depacketizer: Box<dyn Depacketizer>,
    clock_rate_hz: u32,
    patience: Duration,
    account: Option<Account>,
    packets: BTreeMap<Index, RtpPacket>,
    /// Everything before this place has left or was given up.
    floor: Index,
    /// A place at which a frame is known to begin: its predecessor was another frame's last packet.
    frame_start: Option<Index>,
    /// Whether only a key frame may leave next.
    seeking: bool,
    damage: Damage,
    /// The time stamp of the frame that last left with something missing.
    given_up: Option<RtpTime>,
    /// The time stamp of the frame that left last.
    left: Option<RtpTime>,
    /// When the frame that left last was complete.
    completed_at: Option<Instant>,
}

/// The most packets the buffer holds: about two seconds of 5 Mbit/s.
const CAPACITY: usize = 1024;

/// How long a gap is waited for until the caller knows the round trip.
const DEFAULT_PATIENCE: Duration = Duration::from_millis(350);

/// What is there of the frame that begins at a place.
enum Extent {
    Whole(RangeInclusive<Index>),
    /// A packet is missing although later ones came, the first of them at this moment.
    Gap(Instant),
    /// The rest has not come yet.
    Growing,
}

impl VideoBuffer {
    /// Returns an empty buffer for a stream of the depacketizer's codec.
    pub fn new(depacketizer: Box<dyn Depacketizer>, clock_rate_hz: u32) -> Self {
        Self {
            depacketizer,
            clock_rate_hz,
            patience: DEFAULT_PATIENCE,
            account: None,
            packets: BTreeMap::new(),
            floor: Index::MIN,
            frame_start: None,
            seeking: true,
            damage: Damage::default(),
            given_up: None,
            left: None,
            completed_at: None,
        }
    }

    /// Sets how long a missing packet is waited for from the moment a later one came: somewhat more
    /// than two round trips gives a retransmission its chance. At most one second.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience.min(Duration::from_secs(1));
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
        if self.packets.len() >= CAPACITY {
            self.overflow();
        }
        if index < self.floor {
            return self.discard(1);
        }
        if index < newest
            && let Some(account) = &mut self.account
        {
            account.recover();
        }
        self.packets.insert(index, packet);
    }

    /// Gives the next frame, or says why there is none.
    pub fn pop(&mut self, now: Instant) -> Pop {
        if self.seeking { self.seek(now) } else { self.follow(now) }
    }

    /// Gives nothing more before the next key frame: the decoder is lost.
    pub fn skip_to_key_frame(&mut self) {
        self.seeking = true;
    }

    /// Whether only a key frame can repair the stream and none is arriving.
    pub fn needs_key_frame(&self) -> bool {
        (self.seeking || self.damage.lowest == Some(0))
            && self.account.is_some()
            && !self.packets.values().any(|packet| self.depacketizer.is_key(packet))
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

    /// The usual state: the next frame begins at the floor.
    fn follow(&mut self, now: Instant) -> Pop {
        loop {
            self.skip_useless();
            let arrived = match self.extent(self.floor) {
                Extent::Whole(range) => self.assemble(range),
                Extent::Gap(_)
                    if self.go_to_whole_key_frame() || self.go_to_next_in_number() || self.goes_on_below() =>
                {
                    continue;
                }
                Extent::Gap(_) if self.is_passed_over() => self.assemble_what_came(),
                Extent::Gap(noticed) if now < noticed + self.patience => {
                    return Pop::WaitUntil(noticed + self.patience);
                }
                Extent::Gap(_) if self.is_late_rest() => continue,
                Extent::Gap(_) => self.assemble_what_came(),
                Extent::Growing => return Pop::Empty,
            };
            match arrived {
                Some(arrived) => return Pop::Frame(arrived),
                None if self.seeking => return Pop::Missing,
                None => {}
            }
        }
    }

    /// At the beginning and after a loss: looks for a key frame and drops all before it.
    fn seek(&mut self, now: Instant) -> Pop {
        loop {
            let key = self.packets.iter().find(|(_, packet)| self.depacketizer.is_key(packet));
            let Some(key) = key.map(|(&index, _)| index) else {
                self.drop_all_but_the_newest_frame();
                return Pop::Empty;
            };
            let (start, timestamp) = self.start_of_frame(key);
            self.drop_before(start);
            let first = &self.packets[&start];
            let sure = self.frame_start == Some(start)
                || self.depacketizer.is_entry(first)
                || self.account.as_ref().is_some_and(|a| a.first() == start);
            let certain_at = first.arrival + self.patience;
            if !sure && now < certain_at {
                // Its first packet may be the one that is missing: it may still come.
                return Pop::WaitUntil(certain_at);
            }
            let usable = self.depacketizer.is_start(first) && (sure || self.depacketizer.is_key(first));
            match self.extent(start) {
                Extent::Whole(range) if usable => {
                    self.seeking = false;
                    if let Some(arrived) = self.assemble(range) {
                        return Pop::Frame(arrived);
                    }
                    self.seeking = true;
                }
                Extent::Gap(noticed) if usable && now < noticed + self.patience => {
                    return Pop::WaitUntil(noticed + self.patience);
                }
                Extent::Growing if usable => return Pop::Empty,
                Extent::Whole(_) | Extent::Gap(_) | Extent::Growing => self.drop_frame(timestamp),
            }
        }
    }

    /// Returns how far the frame that begins at `start` is there.
    fn extent(&self, start: Index) -> Extent {
        let mut expected = start;
        let mut timestamp = None;
        for (&index, packet) in self.packets.range(start..) {
            if index != expected {
                let noticed = self.packets.range(expected..).map(|(_, packet)| packet.arrival).min();
                return Extent::Gap(noticed.unwrap_or(packet.arrival));
            }
            if timestamp.is_some_and(|timestamp| timestamp != packet.timestamp) {
                return Extent::Whole(start..=index - 1);
            }
            if packet.marker {
                return Extent::Whole(start..=index);
            }
            timestamp = Some(packet.timestamp);
            expected = index + 1;
        }
        Extent::Growing
    }

    /// Takes a whole frame out. `None`, and seeking, if a packet is malformed; `None` alone if there
    /// was nothing in them.
    fn assemble(&mut self, range: RangeInclusive<Index>) -> Option<Arrived> {
        let end = *range.end();
        let packets: Vec<RtpPacket> = range.filter_map(|index| self.packets.remove(&index)).collect();
        (self.floor, self.frame_start) = (end + 1, Some(end + 1));
        self.left = packets.first().map(|packet| packet.timestamp);
        let mut payload = BytesMut::with_capacity(packets.iter().map(|packet| packet.payload.len() + 4).sum());
        for packet in &packets {
            if let Err(error) = self.depacketizer.append(packet, &mut payload) {
                tracing::debug!(%error, "a frame is lost");
                self.seeking = true;
                self.discard(packets.len());
                return None;
            }
        }
        let key_frame = packets.iter().any(|packet| self.depacketizer.is_key(packet));
        let layer = self.layer(&packets);
        let damaged = self.enter(layer, key_frame);
        if damaged && layer.depth > 0 {
            return self.leave_out(packets.len());
        }
        self.arrived(&packets, payload, key_frame, damaged)
    }

    fn arrived(&mut self, packets: &[RtpPacket], payload: BytesMut, key_frame: bool, damaged: bool) -> Option<Arrived> {
        if payload.is_empty() {
            return None;
        }
        let frame = EncodedFrame {
            media_time: self.media_time(packets.first()?.timestamp)?,
            key_frame,
            duration: Duration::ZERO,
            payload: payload.freeze(),
        };
        let arrivals = || packets.iter().map(|packet| packet.arrival);
        let completed_at = arrivals().chain(self.completed_at).max()?;
        self.completed_at = Some(completed_at);
        let (first_arrival, carried_at) = (arrivals().min()?, self.carried_at(packets));
        Some(Arrived { frame, damaged, first_arrival, completed_at, carried_at })
    }

    /// Returns when the last of the packets came that was not overtaken by one after it.
    fn carried_at(&self, packets: &[RtpPacket]) -> Option<Instant> {
        let mut after = self.packets.values().map(|packet| packet.arrival).min();
        let mut last = None;
        for arrival in packets.iter().rev().map(|packet| packet.arrival) {
            if after.is_none_or(|after| arrival <= after) {
                last = last.max(Some(arrival));
                after = Some(arrival);
            }
        }
        last
    }

    /// Packets without a payload probe the line; they come between frames with an old time stamp.
    /// Others may belong to a frame that left without them.
    fn skip_useless(&mut self) {
        let late = |packet: &RtpPacket| Some(packet.timestamp) == self.given_up;
        while self.packets.get(&self.floor).is_some_and(|packet| packet.payload.is_empty() || late(packet)) {
            self.packets.remove(&self.floor);
            self.floor += 1;
        }
    }

    /// Returns the place and time stamp of the first packet of the frame that `index` belongs to,
    /// as far as it came.
    fn start_of_frame(&mut self, index: Index) -> (Index, RtpTime) {
        let timestamp = self.packets[&index].timestamp;
        let mut start = index;
        while let Some(before) = self.packets.get(&(start - 1)) {
            if before.timestamp != timestamp {
                self.frame_start = Some(start);
                break;
            }
            start -= 1;
        }
        (start, timestamp)
    }

    fn drop_before(&mut self, start: Index) {
        let kept = self.packets.split_off(&start);
        let dropped = std::mem::replace(&mut self.packets, kept);
        if let Some((&last, packet)) = dropped.last_key_value() {
            self.floor = self.floor.max(last + 1);
            if packet.marker {
                self.frame_start = Some(last + 1);
            }
        }
        self.discard(dropped.len());
    }

    /// Gives up a frame and everything before it.
    fn drop_frame(&mut self, timestamp: RtpTime) {
        let end = self.packets.iter().take_while(|(_, packet)| packet.timestamp == timestamp).last();
        let next = end.map_or(self.floor, |(&last, _)| last + 1);
        self.drop_before(next);
        if self.packets.contains_key(&next) {
            self.frame_start = Some(next);
        }
    }

    /// The newest frame may turn out to be a key frame whose first packet is late.
    fn drop_all_but_the_newest_frame(&mut self) {
        let Some((_, newest)) = self.packets.last_key_value() else { return };
        let timestamp = newest.timestamp;
        let before = self.packets.iter().rev().find(|(_, packet)| packet.timestamp != timestamp);
        if let Some((&last, _)) = before {
            self.drop_before(last + 1);
            if self.packets.contains_key(&(last + 1)) {
                self.frame_start = Some(last + 1);
            }
        }
    }

    fn overflow(&mut self) {
        let current = self.packets.values().next().map(|packet| packet.timestamp);
        let key = self
            .packets
            .iter()
            .find(|(_, packet)| Some(packet.timestamp) != current && self.depacketizer.is_key(packet))
            .map(|(&index, _)| index);
        let start = match key {
            Some(key) => self.start_of_frame(key).0,
            None => self.packets.last_key_value().map_or(self.floor, |(&last, _)| last + 1),
        };
        self.drop_before(start);
        self.seeking = true;
    }

    fn discard(&mut self, packets: usize) {
        if let Some(account) = &mut self.account {
            account.discard(packets);
        }
    }

    /// Goes on with another codec, from the next key frame on; figures and line of time stay.
    pub fn change_codec(&mut self, depacketizer: Box<dyn Depacketizer>) {
        self.depacketizer = depacketizer;
        self.discard(self.packets.len());
        self.packets.clear();
        // What still comes of before is of no use.
        (self.floor, self.frame_start) =
            (self.account.as_ref().map_or(Index::MIN, |account| account.highest() + 1), None);
        (self.seeking, self.damage) = (true, Damage::default());
    }

    /// Whether a later packet than that with this number has come.
    pub fn is_behind(&self, seq: SeqNo) -> bool {
        self.account.as_ref().is_some_and(|account| account.is_behind(seq))
    }

    fn reset(&mut self) {
        self.account = None;
        self.packets.clear();
        (self.floor, self.frame_start) = (Index::MIN, None);
        self.given_up = None;
        (self.seeking, self.damage, self.left, self.completed_at) = (true, Damage::default(), None, None);
    }
}

impl fmt::Debug for VideoBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoBuffer")
            .field("packets", &self.packets.len())
            .field("seeking", &self.seeking)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
