//! The congestion controller's estimate, watched on its way through the library's seam.

use std::time::Instant;

use rtc::interceptor::{BandwidthEstimator, EstimatorStats, Gcc, PacketReport};
use tokio::sync::watch;

use crate::media::Bitrate;

/// The library's GCC (draft-ietf-rmcat-gcc), with its target told to whoever watches.
pub(super) struct WatchedGcc {
    gcc: Gcc,
    target: watch::Sender<Bitrate>,
}

impl WatchedGcc {
    /// No call is worth having below this: sound alone with its headers.
    const MIN: Bitrate = Bitrate::from_kbps(50);

    pub(super) fn new(start: Bitrate, max: Bitrate) -> (Self, watch::Receiver<Bitrate>) {
        let max = max.max(Self::MIN);
        let start = start.clamp(Self::MIN, max);
        let (target, watcher) = watch::channel(start);
        let gcc = Gcc::new(start.bps() as f64, Self::MIN.bps() as f64, max.bps() as f64);
        (Self { gcc, target }, watcher)
    }

    fn tell(&self) {
        let now = Bitrate::from_bps(self.gcc.target_bitrate() as u64);
        self.target.send_if_modified(|target| std::mem::replace(target, now) != now);
    }
}

impl BandwidthEstimator for WatchedGcc {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        self.gcc.on_reports(now, reports);
        self.tell();
    }

    fn target_bitrate(&self) -> f64 {
        self.gcc.target_bitrate()
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
