mod damage;
mod layers;

use std::collections::HashSet;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    codec::depacketizer,
    jitter::lossy_path::LossyPath,
    media::{Codec, SeqNo, now},
};

const RATE: u32 = 90_000;
const PATIENCE: Duration = Duration::from_millis(100);

fn buffer() -> VideoBuffer {
    let mut buffer = VideoBuffer::new(depacketizer(Codec::H264).expect("for pictures"), RATE);
    buffer.set_patience(PATIENCE);
    buffer
}

/// A stream of frames of several packets each, every packet a NAL unit that names its frame.
struct Stream {
    start: Instant,
    first_seq: u16,
    first_timestamp: u32,
    packets_per_frame: usize,
    key_every: usize,
    markers: bool,
}

impl Stream {
    fn new(start: Instant) -> Self {
        Self {
            start,
            first_seq: 65_530,
            first_timestamp: u32::MAX - 7_000,
            packets_per_frame: 3,
            key_every: 10,
            markers: true,
        }
    }

    /// The `n`-th packet; its arrival is the moment of sending, at 30 frames a second.
    fn packet(&self, n: usize) -> RtpPacket {
        let (frame, part) = (n / self.packets_per_frame, n % self.packets_per_frame);
        let header = match part {
            0 if frame.is_multiple_of(self.key_every) => 0x67,
            _ if frame.is_multiple_of(self.key_every) => 0x65,
            _ => 0x41,
        };
        let mut payload = vec![header];
        payload.extend((frame as u32).to_be_bytes());
        payload.push(part as u8);
        RtpPacket {
            ssrc: 1,
            payload_type: 96,
            seq: SeqNo(self.first_seq.wrapping_add(n as u16)),
            timestamp: RtpTime(self.first_timestamp.wrapping_add(frame as u32 * 3_000)),
            marker: self.markers && part + 1 == self.packets_per_frame,
            rotation: None,
            payload: Bytes::from(payload),
            arrival: self.start + Duration::from_millis(33) * frame as u32 + Duration::from_micros(100) * part as u32,
        }
    }

    /// The number of the frame, if every part of it is in its place. A key frame may lack its
    /// beginning: a loss before it is indistinguishable, and the decoder will refuse it.
    fn number(&self, arrived: &Arrived) -> Option<u32> {
        let units: Vec<&[u8]> = arrived.frame.payload.chunks(10).collect();
        let number = u32::from_be_bytes(units.first()?.get(5..9)?.try_into().ok()?);
        let missing = self.packets_per_frame - units.len();
        let in_place = units
            .iter()
            .enumerate()
            .all(|(part, unit)| unit[5..9] == number.to_be_bytes() && usize::from(unit[9]) == missing + part);
        (in_place && (missing == 0 || arrived.frame.key_frame)).then_some(number)
    }
}

/// The number of a frame of which something may be missing, none of it from another frame.
fn any_number(arrived: &Arrived) -> u32 {
    let mut numbers =
        arrived.frame.payload.chunks(10).map(|unit| u32::from_be_bytes([unit[5], unit[6], unit[7], unit[8]]));
    let number = numbers.next().expect("never empty");
    assert!(numbers.all(|other| other == number));
    number
}

/// What came out, shortened for tables.
#[derive(Debug, PartialEq)]
enum Out {
    Frame(u32),
    Damaged(u32),
    Missing,
    Wait(u64),
    Empty,
}

fn pop(buffer: &mut VideoBuffer, stream: &Stream, at: Instant) -> Out {
    match buffer.pop(at) {
        Pop::Frame(arrived) if arrived.damaged => Out::Damaged(any_number(&arrived)),
        Pop::Frame(arrived) => Out::Frame(stream.number(&arrived).expect("a whole frame")),
        Pop::Missing => Out::Missing,
        Pop::WaitUntil(until) => Out::Wait(until.duration_since(stream.start).as_millis() as u64),
        Pop::Empty => Out::Empty,
    }
}

#[test]
fn packets_in_pops_out() {
    use Out::{Damaged, Empty, Frame, Missing, Wait};
    // Packets by number (three a frame, the first of every ten frames a key frame), then what pops
    // give at that many milliseconds.
    type Steps<'a> = &'a [(&'a [usize], u64, &'a [Out])];
    let cases: &[(&str, Steps<'_>)] = &[
        ("in order", &[(&[0, 1, 2], 0, &[Frame(0), Empty]), (&[3, 4], 40, &[Empty]), (&[5], 40, &[Frame(1), Empty])]),
        ("reordered inside a frame", &[(&[2, 0, 1], 0, &[Frame(0), Empty])]),
        (
            "reordered frames",
            &[(&[0, 1, 2, 6, 7, 8], 66, &[Frame(0), Wait(166)]), (&[5, 4, 3], 90, &[Frame(1), Frame(2), Empty])],
        ),
        ("a hole that is filled", &[(&[0, 1, 2, 3, 5], 33, &[Frame(0), Wait(133)]), (&[4], 130, &[Frame(1), Empty])]),
        (
            "a hole that stays, then a key frame",
            &[
                (&[0, 1, 2, 3, 5, 6, 7, 8], 132, &[Frame(0), Wait(133)]),
                (&[], 134, &[Damaged(1), Damaged(2), Empty]),
                (&[9, 10, 11, 30, 31], 340, &[Damaged(3), Wait(430)]),
                // It begins with the parameters: what is missing in front of it was another frame's.
                (&[32], 340, &[Frame(10), Empty]),
                (&[29], 341, &[Empty]),
                (&[33, 34, 35], 370, &[Frame(11), Empty]),
            ],
        ),
        (
            "the key frame is already there",
            &[
                (&[0, 1, 2, 3, 5], 33, &[Frame(0), Wait(133)]),
                // Nothing in front of it is waited for.
                (&[27, 28, 29, 30, 31, 32], 133, &[Frame(10), Empty]),
            ],
        ),
        (
            "a frame is lost as a whole",
            &[(&[0, 1, 2, 6, 7, 8], 67, &[Frame(0), Wait(166)]), (&[9], 167, &[Damaged(2), Empty])],
        ),
        (
            "a key frame with a hole",
            &[
                (&[27, 28, 29], 300, &[Empty]),
                (&[30, 31, 32, 33, 34, 35], 367, &[Frame(10), Frame(11), Empty]),
                (&[60, 62, 63, 64, 65], 700, &[Wait(760)]),
                (&[], 801, &[Missing, Empty]),
            ],
        ),
        (
            "no key frame at the beginning",
            &[(&[3, 4, 5, 6, 7, 8], 70, &[Empty]), (&[27, 28, 29, 30, 31, 32], 330, &[Frame(10), Empty])],
        ),
        (
            "the second half of a key frame is no beginning",
            &[(&[28, 29, 31, 32], 330, &[Wait(430)]), (&[30], 335, &[Frame(10)])],
        ),
        (
            "a key frame with a hole is given up",
            &[
                (&[0, 2, 3, 4, 5], 33, &[Wait(100)]),
                (&[], 140, &[Empty]),
                (&[1], 141, &[Empty]),
                (&[30, 31, 32], 500, &[Frame(10)]),
            ],
        ),
        (
            "twice the same",
            &[(&[0, 0, 1, 2, 2, 1], 0, &[Frame(0), Empty]), (&[0, 1, 2, 3, 4, 5], 33, &[Frame(1), Empty])],
        ),
    ];
    for (name, steps) in cases {
        let stream = Stream::new(now());
        let mut buffer = buffer();
        for (n, (packets, millis, expected)) in steps.iter().enumerate() {
            packets.iter().for_each(|&n| buffer.insert(stream.packet(n)));
            for (i, expected) in expected.iter().enumerate() {
                let at = stream.start + Duration::from_millis(*millis);
                assert_eq!(&pop(&mut buffer, &stream, at), expected, "{name}, step {n}, pop {i}");
            }
        }
    }
}

#[test]
fn a_frame_without_marker_ends_where_the_next_begins() {
    let stream = Stream { markers: false, ..Stream::new(now()) };
    let mut buffer = buffer();
    (0..3).for_each(|n| buffer.insert(stream.packet(n)));
    assert_eq!(pop(&mut buffer, &stream, stream.start), Out::Empty);
    buffer.insert(stream.packet(3));
    assert_eq!(pop(&mut buffer, &stream, stream.start), Out::Frame(0));
}

#[test]
fn frames_know_their_time_and_arrival() {
    let stream = Stream::new(now());
    let mut buffer = buffer();
    [0, 2, 1, 3, 4, 5].into_iter().for_each(|n| buffer.insert(stream.packet(n)));
    let mut frames = std::iter::from_fn(|| match buffer.pop(stream.start) {
        Pop::Frame(arrived) => Some(arrived),
        _ => None,
    });
    let (first, second) = (frames.next().expect("a frame"), frames.next().expect("another"));
    assert!(first.frame.key_frame && !second.frame.key_frame);
    assert_eq!(first.first_arrival, stream.start);
    assert_eq!(first.completed_at, stream.start + Duration::from_micros(200));
    // Across the wrap of the time stamp.
    let step = second.frame.media_time.saturating_since(first.frame.media_time);
    assert_eq!(step, Duration::from_micros(33_333) + Duration::from_nanos(333));
    assert_eq!(buffer.media_time(stream.packet(3).timestamp), Some(second.frame.media_time));
}

#[test]
fn a_frame_is_complete_when_those_before_it_are() {
    let stream = Stream::new(now());
    let mut buffer = buffer();
    let mut packets: Vec<RtpPacket> = (0..9).map(|n| stream.packet(n)).collect();
    let late = stream.start + Duration::from_millis(120);
    packets[4].arrival = late;
    packets.sort_by_key(|packet| packet.arrival);
    packets.into_iter().for_each(|packet| buffer.insert(packet));
    let completed: Vec<Instant> = std::iter::from_fn(|| match buffer.pop(late) {
        Pop::Frame(arrived) => Some(arrived.completed_at),
        _ => None,
    })
    .collect();
    assert_eq!(completed, [stream.packet(2).arrival, late, late]);
}

#[test]
fn a_key_frame_is_needed_until_one_is_on_its_way() {
    let stream = Stream::new(now());
    let mut buffer = buffer();
    assert!(!buffer.needs_key_frame(), "nothing came yet");
    buffer.insert(stream.packet(3));
    assert!(buffer.needs_key_frame());
    buffer.insert(stream.packet(30));
    assert!(!buffer.needs_key_frame());
    [31, 32, 33, 35].into_iter().for_each(|n| buffer.insert(stream.packet(n)));
    let at = stream.start + Duration::from_millis(600);
    assert_eq!(pop(&mut buffer, &stream, at), Out::Frame(10));
    assert!(!buffer.needs_key_frame());
    assert_eq!(pop(&mut buffer, &stream, at), Out::Damaged(11));
    assert!(buffer.needs_key_frame());
    (36..39).for_each(|n| buffer.insert(stream.packet(n)));
    buffer.skip_to_key_frame();
    assert_eq!(pop(&mut buffer, &stream, at), Out::Empty);
    assert!(buffer.needs_key_frame());
    (60..63).for_each(|n| buffer.insert(stream.packet(n)));
    assert!(!buffer.needs_key_frame());
}

#[test]
fn padding_between_frames_is_passed_over() {
    let stream = Stream::new(now());
    let mut buffer = buffer();
    for n in 0..3 {
        buffer.insert(stream.packet(n));
    }
    // Packets 3 and 4 are padding with the time stamp of the frame before; its sequel moves up.
    for n in [3, 4] {
        buffer.insert(RtpPacket {
            payload: Bytes::new(),
            timestamp: stream.packet(2).timestamp,
            marker: false,
            rotation: None,
            ..stream.packet(n)
        });
    }
    for n in 3..6 {
        buffer.insert(RtpPacket { seq: stream.packet(n + 2).seq, ..stream.packet(n) });
    }
    assert_eq!(pop(&mut buffer, &stream, stream.start), Out::Frame(0));
    assert_eq!(pop(&mut buffer, &stream, stream.start), Out::Frame(1));
    assert_eq!(pop(&mut buffer, &stream, stream.start), Out::Empty);
}

#[test]
fn a_malformed_packet_costs_up_to_the_next_key_frame() {
    let stream = Stream::new(now());
    let mut buffer = buffer();
    for n in 0..36 {
        let mut packet = stream.packet(n);
        if n == 4 {
            packet.payload = Bytes::from_static(&[0x78, 0, 9, 1]);
        }
        buffer.insert(packet);
    }
    for expected in [Out::Frame(0), Out::Missing, Out::Frame(10), Out::Frame(11), Out::Empty] {
        assert_eq!(pop(&mut buffer, &stream, stream.start), expected);
    }
}

#[test]
fn when_full_it_drops_up_to_the_next_key_frame() {
    let stream = Stream { key_every: 200, ..Stream::new(now()) };
    let mut buffer = buffer();
    // Packet 4 never comes and nobody pops: 1,023 others fit.
    (0..1_300).filter(|&n| n != 4).for_each(|n| buffer.insert(stream.packet(n)));
    assert!(buffer.packets.len() <= CAPACITY);
    let at = stream.start;
    assert_eq!(pop(&mut buffer, &stream, at), Out::Frame(200));
    assert_eq!(pop(&mut buffer, &stream, at), Out::Frame(201));
    assert_eq!(buffer.reception().discarded, 599);
}

#[test]
fn another_ssrc_begins_anew() {
    let stream = Stream::new(now());
    let mut buffer = buffer();
    (0..4).for_each(|n| buffer.insert(stream.packet(n)));
    for n in 0..3 {
        buffer.insert(RtpPacket { ssrc: 2, seq: SeqNo(n), ..stream.packet(usize::from(n)) });
    }
    assert_eq!(pop(&mut buffer, &stream, stream.start), Out::Frame(0));
    assert_eq!(buffer.reception().received, 3);
}

/// Runs packets in order of arrival through a buffer that is asked after each, and after each wait.
fn run(buffer: &mut VideoBuffer, stream: &Stream, packets: &[RtpPacket]) -> (Vec<(u32, bool)>, Vec<u32>) {
    let (mut frames, mut damaged) = (Vec::new(), Vec::new());
    let mut drain = |buffer: &mut VideoBuffer, at: Instant, until: Option<Instant>| {
        let mut at = at;
        loop {
            match buffer.pop(at) {
                Pop::Frame(arrived) => {
                    if arrived.damaged {
                        damaged.push(any_number(&arrived));
                    } else {
                        frames.push((stream.number(&arrived).expect("a whole frame"), arrived.frame.key_frame));
                    }
                    assert!(arrived.first_arrival <= arrived.completed_at && arrived.completed_at <= at);
                }
                Pop::Missing => {}
                Pop::WaitUntil(next) => {
                    assert!(next > at, "to wait for the past would spin");
                    if until.is_some_and(|until| next >= until) {
                        break;
                    }
                    at = next;
                }
                Pop::Empty => break,
            }
        }
    };
    for (i, packet) in packets.iter().enumerate() {
        buffer.insert(packet.clone());
        drain(buffer, packet.arrival, packets.get(i + 1).map(|next| next.arrival));
    }
    (frames, damaged)
}

#[test]
fn a_lossy_path_with_retransmission_loses_nothing() {
    let stream = Stream { packets_per_frame: 8, key_every: 1_000_000, ..Stream::new(now()) };
    let path = LossyPath {
        jitter: Duration::from_millis(15),
        loss: 0.05,
        duplicates: 0.02,
        retransmission: Duration::from_millis(60),
        ..LossyPath::CLEAN
    };
    let packets = path.carry((0..8 * 600).map(|n| stream.packet(n)));
    let mut buffer = buffer();
    let (frames, damaged) = run(&mut buffer, &stream, &packets);
    assert_eq!((frames.len(), damaged.len()), (600, 0));
    let reception = buffer.reception();
    assert_eq!((reception.received, reception.lost), (4_800, 0));
    // Nothing tells that the very first frame has a beginning, if its end comes first.
    assert!(reception.discarded < 8, "{reception:?}");
    assert!(reception.recovered > 200 && reception.duplicated > 50, "{reception:?}");
}

#[test]
fn a_lossy_path_without_retransmission_goes_on_at_each_key_frame() {
    let stream = Stream { packets_per_frame: 4, key_every: 15, ..Stream::new(now()) };
    let path = LossyPath { loss: 0.01, ..LossyPath::CLEAN };
    let packets = path.carry((0..4 * 1_500).map(|n| stream.packet(n)));
    let mut buffer = buffer();
    let (frames, damaged) = run(&mut buffer, &stream, &packets);
    assert!(frames.len() > 800, "{} frames", frames.len());
    // But for key frames with a hole and what depends on them, there is something of all.
    assert!(frames.len() + damaged.len() > 1_300, "{} frames, {} damaged", frames.len(), damaged.len());
    assert_eq!(buffer.reception().lost, 6_000 - packets.len() as u64);
}

proptest! {
    /// Whatever the path does, frames that are not marked as damaged are whole, in order, never twice, and each but a key frame
    /// follows the one before it.
    #[test]
    fn any_order_loss_and_duplication(
        first_seq: u16,
        first_timestamp: u32,
        packets_per_frame in 1_usize..6,
        markers: bool,
        fates in prop::collection::vec((0_u64..400, prop::bool::weighted(0.9), prop::bool::weighted(0.1)), 1..300),
    ) {
        let stream = Stream { first_seq, first_timestamp, packets_per_frame, markers, ..Stream::new(now()) };
        let mut packets = Vec::new();
        for (n, (delay, arrives, twice)) in fates.into_iter().enumerate() {
            let mut packet = stream.packet(n);
            packet.arrival += Duration::from_millis(delay);
            let copies = usize::from(arrives) + usize::from(arrives && twice);
            packets.extend(std::iter::repeat_n(packet, copies));
        }
        packets.sort_by_key(|packet| packet.arrival);
        let mut buffer = buffer();
        let (frames, damaged) = run(&mut buffer, &stream, &packets);
        for pair in frames.windows(2) {
            let ((before, _), (after, key)) = (pair[0], pair[1]);
            prop_assert!(after == before + 1 || (key && after > before), "{} after {}", after, before);
        }
        prop_assert!(damaged.is_sorted_by(|before, after| before < after));
        prop_assert!(damaged.iter().all(|number| frames.iter().all(|(frame, _)| frame != number)));
        prop_assert!(frames.first().is_none_or(|(_, key)| *key));
        let counts = buffer.reception();
        let unique: HashSet<u16> = packets.iter().map(|packet| packet.seq.0).collect();
        prop_assert_eq!(counts.received as usize, unique.len());
        prop_assert_eq!(counts.duplicated as usize, packets.len() - unique.len());
    }
}
