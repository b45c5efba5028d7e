//! Asks for packets that are missing (generic NACK, RFC 4585, 6.2.1).
//!
//! In place of the library's own, which looks every 100 ms and asks each time: here a gap is asked
//! about as soon as it can neither be mere reordering nor be repaired by what follows the frame, again only when
//! a round trip has passed, and no more when the answer would come too late.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rtc::{
    interceptor::{AttributedPacket, Packet, StreamInfo, TaggedPacket},
    rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers},
    shared::TransportContext,
};

use super::{
    fec::last_protected,
    stage::{Passing, Stage},
};
use crate::media::SeqNo;

/// A packet that is so late may only have been overtaken.
const REORDERING: Duration = Duration::from_millis(5);

/// The repair packets of a frame follow within this; the last of them ends the wait.
const REPAIR: Duration = Duration::from_millis(15);

/// After a repair packet more of them are counted on for so long.
const PROTECTED: Duration = Duration::from_millis(500);

/// **The most packets of a stream that are asked for; when more are missing all are forgotten**:
/// after an outage like that only a key frame helps.
const CAPACITY: usize = 400;

/// The newest round trip, known to the tap and used here.
#[derive(Clone, Debug)]
pub(super) struct RoundTrip(Arc<AtomicU64>);

impl RoundTrip {
    /// Returns what is assumed until the first receiver report: a call across a continent.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(100_000)))
    }

    pub(super) fn set(&self, round_trip: Duration) {
        self.0.store(round_trip.as_micros() as u64, Ordering::Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// What is missing of one stream.
#[derive(Debug, Default)]
struct Gaps {
    /// The newest number, counted without wrap.
    highest: Option<i64>,
    missing: BTreeMap<i64, Gap>,
    /// When a repair packet came last.
    protected_at: Option<Instant>,
    /// How many packets were asked for, each time counted.
    asked: u64,
}

#[derive(Debug)]
struct Gap {
    noticed: Instant,
    ask_at: Instant,
    asked: bool,
}

/// How long a missing packet is of use: as long as pictures wait for it, then a key frame is under way.
fn patience(round_trip: Duration) -> Duration {
    (round_trip * 5 + Duration::from_millis(100)).min(Duration::from_secs(1))
}

impl Gaps {
    fn received(&mut self, seq: SeqNo, now: Instant) {
        let Some(highest) = self.highest else {
            // Far from zero, so that packets from before the first one stay positive.
            self.highest = Some((1 << 32) + i64::from(seq.0));
            return;
        };
        let index = highest + i64::from(seq.distance(SeqNo(highest as u16)));
        if index <= highest {
            self.missing.remove(&index);
            return;
        }
        self.notice(highest + 1..index, now);
        self.highest = Some(index);
    }

    fn notice(&mut self, indices: Range<i64>, now: Instant) {
        if indices.end - indices.start >= CAPACITY as i64 || self.missing.len() > CAPACITY {
            self.missing.clear();
            return;
        }
        let protected = self.protected_at.is_some_and(|at| now.saturating_duration_since(at) < PROTECTED);
        let ask_at = now + if protected { REPAIR } else { REORDERING };
        self.missing.extend(indices.map(|index| (index, Gap { noticed: now, ask_at, asked: false })));
    }

    /// Takes note of a repair packet for packets up to `last`, behind those that it repaired. When it is the last
    /// one for them (`complete`), nothing but a retransmission is left.
    fn protected(&mut self, last: SeqNo, complete: bool, now: Instant) {
        self.protected_at = Some(now);
        let Some(highest) = self.highest else {
            return;
        };
        let index = highest + i64::from(last.distance(SeqNo(highest as u16)));
        if index > highest {
            self.notice(highest + 1..index + 1, now);
            self.highest = Some(index);
        }
        if complete {
            for gap in self.missing.range_mut(..=index).map(|(_, gap)| gap).filter(|gap| !gap.asked) {
                gap.ask_at = gap.ask_at.min(now.max(gap.noticed + REORDERING));
            }
        }
    }

    /// Returns the numbers that are to be asked for now.
    fn due(&mut self, now: Instant, round_trip: Duration) -> Vec<u16> {
        let useful = patience(round_trip).saturating_sub(round_trip);
        self.missing.retain(|_, gap| now.saturating_duration_since(gap.noticed) < useful);
        let again = (round_trip * 9 / 8).max(Duration::from_millis(20)) + REORDERING;
        let mut due = Vec::new();
        for (index, gap) in &mut self.missing {
            if gap.ask_at <= now {
                (gap.ask_at, gap.asked) = (now + again, true);
                due.push(*index as u16);
            }
        }
        self.asked += due.len() as u64;
        due
    }

    fn next(&self) -> Option<Instant> {
        self.missing.values().map(|gap| gap.ask_at).min()
    }
}

impl Drop for Gaps {
    fn drop(&mut self) {
        tracing::debug!(packets = self.asked, "asked for again, in all");
    }
}

/// The interceptor that asks. Repair packets end here.
pub(super) struct Nack {
    round_trip: RoundTrip,
    streams: HashMap<u32, Gaps>,
    /// The streams of repair packets, and which stream each repairs.
    repairs: HashMap<u32, u32>,
}

impl Nack {
    pub(super) fn new(round_trip: RoundTrip) -> Self {
        Self { round_trip, streams: HashMap::new(), repairs: HashMap::new() }
    }
}

impl Stage for Nack {
    fn read(&mut self, packet: TaggedPacket, on: &mut Passing) {
        if let Packet::Rtp(rtp) = &packet.message.packet {
            let header = &rtp.header;
            if let Some(gaps) = self.streams.get_mut(&header.ssrc) {
                gaps.received(SeqNo(header.sequence_number), packet.now);
            } else if let Some(media) = self.repairs.get(&header.ssrc) {
                if let (Some(gaps), Some(last)) = (self.streams.get_mut(media), last_protected(&rtp.payload)) {
                    gaps.protected(SeqNo(last), header.marker, packet.now);
                }
                return;
            }
        }
        on.inward(packet);
    }

    fn wake(&mut self, now: Instant, on: &mut Passing) {
        let round_trip = self.round_trip.get();
        for (ssrc, gaps) in &mut self.streams {
            let due = gaps.due(now, round_trip);
            if due.is_empty() {
                continue;
            }
            tracing::trace!(packets = ?due, "asked for again");
            let nacks = nack_pairs_from_sequence_numbers(&due);
            let nack = TransportLayerNack { sender_ssrc: 0, media_ssrc: *ssrc, nacks };
            on.outward(TaggedPacket {
                now,
                transport: TransportContext::default(),
                message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(nack)])),
            });
        }
    }

    fn wakes_at(&self) -> Option<Instant> {
        self.streams.values().filter_map(Gaps::next).min()
    }

    fn remote_stream(&mut self, info: &StreamInfo) {
        let agreed = info.rtcp_feedback.iter().any(|feedback| feedback.typ == "nack" && feedback.parameter.is_empty());
        if let Some(repair) = info.ssrc_fec {
            self.repairs.insert(repair, info.ssrc);
        }
        if agreed && !self.repairs.contains_key(&info.ssrc) {
            self.streams.insert(info.ssrc, Gaps::default());
        }
    }

    fn remote_stream_ended(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
        self.repairs.retain(|_, media| *media != info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    /// When (ms) a number comes, or what is asked for then.
    enum Step {
        Comes(u64, u16),
        /// A repair packet for all up to a number, and whether it is the last of them.
        Protects(u64, u16, bool),
        Asks(u64, &'static [u16]),
    }
    use Step::{Asks, Comes, Protects};

    fn run(steps: &[Step]) {
        let start = now();
        let mut gaps = Gaps::default();
        for step in steps {
            match step {
                Comes(at, seq) => gaps.received(SeqNo(*seq), start + Duration::from_millis(*at)),
                Protects(at, last, complete) => {
                    gaps.protected(SeqNo(*last), *complete, start + Duration::from_millis(*at));
                }
                Asks(at, expected) => {
                    let due = gaps.due(start + Duration::from_millis(*at), Duration::from_millis(100));
                    assert_eq!(due, *expected, "at {at} ms");
                }
            }
        }
    }

    #[test]
    fn a_gap_is_asked_about_once_a_round_trip() {
        run(&[
            Comes(0, 10),
            Comes(0, 13),
            Asks(4, &[]),
            Asks(5, &[11, 12]),
            Asks(100, &[]),
            Comes(120, 11),
            Asks(123, &[12]),
            Asks(124, &[]),
            Asks(1000, &[]),
        ]);
    }

    #[test]
    fn what_would_come_too_late_is_not_asked_for() {
        // Pictures wait for 600 ms, the answer takes 100.
        run(&[
            Comes(0, 1),
            Comes(0, 3),
            Asks(499, &[2]),
            Comes(500, 5),
            Asks(510, &[4]),
            Asks(999, &[4]),
            Asks(1000, &[]),
        ]);
    }

    #[test]
    fn repair_packets_are_waited_for() {
        run(&[
            Comes(0, 1),
            Protects(0, 1, true),
            // Nothing more comes of this frame.
            Comes(30, 3),
            Asks(36, &[]),
            Asks(44, &[]),
            Asks(45, &[2]),
            // One is repaired, and the rest is not going to be.
            Comes(60, 6),
            Protects(62, 6, false),
            Asks(66, &[]),
            Comes(67, 4),
            Protects(67, 6, true),
            Asks(67, &[5]),
            // The end of a frame is lost, which only its repair packets tell.
            Comes(90, 7),
            Protects(92, 9, true),
            Asks(96, &[]),
            Asks(97, &[8, 9]),
            // It is over.
            Comes(700, 11),
            Asks(705, &[10]),
        ]);
    }

    #[test]
    fn what_was_only_overtaken_is_not_asked_for() {
        run(&[Comes(0, 1), Comes(0, 3), Comes(2, 2), Asks(10, &[])]);
    }

    #[test]
    fn numbers_wrap() {
        run(&[
            Comes(0, 65_534),
            Comes(0, 1),
            Asks(5, &[65_535, 0]),
            Comes(6, 65_533),
            Comes(6, 65_535),
            Asks(200, &[0]),
        ]);
    }

    #[test]
    fn an_outage_is_not_asked_about() {
        run(&[Comes(0, 0), Comes(0, 2), Comes(0, 2000), Asks(10, &[]), Comes(10, 2002), Asks(20, &[2001])]);
    }
}
