//! Which cameras there are, and what each offers.

use std::{fs, path::Path};

use v4l::{
    FourCC, Fraction, capability::Flags, frameinterval::FrameIntervalEnum, framesize::FrameSizeEnum, video::Capture,
};

use super::contained;
use crate::{
    media::Size,
    source::camera::{CameraInfo, OfferedFormat, PixelFormat},
};

/// Sizes that are listed for a camera that can do any size in a range.
const USUAL_SIZES: [(u32, u32); 6] = [(320, 180), (640, 360), (640, 480), (1280, 720), (1920, 1080), (3840, 2160)];

pub(in crate::source::camera) fn cameras() -> Vec<CameraInfo> {
    let Ok(entries) = fs::read_dir("/sys/class/video4linux") else { return Vec::new() };
    let mut cameras: Vec<_> = entries.flatten().filter_map(|entry| camera(&entry.path())).collect();
    cameras.sort_by_key(|camera| camera.index);
    cameras
}

/// Returns what is known of a video device, `None` if it is no camera: many have a second node for
/// metadata, and some only play.
fn camera(path: &Path) -> Option<CameraInfo> {
    let node = path.file_name()?.to_str()?;
    let index = node.strip_prefix("video")?.parse().ok()?;
    let name = fs::read_to_string(path.join("name")).map_or_else(|_| node.into(), |name| name.trim().to_owned());
    let mut info = CameraInfo { index, name, description: format!("/dev/{node}"), formats: Vec::new() };
    // If it cannot be opened it is listed all the same: opening it will say why.
    if let Ok(device) = contained(|| v4l::Device::with_path(&info.description)) {
        let caps = contained(|| device.query_caps()).ok()?.capabilities;
        if !caps.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING) || caps.contains(Flags::VIDEO_M2M) {
            return None;
        }
        info.formats = offered(&device, None);
        // Encoders and the like: nothing for us.
        if info.formats.is_empty() {
            return None;
        }
    }
    Some(info)
}

/// Asks a camera for its formats; `wanted` is among them if the camera can do any size in a range.
pub(super) fn offered(device: &v4l::Device, wanted: Option<Size>) -> Vec<OfferedFormat> {
    let mut offered = Vec::new();
    let formats = contained(|| device.enum_formats()).unwrap_or_default();
    for fourcc in formats.into_iter().map(|description| description.fourcc) {
        let Some(format) = pixel_format(fourcc) else { continue };
        let mut sizes: Vec<Size> = contained(|| device.enum_framesizes(fourcc))
            .unwrap_or_default()
            .into_iter()
            .flat_map(|offered| sizes(&offered.size, wanted))
            .collect();
        if sizes.is_empty() {
            // A driver that does not list sizes takes one and says what it made of it.
            sizes.extend(wanted.or(Size::new(640, 480)));
        }
        for size in sizes {
            offered.push(OfferedFormat { format, size, rates: rates(device, fourcc, size) });
        }
    }
    offered
}

fn sizes(offered: &FrameSizeEnum, wanted: Option<Size>) -> Vec<Size> {
    match offered {
        FrameSizeEnum::Discrete(size) => Size::new(size.width, size.height).into_iter().collect(),
        FrameSizeEnum::Stepwise(range) => {
            let side = |wanted: u32, min: u32, max: u32, step: u32| {
                let wanted = wanted.clamp(min, max.max(min));
                min + (wanted - min) / step.max(1) * step.max(1)
            };
            let mut sizes: Vec<_> = wanted
                .map(|size| (size.width() as u32, size.height() as u32))
                .into_iter()
                .chain(USUAL_SIZES)
                .filter_map(|(width, height)| {
                    Size::new(
                        side(width, range.min_width, range.max_width, range.step_width),
                        side(height, range.min_height, range.max_height, range.step_height),
                    )
                })
                .collect();
            sizes.sort_by_key(|size| (size.width(), size.height()));
            sizes.dedup();
            sizes
        }
    }
}

fn rates(device: &v4l::Device, fourcc: FourCC, size: Size) -> Vec<f64> {
    let intervals = contained(|| device.enum_frameintervals(fourcc, size.width() as u32, size.height() as u32));
    let mut rates: Vec<f64> = intervals
        .unwrap_or_default()
        .into_iter()
        .flat_map(|offered| match offered.interval {
            FrameIntervalEnum::Discrete(interval) => vec![rate(interval)],
            FrameIntervalEnum::Stepwise(range) => {
                let (fastest, slowest) = (rate(range.min), rate(range.max));
                let usual = [60.0, 50.0, 30.0, 25.0, 24.0, 20.0, 15.0, 10.0, 5.0];
                let between = usual.into_iter().filter(|rate| (slowest..fastest).contains(rate));
                [fastest].into_iter().chain(between).collect()
            }
        })
        .filter(|rate| (0.5..1000.0).contains(rate))
        .collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    rates.dedup();
    rates
}

pub(super) fn rate(interval: Fraction) -> f64 {
    f64::from(interval.denominator) / f64::from(interval.numerator.max(1))
}

pub(super) fn interval(rate: f64) -> Fraction {
    if rate.fract() == 0.0 {
        Fraction::new(1, rate as u32)
    } else {
        Fraction::new(1000, (rate * 1000.0).round() as u32)
    }
}

pub(super) fn pixel_format(fourcc: FourCC) -> Option<PixelFormat> {
    PixelFormat::ALL.into_iter().find(|format| fourccs(*format).iter().any(|code| **code == fourcc.repr))
}

/// Returns the V4L2 names of a format.
pub(super) fn fourccs(format: PixelFormat) -> &'static [&'static [u8; 4]] {
    match format {
        PixelFormat::I420 => &[b"YU12"],
        PixelFormat::Yv12 => &[b"YV12"],
        PixelFormat::Nv12 => &[b"NV12"],
        PixelFormat::Yuyv => &[b"YUYV"],
        PixelFormat::Uyvy => &[b"UYVY"],
        PixelFormat::Rgb => &[b"RGB3"],
        PixelFormat::Bgr => &[b"BGR3"],
        PixelFormat::Mjpeg => &[b"MJPG", b"JPEG"],
    }
}

#[cfg(test)]
mod tests {
    use v4l::framesize::{Discrete, Stepwise};

    use super::*;

    #[test]
    fn fourccs_and_formats_agree() {
        for format in PixelFormat::ALL {
            for code in fourccs(format) {
                assert_eq!(pixel_format(FourCC::new(code)), Some(format));
            }
        }
        assert_eq!(pixel_format(FourCC::new(b"H264")), None);
    }

    #[test]
    fn rates_survive_the_way_to_an_interval_and_back() {
        for expected in [5.0, 7.5, 12.5, 29.97, 30.0, 59.94, 60.0] {
            assert_eq!(rate(interval(expected)), expected);
        }
    }

    #[test]
    fn sizes_in_a_range_keep_to_its_steps() {
        let wanted = Size::new(1001, 563);
        let range = Stepwise {
            min_width: 48,
            max_width: 1280,
            step_width: 16,
            min_height: 32,
            max_height: 720,
            step_height: 2,
        };
        let offered = sizes(&FrameSizeEnum::Stepwise(range), wanted);
        assert!(offered.contains(&Size::new(992, 562).expect("in range")), "{offered:?}");
        assert!(offered.contains(&Size::HD));
        assert!(offered.iter().all(|size| size.width() <= 1280 && size.width() % 16 == 0), "{offered:?}");
        let one = FrameSizeEnum::Discrete(Discrete { width: 640, height: 480 });
        assert_eq!(sizes(&one, wanted), [Size::new(640, 480).expect("in range")]);
    }
}
