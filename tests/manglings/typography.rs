//! Characters that are replaced or slipped in.

use crate::{Mangling, wrap::hard};

pub(crate) const MANGLINGS: &[Mangling] = &[
    Mangling::new("Word, iOS, macOS: smart quotes", |text| smart_quotes(text, '\u{201c}', '\u{201d}')),
    Mangling::new("a German Word: low and high quotes", |text| smart_quotes(text, '\u{201e}', '\u{201c}')),
    Mangling::new("iOS, macOS: smart dashes and ellipses", |text| {
        text.replace("--", "\u{2014}").replace("...", "\u{2026}")
    }),
    Mangling::new("Word: hyphens that do not break", |text| text.replace('-', "\u{2011}")),
    Mangling::new("Teams, Word: no-break spaces", |text| text.replace(' ', "\u{a0}")),
    Mangling::new("French typography: narrow no-break spaces", |text| text.replace(' ', "\u{202f}")),
    Mangling::new("Facebook, Twitter: zero-width spaces in long words", |text| hard(text, 25, "\u{200b}")),
    Mangling::new("Word, LibreOffice: soft hyphens in long words", |text| hard(text, 33, "\u{ad}")),
    Mangling::new("Outlook: zero-width non-joiners, word joiners", |text| hard(text, 20, "\u{200c}\u{2060}")),
    Mangling::new("Notepad: a byte order mark", |text| format!("\u{feff}{text}")),
    Mangling::new("WhatsApp, Telegram in right-to-left languages: directional marks", |text| {
        text.lines().map(|line| format!("\u{200e}\u{202a}{line}\u{202c}\r\n")).collect()
    }),
    Mangling::new("Unicode isolates around it (GNOME, Signal)", |text| format!("\u{2068}{text}\u{2069}")),
    Mangling::new("an East Asian input method: full-width marks", |text| {
        text.replace('{', "\u{ff5b}").replace('}', "\u{ff5d}").replace('=', "\u{ff1d}").replace(':', "\u{ff1a}")
    }),
    Mangling::new("a terminal: colours", |text| format!("\u{1b}[1;32m{}\u{1b}[0m\n", hard(text, 60, "\u{1b}[K"))),
    Mangling::new("a terminal: the marks of a bracketed paste", |text| format!("\u{1b}[200~{text}\u{1b}[201~")),
    Mangling::new("Windows: a null and a substitute character at the end (copy, DOS)", |text| {
        format!("{text}\0\u{1a}")
    }),
];

fn smart_quotes(text: &str, open: char, close: char) -> String {
    let mut opened = false;
    let quote = |character| {
        if character != '"' {
            return character;
        }
        opened = !opened;
        if opened { open } else { close }
    };
    text.chars().map(quote).collect()
}
