//! Cameras through nokhwa: macOS and Windows.
//!
//! nokhwa's camera stays on the thread that opened it and waits for pictures without a time-out, so
//! it has a thread of its own and leaves the newest picture in a slot.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};

use super::{CameraInfo, OfferedFormat, PixelFormat, busy, choose::choose, convert::Layout, nothing_usable, unplugged};
use crate::{
    media::{Clock, FramePool, Size, Slot, Taken, VideoFormat, VideoFrame},
    // A thread is unavoidable here, and this is the one place that starts them.
    pipeline::spawn_thread,
    source::SourceError,
};

/// How long a camera may take to open: some ask the person first.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
/// How many pictures in a row may fail.
const MAX_FAILED: u32 = 10;

pub(super) fn cameras() -> Vec<CameraInfo> {
    let found = contained(|| nokhwa::query(ApiBackend::Auto)).unwrap_or_default();
    let found = found.into_iter().enumerate().map(|(place, info)| {
        let formats = contained(|| nokhwa::Camera::new(info.index().clone(), any_format()))
            .map(|mut camera| offered(&mut camera))
            .unwrap_or_default();
        CameraInfo {
            index: info.index().as_index().unwrap_or(place as u32),
            name: info.human_name(),
            description: info.description().into(),
            formats,
        }
    });
    found.collect()
}

fn offered(camera: &mut nokhwa::Camera) -> Vec<OfferedFormat> {
    let mut offered: Vec<OfferedFormat> = Vec::new();
    for format in contained(|| camera.compatible_camera_formats()).unwrap_or_default() {
        let (Some(pixels), Some(size)) = (pixel_format(format.format()), Size::new(format.width(), format.height()))
        else {
            continue;
        };
        let rate = f64::from(format.frame_rate());
        match offered.iter_mut().find(|offer| offer.format == pixels && offer.size == size) {
            Some(offer) if offer.rates.contains(&rate) => {}
            Some(offer) => offer.rates.push(rate),
            None => offered.push(OfferedFormat { format: pixels, size, rates: vec![rate] }),
        }
    }
    for offer in &mut offered {
        offer.rates.sort_by(|a, b| b.total_cmp(a));
    }
    offered
}

/// Only the format list matters: the pictures are never decoded by nokhwa.
fn any_format() -> RequestedFormat<'static> {
    RequestedFormat::with_formats(RequestedFormatType::None, FORMATS)
}

const FORMATS: &[FrameFormat] =
    &[FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::RAWRGB, FrameFormat::RAWBGR, FrameFormat::MJPEG];

fn pixel_format(format: FrameFormat) -> Option<PixelFormat> {
    match format {
        FrameFormat::NV12 => Some(PixelFormat::Nv12),
        FrameFormat::YUYV => Some(PixelFormat::Yuyv),
        FrameFormat::RAWRGB => Some(PixelFormat::Rgb),
        FrameFormat::RAWBGR => Some(PixelFormat::Bgr),
        FrameFormat::MJPEG => Some(PixelFormat::Mjpeg),
        FrameFormat::GRAY => None,
    }
}

fn frame_format(format: PixelFormat) -> Option<FrameFormat> {
    FORMATS.iter().copied().find(|candidate| pixel_format(*candidate) == Some(format))
}

/// A camera that streams on a thread of its own.
pub(super) struct Device {
    frames: Slot<VideoFrame>,
    failure: Arc<Mutex<Option<SourceError>>>,
    name: String,
    format: VideoFormat,
    pixels: PixelFormat,
}

impl Device {
    pub(super) fn open(info: &CameraInfo, wanted: VideoFormat, clock: Clock) -> Result<Self, SourceError> {
        let (tell, opened) = sync_channel(1);
        let frames = Slot::new();
        let failure = Arc::new(Mutex::new(None));
        let (index, name) = (info.index, info.name.clone());
        let (to_read, why) = (frames.clone(), failure.clone());
        let unusable = |error: &dyn fmt::Display| unusable(&info.name, error);
        spawn_thread("camera", move || {
            let ended = run(index, &name, wanted, clock, &tell, &to_read);
            *why.lock().expect("the lock is never held across a panic") = ended.err();
            to_read.close();
        })
        .map_err(|error| unusable(&error))?;
        let (format, pixels) =
            opened.recv_timeout(OPEN_TIMEOUT).map_err(|_| unusable(&"it did not open in time"))??;
        Ok(Self { frames, failure, name: info.name.clone(), format, pixels })
    }

    pub(super) fn format(&self) -> VideoFormat {
        self.format
    }

    pub(super) fn pixel_format(&self) -> PixelFormat {
        self.pixels
    }

    pub(super) fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        match self.frames.take(timeout) {
            Taken::Value(frame) => Ok(Some(frame)),
            Taken::TimedOut => Ok(None),
            Taken::Closed => {
                let failure = self.failure.lock().expect("the lock is never held across a panic").clone();
                Err(failure.unwrap_or_else(|| unplugged(&self.name)))
            }
        }
    }
}

impl Drop for Device {
    /// The thread ends with its next picture; if none comes it is left to itself.
    fn drop(&mut self) {
        self.frames.close();
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("name", &self.name).field("format", &self.format).finish_non_exhaustive()
    }
}

type Opened = Result<(VideoFormat, PixelFormat), SourceError>;

/// Opens the camera, tells how that went, and reads until the slot is closed or the camera fails.
fn run(
    index: u32,
    name: &str,
    wanted: VideoFormat,
    clock: Clock,
    tell: &SyncSender<Opened>,
    frames: &Slot<VideoFrame>,
) -> Result<(), SourceError> {
    let (mut camera, format, pixels) = match open(index, name, wanted) {
        Ok(opened) => opened,
        Err(error) => {
            let _ = tell.try_send(Err(error));
            return Ok(());
        }
    };
    let _ = tell.try_send(Ok((format, pixels)));
    let layout = Layout { format: pixels, size: format.size, stride: 0 };
    let pool = FramePool::default();
    let mut failed = 0;
    while failed < MAX_FAILED {
        let converted = match contained(|| camera.frame_raw()) {
            Ok(bytes) => {
                let captured_at = clock.now();
                layout.to_i420(&bytes, &pool).map(|(size, planes)| VideoFrame::new(captured_at, size, planes))
            }
            Err(error) => {
                tracing::warn!(camera = name, error, "no picture");
                failed += 1;
                continue;
            }
        };
        match converted {
            Ok(Ok(frame)) => {
                failed = 0;
                if !frames.put(frame) {
                    return Ok(());
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "a picture does not fit"),
            Err(error) => tracing::debug!(%error, "a picture is damaged"),
        }
    }
    // nokhwa's camera may panic when it is dropped after it was unplugged.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(camera)));
    Err(unplugged(name))
}

fn open(
    index: u32,
    name: &str,
    wanted: VideoFormat,
) -> Result<(nokhwa::Camera, VideoFormat, PixelFormat), SourceError> {
    let explain = |error: String| {
        let lower = error.to_lowercase();
        if lower.contains("busy") || lower.contains("in use") { busy(name) } else { unusable(name, &error) }
    };
    let mut camera = contained(|| nokhwa::Camera::new(CameraIndex::Index(index), any_format())).map_err(explain)?;
    let choice = choose(&offered(&mut camera), wanted).ok_or_else(|| nothing_usable(name))?;
    let format = frame_format(choice.format).ok_or_else(|| nothing_usable(name))?;
    let resolution = Resolution::new(choice.size.width() as u32, choice.size.height() as u32);
    let exact = CameraFormat::new(resolution, format, choice.frame_rate as u32);
    let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(exact), FORMATS);
    contained(|| camera.set_camera_requset(exact)).map_err(explain)?;
    contained(|| camera.open_stream()).map_err(explain)?;
    Ok((camera, VideoFormat { size: choice.size, frame_rate: choice.frame_rate }, choice.format))
}

/// Runs a call into nokhwa, which panics on answers that it does not expect.
fn contained<T, E: fmt::Display>(call: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the camera gave an answer that nokhwa does not expect".into()),
    }
}

fn unusable(name: &str, error: &dyn fmt::Display) -> SourceError {
    SourceError::Unusable(format!(
        "The camera '{name}' cannot be used ({error}). Allow p2pcall to use it in the system's privacy settings, or choose another."
    ))
}
