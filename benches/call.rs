//! What a call costs beside its codec, in one run: `cargo bench --bench call`.
//!
//! The same 720p pictures are encoded and decoded alone, then sent through a call over the loopback
//! interface, at 30 a second. What counts is the processor's time, and the ratio of the two. In a loop without
//! pauses the codec is quicker than any call can be: its caches stay warm. So it is measured both ways.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

#[path = "clip/pictures.rs"]
mod pictures;

use std::{
    net::Ipv4Addr,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};

use p2pcall::{
    call::{Call, CallConfig, Control, Media},
    codec::{self, VideoTarget},
    media::{Bitrate, Clock, Codec, MediaTime, Size, VideoFormat, VideoFrame},
    signaling::memory,
    sink::{SinkError, VideoSink},
    source::{Pace, SourceError, VideoSource},
};
use rustix::time::{ClockId, clock_gettime};

const FORMAT: VideoFormat = VideoFormat { size: Size::HD, frame_rate: 30.0 };
const BITRATE: Bitrate = Bitrate::from_kbps(1_500);

/// The call settles for so many pictures, then as many are counted.
const PICTURES: usize = 240;

fn main() -> anyhow::Result<()> {
    let clip = pictures::pictures();
    let (encode, decode) = codec_alone(&clip, None)?;
    println!("codec alone, in a loop: {encode:.2} ms to encode a picture, {decode:.2} ms to decode it");
    let (encode, decode) = codec_alone(&clip, Some(pace(Media::new().clock)))?;
    println!("codec alone, at 30 a second: {encode:.2} and {decode:.2} ms");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let call = runtime.block_on(call(clip))?;
    println!(
        "a call, both sides: {call:.2} ms a picture, {:.2} times the codec at 30 a second",
        call / (encode + decode)
    );
    Ok(())
}

/// Returns the processor's time so far in milliseconds, of all threads.
fn processor_millis() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Returns the milliseconds of encoding and of decoding a picture, each at its time if there is a pace.
fn codec_alone(clip: &[VideoFrame], mut pace: Option<Pace>) -> anyhow::Result<(f64, f64)> {
    let VideoFormat { size, frame_rate } = FORMAT;
    let mut encoder = codec::video_encoder(Codec::H264, VideoTarget { size, frame_rate, bitrate: BITRATE })?;
    let mut decoder = codec::video_decoder(Codec::H264)?;
    let (mut encoding, mut decoding) = (0.0, 0.0);
    for number in 0..2 * PICTURES {
        while pace.as_mut().is_some_and(|pace| pace.wait(Duration::from_secs(1)).is_none()) {}
        let picture = at(clip, number, MediaTime::new(Duration::from_micros(33_333) * number as u32));
        let begun = processor_millis();
        let encoded = encoder.encode(&picture, false)?;
        let between = processor_millis();
        if let Some(encoded) = &encoded {
            decoder.decode(encoded)?;
        }
        if number >= PICTURES {
            encoding += between - begun;
            decoding += processor_millis() - between;
        }
    }
    Ok((encoding / PICTURES as f64, decoding / PICTURES as f64))
}

/// Returns the milliseconds that two peers spend on each picture of a call.
async fn call(clip: Vec<VideoFrame>) -> anyhow::Result<f64> {
    let config = CallConfig {
        stun: vec![],
        bind: vec![Ipv4Addr::LOCALHOST.into()],
        format: FORMAT,
        max_bitrate: BITRATE,
        ..CallConfig::default()
    };
    let (ours, theirs) = memory();
    let mut sending = Media::new();
    let clock = sending.clock;
    sending.video_source = Some(Box::new(move || Ok(Box::new(Clip::new(clip, clock)))));
    let sender = Call::offer(config.clone(), sending, ours, vec![]);
    let (shown, seen) = sync_channel(4);
    let watching = Media { clock, video_sink: Some(Box::new(Count(shown))), ..Media::new() };
    let watcher = Call::answer(config, watching, theirs, vec![]);
    let spent = tokio::task::spawn_blocking(move || spent(&seen)).await??;
    sender.controls().send(Control::HangUp).await;
    sender.ended().await;
    watcher.ended().await;
    Ok(spent)
}

fn spent(seen: &Receiver<()>) -> anyhow::Result<f64> {
    let wait = || (0..PICTURES).try_for_each(|_| seen.recv_timeout(Duration::from_secs(30)));
    wait()?;
    let begun = processor_millis();
    wait()?;
    Ok((processor_millis() - begun) / PICTURES as f64)
}

/// 30 a second.
fn pace(clock: Clock) -> Pace {
    Pace::new(clock, MediaTime::ZERO, FORMAT.interval(), 0)
}

/// The pictures over and over.
struct Clip {
    pictures: Vec<VideoFrame>,
    pace: Pace,
}

impl Clip {
    fn new(pictures: Vec<VideoFrame>, clock: Clock) -> Self {
        Self { pictures, pace: pace(clock) }
    }
}

impl VideoSource for Clip {
    fn format(&self) -> VideoFormat {
        FORMAT
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        let tick = self.pace.wait(timeout);
        Ok(tick.map(|tick| at(&self.pictures, tick.index as usize, tick.at)))
    }
}

/// Returns a picture of the clip, forwards and backwards, taken at some moment.
fn at(clip: &[VideoFrame], number: usize, at: MediaTime) -> VideoFrame {
    let place = number % (2 * clip.len());
    let picture = &clip[place.min(2 * clip.len() - 1 - place)];
    VideoFrame::new(at, picture.size(), picture.planes().clone()).expect("the length of its size")
}

struct Count(SyncSender<()>);

impl VideoSink for Count {
    fn show(&mut self, _: VideoFrame) -> Result<(), SinkError> {
        let _ = self.0.try_send(());
        Ok(())
    }
}
