//! What stands around a text in a mail.

use crate::{
    Mangling, Written,
    wrap::{hard, words},
};

pub(crate) const MANGLINGS: &[Mangling] = &[
    Mangling::new("a person: greeting and signature", |text| {
        format!(
            "Hello {{Bob}},\n\nhere it is, paste it:\n\n{}\n\nKind regards\n-- \nAlice, e.g. +1 555 0100\n",
            text.trim_end()
        )
    }),
    Mangling::new("a person: words right before and after it, in its line", |text| {
        format!("Here it is: {} - see you soon!", text.trim_end())
    })
    .not_for(&[(Written::Sdp, "words in the last line belong to it as far as anybody can tell")]),
    Mangling::new("a person: pasted twice, in a row", |text| format!("{text}{text}"))
        .not_for(&[(Written::Compact, "the prefix would lie within a word")]),
    Mangling::new("a person: pasted twice, on two lines", |text| format!("{text}\n{text}\n")),
    Mangling::new("a person: cut off, then whole", |text| {
        format!("{}\n\nSorry, again:\n\n{text}\n", &text[..text.len() / 2])
    })
    .not_for(&[(Written::Sdp, "without a check sum what was cut within a name looks whole")]),
    Mangling::new("a person: cut off, then whole, right below", |text| {
        format!("{}\n{text}\n", &text[..text.len() / 3])
    })
    .not_for(&[(Written::Sdp, "without a check sum what was cut within a name looks whole")]),
    Mangling::new("a mailing list: footer", |text| {
        format!(
            "{}\n_______________________________________________\nlist mailing list\nlist@lists.example\n",
            text.trim_end()
        )
    }),
    Mangling::new("Gmail, plain text reply: quoted", |text| {
        format!(
            "Yes!\n\nOn Sun, Nov 22, 2026 at 6:03 PM Alice <alice@mail.example> wrote:\n{}",
            quoted(&words(text, 74, "\n"), "> ")
        )
    }),
    Mangling::new("mutt: quoted and wrapped within words", |text| quoted(&hard(text, 70, "\n"), "> ")),
    Mangling::new("Thunderbird: quoted twice", |text| quoted(&words(text, 70, "\n"), ">> ")),
    Mangling::new("Apple Mail: quoted three times", |text| quoted(&words(text, 70, "\n"), "> > > ")),
    Mangling::new("mail-mode and Usenet readers: quoted with a bar", |text| quoted(text, "| ")),
    Mangling::new("The Bat!: quoted with initials", |text| quoted(&hard(text, 70, "\r\n"), "AB> ")),
    Mangling::new("quoted, wrapped again by the next program: every other line is short and unquoted", |text| {
        hard(text, 70, "\n")
            .lines()
            .map(|line| {
                let (head, tail) = line.split_at(line.len() * 6 / 7);
                if tail.is_empty() { format!("> {line}\n") } else { format!("> {head}\n{tail}\n") }
            })
            .collect::<String>()
    })
    .not_for(&[(Written::Sdp, "short lines are broken, too, within `v=0` and the names of attributes")]),
    Mangling::new("Outlook: the header block of a forwarded mail", |text| {
        format!(
            "________________________________\r\nFrom: Alice <alice@mail.example>\r\nSent: Sunday, November 22, 2026 6:03 PM\r\nTo: Bob\r\nSubject: Call?\r\n\r\n{}",
            words(text, 76, "\r\n")
        )
    }),
    Mangling::new("an HTML mail as text: indented by no-break spaces (Apple Mail)", |text| {
        quoted(text, "\u{a0}\u{a0}\u{a0} ")
    }),
    Mangling::new("Markdown: fenced", |text| format!("Take this:\n```\n{}\n```\nBye", text.trim_end())),
    Mangling::new("Markdown: fenced with a language, indented in a list", |text| {
        quoted(&format!("```json\n{}\n```\n", text.trim_end()), "   ")
    }),
    Mangling::new("Markdown: in back-ticks", |text| format!("take `{}` and go", text.trim_end())),
    Mangling::new("Jira: {noformat}", |text| format!("{{noformat}}\n{}\n{{noformat}}\n", text.trim_end())),
    Mangling::new("in quotation marks", |text| format!("\"{}\"", text.trim_end())),
    Mangling::new("in single quotation marks, after a command", |text| format!("p2pcall answer '{}'", text.trim_end())),
    Mangling::new("in angle brackets (RFC 3986, appendix C)", |text| format!("<{}>", text.trim_end()))
        .not_for(&[(Written::Sdp, "a link's marks"), (Written::Json, "a link's marks")]),
];

pub(crate) fn quoted(text: &str, mark: &str) -> String {
    text.lines().map(|line| format!("{mark}{line}\n")).collect()
}
