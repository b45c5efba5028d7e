//! What we send: the threads that capture and encode, and the tasks that hand frames to the network.

use tokio::sync::mpsc;

use super::Media;
use crate::{
    codec::AudioTarget,
    congestion::Allocation,
    media::{Clock, Codec, EncodedFrame, MediaKind, Slot, VideoFormat, VideoFrame},
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
    /// What the encoders give, until it is known where it goes.
    audio_frames: Option<mpsc::Receiver<EncodedFrame>>,
    video_frames: Option<mpsc::Receiver<EncodedFrame>>,
    pub(super) video: VideoSendKnobs,
    pub(super) audio: AudioSendKnobs,
    pub(super) video_meter: Meter<OutboundStats>,
    pub(super) audio_meter: Meter<OutboundStats>,
    muted: [bool; 2],
    threads: Vec<Thread>,
}

impl Outgoing {
    /// Opens the sources and makes the encoders ready, each on its thread. Nothing is sent before
    /// [`Outgoing::connect`].
    pub(super) fn open(
        media: &mut Media,
        sound: AudioTarget,
        picture: VideoFormat,
        clock: Clock,
        events: &Events,
    ) -> std::io::Result<Self> {
        let mut outgoing = Self {
            events: events.clone(),
            raw: Slot::new(),
            audio_frames: None,
            video_frames: None,
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
            let (encoded, frames) = mpsc::channel(VIDEO_FRAMES);
            let encode = VideoEncode {
                codec: Codec::H264,
                expected: picture,
                knobs: outgoing.video.clone(),
                raw: outgoing.raw.clone(),
                encoded,
                meter: outgoing.video_meter.clone(),
                events: events.clone(),
            };
            outgoing.threads.push(encode.spawn()?);
            outgoing.video_frames = Some(frames);
        }
        if let Some(open) = media.audio_source.take() {
            let (encoded, frames) = mpsc::channel(AUDIO_FRAMES);
            let send = AudioSend {
                open,
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
    pub(super) fn connect(&mut self, tracks: Vec<LocalTrack>, allocation: Allocation) {
        for track in tracks {
            let (frames, meter) = match track.kind() {
                MediaKind::Video => (self.video_frames.take(), &self.video_meter),
                MediaKind::Audio => (self.audio_frames.take(), &self.audio_meter),
            };
            let Some(frames) = frames else { continue };
            match track.kind() {
                MediaKind::Video => self.video.set_allocation(allocation),
                MediaKind::Audio => self.audio.go_live(),
            }
            tokio::spawn(forward(track, frames, meter.clone(), self.events.clone()));
        }
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
