//! What we send: the threads that capture and encode, and the tasks that hand frames to the network.

use tokio::sync::mpsc;

use super::Media;
use crate::{
    audio::{FarEndReader, MicrophoneSettings},
    codec::AudioTarget,
    congestion::Allocation,
    media::{Clock, Codec, EncodedFrame, MediaKind, Slot, VideoFrame},
    observe::{EventKind, Events, OutboundStats},
    pipeline::{
        AUDIO_FRAMES, AudioSend, AudioSendKnobs, Meter, Thread, VIDEO_FRAMES, VideoCapture, VideoEncode, VideoSendKnobs,
    },
    rtc::LocalTrack,
};

/// The sending half of a call.
pub(super) struct Outgoing {
    events: Events,
    raw: Slot<VideoFrame>,
    audio_frames: Option<mpsc::Receiver<EncodedFrame>>,
    pub(super) video: VideoSendKnobs,
    pub(super) audio: AudioSendKnobs,
    pub(super) video_meter: Meter<OutboundStats>,
    pub(super) audio_meter: Meter<OutboundStats>,
    muted: [bool; 2],
    threads: Vec<Thread>,
}

impl Outgoing {
    /// Opens the sources, each on its thread. Nothing is encoded before [`Outgoing::connect`].
    pub(super) fn open(
        media: &mut Media,
        (microphone, far_end): (MicrophoneSettings, FarEndReader),
        sound: AudioTarget,
        clock: Clock,
        events: &Events,
    ) -> std::io::Result<Self> {
        let mut outgoing = Self {
            events: events.clone(),
            raw: Slot::new(),
            audio_frames: None,
            video: VideoSendKnobs::default(),
            audio: AudioSendKnobs::default(),
            video_meter: Meter::default(),
            audio_meter: Meter::default(),
            muted: [false; 2],
            threads: Vec::new(),
        };
        if let Some(open) = media.video_source.take() {
            let capture = VideoCapture {
                open,
                clock,
                knobs: outgoing.video.clone(),
                raw: outgoing.raw.clone(),
                preview: media.preview.take(),
                events: events.clone(),
            };
            outgoing.threads.push(capture.spawn()?);
        }
        if let Some(open) = media.audio_source.take() {
            let (encoded, frames) = mpsc::channel(AUDIO_FRAMES);
            let send = AudioSend {
                open,
                microphone,
                far_end,
                codec: Codec::Opus,
                target: sound,
                knobs: outgoing.audio.clone(),
                encoded,
                meter: outgoing.audio_meter.clone(),
                events: events.clone(),
            };
            outgoing.threads.push(send.spawn()?);
            outgoing.audio_frames = Some(frames);
        }
        Ok(outgoing)
    }

    /// Begins to send on the tracks that were agreed on.
    pub(super) fn connect(&mut self, tracks: Vec<LocalTrack>, allocation: Allocation) -> std::io::Result<()> {
        let events = &self.events;
        for track in tracks {
            match track.kind() {
                MediaKind::Video => {
                    let (encoded, frames) = mpsc::channel(VIDEO_FRAMES);
                    let encode = VideoEncode {
                        codec: Codec::H264,
                        allocation,
                        knobs: self.video.clone(),
                        raw: self.raw.clone(),
                        encoded,
                        meter: self.video_meter.clone(),
                        events: events.clone(),
                    };
                    self.threads.push(encode.spawn()?);
                    tokio::spawn(forward(track, frames, self.video_meter.clone(), events.clone()));
                }
                MediaKind::Audio => {
                    if let Some(frames) = self.audio_frames.take() {
                        self.audio.go_live();
                        tokio::spawn(forward(track, frames, self.audio_meter.clone(), events.clone()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes what the congestion controller leaves us.
    pub(super) fn allocate(&self, allocation: Allocation, loss: f32) {
        self.video.set_allocation(allocation);
        self.audio.set_target(AudioTarget { bitrate: allocation.audio, loss });
    }

    /// Switches a medium off or on.
    pub(super) fn set_muted(&mut self, kind: MediaKind, muted: bool) {
        match kind {
            MediaKind::Audio => self.audio.set_muted(muted),
            MediaKind::Video => self.video.set_muted(muted),
        }
        self.muted[kind as usize] = muted;
    }

    pub(super) const fn is_muted(&self, kind: MediaKind) -> bool {
        self.muted[kind as usize]
    }

    /// Closes the queues; returns the threads, which end by themselves.
    pub(super) fn close(self) -> Vec<Thread> {
        self.raw.close();
        self.threads
    }
}

/// Carries frames of one medium to the network: a bridge between the two worlds.
async fn forward(
    mut track: LocalTrack,
    mut frames: mpsc::Receiver<EncodedFrame>,
    meter: Meter<OutboundStats>,
    events: Events,
) {
    let mut first = true;
    while let Some(frame) = frames.recv().await {
        match track.send(&frame).await {
            Ok(sent) => meter.update(|stats| {
                stats.packets_sent += sent.packets;
                stats.bytes_sent += sent.bytes;
            }),
            Err(error) => {
                tracing::debug!(%error, "sending ended");
                return;
            }
        }
        if std::mem::take(&mut first) {
            events.emit(EventKind::FirstFrameSent { kind: track.kind() });
        }
    }
}
