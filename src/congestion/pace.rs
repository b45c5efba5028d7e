//! When the next packet may leave.

use std::time::{Duration, Instant};

use super::Line;

/// Pictures go out at this multiple of the estimate, so that a frame of the average size is gone
/// well before the next one comes (libwebrtc paces at 2.5, too).
const PACE: f64 = 2.5;

/// Time that was not used is saved up to this: at the pace, one and a half frames of the average size
/// at 30 a second. A usual frame leaves at once; what is larger is spread.
const BURST: Duration = Duration::from_millis(20);

/// Until the line is known the pace is at least [`FIRST_RATE`], but no longer than this after the first
/// packet of a picture: the first key frame is large, and the person waits for it.
const FIRST: Duration = Duration::from_millis(500);

/// In bits a second.
const FIRST_RATE: f64 = 8e6;

/// The pace of pictures: a leaky bucket.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// When the first picture came.
    begun: Option<Instant>,
    /// When the line is free for the next packet of a picture.
    free_at: Option<Instant>,
}

impl Pace {
    /// Returns when the next packet may leave, if it is not now.
    pub fn next(&self) -> Option<Instant> {
        self.free_at
    }

    /// Whether a packet may leave now.
    pub fn is_free(&self, now: Instant) -> bool {
        self.free_at.is_none_or(|at| at <= now)
    }

    /// Lets a packet of so many bytes leave now.
    pub fn spend(&mut self, now: Instant, bytes: usize, line: &Line) {
        let mut rate = PACE * (line.available.bps() as f64).max(50_000.0);
        if !line.known && now < *self.begun.get_or_insert(now) + FIRST {
            rate = rate.max(FIRST_RATE);
        }
        // Unused time is kept up to a burst's worth and no longer.
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let free_at = self.free_at.map_or(earliest, |at| at.max(earliest));
        self.free_at = Some(free_at + Duration::from_secs_f64(bytes as f64 * 8.0 / rate));
    }
}
