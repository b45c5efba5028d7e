//! The bytes in front of each packet's piece of a frame (RFC 7741, 4.2).

/// What the descriptor of a packet tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// Whether a frame begins with this packet.
    pub(super) start: bool,
    /// Whether no other frame depends on the one that the packet belongs to.
    pub(super) disposable: bool,
    /// The frame's number and how many bits it has; each frame's is the one before's and one more.
    pub(super) picture_id: Option<(u16, u32)>,
    /// The number of the newest frame of the lowest temporal layer: this frame's or the one it builds on.
    pub(super) base: Option<u8>,
    /// The temporal layer, 0 the lowest, and whether the frame builds on the lowest alone.
    pub(super) layer: Option<(u8, bool)>,
    /// How many bytes the descriptor has.
    pub(super) len: usize,
}

impl Descriptor {
    /// Reads the descriptor of a payload; `None` if it is cut short.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let mut rest = payload.iter().copied();
        let first = rest.next()?;
        let extended = if first & 0x80 != 0 { rest.next()? } else { 0 };
        let picture_id = if extended & 0x80 != 0 {
            let high = rest.next()?;
            Some(match high & 0x80 {
                0 => (u16::from(high), 7),
                _ => (u16::from_be_bytes([high & 0x7f, rest.next()?]), 15),
            })
        } else {
            None
        };
        let base = if extended & 0x40 != 0 { Some(rest.next()?) } else { None };
        // The byte is there for either; a layer is told by the one bit alone.
        let layer = if extended & 0x30 != 0 {
            let byte = rest.next()?;
            (extended & 0x20 != 0).then_some((byte >> 6, byte & 0x20 != 0))
        } else {
            None
        };
        Some(Self {
            start: first & 0x10 != 0 && first & 0x0f == 0,
            disposable: first & 0x20 != 0,
            picture_id,
            base,
            layer,
            len: payload.len() - rest.len(),
        })
    }

    /// Whether the frame is the next one after that with the picture id `before`.
    pub(super) fn follows(&self, before: u16) -> bool {
        self.picture_id.is_some_and(|(id, bits)| id == before.wrapping_add(1) & ((1 << bits) - 1) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_read() {
        let plain = Descriptor { start: true, disposable: false, picture_id: None, base: None, layer: None, len: 1 };
        for (name, payload, expected) in [
            ("shortest", &[0x10, 1][..], Some(plain)),
            ("a later packet", &[0x00, 1], Some(Descriptor { start: false, ..plain })),
            ("another partition", &[0x11, 1], Some(Descriptor { start: false, ..plain })),
            ("disposable", &[0x30], Some(Descriptor { disposable: true, ..plain })),
            ("nothing in the extension", &[0x90, 0x00, 1], Some(Descriptor { len: 2, ..plain })),
            ("7 bits", &[0x90, 0x80, 0x7f, 1], Some(Descriptor { picture_id: Some((127, 7)), len: 3, ..plain })),
            (
                "15 bits",
                &[0x90, 0x80, 0x81, 0x02, 1],
                Some(Descriptor { picture_id: Some((258, 15)), len: 4, ..plain }),
            ),
            (
                "layers",
                &[0x90, 0xe0, 0x80, 0x05, 0x09, 0x60, 1],
                Some(Descriptor { picture_id: Some((5, 15)), base: Some(9), layer: Some((1, true)), len: 6, ..plain }),
            ),
            ("key index alone", &[0x90, 0x10, 0x5f, 1], Some(Descriptor { len: 3, ..plain })),
            ("empty", &[], None),
            ("no extension", &[0x90], None),
            ("no picture id", &[0x90, 0x80], None),
            ("half a picture id", &[0x90, 0x80, 0x80], None),
            ("no layer", &[0x90, 0x20], None),
        ] {
            assert_eq!(Descriptor::read(payload), expected, "{name}");
        }
    }

    #[test]
    fn picture_ids_follow_each_other_across_the_wrap() {
        for (payload, before, expected) in [
            (&[0x90, 0x80, 0x05][..], 4, true),
            (&[0x90, 0x80, 0x05], 3, false),
            (&[0x90, 0x80, 0x00], 127, true),
            (&[0x90, 0x80, 0x80, 0x00], 0x7fff, true),
            (&[0x90, 0x80, 0x80, 0x80], 127, true),
            (&[0x10], 0, false),
        ] {
            let descriptor = Descriptor::read(payload).expect("long enough");
            assert_eq!(descriptor.follows(before), expected, "{payload:x?} after {before}");
        }
    }
}
