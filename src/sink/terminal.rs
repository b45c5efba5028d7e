//! The terminal as a screen: pictures in half blocks, one line of words below them.
//!
//! It splits in two like the window: halves for the call, and a [`TerminalScreen`] that a thread of
//! its own runs. Output that lags behind costs pictures, never memory: the newest wins.

mod cells;
mod still;

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use self::cells::Painter;
pub use self::{cells::Colours, still::still};
use super::{SinkError, VideoSink};
use crate::media::{Slot, Taken, VideoFrame, now};

/// The time between two pictures at least: a terminal takes some 200 kB for each.
const INTERVAL: Duration = Duration::from_millis(83);
/// How long a change of the terminal's size may go unnoticed while nothing else happens.
const IDLE: Duration = Duration::from_millis(250);

/// Alternate screen, no cursor, no wrapping at the edge, cleared.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
/// The reverse, and the end of a synchronized update that may have been cut short.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// What the call holds of a terminal.
#[derive(Debug)]
pub struct TerminalParts {
    /// Takes the other side's pictures: as large as the terminal lets them be.
    pub picture: TerminalSink,
    /// Takes our own pictures, shown mirrored in the lower right corner.
    pub preview: TerminalSink,
    /// Changes the words below the picture, and ends the screen.
    pub control: TerminalControl,
}

/// Takes pictures for the terminal, at most twelve a second of which are drawn. The newest wins.
#[derive(Debug)]
pub struct TerminalSink {
    frames: Slot<Option<VideoFrame>>,
    changed: Slot<()>,
}

impl VideoSink for TerminalSink {
    fn show(&mut self, frame: VideoFrame) -> Result<(), SinkError> {
        if !self.frames.put(Some(frame)) {
            return Err(SinkError::Ended("the terminal takes no more pictures".into()));
        }
        self.changed.put(());
        Ok(())
    }

    /// Takes the last picture away. The screen stays: [`TerminalControl::close`] ends it.
    fn finish(&mut self) {
        self.frames.put(None);
        self.changed.put(());
    }
}

/// Changes a terminal's screen from any thread. Without effect once the screen has ended.
#[derive(Clone, Debug)]
pub struct TerminalControl {
    status: Arc<Mutex<String>>,
    changed: Slot<()>,
    ended: Slot<()>,
    left: Slot<()>,
}

impl TerminalControl {
    /// Changes the words in the last row. They are cut to the terminal's width; control characters
    /// are left out.
    pub fn set_status(&self, words: &str) {
        let words = words.chars().filter(|character| !character.is_control()).collect();
        *self.status.lock().expect("the lock is never held across a panic") = words;
        self.changed.put(());
    }

    /// Ends [`TerminalScreen::run`], also if that has not begun.
    pub fn close(&self) {
        self.ended.close();
        self.changed.close();
    }

    /// Ends it and waits, `timeout` at most, until the terminal is as it was.
    pub fn close_and_wait(&self, timeout: Duration) {
        self.close();
        self.left.take(timeout);
    }
}

/// The half of a terminal that draws.
pub struct TerminalScreen<W, S> {
    out: W,
    size: S,
    painter: Painter,
    picture: Slot<Option<VideoFrame>>,
    preview: Slot<Option<VideoFrame>>,
    control: TerminalControl,
}

impl<W, S> TerminalScreen<W, S>
where
    W: Write + Send,
    S: Fn() -> (u16, u16) + Send,
{
    /// Returns both halves. `out` is the terminal, `size` tells its present columns and rows.
    ///
    /// Nothing is written before [`TerminalScreen::run`].
    pub fn new(out: W, size: S, colours: Colours) -> (TerminalParts, Self) {
        let changed = Slot::new();
        let sink = || TerminalSink { frames: Slot::new(), changed: changed.clone() };
        let (picture, preview) = (sink(), sink());
        let control =
            TerminalControl { status: Arc::default(), changed: changed.clone(), ended: Slot::new(), left: Slot::new() };
        let screen = Self {
            out,
            size,
            painter: Painter::new(colours),
            picture: picture.frames.clone(),
            preview: preview.frames.clone(),
            control: control.clone(),
        };
        (TerminalParts { picture, preview, control }, screen)
    }

    /// Draws until [`TerminalControl::close`], then leaves the terminal as it was. Blocks.
    ///
    /// # Errors
    /// If the terminal takes no more output.
    pub fn run(self) -> Result<(), SinkError> {
        let Self { out, size, mut painter, picture, preview, control } = self;
        let _ends = EndsWithScreen { frames: [picture.clone(), preview.clone()], left: control.left.clone() };
        let lost = |error: io::Error| SinkError::Ended(format!("the terminal takes no more output: {error}"));
        let mut screen = Entered::new(out).map_err(lost)?;
        let mut bytes = Vec::new();
        // What was put before the first picture is drawn at once.
        let mut next: Instant = now();
        loop {
            if control.ended.take(next.saturating_duration_since(now())) == Taken::Closed {
                return Ok(());
            }
            next = now() + INTERVAL;
            if let Some(frame) = picture.try_take() {
                painter.set_picture(frame);
            }
            if let Some(frame) = preview.try_take() {
                painter.set_preview(frame);
            }
            bytes.clear();
            let status = control.status.lock().expect("the lock is never held across a panic").clone();
            painter.paint(size(), &status, &mut bytes);
            screen.write(&bytes).map_err(lost)?;
            control.changed.take(IDLE);
        }
    }
}

impl<W, S> fmt::Debug for TerminalScreen<W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalScreen").finish_non_exhaustive()
    }
}

/// Without the screen the sinks take nothing more, and nobody waits for its end.
struct EndsWithScreen {
    frames: [Slot<Option<VideoFrame>>; 2],
    left: Slot<()>,
}

impl Drop for EndsWithScreen {
    fn drop(&mut self) {
        self.frames.iter().for_each(Slot::close);
        self.left.close();
    }
}

/// A terminal that shows our screen: restored when dropped, also by a panic.
struct Entered<W: Write>(W);

impl<W: Write> Entered<W> {
    fn new(out: W) -> io::Result<Self> {
        let mut entered = Self(out);
        entered.write(ENTER)?;
        Ok(entered)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.0.write_all(bytes)?;
        self.0.flush()
    }
}

impl<W: Write> Drop for Entered<W> {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        let _ = self.write(LEAVE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{MediaTime, Size};

    /// Keeps each write; fails after so many.
    #[derive(Clone, Default)]
    struct Writes {
        seen: Arc<Mutex<Vec<Vec<u8>>>>,
        fail_after: Option<usize>,
    }

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut seen = self.seen.lock().expect("no panic");
            if self.fail_after.is_some_and(|limit| seen.len() >= limit) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            seen.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn frame() -> VideoFrame {
        VideoFrame::grey(MediaTime::ZERO, Size::new(4, 4).expect("in range"), 235)
    }

    #[test]
    fn the_terminal_is_entered_drawn_to_and_restored() {
        let out = Writes::default();
        let seen = out.seen.clone();
        // Closing while the first picture is drawn: the screen asks for the size just then.
        let closing: Arc<Mutex<Option<TerminalControl>>> = Arc::default();
        let at_first_picture = closing.clone();
        let size = move || {
            if let Some(control) = at_first_picture.lock().expect("no panic").take() {
                control.close();
            }
            (4, 3)
        };
        let (mut parts, screen) = TerminalScreen::new(out, size, Colours::True);
        parts.picture.show(frame()).expect("open");
        parts.control.set_status("hello\x1b[2J");
        *closing.lock().expect("no panic") = Some(parts.control.clone());
        screen.run().expect("no error");

        let seen = seen.lock().expect("no panic");
        assert_eq!(seen.len(), 3, "one write a picture");
        assert_eq!((&*seen[0], &*seen[2]), (ENTER, LEAVE));
        let picture = String::from_utf8_lossy(&seen[1]);
        assert!(picture.contains("\x1b[48;2;255;255;255m"), "{picture:?}");
        assert!(picture.contains("hell\x1b") && !picture.contains("hello"), "the words are cut: {picture:?}");
        assert!(parts.preview.show(frame()).is_err(), "the screen has ended");
        parts.control.close_and_wait(Duration::MAX);
    }

    #[test]
    fn a_panic_restores_the_terminal() {
        let out = Writes::default();
        let seen = out.seen.clone();
        let (_parts, screen) = TerminalScreen::new(out, || panic!("on purpose"), Colours::True);
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| screen.run()));
        assert!(run.is_err());
        assert_eq!(seen.lock().expect("no panic").last().map(Vec::as_slice), Some(LEAVE));
    }

    #[test]
    fn a_closed_terminal_ends_the_sinks() {
        let (mut parts, screen) =
            TerminalScreen::new(Writes { fail_after: Some(1), ..Writes::default() }, || (4, 3), Colours::True);
        assert!(matches!(screen.run(), Err(SinkError::Ended(_))));
        assert!(matches!(parts.picture.show(frame()), Err(SinkError::Ended(_))));
    }
}
