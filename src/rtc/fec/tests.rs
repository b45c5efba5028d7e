use std::time::{Duration, Instant};

use proptest::{collection::vec, prelude::*};
use rtc::{
    interceptor::{
        AttributedPacket, FlexFec03Decoder, FlexFec03Encoder, Interceptor, Packet, RTPHeaderExtension, StreamInfo,
        TaggedPacket,
    },
    rtp,
    sansio::Protocol,
    sdp::extmap,
    shared::{
        TransportContext,
        marshal::{Marshal, MarshalSize},
    },
};
use tokio::sync::watch;

use super::{
    FecReceiver, FecSender,
    decode::Decoder,
    encode::{Encoder, RepairStream},
    header::Protected,
    symbol::Symbol,
};
use crate::{
    media::now,
    path::{Chance, Path, PathConfig, UnderWay},
    rtc::stage::Staged,
};

const MEDIA: u32 = 3;
const REPAIR: RepairStream = RepairStream { ssrc: 6, payload_type: 99, numbered: Some(1) };

/// Makes a frame of so many packets, with contents that differ.
fn frame(first: u16, packets: usize, chance: &mut Chance) -> Vec<rtp::Packet> {
    let packet = |place: usize| {
        let header = rtp::header::Header {
            version: 2,
            marker: place + 1 == packets,
            payload_type: 97,
            sequence_number: first.wrapping_add(place as u16),
            timestamp: u32::from(first) * 90,
            ssrc: MEDIA,
            ..Default::default()
        };
        let length = 900 + (chance.share() * 200.0) as usize;
        let pattern = chance.share().to_be_bytes();
        let payload: Vec<u8> = pattern.iter().cycle().take(length).copied().collect();
        rtp::Packet { header, payload: payload.into() }
    };
    (0..packets).map(packet).collect()
}

/// What the transport does to a packet after it was protected.
fn numbered(mut packet: rtp::Packet, number: u16) -> rtp::Packet {
    packet.header.set_extension(1, number.to_be_bytes().to_vec().into()).expect("a small extension");
    packet
}

#[test]
fn the_format_is_that_of_the_draft() {
    // Two packets of RFC 3550: payload type 96 with marker, 11 and 9 bytes of payload; 5 and 7 of the numbers.
    let one = [0x80, 0xe0, 0, 5, 0, 0, 1, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    let two = [0x80, 0x60, 0, 7, 0, 0, 2, 0, 0, 0, 0, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let packet = |bytes: &[u8]| -> rtp::Packet {
        rtc::shared::marshal::Unmarshal::unmarshal(&mut bytes::Bytes::copy_from_slice(bytes)).expect("a packet")
    };
    let mut sum = Symbol::of(&packet(&one), None).expect("it can be written");
    sum.add(&Symbol::of(&packet(&two), None).expect("it can be written"));
    let protected = Protected { ssrc: 9, base: 5, mask: 0b101 };
    let payload = protected.write(&sum);
    assert_eq!(
        payload,
        [
            0, 0x80, 0, 2, 0, 0, 3, 0, // flags, marker and type, length, time stamp
            1, 0, 0, 0, 0, 0, 0, 9, // one stream, which
            0, 5, 0xd0, 0, // base, the only mask: first and third
            0, 3, 2, 5, 4, 7, 6, 9, 8, 10, 11
        ]
    );
    assert_eq!(Protected::read(&payload), Some((protected, sum)));
    let mut decoder = Decoder::new(9, None);
    assert_eq!(decoder.media(&packet(&two)), []);
    assert_eq!(decoder.repair(&payload), [packet(&one)]);
}

#[test]
fn masks_are_written_as_they_are_read() {
    for mask in [1, 1 << 14, 1 << 15, 1 << 45, 1 << 46, 1 << 108, (1 << 109) - 1, 0b1011 << 13, 0b1011 << 44] {
        let protected = Protected { ssrc: MEDIA, base: 65_530, mask };
        let payload = protected.write(&Symbol(vec![0; 12]));
        let length = 4 + if mask < 1 << 15 {
            20
        } else if mask < 1 << 46 {
            24
        } else {
            32
        };
        assert_eq!(payload.len(), length, "{mask:b}");
        assert_eq!(Protected::read(&payload), Some((protected, Symbol(vec![0; 12]))), "{mask:b}");
        let last = 65_530_u16.wrapping_add(mask.ilog2() as u16);
        assert_eq!(super::last_protected(&payload), Some(last), "{mask:b}");
    }
}

#[test]
fn the_librarys_repair_packets_are_understood_and_it_understands_ours() {
    let mut chance = Chance(5);
    for packets in [2, 8, 15, 16, 40, 47, 60] {
        let frame = frame(65_500, packets, &mut chance);
        for lost in [0, packets / 2, packets - 1] {
            let mut decoder = Decoder::new(MEDIA, None);
            let others = frame.iter().enumerate().filter(|(place, _)| *place != lost);
            others.clone().for_each(|(_, packet)| drop(decoder.media(packet)));
            let repairs = FlexFec03Encoder::new(99, 6).encode(&frame, 2);
            let repaired: Vec<_> = repairs.iter().flat_map(|repair| decoder.repair(&repair.payload)).collect();
            assert_eq!(repaired, [frame[lost].clone()], "{lost} of {packets}");
        }
    }
    let frame = frame(65_500, 8, &mut chance);
    let mut encoder = Encoder::new(RepairStream { numbered: None, ..REPAIR });
    let repairs: Vec<_> = frame.iter().flat_map(|packet| encoder.protect(packet, 0.3)).collect();
    for lost in 0..8 {
        let mut decoder = FlexFec03Decoder::new(6, MEDIA);
        let others = frame.iter().enumerate().filter(|(place, _)| *place != lost).map(|(_, packet)| packet);
        let repaired: Vec<_> = others.chain(&repairs).flat_map(|packet| decoder.decode(packet.clone())).collect();
        assert_eq!(repaired, [frame[lost].clone()], "{lost}");
    }
}

/// What came of a stream on a path.
#[derive(Debug, Default)]
struct Outcome {
    frames: usize,
    /// Frames whose packets all came, or were repaired before anything of the next one came.
    at_once: usize,
    /// Frames that were complete before a retransmission could come, 100 ms later.
    in_time: usize,
    sent: usize,
    repair: usize,
}

impl Outcome {
    fn share(count: usize, of: usize) -> f64 {
        count as f64 / of as f64
    }
}

/// Sends 3,000 frames of about so many packets, 30 a second.
fn run(config: PathConfig, packets: usize, share: f64) -> Outcome {
    let start = now();
    let mut chance = Chance(config.seed ^ 77);
    let mut path = Path::new(config, start);
    let mut way: UnderWay<rtp::Packet> = UnderWay::new();
    let (mut encoder, mut decoder) = (Encoder::new(REPAIR), Decoder::new(MEDIA, REPAIR.numbered));
    let mut outcome = Outcome::default();
    let mut expected: std::collections::HashMap<u16, (usize, rtp::Packet)> = std::collections::HashMap::new();
    // When the last packet was sent, how many are missing, and since when none is.
    let mut frames: Vec<(Instant, usize, Option<Instant>)> = Vec::new();
    let (mut next, mut number) = (65_000_u16, 0_u16);
    for index in 0..3_000_u64 {
        let sent = start + Duration::from_micros(33_333 * index);
        while let Some((at, packet)) = way.arrived(sent) {
            let mut known = if packet.header.ssrc == MEDIA { vec![packet.clone()] } else { vec![] };
            known.extend(match packet.header.ssrc {
                MEDIA => decoder.media(&packet),
                _ => decoder.repair(&packet.payload),
            });
            for packet in known {
                let Some((frame, original)) = expected.remove(&packet.header.sequence_number) else { continue };
                assert_eq!(packet.payload, original.payload);
                assert_eq!(
                    (packet.header.marker, packet.header.timestamp),
                    (original.header.marker, original.header.timestamp)
                );
                frames[frame].1 -= 1;
                if frames[frame].1 == 0 {
                    frames[frame].2 = Some(at);
                }
            }
        }
        let size = ((packets as f64 * (0.6 + 0.8 * chance.share())).round() as usize).max(1);
        let spacing = Duration::from_micros(300);
        frames.push((sent + spacing * size as u32, size, None));
        for (place, packet) in frame(next, size, &mut chance).into_iter().enumerate() {
            let at = sent + spacing * place as u32;
            let repairs = encoder.protect(&packet, share);
            outcome.sent += 1;
            outcome.repair += repairs.len();
            expected.insert(packet.header.sequence_number, (index as usize, packet.clone()));
            for packet in std::iter::once(packet).chain(repairs) {
                number = number.wrapping_add(1);
                let packet = numbered(packet, number);
                let arrivals = path.send(at, packet.marshal_size() + 40);
                way.add(&arrivals, &packet);
            }
        }
        next = next.wrapping_add(size as u16);
        expected.retain(|_, (frame, _)| *frame + 30 > index as usize);
    }
    for (sent, _, complete) in &frames[..2_990] {
        let after = complete.map(|at| at.saturating_duration_since(*sent));
        outcome.frames += 1;
        outcome.at_once += usize::from(after.is_some_and(|after| after < Duration::from_millis(55)));
        outcome.in_time += usize::from(after.is_some_and(|after| after < Duration::from_millis(150)));
    }
    outcome
}

#[test]
fn nearly_all_frames_need_no_retransmission() {
    let path = |seed| PathConfig { seed, ..PathConfig::clean(Duration::from_millis(50)) };
    // Loss, burst, packets a frame, share; at least so many frames are complete at once, and before a retransmission;
    // at most so much is repair.
    for (loss, burst, packets, share, at_once, in_time, most) in [
        (0.05, 1, 8, 0.36, 0.98, 0.993, 0.38),
        (0.05, 1, 2, 0.36, 0.95, 0.99, 0.45),
        (0.05, 1, 1, 0.36, 0.93, 0.98, 0.45),
        (0.05, 1, 16, 0.36, 0.98, 0.99, 0.34),
        (0.05, 1, 50, 0.36, 0.97, 0.99, 0.3),
        (0.10, 1, 8, 0.51, 0.96, 0.985, 0.53),
        (0.05, 4, 8, 0.52, 0.95, 0.98, 0.53),
        (0.02, 1, 8, 0.23, 0.98, 0.99, 0.25),
        (0.0, 1, 8, 0.1, 1.0, 1.0, 0.14),
    ] {
        for seed in [1, 2, 3] {
            let outcome = run(PathConfig { loss, burst, ..path(seed) }, packets, share);
            let (first, second) = (outcome.at_once, outcome.in_time);
            let repair = Outcome::share(outcome.repair, outcome.sent);
            let (first, second) = (Outcome::share(first, outcome.frames), Outcome::share(second, outcome.frames));
            let what = format!("{loss} {burst} {packets} {seed}: {first:.4} {second:.4} {repair:.3}");
            assert!(first >= at_once && second >= in_time && repair <= most, "{what}");
        }
    }
}

#[test]
fn reordering_and_duplicates_do_no_harm() {
    for seed in [1, 2, 3] {
        let clean = PathConfig::clean(Duration::from_millis(50));
        let jitter = Duration::from_millis(8);
        let outcome = run(PathConfig { seed, jitter, reorders: true, duplicates: 0.05, loss: 0.05, ..clean }, 8, 0.36);
        assert!(Outcome::share(outcome.in_time, outcome.frames) >= 0.993, "{outcome:?}");
    }
}

#[test]
fn a_burst_as_long_as_there_are_repair_packets_is_repaired() {
    for (packets, share, burst) in [(8, 0.5, 4), (9, 0.45, 4), (16, 0.4, 5), (30, 0.5, 9)] {
        for first in 0..=packets - burst {
            let frame = frame(100, packets, &mut Chance(first as u64));
            let (mut encoder, mut decoder) = (Encoder::new(REPAIR), Decoder::new(MEDIA, Some(1)));
            let repairs: Vec<_> = frame.iter().flat_map(|packet| encoder.protect(packet, share)).collect();
            assert!(repairs.len() >= burst, "{}", repairs.len());
            let lost = &frame[first..first + burst];
            for packet in frame.iter().filter(|packet| !lost.contains(packet)) {
                assert_eq!(decoder.media(&numbered(packet.clone(), 1)), []);
            }
            let repaired: Vec<_> = repairs.iter().flat_map(|repair| decoder.repair(&repair.payload)).collect();
            assert_eq!(repaired.len(), burst, "{burst} from {first} of {packets}");
            assert!(repaired.iter().all(|packet| lost.iter().any(|lost| lost.payload == packet.payload)));
        }
    }
}

fn info(ssrc: u32) -> StreamInfo {
    StreamInfo {
        ssrc,
        ssrc_fec: Some(6),
        payload_type_fec: Some(99),
        rtp_header_extensions: vec![RTPHeaderExtension { uri: extmap::TRANSPORT_CC_URI.into(), id: 1 }],
        ..Default::default()
    }
}

fn tagged(rtp: rtp::Packet) -> TaggedPacket {
    TaggedPacket {
        now: now(),
        transport: TransportContext::default(),
        message: AttributedPacket::new(Packet::Rtp(rtp)),
    }
}

fn rtp_of(packet: TaggedPacket) -> rtp::Packet {
    match packet.message.packet {
        Packet::Rtp(rtp) => rtp,
        _ => unreachable!("only RTP was put in"),
    }
}

#[test]
fn what_is_sent_is_repaired_as_it_was_before_it_was_numbered() {
    let (share, watch) = watch::channel(0.0);
    let (mut sender, mut receiver) = (Staged::new(FecSender::new(watch)), Staged::new(FecReceiver::new()));
    sender.bind_local_stream(&info(MEDIA));
    receiver.bind_remote_stream(&info(MEDIA));
    let mut send = |packets: &[rtp::Packet]| -> Vec<rtp::Packet> {
        packets.iter().for_each(|packet| sender.handle_write(tagged(packet.clone())).expect("taken"));
        std::iter::from_fn(|| sender.poll_write()).map(rtp_of).collect()
    };
    let first = frame(10, 5, &mut Chance(1));
    assert_eq!(send(&first), first, "nothing is added where nothing is wanted");
    share.send_replace(0.4);
    let second = frame(15, 5, &mut Chance(2));
    let sent = send(&second);
    assert_eq!(sent.len(), 7);
    let lengths = second.iter().map(|packet| packet.marshal_size() + 8).max().expect("five of them");
    for repair in &sent[5..] {
        assert_eq!((repair.header.ssrc, repair.header.payload_type), (6, 99));
        assert!(repair.marshal_size() <= lengths + 20, "{}", repair.marshal_size());
    }
    assert!(!sent[5].header.marker && sent[6].header.marker, "the last one says so");

    let arrived = sent.into_iter().enumerate().filter(|(place, _)| ![1, 3].contains(place));
    for (place, packet) in arrived {
        receiver.handle_read(tagged(numbered(packet, 700 + place as u16))).expect("taken");
    }
    let read: Vec<rtp::Packet> = std::iter::from_fn(|| receiver.poll_read()).map(rtp_of).collect();
    let mut media: Vec<_> = read.into_iter().filter(|packet| packet.header.ssrc == MEDIA).collect();
    media.sort_by_key(|packet| packet.header.sequence_number);
    assert_eq!(media.len(), 5);
    // Those that were repaired carry no number of the transport: they never came.
    assert_eq!((&media[1], &media[3]), (&second[1], &second[3]));
}

#[test]
fn a_side_that_takes_none_gets_none() {
    let (_keep, watch) = watch::channel(0.5);
    let mut sender = Staged::new(FecSender::new(watch));
    sender.bind_local_stream(&StreamInfo { payload_type_fec: None, ..info(MEDIA) });
    for packet in frame(10, 5, &mut Chance(1)) {
        sender.handle_write(tagged(packet)).expect("taken");
    }
    assert_eq!(std::iter::from_fn(|| sender.poll_write()).count(), 5);
}

#[test]
fn padding_is_repaired_with_the_rest() {
    let mut packets = frame(10, 2, &mut Chance(1));
    let mut bytes = packets[0].marshal().expect("a packet").to_vec();
    bytes[0] |= 0x20;
    bytes.extend([0, 0, 3]);
    packets[0] = rtc::shared::marshal::Unmarshal::unmarshal(&mut bytes::Bytes::from(bytes)).expect("a packet");
    let mut encoder = Encoder::new(REPAIR);
    let repairs: Vec<_> = packets.iter().flat_map(|packet| encoder.protect(packet, 0.5)).collect();
    let mut decoder = Decoder::new(MEDIA, Some(1));
    assert_eq!(decoder.media(&packets[1]), []);
    let repaired: Vec<_> = repairs.iter().flat_map(|repair| decoder.repair(&repair.payload)).collect();
    assert_eq!(repaired, packets[..1]);
}

proptest! {
    #[test]
    fn nothing_that_comes_does_harm(
        packets in vec((any::<bool>(), any::<u16>(), vec(any::<u8>(), 0..60), 0_u8..4), 0..80),
    ) {
        let mut decoder = Decoder::new(MEDIA, Some(1));
        for (repair, number, mut bytes, kind) in packets {
            if repair {
                // Mostly headers that are right as far as they go.
                if let (Some(header), 1..) = (bytes.get_mut(..20), kind) {
                    header[0] &= 0x3f;
                    header[8] = 1;
                    header[12..16].copy_from_slice(&MEDIA.to_be_bytes());
                    header[16..18].copy_from_slice(&(number % 64).to_be_bytes());
                    header[18] |= 0x80 * (kind & 1);
                }
                decoder.repair(&bytes);
            } else {
                let header = rtp::header::Header {
                    version: 2,
                    sequence_number: number % 128,
                    ssrc: MEDIA,
                    ..Default::default()
                };
                decoder.media(&rtp::Packet { header, payload: bytes.into() });
            }
        }
        let (known, waiting) = decoder.size();
        prop_assert!(known <= 192 && waiting <= 48);
    }

    #[test]
    fn what_comes_out_is_what_went_in(
        seed in any::<u64>(), sizes in vec(1_usize..70, 1..8), first in any::<u16>(),
    ) {
        let mut chance = Chance(seed);
        let (mut encoder, mut decoder) = (Encoder::new(REPAIR), Decoder::new(MEDIA, Some(1)));
        let mut next = first;
        for size in sizes {
            let packets = frame(next, size, &mut chance);
            next = next.wrapping_add(size as u16);
            for packet in &packets {
                let repairs = encoder.protect(packet, 0.5);
                if !chance.happens(0.2) {
                    decoder.media(&numbered(packet.clone(), 9));
                }
                for repair in repairs.iter().filter(|_| !chance.happens(0.2)) {
                    for repaired in decoder.repair(&repair.payload) {
                        let index = repaired.header.sequence_number.wrapping_sub(next.wrapping_sub(size as u16));
                        if let Some(original) = packets.get(usize::from(index)) {
                            prop_assert_eq!(&repaired, original);
                        }
                    }
                }
            }
        }
    }
}
