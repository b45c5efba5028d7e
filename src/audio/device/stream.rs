//! Streams: opening, watching, and the callbacks, which copy samples.

use std::{
    fmt,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use cpal::{
    BufferSize, Data, ErrorKind, FromSample, I24, InputCallbackInfo, OutputCallbackInfo, Sample as _, SampleFormat,
    SizedSample, StreamConfig, SupportedBufferSize,
    traits::{DeviceTrait as _, StreamTrait as _},
};

use super::{Choice, Direction, SoundError, SoundSelect, choose, explain, none, quiet, select};
use crate::{
    audio::ring::{CaptureReader, CaptureWriter, PlaybackReader, PlaybackWriter, capture_ring, playback_ring},
    media::{MediaTime, now},
};

/// How long a sound server may take to answer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);
/// So many overruns or underruns are one too many: longer blocks are better.
const MAX_XRUNS: u32 = 10;

/// How much sound a callback asks for or brings. The shorter, the less delay; the longer, the later
/// the callback may come. ALSA keeps two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Request {
    /// 10 ms.
    #[default]
    Short,
    /// 20 ms.
    Medium,
    /// 40 ms.
    Long,
}

impl Request {
    /// Returns the next longer one.
    pub(crate) fn longer(self) -> Option<Self> {
        match self {
            Self::Short => Some(Self::Medium),
            Self::Medium => Some(Self::Long),
            Self::Long => None,
        }
    }

    fn millis(self) -> u32 {
        match self {
            Self::Short => 10,
            Self::Medium => 20,
            Self::Long => 40,
        }
    }
}

/// What is wrong with a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It has ended.
    Ended(String),
    /// Sound gets lost because the callbacks come late: a longer [`Request`] helps.
    TooShort,
}

/// A stream that runs as long as it is kept.
pub(crate) struct Stream {
    // Kept for its `drop`.
    _stream: cpal::Stream,
    failures: Receiver<cpal::Error>,
    name: String,
    rate_hz: u32,
    request: Request,
    xruns: u32,
}

impl Stream {
    /// Returns what people call the device.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the device's sample rate in Hz.
    pub(crate) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Returns what is wrong with the stream, if anything is.
    pub(crate) fn failure(&mut self) -> Option<Failure> {
        for error in self.failures.try_iter() {
            match error.kind() {
                ErrorKind::Xrun => self.xruns += 1,
                // What cpal has already put right.
                ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => tracing::debug!(%error, "a sound device"),
                _ => return Some(Failure::Ended(error.to_string())),
            }
        }
        (self.xruns >= MAX_XRUNS && self.request.longer().is_some()).then_some(Failure::TooShort)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("name", &self.name).field("rate_hz", &self.rate_hz).finish_non_exhaustive()
    }
}

/// Makes an error callback. A full channel holds enough: one failure is all it takes.
fn report(to: SyncSender<cpal::Error>) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| {
        let _ = to.try_send(error);
    }
}

/// Opens a microphone and starts it: one channel.
pub(crate) fn open_microphone(wanted: &SoundSelect, request: Request) -> Result<(Stream, CaptureReader), SoundError> {
    open(wanted, request, Direction::Input, |device, choice, config, _| {
        let (mut writer, reader) = capture_ring(choice.rate_hz);
        let (tell, failures) = sync_channel(16);
        let channels = usize::from(choice.channels);
        let callback = move |data: &Data, info: &InputCallbackInfo| {
            let stamp = info.timestamp();
            let now = now();
            let told = stamp.callback.saturating_duration_since(stamp.capture).min(Duration::from_secs(1));
            // Not every host is right, but no sample comes before the last one of its block was there.
            let frames = (data.len() / channels) as u64;
            let age = told.max(MediaTime::from_ticks(frames, choice.rate_hz).since_epoch());
            capture(data, channels, &mut writer, now.checked_sub(age).unwrap_or(now));
        };
        device
            .build_input_stream_raw(config, choice.format, callback, report(tell), Some(OPEN_TIMEOUT))
            .map(|stream| (stream, failures, reader))
    })
}

/// Opens a speaker and starts it: one channel, or two if the device has as many.
pub(crate) fn open_speaker(wanted: &SoundSelect, request: Request) -> Result<(Stream, PlaybackWriter), SoundError> {
    open(wanted, request, Direction::Output, |device, choice, config, request| {
        let channels = usize::from(choice.channels);
        let (writer, mut reader) = playback_ring(choice.rate_hz, channels.min(2), request, now());
        let (tell, failures) = sync_channel(16);
        let callback = move |data: &mut Data, info: &OutputCallbackInfo| {
            let stamp = info.timestamp();
            let latency = stamp.playback.saturating_duration_since(stamp.callback);
            play(data, channels, &mut reader, latency);
        };
        device
            .build_output_stream_raw(config, choice.format, callback, report(tell), Some(OPEN_TIMEOUT))
            .map(|stream| (stream, failures, writer))
    })
}

type Built<T> = Result<(cpal::Stream, Receiver<cpal::Error>, T), cpal::Error>;

fn open<T>(
    wanted: &SoundSelect,
    request: Request,
    direction: Direction,
    mut build: impl FnMut(&cpal::Device, Choice, StreamConfig, usize) -> Built<T>,
) -> Result<(Stream, T), SoundError> {
    let _quiet = quiet();
    let host = cpal::default_host();
    let (device, name) = select(&host, wanted, direction)?;
    let ranges = match direction {
        Direction::Input => device.supported_input_configs().map(Iterator::collect::<Vec<_>>),
        Direction::Output => device.supported_output_configs().map(Iterator::collect::<Vec<_>>),
    };
    let explain = |error: &cpal::Error| match (wanted, error.kind()) {
        (SoundSelect::Default, ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable) => none(direction),
        _ => explain(error, &name, direction),
    };
    let ranges = ranges.map_err(|error| explain(&error))?;
    let choice = choose(&ranges, direction).ok_or_else(|| {
        SoundError::Unusable(format!("The {direction} '{name}' offers no format that p2pcall knows. Choose another."))
    })?;
    let mut failed = None;
    for (config, frames) in attempts(choice, request) {
        let started = build(&device, choice, config, frames).and_then(|(stream, failures, ring)| {
            stream.play()?;
            Ok((stream, failures, ring))
        });
        match started {
            Ok((stream, failures, ring)) => {
                tracing::info!(host = %host.id(), device = name, ?choice, frames, "{direction} opened");
                let stream = Stream { _stream: stream, failures, name, rate_hz: choice.rate_hz, request, xruns: 0 };
                return Ok((stream, ring));
            }
            Err(error) => failed = Some(error),
        }
    }
    Err(explain(&failed.unwrap_or_else(|| ErrorKind::Other.into())))
}

/// Copies what a microphone brings: its channels become one.
fn capture(data: &Data, channels: usize, writer: &mut CaptureWriter, at: Instant) {
    match data.sample_format() {
        SampleFormat::F32 => capture_as::<f32>(data, channels, writer, at),
        SampleFormat::I32 => capture_as::<i32>(data, channels, writer, at),
        SampleFormat::I24 => capture_as::<I24>(data, channels, writer, at),
        SampleFormat::I16 => capture_as::<i16>(data, channels, writer, at),
        SampleFormat::U16 => capture_as::<u16>(data, channels, writer, at),
        SampleFormat::U8 => capture_as::<u8>(data, channels, writer, at),
        // Never chosen.
        _ => {}
    }
}

fn capture_as<T: SizedSample>(data: &Data, channels: usize, writer: &mut CaptureWriter, at: Instant)
where
    f32: FromSample<T>,
{
    let Some(samples) = data.as_slice::<T>() else { return };
    let mixed = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().map(|sample| f32::from_sample(*sample)).sum::<f32>() / channels as f32);
    writer.write(mixed, at);
}

/// Copies what is to be played: one channel goes to all, of two each to its own, others stay silent.
fn play(data: &mut Data, channels: usize, reader: &mut PlaybackReader, latency: Duration) {
    match data.sample_format() {
        SampleFormat::F32 => play_as::<f32>(data, channels, reader, latency),
        SampleFormat::I32 => play_as::<i32>(data, channels, reader, latency),
        SampleFormat::I24 => play_as::<I24>(data, channels, reader, latency),
        SampleFormat::I16 => play_as::<i16>(data, channels, reader, latency),
        SampleFormat::U16 => play_as::<u16>(data, channels, reader, latency),
        SampleFormat::U8 => play_as::<u8>(data, channels, reader, latency),
        // Never chosen.
        _ => {}
    }
}

fn play_as<T: SizedSample + FromSample<f32>>(
    data: &mut Data,
    channels: usize,
    reader: &mut PlaybackReader,
    latency: Duration,
) {
    let Some(samples) = data.as_slice_mut::<T>() else { return };
    let frames = samples.len() / channels;
    reader.read(frames, now(), latency, |index, from| {
        let to = &mut samples[index * channels..][..channels];
        for (channel, to) in to.iter_mut().enumerate() {
            let sample = from.get(channel).copied().unwrap_or(0.0);
            *to = T::from_sample(sample.clamp(-1.0, 1.0));
        }
    });
}

/// Returns the configurations to try, each with what a callback is asked for in frames; the second is
/// for devices that refuse the first.
fn attempts(choice: Choice, request: Request) -> impl Iterator<Item = (StreamConfig, usize)> {
    [Some(request), request.longer()].into_iter().flatten().map(move |request| {
        let wanted = (choice.rate_hz * request.millis() / 1000).max(1);
        let frames = match choice.buffer {
            SupportedBufferSize::Range { min, max } => wanted.clamp(min.max(1), max.max(min).max(1)),
            SupportedBufferSize::Unknown => wanted,
        };
        let buffer_size = BufferSize::Fixed(frames);
        (StreamConfig { channels: choice.channels, sample_rate: choice.rate_hz, buffer_size }, frames as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_stay_in_the_device_s_range() {
        let frames = |rate_hz, buffer| {
            let choice = Choice { channels: 1, rate_hz, format: SampleFormat::F32, buffer };
            attempts(choice, Request::Short).map(|(_, frames)| frames).collect::<Vec<_>>()
        };
        assert_eq!(frames(48_000, SupportedBufferSize::Unknown), [480, 960]);
        assert_eq!(frames(44_100, SupportedBufferSize::Range { min: 512, max: 800 }), [512, 800]);
        let longest = Choice { channels: 1, rate_hz: 48_000, format: SampleFormat::F32, buffer: Default::default() };
        assert_eq!(attempts(longest, Request::Long).map(|(_, frames)| frames).collect::<Vec<_>>(), [1920]);
    }
}
