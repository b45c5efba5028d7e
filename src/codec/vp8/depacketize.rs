//! RTP payloads to frames (RFC 7741, 4.2).

use bytes::BytesMut;

use super::{descriptor::Descriptor, frame_tag::begins_key_frame};
use crate::{
    codec::{Depacketizer, PayloadError, TemporalLayer},
    media::{RtpPacket, SeqNo},
};

#[derive(Debug, Default)]
pub(super) struct Vp8Depacketizer {
    /// The sequence number that continues the frame being put together.
    next: Option<SeqNo>,
    /// The picture id of that frame.
    picture_id: Option<u16>,
}

impl Depacketizer for Vp8Depacketizer {
    fn is_start(&self, packet: &RtpPacket) -> bool {
        packet.payload.is_empty() || Descriptor::read(&packet.payload).is_some_and(|descriptor| descriptor.start)
    }

    fn is_end(&self, _: &RtpPacket) -> bool {
        // Whatever came of a frame from its beginning on is of use.
        true
    }

    fn is_key(&self, packet: &RtpPacket) -> bool {
        Descriptor::read(&packet.payload).is_some_and(|descriptor| {
            descriptor.start && packet.payload.get(descriptor.len).is_some_and(|first| begins_key_frame(*first))
        })
    }

    fn is_entry(&self, packet: &RtpPacket) -> bool {
        // The first packet of a frame says that it is.
        self.is_key(packet)
    }

    fn continues(&self, packet: &RtpPacket) -> bool {
        let (descriptor, before) = (Descriptor::read(&packet.payload), self.picture_id);
        descriptor.zip(before).is_some_and(|(descriptor, before)| descriptor.start && descriptor.follows(before))
    }

    fn is_disposable(&self, packet: &RtpPacket) -> bool {
        Descriptor::read(&packet.payload).is_some_and(|descriptor| descriptor.disposable)
    }

    fn layer(&self, packet: &RtpPacket) -> TemporalLayer {
        let Some(descriptor) = Descriptor::read(&packet.payload) else { return TemporalLayer::default() };
        let (depth, sync) = descriptor.layer.unwrap_or_default();
        TemporalLayer { depth, sync, base: descriptor.base }
    }

    fn append(&mut self, packet: &RtpPacket, out: &mut BytesMut) -> Result<(), PayloadError> {
        let next = self.next.take();
        if packet.payload.is_empty() {
            // Padding alone, sent to probe the line.
            self.next = next.filter(|next| *next == packet.seq).map(SeqNo::next);
            return Ok(());
        }
        let descriptor = Descriptor::read(&packet.payload).ok_or(PayloadError("a descriptor that is cut short"))?;
        let piece = &packet.payload[descriptor.len..];
        if piece.is_empty() {
            return Err(PayloadError("a descriptor and nothing behind it"));
        }
        if descriptor.start {
            out.clear();
        } else if next != Some(packet.seq) {
            // The pieces are no units of their own: behind a gap they mean nothing.
            return Err(PayloadError("a piece of a frame without the one before it"));
        }
        out.extend_from_slice(piece);
        self.next = Some(packet.seq.next());
        self.picture_id = descriptor.picture_id.map(|(id, _)| id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::contract::packet;

    #[test]
    fn pieces_become_a_frame() {
        type Case<'a> = (&'a str, &'a [(u16, &'a [u8])], Option<&'a [u8]>);
        let cases: &[Case<'_>] = &[
            ("one", &[(0, &[0x10, 1, 2])], Some(&[1, 2])),
            ("across the wrap", &[(65_535, &[0x90, 0x80, 5, 1]), (0, &[0x80, 0x80, 5, 2])], Some(&[1, 2])),
            ("partitions", &[(7, &[0x10, 1]), (8, &[0x11, 2]), (9, &[0x01, 3])], Some(&[1, 2, 3])),
            ("padding in between", &[(7, &[0x10, 1]), (8, &[]), (9, &[0x00, 3])], Some(&[1, 3])),
            ("a gap", &[(7, &[0x10, 1]), (9, &[0x00, 3])], None),
            ("no beginning", &[(7, &[0x00, 1])], None),
            ("nothing in it", &[(7, &[0x10])], None),
            ("cut short", &[(7, &[0x90, 0x80])], None),
        ];
        for (name, packets, expected) in cases {
            let (mut depacketizer, mut out) = (Vp8Depacketizer::default(), BytesMut::new());
            let appended: Result<Vec<()>, PayloadError> =
                packets.iter().map(|(seq, payload)| depacketizer.append(&packet(*seq, payload), &mut out)).collect();
            assert_eq!(appended.ok().map(|_| &out[..]), *expected, "{name}");
        }
    }

    #[test]
    fn packets_tell_what_they_are() {
        for (name, payload, start, key, disposable) in [
            ("key frame", &[0x10, 0x10][..], true, true, false),
            ("its second packet", &[0x00, 0x10], false, false, false),
            ("its second partition", &[0x11, 0x10], false, false, false),
            ("inter frame", &[0x10, 0x11], true, false, false),
            ("on which none depends", &[0xb0, 0x20, 0x40, 0x11], true, false, true),
            ("key frame with an extension", &[0x90, 0xe0, 0x81, 0x02, 0x05, 0x00, 0x10], true, true, false),
            ("padding", &[], true, false, false),
            ("cut short", &[0x90], false, false, false),
        ] {
            let (depacketizer, packet) = (Vp8Depacketizer::default(), packet(0, payload));
            let told =
                (depacketizer.is_start(&packet), depacketizer.is_key(&packet), depacketizer.is_disposable(&packet));
            assert_eq!(told, (start, key, disposable), "{name}");
            assert_eq!(depacketizer.is_entry(&packet), key, "{name}");
        }
    }

    #[test]
    fn layers_are_told() {
        for (payload, depth, sync, base) in [
            (&[0x10, 0x11][..], 0, false, None),
            (&[0x90, 0xe0, 0x05, 0x09, 0x00, 0x11], 0, false, Some(9)),
            (&[0x90, 0xe0, 0x06, 0x09, 0x60, 0x11], 1, true, Some(9)),
            (&[0x90, 0xa0, 0x07, 0x80, 0x11], 2, false, None),
            (&[], 0, false, None),
        ] {
            let layer = Vp8Depacketizer::default().layer(&packet(0, payload));
            assert_eq!(layer, TemporalLayer { depth, sync, base }, "{payload:x?}");
        }
    }

    #[test]
    fn the_next_picture_is_known_by_its_number() {
        let (mut depacketizer, mut out) = (Vp8Depacketizer::default(), BytesMut::new());
        let with_id = |seq, id| packet(seq, &[0x90, 0x80, id, 0x11]);
        assert!(!depacketizer.continues(&with_id(0, 1)), "nothing came before");
        depacketizer.append(&with_id(0, 1), &mut out).expect("a frame");
        assert!(depacketizer.continues(&with_id(9, 2)));
        assert!(!depacketizer.continues(&with_id(9, 3)));
        assert!(!depacketizer.continues(&packet(9, &[0x10, 0x11])));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 1..8)) {
            let (mut depacketizer, mut out) = (Vp8Depacketizer::default(), BytesMut::new());
            for (seq, payload) in payloads.iter().enumerate() {
                let packet = packet(seq as u16, payload);
                let _ = (depacketizer.is_start(&packet), depacketizer.is_key(&packet), depacketizer.continues(&packet));
                let _ = depacketizer.append(&packet, &mut out);
                prop_assert!(out.len() <= payloads.concat().len());
            }
        }
    }
}
