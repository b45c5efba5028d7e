//! `p2pcall demo`: a whole call between two peers in one program, for a first look.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Exit, Refusal,
    args::{DemoArgs, OutputArgs},
    config,
    media::{self, Defaults, Screen},
    record::Records,
    say,
    stage::{self, Stage},
    summary,
};
use crate::{
    call::{Call, CallConfig, Media, Summary},
    media::DescriptionKind,
    observe::{Event, EventKind, Observer},
    signaling::memory,
    sink::AudioSinkSpec,
    source::{AudioSourceSpec, TestPattern, Tone, VideoSourceSpec},
};

/// Nobody watches: enough to see that it works.
const UNWATCHED: Duration = Duration::from_secs(10);

pub(super) fn run(args: DemoArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    config::log(output);
    let defaults =
        Defaults { video: VideoSourceSpec::Test, audio: AudioSourceSpec::Tone(440.0), speaker: AudioSinkSpec::None };
    let (mut here, screen) = media::open(&args.media, defaults)?;
    let config = CallConfig {
        bind: vec![Ipv4Addr::LOCALHOST.into()],
        duration: args.run.duration.or(matches!(screen, Screen::None).then_some(UNWATCHED)),
        ..config::local(&args.media, &args.run)
    };
    // Both sides count on one line of time, so that "how late" means something.
    let mut there = Media { clock: here.clock, ..Media::new() };
    let (format, clock) = (config.format, here.clock);
    there.video_source = Some(Box::new(move || Ok(Box::new(TestPattern::new(format, clock)))));
    there.audio_source = Some(Box::new(move || Ok(Box::new(Tone::new(660.0, clock)))));
    // What is shown and played is what came over the connection: the other side's view of us.
    there.video_sink = here.video_sink.take();
    there.audio_sink = here.audio_sink.take();

    let runtime = stage::runtime()?;
    let _guard = runtime.enter();
    if !output.quiet {
        say("A call between two peers in this program: real connection, encryption and codecs, over 127.0.0.1.");
    }
    let (offerer, answerer) = memory();
    let delays = Arc::new(Delays::default());
    // The far side ends with the near one, which hangs up.
    let far_config = CallConfig { duration: None, ..config.clone() };
    let far = Call::answer(far_config, there, answerer, vec![delays.clone()]);
    let records = Records::open(output, &args.run, &config)?;
    let stage = Stage::new(screen, clock, DescriptionKind::Answer);
    let near = stage.play(&runtime, output, records, |observers| Call::offer(config, here, offerer, observers))?;
    let Some(near) = near else { return Ok(Exit::Interrupted) };
    let far = runtime.block_on(far.ended());
    Ok(conclude(&near, &far, &delays, output))
}

fn conclude(near: &Summary, far: &Summary, delays: &Delays, output: &OutputArgs) -> Exit {
    let arrived = far.stats.inbound.video.frames_decoded > 0 && far.stats.inbound.audio.frames_decoded > 0;
    let whole = near.ended.is_normal() && arrived;
    if !output.quiet || !whole {
        say(&summary::words(near));
        say(&format!("The other side: {}", summary::words(far)));
        if let Some(delay) = delays.median() {
            say(&format!("From the capture of a picture to its showing on the other side: {:.0} ms.", delay * 1000.0));
        }
    }
    match whole {
        true => Exit::Success,
        false => {
            say("p2pcall: The demo failed: picture or sound did not arrive. Run it again with -v to see why.");
            Exit::CallFailed
        }
    }
}

/// How late pictures were shown, in seconds, once a second.
#[derive(Default)]
struct Delays(Mutex<Vec<f64>>);

impl Delays {
    fn median(&self) -> Option<f64> {
        let mut delays = self.0.lock().expect("the lock is never held across a panic").clone();
        delays.sort_by(f64::total_cmp);
        delays.get(delays.len() / 2).copied()
    }
}

impl Observer for Delays {
    fn on_event(&self, event: &Event) {
        if let EventKind::Stats(report) = &event.kind
            && let Some(delay) = report.inbound.video.end_to_end_delay
        {
            self.0.lock().expect("the lock is never held across a panic").push(delay);
        }
    }
}
