//! Tells the person, and the file of events, what happens.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, SystemTime},
};

use super::{
    Key, StatusInput, StatusLine, acquaintance::Acquaintances, args::OutputArgs, config, figures::figures,
    record::Records, render, when,
};
use crate::{
    media::{DescriptionKind, MediaKind, wall_clock},
    observe::{CallStateName, Event, EventKind, StatsReport},
    pipeline::{Thread, spawn_thread},
    signaling::LIFETIME,
};

/// The status line is drawn again this often.
const REFRESH: Duration = Duration::from_millis(500);

/// On a screen with one line for words, what was told stays so long before the status takes its place.
const STAYS: Duration = Duration::from_secs(3);

/// Loss is told over so many seconds.
const RECENT: usize = 5;

/// Changes a window's title.
type ShowTitle = Box<dyn Fn(&str) + Send>;

/// What the narrator hears.
pub(super) enum News {
    /// Something happened in the call.
    Event(Event),
    /// The person wants to know the keys.
    Help,
    /// The person wants to see the figures, or no more.
    ToggleFigures,
}

/// Tells what happens. Runs on a thread of its own, so that a slow terminal holds nothing up.
pub(super) struct Narrator {
    pub(super) line: StatusLine,
    quiet: bool,
    verbose: bool,
    colour: bool,
    records: Records,
    awaited: DescriptionKind,
    /// A person is to paste the other side's text into the terminal.
    pasted: bool,
    /// When the person's patience ends, if they said so.
    patience: Option<SystemTime>,
    /// Until when our description can be of use, as the time of day.
    until: Option<String>,
    state: CallStateName,
    /// Time of the newest event, since the start; and when the state was entered.
    entered: Duration,
    connected: Option<Duration>,
    reports: VecDeque<StatsReport>,
    muted: [bool; 2],
    /// Whether a screen with one line for words takes the terminal when the call is connected.
    screen: bool,
    /// Since when what was told last stands there.
    told: Option<Duration>,
    /// Also shown elsewhere: a window's title.
    title: Option<ShowTitle>,
    /// Who was called before.
    acquaintances: Acquaintances,
    /// Whether the figures stand below the status.
    figures: bool,
    /// What is to be done when the call is connected, once: the screen appears.
    on_connected: Option<Box<dyn FnOnce() + Send>>,
}

impl Narrator {
    pub(super) fn new(output: &OutputArgs, records: Records, line: StatusLine, awaited: DescriptionKind) -> Self {
        Self {
            line,
            quiet: output.quiet,
            verbose: output.verbose > 0,
            colour: config::colour(),
            records,
            awaited,
            pasted: false,
            patience: None,
            until: None,
            state: CallStateName::Describing,
            entered: Duration::ZERO,
            connected: None,
            reports: VecDeque::with_capacity(RECENT + 1),
            muted: [false; 2],
            screen: false,
            told: None,
            title: None,
            acquaintances: Acquaintances::new(),
            figures: false,
            on_connected: None,
        }
    }

    /// Tells how long is waited, from now on, and whether a person is to paste something.
    pub(super) fn waiting(mut self, wait: Option<Duration>, pasted: bool) -> Self {
        self.patience = wait.and_then(|wait| wall_clock().checked_add(wait));
        self.pasted = pasted;
        self
    }

    /// Shows the status in the title of a window, too.
    #[cfg(feature = "window")]
    pub(super) fn with_title(mut self, title: impl Fn(&str) + Send + 'static) -> Self {
        self.title = Some(Box::new(title));
        self
    }

    /// Does something when the call is connected for the first time.
    pub(super) fn on_connected(mut self, act: impl FnOnce() + Send + 'static) -> Self {
        self.on_connected = Some(Box::new(act));
        self.screen = true;
        self
    }

    /// Starts the thread `narrator`; it ends with the call or when nobody tells anything any more.
    /// `clock` tells the time since the call's start.
    pub(super) fn spawn(
        mut self,
        news: Receiver<News>,
        clock: impl Fn() -> Duration + Send + 'static,
    ) -> std::io::Result<Thread> {
        spawn_thread("narrator", move || {
            loop {
                match news.recv_timeout(REFRESH) {
                    Ok(News::Event(event)) => {
                        self.records.take(&event, &self.line);
                        let over = matches!(event.kind, EventKind::Ended { .. });
                        self.take(event);
                        if over {
                            break;
                        }
                    }
                    Ok(News::ToggleFigures) => self.figures = !self.figures,
                    Ok(News::Help) => self.print(&format!("Keys: {}", Key::HELP), clock()),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                self.draw(clock());
            }
            self.line.set("");
        })
    }

    fn take(&mut self, event: Event) {
        let words = match &event.kind {
            EventKind::RemoteName { name, fingerprint } => Some(self.acquaintances.meet(name, fingerprint)),
            EventKind::WordsConfirmed => Some(self.acquaintances.confirm()),
            kind => self.words(kind),
        };
        if let Some(words) = words {
            self.print(&words, event.at);
        }
        match event.kind {
            EventKind::State { state } => {
                self.state = state;
                self.entered = event.at;
                if state == CallStateName::Connected && self.connected.is_none() {
                    self.connected = Some(event.at);
                    if let Some(act) = self.on_connected.take() {
                        act();
                    }
                }
            }
            EventKind::LocalDescription { .. } => {
                let end = wall_clock() + LIFETIME;
                let end = self.patience.map_or(end, |patience| patience.min(end));
                self.until = Some(when::time_of_day(end, &when::here()));
            }
            EventKind::Stats(report) => {
                if self.reports.len() > RECENT {
                    self.reports.pop_front();
                }
                self.reports.push_back(*report);
            }
            EventKind::Muted { kind, remote: false, muted } => self.muted[kind as usize] = muted,
            _ => {}
        }
    }

    fn print(&mut self, words: &str, at: Duration) {
        if !self.quiet {
            self.line.print(words);
            self.told = (self.screen && self.connected.is_some()).then_some(at);
        }
    }

    fn draw(&self, at: Duration) {
        let since = match (self.state, self.connected) {
            (CallStateName::Connected | CallStateName::Interrupted, Some(connected)) => connected,
            _ => self.entered,
        };
        let status = render(&StatusInput {
            state: self.state,
            elapsed: at.saturating_sub(since),
            awaited: self.awaited,
            until: self.until.as_deref(),
            pasted: self.pasted,
            stats: self.reports.back(),
            earlier: self.reports.front(),
            microphone_off: self.muted[MediaKind::Audio as usize],
            camera_off: self.muted[MediaKind::Video as usize],
            colour: self.colour,
        });
        let stays = self.told.is_some_and(|told| at.saturating_sub(told) < STAYS);
        if !self.quiet && !stays {
            self.line.set(&self.with_figures(&status));
        }
        if let Some(title) = &self.title {
            title(&format!("p2pcall · {status}"));
        }
    }

    /// Returns the status with the figures below it, if the person wants to see them.
    fn with_figures(&self, status: &str) -> String {
        match self.reports.back().filter(|_| self.figures) {
            Some(report) => {
                let earlier = self.reports.front().filter(|_| self.reports.len() > 1);
                format!("{status}\n{}", figures(report, earlier))
            }
            None => status.to_owned(),
        }
    }

    /// Returns what a person is told of an event, if anything.
    fn words(&self, event: &EventKind) -> Option<String> {
        Some(match event {
            EventKind::GatheringIncomplete => {
                "No STUN or TURN server answered in time: the other side may not find a way here from another network."
                    .into()
            }
            EventKind::MappingChanged => "Your public address has changed.".into(),
            EventKind::NetworkChanged => "You are in another network now.".into(),
            EventKind::NetworkGone => {
                "There is no network at the moment. If it comes back with another address, you get a new text to send."
                    .into()
            }
            EventKind::Ignored { what } | EventKind::SymmetricNat { what } => what.clone(),
            EventKind::Obstructed { what, .. } => format!("No connection yet. {what}"),
            EventKind::RelayFailed { server, reason } => format!("The TURN server {server}: {reason}"),
            EventKind::SourceOpened { kind: MediaKind::Video, what } => format!("Your picture: {what}."),
            EventKind::SourceOpened { kind: MediaKind::Audio, what } if self.verbose => format!("Your sound: {what}."),
            EventKind::SourceFailed { kind, what } => format!("{what} The call goes on without your {kind}."),
            EventKind::NotTaken { kind: MediaKind::Video } => {
                "The other side takes no picture, or neither H.264 nor VP8: it does not see you. The call goes on with sound."
                    .into()
            }
            EventKind::NotTaken { kind: MediaKind::Audio } => {
                "The other side takes no sound, or no Opus: it does not hear you. The call goes on.".into()
            }
            EventKind::SinkFailed { kind: MediaKind::Video, what } => {
                format!("{what} The call goes on; you do not see the other side.")
            }
            EventKind::SinkFailed { kind: MediaKind::Audio, what } => {
                format!("{what} The call goes on; you do not hear the other side.")
            }
            EventKind::State { state } => match (state, self.state) {
                (CallStateName::Connecting, _) => "Connecting.".into(),
                (CallStateName::Connected, CallStateName::Interrupted) => "Connected again.".into(),
                (CallStateName::Connected, _) => format!("Connected. Keys: {}", Key::HELP),
                (CallStateName::Interrupted, _) => {
                    "Nothing comes from the other side. Waiting a few seconds for it to come back.".into()
                }
                _ => return None,
            },
            EventKind::VerificationWords { words } => format!(
                "Compare these words with the other person: {words}\nIf they are the same press y. If not, somebody is \
                 between you: hang up."
            ),
            EventKind::VerificationFailed { what } => format!("WARNING: {what}"),
            EventKind::SafetyNumber { digits, suspicious: false } => format!(
                "The other side's program has no words to compare. Who has to be sure compares this number: {digits}"
            ),
            EventKind::SafetyNumber { digits, suspicious: true } => format!(
                "WARNING: The other side should have words to compare, and says nothing of them: somebody may be between \
                 you. Compare this number with theirs: {digits}"
            ),
            EventKind::MachineTooSlow { format } => {
                format!("This machine is too busy to encode your picture in full: it goes out as {format}.")
            }
            EventKind::PictureSize { size } if self.verbose => format!("The other side's picture: {size}."),
            EventKind::Muted { kind, remote, muted } => {
                let (who, device) = (if *remote { "The other side" } else { "You" }, device(*kind));
                format!("{who} switched the {device} {}.", if *muted { "off" } else { "on" })
            }
            EventKind::PicturePaused { remote: false, paused: true } => {
                "The line is too narrow for your picture: the other side only hears you for now.".into()
            }
            EventKind::PicturePaused { remote: false, paused: false } => "Your picture is sent again.".into(),
            EventKind::PicturePaused { remote: true, paused: true } => {
                "The other side's line is too narrow for its picture: the last one stays, the sound goes on.".into()
            }
            EventKind::PicturePaused { remote: true, paused: false } => "The other side's picture is back.".into(),
            EventKind::ThreadLost { thread } => format!("p2pcall's part '{thread}' did not end as it should."),
            _ => return None,
        })
    }
}

const fn device(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "microphone",
        MediaKind::Video => "camera",
    }
}
