//! The program at a real pseudo-terminal: pastes of any length, keys, and the terminal left as it was.
#![cfg(unix)]

#[path = "support/program.rs"]
mod program;
#[path = "support/terminal.rs"]
mod terminal;

use p2pcall::{
    media::{Description, DescriptionKind},
    signaling::{BlobForm, SessionBlob},
};

use program::Program;
use terminal::{PASTES_WELCOME, Terminal};

/// A call that needs nothing.
const NOTHING: &[&str] = &["--no-stun", "--bind", "127.0.0.1", "--video", "none", "--audio", "none"];
/// Nothing is kept of what comes.
const UNWATCHED: &[&str] = &["--show", "none", "--speaker", "none"];

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command], NOTHING, UNWATCHED, more].concat()
}

/// What another p2pcall offers.
fn offer() -> String {
    let offerer = Program::start(&args("offer", &[]));
    offerer.blob()
}

fn description(kind: DescriptionKind, more: &str) -> Description {
    let sdp = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA\r\n{more}\
         m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\na=setup:actpass\r\n\
         a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    );
    Description { kind, sdp }
}

/// A blob of 64 KB on one line.
fn long() -> String {
    let lines: String = (0..2_100).map(|number| format!("a=x-line:{number} of many\r\n")).collect();
    let blob = SessionBlob::encode(&description(DescriptionKind::Offer, &lines), BlobForm::Plain).to_string();
    assert!(blob.len() >= 64 * 1024 && !blob.contains('\n'), "{}", blob.len());
    blob
}

fn in_groups(count: usize) -> String {
    format!("{},{:03}", count / 1000, count % 1000)
}

#[test]
fn a_line_of_64_kb_is_read_whole_and_needs_no_enter() {
    let blob = long();
    let read = format!("read {} characters", in_groups(blob.len()));
    for bracketed in [false, true] {
        let mut terminal = Terminal::start(&["inspect"], &[]);
        terminal.shows(PASTES_WELCOME);
        if bracketed {
            terminal.pastes(&blob);
        } else {
            terminal.types(&blob);
        }
        terminal.shows(&read);
        terminal.shows("An offer, short id ");
        assert!(!terminal.everything().contains(&blob[..40]), "the paste was echoed");
        assert_eq!(terminal.ended(), Some(0));
    }
}

#[test]
fn what_is_wrong_is_told_and_the_right_one_is_read_afterwards() {
    let answer = SessionBlob::encode(&description(DescriptionKind::Answer, ""), BlobForm::Plain);
    let offer = offer();
    let mut terminal = Terminal::start(&args("answer", &[]), &[]);
    terminal.shows("Paste here the offer you were sent:");
    terminal.shows(PASTES_WELCOME);
    terminal.pastes(answer.as_str());
    terminal.shows("This is an answer, but an offer is needed here.");
    terminal.pastes("Hello, how are you?");
    terminal.shows("no offer or answer in this");
    // Cut, and then everything once more.
    terminal.types(&offer[..900]);
    terminal.shows("cut off after 900 characters");
    terminal.types(&offer);
    terminal.shows("Send this answer back to the other person.");
    terminal.shows("eyJ");
    terminal.shows(PASTES_WELCOME);
    // Raw mode again: it is the keys of the call that are read now.
    terminal.types("\x03");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn an_sdp_by_itself_is_taken_after_a_pause() {
    let mut terminal = Terminal::start(&["inspect"], &[]);
    terminal.shows(PASTES_WELCOME);
    terminal.types(&description(DescriptionKind::Offer, "").sdp.replace("\r\n", "\n"));
    terminal.shows("An offer, short id ");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn control_c_and_control_d_end_the_reading() {
    for (key, words, code) in
        [("\x03", "\x1b[?2004l", 0), ("\x04", "The input ended before there was a whole text.", 3)]
    {
        let mut terminal = Terminal::start(&args("answer", &[]), &[]);
        terminal.shows(PASTES_WELCOME);
        terminal.types(key);
        terminal.shows(words);
        assert_eq!(terminal.ended(), Some(code), "{key:?}");
    }
}

#[test]
fn over_ssh_the_text_goes_to_the_clipboard_of_the_terminal() {
    let mut terminal = Terminal::start(&args("offer", &["--copy"]), &[("SSH_TTY", "/dev/pts/0")]);
    terminal.shows("Send this offer to the other person");
    terminal.shows("\x1b]52;c;");
    terminal.shows("Sent to your terminal's clipboard (OSC 52)");
    terminal.shows("Paste their answer here:");
    let everything = terminal.everything();
    // Before it there may have been a status line, which is erased.
    let blob =
        everything.lines().find_map(|line| line.find("eyJ").map(|begin| line[begin..].trim_end())).expect("a blob");
    let (_, copied) = everything.split_once("\x1b]52;c;").expect("it was shown");
    let (copied, _) = copied.split_once('\x07').expect("an end");
    assert_eq!(decode(copied), blob);
    terminal.shows(PASTES_WELCOME);
    terminal.types("\x03");
    assert_eq!(terminal.ended(), Some(0));
}

fn decode(base64: &str) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).expect("base64");
    String::from_utf8(bytes).expect("text")
}
