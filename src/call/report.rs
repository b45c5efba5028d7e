//! One second's figures, from what the threads and the other side count.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::{
    media::Bitrate,
    observe::{CandidatePairStats, InboundStats, OutboundStats, QualityLimitation, StatsReport},
    rtc::WireCounts,
};

/// Makes a report out of the counts, with rates since the one before.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    before: Option<(Instant, StatsReport)>,
    /// In seconds, from the newest receiver report or ICE's checks.
    pub(super) round_trip_time: Option<f64>,
    /// Whether a receiver report has told it.
    pub(super) reported: bool,
}

/// What is counted where; sound first in each pair.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) outbound: [OutboundStats; 2],
    pub(super) inbound: [InboundStats; 2],
    pub(super) wire: [WireCounts; 2],
    /// What the library knows, as the W3C has it.
    pub(super) objects: Map<String, Value>,
    pub(super) available_outgoing_bitrate: Bitrate,
    pub(super) connection: u32,
    /// Whether the picture is less than was asked for, for the line's sake.
    pub(super) narrowed: bool,
}

impl Reporter {
    /// Returns the figures at `now`, which is `since_1970`.
    pub(super) fn report(&mut self, now: Instant, since_1970: Duration, figures: Figures) -> StatsReport {
        let [audio, video] = figures.wire;
        let mut report = StatsReport {
            connection: figures.connection,
            timestamp: since_1970.as_micros() as f64 / 1e3,
            round_trip_time: self.round_trip_time,
            available_outgoing_bitrate: figures.available_outgoing_bitrate.bps(),
            candidate_pair: candidate_pair(&figures.objects),
            ..StatsReport::default()
        };
        [report.outbound.audio, report.outbound.video] = figures.outbound;
        [report.inbound.audio, report.inbound.video] = figures.inbound;
        wire(&mut report.outbound.audio, &mut report.inbound.audio, &audio);
        wire(&mut report.outbound.video, &mut report.inbound.video, &video);
        (report.remote_inbound.audio, report.remote_outbound.audio) = (audio.remote_inbound, audio.remote_outbound);
        (report.remote_inbound.video, report.remote_outbound.video) = (video.remote_inbound, video.remote_outbound);
        let reason = &mut report.outbound.video.quality_limitation_reason;
        if *reason == QualityLimitation::None && figures.narrowed {
            *reason = QualityLimitation::Bandwidth;
        }
        if let Some((then, before)) = &self.before {
            rates(&mut report, before, now.saturating_duration_since(*then));
        }
        report.objects = figures.objects;
        self.before = Some((now, report.clone()));
        report
    }
}

/// Puts in what the wire tells.
fn wire(outbound: &mut OutboundStats, inbound: &mut InboundStats, counts: &WireCounts) {
    outbound.fraction_lost = counts.remote_inbound.fraction_lost;
    outbound.nack_count = counts.nacks_received;
    outbound.pli_count = counts.plis_received;
    outbound.fir_count = counts.firs_received;
    outbound.header_bytes_sent = counts.header_bytes_sent;
    outbound.retransmitted_packets_sent = counts.retransmitted_packets_sent;
    outbound.retransmitted_bytes_sent = counts.retransmitted_bytes_sent;
    outbound.fec_packets_sent = counts.fec_packets_sent;
    inbound.nack_count = counts.nacks_sent;
    inbound.header_bytes_received = counts.header_bytes_received;
    inbound.fec_packets_received = counts.fec_packets_received;
}

/// Returns what is to be told of the pair of candidates that carries the call.
fn candidate_pair(objects: &Map<String, Value>) -> Option<CandidatePairStats> {
    let transport = objects.values().find(|object| object["type"] == "transport")?;
    let pair = objects.get(transport["selectedCandidatePairId"].as_str()?)?;
    let candidate = |which: &str| pair[which].as_str().and_then(|id| objects.get(id)).unwrap_or(&Value::Null);
    let (local, remote) = (candidate("localCandidateId"), candidate("remoteCandidateId"));
    let text = |object: &Value, name: &str| object[name].as_str().unwrap_or_default().to_owned();
    Some(CandidatePairStats {
        local_candidate_type: text(local, "candidateType"),
        remote_candidate_type: text(remote, "candidateType"),
        protocol: text(local, "protocol"),
        current_round_trip_time: pair["currentRoundTripTime"].as_f64().unwrap_or_default(),
        bytes_sent: pair["bytesSent"].as_u64().unwrap_or_default(),
        bytes_received: pair["bytesReceived"].as_u64().unwrap_or_default(),
    })
}

fn rates(report: &mut StatsReport, before: &StatsReport, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let bitrate = |now: u64, then: u64| ((now.saturating_sub(then)) as f64 * 8.0 / seconds) as u64;
    let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
    let mut durations = before.outbound.video.quality_limitation_durations;
    *match report.outbound.video.quality_limitation_reason {
        QualityLimitation::None => &mut durations.none,
        QualityLimitation::Cpu => &mut durations.cpu,
        QualityLimitation::Bandwidth => &mut durations.bandwidth,
    } += elapsed.as_secs_f64();
    report.outbound.video.quality_limitation_durations = durations;
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
            let figures = Figures {
                inbound: [InboundStats::default(), video],
                available_outgoing_bitrate: Bitrate::from_kbps(900),
                narrowed: true,
                ..Figures::default()
            };
            reporter.report(start + Duration::from_secs(seconds), Duration::from_secs(seconds), figures)
        };
        assert_eq!(report(1, 1000, 10).inbound.video.bitrate, 0, "nothing to compare with");
        let second = report(3, 2000, 70);
        assert_eq!(second.inbound.video.bitrate, 4000);
        assert_eq!(second.inbound.video.frames_per_second, 30.0);
        assert_eq!((second.available_outgoing_bitrate, second.timestamp), (900_000, 3_000.0));
        assert_eq!(second.outbound.video.quality_limitation_durations.bandwidth, 2.0);
        assert_eq!(report(4, 2000, 70).outbound.video.quality_limitation_durations.bandwidth, 3.0);
    }

    #[test]
    fn the_pair_that_carries_the_call_is_told_without_addresses() {
        let objects = serde_json::json!({
            "T": { "type": "transport", "selectedCandidatePairId": "P" },
            "P": { "type": "candidate-pair", "localCandidateId": "L", "remoteCandidateId": "R",
                   "currentRoundTripTime": 0.02, "bytesSent": 5, "bytesReceived": 7 },
            "L": { "type": "local-candidate", "candidateType": "relay", "protocol": "udp", "address": "192.0.2.7" },
            "R": { "type": "remote-candidate", "candidateType": "host" },
        });
        let Value::Object(objects) = objects else { panic!("an object") };
        let expected = CandidatePairStats {
            local_candidate_type: "relay".into(),
            remote_candidate_type: "host".into(),
            protocol: "udp".into(),
            current_round_trip_time: 0.02,
            bytes_sent: 5,
            bytes_received: 7,
        };
        assert_eq!(candidate_pair(&objects), Some(expected));
        assert_eq!(candidate_pair(&Map::new()), None);
    }
}
