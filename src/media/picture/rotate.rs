//! Turning pictures.

use yuv::{RotationMode, rotate_plane};

use crate::media::{FramePool, VideoFrame};

/// How far a picture is to be turned clockwise to be upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotation {
    /// It is upright.
    #[default]
    None,
    /// By 90 degrees.
    Quarter,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    ThreeQuarters,
}

impl VideoFrame {
    /// Returns the picture turned; its buffer comes from `pool`.
    ///
    /// # Panics
    /// Never: each plane is turned as a whole.
    pub fn rotated(self, rotation: Rotation, pool: &FramePool) -> Self {
        // The crate turns the other way round.
        let mode = match rotation {
            Rotation::None => return self,
            Rotation::Quarter => RotationMode::Rotate270,
            Rotation::Half => RotationMode::Rotate180,
            Rotation::ThreeQuarters => RotationMode::Rotate90,
        };
        let lies_across = rotation != Rotation::Half;
        let turned = |(width, height): (usize, usize)| if lies_across { (height, width) } else { (width, height) };
        let (from, chroma) = (self.size(), self.size().chroma());
        let size = if lies_across { from.transposed() } else { from };
        let planes = [(self.y(), (from.width(), from.height())), (self.u(), chroma), (self.v(), chroma)];
        let len = size.i420_len();
        pool.frame(self.captured_at, size, |out| {
            out.resize(len, 0);
            let mut rest = &mut out[..];
            for (plane, (width, height)) in planes {
                let (target, after) = rest.split_at_mut(width * height);
                // Its strides are those that it has to have.
                let _ = rotate_plane(plane, width, target, turned((width, height)).0, width, height, mode);
                rest = after;
            }
        })
        .expect("each plane has the length of its size")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{MediaTime, Size};

    #[test]
    fn pictures_are_turned_clockwise() {
        let size = Size::new(3, 2).expect("in range");
        let planes = [1, 2, 3, 4, 5, 6, 10, 11, 20, 21].to_vec();
        let pool = FramePool::default();
        for (rotation, width, expected) in [
            (Rotation::None, 3, [1, 2, 3, 4, 5, 6, 10, 11, 20, 21]),
            (Rotation::Quarter, 2, [4, 1, 5, 2, 6, 3, 10, 11, 20, 21]),
            (Rotation::Half, 3, [6, 5, 4, 3, 2, 1, 11, 10, 21, 20]),
            (Rotation::ThreeQuarters, 2, [3, 6, 2, 5, 1, 4, 11, 10, 21, 20]),
        ] {
            let frame = VideoFrame::new(MediaTime::ZERO, size, planes.clone()).expect("right length");
            let turned = frame.rotated(rotation, &pool);
            assert_eq!((turned.size().width(), &turned.planes()[..]), (width, &expected[..]), "{rotation:?}");
        }
    }

    #[test]
    fn sizes_that_divide_by_nothing_are_turned() {
        let size = Size::new(1279, 719).expect("in range");
        let planes: Vec<u8> = (0..size.i420_len()).map(|index| (index * 7 % 251) as u8).collect();
        let frame = VideoFrame::new(MediaTime::ZERO, size, planes).expect("right length");
        let pool = FramePool::default();
        let quarter = frame.clone().rotated(Rotation::Quarter, &pool);
        for (x, y) in [(0, 0), (1278, 0), (0, 718), (1278, 718), (640, 333)] {
            assert_eq!(quarter.y()[x * 719 + 718 - y], frame.y()[y * 1279 + x], "{x} {y}");
        }
        let back = quarter.rotated(Rotation::ThreeQuarters, &pool);
        assert_eq!(back.planes(), frame.planes());
    }
}
