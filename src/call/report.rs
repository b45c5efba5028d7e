//! One second's figures, from what the threads and the other side count.

use std::time::{Duration, Instant};

use crate::{
    media::Bitrate,
    observe::{InboundStats, OutboundStats, StatsReport},
};

/// Makes a report out of the counts, with rates since the one before.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    before: Option<(Instant, StatsReport)>,
    /// In seconds, from the newest receiver report or ICE's checks.
    pub(super) round_trip_time: Option<f64>,
    /// Whether a receiver report has told it.
    pub(super) reported: bool,
    pub(super) audio_fraction_lost: f64,
    pub(super) video_fraction_lost: f64,
    pub(super) pli_count: u64,
}

impl Reporter {
    /// Returns the figures at `now`; sound first in each pair.
    pub(super) fn report(
        &mut self,
        now: Instant,
        estimate: Bitrate,
        [out_audio, out_video]: [OutboundStats; 2],
        [in_audio, in_video]: [InboundStats; 2],
    ) -> StatsReport {
        let mut report = StatsReport {
            round_trip_time: self.round_trip_time,
            available_outgoing_bitrate: estimate.bps(),
            ..StatsReport::default()
        };
        report.outbound.audio = OutboundStats { fraction_lost: self.audio_fraction_lost, ..out_audio };
        report.outbound.video =
            OutboundStats { fraction_lost: self.video_fraction_lost, pli_count: self.pli_count, ..out_video };
        report.inbound.audio = in_audio;
        report.inbound.video = in_video;
        if let Some((then, before)) = &self.before {
            rates(&mut report, before, now.saturating_duration_since(*then));
        }
        self.before = Some((now, report.clone()));
        report
    }
}

fn rates(report: &mut StatsReport, before: &StatsReport, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let bitrate = |now: u64, then: u64| ((now.saturating_sub(then)) as f64 * 8.0 / seconds) as u64;
    let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
    for (now, then) in
        [(&mut report.outbound.audio, &before.outbound.audio), (&mut report.outbound.video, &before.outbound.video)]
    {
        now.bitrate = bitrate(now.bytes_sent, then.bytes_sent);
        now.frames_per_second = rate(now.frames_encoded, then.frames_encoded);
    }
    for (now, then) in
        [(&mut report.inbound.audio, &before.inbound.audio), (&mut report.inbound.video, &before.inbound.video)]
    {
        now.bitrate = bitrate(now.bytes_received, then.bytes_received);
        now.frames_per_second = rate(now.frames_decoded, then.frames_decoded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    #[test]
    fn rates_are_since_the_report_before() {
        let start = now();
        let mut reporter = Reporter { round_trip_time: Some(0.05), ..Reporter::default() };
        let mut report = |seconds: u64, bytes: u64, frames: u64| {
            let video = InboundStats { bytes_received: bytes, frames_decoded: frames, ..InboundStats::default() };
            let inbound = [InboundStats::default(), video];
            reporter.report(start + Duration::from_secs(seconds), Bitrate::from_kbps(900), Default::default(), inbound)
        };
        assert_eq!(report(1, 1000, 10).inbound.video.bitrate, 0, "nothing to compare with");
        let second = report(3, 2000, 70);
        assert_eq!(second.inbound.video.bitrate, 4000);
        assert_eq!(second.inbound.video.frames_per_second, 30.0);
        assert_eq!(second.available_outgoing_bitrate, 900_000);
    }
}
