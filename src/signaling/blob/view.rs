//! The ways in which a text may be meant: as it stands, or with what mail and chat programs put
//! around it taken off again.

use std::{
    borrow::Cow,
    collections::{HashSet, VecDeque},
};

use percent_encoding::percent_decode_str;

use super::characters::clean;

/// So many encodings may lie around each other.
const DEPTH: usize = 3;
/// So many views are tried.
const VIEWS: usize = 14;

/// Takes one kind of encoding off; returns the text as it was if there is none.
type Decoder = fn(&str) -> Cow<'_, str>;

/// More likely ones first.
const DECODERS: [Decoder; 5] =
    [without_html, without_quoted_printable, without_percent, without_names, without_backslashes];

/// Returns the views of a text, the likeliest first. Each is made when it is asked for.
pub(super) fn views(text: &str) -> impl Iterator<Item = String> {
    let mut seen = HashSet::from([text.to_owned()]);
    let mut waiting = VecDeque::from([(text.to_owned(), 0)]);
    std::iter::from_fn(move || {
        let (text, depth) = waiting.pop_front()?;
        for decode in DECODERS.iter().filter(|_| depth < DEPTH) {
            if let Cow::Owned(decoded) = decode(&text)
                && seen.len() < VIEWS
                && seen.insert(decoded.clone())
            {
                waiting.push_back((decoded, depth + 1));
            }
        }
        Some(clean(&text))
    })
}

/// Returns a line without tags, escapes and a chat program's names.
pub(super) fn bare(line: &str) -> String {
    without_backslashes(&without_names(&without_html(line))).into_owned()
}

/// Tags and character references (HTML, 13.1).
fn without_html(text: &str) -> Cow<'_, str> {
    let tagless = without_tags(text);
    match html_escape::decode_html_entities(&tagless) {
        Cow::Owned(decoded) => Cow::Owned(decoded),
        Cow::Borrowed(_) => tagless,
    }
}

/// Tags that begin or end a line.
const BLOCKS: [&str; 12] = ["p", "div", "li", "ul", "tr", "pre", "table", "blockquote", "body", "section", "h1", "h2"];
/// Tags that do not.
const INLINE: [&str; 18] = [
    "a", "b", "code", "em", "font", "head", "html", "i", "meta", "o:p", "span", "strong", "style", "td", "tbody", "tt",
    "u", "wbr",
];
/// The longest tag that is looked for: mail programs' styles are long.
const LONGEST_TAG: usize = 2000;

fn without_tags(text: &str) -> Cow<'_, str> {
    let mut bare = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        bare.push_str(before);
        let inner = tag[1..].trim_start_matches('/');
        let name_end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != ':').unwrap_or(inner.len());
        let name = inner[..name_end.min(12)].to_ascii_lowercase();
        let (is_block, is_break) = (BLOCKS.contains(&&*name), name == "br");
        let is_tag = is_block || is_break || INLINE.contains(&&*name);
        let mut inside = tag.bytes().take(LONGEST_TAG).skip(1);
        let end = inside.position(|byte| matches!(byte, b'<' | b'>')).map(|before| before + 1);
        let Some(end) = end.filter(|end| is_tag && tag.as_bytes()[*end] == b'>') else {
            bare.push('<');
            rest = &tag[1..];
            continue;
        };
        if is_break || (is_block && !bare.is_empty() && !bare.ends_with('\n')) {
            bare.push('\n');
        }
        rest = &tag[end + 1..];
    }
    bare.push_str(rest);
    if bare == text { Cow::Borrowed(text) } else { Cow::Owned(bare) }
}

/// Quoted-printable (RFC 2045, 6.7), lenient: what is no encoding stays.
fn without_quoted_printable(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    // SDP is full of what looks like it, such as `=ca`; what is sure is an encoded `=` or a soft break.
    let is_sure = |at: usize| {
        matches!(
            bytes.get(at + 1..),
            Some([b'3', b'D' | b'd', ..] | [b'\r' | b'\n', ..] | [b' ' | b'\t', b'\r' | b'\n', ..])
        )
    };
    if !text.match_indices('=').any(|(at, _)| is_sure(at)) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'=' {
            decoded.push(byte);
            continue;
        }
        if let Some(value) = hex(bytes.get(at)).zip(hex(bytes.get(at + 1))).map(|(high, low)| high << 4 | low) {
            decoded.push(value);
            at += 2;
            continue;
        }
        // A soft break: the line goes on.
        let blanks = bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match bytes[at + blanks..] {
            [b'\r', b'\n', ..] => at += blanks + 2,
            [b'\r' | b'\n', ..] => at += blanks + 1,
            _ => decoded.push(b'='),
        }
    }
    if decoded.len() == bytes.len() { Cow::Borrowed(text) } else { Cow::Owned(from_utf8_or_windows(decoded)) }
}

fn hex(digit: Option<&u8>) -> Option<u8> {
    char::from(*digit?).to_digit(16).map(|value| value as u8)
}

/// Windows-1252 is the other charset that mail programs write; of its own characters only quotes and dashes matter.
fn from_utf8_or_windows(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let character = |byte: &u8| match byte {
            0x91 | 0x92 => '\'',
            0x93 | 0x94 => '"',
            0x85 => '\u{2026}',
            0x96 => '\u{2013}',
            0x97 => '\u{2014}',
            other => char::from(*other),
        };
        error.as_bytes().iter().map(character).collect()
    })
}

/// Percent-encoding (RFC 3986, 2.1).
fn without_percent(text: &str) -> Cow<'_, str> {
    match percent_decode_str(text).decode_utf8_lossy() {
        Cow::Owned(decoded) => Cow::Owned(decoded),
        Cow::Borrowed(_) => Cow::Borrowed(text),
    }
}

/// The escapes of a string in a program or in JSON (RFC 8259, 7).
fn without_backslashes(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut bare = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            bare.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => bare.push('\n'),
            Some('r') => bare.push('\r'),
            Some('t') => bare.push('\t'),
            Some(escaped @ ('"' | '\'' | '\\' | '/' | '_' | '*' | '`' | '~' | '=' | '{' | '}')) => bare.push(escaped),
            Some('u') => {
                let code = characters.as_str().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                if let Some(code) = code {
                    bare.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    characters.nth(3);
                }
            }
            Some(other) => bare.extend(['\\', other]),
            None => bare.push('\\'),
        }
    }
    Cow::Owned(bare)
}

/// A name comes within so many characters of a line's beginning.
const LONGEST_NAME: usize = 64;

/// Takes off the time and the name with which chat programs begin lines: `12:03 <bob> `,
/// `12:03:45  bob | ` and `[18:03, 22/11/2026] Bob: `.
fn without_names(text: &str) -> Cow<'_, str> {
    let mut found = false;
    let lines: Vec<&str> = text
        .split('\n')
        .map(|line| {
            let bare = without_name(line);
            found |= bare.is_some();
            bare.unwrap_or(line)
        })
        .collect();
    if found { Cow::Owned(lines.join("\n")) } else { Cow::Borrowed(text) }
}

fn without_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let marks: &[&str] = match line.bytes().next()? {
        b'[' => &["> ", ": ", "| "],
        b'<' | b'0'..=b'9' => &["> ", " | "],
        _ => return None,
    };
    let (at, mark) = marks.iter().filter_map(|mark| Some((line.find(mark)?, mark))).min()?;
    (at <= LONGEST_NAME).then(|| &line[at + mark.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_taken_off() {
        for (decode, text, expected) in [
            (without_html as Decoder, "<p>v=0<br/>a&amp;b&#34;</p><wbr>c", "v=0\na&b\"\nc"),
            (without_html, "<https://a/#b> 1 < 2 <br", "<https://a/#b> 1 < 2 <br"),
            (without_quoted_printable, "v=3D0=\r\nx=C2=A0=20=zz=", "v=0x\u{a0} =zz="),
            (without_quoted_printable, "=93a=94=A0=3D", "\"a\"\u{a0}="),
            (without_quoted_printable, "a=candidate", "a=candidate"),
            (without_percent, "%7B%22%zz", "{\"%zz"),
            (without_backslashes, r#"{\"a\":\"b\\r\u000a\x"#, "{\"a\":\"b\\r\n\\x"),
            (without_names, "12:03 <bob> a\n[1, 2] Bob: b\n12:03 bob | c\nd: e", "a\nb\nc\nd: e"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    #[test]
    fn views_are_few_and_the_text_itself_comes_first() {
        assert_eq!(views("hello > you").collect::<Vec<_>>(), ["hello > you"]);
        assert_eq!(views("%26quot%3B").last().as_deref(), Some("\""));
        let hostile = "&amp;amp;%2525=3D3D\\\\\\\\1:2 <a> <b> | ".repeat(20);
        assert!(views(&hostile).count() <= VIEWS);
    }
}
