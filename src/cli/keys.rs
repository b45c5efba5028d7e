//! The keys of a call.

use std::{
    io,
    time::{Duration, Instant},
};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio_util::sync::CancellationToken;

use super::RawTerminal;
use crate::pipeline::{Outcome, Thread, spawn_thread};

/// How long a reader that is told to stop may not notice.
const POLL: Duration = Duration::from_millis(100);

/// What a key means during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `m`: the microphone off or on.
    ToggleMicrophone,
    /// `v`: the camera off or on.
    ToggleCamera,
    /// `q`: the end.
    HangUp,
    /// `?`: which keys there are.
    Help,
    /// Ctrl-C: the end, the second time at once. The terminal sends no signal for it in raw mode.
    Interrupt,
}

impl Key {
    /// Every key with what it does, for help.
    pub const HELP: &str = "m microphone · v camera · q hang up · ? keys";

    /// Returns what a character means, wherever it was typed: in the terminal or a window.
    pub const fn of_char(character: char) -> Option<Self> {
        match character {
            'm' | 'M' => Some(Self::ToggleMicrophone),
            'v' | 'V' => Some(Self::ToggleCamera),
            'q' | 'Q' => Some(Self::HangUp),
            '?' => Some(Self::Help),
            _ => None,
        }
    }

    /// Returns what happened at the terminal means.
    fn of_event(event: &Event) -> Option<Self> {
        let Event::Key(KeyEvent { code: KeyCode::Char(character), modifiers, kind: KeyEventKind::Press, .. }) = event
        else {
            return None;
        };
        match *modifiers - KeyModifiers::SHIFT {
            KeyModifiers::NONE => Self::of_char(*character),
            KeyModifiers::CONTROL if matches!(character, 'c' | 'C') => Some(Self::Interrupt),
            _ => None,
        }
    }
}

/// Reads keys from the terminal on a thread of its own, until told to stop.
#[derive(Debug)]
pub struct KeyReader {
    thread: Option<Thread>,
    stop: CancellationToken,
    _terminal: RawTerminal,
}

impl KeyReader {
    /// Begins to read, in raw mode; without a terminal there is nothing to read. Ends when `stop`
    /// is cancelled. `on_key` must not wait for long: keys meanwhile stay in the terminal.
    ///
    /// # Errors
    /// If the terminal refuses, or the system has no thread to give.
    pub fn start(stop: CancellationToken, on_key: impl FnMut(Key) + Send + 'static) -> io::Result<Self> {
        let terminal = RawTerminal::enter()?;
        let told = stop.clone();
        let thread = terminal.is_active().then(|| spawn_thread("keys", move || read(&told, on_key))).transpose()?;
        Ok(Self { thread, stop, _terminal: terminal })
    }

    /// Stops reading, waits for the thread until `deadline` and restores the terminal.
    pub fn stop(mut self, deadline: Instant) -> Outcome {
        self.stop.cancel();
        self.thread.take().map_or(Outcome::Returned, |thread| thread.join_by(deadline))
    }
}

fn read(stop: &CancellationToken, mut on_key: impl FnMut(Key)) {
    while !stop.is_cancelled() {
        match event::poll(POLL).and_then(|some| if some { event::read().map(Some) } else { Ok(None) }) {
            Ok(Some(event)) => {
                if let Some(key) = Key::of_event(&event) {
                    on_key(key);
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "no more keys can be read");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        let plain = KeyModifiers::NONE;
        for (code, modifiers, expected) in [
            (KeyCode::Char('m'), plain, Some(Key::ToggleMicrophone)),
            (KeyCode::Char('M'), KeyModifiers::SHIFT, Some(Key::ToggleMicrophone)),
            (KeyCode::Char('v'), plain, Some(Key::ToggleCamera)),
            (KeyCode::Char('q'), plain, Some(Key::HangUp)),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, Some(Key::Help)),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Key::Interrupt)),
            (KeyCode::Char('c'), plain, None),
            (KeyCode::Char('m'), KeyModifiers::CONTROL, None),
            (KeyCode::Char('q'), KeyModifiers::ALT, None),
            (KeyCode::Esc, plain, None),
            (KeyCode::Enter, plain, None),
        ] {
            let event = Event::Key(KeyEvent::new(code, modifiers));
            assert_eq!(Key::of_event(&event), expected, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn releases_and_pastes_are_no_keys() {
        let release = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        for event in [Event::Key(release), Event::Paste("q".into()), Event::FocusLost] {
            assert_eq!(Key::of_event(&event), None, "{event:?}");
        }
    }
}
