//! The long form of the proof, for a peer that cannot agree on words: 60 digits made of both certificates.
//!
//! After Signal's safety numbers (Marlinspike 2016): 30 digits for each side, of SHA-512 iterated 5,200 times. No
//! messages are needed, so that a browser's console can compute it (docs/security.md has the lines). It has to be
//! long because it stands still: who chooses certificates can try as often as he likes.

use std::fmt;

use ring::digest::{SHA512, digest};

use super::fingerprint::Fingerprint;

/// 60 digits that both sides see if nobody is between them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafetyNumber(String);

impl SafetyNumber {
    /// So many digits it has.
    pub const DIGITS: usize = 60;

    /// So many stand together.
    const GROUP: usize = 5;
    /// A trial costs whoever looks for a certificate with the same digits so many hashes.
    const ITERATIONS: usize = 5_200;
    const LABEL: &[u8] = b"p2pcall safety number 1";

    /// Returns the number of two certificates, in whichever order they come. Takes some milliseconds.
    pub fn new(own: &Fingerprint, remote: &Fingerprint) -> Self {
        let (low, high) = if own <= remote { (own, remote) } else { (remote, own) };
        Self(format!("{}{}", half(low), half(high)))
    }

    /// Returns the digits without spaces.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// Twelve groups of five digits with spaces between.
impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> =
            self.0.as_bytes().chunks(Self::GROUP).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
        f.write_str(&groups.join(" "))
    }
}

impl fmt::Debug for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafetyNumber({self})")
    }
}

/// Returns the 30 digits of one side: five bytes make a group, as a number modulo 100,000.
fn half(fingerprint: &Fingerprint) -> String {
    let mut hash = [SafetyNumber::LABEL, fingerprint.as_bytes()].concat();
    for _ in 0..SafetyNumber::ITERATIONS {
        hash.extend_from_slice(fingerprint.as_bytes());
        hash = digest(&SHA512, &hash).as_ref().to_vec();
    }
    let groups = hash.chunks_exact(SafetyNumber::GROUP).take(SafetyNumber::DIGITS / SafetyNumber::GROUP / 2);
    groups
        .map(|bytes| {
            let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            format!("{:05}", number % 100_000)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_same_whatever_the_order() {
        let [first, second, third] = [1, 2, 3].map(|byte| Fingerprint::from_bytes([byte; 32]));
        let number = SafetyNumber::new(&first, &second);
        assert_eq!(number, SafetyNumber::new(&second, &first));
        assert_ne!(number, SafetyNumber::new(&first, &third));
        assert_eq!(number.digits().len(), SafetyNumber::DIGITS);
        assert!(number.digits().bytes().all(|digit| digit.is_ascii_digit()));
    }

    #[test]
    fn the_number_is_what_other_programs_compute() {
        // docs/security.md gives a program for browsers; this is what it says.
        let abc = Fingerprint::of_certificate(b"abc");
        let number = SafetyNumber::new(&abc, &Fingerprint::from_bytes([1; 32]));
        assert_eq!(number.to_string(), "03965 06832 80307 09015 30104 14788 27406 13877 97391 31883 42444 25940");
    }
}
