//! Which of a camera's formats to take.

use super::{OfferedFormat, PixelFormat};
use crate::media::{Size, VideoFormat};

/// What to ask the camera for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) format: PixelFormat,
    pub(super) size: Size,
    pub(super) frame_rate: f64,
}

/// Chooses among `offered`. In this order: the size asked for; else one of the same aspect, else any,
/// the nearest first; the rate asked for, or what falls short of it the least; raw before JPEG.
pub(super) fn choose(offered: &[OfferedFormat], wanted: VideoFormat) -> Option<Choice> {
    offered
        .iter()
        .map(|offer| Choice {
            format: offer.format,
            size: offer.size,
            frame_rate: rate(&offer.rates, wanted.frame_rate),
        })
        .min_by_key(|choice| {
            let aspect = if choice.size == wanted.size {
                0
            } else if same_aspect(choice.size, wanted.size) {
                1
            } else {
                2
            };
            // Half a frame a second is no reason for a worse format: 29.97 is 30.
            let missing = (wanted.frame_rate - choice.frame_rate - 0.5).max(0.0).ceil() as u64;
            let excess = (choice.frame_rate - wanted.frame_rate).max(0.0).round() as u64;
            (aspect, choice.size.pixels().abs_diff(wanted.size.pixels()), missing, choice.format.rank(), excess)
        })
}

/// Returns the lowest rate that reaches `wanted`, else the highest; `wanted` if none is known.
fn rate(rates: &[f64], wanted: f64) -> f64 {
    let enough = rates.iter().copied().filter(|rate| *rate >= wanted - 0.5).min_by(f64::total_cmp);
    enough.or_else(|| rates.iter().copied().max_by(f64::total_cmp)).unwrap_or(wanted)
}

/// Whether two sizes differ in aspect by less than two percent.
fn same_aspect(a: Size, b: Size) -> bool {
    let (left, right) = (a.width() * b.height(), b.width() * a.height());
    left.abs_diff(right) * 50 <= left.max(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(format: PixelFormat, width: u32, height: u32, rates: &[f64]) -> OfferedFormat {
        OfferedFormat { format, size: Size::new(width, height).expect("in range"), rates: rates.to_vec() }
    }

    #[test]
    fn the_nearest_format_wins() {
        use PixelFormat::{I420, Mjpeg, Nv12, Rgb, Yuyv};
        // What a usual USB camera offers.
        let webcam = [
            offer(Yuyv, 640, 480, &[30.0, 15.0]),
            offer(Yuyv, 640, 360, &[30.0]),
            offer(Yuyv, 1280, 720, &[10.0, 5.0]),
            offer(Mjpeg, 640, 480, &[30.0, 15.0]),
            offer(Mjpeg, 1280, 720, &[30.0, 60.0]),
            offer(Mjpeg, 1920, 1080, &[29.97]),
        ];
        let every = [
            offer(Rgb, 1280, 720, &[30.0]),
            offer(Yuyv, 1280, 720, &[60.0, 30.0]),
            offer(Nv12, 1280, 720, &[30.0]),
            offer(I420, 1280, 720, &[30.0]),
        ];
        let no_rates = [offer(Yuyv, 640, 480, &[])];
        let four_to_three = [offer(Yuyv, 640, 480, &[30.0]), offer(Yuyv, 1600, 1200, &[30.0])];
        type Row<'a> = (&'a str, &'a [OfferedFormat], (u32, u32, f64), (PixelFormat, u32, u32, f64));
        let table: [Row<'_>; 11] = [
            ("raw where it reaches the rate", &webcam, (640, 480, 30.0), (Yuyv, 640, 480, 30.0)),
            ("JPEG where raw is too slow", &webcam, (1280, 720, 30.0), (Mjpeg, 1280, 720, 30.0)),
            ("raw again if that is enough", &webcam, (1280, 720, 10.0), (Yuyv, 1280, 720, 10.0)),
            ("the lowest rate that is enough", &webcam, (640, 480, 12.0), (Yuyv, 640, 480, 15.0)),
            ("the highest if none is enough", &webcam, (640, 480, 50.0), (Yuyv, 640, 480, 30.0)),
            ("29.97 is 30", &webcam, (1920, 1080, 30.0), (Mjpeg, 1920, 1080, 29.97)),
            ("same aspect before nearer size", &webcam, (800, 450, 30.0), (Yuyv, 640, 360, 30.0)),
            ("nearest of the same aspect", &webcam, (3840, 2160, 30.0), (Mjpeg, 1920, 1080, 29.97)),
            ("another aspect if need be", &four_to_three, (1280, 720, 30.0), (Yuyv, 640, 480, 30.0)),
            ("the cheapest of equals", &every, (1280, 720, 30.0), (I420, 1280, 720, 30.0)),
            ("no rates known", &no_rates, (640, 480, 30.0), (Yuyv, 640, 480, 30.0)),
        ];
        for (what, offered, (width, height, frame_rate), (format, out_width, out_height, out_rate)) in table {
            let size = |width, height| Size::new(width, height).expect("in range");
            let wanted = VideoFormat { size: size(width, height), frame_rate };
            let expected = Choice { format, size: size(out_width, out_height), frame_rate: out_rate };
            assert_eq!(choose(offered, wanted), Some(expected), "{what}");
        }
    }

    #[test]
    fn nothing_offered_nothing_chosen() {
        assert_eq!(choose(&[], VideoFormat { size: Size::HD, frame_rate: 30.0 }), None);
    }
}
