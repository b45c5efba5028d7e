use super::{
    room::{Room, db, intelligibility, lateness, power, speech},
    *,
};
use crate::audio::far_end;

const SECOND: usize = SAMPLE_RATE_HZ as usize;

const ECHO: MicrophoneSettings = MicrophoneSettings { echo_cancellation: true, ..MicrophoneSettings::NONE };
const NOISE: MicrophoneSettings = MicrophoneSettings { noise_suppression: true, ..MicrophoneSettings::NONE };
const GAIN: MicrophoneSettings = MicrophoneSettings { auto_gain_control: true, ..MicrophoneSettings::NONE };
const ALL: MicrophoneSettings = MicrophoneSettings::ALL;

fn frame(channels: u8, samples: &[f32]) -> AudioFrame {
    AudioFrame { captured_at: MediaTime::new(Duration::from_secs(1)), channels, samples: samples.to_vec() }
}

/// Plays one sound, `ahead` blocks of 20 ms at a time, while the other is captured; returns what comes of that.
fn run_with(settings: MicrophoneSettings, ahead: usize, played: &[f32], captured: &[f32]) -> Vec<f32> {
    let (mut speaker, reader) = far_end();
    let mut processing = AudioProcessing::new(settings, 1, reader).expect("there is something to do");
    let mut out = Vec::new();
    let mut played = played.chunks_exact(960);
    for (block, captured) in captured.chunks_exact(960).enumerate() {
        if block % ahead == 0 {
            played.by_ref().take(ahead).for_each(|played| speaker.played(&frame(1, played)));
        }
        let mut captured = frame(1, captured);
        processing.capture(&mut captured);
        out.extend(captured.samples);
    }
    out
}

fn run(settings: MicrophoneSettings, played: &[f32], captured: &[f32]) -> Vec<f32> {
    run_with(settings, 1, played, captured)
}

fn sum(sounds: &[&[f32]]) -> Vec<f32> {
    (0..sounds[0].len()).map(|n| sounds.iter().map(|sound| sound[n]).sum()).collect()
}

fn late_by(settings: MicrophoneSettings) -> usize {
    (delay(settings).as_secs_f64() * f64::from(SAMPLE_RATE_HZ)).round() as usize
}

fn silence(like: &[f32]) -> Vec<f32> {
    vec![0.0; like.len()]
}

#[test]
fn echo_is_taken_out_and_a_voice_is_not() {
    // Delay in ms, drift in ppm, how much quieter the echo is than what is played, in dB.
    let rooms = [(40.0, 0.0, 12.0), (80.0, 200.0, 6.0), (150.0, -200.0, 12.0), (300.0, 0.0, 20.0)];
    for (seed, (delay_ms, drift_ppm, loss_db)) in (1..).zip(rooms) {
        let room = Room { seed, delay_ms, drift_ppm, loss_db };
        let played = speech(seed + 100, 12, 110.0);
        // Somebody speaks in between, for three seconds.
        let (from, to) = (7 * SECOND, 10 * SECOND);
        let mut voice = speech(seed + 200, 12, 190.0);
        voice[..from].fill(0.0);
        voice[to..].fill(0.0);
        let (echo, noise) = (room.echo(&played), room.noise(played.len()));
        let out = run(ALL, &played, &sum(&[&echo, &voice, &noise]));
        // What becomes of the voice when nothing is played.
        let alone = run(ALL, &silence(&voice), &sum(&[&voice, &noise]));
        let late = late_by(ALL);
        let erle = |second: usize| {
            let (from, to) = (second * SECOND, (second + 1) * SECOND);
            db(power(&echo[from..to]) / power(&out[from + late..(to + late).min(out.len())]))
        };
        for second in [2, 3, 4, 5, 6, 11] {
            assert!(erle(second) > 35.0, "{delay_ms} ms, {drift_ppm} ppm, second {second}: {} dB", erle(second));
        }
        let (from, to) = (from + SECOND / 10, to - SECOND / 10);
        let (spoken, heard, wanted) = (&voice[from..to], &out[from + late..to + late], &alone[from + late..to + late]);
        let level = db(power(heard) / power(spoken));
        assert!(level.abs() < 3.0, "{delay_ms} ms: the voice changes by {level} dB");
        let residue: Vec<f32> = heard.iter().zip(wanted).map(|(heard, wanted)| heard - wanted).collect();
        let distortion = db(power(wanted) / power(&residue));
        assert!(distortion > 5.0, "{delay_ms} ms: {distortion} dB");
        let alike = intelligibility(spoken, heard);
        assert!(alike > 0.75, "{delay_ms} ms: {alike}");
    }
}

#[test]
fn a_device_may_take_much_at_once() {
    let room = Room { seed: 7, delay_ms: 170.0, drift_ppm: 0.0, loss_db: 10.0 };
    let played = speech(7, 5, 120.0);
    let echo = room.echo(&played);
    let out = run_with(ECHO, 6, &played, &sum(&[&echo, &room.noise(played.len())]));
    let erle = db(power(&echo[3 * SECOND..]) / power(&out[3 * SECOND..]));
    assert!(erle > 35.0, "{erle}");
}

#[test]
fn noise_is_taken_out() {
    let voice = speech(3, 6, 150.0);
    let mut chance = crate::path::Chance(3);
    let noise: Vec<f32> = voice.iter().map(|_| 0.01 * (2.0 * chance.share() as f32 - 1.0)).collect();
    let before = power(&noise);
    let out = run(NOISE, &silence(&noise), &noise);
    let quieter = db(before / power(&out[3 * SECOND..]));
    assert!(quieter > 9.0, "{quieter}");
    let (late, out) = (late_by(NOISE), run(NOISE, &silence(&voice), &sum(&[&voice, &noise])));
    let alike = intelligibility(&voice[3 * SECOND..5 * SECOND], &out[3 * SECOND + late..5 * SECOND + late]);
    assert!(alike > 0.9, "{alike}");
}

#[test]
fn a_quiet_voice_becomes_louder_and_a_loud_one_does_not() {
    for (softer_db, least, most) in [(30.0, 15.0, 35.0), (6.0, -3.0, 6.0), (-10.0, -12.0, 1.0)] {
        let gain = 10_f32.powf(-softer_db / 20.0);
        let voice: Vec<f32> = speech(9, 9, 190.0).iter().map(|sample| (gain * sample).clamp(-1.0, 1.0)).collect();
        let out = run(GAIN, &silence(&voice), &voice);
        let louder = db(power(&out[7 * SECOND..]) / power(&voice[7 * SECOND..]));
        assert!((least..most).contains(&louder), "{softer_db} dB softer: {louder} dB louder");
        assert!(out.iter().all(|sample| sample.abs() <= 1.0), "{softer_db} dB softer");
    }
}

#[test]
fn the_time_of_sound_says_how_old_it_is() {
    let voice = speech(9, 2, 190.0);
    for settings in [ECHO, NOISE, GAIN, MicrophoneSettings { echo_cancellation: false, ..ALL }, ALL] {
        let out = run(settings, &silence(&voice), &voice);
        let late = lateness(&voice[SECOND / 2..3 * SECOND / 2], &out[SECOND / 2..], 1_000);
        assert!(late.abs_diff(late_by(settings)) <= 5, "{settings:?}: {late}");
        let (_, reader) = far_end();
        let mut processing = AudioProcessing::new(settings, 1, reader).expect("there is something to do");
        let mut block = frame(1, &voice[..960]);
        processing.capture(&mut block);
        assert_eq!(block.captured_at, MediaTime::new(Duration::from_secs(1).saturating_sub(delay(settings))));
    }
}

#[test]
fn both_channels_are_kept_apart() {
    let (left, right) = (speech(1, 3, 110.0), speech(2, 3, 190.0));
    let (_, reader) = far_end();
    let mut processing = AudioProcessing::new(ALL, 2, reader).expect("there is something to do");
    let stereo: Vec<f32> = left.iter().zip(&right).flat_map(|(left, right)| [*left, *right]).collect();
    let mut out = Vec::new();
    for block in stereo.chunks_exact(2 * 960) {
        let mut block = frame(2, block);
        processing.capture(&mut block);
        assert_eq!((block.channels, block.samples.len()), (2, 2 * 960));
        out.extend(block.samples);
    }
    let (late, end) = (late_by(ALL), 5 * SECOND / 2);
    for (index, (own, other)) in [(&left, &right), (&right, &left)].into_iter().enumerate() {
        let heard: Vec<f32> = out.iter().skip(index).step_by(2).copied().collect();
        let alike = |voice: &[f32]| intelligibility(&voice[SECOND..end], &heard[SECOND + late..end + late]);
        assert!(alike(own) > 0.9 && alike(other) < 0.5, "{index}: {} {}", alike(own), alike(other));
    }
}

#[test]
fn nothing_is_done_where_nothing_is_wanted() {
    assert!(AudioProcessing::new(MicrophoneSettings::NONE, 1, far_end().1).is_none());
    assert!(AudioProcessing::new(ALL, 3, far_end().1).is_none());
}
