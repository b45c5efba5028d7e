//! What a certificate is known by: the SHA-256 of its DER form, as SDP tells it (RFC 8122, 5).

use std::{fmt, str::FromStr};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// The SHA-256 of a DTLS certificate.
///
/// Public, no secret: whoever sees a blob sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; Self::LENGTH]);

/// Why there is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// The description has none.
    #[error("The description has no fingerprint: anybody could be at the other end. Ask for a new one.")]
    Missing,
    /// It was made with another hash function.
    #[error("The fingerprint was made with {hash}, only sha-256 is taken. Ask for a description from a newer program.")]
    OtherHash {
        /// What the description says, shortened.
        hash: String,
    },
    /// It is not as RFC 8122 writes it.
    #[error("The fingerprint is not 32 bytes in hexadecimal with colons between. Copy the text again.")]
    Malformed,
    /// Two lines tell different ones.
    #[error("The description has more than one fingerprint: it may have been tampered with. Ask for a new one.")]
    Differ,
}

impl Fingerprint {
    /// So many bytes it has.
    pub const LENGTH: usize = 32;

    const HASH: &str = "sha-256";
    const ATTRIBUTE: &str = "a=fingerprint";
    /// So many characters of a foreign word are repeated in an error.
    const SHOWN: usize = 20;

    /// Returns the fingerprint of a certificate in DER.
    pub fn of_certificate(der: &[u8]) -> Self {
        let mut bytes = [0; Self::LENGTH];
        bytes.copy_from_slice(digest(&SHA256, der).as_ref());
        Self(bytes)
    }

    /// Returns the fingerprint that is these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Returns the one fingerprint of a description. Each medium may repeat it, none may tell another.
    ///
    /// # Errors
    /// If there is none, or any line is not the SHA-256 that the others tell. RFC 8122 allows several hashes and
    /// several certificates; both would leave open which one was compared.
    pub fn of_sdp(sdp: &str) -> Result<Self, FingerprintError> {
        let mut found = None;
        // Wider than SDP: no line that a laxer reader would take may be missed here.
        for line in sdp.split(['\r', '\n']).map(str::trim) {
            let Some((name, rest)) = line.split_at_checked(Self::ATTRIBUTE.len()) else { continue };
            if !name.eq_ignore_ascii_case(Self::ATTRIBUTE) {
                continue;
            }
            let value = rest.trim_start().strip_prefix(':').ok_or(FingerprintError::Malformed)?;
            let fingerprint: Self = value.parse()?;
            if found.is_some_and(|before| before != fingerprint) {
                return Err(FingerprintError::Differ);
            }
            found = Some(fingerprint);
        }
        found.ok_or(FingerprintError::Missing)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads the value of an `a=fingerprint` attribute: `sha-256 AA:BB:…`, whatever the case.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (hash, value) = text.trim().split_once(char::is_whitespace).ok_or(FingerprintError::Malformed)?;
        if !hash.eq_ignore_ascii_case(Self::HASH) {
            let hash = hash.chars().filter(char::is_ascii_graphic).take(Self::SHOWN).collect();
            return Err(FingerprintError::OtherHash { hash });
        }
        let mut bytes = [0; Self::LENGTH];
        let mut pairs = value.trim().split(':');
        for byte in &mut bytes {
            let pair = pairs.next().ok_or(FingerprintError::Malformed)?;
            // `from_str_radix` alone would take a sign.
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(FingerprintError::Malformed);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| FingerprintError::Malformed)?;
        }
        pairs.next().map_or(Ok(Self(bytes)), |_| Err(FingerprintError::Malformed))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HASH)?;
        let separators = std::iter::once(' ').chain(std::iter::repeat(':'));
        self.0.iter().zip(separators).try_for_each(|(byte, separator)| write!(f, "{separator}{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, FingerprintError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The SHA-256 of "abc", the example of FIPS 180-4.
    const ABC: &str = "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
                       B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";

    #[test]
    fn a_certificate_has_the_fingerprint_that_sdp_tells() {
        assert_eq!(Fingerprint::of_certificate(b"abc").to_string(), ABC);
        for text in [ABC.to_owned(), ABC.to_lowercase(), ABC.to_uppercase(), format!(" {ABC} ")] {
            assert_eq!(text.parse(), Ok(Fingerprint::of_certificate(b"abc")), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_sha_256_is_refused() {
        let other = |hash: &str| FingerprintError::OtherHash { hash: hash.into() };
        for (text, expected) in [
            (String::new(), FingerprintError::Malformed),
            ("sha-256".into(), FingerprintError::Malformed),
            ("sha-256 ".into(), FingerprintError::Malformed),
            (ABC[..ABC.len() - 3].into(), FingerprintError::Malformed),
            (format!("{ABC}:00"), FingerprintError::Malformed),
            (format!("{ABC}:"), FingerprintError::Malformed),
            (ABC.replace("BA", "+A"), FingerprintError::Malformed),
            (ABC.replace(':', ""), FingerprintError::Malformed),
            (ABC.replace("BA:78", "BA: 78"), FingerprintError::Malformed),
            (ABC.replace("256", "1"), other("sha-1")),
            (ABC.replace("sha-256", "\u{1b}[31mMD5"), other("[31mMD5")),
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_description_has_one_or_is_refused() {
        let other = ABC.replace("BA", "BB");
        let sha_1 = ABC.replace("256", "1");
        let found = Ok(Fingerprint::of_certificate(b"abc"));
        for (sdp, expected) in [
            (format!("v=0\na=fingerprint:{ABC}\n"), found.clone()),
            (format!("v=0\r\na=fingerprint:{ABC}\r\nm=audio\r\na=fingerprint:{}", ABC.to_lowercase()), found),
            (format!("v=0\na=fingerprint:{ABC}\nm=audio\na=fingerprint:{other}"), Err(FingerprintError::Differ)),
            (format!("v=0\na=fingerprint:{ABC}\n A=FingerPrint:{other}"), Err(FingerprintError::Differ)),
            (format!("v=0\na=fingerprint:{ABC}\ns= \ra=fingerprint:{other}"), Err(FingerprintError::Differ)),
            (
                format!("v=0\na=fingerprint:{ABC}\na=fingerprint:{sha_1}"),
                Err(FingerprintError::OtherHash { hash: "sha-1".into() }),
            ),
            (format!("v=0\na=fingerprint:{ABC}\na=fingerprint"), Err(FingerprintError::Malformed)),
            (format!("v=0\na=x-fingerprint:{ABC}\n"), Err(FingerprintError::Missing)),
            (String::new(), Err(FingerprintError::Missing)),
        ] {
            assert_eq!(Fingerprint::of_sdp(&sdp), expected, "{sdp}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: [u8; 32]) {
            let fingerprint = Fingerprint::from_bytes(bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
            prop_assert_eq!(Fingerprint::of_sdp(&format!("a=fingerprint:{fingerprint}")), Ok(fingerprint));
        }

        #[test]
        fn any_text_is_survived(text: String) {
            let _ = text.parse::<Fingerprint>();
            let _ = Fingerprint::of_sdp(&format!("a=fingerprint:sha-256 {text}"));
        }
    }
}
