//! What is true of any blob and of any text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::{
    media::DescriptionKind,
    signaling::{Expected, Stamp},
};

const SDP: &str = include_str!("../../../tests/data/p2pcall-offer.sdp");

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_783_000_000)
}

fn stamped() -> Description {
    Description { kind: DescriptionKind::Offer, sdp: Stamp::new(now(), None).apply(SDP) }
}

fn write(form: BlobForm) -> String {
    SessionBlob::encode(&stamped(), form).to_string()
}

/// Breaks a text of one line into lines of so many characters.
fn wrapped(text: &str, columns: usize, end: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(columns).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join(end)
}

fn breaks() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n", "\u{2028}", "\r\n  ", "\n> ", "\n>> ", "\n\t| ", "\u{200b}"])
}

fn prose() -> impl Strategy<Value = String> {
    "([A-Za-z ,.:;!?'ßé)(-]{0,70}\n){0,4}"
}

#[test]
fn the_form_is_what_browsers_write() {
    let description = Description { kind: DescriptionKind::Offer, sdp: "v=0\r\n".into() };
    let blob = SessionBlob::encode(&description, BlobForm::Plain);
    assert_eq!(blob.as_str(), "eyJ0eXBlIjoib2ZmZXIiLCJzZHAiOiJ2PTBcclxuIn0=");
    assert_eq!(SessionBlob::find(blob.as_str()).map(|found| found.description), Ok(description));
}

#[test]
fn what_is_found_is_described() {
    for (form, end_is_clear) in [(BlobForm::Plain, true), (BlobForm::Json, true), (BlobForm::Sdp, true)] {
        let text = write(form);
        let characters = text.chars().filter(|c| !c.is_whitespace()).count();
        let found = Found { description: stamped(), form, characters, end_is_clear };
        assert_eq!(SessionBlob::find(&format!("Hi\n\n{text}\n\nBye")), Ok(found));
    }
    // Without a check sum only what follows tells the end.
    for (after, end_is_clear) in [("", false), ("\n", false), ("\n\n", true), ("\nBye", true), ("\n```", true)] {
        let found = SessionBlob::find(&format!("{}{after}", SDP.trim_end())).expect("a whole SDP");
        assert_eq!(found.end_is_clear, end_is_clear, "{after:?}");
        assert_eq!(found.description.sdp, SDP);
    }
}

#[test]
fn what_is_wrong_is_told() {
    let [plain, json] = [BlobForm::Plain, BlobForm::Json].map(write);
    let cut = |characters, ends: &str| BlobError::Incomplete { characters, wanted: None, ends: ends.into() };
    for (text, expected) in [
        ("", BlobError::NotABlob),
        ("hello there {name}, v=0 and p2pcall 1.0", BlobError::NotABlob),
        ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozj", BlobError::NotABlob),
        ("{\"candidate\":\"\",\"type\":\"candidate\"}", BlobError::NotABlob),
        (&plain[..20], cut(20, &plain[12..20])),
        (&plain[..21], cut(21, &plain[13..21])),
        (&json[..12], cut(12, &json[4..12])),
        // What follows is not taken for damage.
        (&format!("> {}\n\nKind regards,\nBob", &plain[..300]), cut(300, &plain[292..300])),
        (&format!("{} Kind regards, Bob", &plain[..300]), cut(300, &plain[292..300])),
        // A cut one tells more than one that cannot be meant.
        (&format!("{}\n\n{{\"type\":\"offer\",\"sdp\":\"hello\"}}", &plain[..300]), cut(300, &plain[292..300])),
        ("{\"type\":\"offer\",\"sdp\":\"hello\"}", BlobError::NoSession),
        ("p2pcall2abcdefgh", BlobError::Newer),
        (&SDP.replace("m=audio", "a=p2pcall:2 0 - 00000000\r\nm=audio"), BlobError::Newer),
    ] {
        assert_eq!(SessionBlob::find(text).err(), Some(expected), "{text}");
    }
    let damaged = [
        plain.replacen('W', "X", 20),
        json.replace("a=mid:1", "a=mid:7"),
        format!("{}\n\n", write(BlobForm::Sdp).replace("a=mid:1", "a=mid:7")),
        "{\"type\":\"offer\"}".to_owned(),
        "{\"type\":\"maybe\",\"sdp\":\"v=0\"}".to_owned(),
        format!("eyJ0eXBlIjoi{}", "A".repeat(80)),
    ];
    for text in damaged {
        let error = SessionBlob::find(&text).err();
        assert!(matches!(error, Some(BlobError::Damaged { .. })), "{error:?}: {text}");
    }
}

#[test]
fn the_right_one_of_several_is_taken() {
    let own = Description { kind: DescriptionKind::Offer, sdp: SDP.replace("FE:89", "FE:88") };
    let answer = Description { kind: DescriptionKind::Answer, sdp: SDP.replace("actpass", "active") };
    let expected = Expected::new(DescriptionKind::Answer, Some(own.clone()));
    for form in [BlobForm::Plain, BlobForm::Json, BlobForm::Sdp] {
        let [own, answer] = [&own, &answer].map(|description| SessionBlob::encode(description, form).to_string());
        for text in [
            format!("{answer}\n\nOn Sunday you wrote:\n> {}\n", own.replace('\n', "\n> ")),
            format!("{own}\n{answer}\n\n"),
            format!("{}\n\n{answer}\n\n", &answer[..answer.len() / 2]),
        ] {
            let read = expected.read(&text, now()).map(|found| found.description.kind);
            assert_eq!(read, Ok(DescriptionKind::Answer), "{text}");
        }
        let cut = format!("{}\n\nOn Sunday you wrote:\n> {}\n\n", &answer[..900], own.replace('\n', "\n> "));
        let error = expected.read(&cut, now()).err();
        assert!(matches!(error, Some(BlobError::Incomplete { .. })), "{form}: {error:?}");
        let error = expected.read(&format!("{own}\n\n"), now()).err();
        assert_eq!(error, Some(BlobError::Own(DescriptionKind::Offer)), "{form}");
    }
}

#[test]
fn any_beginning_is_incomplete() {
    for form in [BlobForm::Plain, BlobForm::Json, BlobForm::Sdp, BlobForm::Compact] {
        let text = write(form);
        // The line ends and marks after the last letter may be missing.
        let whole = match form {
            BlobForm::Compact => text.len(),
            _ => text.trim_end_matches(['=', '\r', '\n', '}', '"', '\\', 'r', 'n']).len() - 3,
        };
        // Of the compact form the whole prefix must be there: prose speaks of the program, too.
        let shortest = if form == BlobForm::Compact { "p2pcall1".len() } else { 3 };
        for cut in shortest..whole {
            let characters = text[..cut].chars().filter(|c| !c.is_whitespace()).count();
            let error = SessionBlob::find(&text[..cut]).err();
            let is_cut = matches!(error, Some(BlobError::Incomplete { characters: told, .. }) if told == characters);
            assert!(is_cut, "{cut} of {form}: {error:?}");
            assert!(SessionBlob::may_be_in(&text[..cut]), "{cut} of {form}");
        }
    }
}

#[test]
fn a_compact_text_is_told_from_what_stands_around_it() {
    let text = write(BlobForm::Compact);
    let length = text.len();
    let shout = text.replacen("p2pcall", "P2PCALL", 1);
    for around in [
        format!("{}\n{text}", &text[..60]),
        format!("{}\n{shout}\nBye", &text[..60]),
        format!("{}\n{text}\nBye", text.replacen("p2pcall1", "p2pcall10", 1)),
        format!("Is p2pcall1 it? No, that is p2pcall 1.0:\n\n{text}SeeYouLater"),
        format!("{text} {}", &text[..60]),
    ] {
        let found = Found { description: stamped(), form: BlobForm::Compact, characters: length, end_is_clear: true };
        assert_eq!(SessionBlob::find(&around), Ok(found), "{around}");
    }
    let cut = |characters: usize| BlobError::Incomplete {
        characters,
        wanted: Some(length),
        ends: text[characters - 8..characters].into(),
    };
    let damaged = |reason: &str| BlobError::Damaged { reason: reason.into() };
    let (before, after) = text.split_at(60);
    let changed = format!("{before}{}{}", if after.starts_with('x') { "y" } else { "x" }, &after[1..]);
    for (text, expected) in [
        (format!("{before}\n\nKind regards,\nBob Example, who writes a very long signature\n"), cut(60)),
        (format!("{before} Kind regards, {}", "words ".repeat(400)), cut(60)),
        // A letter that became something else cuts it there.
        (format!("{before}*{}\n\nKind regards", &after[1..]), cut(60)),
        (changed.clone(), damaged("its check sum is wrong")),
        (format!("{changed}\n\nKind regards,\nBob"), damaged("its check sum is wrong")),
        (format!("> {changed} Bye"), damaged("its check sum is wrong")),
    ] {
        assert_eq!(SessionBlob::find(&text).err(), Some(expected), "{text}");
    }
}

proptest! {
    #[test]
    fn any_base64_is_read_however_wrapped(
        sdp in "\\PC{0,300}", columns in 1_usize..120, end in breaks(), url in any::<bool>(), padded in any::<bool>(),
        before in prose(), after in prose(),
    ) {
        let description = Description { kind: DescriptionKind::Offer, sdp: format!("v=0\r\n{sdp}") };
        let mut text = SessionBlob::encode(&description, BlobForm::Plain).0;
        if url {
            text = text.replace('+', "-").replace('/', "_");
        }
        if !padded {
            text = text.trim_end_matches('=').into();
        }
        let text = format!("{before}\n{}\n\n{after}", wrapped(&text, columns, end));
        prop_assert_eq!(SessionBlob::find(&text).map(|found| found.description), Ok(description));
    }

    #[test]
    fn our_own_compact_text_is_read_however_wrapped(columns in 1_usize..200, end in breaks(), before in prose(), after in prose()) {
        let text = format!("{before}\n{}\n\n{after}", wrapped(&write(BlobForm::Compact), columns, end));
        prop_assert_eq!(SessionBlob::find(&text).map(|found| found.description), Ok(stamped()));
    }

    #[test]
    fn our_own_json_is_read_however_wrapped(columns in 60_usize..200, end in breaks(), before in prose(), after in prose()) {
        let text = format!("{before}\n{}\n\n{after}", wrapped(&write(BlobForm::Json), columns, end));
        prop_assert_eq!(SessionBlob::find(&text).map(|found| found.description), Ok(stamped()));
    }

    #[test]
    fn our_own_sdp_is_read_however_wrapped(columns in 30_usize..200, before in prose(), after in prose(), mark in prop::sample::select(vec!["", "> ", "  ", "| "])) {
        let lines = stamped().sdp.lines().map(|line| wrapped(line, columns, "\n")).collect::<Vec<_>>().join("\n");
        let text = format!("{before}\n{mark}{}\n\n{after}", lines.replace('\n', &format!("\n{mark}")));
        prop_assert_eq!(SessionBlob::find(&text).map(|found| found.description), Ok(stamped()));
    }

    #[test]
    fn nothing_panics(text in "\\PC*") {
        let _ = SessionBlob::find(&text);
        let _ = SessionBlob::may_be_in(&text);
    }

    #[test]
    fn no_pieces_of_blobs_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "eyJ0eXBlIjoib2ZmZXIi", "ewog", "IiwidHlwZSI6", "fQ==", "{\"type\":", "\"offer\",", "\"sdp\":\"v=0\\r\\n", "\"}", "\\",
        "\\\"", "\\u00", "v=0\n", "v=0 o=", "o=- 1 2 IN IP4 0.0.0.0\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 111\n", "a=setup:actpass\n",
        "a=p2pcall:1 0 - 00000000", "a=x", "<p>", "<", ">", "=3D", "=\n", "&quot;", "&", "%7B", "%22", "p2pcall1", "P2PCALL", "2", "\n",
        "\r", " ", "\n\n", "> ", "| ", "12:03 <bob> ", "[1] B: ", "ä", "\u{1b}[", "\u{2028}", "\u{feff}", "\u{e000}", "💥",
    ]), 0..60)) {
        let text = pieces.concat();
        let _ = SessionBlob::find(&text);
        let _ = SessionBlob::may_be_in(&text);
    }
}
