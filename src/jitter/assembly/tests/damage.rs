use super::*;

#[test]
fn what_nobody_depends_on_is_not_waited_for() {
    // Every second frame is disposable. Which packets are lost, and what leaves at once.
    use Out::{Damaged, Empty, Frame, Wait};
    for (lost, expected) in [
        (&[4_usize][..], &[Frame(0), Damaged(1), Frame(2), Frame(3), Empty][..]),
        (&[3], &[Frame(0), Damaged(1), Frame(2), Frame(3), Empty]),
        (&[3, 4], &[Frame(0), Damaged(1), Frame(2), Frame(3), Empty]),
        // Its end, or the beginning of the next.
        (&[5], &[Frame(0), Wait(166)]),
        // The frame that the others depend on is missing, too.
        (&[7], &[Frame(0), Frame(1), Wait(166)]),
        (&[5, 6], &[Frame(0), Wait(166)]),
        (&[5, 6, 7, 8], &[Frame(0), Wait(199)]),
        (&[3, 4, 5], &[Frame(0), Wait(166)]),
    ] {
        let stream = Stream::new(now());
        let mut buffer = buffer();
        for n in (0..12).filter(|n| !lost.contains(n)) {
            let mut packet = stream.packet(n);
            if n / 3 % 2 == 1 {
                packet.payload = [&[0x01], &packet.payload[1..]].concat().into();
            }
            buffer.insert(packet);
        }
        for expected in expected {
            let at = stream.start + Duration::from_millis(100);
            assert_eq!(&pop(&mut buffer, &stream, at), expected, "without {lost:?}");
        }
        assert!(!buffer.needs_key_frame());
    }
}

#[test]
fn of_a_damaged_frame_whole_units_leave() {
    let stream = Stream { packets_per_frame: 5, ..Stream::new(now()) };
    // Frame 1 is two single units with a fragmented one between them, of which one fragment is lost.
    for lost in [6, 7, 8] {
        let mut buffer = buffer();
        (0..5).for_each(|n| buffer.insert(stream.packet(n)));
        let units = [&[0x41, 7][..], &[0x5c, 0x81, 2], &[0x5c, 0x01, 3], &[0x5c, 0x41, 4], &[9, 8]];
        for (n, unit) in (5..).zip(units).filter(|(n, _)| *n != lost) {
            buffer.insert(RtpPacket { payload: Bytes::from_static(unit), ..stream.packet(n) });
        }
        let at = stream.start + Duration::from_millis(200);
        assert_eq!(pop(&mut buffer, &stream, at), Out::Frame(0));
        let Pop::Frame(arrived) = buffer.pop(at) else { panic!("a damaged frame") };
        assert!(arrived.damaged);
        let units: Vec<u8> = arrived.frame.payload.iter().copied().filter(|byte| *byte > 1).collect();
        assert_eq!(units, [0x41, 7, 9, 8], "{lost}");
    }
}
