//! Sound on its way out: source ─▶ encoder ─▶ network, on one thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use super::{Meter, SourceOpener, Thread, level::level, spawn_thread};
use crate::{
    audio::{AudioProcessing, FarEndReader, MicrophoneSettings},
    codec::{self, AudioTarget},
    media::{AudioFrame, Codec, EncodedFrame, MediaKind, Slot},
    observe::{EventKind, Events, OutboundStats},
    source::AudioSource,
};

const PATIENCE: Duration = Duration::from_millis(100);

/// What the call's task wants of the thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct AudioSendKnobs {
    live: Arc<AtomicBool>,
    muted: Arc<AtomicBool>,
    target: Slot<AudioTarget>,
    channels: Arc<AtomicU8>,
}

impl AudioSendKnobs {
    /// Lets sound through from now on.
    pub(crate) fn go_live(&self) {
        self.live.store(true, Ordering::Relaxed);
    }

    /// Switches the sound off or on.
    pub(crate) fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Relaxed);
    }

    /// Returns how many channels the source has; 0 before it is open.
    pub(crate) fn channels(&self) -> u8 {
        self.channels.load(Ordering::Relaxed)
    }

    /// Sets what the sound may cost from the next block on.
    pub(crate) fn set_target(&self, target: AudioTarget) {
        self.target.put(target);
    }
}

/// What the sending thread works with.
pub(crate) struct AudioSend {
    /// Opens the source, on the thread that will own it.
    pub(crate) open: SourceOpener<dyn AudioSource>,
    /// What is done to the sound if the source is a microphone.
    pub(crate) microphone: MicrophoneSettings,
    /// What is played meanwhile, and may come back as an echo.
    pub(crate) far_end: FarEndReader,
    /// Which codec.
    pub(crate) codec: Codec,
    /// What the sound may cost at first.
    pub(crate) target: AudioTarget,
    /// What the call's task wants.
    pub(crate) knobs: AudioSendKnobs,
    /// Where encoded blocks go to the network. **When it is full the block is dropped and counted**:
    /// sound that waits is worse than a gap. Closing it ends the thread.
    pub(crate) encoded: mpsc::Sender<EncodedFrame>,
    /// Figures.
    pub(crate) meter: Meter<OutboundStats>,
    /// Where it tells what happens.
    pub(crate) events: Events,
}

impl AudioSend {
    /// Starts the thread `audio-send`. Until [`AudioSendKnobs::go_live`] what the source gives is
    /// thrown away.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn spawn(self) -> std::io::Result<Thread> {
        spawn_thread("audio-send", move || {
            let events = self.events.clone();
            if let Err(what) = self.run() {
                events.emit(EventKind::SourceFailed { kind: MediaKind::Audio, what });
            }
        })
    }

    fn run(self) -> Result<(), String> {
        let Self { open, microphone, far_end, codec, target, knobs, encoded, meter, events } = self;
        let mut source = open().map_err(|error| error.to_string())?;
        knobs.channels.store(source.channels(), Ordering::Relaxed);
        let is_microphone = source.is_microphone();
        // Other sound is sent as it is, its silence too.
        let target_of = |target: AudioTarget| AudioTarget { dtx: target.dtx && is_microphone, ..target };
        let settings = if is_microphone { microphone } else { MicrophoneSettings::NONE };
        let mut processing = AudioProcessing::new(settings, source.channels(), far_end);
        let mut encoder =
            codec::audio_encoder(codec, source.channels(), target_of(target)).map_err(|error| error.to_string())?;
        let what = if source.channels() == 1 { "48 kHz, mono" } else { "48 kHz, stereo" };
        events.emit(EventKind::SourceOpened { kind: MediaKind::Audio, what: what.into() });
        let mut frame = AudioFrame::default();
        while !encoded.is_closed() {
            let read = source.read(&mut frame, PATIENCE).map_err(|error| error.to_string())?;
            if !read || !knobs.live.load(Ordering::Relaxed) {
                continue;
            }
            if let Some(processing) = &mut processing {
                processing.capture(&mut frame);
            }
            if knobs.muted.load(Ordering::Relaxed) {
                frame.samples.fill(0.0);
            }
            let level = level(&frame.samples);
            meter.update(|stats| {
                let seconds = frame.duration().as_secs_f64();
                stats.audio_level = level;
                stats.total_audio_energy += level * level * seconds;
                stats.total_samples_duration += seconds;
            });
            if let Some(target) = knobs.target.try_take() {
                encoder.set_target(target_of(target));
            }
            match encoder.encode(&frame) {
                Ok(None) => meter.update(|stats| stats.frames_encoded += 1),
                Ok(Some(packet)) => {
                    let sent = encoded.try_send(packet).is_ok();
                    meter.update(|stats| {
                        stats.frames_encoded += 1;
                        stats.frames_dropped += u64::from(!sent);
                    });
                }
                Err(error) => tracing::warn!(%error, "a block of sound was not encoded"),
            }
        }
        Ok(())
    }
}
