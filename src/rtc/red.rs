//! Redundant sound (RFC 2198): each packet carries copies of those just before it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use bytes::{BufMut, Bytes, BytesMut};

use crate::media::{RtpPacket, RtpTime, SeqNo};

/// The most copies that go along: none that is older would come in time.
pub(super) const MAX_COPIES: usize = 2;

/// As in the offers of Chromium.
pub(super) const PAYLOAD_TYPE: u8 = 63;

pub(super) const MIME_TYPE: &str = "audio/red";

/// Its name in SDP: a clock and channels like those of the sound that it carries.
const NAME: &str = "red/48000/2";

/// A copy's time stamp is so many ticks before the packet's at most: 14 bits.
const MAX_OFFSET: u32 = (1 << 14) - 1;

/// A copy has so many bytes at most: 10 bits.
const MAX_COPY: usize = (1 << 10) - 1;

/// The bit that says that another block follows.
const FOLLOWED: u8 = 0x80;

/// The payload type under which redundant sound comes in, once it is known. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Incoming(Arc<AtomicU8>);

impl Incoming {
    /// Takes what an offer says, ours or theirs: the answer keeps to it.
    pub(super) fn offered(&self, sdp: &str) {
        let maps = sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=rtpmap:")?.split_once(' '));
        let mut red = maps.filter(|(_, codec)| codec.eq_ignore_ascii_case(NAME));
        let payload_type = red.find_map(|(payload_type, _)| payload_type.parse::<u8>().ok());
        // 0 is a codec that is never redundant sound.
        self.0.store(payload_type.unwrap_or(0), Ordering::Relaxed);
    }

    fn is(&self, payload_type: u8) -> bool {
        payload_type != 0 && payload_type == self.0.load(Ordering::Relaxed)
    }
}

/// Puts copies of the packets before into each.
#[derive(Debug)]
pub(super) struct Packer {
    pub(super) payload_type: u8,
    copies: usize,
    /// The newest last, one sequence number after the other.
    before: VecDeque<(u32, Bytes)>,
}

impl Packer {
    pub(super) fn new(payload_type: u8) -> Self {
        Self { payload_type, copies: 0, before: VecDeque::new() }
    }

    /// Sets how many copies go along from now on.
    pub(super) fn set_copies(&mut self, copies: usize) {
        self.copies = copies.min(MAX_COPIES);
    }

    /// Takes the next packet's payload of `payload_type`; returns it with its copies if they go along and
    /// together are at most `room` bytes.
    pub(super) fn pack(&mut self, payload_type: u8, timestamp: u32, payload: &Bytes, room: usize) -> Option<Bytes> {
        let mut size = 1 + payload.len();
        let fits = |(then, copy): &&(u32, Bytes)| {
            size += 4 + copy.len();
            timestamp.wrapping_sub(*then) <= MAX_OFFSET && copy.len() <= MAX_COPY && size <= room
        };
        // From the newest on: what is left out in between would shift the sequence numbers of the others.
        let copies = self.before.iter().rev().take(self.copies).take_while(fits).count();
        let from = self.before.len() - copies;
        let packed = (copies > 0).then(|| {
            let mut packed = BytesMut::with_capacity(room);
            for (then, copy) in self.before.range(from..) {
                let offset = timestamp.wrapping_sub(*then);
                packed.put_u8(FOLLOWED | payload_type);
                packed.put_uint(u64::from(offset << 10) | copy.len() as u64, 3);
            }
            packed.put_u8(payload_type);
            self.before.range(from..).for_each(|(_, copy)| packed.put_slice(copy));
            packed.put_slice(payload);
            packed.freeze()
        });
        self.before.push_back((timestamp, payload.clone()));
        self.before.drain(..self.before.len().saturating_sub(MAX_COPIES));
        packed
    }
}

/// Makes ordinary packets of redundant ones, each once.
#[derive(Debug)]
pub(super) struct Unpacker {
    incoming: Incoming,
    newest: Option<SeqNo>,
    /// Bit n: the packet n before the newest one was handed over.
    seen: u64,
}

impl Unpacker {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { incoming, newest: None, seen: 0 }
    }

    /// Hands over what is in a packet, the oldest first. One that is not redundant is handed over as it is,
    /// one that is malformed is dropped.
    pub(super) fn unpack(&mut self, packet: RtpPacket, mut take: impl FnMut(RtpPacket)) {
        if !self.incoming.is(packet.payload_type) {
            self.enter(packet.seq);
            return take(packet);
        }
        let Some(blocks) = blocks(&packet.payload) else {
            tracing::debug!("a malformed redundant packet");
            return;
        };
        let primary = blocks.len() - 1;
        for (place, block) in blocks.into_iter().enumerate() {
            let seq = SeqNo(packet.seq.0.wrapping_sub((primary - place) as u16));
            let is_copy = place < primary;
            if is_copy && (block.payload.is_empty() || !self.enter(seq)) {
                continue;
            }
            if !is_copy {
                self.enter(seq);
            }
            take(RtpPacket {
                payload_type: block.payload_type,
                seq,
                timestamp: RtpTime(packet.timestamp.0.wrapping_sub(block.offset)),
                marker: packet.marker && !is_copy,
                payload: block.payload,
                ..packet
            });
        }
    }

    /// Enters a packet. `false` if it was handed over before, or may have been.
    fn enter(&mut self, seq: SeqNo) -> bool {
        let ahead = self.newest.map_or(1, |newest| seq.distance(newest));
        if !(-1_000..=0).contains(&ahead) {
            // Ahead, or a sender that began anew.
            self.seen = if (1..64).contains(&ahead) { self.seen << ahead } else { 0 } | 1;
            self.newest = Some(seq);
            return true;
        }
        let bit = 1_u64.checked_shl(u32::from(ahead.unsigned_abs())).unwrap_or(0);
        let is_new = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        is_new
    }
}

/// One of the payloads in a redundant packet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    payload_type: u8,
    /// Ticks before the packet's own time stamp.
    offset: u32,
    payload: Bytes,
}

/// Returns the blocks of a payload, the packet's own last; `None` if they are not as long as they say.
fn blocks(payload: &Bytes) -> Option<Vec<Block>> {
    let mut headers = Vec::new();
    let mut rest = &payload[..];
    loop {
        let (&first, after) = rest.split_first()?;
        if first & FOLLOWED == 0 {
            rest = after;
            headers.push((first, 0, None));
            break;
        }
        let ([_, a, b, c], after) = rest.split_first_chunk()?;
        let word = u32::from_be_bytes([0, *a, *b, *c]);
        headers.push((first & !FOLLOWED, word >> 10, Some(word as usize & MAX_COPY)));
        rest = after;
    }
    let mut at = payload.len() - rest.len();
    let blocks = headers.into_iter().map(|(payload_type, offset, length)| {
        let end = length.map_or(payload.len(), |length| at + length);
        let block = (end <= payload.len()).then(|| payload.slice(at..end))?;
        at = end;
        Some(Block { payload_type, offset, payload: block })
    });
    blocks.collect()
}

#[cfg(test)]
mod tests;
