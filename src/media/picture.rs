//! Painting and scaling of I420 pictures.

mod font;
mod rotate;
mod scale;

pub use rotate::Rotation;

use super::{MediaTime, Size, VideoFrame};

/// A picture being painted. Colours are limited-range `[y, u, v]` (BT.601); everything is clipped.
///
/// Chroma has half the resolution: rectangles on even pixels are exact, others are coloured to the
/// nearest even pixel.
#[derive(Clone, Debug)]
pub struct Canvas {
    size: Size,
    planes: Vec<u8>,
}

impl Canvas {
    /// Returns a black canvas.
    pub fn new(size: Size) -> Self {
        let mut planes = vec![128; size.i420_len()];
        planes[..size.pixels()].fill(16);
        Self { size, planes }
    }

    /// Returns the size in pixels.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Fills a rectangle with one colour.
    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: [u8; 3]) {
        for (plane, value) in self.planes_mut().into_iter().zip(colour) {
            let columns = plane.columns(x, width);
            for row in plane.rows(y, height) {
                plane.values[row * plane.width..][..plane.width][columns.clone()].fill(value);
            }
        }
    }

    /// Copies a picture onto the canvas with its upper left corner at `x`, `y`, both even.
    pub fn blit(&mut self, x: usize, y: usize, picture: &VideoFrame) {
        let size = picture.size();
        let (chroma_width, _) = size.chroma();
        let sources = [(picture.y(), size.width()), (picture.u(), chroma_width), (picture.v(), chroma_width)];
        for (plane, (source, stride)) in self.planes_mut().into_iter().zip(sources) {
            let columns = plane.columns(x, size.width());
            for (row, source) in plane.rows(y, size.height()).zip(source.chunks_exact(stride)) {
                let target = &mut plane.values[row * plane.width..][..plane.width][columns.clone()];
                target.copy_from_slice(&source[..target.len()]);
            }
        }
    }

    /// Writes a line of text, each dot of the font `scale` pixels wide and high. The font has
    /// digits, capital letters and punctuation.
    pub fn text(&mut self, x: usize, y: usize, scale: usize, text: &str, colour: [u8; 3]) {
        for (index, letter) in text.chars().enumerate() {
            let left = x + index * (font::WIDTH + 1) * scale;
            for (row, dots) in font::glyph(letter).into_iter().enumerate() {
                for column in (0..font::WIDTH).filter(|column| dots >> (font::WIDTH - 1 - column) & 1 == 1) {
                    self.fill(left + column * scale, y + row * scale, scale, scale, colour);
                }
            }
        }
    }

    /// Returns the width and height in pixels of a line of text.
    pub fn text_size(scale: usize, text: &str) -> (usize, usize) {
        let columns = (text.chars().count() * (font::WIDTH + 1)).saturating_sub(1);
        (columns * scale, font::HEIGHT * scale)
    }

    /// Returns the part of a row of brightness that lies on the canvas, for painting dot by dot.
    /// Empty outside.
    pub fn luma_row(&mut self, x: usize, y: usize, width: usize) -> &mut [u8] {
        let [plane, ..] = self.planes_mut();
        let columns = plane.columns(x, width);
        plane.values.chunks_exact_mut(plane.width).nth(y).map_or(&mut [], |row| &mut row[columns])
    }

    /// Ends the painting.
    ///
    /// # Panics
    /// Never: the planes have the length of the size from the start.
    pub fn into_frame(self, captured_at: MediaTime) -> VideoFrame {
        VideoFrame::new(captured_at, self.size, self.planes).expect("a canvas has the length of its size")
    }

    fn planes_mut(&mut self) -> [Plane<'_>; 3] {
        let (width, height) = self.size.chroma();
        let (y, chroma) = self.planes.split_at_mut(self.size.pixels());
        let (u, v) = chroma.split_at_mut(width * height);
        [
            Plane { values: y, width: self.size.width(), height: self.size.height(), shift: 0 },
            Plane { values: u, width, height, shift: 1 },
            Plane { values: v, width, height, shift: 1 },
        ]
    }
}

/// One plane of a canvas; `shift` turns pixels of the picture into its own.
struct Plane<'a> {
    values: &'a mut [u8],
    width: usize,
    height: usize,
    shift: u32,
}

impl Plane<'_> {
    fn columns(&self, x: usize, width: usize) -> std::ops::Range<usize> {
        self.range(x, width, self.width)
    }

    fn rows(&self, y: usize, height: usize) -> std::ops::Range<usize> {
        self.range(y, height, self.height)
    }

    /// Rounded up at both ends, so that rectangles side by side neither overlap nor leave a gap.
    fn range(&self, begin: usize, len: usize, limit: usize) -> std::ops::Range<usize> {
        let own = |pixels: usize| ((pixels + (1 << self.shift) - 1) >> self.shift).min(limit);
        own(begin)..own(begin.saturating_add(len).min(limit << self.shift))
    }
}

impl VideoFrame {
    /// Returns the picture at another size, stretched if the aspect differs; a clone if the size is
    /// already right.
    ///
    /// # Panics
    /// Never: each plane is scaled to its length.
    pub fn scaled(&self, size: Size) -> Self {
        if self.size() == size {
            return self.clone();
        }
        let (from_chroma, to_chroma) = (self.size().chroma(), size.chroma());
        let mut planes = Vec::with_capacity(size.i420_len());
        scale::scale(self.y(), (self.size().width(), self.size().height()), (size.width(), size.height()), &mut planes);
        scale::scale(self.u(), from_chroma, to_chroma, &mut planes);
        scale::scale(self.v(), from_chroma, to_chroma, &mut planes);
        Self::new(self.captured_at, size, planes).expect("each plane is scaled to its length")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHITE: [u8; 3] = [235, 120, 130];

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).expect("in range")
    }

    #[test]
    fn a_rectangle_is_filled_and_nothing_else() {
        let mut canvas = Canvas::new(size(8, 4));
        canvas.fill(2, 2, 4, 2, WHITE);
        let frame = canvas.into_frame(MediaTime::ZERO);
        let bright = frame.y().iter().enumerate().filter(|(_, y)| **y == 235).map(|(index, _)| index);
        assert_eq!(bright.collect::<Vec<_>>(), [18, 19, 20, 21, 26, 27, 28, 29]);
        assert_eq!(frame.u(), [128, 128, 128, 128, 128, 120, 120, 128]);
        assert_eq!(frame.v(), [128, 128, 128, 128, 128, 130, 130, 128]);
    }

    #[test]
    fn text_is_readable_dot_by_dot() {
        let mut canvas = Canvas::new(size(12, 8));
        canvas.text(0, 0, 1, "1L", WHITE);
        let frame = canvas.into_frame(MediaTime::ZERO);
        let rows: Vec<String> =
            frame.y().chunks(12).map(|row| row.iter().map(|y| if *y > 128 { '#' } else { '.' }).collect()).collect();
        let expected = [
            "..#...#.....",
            ".##...#.....",
            "..#...#.....",
            "..#...#.....",
            "..#...#.....",
            "..#...#.....",
            ".###..#####.",
            "............",
        ];
        assert_eq!(rows, expected);
        assert_eq!(Canvas::text_size(1, "1L"), (11, 7));
    }

    #[test]
    fn a_picture_is_laid_on_and_clipped() {
        let mut canvas = Canvas::new(size(6, 6));
        canvas.blit(2, 4, &VideoFrame::grey(MediaTime::ZERO, size(8, 8), 200));
        let frame = canvas.into_frame(MediaTime::ZERO);
        let bright: Vec<usize> = frame.y().chunks(6).map(|row| row.iter().filter(|y| **y == 200).count()).collect();
        assert_eq!(bright, [0, 0, 0, 0, 4, 4]);
        assert_eq!(frame.y()[4 * 6..][..3], [16, 16, 200]);
    }

    #[test]
    fn scaling_keeps_what_is_where() {
        let mut canvas = Canvas::new(size(64, 48));
        canvas.fill(0, 0, 32, 24, WHITE);
        let frame = canvas.into_frame(MediaTime::new(std::time::Duration::from_secs(3)));
        for to in [size(32, 24), size(128, 96), size(22, 30), size(64, 24), size(65, 47)] {
            let scaled = frame.scaled(to);
            assert_eq!((scaled.size(), scaled.captured_at), (to, frame.captured_at));
            let at = |x: usize, y: usize| scaled.y()[y * to.height() / 8 * to.width() + x * to.width() / 8];
            assert_eq!([at(1, 1), at(6, 1), at(1, 6), at(6, 6)], [235, 16, 16, 16], "{to}");
            assert_eq!((scaled.u()[0], scaled.v()[0]), (120, 130), "{to}");
        }
    }

    proptest! {
        #[test]
        fn painting_anywhere_never_panics(
            sides in (2_u32..20, 2_u32..20), at in (0_usize..30, 0_usize..30), len in (0_usize..30, 0_usize..30),
        ) {
            let mut canvas = Canvas::new(size(sides.0, sides.1));
            canvas.fill(at.0, at.1, len.0, len.1, WHITE);
            canvas.fill(at.0, at.1, usize::MAX, usize::MAX, WHITE);
            canvas.text(at.0, at.1, len.0, "0:Z", WHITE);
            canvas.luma_row(at.0, at.1, len.0).fill(1);
            canvas.blit(at.0, at.1, &VideoFrame::grey(MediaTime::ZERO, size(7, 5), 99));
            prop_assert_eq!(canvas.into_frame(MediaTime::ZERO).size(), size(sides.0, sides.1));
        }
    }
}
