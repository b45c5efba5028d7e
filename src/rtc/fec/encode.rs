//! Makes repair packets for a stream.

use std::collections::VecDeque;

use rtc::rtp;

use super::{
    coefficients::{MAX_REPAIR, coefficients},
    header::{Protected, TWO_MASKS},
    symbol::Symbol,
};

/// A frame of more packets is protected in parts.
const LARGEST_BLOCK: usize = 32;

/// Repair packets protect the last frames, too: what one frame's could not repair the next one's can, long before
/// a retransmission comes.
const BLOCKS: usize = 3;

/// Where repair packets come from and belong.
#[derive(Clone, Copy, Debug)]
pub(super) struct RepairStream {
    pub(super) ssrc: u32,
    pub(super) payload_type: u8,
    /// The header extension that is set after protection.
    pub(super) numbered: Option<u8>,
}

/// Makes the repair packets of one stream.
#[derive(Debug)]
pub(super) struct Encoder {
    stream: RepairStream,
    next_number: u16,
    /// The last packets, the newest last, without a gap.
    window: VecDeque<(u16, Symbol)>,
    /// How many of these came since the last block was closed.
    open: usize,
    /// The lengths of the blocks in the window, the newest last.
    blocks: VecDeque<usize>,
    /// How many blocks in a row got no repair packet.
    bare: usize,
    /// Repair packets that are still to be sent, or were sent beyond the share.
    owed: f64,
}

impl Encoder {
    pub(super) fn new(stream: RepairStream) -> Self {
        Self { stream, next_number: 0, window: VecDeque::new(), open: 0, blocks: VecDeque::new(), bare: 0, owed: 0.0 }
    }

    /// Takes the next packet of the stream and returns the repair packets that are to follow it, at `share` of
    /// repair for each packet; the last of them has the marker.
    pub(super) fn protect(&mut self, packet: &rtp::Packet, share: f64) -> Vec<rtp::Packet> {
        if share <= 0.0 {
            self.forget();
            return Vec::new();
        }
        let number = packet.header.sequence_number;
        if self.window.back().is_some_and(|(last, _)| last.wrapping_add(1) != number) {
            self.forget();
        }
        let Some(symbol) = Symbol::of(packet, self.stream.numbered) else {
            self.forget();
            return Vec::new();
        };
        self.window.push_back((number, symbol));
        self.open += 1;
        if !packet.header.marker && self.open < LARGEST_BLOCK {
            return Vec::new();
        }
        self.close_block();
        let repairs = self.due(share);
        self.repair(repairs, &packet.header)
    }

    fn forget(&mut self) {
        (self.open, self.bare, self.owed) = (0, 0, 0.0);
        self.window.clear();
        self.blocks.clear();
    }

    fn close_block(&mut self) {
        self.blocks.push_back(self.open);
        self.open = 0;
        while self.blocks.len() > BLOCKS {
            self.blocks.pop_front();
        }
        let kept = self.blocks.iter().sum::<usize>().min(TWO_MASKS);
        self.window.drain(..self.window.len().saturating_sub(kept));
    }

    /// Returns how many repair packets the block that was just closed gets.
    fn due(&mut self, share: f64) -> usize {
        let packets = self.blocks.back().copied().unwrap_or_default() as f64;
        // The more packets, the surer it is that the average share of them is lost and not twice as many.
        self.owed += (share * packets).min(share * packets / 2.0 + 2.0);
        let due = self.owed.round().clamp(0.0, MAX_REPAIR as f64);
        if due < 1.0 && self.bare + 1 < BLOCKS {
            // Frames of one or two packets share a repair packet.
            self.bare += 1;
            return 0;
        }
        self.bare = 0;
        let due = due.max(1.0);
        self.owed = (self.owed - due).clamp(-1.0, 1.0);
        due as usize
    }

    fn repair(&mut self, repairs: usize, last: &rtp::header::Header) -> Vec<rtp::Packet> {
        let Some((base, _)) = self.window.front() else {
            return Vec::new();
        };
        let base = *base;
        let mut sums = vec![(Symbol::default(), 0_u128); repairs];
        // The newest block first: its packets are to be in different repair packets above all.
        let newest = self.window.len() - self.blocks.back().copied().unwrap_or_default().min(self.window.len());
        let order = (newest..self.window.len()).chain(0..newest);
        for (place, coefficient) in order.zip(coefficients(repairs)) {
            for (index, (sum, mask)) in sums.iter_mut().enumerate() {
                if coefficient >> index & 1 == 1 {
                    sum.add(&self.window[place].1);
                    *mask |= 1 << place;
                }
            }
        }
        sums.retain(|(_, mask)| *mask != 0);
        let count = sums.len();
        let packet = |(index, (symbol, mask)): (usize, (Symbol, u128))| {
            let header = rtp::header::Header {
                version: 2,
                marker: index + 1 == count,
                payload_type: self.stream.payload_type,
                sequence_number: self.next_number.wrapping_add(index as u16),
                timestamp: last.timestamp,
                ssrc: self.stream.ssrc,
                ..Default::default()
            };
            let protected = Protected { ssrc: last.ssrc, base, mask };
            rtp::Packet { header, payload: protected.write(&symbol).into() }
        };
        let packets = sums.into_iter().enumerate().map(packet).collect();
        self.next_number = self.next_number.wrapping_add(count as u16);
        packets
    }
}
