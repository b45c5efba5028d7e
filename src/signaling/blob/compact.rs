//! The compact form: a description in a few bytes, as letters and digits. `docs/blob-format.md` tells
//! other programs how to read it.
//!
//! A description that p2pcall makes has the same words each time: it becomes a [`Profile`], what differs
//! from call to call. Anything else is deflated.

mod base62;
mod profile;

use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};

use self::profile::Profile;
use super::{super::stamp::CRC, BlobError};
use crate::media::{Description, DescriptionKind};

/// How every text begins; the digit is the version.
pub(super) const PREFIX: &str = "p2pcall1";

/// So many symbols tell how many bytes follow.
const LENGTH_SYMBOLS: usize = 3;

/// An SDP that is longer is none that people mean.
const MAX_SDP: usize = 64 * 1024;

/// The bits of the first byte; the others are zero until a later version means something by them.
const ANSWER: u8 = 1;
const DEFLATED: u8 = 2;

/// The check sum: the last four bytes, over all before them.
const CHECKSUM: usize = 4;

/// Writes a description, `None` if it is too long for this form.
pub(super) fn encode(description: &Description) -> Option<String> {
    let answer = if description.kind == DescriptionKind::Answer { ANSWER } else { 0 };
    let profile = Profile::of(description).filter(|profile| profile.render() == *description);
    let mut envelope = match profile {
        Some(profile) => [vec![answer], profile.to_bytes()].concat(),
        None if description.sdp.len() > MAX_SDP => return None,
        None => [vec![answer | DEFLATED], compress_to_vec(description.sdp.as_bytes(), 9)].concat(),
    };
    envelope.extend(CRC.checksum(&envelope).to_be_bytes());
    Some(format!("{PREFIX}{}{}", base62::number(envelope.len(), LENGTH_SYMBOLS)?, base62::encode(&envelope)))
}

/// Reads a description from the symbols after the prefix, and tells how many of them it had: others,
/// letters of what was written below, may follow.
///
/// # Errors
/// [`BlobError::Incomplete`] if there are too few symbols, [`BlobError::Damaged`] if the check sum is
/// wrong, [`BlobError::Newer`] if a later version made it.
pub(super) fn decode(symbols: &str) -> Result<(Description, usize), BlobError> {
    let characters = PREFIX.len() + symbols.chars().count();
    let Some((length, rest)) = symbols.split_at_checked(LENGTH_SYMBOLS) else {
        return Err(incomplete(characters, None));
    };
    let bytes = base62::value(length).ok_or_else(|| damaged("it has characters that do not belong there"))?;
    let wanted = base62::symbols(bytes);
    let Some(body) = rest.get(..wanted) else {
        return Err(incomplete(characters, Some(PREFIX.len() + LENGTH_SYMBOLS + wanted)));
    };
    let envelope = base62::decode(body, bytes).ok_or_else(|| damaged("letters in it were changed"))?;
    let (content, checksum) = envelope.split_last_chunk::<CHECKSUM>().ok_or_else(wrong_checksum)?;
    if CRC.checksum(content).to_be_bytes() != *checksum {
        return Err(wrong_checksum());
    }
    let (what, body) = content.split_first().ok_or_else(wrong_checksum)?;
    if what & !(ANSWER | DEFLATED) != 0 {
        return Err(BlobError::Newer);
    }
    let kind = if what & ANSWER == 0 { DescriptionKind::Offer } else { DescriptionKind::Answer };
    let description = if what & DEFLATED == 0 {
        Profile::from_bytes(kind, body)?.render()
    } else {
        let sdp = decompress_to_vec_with_limit(body, MAX_SDP).map_err(|error| damaged(&error.to_string()))?;
        Description { kind, sdp: String::from_utf8(sdp).map_err(|error| damaged(&error.to_string()))? }
    };
    Ok((description, LENGTH_SYMBOLS + wanted))
}

/// What it ends with is for the reader to say, who knows the text as it was pasted.
const fn incomplete(characters: usize, wanted: Option<usize>) -> BlobError {
    BlobError::Incomplete { characters, wanted, ends: String::new() }
}

fn damaged(reason: &str) -> BlobError {
    BlobError::Damaged { reason: reason.into() }
}

fn wrong_checksum() -> BlobError {
    damaged("its check sum is wrong")
}

#[cfg(test)]
mod tests;
