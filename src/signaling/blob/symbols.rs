//! Text of which each letter counts and white space does not: base64 and the compact form.

/// The symbols of a text from some place on. Nobody marks where they end, so there are three guesses.
pub(super) struct Symbols<'a> {
    /// The text from the first symbol on, cleaned.
    pub(super) text: &'a str,
    /// Whether a character is a symbol.
    pub(super) is_symbol: fn(u8) -> bool,
}

impl Symbols<'_> {
    /// Returns all symbols that follow, whatever stands between.
    pub(super) fn all(&self) -> Vec<u8> {
        self.text.bytes().filter(|byte| (self.is_symbol)(*byte)).collect()
    }

    /// Returns the symbols of the first word and of all lines that are one word of symbols: between
    /// the parts of a text that was sent in several messages stand names and times.
    pub(super) fn of_bare_lines(&self) -> Vec<u8> {
        let mut lines = self.text.split('\n');
        let first = lines.next().unwrap_or_default();
        let first = first.split(' ').next().unwrap_or_default();
        let bare = lines.map(|line| line.trim_end()).filter(|line| line.bytes().all(|byte| (self.is_symbol)(byte)));
        std::iter::once(first).chain(bare).flat_map(str::bytes).filter(|byte| (self.is_symbol)(*byte)).collect()
    }

    /// Returns the symbols up to the first thing that a text that was only wrapped has not: an empty
    /// line, or a second word in a line.
    pub(super) fn unbroken(&self) -> Vec<u8> {
        let mut symbols = Vec::new();
        for (index, line) in self.text.split('\n').enumerate() {
            let line = line.trim_end_matches(' ');
            let word = line.split(' ').next().unwrap_or_default();
            let is_bare = word.bytes().all(|byte| (self.is_symbol)(byte));
            if index > 0 && (line.is_empty() || word.len() < line.len() || !is_bare) {
                break;
            }
            symbols.extend(word.bytes().take_while(|byte| (self.is_symbol)(*byte)));
            if word.len() < line.len() || !is_bare {
                break;
            }
        }
        symbols
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_guessed() {
        for (text, all, bare, unbroken) in [
            ("abc\ndef \nghi", "abcdefghi", "abcdefghi", "abcdefghi"),
            ("abc\n\nRegards, Bob", "abcRegardsBob", "abc", "abc"),
            ("abc)\ndef", "abcdef", "abcdef", "abc"),
            ("abc\nBob, 12:03\ndef", "abcBob1203def", "abcdef", "abc"),
            ("abc def\nghi", "abcdefghi", "abcghi", "abc"),
        ] {
            let symbols = Symbols { text, is_symbol: |byte| byte.is_ascii_alphanumeric() };
            let read = |symbols: Vec<u8>| String::from_utf8(symbols).expect("ASCII");
            assert_eq!(read(symbols.all()), all, "{text:?}");
            assert_eq!(read(symbols.of_bare_lines()), bare, "{text:?}");
            assert_eq!(read(symbols.unbroken()), unbroken, "{text:?}");
        }
    }
}
