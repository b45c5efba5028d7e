//! A call inside a program of one's own: frames of its making go in, frames come out.
//!
//! Two peers in this one program call each other over the loopback interface. One sends pictures
//! that it makes up; the other looks at what came. Run it with `cargo run --example embed`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{
    net::Ipv4Addr,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};

use p2pcall::{
    call::{Call, CallConfig, Control, Media},
    media::{Clock, MediaTime, Size, VideoFormat, VideoFrame},
    signaling::memory,
    sink::{SinkError, VideoSink},
    source::{Pace, SourceError, VideoSource},
};

/// A grey picture that becomes brighter, 20 times a second.
struct Dawn {
    format: VideoFormat,
    pace: Pace,
}

impl Dawn {
    fn new(format: VideoFormat, clock: Clock) -> Self {
        Self { format, pace: Pace::new(clock, MediaTime::ZERO, format.interval(), 0) }
    }
}

impl VideoSource for Dawn {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        let tick = self.pace.wait(timeout);
        Ok(tick.map(|tick| VideoFrame::grey(tick.at, self.format.size, brightness(tick.index))))
    }
}

/// From dark to bright in ten seconds, and again.
fn brightness(index: u64) -> u8 {
    16 + (index % 200) as u8
}

/// Hands each picture on to whoever wants to look. Pictures that nobody takes are dropped: a sink
/// never waits.
struct HandOn(SyncSender<VideoFrame>);

impl VideoSink for HandOn {
    fn show(&mut self, frame: VideoFrame) -> Result<(), SinkError> {
        let _ = self.0.try_send(frame);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = Size::new(320, 180).expect("in range");
    let format = VideoFormat { size, frame_rate: 20.0 };
    // No STUN server: the call stays on this machine.
    let config = CallConfig { stun: vec![], bind: vec![Ipv4Addr::LOCALHOST.into()], format, ..CallConfig::default() };
    // How the two descriptions travel is up to the program: here through a channel.
    let (ours, theirs) = memory();

    let mut sending = Media::new();
    let clock = sending.clock;
    sending.video_source = Some(Box::new(move || Ok(Box::new(Dawn::new(format, clock)))));
    let sender = Call::offer(config.clone(), sending, ours, vec![]);

    let (frames, came) = sync_channel(4);
    let watching = Media { clock, video_sink: Some(Box::new(HandOn(frames))), ..Media::new() };
    let watcher = Call::answer(config, watching, theirs, vec![]);

    // Waiting for a picture blocks, so it is done beside the runtime.
    tokio::task::spawn_blocking(move || look(&came, clock)).await??;

    sender.controls().send(Control::HangUp).await;
    println!("The sender: {}", sender.ended().await.ended);
    println!("The watcher: {}", watcher.ended().await.ended);
    Ok(())
}

/// Prints what came, until forty pictures have.
fn look(came: &Receiver<VideoFrame>, clock: Clock) -> anyhow::Result<()> {
    for count in 1..=40 {
        let frame = came.recv_timeout(Duration::from_secs(30))?;
        if count % 10 == 0 {
            let mean = frame.y().iter().map(|&y| u64::from(y)).sum::<u64>() / frame.size().pixels() as u64;
            println!(
                "Picture {count}: {}, brightness {mean}, {:.1?} into the call",
                frame.size(),
                clock.now().since_epoch()
            );
        }
    }
    Ok(())
}
