//! What we receive: the threads that take packets and show or play what is in them.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use super::Media;
use crate::{
    audio::FarEnd,
    jitter::PlayoutClock,
    media::{Clock, Codec, MediaKind, SenderReport, now},
    observe::{Events, InboundStats},
    pipeline::{AUDIO_PACKETS, AudioReceive, Inbound, Meter, SinkOpener, Thread, VIDEO_PACKETS, VideoReceive},
    rtc::RemoteTrack,
    sink::{AudioSink, VideoSink},
};

/// What a receiving thread wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The picture cannot go on without a key frame.
    KeyFrame,
}

/// How many wishes may wait. **When full the newest is dropped**: it is the same as the others.
const WISHES: usize = 4;

/// The receiving half of a call.
pub(super) struct Incoming {
    clock: Clock,
    events: Events,
    playout: Arc<PlayoutClock>,
    video_sink: Option<Box<dyn VideoSink>>,
    audio_sink: Option<SinkOpener<dyn AudioSink>>,
    far_end: Option<FarEnd>,
    video: Option<Stream>,
    audio: Option<Stream>,
    meters: [Meter<InboundStats>; 2],
    wishes: (mpsc::Sender<Wish>, mpsc::Receiver<Wish>),
    threads: Vec<Thread>,
}

/// A stream that is being received.
struct Stream {
    track: RemoteTrack,
    inbound: SyncSender<Inbound>,
    reader: tokio::task::JoinHandle<()>,
}

impl Incoming {
    pub(super) fn new(media: &mut Media, far_end: FarEnd, clock: Clock, events: Events) -> Self {
        Self {
            clock,
            events,
            playout: Arc::new(PlayoutClock::new(now())),
            video_sink: media.video_sink.take(),
            audio_sink: media.audio_sink.take(),
            far_end: Some(far_end),
            video: None,
            audio: None,
            meters: Default::default(),
            wishes: mpsc::channel(WISHES),
            threads: Vec::new(),
        }
    }

    /// Begins to receive a track. A second one of the same kind is left alone: a call has one
    /// picture and one sound.
    pub(super) fn start(&mut self, track: RemoteTrack) -> std::io::Result<()> {
        let kind = track.kind();
        let taken = match kind {
            MediaKind::Audio => &mut self.audio,
            MediaKind::Video => &mut self.video,
        };
        let meter = self.meters[kind as usize].clone();
        if let Some(stream) = taken {
            if stream.track.ssrc() == track.ssrc() {
                // The library was told of it again.
                stream.reader.abort();
                stream.reader = tokio::spawn(read(track.clone(), stream.inbound.clone(), meter));
                stream.track = track;
            } else {
                tracing::debug!(%kind, "a further track is left alone");
            }
            return Ok(());
        }
        let capacity = if kind == MediaKind::Video { VIDEO_PACKETS } else { AUDIO_PACKETS };
        let (inbound, receiver) = sync_channel(capacity);
        let thread = match kind {
            MediaKind::Video => {
                let wishes = self.wishes.0.clone();
                VideoReceive {
                    inbound: receiver,
                    sink: self.video_sink.take(),
                    playout: self.playout.clone(),
                    clock: self.clock,
                    ask_key_frame: Box::new(move || _ = wishes.try_send(Wish::KeyFrame)),
                    meter: meter.clone(),
                    events: self.events.clone(),
                }
                .spawn()?
            }
            MediaKind::Audio => AudioReceive {
                codec: Codec::Opus,
                inbound: receiver,
                open: self.audio_sink.take(),
                far_end: self.far_end.take(),
                playout: self.playout.clone(),
                clock: self.clock,
                meter: meter.clone(),
                events: self.events.clone(),
            }
            .spawn()?,
        };
        self.threads.push(thread);
        let reader = tokio::spawn(read(track.clone(), inbound.clone(), meter));
        let stream = Some(Stream { track, inbound, reader });
        match kind {
            MediaKind::Audio => self.audio = stream,
            MediaKind::Video => self.video = stream,
        }
        Ok(())
    }

    /// Waits for the next wish of a thread.
    pub(super) async fn wish(&mut self) -> Option<Wish> {
        self.wishes.1.recv().await
    }

    pub(super) fn sender_report(&self, kind: MediaKind, report: SenderReport) {
        let stream = match kind {
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
        };
        if let Some(stream) = stream {
            // When full, the next report comes in a second.
            let _ = stream.inbound.try_send(Inbound::Report(report));
        }
    }

    pub(super) fn round_trip(&self, round_trip: Duration) {
        for stream in [&self.audio, &self.video].into_iter().flatten() {
            let _ = stream.inbound.try_send(Inbound::RoundTrip(round_trip));
        }
    }

    pub(super) async fn request_key_frame(&mut self) {
        if let Some(stream) = &self.video
            && let Err(error) = stream.track.request_key_frame().await
        {
            tracing::debug!(%error, "a key frame was not asked for");
        }
    }

    /// Returns the figures; sound first.
    pub(super) fn stats(&self) -> [InboundStats; 2] {
        [self.meters[0].read(), self.meters[1].read()]
    }

    /// Closes the queues; returns the threads, which end by themselves.
    pub(super) fn close(self) -> Vec<Thread> {
        for stream in [self.audio, self.video].into_iter().flatten() {
            stream.reader.abort();
        }
        self.threads
    }
}

/// Carries packets of one stream to its thread: a bridge between the two worlds.
async fn read(track: RemoteTrack, inbound: SyncSender<Inbound>, meter: Meter<InboundStats>) {
    track
        .deliver(|codec, packet| {
            if inbound.try_send(Inbound::Packet(codec, packet)).is_err() {
                meter.update(|stats| stats.queue_overflows += 1);
            }
        })
        .await;
}
