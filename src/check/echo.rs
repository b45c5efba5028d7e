//! A tone that can be found again in what a microphone hears, and its finding: a sweep, whose correlation with itself
//! has one sharp peak, while speech, noise and hum are not like it anywhere.

use std::f64::consts::{PI, TAU};

use crate::media::SAMPLE_RATE_HZ;

/// From here to there, in Hz: what every speaker and every microphone can do.
const FROM: f64 = 300.0;
const TO: f64 = 2500.0;

/// -15 dBFS.
const AMPLITUDE: f64 = 0.18;

/// How long it sounds, in samples: a quarter of a second.
pub(super) const LENGTH: usize = SAMPLE_RATE_HZ as usize / 4;

/// Of so many samples one is made before anything is compared: the rest tells nothing about the sweep.
const STEP: usize = 6;

/// How like the sweep something must be to be one, of 1.0. Noise is 0.1 at most; in a room with walls, an echo that is
/// as loud as the rest of what is heard is 0.3.
const ALIKE: f64 = 0.2;

/// The sweep in what was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Echo {
    /// Where it begins, in samples.
    pub(super) at: usize,
    /// How many times as loud as played.
    pub(super) gain: f64,
}

/// Returns the sweep: one channel at 48 kHz.
pub(super) fn sweep() -> Vec<f32> {
    let length = LENGTH as f64;
    let rate = f64::from(SAMPLE_RATE_HZ);
    (0..LENGTH)
        .map(|n| {
            let n = n as f64;
            let phase = TAU * (FROM * n + (TO - FROM) * n * n / (2.0 * length)) / rate;
            // It comes and goes softly: a click would be all frequencies at once.
            let fade = (n.min(length - n) * PI / (length / 4.0)).min(PI);
            (AMPLITUDE * phase.sin() * (1.0 - fade.cos()) / 2.0) as f32
        })
        .collect()
}

/// Looks for the sweep where it is clearest; `None` if it is nowhere.
pub(super) fn find(heard: &[f32]) -> Option<Echo> {
    let (heard, sweep) = (thinned(heard), thinned(&sweep()));
    let energy: f64 = sweep.iter().map(|sample| sample * sample).sum();
    let mut around: f64 = heard.iter().take(sweep.len()).map(|sample| sample * sample).sum();
    let mut best: Option<(f64, Echo)> = None;
    for (at, window) in heard.windows(sweep.len()).enumerate() {
        let product: f64 = window.iter().zip(&sweep).map(|(a, b)| a * b).sum();
        // A speaker may be wired the other way round.
        let alike = product.abs() / (energy * around).sqrt().max(f64::MIN_POSITIVE);
        // What is left of a sum after as much was taken away is no sound.
        if around > 1e-12 && alike >= ALIKE && best.is_none_or(|(most, _)| alike > most) {
            best = Some((alike, Echo { at: at * STEP, gain: product.abs() / energy }));
        }
        let next = heard.get(at + sweep.len()).copied().unwrap_or_default();
        around += next * next - window[0] * window[0];
    }
    best.map(|(_, echo)| echo)
}

/// Returns the means of so many samples each: low frequencies are left, and a sixth of the work.
fn thinned(samples: &[f32]) -> Vec<f64> {
    samples.chunks_exact(STEP).map(|chunk| chunk.iter().copied().map(f64::from).sum::<f64>() / STEP as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise, always the same.
    fn noise(length: usize, amplitude: f32) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..length).map(|_| amplitude * next()).collect()
    }

    fn tone(length: usize, hz: f32) -> Vec<f32> {
        (0..length).map(|n| 0.25 * (n as f32 * hz / 48_000.0 * std::f32::consts::TAU).sin()).collect()
    }

    #[test]
    fn an_echo_is_found_where_it_is() {
        for (what, at, gain, background) in [
            ("in silence", 4_800, 0.5, vec![0.0; 48_000]),
            ("at the beginning", 0, 1.0, vec![0.0; 24_000]),
            ("in noise as loud as itself", 9_600, 0.3, noise(48_000, 0.05)),
            ("upside down", 9_600, -0.3, noise(48_000, 0.01)),
            ("beside a hum", 12_000, 0.5, tone(48_000, 100.0)),
        ] {
            let mut heard = background;
            for (sample, echo) in heard[at..].iter_mut().zip(sweep()) {
                *sample += gain * echo;
            }
            let echo = find(&heard).unwrap_or_else(|| panic!("{what}: nothing found"));
            assert!(echo.at.abs_diff(at) <= STEP, "{what}: {echo:?}");
            assert!((echo.gain - f64::from(gain.abs())).abs() < 0.1, "{what}: {echo:?}");
        }
    }

    #[test]
    fn what_is_no_echo_is_not_taken_for_one() {
        for (what, heard) in [
            ("nothing", vec![]),
            ("too little", vec![0.1; 100]),
            ("silence", vec![0.0; 72_000]),
            ("noise", noise(72_000, 0.3)),
            ("a tone", tone(72_000, 440.0)),
            ("a tone in the middle", tone(72_000, 1_400.0)),
        ] {
            assert_eq!(find(&heard), None, "{what}");
        }
    }
}
