//! Everything around a call that a person meets: screen, keys, signals, narrator.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
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
    args::OutputArgs,
    exchange,
    interrupt::{Interrupt, Signals},
    media::{Screen, TerminalScreen},
    narrator::{Narrator, News},
    record::Records,
};
use crate::{
    call::{Call, Control, Controls, Ended, Summary},
    media::{Clock, DescriptionKind, MediaKind, now},
    observe::{CallStateName, Event, EventKind, Observer},
    pipeline::{Thread, spawn_thread},
};

/// News that may wait for the narrator. **When full the newest is dropped**: nothing told may hurt
/// the call.
const NEWS: usize = 1024;

/// How long threads of the program are waited for at its end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Returns the runtime of the network. One worker: packets of a picture then leave in one go, while a second
/// worker would be woken for each of them.
pub(super) fn runtime() -> Result<Runtime, Refusal> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("network")
        .enable_all()
        .build()
        .map_err(|error| failed("The network cannot be used", &error))
}

fn failed(what: &str, error: &std::io::Error) -> Refusal {
    Refusal { exit: Exit::CallFailed, what: format!("{what}: {error}.") }
}

/// Lines of a standard input that is no terminal.
pub(super) type Lines = Arc<Mutex<mpsc::Receiver<String>>>;

/// What surrounds a call.
pub(super) struct Stage {
    pub(super) line: StatusLine,
    screen: Screen,
    clock: Clock,
    awaited: DescriptionKind,
    /// A person is to paste the other side's text into the terminal.
    pub(super) pasted: bool,
    /// Give up when nobody has come for so long.
    pub(super) wait: Option<Duration>,
    /// Where "quit" may come from; without it, keys come from the terminal.
    pub(super) lines: Option<Lines>,
}

impl Stage {
    /// Returns a stage for a call whose events count on `clock`.
    pub(super) fn new(screen: Screen, clock: Clock, awaited: DescriptionKind) -> Self {
        Self { line: StatusLine::stderr(), screen, clock, awaited, pasted: false, wait: None, lines: None }
    }

    /// Begins a call and stays with it to its end. Returns `None` if it was interrupted twice.
    pub(super) fn play(
        self,
        runtime: &Runtime,
        output: &OutputArgs,
        records: Records,
        begin: impl FnOnce(Vec<Arc<dyn Observer>>) -> Call,
    ) -> Result<Option<Summary>, Refusal> {
        let (news, told) = sync_channel(NEWS);
        let (state, states) = watch::channel(CallStateName::Describing);
        // Before anything is opened: who interrupts that is heard.
        let signals = Signals::new();
        let wants_steps = records.want_steps();
        let narrator = Narrator::new(output, records, self.line.clone(), self.awaited).waiting(self.wait, self.pasted);
        let call = begin(vec![Arc::new(Teller { news: news.clone(), state, wants_steps })]);
        let controls = call.controls();
        let interrupt = Interrupt::new(controls.clone());
        let over = CancellationToken::new();
        let keys = KeyPress {
            controls: controls.clone(),
            interrupt: interrupt.clone(),
            news,
            runtime: runtime.handle().clone(),
        };

        match signals {
            Ok(signals) => _ = tokio::spawn(interrupt.clone().watch(signals)),
            Err(error) => tracing::warn!(%error, "signals are not seen"),
        }
        match self.lines {
            Some(lines) => _ = tokio::spawn(obey(lines, states.clone(), controls.clone())),
            None if exchange::stdin_is_terminal() => {
                tokio::spawn(listen(keys.clone(), states.clone(), over.clone()));
            }
            None => {}
        }
        let gave_up = tokio::spawn(give_up(self.wait, states, controls));
        let done = over.clone();
        let ended = tokio::spawn(async move {
            let summary = tokio::select! {
                summary = call.ended() => Some(summary),
                () = interrupt.twice() => None,
            };
            done.cancel();
            summary
        });

        let clock = self.clock;
        let elapsed = move || clock.now().since_epoch();
        let narrating = |narrator: Narrator| {
            narrator.spawn(told, elapsed).map_err(|error| failed("No thread could be started", &error))
        };
        let narrator = match self.screen {
            Screen::None => narrating(narrator)?,
            Screen::Terminal(screen, control) => {
                let (start, started) = sync_channel(1);
                let (line, shown) = (self.line.clone(), control.clone());
                let narrator = narrating(narrator.on_connected(move || {
                    line.move_to(move |status| shown.set_status(status));
                    let _ = start.try_send(());
                }))?;
                let screen = spawn_screen(screen, started)?;
                runtime.block_on(over.cancelled());
                control.close();
                screen.join_by(now() + PATIENCE);
                narrator
            }
            #[cfg(feature = "window")]
            Screen::Window(window, control) => {
                let title = control.clone();
                let narrator = narrating(narrator.with_title(move |text| title.set_title(text)))?;
                let over = over.clone();
                tokio::spawn(async move {
                    over.cancelled().await;
                    control.close();
                });
                if let Err(error) = window.run(move |input| keys.window(input)) {
                    self.line.print(&error.to_string());
                }
                narrator
            }
        };
        let summary = runtime.block_on(ended).ok().flatten();
        narrator.join_by(now() + PATIENCE);
        self.line.move_back();
        gave_up.abort();
        let gave_up = runtime.block_on(gave_up).unwrap_or(false);
        Ok(summary.map(|summary| match gave_up {
            true => Summary { ended: Ended::Failed(NOBODY_CAME.into()), ..summary },
            false => summary,
        }))
    }
}

const NOBODY_CAME: &str = "Nobody came within the time given with --wait.";
/// Starts the thread that draws, once it is told to.
fn spawn_screen(screen: Box<TerminalScreen>, started: Receiver<()>) -> Result<Thread, Refusal> {
    spawn_thread("terminal", move || {
        if started.recv().is_ok()
            && let Err(error) = screen.run()
        {
            tracing::warn!(%error, "the terminal shows nothing more");
        }
    })
    .map_err(|error| failed("No thread could be started", &error))
}

/// Tells the narrator, and whoever waits for a state.
struct Teller {
    news: SyncSender<News>,
    state: watch::Sender<CallStateName>,
    wants_steps: bool,
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

    fn wants_steps(&self) -> bool {
        self.wants_steps
    }
}

/// Hangs up when nobody has come within `wait`. Returns whether it did.
async fn give_up(wait: Option<Duration>, mut states: watch::Receiver<CallStateName>, controls: Controls) -> bool {
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

/// Whether somebody has come: until then another offer may be read.
fn past_the_exchange(state: &CallStateName) -> bool {
    !matches!(state, CallStateName::Describing | CallStateName::AwaitingRemote)
}

/// Reads keys from the terminal, from the end of the exchange to the end of the call.
async fn listen(keys: KeyPress, mut states: watch::Receiver<CallStateName>, over: CancellationToken) {
    // Until somebody has come, what is typed belongs to the text they sent, or to another one.
    if states.wait_for(past_the_exchange).await.is_err() {
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
            Key::ConfirmWords => Control::ConfirmWords,
            Key::Help | Key::ToggleFigures => {
                // A narrator that lags behind has more to tell than that.
                let _ = self.news.try_send(if key == Key::Help { News::Help } else { News::ToggleFigures });
                return;
            }
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
