//! How much of what is sent repairs the rest: forward error correction for the picture.

use super::Line;

/// Chooses how many bytes of repair go with each byte of picture.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    share: f64,
}

impl Protection {
    /// Returns the bytes of repair for each byte of picture, 0.0 to 1.0, for what the line is now.
    pub fn choose(&mut self, _line: &Line) -> f64 {
        self.share
    }
}
