//! Encodings that were not taken off.

use crate::{
    Mangling, Written,
    mail::quoted,
    wrap::{hard, words},
};

pub(crate) const MANGLINGS: &[Mangling] = &[
    Mangling::new("RFC 2045, 6.7, quoted-printable, as Outlook sends it", |text| quoted_printable(text, true)),
    Mangling::new("quoted-printable in lower case", |text| quoted_printable(text, false)),
    Mangling::new("quoted-printable with no-break spaces in UTF-8", |text| {
        quoted_printable(
            &format!("Hello\u{a0}Bob,\n\n{text}\n\u{a0}\nBye\n").replace("typ host", "typ\u{a0}host"),
            true,
        )
    }),
    Mangling::new("quoted-printable in Windows-1252, with its quotes (Outlook)", |text| {
        let body = quoted_printable(&format!("Say (hi)\n\n{text}\n"), true);
        body.replace("(hi)", "=93hi=94=A0").replace(" IN", "=A0IN")
    }),
    Mangling::new("the source of an HTML mail: quoted-printable (Outlook)", |text| {
        quoted_printable(
            &format!("<html><body><p class=\"MsoNormal\">{}</p></body></html>", html(text, "<br>\n")),
            true,
        )
    }),
    Mangling::new("HTML: <pre>, five characters escaped", |text| format!("<pre>{}</pre>", html(text, "\n"))),
    Mangling::new("HTML: <br> at the ends of lines (Gmail)", |text| {
        format!("<div dir=\"ltr\">Hi,<br><br>{}<br><br>Bye</div>", html(&words(text, 100, "\n"), "<br>"))
    }),
    Mangling::new("HTML: a <div> a line (Gmail, Apple Mail)", |text| {
        text.lines().map(|line| format!("<div>{}</div>", html(line, ""))).collect()
    }),
    Mangling::new("HTML: <p class=MsoNormal> a line, &nbsp; (Outlook)", |text| {
        let line = |line: &str| {
            format!(
                "<p class=\"MsoNormal\" style='margin:0cm'>{}<o:p></o:p></p>\r\n",
                html(line, "").replace(' ', "&nbsp;")
            )
        };
        text.lines().map(line).collect()
    }),
    Mangling::new("HTML: <wbr> in long words (Gmail, Roundcube)", |text| {
        html(&hard(text, 30, "\u{1}"), "<br>\n").replace('\u{1}', "<wbr>")
    }),
    Mangling::new("HTML: numbered references (Matrix, PHP)", |text| {
        html(text, "\n").replace("&quot;", "&#x22;").replace('=', "&#61;").replace('{', "&#123;").replace('}', "&#125;")
    }),
    Mangling::new("HTML: escaped twice (feeds, web archives)", |text| html(&html(text, "\n"), "<br/>\n")),
    Mangling::new("HTML: quoted by &gt;", |text| html(&quoted(&hard(text, 76, "\n"), "> "), "\n")),
    Mangling::new("HTML: coloured words in <span>s (Teams, VS Code)", |text| {
        html(&hard(text, 50, "\u{1}"), "<br>").replace('\u{1}', "</span><span style=\"color: #a31515;\">")
    }),
    Mangling::new("HTML: a link's address", |text| {
        format!("<p>Click <a href=\"https://call.example/#{}\" rel=noopener>here</a></p>", percent(text))
    }),
    Mangling::new("RFC 3986: after the # of a link", |text| format!("https://call.example/join#{}", percent(text))),
    Mangling::new("RFC 3986: p2pcall:#", |text| format!("p2pcall:#{}", percent(text))),
    Mangling::new("RFC 3986: p2pcall: alone, in lower case", |text| format!("p2pcall:{}", percent(text).to_owned())),
    Mangling::new("RFC 6068: a mailto: link's body", |text| {
        format!("mailto:bob@mail.example?subject=Call&body={}&cc=", percent(&format!("Hi,\r\n\r\n{text}\r\n\r\nBye")))
    }),
    Mangling::new("Outlook: safelinks.protection.outlook.com", |text| {
        let link = percent(&format!("https://call.example/#{}", percent(text)));
        format!("https://eur01.safelinks.protection.outlook.com/?url={link}&data=05%7C02%7C&reserved=0")
    }),
    Mangling::new("JSON.stringify, as a string within a message", |text| {
        format!("{{\"msg\":{},\"to\":\"bob\"}}", json_string(text))
    }),
    Mangling::new("JSON.stringify twice, in a log", |text| json_string(&json_string(text))),
    Mangling::new("a shell's $'…' or a Python literal", |text| {
        format!("text = '{}'", text.replace('\\', "\\\\").replace('\r', "\\r").replace('\n', "\\n"))
    }),
    Mangling::new("echo $TEXT without quotes: all white space is one blank", |text| {
        text.split_ascii_whitespace().collect::<Vec<_>>().join(" ") + "\n"
    }),
    Mangling::new("RFC 2045: lines broken by soft breaks alone", |text| hard(text, 75, "=\r\n")).not_for(&[
        (Written::Sdp, "`=` is not escaped, so it is no quoted-printable"),
        (Written::Json, "`=` is not escaped, so it is no quoted-printable"),
    ]),
];

fn quoted_printable(text: &str, upper: bool) -> String {
    let mut encoded = String::new();
    let mut column = 0;
    for line in text.lines() {
        let last = line.len().saturating_sub(1);
        for (at, byte) in line.bytes().enumerate() {
            let is_plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (byte == b' ' && at < last);
            let unit = match (is_plain, upper) {
                (true, _) => char::from(byte).to_string(),
                (false, true) => format!("={byte:02X}"),
                (false, false) => format!("={byte:02x}"),
            };
            if column + unit.len() > 75 {
                encoded.push_str("=\r\n");
                column = 0;
            }
            column += unit.len();
            encoded.push_str(&unit);
        }
        encoded.push_str("\r\n");
        column = 0;
    }
    encoded
}

fn html(text: &str, end: &str) -> String {
    let escape = |line: &str| {
        line.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
    };
    text.lines().map(escape).collect::<Vec<_>>().join(end)
}

/// Encodes what `encodeURIComponent` does.
fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'!' | b'*' | b'\'' | b'(' | b')' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}
