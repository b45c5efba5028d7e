//! A moving picture that needs no camera, with its number in it for programs and the time for people.
//!
//! From top to bottom: the number as black and white squares, colour bars with a ball moving over
//! them, a drifting texture, and the clock. Everything is placed by shares of the picture's sides,
//! so that the number can be read after scaling.

use std::time::Duration;

use super::{Pace, SourceError, VideoSource};
use crate::media::{Canvas, Clock, MediaTime, Size, VideoFormat, VideoFrame};

const BLACK: [u8; 3] = [16, 128, 128];
const WHITE: [u8; 3] = [235, 128, 128];
/// 75 % bars: white, yellow, cyan, green, magenta, red, blue, black (BT.601).
const BARS: [[u8; 3]; 8] = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
    [16, 128, 128],
];

/// A moving test pattern, in step with the clock: picture `n` is due `n` intervals after its epoch.
#[derive(Debug)]
pub struct TestPattern {
    format: VideoFormat,
    scene: Scene,
    pace: Pace,
}

impl TestPattern {
    /// Returns a test pattern of this size and rate.
    pub fn new(format: VideoFormat, clock: Clock) -> Self {
        let pace = Pace::new(clock, MediaTime::ZERO, format.interval(), 0);
        Self { format, scene: Scene::new(format.size), pace }
    }
}

impl VideoSource for TestPattern {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        let tick = self.pace.wait(timeout);
        Ok(tick.map(|tick| self.scene.paint(tick.index as u32, tick.at)))
    }
}

/// Returns the picture of this number and time: always the same one.
pub fn paint(number: u32, size: Size, at: MediaTime) -> VideoFrame {
    Scene::new(size).paint(number, at)
}

/// Reads the number from a test pattern of any size that came through a codec. `None` if the
/// picture is none, is damaged, turned or mirrored, or smaller than 48x24.
pub fn frame_number(frame: &VideoFrame) -> Option<u32> {
    let size = frame.size();
    if size.width() < 2 * COLUMNS || size.height() < 2 * 12 {
        return None;
    }
    let mut squares = 0_u64;
    for index in 0..SQUARES {
        let [x, y, width, height] = square(index, size);
        // The middle alone: edges blur.
        let rows = (y + height / 4)..(y + height - height / 4);
        let columns = (x + width / 4)..(x + width - width / 4);
        let count = rows.len() * columns.len();
        let sum: usize = rows
            .map(|row| frame.y()[row * size.width()..][columns.clone()].iter().copied().map(usize::from).sum::<usize>())
            .sum();
        let white = match sum / count {
            0..100 => 0,
            150.. => 1,
            _ => return None,
        };
        squares = squares << 1 | white;
    }
    let number = (0..32).fold(0, |number, bit| number << 1 | (squares >> (SQUARES - 1 - place(bit)) & 1) as u32);
    (squares == code(number)).then_some(number)
}

/// The number's squares stand in two rows at the top.
const COLUMNS: usize = 24;
const SQUARES: usize = 2 * COLUMNS;

/// Returns the squares of a number, the first in the highest of 48 bits.
///
/// Two columns at each end are the same in every picture and unlike under any turn or mirroring:
/// `#.` and `##` above, `.#` and `..` below. Between them are 32 bits of number, 8 of CRC.
fn code(number: u32) -> u64 {
    let finders = [0, COLUMNS - 2, COLUMNS - 1, COLUMNS + 1];
    let finders = finders.into_iter().fold(0, |squares, index| squares | 1 << (SQUARES - 1 - index));
    let bits = u64::from(number) << 8 | u64::from(crc8(number));
    (0..40).fold(finders, |squares, bit| squares | (bits >> (39 - bit) & 1) << (SQUARES - 1 - place(bit)))
}

/// Returns the square on which the bit stands.
const fn place(bit: usize) -> usize {
    if bit < COLUMNS - 4 { 2 + bit } else { 6 + bit }
}

/// CRC-8 with the polynomial x⁸ + x² + x + 1, so begun that zero is not all black.
fn crc8(number: u32) -> u8 {
    number.to_be_bytes().into_iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

/// Returns left, top, width and height of a square.
fn square(index: usize, size: Size) -> [usize; 4] {
    let left = |column: usize| column * size.width() / COLUMNS;
    let top = |row: usize| row * size.height() / 12;
    let (column, row) = (index % COLUMNS, index / COLUMNS);
    [left(column), top(row), left(column + 1) - left(column), top(row + 1) - top(row)]
}

/// What stays the same in every picture, painted once.
#[derive(Debug)]
struct Scene {
    background: Canvas,
    texture: Vec<u8>,
}

impl Scene {
    fn new(size: Size) -> Self {
        let mut background = Canvas::new(size);
        let (width, height) = (size.width(), size.height());
        let [top, bottom] = bands(size, 2, 8);
        for (index, colour) in BARS.into_iter().enumerate() {
            let (left, right) = (index * width / BARS.len(), (index + 1) * width / BARS.len());
            background.fill(left, top, right - left, bottom - top, colour);
        }
        let [top, bottom] = bands(size, 8, 10);
        let texture = (0..(bottom - top) * width).map(|index| texture(index % width, index / width, width)).collect();
        background.fill(0, bottom, width, height - bottom, BLACK);
        Self { background, texture }
    }

    fn paint(&self, number: u32, at: MediaTime) -> VideoFrame {
        let mut canvas = self.background.clone();
        paint_code(&mut canvas, number);
        paint_ball(&mut canvas, number as usize);
        self.paint_texture(&mut canvas, number as usize);
        paint_clock(&mut canvas, number, at);
        canvas.into_frame(at)
    }

    /// Drifts to the left, an eightieth of the width at a time.
    fn paint_texture(&self, canvas: &mut Canvas, number: usize) {
        let size = canvas.size();
        let [top, bottom] = bands(size, 8, 10);
        let shift = number.wrapping_mul(size.width().div_ceil(320)) % size.width();
        for (y, row) in (top..bottom).zip(self.texture.chunks_exact(size.width())) {
            let target = canvas.luma_row(0, y, size.width());
            let (left, right) = row.split_at(shift);
            target[..right.len()].copy_from_slice(right);
            target[right.len()..].copy_from_slice(left);
        }
    }
}

/// Returns the first row of one twelfth of the height and the one after another.
fn bands(size: Size, from: usize, to: usize) -> [usize; 2] {
    [from, to].map(|twelfth| twelfth * size.height() / 12)
}

/// A wave of brightness with grain on it.
fn texture(x: usize, y: usize, width: usize) -> u8 {
    let wave = (x * 4 * 160 / width) % 320;
    let wave = wave.min(320 - wave);
    let grain = ((x / 4).wrapping_mul(0x9e37_79b1) ^ (y / 4).wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
    (40 + wave + (grain >> 13) % 24) as u8
}

fn paint_code(canvas: &mut Canvas, number: u32) {
    let squares = code(number);
    for index in 0..SQUARES {
        let [x, y, width, height] = square(index, canvas.size());
        let white = squares >> (SQUARES - 1 - index) & 1 == 1;
        canvas.fill(x, y, width, height, if white { WHITE } else { BLACK });
    }
}

/// A chequered ball, thrown to and fro over the colour bars.
fn paint_ball(canvas: &mut Canvas, number: usize) {
    let size = canvas.size();
    let [top, bottom] = bands(size, 2, 8);
    let diameter = (bottom - top) / 3;
    if diameter == 0 || diameter > size.width() {
        return;
    }
    // There and back, in as many steps as the way is long divided by the stride.
    let bounce = |way: usize, stride: usize| {
        let position = number.wrapping_mul(stride) % (2 * way).max(1);
        position.min(2 * way - position)
    };
    let left = bounce(size.width() - diameter, size.width().div_ceil(160));
    let high = top + bounce(bottom - top - diameter, size.height().div_ceil(240));
    let cell = (diameter / 8).max(1);
    for row in 0..diameter {
        // Twice the distances from the centre, to stay with whole numbers.
        let across = (2 * row + 1).abs_diff(diameter);
        let half = (diameter * diameter - across * across).isqrt() / 2;
        let begin = diameter / 2 - half.min(diameter / 2);
        let spot = canvas.luma_row(left + begin, high + row, 2 * half);
        for (column, value) in spot.iter_mut().enumerate() {
            *value = if ((column + begin) / cell + row / cell) % 2 == 0 { 220 } else { 60 };
        }
    }
}

/// Hours, minutes, seconds and milliseconds since the epoch, and the number.
fn paint_clock(canvas: &mut Canvas, number: u32, at: MediaTime) {
    let size = canvas.size();
    let [top, bottom] = bands(size, 10, 12);
    let millis = at.since_epoch().as_millis();
    let (seconds, minutes, hours) = (millis / 1000 % 60, millis / 60_000 % 60, millis / 3_600_000);
    let text = format!("{hours}:{minutes:02}:{seconds:02}.{:03}  #{number}", millis % 1000);
    let (columns, rows) = Canvas::text_size(1, &text);
    let scale = (size.width() / (columns + 6)).min((bottom - top) / (rows + 2)).max(1);
    let (width, height) = Canvas::text_size(scale, &text);
    let x = size.width().saturating_sub(width) / 2;
    canvas.text(x, top + (bottom - top).saturating_sub(height) / 2, scale, &text, WHITE);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::now;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).expect("in range")
    }

    fn at(millis: u64) -> MediaTime {
        MediaTime::new(Duration::from_millis(millis))
    }

    /// Returns the picture with every plane's rows and columns as `place` says.
    fn rearranged(frame: &VideoFrame, mirrored: bool, upside_down: bool) -> VideoFrame {
        let size = frame.size();
        let mut planes = Vec::new();
        for (plane, width) in [(frame.y(), size.width()), (frame.u(), size.chroma().0), (frame.v(), size.chroma().0)] {
            let mut rows: Vec<Vec<u8>> = plane.chunks(width).map(<[u8]>::to_vec).collect();
            if mirrored {
                rows.iter_mut().for_each(|row| row.reverse());
            }
            if upside_down {
                rows.reverse();
            }
            planes.extend(rows.concat());
        }
        VideoFrame::new(frame.captured_at, size, planes).expect("as long as before")
    }

    #[test]
    fn the_number_survives_scaling() {
        for number in [0, 1, 0x5555_5555, 123_456, u32::MAX] {
            let frame = paint(number, Size::HD, at(1));
            for to in [Size::HD, size(640, 360), size(320, 180), size(240, 320), size(96, 54), size(1920, 1080)] {
                assert_eq!(frame_number(&frame.scaled(to)), Some(number), "{number} at {to}");
            }
        }
    }

    #[test]
    fn turned_damaged_and_foreign_pictures_have_no_number() {
        for number in [0, 7, 0xffff_0000, u32::MAX] {
            let frame = paint(number, size(640, 360), at(0));
            for (mirrored, upside_down) in [(true, false), (false, true), (true, true)] {
                assert_eq!(frame_number(&rearranged(&frame, mirrored, upside_down)), None, "{number}");
            }
        }
        for luma in [0, 16, 128, 235] {
            assert_eq!(frame_number(&VideoFrame::grey(at(0), Size::HD, luma)), None);
        }
        assert_eq!(frame_number(&paint(1, size(46, 22), at(0))), None, "too small");
    }

    #[test]
    fn any_flipped_square_is_noticed() {
        for flipped in 0..SQUARES {
            let mut canvas = Canvas::new(size(480, 240));
            paint_code(&mut canvas, 99);
            let [x, y, width, height] = square(flipped, canvas.size());
            let white = code(99) >> (SQUARES - 1 - flipped) & 1 == 1;
            canvas.fill(x, y, width, height, if white { BLACK } else { WHITE });
            assert_eq!(frame_number(&canvas.into_frame(at(0))), None, "square {flipped}");
        }
    }

    #[test]
    fn a_picture_is_the_same_every_time_and_every_other_differs() {
        let planes = |number, millis| paint(number, size(320, 180), at(millis)).planes().clone();
        assert_eq!(planes(5, 200), planes(5, 200));
        assert_ne!(planes(5, 200), planes(6, 200));
        assert_ne!(planes(5, 200), planes(5, 201), "the clock shows milliseconds");
    }

    #[test]
    fn numbers_tell_the_time() {
        let clock = Clock::new(now());
        let mut source = TestPattern::new(VideoFormat { size: size(160, 90), frame_rate: 200.0 }, clock);
        let mut last = None;
        for _ in 0..3 {
            let frame = source.read(Duration::from_secs(60)).expect("no end").expect("in time");
            let number = frame_number(&frame).expect("readable");
            assert_eq!(frame.captured_at, at(u64::from(number) * 5));
            assert!(last < Some(number) && frame.captured_at <= clock.now());
            last = Some(number);
        }
    }

    proptest! {
        #[test]
        fn every_number_reads_back_at_every_size(number: u32, width in 48_u32..400, height in 24_u32..300) {
            prop_assert_eq!(frame_number(&paint(number, size(width, height), at(0))), Some(number));
        }

        #[test]
        fn no_size_is_too_small_or_odd_to_paint(number: u32, width in 2_u32..64, height in 2_u32..64) {
            let frame = paint(number, size(width, height), at(u64::from(number)));
            prop_assert_eq!(frame.size(), size(width, height));
            frame_number(&frame);
        }
    }
}
