use std::{cmp::Reverse, collections::BinaryHeap};

use bytes::Bytes;

use super::*;
use crate::{
    codec::depacketizer,
    jitter::{Pop, VideoBuffer},
    media::{Codec, RtpPacket, RtpTime, SeqNo, now},
    path::{Path, PathConfig},
};

const FRAME: Duration = Duration::from_nanos(33_333_333);
const MILLI: Duration = Duration::from_millis(1);

/// A call over a path: 30 pictures a second, lost packets sent again after a round trip.
struct Scenario {
    path: PathConfig,
    seconds: u64,
    /// Packets a picture, each of 1,100 bytes.
    packets: usize,
    /// How much faster the sender's clock runs than ours.
    drift: f64,
}

impl Scenario {
    fn new(path: PathConfig) -> Self {
        Self { path, seconds: 60, packets: 6, drift: 0.0 }
    }

    /// Plays it; returns when each picture was captured, whole and shown.
    fn play(&self) -> Watched {
        let start = now();
        let frames = self.seconds * 30;
        let reverse = self.path.delay;
        let mut path = Path::new(self.path.clone(), start);
        let mut sending = BinaryHeap::new();
        for frame in 0..frames as usize {
            for part in 0..self.packets {
                // A pacer spreads them over some milliseconds.
                let at = FRAME * frame as u32 + Duration::from_micros(500) * part as u32;
                sending.push(Reverse((start + at, frame * self.packets + part)));
            }
        }
        let mut arriving: Vec<RtpPacket> = Vec::new();
        while let Some(Reverse((at, n))) = sending.pop() {
            let arrivals = path.send(at, 1_100);
            if arrivals.is_empty() {
                // The next packet shows the gap; 5 ms on it is asked for.
                sending.push(Reverse((at + self.path.delay + 6 * MILLI + reverse, n)));
            }
            arriving.extend(arrivals.into_iter().map(|arrival| RtpPacket { arrival, ..self.packet(n) }));
        }
        arriving.sort_by_key(|packet| packet.arrival);
        let mut watched = Watched::default();
        let mut buffer = VideoBuffer::new(depacketizer(Codec::H264).expect("for pictures"), 90_000);
        buffer.set_patience(Duration::from_secs(1));
        let mut delay = PictureDelay::new();
        let mut shown_at = start;
        for packet in arriving {
            let at = packet.arrival;
            buffer.insert(packet);
            while let Pop::Frame(arrived) = buffer.pop(at) {
                if let Some(carried_at) = arrived.carried_at {
                    delay.observe(arrived.frame.media_time, carried_at);
                }
                let play_at = delay.play_at(arrived.frame.media_time).unwrap_or(at);
                shown_at = play_at.max(at).max(shown_at);
                let number = u32::from_be_bytes(arrived.frame.payload[5..9].try_into().expect("its number"));
                watched.captured.push(start + FRAME * (number / self.packets as u32));
                watched.whole.push(at);
                watched.shown.push(shown_at);
            }
        }
        assert_eq!(watched.shown.len(), frames as usize, "none is given up");
        watched
    }

    fn packet(&self, n: usize) -> RtpPacket {
        let (frame, part) = (n / self.packets, n % self.packets);
        let header = if frame == 0 { 0x65 } else { 0x41 };
        let captured = FRAME.as_secs_f64() * frame as f64 * (1.0 + self.drift);
        RtpPacket {
            ssrc: 1,
            payload_type: 96,
            seq: SeqNo(n as u16),
            timestamp: RtpTime((captured * 90_000.0).round() as u32),
            marker: part + 1 == self.packets,
            rotation: None,
            payload: Bytes::from([&[header], &(n as u32).to_be_bytes()[..]].concat()),
            arrival: now(),
        }
    }
}

/// What a person saw.
#[derive(Default)]
struct Watched {
    captured: Vec<Instant>,
    /// When they could have been shown.
    whole: Vec<Instant>,
    shown: Vec<Instant>,
}

impl Watched {
    /// The latency, in milliseconds, that so many of the pictures from a second to another kept.
    fn latency(&self, seconds: std::ops::Range<u64>, share: f64) -> u128 {
        self.percentile(&self.shown, seconds, share)
    }

    /// The same, if each picture had been shown as soon as it was there.
    fn own_latency(&self, seconds: std::ops::Range<u64>, share: f64) -> u128 {
        self.percentile(&self.whole, seconds, share)
    }

    fn percentile(&self, when: &[Instant], seconds: std::ops::Range<u64>, share: f64) -> u128 {
        let mut all: Vec<Duration> = self.span(seconds).map(|n| when[n] - self.captured[n]).collect();
        all.sort();
        all[((all.len() - 1) as f64 * share) as usize].as_millis()
    }

    /// The longest time without a new picture, in milliseconds.
    fn longest_gap(&self, seconds: std::ops::Range<u64>) -> u128 {
        self.span(seconds).skip(1).map(|n| (self.shown[n] - self.shown[n - 1]).as_millis()).max().expect("pictures")
    }

    /// The share of pictures that were shown more than half a picture's time too early or too late.
    fn uneven(&self) -> f64 {
        let uneven = |n: &usize| (self.shown[*n] - self.shown[*n - 1]).abs_diff(FRAME) > FRAME / 2;
        (60..self.shown.len()).filter(uneven).count() as f64 / (self.shown.len() - 60) as f64
    }

    fn span(&self, seconds: std::ops::Range<u64>) -> impl Iterator<Item = usize> {
        (seconds.start * 30) as usize..(seconds.end * 30) as usize
    }
}

fn line(delay: u64) -> PathConfig {
    PathConfig::clean(Duration::from_millis(delay))
}

#[test]
fn each_line_keeps_its_own_latency() {
    // Jitter, loss, then at most: what waiting adds to the line's own median and 95th percentile, the
    // longest gap and the share of uneven steps.
    for (name, jitter, loss, median, p95, gap, uneven) in [
        ("clean", 0, 0.0, 0, 0, 34, 0.0),
        ("a little jitter", 10, 0.0, 0, 0, 45, 0.0),
        ("jitter", 30, 0.0, 1, 1, 65, 0.01),
        ("bad Wi-Fi", 60, 0.0, 8, 1, 95, 0.05),
        ("some lost", 0, 0.01, 0, 0, 260, 0.3),
        ("some lost and jitter", 20, 0.01, 1, 0, 280, 0.3),
        ("many lost", 0, 0.03, 0, 0, 380, 0.6),
    ] {
        for seed in 1..6 {
            let watched = Scenario::new(PathConfig { jitter: MILLI * jitter, loss, seed, ..line(50) }).play();
            let added = |share| watched.latency(2..60, share) - watched.own_latency(2..60, share);
            let seen = (added(0.5), added(0.95), watched.longest_gap(2..60), watched.uneven());
            assert!(
                seen.0 <= median && seen.1 <= p95 && seen.2 <= gap && seen.3 <= uneven,
                "{name}, seed {seed}: {seen:?}"
            );
        }
    }
}

#[test]
fn drift_changes_nothing_in_an_hour() {
    for drift in [-200e-6, 200e-6] {
        let path = PathConfig { jitter: 5 * MILLI, ..line(20) };
        let watched = Scenario { seconds: 3600, packets: 1, drift, ..Scenario::new(path) }.play();
        let (early, late) = (watched.latency(2..60, 0.5), watched.latency(3540..3600, 0.5));
        assert!(early.abs_diff(late) <= 1, "{drift}: {early} ms, then {late} ms");
        assert!(watched.longest_gap(2..3600) < 42);
    }
}

#[test]
fn a_narrow_line_is_not_made_slower_and_the_rest_is_forgotten() {
    // 1.6 Mbit/s over 3 Mbit/s, for three seconds over 1.5: a queue of 200 ms and more grows, then drains.
    let rates = vec![(Duration::ZERO, 3e6), (Duration::from_secs(20), 1.5e6), (Duration::from_secs(23), 3e6)];
    let watched = Scenario { seconds: 40, ..Scenario::new(PathConfig { rates, ..line(30) }) }.play();
    let added = |seconds: std::ops::Range<u64>, share| {
        watched.latency(seconds.clone(), share) - watched.own_latency(seconds, share)
    };
    assert_eq!(added(2..20, 0.95), 0);
    assert!(watched.own_latency(20..23, 0.95) > 200, "the queue is there");
    assert!(added(20..23, 0.5) <= 2);
    // What grew slowly was hardly waited for, and not for long.
    assert!(added(24..27, 1.0) <= 45 && added(27..40, 1.0) <= 2, "{}", added(24..27, 1.0));
}

/// Returns the target after each of so many pictures, of which the n-th is so many milliseconds late.
fn targets(pictures: u32, late: impl Fn(u32) -> u64) -> Vec<u128> {
    let (start, mut delay) = (now(), PictureDelay::new());
    let mut at = start;
    let mut target = |n: u32| {
        at = at.max(start + FRAME * n + Duration::from_millis(late(n)));
        delay.observe(MediaTime::new(FRAME * n), at);
        delay.target().as_millis()
    };
    (0..pictures).map(&mut target).collect()
}

#[test]
fn the_target_follows_what_the_line_does_most_of_the_time() {
    let alone = targets(300, |n| if n == 150 { 300 } else { 0 });
    assert!(alone.iter().all(|target| *target == 0), "one late picture");
    // The line stops for 300 ms: all that waited arrives at once.
    let stall = targets(300, |n| if (150..159).contains(&n) { 300 - u64::from(n - 150) * 33 } else { 0 });
    assert!(stall.iter().all(|target| *target == 0), "{stall:?}");
    let jitter = targets(300, |n| u64::from(n * 37 % 60));
    assert!(jitter[100..].iter().all(|target| (30..38).contains(target)), "{jitter:?}");
    let wild = targets(300, |n| u64::from(n * 37 % 700));
    assert_eq!(wild.iter().max(), Some(&120), "no more than a talk bears");
    let calm = targets(500, |n| if n < 200 { u64::from(n * 37 % 100) } else { 0 });
    assert!(calm[199] > 30 && calm[200 + 110] == 0, "{calm:?}");
}

#[test]
fn another_line_of_time_begins_anew() {
    let (start, hour) = (now(), Duration::from_secs(3600));
    let mut delay = PictureDelay::new();
    assert_eq!(delay.play_at(MediaTime::new(hour)), None);
    delay.observe(MediaTime::new(hour), start);
    delay.observe(MediaTime::new(hour + hour), start + FRAME);
    assert_eq!(delay.play_at(MediaTime::new(hour + hour)), Some(start + FRAME));
    delay.reset();
    assert_eq!(delay.play_at(MediaTime::new(hour)), None);
}
