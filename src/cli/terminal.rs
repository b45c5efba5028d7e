//! The terminal that keys come from.

use std::{
    io::{self, IsTerminal, Write},
    panic,
    sync::{Mutex, MutexGuard, Once, PoisonError},
    thread::{self, ThreadId},
};

use crossterm::{
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute, terminal,
};

/// While one of these lives, keys arrive at once, unechoed and without a limit on a line's length,
/// and pastes arrive whole (raw mode, bracketed paste).
///
/// They nest: the last one dropped restores the terminal. So does a panic on the thread that made
/// the first one. Does nothing if standard input is no terminal. Output keeps its meaning: `\n`
/// still begins a line.
#[derive(Debug)]
pub struct RawTerminal {
    /// Whether standard input is a terminal.
    active: bool,
}

impl RawTerminal {
    /// Switches the terminal over, unless it is already.
    ///
    /// # Errors
    /// If the terminal refuses.
    pub fn enter() -> io::Result<Self> {
        if !io::stdin().is_terminal() {
            return Ok(Self { active: false });
        }
        restore_on_panic();
        let mut held = held();
        if held.count == 0 {
            terminal::enable_raw_mode()?;
            keep_line_ends()?;
            // A terminal without bracketed paste ignores it.
            let _ = control_terminal(true);
            held.owner = Some(thread::current().id());
        }
        held.count += 1;
        Ok(Self { active: true })
    }

    /// Returns whether keys can be read: standard input is a terminal.
    pub const fn is_active(&self) -> bool {
        self.active
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if !self.active {
            return;
        }
        let mut held = held();
        held.count = held.count.saturating_sub(1);
        if held.count == 0 && held.owner.take().is_some() {
            restore();
        }
    }
}

/// While this lives, a panic on the thread that made it first leaves the screen that another thread
/// shows: otherwise the message would vanish with the screen, or the screen stay for ever.
#[derive(Debug)]
pub struct LeaveOnPanic(());

impl LeaveOnPanic {
    /// Takes what leaves the screen and returns when that is done, such as
    /// [`TerminalControl::close_and_wait`](crate::sink::terminal::TerminalControl::close_and_wait).
    pub fn new(leave: impl Fn() + Send + 'static) -> Self {
        restore_on_panic();
        held().screen = Some((thread::current().id(), Box::new(leave)));
        Self(())
    }
}

impl Drop for LeaveOnPanic {
    fn drop(&mut self) {
        held().screen = None;
    }
}

/// Who holds the one terminal of a program.
struct Held {
    count: usize,
    /// Who switched it; `None` once it is restored.
    owner: Option<ThreadId>,
    /// Who shows a screen, and how it is left.
    screen: Option<(ThreadId, Box<dyn Fn() + Send>)>,
}

fn held() -> MutexGuard<'static, Held> {
    static HELD: Mutex<Held> = Mutex::new(Held { count: 0, owner: None, screen: None });
    // A count is never half changed.
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Restores before a panic's message is printed. Other threads than the owner may panic and be
/// survived: the call then goes on and still needs its keys.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            {
                let mut held = held();
                if let Some((_, leave)) = held.screen.take_if(|(owner, _)| *owner == thread::current().id()) {
                    leave();
                }
                if held.owner == Some(thread::current().id()) {
                    held.owner = None;
                    restore();
                }
            }
            next(info);
        }));
    });
}

fn restore() {
    // Nothing can be done about a terminal that has gone.
    let _ = control_terminal(false);
    let _ = terminal::disable_raw_mode();
}

/// Switches bracketed paste, on whichever stream leads to the terminal.
fn control_terminal(on: bool) -> io::Result<()> {
    fn send(mut out: impl Write, on: bool) -> io::Result<()> {
        if on { execute!(out, EnableBracketedPaste) } else { execute!(out, DisableBracketedPaste) }
    }
    if io::stderr().is_terminal() {
        send(io::stderr(), on)
    } else if io::stdout().is_terminal() {
        send(io::stdout(), on)
    } else {
        Ok(())
    }
}

/// Raw mode also takes the carriage return from each `\n` written, to the harm of everyone who
/// prints a line meanwhile. Gives it back.
#[cfg(unix)]
fn keep_line_ends() -> io::Result<()> {
    use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcsetattr};

    let stdin = io::stdin();
    let mut modes = tcgetattr(&stdin)?;
    modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    tcsetattr(&stdin, OptionalActions::Now, &modes)?;
    Ok(())
}

#[cfg(not(unix))]
fn keep_line_ends() -> io::Result<()> {
    Ok(())
}
