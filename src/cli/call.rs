//! `p2pcall offer` and `p2pcall answer`.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::{
    Exit, Refusal,
    args::{AnswerArgs, ExchangeArgs, MediaArgs, OfferArgs, OutputArgs},
    config,
    exchange::{self, Consent, Wishes},
    input,
    media::{self, Defaults},
    record::Records,
    say,
    stage::{self, Stage},
    summary,
};
use crate::{
    call::{Call, CallConfig, Ended, Summary},
    media::DescriptionKind,
    signaling::{BlobForm, SignalingError},
    sink::AudioSinkSpec,
    source::{AudioSourceSpec, CameraChoice, VideoSourceSpec},
};

pub(super) fn offer(args: OfferArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    config::log(output);
    let config = config::network(&args.media, &args.connection, &args.trust, &args.run)?;
    let plan =
        Plan { awaited: DescriptionKind::Answer, from: None, link: args.link, ask: false, exchange: args.exchange };
    let records = Records::open(output, &args.run, &config)?;
    run(plan, config, &args.media, records, output)
}

pub(super) fn answer(args: AnswerArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    config::log(output);
    let config = config::network(&args.media, &args.connection, &args.trust, &args.run)?;
    let from = args.offer.map(exchange::From::Argument);
    let plan = Plan { awaited: DescriptionKind::Offer, from, link: None, ask: args.ask, exchange: args.exchange };
    let records = Records::open(output, &args.run, &config)?;
    run(plan, config, &args.media, records, output)
}

/// How the exchange is to go.
struct Plan {
    awaited: DescriptionKind,
    from: Option<exchange::From>,
    /// The address of a page that reads our text.
    link: Option<String>,
    /// Whether the person is asked before an offer is taken.
    ask: bool,
    exchange: ExchangeArgs,
}

fn run(
    plan: Plan,
    config: CallConfig,
    media: &MediaArgs,
    records: Records,
    output: &OutputArgs,
) -> Result<Exit, Refusal> {
    let defaults = Defaults {
        video: VideoSourceSpec::Camera(CameraChoice::Any),
        audio: AudioSourceSpec::Microphone(None),
        speaker: AudioSinkSpec::Speaker(None),
    };
    let (media, screen) = media::open(media, defaults)?;
    let runtime = stage::runtime()?;
    let _guard = runtime.enter();

    let mut stage = Stage::new(screen, media.clock, plan.awaited);
    stage.wait = plan.exchange.wait;
    if !exchange::stdin_is_terminal() {
        stage.lines = Some(Arc::new(Mutex::new(input::lines())));
    }
    let from = match (plan.from, plan.exchange.input, &stage.lines) {
        (Some(from), ..) => from,
        (None, Some(path), _) => exchange::From::File(path),
        (None, None, Some(lines)) => exchange::From::Lines(lines.clone()),
        (None, None, None) => exchange::From::Terminal,
    };
    stage.pasted = matches!(from, exchange::From::Terminal);
    // A link is to be short.
    let form = plan.exchange.blob.or(plan.link.as_ref().map(|_| BlobForm::Compact));
    let wishes = Wishes {
        file: plan.exchange.output,
        link: plan.link,
        mail: plan.exchange.mail,
        qr: plan.exchange.qr,
        copy: plan.exchange.copy.then(config::surroundings),
        paints: config::paints(),
        wait: plan.exchange.wait,
        quiet: output.quiet,
    };
    let signaling = exchange::signaling(
        from,
        form,
        wishes,
        plan.ask.then(|| Consent::new(stage.lines.clone())),
        stage.line.clone(),
    );
    let summary = stage.play(&runtime, output, records, |observers| match plan.awaited {
        DescriptionKind::Answer => Call::offer(config, media, signaling, observers),
        DescriptionKind::Offer => Call::answer(config, media, signaling, observers),
    })?;
    Ok(summary.map_or(Exit::Interrupted, |summary| conclude(&summary, output)))
}

/// Says what it came to.
fn conclude(summary: &Summary, output: &OutputArgs) -> Exit {
    let exit = match &summary.ended {
        Ended::Exchange(SignalingError::Interrupted) => Exit::Success,
        Ended::Exchange(_) => Exit::WrongBlob,
        ended if ended.is_normal() => Exit::Success,
        _ => Exit::CallFailed,
    };
    if exit != Exit::Success || !output.quiet {
        say(&summary::words(summary));
    }
    exit
}
