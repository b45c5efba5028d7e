//! From a device's sample rate to 48 kHz and back.

use std::time::Duration;

use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::InterleavedSlice};

/// Changes the sample rate of a stream of interleaved samples, block by block of any length.
///
/// Does nothing, at no cost and without delay, if the rates are equal.
pub(crate) struct Resampler {
    fft: Option<Fft<f32>>,
    channels: usize,
    to_hz: u32,
    /// What does not fill a block yet.
    waiting: Vec<f32>,
    block: Vec<f32>,
}

impl Resampler {
    /// Makes a converter from one rate to another; `None` for a rate or a number of channels that
    /// nobody has.
    pub(crate) fn new(from_hz: u32, to_hz: u32, channels: usize) -> Option<Self> {
        let fft = if from_hz == to_hz {
            None
        } else {
            // Blocks of 10 ms: the delay is half a block.
            let block = (from_hz / 100).max(1) as usize;
            Some(Fft::new(from_hz as usize, to_hz as usize, block, channels, FixedSync::Input).ok()?)
        };
        let block = vec![0.0; fft.as_ref().map_or(0, |fft| fft.output_frames_max() * channels)];
        Some(Self { fft, channels, to_hz, waiting: Vec::new(), block })
    }

    /// Converts `input` and appends what is ready to `out`. The rest waits for more.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        let Some(fft) = &mut self.fft else {
            out.extend_from_slice(input);
            return;
        };
        self.waiting.extend_from_slice(input);
        let mut used = 0;
        loop {
            let frames = fft.input_frames_next();
            let Some(input) = self.waiting.get(used..used + frames * self.channels) else { break };
            let room = self.block.len() / self.channels;
            let from = InterleavedSlice::new(input, self.channels, frames).expect("cut to this length");
            let mut to = InterleavedSlice::new_mut(&mut self.block, self.channels, room).expect("made to this length");
            let (read, written) =
                fft.process_into_buffer(&from, &mut to, None).expect("both buffers are as long as it asks for");
            out.extend_from_slice(&self.block[..written * self.channels]);
            used += read * self.channels;
        }
        self.waiting.drain(..used);
    }

    /// Returns by how much the sound comes out later than it went in, besides what waits for a block.
    pub(crate) fn delay(&self) -> Duration {
        let frames = self.fft.as_ref().map_or(0, |fft| fft.output_delay());
        Duration::from_secs_f64(frames as f64 / f64::from(self.to_hz))
    }
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler")
            .field("channels", &self.channels)
            .field("to_hz", &self.to_hz)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(frequency: f64, rate_hz: u32, channels: usize, frames: usize) -> Vec<f32> {
        (0..frames)
            .flat_map(|frame| {
                let sample = (TAU * frequency * frame as f64 / f64::from(rate_hz)).sin() as f32 * 0.5;
                std::iter::repeat_n(sample, channels)
            })
            .collect()
    }

    /// Returns the amplitude of `frequency` in the samples of one channel.
    fn amplitude(samples: &[f32], rate_hz: u32, frequency: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = TAU * frequency * n as f64 / f64::from(rate_hz);
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        2.0 * re.hypot(im) / samples.len() as f64
    }

    #[test]
    fn a_tone_keeps_pitch_and_loudness() {
        for (from, to) in
            [(44_100, 48_000), (48_000, 44_100), (16_000, 48_000), (96_000, 48_000), (11_025, 48_000), (48_000, 48_000)]
        {
            for channels in [1, 2] {
                let mut resampler = Resampler::new(from, to, channels).expect("usual rates");
                let mut out = Vec::new();
                // Blocks of an odd length, as devices give them.
                for block in tone(1000.0, from, channels, 2 * from as usize).chunks(137 * channels) {
                    resampler.push(block, &mut out);
                }
                let first: Vec<f32> = out.iter().step_by(channels).copied().collect();
                let expected = 2 * to as usize;
                assert!(first.len() <= expected && first.len() + to as usize / 40 > expected, "{from} to {to}");
                let steady = &first[to as usize / 2..][..to as usize];
                let (heard, other) = (amplitude(steady, to, 1000.0), amplitude(steady, to, 1100.0));
                assert!((heard - 0.5).abs() < 0.01 && other < 0.005, "{from} to {to}: {heard} {other}");
                assert!(resampler.delay() < Duration::from_millis(11), "{:?}", resampler.delay());
            }
        }
    }

    #[test]
    fn impossible_rates_are_refused() {
        assert!(Resampler::new(0, 48_000, 1).is_none());
    }
}
