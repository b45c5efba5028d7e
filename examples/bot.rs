//! A bot that can be called: it shows the test pattern and hums a tone until the caller hangs up.
//!
//! It reads an offer from standard input and prints its answer:
//!
//! ```text
//! p2pcall offer                                  # prints an offer
//! echo 'eyJ…' | cargo run --example bot          # prints the answer to paste
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::io::Read;

use p2pcall::{
    call::{Call, CallConfig, Media},
    media::wall_clock,
    signaling::{BlobForm, Expected, Manual, SessionBlob, SignalingError},
    source::{TestPattern, Tone},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let show = |answer: SessionBlob| {
        println!("{answer}");
        Ok::<_, SignalingError>(())
    };
    let ask = move |expected: Expected| std::future::ready(expected.read(&input, wall_clock()).map_err(Into::into));
    let signaling = Manual::new(show, ask, BlobForm::Plain);

    let config = CallConfig::default();
    let mut media = Media::new();
    let (format, clock) = (config.format, media.clock);
    media.video_source = Some(Box::new(move || Ok(Box::new(TestPattern::new(format, clock)))));
    media.audio_source = Some(Box::new(move || Ok(Box::new(Tone::new(440.0, clock)))));

    let summary = Call::answer(config, media, signaling, vec![]).ended().await;
    eprintln!("{}", summary.ended);
    let video = summary.stats.inbound.video;
    eprintln!("{} pictures came from the caller.", video.frames_decoded);
    anyhow::ensure!(summary.ended.is_normal(), "the call failed");
    Ok(())
}
