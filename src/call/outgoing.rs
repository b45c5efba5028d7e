//! What we send: the threads that capture and encode, and the tasks that hand frames to the network.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::mpsc;

use super::Media;
use crate::{
    audio::{FarEndReader, MicrophoneSettings},
    codec::AudioTarget,
    congestion::{Allocation, Line, Redundancy},
    media::{Bitrate, Clock, Codec, EncodedFrame, MediaKind, Slot, VideoFormat, VideoFrame},
    observe::{EventKind, Events, OutboundStats},
    pipeline::{
        AUDIO_FRAMES, AudioSend, AudioSendKnobs, Meter, Thread, VIDEO_FRAMES, VideoCapture, VideoEncode, VideoSendKnobs,
    },
    rtc::LocalTrack,
};

/// The second channel costs as much as the first ...
const SECOND_CHANNEL: Bitrate = Bitrate::from_kbps(32);

/// ... and gets it where the line has at least this.
const ROOM: Bitrate = Bitrate::from_kbps(500);

/// The sending half of a call.
pub(super) struct Outgoing {
    events: Events,
    raw: Slot<VideoFrame>,
    /// What the encoders give, until it is known where it goes.
    audio_frames: Option<mpsc::Receiver<EncodedFrame>>,
    video_frames: Option<mpsc::Receiver<EncodedFrame>>,
    pub(super) video: VideoSendKnobs,
    pub(super) audio: AudioSendKnobs,
    video_meter: Meter<OutboundStats>,
    audio_meter: Meter<OutboundStats>,
    muted: [bool; 2],
    redundancy: Redundancy,
    /// How many packets of sound go along again with each.
    copies: Arc<AtomicUsize>,
    sound: AudioTarget,
    second_channel: Bitrate,
    threads: Vec<Thread>,
}

impl Outgoing {
    /// Opens the sources and makes the encoders ready, each on its thread. Nothing is sent before
    /// [`Outgoing::connect`].
    pub(super) fn open(
        media: &mut Media,
        (microphone, far_end): (MicrophoneSettings, FarEndReader),
        sound: AudioTarget,
        (codec, picture): (Codec, VideoFormat),
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
            redundancy: Redundancy::default(),
            copies: Arc::default(),
            sound,
            second_channel: Bitrate::from_bps(0),
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
                expected: (codec, picture),
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
    pub(super) fn connect(&mut self, tracks: Vec<LocalTrack>, allocation: Allocation) {
        for track in tracks {
            let (frames, meter) = match track.kind() {
                MediaKind::Video => (self.video_frames.take(), &self.video_meter),
                MediaKind::Audio => (self.audio_frames.take(), &self.audio_meter),
            };
            let Some(frames) = frames else { continue };
            match track.kind() {
                MediaKind::Video => {
                    self.video.set_codec(track.codec());
                    self.video.set_allocation(allocation);
                }
                MediaKind::Audio => {
                    self.sound.dtx = track.wants_no_silence();
                    self.audio.go_live();
                }
            }
            tokio::spawn(forward(track, frames, self.copies.clone(), meter.clone(), self.events.clone()));
        }
        let left = [(MediaKind::Video, &self.video_frames), (MediaKind::Audio, &self.audio_frames)];
        for (kind, _) in left.into_iter().filter(|(_, frames)| frames.is_some()) {
            self.events.emit(EventKind::NotTaken { kind });
        }
    }

    /// Chooses how many channels and copies of the sound the line is worth, and returns what they cost on top
    /// of the sound's share.
    pub(super) fn reserve(&mut self, now: Instant, line: &Line) -> Bitrate {
        let stereo = self.audio.channels() == 2 && line.available >= ROOM;
        self.second_channel = if stereo { SECOND_CHANNEL } else { Bitrate::from_bps(0) };
        let copies = self.redundancy.choose(now, line, self.sound.bitrate);
        self.copies.store(copies, Ordering::Relaxed);
        // What is lost with all its copies is what in-band redundancy is left for.
        self.sound.loss = line.loss.powi(1 + copies as i32) as f32;
        Bitrate::from_bps(self.second_channel.bps() + copies as u64 * self.sound.bitrate.bps())
    }

    /// Takes what the congestion controller leaves us.
    pub(super) fn allocate(&mut self, allocation: Allocation) {
        // Without it nothing is encoded: nobody takes the picture.
        if self.video_frames.is_none() {
            self.video.set_allocation(allocation);
        }
        self.video_meter.update(|stats| stats.target_bitrate = allocation.video.bps());
        self.sound.bitrate = Bitrate::from_bps(allocation.audio.bps() + self.second_channel.bps());
        self.audio_meter.update(|stats| stats.target_bitrate = self.sound.bitrate.bps());
        self.audio.set_target(self.sound);
    }

    /// Switches a medium off or on.
    pub(super) fn set_muted(&mut self, kind: MediaKind, muted: bool) {
        match kind {
            MediaKind::Audio => self.audio.set_muted(muted),
            MediaKind::Video => self.video.set_muted(muted),
        }
        self.muted[kind as usize] = muted;
    }

    /// Returns the figures; sound first.
    pub(super) fn stats(&self) -> [OutboundStats; 2] {
        [self.audio_meter.read(), self.video_meter.read()]
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
    copies: Arc<AtomicUsize>,
    meter: Meter<OutboundStats>,
    events: Events,
) {
    let mut first = true;
    while let Some(frame) = frames.recv().await {
        track.set_copies(copies.load(Ordering::Relaxed));
        match track.send(&frame).await {
            Ok(sent) => meter.update(|stats| {
                stats.codec = Some(track.codec());
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
