//! The bytes with which each frame begins, uncompressed (RFC 6386, 9.1).

/// What the beginning of a frame tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameTag {
    /// Width and height in pixels, which key frames alone have.
    pub(super) dimensions: Option<(usize, usize)>,
    /// How many bytes go before the second partition: without all of them nothing can be decoded.
    pub(super) needed: usize,
}

const TAG_LEN: usize = 3;
const KEY_FRAME_LEN: usize = 10;
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];

impl FrameTag {
    /// Reads the beginning of a frame; `None` if it is too short or none.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let [a, b, c, rest @ ..] = frame else { return None };
        let first_partition = (u32::from_le_bytes([*a, *b, *c, 0]) >> 5) as usize;
        if !begins_key_frame(*a) {
            return Some(Self { dimensions: None, needed: TAG_LEN + first_partition });
        }
        let [x, y, z, w0, w1, h0, h1, ..] = rest else { return None };
        // The two bits above say how much a display may enlarge it: none does.
        let side = |low: u8, high: u8| usize::from(u16::from_le_bytes([low, high]) & 0x3fff);
        let dimensions = Some((side(*w0, *w1), side(*h0, *h1)));
        ([*x, *y, *z] == START_CODE).then_some(Self { dimensions, needed: KEY_FRAME_LEN + first_partition })
    }

    pub(super) const fn is_key(&self) -> bool {
        self.dimensions.is_some()
    }
}

/// Whether a frame with this first byte is a key frame.
pub(super) const fn begins_key_frame(first: u8) -> bool {
    first & 1 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read() {
        let key = [0x10, 0x02, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41];
        let inter = [0x31, 0x02, 0];
        for (bytes, expected) in [
            (&key[..], Some((Some((640, 360)), 10 + 16))),
            (&inter, Some((None, 3 + 17))),
            (&[0xff, 0xff, 0xff], Some((None, 3 + (1 << 19) - 1))),
            (&key[..9], None),
            (&[0x10, 0x02, 0, 0x9d, 0x01, 0x2b, 0x80, 0x02, 0x68, 0x01], None),
            (&inter[..2], None),
            (&[], None),
        ] {
            let tag = FrameTag::read(bytes);
            assert_eq!(tag.map(|tag| (tag.dimensions, tag.needed)), expected, "{bytes:x?}");
        }
    }
}
