//! What a call came to, in a few lines.

use std::time::Duration;

use crate::{
    call::Summary,
    observe::{InboundStats, OutboundStats},
};

/// Returns the summary for a person.
pub(super) fn words(summary: &Summary) -> String {
    let Some(connected) = summary.connected else {
        return summary.ended.to_string();
    };
    let stats = &summary.stats;
    let mut lines = vec![format!("{} Connected for {}.", summary.ended, time(connected))];
    lines.extend(sent(&stats.outbound.video, &stats.outbound.audio, connected));
    lines.extend(received(&stats.inbound.video, &stats.inbound.audio, connected));
    lines.join("\n")
}

fn sent(video: &OutboundStats, audio: &OutboundStats, connected: Duration) -> Option<String> {
    let mut parts = Vec::new();
    if video.frames_encoded > 0 {
        parts.push(pictures(video.frames_encoded, video.size, connected));
    }
    if audio.frames_encoded > 0 {
        parts.push(format!("{} of sound", blocks(audio.frames_encoded)));
    }
    let bytes = video.bytes_sent + audio.bytes_sent;
    (!parts.is_empty()).then(|| format!("Sent: {}, {}.", parts.join(", "), rate(bytes, connected)))
}

fn received(video: &InboundStats, audio: &InboundStats, connected: Duration) -> Option<String> {
    let mut parts = Vec::new();
    if video.frames_decoded > 0 {
        parts.push(pictures(video.frames_decoded, video.size, connected));
    }
    if audio.frames_decoded > 0 {
        parts.push(format!("{} of sound", blocks(audio.frames_decoded)));
    }
    if parts.is_empty() {
        return Some("Received: nothing.".into());
    }
    parts.push(rate(video.bytes_received + audio.bytes_received, connected));
    let (packets, lost) = (video.packets_received + audio.packets_received, video.packets_lost + audio.packets_lost);
    parts.push(format!("{:.1} % lost", 100.0 * lost as f64 / ((packets + lost) as f64).max(1.0)));
    if video.freeze_count > 0 {
        parts.push(format!("frozen for {:.1} s", video.total_freezes_duration));
    }
    // A block or two at the beginning are nothing to speak of.
    if audio.concealed >= 5 {
        parts.push(format!("{} of sound made up", blocks(audio.concealed)));
    }
    Some(format!("Received: {}.", parts.join(", ")))
}

fn pictures(count: u64, size: Option<crate::media::Size>, connected: Duration) -> String {
    let size = size.map(|size| format!(" {size}")).unwrap_or_default();
    format!("{count} pictures{size} ({:.1} a second)", count as f64 / connected.as_secs_f64().max(0.1))
}

fn blocks(count: u64) -> String {
    let seconds = count as f64 * 0.02;
    if seconds < 10.0 { format!("{seconds:.1} s") } else { time(Duration::from_secs_f64(seconds)) }
}

fn rate(bytes: u64, connected: Duration) -> String {
    format!("{:.0} kbit/s", bytes as f64 * 8.0 / 1000.0 / connected.as_secs_f64().max(0.1))
}

/// Returns a duration as people say it.
pub(super) fn time(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call::Ended, observe::StatsReport};

    #[test]
    fn a_call_that_never_was_says_why() {
        let summary = Summary { ended: Ended::HungUp, connected: None, stats: StatsReport::default() };
        assert_eq!(words(&summary), "You hung up.");
    }

    #[test]
    fn a_call_tells_what_went_to_and_fro() {
        let mut stats = StatsReport::default();
        stats.outbound.audio = OutboundStats { frames_encoded: 500, bytes_sent: 40_000, ..Default::default() };
        stats.inbound.video = InboundStats {
            frames_decoded: 299,
            size: crate::media::Size::new(1280, 720),
            bytes_received: 2_500_000,
            packets_received: 995,
            packets_lost: 5,
            freeze_count: 1,
            total_freezes_duration: 0.25,
            ..Default::default()
        };
        let summary = Summary { ended: Ended::RemoteHungUp, connected: Some(Duration::from_secs(10)), stats };
        assert_eq!(
            words(&summary),
            "The other side hung up. Connected for 10 s.\n\
             Sent: 10 s of sound, 32 kbit/s.\n\
             Received: 299 pictures 1280x720 (29.9 a second), 2000 kbit/s, 0.5 % lost, frozen for 0.2 s."
        );
    }
}
