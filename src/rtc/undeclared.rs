//! Streams of which the other side's description does not tell the SSRC (RFC 8829 does not ask for it).
//!
//! The library takes no stream that was not declared. So the first packet of each is looked at before the library
//! sees it: what is not encrypted tells its SSRC and payload type (RFC 3711, 3.1), and a payload type belongs to one
//! medium. The description is then taken again with what was learnt.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::payload_types::PayloadTypes;
use crate::media::MediaKind;

/// What is not known yet. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Undeclared {
    /// Whether there is anything: asked for each datagram.
    expected: Arc<AtomicBool>,
    kinds: Arc<Mutex<Vec<MediaKind>>>,
}

impl Undeclared {
    /// Looks for streams of these media from now on.
    pub(super) fn expect(&self, kinds: Vec<MediaKind>) {
        self.expected.store(!kinds.is_empty(), Ordering::Relaxed);
        *self.kinds.lock().unwrap_or_else(PoisonError::into_inner) = kinds;
    }

    pub(super) fn is_expected(&self) -> bool {
        self.expected.load(Ordering::Relaxed)
    }

    /// Returns what a datagram tells of a stream that is looked for, once for each.
    pub(super) fn found(&self, datagram: &[u8], payload_types: &PayloadTypes) -> Option<(MediaKind, u32)> {
        let (payload_type, ssrc) = stream(datagram)?;
        let kind = payload_types.codec(payload_type)?.kind();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let index = kinds.iter().position(|looked_for| *looked_for == kind)?;
        kinds.remove(index);
        self.expected.store(!kinds.is_empty(), Ordering::Relaxed);
        Some((kind, ssrc))
    }
}

/// Returns payload type and SSRC of a datagram, if it is RTP: alone, or in a channel of a TURN server (RFC 8656, 12.4).
fn stream(datagram: &[u8]) -> Option<(u8, u32)> {
    let packet = match datagram.first()? {
        0x40..=0x4f => datagram.get(4..)?,
        _ => datagram,
    };
    let header = packet.first_chunk::<12>()?;
    let payload_type = header[1] & 0x7f;
    // RTP, and no RTCP on the same port (RFC 7983, 7; RFC 5761, 4).
    let is_rtp = (128..=191).contains(&header[0]) && !(64..=95).contains(&payload_type);
    is_rtp.then(|| (payload_type, u32::from_be_bytes([header[8], header[9], header[10], header[11]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: [u8; 13] = [0x90, 0x60, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 9];

    #[test]
    fn streams_are_told_by_their_headers() {
        let in_channel = [&[0x40, 0, 0, 13][..], &VIDEO].concat();
        let marked = [&[0x80, 0xe0][..], &VIDEO[2..]].concat();
        let rtcp = [&[0x80, 200][..], &VIDEO[2..]].concat();
        for (datagram, expected) in [
            (&VIDEO[..], Some((96, 258))),
            (&in_channel, Some((96, 258))),
            (&marked, Some((96, 258))),
            (&rtcp, None),
            (&VIDEO[..11], None),
            (&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0], None),
            (&[], None),
        ] {
            assert_eq!(stream(datagram), expected, "{datagram:?}");
        }
    }

    #[test]
    fn each_is_found_once() {
        let payload_types = PayloadTypes::default();
        payload_types.offered("v=0\r\nm=video 9 P 96\r\na=rtpmap:96 VP8/90000\r\n");
        let undeclared = Undeclared::default();
        assert!(!undeclared.is_expected() && undeclared.found(&VIDEO, &payload_types).is_none());
        undeclared.expect(vec![MediaKind::Video]);
        assert!(undeclared.is_expected());
        assert_eq!(undeclared.found(&VIDEO, &payload_types), Some((MediaKind::Video, 258)));
        assert!(!undeclared.is_expected() && undeclared.found(&VIDEO, &payload_types).is_none());
    }
}
