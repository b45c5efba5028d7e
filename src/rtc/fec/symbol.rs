//! A packet as repair packets see it.

use bytes::{Bytes, BytesMut};
use rtc::{
    rtp,
    shared::marshal::{Marshal, MarshalSize, Unmarshal},
};

/// The fixed part of an RTP header.
const FIXED_HEADER: usize = 12;

/// What stands before the rest: flags, payload type, length, time stamp.
pub(super) const RECOVERY: usize = 8;

/// The bits of a packet that repair packets protect, or several packets' put together by exclusive or: first the
/// eight bytes of recovery fields (section 4.2.2.1 of the draft), then all that follows the fixed header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Symbol(pub(super) Vec<u8>);

impl Symbol {
    /// Returns what is protected of a packet. The header extension `numbered` counts as zero: it is set or changed
    /// on the way, after protection and again with a retransmission. `None` if the packet cannot be written.
    pub(super) fn of(packet: &rtp::Packet, numbered: Option<u8>) -> Option<Self> {
        let mut header = packet.header.clone();
        if let Some(id) = numbered {
            header.set_extension(id, Bytes::from_static(&[0, 0])).ok()?;
        }
        let header = header.marshal().ok()?;
        let padding = packet.marshal_size() - packet.header.marshal_size() - packet.payload.len();
        let length = header.len() - FIXED_HEADER + packet.payload.len() + padding;
        let mut bytes = Vec::with_capacity(RECOVERY + length);
        bytes.extend([header[0] & 0x3f, header[1]]);
        bytes.extend(u16::try_from(length).ok()?.to_be_bytes());
        bytes.extend(&header[4..8]);
        bytes.extend(&header[FIXED_HEADER..]);
        bytes.extend(&packet.payload);
        if let Some(zeros) = padding.checked_sub(1) {
            bytes.extend(std::iter::repeat_n(0, zeros));
            bytes.push(u8::try_from(padding).ok()?);
        }
        Some(Self(bytes))
    }

    /// Returns the packet with this number, or `None` if these are not a packet's bits.
    pub(super) fn packet(&self, seq: u16, ssrc: u32, numbered: Option<u8>) -> Option<rtp::Packet> {
        let (recovery, rest) = self.0.split_at_checked(RECOVERY)?;
        let length = usize::from(u16::from_be_bytes([recovery[2], recovery[3]]));
        let mut bytes = BytesMut::with_capacity(FIXED_HEADER + length);
        bytes.extend([recovery[0] & 0x3f | 0x80, recovery[1]]);
        bytes.extend(seq.to_be_bytes());
        bytes.extend(&recovery[4..]);
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend(rest.get(..length)?);
        let mut packet = rtp::Packet::unmarshal(&mut bytes.freeze()).ok()?;
        // Its number is not known: nobody may take it for one that has come.
        if let Some(id) = numbered
            && packet.header.get_extension(id).is_some()
        {
            packet.header.del_extension(id).ok()?;
            if packet.header.extensions.is_empty() {
                let header = &mut packet.header;
                (header.extension, header.extension_profile, header.extensions_padding) = (false, 0, 0);
            }
        }
        Some(packet)
    }

    /// Adds another, or takes it away, which is the same. The shorter of both is filled with zeros.
    pub(super) fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(ours, theirs)| *ours ^= theirs);
    }
}
