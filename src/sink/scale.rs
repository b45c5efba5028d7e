//! Where a picture goes on a screen, and pictures made small. Integers only: this runs for every
//! picture shown.

use std::ops::Range;

use crate::media::VideoFrame;

/// A part of a screen, in the screen's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Rect {
    /// Returns the largest part in the middle of a screen of `width` by `height` that has the
    /// aspect of `picture`. Empty only if the screen is.
    pub(super) fn fitted(picture: (usize, usize), width: usize, height: usize) -> Self {
        let (w, h) = (picture.0.max(1), picture.1.max(1));
        let (w, h) = if width * h <= height * w {
            (width, ((width * h + w / 2) / w).clamp(height.min(1), height))
        } else {
            (((height * w + h / 2) / h).clamp(width.min(1), width), height)
        };
        Self { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h }
    }

    /// Returns the lower right corner of a screen, a fifth of it wide, in the aspect of `picture`,
    /// `margin` away from the edges; `None` if nothing could be recognised in it.
    pub(super) fn corner(picture: (usize, usize), width: usize, height: usize, margin: usize) -> Option<Self> {
        const SMALLEST: usize = 8;
        let bounds = (width / 5, (height / 2).saturating_sub(margin));
        let Self { width: w, height: h, .. } = Self::fitted(picture, bounds.0, bounds.1);
        (w >= SMALLEST && h >= SMALLEST / 2).then(|| Self {
            x: width.saturating_sub(w + margin),
            y: height.saturating_sub(h + margin),
            width: w,
            height: h,
        })
    }
}

/// Writes the picture to `out` at a size at most its own, as `0x00RRGGBB`: each pixel is the mean
/// of those it stands for. A larger size repeats pixels.
pub(super) fn shrink(frame: &VideoFrame, width: usize, height: usize, mirrored: bool, out: &mut Vec<u32>) {
    out.clear();
    if width == 0 || height == 0 {
        return;
    }
    let size = (frame.size().width(), frame.size().height());
    let chroma = frame.size().chroma();
    let mut y = Means::new(frame.y(), size, (width, height));
    let mut u = Means::new(frame.u(), chroma, (width, height));
    let mut v = Means::new(frame.v(), chroma, (width, height));
    for row in 0..height {
        let (y, u, v) = (y.row(row), u.row(row), v.row(row));
        let pixels = y.iter().zip(u).zip(v).map(|((&y, &u), &v)| rgb(y, u, v));
        let start = out.len();
        out.extend(pixels);
        if mirrored {
            out[start..].reverse();
        }
    }
}

/// The means of the boxes of one plane, row by row.
struct Means<'a> {
    plane: &'a [u8],
    from: (usize, usize),
    to: (usize, usize),
    /// What each mean covers of a row.
    columns: Vec<Range<usize>>,
    sums: Vec<u32>,
    means: Vec<u8>,
}

impl<'a> Means<'a> {
    fn new(plane: &'a [u8], from: (usize, usize), to: (usize, usize)) -> Self {
        let columns = (0..to.0).map(|column| span(column, from.0, to.0)).collect();
        Self { plane, from, to, columns, sums: vec![0; from.0], means: vec![0; to.0] }
    }

    fn row(&mut self, row: usize) -> &[u8] {
        let rows = span(row, self.from.1, self.to.1);
        self.sums.fill(0);
        for line in self.plane[rows.start * self.from.0..rows.end * self.from.0].chunks_exact(self.from.0) {
            for (sum, &value) in self.sums.iter_mut().zip(line) {
                *sum += u32::from(value);
            }
        }
        // Boxes are of two widths, so two reciprocals replace a division for each.
        let narrow = (self.from.0 / self.to.0).max(1);
        let reciprocals = [narrow, narrow + 1].map(|width| {
            let area = (width * rows.len()) as u64;
            (area / 2, (1 << 32) / area + 1)
        });
        for (columns, mean) in self.columns.iter().zip(&mut self.means) {
            let (half, reciprocal) = reciprocals[columns.len() - narrow];
            let sum = u64::from(self.sums[columns.clone()].iter().sum::<u32>());
            *mean = (((sum + half) * reciprocal) >> 32).min(255) as u8;
        }
        &self.means
    }
}

/// Returns what the `index`-th of `to` parts covers of `from`: at least one.
fn span(index: usize, from: usize, to: usize) -> Range<usize> {
    let start = index * from / to;
    start..((index + 1) * from / to).max(start + 1)
}

/// Converts BT.601 limited range to `0x00RRGGBB`.
fn rgb(y: u8, u: u8, v: u8) -> u32 {
    let luma = 298 * (i32::from(y) - 16) + 128;
    let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
    let channel = |value: i32| (value >> 8).clamp(0, 255) as u32;
    (channel(luma + 409 * v) << 16) | (channel(luma - 100 * u - 208 * v) << 8) | channel(luma + 516 * u)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Canvas, MediaTime, Size};

    #[test]
    fn pictures_fit_with_their_aspect() {
        let rect = |x, y, width, height| Rect { x, y, width, height };
        for (picture, screen, expected) in [
            ((1280, 720), (1280, 720), rect(0, 0, 1280, 720)),
            ((1280, 720), (1000, 1000), rect(0, 218, 1000, 563)),
            ((720, 1280), (1280, 720), rect(437, 0, 405, 720)),
            ((4096, 2), (10, 10), rect(0, 4, 10, 1)),
            ((1280, 720), (1, 1), rect(0, 0, 1, 1)),
            ((1280, 720), (0, 0), rect(0, 0, 0, 0)),
            ((1280, 720), (0, 5), rect(0, 2, 0, 1)),
        ] {
            assert_eq!(Rect::fitted(picture, screen.0, screen.1), expected, "{picture:?} on {screen:?}");
        }
    }

    #[test]
    fn the_corner_stays_on_the_screen_or_is_left_out() {
        assert_eq!(Rect::corner((1280, 720), 1280, 720, 16), Some(Rect { x: 1008, y: 560, width: 256, height: 144 }));
        assert_eq!(Rect::corner((1280, 720), 30, 20, 0), None);
        for width in 0..200 {
            for height in 0..200 {
                if let Some(rect) = Rect::corner((640, 480), width, height, 3) {
                    assert!(rect.x + rect.width <= width && rect.y + rect.height <= height, "{width}x{height}");
                }
            }
        }
    }

    #[test]
    fn shrinking_averages_and_mirrors() {
        let size = Size::new(4, 2).expect("in range");
        let mut planes = vec![16, 235, 235, 235, 16, 235, 235, 235];
        planes.extend([128; 4]);
        let frame = VideoFrame::new(MediaTime::ZERO, size, planes).expect("the right length");
        let mut out = Vec::new();
        shrink(&frame, 2, 1, false, &mut out);
        assert_eq!(out, [0x80_80_80, 0xff_ff_ff]);
        shrink(&frame, 2, 1, true, &mut out);
        assert_eq!(out, [0xff_ff_ff, 0x80_80_80]);
        shrink(&frame, 0, 1, true, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn one_colour_stays_one_colour_at_every_size() {
        let frame = VideoFrame::grey(MediaTime::ZERO, Size::new(37, 23).expect("in range"), 235);
        let mut out = Vec::new();
        for width in 1..80 {
            for height in [1, 2, 7, 11, 12, 13, 22, 23, 24, 50] {
                shrink(&frame, width, height, false, &mut out);
                assert_eq!(out.len(), width * height);
                assert!(out.iter().all(|&pixel| pixel == 0x00ff_ffff), "{width}x{height}");
            }
        }
    }

    #[test]
    fn colours_are_those_of_bt_601() {
        for (yuv, expected) in [
            ([16, 128, 128], 0x00_00_00),
            ([235, 128, 128], 0xff_ff_ff),
            ([81, 90, 240], 0xff_00_00),
            ([145, 54, 34], 0x00_ff_01),
            ([41, 240, 110], 0x00_00_ff),
        ] {
            let mut canvas = Canvas::new(Size::new(4, 4).expect("in range"));
            canvas.fill(0, 0, 4, 4, yuv);
            let mut out = Vec::new();
            shrink(&canvas.into_frame(MediaTime::ZERO), 1, 1, false, &mut out);
            assert_eq!(out, [expected], "{yuv:?} is not {expected:06x} but {:06x}", out[0]);
        }
    }
}
