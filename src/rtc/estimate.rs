//! The library's seam for congestion control: its reports go to our estimator, what that finds goes to whoever
//! watches.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rtc::interceptor::{BandwidthEstimator, EstimatorStats, PacketReport};
use tokio::sync::watch;

use super::padding::Padding;
use crate::{
    congestion::{Fate, Line, LineEstimator, PacketFate},
    media::Bitrate,
};

/// What a packet costs beyond RTP: UDP, IPv4 and the seal of SRTP.
const BELOW: usize = 8 + 20 + 10;

/// Changes smaller than this share of the rate are told with the next ones, but not later than after
/// [`TELL_INTERVAL`].
const SMALL: f64 = 0.02;
const TELL_INTERVAL: Duration = Duration::from_millis(500);

/// Which packets the other side's reports spoke of: the library takes a packet whose report was lost for lost
/// itself. Written by the tap, which sees the reports first.
///
/// **Capacity 16 reports; when full the oldest is forgotten.**
#[derive(Clone, Debug, Default)]
pub(super) struct Coverage(Arc<Mutex<VecDeque<(u16, u16)>>>);

impl Coverage {
    const CAPACITY: usize = 16;

    /// Takes a report's first sequence number and how many packets it speaks of.
    pub(super) fn add(&self, first: u16, count: u16) {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.len() == Self::CAPACITY {
            reports.pop_front();
        }
        reports.push_back((first, count));
    }

    fn contains(&self, number: u16) -> bool {
        let reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.iter().any(|(first, count)| number.wrapping_sub(*first) < *count)
    }
}

/// Our estimator where the library expects one.
pub(super) struct Estimator {
    estimator: LineEstimator,
    coverage: Coverage,
    padding: Padding,
    told: watch::Sender<Line>,
    told_at: Option<Instant>,
}

impl Estimator {
    pub(super) fn new(
        start: Bitrate,
        max: Bitrate,
        coverage: Coverage,
        padding: Padding,
    ) -> (Self, watch::Receiver<Line>) {
        let estimator = LineEstimator::new(start, max);
        let (told, watcher) = watch::channel(estimator.line());
        (Self { estimator, coverage, padding, told, told_at: None }, watcher)
    }

    fn fate(&self, report: &PacketReport) -> Fate {
        match report.arrival {
            Some(arrival) => Fate::Arrived(arrival),
            None if report.arrived || !self.coverage.contains(report.twcc_sequence_number) => Fate::Untold,
            None => Fate::Lost,
        }
    }

    /// Tells changes, but not each small one: whoever watches shares the rate out anew.
    fn tell(&mut self, now: Instant) {
        let new = self.estimator.line();
        let old = *self.told.borrow();
        let change = new.available.bps() as f64 / (old.available.bps() as f64).max(1.0) - 1.0;
        let rested = self.told_at.is_none_or(|at| now.saturating_duration_since(at) >= TELL_INTERVAL);
        let leapt = (new.known, new.flooded) != (old.known, old.flooded);
        if leapt || change.abs() > SMALL || rested && new != old {
            self.told_at = Some(now);
            self.told.send_replace(new);
        }
    }
}

impl BandwidthEstimator for Estimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let fates: Vec<PacketFate> = reports
            .iter()
            .map(|report| PacketFate {
                departure: report.departure,
                bytes: report.size + BELOW,
                fate: self.fate(report),
            })
            .collect();
        self.estimator.report(now, &fates);
        let padding = self.estimator.take_padding(now);
        if padding > 0 {
            self.padding.want(padding);
        }
        self.tell(now);
    }

    fn target_bitrate(&self) -> f64 {
        self.estimator.line().available.bps() as f64
    }

    fn stats(&self) -> EstimatorStats {
        EstimatorStats::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_lost_reports_are_not_lost() {
        let coverage = Coverage::default();
        coverage.add(65_530, 10);
        for (number, expected) in [(65_529, false), (65_530, true), (0, true), (3, true), (4, false)] {
            assert_eq!(coverage.contains(number), expected, "{number}");
        }
        for report in 0..Coverage::CAPACITY as u16 {
            coverage.add(100 + report, 1);
        }
        assert!(!coverage.contains(0), "the oldest is forgotten");
    }
}
