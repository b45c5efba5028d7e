//! The congestion controller's estimate, watched on its way through the library's seam.

use std::time::Instant;

use rtc::interceptor::{BandwidthEstimator, EstimatorStats, Gcc, PacketReport};
use tokio::sync::watch;

use super::{loss::LossLimit, queueing::Queueing};
use crate::{congestion::Line, media::Bitrate};

/// What the rate gains with each report (about ten a second) while packets do not wait ...
const RISE: f64 = 1.005;

/// ... and keeps while they do: a single hiccup costs a tenth, a line that got narrow most of it within
/// a second.
const FALL: f64 = 0.9;

/// The library's GCC for delay (draft-ietf-rmcat-gcc) and a limit of our own for loss; the lower of
/// the two is told to whoever watches.
///
/// GCC's detector takes the holes that loss leaves for delay. So its rate may only fall below what it
/// was while packets really wait.
pub(super) struct Estimator {
    gcc: Gcc,
    /// What GCC allows, in bits a second.
    delay: f64,
    max: f64,
    queueing: Queueing,
    loss: LossLimit,
    told: watch::Sender<Line>,
    /// Packets lost and packets sent, older ones counting ever less.
    losses: (f64, f64),
}

impl Estimator {
    /// No call is worth having below this: sound alone with its headers.
    const MIN: Bitrate = Bitrate::from_kbps(50);

    pub(super) fn new(start: Bitrate, max: Bitrate) -> (Self, watch::Receiver<Line>) {
        let max = max.max(Self::MIN);
        let start = start.clamp(Self::MIN, max);
        let (told, watcher) = watch::channel(Line::with_rate(start));
        let gcc = Gcc::new(start.bps() as f64, Self::MIN.bps() as f64, max.bps() as f64);
        let estimator = Self {
            delay: gcc.target_bitrate(),
            max: max.bps() as f64,
            gcc,
            queueing: Queueing::default(),
            loss: LossLimit::new(max.bps() as f64),
            told,
            losses: (0.0, 0.0),
        };
        (estimator, watcher)
    }

    /// Moves what delay allows after a report: up a little while nothing waits, whatever GCC says, and
    /// down to GCC's rate in steps while something does.
    fn follow_delay(&mut self) {
        let step = if self.queueing.is_harmless() { RISE } else { FALL };
        self.delay = (self.delay * step).max(self.gcc.target_bitrate()).min(self.max);
    }

    fn tell(&self) {
        let (lost, sent) = self.losses;
        let available = Bitrate::from_bps(self.target_bitrate() as u64);
        let now = Line { loss: lost / sent.max(1.0), ..Line::with_rate(available) };
        self.told.send_if_modified(|line| std::mem::replace(line, now) != now);
    }
}

impl BandwidthEstimator for Estimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let lost = reports.iter().filter(|report| !report.arrived).count();
        let kept = 0.99_f64.powi(reports.len() as i32);
        self.losses = (self.losses.0 * kept + lost as f64, self.losses.1 * kept + reports.len() as f64);
        self.loss.update(now, lost, reports.len(), self.target_bitrate());
        // Its own half for loss is to see none.
        let arrived: Vec<PacketReport> = reports.iter().filter(|report| report.arrived).cloned().collect();
        for report in &arrived {
            if let Some(arrival) = report.arrival {
                self.queueing.travelled(report.departure, arrival);
            }
        }
        self.gcc.on_reports(now, &arrived);
        self.follow_delay();
        self.tell();
    }

    fn target_bitrate(&self) -> f64 {
        self.delay.min(self.loss.get()).max(Self::MIN.bps() as f64)
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.gcc.handle_timeout(now);
        self.tell();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.gcc.poll_timeout()
    }

    fn stats(&self) -> EstimatorStats {
        self.gcc.stats()
    }
}
