//! What is lost of temporal layers.

use super::*;

/// A packet that is a frame of VP8 of its own: numbers of picture and lowest layer, depth, and whether it builds on
/// the lowest alone.
fn layered(start: Instant, seq: u16, (id, base, depth, sync): (u8, u8, u8, bool)) -> RtpPacket {
    let first = if seq == 0 { 0x10 } else { 0x11 };
    let payload = [0x90, 0xe0, id, base, depth << 6 | u8::from(sync) << 5, first, 0, 0, id];
    RtpPacket {
        ssrc: 1,
        payload_type: 96,
        seq: SeqNo(seq),
        timestamp: RtpTime(u32::from(seq) * 3_000),
        marker: true,
        rotation: None,
        payload: Bytes::copy_from_slice(&payload),
        arrival: start + Duration::from_millis(33) * u32::from(seq),
    }
}

#[test]
fn what_is_lost_of_an_upper_layer_harms_none_below() {
    // Four frames: the lowest layer, the top, the middle, the top.
    let frame = |seq: u16| {
        let depth = [0, 2, 1, 2][usize::from(seq) % 4];
        (seq as u8, (seq / 4) as u8, depth, false)
    };
    for (lost, sync_at, left) in [
        // A frame of the top, but who knows: both upper layers are left out until they are sound again.
        (&[5][..], 10, &[0, 1, 2, 3, 4, 8, 10, 12][..]),
        // The middle.
        (&[6], 10, &[0, 1, 2, 3, 4, 5, 8, 10, 12]),
        // Both of the upper layers before a frame of the lowest.
        (&[6, 7], 10, &[0, 1, 2, 3, 4, 5, 8, 10, 12]),
    ] {
        let start = now();
        let mut buffer = VideoBuffer::new(depacketizer(Codec::Vp8).expect("for pictures"), RATE);
        buffer.set_patience(PATIENCE);
        let mut frames = Vec::new();
        for seq in (0..13).filter(|seq| !lost.contains(seq)) {
            let (id, base, depth, _) = frame(seq);
            buffer.insert(layered(start, seq, (id, base, depth, seq == sync_at)));
        }
        loop {
            match buffer.pop(start + Duration::from_secs(5)) {
                Pop::Frame(arrived) => {
                    assert!(!arrived.damaged, "{lost:?}");
                    frames.push(*arrived.frame.payload.last().expect("never empty"));
                }
                Pop::Empty => break,
                other => panic!("{lost:?}: {other:?}"),
            }
        }
        assert_eq!(frames, left, "{lost:?}");
        assert!(!buffer.needs_key_frame(), "{lost:?}");
    }
}

#[test]
fn what_is_lost_of_the_lowest_layer_harms_all_and_a_lasting_loss_above_is_mended() {
    let start = now();
    let mut buffer = VideoBuffer::new(depacketizer(Codec::Vp8).expect("for pictures"), RATE);
    buffer.set_patience(PATIENCE);
    for seq in (0..8_u16).filter(|seq| *seq != 4) {
        buffer.insert(layered(start, seq, (seq as u8, (seq / 2) as u8, (seq % 2) as u8, false)));
    }
    let damaged = |buffer: &mut VideoBuffer| match buffer.pop(start + Duration::from_secs(5)) {
        Pop::Frame(arrived) => Some(arrived.damaged),
        _ => None,
    };
    let told: Vec<bool> = std::iter::from_fn(|| damaged(&mut buffer)).collect();
    // Four whole ones, then the lowest layer alone.
    assert_eq!(told, [false, false, false, false, true]);
    assert!(buffer.needs_key_frame());

    let mut buffer = VideoBuffer::new(depacketizer(Codec::Vp8).expect("for pictures"), RATE);
    buffer.set_patience(PATIENCE);
    for seq in (0..60_u16).filter(|seq| *seq != 3) {
        buffer.insert(layered(start, seq, ((seq & 0x7f) as u8, (seq / 2) as u8, (seq % 2) as u8, false)));
    }
    while damaged(&mut buffer).is_some() {}
    assert!(buffer.needs_key_frame(), "the upper layer is damaged for ever");
}

#[test]
fn a_gap_of_padding_is_passed_over_and_one_in_a_frame_is_not() {
    let start = now();
    let mut buffer = VideoBuffer::new(depacketizer(Codec::Vp8).expect("for pictures"), RATE);
    buffer.set_patience(PATIENCE);
    let piece = |seq: u16, id: u8, part: u8, marker: bool| {
        let whole = layered(start, seq, (id, id, 0, false));
        let mut payload = whole.payload.to_vec();
        if part > 0 {
            payload[0] = 0x80;
        }
        RtpPacket { payload: payload.into(), timestamp: RtpTime(u32::from(id) * 3_000), marker, ..whole }
    };
    // A key frame, a gap before the next by its number, and that with a gap within.
    for packet in [piece(0, 0, 0, true), piece(5, 1, 0, false), piece(7, 1, 2, true)] {
        buffer.insert(packet);
    }
    assert!(matches!(buffer.pop(start), Pop::Frame(_)));
    assert!(matches!(buffer.pop(start), Pop::WaitUntil(_)));
    buffer.insert(piece(6, 1, 1, false));
    assert!(matches!(buffer.pop(start), Pop::Frame(arrived) if !arrived.damaged));
    assert_eq!(buffer.pop(start), Pop::Empty);
}
