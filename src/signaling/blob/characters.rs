//! Undoes what programs do to single characters and to the beginnings of lines.

/// Returns the text with line feeds alone as line ends, spaces alone as white space, no invisible
/// characters, plain quotes and dashes, and without the marks, indentation and spaces with which a
/// quoting program begins lines. Spaces at a line's end stay: they may tell how it was wrapped.
pub(super) fn clean(text: &str) -> String {
    let plain = plain_characters(text);
    let mut clean = String::with_capacity(plain.len());
    for (index, line) in plain.split('\n').enumerate() {
        if index > 0 {
            clean.push('\n');
        }
        clean.push_str(without_quote_marks(line));
    }
    clean
}

fn plain_characters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                plain.push('\n');
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => plain.push('\n'),
            '\t' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
                plain.push(' ');
            }
            // What terminals obey: colours, and the marks around a paste (ECMA-48, 5.4).
            '\u{1b}' => {
                if characters.next_if_eq(&'[').is_some() {
                    while characters.next_if(|next| matches!(next, ' '..='?')).is_some() {}
                    characters.next_if(|next| matches!(next, '@'..='~'));
                }
            }
            // Zero width, soft hyphens, directions, variation selectors, byte order marks; and
            // private use, which means a break of ours further on.
            '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{e000}'..='\u{f8ff}' => {}
            other if other.is_control() => {}
            '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' | '\u{2036}' => plain.push('"'),
            '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '\u{2032}' => plain.push('\''),
            '\u{2010}'..='\u{2013}' | '\u{2212}' => plain.push('-'),
            // What text editors make of two hyphens and of three stops.
            '\u{2014}' | '\u{2015}' => plain.push_str("--"),
            '\u{2026}' => plain.push_str("..."),
            // The full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => plain.push(char::from((u32::from(character) - 0xff01 + 0x21) as u8)),
            other => plain.push(other),
        }
    }
    plain
}

fn without_quote_marks(line: &str) -> &str {
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '>', '|']);
        // Some mail programs put the writer's initials before the mark: `JD> `.
        let initials = rest.bytes().take_while(u8::is_ascii_uppercase).count();
        match rest[initials..].strip_prefix('>') {
            Some(marked) if initials <= 3 => rest = marked,
            _ => return rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_change_is_undone() {
        for (text, expected) in [
            ("a\r\nb\rc\nd\u{2028}e", "a\nb\nc\nd\ne"),
            ("> > a\n>> b\n| c\n\t d \nJD> e\nHELLO> f", "a\nb\nc\nd \ne\nHELLO> f"),
            ("a\u{200b}b\u{ad}c\u{feff}d\u{202a}e\u{e000}", "abcde"),
            ("a\u{a0}b\u{3000}c\td", "a b c d"),
            ("\u{201c}a\u{201d}\u{2019}s\u{2014}\u{2013}\u{2026}", "\"a\"'s---..."),
            ("\u{ff5b}\u{ff02}\u{ff21}", "{\"A"),
            ("\u{1b}[200~a\u{1b}[1;31mb\u{1b}[0m\u{1b}[201~\u{1b}", "ab"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }
}
