//! One picture among other lines of a terminal.

use super::{
    super::scale::{Rect, shrink},
    Colours,
    cells::encode,
};
use crate::media::VideoFrame;

/// Returns the picture in half blocks, as large as fits into so many columns and rows, with an end of line behind each
/// row. Empty if there is no room.
pub fn still(frame: &VideoFrame, (columns, rows): (u16, u16), colours: Colours) -> Vec<u8> {
    let size = (frame.size().width(), frame.size().height());
    let Rect { width, height, .. } = Rect::fitted(size, columns.into(), usize::from(rows) * 2);
    // Two pixels a cell.
    let height = height.div_ceil(2) * 2;
    let (mut pixels, mut out) = (Vec::new(), Vec::new());
    shrink(frame, width, height, false, &mut pixels);
    for pair in pixels.chunks_exact((2 * width).max(1)) {
        let (upper, lower) = pair.split_at(width);
        encode(upper, lower, colours, &mut out);
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{MediaTime, Size};

    #[test]
    fn a_picture_has_as_many_rows_as_fit() {
        let white = VideoFrame::grey(MediaTime::ZERO, Size::HD, 235);
        for (room, rows) in [((32, 20), 9), ((200, 4), 4), ((1, 1), 1), ((0, 4), 0), ((4, 0), 0)] {
            let out = String::from_utf8(still(&white, room, Colours::True)).expect("UTF-8");
            assert_eq!(out.lines().count(), rows, "{room:?}: {out:?}");
            assert!(out.lines().all(|line| line.starts_with("\x1b[48;2;255;255;255m") && line.ends_with("\x1b[0m")));
        }
    }
}
