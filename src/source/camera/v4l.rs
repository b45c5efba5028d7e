//! Cameras on Linux: Video for Linux 2.
//!
//! Not through nokhwa, which stands on the same crate: its read waits for ever on a stalled camera,
//! it knows neither I420 nor rates like 29.97, it does not open a camera that was left in a format
//! it does not know, and it tells neither how many bytes were written nor when.

use std::{
    fmt, io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use v4l::{
    Format, FourCC,
    buffer::{Flags as BufferFlags, Metadata, Type},
    io::traits::{CaptureStream, Stream as _},
    prelude::MmapStream,
    video::{Capture, capture::Parameters},
};

mod list;

use super::{
    CameraInfo, PixelFormat, busy,
    choose::{Choice, choose},
    convert::Layout,
    nothing_usable, unplugged,
};
use crate::{
    media::{Clock, FramePool, MediaTime, Size, VideoFormat, VideoFrame, now},
    source::SourceError,
};
pub(super) use list::cameras;
use list::{fourccs, interval, offered, pixel_format, rate};

/// Buffers shared with the driver: one is ours while the others fill.
const BUFFERS: usize = 4;
/// How often a stream that failed is started anew before the camera counts as gone.
const RESTARTS: u32 = 3;
/// How many pictures in a row may be damaged.
const MAX_DAMAGED: u32 = 60;
/// `POLLIN`, the same number on every Linux.
const POLLIN: i16 = 1;

/// A V4L2 device that streams.
pub(super) struct Device {
    /// `None` once the stream could not be started anew.
    stream: Option<MmapStream<'static>>,
    device: v4l::Device,
    name: String,
    layout: Layout,
    pool: FramePool,
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
        let pool = FramePool::default();
        Ok(Self { stream: Some(stream), device, name, layout, pool, frame_rate, clock, restarts: 0, damaged: 0 })
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
            match newest(stream, deadline, (self.layout, &self.pool), self.clock) {
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
    layout: (Layout, &FramePool),
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

fn picture(bytes: &[u8], metadata: &Metadata, (layout, pool): (Layout, &FramePool), clock: Clock) -> Picture {
    let captured_at = captured_at(metadata, clock);
    if metadata.flags.contains(BufferFlags::ERROR) {
        tracing::debug!("the driver marks a picture as damaged");
        return Picture::Damaged;
    }
    let used = match metadata.bytesused as usize {
        0 => bytes,
        used => &bytes[..used.min(bytes.len())],
    };
    let frame = layout.to_i420(used, pool).map(|(size, planes)| VideoFrame::new(captured_at, size, planes));
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
    use super::*;

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
