//! The line that tells how the call is going, and what may stand below it.

mod render;

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, MutexGuard},
};

pub use render::{StatusInput, render};

/// A line at the bottom of what is printed, rewritten in place. Clones share it.
///
/// Whoever else prints to the same terminal does it through [`StatusLine::print`] or
/// [`StatusLine::aside`], and the line steps out of the way. On a pipe or in a file there is no such
/// line, only what is printed.
#[derive(Clone)]
pub struct StatusLine {
    line: Arc<Mutex<Line>>,
}

impl StatusLine {
    /// Returns the line on standard error.
    pub fn stderr() -> Self {
        // A terminal that was never told its size calls it zero.
        let columns = || match crossterm::terminal::size() {
            Ok((columns @ 1.., _)) => usize::from(columns),
            _ => 80,
        };
        if io::stderr().is_terminal() { Self::terminal(io::stderr(), columns) } else { Self::plain(io::stderr()) }
    }

    /// Returns a line on a terminal that is as many columns wide as `columns` says each time.
    pub fn terminal(out: impl Write + Send + 'static, columns: impl Fn() -> usize + Send + 'static) -> Self {
        Self::new(Box::new(out), Some(Box::new(columns)))
    }

    /// Returns a line that is not shown: `out` is no terminal, and takes only what is printed.
    pub fn plain(out: impl Write + Send + 'static) -> Self {
        Self::new(Box::new(out), None)
    }

    fn new(out: Box<dyn Write + Send>, columns: Option<Columns>) -> Self {
        let line = Line {
            out,
            columns,
            text: String::new(),
            note: String::new(),
            shown: String::new(),
            elsewhere: None,
            held: Vec::new(),
        };
        Self { line: Arc::new(Mutex::new(line)) }
    }

    /// Changes what the line says. Empty for no line. Further lines stand below it; a screen that has one line shows the
    /// first and the last of them.
    pub fn set(&self, text: &str) {
        let mut line = self.lock();
        text.clone_into(&mut line.text);
        line.draw();
    }

    /// Changes what stands before it: what a person is just doing. Empty for nothing.
    pub fn set_note(&self, note: &str) {
        let mut line = self.lock();
        note.clone_into(&mut line.note);
        line.draw();
    }

    /// Prints a line above. While a screen is shown ([`StatusLine::move_to`]) it is held back.
    pub fn print(&self, text: &str) {
        let mut line = self.lock();
        if let Some(elsewhere) = &line.elsewhere {
            elsewhere(&without_colour(text));
            line.hold(text);
            return;
        }
        line.erase();
        line.write_wrapped(text);
        line.draw();
    }

    /// Runs something that prints to the same terminal on its own.
    pub fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        let mut line = self.lock();
        line.erase();
        let result = print();
        line.draw();
        result
    }

    /// Gives the line to a screen that has taken the terminal, such as
    /// [`TerminalControl::set_status`](crate::sink::terminal::TerminalControl::set_status), without colours.
    pub fn move_to(&self, screen: impl Fn(&str) + Send + 'static) {
        let mut line = self.lock();
        line.erase();
        line.elsewhere = Some(Box::new(screen));
        line.draw();
    }

    /// Takes the line back when the screen has left the terminal, and prints what was held back.
    pub fn move_back(&self) {
        let mut line = self.lock();
        line.elsewhere = None;
        for held in std::mem::take(&mut line.held) {
            line.write_wrapped(&held);
        }
        line.draw();
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // A line half drawn is drawn again.
        self.line.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for StatusLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusLine").finish_non_exhaustive()
    }
}

type Columns = Box<dyn Fn() -> usize + Send>;
type Screen = Box<dyn Fn(&str) + Send>;

struct Line {
    out: Box<dyn Write + Send>,
    /// `None` if the output is no terminal.
    columns: Option<Columns>,
    text: String,
    note: String,
    /// What the terminal shows of it.
    shown: String,
    elsewhere: Option<Screen>,
    held: Vec<String>,
}

impl Line {
    /// The lines held back at most. **Overflow: the oldest is dropped**: the end tells most.
    const HELD: usize = 100;

    fn draw(&mut self) {
        let separator = if self.note.is_empty() || self.text.is_empty() { "" } else { " · " };
        let whole = format!("{}{separator}{}", self.note, self.text);
        if let Some(elsewhere) = &self.elsewhere {
            let (first, below) = whole.split_once('\n').unwrap_or((&whole, ""));
            let last = below.lines().last().map(|last| format!(" · {last}")).unwrap_or_default();
            elsewhere(&without_colour(&format!("{first}{last}")));
            return;
        }
        let Some(columns) = &self.columns else { return };
        // The last column stays free: some terminals wrap as soon as it is filled.
        let columns = columns().saturating_sub(1);
        let lines: Vec<String> = whole.split('\n').map(|line| cut(line, columns) + "\x1b[K").collect();
        let cut = if whole.is_empty() { String::new() } else { lines.join("\r\n") };
        if cut == self.shown {
            return;
        }
        // Fewer lines than before leave none behind.
        let below = if self.shown.contains('\n') { "\x1b[J" } else { "" };
        let erase = if cut.is_empty() { "\x1b[K" } else { "" };
        self.write(&format!("{}{below}{cut}{erase}", self.to_its_start()));
        self.shown = cut;
    }

    fn erase(&mut self) {
        if !self.shown.is_empty() {
            let erase = if self.shown.contains('\n') { "\x1b[J" } else { "\x1b[K" };
            self.write(&format!("{}{erase}", self.to_its_start()));
            self.shown.clear();
        }
    }

    /// Returns what brings the cursor to the first column of the first line that is shown.
    fn to_its_start(&self) -> String {
        match self.shown.matches('\n').count() {
            0 => "\r".into(),
            above => format!("\r\x1b[{above}A"),
        }
    }

    fn hold(&mut self, text: &str) {
        if self.held.len() == Self::HELD {
            self.held.remove(0);
        }
        self.held.push(text.to_owned());
    }

    /// Writes lines, broken between words where a terminal would break them anywhere.
    fn write_wrapped(&mut self, text: &str) {
        // Colours have no width, and whoever paints with them knows how much room there is.
        let text = match &self.columns {
            Some(columns) if !text.contains('\x1b') => wrapped(text, columns()),
            _ => text.to_owned(),
        };
        self.write(&format!("{text}\n"));
    }

    fn write(&mut self, text: &str) {
        // Nobody is there to be told that nobody can be told.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// Breaks the lines of a text that are longer than so many columns, between words.
pub(super) fn wrapped(text: &str, columns: usize) -> String {
    let mut wrapped = String::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            wrapped.push('\n');
        }
        if line.chars().count() <= columns {
            wrapped.push_str(line);
            continue;
        }
        let mut column = 0;
        for word in line.split_ascii_whitespace() {
            let width = word.chars().count();
            if column > 0 {
                let breaks = column + 1 + width > columns;
                wrapped.push(if breaks { '\n' } else { ' ' });
                column = if breaks { 0 } else { column + 1 };
            }
            wrapped.push_str(word);
            column += width;
        }
    }
    wrapped
}

/// Cuts to so many visible characters; a colour that was begun is ended.
fn cut(text: &str, columns: usize) -> String {
    let mut cut = String::new();
    let (mut left, mut coloured) = (columns, false);
    for (piece, colour) in pieces(text) {
        if colour {
            coloured = piece != "\x1b[0m";
            cut.push_str(piece);
            continue;
        }
        let fitting = piece.char_indices().nth(left).map_or(piece.len(), |(end, _)| end);
        cut.push_str(&piece[..fitting]);
        if fitting < piece.len() {
            if coloured {
                cut.push_str("\x1b[0m");
            }
            break;
        }
        left -= piece.chars().count();
    }
    cut
}

fn without_colour(text: &str) -> String {
    pieces(text).filter(|(_, colour)| !colour).map(|(piece, _)| piece).collect()
}

/// Splits into text and colours (`ESC [ … m`); `true` for a colour.
fn pieces(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let colour = rest.starts_with("\x1b[");
        let end = if colour { rest.find('m').map(|end| end + 1) } else { rest.find("\x1b[") };
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some((piece, colour))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Output {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().expect("no panic"))).expect("UTF-8")
        }
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn text_is_cut_by_what_is_seen_of_it() {
        for (text, columns, expected) in [
            ("waiting", 10, "waiting"),
            ("waiting", 7, "waiting"),
            ("waiting", 4, "wait"),
            ("↓ 1 ↑ 2", 5, "↓ 1 ↑"),
            ("a\x1b[33mbcd\x1b[0me", 3, "a\x1b[33mbc\x1b[0m"),
            ("a\x1b[33mbcd\x1b[0me", 5, "a\x1b[33mbcd\x1b[0me"),
            ("a\x1b[33mbcd\x1b[0me", 4, "a\x1b[33mbcd\x1b[0m"),
            ("waiting", 0, ""),
            ("a\x1b[", 9, "a\x1b["),
        ] {
            assert_eq!(cut(text, columns), expected, "{text:?} to {columns}");
        }
    }

    #[test]
    fn lines_break_between_words() {
        for (text, columns, expected) in [
            ("a line", 6, "a line"),
            ("a line", 5, "a\nline"),
            ("one\n  two\nthree four", 9, "one\n  two\nthree\nfour"),
            ("a/long/path it is", 5, "a/long/path\nit is"),
            ("", 0, ""),
        ] {
            assert_eq!(wrapped(text, columns), expected, "{text:?} to {columns}");
        }
    }

    #[test]
    fn lines_below_it_come_and_go() {
        let output = Output::default();
        let line = StatusLine::terminal(output.clone(), || 9);
        line.set("w\nfigures of\nmore");
        assert_eq!(output.take(), "\rw\x1b[K\r\nfigures \x1b[K\r\nmore\x1b[K");
        line.set("w\nless");
        assert_eq!(output.take(), "\r\x1b[2A\x1b[Jw\x1b[K\r\nless\x1b[K");
        line.print("a line");
        assert_eq!(output.take(), "\r\x1b[1A\x1b[Ja line\nw\x1b[K\r\nless\x1b[K".replace("\nw", "\n\rw"));
        line.set("w");
        assert_eq!(output.take(), "\r\x1b[1A\x1b[Jw\x1b[K");
        let shown = Arc::new(Mutex::new(String::new()));
        let screen = shown.clone();
        line.move_to(move |text| text.clone_into(&mut screen.lock().expect("no panic")));
        line.set("w\nfigures\nlast");
        assert_eq!(*shown.lock().expect("no panic"), "w · last");
    }

    #[test]
    fn the_line_is_rewritten_and_steps_aside() {
        let output = Output::default();
        let line = StatusLine::terminal(output.clone(), || 9);
        line.set("waiting for the answer");
        assert_eq!(output.take(), "\rwaiting \x1b[K");
        line.set("waiting for something");
        assert_eq!(output.take(), "", "the same as far as one sees");
        line.set("w");
        line.set_note("read 7");
        assert_eq!(output.take(), "\rw\x1b[K\rread 7 ·\x1b[K");
        line.print("a line");
        assert_eq!(output.take(), "\r\x1b[Ka line\n\rread 7 ·\x1b[K");
        line.set_note("");
        line.aside(|| _ = output.clone().write(b"blob\n"));
        assert_eq!(output.take(), "\rw\x1b[K\r\x1b[Kblob\n\rw\x1b[K");
        line.set("");
        assert_eq!(output.take(), "\r\x1b[K");
        line.print("alone");
        assert_eq!(output.take(), "alone\n");
    }

    #[test]
    fn a_pipe_gets_only_what_is_printed() {
        let output = Output::default();
        let line = StatusLine::plain(output.clone());
        line.set("waiting");
        line.set_note("read 7");
        line.print("a line");
        assert_eq!(output.take(), "a line\n");
    }

    #[test]
    fn a_screen_takes_the_line_over() {
        let output = Output::default();
        let line = StatusLine::terminal(output.clone(), || 80);
        line.set("connected");
        output.take();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let screen = seen.clone();
        line.move_to(move |text| screen.lock().expect("no panic").push(text.to_owned()));
        line.set("\x1b[33mcamera off\x1b[0m");
        line.print("a line");
        assert_eq!(output.take(), "\r\x1b[K");
        assert_eq!(*seen.lock().expect("no panic"), ["connected", "camera off", "a line"]);
        line.move_back();
        assert_eq!(output.take(), "a line\n\r\x1b[33mcamera off\x1b[0m\x1b[K");
    }
}
