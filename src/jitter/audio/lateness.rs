//! How long sound is to be held, from how late packets came.
//!
//! The transit time of a packet is its arrival less its media time; only differences mean anything,
//! as the two clocks share no epoch. The smallest transit of the last seconds stands for the bare
//! line. Waiting longer costs delay, waiting less costs sound that must be made up: the target is
//! where both together cost least. A lost packet that is recovered from its successor counts as one
//! that came with it; one that never came says nothing.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::media::MediaTime;

/// Learns how late packets of sound come.
#[derive(Clone, Debug, Default)]
pub(super) struct Lateness {
    /// What transit times count from; the first packet's.
    origin: Option<(MediaTime, Instant)>,
    /// Moments and transits of the last packets.
    recent: VecDeque<(Instant, Micros)>,
    /// The same transits, ascending.
    sorted: Vec<Micros>,
    target: Micros,
}

pub(super) type Micros = i64;

/// Packets are remembered so long: long against jitter, short against the drift of two clocks
/// (200 ppm make 1.6 ms in it), and short enough that a bad moment is soon forgotten.
const WINDOW: Duration = Duration::from_secs(8);

/// At least so many are remembered, for senders that pause, unless older than [`OLDEST`].
const LEAST: usize = 50;
const OLDEST: Duration = Duration::from_secs(40);

/// At most so many, for a sender that sends far too many.
const MOST: usize = 2_000;

/// What it is worth to play all packets in time instead of none: making up one per cent of the sound
/// is as bad as 40 ms more delay.
const PRICE: f64 = 4_000_000.0;

/// Until so many were seen, the others are taken to be in time: one late packet at the start says little.
const ENOUGH: usize = 100;

/// Nothing is waited for longer.
const LONGEST: Micros = 400_000;

/// A transit that leaps by more is another line of time, not a delay.
const LEAP: Micros = 10_000_000;

impl Lateness {
    /// Learns that what has this media time arrived.
    pub(super) fn observe(&mut self, media_time: MediaTime, arrival: Instant) {
        let mut transit = self.transit(media_time, arrival);
        if self.sorted.first().is_some_and(|base| (transit - base).abs() > LEAP) {
            *self = Self::default();
            transit = 0;
        }
        self.origin.get_or_insert((media_time, arrival));
        self.recent.push_back((arrival, transit));
        self.sorted.insert(self.sorted.partition_point(|smaller| *smaller < transit), transit);
        while let Some((then, old)) = self.recent.front() {
            let age = arrival.saturating_duration_since(*then);
            let window = if self.recent.len() > LEAST { WINDOW } else { OLDEST };
            if age <= window && self.recent.len() <= MOST {
                break;
            }
            self.sorted.remove(self.sorted.partition_point(|smaller| smaller < old));
            self.recent.pop_front();
        }
        self.target = cheapest(&self.sorted);
    }

    /// Returns how long after the earliest possible moment packets have to be played.
    pub(super) fn target(&self) -> Duration {
        Duration::from_micros(self.target as u64)
    }

    /// Returns when what has this media time would arrive over the bare line; `None` before the
    /// first packet.
    pub(super) fn earliest(&self, media_time: MediaTime) -> Option<Instant> {
        let (media_origin, origin) = self.origin?;
        let offset = distance(media_origin, media_time) + self.sorted.first()?;
        let duration = Duration::from_micros(offset.unsigned_abs());
        Some(if offset < 0 { origin.checked_sub(duration).unwrap_or(origin) } else { origin + duration })
    }

    fn transit(&self, media_time: MediaTime, arrival: Instant) -> Micros {
        let Some((media_origin, origin)) = self.origin else { return 0 };
        elapsed(origin, arrival) - distance(media_origin, media_time)
    }
}

/// Returns the lateness (above the smallest transit) that costs least when all that is later is lost.
fn cheapest(sorted: &[Micros]) -> Micros {
    let Some(base) = sorted.first() else { return 0 };
    let each = PRICE / sorted.len().max(ENOUGH) as f64;
    let waits = sorted.iter().map(|transit| transit - base).take_while(|wait| *wait <= LONGEST);
    let costs = waits.enumerate().map(|(index, wait)| {
        let late = (sorted.len() - 1 - index) as f64;
        (wait, wait as f64 + late * each)
    });
    costs.min_by(|one, other| one.1.total_cmp(&other.1)).map_or(0, |(wait, _)| wait)
}

/// Microseconds from one moment to another.
pub(super) fn elapsed(from: Instant, to: Instant) -> Micros {
    to.saturating_duration_since(from).as_micros() as Micros - from.saturating_duration_since(to).as_micros() as Micros
}

/// Microseconds from one media time to another.
pub(super) fn distance(from: MediaTime, to: MediaTime) -> Micros {
    to.since_epoch().as_micros() as Micros - from.since_epoch().as_micros() as Micros
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    const BLOCK: Duration = Duration::from_millis(20);
    const HOUR: Duration = Duration::from_secs(3600);

    /// Feeds packets that come `late(i)` milliseconds late and returns the target after each.
    fn targets(lateness: &mut Lateness, packets: usize, late: impl Fn(usize) -> u64) -> Vec<u128> {
        let start = now() + HOUR;
        (0..packets)
            .map(|i| {
                let sent = BLOCK * i as u32;
                lateness.observe(MediaTime::new(HOUR + sent), start + sent + Duration::from_millis(late(i)));
                lateness.target().as_millis()
            })
            .collect()
    }

    #[test]
    fn the_target_is_worth_what_it_costs() {
        type Late = fn(usize) -> u64;
        // What is late by how much, the target at the end.
        let table: [(&str, Late, std::ops::RangeInclusive<u128>); 8] = [
            ("a clean line needs no delay", |_| 40, 0..=0),
            ("one late packet changes nothing", |i| if i == 950 { 200 } else { 0 }, 0..=0),
            ("one burst, neither", |i| if (930..940).contains(&i) { 20 * (940 - i as u64) } else { 0 }, 0..=20),
            ("one in twenty a block late", |i| if i % 20 == 0 { 20 } else { 0 }, 20..=20),
            ("one in a hundred a block late", |i| if i % 100 == 0 { 20 } else { 0 }, 20..=20),
            ("one in ten by 90", |i| if i % 10 == 9 { 90 } else { 0 }, 90..=90),
            ("evenly up to 60", |i| i as u64 * 37 % 61, 58..=60),
            ("beyond what is waited for", |i| if i % 2 == 0 { 0 } else { 500 }, 0..=0),
        ];
        for (name, late, expected) in table {
            let targets = targets(&mut Lateness::default(), 1_000, late);
            assert!(expected.contains(&targets[999]), "{name}: {}", targets[999]);
        }
    }

    #[test]
    fn one_late_packet_at_the_start_changes_nothing_but_some_do() {
        let one = targets(&mut Lateness::default(), 30, |i| if i == 5 { 60 } else { 0 });
        assert!(one.iter().all(|target| *target == 0), "{one:?}");
        let some = targets(&mut Lateness::default(), 30, |i| if i % 5 == 4 { 60 } else { 0 });
        assert_eq!(some[29], 60);
    }

    #[test]
    fn what_was_is_forgotten_in_seconds() {
        let targets = targets(&mut Lateness::default(), 1_000, |i| if i < 400 { i as u64 * 37 % 61 } else { 0 });
        assert!(targets[399] > 50, "{}", targets[399]);
        assert_eq!(targets[810], 0);
    }

    #[test]
    fn a_longer_way_is_no_lateness_for_long() {
        let targets = targets(&mut Lateness::default(), 1_000, |i| if i < 400 { 0 } else { 50 });
        assert_eq!((targets[399], targets[600], targets[810]), (0, 50, 0));
    }

    #[test]
    fn drift_is_followed() {
        for rate in [1.000_2, 0.999_8] {
            let (start, mut lateness) = (now() + HOUR, Lateness::default());
            for i in 0..90_000_u32 {
                let sent = BLOCK * i;
                lateness.observe(MediaTime::new(HOUR + sent), start + sent.mul_f64(rate));
            }
            assert!(lateness.target() < Duration::from_millis(2), "{:?}", lateness.target());
            let last = BLOCK * 89_999;
            let earliest = lateness.earliest(MediaTime::new(HOUR + last)).expect("packets came");
            assert!(elapsed(earliest, start + last.mul_f64(rate)) < 2_000);
        }
    }

    #[test]
    fn another_line_of_time_begins_anew() {
        let (start, mut lateness) = (now() + HOUR, Lateness::default());
        lateness.observe(MediaTime::new(HOUR), start);
        lateness.observe(MediaTime::new(HOUR + HOUR), start + BLOCK);
        assert_eq!(lateness.earliest(MediaTime::new(HOUR + HOUR)), Some(start + BLOCK));
    }
}
