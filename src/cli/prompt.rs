//! Reads the other side's blob from a terminal.
//!
//! A line of a terminal in its usual mode is cut at 4,096 characters (1,024 on macOS), and a blob
//! is longer. So the terminal is read raw, what is pasted is counted instead of echoed, and nobody
//! has to press Enter: the blob is taken as soon as it is whole.

#[cfg(test)]
mod tests;

use std::{io, time::Duration};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio_util::sync::CancellationToken;

use super::{RawTerminal, StatusLine};

/// Nothing typed or pasted for so long: what is there may be all there is.
const QUIET: Duration = Duration::from_millis(150);
/// So many such moments, about a second: what is there is all that comes.
const MOMENTS: u32 = 6;
/// No description comes near this. Bounds what a person can paste by mistake.
const LONGEST: usize = 1 << 20;
/// So many characters come in before the count is drawn again.
const REDRAW: usize = 2048;

/// What a text amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading<T> {
    /// It may become something: read on. What to say if nothing more comes.
    Incomplete(String),
    /// It is whole.
    Done(T),
    /// It is whole, but more may belong to it: done when nothing more comes.
    MayContinue(T),
    /// It cannot become anything: why, and what to do.
    Wrong(String),
}

/// How reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    /// It was read.
    Done(T),
    /// The person pressed Ctrl-C.
    Interrupted,
    /// The person pressed Ctrl-D.
    EndOfInput,
    /// The program stopped it.
    Stopped,
}

/// Reads from the terminal until `judge` says that the text is whole. Blocks; give it a thread.
///
/// The text is judged after each line, each paste, and each moment of quiet. It holds line breaks
/// as they came. `line` shows how much was read, and prints what is [`Reading::Wrong`]; reading
/// then begins again. Standard input must be a terminal.
///
/// # Errors
/// If the terminal cannot be read.
pub fn read_pasted<T>(
    line: &StatusLine,
    stop: &CancellationToken,
    judge: impl FnMut(&str) -> Reading<T>,
) -> io::Result<Asked<T>> {
    let _terminal = RawTerminal::enter()?;
    let asked = read_events(line, stop, PasteReader::new(judge));
    line.set_note("");
    asked
}

fn read_events<T, J: FnMut(&str) -> Reading<T>>(
    line: &StatusLine,
    stop: &CancellationToken,
    mut reader: PasteReader<T, J>,
) -> io::Result<Asked<T>> {
    let mut drawn = 0;
    while !stop.is_cancelled() {
        let input = if event::poll(QUIET)? { Pasted::of_event(event::read()?) } else { Some(Pasted::Quiet) };
        let Some(input) = input else { continue };
        let settled = matches!(input, Pasted::Quiet | Pasted::Clear | Pasted::Whole(_));
        match reader.input(input) {
            Step::More => {}
            Step::Wrong(what) | Step::Cut(what) => line.print(&what),
            Step::Done(value) => return Ok(Asked::Done(value)),
            Step::Interrupted => return Ok(Asked::Interrupted),
            Step::EndOfInput => return Ok(Asked::EndOfInput),
        }
        let length = reader.len();
        if length != drawn && (settled || length.abs_diff(drawn) >= REDRAW) {
            line.set_note(&count(length));
            drawn = length;
        }
    }
    Ok(Asked::Stopped)
}

/// What comes from the terminal while a text is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pasted {
    /// One character, typed or pasted.
    Character(char),
    /// The end of a line.
    LineEnd,
    /// A whole paste, from a terminal that brackets them.
    Whole(String),
    /// Nothing came for a moment.
    Quiet,
    /// Backspace or Ctrl-U: what was read is to be forgotten.
    Clear,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
}

impl Pasted {
    fn of_event(event: Event) -> Option<Self> {
        let key = match event {
            Event::Paste(text) => return Some(Self::Whole(text)),
            Event::Key(key @ KeyEvent { kind: KeyEventKind::Press | KeyEventKind::Repeat, .. }) => key,
            _ => return None,
        };
        match (key.code, key.modifiers - KeyModifiers::SHIFT) {
            (KeyCode::Char('c'), KeyModifiers::CONTROL) => Some(Self::Interrupt),
            (KeyCode::Char('d'), KeyModifiers::CONTROL) => Some(Self::EndOfInput),
            // What terminals make of Backspace differs.
            (KeyCode::Char('u' | 'h'), KeyModifiers::CONTROL) | (KeyCode::Backspace, _) => Some(Self::Clear),
            // A line feed: pastes carry it where keys give a carriage return.
            (KeyCode::Char('j'), KeyModifiers::CONTROL) | (KeyCode::Enter, _) => Some(Self::LineEnd),
            (KeyCode::Tab, _) => Some(Self::Character('\t')),
            (KeyCode::Char(character), KeyModifiers::NONE) => Some(Self::Character(character)),
            _ => None,
        }
    }
}

/// What one input led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Nothing yet.
    More,
    /// The text was wrong and is forgotten; for the person.
    Wrong(String),
    /// The text is not whole and nothing more comes; for the person. The rest may still follow, or
    /// everything once more.
    Cut(String),
    /// The text is whole.
    Done(T),
    /// The person wants to end the program.
    Interrupted,
    /// The person has nothing to give.
    EndOfInput,
}

/// Collects what comes from a terminal until it is whole. Knows neither terminal nor time.
#[derive(Debug)]
pub struct PasteReader<T, J> {
    judge: J,
    text: String,
    /// How many characters of the text are not white space.
    length: usize,
    /// Where somebody who was told that the text is cut may have begun anew.
    anew: usize,
    /// How long the text was when it was judged last.
    judged: usize,
    verdict: Verdict<T>,
    /// Moments of quiet since the text changed.
    moments: u32,
}

/// What is known of a text.
#[derive(Debug)]
enum Verdict<T> {
    /// Nothing since it changed.
    Open,
    /// Not whole; with what to say about it, once.
    Incomplete(Option<String>),
    /// Whole unless more comes.
    MayContinue(T),
    /// Whole, but more may be on its way that must not be taken for keys of the call.
    Done(T),
}

impl<T, J: FnMut(&str) -> Reading<T>> PasteReader<T, J> {
    /// Returns a reader of nothing yet.
    pub const fn new(judge: J) -> Self {
        Self {
            judge,
            text: String::new(),
            length: 0,
            anew: 0,
            judged: 0,
            verdict: Verdict::Incomplete(None),
            moments: 0,
        }
    }

    /// Returns how many characters were read, white space not counted.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Returns whether nothing was read.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes one input.
    pub fn input(&mut self, input: Pasted) -> Step<T> {
        match input {
            Pasted::Character(character) => {
                self.push(character);
                Step::More
            }
            Pasted::LineEnd => {
                self.push('\n');
                // Not each time: a long text of many lines would be judged for ever.
                let grown = self.text.len() - self.judged >= self.judged / 8;
                // Wrong so far may be the head of something right: only a pause says it is all.
                if grown && let Some(Reading::Done(value)) = self.judge() {
                    self.verdict = Verdict::Done(value);
                }
                Step::More
            }
            Pasted::Whole(text) => {
                for character in text.replace("\r\n", "\n").chars() {
                    self.push(if character == '\r' { '\n' } else { character });
                }
                self.settle(false)
            }
            Pasted::Quiet => {
                self.moments = self.moments.saturating_add(1);
                self.settle(self.moments >= MOMENTS)
            }
            Pasted::Clear => {
                self.clear();
                Step::More
            }
            Pasted::Interrupt => Step::Interrupted,
            Pasted::EndOfInput => match self.settle(true) {
                Step::More | Step::Cut(_) => Step::EndOfInput,
                settled => settled,
            },
        }
    }

    fn push(&mut self, character: char) {
        self.moments = 0;
        if matches!(self.verdict, Verdict::Done(_)) {
            return;
        }
        self.verdict = Verdict::Open;
        self.length += usize::from(!character.is_whitespace());
        if self.text.len() < LONGEST {
            self.text.push(character);
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.length = 0;
        self.anew = 0;
        self.judged = 0;
        self.verdict = Verdict::Incomplete(None);
    }

    /// Judges what has not been judged; `None` if there is nothing to judge.
    fn judge(&mut self) -> Option<Reading<T>> {
        if !matches!(self.verdict, Verdict::Open) || self.length == 0 {
            return None;
        }
        if self.text.len() >= LONGEST {
            return Some(Reading::Wrong("That is far too long to be an offer or an answer. Paste again.".into()));
        }
        self.judged = self.text.len();
        let whole = (self.judge)(&self.text);
        if self.anew > 0 && !whole.is_found() {
            let anew = (self.judge)(&self.text[self.anew..]);
            if anew.is_found() {
                return Some(anew);
            }
        }
        Some(whole)
    }

    /// Decides, if that can be done. `last`: nothing more comes.
    fn settle(&mut self, last: bool) -> Step<T> {
        match self.judge() {
            None => {}
            Some(Reading::Incomplete(what)) => self.verdict = Verdict::Incomplete(Some(what)),
            Some(Reading::MayContinue(value)) => self.verdict = Verdict::MayContinue(value),
            Some(Reading::Done(value)) => self.verdict = Verdict::Done(value),
            Some(Reading::Wrong(what)) => {
                self.clear();
                return Step::Wrong(what);
            }
        }
        match std::mem::replace(&mut self.verdict, Verdict::Incomplete(None)) {
            Verdict::Done(value) => {
                self.clear();
                Step::Done(value)
            }
            Verdict::MayContinue(value) if last => {
                self.clear();
                Step::Done(value)
            }
            Verdict::Incomplete(Some(what)) if last => self.settle_cut(what),
            other => {
                self.verdict = other;
                Step::More
            }
        }
    }
}

impl<T, J: FnMut(&str) -> Reading<T>> PasteReader<T, J> {
    /// Decides on what is not whole although nothing more comes. An empty line makes its end clear.
    fn settle_cut(&mut self, what: String) -> Step<T> {
        match (self.judge)(&format!("{}\n\n", self.text)) {
            Reading::Done(value) | Reading::MayContinue(value) => {
                self.clear();
                Step::Done(value)
            }
            Reading::Wrong(what) => {
                self.clear();
                Step::Wrong(what)
            }
            Reading::Incomplete(_) => {
                self.anew = self.text.len();
                Step::Cut(what)
            }
        }
    }
}

impl<T> Reading<T> {
    const fn is_found(&self) -> bool {
        matches!(self, Self::Done(_) | Self::MayContinue(_))
    }
}

/// Returns how much was read, in words; nothing for nothing.
pub(super) fn count(length: usize) -> String {
    if length == 0 {
        return String::new();
    }
    let digits = length.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("read {grouped} character{}", if length == 1 { "" } else { "s" })
}
