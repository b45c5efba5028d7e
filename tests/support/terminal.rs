//! The program in a real pseudo-terminal, with the kernel's line discipline.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use p2pcall::{media::now, pipeline::spawn_thread};
use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcgetattr, tcsetwinsize},
};

/// However slow the machine: by then it has happened or never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the program sends to the terminal once it takes pastes whole: raw mode is on by then.
pub(crate) const PASTES_WELCOME: &str = "\x1b[?2004h";

/// What the program sends when it takes no more pastes.
const PASTES_OVER: &str = "\x1b[?2004l";

/// What the program sends to take its status line away.
const LINE_CLEARED: &str = "\r\x1b[K";

/// A terminal with a p2pcall in it. Killed when dropped.
pub(crate) struct Terminal {
    keyboard: File,
    /// Kept open, to look at the modes, and so that reading does not fail when the program ends.
    line: OwnedFd,
    child: Child,
    screen: Arc<Screen>,
    /// The modes before the program began.
    modes: String,
    /// So much of what was shown has been looked at.
    seen: usize,
}

#[derive(Default)]
struct Screen {
    bytes: Mutex<Vec<u8>>,
    changed: Condvar,
}

impl Terminal {
    /// Starts the program with these variables set.
    pub(crate) fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&keyboard).and_then(|()| unlockpt(&keyboard)).expect("it is ours");
        let name = ptsname(&keyboard, Vec::new()).expect("it has a name");
        let line = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("the other end");
        let size = Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&line, size).expect("a size");
        let modes = modes(&line);

        let end = || line.try_clone().expect("a handle more");
        let mut command = Command::new(env!("CARGO_BIN_EXE_p2pcall"));
        command.args(args).stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm-256color");
        for variable in ["DISPLAY", "WAYLAND_DISPLAY", "TMUX", "SSH_TTY", "SSH_CONNECTION", "NO_COLOR"] {
            command.env_remove(variable);
        }
        let child = command.envs(variables.iter().copied()).spawn().expect("the program starts");
        // With the command go our handles on the line.
        drop(command);

        let keyboard = File::from(keyboard);
        let screen = Arc::new(Screen::default());
        let (mut from, to) = (keyboard.try_clone().expect("a handle more"), screen.clone());
        spawn_thread("test-screen", move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                to.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..length]);
                to.changed.notify_all();
            }
        })
        .expect("a thread");
        Self { keyboard, line, child, screen, modes, seen: 0 }
    }

    /// Waits until these words were shown, after those that were waited for before.
    pub(crate) fn shows(&mut self, words: &str) {
        let seen = self.seen;
        self.seen = self.wait(words, |bytes| {
            let place = bytes[seen..].windows(words.len()).position(|window| window == words.as_bytes())?;
            Some(seen + place + words.len())
        });
    }

    fn wait<T>(&self, what: &str, looked_for: impl Fn(&[u8]) -> Option<T>) -> T {
        let deadline = now() + PATIENCE;
        let mut bytes = self.screen.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = looked_for(&bytes) {
                return found;
            }
            let left = deadline.saturating_duration_since(now());
            assert!(!left.is_zero(), "{what:?} is not in {:?}", String::from_utf8_lossy(&bytes));
            bytes = self.screen.changed.wait_timeout(bytes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns everything that was shown.
    pub(crate) fn everything(&self) -> String {
        String::from_utf8_lossy(&self.screen.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Returns the lines that were shown, without what was taken away again.
    pub(crate) fn lines(&self) -> Vec<String> {
        let left = |line: &str| line.rsplit(LINE_CLEARED).next().unwrap_or_default().to_owned();
        self.everything().lines().map(left).collect()
    }

    /// Types, or pastes without brackets.
    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("a line to the program");
    }

    /// Pastes as terminals do that bracket.
    pub(crate) fn pastes(&mut self, text: &str) {
        self.types(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Waits for the end, and returns the exit code. The terminal is as it was before.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let status = self.child.wait().expect("it is a child of ours");
        assert_eq!(modes(&self.line), self.modes, "the terminal was left in another mode");
        // The last words of the program may still be on their way to us.
        self.wait("the end of bracketed pastes", |bytes| {
            let last = |words: &str| bytes.windows(words.len()).rposition(|window| window == words.as_bytes());
            (last(PASTES_WELCOME) < last(PASTES_OVER)).then_some(())
        });
        status.code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already, if all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn modes(line: &OwnedFd) -> String {
    format!("{:?}", tcgetattr(line).expect("a terminal has modes"))
}
