//! Our text as a QR code made of half blocks: two modules in a character, one above the other.

use qrcode::{Color, EcLevel, QrCode};

/// The quiet zone around the code: what the standard asks for (ISO/IEC 18004), and what readers
/// still find a code in.
const QUIET_ZONES: [usize; 2] = [4, 2];

/// Rows that stay free below: the status line and what is printed before it.
const ROWS_BELOW: usize = 1;

/// Whatever the terminal's own colours are: from the fixed part of the 256.
const BLACK: u8 = 16;
const WHITE: u8 = 231;
const RESET: &str = "\x1b[0m";

/// How modules become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// Black and white, both set. What a font draws need not fill its cell, the background does: so
    /// nothing is drawn but the border between a light module and a dark one.
    Colours,
    /// Light modules are drawn, dark ones left out: right on a dark background.
    Blocks,
}

/// Why there is no QR code, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoQrCode {
    #[error("The text is too long for a QR code: --blob compact makes one that fits.")]
    TextTooLong,
    #[error(
        "The QR code needs {columns} columns and {rows} lines, and this terminal has {has_columns} and {has_rows}: \
         make the window larger or its letters smaller, or use --blob compact, whose code is small."
    )]
    TerminalTooSmall { columns: usize, rows: usize, has_columns: usize, has_rows: usize },
}

/// Returns the QR code of a text, as lines, for a terminal of so many columns and rows; `None`: it
/// may be as large as it likes. The wider quiet zone goes before the stronger error correction:
/// screens do no damage.
pub(super) fn render(text: &str, room: Option<(usize, usize)>, paint: Paint) -> Result<String, NoQrCode> {
    let mut smallest = None;
    for quiet in QUIET_ZONES {
        for level in [EcLevel::M, EcLevel::L] {
            let Ok(code) = QrCode::with_error_correction_level(text, level) else { continue };
            let columns = code.width() + 2 * quiet;
            let rows = columns.div_ceil(2);
            let fits = |(has_columns, has_rows)| columns <= has_columns && rows + ROWS_BELOW <= has_rows;
            if room.is_none_or(fits) {
                return Ok(draw(&code, quiet, paint));
            }
            smallest = Some((columns, rows + ROWS_BELOW));
        }
    }
    Err(match (smallest, room) {
        (Some((columns, rows)), Some((has_columns, has_rows))) => {
            NoQrCode::TerminalTooSmall { columns, rows, has_columns, has_rows }
        }
        _ => NoQrCode::TextTooLong,
    })
}

fn draw(code: &QrCode, quiet: usize, paint: Paint) -> String {
    let width = code.width();
    let colours = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let (x, y) = (x.wrapping_sub(quiet), y.wrapping_sub(quiet));
        x < width && y < width && colours[y * width + x] == Color::Dark
    };
    let size = width + 2 * quiet;
    let mut text = String::new();
    for y in (0..size).step_by(2) {
        let pairs = (0..size).map(|x| (is_dark(x, y), is_dark(x, y + 1)));
        match paint {
            Paint::Colours => push_coloured(&mut text, pairs),
            // Below an odd last row there is nothing.
            Paint::Blocks => text.extend(pairs.map(|(above, below)| match (!above, !below && y + 1 < size) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            })),
        }
        text.push('\n');
    }
    text
}

/// Writes pairs of modules, dark or not, one above the other, each in its colours.
fn push_coloured(text: &mut String, pairs: impl Iterator<Item = (bool, bool)>) {
    let colour = |dark| if dark { BLACK } else { WHITE };
    let mut set = None;
    for (above, below) in pairs {
        if set != Some((above, below)) {
            text.push_str(&format!("\x1b[38;5;{};48;5;{}m", colour(above), colour(below)));
            set = Some((above, below));
        }
        text.push(if above == below { ' ' } else { '▀' });
    }
    text.push_str(RESET);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many pixels is a module wide.
    const SCALE: usize = 3;

    /// Returns the two pixels of each character of a line on a dark terminal, whether light.
    fn pixels(line: &str) -> Vec<(bool, bool)> {
        let (mut foreground, mut background) = (true, false);
        let mut cells = Vec::new();
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            if let Some((colours, after)) = rest.strip_prefix("\x1b[").and_then(|rest| rest.split_once('m')) {
                let numbers: Vec<&str> = colours.split(';').collect();
                if let [_, _, ink, _, _, paper] = numbers[..] {
                    (foreground, background) = (ink == "231", paper == "231");
                }
                rest = after;
                continue;
            }
            cells.push(match character {
                '█' => (foreground, foreground),
                '▀' => (foreground, background),
                '▄' => (background, foreground),
                _ => (background, background),
            });
            rest = &rest[character.len_utf8()..];
        }
        cells
    }

    /// Reads a rendered code as a camera would, from a picture of the terminal.
    fn read(rendered: &str) -> String {
        let lines: Vec<Vec<(bool, bool)>> = rendered.lines().map(pixels).collect();
        let (columns, rows) = (lines[0].len(), lines.len() * 2);
        let shade = |x: usize, y: usize| {
            let (above, below) = lines[y / SCALE / 2][x / SCALE];
            let light = if (y / SCALE).is_multiple_of(2) { above } else { below };
            if light { 255 } else { 0 }
        };
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(columns * SCALE, rows * SCALE, shade);
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1, "{rendered}");
        grids[0].decode().expect("a code that can be read").1
    }

    #[test]
    fn a_reader_finds_the_text_in_what_is_drawn() {
        let plain = "eyJ0eXBlIjoib2ZmZXIiLCJzZHAiOiJ2PTBcclxubz0t".repeat(31);
        let compact = &plain[..113];
        for (text, room) in [
            (compact, None),
            (compact, Some((80, 26))),
            // The usual terminal.
            (compact, Some((80, 24))),
            (&plain, None),
            (&plain, Some((127, 65))),
        ] {
            for paint in [Paint::Colours, Paint::Blocks] {
                let rendered = render(text, room, paint).expect("it fits");
                assert_eq!(read(&rendered), text);
                let rows = rendered.lines().count();
                assert!(room.is_none_or(|(_, has)| rows < has), "{rows} in {room:?}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let plain = "eyJ0eXBlIjoib2ZmZXIiLCJzZHAiOiJ2PTBcclxubz0t".repeat(31);
        let small = render(&plain, Some((80, 24)), Paint::Colours).expect_err("too large");
        assert!(matches!(small, NoQrCode::TerminalTooSmall { columns, .. } if columns > 80), "{small}");
        assert_eq!(render(&plain.repeat(3), None, Paint::Colours), Err(NoQrCode::TextTooLong));
        // Narrow, but high enough.
        assert!(render(&plain[..113], Some((40, 99)), Paint::Blocks).is_err());
    }

    #[test]
    fn no_colour_runs_over_the_end_of_a_line() {
        let rendered = render("x", None, Paint::Colours).expect("it fits");
        assert!(rendered.lines().all(|line| line.starts_with("\x1b[38;5;") && line.ends_with(RESET)));
        // A whole module is never left to the font.
        assert!(!rendered.contains('█'));
        assert!(!render("x", None, Paint::Blocks).expect("it fits").contains('\x1b'));
    }
}
