//! How fast the line serves packets: by the gaps with which packets arrive that left close together.
//!
//! A picture leaves as a train of packets, many times faster than pictures do on average. So each of them
//! tells what the line could bear, long before that much is sent (packet-train dispersion, as in
//! Prasad et al., "Bandwidth estimation: metrics, measurement techniques, and tools", 2003).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Gaps are remembered for so long.
const WINDOW: Duration = Duration::from_millis(1000);

/// A gap says something if the packets left at this multiple of the rate in use, or faster.
const FASTER: f64 = 1.4;

/// **The most gaps that are remembered; when full the oldest is forgotten.**
const CAPACITY: usize = 4096;

/// One packet that followed another closely.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// When the second came.
    arrival: Duration,
    bits: f64,
    /// Seconds between the two here and there.
    sent: f64,
    came: f64,
}

/// Measures how fast the line serves.
#[derive(Debug, Default)]
pub(super) struct Service {
    last: Option<(Instant, Duration)>,
    gaps: VecDeque<Gap>,
}

impl Service {
    /// Takes a packet in the order of sending. `rate` is what is sent on average, in bits a second; a packet
    /// that `waited` was served as soon as the line was free, however late it left.
    pub(super) fn served(&mut self, departure: Instant, arrival: Duration, bytes: usize, rate: f64, waited: f64) {
        let last = self.last.replace((departure, arrival));
        let Some((before, came_before)) = last else { return };
        let sent = departure.saturating_duration_since(before).as_secs_f64();
        let came = arrival.as_secs_f64() - came_before.as_secs_f64();
        let bits = bytes as f64 * 8.0;
        // Its own waiting began when it left: the line was busy with the one before if that is longer
        // than what is between them.
        let close = bits >= FASTER * rate * sent;
        let behind = waited > 0.03 && waited > came + 0.005 && sent < 0.2;
        if close || behind {
            self.gaps.push_back(Gap { arrival, bits, sent: if close { sent } else { 0.0 }, came });
        }
        while self.gaps.len() > CAPACITY
            || self.gaps.front().is_some_and(|gap| arrival.saturating_sub(gap.arrival) > WINDOW)
        {
            self.gaps.pop_front();
        }
    }

    /// Forgets the packet before the next: it was lost, and a gap across it says nothing.
    pub(super) fn interrupted(&mut self) {
        self.last = None;
    }

    /// Forgets all gaps: the line is another one since.
    pub(super) fn forget(&mut self) {
        self.gaps.clear();
    }

    /// Returns in bits a second how fast packets were served that came within `span` of the newest, if there
    /// were at least `enough` of them. Packets that were sent no faster prove no more.
    pub(super) fn rate(&self, span: Duration, enough: usize) -> Option<f64> {
        let newest = self.last.map_or(self.gaps.back()?.arrival, |(_, arrival)| arrival);
        let recent = self.gaps.iter().rev().take_while(|gap| newest.saturating_sub(gap.arrival) <= span);
        let (mut many, mut bits, mut sent, mut came) = (0, 0.0, 0.0, 0.0);
        for gap in recent {
            many += 1;
            bits += gap.bits;
            sent += gap.sent;
            came += gap.came;
        }
        (many >= enough).then(|| bits / f64::max(came, sent).max(1e-4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::now,
        path::{Path, PathConfig},
    };

    /// Sends trains of `packets` of 1,250 bytes every 33 ms for a second; returns kbit/s.
    fn served(rate: f64, packets: u32) -> Option<u64> {
        let start = now();
        let rates = vec![(Duration::ZERO, rate)];
        let mut path = Path::new(PathConfig { rates, ..PathConfig::clean(Duration::from_millis(20)) }, start);
        let mut service = Service::default();
        for picture in 0..30 {
            for packet in 0..packets {
                let sent = start + Duration::from_millis(33) * picture + Duration::from_millis(1) * packet;
                for arrival in path.send(sent, 1_250) {
                    service.served(sent, arrival - start, 1_250, 400e3, 0.0);
                }
            }
        }
        service.rate(Duration::from_secs(1), 6).map(|rate| (rate / 1e3).round() as u64)
    }

    #[test]
    fn trains_tell_what_the_line_could_bear() {
        assert_eq!(served(800e3, 2), Some(800));
        assert_eq!(served(3e6, 2), Some(3_000));
        assert_eq!(served(100e6, 3), Some(10_000), "no more than was sent");
        assert_eq!(served(3e6, 1), None, "a packet alone tells nothing");
    }
}
