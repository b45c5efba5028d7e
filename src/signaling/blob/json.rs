//! The JSON form, the W3C's `RTCSessionDescriptionInit`, by itself or in base64.

use serde_json::{Map, Value};

use super::{
    BlobError, BlobForm,
    mend::{BREAK, BREAK_AFTER_SPACE, mend},
    search::{Attempt, Budget, ending},
};
use crate::media::{Description, DescriptionKind};

/// What the beginning of a text turned out to be.
pub(super) enum Parsed {
    /// A whole object, which ends before this byte. `None` if it has nothing to do with sessions.
    Whole(Option<Result<Description, BlobError>>, usize),
    /// The beginning of one.
    Open,
    /// Something else from about this byte on.
    Broken(usize),
}

/// Reads the first JSON value of a text.
pub(super) fn parse(json: &[u8]) -> Parsed {
    let mut values = serde_json::Deserializer::from_slice(json).into_iter::<Map<String, Value>>();
    match values.next() {
        Some(Ok(object)) => Parsed::Whole(description(&object), values.byte_offset()),
        Some(Err(error)) if !error.is_eof() => {
            // Lines are real lines of the text, columns are counted in bytes.
            let lines = json.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
            Parsed::Broken((lines.map(<[u8]>::len).sum::<usize>() + error.column()).min(json.len()))
        }
        _ => Parsed::Open,
    }
}

fn description(object: &Map<String, Value>) -> Option<Result<Description, BlobError>> {
    let of = |name: &str| object.iter().find(|(key, _)| unbroken(key) == name).map(|(_, value)| value);
    let (kind, sdp) = (of("type"), of("sdp"));
    let damaged = |what: &str| Some(Err(BlobError::Damaged { reason: what.to_owned() }));
    if sdp.is_some_and(Value::is_object) {
        // Wrapped into another object; the inner one is found by itself.
        return None;
    }
    let kind = match kind.and_then(Value::as_str).map(unbroken).as_deref() {
        Some("offer") => DescriptionKind::Offer,
        Some("answer") => DescriptionKind::Answer,
        Some(_) if sdp.is_some() => return damaged("it is neither offer nor answer"),
        None if sdp.is_some_and(Value::is_string) => return damaged("its type is missing"),
        _ => return None,
    };
    match sdp.and_then(Value::as_str) {
        Some(sdp) => Some(Ok(Description { kind, sdp: mend(sdp) })),
        None => damaged("its session is missing"),
    }
}

fn unbroken(text: &str) -> String {
    text.replace([BREAK, BREAK_AFTER_SPACE], "")
}

/// Whether text like this begins a description's JSON, or could if there were more of it.
pub(super) fn begins(json: &[u8]) -> bool {
    let json = String::from_utf8_lossy(json);
    let mut words =
        json.trim_start().chars().filter(|c| !c.is_whitespace() && !matches!(*c, BREAK | BREAK_AFTER_SPACE));
    let head: String = words.by_ref().take("{\"type\"".len()).collect();
    head.starts_with('{') && ["{\"type\"", "{\"sdp\":"].iter().any(|known| known.starts_with(&head))
}

/// Finds JSON in a text that was cleaned.
pub(super) fn attempts(text: &str, budget: &mut Budget, found: &mut Vec<Attempt>) {
    let mut from = 0;
    while let Some(start) = text[from..].find('{').map(|at| from + at) {
        from = start + 1;
        if text[from..].trim_start().chars().next().is_some_and(|next| next != '"') {
            continue;
        }
        let whole = Lexed::new(&text[start..], false);
        if !budget.spend(whole.length) {
            return;
        }
        let (attempt, length) = attempt(&text[start..], &whole);
        if let Some(attempt) = attempt {
            from = if attempt.is_ok() { start + length } else { from };
            let (form, end_is_clear) = (BlobForm::Json, true);
            let characters = count(&text[start..start + length]);
            found.push(Attempt { start, end: start + length, form, characters, end_is_clear, result: attempt });
        }
    }
}

fn attempt(text: &str, lexed: &Lexed) -> (Option<Result<Description, BlobError>>, usize) {
    let likely = begins(lexed.json.as_bytes());
    let place = |at: usize| BlobError::Damaged { reason: format!("around character {}", count(&text[..at])) };
    let open = |length: usize| {
        let text = &text[..length];
        BlobError::Incomplete { characters: count(text), wanted: None, ends: ending(text) }
    };
    match parse(lexed.json.as_bytes()) {
        Parsed::Whole(description, _) => (description, lexed.length),
        _ if !likely => (None, lexed.length),
        Parsed::Open => (Some(Err(open(lexed.length))), lexed.length),
        Parsed::Broken(at) => {
            let cut = Lexed::new(text, true);
            match parse(cut.json.as_bytes()) {
                Parsed::Open if cut.length < lexed.length => (Some(Err(open(cut.length))), cut.length),
                _ => {
                    let mut at = at.min(lexed.length);
                    while !text.is_char_boundary(at) {
                        at -= 1;
                    }
                    (Some(Err(place(at))), lexed.length)
                }
            }
        }
    }
}

fn count(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// JSON without the line breaks that do not belong to it.
struct Lexed {
    /// Breaks within strings are marked.
    json: String,
    /// So much of the text was read: to the closing brace, or to its end.
    length: usize,
}

impl Lexed {
    /// Reads from a brace on. If `to_empty_line`, no further than that: JSON that was only wrapped has none.
    fn new(text: &str, to_empty_line: bool) -> Self {
        let mut json = String::with_capacity(text.len().min(8192));
        let (mut depth, mut in_string, mut escape) = (0_usize, false, Escape::None);
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character == '\n' {
                let mut empty = false;
                while characters.next_if(|(_, next)| matches!(next, '\n' | ' ')).is_some_and(|(_, next)| {
                    empty |= next == '\n';
                    true
                }) {}
                if to_empty_line && empty {
                    return Self { json: json.trim_end().to_owned(), length: at };
                }
                if in_string && matches!(escape, Escape::None) {
                    let bare = json.trim_end_matches(' ').len();
                    let mark = if bare < json.len() { BREAK_AFTER_SPACE } else { BREAK };
                    json.truncate(bare);
                    json.push(mark);
                } else if !in_string {
                    json.push(' ');
                }
                continue;
            }
            if character == ' ' && !matches!(escape, Escape::None) {
                // Before a break that some program put there.
                continue;
            }
            json.push(character);
            if in_string {
                (in_string, escape) = match (escape, character) {
                    (Escape::None, '"') => (false, Escape::None),
                    (Escape::None, '\\') => (true, Escape::Begun),
                    (Escape::None, _) => (true, Escape::None),
                    (Escape::Begun, 'u') => (true, Escape::Digits(4)),
                    (Escape::Begun, _) | (Escape::Digits(..=1), _) => (true, Escape::None),
                    (Escape::Digits(left), _) => (true, Escape::Digits(left - 1)),
                };
                continue;
            }
            match character {
                '"' => in_string = true,
                '{' => depth += 1,
                '}' if depth <= 1 => return Self { json, length: at + 1 },
                '}' => depth -= 1,
                _ => {}
            }
        }
        Self { json, length: text.len() }
    }
}

/// How far within `\n` or `\u000a`, where no space can have been.
enum Escape {
    None,
    Begun,
    Digits(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexed(text: &str) -> (String, usize) {
        let lexed = Lexed::new(text, false);
        (lexed.json, lexed.length)
    }

    #[test]
    fn breaks_are_marked_where_they_matter() {
        for (text, expected) in [
            ("{\"a\":\n \"b\"} c", "{\"a\": \"b\"}"),
            ("{\"a\":\"b\nc \n d\"}", "{\"a\":\"b~c^d\"}"),
            ("{\"a\":\"b\\\nnc\\u0\n00ad\"}", "{\"a\":\"b\\nc\\u000ad\"}"),
            ("{\"}\":{}}}", "{\"}\":{}}"),
        ] {
            assert_eq!(lexed(text).0, expected.replace('~', "\u{e000}").replace('^', "\u{e001}"));
        }
        assert_eq!(lexed("{\"a\":1} b").1, 7);
    }

    #[test]
    fn beginnings_are_known() {
        for (text, expected) in [
            ("{", true),
            ("{ \"t", true),
            ("{\"type\":\"offer\"", true),
            ("{\n \"sdp\" : \"v=0", true),
            ("{\"alg\":", false),
            ("", false),
        ] {
            assert_eq!(begins(text.as_bytes()), expected, "{text}");
        }
    }
}
