//! Cameras: through v4l on Linux, through nokhwa elsewhere.
//!
//! A camera is opened and read on one thread. It gives raw pictures or JPEG in one of several
//! layouts; they become I420 here.

mod choose;
mod convert;
#[cfg(not(target_os = "linux"))]
mod nokhwa;
#[cfg(target_os = "linux")]
mod v4l;

use std::{fmt, time::Duration};

use serde::Serialize;

#[cfg(not(target_os = "linux"))]
use self::nokhwa as device;
#[cfg(target_os = "linux")]
use self::v4l as device;
use super::{CameraChoice, SourceError, VideoSource};
use crate::media::{Clock, Size, VideoFormat, VideoFrame};

/// How a camera lays out its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PixelFormat {
    /// Planes Y, U, V; chroma halved both ways ("YU12").
    I420,
    /// Planes Y, V, U; chroma halved both ways ("YV12").
    Yv12,
    /// Plane Y, then U and V interleaved; chroma halved both ways.
    Nv12,
    /// Y U Y V interleaved; chroma halved across.
    Yuyv,
    /// U Y V Y interleaved; chroma halved across.
    Uyvy,
    /// Red, green, blue, 8 bits each.
    Rgb,
    /// Blue, green, red, 8 bits each.
    Bgr,
    /// One JPEG picture after the other.
    Mjpeg,
}

impl PixelFormat {
    const ALL: [Self; 8] =
        [Self::I420, Self::Nv12, Self::Yuyv, Self::Uyvy, Self::Yv12, Self::Rgb, Self::Bgr, Self::Mjpeg];

    /// Returns the place of the format in the order of what its conversion costs.
    fn rank(self) -> usize {
        Self::ALL.iter().position(|format| *format == self).expect("ALL holds every format")
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I420 => "I420",
            Self::Yv12 => "YV12",
            Self::Nv12 => "NV12",
            Self::Yuyv => "YUYV",
            Self::Uyvy => "UYVY",
            Self::Rgb => "RGB",
            Self::Bgr => "BGR",
            Self::Mjpeg => "MJPEG",
        })
    }
}

/// A size that a camera offers in one pixel format.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfferedFormat {
    /// How the pixels are laid out.
    pub format: PixelFormat,
    /// The size of each picture.
    pub size: Size,
    /// Pictures a second, highest first. Empty if the camera does not say.
    pub rates: Vec<f64>,
}

/// A camera that could be opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraInfo {
    /// What [`CameraChoice::Index`] takes; on Linux the number of `/dev/videoN`.
    pub index: u32,
    /// What the camera calls itself.
    pub name: String,
    /// Where it is: a path on Linux.
    pub description: String,
    /// What it offers. Empty if it cannot be asked, for example because we may not open it.
    pub formats: Vec<OfferedFormat>,
}

/// Lists the cameras of this machine.
pub fn cameras() -> Vec<CameraInfo> {
    device::cameras()
}

impl CameraChoice {
    /// Returns the place in `cameras` of the one that is meant: names and descriptions.
    fn find(&self, cameras: &[CameraInfo]) -> Option<usize> {
        match self {
            Self::Any => (!cameras.is_empty()).then_some(0),
            Self::Index(index) => cameras.iter().position(|camera| camera.index == *index),
            Self::Name(name) => {
                let name = name.to_lowercase();
                let exact = |camera: &CameraInfo| {
                    camera.name.to_lowercase() == name || camera.description.to_lowercase() == name
                };
                let part = |camera: &CameraInfo| {
                    camera.name.to_lowercase().contains(&name) || camera.description.to_lowercase().contains(&name)
                };
                cameras.iter().position(exact).or_else(|| cameras.iter().position(part))
            }
        }
    }

    /// Returns the camera that is meant.
    fn pick(&self, mut cameras: Vec<CameraInfo>) -> Result<CameraInfo, SourceError> {
        if let Some(index) = self.find(&cameras) {
            return Ok(cameras.swap_remove(index));
        }
        if cameras.is_empty() {
            return Err(SourceError::Missing(
                "There is no camera. Plug one in, or call with sound alone: --video none.".into(),
            ));
        }
        let names = cameras.iter().map(|camera| format!("{} '{}'", camera.index, camera.name));
        let names = names.collect::<Vec<_>>().join(", ");
        Err(SourceError::Missing(format!("There is no {self}. There is: {names}.")))
    }
}

/// A camera that gives pictures.
#[derive(Debug)]
pub struct Camera {
    device: device::Device,
    name: String,
}

impl Camera {
    /// Opens a camera in the format nearest to `wanted` and starts it. Its pictures are stamped
    /// with the time of `clock` at which they were taken, as near as the system tells.
    ///
    /// # Errors
    /// If there is no such camera, another program uses it, we may not open it, or it gives nothing
    /// that can be used.
    pub fn open(select: CameraChoice, wanted: VideoFormat, clock: Clock) -> Result<Self, SourceError> {
        let info = select.pick(device::cameras())?;
        let device = device::Device::open(&info, wanted, clock)?;
        Ok(Self { device, name: info.name })
    }

    /// Returns what the camera calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how the camera lays out its pixels, before they become I420.
    pub fn pixel_format(&self) -> PixelFormat {
        self.device.pixel_format()
    }
}

impl VideoSource for Camera {
    fn format(&self) -> VideoFormat {
        self.device.format()
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        self.device.read(timeout)
    }
}

fn busy(name: &str) -> SourceError {
    SourceError::Busy(format!(
        "Another program is using the camera '{name}'. Close it, or choose another camera: p2pcall devices lists them."
    ))
}

fn unplugged(name: &str) -> SourceError {
    SourceError::Ended(format!("The camera '{name}' has gone. Plug it in again."))
}

fn nothing_usable(name: &str) -> SourceError {
    SourceError::Unusable(format!(
        "The camera '{name}' gives no pictures that p2pcall understands. Choose another: p2pcall devices lists them."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(index: u32, name: &str) -> CameraInfo {
        CameraInfo { index, name: name.into(), description: format!("/dev/video{index}"), formats: Vec::new() }
    }

    #[test]
    fn cameras_are_found_by_number_and_by_name() {
        let cameras = || vec![camera(0, "Integrated Camera: IR"), camera(2, "HD Pro Webcam C920"), camera(5, "c920")];
        let name = |text: &str| CameraChoice::Name(text.into());
        let table = [
            (CameraChoice::Any, Some(0)),
            (CameraChoice::Index(2), Some(2)),
            (CameraChoice::Index(1), None),
            (name("hd pro"), Some(2)),
            (name("C920"), Some(5)),
            (name("/dev/video5"), Some(5)),
            (name("camera: ir"), Some(0)),
            (name("other"), None),
        ];
        for (choice, expected) in table {
            assert_eq!(choice.pick(cameras()).ok().map(|camera| camera.index), expected, "{choice}");
        }
    }

    #[test]
    fn the_person_learns_which_cameras_there_are() {
        let none = CameraChoice::Any.pick(Vec::new()).expect_err("there is none");
        assert!(matches!(&none, SourceError::Missing(message) if message.contains("Plug one in")), "{none}");
        let other = CameraChoice::Index(1).pick(vec![camera(0, "Cam")]).expect_err("another one");
        assert_eq!(other.to_string(), "There is no camera:1. There is: 0 'Cam'.");
    }
}
