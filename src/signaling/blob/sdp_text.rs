//! The SDP form: the lines themselves (RFC 8866).
//!
//! Nothing marks its end but the end of its lines, and mail programs break long lines.

use super::{
    BlobError, BlobForm,
    mend::{BREAK, BREAK_AFTER_SPACE, mend},
    sdp_line::{is_medium, is_name, is_valid},
    search::{Attempt, Budget, ending},
};
use crate::{
    media::{Description, DescriptionKind},
    signaling::Stamp,
};

/// A line's rest is looked for in so many lines.
const BROKEN: usize = 8;
/// A line is in so many pieces at most.
const PIECES: usize = 64;
/// What may stand right before an SDP in its line.
const OPENERS: [char; 8] = ['"', '\'', '`', '#', ':', '(', ' ', ','];

/// Finds SDP in a text that was cleaned.
pub(super) fn attempts(text: &str, budget: &mut Budget, found: &mut Vec<Attempt>) {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        lines.push(Line { start, text: line.trim_end_matches('\n') });
        start += line.len();
    }
    let mut index = 0;
    while index < lines.len() {
        let Some((at, closer)) = beginning(&lines, index) else {
            index += 1;
            continue;
        };
        let (session, next) = Session::read(&lines, index, at, closer);
        let (start, end) = (lines[index].start + at, lines[next - 1].start + lines[next - 1].text.len());
        index = next;
        if !budget.spend(end - start) {
            return;
        }
        let (characters, (result, end_is_clear)) = (session.characters, session.description());
        found.push(Attempt { start, end, form: BlobForm::Sdp, characters, end_is_clear, result });
    }
}

/// Whether a line could begin an SDP. Cheap.
pub(super) fn begins_in(line: &str) -> bool {
    let line = line.trim_end();
    line == "v=0" || line.contains("v=0 o=") || line.strip_suffix("v=0").is_some_and(|before| before.ends_with(OPENERS))
}

/// A line of the text and where it begins.
struct Line<'a> {
    start: usize,
    text: &'a str,
}

/// Returns where in its line an SDP begins, and what quotes it.
fn beginning(lines: &[Line<'_>], index: usize) -> Option<(usize, Option<char>)> {
    let line = lines[index].text;
    let at = if line.trim_end().ends_with("v=0") {
        // Another line must follow, unless this is the last.
        let next = lines[index + 1..].iter().map(|line| line.text).find(|text| !text.trim().is_empty());
        if next.is_some_and(|next| !next.starts_with("o=") && next != "o") {
            return None;
        }
        line.rfind("v=0")?
    } else {
        line.find("v=0 o=")?
    };
    let before = line[..at].chars().next_back();
    if before.is_some_and(|before| !OPENERS.contains(&before)) {
        return None;
    }
    Some((at, before.filter(|before| matches!(before, '"' | '\'' | '`'))))
}

/// The lines of an SDP, long ones with marks where they were broken.
#[derive(Default)]
struct Session {
    lines: Vec<String>,
    /// What follows and could be the rest of the last line.
    tail: Option<String>,
    end_is_clear: bool,
    /// It began with a mark that must end it, too.
    is_quoted: bool,
    in_media: bool,
    in_attributes: bool,
    characters: usize,
}

impl Session {
    /// Reads from a line on. Returns the number of the first line after it, too.
    fn read(lines: &[Line<'_>], first: usize, at: usize, closer: Option<char>) -> (Self, usize) {
        let mut session = Self { is_quoted: closer.is_some(), ..Self::default() };
        let text = |index: usize| if index == first { &lines[index].text[at..] } else { lines[index].text };
        let blank = |index: usize| index < lines.len() && text(index).trim().is_empty();
        // Some programs make two line ends of each.
        let is_spaced = blank(first + 1) && lines.get(first + 2).is_some_and(|line| line.text.starts_with("o="));
        let mut index = first;
        while index < lines.len() && !session.end_is_clear {
            let mut line = text(index);
            let closed = closer.and_then(|closer| line.find(closer));
            if let Some(end) = closed.filter(|end| session.is_line(&line[..*end]) || line[..*end].trim().is_empty()) {
                line = &line[..end];
                (session.end_is_clear, session.is_quoted) = (true, false);
            }
            let bare = line.trim_end_matches(' ');
            if bare.is_empty() && !session.end_is_clear {
                session.end_is_clear = !(is_spaced && index + 1 < lines.len() && !blank(index + 1));
            } else if index == first {
                session.push_first(bare);
            } else if session.is_line(bare) || (index + 1 == lines.len() && begins_line(bare)) {
                session.push(bare);
            } else {
                let more = lines[index + 1..].iter().map(|line| line.text.trim_end_matches(' '));
                let mut more = more.filter(|line| !is_spaced || !line.is_empty()).take(BROKEN);
                let goes_on = more.by_ref().take_while(|line| !line.is_empty()).any(|line| session.is_line(line));
                if begins_in(bare) || !session.continues(lines[index - 1].text, bare, goes_on) {
                    session.end_is_clear = true;
                    break;
                }
            }
            index += 1;
        }
        (session, index.max(first + 1))
    }

    /// Takes the first line, or a whole SDP on one line, with spaces where its lines ended.
    fn push_first(&mut self, line: &str) {
        let mut rest = line;
        while let Some(at) =
            rest.match_indices(' ').map(|(at, _)| at).find(|at| self.splits(&rest[..*at], &rest[at + 1..]))
        {
            self.push(&rest[..at]);
            rest = &rest[at + 1..];
        }
        self.push(rest);
    }

    fn splits(&self, before: &str, after: &str) -> bool {
        let mut in_order = Self { in_media: self.in_media, in_attributes: self.in_attributes, ..Self::default() };
        in_order.note(before);
        in_order.is_line(after)
    }

    fn push(&mut self, line: &str) {
        self.note(line);
        self.characters += line.chars().filter(|c| !c.is_whitespace()).count();
        self.lines.push(if line == "s=" { "s= ".to_owned() } else { line.to_owned() });
    }

    fn note(&mut self, line: &str) {
        match line.as_bytes().first() {
            Some(b'm') => (self.in_media, self.in_attributes) = (true, false),
            Some(b'a') => self.in_attributes = true,
            _ => {}
        }
    }

    /// Whether this is a line of its own here: RFC 8866 orders them.
    fn is_line(&self, line: &str) -> bool {
        let Some((letter, value)) = line.split_at_checked(1) else { return false };
        let Some(value) = value.strip_prefix('=') else { return false };
        match letter {
            "a" => is_name(value.split([':', ' ']).next().unwrap_or_default()),
            "m" => is_medium(value.split(' ').next().unwrap_or_default()),
            "c" => !self.in_attributes && value.starts_with("IN"),
            "b" => !self.in_attributes && value.contains(':'),
            "i" | "k" => !self.in_attributes,
            "o" | "s" | "t" | "u" | "e" | "p" | "r" | "z" => !self.in_attributes && !self.in_media,
            _ => false,
        }
    }

    /// Joins a line to the last one if it can be its rest.
    fn continues(&mut self, before: &str, line: &str, goes_on: bool) -> bool {
        let Some(last) = self.lines.last_mut() else { return false };
        if last.matches([BREAK, BREAK_AFTER_SPACE]).count() >= PIECES {
            return false;
        }
        let with = |join: &str| is_valid(&format!("{last}{join}{line}").replace([BREAK, BREAK_AFTER_SPACE], join));
        if !goes_on && is_valid(last) && !with(" ") {
            self.tail = Some(line.to_owned());
            return false;
        }
        if !goes_on && !is_valid(last) && !with("") && !with(" ") && !last.contains(BREAK) && line.contains(' ') {
            return false;
        }
        last.push(if before.ends_with(' ') { BREAK_AFTER_SPACE } else { BREAK });
        last.push_str(line);
        self.characters += line.chars().filter(|c| !c.is_whitespace()).count();
        true
    }

    /// Returns what the lines say, and whether the end is clear.
    fn description(mut self) -> (Result<Description, BlobError>, bool) {
        let read = |lines: &[String]| {
            let mut sdp = mend(&(lines.join("\n") + "\n")).replace('\n', "\r\n");
            sdp.shrink_to_fit();
            let kind = if attribute(&sdp, "setup") == Some("actpass") {
                DescriptionKind::Offer
            } else {
                DescriptionKind::Answer
            };
            Description { kind, sdp }
        };
        let mut description = read(&self.lines);
        let mut stamp = Stamp::of(&description);
        if let (Err(BlobError::Damaged { .. }), Some(tail), Some(last)) = (&stamp, &self.tail, self.lines.last_mut()) {
            last.push(BREAK);
            last.push_str(tail);
            let longer = read(&self.lines);
            if let Ok(Some(right)) = Stamp::of(&longer) {
                (description, stamp) = (longer, Ok(Some(right)));
            }
        }
        let has = |name| attribute(&description.sdp, name).is_some();
        let is_session = ["fingerprint", "ice-ufrag", "ice-pwd", "setup"].into_iter().all(has);
        let is_stamped = matches!(stamp, Ok(Some(_)));
        // All else of an answer may be sealed in it.
        let is_session = is_session || (is_stamped && has("sealed"));
        let end_is_clear = self.end_is_clear || is_stamped;
        let incomplete =
            || BlobError::Incomplete { characters: self.characters, wanted: None, ends: ending(&description.sdp) };
        let is_open = self.is_quoted && !is_stamped;
        let last_is_whole = self.lines.last().is_some_and(|line| is_valid(line) || line.contains(BREAK));
        let result = match stamp {
            Err(BlobError::Damaged { .. }) if !self.end_is_clear => Err(incomplete()),
            Err(error) => Err(error),
            Ok(_) if !is_session || !last_is_whole || is_open => Err(incomplete()),
            Ok(_) => Ok(description),
        };
        (result, end_is_clear)
    }
}

/// Whether the end of a text could be the beginning of a line.
fn begins_line(line: &str) -> bool {
    match line.as_bytes() {
        [letter] | [letter, b'='] => letter.is_ascii_lowercase(),
        [b'm', b'=', rest @ ..] => rest.len() < "application ".len() && !rest.contains(&b' '),
        [b'b', b'=', rest @ ..] => rest.iter().all(u8::is_ascii_alphanumeric),
        [b'c', b'=', b'I'] => true,
        _ => false,
    }
}

fn attribute<'a>(sdp: &'a str, name: &str) -> Option<&'a str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
}
