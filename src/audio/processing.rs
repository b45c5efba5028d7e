//! What is done to the sound of a microphone: echo, noise and level, by WebRTC's own audio processing.

use std::{fmt, time::Duration};

use sonora::{
    Config, StreamConfig,
    config::{
        AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression, Pipeline,
    },
};

use super::{
    MicrophoneSettings,
    far_end::{self, FarEndReader},
};
use crate::media::{AudioFrame, MediaTime, SAMPLE_RATE_HZ};

/// A voice is taken to be loud enough until it was heard: WebRTC's own 15 dB would make the first echoes
/// louder, too.
const INITIAL_GAIN_DB: f32 = 0.0;

/// Samples a channel that are worked on at once: 10 ms.
const PIECE: usize = SAMPLE_RATE_HZ as usize / 100;

/// Takes echo and noise out of a microphone's sound, and evens its level.
pub(crate) struct AudioProcessing {
    inner: sonora::AudioProcessing,
    far_end: FarEndReader,
    /// Each channel by itself: as it comes, and as it becomes.
    before: Vec<[f32; PIECE]>,
    after: Vec<[f32; PIECE]>,
    delay: Duration,
}

impl AudioProcessing {
    /// Returns `None` if nothing is to be done, or for more than two channels.
    pub(crate) fn new(settings: MicrophoneSettings, channels: u8, far_end: FarEndReader) -> Option<Self> {
        if settings == MicrophoneSettings::NONE || !(1..=2).contains(&channels) {
            return None;
        }
        let inner = sonora::AudioProcessing::builder()
            .config(config(settings))
            .capture_config(StreamConfig::new(SAMPLE_RATE_HZ, channels.into()))
            .render_config(StreamConfig::new(SAMPLE_RATE_HZ, far_end::CHANNELS as u16))
            .build();
        let silence = vec![[0.0; PIECE]; far_end::CHANNELS];
        Some(Self { inner, far_end, before: silence.clone(), after: silence, delay: delay(settings) })
    }

    /// Works on a block of whole pieces of 10 ms, of as many channels as were told. What comes out is
    /// older than what went in, and its time says so.
    pub(crate) fn capture(&mut self, frame: &mut AudioFrame) {
        let channels = usize::from(frame.channels);
        for piece in frame.samples.chunks_exact_mut(PIECE * channels) {
            self.hear();
            deinterleave(piece, &mut self.before[..channels]);
            let before: Vec<&[f32]> = self.before[..channels].iter().map(<[f32; PIECE]>::as_slice).collect();
            let mut after: Vec<&mut [f32]> =
                self.after[..channels].iter_mut().map(<[f32; PIECE]>::as_mut_slice).collect();
            match self.inner.process_capture_f32(&before, &mut after) {
                Ok(()) => interleave(&self.after[..channels], piece),
                Err(error) => tracing::debug!(%error, "a piece of sound is left as it was"),
            }
        }
        frame.captured_at = MediaTime::new(frame.captured_at.since_epoch().saturating_sub(self.delay));
    }

    /// Takes what was played since.
    fn hear(&mut self) {
        let mut played = [0.0; far_end::PIECE];
        while self.far_end.read(&mut played) {
            deinterleave(&played, &mut self.before);
            let before: Vec<&[f32]> = self.before.iter().map(<[f32; PIECE]>::as_slice).collect();
            let mut after: Vec<&mut [f32]> = self.after.iter_mut().map(<[f32; PIECE]>::as_mut_slice).collect();
            if let Err(error) = self.inner.process_render_f32(&before, &mut after) {
                tracing::debug!(%error, "a piece of what is played is left out");
            }
        }
    }
}

impl fmt::Debug for AudioProcessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioProcessing").field("delay", &self.delay).finish_non_exhaustive()
    }
}

fn config(settings: MicrophoneSettings) -> Config {
    let MicrophoneSettings { echo_cancellation, noise_suppression, auto_gain_control } = settings;
    Config {
        pipeline: Pipeline { maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz, ..Pipeline::default() },
        high_pass_filter: Some(HighPassFilter::default()),
        echo_canceller: echo_cancellation.then(EchoCanceller::default),
        noise_suppression: noise_suppression.then(NoiseSuppression::default),
        gain_controller2: auto_gain_control.then(|| GainController2 {
            adaptive_digital: Some(AdaptiveDigital { initial_gain_db: INITIAL_GAIN_DB, ..AdaptiveDigital::default() }),
            ..GainController2::default()
        }),
        ..Config::default()
    }
}

/// Returns by how much later the sound comes out: the bands are divided and put together again, and echo and
/// noise are looked at in windows of their own.
fn delay(settings: MicrophoneSettings) -> Duration {
    let samples = match settings {
        MicrophoneSettings { echo_cancellation: true, noise_suppression: true, .. } => 708,
        MicrophoneSettings { echo_cancellation: true, .. } => 420,
        MicrophoneSettings { noise_suppression: true, .. } => 324,
        MicrophoneSettings { .. } => 36,
    };
    Duration::from_secs(samples) / SAMPLE_RATE_HZ
}

fn deinterleave(samples: &[f32], channels: &mut [[f32; PIECE]]) {
    let count = channels.len();
    for (index, channel) in channels.iter_mut().enumerate() {
        for (to, from) in channel.iter_mut().zip(samples.iter().skip(index).step_by(count)) {
            *to = *from;
        }
    }
}

fn interleave(channels: &[[f32; PIECE]], samples: &mut [f32]) {
    for (index, channel) in channels.iter().enumerate() {
        for (to, from) in samples.iter_mut().skip(index).step_by(channels.len()).zip(channel) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod room;
#[cfg(test)]
mod tests;
