//! The figures of a call in plain words: what matters, and what limits it.

use crate::{
    media::{Codec, Size},
    observe::{InboundStats, QualityLimitation, StatsReport},
};

/// A line that loses more than this is heard and seen.
const MUCH_LOSS: f64 = 0.02;

/// A round trip from which on people talk into each other's words, in seconds.
const FAR: f64 = 0.3;

/// A delay that is felt, in seconds.
const LATE: f64 = 0.25;

/// Returns the newest figures, with what was lost since an earlier report, and a sentence about what limits the call.
pub(super) fn figures(report: &StatsReport, earlier: Option<&StatsReport>) -> String {
    let (outbound, inbound) = (&report.outbound, &report.inbound);
    let mut lines = vec![
        format!(
            "You send:    {}, {} of {} kbit/s, {} lost",
            picture(outbound.video.size, outbound.video.frames_per_second),
            kbps(outbound.video.bitrate + outbound.audio.bitrate),
            kbps(report.available_outgoing_bitrate),
            percent(report.remote_inbound.video.fraction_lost.max(report.remote_inbound.audio.fraction_lost)),
        ),
        format!(
            "You receive: {}, {} kbit/s, {} lost, {} freezes",
            picture(inbound.video.size, inbound.video.frames_per_second),
            kbps(inbound.video.bitrate + inbound.audio.bitrate),
            percent(lost(report, earlier)),
            inbound.video.freeze_count,
        ),
        format!(
            "Held back:   pictures {}, sound {}, to play evenly",
            millis(inbound.video.playout_delay),
            millis(inbound.audio.playout_delay),
        ),
    ];
    let mut path = vec![];
    if let Some(pair) = &report.candidate_pair {
        path.push(way(&pair.local_candidate_type, &pair.remote_candidate_type).to_owned());
    }
    path.extend(report.round_trip_time.map(|seconds| format!("{} and back", millis(seconds))));
    path.extend(inbound.video.codec.map(|codec| format!("pictures in {}", name(codec))));
    lines.push(format!("The way:     {}", if path.is_empty() { "not known yet".into() } else { path.join(", ") }));
    lines.push(verdict(report, earlier).into());
    lines.join("\n")
}

/// Returns what limits the call, the gravest first.
fn verdict(report: &StatsReport, earlier: Option<&StatsReport>) -> &'static str {
    let ours = report.remote_inbound.video.fraction_lost.max(report.remote_inbound.audio.fraction_lost);
    match report.outbound.video.quality_limitation_reason {
        _ if lost(report, earlier) > MUCH_LOSS => {
            "Their upload or your download is the limit: what they send is lost on its way."
        }
        _ if ours > MUCH_LOSS => "Your upload or their download is the limit: what you send is lost on its way.",
        QualityLimitation::Bandwidth => "Your upload is the limit: your picture is smaller than you asked for.",
        QualityLimitation::Cpu => {
            "This machine is the limit: it does not encode your picture in full. Close other programs."
        }
        QualityLimitation::None if report.round_trip_time.is_some_and(|seconds| seconds > FAR) => {
            "The distance is the limit: wait a moment longer before you speak."
        }
        QualityLimitation::None if report.inbound.audio.playout_delay > LATE => {
            "The line is uneven: what comes is held back so that it plays without gaps."
        }
        QualityLimitation::None => "Nothing limits the call.",
    }
}

/// Returns the share of packets lost since an earlier report.
fn lost(report: &StatsReport, earlier: Option<&StatsReport>) -> f64 {
    let count = |report: &StatsReport, count: fn(&InboundStats) -> u64| {
        count(&report.inbound.audio) + count(&report.inbound.video)
    };
    let since = |of: fn(&InboundStats) -> u64| {
        count(report, of).saturating_sub(earlier.map_or(0, |earlier| count(earlier, of))) as f64
    };
    let (received, lost) = (since(|stats| stats.packets_received), since(|stats| stats.packets_lost));
    if lost > 0.0 { lost / (received + lost) } else { 0.0 }
}

fn way(local: &str, remote: &str) -> &'static str {
    match (local, remote) {
        ("relay", _) | (_, "relay") => "through a TURN server",
        ("host", "host") => "straight, without a NAT between",
        _ => "straight, through NATs",
    }
}

const fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "H.264",
        Codec::Vp8 => "VP8",
        Codec::Opus => "Opus",
    }
}

fn picture(size: Option<Size>, rate: f64) -> String {
    size.map_or_else(|| "no picture".into(), |size| format!("{size} {rate:.0} fps"))
}

fn kbps(bps: u64) -> u64 {
    (bps + 500) / 1000
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn millis(seconds: f64) -> String {
    format!("{:.0} ms", seconds * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::CandidatePairStats;

    fn report() -> StatsReport {
        let mut report = StatsReport {
            round_trip_time: Some(0.0231),
            available_outgoing_bitrate: 2_400_000,
            candidate_pair: Some(CandidatePairStats {
                local_candidate_type: "srflx".into(),
                remote_candidate_type: "host".into(),
                ..CandidatePairStats::default()
            }),
            ..StatsReport::default()
        };
        report.outbound.video.size = Some(Size::HD);
        report.outbound.video.frames_per_second = 29.97;
        report.outbound.video.bitrate = 1_770_000;
        report.inbound.video.codec = Some(Codec::Vp8);
        report.inbound.video.packets_received = 990;
        report.inbound.video.playout_delay = 0.031;
        report.inbound.audio.playout_delay = 0.045;
        report
    }

    #[test]
    fn figures_are_told_in_words() {
        let expected = "You send:    1280x720 30 fps, 1770 of 2400 kbit/s, 0.0 % lost\n\
            You receive: no picture, 0 kbit/s, 0.0 % lost, 0 freezes\n\
            Held back:   pictures 31 ms, sound 45 ms, to play evenly\n\
            The way:     straight, through NATs, 23 ms and back, pictures in VP8\n\
            Nothing limits the call.";
        assert!(expected.lines().all(|line| line.chars().count() < 80));
        assert_eq!(figures(&report(), None), expected);
        assert!(figures(&StatsReport::default(), None).contains("The way:     not known yet"));
    }

    #[test]
    fn what_limits_the_call_is_named() {
        let limited = |change: fn(&mut StatsReport)| {
            let mut report = report();
            change(&mut report);
            report
        };
        for (report, expected) in [
            (limited(|report| report.inbound.video.packets_lost = 40), "Their upload or your download"),
            (limited(|report| report.remote_inbound.video.fraction_lost = 0.1), "Your upload or their download"),
            (
                limited(|report| {
                    report.outbound.video.quality_limitation_reason = QualityLimitation::Bandwidth;
                }),
                "Your upload is the limit",
            ),
            (
                limited(|report| report.outbound.video.quality_limitation_reason = QualityLimitation::Cpu),
                "This machine is the limit",
            ),
            (limited(|report| report.round_trip_time = Some(0.5)), "The distance is the limit"),
            (limited(|report| report.inbound.audio.playout_delay = 0.4), "The line is uneven"),
        ] {
            assert!(verdict(&report, None).starts_with(expected), "{}", verdict(&report, None));
            let earlier = limited(|report| report.inbound.video.packets_lost = 40);
            assert!(!verdict(&report, Some(&earlier)).starts_with("Their"), "it was lost before");
        }
    }
}
