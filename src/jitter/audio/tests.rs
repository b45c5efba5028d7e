use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    jitter::lossy_path::LossyPath,
    media::{SeqNo, now},
};

/// The `n`-th packet of a stream that wraps soon; its payload is its number and filling.
fn packet(start: Instant, n: usize) -> RtpPacket {
    let mut payload = (n as u32).to_be_bytes().to_vec();
    payload.resize(80, 0);
    RtpPacket {
        ssrc: 1,
        payload_type: 111,
        seq: SeqNo(65_500_u16.wrapping_add(n as u16)),
        timestamp: RtpTime((u32::MAX - 10_000).wrapping_add(n as u32 * 960)),
        marker: false,
        payload: Bytes::from(payload),
        arrival: start + BLOCK * n as u32,
    }
}

/// What came out, shortened.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Out {
    Packet(u32),
    Recover(u32),
    Conceal,
    Wait,
}

fn pop(buffer: &mut AudioBuffer, at: Instant) -> Out {
    let number = |frame: &EncodedFrame| u32::from_be_bytes(frame.payload[..4].try_into().expect("four bytes"));
    match buffer.pop(at) {
        AudioPop::Packet(frame) => Out::Packet(number(&frame)),
        AudioPop::Recover(frame) => Out::Recover(number(&frame)),
        AudioPop::Conceal => Out::Conceal,
        AudioPop::Wait => Out::Wait,
    }
}

/// Lets a speaker ask each 20 ms, from 10 ms after `start` on, while packets arrive.
fn play(buffer: &mut AudioBuffer, start: Instant, packets: &[RtpPacket], pops: usize) -> Vec<Out> {
    let mut packets = packets.iter().peekable();
    (0..pops)
        .map(|i| {
            let at = start + Duration::from_millis(10) + BLOCK * i as u32;
            while let Some(packet) = packets.next_if(|packet| packet.arrival <= at) {
                buffer.insert(packet.clone());
            }
            pop(buffer, at)
        })
        .collect()
}

fn stream(start: Instant, packets: usize) -> Vec<RtpPacket> {
    (0..packets).map(|n| packet(start, n)).collect()
}

#[test]
fn a_clean_line_is_played_in_order_20_ms_later() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let out = play(&mut buffer, start, &stream(start, 500), 500);
    assert_eq!(out[0], Out::Wait);
    let expected: Vec<Out> = (0..499).map(Out::Packet).collect();
    assert_eq!(out[1..], expected);
    assert_eq!((buffer.concealed(), buffer.skipped(), buffer.reception().lost), (0, 0, 0));
    assert_eq!(buffer.depth(), BLOCK);
}

#[test]
fn losses_are_recovered_or_made_up() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let mut packets = stream(start, 60);
    packets.retain(|packet| ![10, 20, 21].contains(&packet.seq.0.wrapping_sub(65_500)));
    let out = play(&mut buffer, start, &packets, 50);
    // When 20 is due nothing newer is there; the sound made up for it lengthens the delay by a block.
    assert_eq!(out[10..13], [Out::Packet(9), Out::Recover(11), Out::Packet(11)]);
    assert_eq!(out[20..25], [Out::Packet(19), Out::Conceal, Out::Conceal, Out::Recover(22), Out::Packet(22)]);
    assert_eq!((buffer.recovered(), buffer.concealed(), buffer.reception().lost), (2, 2, 3));
}

#[test]
fn order_is_restored_and_twice_is_once() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    buffer.set_extra_delay(Duration::from_millis(40));
    let mut packets = stream(start, 40);
    (packets[10].arrival, packets[11].arrival) = (packets[11].arrival, packets[10].arrival);
    packets.swap(10, 11);
    packets.insert(15, packets[14].clone());
    let out = play(&mut buffer, start, &packets, 40);
    let expected: Vec<Out> = (0..37).map(Out::Packet).collect();
    assert_eq!(out[3..], expected);
    assert_eq!((buffer.reception().duplicated, buffer.reception().recovered), (1, 1));
}

#[test]
fn a_dead_line_is_made_up_for_100_ms_then_silence_then_a_new_start() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let mut packets = stream(start, 100);
    packets.drain(20..60);
    let out = play(&mut buffer, start, &packets, 90);
    assert_eq!(out[20], Out::Packet(19));
    assert_eq!(out[21..26], [Out::Conceal; 5]);
    assert_eq!(out[26..60], [Out::Wait; 34]);
    let resumed = out[60..].iter().position(|out| matches!(out, Out::Packet(_))).expect("it goes on");
    assert!(resumed <= 1, "{:?}", &out[60..]);
    assert!(out[63..].iter().all(|out| matches!(out, Out::Packet(_))), "{:?}", &out[60..]);
}

#[test]
fn a_pause_of_the_sender_is_silence_not_loss() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let mut packets = stream(start, 100);
    // After packet 19 the sender is silent for 600 ms; sequence numbers go on without a hole.
    for packet in &mut packets[20..] {
        packet.arrival += Duration::from_millis(600);
        packet.timestamp = RtpTime(packet.timestamp.0.wrapping_add(28_800));
    }
    let out = play(&mut buffer, start, &packets, 120);
    assert_eq!(out[51..53], [Out::Packet(20), Out::Packet(21)]);
    assert_eq!(buffer.concealed(), 5);
    assert_eq!((buffer.recovered(), buffer.reception().lost), (0, 0));
}

#[test]
fn the_delay_grows_with_jitter_and_shrinks_after_it() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let path = LossyPath { jitter: Duration::from_millis(120), ..LossyPath::CLEAN };
    let mut packets = path.carry((0..1_000).map(|n| packet(start, n)));
    packets.extend(LossyPath::CLEAN.carry((1_000..3_000).map(|n| packet(start, n))));
    packets.sort_by_key(|packet| packet.arrival);
    let out = play(&mut buffer, start, &packets, 2_990);
    let broken = |out: &[Out]| out.iter().filter(|out| !matches!(out, Out::Packet(_))).count();
    assert!(broken(&out[200..1_000]) < 40, "{} blocks of 800 were not played as sent", broken(&out[200..1_000]));
    assert_eq!(broken(&out[1_100..]), 0);
    assert!(buffer.skipped() >= 3, "{} left out", buffer.skipped());
    assert!(buffer.target() < Duration::from_millis(30), "{:?}", buffer.target());
    assert!(buffer.depth() <= Duration::from_millis(80), "{:?}", buffer.depth());
}

#[test]
fn what_a_speaker_left_lying_for_long_is_left_behind() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let packets = stream(start, 200);
    play(&mut buffer, start, &packets[..50], 48);
    // For two seconds nothing was asked for.
    for packet in &packets[50..150] {
        buffer.insert(packet.clone());
    }
    let at = packets[149].arrival + Duration::from_millis(10);
    let out = [pop(&mut buffer, at), pop(&mut buffer, at + BLOCK)];
    assert!(matches!(out[1], Out::Packet(_)), "{out:?}");
    assert!(buffer.depth() <= Duration::from_millis(60), "{:?}", buffer.depth());
    assert!(buffer.skipped() > 90, "{}", buffer.skipped());
}

#[test]
fn an_extra_delay_is_reached_and_left_again() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let packets = stream(start, 1_000);
    let mut held = Vec::new();
    let mut packets = packets.iter().peekable();
    for i in 0..1_000_u32 {
        match i {
            100 => buffer.set_extra_delay(Duration::from_millis(100)),
            400 => buffer.set_extra_delay(Duration::ZERO),
            _ => {}
        }
        let at = start + Duration::from_millis(10) + BLOCK * i;
        while let Some(packet) = packets.next_if(|packet| packet.arrival <= at) {
            buffer.insert(packet.clone());
        }
        pop(&mut buffer, at);
        held.push(buffer.depth().as_millis());
    }
    assert_eq!(held[99], 20);
    assert!((100..=140).contains(&held[399]), "{}", held[399]);
    assert!(held[999] <= 60, "{}", held[999]);
}

#[test]
fn another_ssrc_begins_anew() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    let mut packets = stream(start, 60);
    for packet in &mut packets[30..] {
        packet.ssrc = 2;
        packet.seq = SeqNo(packet.seq.0.wrapping_add(9_000));
        packet.timestamp = RtpTime(packet.timestamp.0.wrapping_add(1 << 31));
    }
    let out = play(&mut buffer, start, &packets, 55);
    assert!(
        out[33..].iter().enumerate().all(|(i, out)| matches!(out, Out::Packet(n) if *n as usize >= 30 + i)),
        "{out:?}"
    );
    assert_eq!(buffer.reception().received, 25);
}

#[test]
fn when_full_the_oldest_goes() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    stream(start, 300).into_iter().for_each(|packet| buffer.insert(packet));
    assert_eq!((buffer.packets.len(), buffer.reception().discarded), (CAPACITY, 44));
}

proptest! {
    /// Whatever the path does, packets are played in order and none twice.
    #[test]
    fn any_order_loss_and_duplication(
        seed: u64,
        jitter in 0_u64..300,
        loss in 0.0..0.5,
        duplicates in 0.0..0.3,
        extra in 0_u64..200,
    ) {
        let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
        let path = LossyPath { seed, jitter: Duration::from_millis(jitter), loss, duplicates, ..LossyPath::CLEAN };
        let packets = path.carry((0..200).map(|n| packet(start, n)));
        buffer.set_extra_delay(Duration::from_millis(extra));
        let out = play(&mut buffer, start, &packets, 240);
        let played: Vec<u32> = out.iter().filter_map(|out| match out {
            Out::Packet(n) => Some(*n),
            _ => None,
        }).collect();
        prop_assert!(played.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", out);
        prop_assert!(played.len() > packets.len() / 10 || packets.len() < 30, "{:?}", out);
        for (i, pair) in out.windows(2).enumerate() {
            if let [Out::Recover(successor), after] = pair {
                // Unless it is left out to shorten the delay, the successor follows.
                let follows = !matches!(after, Out::Packet(n) if n < successor) && !matches!(after, Out::Recover(_));
                prop_assert!(follows, "{} {:?}", i, pair);
            }
        }
    }
}
