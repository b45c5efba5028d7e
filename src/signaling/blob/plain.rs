//! The plain form: base64 or base64url (RFC 4648) of the JSON.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    BlobError, BlobForm,
    json::{self, Parsed},
    search::{Attempt, Budget, ending},
    symbols::Symbols,
};

/// Reads with padding or without.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// So many symbols are looked at before any more: they hold `{"type":` with some white space.
const HEAD: usize = 24;
/// Fewer symbols say nothing.
const SHORTEST: usize = 3;

/// Finds base64 in a text that was cleaned.
pub(super) fn attempts(text: &str, budget: &mut Budget, found: &mut Vec<Attempt>) {
    let (symbols, places): (Vec<u8>, Vec<usize>) =
        text.bytes().enumerate().filter(|(_, byte)| is_symbol(*byte)).map(|(place, byte)| (byte, place)).unzip();
    let mut from = 0;
    // A brace is `e` and a symbol from `w` on.
    while let Some(start) = symbols[from..].windows(2).position(is_brace).map(|at| from + at) {
        from = start + 1;
        let head = &symbols[start..symbols.len().min(start + HEAD)];
        if head.len() < SHORTEST || !could_be_json(&decode(head)) {
            continue;
        }
        let text = &text[places[start]..];
        if !budget.spend(text.len()) {
            return;
        }
        let Some((result, characters)) = attempt(&Symbols { text, is_symbol }) else { continue };
        let last = (start + characters).min(symbols.len()) - 1;
        if result.is_ok() {
            from = last + 1;
        }
        let (form, start, end) = (BlobForm::Plain, places[start], places[last] + 1);
        found.push(Attempt { start, end, form, characters, end_is_clear: true, result });
    }
}

/// Whether a word could be the beginning of base64 of JSON. Cheap.
pub(super) fn begins_in(word: &str) -> bool {
    let symbols: Vec<u8> = word.bytes().filter(|byte| is_symbol(*byte)).collect();
    (0..symbols.len().saturating_sub(SHORTEST - 1)).any(|start| {
        is_brace(&symbols[start..]) && could_be_json(&decode(&symbols[start..symbols.len().min(start + HEAD)]))
    })
}

fn is_brace(symbols: &[u8]) -> bool {
    matches!(symbols, [b'e', b'w'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_', ..])
}

fn could_be_json(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"{") else { return false };
    let rest = rest.trim_ascii_start();
    rest.first().is_none_or(|next| *next == b'"') && rest.get(1).is_none_or(u8::is_ascii_alphabetic)
}

type Outcome = Option<(Result<crate::media::Description, BlobError>, usize)>;

/// Returns what the symbols hold and how many of them belong to it.
fn attempt(symbols: &Symbols<'_>) -> Outcome {
    let all = symbols.all();
    let parsed = parse(&all);
    if let Some(whole) = whole(&parsed, &all) {
        return whole;
    }
    let unbroken = symbols.unbroken();
    if unbroken.len() < all.len() {
        for fewer in [symbols.of_bare_lines(), unbroken.clone()] {
            if let Some(whole) = whole(&parse(&fewer), &fewer) {
                return whole;
            }
        }
    }
    let unbroken_parsed = parse(&unbroken);
    if !json::begins(&decode(&unbroken)) {
        return None;
    }
    let error = match (&unbroken_parsed, &parsed) {
        (Parsed::Broken(at), _) => {
            BlobError::Damaged { reason: format!("around character {}", (at * 4 / 3).min(unbroken.len())) }
        }
        _ => {
            let ends = ending(&String::from_utf8_lossy(&unbroken));
            BlobError::Incomplete { characters: unbroken.len(), wanted: None, ends }
        }
    };
    Some((Err(error), unbroken.len()))
}

/// `None` if it is not whole; `Some(None)` if it is, but no description.
fn whole(parsed: &Parsed, symbols: &[u8]) -> Option<Outcome> {
    let Parsed::Whole(description, length) = parsed else { return None };
    let exact = (length * 4).div_ceil(3);
    let padding = symbols.iter().skip(exact).take(2).take_while(|byte| **byte == b'=').count();
    Some(description.clone().map(|description| (description, exact + padding)))
}

fn parse(symbols: &[u8]) -> Parsed {
    json::parse(&decode(symbols))
}

/// Decodes up to the padding. What is left of a byte is left out.
fn decode(symbols: &[u8]) -> Vec<u8> {
    let mut standard: Vec<u8> = symbols
        .iter()
        .take_while(|byte| **byte != b'=')
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    if standard.len() % 4 == 1 {
        standard.pop();
    }
    BASE64.decode(&standard).unwrap_or_default()
}

fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}
