//! How long packets wait in the network's queues, by the differences of their travel times.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The shortest travel of this time stands for empty queues.
const WINDOW: Duration = Duration::from_secs(10);

/// The shortest travel of this time stands for now: longer than the gap between two pictures, so that a
/// picture that waits behind its own first packets is no queue.
const RECENT: Duration = Duration::from_millis(100);

/// A fast look at the newest packets, compared with those just before them.
const NEWEST: Duration = Duration::from_millis(50);

/// Fewer packets than this in a window say nothing: their shortest travel may be chance.
const ENOUGH: usize = 8;

/// A difference this large between two clocks is a new clock.
const JUMP_MICROS: i64 = 10_000_000;

/// **The most packets that are remembered; when full the oldest is forgotten.**
const CAPACITY: usize = 8192;

/// How long packets wait, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wait {
    /// Every packet of the last moments waited at least so long: a queue that stands.
    pub(super) standing: f64,
    /// As long as that waited even the newest few.
    pub(super) newest: f64,
    /// Whether those waited clearly longer than the few before them.
    pub(super) rising: bool,
}

/// Watches travel times. The two clocks share no epoch, so that only differences count.
#[derive(Debug, Default)]
pub(super) struct Travel {
    origin: Option<Instant>,
    /// When each packet left, and its travel time in microseconds. Ever later and ever longer: a
    /// packet that came faster makes all before it forgotten.
    shortest: VecDeque<(Instant, i64)>,
    /// When each of the newest came, and its travel time.
    recent: VecDeque<(Duration, i64)>,
}

impl Travel {
    /// Takes a packet that left at `departure` here and came at `arrival` by the other side's clock.
    /// Returns how long it waited, as far as is known by now.
    pub(super) fn took(&mut self, departure: Instant, arrival: Duration) -> f64 {
        let origin = *self.origin.get_or_insert(departure);
        let left = departure.saturating_duration_since(origin).as_micros() as i64;
        let travel = arrival.as_micros() as i64 - left;
        if self.shortest.front().is_some_and(|(_, base)| (travel - base).abs() > JUMP_MICROS) {
            self.shortest.clear();
            self.recent.clear();
        }
        while self.shortest.back().is_some_and(|(_, longer)| *longer >= travel) {
            self.shortest.pop_back();
        }
        self.shortest.push_back((departure, travel));
        while self.shortest.len() > CAPACITY
            || self.shortest.front().is_some_and(|(at, _)| departure.saturating_duration_since(*at) > WINDOW)
        {
            self.shortest.pop_front();
        }
        self.recent.push_back((arrival, travel));
        while self.recent.len() > CAPACITY
            || self.recent.len() > ENOUGH
                && self.recent.front().is_some_and(|(at, _)| arrival.saturating_sub(*at) > RECENT)
        {
            self.recent.pop_front();
        }
        self.waited(travel)
    }

    /// Returns how long packets wait now; no time as long as nothing is known.
    pub(super) fn wait(&self) -> Wait {
        let Some((last, _)) = self.recent.back() else { return Wait::default() };
        let age = |at: &Duration| last.saturating_sub(*at);
        let newest = self.recent.iter().filter(|(at, _)| age(at) <= NEWEST).map(|(_, travel)| *travel);
        let before = self.recent.iter().filter(|(at, _)| age(at) > NEWEST && age(at) <= 2 * NEWEST);
        let (newest, many) = newest.fold((i64::MAX, 0), |(least, many), travel| (least.min(travel), many + 1));
        let before = before.map(|(_, travel)| *travel).min().unwrap_or_else(|| self.base());
        let all = self.recent.iter().map(|(_, travel)| *travel).min().unwrap_or_default();
        Wait {
            standing: self.waited(all),
            newest: self.waited(if many >= 2 { newest } else { all }),
            rising: many >= 2 && newest > before + 5_000,
        }
    }

    fn base(&self) -> i64 {
        self.shortest.front().map_or(0, |(_, travel)| *travel)
    }

    fn waited(&self, travel: i64) -> f64 {
        (travel - self.base()).max(0) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn a_queue_is_told_from_noise() {
        let start = now();
        let mut travel = Travel::default();
        let mut send = |from: u64, until: u64, takes: fn(u64) -> u64| {
            for at in (from..until).step_by(10) {
                let arrival = 7_000_000 + at + takes(at);
                travel.took(start + Duration::from_millis(at), Duration::from_millis(arrival));
            }
            let Wait { standing, newest, rising } = travel.wait();
            ((standing * 1e3) as u64, (newest * 1e3) as u64, rising)
        };
        assert_eq!(send(0, 1000, |_| 50), (0, 0, false), "a clean line");
        let (standing, _, _) = send(1000, 2000, |at| 50 + at * 7 % 40);
        assert!(standing < 15, "one that jitters: {standing}");
        let (standing, newest, rising) = send(2000, 2200, |at| 50 + (at - 2000) / 2);
        assert!(standing > 30 && newest > 60 && rising, "a queue that grows: {standing} {newest}");
        let (standing, _, rising) = send(3000, 3300, |_| 80);
        assert!(standing == 30 && !rising, "a queue that stands: {standing}");
        assert_eq!(send(3300, 4000, |_| 52), (2, 2, false), "and is empty again");
        assert_eq!(send(4000, 5000, |_| 90_000), (0, 0, false), "another clock");
    }
}
