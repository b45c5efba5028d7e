//! Sound on its way in: packets ─▶ jitter buffer ─▶ decoder ─▶ sink, on one thread.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use super::{Inbound, Meter, SinkOpener, Thread, spawn_thread};
use crate::{
    audio::FarEnd,
    codec::{self, AudioDecoder, AudioPayload},
    jitter::{AudioBuffer, AudioPop, PlayoutClock},
    media::{AudioFrame, Codec, MediaKind, MediaTime, now},
    observe::{EventKind, Events, InboundStats},
    sink::{AudioSink, NullAudio},
};

/// The sink is asked for room this often: a fraction of what it holds.
const TICK: Duration = Duration::from_millis(5);

/// At least so much sound is kept ready in the sink; more if the device takes more at once.
const READY: Duration = Duration::from_millis(20);

/// Samples a channel in a block of 20 ms.
const BLOCK: usize = 960;

/// Both channels are played: a mono stream is decoded to two that are the same.
const CHANNELS: u8 = 2;

/// What the receiving thread works with.
pub(crate) struct AudioReceive {
    /// Which codec.
    pub(crate) codec: Codec,
    /// What the network says. The end of it ends the thread.
    pub(crate) inbound: Receiver<Inbound>,
    /// Opens the sink, on the thread that will own it. Without one the sound is decoded at the same
    /// pace and forgotten.
    pub(crate) open: Option<SinkOpener<dyn AudioSink>>,
    /// Told what a room hears, whose microphone may hear it, too.
    pub(crate) far_end: Option<FarEnd>,
    /// Keeps the sound in step with the picture.
    pub(crate) playout: Arc<PlayoutClock>,
    /// Figures.
    pub(crate) meter: Meter<InboundStats>,
    /// Where it tells what happens.
    pub(crate) events: Events,
}

impl AudioReceive {
    /// Starts the thread `audio-receive`.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn spawn(self) -> std::io::Result<Thread> {
        spawn_thread("audio-receive", move || {
            let events = self.events.clone();
            if let Err(what) = self.run() {
                events.emit(EventKind::SinkFailed { kind: MediaKind::Audio, what });
            }
        })
    }

    fn run(mut self) -> Result<(), String> {
        let heard = self.open.is_some();
        let mut sink: Box<dyn AudioSink> = match self.open.take().map(|open| open()) {
            Some(Ok(sink)) => sink,
            Some(Err(error)) => self.without_sink(&error.to_string()),
            None => Box::new(NullAudio::new().0),
        };
        let mut playing = Playing {
            heard,
            buffer: AudioBuffer::new(self.codec.clock_rate_hz()),
            decoder: codec::audio_decoder(self.codec, CHANNELS).map_err(|error| error.to_string())?,
            block: AudioFrame::silence(MediaTime::ZERO, CHANNELS, BLOCK),
            first: true,
        };
        loop {
            match self.inbound.recv_timeout(TICK) {
                Ok(inbound) => {
                    playing.take(inbound, &self);
                    while let Ok(inbound) = self.inbound.try_recv() {
                        playing.take(inbound, &self);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while sink.queued() < READY.max(sink.wanted()) && playing.next(&self, &*sink) {
                if let Some(far_end) = self.far_end.as_mut().filter(|_| sink.is_speaker()) {
                    far_end.played(&playing.block);
                }
                if let Err(error) = sink.play(&playing.block) {
                    sink = self.without_sink(&error.to_string());
                }
            }
        }
        sink.finish();
        Ok(())
    }

    /// Says what happened; the sound goes on unheard, so that a call of two does not lose its clock.
    fn without_sink(&self, what: &str) -> Box<dyn AudioSink> {
        self.events.emit(EventKind::SinkFailed { kind: MediaKind::Audio, what: what.into() });
        Box::new(NullAudio::new().0)
    }
}

/// The state of the thread.
struct Playing {
    buffer: AudioBuffer,
    decoder: Box<dyn AudioDecoder>,
    block: AudioFrame,
    first: bool,
    /// Whether anybody listens: the picture does not wait for sound that nobody hears.
    heard: bool,
}

impl Playing {
    fn take(&mut self, inbound: Inbound, thread: &AudioReceive) {
        match inbound {
            Inbound::Packet(packet) => {
                thread.meter.update(|stats| stats.bytes_received += packet.payload.len() as u64);
                self.buffer.insert(packet);
            }
            Inbound::Report(report) => {
                if let Some(time) = self.buffer.media_time(report.rtp) {
                    thread.playout.set_report(MediaKind::Audio, time, report.ntp);
                }
            }
            // Sound is not sent again: it is recovered from the next packet, or made up.
            Inbound::RoundTrip(_) => {}
        }
    }

    /// Fills the next block. `false` if there is nothing to play.
    fn next(&mut self, thread: &AudioReceive, sink: &dyn AudioSink) -> bool {
        let now = now();
        let decoded = match self.buffer.pop(now) {
            AudioPop::Packet(packet) => {
                if self.heard {
                    self.in_step(packet.media_time, thread, sink);
                }
                self.decoder.decode(AudioPayload::Packet(&packet), &mut self.block)
            }
            AudioPop::Recover(next) => self.decoder.decode(AudioPayload::Recover(&next), &mut self.block),
            AudioPop::Conceal => self.decoder.decode(AudioPayload::Conceal, &mut self.block),
            AudioPop::Wait => return false,
        };
        if let Err(error) = decoded {
            tracing::debug!(%error, "a block of sound is lost");
            self.block = AudioFrame::silence(MediaTime::ZERO, CHANNELS, BLOCK);
        }
        if std::mem::take(&mut self.first) {
            thread.events.emit(EventKind::FirstFrameReceived { kind: MediaKind::Audio });
        }
        let counts = self.buffer.reception();
        thread.meter.update(|stats| {
            stats.frames_decoded += 1;
            stats.frames_rendered += 1;
            stats.packets_received = counts.received;
            stats.packets_lost = counts.lost;
            stats.packets_discarded = counts.discarded;
            stats.jitter = counts.jitter;
            stats.concealed = self.buffer.concealed();
            stats.recovered = self.buffer.recovered();
            stats.frames_dropped = self.buffer.skipped();
            stats.jitter_buffer_delay = self.buffer.depth().as_secs_f64();
        });
        true
    }

    /// Tells the picture when this is heard, and hears how long to wait for it.
    fn in_step(&mut self, time: MediaTime, thread: &AudioReceive, sink: &dyn AudioSink) {
        let delay = sink.delay();
        if let Some(alone) = self.buffer.play_at_alone(time) {
            thread.playout.set_alone(MediaKind::Audio, time, alone + delay);
        }
        thread.playout.set_played(MediaKind::Audio, time, now() + delay);
        self.buffer.set_extra_delay(thread.playout.extra_delay(MediaKind::Audio));
    }
}
