//! The pacer: pictures leave at a steady rate, sound does not wait for them.
//!
//! In place of the library's own, which is one queue for both media and releases at exactly the
//! estimate: a key frame then holds back the sound behind it.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use rtc::{
    interceptor::{Packet, StreamInfo, TaggedPacket},
    shared::marshal::MarshalSize,
};
use tokio::sync::watch;

use super::{
    padding::Padding,
    stage::{Passing, Stage},
};
use crate::{
    congestion::{Line, Pace},
    media::SeqNo,
};

/// **Capacity of the queue, in packets; when full the newest is dropped**: that is a loss the other
/// side repairs or asks a key frame for. At 1,200 bytes a packet it holds two seconds at 20 Mbit/s.
const CAPACITY: usize = 4096;

pub(super) struct Pacer {
    estimate: watch::Receiver<Line>,
    padding: Padding,
    pace: Pace,
    /// The streams that are paced.
    video: HashMap<u32, Stream>,
    /// How many floods have been seen to.
    floods: u32,
    /// Packets that are sent again: the other side waits for them.
    again: VecDeque<TaggedPacket>,
    waiting: VecDeque<TaggedPacket>,
}

impl Pacer {
    pub(super) fn new(estimate: watch::Receiver<Line>, padding: Padding) -> Self {
        Self {
            estimate,
            padding,
            pace: Pace::default(),
            video: HashMap::new(),
            floods: 0,
            again: VecDeque::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Returns what is known of the line. If it was flooded meanwhile, what waits is dropped: it is of no use
    /// without what is lost, and a key frame follows.
    fn line(&mut self) -> Line {
        let line = *self.estimate.borrow();
        if line.flooded || line.floods != self.floods {
            self.again.clear();
            self.waiting.clear();
            for stream in self.video.values_mut() {
                stream.flooded = stream.newest;
            }
        }
        self.floods = line.floods;
        line
    }

    /// Moves what may leave by `now` from the queue to the line.
    fn release(&mut self, now: Instant, on: &mut Passing) {
        let line = self.line();
        while self.pace.is_free(now)
            && let Some(mut packet) = self.again.pop_front().or_else(|| self.waiting.pop_front())
        {
            let bytes = match &packet.message.packet {
                Packet::Rtp(rtp) => rtp.marshal_size(),
                _ => 0,
            };
            self.pace.spend(now, bytes, &line);
            // It departs now: whoever records departures must not see the queueing as delay.
            packet.now = now;
            on.outward(packet);
        }
    }

    /// Whether the packet belongs to a picture, and what it is to the line.
    fn paced(&mut self, packet: &Packet) -> Option<Sending> {
        let Packet::Rtp(rtp) = packet else { return None };
        self.line();
        let stream = self.video.get_mut(&rtp.header.ssrc)?;
        let number = SeqNo(rtp.header.sequence_number);
        let is_beyond = |other: Option<SeqNo>| other.is_none_or(|other| number.distance(other) > 0);
        let new = is_beyond(stream.newest);
        if new {
            stream.newest = Some(number);
        }
        Some(match (new, is_beyond(stream.flooded)) {
            (true, _) => Sending::New,
            (false, true) => Sending::Again,
            (false, false) => Sending::Useless,
        })
    }
}

/// What a packet of a picture is to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    New,
    Again,
    /// Again, from before a flood: a key frame comes in its place.
    Useless,
}

/// A stream that is paced.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// The newest sequence number, and the newest of the last flood.
    newest: Option<SeqNo>,
    flooded: Option<SeqNo>,
}

impl Stage for Pacer {
    fn write(&mut self, mut packet: TaggedPacket, on: &mut Passing) {
        let Some(sending) = self.paced(&packet.message.packet) else {
            on.outward(packet);
            return;
        };
        if sending != Sending::Useless && self.waiting.len() + self.again.len() < CAPACITY {
            let again = sending == Sending::Again;
            let now = packet.now;
            if let Packet::Rtp(rtp) = &mut packet.message.packet
                && !again
            {
                self.padding.weigh(rtp);
            }
            if again { &mut self.again } else { &mut self.waiting }.push_back(packet);
            self.release(now, on);
        }
    }

    fn wake(&mut self, now: Instant, on: &mut Passing) {
        self.release(now, on);
    }

    fn wakes_at(&self) -> Option<Instant> {
        // A packet that is ready to leave needs no timer: it goes with this very walk.
        if self.waiting.is_empty() && self.again.is_empty() { None } else { self.pace.next() }
    }

    fn local_stream(&mut self, info: &StreamInfo) {
        if info.mime_type.to_ascii_lowercase().starts_with("video/") {
            self.video.insert(info.ssrc, Stream::default());
            self.video.extend(info.ssrc_fec.map(|ssrc| (ssrc, Stream::default())));
        }
    }

    fn local_stream_ended(&mut self, info: &StreamInfo) {
        self.video.remove(&info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rtc::{interceptor::AttributedPacket, rtp, sansio::Protocol, shared::TransportContext};

    use super::*;
    use crate::media::{Bitrate, now};
    use crate::rtc::stage::Staged;

    fn packet(ssrc: u32, number: u16, at: Instant) -> TaggedPacket {
        let header = rtp::header::Header { ssrc, sequence_number: number, ..Default::default() };
        let rtp = rtp::Packet { header, payload: vec![0; 1188].into() };
        TaggedPacket {
            now: at,
            transport: TransportContext::default(),
            message: AttributedPacket::new(Packet::Rtp(rtp)),
        }
    }

    fn numbers(pacer: &mut Staged<Pacer>) -> Vec<u16> {
        std::iter::from_fn(|| pacer.poll_write())
            .map(|packet| match packet.message.packet {
                Packet::Rtp(rtp) => rtp.header.sequence_number,
                _ => unreachable!("only RTP was put in"),
            })
            .collect()
    }

    fn known(kbps: u64) -> Line {
        Line { known: true, ..Line::with_rate(Bitrate::from_kbps(kbps)) }
    }

    #[test]
    fn pictures_are_spread_and_sound_passes() {
        // 1200 bytes at 2.5 × 384 kbit/s: one packet each 10 ms.
        let (_keep, estimate) = watch::channel(known(384));
        let mut pacer = Staged::new(Pacer::new(estimate, Padding::default()));
        pacer.stage.video.insert(1, Stream::default());
        let start = now();
        for number in 0..5 {
            pacer.handle_write(packet(1, number, start)).expect("taken");
        }
        // A burst's worth of saved time lets two more follow at once.
        assert_eq!(numbers(&mut pacer), [0, 1, 2]);
        pacer.handle_write(packet(2, 100, start)).expect("taken");
        assert_eq!(numbers(&mut pacer), [100], "sound does not wait");
        pacer.handle_write(packet(1, 1, start)).expect("taken");
        let due = pacer.poll_timeout().expect("three packets wait");
        assert_eq!(due - start, Duration::from_millis(10));
        pacer.handle_timeout(due).expect("released");
        assert_eq!(numbers(&mut pacer), [1], "what is sent again goes first");
        pacer.handle_timeout(due + Duration::from_millis(10)).expect("released");
        assert_eq!(numbers(&mut pacer), [3]);
        pacer.handle_timeout(due + Duration::from_secs(1)).expect("released");
        assert_eq!(numbers(&mut pacer), [4]);
        assert_eq!(pacer.poll_timeout(), None);
    }

    #[test]
    fn what_was_sent_before_a_flood_is_not_sent_again_after_it() {
        // Whether the pacer has something to do while there is a flood, or sees only that there was one.
        for looks in [true, false] {
            let (line, estimate) = watch::channel(known(10_000));
            let mut pacer = Staged::new(Pacer::new(estimate, Padding::default()));
            pacer.stage.video.insert(1, Stream::default());
            let start = now();
            let mut send = |number| {
                pacer.handle_write(packet(1, number, start)).expect("taken");
                numbers(&mut pacer)
            };
            assert_eq!((send(1), send(2), send(1)), (vec![1], vec![2], vec![1]));
            line.send_replace(Line { flooded: true, floods: 1, ..known(500) });
            if looks {
                assert_eq!((send(1), send(3)), (vec![], vec![]));
            }
            line.send_replace(Line { floods: 1, ..known(10_000) });
            assert_eq!((send(4), send(2), send(4)), (vec![4], vec![], vec![4]), "{looks}");
        }
    }

    #[test]
    fn the_first_picture_is_in_a_hurry_until_the_line_is_known() {
        let (line, estimate) = watch::channel(Line::with_rate(Bitrate::from_kbps(384)));
        let mut pacer = Staged::new(Pacer::new(estimate, Padding::default()));
        pacer.stage.video.insert(1, Stream::default());
        let start = now();
        let mut last = start;
        for number in 0..50 {
            pacer.handle_write(packet(1, number, start)).expect("taken");
        }
        // 1200 bytes at 8 Mbit/s: 1.2 ms each.
        while let Some(due) = pacer.poll_timeout() {
            pacer.handle_timeout(due).expect("released");
            last = due;
        }
        assert_eq!(numbers(&mut pacer).len(), 50);
        assert!(last - start < Duration::from_millis(60), "{:?}", last - start);
        line.send_replace(known(384));
        for number in 50..60 {
            pacer.handle_write(packet(1, number, last)).expect("taken");
        }
        pacer.handle_timeout(last + Duration::from_millis(40)).expect("released");
        // No more than a burst's worth of time is saved up.
        assert_eq!(numbers(&mut pacer).len(), 3);
    }
}
