use super::*;

/// Whole from one `<` to `>`, however wrapped; from `[` it may go on for ever; anything else is wrong.
fn judge(text: &str) -> Reading<String> {
    let text: String = text.split_whitespace().collect();
    match (text.starts_with('<'), text.find('>')) {
        (false, _) if text.starts_with('[') => Reading::MayContinue(text),
        (false, _) => Reading::Wrong(format!("'{text}' begins wrongly")),
        (true, _) if text.matches('<').count() > 1 => Reading::Wrong(format!("'{text}' begins twice")),
        (true, None) => Reading::Incomplete(format!("'{text}' is cut")),
        (true, Some(end)) if end + 1 < text.len() => Reading::Wrong(format!("'{text}' ends wrongly")),
        (true, Some(_)) => Reading::Done(text),
    }
}

fn typed(text: &str) -> impl Iterator<Item = Pasted> {
    text.chars().map(|character| match character {
        '\n' => Pasted::LineEnd,
        '~' => Pasted::Quiet,
        '^' => Pasted::Clear,
        character => Pasted::Character(character),
    })
}

/// Feeds everything and returns what was told, `More` left out.
fn told(inputs: impl IntoIterator<Item = Pasted>) -> Vec<Step<String>> {
    let mut reader = PasteReader::new(judge);
    inputs.into_iter().map(|input| reader.input(input)).filter(|step| *step != Step::More).collect()
}

#[test]
fn typed_and_unbracketed_text() {
    let done = |text: &str| Step::Done(text.to_owned());
    let wrong = |text: &str| Step::Wrong(text.to_owned());
    for (text, expected) in [
        ("<a>~", vec![done("<a>")]),
        ("<a>\n~", vec![done("<a>")]),
        ("<a\nb\n\nc>\n~", vec![done("<abc>")]),
        // Pauses within are no end.
        ("<a~b~~>~", vec![done("<ab>")]),
        // Nothing is decided before it is quiet.
        ("<a>", vec![]),
        // What follows a whole text on further lines is dropped, not taken for keys.
        ("<a>\nkind regards, q\n~", vec![done("<a>")]),
        ("oops\n~<a>~", vec![wrong("'oops' begins wrongly"), done("<a>")]),
        // One complaint for a text of many lines.
        ("o\no\np\ns\n~", vec![wrong("'oops' begins wrongly")]),
        ("oops^<a>~", vec![done("<a>")]),
        ("<a>\n^~<b>~", vec![done("<b>")]),
        ("\n \n~~", vec![]),
    ] {
        assert_eq!(told(typed(text)), expected, "{text:?}");
    }
}

#[test]
fn an_end_that_is_not_marked_is_a_pause() {
    let done = |text: &str| Step::Done(text.to_owned());
    for (text, expected) in [
        ("[a\n~b\n~~~~~", vec![]),
        ("[a\n~b\n~~~~~~", vec![done("[ab")]),
        ("[a~~~~~b~~~~~c~~~~~~", vec![done("[abc")]),
        ("[a\n~~^~~~~~~", vec![]),
    ] {
        assert_eq!(told(typed(text)), expected, "{text:?}");
    }
    let pasted = [Pasted::Whole("[a\n".into())].into_iter().chain(typed("~~~~~~"));
    assert_eq!(told(pasted), [done("[a")]);
}

#[test]
fn a_cut_text_is_told_once_and_can_be_mended() {
    let cut = |text: &str| Step::Cut(format!("'{text}' is cut"));
    let done = || Step::Done("<ab>".to_owned());
    for (text, expected) in [
        ("<a~~~~~~~~~~~~~~", vec![cut("<a")]),
        ("<a~~~~~~b>~", vec![cut("<a"), done()]),
        // Everything once more.
        ("<a~~~~~~<ab>~", vec![cut("<a"), done()]),
        ("<a~~~~~~b~~~~~~<ab>~", vec![cut("<a"), cut("<ab"), done()]),
    ] {
        assert_eq!(told(typed(text)), expected, "{text:?}");
    }
}

#[test]
fn bracketed_pastes_need_neither_enter_nor_a_pause() {
    let paste = |text: &str| Pasted::Whole(text.to_owned());
    let done = || Step::Done("<ab>".to_owned());
    for (inputs, expected) in [
        (vec![paste("<ab>")], vec![done()]),
        (vec![paste("<a\r\nb>\r\n")], vec![done()]),
        (vec![paste("<a"), Pasted::Quiet, paste("b>")], vec![done()]),
        (vec![paste("x"), paste("<ab>")], vec![Step::Wrong("'x' begins wrongly".into()), done()]),
        (vec![Pasted::Character('<'), paste("ab>")], vec![done()]),
    ] {
        assert_eq!(told(inputs.clone()), expected, "{inputs:?}");
    }
}

#[test]
fn ends_are_told_apart() {
    assert_eq!(told([Pasted::Interrupt]), [Step::Interrupted]);
    assert_eq!(told([Pasted::EndOfInput]), [Step::EndOfInput]);
    assert_eq!(told(typed("<a").chain([Pasted::EndOfInput])), [Step::EndOfInput]);
    assert_eq!(told(typed("<a>").chain([Pasted::EndOfInput])), [Step::Done("<a>".into())]);
}

#[test]
fn length_has_a_bound() {
    let long = format!("<{}>", "a".repeat(65_536));
    assert_eq!(told([Pasted::Whole(long.clone())]), [Step::Done(long)]);
    let mut reader = PasteReader::new(judge);
    let too_long = reader.input(Pasted::Whole("<".repeat(LONGEST + 5)));
    assert!(matches!(too_long, Step::Wrong(what) if what.contains("too long")));
    assert!(reader.is_empty());
}

#[test]
fn keys_are_read_as_text() {
    let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
    let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
    for (event, expected) in [
        (key(KeyCode::Char('A'), KeyModifiers::SHIFT), Some(Pasted::Character('A'))),
        (key(KeyCode::Enter, none), Some(Pasted::LineEnd)),
        (key(KeyCode::Char('j'), control), Some(Pasted::LineEnd)),
        (key(KeyCode::Backspace, none), Some(Pasted::Clear)),
        (key(KeyCode::Char('u'), control), Some(Pasted::Clear)),
        (key(KeyCode::Char('c'), control), Some(Pasted::Interrupt)),
        (key(KeyCode::Char('d'), control), Some(Pasted::EndOfInput)),
        (key(KeyCode::Up, none), None),
        (key(KeyCode::Char('x'), KeyModifiers::ALT), None),
        (Event::Paste("x".into()), Some(Pasted::Whole("x".into()))),
        (Event::Resize(1, 1), None),
    ] {
        assert_eq!(Pasted::of_event(event.clone()), expected, "{event:?}");
    }
}

#[test]
fn counts_are_readable() {
    for (length, expected) in [
        (0, ""),
        (1, "read 1 character"),
        (999, "read 999 characters"),
        (3412, "read 3,412 characters"),
        (1_000_000, "read 1,000,000 characters"),
    ] {
        assert_eq!(count(length), expected);
    }
}
