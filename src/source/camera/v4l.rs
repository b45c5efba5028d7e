//! Cameras on Linux: Video for Linux 2.
//!
//! Not through nokhwa, which stands on the same crate: its read waits for ever on a stalled camera,
//! it knows neither I420 nor rates like 29.97, it does not open a camera that was left in a format
//! it does not know, and it tells neither how many bytes were written nor when.

use std::{
    fmt, fs, io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use v4l::{
    Format, FourCC, Fraction,
    buffer::{Flags as BufferFlags, Metadata, Type},
    capability::Flags,
    frameinterval::FrameIntervalEnum,
    framesize::FrameSizeEnum,
    io::traits::{CaptureStream, Stream as _},
    prelude::MmapStream,
    video::{Capture, capture::Parameters},
};

use super::{
    CameraInfo, OfferedFormat, PixelFormat, busy,
    choose::{Choice, choose},
    convert::Layout,
    nothing_usable, unplugged,
};
use crate::{
    media::{Clock, MediaTime, Size, VideoFormat, VideoFrame, now},
    source::SourceError,
};

/// Buffers shared with the driver: one is ours while the others fill.
const BUFFERS: usize = 4;
/// How often a stream that failed is started anew before the camera counts as gone.
const RESTARTS: u32 = 3;
/// How many pictures in a row may be damaged.
const MAX_DAMAGED: u32 = 60;
/// `POLLIN`, the same number on every Linux.
const POLLIN: i16 = 1;

/// Sizes that are listed for a camera that can do any size in a range.
const USUAL_SIZES: [(u32, u32); 6] = [(320, 180), (640, 360), (640, 480), (1280, 720), (1920, 1080), (3840, 2160)];

pub(super) fn cameras() -> Vec<CameraInfo> {
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
fn offered(device: &v4l::Device, wanted: Option<Size>) -> Vec<OfferedFormat> {
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

fn rate(interval: Fraction) -> f64 {
    f64::from(interval.denominator) / f64::from(interval.numerator.max(1))
}

fn interval(rate: f64) -> Fraction {
    if rate.fract() == 0.0 {
        Fraction::new(1, rate as u32)
    } else {
        Fraction::new(1000, (rate * 1000.0).round() as u32)
    }
}

fn pixel_format(fourcc: FourCC) -> Option<PixelFormat> {
    PixelFormat::ALL.into_iter().find(|format| fourccs(*format).iter().any(|code| **code == fourcc.repr))
}

/// Returns the V4L2 names of a format.
fn fourccs(format: PixelFormat) -> &'static [&'static [u8; 4]] {
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

/// A V4L2 device that streams.
pub(super) struct Device {
    /// `None` once the stream could not be started anew.
    stream: Option<MmapStream<'static>>,
    device: v4l::Device,
    name: String,
    layout: Layout,
    frame_rate: f64,
    clock: Clock,
    restarts: u32,
    damaged: u32,
}

impl Device {
    pub(super) fn open(info: &CameraInfo, wanted: VideoFormat, clock: Clock) -> Result<Self, SourceError> {
        let explain = |error: io::Error| explain(&error, info);
        let device = contained(|| v4l::Device::with_path(&info.description)).map_err(explain)?;
        let choice = choose(&offered(&device, Some(wanted.size)), wanted).ok_or_else(|| nothing_usable(&info.name))?;
        let (layout, frame_rate) = negotiate(&device, choice).map_err(explain)?;
        let layout = layout.ok_or_else(|| nothing_usable(&info.name))?;
        let stream = start(&device).map_err(explain)?;
        tracing::info!(camera = info.name, format = %layout.format, size = %layout.size, frame_rate, "camera opened");
        let name = info.name.clone();
        Ok(Self { stream: Some(stream), device, name, layout, frame_rate, clock, restarts: 0, damaged: 0 })
    }

    pub(super) fn format(&self) -> VideoFormat {
        VideoFormat { size: self.layout.size, frame_rate: self.frame_rate }
    }

    pub(super) fn pixel_format(&self) -> PixelFormat {
        self.layout.format
    }

    pub(super) fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        let deadline = now() + timeout;
        loop {
            let Some(stream) = &mut self.stream else { return Err(unplugged(&self.name)) };
            match newest(stream, deadline, self.layout, self.clock) {
                Ok(None) => return Ok(None),
                Ok(Some(Picture::Whole(frame))) => {
                    (self.restarts, self.damaged) = (0, 0);
                    return Ok(Some(frame));
                }
                Ok(Some(Picture::Damaged)) => {
                    self.damaged += 1;
                    if self.damaged > MAX_DAMAGED {
                        return Err(nothing_usable(&self.name));
                    }
                }
                Err(error) => self.restart(&error)?,
            }
        }
    }

    /// Starts the stream anew after `error`, unless the camera has gone.
    fn restart(&mut self, error: &io::Error) -> Result<(), SourceError> {
        tracing::warn!(camera = self.name, %error, "camera failed");
        close(self.stream.take());
        self.restarts += 1;
        if is_gone(error) || self.restarts > RESTARTS {
            return Err(unplugged(&self.name));
        }
        self.stream = Some(start(&self.device).map_err(|_| unplugged(&self.name))?);
        Ok(())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        close(self.stream.take());
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("name", &self.name).field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// Sets format and rate. Returns what the driver made of it, without a layout if that is of no use.
fn negotiate(device: &v4l::Device, choice: Choice) -> io::Result<(Option<Layout>, f64)> {
    let fourcc = fourccs(choice.format)
        .iter()
        .map(|code| FourCC::new(code))
        .find(|fourcc| contained(|| device.enum_framesizes(*fourcc)).is_ok())
        .unwrap_or(FourCC::new(fourccs(choice.format)[0]));
    let asked = Format::new(choice.size.width() as u32, choice.size.height() as u32, fourcc);
    let format = contained(|| device.set_format(&asked))?;
    // Not every driver lets the rate be set; then it runs at its own.
    let set = contained(|| device.set_params(&Parameters::new(interval(choice.frame_rate))));
    let frame_rate = set.ok().map(|params| rate(params.interval)).filter(|rate| (0.5..1000.0).contains(rate));
    let layout = pixel_format(format.fourcc).zip(Size::new(format.width, format.height));
    let layout = layout.map(|(format_, size)| Layout { format: format_, size, stride: format.stride as usize });
    Ok((layout, frame_rate.unwrap_or(choice.frame_rate)))
}

/// Starts a stream with buffer 0 in our hands and the others in the driver's: the state in which
/// `MmapStream::next` can be called at any time, also after a wait that timed out.
fn start(device: &v4l::Device) -> io::Result<MmapStream<'static>> {
    let mut stream = MmapStream::with_buffers(device, Type::VideoCapture, BUFFERS as u32)?;
    // A driver may give fewer buffers than asked for; more stay unused.
    for index in 1..BUFFERS {
        if CaptureStream::queue(&mut stream, index).is_err() {
            break;
        }
    }
    if let Err(error) = stream.start() {
        close(Some(stream));
        return Err(error);
    }
    // A stalled driver must not hold us if poll promised too much.
    stream.set_timeout(Duration::from_secs(1));
    Ok(stream)
}

/// Ends a stream. v4l panics in `drop` if the driver refuses to stop: then a leak is the lesser evil.
fn close(stream: Option<MmapStream<'static>>) {
    let Some(mut stream) = stream else { return };
    match stream.stop() {
        Err(error) if !is_gone(&error) => {
            tracing::warn!(%error, "the camera does not stop");
            mem::forget(stream);
        }
        _ => {
            let _ = contained(|| {
                drop(stream);
                Ok(())
            });
        }
    }
}

enum Picture {
    Whole(VideoFrame),
    Damaged,
}

/// Waits for a picture until `deadline`; of several that wait takes the newest.
fn newest(
    stream: &mut MmapStream<'static>,
    deadline: Instant,
    layout: Layout,
    clock: Clock,
) -> io::Result<Option<Picture>> {
    if !is_ready(stream, deadline.saturating_duration_since(now()))? {
        return Ok(None);
    }
    for _ in 1..BUFFERS {
        let (bytes, metadata) = stream.next()?;
        let picture = picture(bytes, metadata, layout, clock);
        // Converting is cheap; asking first whether a newer one waits would lose this one's buffer.
        if !is_ready(stream, Duration::ZERO)? {
            return Ok(Some(picture));
        }
    }
    let (bytes, metadata) = stream.next()?;
    Ok(Some(picture(bytes, metadata, layout, clock)))
}

fn is_ready(stream: &MmapStream<'static>, timeout: Duration) -> io::Result<bool> {
    // Rounded up: a wait of half a millisecond must not become a busy loop.
    let millis = i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    match stream.handle().poll(POLLIN, millis) {
        Ok(ready) => Ok(ready > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

fn picture(bytes: &[u8], metadata: &Metadata, layout: Layout, clock: Clock) -> Picture {
    let captured_at = captured_at(metadata, clock);
    if metadata.flags.contains(BufferFlags::ERROR) {
        tracing::debug!("the driver marks a picture as damaged");
        return Picture::Damaged;
    }
    let used = match metadata.bytesused as usize {
        0 => bytes,
        used => &bytes[..used.min(bytes.len())],
    };
    let frame = layout.to_i420(used).map(|(size, planes)| VideoFrame::new(captured_at, size, planes));
    match frame {
        Ok(Ok(frame)) => Picture::Whole(frame),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a picture does not fit");
            Picture::Damaged
        }
        Err(error) => {
            tracing::debug!(%error, "a picture is damaged");
            Picture::Damaged
        }
    }
}

/// Returns when the picture was taken: by the driver's clock if that is the one `Instant` reads too.
fn captured_at(metadata: &Metadata, clock: Clock) -> MediaTime {
    let now = now();
    let age = if metadata.flags.contains(BufferFlags::TIMESTAMP_MONOTONIC) {
        let time = clock_gettime(ClockId::Monotonic);
        let micros = |seconds: i64, micros: i64| seconds.saturating_mul(1_000_000).saturating_add(micros);
        let age = micros(time.tv_sec, time.tv_nsec / 1000)
            .saturating_sub(micros(metadata.timestamp.sec, metadata.timestamp.usec));
        // Some drivers stamp nonsense.
        Duration::from_micros(u64::try_from(age).unwrap_or(0).min(500_000))
    } else {
        Duration::ZERO
    };
    clock.at(now.checked_sub(age).unwrap_or(now))
}

/// Runs a call into v4l, which panics on values that it does not know.
fn contained<T>(call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(io::Error::other("the driver's answer is unknown to v4l")))
}

fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let gone = [Errno::NODEV, Errno::NXIO, Errno::BADF];
    error.raw_os_error().is_some_and(|code| gone.iter().any(|errno| errno.raw_os_error() == code))
}

fn explain(error: &io::Error, info: &CameraInfo) -> SourceError {
    match error.kind() {
        io::ErrorKind::ResourceBusy => busy(&info.name),
        io::ErrorKind::PermissionDenied => SourceError::Denied(format!(
            "You may not use {}: add yourself to the group video (sudo usermod -aG video $USER), then log in again.",
            info.description
        )),
        io::ErrorKind::NotFound => SourceError::Missing(format!(
            "The camera '{}' has no {}. In a container, pass the device in.",
            info.name, info.description
        )),
        _ if is_gone(error) => unplugged(&info.name),
        _ => SourceError::Unusable(format!(
            "The camera '{}' cannot be used ({error}). Unplug it and plug it in again, or choose another.",
            info.name
        )),
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

    #[test]
    fn errors_tell_the_person_what_to_do() {
        let info = CameraInfo { index: 0, name: "Cam".into(), description: "/dev/video0".into(), formats: Vec::new() };
        let explained = |errno: rustix::io::Errno| explain(&io::Error::from_raw_os_error(errno.raw_os_error()), &info);
        use rustix::io::Errno;
        assert!(matches!(explained(Errno::BUSY), SourceError::Busy(text) if text.contains("'Cam'")));
        assert!(matches!(explained(Errno::ACCESS), SourceError::Denied(text) if text.contains("usermod -aG video")));
        assert!(matches!(explained(Errno::NOENT), SourceError::Missing(_)));
        assert!(matches!(explained(Errno::NODEV), SourceError::Ended(_)));
        assert!(matches!(explained(Errno::INVAL), SourceError::Unusable(_)));
    }
}
