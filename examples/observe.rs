//! What happens inside a call: every step of one side's connection, and once a second what it sends and receives.
//!
//! Two peers in this one program call each other for three seconds. Run it with `cargo run --example observe`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use p2pcall::{
    call::{Call, CallConfig, Media},
    observe::{Event, EventKind, Observer},
    signaling::memory,
    source::TestPattern,
};

/// Prints what it is told. Observers must not block: one that does more than this has a queue, as `EventQueue`.
struct Printer;

impl Observer for Printer {
    fn on_event(&self, event: &Event) {
        let at = event.at.as_secs_f64();
        match &event.kind {
            EventKind::Step(step) => println!("{at:7.3} {}", step.name),
            EventKind::Stats(report) => {
                let video = &report.outbound.video;
                println!("{at:7.3} {} pictures encoded, {} bit/s", video.frames_encoded, video.bitrate);
                // All that a browser's getStats would tell.
                let pair = report.to_w3c().into_values().find(|object| object["type"] == "candidate-pair");
                let round_trip = pair.map(|pair| pair["currentRoundTripTime"].clone()).unwrap_or_default();
                println!("{at:7.3} the round trip takes {round_trip} s");
            }
            EventKind::VerificationWords { words } => println!("{at:7.3} to be compared: {words}"),
            _ => {}
        }
    }

    /// Without this there are no steps, and nothing is spent on them.
    fn wants_steps(&self) -> bool {
        true
    }
}

#[tokio::main]
async fn main() {
    let config = CallConfig { bind: vec![Ipv4Addr::LOCALHOST.into()], stun: vec![], ..CallConfig::default() };
    let mut media = Media::new();
    let (format, clock) = (config.format, media.clock);
    media.video_source = Some(Box::new(move || Ok(Box::new(TestPattern::new(format, clock)))));

    let (near, far) = memory();
    let other = Call::answer(config.clone(), Media::new(), far, vec![]);
    let config = CallConfig { duration: Some(Duration::from_secs(3)), ..config };
    let call = Call::offer(config, media, near, vec![Arc::new(Printer)]);
    println!("{}", call.ended().await.ended);
    other.ended().await;
}
