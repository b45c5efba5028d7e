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

/// Keys closer to each other than this belong together.
const GAP: Duration = Duration::from_millis(30);

/// Nobody types so many keys together.
const TYPED: usize = 8;

/// What a key means during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `m`: the microphone off or on.
    ToggleMicrophone,
    /// `v`: the camera off or on.
    ToggleCamera,
    /// `q`: the end.
    HangUp,
    /// `s`: figures of the call, shown or not.
    ToggleFigures,
    /// `y`: the words are the same on both sides.
    ConfirmWords,
    /// `?`: which keys there are.
    Help,
    /// Ctrl-C: the end, the second time at once. The terminal sends no signal for it in raw mode.
    Interrupt,
}

impl Key {
    /// Every key with what it does, for help.
    pub const HELP: &str = "m microphone · v camera · s figures · y same words · q hang up · ? keys";

    /// Returns what a character means, wherever it was typed: in the terminal or a window.
    pub const fn of_char(character: char) -> Option<Self> {
        match character {
            'm' | 'M' => Some(Self::ToggleMicrophone),
            'v' | 'V' => Some(Self::ToggleCamera),
            's' | 'S' => Some(Self::ToggleFigures),
            'y' | 'Y' => Some(Self::ConfirmWords),
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
    let mut burst = Burst::default();
    while !stop.is_cancelled() {
        let wait = if burst.length == 0 { POLL } else { GAP };
        match event::poll(wait).and_then(|some| if some { event::read().map(Some) } else { Ok(None) }) {
            Ok(Some(event)) => {
                if burst.push(&event) {
                    on_key(Key::Interrupt);
                }
            }
            Ok(None) => std::mem::take(&mut burst).typed().into_iter().for_each(&mut on_key),
            Err(error) => {
                tracing::warn!(%error, "no more keys can be read");
                return;
            }
        }
    }
}

/// Keys that came together. A terminal that does not bracket pastes gives a text pasted by mistake as
/// keys, and there is a `q` in almost every text.
#[derive(Debug, Default)]
struct Burst {
    keys: Vec<Key>,
    length: usize,
}

impl Burst {
    /// Takes an event. Returns whether it is to end the call, which is never put off.
    fn push(&mut self, event: &Event) -> bool {
        let key = Key::of_event(event);
        if key == Some(Key::Interrupt) {
            return true;
        }
        self.length += usize::from(matches!(event, Event::Key(_)));
        if self.length <= TYPED {
            self.keys.extend(key);
        }
        false
    }

    /// Returns the keys if they were typed.
    fn typed(self) -> Vec<Key> {
        if self.length <= TYPED { self.keys } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_text_is_no_keys() {
        let burst = |text: &str| {
            let mut burst = Burst::default();
            for character in text.chars() {
                let event = KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE);
                assert!(!burst.push(&Event::Key(event)));
            }
            burst.typed()
        };
        assert_eq!(burst("mq"), [Key::ToggleMicrophone, Key::HangUp]);
        assert_eq!(burst("p2pcall1mvq"), []);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert!(Burst::default().push(&Event::Key(interrupt)));
    }

    #[test]
    fn keys_mean_what_the_help_says() {
        let plain = KeyModifiers::NONE;
        for (code, modifiers, expected) in [
            (KeyCode::Char('m'), plain, Some(Key::ToggleMicrophone)),
            (KeyCode::Char('M'), KeyModifiers::SHIFT, Some(Key::ToggleMicrophone)),
            (KeyCode::Char('v'), plain, Some(Key::ToggleCamera)),
            (KeyCode::Char('q'), plain, Some(Key::HangUp)),
            (KeyCode::Char('s'), plain, Some(Key::ToggleFigures)),
            (KeyCode::Char('y'), plain, Some(Key::ConfirmWords)),
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
