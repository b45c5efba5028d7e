//! What is lost of an upper temporal layer does not harm those below.

use super::{Arrived, Extent, VideoBuffer};
use crate::{codec::TemporalLayer, media::RtpPacket};

/// So many frames of an upper layer are left out before a key frame is asked for: a second of them, or two.
const LEFT_OUT: u32 = 20;

/// What is damaged since the last key frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Damage {
    /// The lowest layer of which something is missing, if any: those above it are damaged, too.
    pub(super) lowest: Option<u8>,
    /// How many frames of upper layers were left out in a row.
    left_out: u32,
    /// The number of the lowest layer's newest frame, at the frame that left last.
    base: Option<u8>,
}

impl VideoBuffer {
    /// Returns the place of a frame of which there are these packets.
    pub(super) fn layer(&self, packets: &[RtpPacket]) -> TemporalLayer {
        packets.first().map(|packet| self.depacketizer.layer(packet)).unwrap_or_default()
    }

    /// Takes note of a whole frame that is to leave. Returns whether it is damaged by what is missing before it.
    pub(super) fn enter(&mut self, layer: TemporalLayer, key_frame: bool) -> bool {
        let damage = &mut self.damage;
        damage.base = layer.base;
        if key_frame {
            damage.lowest = None;
        } else if layer.sync && damage.lowest == Some(layer.depth) {
            // From here on this layer builds on what is there.
            damage.lowest = Some(layer.depth + 1);
        }
        let damaged = damage.lowest.is_some_and(|lowest| layer.depth >= lowest);
        if key_frame || (layer.depth > 0 && !damaged) {
            damage.left_out = 0;
        }
        damaged
    }

    /// Takes note that a frame, or one in front of it, is damaged for good.
    pub(super) fn note_damage(&mut self, layer: TemporalLayer) {
        let damage = &mut self.damage;
        // Nothing of the lowest layer is missing if the frame builds on that which came last.
        let nothing_below = layer.base.is_some() && damage.base == layer.base;
        let lowest = if nothing_below { layer.depth.min(1) } else { 0 };
        damage.lowest = Some(damage.lowest.map_or(lowest, |before| before.min(lowest)));
        damage.base = layer.base.or(damage.base);
    }

    /// Whether what is missing in front of a whole frame of the lowest layer was of upper layers alone. The frame
    /// is then the next to leave, as good as if nothing were missing.
    pub(super) fn goes_on_below(&mut self) -> bool {
        let Some((&first, packet)) = self.packets.first_key_value() else { return false };
        let layer = self.depacketizer.layer(packet);
        let is_next = self.damage.base.zip(layer.base).is_some_and(|(before, base)| base == before.wrapping_add(1));
        let follows = first != self.floor && self.frame_start == Some(self.floor) && layer.depth == 0 && is_next;
        if !follows || !self.depacketizer.is_start(packet) || !matches!(self.extent(first), Extent::Whole(_)) {
            return false;
        }
        self.damage.lowest = Some(self.damage.lowest.map_or(1, |lowest| lowest.min(1)));
        (self.floor, self.frame_start) = (first, Some(first));
        true
    }

    /// Leaves out a frame of an upper layer of which something is missing, or that depends on such a one: the lower
    /// ones go on without it. A layer that is never sound again is worth a key frame.
    pub(super) fn leave_out(&mut self, packets: usize) -> Option<Arrived> {
        self.discard(packets);
        self.damage.left_out += 1;
        if self.damage.left_out > LEFT_OUT {
            self.damage.lowest = Some(0);
        }
        None
    }
}
