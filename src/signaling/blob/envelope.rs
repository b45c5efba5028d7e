//! The compact form's prefix, and where its symbols begin and end.

use super::{
    BlobError, BlobForm, compact,
    search::{Attempt, Budget, ending},
    symbols::Symbols,
};

/// Before the version, in either case.
const PREFIX: &[u8] = b"p2pcall";
/// No compact text is longer.
const SYMBOLS: usize = 96 * 1024;

/// Finds compact texts in a text that was cleaned. Each ends where the next begins: one may have been cut off.
pub(super) fn attempts(text: &str, budget: &mut Budget, found: &mut Vec<Attempt>) {
    let mut beginnings = beginnings(text).peekable();
    while let Some((start, version, after)) = beginnings.next() {
        let text = &text[..beginnings.peek().map_or(text.len(), |(next, ..)| *next)];
        if !budget.spend(text.len() - start) {
            return;
        }
        let (result, used) = match version {
            b'1' => decode(&text[after..]),
            _ => (Err(BlobError::Newer), 0),
        };
        let is_symbol = |(_, byte): &(usize, u8)| byte.is_ascii_alphanumeric();
        let last = text.bytes().enumerate().skip(after).filter(is_symbol).take(used).last();
        let end = last.map_or(after, |(at, _)| at + 1);
        let (form, characters) = (BlobForm::Compact, PREFIX.len() + 1 + used);
        found.push(Attempt { start, end, form, characters, end_is_clear: true, result });
    }
}

/// Whether a line could begin a compact text. Cheap.
pub(super) fn begins_in(text: &str) -> bool {
    // Whatever stands before it: it may be the end of a `%20`.
    (0..text.len()).any(|start| version(text.as_bytes(), start).is_some())
}

/// Returns where each compact text begins, its version, and where its symbols begin.
fn beginnings(text: &str) -> impl Iterator<Item = (usize, u8, usize)> {
    let bytes = text.as_bytes();
    // Within a word it is none; after `p2pcall:` it is.
    let begins_word = |start: &usize| *start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
    let starts = (0..bytes.len()).filter(|start| bytes[*start].eq_ignore_ascii_case(&PREFIX[0])).filter(begins_word);
    starts.filter_map(|start| version(bytes, start).map(|(version, after)| (start, version, after)))
}

/// Returns the version and where the symbols begin, if there is the prefix, perhaps wrapped.
fn version(text: &[u8], start: usize) -> Option<(u8, usize)> {
    let mut at = start;
    for expected in PREFIX {
        at += text.get(at..)?.iter().take_while(|byte| **byte == b'\n' && at > start).count();
        if !text.get(at)?.eq_ignore_ascii_case(expected) {
            return None;
        }
        at += 1;
    }
    at += text.get(at..)?.iter().take_while(|byte| **byte == b'\n').count();
    let version = *text.get(at)?;
    // `p2pcall 1.2` and "p2pcall1 is new" name the program.
    let follows = text.get(at + 1);
    let is_name = follows.is_some_and(|next| matches!(next, b'.' | b',' | b' '));
    (matches!(version, b'1'..=b'9') && !is_name).then_some((version, at + 1))
}

fn decode(text: &str) -> (Result<crate::media::Description, BlobError>, usize) {
    let symbols = Symbols { text, is_symbol: |byte| byte.is_ascii_alphanumeric() };
    let text_of = |mut symbols: Vec<u8>| {
        symbols.truncate(SYMBOLS);
        String::from_utf8_lossy(&symbols).into_owned()
    };
    let all = text_of(symbols.all());
    let error = match compact::decode(&all) {
        Ok((description, used)) => return (Ok(description), used),
        Err(error) => error,
    };
    let unbroken = text_of(symbols.unbroken());
    for fewer in [text_of(symbols.of_bare_lines()), unbroken.clone()] {
        if let Ok((description, used)) = compact::decode(&fewer) {
            return (Ok(description), used);
        }
    }
    // Words that follow a text that was cut off make it look damaged.
    let prefix = PREFIX.len() + 1;
    let error = match compact::decode(&unbroken) {
        Err(BlobError::Incomplete { wanted, .. }) => {
            BlobError::Incomplete { characters: prefix + unbroken.len(), wanted, ends: ending(&unbroken) }
        }
        _ => error,
    };
    (Err(error), unbroken.len())
}
