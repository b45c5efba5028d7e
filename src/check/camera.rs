//! The camera: whether it opens, how many pictures it gives, and whether anything is to be seen in them.

use std::time::Duration;

use serde::Serialize;

use super::{Grade, Line};
use crate::{
    media::{MediaTime, VideoFormat, VideoFrame, now},
    pipeline::SourceOpener,
    source::{SourceError, VideoSource},
};

/// How long pictures are watched, and how long the first is waited for: some cameras adjust themselves before.
const WATCHED: Duration = Duration::from_secs(2);
const FIRST: Duration = Duration::from_secs(4);

/// Below this share of the promised rate a camera is slow.
const SLOW: f64 = 0.8;

/// A picture darker than this, of black (0.0) to white (1.0), shows nothing.
const BLACK: f64 = 0.04;

/// Of so many points of a picture one is looked at, a number that divides no usual width.
const STEP: usize = 97;

/// What a camera gives.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CameraFinding {
    /// What it promises; `None` if it did not open.
    pub format: Option<VideoFormat>,
    /// How long it took to open, in milliseconds.
    pub opened_ms: Option<f64>,
    /// Pictures a second; `None` if there were fewer than two.
    pub frame_rate: Option<f64>,
    /// How bright the last picture is: black is 0.0, white 1.0.
    pub brightness: Option<f64>,
    /// Whether all pictures were the same.
    pub frozen: bool,
    /// Why it gives nothing, and what to do.
    pub error: Option<String>,
    /// The last picture.
    #[serde(skip)]
    pub picture: Option<VideoFrame>,
}

/// Opens a camera and watches it.
pub(super) fn watch(open: SourceOpener<dyn VideoSource>) -> CameraFinding {
    let begun = now();
    let mut source = match open() {
        Ok(source) => source,
        Err(error) => return CameraFinding { error: Some(error.to_string()), ..CameraFinding::default() },
    };
    let opened = now();
    let mut pictures = Pictures::default();
    let error = pictures.take(&mut *source).err().map(|error| error.to_string());
    CameraFinding {
        format: Some(source.format()),
        opened_ms: Some(opened.saturating_duration_since(begun).as_millis() as f64),
        frame_rate: pictures.rate(),
        brightness: pictures.last.as_ref().map(brightness),
        frozen: pictures.count > 2 && !pictures.moved,
        error,
        picture: pictures.last,
    }
}

/// Pictures that came.
#[derive(Default)]
struct Pictures {
    count: u32,
    first: Option<MediaTime>,
    last: Option<VideoFrame>,
    moved: bool,
}

impl Pictures {
    fn take(&mut self, source: &mut dyn VideoSource) -> Result<(), SourceError> {
        let mut until = now() + FIRST;
        loop {
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return Ok(());
            }
            let Some(frame) = source.read(left)? else { continue };
            if self.first.is_none() {
                self.first = Some(frame.captured_at);
                until = now() + WATCHED;
            }
            self.count += 1;
            self.moved |= self.last.as_ref().is_some_and(|last| !looks_like(last, &frame));
            self.last = Some(frame);
        }
    }

    /// Returns how many came a second, by the moments at which they were taken.
    fn rate(&self) -> Option<f64> {
        let took = self.last.as_ref()?.captured_at.saturating_since(self.first?).as_secs_f64();
        (took > 0.0).then(|| rounded(f64::from(self.count - 1) / took))
    }
}

fn points(frame: &VideoFrame) -> impl Iterator<Item = u8> {
    frame.y().iter().step_by(STEP).copied()
}

/// Whether not a point differs: a sensor's noise alone makes some differ.
fn looks_like(one: &VideoFrame, other: &VideoFrame) -> bool {
    one.size() == other.size() && points(one).eq(points(other))
}

fn brightness(frame: &VideoFrame) -> f64 {
    let (sum, count) = points(frame).fold((0.0, 0.0), |(sum, count), luma| (sum + f64::from(luma), count + 1.0));
    // Limited range: black is 16, white 235.
    rounded(((sum / f64::max(count, 1.0) - 16.0) / 219.0).clamp(0.0, 1.0))
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl CameraFinding {
    /// Returns it in words.
    pub fn line(&self) -> Line {
        let about = "Picture";
        let (Some(format), None) = (self.format, &self.error) else {
            let stuck = "did not open in time. Unplug it and plug it in again.";
            return Line::new(Grade::Bad, about, self.error.as_deref().unwrap_or(stuck));
        };
        let Some(rate) = self.frame_rate else {
            let words = format!("it opens as {format}, but gives no pictures. Unplug it and plug it in again.");
            return Line::new(Grade::Bad, about, words);
        };
        let opened = self.opened_ms.map(|ms| format!(", open in {ms:.0} ms")).unwrap_or_default();
        let words = format!("{}, {rate:.1} a second{opened}", format.size);
        let (grade, more) = if self.brightness.is_some_and(|brightness| brightness <= BLACK) {
            (Grade::Fair, ", but black: open the lens's lid, or make light")
        } else if self.frozen {
            (Grade::Fair, ", but all the same: if nothing moves in it, plug the camera in again")
        } else if rate < SLOW * format.frame_rate {
            (Grade::Fair, ", fewer than promised: make more light, or ask for a smaller picture with --size")
        } else {
            (Grade::Good, "")
        };
        Line::new(grade, about, words + more)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::media::Size;

    const FORMAT: VideoFormat = VideoFormat { size: Size::HD, frame_rate: 30.0 };

    /// Gives these pictures, then fails.
    struct Still(VecDeque<VideoFrame>);

    impl VideoSource for Still {
        fn format(&self) -> VideoFormat {
            FORMAT
        }

        fn read(&mut self, _: Duration) -> Result<Option<VideoFrame>, SourceError> {
            self.0.pop_front().map(Some).ok_or_else(|| SourceError::Ended("It has gone. Plug it in again.".into()))
        }
    }

    fn grey(ms: u64, luma: u8) -> VideoFrame {
        VideoFrame::grey(MediaTime::new(Duration::from_millis(ms)), Size::HD, luma)
    }

    #[test]
    fn pictures_are_counted_and_looked_at() {
        for (lumas, frozen, bright) in
            [(&[126, 126, 126, 126][..], true, 0.5), (&[16, 17, 16, 16], false, 0.0), (&[235, 16, 235], false, 1.0)]
        {
            let frames = lumas.iter().zip(0..).map(|(luma, n)| grey(n * 40, *luma)).collect();
            let found = watch(Box::new(move || Ok(Box::new(Still(frames)))));
            assert_eq!(found.frozen, frozen, "{lumas:?}");
            assert!((found.brightness.expect("a picture") - bright).abs() < 0.01, "{found:?}");
            assert!((found.frame_rate.expect("a rate") - 25.0).abs() < 0.01, "{found:?}");
            assert_eq!(found.line().words, "It has gone. Plug it in again.");
        }
    }

    #[test]
    fn a_camera_is_judged_by_what_it_gives() {
        let good = CameraFinding {
            format: Some(FORMAT),
            opened_ms: Some(250.0),
            frame_rate: Some(29.9),
            brightness: Some(0.4),
            ..CameraFinding::default()
        };
        let with = |change: fn(&mut CameraFinding)| {
            let mut finding = good.clone();
            change(&mut finding);
            finding
        };
        for (finding, grade, words) in [
            (good.clone(), Grade::Good, "1280x720, 29.9 a second, open in 250 ms"),
            (with(|found| found.frame_rate = Some(12.0)), Grade::Fair, "more light"),
            (with(|found| found.brightness = Some(0.01)), Grade::Fair, "black"),
            (with(|found| found.frozen = true), Grade::Fair, "all the same"),
            (with(|found| found.frame_rate = None), Grade::Bad, "gives no pictures"),
            (with(|found| found.error = Some("There is no camera.".into())), Grade::Bad, "There is no camera."),
            (CameraFinding::default(), Grade::Bad, "did not open in time"),
        ] {
            let line = finding.line();
            assert_eq!(line.grade, grade, "{line}");
            assert!(line.words.contains(words), "{line}");
        }
    }
}
