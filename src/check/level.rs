//! How loud sound is.

use serde::Serialize;

/// From here on a sample is at the end of its range.
const FULL: f32 = 0.999;

/// The least that is told, in dBFS: less than the noise of any microphone.
const FLOOR: f64 = -120.0;

/// Levels of a piece of sound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Level {
    /// The mean power in dBFS, without any constant part: 0 is a square wave of full scale, a silent room about -60,
    /// and digital silence -120.
    pub rms_dbfs: f64,
    /// The largest sample in dBFS, -120 at least.
    pub peak_dbfs: f64,
    /// The share of samples at the end of their range, 0.0 to 1.0.
    pub clipped: f64,
}

impl Level {
    /// Measures samples from -1.0 to 1.0; `None` if there are none.
    pub fn of(samples: &[f32]) -> Option<Self> {
        if samples.is_empty() {
            return None;
        }
        let count = samples.len() as f64;
        let mean = samples.iter().copied().map(f64::from).sum::<f64>() / count;
        let power = samples.iter().map(|sample| (f64::from(*sample) - mean).powi(2)).sum::<f64>() / count;
        let peak = samples.iter().map(|sample| (f64::from(*sample) - mean).abs()).fold(0.0, f64::max);
        let clipped = samples.iter().filter(|sample| sample.abs() >= FULL).count() as f64 / count;
        Some(Self { rms_dbfs: dbfs(power.sqrt()), peak_dbfs: dbfs(peak), clipped })
    }

    /// Whether not even noise is in it.
    pub fn is_silent(&self) -> bool {
        self.rms_dbfs <= FLOOR
    }
}

/// Returns an amplitude of full scale in decibels.
fn dbfs(amplitude: f64) -> f64 {
    ((200.0 * amplitude.log10()).round() / 10.0).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_told_in_decibels_of_full_scale() {
        let sine = |amplitude: f32| (0..4800).map(|n| amplitude * (n as f32 * 0.1309).sin()).collect::<Vec<f32>>();
        let square: Vec<f32> = (0..100).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        for (what, samples, rms, peak, clipped) in [
            ("silence", vec![0.0; 100], -120.0, -120.0, 0.0),
            ("a constant", vec![0.25; 100], -120.0, -120.0, 0.0),
            ("a tone of a tenth", sine(0.1), -23.0, -20.0, 0.0),
            ("full scale", square, 0.0, 0.0, 1.0),
        ] {
            let level = Level::of(&samples).expect("samples");
            let near = |a: f64, b: f64| (a - b).abs() < 0.1;
            assert!(near(level.rms_dbfs, rms) && near(level.peak_dbfs, peak), "{what}: {level:?}");
            assert!(near(level.clipped, clipped), "{what}: {level:?}");
            assert_eq!(level.is_silent(), rms <= -120.0, "{what}");
        }
        assert_eq!(Level::of(&[]), None);
    }
}
