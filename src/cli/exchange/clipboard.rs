//! The clipboard: the system's, or the terminal's where the system's is somebody else's.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};

/// What the environment says about clipboards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Surroundings {
    /// We were reached over ssh: the person's clipboard is at the other end.
    pub(in crate::cli) ssh: bool,
    /// There is a display.
    pub(in crate::cli) display: bool,
    /// The display speaks Wayland.
    pub(in crate::cli) wayland: bool,
    /// The terminal is tmux, which keeps a clipboard of its own.
    pub(in crate::cli) tmux: bool,
}

/// Ways to a clipboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The system's, which lives as long as this program does where the system is X11.
    System,
    /// The system's, through the program `wl-copy`: Wayland gives it only to who has a window.
    WlCopy,
    /// The terminal's, through tmux, which passes it on.
    Tmux,
    /// The terminal's, through a control sequence (OSC 52).
    Terminal,
}

impl Surroundings {
    /// Returns the ways to try, one after the other.
    fn ways(self) -> Vec<Way> {
        let mut ways = Vec::new();
        if self.display && !self.ssh {
            ways.extend(self.wayland.then_some(Way::WlCopy));
            ways.push(Way::System);
        }
        ways.extend(self.tmux.then_some(Way::Tmux));
        ways.push(Way::Terminal);
        ways
    }
}

/// Puts texts on the clipboard, and keeps them there while it lives.
pub(super) struct Clipboard {
    surroundings: Surroundings,
    /// Under X11 a clipboard's text is asked of who copied it, each time somebody pastes.
    owner: Option<arboard::Clipboard>,
}

impl Clipboard {
    pub(super) const fn new(surroundings: Surroundings) -> Self {
        Self { surroundings, owner: None }
    }

    /// Puts a text there. Returns the way that it went, `None` if there is none.
    pub(super) fn copy(&mut self, text: &str) -> Option<Way> {
        self.surroundings.ways().into_iter().find(|way| match self.take(*way, text) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(?way, %error, "not copied");
                false
            }
        })
    }

    fn take(&mut self, way: Way, text: &str) -> io::Result<()> {
        match way {
            Way::System => {
                let copied = arboard::Clipboard::new().and_then(|mut owner| {
                    owner.set_text(text)?;
                    Ok(owner)
                });
                self.owner = Some(copied.map_err(io::Error::other)?);
                Ok(())
            }
            Way::WlCopy => feed(&mut Command::new("wl-copy"), text),
            // Unlike the control sequence it works with tmux's own default of `set-clipboard`.
            Way::Tmux => feed(Command::new("tmux").args(["load-buffer", "-w", "-"]), text),
            Way::Terminal => {
                let sequence = osc_52(text, self.surroundings.tmux);
                if io::stderr().is_terminal() {
                    send(io::stderr(), &sequence)
                } else if io::stdout().is_terminal() {
                    send(io::stdout(), &sequence)
                } else {
                    Err(io::Error::other("no terminal"))
                }
            }
        }
    }
}

impl fmt::Debug for Clipboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clipboard").field("surroundings", &self.surroundings).finish_non_exhaustive()
    }
}

/// Gives a program something to read. One that works on in the background is not waited for.
fn feed(program: &mut Command, text: &str) -> io::Result<()> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let fed = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
    let status = child.wait()?;
    fed?;
    if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) }
}

fn send(mut terminal: impl Write, sequence: &str) -> io::Result<()> {
    terminal.write_all(sequence.as_bytes())?;
    terminal.flush()
}

/// Returns the control sequence by which a terminal takes a text into its clipboard. tmux gets it in
/// its own envelope, too: it heeds one or the other, or neither, as it is set up.
fn osc_52(text: &str, tmux: bool) -> String {
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    if tmux { format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_way_comes_first() {
        let nothing = Surroundings::default();
        let display = Surroundings { display: true, ..nothing };
        for (surroundings, ways) in [
            (nothing, vec![Way::Terminal]),
            (display, vec![Way::System, Way::Terminal]),
            (Surroundings { wayland: true, ..display }, vec![Way::WlCopy, Way::System, Way::Terminal]),
            (Surroundings { tmux: true, ..display }, vec![Way::System, Way::Tmux, Way::Terminal]),
            // A display that ssh forwards is not where the person copies and pastes.
            (Surroundings { ssh: true, ..display }, vec![Way::Terminal]),
            (Surroundings { ssh: true, tmux: true, ..nothing }, vec![Way::Tmux, Way::Terminal]),
        ] {
            assert_eq!(surroundings.ways(), ways, "{surroundings:?}");
        }
    }

    #[test]
    fn the_sequence_is_what_terminals_take() {
        assert_eq!(osc_52("hello", false), "\x1b]52;c;aGVsbG8=\x07");
        assert_eq!(osc_52("hello", true), "\x1b]52;c;aGVsbG8=\x07\x1bPtmux;\x1b\x1b]52;c;aGVsbG8=\x07\x1b\\");
    }
}
