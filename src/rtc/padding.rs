//! Padding: packets without media, by which the congestion controller learns what the line could bear.
//!
//! They are numbered where media is, by the track, right after a picture's last packet. Their weight they get in
//! the pacer: the library pads to a multiple of four bytes and no further, and its senders refuse anything else.
//! What is sent again is therefore light.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use rtc::rtp::{
    Packet,
    header::{EXTENSION_PROFILE_TWO_BYTE, Extension},
};

/// Identifiers that no description of ours or of a browser gives a meaning.
const UNUSED_EXTENSIONS: std::ops::RangeInclusive<u8> = 251..=255;

const ZEROS: [u8; 255] = [0; 255];

/// Bytes of padding: wanted by the estimator, sent by the track, put on by the pacer. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Padding(Arc<Amounts>);

#[derive(Debug, Default)]
struct Amounts {
    /// After the next picture, all together.
    wanted: AtomicUsize,
    /// In each packet.
    weight: AtomicUsize,
}

impl Padding {
    /// Asks for so many bytes after the next picture.
    pub(super) fn want(&self, bytes: usize) {
        self.0.wanted.store(bytes, Ordering::Relaxed);
    }

    /// Returns how much is to be sent now.
    pub(super) fn take(&self) -> usize {
        self.0.wanted.swap(0, Ordering::Relaxed)
    }

    /// Sets what each packet of padding weighs from now on, in bytes.
    pub(super) fn set_weight(&self, bytes: usize) {
        self.0.weight.store(bytes, Ordering::Relaxed);
    }

    /// Makes a packet as heavy as it should be, if it is padding and nothing else.
    ///
    /// The weight is in header extensions of no meaning, which everybody must ignore (RFC 8285, 4.1.2).
    pub(super) fn weigh(&self, packet: &mut Packet) {
        let header = &mut packet.header;
        if !header.padding || !packet.payload.is_empty() || header.extension {
            return;
        }
        (header.extension, header.extension_profile) = (true, EXTENSION_PROFILE_TWO_BYTE);
        // Header, padding, and the transport-wide number that is to come.
        let mut left = self.0.weight.load(Ordering::Relaxed).saturating_sub(12 + 4 + 4 + 4);
        for id in UNUSED_EXTENSIONS {
            let length = left.min(ZEROS.len() + 2).saturating_sub(2);
            if length == 0 {
                break;
            }
            left -= length + 2;
            header.extensions.push(Extension { id, payload: Bytes::from_static(&ZEROS[..length]) });
        }
    }
}

#[cfg(test)]
mod tests {
    use rtc::{
        rtp::header::Header,
        shared::marshal::{Marshal, MarshalSize, Unmarshal},
    };

    use super::*;

    #[test]
    fn padding_weighs_what_it_should_and_carries_nothing() {
        let padding = Padding::default();
        for bytes in [0, 24, 26, 40, 100, 250, 282, 283, 500, 1000, 1180] {
            padding.set_weight(bytes);
            let header = Header { version: 2, sequence_number: 7, ssrc: 3, padding: true, ..Default::default() };
            let mut packet = Packet { header, payload: Bytes::new() };
            padding.weigh(&mut packet);
            packet.header.set_extension(1, Bytes::from_static(&[1, 2])).expect("transport-wide numbers go on it");
            let wire = packet.marshal().expect("it is valid").freeze();
            assert_eq!(wire.len(), packet.marshal_size());
            assert!(wire.len().abs_diff(bytes.max(24)) <= 4, "{bytes} became {}", wire.len());
            let read = Packet::unmarshal(&mut wire.clone()).expect("it is read back");
            assert!(read.payload.is_empty() && read.header.padding);
            assert_eq!(read.header.get_extension(1).as_deref(), Some(&[1, 2][..]));
        }
    }

    #[test]
    fn media_is_left_alone() {
        let padding = Padding::default();
        padding.set_weight(500);
        let mut packet = Packet { header: Header::default(), payload: Bytes::from_static(&[1, 2, 3]) };
        let before = packet.clone();
        padding.weigh(&mut packet);
        assert_eq!(packet, before);
    }
}
