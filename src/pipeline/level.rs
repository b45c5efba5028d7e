//! How loud sound is.

/// Returns the level of a block: the root of the mean square of its samples, 0.0 to 1.0 (W3C webrtc-stats, audioLevel).
pub(super) fn level(samples: &[f32]) -> f64 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (energy / samples.len().max(1) as f64).sqrt().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_of_the_whole_block() {
        for (samples, expected) in
            [(&[][..], 0.0), (&[0.0, 0.0], 0.0), (&[0.5, -0.5], 0.5), (&[1.0, 0.0], 0.5_f64.sqrt()), (&[2.0, 2.0], 1.0)]
        {
            assert!((level(samples) - expected).abs() < 1e-9, "{samples:?}");
        }
    }
}
