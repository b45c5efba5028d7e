//! Sound of any rate to 48 kHz: a windowed sinc between samples, for files.

use std::f64::consts::PI;

use crate::media::SAMPLE_RATE_HZ;

/// Zero crossings of the sinc on each side.
const CROSSINGS: usize = 16;
/// Positions between two samples for which the filter is worked out beforehand.
const PHASES: usize = 256;

/// Turns a stream of interleaved samples into one of 48 kHz, without delay.
#[derive(Debug)]
pub(super) struct Resampler {
    rate_hz: u32,
    channels: usize,
    /// Samples to each side that a new one depends on.
    reach: usize,
    /// One filter of `2 * reach` weights for each phase, and one more for interpolation.
    filters: Vec<f32>,
    /// What has come and is still needed, interleaved.
    input: Vec<f32>,
    /// Where the next output lies: whole samples into `input` after `reach`, and 1/48000ths of one.
    whole: usize,
    part: u32,
}

impl Resampler {
    /// Returns a resampler for interleaved sound of this rate.
    pub(super) fn new(rate_hz: u32, channels: usize) -> Self {
        // When reducing, what lies above the new half rate must go: a wider, lower filter.
        let cutoff = (f64::from(SAMPLE_RATE_HZ) / f64::from(rate_hz)).min(1.0) * 0.95;
        let reach = (CROSSINGS as f64 / cutoff).ceil() as usize;
        let filters = (0..=PHASES).flat_map(|phase| filter(phase as f64 / PHASES as f64, reach, cutoff)).collect();
        // Silence before the first sample, so that the first output falls on it.
        let input = vec![0.0; (reach - 1) * channels];
        Self { rate_hz, channels, reach, filters, input, whole: 0, part: 0 }
    }

    /// Takes the next samples and appends to `out` what follows from them.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        if self.rate_hz == SAMPLE_RATE_HZ {
            out.extend_from_slice(samples);
            return;
        }
        self.input.extend_from_slice(samples);
        let taps = 2 * self.reach;
        while (self.whole + taps) * self.channels <= self.input.len() {
            let position = self.part as usize * PHASES;
            let phase = position / SAMPLE_RATE_HZ as usize;
            let between = (position % SAMPLE_RATE_HZ as usize) as f32 / SAMPLE_RATE_HZ as f32;
            let (near, far) = (&self.filters[phase * taps..][..taps], &self.filters[(phase + 1) * taps..][..taps]);
            let window = &self.input[self.whole * self.channels..][..taps * self.channels];
            for channel in 0..self.channels {
                let values = window[channel..].iter().step_by(self.channels);
                let sum = values
                    .zip(near.iter().zip(far))
                    .map(|(value, (near, far))| value * (near + (far - near) * between));
                out.push(sum.sum::<f32>().clamp(-1.0, 1.0));
            }
            self.part += self.rate_hz;
            self.whole += (self.part / SAMPLE_RATE_HZ) as usize;
            self.part %= SAMPLE_RATE_HZ;
        }
        let done = (self.whole * self.channels).min(self.input.len());
        self.input.drain(..done);
        self.whole -= done / self.channels;
    }
}

/// Returns the weights of the samples around a point `phase` after the middle one, summing to one.
fn filter(phase: f64, reach: usize, cutoff: f64) -> Vec<f32> {
    let weight = |tap: usize| {
        let x = tap as f64 - (reach - 1) as f64 - phase;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x * cutoff).sin() / (PI * x * cutoff) };
        // Blackman's window: side lobes below -58 dB.
        let place = (x / reach as f64).clamp(-1.0, 1.0);
        sinc * (0.42 + 0.5 * (PI * place).cos() + 0.08 * (2.0 * PI * place).cos())
    };
    let weights: Vec<f64> = (0..2 * reach).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tone_power;

    fn tone(frequency_hz: f64, rate_hz: u32, seconds: f64) -> Vec<f32> {
        let count = (seconds * f64::from(rate_hz)) as usize;
        (0..count).map(|n| (0.5 * (2.0 * PI * frequency_hz * n as f64 / f64::from(rate_hz)).sin()) as f32).collect()
    }

    fn resampled(samples: &[f32], rate_hz: u32, channels: usize, piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate_hz, channels);
        let mut out = Vec::new();
        samples.chunks(piece).for_each(|piece| resampler.push(piece, &mut out));
        out
    }

    #[test]
    fn a_tone_keeps_its_pitch_level_place_and_purity() {
        for rate_hz in [8_000, 11_025, 16_000, 44_100, 48_000, 96_000, 192_000] {
            let out = resampled(&tone(1000.0, rate_hz, 0.5), rate_hz, 1, 997);
            assert!((23_000..=24_000).contains(&out.len()), "{} at {rate_hz}", out.len());
            assert!(tone_power(&out[2400..21_600], 1000.0) > 0.999, "{rate_hz}");
            let expected = tone(1000.0, SAMPLE_RATE_HZ, 0.4);
            let worst = expected[1000..].iter().zip(&out[1000..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 0.005, "{worst} at {rate_hz}");
        }
    }

    #[test]
    fn what_48_khz_cannot_hold_is_removed() {
        let out = resampled(&tone(40_000.0, 96_000, 0.2), 96_000, 1, 1000);
        let peak = out[200..].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak < 0.002, "{peak}");
    }

    #[test]
    fn channels_stay_apart_and_pieces_make_no_difference() {
        let left = tone(500.0, 44_100, 0.2);
        let both: Vec<f32> = left.iter().flat_map(|sample| [*sample, 0.0]).collect();
        let out = resampled(&both, 44_100, 2, 2);
        assert!(out.iter().skip(1).step_by(2).all(|sample| *sample == 0.0));
        let alone = resampled(&left, 44_100, 1, usize::MAX);
        assert_eq!(out.iter().step_by(2).copied().collect::<Vec<_>>(), alone);
    }
}
