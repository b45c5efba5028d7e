//! A synthetic room with a loudspeaker and a microphone, two synthetic voices, and how to measure them.

use std::f32::consts::TAU;

use crate::{media::SAMPLE_RATE_HZ, path::Chance};

const RATE: f32 = SAMPLE_RATE_HZ as f32;

/// Returns something like speech, about −20 dBFS while it speaks: syllables of a voice with a gliding pitch
/// through three formants, hisses, and pauses between words.
pub(super) fn speech(seed: u64, seconds: usize, pitch_hz: f32) -> Vec<f32> {
    let mut chance = Chance(seed);
    let mut between = move |low: f32, high: f32| low + (high - low) * chance.share() as f32;
    let mut out = Vec::with_capacity(seconds * SAMPLE_RATE_HZ as usize);
    let mut phase = 0.0;
    let mut tilt = 0.0;
    while out.len() < seconds * SAMPLE_RATE_HZ as usize {
        let samples = (between(0.12, 0.3) * RATE) as usize;
        let voiced = between(0.0, 1.0) < 0.8;
        let (from, to) = (pitch_hz * between(0.85, 1.25), pitch_hz * between(0.8, 1.1));
        let formants = if voiced {
            [(between(280.0, 800.0), 80.0), (between(900.0, 2_300.0), 110.0), (between(2_400.0, 3_400.0), 170.0)]
        } else {
            [(between(2_500.0, 4_000.0), 900.0), (between(4_000.0, 7_000.0), 1_500.0), (9_000.0, 3_000.0)]
        };
        let mut resonators = formants.map(|(hz, width)| Resonator::new(hz, width));
        let loudness = between(0.5, 1.0) * if voiced { 1.0 } else { 0.25 };
        let syllable: Vec<f32> = (0..samples)
            .map(|n| {
                let share = n as f32 / samples as f32;
                let envelope = (std::f32::consts::PI * share).sin().powf(0.6);
                let noise = between(-1.0, 1.0);
                let source = if voiced {
                    phase += (from + (to - from) * share) / RATE;
                    let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
                    phase -= phase.floor();
                    tilt = 0.95 * tilt + pulse + 0.002 * noise;
                    tilt
                } else {
                    0.3 * noise
                };
                envelope * resonators.iter_mut().map(|resonator| resonator.filter(source)).sum::<f32>()
            })
            .collect();
        let gain = loudness * 0.14 / power(&syllable).sqrt().max(1e-9);
        out.extend(syllable.iter().map(|sample| (sample * gain).clamp(-0.9, 0.9)));
        let pause = if between(0.0, 1.0) < 0.3 { between(0.1, 0.45) } else { between(0.0, 0.04) };
        out.resize(out.len() + (pause * RATE) as usize, 0.0);
    }
    out.truncate(seconds * SAMPLE_RATE_HZ as usize);
    out
}

/// A peak in the spectrum.
#[derive(Clone, Copy)]
pub(super) struct Resonator {
    gain: f32,
    feedback: [f32; 2],
    last: [f32; 2],
}

impl Resonator {
    pub(super) fn new(hz: f32, width_hz: f32) -> Self {
        let radius = (-std::f32::consts::PI * width_hz / RATE).exp();
        let feedback = [2.0 * radius * (TAU * hz / RATE).cos(), -radius * radius];
        Self { gain: 1.0 - radius, feedback, last: [0.0; 2] }
    }

    pub(super) fn filter(&mut self, sample: f32) -> f32 {
        let out = self.gain * sample + self.feedback[0] * self.last[0] + self.feedback[1] * self.last[1];
        self.last = [out, self.last[0]];
        out
    }
}

/// What the microphone hears of the loudspeaker.
pub(super) struct Room {
    pub(super) seed: u64,
    /// From the moment a sample is handed to the speaker until the microphone's sample is handed on.
    pub(super) delay_ms: f32,
    /// By how much the speaker's clock is faster than the microphone's, in parts per million.
    pub(super) drift_ppm: f32,
    /// How much quieter the echo is, in dB.
    pub(super) loss_db: f32,
}

impl Room {
    /// Returns the echo of what is played.
    pub(super) fn echo(&self, played: &[f32]) -> Vec<f32> {
        let mut chance = Chance(self.seed);
        let mut noise = || 2.0 * chance.share() as f32 - 1.0;
        // A direct sound, then 40 ms that fall by 60 dB in 150 ms.
        let taps: Vec<f32> = (0..SAMPLE_RATE_HZ as usize / 25)
            .step_by(3)
            .map(|n| if n == 0 { 1.0 } else { 0.08 * noise() * 10_f32.powf(-3.0 * n as f32 / (0.15 * RATE)) })
            .collect();
        let gain = 10_f32.powf(-self.loss_db / 20.0);
        let rate = 1.0 + self.drift_ppm * 1e-6;
        let heard: Vec<f32> = (0..played.len())
            .map(|n| interpolated(played, (n as f64 - f64::from(self.delay_ms) * 48.0) * f64::from(rate)))
            .collect();
        (0..heard.len())
            .map(|n| {
                let reflections = taps.iter().zip(heard[..=n].iter().rev().step_by(3));
                gain * reflections.map(|(tap, sample)| tap * sample).sum::<f32>()
            })
            .collect()
    }

    /// Returns the room's own noise, −75 dBFS.
    pub(super) fn noise(&self, samples: usize) -> Vec<f32> {
        let mut chance = Chance(self.seed + 1);
        (0..samples).map(|_| 3e-4 * (2.0 * chance.share() as f32 - 1.0)).collect()
    }
}

/// Returns what lies between samples, by a parabola through their neighbours (Catmull-Rom).
fn interpolated(samples: &[f32], position: f64) -> f32 {
    let (whole, part) = (position.floor() as i64, (position - position.floor()) as f32);
    let at = |n: i64| usize::try_from(whole + n).ok().and_then(|n| samples.get(n)).copied().unwrap_or(0.0);
    let (a, b, c, d) = (at(-1), at(0), at(1), at(2));
    let slope = [0.5 * (c - a), a - 2.5 * b + 2.0 * c - 0.5 * d, 0.5 * (d - a) + 1.5 * (b - c)];
    b + part * (slope[0] + part * (slope[1] + part * slope[2]))
}

/// Returns the mean square.
pub(super) fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

pub(super) fn db(ratio: f32) -> f32 {
    10.0 * ratio.max(1e-12).log10()
}

/// Returns by how many samples `late` comes after `early`, at most `most`: where they resemble each other most.
pub(super) fn lateness(early: &[f32], late: &[f32], most: usize) -> usize {
    let alike = |shift: usize| -> f32 {
        early.iter().zip(&late[shift..]).step_by(7).map(|(early, late)| early * late).sum::<f32>()
    };
    (0..most).map(|shift| (shift, alike(shift))).max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |best| best.0)
}

/// Returns how alike two sounds are to an ear, −1.0 to 1.0: how the loudness of each of fifteen bands goes up
/// and down, over 400 ms at a time (after STOI: Taal et al. 2011).
pub(super) fn intelligibility(clean: &[f32], heard: &[f32]) -> f32 {
    let frame = SAMPLE_RATE_HZ as usize / 80;
    let envelope = |samples: &[f32], hz: f32| -> Vec<f32> {
        let mut resonators = [Resonator::new(hz, 0.23 * hz); 2];
        let band = samples.iter().map(|sample| resonators.iter_mut().fold(*sample, |sample, r| r.filter(sample)));
        let band: Vec<f32> = band.collect();
        band.chunks_exact(frame).map(|frame| power(frame).sqrt()).collect()
    };
    let mut sums = Vec::new();
    for band in 0..15 {
        let hz = 150.0 * 2_f32.powf(band as f32 / 3.0);
        let (clean, heard) = (envelope(clean, hz), envelope(heard, hz));
        for (clean, heard) in clean.chunks_exact(32).zip(heard.chunks_exact(32)) {
            if clean.iter().sum::<f32>() > 32.0 * 1e-4 {
                sums.push(correlation(clean, heard));
            }
        }
    }
    sums.iter().sum::<f32>() / sums.len().max(1) as f32
}

fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let mean = |x: &[f32]| x.iter().sum::<f32>() / x.len() as f32;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f32, f32) -> f32| a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f32>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt().max(1e-12)
}
