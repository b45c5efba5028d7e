//! Looks for blobs in a text: in each view of it, in each form, from each place where one may begin.

use super::{BlobError, BlobForm, Found, envelope, json, mend, plain, sdp_text, view::views};
use crate::{media::Description, signaling::Stamp};

/// Longer texts are read up to here: real ones have a few thousand characters.
const LONGEST: usize = 256 * 1024;
/// So much is decoded in all, in bytes. Keeps hostile texts from taking long.
const WORK: usize = 2 * 1024 * 1024;

/// One place where a blob was tried to read.
pub(super) struct Attempt {
    /// Where it begins in its view.
    pub(super) start: usize,
    /// Where it ends in its view.
    pub(super) end: usize,
    pub(super) form: BlobForm,
    pub(super) characters: usize,
    pub(super) end_is_clear: bool,
    pub(super) result: Result<Description, BlobError>,
}

/// How much may still be decoded.
pub(super) struct Budget(usize);

impl Budget {
    /// Returns whether there is so much left, and takes it.
    pub(super) const fn spend(&mut self, bytes: usize) -> bool {
        match self.0.checked_sub(bytes) {
            Some(left) => self.0 = left,
            None => self.0 = 0,
        }
        self.0 > 0
    }
}

/// Returns the first whole blob that passes the check, else the most telling error.
pub(crate) fn search(text: &str, check: impl Fn(&Found) -> Result<(), BlobError>) -> Result<Found, BlobError> {
    let end = (0..=text.len().min(LONGEST)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let text = &text[..end];
    let mut budget = Budget(WORK);
    let mut told = BlobError::NotABlob;
    let mut whole_seen = false;
    let mut doubtful = None;
    let mut is_damaged = false;
    for view in views(text) {
        let mut errors = Vec::new();
        for attempt in in_view(&view, &mut budget) {
            match attempt.judge(&check) {
                (Ok(found), _) if mend::is_right(&found.description.sdp) => return Ok(found),
                // Something may stand in its lines that another view takes off, or it was cut off.
                (Ok(found), _) => doubtful = doubtful.or(Some(found)),
                (Err(error), is_whole) => errors.push((error, is_whole)),
            }
        }
        // Where one was whole, the parts that another view shows of it tell nothing.
        let seen_before = whole_seen;
        for (error, is_whole) in errors {
            is_damaged |= matches!(error, BlobError::Damaged { .. });
            whole_seen |= is_whole;
            if (is_whole || !seen_before) && weight(&error) > weight(&told) {
                told = error;
            }
        }
        if budget.0 == 0 {
            break;
        }
    }
    match doubtful {
        // What is doubtful may be the same in a view that hides the damage.
        Some(found) if !is_damaged => Ok(found),
        _ => Err(told),
    }
}

/// Returns what was tried in a view, in the text's order.
fn in_view(view: &str, budget: &mut Budget) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for find in [plain::attempts, json::attempts, envelope::attempts, sdp_text::attempts] {
        find(view, budget, &mut attempts);
    }
    attempts.sort_by_key(|attempt| attempt.start);
    let mut end = 0;
    // What looks like a blob within a whole one is none.
    attempts.retain(|attempt| {
        let is_apart = attempt.start >= end;
        if is_apart && attempt.result.is_ok() {
            end = attempt.end;
        }
        is_apart
    });
    attempts
}

impl Attempt {
    /// Returns what was found, or what is wrong with it and whether it is whole nevertheless.
    fn judge(self, check: impl Fn(&Found) -> Result<(), BlobError>) -> (Result<Found, BlobError>, bool) {
        let Self { form, characters, end_is_clear, result, .. } = self;
        let description = match result {
            Ok(description) => description,
            Err(error) => return (Err(error), false),
        };
        let found = Found { description, form, characters, end_is_clear };
        let checked = if found.description.sdp.starts_with("v=0\r") || found.description.sdp.starts_with("v=0\n") {
            Stamp::of(&found.description).and_then(|_| check(&found))
        } else {
            Err(BlobError::NoSession)
        };
        let is_whole = !matches!(checked, Err(BlobError::NoSession | BlobError::Damaged { .. }));
        (checked.map(|()| found), is_whole)
    }
}

/// The more an error says about what was meant to be read, the heavier.
fn weight(error: &BlobError) -> (u8, usize) {
    match error {
        BlobError::NotABlob => (0, 0),
        BlobError::NoSession => (1, 0),
        // Quoted below what was meant.
        BlobError::Own(_) => (2, 0),
        BlobError::WrongKind { .. } => (3, 0),
        BlobError::Damaged { .. } => (4, 0),
        BlobError::Incomplete { characters, .. } => (4, *characters),
        _ => (5, 0),
    }
}

/// Returns the last characters of a text that was cut off, by which a person finds the place.
pub(super) fn ending(text: &str) -> String {
    let mut last: Vec<char> = text.chars().rev().filter(|c| !c.is_whitespace()).take(8).collect();
    last.reverse();
    last.into_iter().collect()
}
