//! What is encoded in the benches.

use std::time::Duration;

use p2pcall::media::{MediaTime, Size, VideoFrame};

pub(super) const FRAMES: usize = 60;

/// Two seconds of a moving texture with noise.
pub(super) fn pictures() -> Vec<VideoFrame> {
    let (width, mut seed) = (Size::HD.width(), 1_u32);
    let mut picture = |i: usize| {
        let mut planes = vec![128; Size::HD.i420_len()];
        for (at, sample) in planes[..Size::HD.pixels()].iter_mut().enumerate() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (at % width + 3 * i, at / width + i);
            *sample = (40 + (x / 2) % 64 + (y / 3) % 48) as u8 + (seed >> 24) as u8 % 8;
        }
        let captured_at = MediaTime::new(Duration::from_millis(33) * i as u32);
        VideoFrame::new(captured_at, Size::HD, planes).expect("the length of its size")
    };
    (0..FRAMES).map(&mut picture).collect()
}
