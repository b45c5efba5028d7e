//! Which way up pictures are, as a header extension says (3GPP TS 26.114, 7.4.5): a telephone held upright sends what
//! its camera gives, and tells by how much it is to be turned.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use rtc::rtp::header::Header;

use crate::media::Rotation;

/// The name of the header extension.
pub(super) const URI: &str = "urn:3gpp:video-orientation";

/// The number under which the extension comes in, once it is known. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Orientation(Arc<AtomicU8>);

impl Orientation {
    /// Takes what an offer says: the answer keeps to it.
    pub(super) fn offered(&self, sdp: &str) {
        let mut extensions = sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=extmap:")?.split_once(' '));
        let extension = extensions.find(|(_, rest)| rest.split(' ').next() == Some(URI));
        // It may say in which direction, too (RFC 8285, 8).
        let number = extension.and_then(|(number, _)| number.split('/').next()?.parse().ok());
        // 0 is never one (RFC 8285, 4.2).
        self.0.store(number.unwrap_or(0), Ordering::Relaxed);
    }

    /// Returns what a packet says of the picture that it belongs to, and of those after it.
    pub(super) fn of(&self, header: &Header) -> Option<Rotation> {
        let number = self.0.load(Ordering::Relaxed);
        if number == 0 {
            return None;
        }
        // Which camera it is (bit 3) is of no interest, and nobody sends mirrored pictures (bit 2).
        Some(match header.get_extension(number)?.first()? & 0b11 {
            0 => Rotation::None,
            1 => Rotation::Quarter,
            2 => Rotation::Half,
            _ => Rotation::ThreeQuarters,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_tell_which_way_up_pictures_are() {
        for (offer, byte, expected) in [
            ("a=extmap:13 urn:3gpp:video-orientation\r\n", 0, Some(Rotation::None)),
            ("a=extmap:13 urn:3gpp:video-orientation\r\n", 1, Some(Rotation::Quarter)),
            ("a=extmap:13/sendrecv urn:3gpp:video-orientation\r\n", 2, Some(Rotation::Half)),
            ("a=extmap:13 urn:3gpp:video-orientation\n", 0b1011, Some(Rotation::ThreeQuarters)),
            ("a=extmap:4 urn:3gpp:video-orientation\r\n", 1, None),
            ("a=extmap:13 urn:3gpp:video-orientation:6\r\n", 1, None),
            ("a=extmap:x urn:3gpp:video-orientation\r\n", 1, None),
            ("", 1, None),
        ] {
            let orientation = Orientation::default();
            orientation.offered(offer);
            let mut header = Header::default();
            header.set_extension(13, vec![byte].into()).expect("room");
            assert_eq!(orientation.of(&header), expected, "{offer}");
        }
    }
}
