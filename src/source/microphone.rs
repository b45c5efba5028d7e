//! The microphone: 20 ms blocks of one channel out of a device's ring.

use std::time::{Duration, Instant};

use super::{AudioSource, SourceError};
use crate::{
    audio::{CaptureReader, Failure, Reconnect, Request, Resampler, SoundError, SoundSelect, Stream, open_microphone},
    media::{AudioFrame, Clock, SAMPLE_RATE_HZ, now},
};

/// Samples in a block: 20 ms.
const BLOCK: usize = (SAMPLE_RATE_HZ / 50) as usize;
/// A device that brings nothing for so long has failed.
const STALL: Duration = Duration::from_secs(2);

/// A microphone that is open. One channel: those of the device are mixed.
///
/// A device that fails is opened again, some times; meanwhile nothing is read.
#[derive(Debug)]
pub struct Microphone {
    select: SoundSelect,
    clock: Clock,
    name: String,
    link: Option<Link>,
    request: Request,
    reconnect: Reconnect,
    lost: u64,
}

/// What lives as long as the device runs.
#[derive(Debug)]
struct Link {
    stream: Stream,
    reader: CaptureReader,
    resampler: Resampler,
    /// 10 ms at the device's rate.
    chunk: Vec<f32>,
    /// At 48 kHz, not yet a block; the first was captured at `pending_at`.
    pending: Vec<f32>,
    pending_at: Instant,
    /// When something came last.
    alive: Instant,
}

impl Microphone {
    /// Opens a microphone and starts it. Blocks are stamped with the time of `clock` at which their
    /// first sample was captured, the device's latency taken into account.
    ///
    /// # Errors
    /// If there is no such microphone, another program holds it, or it cannot be used.
    pub fn open(select: SoundSelect, clock: Clock) -> Result<Self, SourceError> {
        let request = Request::default();
        let link = Link::open(&select, request)?;
        let name = link.stream.name().to_owned();
        Ok(Self { select, clock, name, link: Some(link), request, reconnect: Reconnect::new(now()), lost: 0 })
    }

    /// Returns what people call the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many samples were lost because they were not read in time, at the device's rate.
    pub fn lost(&self) -> u64 {
        self.lost + self.link.as_ref().map_or(0, |link| link.reader.lost())
    }

    /// Opens the device again if it is time to. Returns how long to wait if it is not.
    fn reopen(&mut self) -> Result<Option<Duration>, SourceError> {
        let wait = self
            .reconnect
            .wait(now())
            .ok_or_else(|| SourceError::Ended(format!("The microphone '{}' has gone. Plug it in again.", self.name)))?;
        if !wait.is_zero() {
            return Ok(Some(wait));
        }
        self.reconnect.attempt(now());
        match Link::open(&self.select, self.request) {
            Ok(link) => {
                self.reconnect.opened(now());
                self.link = Some(link);
            }
            Err(error) => tracing::warn!(%error, "the microphone cannot be opened again"),
        }
        Ok(None)
    }
}

impl AudioSource for Microphone {
    fn channels(&self) -> u8 {
        1
    }

    fn is_microphone(&self) -> bool {
        true
    }

    fn read(&mut self, frame: &mut AudioFrame, timeout: Duration) -> Result<bool, SourceError> {
        let deadline = now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(now());
            let Some(link) = &mut self.link else {
                match self.reopen()? {
                    Some(wait) if left.is_zero() => {
                        tracing::trace!(?wait, "the microphone is not back yet");
                        return Ok(false);
                    }
                    Some(wait) => std::thread::park_timeout(wait.min(left)),
                    None => {}
                }
                continue;
            };
            if let Some(failure) = link.failure() {
                tracing::warn!(microphone = self.name, ?failure, "the microphone failed");
                if failure == Failure::TooShort {
                    self.request = self.request.longer().unwrap_or(self.request);
                }
                self.lost += link.reader.lost();
                self.link = None;
                self.reconnect.failed(now());
                continue;
            }
            if let Some(at) = link.block(&mut frame.samples) {
                frame.captured_at = self.clock.at(at);
                frame.channels = 1;
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            link.reader.wait(left);
        }
    }
}

impl Link {
    fn open(select: &SoundSelect, request: Request) -> Result<Self, SourceError> {
        let (stream, reader) = open_microphone(select, request)?;
        let rate_hz = stream.rate_hz();
        let resampler = Resampler::new(rate_hz, SAMPLE_RATE_HZ, 1).ok_or_else(|| {
            SourceError::Unusable(format!("The microphone runs at {rate_hz} Hz, which p2pcall cannot convert."))
        })?;
        let chunk = vec![0.0; (rate_hz / 100).max(1) as usize];
        let now = now();
        Ok(Self { stream, reader, resampler, chunk, pending: Vec::new(), pending_at: now, alive: now })
    }

    /// Puts the next block into `out` and returns when it was captured, or `None` if it is not there.
    fn block(&mut self, out: &mut Vec<f32>) -> Option<Instant> {
        while self.pending.len() < BLOCK {
            let at = self.reader.read(&mut self.chunk)?;
            self.alive = now();
            let before = duration_of(self.pending.len()) + self.resampler.delay();
            self.pending_at = at.checked_sub(before).unwrap_or(at);
            self.resampler.push(&self.chunk, &mut self.pending);
        }
        out.clear();
        out.extend(self.pending.drain(..BLOCK));
        let at = self.pending_at;
        self.pending_at += duration_of(BLOCK);
        Some(at)
    }

    fn failure(&mut self) -> Option<Failure> {
        let stalled = self.reader.waiting() == 0 && now().saturating_duration_since(self.alive) > STALL;
        self.stream.failure().or_else(|| stalled.then(|| Failure::Ended("it brings nothing".into())))
    }
}

impl From<SoundError> for SourceError {
    fn from(error: SoundError) -> Self {
        match error {
            SoundError::Missing(message) => Self::Missing(message),
            SoundError::Busy(message) => Self::Busy(message),
            SoundError::Denied(message) => Self::Denied(message),
            SoundError::Unusable(message) => Self::Unusable(message),
        }
    }
}

fn duration_of(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / f64::from(SAMPLE_RATE_HZ))
}
