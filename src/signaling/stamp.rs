//! What p2pcall adds to a description that travels: when it was made, what it answers, and a check sum.
//!
//! One session-level attribute, which other programs ignore (RFC 8866, 5.13):
//! `a=p2pcall:VERSION MINUTES ANSWERS CHECKSUM`. `MINUTES` counts from 2026-01-01 00:00 UTC, `ANSWERS` is
//! the short id of the offer that an answer belongs to, or `-`, and `CHECKSUM` is the CRC-32 (ISO-HDLC, in
//! hexadecimal) of all other lines, each ended by a single line feed, and of this one up to the check sum.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crc::{CRC_32_ISO_HDLC, Crc};

use super::BlobError;
use crate::media::Description;

/// The version of blobs that this program writes, and the newest it reads.
pub(super) const VERSION: u32 = 1;

/// 2026-01-01 00:00 UTC, in seconds since the Unix epoch.
const EPOCH: u64 = 1_767_225_600;

const ATTRIBUTE: &str = "a=p2pcall:";

pub(super) const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// When a description was made and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    minutes: u32,
    answers: Option<ShortId>,
}

impl Stamp {
    /// Returns the stamp of a description made at `created` (kept to the minute), which answers the
    /// offer of this short id.
    pub fn new(created: SystemTime, answers: Option<ShortId>) -> Self {
        let seconds = created.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let minutes = seconds.saturating_sub(EPOCH) / 60;
        Self { minutes: u32::try_from(minutes).unwrap_or(u32::MAX), answers }
    }

    pub(super) const fn from_minutes(minutes: u32, answers: Option<ShortId>) -> Self {
        Self { minutes, answers }
    }

    /// Returns the minutes since 2026-01-01 00:00 UTC.
    pub(super) const fn minutes(self) -> u32 {
        self.minutes
    }

    /// Returns when the description was made, to the minute.
    pub fn created(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(EPOCH + u64::from(self.minutes) * 60)
    }

    /// Returns the short id of the offer that this answers, if it says so.
    pub const fn answers(self) -> Option<ShortId> {
        self.answers
    }

    /// Returns the stamp of a description, `None` if other programs made it.
    ///
    /// # Errors
    /// [`BlobError::Newer`] if a later version made it, [`BlobError::Damaged`] if the check sum is wrong.
    pub fn of(description: &Description) -> Result<Option<Self>, BlobError> {
        let Some(value) = description.sdp.lines().find_map(|line| line.strip_prefix(ATTRIBUTE)) else {
            return Ok(None);
        };
        let damaged = || BlobError::Damaged { reason: "its check sum is wrong".into() };
        let mut words = value.split_ascii_whitespace();
        let mut word = || words.next().ok_or_else(damaged);
        let version: u32 = word()?.parse().map_err(|_| damaged())?;
        if version > VERSION {
            return Err(BlobError::Newer);
        }
        let minutes = word()?.parse().map_err(|_| damaged())?;
        let answers = match word()? {
            "-" => None,
            id => Some(id.parse().map_err(|_| damaged())?),
        };
        let stamp = Self { minutes, answers };
        match stamp.line(&description.sdp) == format!("{ATTRIBUTE}{value}") {
            true => Ok(Some(stamp)),
            // A gateway has put its own addresses in: it is no longer what we wrote.
            false if is_rewritten(&description.sdp) => Ok(None),
            false => Err(damaged()),
        }
    }

    /// Puts the stamp into an SDP, before its first medium. An older stamp is replaced.
    pub fn apply(self, sdp: &str) -> String {
        let end = if sdp.contains("\r\n") { "\r\n" } else { "\n" };
        let stamp = self.line(sdp);
        let mut stamped = String::with_capacity(sdp.len() + stamp.len() + 2);
        let mut lines = sdp.lines().filter(|line| !line.starts_with(ATTRIBUTE)).peekable();
        let mut add = |line: &str| {
            stamped.push_str(line);
            stamped.push_str(end);
        };
        while let Some(line) = lines.next_if(|line| !line.starts_with("m=")) {
            add(line);
        }
        add(&stamp);
        lines.for_each(add);
        stamped
    }

    fn line(self, sdp: &str) -> String {
        let mut digest = CRC.digest();
        for line in sdp.lines().filter(|line| !line.starts_with(ATTRIBUTE)) {
            digest.update(line.as_bytes());
            digest.update(b"\n");
        }
        let answers = self.answers.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let line = format!("{ATTRIBUTE}{VERSION} {} {answers} ", self.minutes);
        digest.update(line.as_bytes());
        format!("{line}{:08x}", digest.finalize())
    }
}

/// Whether the address in the `c=` line, where we write none, is one. Gateways that rewrite candidates
/// write it, too.
fn is_rewritten(sdp: &str) -> bool {
    let connection = sdp.lines().find_map(|line| line.strip_prefix("c=IN IP4 "));
    connection.is_some_and(|address| address.parse().is_ok_and(|address: std::net::Ipv4Addr| !address.is_unspecified()))
}

/// Six letters and digits by which people and programs tell one session from another.
///
/// Not a secret and no proof: it is made of what the blob shows anyway, the fingerprint and the ICE user
/// name fragment. Written in Crockford's base 32, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShortId(u32);

impl ShortId {
    /// So many bits are told.
    const BITS: u32 = 30;
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

    /// Returns the id of a description, `None` if it has no fingerprint or ICE user name fragment.
    pub fn of(description: &Description) -> Option<Self> {
        let fingerprint = description.attribute("fingerprint")?.trim().to_ascii_lowercase();
        let ufrag = description.attribute("ice-ufrag")?.trim();
        let mut digest = CRC.digest();
        digest.update(fingerprint.as_bytes());
        digest.update(b"\n");
        digest.update(ufrag.as_bytes());
        Some(Self(digest.finalize() >> (32 - Self::BITS)))
    }

    pub(super) const fn from_bits(bits: u32) -> Self {
        Self(bits & ((1 << Self::BITS) - 1))
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..Self::BITS / 5)
            .rev()
            .try_for_each(|place| write!(f, "{}", Self::ALPHABET[(self.0 >> (place * 5) & 31) as usize] as char))
    }
}

/// The text is no short id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a short id has six letters and digits")]
pub struct NoShortId;

impl FromStr for ShortId {
    type Err = NoShortId;

    fn from_str(text: &str) -> Result<Self, NoShortId> {
        let mut bits = 0_u32;
        for byte in text.bytes() {
            let digit = Self::ALPHABET.iter().position(|symbol| *symbol == byte.to_ascii_lowercase());
            bits = (bits << 5) | digit.ok_or(NoShortId)? as u32;
        }
        (text.len() == Self::BITS as usize / 5).then_some(Self(bits)).ok_or(NoShortId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::DescriptionKind;

    const SDP: &str = "v=0\r\na=fingerprint:sha-256 AA:BB\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:x\r\n";

    fn answer(sdp: impl Into<String>) -> Description {
        Description { kind: DescriptionKind::Answer, sdp: sdp.into() }
    }

    #[test]
    fn a_stamp_is_read_as_written_whatever_the_line_ends() {
        let id = ShortId::of(&answer(SDP)).expect("an id");
        let created = UNIX_EPOCH + Duration::from_secs(EPOCH + 61);
        for answers in [None, Some(id)] {
            let stamp = Stamp::new(created, answers);
            let once = stamp.apply(SDP);
            assert_eq!(stamp.apply(&once), once, "replaced, not added");
            for sdp in [once.replace("\r\n", "\n"), once] {
                let read = Stamp::of(&answer(sdp)).expect("undamaged").expect("a stamp");
                assert_eq!(read, stamp);
                assert_eq!(read.created(), created - Duration::from_secs(1), "to the minute");
            }
        }
        assert_eq!(Stamp::of(&answer(SDP)), Ok(None));
    }

    #[test]
    fn damage_and_newer_versions_are_seen() {
        let stamped = Stamp::new(SystemTime::UNIX_EPOCH, None).apply(SDP);
        let damaged = Err(BlobError::Damaged { reason: "its check sum is wrong".into() });
        for (from, to, expected) in [
            ("AA:BB", "AA:BC", damaged.clone()),
            ("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "", damaged.clone()),
            ("p2pcall:1 0 -", "p2pcall:1 0", damaged.clone()),
            ("p2pcall:1 0", "p2pcall:1 x", damaged.clone()),
            ("p2pcall:1 0", "p2pcall:1 1", damaged),
            ("p2pcall:1", "p2pcall:2", Err(BlobError::Newer)),
        ] {
            let changed = stamped.replace(from, to);
            assert_ne!(changed, stamped, "{from}");
            assert_eq!(Stamp::of(&answer(changed)), expected, "{from} → {to}");
        }
        let rewritten = stamped.replace("AA:BB\r\n", "AA:BB\r\nc=IN IP4 127.0.0.1\r\n");
        assert_eq!(Stamp::of(&answer(rewritten)), Ok(None), "by a gateway");
    }

    #[test]
    fn short_ids_are_told_and_read() {
        let id = ShortId::of(&answer(SDP)).expect("an id");
        assert_eq!(id.to_string().len(), 6);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(ShortId::from_bits(id.bits()), id);
        assert_ne!(Some(id), ShortId::of(&answer(SDP.replace("ufrag:x", "ufrag:y"))));
        assert_eq!(ShortId::of(&answer("v=0\r\n")), None);
        for text in ["", "12345", "1234567", "12345u", "ääääää"] {
            assert_eq!(text.parse::<ShortId>(), Err(NoShortId), "{text}");
        }
    }
}
