//! `p2pcall offer` and `p2pcall answer`.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use tokio::{
    runtime::Runtime,
    sync::{Mutex, mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use super::{
    Exit, Key, KeyReader, Refusal, StatusLine,
    args::{AnswerArgs, ExchangeArgs, MediaArgs, OfferArgs, OutputArgs},
    config, exchange, input,
    interrupt::Interrupt,
    media::{self, Defaults, Screen},
    narrator::{Narrator, News},
    say, summary,
};
use crate::{
    call::{Call, CallConfig, Control, Controls, Ended, Media, Summary},
    media::{DescriptionKind, MediaKind, now},
    observe::{CallStateName, Event, EventKind, Observer},
    pipeline::{Thread, spawn_thread},
    signaling::{Signaling, SignalingError},
    sink::AudioSinkSpec,
    source::{AudioSourceSpec, CameraChoice, VideoSourceSpec},
};

/// News that may wait for the narrator. **When full the newest is dropped**: nothing told may hurt
/// the call.
const NEWS: usize = 1024;

/// How long threads of the program are waited for at its end.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn offer(args: OfferArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    config::log(output);
    let config = config::network(&args.media, &args.connection, &args.run)?;
    let plan = Plan { awaited: DescriptionKind::Answer, from: None, exchange: args.exchange };
    run(plan, config, &args.media, output)
}

pub(super) fn answer(args: AnswerArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    config::log(output);
    let config = config::network(&args.media, &args.connection, &args.run)?;
    let from = args.offer.map(exchange::From::Argument);
    run(Plan { awaited: DescriptionKind::Offer, from, exchange: args.exchange }, config, &args.media, output)
}

/// How the exchange is to go.
struct Plan {
    awaited: DescriptionKind,
    from: Option<exchange::From>,
    exchange: ExchangeArgs,
}

fn run(plan: Plan, config: CallConfig, media: &MediaArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    let defaults = Defaults {
        video: VideoSourceSpec::Camera(CameraChoice::Any),
        audio: AudioSourceSpec::Microphone(None),
        speaker: AudioSinkSpec::Speaker(None),
    };
    let (media, screen) = media::open(media, defaults)?;
    let line = StatusLine::stderr();
    let runtime = runtime()?;
    let _guard = runtime.enter();

    let terminal = exchange::stdin_is_terminal();
    let lines = (!terminal).then(|| Arc::new(Mutex::new(input::lines())));
    let from = match (plan.from, plan.exchange.input, &lines) {
        (Some(from), ..) => from,
        (None, Some(path), _) => exchange::From::File(path),
        (None, None, Some(lines)) => exchange::From::Lines(lines.clone()),
        (None, None, None) => exchange::From::Terminal,
    };
    let signaling = exchange::signaling(from, plan.exchange.output, line.clone(), output.quiet);
    let stage = Stage { line, screen, awaited: plan.awaited, wait: plan.exchange.wait, lines, terminal };
    stage.play(&runtime, config, media, signaling, output)
}

pub(super) fn runtime() -> Result<Runtime, Refusal> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("network")
        .enable_all()
        .build()
        .map_err(|error| failed("The network cannot be used", &error))
}

pub(super) fn failed(what: &str, error: &std::io::Error) -> Refusal {
    Refusal { exit: Exit::CallFailed, what: format!("{what}: {error}.") }
}

/// Everything around a call that a person meets.
struct Stage {
    line: StatusLine,
    screen: Screen,
    awaited: DescriptionKind,
    wait: Option<Duration>,
    lines: Option<Arc<Mutex<mpsc::Receiver<String>>>>,
    terminal: bool,
}

impl Stage {
    fn play(
        self,
        runtime: &Runtime,
        config: CallConfig,
        media: Media,
        signaling: impl Signaling,
        output: &OutputArgs,
    ) -> Result<Exit, Refusal> {
        let clock = media.clock;
        let (news, told) = sync_channel(NEWS);
        let (state, states) = watch::channel(CallStateName::Describing);
        let teller = Arc::new(Teller { news: news.clone(), state });
        let begin = match self.awaited {
            DescriptionKind::Answer => Call::offer(config, media, signaling, vec![teller]),
            DescriptionKind::Offer => Call::answer(config, media, signaling, vec![teller]),
        };
        let controls = begin.controls();
        let interrupt = Interrupt::new(controls.clone());
        let narrator = Narrator::new(output, self.line.clone(), self.awaited)?;
        let over = CancellationToken::new();
        let keys = KeyPress { controls: controls.clone(), interrupt: interrupt.clone(), news, runtime: runtime.handle().clone() };

        tokio::spawn(interrupt.clone().watch_signals());
        if let Some(lines) = self.lines {
            tokio::spawn(obey(lines, states.clone(), controls.clone()));
        }
        let gave_up = tokio::spawn(give_up(self.wait, states.clone(), controls.clone()));
        if self.terminal {
            tokio::spawn(listen(keys.clone(), states.clone(), over.clone()));
        }

        let call = tokio::spawn(async move {
            tokio::select! {
                summary = begin.ended() => Some(summary),
                () = interrupt.twice() => None,
            }
        });
        let narrator_thread;
        let mut screen_thread = None;
        match self.screen {
            Screen::None => narrator_thread = narrate(narrator, told, clock)?,
            Screen::Terminal(screen, control) => {
                let (start, started) = sync_channel(1);
                let line = self.line.clone();
                let shown = control.clone();
                let narrator = narrator.on_connected(move || {
                    line.move_to(move |status| shown.set_status(status));
                    let _ = start.try_send(());
                });
                screen_thread = Some((spawn_screen(screen, started)?, control));
                narrator_thread = narrate(narrator, told, clock)?;
            }
            #[cfg(feature = "window")]
            Screen::Window(window, control) => {
                let title = control.clone();
                narrator_thread = narrate(narrator.with_title(move |text| title.set_title(text)), told, clock)?;
                // The window closes with the call, however that ends.
                let closing = over.clone();
                tokio::spawn(async move {
                    closing.cancelled().await;
                    control.close();
                });
                let (summary, ended) = (over.clone(), call);
                let call = tokio::spawn(async move {
                    let result = ended.await;
                    summary.cancel();
                    result
                });
                if let Err(error) = window.run(move |input| keys.window(input)) {
                    self.line.print(&error.to_string());
                }
                let summary = runtime.block_on(call).ok().and_then(Result::ok).flatten();
                narrator_thread.join_by(now() + PATIENCE);
                return Ok(conclude(summary, gave_up, output, runtime));
            }
        }
        let summary = runtime.block_on(call).ok().flatten();
        over.cancel();
        if let Some((thread, control)) = screen_thread {
            control.close();
            thread.join_by(now() + PATIENCE);
            self.line.move_back();
        }
        narrator_thread.join_by(now() + PATIENCE);
        Ok(conclude(summary, gave_up, output, runtime))
    }
}

fn narrate(
    narrator: Narrator,
    told: std::sync::mpsc::Receiver<News>,
    clock: crate::media::Clock,
) -> Result<Thread, Refusal> {
    narrator
        .spawn(told, move || clock.now().since_epoch())
        .map_err(|error| failed("No thread could be started", &error))
}

/// Starts the thread that draws, once it is told to.
pub(super) fn spawn_screen(
    screen: media::TerminalScreen,
    started: std::sync::mpsc::Receiver<()>,
) -> Result<Thread, Refusal> {
    spawn_thread("terminal", move || {
        if started.recv().is_ok()
            && let Err(error) = screen.run()
        {
            tracing::warn!(%error, "the terminal shows nothing more");
        }
    })
    .map_err(|error| failed("No thread could be started", &error))
}

/// Says what it came to.
fn conclude(
    summary: Option<Summary>,
    gave_up: tokio::task::JoinHandle<bool>,
    output: &OutputArgs,
    runtime: &Runtime,
) -> Exit {
    let Some(summary) = summary else {
        return Exit::Interrupted;
    };
    gave_up.abort();
    let gave_up = runtime.block_on(gave_up).unwrap_or(false);
    let exit = match &summary.ended {
        _ if gave_up => Exit::CallFailed,
        Ended::Exchange(SignalingError::Interrupted) => Exit::Success,
        Ended::Exchange(_) => Exit::WrongBlob,
        ended if ended.is_normal() => Exit::Success,
        _ => Exit::CallFailed,
    };
    if gave_up {
        say("Nobody came in the time given with --wait.");
    } else if exit != Exit::Success || !output.quiet {
        say(&summary::words(&summary));
    }
    exit
}

/// Tells the narrator, and whoever waits for a state.
struct Teller {
    news: SyncSender<News>,
    state: watch::Sender<CallStateName>,
}

impl Observer for Teller {
    fn on_event(&self, event: &Event) {
        if let EventKind::State { state } = event.kind {
            self.state.send_replace(state);
        }
        if matches!(event.kind, EventKind::Ended { .. }) {
            self.state.send_replace(CallStateName::Ending);
        }
        let _ = self.news.try_send(News::Event(event.clone()));
    }
}

/// Hangs up when nobody has come within `wait`. Returns whether it did.
async fn give_up(
    wait: Option<Duration>,
    mut states: watch::Receiver<CallStateName>,
    controls: Controls,
) -> bool {
    let Some(wait) = wait else { return false };
    let connected = states.wait_for(|state| matches!(state, CallStateName::Connected | CallStateName::Ending));
    if tokio::time::timeout(wait, connected).await.is_ok() {
        return false;
    }
    controls.send(Control::HangUp).await;
    true
}

/// Obeys the lines that follow the blob on a standard input that is no terminal.
async fn obey(
    lines: Arc<Mutex<mpsc::Receiver<String>>>,
    mut states: watch::Receiver<CallStateName>,
    controls: Controls,
) {
    // Until the exchange is through, the lines belong to it.
    if states.wait_for(past_the_exchange).await.is_err() {
        return;
    }
    let mut lines = lines.lock().await;
    while let Some(line) = lines.recv().await {
        if line.trim() == "quit" {
            controls.send(Control::HangUp).await;
        }
    }
}

/// Whether the other side's blob has been read: an offerer then connects, an answerer waits.
fn past_the_exchange(state: &CallStateName) -> bool {
    !matches!(state, CallStateName::Describing)
}

/// Reads keys from the terminal, from the end of the exchange to the end of the call.
async fn listen(keys: KeyPress, mut states: watch::Receiver<CallStateName>, over: CancellationToken) {
    let connecting = |state: &CallStateName| {
        !matches!(state, CallStateName::Describing | CallStateName::AwaitingRemote)
    };
    if states.wait_for(connecting).await.is_err() {
        return;
    }
    match KeyReader::start(over.clone(), move |key| keys.pressed(key)) {
        Ok(reader) => {
            over.cancelled().await;
            let _ = tokio::task::spawn_blocking(move || reader.stop(now() + PATIENCE)).await;
        }
        Err(error) => tracing::warn!(%error, "no keys are read"),
    }
}

/// What keys do, wherever they are pressed.
#[derive(Clone)]
struct KeyPress {
    controls: Controls,
    interrupt: Interrupt,
    news: SyncSender<News>,
    runtime: tokio::runtime::Handle,
}

impl KeyPress {
    fn pressed(&self, key: Key) {
        let control = match key {
            Key::ToggleMicrophone => Control::ToggleMute(MediaKind::Audio),
            Key::ToggleCamera => Control::ToggleMute(MediaKind::Video),
            Key::HangUp => Control::HangUp,
            Key::Help => return _ = self.news.try_send(News::Help),
            Key::Interrupt => {
                let interrupt = self.interrupt.clone();
                self.runtime.spawn(async move { interrupt.happened().await });
                return;
            }
        };
        let controls = self.controls.clone();
        self.runtime.spawn(async move { controls.send(control).await });
    }

    #[cfg(feature = "window")]
    fn window(&self, input: crate::sink::window::WindowInput) {
        use crate::sink::window::WindowInput;
        match input {
            WindowInput::Key(character) => {
                if let Some(key) = Key::of_char(character) {
                    self.pressed(key);
                }
            }
            WindowInput::CloseRequested => self.pressed(Key::HangUp),
        }
    }
}
