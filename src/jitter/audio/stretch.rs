//! Sound made shorter or longer by a period of its own, without a change of pitch.
//!
//! Two stretches of sound that are alike follow each other where something is periodic, as a voice
//! is. One is faded into the other, so that a period less, or one more, is heard. Where it is quiet
//! any length will do.

use crate::media::SAMPLE_RATE_HZ;

/// The shortest and the longest period in samples: 2.5 ms and 12.5 ms, voices of 80 to 400 Hz.
const SHORTEST: usize = SAMPLE_RATE_HZ as usize / 400;
pub(super) const LONGEST: usize = SAMPLE_RATE_HZ as usize / 80;

/// The first search is over means of so many samples.
const COARSE: usize = 6;

/// What is below -50 dB of full scale hides any seam.
const QUIET: f32 = 1e-5;

/// Nothing is as alike as that.
pub(super) const NEVER: f32 = 2.0;

/// What is asked for, in samples a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// By how much where it is quiet.
    pub(super) quiet: usize,
    /// By how much at most elsewhere.
    pub(super) at_most: usize,
    /// How alike what is put together must be, 0.0 to 1.0 or [`NEVER`].
    pub(super) likeness: f32,
}

/// Takes something out of the beginning of `pcm` (interleaved, 48 kHz). Returns how many samples a
/// channel it took.
pub(super) fn shorten(pcm: &mut Vec<f32>, channels: usize, change: Change) -> usize {
    let channels = channels.max(1);
    let sound = mono(pcm, channels, 2 * LONGEST);
    let Some(seam) = Seam::find(&sound, 0, sound.len() / 2, change, |at, period| at + period) else { return 0 };
    let len = seam.period * channels;
    for index in 0..len {
        pcm[len + index] = seam.mix(index / channels, pcm[index], pcm[len + index]);
    }
    pcm.drain(..len);
    seam.period
}

/// Puts something in front of `pcm` that is like `before`, which was played just before. Returns how many
/// samples a channel.
pub(super) fn lengthen(before: &[f32], pcm: &mut Vec<f32>, channels: usize, change: Change) -> usize {
    let channels = channels.max(1);
    let mut sound = mono(before, channels, usize::MAX);
    let origin = sound.len();
    sound.extend(mono(pcm, channels, LONGEST));
    let room = origin.min(sound.len() - origin);
    let Some(seam) = Seam::find(&sound, origin, room, change, |at, period| at - period) else { return 0 };
    let len = seam.period * channels;
    let again = &before[origin * channels - len..origin * channels];
    let inserted: Vec<f32> =
        again.iter().enumerate().map(|(index, again)| seam.mix(index / channels, pcm[index], *again)).collect();
    pcm.splice(..0, inserted);
    seam.period
}

/// Where to fade from one stretch into a later or an earlier one.
struct Seam {
    period: usize,
    likeness: f32,
}

impl Seam {
    /// Looks for the period by which `other` leads from the stretch at `origin` to the one most like it.
    fn find(
        sound: &[f32],
        origin: usize,
        room: usize,
        change: Change,
        other: impl Fn(usize, usize) -> usize,
    ) -> Option<Self> {
        let quiet = change.quiet.min(room);
        if quiet > 0 && power(sound) < QUIET {
            return Some(Self { period: quiet, likeness: 1.0 });
        }
        let longest = change.at_most.min(room).min(LONGEST);
        if longest < SHORTEST || change.likeness > 1.0 {
            return None;
        }
        let coarse: Vec<f32> = sound[origin % COARSE..].chunks_exact(COARSE).map(|chunk| chunk.iter().sum()).collect();
        let (start, window) = (origin / COARSE, longest / COARSE);
        let like = |sound: &[f32], start: usize, period: usize, window: usize| {
            let other = other(start, period);
            Some(likeness(sound.get(start..start + window)?, sound.get(other..other + window)?))
        };
        let coarsely = (SHORTEST / COARSE..=longest / COARSE)
            .filter_map(|period| Some((period, like(&coarse, start, period, window)?)))
            .max_by(|one, other| one.1.total_cmp(&other.1))?;
        let middle = coarsely.0 * COARSE;
        let finely = ((middle - COARSE).max(SHORTEST)..=(middle + COARSE).min(longest))
            .filter_map(|period| Some((period, like(sound, origin, period, period)?)))
            .max_by(|one, other| one.1.total_cmp(&other.1))?;
        let (period, likeness) = finely;
        (likeness >= change.likeness).then_some(Self { period, likeness })
    }

    /// Fades from one sample to the other at this place of the period, at even power.
    fn mix(&self, place: usize, from: f32, to: f32) -> f32 {
        let share = (place as f32 + 0.5) / self.period as f32;
        let rest = 1.0 - share;
        let power = share * share + rest * rest + 2.0 * share * rest * self.likeness.clamp(0.0, 1.0);
        (from * rest + to * share) / power.max(0.5).sqrt()
    }
}

/// Mixes the first so many moments to one channel.
fn mono(pcm: &[f32], channels: usize, at_most: usize) -> Vec<f32> {
    pcm.chunks_exact(channels).take(at_most).map(|moment| moment.iter().sum::<f32>() / channels as f32).collect()
}

/// The mean of the squares.
fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32
}

/// How alike two stretches are, whatever their loudness: -1.0 to 1.0.
fn likeness(one: &[f32], other: &[f32]) -> f32 {
    let (mut product, mut one_power, mut other_power) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        product += one * other;
        one_power += one * one;
        other_power += other * other;
    }
    let product: f32 = product;
    let scale: f32 = one_power * other_power;
    if scale > 0.0 { product / scale.sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    const RATE: f32 = SAMPLE_RATE_HZ as f32;

    fn tone(hz: f32, channels: usize, len: usize) -> Vec<f32> {
        (0..len * channels).map(|index| 0.5 * (TAU * hz * (index / channels) as f32 / RATE).sin()).collect()
    }

    fn change(at_most: usize, likeness: f32) -> Change {
        Change { quiet: at_most, at_most, likeness }
    }

    /// A voice of a hundred hertz or so that rises and falls in pitch, with overtones, and breathes.
    fn voice(len: usize) -> Vec<f32> {
        let mut phase = 0.0_f32;
        (0..len)
            .map(|index| {
                let at = index as f32 / RATE;
                phase = (phase + (120.0 + 20.0 * (TAU * 0.7 * at).sin()) / RATE).fract();
                let loud = (0.5 + 0.5 * (TAU * 2.0 * at).sin()).powi(2);
                loud * (1..12).map(|n| (TAU * phase * n as f32).sin() / (2 * n) as f32).sum::<f32>() * 0.4
            })
            .collect()
    }

    /// Plays all of `pcm` in pieces of 10 ms, stretching at each; returns what was heard.
    fn stretched(pcm: &[f32], channels: usize, longer: bool) -> (Vec<f32>, usize) {
        let (mut rest, mut heard, mut changed) = (pcm.to_vec(), vec![0.0; LONGEST * channels], 0);
        let mut piece = 0;
        while rest.len() > 3 * LONGEST * channels {
            if piece % 4 == 3 {
                changed += if longer {
                    let before = heard[heard.len() - LONGEST * channels..].to_vec();
                    lengthen(&before, &mut rest, channels, change(LONGEST, 0.8))
                } else {
                    shorten(&mut rest, channels, change(LONGEST, 0.8))
                };
            }
            piece += 1;
            heard.extend(rest.drain(..480 * channels));
        }
        heard.extend(rest);
        heard.drain(..LONGEST * channels);
        (heard, changed)
    }

    /// The share of the power that is a tone of this frequency (one channel).
    fn share(pcm: &[f32], hz: f32) -> f32 {
        let (mut real, mut imaginary) = (0.0_f64, 0.0_f64);
        for (index, sample) in pcm.iter().enumerate() {
            let angle = std::f64::consts::TAU * f64::from(hz) * index as f64 / f64::from(RATE);
            real += f64::from(*sample) * angle.cos();
            imaginary += f64::from(*sample) * angle.sin();
        }
        let len = pcm.len() as f64;
        ((real * real + imaginary * imaginary) * 2.0 / len / len / f64::from(power(pcm))) as f32
    }

    fn steepest(pcm: &[f32], channels: usize) -> f32 {
        pcm.windows(channels + 1).fold(0.0, |steepest, pair| steepest.max((pair[channels] - pair[0]).abs()))
    }

    #[test]
    fn a_tone_keeps_its_frequency_and_has_no_clicks() {
        for (hz, channels) in [(100.0, 1), (183.0, 2), (333.3, 1), (440.0, 2), (1_000.0, 1)] {
            for longer in [false, true] {
                let before = tone(hz, channels, 48_000);
                let (after, changed) = stretched(&before, channels, longer);
                let length = if longer { before.len() + changed * channels } else { before.len() - changed * channels };
                assert_eq!(after.len(), length, "{hz} {longer}");
                assert!(changed > 48_000 / 20, "{hz} {longer}: changed by {changed}");
                assert!(steepest(&after, channels) < steepest(&before, channels) * 1.05, "{hz} {longer}");
                let one: Vec<f32> = after.iter().step_by(channels).copied().collect();
                // Over a tenth of a second, as phase may slip a little at each seam.
                let worst = one.chunks_exact(4_800).map(|part| share(part, hz)).fold(1.0, f32::min);
                assert!(worst > 0.97, "{hz} {longer}: {worst}");
            }
        }
    }

    #[test]
    fn a_voice_stays_as_loud_and_as_smooth() {
        let before = voice(96_000);
        for longer in [false, true] {
            let (after, changed) = stretched(&before, 1, longer);
            assert!(changed > 96_000 / 20, "{longer}: {changed}");
            assert!((power(&after) / power(&before) - 1.0).abs() < 0.1, "{longer}");
            assert!(steepest(&after, 1) < steepest(&before, 1) * 1.1, "{longer}");
        }
    }

    #[test]
    fn noise_is_left_alone_unless_it_must_be() {
        let mut seed = 1_u32;
        let noise: Vec<f32> = (0..4_800)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect();
        let mut pcm = noise.clone();
        assert_eq!(shorten(&mut pcm, 1, change(LONGEST, 0.8)), 0);
        assert_eq!(pcm, noise);
        assert!(shorten(&mut pcm, 1, change(LONGEST, -1.0)) >= SHORTEST);
        assert!((power(&pcm) / power(&noise) - 1.0).abs() < 0.1);
    }

    #[test]
    fn silence_is_cut_to_measure() {
        for at_most in [0, 1, 77, 480] {
            let mut pcm = vec![0.0; 1_920];
            assert_eq!(shorten(&mut pcm, 2, change(at_most, 0.8)), at_most);
            assert_eq!(pcm.len(), 1_920 - 2 * at_most);
            assert_eq!(lengthen(&[0.0; 1_200], &mut pcm, 2, change(at_most, 0.8)), at_most);
            assert_eq!(pcm.len(), 1_920);
        }
    }

    proptest! {
        /// The length changes as told, by no more than asked, and nothing becomes louder than it was.
        #[test]
        fn any_sound(
            samples in prop::collection::vec(-1.0_f32..1.0, 0..3_000),
            before in prop::collection::vec(-1.0_f32..1.0, 0..1_400),
            channels in 1_usize..3,
            at_most in 0_usize..2_000,
            likeness in -1.0_f32..1.0,
        ) {
            let mut pcm = samples.clone();
            let less = shorten(&mut pcm, channels, change(at_most, likeness));
            prop_assert!(less <= at_most);
            prop_assert_eq!(pcm.len() + less * channels, samples.len());
            let mut pcm = samples.clone();
            let more = lengthen(&before, &mut pcm, channels, change(at_most, likeness));
            prop_assert!(more <= at_most);
            prop_assert_eq!(pcm.len(), samples.len() + more * channels);
            prop_assert!(pcm.iter().all(|sample| sample.abs() <= 1.42));
        }
    }
}
