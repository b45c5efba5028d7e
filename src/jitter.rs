//! Packets in any order in; whole pictures, and sound without a gap, in time out.
//!
//! Nothing here has a thread or asks the clock: `now` is an argument everywhere. Each buffer is
//! owned by the thread that receives its medium; [`PlayoutClock`] alone is shared between the two.

mod assembly;
mod audio;
#[cfg(test)]
mod lossy_path;
mod picture_delay;
mod playout;
mod reception;

pub use assembly::{Arrived, Pop, VideoBuffer};
#[cfg(test)]
use audio::Tone;
pub use audio::{AudioPlayed, AudioPlayer};
pub use picture_delay::PictureDelay;
pub use playout::PlayoutClock;
pub use reception::Reception;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use bytes::Bytes;

    use super::{lossy_path::LossyPath, *};
    use crate::{
        codec::depacketizer,
        media::{AudioFrame, Codec, MediaKind, NtpTime, RtpPacket, RtpTime, SeqNo, now},
    };

    const MILLI: Duration = Duration::from_millis(1);

    /// What the sink keeps ready.
    const READY: Duration = Duration::from_millis(6);

    /// One medium's packets, one a frame; its first time stamp is taken at `first_at`.
    fn packets(start: Instant, ssrc: u32, rate_hz: u32, interval: Duration, count: u32) -> Vec<RtpPacket> {
        let packet = |n: u32| RtpPacket {
            ssrc,
            payload_type: 96,
            seq: SeqNo(n as u16),
            timestamp: rtp_at(ssrc, rate_hz, interval * n),
            marker: true,
            rotation: None,
            // A key frame; for sound, some of a tone.
            payload: Bytes::from_static(&[0x65, 0, 0, 0, 1]),
            arrival: start + interval * n,
        };
        (0..count).map(packet).collect()
    }

    /// The time stamp of what is captured so long after the start: each medium counts from elsewhere.
    fn rtp_at(ssrc: u32, rate_hz: u32, captured: Duration) -> RtpTime {
        RtpTime((ssrc * 1_000_000_007).wrapping_add((captured.as_secs_f64() * f64::from(rate_hz)).round() as u32))
    }

    fn ntp_at(captured: Duration) -> NtpTime {
        NtpTime((4_000_000_000 << 32) + ((captured.as_micros() as u64) << 32) / 1_000_000)
    }

    /// Plays a minute over two paths; returns how far each picture was shown behind the sound, in
    /// seconds, and the largest delay of sound.
    fn minute(sound_path: LossyPath, picture_path: LossyPath) -> (Vec<f64>, Duration) {
        let start = now();
        let frame = Duration::from_nanos(33_333_333);
        let mut sound = sound_path.carry(packets(start, 1, 48_000, 20 * MILLI, 3_000)).into_iter().peekable();
        let mut pictures = picture_path.carry(packets(start, 2, 90_000, frame, 1_800)).into_iter().peekable();
        let clock = PlayoutClock::new(start);
        let mut audio = AudioPlayer::new(48_000, Box::new(Tone::new(20 * MILLI)), 1);
        audio.set_ahead(READY);
        let (mut plays_until, mut piece) = (start, AudioFrame::default());
        let mut video = VideoBuffer::new(depacketizer(Codec::H264).expect("for pictures"), 90_000);
        video.set_patience(Duration::from_secs(1));
        let mut delay = PictureDelay::new();
        let (mut offsets, mut longest) = (Vec::new(), Duration::ZERO);
        for millis in 0..60_000_u32 {
            let (passed, at) = (MILLI * millis, start + MILLI * millis);
            while let Some(packet) = sound.next_if(|packet| packet.arrival <= at) {
                audio.insert(packet);
            }
            while let Some(packet) = pictures.next_if(|packet| packet.arrival <= at) {
                video.insert(packet);
            }
            if millis % 1_000 == 500 {
                let times = [
                    (MediaKind::Audio, audio.media_time(rtp_at(1, 48_000, passed))),
                    (MediaKind::Video, video.media_time(rtp_at(2, 90_000, passed))),
                ];
                for (kind, media_time) in times {
                    clock.set_report(kind, media_time.expect("packets came"), ntp_at(passed));
                }
            }
            audio.set_extra_delay(clock.extra_delay(MediaKind::Audio));
            loop {
                let queued = plays_until.saturating_duration_since(at);
                if queued > READY || !audio.next(at, queued, queued <= 2 * MILLI, &mut piece) {
                    break;
                }
                let plays_at = plays_until.max(at);
                plays_until = plays_at + piece.duration();
                if let Some(delay) = audio.delay() {
                    clock.set_played(MediaKind::Audio, piece.captured_at, plays_at);
                    clock.set_alone(MediaKind::Audio, piece.captured_at, plays_at + audio.target_alone() - delay);
                    if millis > 10_000 {
                        longest = longest.max(plays_at - (start + captured(piece.captured_at)));
                    }
                }
            }
            while let Pop::Frame(arrived) = video.pop(at) {
                if let Some(carried_at) = arrived.carried_at {
                    delay.observe(arrived.frame.media_time, carried_at);
                }
                let alone = delay.play_at(arrived.frame.media_time).unwrap_or(at);
                clock.set_alone(MediaKind::Video, arrived.frame.media_time, alone);
                let show_at = (alone + clock.extra_delay(MediaKind::Video)).max(at);
                clock.set_played(MediaKind::Video, arrived.frame.media_time, show_at);
                if millis > 15_000 {
                    offsets.extend(clock.sync_offset());
                }
            }
        }
        (offsets, longest)
    }

    fn captured(media_time: crate::media::MediaTime) -> Duration {
        media_time.since_epoch().saturating_sub(Duration::from_secs(3600))
    }

    #[test]
    fn sound_and_picture_stay_in_step() {
        let jittery = LossyPath { jitter: 20 * MILLI, seed: 5, ..LossyPath::CLEAN };
        let resent = LossyPath { jitter: 10 * MILLI, loss: 0.08, retransmission: 120 * MILLI, ..LossyPath::CLEAN };
        let late_sound = LossyPath { jitter: 150 * MILLI, ..LossyPath::CLEAN };
        for (name, sound, picture, least_in_step) in [
            ("clean", LossyPath::CLEAN, LossyPath::CLEAN, 1.0),
            ("sound jitters", late_sound, LossyPath::CLEAN, 0.95),
            // Each twelfth is late, and with it those behind it: the others do not wait for them.
            ("pictures are sent again", jittery, resent, 0.7),
        ] {
            let (offsets, longest) = minute(sound, picture);
            assert!(offsets.len() > 1_300, "{name}: {} pictures", offsets.len());
            let in_step = offsets.iter().filter(|offset| offset.abs() <= 0.030).count();
            let share = in_step as f64 / offsets.len() as f64;
            let worst = offsets.iter().fold(0.0_f64, |worst, offset| worst.max(offset.abs()));
            assert!(share >= least_in_step, "{name}: {share:.3} in step, {worst:.3} s at worst");
            assert!(longest < 300 * MILLI, "{name}: sound {longest:?} late");
        }
    }
}
