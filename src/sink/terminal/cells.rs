//! Painting in character cells: each holds two pixels, one above the other, because a cell is about
//! twice as high as wide.

use std::io::Write;

use super::super::scale::{Rect, shrink};
use crate::media::VideoFrame;

/// The colours a terminal knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// 24 bits.
    #[default]
    True,
    /// The 256 of xterm: a cube of six levels and a ramp of greys.
    Indexed,
}

/// The cells painted at most: bounds what one picture costs on a huge terminal.
const MOST_COLUMNS: usize = 400;
const MOST_ROWS: usize = 150;

const BARS: u32 = 0;
const NO_PICTURE: u32 = 0x00_20_20_20;

/// Begin and end of a synchronized update: the terminal shows nothing half done.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Paints pictures as escape sequences, and only rows that have changed.
#[derive(Debug)]
pub(super) struct Painter {
    colours: Colours,
    picture: Option<VideoFrame>,
    preview: Option<VideoFrame>,
    /// The columns and rows last painted for.
    size: (usize, usize),
    /// The rows as the terminal shows them.
    shown: Vec<Vec<u8>>,
    pixels: Vec<u32>,
    scaled: Vec<u32>,
}

impl Painter {
    pub(super) fn new(colours: Colours) -> Self {
        Self {
            colours,
            picture: None,
            preview: None,
            size: (0, 0),
            shown: Vec::new(),
            pixels: Vec::new(),
            scaled: Vec::new(),
        }
    }

    /// Takes what is to be shown from now on; `None` for nothing.
    pub(super) fn set_picture(&mut self, frame: Option<VideoFrame>) {
        self.picture = frame;
    }

    /// Takes our own picture; `None` for nothing.
    pub(super) fn set_preview(&mut self, frame: Option<VideoFrame>) {
        self.preview = frame;
    }

    /// Writes what makes a terminal of that many columns and rows show pictures and words; nothing
    /// if it shows them already.
    pub(super) fn paint(&mut self, (columns, rows): (u16, u16), status: &str, out: &mut Vec<u8>) {
        let size = (usize::from(columns), usize::from(rows));
        if size.0 == 0 || size.1 == 0 {
            return;
        }
        out.extend_from_slice(BEGIN);
        let before = out.len();
        if size != self.size {
            out.extend_from_slice(b"\x1b[0m\x1b[2J");
            self.size = size;
            self.shown = vec![Vec::new(); size.1];
        }
        // The last row is for words, even if it is the only one.
        let (columns, picture_rows) = (size.0.min(MOST_COLUMNS), (size.1 - 1).min(MOST_ROWS));
        self.compose(columns, picture_rows * 2);
        let mut row = Vec::new();
        for index in 0..picture_rows {
            row.clear();
            let pixels = &self.pixels[index * 2 * columns..][..2 * columns];
            let (upper, lower) = pixels.split_at(columns);
            encode(upper, lower, self.colours, &mut row);
            self.put_row(index, &row, out);
        }
        row.clear();
        row.extend(status.chars().take(size.0).collect::<String>().as_bytes());
        row.extend_from_slice(b"\x1b[K");
        self.put_row(size.1 - 1, &row, out);
        if out.len() == before {
            out.truncate(before - BEGIN.len());
        } else {
            out.extend_from_slice(END);
        }
    }

    fn put_row(&mut self, index: usize, row: &[u8], out: &mut Vec<u8>) {
        let shown = &mut self.shown[index];
        if shown == row {
            return;
        }
        shown.clear();
        shown.extend_from_slice(row);
        put(out, format_args!("\x1b[{};1H", index + 1));
        out.extend_from_slice(row);
    }

    /// Lays out both pictures in pixels.
    fn compose(&mut self, width: usize, height: usize) {
        self.pixels.clear();
        self.pixels.resize(width * height, if self.picture.is_some() { BARS } else { NO_PICTURE });
        if let Some(frame) = &self.picture {
            let rect = Rect::fitted((frame.size().width(), frame.size().height()), width, height);
            shrink(frame, rect.width, rect.height, false, &mut self.scaled);
            copy(&self.scaled, &mut self.pixels, width, rect);
        }
        let Some(frame) = &self.preview else { return };
        if let Some(rect) = Rect::corner((frame.size().width(), frame.size().height()), width, height, 0) {
            shrink(frame, rect.width, rect.height, true, &mut self.scaled);
            copy(&self.scaled, &mut self.pixels, width, rect);
        }
    }
}

fn copy(from: &[u32], to: &mut [u32], stride: usize, rect: Rect) {
    if rect.width == 0 {
        return;
    }
    let rows = to.chunks_exact_mut(stride).skip(rect.y);
    for (to, from) in rows.zip(from.chunks_exact(rect.width)) {
        to[rect.x..][..rect.width].copy_from_slice(from);
    }
}

/// Encodes one row of cells, naming a colour only where it changes. Ends in the terminal's own colours.
pub(super) fn encode(upper: &[u32], lower: &[u32], colours: Colours, out: &mut Vec<u8>) {
    let (mut foreground, mut background) = (None, None);
    for (&upper, &lower) in upper.iter().zip(lower) {
        let (upper, lower) = (colours.reduce(upper), colours.reduce(lower));
        if background != Some(lower) {
            colours.select(48, lower, out);
            background = Some(lower);
        }
        if upper == lower {
            out.push(b' ');
            continue;
        }
        if foreground != Some(upper) {
            colours.select(38, upper, out);
            foreground = Some(upper);
        }
        out.extend_from_slice("▀".as_bytes());
    }
    out.extend_from_slice(b"\x1b[0m");
}

impl Colours {
    /// Returns the colour as the terminal counts it.
    fn reduce(self, rgb: u32) -> u32 {
        match self {
            Self::True => rgb,
            Self::Indexed => indexed(rgb),
        }
    }

    /// Writes the selection of a reduced colour; `plane` is 38 for the foreground, 48 for the background.
    fn select(self, plane: u8, colour: u32, out: &mut Vec<u8>) {
        let [_, red, green, blue] = colour.to_be_bytes();
        match self {
            Self::True => put(out, format_args!("\x1b[{plane};2;{red};{green};{blue}m")),
            Self::Indexed => put(out, format_args!("\x1b[{plane};5;{colour}m")),
        }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes everything");
}

/// Returns the nearest of the 256 colours, from the cube or the ramp.
fn indexed(rgb: u32) -> u32 {
    const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let [_, red, green, blue] = rgb.to_be_bytes().map(i32::from);
    let level = |value: i32| match value {
        ..48 => 0,
        48..115 => 1,
        _ => (value - 35) / 40,
    };
    let (r, g, b) = (level(red), level(green), level(blue));
    let cube = [LEVELS[r as usize], LEVELS[g as usize], LEVELS[b as usize]];
    // The ramp: 24 greys from 8 in steps of 10.
    let step = (((red + green + blue) / 3 - 3) / 10).clamp(0, 23);
    let distance = |to: [i32; 3]| (to[0] - red).pow(2) + (to[1] - green).pow(2) + (to[2] - blue).pow(2);
    if distance([8 + 10 * step; 3]) < distance(cube) { (232 + step) as u32 } else { (16 + 36 * r + 6 * g + b) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Canvas, MediaTime, Size};

    fn painted(painter: &mut Painter, size: (u16, u16), status: &str) -> String {
        let mut out = Vec::new();
        painter.paint(size, status, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    /// Four by four: black, with a white upper left quarter.
    fn quarter() -> VideoFrame {
        let mut canvas = Canvas::new(Size::new(4, 4).expect("in range"));
        canvas.fill(0, 0, 2, 2, [235, 128, 128]);
        canvas.into_frame(MediaTime::ZERO)
    }

    #[test]
    fn a_tiny_picture_is_exactly_this() {
        let mut painter = Painter::new(Colours::True);
        painter.set_picture(Some(quarter()));
        assert_eq!(
            painted(&mut painter, (2, 2), "words"),
            "\x1b[?2026h\x1b[0m\x1b[2J\
             \x1b[1;1H\x1b[48;2;0;0;0m\x1b[38;2;255;255;255m▀ \x1b[0m\
             \x1b[2;1Hwo\x1b[K\
             \x1b[?2026l"
        );
        assert_eq!(painted(&mut painter, (2, 2), "words"), "", "nothing has changed");
        assert_eq!(painted(&mut painter, (2, 2), "w"), "\x1b[?2026h\x1b[2;1Hw\x1b[K\x1b[?2026l", "one row has");
        let resized = painted(&mut painter, (4, 3), "w");
        assert!(resized.starts_with("\x1b[?2026h\x1b[0m\x1b[2J\x1b[1;1H"), "a resize clears: {resized:?}");
        assert_eq!(resized.matches("\x1b[48;2;255;255;255m").count(), 1, "{resized:?}");
    }

    #[test]
    fn fewer_colours_are_named_by_index() {
        let mut painter = Painter::new(Colours::Indexed);
        painter.set_picture(Some(quarter()));
        let row = painted(&mut painter, (2, 2), "");
        assert!(row.contains("\x1b[48;5;16m\x1b[38;5;231m▀ \x1b[0m"), "{row:?}");
    }

    #[test]
    fn indexed_colours_are_near() {
        for (rgb, expected) in [
            (0x000000, 16),
            (0xffffff, 231),
            (0xff0000, 196),
            (0x00ff00, 46),
            (0x5f87af, 67),
            (0x808080, 244),
            (0x0b0b0b, 232),
            (0xeeeeee, 255),
        ] {
            assert_eq!(indexed(rgb), expected, "{rgb:06x}");
        }
    }

    #[test]
    fn every_size_of_terminal_is_painted() {
        let mut painter = Painter::new(Colours::True);
        painter.set_picture(Some(quarter()));
        painter.set_preview(Some(quarter()));
        for columns in [0, 1, 2, 39, 40, 80, 500] {
            for rows in [0, 1, 2, 24, 200] {
                let out = painted(&mut painter, (columns, rows), "words");
                assert_eq!(out.is_empty(), columns == 0 || rows == 0, "{columns}x{rows}");
            }
        }
    }

    #[test]
    fn our_own_picture_is_in_the_corner_and_mirrored() {
        let mut painter = Painter::new(Colours::True);
        painter.set_preview(Some(quarter()));
        painter.compose(60, 60);
        let at = |x: usize, y: usize| painter.pixels[y * 60 + x];
        assert_eq!((at(47, 59), at(48, 47)), (NO_PICTURE, NO_PICTURE));
        assert_eq!((at(48, 48), at(59, 48), at(59, 59)), (0, 0x00ff_ffff, 0));
    }
}
