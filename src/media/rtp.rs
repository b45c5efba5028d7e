//! RTP's own nouns (RFC 3550).

use std::time::Instant;

use bytes::Bytes;

use super::{NtpTime, Rotation};

/// A 16-bit RTP sequence number, compared across its wrap (RFC 1982).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNo(pub u16);

impl SeqNo {
    /// Returns the number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Returns how far this number is ahead of `other`: negative if it is behind.
    pub const fn distance(self, other: Self) -> i16 {
        self.0.wrapping_sub(other.0) as i16
    }
}

/// A 32-bit RTP time stamp in ticks of the codec's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// Returns how many ticks this stamp is ahead of `other`: negative if it is behind.
    pub const fn distance(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }
}

/// One RTP packet as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpPacket {
    /// The synchronization source it belongs to.
    pub ssrc: u32,
    /// The negotiated payload type.
    pub payload_type: u8,
    /// Its place in the sequence.
    pub seq: SeqNo,
    /// When its content was captured, on the sender's clock.
    pub timestamp: RtpTime,
    /// Last packet of a picture; first of a talk spurt.
    pub marker: bool,
    /// How far the picture that it belongs to, and those after it, are to be turned; `None` if it does not say.
    pub rotation: Option<Rotation>,
    /// What the codec's payload format wrote.
    pub payload: Bytes,
    /// When it came in.
    pub arrival: Instant,
}

/// What a sender report says about the line of time of a stream (RFC 3550, 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// The stream it speaks of.
    pub ssrc: u32,
    /// Wall-clock time at the sender.
    pub ntp: NtpTime,
    /// The same moment in the stream's RTP time.
    pub rtp: RtpTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_compare_across_the_wrap() {
        for (a, b, distance) in [(0, 65_535, 1), (65_535, 0, -1), (5, 5, 0), (10, 3, 7), (100, 65_500, 136)] {
            assert_eq!(SeqNo(a).distance(SeqNo(b)), distance, "{a} from {b}");
        }
        assert_eq!(SeqNo(65_535).next(), SeqNo(0));
    }
}
