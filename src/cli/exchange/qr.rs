//! Our text as a QR code made of half blocks: two modules in a character, one above the other.

use qrcode::{Color, EcLevel, QrCode};

/// The quiet zone around the code: what the standard asks for (ISO/IEC 18004), and what readers
/// still find a code in.
const QUIET_ZONES: [usize; 2] = [4, 2];

/// Rows that stay free below: the status line and what is printed before it.
const ROWS_BELOW: usize = 1;

/// Black on white whatever the terminal's own colours are: from the fixed part of the 256.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

/// How modules become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// Black on white, both set.
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
        if paint == Paint::Colours {
            text.push_str(BLACK_ON_WHITE);
        }
        for x in 0..size {
            // What is drawn: the dark modules in black, or the light ones in the terminal's own colour.
            // Below an odd last row there is nothing.
            let drawn = |y: usize| match paint {
                Paint::Colours => is_dark(x, y),
                Paint::Blocks => y < size && !is_dark(x, y),
            };
            text.push(match (drawn(y), drawn(y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        if paint == Paint::Colours {
            text.push_str(RESET);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many pixels is a module wide.
    const SCALE: usize = 3;

    /// Reads a rendered code as a camera would, from a picture of the terminal.
    fn read(rendered: &str, paint: Paint) -> String {
        let lines: Vec<Vec<char>> = rendered
            .lines()
            .map(|line| line.trim_start_matches(BLACK_ON_WHITE).trim_end_matches(RESET).chars().collect())
            .collect();
        let (columns, rows) = (lines[0].len(), lines.len() * 2);
        let shade = |x: usize, y: usize| {
            let character = lines[y / SCALE / 2][x / SCALE];
            let drawn = match character {
                '█' => true,
                '▀' => (y / SCALE).is_multiple_of(2),
                '▄' => !(y / SCALE).is_multiple_of(2),
                _ => false,
            };
            // Drawn is black on white with colours, white on black without.
            if drawn == (paint == Paint::Colours) { 0 } else { 255 }
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
                assert_eq!(read(&rendered, paint), text);
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
    fn a_line_ends_in_the_terminals_own_colours() {
        let rendered = render("x", None, Paint::Colours).expect("it fits");
        assert!(rendered.lines().all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(RESET)));
        assert!(!render("x", None, Paint::Blocks).expect("it fits").contains('\x1b'));
    }
}
