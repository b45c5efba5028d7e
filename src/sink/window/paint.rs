//! Painting of a window's content: the picture, black bars, our own picture in the corner.

use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv420_to_bgra};

use super::super::scale::{Rect, shrink};
use crate::media::VideoFrame;

const BACKGROUND: u32 = 0x00_20_20_20;
const BARS: u32 = 0;
const BORDER: u32 = 0x00_a0_a0_a0;
/// How far our own picture stays away from the window's edges, and the width of its border.
const MARGIN: usize = 16;
const BORDER_WIDTH: usize = 1;

/// What a window shows. Keeps its buffers from one picture to the next.
#[derive(Debug, Default)]
pub(super) struct Painter {
    picture: Option<VideoFrame>,
    preview: Option<VideoFrame>,
    scaler: Scaler,
}

impl Painter {
    /// Takes what is to be shown from now on; `None` for nothing.
    pub(super) fn set_picture(&mut self, frame: Option<VideoFrame>) {
        self.picture = frame;
        self.scaler.stale = true;
    }

    /// Takes our own picture; `None` for nothing.
    pub(super) fn set_preview(&mut self, frame: Option<VideoFrame>) {
        self.preview = frame;
    }

    /// Paints all of a buffer of `width` by `height` pixels, `0x00RRGGBB`.
    pub(super) fn paint(&mut self, buffer: &mut [u32], width: usize, height: usize) {
        if width == 0 || height == 0 || buffer.len() < width * height {
            return;
        }
        match &self.picture {
            Some(frame) => {
                let rect = Rect::fitted(sides(frame), width, height);
                fill_around(buffer, width, rect, BARS);
                self.scaler.draw(frame, buffer, width, rect);
            }
            None => buffer.fill(BACKGROUND),
        }
        let Some(frame) = &self.preview else { return };
        let Some(rect) = Rect::corner(sides(frame), width, height, MARGIN) else { return };
        let border = Rect {
            x: rect.x - BORDER_WIDTH,
            y: rect.y - BORDER_WIDTH,
            width: rect.width + 2 * BORDER_WIDTH,
            height: rect.height + 2 * BORDER_WIDTH,
        };
        for row in rows(buffer, width, border) {
            row.fill(BORDER);
        }
        shrink(frame, rect.width, rect.height, true, &mut self.scaler.small);
        copy(&self.scaler.small, buffer, width, rect);
    }
}

fn sides(frame: &VideoFrame) -> (usize, usize) {
    (frame.size().width(), frame.size().height())
}

/// Converts and scales pictures. Sizes within a factor of two are interpolated, smaller ones averaged.
#[derive(Debug, Default)]
struct Scaler {
    /// The picture in BGRA at its own size, converted once for any number of paintings.
    bgra: Vec<u8>,
    stale: bool,
    /// For each column of the target: where in a row of `bgra` two pixels begin, and the share of
    /// the second, of 256.
    columns: Vec<(usize, usize, u32)>,
    /// Two rows of the picture in the target's width, and which they are.
    rows: [(usize, Vec<u8>); 2],
    /// The mixture of both.
    mixed: Vec<u8>,
    small: Vec<u32>,
}

/// No row of a picture.
const NO_ROW: usize = usize::MAX;

impl Scaler {
    fn draw(&mut self, frame: &VideoFrame, buffer: &mut [u32], stride: usize, rect: Rect) {
        let (width, height) = sides(frame);
        if rect.width * 2 < width || rect.height * 2 < height {
            shrink(frame, rect.width, rect.height, false, &mut self.small);
            copy(&self.small, buffer, stride, rect);
            return;
        }
        if self.stale {
            if !convert(frame, &mut self.bgra) {
                return;
            }
            self.stale = false;
        }
        if (rect.width, rect.height) == (width, height) {
            for (to, from) in rows(buffer, stride, rect).zip(self.bgra.chunks_exact(width * 4)) {
                for (to, from) in to.iter_mut().zip(from.chunks_exact(4)) {
                    *to = pixel(from);
                }
            }
            return;
        }
        self.interpolate((width, height), buffer, stride, rect);
    }

    /// Scales rows to the target's width, then mixes two of them for each row of the target.
    fn interpolate(&mut self, (width, height): (usize, usize), buffer: &mut [u32], stride: usize, rect: Rect) {
        self.columns.clear();
        self.columns.extend((0..rect.width).map(|x| {
            let (column, weight) = position(x, width, rect.width);
            (column * 4, (column + 1).min(width - 1) * 4, weight)
        }));
        self.mixed.resize(rect.width * 4, 0);
        let mut kept = std::mem::take(&mut self.rows);
        for (row, _) in &mut kept {
            *row = NO_ROW;
        }
        for (y, out) in rows(buffer, stride, rect).enumerate() {
            let (first, weight) = position(y, height, rect.height);
            let second = (first + 1).min(height - 1);
            // Going down the target the second row becomes the first; only then a new one is scaled.
            if kept[0].0 != first {
                kept.swap(0, 1);
            }
            for (kept, wanted) in kept.iter_mut().zip([first, second]) {
                if kept.0 != wanted {
                    self.scale_row(wanted, width, &mut kept.1);
                    kept.0 = wanted;
                }
            }
            // Byte by byte in 16 bits: the compiler makes this a few instructions for many pixels.
            let (rest, weight) = (256 - weight as u16, weight as u16);
            for ((mixed, &a), &b) in self.mixed.iter_mut().zip(&kept[0].1).zip(&kept[1].1) {
                *mixed = ((u16::from(a) * rest + u16::from(b) * weight) >> 8) as u8;
            }
            for (out, mixed) in out.iter_mut().zip(self.mixed.chunks_exact(4)) {
                *out = pixel(mixed);
            }
        }
        self.rows = kept;
    }

    fn scale_row(&self, row: usize, width: usize, out: &mut Vec<u8>) {
        let row = &self.bgra[row * width * 4..][..width * 4];
        out.resize(self.columns.len() * 4, 0);
        for (out, &(a, b, weight)) in out.chunks_exact_mut(4).zip(&self.columns) {
            out.copy_from_slice(&mix(pixel(&row[a..a + 4]), pixel(&row[b..b + 4]), weight).to_le_bytes());
        }
    }
}

/// Converts a picture to BGRA at its own size. `false` if the library refuses, which it has no reason to.
fn convert(frame: &VideoFrame, bgra: &mut Vec<u8>) -> bool {
    let size = frame.size();
    let chroma_stride = size.chroma().0 as u32;
    bgra.resize(size.pixels() * 4, 0);
    let planes = YuvPlanarImage {
        y_plane: frame.y(),
        y_stride: size.width() as u32,
        u_plane: frame.u(),
        u_stride: chroma_stride,
        v_plane: frame.v(),
        v_stride: chroma_stride,
        width: size.width() as u32,
        height: size.height() as u32,
    };
    let stride = size.width() as u32 * 4;
    yuv420_to_bgra(&planes, bgra, stride, YuvRange::Limited, YuvStandardMatrix::Bt601)
        .inspect_err(|error| tracing::warn!(%error, %size, "a picture cannot be converted"))
        .is_ok()
}

/// Returns where the middle of the `index`-th of `to` pixels lies among `from`: the pixel before
/// it, and the share of the next one, of 256.
fn position(index: usize, from: usize, to: usize) -> (usize, u32) {
    let middle = ((2 * index as u64 + 1) * from as u64 * 256) / (2 * to as u64);
    let position = middle.saturating_sub(128);
    ((position >> 8) as usize, (position & 255) as u32)
}

/// Mixes two colours: `weight` of 256 parts of `b`. Two channels at once: each has 8 bits of room.
fn mix(a: u32, b: u32, weight: u32) -> u32 {
    const RED_BLUE: u32 = 0x00_ff_00_ff;
    const GREEN: u32 = 0x00_00_ff_00;
    // a × (256 − weight) + b × weight with one multiplication; what wraps on the way wraps back.
    let mixed = |a: u32, b: u32| (a << 8).wrapping_add(b.wrapping_sub(a).wrapping_mul(weight)) >> 8;
    let red_blue = mixed(a & RED_BLUE, b & RED_BLUE);
    let green = mixed((a & GREEN) >> 8, (b & GREEN) >> 8) << 8;
    (red_blue & RED_BLUE) | (green & GREEN)
}

fn pixel(bgra: &[u8]) -> u32 {
    u32::from_le_bytes([bgra[0], bgra[1], bgra[2], 0])
}

fn rows(buffer: &mut [u32], stride: usize, rect: Rect) -> impl Iterator<Item = &mut [u32]> {
    buffer.chunks_exact_mut(stride).skip(rect.y).take(rect.height).map(move |row| &mut row[rect.x..][..rect.width])
}

fn copy(from: &[u32], buffer: &mut [u32], stride: usize, rect: Rect) {
    for (to, from) in rows(buffer, stride, rect).zip(from.chunks_exact(rect.width)) {
        to.copy_from_slice(from);
    }
}

fn fill_around(buffer: &mut [u32], stride: usize, rect: Rect, colour: u32) {
    for (y, row) in buffer.chunks_exact_mut(stride).enumerate() {
        if (rect.y..rect.y + rect.height).contains(&y) {
            row[..rect.x].fill(colour);
            row[rect.x + rect.width..].fill(colour);
        } else {
            row.fill(colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Canvas, MediaTime, Size};

    const RED: [u8; 3] = [81, 90, 240];
    const WHITE: [u8; 3] = [235, 128, 128];

    /// Left half red, right half white.
    fn two_colours(width: u32, height: u32) -> VideoFrame {
        let size = Size::new(width, height).expect("in range");
        let mut canvas = Canvas::new(size);
        canvas.fill(0, 0, size.width() / 2, size.height(), RED);
        canvas.fill(size.width() / 2, 0, size.width() / 2, size.height(), WHITE);
        canvas.into_frame(MediaTime::ZERO)
    }

    fn painted(painter: &mut Painter, width: usize, height: usize) -> Vec<u32> {
        let mut buffer = vec![0xdead_beef; width * height];
        painter.paint(&mut buffer, width, height);
        buffer
    }

    fn is_red(colour: u32) -> bool {
        colour >> 16 > 0xf0 && colour & 0xffff < 0x0a00
    }

    #[test]
    fn any_size_of_window_is_painted_in_full() {
        let mut painter = Painter::default();
        for (picture, preview) in
            [(None, None), (None, Some((64, 36))), (Some((64, 36)), Some((8, 80))), (Some((3, 5)), None)]
        {
            painter.set_picture(picture.map(|(width, height)| two_colours(width, height)));
            painter.set_preview(preview.map(|(width, height)| two_colours(width, height)));
            for width in [0, 1, 2, 3, 17, 64, 200, 301] {
                for height in [0, 1, 2, 5, 36, 64, 213] {
                    let buffer = painted(&mut painter, width, height);
                    assert!(buffer.iter().all(|pixel| pixel >> 24 == 0), "{width}x{height}, {picture:?}, {preview:?}");
                }
            }
        }
    }

    #[test]
    fn the_picture_keeps_its_aspect_at_every_scale() {
        let mut painter = Painter::default();
        painter.set_picture(Some(two_colours(64, 32)));
        // Its own size, larger, slightly smaller, much smaller; above and below are bars.
        for width in [64, 150, 48, 16] {
            let buffer = painted(&mut painter, width, width);
            let at = |x: usize, y: usize| buffer[y * width + x];
            assert_eq!((at(0, 0), at(width - 1, width - 1)), (BARS, BARS), "{width}");
            let middle = width / 2;
            assert!(is_red(at(0, middle)) && is_red(at(width / 4, middle)), "{width}");
            assert_eq!(at(width - 1, middle), 0x00ff_ffff, "{width}");
            assert_eq!((at(0, width / 4 - 1), at(0, width * 3 / 4)), (BARS, BARS), "{width}");
        }
    }

    #[test]
    fn a_new_picture_replaces_the_converted_one() {
        let mut painter = Painter::default();
        for y in [16, 235] {
            painter.set_picture(Some(VideoFrame::grey(MediaTime::ZERO, Size::new(8, 8).expect("in range"), y)));
            let expected = if y == 16 { 0 } else { 0x00ff_ffff };
            assert_eq!(painted(&mut painter, 8, 8), [expected; 64]);
        }
        painter.set_picture(None);
        assert_eq!(painted(&mut painter, 8, 8), [BACKGROUND; 64]);
    }

    #[test]
    fn our_own_picture_is_mirrored_with_a_border() {
        let mut painter = Painter::default();
        painter.set_preview(Some(two_colours(64, 36)));
        let (width, height) = (320, 180);
        let buffer = painted(&mut painter, width, height);
        let at = |x: usize, y: usize| buffer[y * width + x];
        // 64 by 36 pixels, 16 away from the edges.
        assert_eq!(at(240, 128), 0x00ff_ffff, "red is on the left, so mirrored on the right");
        assert!(is_red(at(303, 163)));
        assert_eq!((at(239, 127), at(304, 164)), (BORDER, BORDER));
        assert_eq!((at(238, 126), at(305, 165)), (BACKGROUND, BACKGROUND));
    }

    #[test]
    fn mixing_keeps_channels_apart() {
        for (a, b, weight, expected) in [
            (0x00ff_ffff, 0x00ff_ffff, 77, 0x00ff_ffff),
            (0, 0x00ff_ffff, 128, 0x007f_7f7f),
            (0x00ff_0000, 0x0000_00ff, 128, 0x007f_007f),
            (0x0012_3456, 0x00ff_ffff, 0, 0x0012_3456),
        ] {
            assert_eq!(mix(a, b, weight), expected);
        }
    }
}
