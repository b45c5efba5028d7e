//! One line of time for sound and picture.
//!
//! Sender reports say which moment of the sender's wall clock (NTP time) each medium's time stamps
//! mean (RFC 3550, 6.4.1). What was captured at one moment is to be played at one moment, so the
//! medium that could be played earlier waits for the other. Sound is the master: pictures wait for
//! it as long as it takes, sound waits for late pictures within a limit.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use crate::media::{MediaKind, MediaTime, NtpTime};

/// Keeps sound and picture in step. Shared by the two threads that receive them; never blocks.
#[derive(Debug)]
pub struct PlayoutClock {
    /// What instants are counted from.
    epoch: Instant,
    audio: Lane,
    video: Lane,
}

/// What is known of one medium, each in microseconds.
#[derive(Debug)]
struct Lane {
    /// NTP time less media time.
    ntp: AtomicI64,
    /// Instant of playing less media time, as it would be without the other medium.
    alone: AtomicI64,
    /// Instant of playing less media time, as it is.
    played: AtomicI64,
}

/// Stands for what is not known yet.
const UNKNOWN: i64 = i64::MIN;

/// How far apart sound and picture may be before one waits for the other, in microseconds. Nobody sees
/// it, sound is under way for a packet longer than a picture, and waiting costs delay.
const TOLERANCE: i64 = 25_000;

/// How long sound waits for pictures at most, in microseconds: more would hurt the talk.
const MAX_SOUND_WAIT: i64 = 300_000;

/// Two media further apart than this do not share a clock, whatever the reports say.
const MAX_DISTANCE: i64 = 2_000_000;

impl PlayoutClock {
    /// Returns a clock that knows nothing yet and asks nobody to wait. `epoch` may be any instant.
    pub const fn new(epoch: Instant) -> Self {
        Self { epoch, audio: Lane::new(), video: Lane::new() }
    }

    /// Learns from a sender report: the medium's `media_time` is the sender's `ntp` time.
    pub fn set_report(&self, kind: MediaKind, media_time: MediaTime, ntp: NtpTime) {
        self.lane(kind).ntp.store(ntp.micros() - micros(media_time), Ordering::Relaxed);
    }

    /// Learns when the medium could play its `media_time` if it were alone.
    pub fn set_alone(&self, kind: MediaKind, media_time: MediaTime, play_at: Instant) {
        self.lane(kind).alone.store(self.since_epoch(play_at) - micros(media_time), Ordering::Relaxed);
    }

    /// Learns when the medium's `media_time` was played, or will be.
    pub fn set_played(&self, kind: MediaKind, media_time: MediaTime, at: Instant) {
        self.lane(kind).played.store(self.since_epoch(at) - micros(media_time), Ordering::Relaxed);
    }

    /// Forgets a medium: its stream began anew.
    pub fn forget(&self, kind: MediaKind) {
        let lane = self.lane(kind);
        for value in [&lane.ntp, &lane.alone, &lane.played] {
            value.store(UNKNOWN, Ordering::Relaxed);
        }
    }

    /// Returns how much later than alone the medium has to play, so that they are at most 25 ms apart.
    /// Zero while either is unknown.
    pub fn extra_delay(&self, kind: MediaKind) -> Duration {
        let (Some(audio), Some(video)) = (self.audio.alone_from_ntp(), self.video.alone_from_ntp()) else {
            return Duration::ZERO;
        };
        let ahead = video - audio;
        if ahead.abs() > MAX_DISTANCE {
            return Duration::ZERO;
        }
        let sound_waits = (ahead - TOLERANCE).clamp(0, MAX_SOUND_WAIT);
        let extra = match kind {
            MediaKind::Audio => sound_waits,
            MediaKind::Video => {
                // What sound really does beats what it was asked to do: it takes its time.
                let played = self.audio.played_from_ntp().filter(|played| (played - video).abs() <= MAX_DISTANCE);
                (played.unwrap_or(audio + sound_waits) - TOLERANCE - video).max(0)
            }
        };
        Duration::from_micros(extra as u64)
    }

    /// Returns when the medium's `media_time` was captured by the sender's wall clock, in microseconds of
    /// NTP time; `None` before a report came.
    pub fn captured_micros(&self, kind: MediaKind, media_time: MediaTime) -> Option<i64> {
        Some(known(&self.lane(kind).ntp)? + micros(media_time))
    }

    /// Returns how far the picture is shown behind the sound, in seconds; `None` while unknown.
    pub fn sync_offset(&self) -> Option<f64> {
        let behind = self.video.played_from_ntp()? - self.audio.played_from_ntp()?;
        Some(behind as f64 / 1e6)
    }

    const fn lane(&self, kind: MediaKind) -> &Lane {
        match kind {
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
        }
    }

    fn since_epoch(&self, instant: Instant) -> i64 {
        instant.saturating_duration_since(self.epoch).as_micros() as i64
            - self.epoch.saturating_duration_since(instant).as_micros() as i64
    }
}

impl Lane {
    const fn new() -> Self {
        Self { ntp: AtomicI64::new(UNKNOWN), alone: AtomicI64::new(UNKNOWN), played: AtomicI64::new(UNKNOWN) }
    }

    /// Instant of playing alone less NTP time: the same for both media if they are in step.
    fn alone_from_ntp(&self) -> Option<i64> {
        Some(known(&self.alone)? - known(&self.ntp)?)
    }

    fn played_from_ntp(&self) -> Option<i64> {
        Some(known(&self.played)? - known(&self.ntp)?)
    }
}

fn known(value: &AtomicI64) -> Option<i64> {
    Some(value.load(Ordering::Relaxed)).filter(|value| *value != UNKNOWN)
}

fn micros(media_time: MediaTime) -> i64 {
    media_time.since_epoch().as_micros() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    const HOUR: Duration = Duration::from_secs(3600);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn media(since: u64) -> MediaTime {
        MediaTime::new(HOUR + millis(since))
    }

    /// Second 4,000,000,000 of NTP time and so many milliseconds.
    fn ntp(since: u64) -> NtpTime {
        NtpTime((4_000_000_000_u64 << 32) + (since << 32) / 1000)
    }

    #[test]
    fn the_earlier_medium_waits_for_the_other() {
        // How late each could play alone what was captured at one moment, then how long each waits.
        for (audio, video, audio_waits, video_waits) in [
            (60, 60, 0, 0),
            (60, 40, 0, 0),
            (40, 60, 0, 0),
            (100, 40, 0, 35),
            (40, 100, 35, 0),
            (40, 300, 235, 0),
            (40, 500, 300, 0),
            (1_500, 40, 0, 1_435),
            (40, 5_000, 0, 0),
        ] {
            let start = now();
            let clock = PlayoutClock::new(start);
            // Sound's first time stamp was taken 250 ms before the pictures' first.
            clock.set_report(MediaKind::Audio, media(250), ntp(0));
            clock.set_report(MediaKind::Video, media(0), ntp(0));
            clock.set_alone(MediaKind::Audio, media(1_250), start + millis(1_000 + audio));
            clock.set_alone(MediaKind::Video, media(1_000), start + millis(1_000 + video));
            let waits = [MediaKind::Audio, MediaKind::Video].map(|kind| clock.extra_delay(kind));
            for (wait, expected) in waits.into_iter().zip([audio_waits, video_waits]) {
                assert!(wait.abs_diff(millis(expected)) < millis(1), "{audio} {video}: {waits:?}");
            }
        }
    }

    #[test]
    fn pictures_follow_what_sound_really_does() {
        let start = now();
        let clock = PlayoutClock::new(start);
        for kind in [MediaKind::Audio, MediaKind::Video] {
            clock.set_report(kind, media(0), ntp(0));
            clock.set_alone(kind, media(0), start + millis(50));
        }
        clock.set_played(MediaKind::Audio, media(0), start + millis(85));
        assert_eq!(clock.extra_delay(MediaKind::Video), millis(10));
        assert_eq!(clock.extra_delay(MediaKind::Audio), Duration::ZERO);
    }

    #[test]
    fn nobody_waits_for_the_unknown() {
        let start = now();
        let clock = PlayoutClock::new(start);
        clock.set_alone(MediaKind::Audio, media(0), start);
        clock.set_alone(MediaKind::Video, media(0), start + millis(200));
        clock.set_report(MediaKind::Audio, media(0), ntp(0));
        assert_eq!(clock.extra_delay(MediaKind::Audio), Duration::ZERO);
        clock.set_report(MediaKind::Video, media(0), ntp(0));
        assert_eq!(clock.extra_delay(MediaKind::Audio), millis(175));
        clock.forget(MediaKind::Video);
        assert_eq!(clock.extra_delay(MediaKind::Audio), Duration::ZERO);
    }

    #[test]
    fn the_offset_is_what_was_played() {
        let start = now();
        let clock = PlayoutClock::new(start);
        assert_eq!(clock.sync_offset(), None);
        for (kind, at) in [(MediaKind::Audio, 100), (MediaKind::Video, 115)] {
            clock.set_report(kind, media(0), ntp(500));
            clock.set_played(kind, media(0), start + millis(at));
        }
        let offset = clock.sync_offset().expect("both are known");
        assert!((offset - 0.015).abs() < 1e-3, "{offset}");
    }
}
