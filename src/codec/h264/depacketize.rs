//! RTP payloads to Annex B: single NAL units, STAP-A and FU-A (RFC 6184, 5.6 to 5.8).

use bytes::BytesMut;

use super::{NAL_IDR, NAL_SLICE, NAL_SPS};
use crate::{
    codec::{Depacketizer, PayloadError, TemporalLayer},
    media::{RtpPacket, SeqNo},
};

const START_CODE: [u8; 4] = [0, 0, 0, 1];
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

#[derive(Debug, Default)]
pub(super) struct H264Depacketizer {
    /// The sequence number that continues the NAL unit being put together.
    fragment: Option<SeqNo>,
}

impl Depacketizer for H264Depacketizer {
    fn is_start(&self, packet: &RtpPacket) -> bool {
        match packet.payload[..] {
            [indicator, header, ..] if nal_type(indicator) == FU_A => header & 0x80 != 0,
            _ => true,
        }
    }

    fn is_end(&self, packet: &RtpPacket) -> bool {
        match packet.payload[..] {
            [indicator, header, ..] if nal_type(indicator) == FU_A => header & 0x40 != 0,
            _ => true,
        }
    }

    fn is_key(&self, packet: &RtpPacket) -> bool {
        let opens = |header: u8| matches!(nal_type(header), NAL_IDR | NAL_SPS);
        match packet.payload[..] {
            [] => false,
            [indicator, header, ..] if nal_type(indicator) == FU_A => header & 0x80 != 0 && opens(header),
            [indicator, ..] if nal_type(indicator) == STAP_A => {
                aggregated(&packet.payload[1..]).filter_map(Result::ok).any(|unit| opens(unit[0]))
            }
            [header, ..] => opens(header),
        }
    }

    fn is_entry(&self, packet: &RtpPacket) -> bool {
        // Nothing but delimiters and remarks comes before a sequence's parameters (H.264, 7.4.1.2.3).
        match packet.payload[..] {
            [indicator, ..] if nal_type(indicator) == STAP_A => {
                aggregated(&packet.payload[1..]).filter_map(Result::ok).any(|unit| nal_type(unit[0]) == NAL_SPS)
            }
            [header, ..] => nal_type(header) == NAL_SPS,
            [] => false,
        }
    }

    fn continues(&self, _: &RtpPacket) -> bool {
        // Frames have numbers, but not in each packet.
        false
    }

    fn is_disposable(&self, packet: &RtpPacket) -> bool {
        // An aggregate has the greatest importance of its units, a fragment that of its unit.
        let importance = |header: u8| header & 0x60;
        match packet.payload[..] {
            [indicator, ..] if matches!(nal_type(indicator), NAL_SLICE | STAP_A | FU_A) => importance(indicator) == 0,
            _ => false,
        }
    }

    fn layer(&self, _: &RtpPacket) -> TemporalLayer {
        TemporalLayer::default()
    }

    fn append(&mut self, packet: &RtpPacket, out: &mut BytesMut) -> Result<(), PayloadError> {
        let fragment = self.fragment.take();
        let [indicator, rest @ ..] = &packet.payload[..] else {
            // Padding alone, sent to probe the line.
            return Ok(());
        };
        match nal_type(*indicator) {
            1..=23 => push(out, &[], &packet.payload),
            STAP_A => {
                for unit in aggregated(rest) {
                    push(out, &[], unit?);
                }
            }
            FU_A => {
                let [header, body @ ..] = rest else {
                    return Err(PayloadError("a fragment without a header"));
                };
                if header & 0x80 != 0 {
                    push(out, &[(indicator & 0xe0) | nal_type(*header)], body);
                } else if fragment == Some(packet.seq) && !out.is_empty() {
                    out.extend_from_slice(body);
                } else {
                    return Err(PayloadError("a fragment without its beginning"));
                }
                if header & 0x40 == 0 {
                    self.fragment = Some(packet.seq.next());
                }
            }
            _ => return Err(PayloadError("an H.264 packet type that was not negotiated")),
        }
        Ok(())
    }
}

const fn nal_type(header: u8) -> u8 {
    header & 0x1f
}

fn push(out: &mut BytesMut, header: &[u8], body: &[u8]) {
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(header);
    out.extend_from_slice(body);
}

/// Splits the body of a STAP-A into its NAL units, none empty; ends at the first error.
fn aggregated(mut body: &[u8]) -> impl Iterator<Item = Result<&[u8], PayloadError>> {
    std::iter::from_fn(move || {
        let [high, low, rest @ ..] = body else {
            return if std::mem::take(&mut body).is_empty() { None } else { Some(Err(CUT)) };
        };
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        if len == 0 || len > rest.len() {
            body = &[];
            return Some(Err(CUT));
        }
        let (unit, left) = rest.split_at(len);
        body = left;
        Some(Ok(unit))
    })
}

const CUT: PayloadError = PayloadError("an aggregate of NAL units whose lengths do not add up");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::contract::packet;

    /// Depacketizes payloads sent with consecutive numbers across the wrap.
    fn depacketize(payloads: &[&[u8]]) -> Result<Vec<u8>, PayloadError> {
        let (mut depacketizer, mut out) = (H264Depacketizer::default(), BytesMut::new());
        for (i, payload) in payloads.iter().enumerate() {
            depacketizer.append(&packet(65_535_u16.wrapping_add(i as u16), payload), &mut out)?;
        }
        Ok(out.to_vec())
    }

    #[test]
    fn each_packet_type_becomes_annex_b() {
        type Case<'a> = (&'a str, &'a [&'a [u8]], &'a [u8]);
        let cases: &[Case<'_>] = &[
            ("single", &[&[0x65, 1, 2]], &[0, 0, 0, 1, 0x65, 1, 2]),
            ("two", &[&[0x41, 1], &[0x41, 2]], &[0, 0, 0, 1, 0x41, 1, 0, 0, 0, 1, 0x41, 2]),
            ("aggregate", &[&[0x78, 0, 2, 0x67, 9, 0, 1, 0x68]], &[0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68]),
            ("fragments", &[&[0x7c, 0x85, 1], &[0x7c, 0x05, 2], &[0x7c, 0x45, 3]], &[0, 0, 0, 1, 0x65, 1, 2, 3]),
            ("padding", &[&[], &[0x41, 1]], &[0, 0, 0, 1, 0x41, 1]),
        ];
        for (name, payloads, expected) in cases {
            assert_eq!(depacketize(payloads).as_deref(), Ok(*expected), "{name}");
        }
    }

    #[test]
    fn malformed_payloads_are_refused() {
        let cases: &[(&str, &[&[u8]])] = &[
            ("no beginning", &[&[0x7c, 0x05, 2]]),
            ("no header", &[&[0x7c]]),
            ("another unit in between", &[&[0x7c, 0x85, 1], &[0x41, 1], &[0x7c, 0x45, 3]]),
            ("after the end", &[&[0x7c, 0xc5, 1], &[0x7c, 0x45, 3]]),
            ("aggregate cut short", &[&[0x78, 0, 9, 1]]),
            ("aggregate with an empty unit", &[&[0x78, 0, 0]]),
            ("aggregate with half a length", &[&[0x78, 0]]),
            ("FU-B", &[&[29, 0x85, 0, 0]]),
            ("reserved", &[&[0]]),
        ];
        for (name, payloads) in cases {
            assert!(depacketize(payloads).is_err(), "{name}");
        }
    }

    #[test]
    fn starts_and_keys_are_told() {
        for (name, payload, start, key, entry) in [
            ("delta", &[0x41, 1][..], true, false, false),
            ("idr", &[0x65, 1], true, true, false),
            ("sps", &[0x67, 1], true, true, true),
            ("pps", &[0x68, 1], true, false, false),
            ("idr fragment, first", &[0x7c, 0x85, 1], true, true, false),
            ("idr fragment, second", &[0x7c, 0x05, 1], false, false, false),
            ("delta fragment, first", &[0x7c, 0x81, 1], true, false, false),
            ("aggregate with sps", &[0x78, 0, 1, 0x09, 0, 1, 0x67], true, true, true),
            ("aggregate without", &[0x78, 0, 1, 0x09, 0, 1, 0x68], true, false, false),
            ("empty", &[], true, false, false),
        ] {
            let (depacketizer, packet) = (H264Depacketizer::default(), packet(0, payload));
            let told = (depacketizer.is_start(&packet), depacketizer.is_key(&packet), depacketizer.is_entry(&packet));
            assert_eq!(told, (start, key, entry), "{name}");
        }
    }

    #[test]
    fn what_others_depend_on_is_told() {
        for (name, payload, disposable, end) in [
            ("reference", &[0x41, 1][..], false, true),
            ("disposable", &[0x01, 1], true, true),
            ("idr", &[0x65, 1], false, true),
            ("fragment of a reference", &[0x5c, 0x81, 1], false, false),
            ("fragment", &[0x1c, 0x81, 1], true, false),
            ("last fragment", &[0x1c, 0x41, 1], true, true),
            ("aggregate", &[0x18, 0, 1, 0x01], true, true),
            ("supplemental", &[0x06, 1], false, true),
            ("empty", &[], false, true),
        ] {
            let (depacketizer, packet) = (H264Depacketizer::default(), packet(0, payload));
            assert_eq!(
                (depacketizer.is_disposable(&packet), depacketizer.is_end(&packet)),
                (disposable, end),
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..8)) {
            let (mut depacketizer, mut out) = (H264Depacketizer::default(), BytesMut::new());
            for (seq, payload) in payloads.iter().enumerate() {
                let packet = packet(seq as u16, payload);
                let (before, _) = (out.len(), (depacketizer.is_start(&packet), depacketizer.is_key(&packet)));
                if depacketizer.append(&packet, &mut out).is_ok() && !payload.is_empty() {
                    prop_assert!(out.len() + 2 >= before + payload.len().min(2));
                }
            }
        }

        #[test]
        fn fragments_of_any_length_join(body in prop::collection::vec(any::<u8>(), 2..3000), len in 1_usize..1200) {
            let chunks: Vec<&[u8]> = body.chunks(len).collect();
            let payloads: Vec<Vec<u8>> = chunks.iter().enumerate().map(|(i, chunk)| {
                let start = if i == 0 { 0x80 } else { 0 };
                let end = if i + 1 == chunks.len() { 0x40 } else { 0 };
                [&[0x7c, start | end | 5], *chunk].concat()
            }).collect();
            let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(depacketize(&payloads), Ok([&[0, 0, 0, 1, 0x65], &body[..]].concat()));
        }
    }
}
