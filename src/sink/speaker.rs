//! The speaker: blocks into a device's ring.

use std::time::{Duration, Instant};

use super::{AudioSink, SinkError};
use crate::{
    audio::{Failure, PlaybackWriter, Reconnect, Request, Resampler, SoundError, SoundSelect, Stream, open_speaker},
    media::{AudioFrame, SAMPLE_RATE_HZ, now},
};

/// From then on a device that asks for nothing no longer sets the pace.
const QUIET: Duration = Duration::from_millis(500);
/// A device that asks for nothing for so long has failed.
const STALL: Duration = Duration::from_secs(2);

/// A speaker that is open. It takes one or two channels and gives the device as many as it has.
///
/// A device that fails is opened again, some times; meanwhile the sound is lost, at its own pace.
#[derive(Debug)]
pub struct Speaker {
    select: SoundSelect,
    name: String,
    link: Option<Link>,
    request: Request,
    reconnect: Reconnect,
    /// When what was handed over without a device to play it would have been played.
    unheard_until: Instant,
    refused: u64,
    starved: Duration,
}

/// What lives as long as the device runs.
#[derive(Debug)]
struct Link {
    stream: Stream,
    writer: PlaybackWriter,
    resampler: Resampler,
    /// With the device's channels at 48 kHz, and at the device's rate.
    mapped: Vec<f32>,
    converted: Vec<f32>,
}

impl Speaker {
    /// Opens a speaker and starts it; it plays silence until it is given sound.
    ///
    /// # Errors
    /// If there is no such speaker, another program holds it, or it cannot be used.
    pub fn open(select: SoundSelect) -> Result<Self, SinkError> {
        let request = Request::default();
        let link = Link::open(&select, request)?;
        let now = now();
        Ok(Self {
            select,
            name: link.stream.name().to_owned(),
            link: Some(link),
            request,
            reconnect: Reconnect::new(now),
            unheard_until: now,
            refused: 0,
            starved: Duration::ZERO,
        })
    }

    /// Returns what people call the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many frames found no room, at the device's rate.
    pub fn refused(&self) -> u64 {
        self.refused + self.link.as_ref().map_or(0, |link| link.writer.refused())
    }

    fn close(&mut self, failure: &Failure) {
        tracing::warn!(speaker = self.name, ?failure, "the speaker failed");
        if *failure == Failure::TooShort {
            self.request = self.request.longer().unwrap_or(self.request);
        }
        self.refused = self.refused();
        self.starved = self.starved();
        self.link = None;
        self.reconnect.failed(now());
    }

    /// Opens the device again if it is time to.
    fn reopen(&mut self) -> Result<(), SinkError> {
        let wait = self
            .reconnect
            .wait(now())
            .ok_or_else(|| SinkError::Ended(format!("The speaker '{}' has gone. Plug it in again.", self.name)))?;
        if !wait.is_zero() {
            return Ok(());
        }
        self.reconnect.attempt(now());
        match Link::open(&self.select, self.request) {
            Ok(link) => {
                self.reconnect.opened(now());
                self.link = Some(link);
            }
            Err(error) => tracing::warn!(%error, "the speaker cannot be opened again"),
        }
        Ok(())
    }

    /// Returns the device if it asks for sound.
    fn playing(&self) -> Option<&Link> {
        self.link.as_ref().filter(|link| link.writer.silent_for(now()) < QUIET)
    }
}

impl AudioSink for Speaker {
    fn is_speaker(&self) -> bool {
        true
    }

    fn play(&mut self, frame: &AudioFrame) -> Result<(), SinkError> {
        if let Some(failure) = self.link.as_mut().and_then(Link::failure) {
            self.close(&failure);
        }
        if self.link.is_none() {
            self.reopen()?;
        }
        if self.playing().is_none() {
            self.unheard_until = self.unheard_until.max(now()) + frame.duration();
        }
        if let Some(link) = &mut self.link {
            link.write(frame);
        }
        Ok(())
    }

    fn queued(&self) -> Duration {
        match self.playing() {
            Some(link) => link.writer.queued(),
            None => self.unheard_until.saturating_duration_since(now()),
        }
    }

    fn wanted(&self) -> Duration {
        self.playing().map_or(Duration::ZERO, |link| link.writer.largest_request())
    }

    fn delay(&self) -> Duration {
        match self.playing() {
            Some(link) => link.writer.queued() + link.writer.latency() + link.resampler.delay(),
            None => self.queued(),
        }
    }

    fn starved(&self) -> Duration {
        self.starved + self.link.as_ref().map_or(Duration::ZERO, |link| link.writer.starved())
    }
}

impl Link {
    fn open(select: &SoundSelect, request: Request) -> Result<Self, SinkError> {
        let (stream, writer) = open_speaker(select, request)?;
        let rate_hz = stream.rate_hz();
        let resampler = Resampler::new(SAMPLE_RATE_HZ, rate_hz, writer.channels()).ok_or_else(|| {
            SinkError::Unusable(format!("The speaker runs at {rate_hz} Hz, which p2pcall cannot convert."))
        })?;
        let (mapped, converted) = (Vec::new(), Vec::new());
        Ok(Self { stream, writer, resampler, mapped, converted })
    }

    fn write(&mut self, frame: &AudioFrame) {
        self.mapped.clear();
        map_channels(frame, self.writer.channels(), &mut self.mapped);
        self.converted.clear();
        self.resampler.push(&self.mapped, &mut self.converted);
        self.writer.write(&self.converted);
    }

    fn failure(&mut self) -> Option<Failure> {
        let stalled = self.writer.silent_for(now()) > STALL;
        self.stream.failure().or_else(|| stalled.then(|| Failure::Ended("it asks for nothing".into())))
    }
}

/// Appends a frame's samples with so many channels (1 or 2).
fn map_channels(frame: &AudioFrame, channels: usize, out: &mut Vec<f32>) {
    match (frame.channels, channels) {
        (1, 2) => out.extend(frame.samples.iter().flat_map(|sample| [*sample; 2])),
        (2, 1) => out.extend(frame.samples.chunks_exact(2).map(|frame| f32::midpoint(frame[0], frame[1]))),
        _ => out.extend_from_slice(&frame.samples),
    }
}

impl From<SoundError> for SinkError {
    fn from(error: SoundError) -> Self {
        match error {
            SoundError::Missing(message) => Self::Missing(message),
            SoundError::Busy(message) | SoundError::Denied(message) | SoundError::Unusable(message) => {
                Self::Unusable(message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaTime;

    #[test]
    fn channels_are_mapped() {
        let table: [(u8, usize, &[f32], &[f32]); 4] = [
            (1, 1, &[0.1, 0.2], &[0.1, 0.2]),
            (2, 2, &[0.1, 0.2], &[0.1, 0.2]),
            (1, 2, &[0.1, 0.2], &[0.1, 0.1, 0.2, 0.2]),
            (2, 1, &[0.5, -0.5, 1.0, 0.5], &[0.0, 0.75]),
        ];
        for (from, to, samples, expected) in table {
            let frame = AudioFrame { captured_at: MediaTime::ZERO, channels: from, samples: samples.to_vec() };
            let mut out = Vec::new();
            map_channels(&frame, to, &mut out);
            assert_eq!(out, expected, "{from} to {to}");
        }
    }
}
