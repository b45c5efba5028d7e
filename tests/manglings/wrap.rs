//! Lines that are broken.

use crate::{Mangling, Written};

pub(crate) const MANGLINGS: &[Mangling] = &[
    Mangling::new("nothing at all", str::to_owned),
    Mangling::new("a shell: a line feed after it", |text| format!("{}\n", text.trim_end())),
    Mangling::new("RFC 2045, 6.8, `base64`: 76 columns, CR LF", |text| hard(text, 76, "\r\n")),
    Mangling::new("RFC 7468, PEM: 64 columns, LF", |text| hard(text, 64, "\n")),
    Mangling::new("classic Mac OS editors: 72 columns, CR", |text| hard(&with_ends(text, "\r"), 72, "\r")),
    Mangling::new("JavaScript, Apple's text views: U+2028", |text| hard(&with_ends(text, "\u{2028}"), 70, "\u{2028}")),
    Mangling::new("a terminal of 80 columns, copied", |text| hard(text, 80, "\n")),
    Mangling::new("a telephone: 40 columns", |text| hard(text, 40, "\n")),
    Mangling::new("a terminal that fills lines up with blanks (screen, Windows console)", |text| {
        let wrapped = hard(text, 100, "\n");
        wrapped.lines().map(|line| format!("{line:<100}\n")).collect()
    })
    .not_for(&[
        (Written::Json, "blanks within the words of an SDP cannot be told from its own"),
        (Written::Sdp, "blanks within the words of an SDP cannot be told from its own"),
    ]),
    Mangling::new("Gmail, plain text: words wrapped at 78", |text| words(text, 78, "\r\n")),
    Mangling::new("Outlook, plain text: words wrapped at 76", |text| words(text, 76, "\r\n")),
    Mangling::new("fmt, par: words wrapped at 72", |text| words(text, 72, "\n")),
    Mangling::new("RFC 3676, format=flowed (Thunderbird): broken after a space", |text| flowed(text, 72)),
    Mangling::new("RFC 3676, format=flowed, delsp=yes (Apple Mail): a space put after each break", |text| {
        hard(text, 68, " \r\n")
    })
    .not_for(&[(Written::Json, "blanks put into words cannot be told from those of an SDP")]),
    Mangling::new("RFC 5545, folded like a calendar: CR LF and a space", |text| hard(text, 74, "\r\n ")),
    Mangling::new("CR LF read as two line ends (Teams, Windows clipboards)", |text| {
        hard(&with_ends(text, "\n\n"), 76, "\n\n")
    }),
    Mangling::new("YAML block, indented by tabs or blanks", |text| {
        let lines: Vec<String> = text.lines().map(|line| format!("\t    {line}")).collect();
        format!("offer: |\n{}\n", lines.join("\n"))
    }),
];

pub(crate) fn with_ends(text: &str, end: &str) -> String {
    text.lines().map(|line| format!("{line}{end}")).collect()
}

/// Breaks lines within words.
pub(crate) fn hard(text: &str, columns: usize, end: &str) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for character in text.chars() {
        if matches!(character, '\n' | '\r' | '\u{2028}') {
            column = 0;
        } else if column == columns {
            wrapped.push_str(end);
            column = 1;
        } else {
            column += 1;
        }
        wrapped.push(character);
    }
    wrapped
}

/// Breaks lines at spaces, which are lost. Words that are longer than a line are left.
pub(crate) fn words(text: &str, columns: usize, end: &str) -> String {
    broken_at_spaces(text, columns, end)
}

/// Breaks lines after spaces, which stay.
pub(crate) fn flowed(text: &str, columns: usize) -> String {
    broken_at_spaces(text, columns, " \r\n")
}

fn broken_at_spaces(text: &str, columns: usize, end: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut wrapped = String::new();
        let mut column = 0;
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 && column + word.len() >= columns {
                wrapped.push_str(end);
                column = 0;
            } else if index > 0 {
                wrapped.push(' ');
                column += 1;
            }
            wrapped.push_str(word);
            column += word.len();
        }
        wrapped
    });
    lines.map(|line| line + "\r\n").collect()
}
