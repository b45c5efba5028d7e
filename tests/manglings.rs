//! What mail programs, chats and people do to a text on its way, applied to each form of a blob and
//! to the descriptions of several programs: all of it is read back.

#[path = "manglings/chat.rs"]
mod chat;
#[path = "manglings/encoded.rs"]
mod encoded;
#[path = "manglings/mail.rs"]
mod mail;
#[path = "manglings/typography.rs"]
mod typography;
#[path = "manglings/wrap.rs"]
mod wrap;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use p2pcall::{
    media::{Description, DescriptionKind},
    signaling::{BlobForm, Expected, SessionBlob, Stamp},
};

/// One thing that happens to texts.
pub(crate) struct Mangling {
    /// Who does it, and where that is told.
    pub(crate) source: &'static str,
    pub(crate) apply: fn(&str) -> String,
    /// Forms to which it cannot happen, with the reason.
    pub(crate) not_for: &'static [(Written, &'static str)],
}

impl Mangling {
    pub(crate) const fn new(source: &'static str, apply: fn(&str) -> String) -> Self {
        Self { source, apply, not_for: &[] }
    }

    pub(crate) const fn not_for(self, not_for: &'static [(Written, &'static str)]) -> Self {
        Self { not_for, ..self }
    }
}

/// How a description is written before it is mangled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Base64 of JSON, as p2pcall, pion and webrtc-rs print it.
    Plain,
    /// Base64url without padding.
    UrlSafe,
    /// Base64 of JSON with white space in it.
    Pretty,
    /// A link with base64url after `#`.
    Link,
    /// JSON, as aiortc prints it.
    Json,
    /// SDP, as webrtc-cli prints it.
    Sdp,
    Compact,
}

impl Written {
    const ALL: [Self; 7] = [Self::Plain, Self::UrlSafe, Self::Pretty, Self::Link, Self::Json, Self::Sdp, Self::Compact];

    fn write(self, description: &Description) -> String {
        let encoded = |form| SessionBlob::encode(description, form).to_string();
        let url_safe = || encoded(BlobForm::Plain).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
        match self {
            Self::Plain => encoded(BlobForm::Plain),
            Self::UrlSafe => url_safe(),
            Self::Pretty => STANDARD.encode(serde_json::to_string_pretty(description).expect("JSON")),
            Self::Link => format!("https://call.example/join#{}", url_safe()),
            Self::Json => {
                let sdp = serde_json::to_string(&description.sdp).expect("JSON");
                format!("{{\"sdp\": {sdp}, \"type\": \"{}\"}}", description.kind)
            }
            Self::Sdp => encoded(BlobForm::Sdp),
            Self::Compact => encoded(BlobForm::Compact),
        }
    }

    const fn form(self) -> BlobForm {
        match self {
            Self::Plain | Self::UrlSafe | Self::Pretty | Self::Link => BlobForm::Plain,
            Self::Json => BlobForm::Json,
            Self::Sdp => BlobForm::Sdp,
            Self::Compact => BlobForm::Compact,
        }
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_783_000_000)
}

/// What is carried: ours with stamps, other programs' as they are.
fn descriptions() -> Vec<(&'static str, Description)> {
    let stamp = Stamp::new(now() - Duration::from_secs(600), None);
    let offer = |sdp: String| Description { kind: DescriptionKind::Offer, sdp };
    let answer = |sdp: String| Description { kind: DescriptionKind::Answer, sdp };
    vec![
        ("our offer", offer(stamp.apply(include_str!("data/p2pcall-offer.sdp")))),
        ("our answer", answer(stamp.apply(include_str!("data/p2pcall-answer.sdp")))),
        ("Chromium's offer", offer(include_str!("data/chromium-offer.sdp").into())),
        ("Firefox's offer", offer(include_str!("data/firefox-offer.sdp").into())),
        ("Firefox's answer", answer(include_str!("data/firefox-answer.sdp").into())),
    ]
}

fn all() -> impl Iterator<Item = &'static Mangling> {
    [wrap::MANGLINGS, mail::MANGLINGS, encoded::MANGLINGS, typography::MANGLINGS, chat::MANGLINGS].into_iter().flatten()
}

#[test]
fn every_form_survives_every_mangling() {
    assert!(all().count() >= 40);
    let mut failures = Vec::new();
    let mut read = 0;
    for (whose, description) in descriptions() {
        for written in Written::ALL {
            let text = written.write(&description);
            if written == Written::Compact && !text.starts_with("p2pcall") {
                continue;
            }
            for mangling in all().filter(|mangling| mangling.not_for.iter().all(|(form, _)| *form != written)) {
                let mangled = (mangling.apply)(&text);
                let result = Expected::new(description.kind, None).read(&mangled, now());
                read += 1;
                let what_is_wrong = match result {
                    Ok(found) if found.form != written.form() => format!("read as {}", found.form),
                    Ok(found) if found.description == description => continue,
                    // Without a check sum a break within a word may look like one at a space: what
                    // makes the session must be right, names of tracks need not be.
                    Ok(found)
                        if description.attribute("p2pcall").is_none()
                            && matches!(written, Written::Json | Written::Sdp)
                            && essentials(&found.description.sdp) == essentials(&description.sdp) =>
                    {
                        continue;
                    }
                    Ok(found) => difference(&found.description.sdp, &description.sdp),
                    Err(error) => error.to_string(),
                };
                failures.push(format!("{whose}, {written:?}, {}: {what_is_wrong}", mangling.source));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {read}:\n{}", failures.len(), failures.join("\n"));
}

/// Returns the lines without which there is no connection.
fn essentials(sdp: &str) -> Vec<&str> {
    let names = ["fingerprint:", "ice-ufrag:", "ice-pwd:", "setup:", "mid:", "candidate:", "rtpmap:"];
    let is_essential =
        |line: &&str| line.strip_prefix("a=").is_some_and(|line| names.iter().any(|name| line.starts_with(name)));
    sdp.lines().filter(is_essential).collect()
}

fn difference(got: &str, wanted: &str) -> String {
    let mut lines = got.lines().zip(wanted.lines());
    lines
        .find(|(got, wanted)| got != wanted)
        .map_or("another length".into(), |(got, wanted)| format!("{got:?} for {wanted:?}"))
}

#[test]
fn a_text_is_hinted_at_by_its_first_line_that_holds_any_of_it() {
    let (_, description) = descriptions().remove(0);
    for written in Written::ALL {
        let text = written.write(&description);
        for mangling in all().filter(|mangling| mangling.not_for.iter().all(|(form, _)| *form != written)) {
            let mangled = (mangling.apply)(&text);
            let lines = mangled.split_inclusive(['\n', '\r', '\u{2028}']);
            let rest: Vec<&str> = lines.skip_while(|line| !SessionBlob::may_be_in(line)).collect();
            let result = Expected::new(description.kind, None).read(&rest.concat(), now());
            assert!(result.is_ok(), "{written:?}, {}: {:?}", mangling.source, result.err());
        }
    }
    for line in
        ["", "Hello,", "here is the new one: take it", "On Sunday Bob wrote:", "p2pcall answer", "> see you {soon}"]
    {
        assert!(!SessionBlob::may_be_in(line), "{line}");
    }
}
