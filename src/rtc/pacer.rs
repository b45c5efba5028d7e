//! The pacer: pictures leave at a steady rate, sound does not wait for them.
//!
//! In place of the library's own, which is one queue for both media and releases at exactly the
//! estimate: a key frame then holds back the sound behind it.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use rtc::{
    interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket},
    sansio::Protocol,
    shared::{error::Error, marshal::MarshalSize},
};
use tokio::sync::watch;

use crate::congestion::Line;

/// Pictures go out at this multiple of the estimate, so that a frame of the average size is gone
/// well before the next one comes (libwebrtc paces at 2.5, too).
const PACE: f64 = 2.5;

/// Time that was not used is saved up to this: at the pace, one and a half frames of the average size
/// at 30 a second. A usual frame leaves at once; what is larger is spread.
const BURST: Duration = Duration::from_millis(20);

/// For so long after the first packet of a picture the pace is at least [`FIRST_RATE`]: the first key
/// frame is large, and the person waits for it.
const FIRST: Duration = Duration::from_millis(500);

/// In bits a second.
const FIRST_RATE: f64 = 8e6;

/// **Capacity of the queue, in packets; when full the newest is dropped**: that is a loss the other
/// side repairs or asks a key frame for. At 1,200 bytes a packet it holds two seconds at 20 Mbit/s.
const CAPACITY: usize = 4096;

pub(super) struct Pacer {
    estimate: watch::Receiver<Line>,
    video: HashSet<u32>,
    waiting: VecDeque<TaggedPacket>,
    /// When the first picture came.
    begun: Option<Instant>,
    /// When the line is free for the next packet of a picture.
    free_at: Option<Instant>,
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

impl Pacer {
    pub(super) fn new(estimate: watch::Receiver<Line>) -> Self {
        Self {
            estimate,
            video: HashSet::new(),
            waiting: VecDeque::new(),
            begun: None,
            free_at: None,
            inbound: VecDeque::new(),
            outbound: VecDeque::new(),
        }
    }

    /// Moves what may leave by `now` from the queue to the line.
    fn release(&mut self, now: Instant) {
        let mut rate = PACE * (self.estimate.borrow().available.bps() as f64).max(50_000.0);
        if now < *self.begun.get_or_insert(now) + FIRST {
            rate = rate.max(FIRST_RATE);
        }
        // Unused time is kept up to a burst's worth and no longer.
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let mut free_at = self.free_at.map_or(earliest, |at| at.max(earliest));
        while free_at <= now
            && let Some(mut packet) = self.waiting.pop_front()
        {
            let bits = match &packet.message.packet {
                Packet::Rtp(rtp) => rtp.marshal_size() * 8,
                _ => 0,
            };
            free_at += Duration::from_secs_f64(bits as f64 / rate);
            // It departs now: whoever records departures must not see the queueing as delay.
            packet.now = now;
            self.outbound.push_back(packet);
        }
        self.free_at = Some(free_at);
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Pacer {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        let paced = matches!(&packet.message.packet, Packet::Rtp(rtp) if self.video.contains(&rtp.header.ssrc));
        if !paced {
            self.outbound.push_back(packet);
        } else if self.waiting.len() < CAPACITY {
            let now = packet.now;
            self.waiting.push_back(packet);
            self.release(now);
        }
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.release(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        // A packet that is ready to leave needs no timer: it goes with this very walk.
        if self.waiting.is_empty() { None } else { self.free_at }
    }
}

impl Interceptor for Pacer {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if info.mime_type.to_ascii_lowercase().starts_with("video/") {
            self.video.insert(info.ssrc);
            self.video.extend(info.ssrc_fec);
        }
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.video.remove(&info.ssrc);
    }

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use rtc::{interceptor::AttributedPacket, rtp, shared::TransportContext};

    use super::*;
    use crate::media::{Bitrate, now};

    fn packet(ssrc: u32, number: u16, at: Instant) -> TaggedPacket {
        let header = rtp::header::Header { ssrc, sequence_number: number, ..Default::default() };
        let rtp = rtp::Packet { header, payload: vec![0; 1188].into() };
        TaggedPacket {
            now: at,
            transport: TransportContext::default(),
            message: AttributedPacket::new(Packet::Rtp(rtp)),
        }
    }

    fn numbers(pacer: &mut Pacer) -> Vec<u16> {
        std::iter::from_fn(|| pacer.poll_write())
            .map(|packet| match packet.message.packet {
                Packet::Rtp(rtp) => rtp.header.sequence_number,
                _ => unreachable!("only RTP was put in"),
            })
            .collect()
    }

    #[test]
    fn pictures_are_spread_and_sound_passes() {
        // 1200 bytes at 2.5 × 384 kbit/s: one packet each 10 ms.
        let (_keep, estimate) = watch::channel(Line::with_rate(Bitrate::from_kbps(384)));
        let mut pacer = Pacer::new(estimate);
        pacer.video.insert(1);
        let begun = now();
        pacer.handle_timeout(begun).expect("nothing to release");
        let start = begun + FIRST;
        for number in 0..5 {
            pacer.handle_write(packet(1, number, start)).expect("taken");
        }
        // A burst's worth of saved time lets two more follow at once.
        assert_eq!(numbers(&mut pacer), [0, 1, 2]);
        pacer.handle_write(packet(2, 100, start)).expect("taken");
        assert_eq!(numbers(&mut pacer), [100], "sound does not wait");
        let due = pacer.poll_timeout().expect("two packets wait");
        assert_eq!(due - start, Duration::from_millis(10));
        pacer.handle_timeout(due).expect("released");
        assert_eq!(numbers(&mut pacer), [3]);
        pacer.handle_timeout(due + Duration::from_secs(1)).expect("released");
        assert_eq!(numbers(&mut pacer), [4]);
        assert_eq!(pacer.poll_timeout(), None);
    }

    #[test]
    fn the_first_picture_is_in_a_hurry() {
        let (_keep, estimate) = watch::channel(Line::with_rate(Bitrate::from_kbps(384)));
        let mut pacer = Pacer::new(estimate);
        pacer.video.insert(1);
        let start = now();
        for number in 0..50 {
            pacer.handle_write(packet(1, number, start)).expect("taken");
        }
        // 1200 bytes at 8 Mbit/s: 1.2 ms each.
        let mut last = start;
        while let Some(due) = pacer.poll_timeout() {
            pacer.handle_timeout(due).expect("released");
            last = due;
        }
        assert_eq!(numbers(&mut pacer).len(), 50);
        assert!(last - start < Duration::from_millis(60), "{:?}", last - start);
    }
}
