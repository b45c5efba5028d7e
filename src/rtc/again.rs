//! Sends a retransmission twice where the line loses much: to ask once more would cost another round trip.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use rtc::interceptor::{Attribute, Packet, StreamInfo, TaggedPacket};
use tokio::sync::watch;

use super::{
    fec::transport_cc,
    stage::{Passing, Stage},
};
use crate::congestion::Line;

/// From this loss on ...
const LOSS: f64 = 0.03;

/// ... and this round trip on it is worth it.
const ROUND_TRIP: Duration = Duration::from_millis(60);

/// The copy comes after a burst of losses that may take the first one.
const LATER: Duration = Duration::from_millis(10);

/// **The most copies that wait; when there are more they are left out.**
const CAPACITY: usize = 64;

/// The interceptor that sends copies. It belongs below whoever numbers packets for the transport: the other side drops
/// the second of two as a replay (RFC 3711, 3.3.2) before anybody there sees its number, and would report it lost.
pub(super) struct Again {
    line: watch::Receiver<Line>,
    /// The numbering header extension of each stream.
    numbered: HashMap<u32, Option<u8>>,
    copies: VecDeque<TaggedPacket>,
}

impl Again {
    pub(super) fn new(line: watch::Receiver<Line>) -> Self {
        Self { line, numbered: HashMap::new(), copies: VecDeque::new() }
    }

    fn copy(&self, packet: &TaggedPacket) -> Option<TaggedPacket> {
        let line = *self.line.borrow();
        let far = line.round_trip.is_none_or(|round_trip| round_trip >= ROUND_TRIP);
        if line.loss < LOSS || !far || self.copies.len() >= CAPACITY {
            return None;
        }
        let mut message = packet.message.clone();
        let Packet::Rtp(rtp) = &mut message.packet else { return None };
        if let Some(id) = self.numbered.get(&rtp.header.ssrc)? {
            // Not there is as good.
            let _ = rtp.header.del_extension(*id);
            rtp.header.extension = !rtp.header.extensions.is_empty();
        }
        Some(TaggedPacket { now: packet.now + LATER, transport: packet.transport, message })
    }
}

impl Stage for Again {
    fn write(&mut self, packet: TaggedPacket, on: &mut Passing) {
        if packet.message.has(&Attribute::Retransmission) {
            self.copies.extend(self.copy(&packet));
        }
        on.outward(packet);
    }

    fn wake(&mut self, now: Instant, on: &mut Passing) {
        while self.wakes_at().is_some_and(|at| at <= now)
            && let Some(copy) = self.copies.pop_front()
        {
            on.outward(copy);
        }
    }

    fn wakes_at(&self) -> Option<Instant> {
        self.copies.front().map(|copy| copy.now)
    }

    fn local_stream(&mut self, info: &StreamInfo) {
        self.numbered.insert(info.ssrc, transport_cc(info));
    }

    fn local_stream_ended(&mut self, info: &StreamInfo) {
        self.numbered.remove(&info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use rtc::{
        interceptor::Interceptor,
        interceptor::{AttributedPacket, RTPHeaderExtension},
        rtp,
        sansio::Protocol,
        sdp::extmap,
        shared::TransportContext,
    };

    use super::*;
    use crate::media::{Bitrate, now};
    use crate::rtc::stage::Staged;

    fn packet(at: Instant, retransmission: bool) -> TaggedPacket {
        let mut header = rtp::header::Header { version: 2, ssrc: 3, sequence_number: 7, ..Default::default() };
        header.set_extension(1, vec![1, 2].into()).expect("a small extension");
        let mut message = AttributedPacket::new(Packet::Rtp(rtp::Packet { header, payload: vec![9; 10].into() }));
        if retransmission {
            message.add(Attribute::Retransmission);
        }
        TaggedPacket { now: at, transport: TransportContext::default(), message }
    }

    #[test]
    fn retransmissions_go_twice_where_much_is_lost() {
        // Loss, round trip in ms, whether it is a retransmission, copies.
        for (loss, round_trip, retransmission, copies) in
            [(0.05, 100, true, 1), (0.05, 100, false, 0), (0.02, 100, true, 0), (0.05, 30, true, 0)]
        {
            let round_trip = Some(Duration::from_millis(round_trip));
            let line = Line { loss, round_trip, ..Line::with_rate(Bitrate::from_kbps(1_000)) };
            let (_keep, watch) = watch::channel(line);
            let mut again = Staged::new(Again::new(watch));
            let uri = extmap::TRANSPORT_CC_URI.into();
            let rtp_header_extensions = vec![RTPHeaderExtension { uri, id: 1 }];
            again.bind_local_stream(&StreamInfo { ssrc: 3, rtp_header_extensions, ..Default::default() });
            let start = now();
            again.handle_write(packet(start, retransmission)).expect("taken");
            assert_eq!(std::iter::from_fn(|| again.poll_write()).count(), 1);
            assert_eq!(again.poll_timeout(), (copies > 0).then(|| start + LATER), "{loss} {round_trip:?}");
            again.handle_timeout(start + LATER).expect("released");
            let sent: Vec<TaggedPacket> = std::iter::from_fn(|| again.poll_write()).collect();
            assert_eq!(sent.len(), copies, "{loss} {round_trip:?}");
            for copy in sent {
                let Packet::Rtp(rtp) = copy.message.packet else { unreachable!("only RTP was put in") };
                assert_eq!((rtp.header.sequence_number, rtp.payload.len()), (7, 10));
                assert!(rtp.header.get_extension(1).is_none(), "it has no number that could be missed");
            }
        }
    }
}
