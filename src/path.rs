//! A network path for tests, in simulated time: a bottleneck with a queue, then delay, jitter, loss,
//! duplicates and reordering, all seeded.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What a path does to packets. The same seed gives the same fate to the same packets.
#[derive(Clone, Debug)]
pub(crate) struct PathConfig {
    pub(crate) seed: u64,
    /// How long each packet is under way at least.
    pub(crate) delay: Duration,
    /// By how much more at most.
    pub(crate) jitter: Duration,
    /// Whether jitter may let a packet overtake an earlier one.
    pub(crate) reorders: bool,
    /// The share of packets that never arrive, 0.0 to 1.0.
    pub(crate) loss: f64,
    /// How many in a row are lost when one is.
    pub(crate) burst: u32,
    /// The share of packets that arrive twice, 0.0 to 1.0.
    pub(crate) duplicates: f64,
    /// From when on, counted from the start, the bottleneck passes so many bits a second; ascending.
    /// Before the first there is no bottleneck.
    pub(crate) rates: Vec<(Duration, f64)>,
    /// What would wait longer than this in front of the bottleneck is lost.
    pub(crate) queue: Duration,
}

impl PathConfig {
    /// A path that does nothing but delay.
    pub(crate) fn clean(delay: Duration) -> Self {
        Self {
            seed: 1,
            delay,
            jitter: Duration::ZERO,
            reorders: false,
            loss: 0.0,
            burst: 1,
            duplicates: 0.0,
            rates: Vec::new(),
            queue: Duration::from_millis(300),
        }
    }
}

/// A path in use.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    config: PathConfig,
    start: Instant,
    chance: Chance,
    /// When the bottleneck is free.
    free_at: Instant,
    /// How many more of a run of losses.
    losing: u32,
    last_arrival: Instant,
}

impl Path {
    pub(crate) fn new(config: PathConfig, start: Instant) -> Self {
        let chance = Chance(config.seed);
        Self { config, start, chance, free_at: start, losing: 0, last_arrival: start }
    }

    /// Sends a packet of so many bytes, headers included; returns when it arrives: never, once or twice.
    /// To be called in the order of time.
    pub(crate) fn send(&mut self, now: Instant, bytes: usize) -> Vec<Instant> {
        let passed = now - self.start;
        let rate = self.config.rates.iter().rev().find(|(since, _)| *since <= passed);
        let mut leaves = now;
        if let Some((_, rate)) = rate {
            let begins = self.free_at.max(now);
            if begins - now > self.config.queue {
                return Vec::new();
            }
            self.free_at = begins + Duration::from_secs_f64(bytes as f64 * 8.0 / rate);
            leaves = self.free_at;
        }
        if self.losing > 0 {
            self.losing -= 1;
            return Vec::new();
        }
        let burst = self.config.burst.max(1);
        if self.chance.happens(self.config.loss / f64::from(burst)) {
            self.losing = burst - 1;
            return Vec::new();
        }
        let copies = if self.chance.happens(self.config.duplicates) { 2 } else { 1 };
        (0..copies)
            .map(|_| {
                let mut arrival = leaves + self.config.delay + self.config.jitter.mul_f64(self.chance.share());
                if !self.config.reorders {
                    arrival = arrival.max(self.last_arrival);
                }
                self.last_arrival = self.last_arrival.max(arrival);
                arrival
            })
            .collect()
    }
}

/// What is under way, in the order of arrival.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay<T>(VecDeque<(Instant, T)>);

impl<T: Clone> UnderWay<T> {
    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Adds something for each of its arrivals.
    pub(crate) fn add(&mut self, arrivals: &[Instant], what: &T) {
        for arrival in arrivals {
            let place = self.0.partition_point(|(at, _)| at <= arrival);
            self.0.insert(place, (*arrival, what.clone()));
        }
    }

    /// Takes the next one that has arrived by `now`.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<(Instant, T)> {
        self.0.front().is_some_and(|(at, _)| *at <= now).then(|| self.0.pop_front())?
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// Whether what has this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// From 0.0 to just below 1.0.
    pub(crate) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    /// Sends a packet of 1,250 bytes every 10 ms, 1 Mbit/s, for 100 s; returns lost, late (ms) and twice.
    fn run(config: PathConfig) -> (usize, u128, usize) {
        let start = now();
        let mut path = Path::new(config, start);
        let (mut lost, mut late, mut twice) = (0, 0, 0);
        for packet in 0..10_000 {
            let sent = start + Duration::from_millis(10) * packet;
            let arrivals = path.send(sent, 1_250);
            lost += usize::from(arrivals.is_empty());
            twice += usize::from(arrivals.len() == 2);
            late = arrivals.iter().map(|at| (*at - sent).as_millis()).fold(late, u128::max);
        }
        (lost, late, twice)
    }

    #[test]
    fn paths_do_what_they_say() {
        let clean = PathConfig::clean(Duration::from_millis(30));
        assert_eq!(run(clean.clone()), (0, 30, 0));
        let (lost, _, twice) = run(PathConfig { loss: 0.05, duplicates: 0.02, ..clean.clone() });
        assert!((430..570).contains(&lost) && (150..250).contains(&twice), "{lost} {twice}");
        let (lost, _, _) = run(PathConfig { loss: 0.05, burst: 4, ..clean.clone() });
        assert!((400..600).contains(&lost), "{lost}");
        // Half of what is sent passes from the tenth second on, and the queue is full soon.
        let (lost, late, _) = run(PathConfig { rates: vec![(Duration::from_secs(10), 0.5e6)], ..clean });
        assert!((4_400..4_500).contains(&lost) && (320..360).contains(&late), "{lost} {late}");
    }
}
