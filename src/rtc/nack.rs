//! Asks for packets that are missing (generic NACK, RFC 4585, 6.2.1).
//!
//! In place of the library's own, which looks every 100 ms and asks each time: here a gap is asked
//! about as soon as it cannot be mere reordering, and again only when a round trip has passed.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rtc::{
    interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers},
    sansio::Protocol,
    shared::{TransportContext, error::Error},
};

use crate::media::SeqNo;

/// A packet that is so late may only have been overtaken.
const REORDERING: Duration = Duration::from_millis(5);

/// Packets that have not come for so long are of no use any more: a key frame is under way.
const HOPELESS: Duration = Duration::from_secs(1);

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
}

#[derive(Debug)]
struct Gap {
    noticed: Instant,
    ask_at: Instant,
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
        if index - highest > CAPACITY as i64 || self.missing.len() > CAPACITY {
            self.missing.clear();
        } else {
            let gap = || Gap { noticed: now, ask_at: now + REORDERING };
            self.missing.extend((highest + 1..index).map(|index| (index, gap())));
        }
        self.highest = Some(index);
    }

    /// Returns the numbers that are to be asked for now.
    fn due(&mut self, now: Instant, round_trip: Duration) -> Vec<u16> {
        self.missing.retain(|_, gap| now.saturating_duration_since(gap.noticed) < HOPELESS);
        let again = (round_trip * 9 / 8).max(Duration::from_millis(20)) + REORDERING;
        let mut due = Vec::new();
        for (index, gap) in &mut self.missing {
            if gap.ask_at <= now {
                gap.ask_at = now + again;
                due.push(*index as u16);
            }
        }
        due
    }

    fn next(&self) -> Option<Instant> {
        self.missing.values().map(|gap| gap.ask_at).min()
    }
}

/// The interceptor that asks.
pub(super) struct Nack {
    round_trip: RoundTrip,
    streams: HashMap<u32, Gaps>,
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

impl Nack {
    pub(super) fn new(round_trip: RoundTrip) -> Self {
        Self { round_trip, streams: HashMap::new(), inbound: VecDeque::new(), outbound: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Nack {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(rtp) = &packet.message.packet
            && let Some(gaps) = self.streams.get_mut(&rtp.header.ssrc)
        {
            gaps.received(SeqNo(rtp.header.sequence_number), packet.now);
        }
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.outbound.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        let round_trip = self.round_trip.get();
        for (ssrc, gaps) in &mut self.streams {
            let due = gaps.due(now, round_trip);
            if due.is_empty() {
                continue;
            }
            tracing::trace!(packets = ?due, "asked for again");
            let nacks = nack_pairs_from_sequence_numbers(&due);
            let nack = TransportLayerNack { sender_ssrc: 0, media_ssrc: *ssrc, nacks };
            self.outbound.push_back(TaggedPacket {
                now,
                transport: TransportContext::default(),
                message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(nack)])),
            });
        }
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.streams.values().filter_map(Gaps::next).min()
    }
}

impl Interceptor for Nack {
    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        let agreed = info.rtcp_feedback.iter().any(|feedback| feedback.typ == "nack" && feedback.parameter.is_empty());
        if agreed {
            self.streams.insert(info.ssrc, Gaps::default());
        }
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }

    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    /// When (ms) a number comes, or what is asked for then.
    enum Step {
        Comes(u64, u16),
        Asks(u64, &'static [u16]),
    }
    use Step::{Asks, Comes};

    fn run(steps: &[Step]) {
        let start = now();
        let mut gaps = Gaps::default();
        for step in steps {
            match step {
                Comes(at, seq) => gaps.received(SeqNo(*seq), start + Duration::from_millis(*at)),
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
