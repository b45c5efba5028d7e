//! What was received of one stream: places in the sequence, losses, jitter, and its line of time
//! (RFC 3550, 6.4.1, A.1, A.3 and A.8).

use std::time::{Duration, Instant};

use crate::media::{MediaTime, RtpPacket, RtpTime, SeqNo};

/// Figures of one received stream, counted from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reception {
    /// Packets received, each counted once.
    pub received: u64,
    /// Packets that have not come: those between the first and the newest that are not there.
    pub lost: u64,
    /// Packets thrown away: too late, or not needed.
    pub discarded: u64,
    /// Packets that came twice; thrown away, too.
    pub duplicated: u64,
    /// Packets that closed a gap in time: reordered or sent again.
    pub recovered: u64,
    /// Variation of arrival in seconds (RFC 3550, 6.4.1).
    pub jitter: f64,
}

/// A packet's place in the sequence, counted without wrap.
pub(super) type Index = i64;

/// How many packets behind the newest one are remembered as received.
const MEMORY: i64 = 2048;

/// How far in front of the epoch the stream's line of time begins: packets that were sent before
/// the first one to arrive, and sender reports about them, must not fall off its end.
const LEAD: Duration = Duration::from_secs(3600);

/// Keeps the account of one stream.
#[derive(Clone, Debug)]
pub(super) struct Account {
    clock_rate_hz: u32,
    ssrc: u32,
    first: Index,
    highest: Index,
    highest_seq: SeqNo,
    /// One bit for each of the last [`MEMORY`] packets.
    seen: [u64; MEMORY as usize / 64],
    /// The number that would confirm that the sender began anew far behind (RFC 3550, A.1).
    restart: Option<SeqNo>,
    timeline: Timeline,
    newest: (RtpTime, Instant),
    counts: Reception,
}

/// What a packet is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its place, seen for the first time.
    New(Index),
    /// It was received before, or is so old that this cannot be told.
    Old,
    /// It belongs to another stream: the account has to begin anew with it.
    Restart,
}

impl Account {
    /// Opens the account with the stream's first packet, which still has to be entered.
    pub(super) fn new(packet: &RtpPacket, clock_rate_hz: u32) -> Self {
        // Far from zero, so that reordered packets before the first have a place, too.
        let first = 1 << 20;
        Self {
            clock_rate_hz,
            ssrc: packet.ssrc,
            first,
            highest: first - 1,
            highest_seq: SeqNo(packet.seq.0.wrapping_sub(1)),
            seen: [0; MEMORY as usize / 64],
            restart: None,
            timeline: Timeline::new(packet.timestamp, clock_rate_hz),
            newest: (packet.timestamp, packet.arrival),
            counts: Reception::default(),
        }
    }

    /// Enters a packet and returns its place.
    pub(super) fn enter(&mut self, packet: &RtpPacket) -> Place {
        if packet.ssrc != self.ssrc {
            return Place::Restart;
        }
        let distance = i64::from(packet.seq.distance(self.highest_seq));
        if distance <= -MEMORY {
            let confirmed = self.restart == Some(packet.seq);
            self.restart = Some(packet.seq.next());
            self.counts.discarded += u64::from(!confirmed);
            return if confirmed { Place::Restart } else { Place::Old };
        }
        self.restart = None;
        let index = self.highest + distance;
        if distance > 0 {
            (self.highest + 1..=index).take(MEMORY as usize).for_each(|index| self.mark(index, false));
            (self.highest, self.highest_seq) = (index, packet.seq);
            self.measure_jitter(packet);
        } else if self.is_marked(index) {
            self.counts.duplicated += 1;
            return Place::Old;
        }
        self.mark(index, true);
        self.first = self.first.min(index);
        self.counts.received += 1;
        Place::New(index)
    }

    /// Counts packets that were thrown away.
    pub(super) fn discard(&mut self, packets: usize) {
        self.counts.discarded += packets as u64;
    }

    /// Counts a packet that closed a gap.
    pub(super) fn recover(&mut self) {
        self.counts.recovered += 1;
    }

    /// Returns the newest place.
    pub(super) fn highest(&self) -> Index {
        self.highest
    }

    /// Whether a packet with this number comes before the newest one.
    pub(super) fn is_behind(&self, seq: SeqNo) -> bool {
        seq.distance(self.highest_seq) < 0
    }

    /// Returns the oldest place.
    pub(super) fn first(&self) -> Index {
        self.first
    }

    /// Returns the moment of an RTP time stamp on the stream's line of time.
    pub(super) fn media_time(&self, timestamp: RtpTime) -> MediaTime {
        self.timeline.media_time(timestamp)
    }

    /// Returns the figures.
    pub(super) fn counts(&self) -> Reception {
        let expected = (self.highest - self.first + 1).max(0) as u64;
        Reception { lost: expected.saturating_sub(self.counts.received), ..self.counts }
    }

    /// RFC 3550, 6.4.1, over packets in order alone: one that was sent again says nothing about the line.
    fn measure_jitter(&mut self, packet: &RtpPacket) {
        self.timeline.advance(packet.timestamp);
        let (timestamp, arrival) = std::mem::replace(&mut self.newest, (packet.timestamp, packet.arrival));
        if self.counts.received == 0 {
            return;
        }
        let sent = f64::from(packet.timestamp.distance(timestamp)) / f64::from(self.clock_rate_hz);
        let came = signed_seconds(arrival, packet.arrival);
        self.counts.jitter += ((came - sent).abs() - self.counts.jitter) / 16.0;
    }

    fn mark(&mut self, index: Index, seen: bool) {
        let slot = index.rem_euclid(MEMORY) as usize;
        let bit = 1 << (slot % 64);
        if seen {
            self.seen[slot / 64] |= bit;
        } else {
            self.seen[slot / 64] &= !bit;
        }
    }

    fn is_marked(&self, index: Index) -> bool {
        let slot = index.rem_euclid(MEMORY) as usize;
        self.seen[slot / 64] & (1 << (slot % 64)) != 0
    }
}

fn signed_seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() - from.saturating_duration_since(to).as_secs_f64()
}

/// RTP time stamps without their wrap.
#[derive(Clone, Copy, Debug)]
struct Timeline {
    clock_rate_hz: u32,
    newest: RtpTime,
    ticks: i64,
}

impl Timeline {
    fn new(first: RtpTime, clock_rate_hz: u32) -> Self {
        Self { clock_rate_hz, newest: first, ticks: MediaTime::new(LEAD).ticks(clock_rate_hz) as i64 }
    }

    fn advance(&mut self, timestamp: RtpTime) {
        let distance = timestamp.distance(self.newest);
        if distance > 0 {
            (self.newest, self.ticks) = (timestamp, self.ticks + i64::from(distance));
        }
    }

    fn media_time(&self, timestamp: RtpTime) -> MediaTime {
        let ticks = self.ticks + i64::from(timestamp.distance(self.newest));
        MediaTime::from_ticks(ticks.max(0) as u64, self.clock_rate_hz)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::media::now;

    fn packet(ssrc: u32, seq: u16, timestamp: u32, arrival: Instant) -> RtpPacket {
        RtpPacket {
            ssrc,
            payload_type: 96,
            seq: SeqNo(seq),
            timestamp: RtpTime(timestamp),
            marker: false,
            rotation: None,
            payload: Bytes::from_static(b"x"),
            arrival,
        }
    }

    #[test]
    fn losses_duplicates_and_order_are_told_across_the_wrap() {
        let start = now();
        for (seqs, received, lost, duplicated) in [
            (&[1_u16, 2, 3][..], 3, 0, 0),
            (&[1, 3], 2, 1, 0),
            (&[1, 3, 2], 3, 0, 0),
            (&[1, 3, 3, 1], 2, 1, 2),
            (&[65_534, 65_535, 1, 0, 65_535], 4, 0, 1),
            (&[5, 3, 4], 3, 0, 0),
            (&[10, 5_010], 2, 4_999, 0),
        ] {
            let mut account = Account::new(&packet(7, seqs[0], 0, start), 90_000);
            for seq in seqs {
                account.enter(&packet(7, *seq, 0, start));
            }
            let counts = account.counts();
            assert_eq!((counts.received, counts.lost, counts.duplicated), (received, lost, duplicated), "{seqs:?}");
        }
    }

    #[test]
    fn another_stream_and_a_confirmed_jump_back_restart() {
        let start = now();
        let mut account = Account::new(&packet(7, 20_000, 0, start), 90_000);
        assert_eq!(account.enter(&packet(7, 20_000, 0, start)), Place::New(1 << 20));
        assert_eq!(account.enter(&packet(7, 100, 0, start)), Place::Old);
        assert_eq!(account.enter(&packet(7, 20_001, 0, start)), Place::New((1 << 20) + 1));
        assert_eq!(account.enter(&packet(7, 100, 0, start)), Place::Old);
        assert_eq!(account.enter(&packet(7, 101, 0, start)), Place::Restart);
        assert_eq!(account.enter(&packet(8, 20_002, 0, start)), Place::Restart);
    }

    #[test]
    fn media_time_survives_the_wrap_and_reaches_before_the_first() {
        let start = now();
        let first = u32::MAX - 1_000;
        let mut account = Account::new(&packet(7, 0, first, start), 90_000);
        for (seq, timestamp) in [(0, first), (1, first.wrapping_add(90_000)), (2, first.wrapping_add(180_000))] {
            account.enter(&packet(7, seq, timestamp, start));
        }
        for (ticks, seconds) in [(0_i32, 0), (90_000, 1), (180_000, 2), (-90_000, -1), (270_000, 3)] {
            let expected = LEAD.as_secs() as i64 + seconds;
            let media_time = account.media_time(RtpTime(first.wrapping_add_signed(ticks)));
            assert_eq!(media_time.since_epoch(), Duration::from_secs(expected as u64), "{ticks}");
        }
    }

    #[test]
    fn jitter_is_the_mean_deviation() {
        let start = now();
        for (late_ms, expected) in [(0_u64, 0.0), (10, 0.010)] {
            let mut account = Account::new(&packet(7, 0, 0, start), 48_000);
            for i in 0..400_u16 {
                // Every second packet is late: each step deviates by the same amount.
                let late = Duration::from_millis(if i % 2 == 1 { late_ms } else { 0 });
                let arrival = start + Duration::from_millis(20) * u32::from(i) + late;
                account.enter(&packet(7, i, u32::from(i) * 960, arrival));
            }
            assert!((account.counts().jitter - expected).abs() < 1e-4, "{}", account.counts().jitter);
        }
    }

    proptest! {
        #[test]
        fn each_packet_is_new_once(first: u16, order in prop::collection::vec(0_u16..300, 1..500)) {
            let start = now();
            let seq = |offset: u16| first.wrapping_add(offset);
            let mut account = Account::new(&packet(7, seq(order[0]), 0, start), 90_000);
            let mut places = std::collections::HashMap::new();
            for offset in &order {
                let known = places.contains_key(offset);
                match account.enter(&packet(7, seq(*offset), 0, start)) {
                    Place::New(index) => {
                        prop_assert!(!known);
                        places.insert(*offset, index);
                    }
                    place => prop_assert!(known && place == Place::Old),
                }
            }
            let base = places[&order[0]] - i64::from(order[0]);
            for (offset, index) in &places {
                prop_assert_eq!(base + i64::from(*offset), *index);
            }
            prop_assert_eq!(account.counts().received, places.len() as u64);
        }
    }
}
