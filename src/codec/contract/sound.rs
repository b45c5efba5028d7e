//! What every codec for sound must do.

use std::time::Duration;

use proptest::prelude::*;

use super::codecs;
use crate::{
    codec::*,
    media::{MediaKind, MediaTime, SAMPLE_RATE_HZ},
};

const TONE_HZ: f32 = 440.0;

/// Twenty milliseconds of a tone; the right channel, if there is one, is an octave higher.
fn tone(i: usize, channels: u8) -> AudioFrame {
    let sample = |n: usize, channel: u8| {
        let hz = TONE_HZ * f32::from(channel + 1);
        0.5 * (std::f32::consts::TAU * hz * n as f32 / SAMPLE_RATE_HZ as f32).sin()
    };
    let samples = (i * 960..(i + 1) * 960).flat_map(|n| (0..channels).map(move |channel| sample(n, channel)));
    AudioFrame {
        captured_at: MediaTime::new(Duration::from_millis(20) * i as u32),
        channels,
        samples: samples.collect(),
    }
}

/// The amplitude of one frequency in one channel (Goertzel).
fn amplitude(frame: &AudioFrame, channel: usize, hz: f32) -> f32 {
    let step = std::f32::consts::TAU * hz / SAMPLE_RATE_HZ as f32;
    let samples = frame.samples.iter().skip(channel).step_by(frame.channels.into());
    let (re, im) = samples.enumerate().fold((0.0, 0.0), |(re, im), (n, sample)| {
        (re + sample * (step * n as f32).cos(), im + sample * (step * n as f32).sin())
    });
    2.0 * f32::hypot(re, im) / frame.samples_per_channel() as f32
}

fn audio_target(kbps: u64, loss: f32) -> AudioTarget {
    AudioTarget { bitrate: Bitrate::from_kbps(kbps), loss, dtx: false }
}

#[test]
fn a_tone_comes_back() {
    for codec in codecs(MediaKind::Audio) {
        for channels in [1, 2] {
            let mut encoder = audio_encoder(codec, channels, audio_target(32, 0.0)).expect("an encoder");
            let mut decoder = audio_decoder(codec, channels).expect("a decoder");
            let mut out = AudioFrame::default();
            for i in 0..50 {
                let encoded = encoder.encode(&tone(i, channels)).expect("encodes").expect("a packet");
                assert_eq!((encoded.duration, encoded.key_frame), (Duration::from_millis(20), true));
                decoder.decode(AudioPayload::Packet(&encoded), &mut out).expect("decodes");
                assert_eq!((out.channels, out.samples_per_channel()), (channels, 960));
                assert_eq!(out.captured_at, encoded.media_time);
                if i < 10 {
                    continue;
                }
                for channel in 0..channels {
                    let hz = TONE_HZ * f32::from(channel + 1);
                    let heard = amplitude(&out, channel.into(), hz);
                    assert!((0.3..0.7).contains(&heard), "{codec:?} channel {channel} at {i}: {heard}");
                }
            }
        }
    }
}

#[test]
fn lost_sound_is_recovered_from_its_successor_or_made_up() {
    for codec in codecs(MediaKind::Audio) {
        for conceal in [false, true] {
            let mut encoder = audio_encoder(codec, 1, audio_target(32, 0.2)).expect("an encoder");
            let mut decoder = audio_decoder(codec, 1).expect("a decoder");
            let packets: Vec<_> =
                (0..60).map(|i| encoder.encode(&tone(i, 1)).expect("encodes").expect("a packet")).collect();
            let mut out = AudioFrame::default();
            for i in 0..59 {
                let lost = i % 10 == 9;
                let payload = match (lost, conceal) {
                    (true, true) => AudioPayload::Conceal,
                    (true, false) => AudioPayload::Recover(&packets[i + 1]),
                    (false, _) => AudioPayload::Packet(&packets[i]),
                };
                decoder.decode(payload, &mut out).expect("decodes");
                let expected = if lost && conceal { 480 } else { 960 };
                assert_eq!(out.samples_per_channel(), expected, "{codec:?} {i}");
                assert_eq!(out.captured_at, packets[i].media_time, "{codec:?} {i}");
                let heard = amplitude(&out, 0, TONE_HZ);
                // A copy is as good as the sound; what is made up fades, and fades in again.
                let least = if conceal { 0.1 } else { 0.3 };
                assert!(i < 9 || heard > least, "{codec:?} {i}, conceal {conceal}: {heard}");
                if expected == 480 {
                    decoder.decode(AudioPayload::Conceal, &mut out).expect("makes up the other half");
                    assert_eq!(out.captured_at, packets[i].media_time + Duration::from_millis(10), "{codec:?} {i}");
                }
            }
        }
    }
}

#[test]
fn sound_holds_its_bitrate() {
    for codec in codecs(MediaKind::Audio) {
        let mut encoder = audio_encoder(codec, 1, audio_target(32, 0.0)).expect("an encoder");
        for kbps in [32, 16, 48] {
            encoder.set_target(audio_target(kbps, 0.1));
            let mut seed = 1_u32;
            let bytes: usize = (0..100)
                .map(|i| {
                    let mut frame = tone(i, 1);
                    for sample in &mut frame.samples {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        *sample = *sample * 0.5 + (seed >> 16) as f32 / 65_536.0 * 0.2 - 0.1;
                    }
                    encoder.encode(&frame).expect("encodes").expect("a packet").payload.len()
                })
                .sum();
            let share = bytes as f64 * 8.0 / 2.0 / (kbps as f64 * 1000.0);
            assert!((0.75..1.25).contains(&share), "{codec:?}: {share:.2} of {kbps} kbit/s");
        }
    }
}

#[test]
fn silence_need_not_be_sent() {
    for codec in codecs(MediaKind::Audio) {
        for (dtx, channels) in [(true, 1), (true, 2), (false, 1)] {
            let mut encoder =
                audio_encoder(codec, channels, AudioTarget { dtx, ..audio_target(32, 0.0) }).expect("an encoder");
            let mut sent = |i: usize, frame: &AudioFrame| {
                let frame =
                    AudioFrame { captured_at: MediaTime::new(Duration::from_millis(20) * i as u32), ..frame.clone() };
                encoder.encode(&frame).expect("encodes")
            };
            assert!((0..50).all(|i| sent(i, &tone(i, channels)).is_some()), "{codec:?}: sound is sent");
            let silence = AudioFrame::silence(MediaTime::ZERO, channels, 960);
            let times: Vec<usize> = (50..550).filter(|i| sent(*i, &silence).is_some()).collect();
            if !dtx {
                assert_eq!(times.len(), 500, "{codec:?}");
                continue;
            }
            assert!(times.len() < 100, "{codec:?}: {} of 500 blocks of silence, {channels} channels", times.len());
            let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(longest.is_some_and(|blocks| blocks <= 21), "{codec:?}: {longest:?} blocks without a sign of life");
            let back = (550..560).filter(|i| sent(*i, &tone(*i, channels)).is_some()).count();
            assert_eq!(back, 10, "{codec:?}: all of it is sent again");
        }
    }
}

#[test]
fn blocks_of_another_shape_are_refused() {
    for codec in codecs(MediaKind::Audio) {
        let mut encoder = audio_encoder(codec, 1, audio_target(32, 0.0)).expect("an encoder");
        assert!(encoder.encode(&AudioFrame::silence(MediaTime::ZERO, 2, 960)).is_err(), "{codec:?}");
        assert!(encoder.encode(&AudioFrame::silence(MediaTime::ZERO, 1, 441)).is_err(), "{codec:?}");
        assert!(audio_encoder(codec, 3, audio_target(32, 0.0)).is_err(), "{codec:?}");
        assert!(audio_decoder(codec, 0).is_err(), "{codec:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_sound_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), channels in 1_u8..3) {
        for codec in codecs(MediaKind::Audio) {
            let mut decoder = audio_decoder(codec, channels).expect("a decoder");
            let frame = EncodedFrame {
                media_time: MediaTime::ZERO,
                key_frame: true,
                duration: Duration::from_millis(20),
                payload: bytes.clone().into(),
            };
            let mut out = AudioFrame::default();
            for payload in [AudioPayload::Packet(&frame), AudioPayload::Recover(&frame), AudioPayload::Conceal] {
                if decoder.decode(payload, &mut out).is_ok() {
                    prop_assert!(out.channels == channels && out.samples_per_channel() <= 5_760);
                }
            }
        }
    }
}
