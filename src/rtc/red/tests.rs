use proptest::{collection::vec, prelude::*};

use super::*;
use crate::media::now;

const OFFER: &str = "v=0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n";

fn incoming(sdp: &str) -> Incoming {
    let incoming = Incoming::default();
    incoming.offered(sdp);
    incoming
}

fn packet(payload_type: u8, seq: u16, timestamp: u32, payload: impl Into<Bytes>) -> RtpPacket {
    let (seq, timestamp) = (SeqNo(seq), RtpTime(timestamp));
    RtpPacket {
        ssrc: 2,
        payload_type,
        seq,
        timestamp,
        marker: false,
        rotation: None,
        payload: payload.into(),
        arrival: now(),
    }
}

/// What a packet holds, in short.
fn unpacked(unpacker: &mut Unpacker, packet: RtpPacket) -> Vec<(u8, u16, u32, Bytes)> {
    let mut taken = Vec::new();
    unpacker.unpack(packet, |packet| {
        taken.push((packet.payload_type, packet.seq.0, packet.timestamp.0, packet.payload));
    });
    taken
}

#[test]
fn it_is_recognised_by_what_was_offered() {
    for (sdp, payload_type, expected) in [
        (OFFER, 63, true),
        (OFFER, 111, false),
        (OFFER, 0, false),
        ("a=rtpmap:96 RED/48000/2\n", 96, true),
        // Of pictures.
        ("a=rtpmap:96 red/90000\n", 96, false),
        ("a=rtpmap:x red/48000/2\n", 0, false),
        ("", 0, false),
    ] {
        assert_eq!(incoming(sdp).is(payload_type), expected, "{sdp} {payload_type}");
    }
}

#[test]
fn a_packet_of_chromium_is_read() {
    // 960 ticks before: three bytes; then its own two.
    let payload = [0x80 | 111, 0x0f, 0x00, 0x03, 111, 1, 2, 3, 4, 5];
    let red = packet(63, 1, 960, payload.to_vec());
    let expected = vec![(111, 0, 0, Bytes::from_static(&[1, 2, 3])), (111, 1, 960, Bytes::from_static(&[4, 5]))];
    assert_eq!(unpacked(&mut Unpacker::new(incoming(OFFER)), red), expected);
}

#[test]
fn each_packet_is_handed_over_once() {
    let mut unpacker = Unpacker::new(incoming(OFFER));
    let mut packer = Packer::new(63);
    packer.set_copies(2);
    let mut sent = Vec::new();
    for n in 0..10_u16 {
        let (seq, timestamp, payload) = (65_530_u16.wrapping_add(n), u32::from(n) * 960, Bytes::from(vec![n as u8; 5]));
        sent.push(match packer.pack(111, timestamp, &payload, 1_180) {
            Some(packed) => packet(63, seq, timestamp, packed),
            None => packet(111, seq, timestamp, payload),
        });
    }
    assert_eq!(sent.iter().filter(|packet| packet.payload_type == 63).count(), 9, "all but the first");
    let mut taken = |n: usize| -> Vec<u8> {
        unpacked(&mut unpacker, sent[n].clone()).into_iter().map(|(_, _, _, payload)| payload[0]).collect()
    };
    assert_eq!(taken(0), [0]);
    assert_eq!(taken(1), [1]);
    assert_eq!(taken(4), [2, 3, 4], "two were lost");
    assert_eq!(taken(8), [6, 7, 8], "one is lost for good");
    assert_eq!(taken(5), [5], "until it comes late");
    assert_eq!(taken(9), [9]);
}

#[test]
fn copies_go_along_as_far_as_they_fit() {
    let copies = |timestamps: &[u32], length: usize, room: usize| {
        let mut packer = Packer::new(63);
        packer.set_copies(9);
        let payload = Bytes::from(vec![7; length]);
        let packed: Vec<_> = timestamps.iter().map(|at| packer.pack(111, *at, &payload, room)).collect();
        packed.last().and_then(Option::as_ref).map_or(0, |packed| blocks(packed).expect("well formed").len() - 1)
    };
    assert_eq!(copies(&[0], 80, 1_180), 0, "there is nothing before the first");
    assert_eq!(copies(&[0, 960], 80, 1_180), 1);
    assert_eq!(copies(&[0, 960, 1_920, 2_880], 80, 1_180), 2);
    assert_eq!(copies(&[0, 16_384], 80, 1_180), 0, "too long ago");
    assert_eq!(copies(&[0, 16_000, 16_960], 80, 1_180), 1);
    assert_eq!(copies(&[u32::MAX - 959, 0, 960], 80, 1_180), 2, "across the wrap");
    assert_eq!(copies(&[0, 960, 1_920], 500, 1_180), 1, "too much for one packet");
    assert_eq!(copies(&[0, 960], 1_100, 3_000), 0, "too long for a copy");
}

#[test]
fn none_goes_along_unless_asked_for() {
    let mut packer = Packer::new(63);
    let payload = Bytes::from_static(&[1]);
    assert_eq!(packer.pack(111, 0, &payload, 1_180), None);
    assert_eq!(packer.pack(111, 960, &payload, 1_180), None);
    packer.set_copies(1);
    assert!(packer.pack(111, 1_920, &payload, 1_180).is_some(), "what was sent before is known");
}

proptest! {
    #[test]
    fn nothing_malformed_panics(payload in vec(any::<u8>(), 0..60), seq: u16, timestamp: u32) {
        let taken = unpacked(&mut Unpacker::new(incoming(OFFER)), packet(63, seq, timestamp, payload.clone()));
        let bytes: usize = taken.iter().map(|(_, _, _, block)| block.len()).sum();
        prop_assert!(bytes <= payload.len());
    }

    #[test]
    fn what_is_packed_is_unpacked(
        payloads in vec(vec(any::<u8>(), 1..90), 1..30), copies in 0_usize..4, lost in vec(any::<bool>(), 30), first: u16
    ) {
        let mut packer = Packer::new(63);
        packer.set_copies(copies);
        let mut unpacker = Unpacker::new(incoming(OFFER));
        let mut got = vec![0; payloads.len()];
        for (n, payload) in payloads.iter().enumerate() {
            let (seq, timestamp) = (first.wrapping_add(n as u16), n as u32 * 960);
            let payload = Bytes::from(payload.clone());
            let sent = match packer.pack(96, timestamp, &payload, 1_180) {
                Some(packed) => packet(63, seq, timestamp, packed),
                None => packet(96, seq, timestamp, payload),
            };
            if lost[n] {
                continue;
            }
            for (payload_type, seq, timestamp, payload) in unpacked(&mut unpacker, sent) {
                let n = usize::from(seq.wrapping_sub(first));
                prop_assert_eq!((payload_type, timestamp, &payload[..]), (96, n as u32 * 960, &payloads[n][..]));
                got[n] += 1;
            }
        }
        for (n, got) in got.into_iter().enumerate() {
            let carried = (n..=n + copies.min(MAX_COPIES)).any(|by| by < payloads.len() && !lost[by]);
            prop_assert_eq!(got, u32::from(carried), "{}", n);
        }
    }
}
