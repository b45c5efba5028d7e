//! What becomes of a frame when a packet of it is lost for good.

use bytes::BytesMut;

use super::{Arrived, Extent, Index, VideoBuffer};
use crate::media::RtpPacket;

impl VideoBuffer {
    /// Whether a whole key frame lies behind a gap. It is then the next to leave: nothing in front of
    /// it is needed any more.
    pub(super) fn go_to_whole_key_frame(&mut self) -> bool {
        let current = self.packets.get(&self.floor).map(|packet| packet.timestamp);
        let later = |packet: &RtpPacket| Some(packet.timestamp) != current && self.depacketizer.is_key(packet);
        let Some((&key, packet)) = self.packets.iter().find(|(_, packet)| later(packet)) else { return false };
        let before = self.packets.get(&(key - 1));
        let sure =
            self.depacketizer.is_entry(packet) || before.is_some_and(|before| before.timestamp != packet.timestamp);
        if !sure || !self.depacketizer.is_start(packet) || !matches!(self.extent(key), Extent::Whole(_)) {
            return false;
        }
        self.drop_before(key);
        self.floor = key;
        true
    }

    /// Whether what lies behind a gap is the very next frame, by its own number: what is missing held nothing.
    /// It is then the next to leave.
    pub(super) fn go_to_next_in_number(&mut self) -> bool {
        let Some((&first, packet)) = self.packets.first_key_value() else { return false };
        let is_behind_gap = first != self.floor && self.frame_start == Some(self.floor);
        if !is_behind_gap || !self.depacketizer.continues(packet) {
            return false;
        }
        (self.floor, self.frame_start) = (first, Some(first));
        true
    }

    /// Whether what lies behind a gap is the rest of the frame that left last. It is dropped.
    pub(super) fn is_late_rest(&mut self) -> bool {
        let Some((&first, packet)) = self.packets.first_key_value() else { return false };
        if Some(packet.timestamp) != self.given_up {
            return false;
        }
        self.packets.remove(&first);
        self.floor = first + 1;
        true
    }

    /// Whether the next frame, with its gap, harms none and would only hold up the one after it.
    pub(super) fn is_passed_over(&self) -> bool {
        self.next_after_harmless().is_some_and(|next| matches!(self.extent(next), Extent::Whole(_)))
    }

    /// Returns where the frame after the next one begins, if no frame depends on the next one and
    /// nothing else is missing.
    fn next_after_harmless(&self) -> Option<Index> {
        let (&first, front) = self.packets.first_key_value()?;
        let (&next, behind) = self.packets.iter().find(|(_, packet)| packet.timestamp != front.timestamp)?;
        let mut packets = self.packets.range(first..next);
        // A frame that is missing as a whole leaves a gap in time, too.
        let (before, after) = (front.timestamp.distance(self.left?), behind.timestamp.distance(front.timestamp));
        let between = first != self.floor && 2 * before > 3 * after;
        // If its end is missing that may as well be the beginning of the next one.
        let certain = self.packets.contains_key(&(next - 1)) && !between;
        (certain && packets.any(|(_, packet)| self.depacketizer.is_disposable(packet))).then_some(next)
    }

    /// Takes out what there is of the next frame. `None`, and seeking, if nothing can be made of it.
    pub(super) fn assemble_what_came(&mut self) -> Option<Arrived> {
        let timestamp = self.packets.first_key_value()?.1.timestamp;
        let range = self.packets.iter().take_while(|(_, packet)| packet.timestamp == timestamp);
        let key_frame = range.clone().any(|(_, packet)| self.depacketizer.is_key(packet));
        if key_frame {
            // Perhaps only what was in front of it is missing.
            self.seeking = true;
            return None;
        }
        let harmless = self.next_after_harmless();
        let indices: Vec<Index> = range.map(|(&index, _)| index).collect();
        let packets: Vec<RtpPacket> = indices.iter().filter_map(|index| self.packets.remove(index)).collect();
        let layer = self.layer(&packets);
        if harmless.is_none() {
            self.note_damage(layer);
        }
        let next = harmless.unwrap_or(indices.last()? + 1);
        let sure = packets.last()?.marker || self.packets.contains_key(&next);
        (self.floor, self.frame_start) = (next, sure.then_some(next));
        (self.given_up, self.left) = (Some(timestamp), Some(timestamp));
        if layer.depth > 0 {
            return self.leave_out(packets.len());
        }
        let mut payload = BytesMut::new();
        // A unit of which a fragment is missing is missing as a whole.
        let mut whole = 0;
        for packet in &packets {
            if self.depacketizer.is_start(packet) {
                payload.truncate(whole);
            }
            match self.depacketizer.append(packet, &mut payload) {
                Ok(()) if self.depacketizer.is_end(packet) => whole = payload.len(),
                Ok(()) => {}
                Err(_) => payload.truncate(whole),
            }
        }
        payload.truncate(whole);
        self.arrived(&packets, payload, false, true)
    }
}
