use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/blob-format.md");

const BROWSERS: [(&str, DescriptionKind); 3] = [
    (include_str!("../../../../tests/data/compact-chromium-offer.sdp"), DescriptionKind::Offer),
    (include_str!("../../../../tests/data/compact-firefox-offer.sdp"), DescriptionKind::Offer),
    (include_str!("../../../../tests/data/compact-firefox-answer.sdp"), DescriptionKind::Answer),
];

/// Reads a text that has the prefix.
fn read(text: &str) -> Result<(Description, usize), BlobError> {
    decode(text.strip_prefix(PREFIX).expect("the prefix"))
}

/// Returns the text of each fenced block of this kind in the document.
fn blocks(language: &str) -> impl Iterator<Item = &str> {
    DOCUMENT.split("\n```").filter_map(move |block| block.strip_prefix(language)?.strip_prefix('\n'))
}

/// Returns the examples of the document: a description and the text for it.
fn vectors() -> Vec<(Description, &'static str)> {
    let with = |kind, language: &'static str| {
        blocks(language).map(move |sdp| Description { kind, sdp: format!("{sdp}\n") }).collect::<Vec<_>>()
    };
    let descriptions =
        [with(DescriptionKind::Offer, "sdp offer"), with(DescriptionKind::Answer, "sdp answer")].concat();
    let is_answer = |text: &&str| read(text).is_ok_and(|(read, _)| read.kind == DescriptionKind::Answer);
    let (answers, offers): (Vec<_>, Vec<_>) = blocks("compact").partition(is_answer);
    assert_eq!(descriptions.len(), offers.len() + answers.len());
    descriptions.into_iter().zip(offers.into_iter().chain(answers)).collect()
}

#[test]
fn the_document_says_what_is_done() {
    let vectors = vectors();
    assert!(vectors.len() >= 4, "{}", vectors.len());
    for (description, text) in vectors {
        let written = encode(&description).expect("an example is short");
        match Profile::of(&description) {
            Some(_) => assert_eq!(written, text),
            // Another compressor may find other bytes for it.
            None => assert_eq!(read(&written).map(|(read, _)| read), Ok(description.clone())),
        }
        let (read, used) = read(text).expect("an example");
        assert_eq!((read.kind, read.sdp.as_str()), (description.kind, description.sdp.as_str()));
        assert_eq!(PREFIX.len() + used, text.len());
    }
}

#[test]
fn browsers_descriptions_come_back_as_they_were() {
    for (sdp, kind) in BROWSERS {
        let description = Description { kind, sdp: sdp.into() };
        let text = encode(&description).expect("it is short enough");
        assert_eq!(read(&text).expect("what was written").0, description);
        assert!(text.len() < sdp.len() / 2, "{} of {}", text.len(), sdp.len());
    }
}

#[test]
fn how_much_is_missing_is_told() {
    let (_, text) = vectors().remove(0);
    for cut in PREFIX.len()..text.len() {
        let wanted = (cut >= PREFIX.len() + LENGTH_SYMBOLS).then_some(text.len());
        assert_eq!(
            read(&text[..cut]),
            Err(BlobError::Incomplete { characters: cut, wanted, ends: String::new() }),
            "{cut}"
        );
    }
    let followed = format!("{text}SeeYouLater");
    assert_eq!(read(&followed).map(|(_, used)| used), Ok(text.len() - PREFIX.len()));
}

#[test]
fn what_a_later_version_writes_is_told() {
    let body =
        |what: u8, media: u8, candidate: u8| [&[what, media][..], &[0; 54], &[candidate, 192, 0, 2, 1, 0, 9]].concat();
    let text = |mut envelope: Vec<u8>| {
        envelope.extend(CRC.checksum(&envelope).to_be_bytes());
        let length = base62::number(envelope.len(), LENGTH_SYMBOLS).expect("it is short");
        format!("{PREFIX}{length}{}", base62::encode(&envelope))
    };
    assert!(read(&text(body(0, 0, 0))).is_ok());
    for newer in [body(4, 0, 0), body(0, 0, 3), body(0, 0, 8)] {
        assert_eq!(read(&text(newer)), Err(BlobError::Newer));
    }
    for damaged in [vec![], vec![0], body(0, 0, 0)[..60].to_vec(), vec![DEFLATED, 0xff]] {
        assert!(matches!(read(&text(damaged)), Err(BlobError::Damaged { .. })));
    }
}

#[test]
fn a_bomb_is_refused() {
    let description = |length| Description { kind: DescriptionKind::Offer, sdp: "a".repeat(length) };
    assert!(encode(&description(MAX_SDP)).is_some_and(|text| read(&text).is_ok()));
    assert_eq!(encode(&description(MAX_SDP + 1)), None);
    let mut envelope = [vec![DEFLATED], compress_to_vec(&[b'a'; MAX_SDP + 1], 9)].concat();
    envelope.extend(CRC.checksum(&envelope).to_be_bytes());
    let text = format!("{}{}", base62::number(envelope.len(), 3).expect("short"), base62::encode(&envelope));
    assert!(matches!(decode(&text), Err(BlobError::Damaged { .. })));
}

/// Any description that the profile can say, with how many bytes it becomes.
fn described() -> impl Strategy<Value = (Description, usize)> {
    let candidate = (0_u8..3, any::<bool>(), any::<[u8; 16]>(), any::<u16>()).prop_map(|(kind, v6, address, port)| {
        let address = if v6 { &address[..] } else { &address[..4] };
        [&[kind | u8::from(v6) << 2], address, &port.to_be_bytes()].concat()
    });
    let fixed = (any::<u8>(), any::<[u8; 3]>(), any::<[u8; 32]>(), any::<[u8; 3]>(), any::<[u8; 16]>());
    (any::<bool>(), fixed, any::<[u8; 4]>(), vec(candidate, 0..6)).prop_map(
        |(answer, (media, minutes, fingerprint, ufrag, password), answers, candidates)| {
            let kind = if answer { DescriptionKind::Answer } else { DescriptionKind::Offer };
            let mut bytes = [&[media][..], &minutes, &fingerprint, &ufrag, &password].concat();
            bytes.extend(answer.then_some(answers).into_iter().flatten());
            bytes.extend(candidates.concat());
            let envelope = 1 + bytes.len() + CHECKSUM;
            (Profile::from_bytes(kind, &bytes).expect("all of it is known").render(), envelope)
        },
    )
}

proptest! {
    #[test]
    fn any_description_is_read_as_written((description, bytes) in described()) {
        let text = encode(&description).expect("it is short");
        prop_assert_eq!(read(&text), Ok((description, text.len() - PREFIX.len())));
        prop_assert_eq!(text.len(), PREFIX.len() + LENGTH_SYMBOLS + base62::symbols(bytes));
    }

    #[test]
    fn any_text_is_read_as_written(sdp in "\\PC{0,300}", answer: bool) {
        let kind = if answer { DescriptionKind::Answer } else { DescriptionKind::Offer };
        let description = Description { kind, sdp };
        let text = encode(&description).expect("it is short");
        prop_assert_eq!(read(&text).map(|(read, _)| read), Ok(description));
    }

    #[test]
    fn a_changed_symbol_never_makes_another_description(
        (description, _) in described(), place: Index, symbol in "[0-9A-Za-z]"
    ) {
        let text = encode(&description).expect("it is short");
        let place = PREFIX.len() + place.index(text.len() - PREFIX.len());
        let changed = format!("{}{symbol}{}", &text[..place], &text[place + 1..]);
        if changed != text {
            prop_assert!(read(&changed).is_err());
        }
    }

    #[test]
    fn nothing_panics(symbols in "[0-9A-Za-z]{0,200}", text in "\\PC*") {
        let _ = decode(&symbols);
        let _ = decode(&format!("00{symbols}"));
        let _ = decode(&text);
    }
}
