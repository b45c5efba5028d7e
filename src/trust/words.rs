//! Words made to be spoken: the PGP word list (Juola and Zimmermann 1996), 256 of two and 256 of three syllables.
//!
//! They were chosen so that no two sound alike. The syllables alternate, so a word left out or two exchanged are heard.

use std::fmt;

/// A line for each value of a byte: the word for even places, the word for odd ones.
const LIST: &str = include_str!("words.txt");

/// Four words that both sides see if nobody is between them: 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Words([u8; Self::COUNT]);

impl Words {
    /// So many words there are.
    pub const COUNT: usize = 4;

    /// Returns the words that stand for these bytes.
    pub const fn from_bytes(bytes: [u8; Self::COUNT]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes that the words stand for.
    pub const fn as_bytes(&self) -> &[u8; Self::COUNT] {
        &self.0
    }

    /// Returns the words in their order.
    pub fn as_words(&self) -> [&'static str; Self::COUNT] {
        std::array::from_fn(|place| word(self.0[place], place))
    }
}

/// The words with spaces between, as they are shown.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_words().join(" "))
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({self})")
    }
}

fn word(byte: u8, place: usize) -> &'static str {
    let (even, odd) =
        LIST.lines().nth(byte.into()).and_then(|line| line.split_once(' ')).expect("a line of two words for each byte");
    if place.is_multiple_of(2) { even } else { odd }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_list_is_whole() {
        let even: Vec<_> = (0..=255).map(|byte| word(byte, 0)).collect();
        let odd: Vec<_> = (0..=255).map(|byte| word(byte, 1)).collect();
        assert_eq!(LIST.lines().count(), 256);
        assert_eq!((even[0], even[255], odd[0], odd[255]), ("aardvark", "Zulu", "adroitness", "Yucatan"));
        let all: HashSet<_> = even.iter().chain(&odd).map(|word| word.to_lowercase()).collect();
        assert_eq!(all.len(), 512, "each once");
        assert!(all.iter().all(|word| word.bytes().all(|letter| letter.is_ascii_lowercase())));
        for (list, letters) in [(even, 4..=9), (odd, 4..=11)] {
            assert!(list.is_sorted_by_key(|word| word.to_lowercase().as_bytes()[0]), "by their first letters");
            assert!(list.iter().all(|word| letters.contains(&word.len())));
        }
    }

    #[test]
    fn the_fingerprint_of_the_published_example_reads_as_published() {
        // The example of the list's authors: E582 94F2 E9A2 2748 …
        for (bytes, text) in [
            ([0xe5, 0x82, 0x94, 0xf2], "topmost Istanbul Pluto vagabond"),
            ([0xe9, 0xa2, 0x27, 0x48], "treadmill Pacific brackish dictator"),
            ([0x6e, 0x8b, 0x06, 0x1b], "goldfish Medusa afflict bravado"),
            ([0x31, 0xcc, 0x52, 0x8f], "chatter revolver Dupont midsummer"),
            ([0xd7, 0xfa, 0x3f, 0x19], "stopwatch whimsical cowbell bottomless"),
        ] {
            let words = Words::from_bytes(bytes);
            assert_eq!(words.to_string(), text);
            assert_eq!(words.as_bytes(), &bytes);
        }
    }
}
