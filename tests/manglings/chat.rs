//! What chats put around a text, and how they cut it.

use crate::{Mangling, Written, mail::quoted, wrap::hard};

/// Names and times between parts; the parts of these forms have spaces of their own.
const IN_PARTS: &[(Written, &str)] = &[
    (Written::Json, "lines between its parts cannot be told from its own"),
    (Written::Sdp, "lines between its parts cannot be told from its own"),
];

pub(crate) const MANGLINGS: &[Mangling] = &[
    Mangling::new("irssi, HexChat: lines of 400 characters with time and name", |text| {
        quoted(&hard(text, 400, "\n"), "12:03 <bob> ")
    }),
    Mangling::new("irssi: name with its mode", |text| quoted(&hard(text, 350, "\n"), "12:03:04 <@bob> ")),
    Mangling::new("WeeChat: aligned names", |text| quoted(&hard(text, 300, "\n"), "12:03:45       bob | ")),
    Mangling::new("WhatsApp: copied with time and name", |text| {
        format!("[18:03, 22/11/2026] Bob: {text}\n[18:04, 22/11/2026] Bob: got it?")
    }),
    Mangling::new("WhatsApp: every line a message", |text| quoted(text, "[18:03, 22/11/2026] Bob: ")),
    Mangling::new("WhatsApp: an exported chat", |text| {
        format!("22/11/2026, 18:03 - Bob: {}\n22/11/2026, 18:04 - Alice: thanks\n", text.trim_end())
    }),
    Mangling::new("Telegram Desktop: copied with its head line", |text| {
        format!("Bob, [22.11.2026 18:03]\n{}\n\nBob, [22.11.2026 18:04]\nthere\n", text.trim_end())
    }),
    Mangling::new("Telegram: cut at 4,096 characters into messages, with their head lines", |text| {
        parts(text, 4096, "Bob, [22.11.2026 18:03]\n", "\n\n")
    })
    .not_for(IN_PARTS),
    Mangling::new("Discord: cut at 2,000 characters into messages, with their head lines", |text| {
        parts(text, 2000, "Bob — 18:03\n", "\n")
    })
    .not_for(IN_PARTS),
    Mangling::new("Slack: head line, and a block quote's mark", |text| {
        format!("Bob\n  6:03 PM\n{}\n  6:04 PM\nok?", quoted(text, "> "))
    }),
    Mangling::new("Discord: as a quoted reply", |text| {
        format!("> {}\n@Bob thanks!", text.trim_end().replace('\n', "\n> "))
    }),
    Mangling::new("Signal Desktop: name and time below it", |text| format!("{}\nBob\n18:03 · Read\n", text.trim_end())),
    Mangling::new("SMS: cut at 153 characters, pasted one below the other", |text| hard(text, 153, "\n")),
    Mangling::new("Teams: [18:03] Name, then the text", |text| format!("[18:03] Bob Example\n{text}")),
];

fn parts(text: &str, length: usize, head: &str, between: &str) -> String {
    let pieces: Vec<&str> =
        text.as_bytes().chunks(length).map(|piece| std::str::from_utf8(piece).expect("ASCII")).collect();
    pieces.iter().map(|piece| format!("{head}{piece}{between}")).collect()
}
