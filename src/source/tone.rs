//! A sine tone: the sound that needs no microphone, and a way to recognise it.

use std::{f64::consts::TAU, time::Duration};

use super::{AudioSource, Pace, SourceError};
use crate::media::{AudioFrame, Clock, MediaTime, SAMPLE_RATE_HZ};

/// Samples in a block of 20 ms.
const BLOCK: usize = SAMPLE_RATE_HZ as usize / 50;

/// −12 dBFS.
const AMPLITUDE: f64 = 0.251_189;

/// A steady sine tone in mono, −12 dBFS, in step with the clock.
#[derive(Debug)]
pub struct Tone {
    pace: Pace,
    step: f64,
    phase: f64,
}

impl Tone {
    /// Returns a tone of so many Hz, beginning at the clock's present moment.
    pub fn new(frequency_hz: f32, clock: Clock) -> Self {
        // A reader who is late catches up with at most 100 ms; what is older is skipped.
        let pace = Pace::new(clock, clock.now(), Duration::from_millis(20), 4);
        Self { pace, step: TAU * f64::from(frequency_hz) / f64::from(SAMPLE_RATE_HZ), phase: 0.0 }
    }

    fn fill(&mut self, frame: &mut AudioFrame, captured_at: MediaTime) {
        frame.captured_at = captured_at;
        frame.channels = 1;
        frame.samples.clear();
        frame.samples.extend((0..BLOCK).map(|_| {
            let sample = self.phase.sin() * AMPLITUDE;
            self.phase = (self.phase + self.step) % TAU;
            sample as f32
        }));
    }
}

impl AudioSource for Tone {
    fn channels(&self) -> u8 {
        1
    }

    fn read(&mut self, frame: &mut AudioFrame, timeout: Duration) -> Result<bool, SourceError> {
        let Some(tick) = self.pace.wait(timeout) else { return Ok(false) };
        self.fill(frame, tick.at);
        Ok(true)
    }
}

/// Returns the share of the energy of mono sound at 48 kHz that lies at one frequency, 0.0 to 1.0
/// (Goertzel's algorithm). The longer the sound, the narrower the frequency: 1 / duration.
pub fn tone_power(samples: &[f32], frequency_hz: f32) -> f32 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    // A millionth of full scale is silence.
    if energy <= samples.len() as f64 * 1e-12 {
        return 0.0;
    }
    let step = TAU * f64::from(frequency_hz) / f64::from(SAMPLE_RATE_HZ);
    let turn = 2.0 * step.cos();
    let (last, before) =
        samples.iter().fold((0.0, 0.0), |(last, before), sample| (f64::from(*sample) + turn * last - before, last));
    let power = last * last + before * before - turn * last * before;
    (2.0 * power / (energy * samples.len() as f64)).clamp(0.0, 1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    fn tone(frequency_hz: f32, blocks: usize) -> Vec<f32> {
        let mut tone = Tone::new(frequency_hz, Clock::new(now()));
        let mut samples = Vec::new();
        let mut frame = AudioFrame::default();
        for _ in 0..blocks {
            tone.fill(&mut frame, MediaTime::ZERO);
            samples.extend_from_slice(&frame.samples);
        }
        samples
    }

    #[test]
    fn a_tone_is_recognised_and_others_are_not() {
        let samples = tone(440.0, 10);
        for (frequency_hz, range) in [(440.0, 0.99..=1.0), (480.0, 0.0..=0.1), (880.0, 0.0..=0.01), (60.0, 0.0..=0.01)]
        {
            let power = tone_power(&samples, frequency_hz);
            assert!(range.contains(&power), "{power} at {frequency_hz} Hz");
        }
        let louder: Vec<f32> = samples.iter().zip(tone(1000.0, 10)).map(|(a, b)| a + 3.0 * b).collect();
        let share = tone_power(&louder, 440.0);
        assert!((0.09..0.11).contains(&share), "a tenth of the energy: {share}");
        assert_eq!(tone_power(&[0.0; 960], 440.0), 0.0);
        assert_eq!(tone_power(&[], 440.0), 0.0);
    }

    #[test]
    fn blocks_join_without_a_jump() {
        let samples = tone(445.3, 5);
        let steepest = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.016, "{steepest}");
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((20.0 * peak.log10() + 12.0).abs() < 0.01, "{peak}");
    }

    #[test]
    fn it_comes_in_blocks_of_20_ms() {
        let mut tone = Tone::new(440.0, Clock::new(now()));
        let mut frame = AudioFrame::default();
        assert_eq!(tone.read(&mut frame, Duration::from_secs(60)), Ok(true));
        let first = frame.captured_at;
        assert_eq!((frame.channels, frame.samples.len()), (1, BLOCK));
        assert_eq!(tone.read(&mut frame, Duration::from_secs(60)), Ok(true));
        assert_eq!(frame.captured_at.saturating_since(first).as_millis() % 20, 0);
        assert!(frame.captured_at > first);
    }
}
