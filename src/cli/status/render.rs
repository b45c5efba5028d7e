//! What the status line says.

use std::time::Duration;

use crate::{
    media::DescriptionKind,
    observe::{CallStateName, InboundStats, StatsReport},
};

/// What the status line tells of.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput<'a> {
    /// The call's state.
    pub state: CallStateName,
    /// How long the call has been in it; once connected, since it first was.
    pub elapsed: Duration,
    /// What the other side is to give us.
    pub awaited: DescriptionKind,
    /// Until when waiting makes sense, as the time of day.
    pub until: Option<&'a str>,
    /// The other side's text is to be pasted into the terminal.
    pub pasted: bool,
    /// The newest figures.
    pub stats: Option<&'a StatsReport>,
    /// Figures of some seconds ago: loss is told since then. Without them, since the start.
    pub earlier: Option<&'a StatsReport>,
    /// Our microphone is muted.
    pub microphone_off: bool,
    /// Our camera is muted.
    pub camera_off: bool,
    /// Whether what needs attention may be coloured (see no-color.org).
    pub colour: bool,
}

/// Returns the status line for people.
pub fn render(input: &StatusInput<'_>) -> String {
    let attention = |text: String| if input.colour { format!("\x1b[33m{text}\x1b[0m") } else { text };
    let mut parts = match input.state {
        // Who answers has no description to make before there is an offer.
        CallStateName::Describing if input.awaited == DescriptionKind::Offer => {
            let mut parts = vec!["waiting for the offer".into(), age(input.elapsed)];
            parts.extend(input.pasted.then(|| PASTE.into()));
            parts
        }
        CallStateName::Describing => vec!["looking for ways to be reached".into()],
        CallStateName::AwaitingRemote if input.awaited == DescriptionKind::Offer => {
            vec!["waiting for them to paste your answer".into(), waited(input)]
        }
        CallStateName::AwaitingRemote => {
            let mut parts = vec!["waiting for the answer".into(), waited(input)];
            parts.extend(input.pasted.then(|| PASTE.into()));
            parts
        }
        CallStateName::Connecting => vec!["connecting".into(), age(input.elapsed)],
        CallStateName::Connected => vec![format!("connected {}", call_time(input.elapsed))],
        CallStateName::Interrupted => {
            vec![attention("interrupted: nothing comes from the other side".into()), call_time(input.elapsed)]
        }
        CallStateName::Ending => vec!["hanging up".into()],
    };
    if input.state != CallStateName::Ending {
        parts.extend(input.microphone_off.then(|| attention("microphone off".into())));
        parts.extend(input.camera_off.then(|| attention("camera off".into())));
    }
    if let (CallStateName::Connected, Some(stats)) = (input.state, input.stats) {
        parts.extend(figures(stats, input.earlier));
    }
    parts.join(" · ")
}

/// What to do while waiting.
const PASTE: &str = "paste it here";

/// Returns how long was waited, and how long that still makes sense.
fn waited(input: &StatusInput<'_>) -> String {
    let age = age(input.elapsed);
    input.until.map_or_else(|| age.clone(), |until| format!("{age}, until {until} at most"))
}

fn figures(stats: &StatsReport, earlier: Option<&StatsReport>) -> Vec<String> {
    let mut parts = Vec::new();
    let (inbound, outbound) = (&stats.inbound, &stats.outbound);
    if let Some(size) = inbound.video.size {
        parts.push(format!("{size} {:.0} fps", inbound.video.frames_per_second));
    }
    let down = inbound.audio.bitrate + inbound.video.bitrate;
    let up = outbound.audio.bitrate + outbound.video.bitrate;
    parts.push(format!("↓ {} ↑ {}", rate(down), rate(up)));
    if let Some(seconds) = stats.round_trip_time {
        parts.push(format!("{:.0} ms", seconds * 1000.0));
    }
    let counts = |report: &StatsReport| {
        let sum = |count: fn(&InboundStats) -> u64| count(&report.inbound.audio) + count(&report.inbound.video);
        (sum(|stats| stats.packets_received), sum(|stats| stats.packets_lost))
    };
    let ((received, lost), before) = (counts(stats), earlier.map(counts).unwrap_or_default());
    let (received, lost) = (received.saturating_sub(before.0), lost.saturating_sub(before.1));
    if received + lost > 0 {
        parts.push(format!("{:.1} % lost", 100.0 * lost as f64 / (received + lost) as f64));
    }
    parts
}

fn rate(bps: u64) -> String {
    match bps {
        ..999_500 => format!("{} kbit/s", (bps + 500) / 1000),
        _ => format!("{:.1} Mbit/s", bps as f64 / 1e6),
    }
}

/// Returns how long a person has waited: nobody counts seconds after a minute.
fn age(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn call_time(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Size;

    fn input(state: CallStateName, seconds: u64) -> StatusInput<'static> {
        StatusInput {
            state,
            elapsed: Duration::from_secs(seconds),
            awaited: DescriptionKind::Answer,
            until: None,
            pasted: false,
            stats: None,
            earlier: None,
            microphone_off: false,
            camera_off: false,
            colour: false,
        }
    }

    #[test]
    fn states_are_told_in_words() {
        use CallStateName::{AwaitingRemote, Connected, Connecting, Describing, Ending, Interrupted};
        for (state, seconds, expected) in [
            (Describing, 1, "looking for ways to be reached"),
            (AwaitingRemote, 42, "waiting for the answer · 42 s"),
            (AwaitingRemote, 150, "waiting for the answer · 2 min"),
            (AwaitingRemote, 3_900, "waiting for the answer · 1 h 5 min"),
            (Connecting, 3, "connecting · 3 s"),
            (Connected, 42, "connected 0:42"),
            (Connected, 3_725, "connected 1:02:05"),
            (Interrupted, 7, "interrupted: nothing comes from the other side · 0:07"),
            (Ending, 0, "hanging up"),
        ] {
            assert_eq!(render(&input(state, seconds)), expected);
        }
        for (state, expected) in [
            (Describing, "waiting for the offer · 9 s"),
            (AwaitingRemote, "waiting for them to paste your answer · 9 s"),
        ] {
            let answerer = StatusInput { awaited: DescriptionKind::Offer, ..input(state, 9) };
            assert_eq!(render(&answerer), expected);
        }
    }

    #[test]
    fn waiting_says_until_when_and_what_to_do() {
        use CallStateName::{AwaitingRemote, Describing};
        use DescriptionKind::{Answer, Offer};
        for (awaited, state, seconds, expected) in [
            (Answer, AwaitingRemote, 150, "waiting for the answer · 2 min, until 02:14 at most · paste it here"),
            (Answer, AwaitingRemote, 3_599, "waiting for the answer · 59 min, until 02:14 at most · paste it here"),
            (Offer, Describing, 9, "waiting for the offer · 9 s · paste it here"),
            (Offer, AwaitingRemote, 43_000, "waiting for them to paste your answer · 11 h 56 min, until 02:14 at most"),
        ] {
            let status = StatusInput { awaited, until: Some("02:14"), pasted: true, ..input(state, seconds) };
            assert_eq!(render(&status), expected);
            assert!(expected.chars().count() < 80);
        }
    }

    #[test]
    fn figures_are_told_while_connected() {
        let mut stats = StatsReport { round_trip_time: Some(0.0231), ..StatsReport::default() };
        stats.inbound.video.size = Some(Size::HD);
        stats.inbound.video.frames_per_second = 29.97;
        stats.inbound.video.bitrate = 1_770_000;
        stats.inbound.audio.bitrate = 32_000;
        stats.inbound.video.packets_received = 1_498;
        stats.inbound.audio.packets_lost = 3;
        stats.outbound.video.bitrate = 640_400;
        let status = StatusInput { stats: Some(&stats), ..input(CallStateName::Connected, 42) };
        let expected = "connected 0:42 · 1280x720 30 fps · ↓ 1.8 Mbit/s ↑ 640 kbit/s · 23 ms · 0.2 % lost";
        assert_eq!(render(&status), expected);

        let mut later = stats.clone();
        later.inbound.audio.packets_received += 90;
        later.inbound.video.packets_lost += 10;
        let status = StatusInput { stats: Some(&later), earlier: Some(&stats), ..status };
        assert!(render(&status).ends_with(" · 10.0 % lost"), "{}", render(&status));
        let bare = StatsReport::default();
        let status = StatusInput { stats: Some(&bare), earlier: None, ..status };
        assert_eq!(render(&status), "connected 0:42 · ↓ 0 kbit/s ↑ 0 kbit/s");
    }

    #[test]
    fn what_is_off_stands_out() {
        let off = StatusInput { microphone_off: true, camera_off: true, ..input(CallStateName::Connected, 0) };
        assert_eq!(render(&off), "connected 0:00 · microphone off · camera off");
        let coloured = StatusInput { colour: true, camera_off: false, ..off };
        assert_eq!(render(&coloured), "connected 0:00 · \x1b[33mmicrophone off\x1b[0m");
    }
}
