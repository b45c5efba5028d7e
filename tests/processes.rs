//! The program itself: two processes joined by pipes or files make a call, and bad input gets an
//! exit code and a sentence.

#[path = "support/program.rs"]
mod program;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/serial.rs"]
mod serial;
#[path = "processes/trust.rs"]
mod trust;

use std::{net::UdpSocket, path::Path};

use p2pcall::{
    media::{Description, DescriptionKind},
    signaling::{BlobForm, SessionBlob},
    source::tone_power,
};

use program::{Ended, Program};

/// A call within this machine, small enough for any.
const LOCAL: &[&str] = &["--no-stun", "--bind", "127.0.0.1", "--size", "320x180", "--fps", "15"];
/// Pictures and sound whose arrival can be judged.
const SYNTHETIC: &[&str] = &["--video", "test", "--audio", "tone"];
/// Nothing is sent.
const SILENT: &[&str] = &["--video", "none", "--audio", "none"];
/// Nothing is kept of what comes.
const UNWATCHED: &[&str] = &["--show", "none", "--speaker", "none"];

/// Joins words and options to a command line.
fn args(command: &str, parts: &[&[&str]]) -> Vec<String> {
    [&[command], LOCAL].iter().chain(parts).flat_map(|part| part.iter().map(|word| (*word).to_owned())).collect()
}

/// Carries the descriptions between two programs.
fn exchange(offerer: &mut Program, answerer: &mut Program) {
    answerer.say(&offerer.blob());
    offerer.say(&answerer.blob());
}

/// Starts a call that sends and keeps nothing but what is needed to know that it is one.
fn plain_call() -> (Program, Program) {
    let parts: &[&[&str]] = &[SYNTHETIC, UNWATCHED, &["--events", "-"]];
    let mut offerer = Program::start(&args("offer", parts));
    let mut answerer = Program::start(&args("answer", parts));
    exchange(&mut offerer, &mut answerer);
    for program in [&offerer, &answerer] {
        program.tells("Connected.");
        arrived(program, 5, 5);
    }
    (offerer, answerer)
}

/// Waits until so many pictures were shown and blocks of sound decoded.
fn arrived(program: &Program, pictures: u64, blocks: u64) {
    program.event("figures", |event| {
        let inbound = &event.get("inbound")?;
        let shown = inbound["video"]["frames_rendered"].as_u64()?;
        let heard = inbound["audio"]["frames_decoded"].as_u64()?;
        (shown >= pictures && heard >= blocks).then_some(())
    });
}

/// Checks that both ended as they should when the first of them hung up.
fn hung_up(first: Program, second: Program) {
    let (first, second) = (first.ended(), second.ended());
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
    assert!(first.stderr.contains("You hung up."), "{}", first.stderr);
    assert!(second.stderr.contains("The other side hung up."), "{}", second.stderr);
    for ended in [first, second] {
        assert!(ended.stdout.len() == 1 && ended.stdout[0].starts_with("eyJ"), "{:?}", ended.stdout);
    }
}

/// Checks that the recordings hold the pattern in order and this tone.
fn recorded(pictures: &Path, sound: &Path, hz: f32) {
    let mut numbers: Vec<Option<u32>> = recording::numbers(pictures);
    // The last pictures may be black: the sender has stopped.
    while numbers.last() == Some(&None) {
        numbers.pop();
    }
    let numbers: Option<Vec<u32>> = numbers.into_iter().collect();
    let numbers = numbers.expect("a number in every picture");
    assert!(numbers.len() >= 30 && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let sound = recording::sound(sound);
    // Half a second, at any time: the beginning fades in.
    let clear = sound.chunks_exact(24_000).filter(|half_second| tone_power(half_second, hz) > 0.9).count();
    assert!(clear >= 1, "no tone of {hz} Hz in {} samples", sound.len());
}

#[test]
fn two_programs_joined_by_pipes_make_a_call() {
    let _turn = serial::turn();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut programs = ["offer", "answer"].map(|command| {
        let (show, speaker) = (path(&format!("{command}.y4m")), path(&format!("{command}.wav")));
        let (show, speaker) = (format!("file:{}", show.display()), format!("file:{}", speaker.display()));
        let tone = if command == "offer" { "tone:440" } else { "tone:1000" };
        let media = ["--video", "test", "--audio", tone, "--show", &show, "--speaker", &speaker];
        Program::start(&args(command, &[&media, &["--events", "-"]]))
    });
    let [offerer, answerer] = &mut programs;
    exchange(offerer, answerer);
    arrived(offerer, 40, 100);
    arrived(answerer, 40, 100);
    offerer.say("quit");
    let [offerer, answerer] = programs;
    hung_up(offerer, answerer);
    recorded(&path("answer.y4m"), &path("answer.wav"), 440.0);
    recorded(&path("offer.y4m"), &path("offer.wav"), 1000.0);
}

#[test]
fn one_side_may_only_watch_and_hangs_up() {
    let _turn = serial::turn();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (show, speaker) = (path("seen.y4m"), path("heard.wav"));
    let events = path("events").display().to_string();
    let (to_show, to_speaker) = (format!("file:{}", show.display()), format!("file:{}", speaker.display()));
    let mut offerer = Program::start(&args("offer", &[SYNTHETIC, UNWATCHED, &["--events", &events]]));
    let kept: &[&str] = &["--show", &to_show, "--speaker", &to_speaker, "--events", "-"];
    let mut answerer = Program::start(&args("answer", &[SILENT, kept]));
    exchange(&mut offerer, &mut answerer);
    arrived(&answerer, 40, 100);
    answerer.say("quit");
    hung_up(answerer, offerer);
    recorded(&show, &speaker, 440.0);

    let events = std::fs::read_to_string(&events).expect("the events are there");
    let events: Vec<serde_json::Value> =
        events.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
    let times: Vec<f64> = events.iter().map(|event| event["t"].as_f64().expect("seconds")).collect();
    assert!(times.is_sorted(), "{times:?}");
    let last = events.last().expect("events");
    assert_eq!((last["event"].as_str(), last["reason"].as_str()), (Some("ended"), Some("remote_hung_up")));
}

#[test]
fn files_carry_the_exchange_whoever_comes_first() {
    let _turn = serial::turn();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (offer, answer) = (path("offer"), path("answer"));
    let parts: &[&[&str]] = &[SYNTHETIC, UNWATCHED];
    let to_answer: &[&str] = &["--in", &offer, "--out", &answer];
    let mut answerer = Program::start(&[args("answer", parts), args_of(to_answer)].concat());
    let to_offer: &[&str] = &["--in", &answer, "--out", &offer];
    let offerer = Program::start(&[args("offer", parts), args_of(to_offer)].concat());
    offerer.tells("Connected.");
    answerer.tells("Connected.");
    answerer.say("quit");
    for ended in [answerer.ended(), offerer.ended()] {
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.is_empty(), "{:?}", ended.stdout);
    }
}

fn args_of(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_blob_is_found_in_a_mail() {
    let _turn = serial::turn();
    let parts: &[&[&str]] = &[SYNTHETIC, UNWATCHED];
    let (mut offerer, mut answerer) = (Program::start(&args("offer", parts)), Program::start(&args("answer", parts)));
    let mail = |blob: &str| {
        let lines: Vec<&str> =
            blob.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        format!("Hello,\r\n\r\nhere it is:\r\n\r\n{}\r", lines.join("\r\n"))
    };
    answerer.say(&mail(&offerer.blob()));
    offerer.say(&mail(&answerer.blob()));
    answerer.tells("Ignored a line that is no offer.");
    offerer.tells("Ignored a line that is no answer.");
    offerer.tells("Connected.");
    // The end of the input is not the end of the call.
    offerer.say_no_more();
    answerer.tells("Connected.");
    answerer.say("quit");
    hung_up(answerer, offerer);
}

#[test]
#[cfg(unix)]
fn an_interruption_hangs_up_and_tells_the_other_side() {
    let _turn = serial::turn();
    let (offerer, answerer) = plain_call();
    offerer.signal("INT");
    hung_up(offerer, answerer);
}

#[test]
#[cfg(unix)]
fn a_side_that_was_killed_is_missed() {
    let _turn = serial::turn();
    let (offerer, answerer) = plain_call();
    let killed = p2pcall::media::now();
    offerer.signal("KILL");
    let answerer = answerer.ended();
    let seconds = p2pcall::media::now().saturating_duration_since(killed).as_secs();
    assert_eq!(answerer.code, Some(1), "{answerer:?}");
    assert!(answerer.stderr.contains("Nothing comes from the other side."), "{}", answerer.stderr);
    assert!(answerer.stderr.contains("The connection was lost"), "{}", answerer.stderr);
    // Ten are promised; the rest is for machines that have other things to do.
    assert!((5..20).contains(&seconds), "it took {seconds} s");
    assert_eq!(offerer.ended().code, None);
}

#[test]
fn the_time_set_ends_the_call() {
    let _turn = serial::turn();
    let parts: &[&[&str]] = &[SYNTHETIC, UNWATCHED];
    let mut offerer = Program::start(&args("offer", &[SYNTHETIC, UNWATCHED, &["--duration", "2"]]));
    let mut answerer = Program::start(&args("answer", parts));
    exchange(&mut offerer, &mut answerer);
    hung_up(offerer, answerer);
}

#[test]
fn nobody_comes() {
    let _turn = serial::turn();
    let ended = Program::start(&args("offer", &[SILENT, UNWATCHED, &["--wait", "1s"]])).ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("Nobody came within the time given with --wait."), "{}", ended.stderr);
    assert_eq!(ended.stdout.len(), 1);
}

#[test]
#[cfg(unix)]
fn waiting_can_be_interrupted() {
    let _turn = serial::turn();
    for command in ["offer", "answer"] {
        let program = Program::start(&args(command, &[SYNTHETIC, UNWATCHED, &["--events", "-"]]));
        // By then the program is there.
        program.event("an open source", |event| (event["event"] == "source_opened").then_some(()));
        program.signal("INT");
        let ended = program.ended();
        assert_eq!(ended.code, Some(0), "{command}: {ended:?}");
    }
}

/// Gives a program something to read, and ends its input.
fn feed(command: &str, text: &str) -> Ended {
    let mut program = Program::start(&args(command, &[SILENT, UNWATCHED]));
    program.say(text);
    program.say_no_more();
    program.ended()
}

fn refused(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, Some(code), "{words}: {ended:?}");
    assert!(ended.stderr.contains(words), "'{words}' is not in: {}", ended.stderr);
}

#[test]
fn what_is_no_offer_is_refused_in_words() {
    let _turn = serial::turn();
    let mut offerer = Program::start(&args("offer", &[SYNTHETIC, UNWATCHED]));
    let mut answerer = Program::start(&args("answer", &[SYNTHETIC, UNWATCHED]));
    let offer = offerer.blob();
    answerer.say(&offer);
    let answer = answerer.blob();
    // Without the stamp, whose check sum would not fit what is changed.
    let sdp = SessionBlob::find(&offer).expect("our own blob").description.sdp;
    let sdp: String = sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=p2pcall:")).collect();
    let with = |sdp: String| {
        SessionBlob::encode(&Description { kind: DescriptionKind::Offer, sdp }, BlobForm::Plain).to_string()
    };
    let foreign = with(
        sdp.replace("opus/48000", "G722/8000").replace("H264/90000", "VP9/90000").replace("VP8/90000", "AV1/90000"),
    );

    for (text, words) in [
        ("", "The input ended before there was an offer."),
        ("hello\nworld", "The input ended before there was an offer."),
        (&*format!("eyJ0eXBlIjoi{}", "A".repeat(80)), "damaged"),
        ("{\"type\":\"offer\"}", "damaged"),
        (&offer[..999], "This is cut off after 999 characters."),
        (&answer, "This is an answer, but an offer is needed here."),
        (&foreign, "neither Opus sound nor pictures in H.264 or VP8"),
        (&with("v=0\r\n".into()), "no session that could be joined"),
        (&with(sdp.replace("a=candidate", "a=x-candidate")), "no address in this"),
    ] {
        let ended = feed("answer", text);
        refused(&ended, 3, words);
        assert!(ended.stdout.is_empty(), "{:?}", ended.stdout);
    }
    refused(
        &Program::start(&args("answer", &[SILENT, UNWATCHED, &["hello"]])).ended(),
        3,
        "no offer or answer in this",
    );

    refused(&feed("offer", &offer), 3, "This is an offer, but an answer is needed here.");
    offerer.say(&offer);
    refused(&offerer.ended(), 3, "This is your own offer.");
}

#[test]
fn what_cannot_be_used_is_refused_in_words() {
    let _turn = serial::turn();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("letter.txt");
    std::fs::write(&file, "Dear Sir or Madam,\n").expect("room for a letter");
    let letter = format!("file:{}", file.display());
    let missing = format!("file:{}", folder.path().join("missing").display());
    let nowhere = format!("file:{}", folder.path().join("no/such/place").display());
    for (option, value, words) in [
        ("--video", "camera:77", "camera"),
        ("--video", &*letter, "no Y4M file"),
        ("--video", &missing, "missing"),
        ("--audio", &letter, "WAV"),
        ("--audio", &missing, "missing"),
        ("--show", &nowhere, "no/such/place"),
        ("--speaker", &nowhere, "no/such/place"),
    ] {
        // The option stands first: nothing else is opened before it is looked at.
        let others = [["--video", "none"], ["--audio", "none"], ["--show", "none"], ["--speaker", "none"]];
        let others: Vec<&str> = others.into_iter().filter(|pair| pair[0] != option).flatten().collect();
        let ended = Program::start(&args("offer", &[&[option, value], &others])).ended();
        refused(&ended, 4, words);
        assert!(ended.stdout.is_empty(), "{:?}", ended.stdout);
    }
    if cfg!(feature = "sound") {
        let options: &[&str] = &["--video", "none", "--audio", "mic:nosuch"];
        refused(
            &Program::start(&args("offer", &[options, UNWATCHED])).ended(),
            4,
            "no microphone whose name contains 'nosuch'",
        );
    }
}

#[test]
fn a_port_that_is_taken_is_told() {
    let _turn = serial::turn();
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let ended = Program::start(&args("offer", &[SILENT, UNWATCHED, &["--port", &port]])).ended();
    refused(&ended, 1, &port);
    assert!(ended.stdout.is_empty(), "{:?}", ended.stdout);
}

#[test]
fn the_page_is_written_and_served_as_it_is() {
    let page = std::fs::read_to_string("web/index.html").expect("it is there");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("call.html");
    let written = Program::start(&["page", "--out", file.to_str().expect("UTF-8")]).ended();
    assert_eq!((written.code, written.stdout.len()), (Some(0), 0), "{written:?}");
    assert!(std::fs::read_to_string(&file).expect("it is there") == page);
    let printed = Program::start(&["page"]).ended();
    assert!(printed.code == Some(0) && printed.stdout.iter().eq(page.lines()));
    let nowhere = Program::start(&["page", "--out", "no/such/place"]).ended();
    assert!(nowhere.code == Some(1) && nowhere.stderr.contains("no/such/place"), "{nowhere:?}");
}

/// Asks for a path of the page that is served at an address; returns all that is answered.
#[cfg(unix)]
fn asked(address: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(host).expect("it is served");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("asks");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    answer
}

#[cfg(unix)]
#[test]
fn the_page_is_served_until_it_is_enough() {
    let page = std::fs::read_to_string("web/index.html").expect("it is there");
    // Two at once: the second finds another port.
    let (first, second) = (Program::start(&["page", "--open"]), Program::start(&["page", "--open"]));
    let addresses = [first.address(), second.address()];
    assert_ne!(addresses[0], addresses[1]);
    for address in &addresses {
        let answer = asked(address, "/");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(&page), "{}", &answer[..200]);
        assert!(asked(address, "/other").starts_with("HTTP/1.1 404 "));
    }
    for program in [first, second] {
        program.signal("INT");
        assert_eq!(program.ended().code, Some(0));
    }
}

#[test]
fn a_check_of_synthetic_parts_finds_all_in_order() {
    let _turn = serial::turn();
    let parts = ["--video", "test", "--audio", "tone", "--speaker", "none", "--no-stun", "--size", "320x180"];
    let words = ["check", "--json", "--fps", "15"];
    let ended = Program::start(&[&words[..], &parts].concat()).ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout.concat()).expect("JSON");
    let number = |at: &str| report.pointer(at).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN);
    assert!((1.0..=15.1).contains(&number("/camera/frame_rate")), "{report}");
    assert!((-15.3..-14.7).contains(&number("/microphone/level/rms_dbfs")), "{report}");
    assert!(number("/codecs/0/sizes/0/encode_ms") > 0.0 && number("/codecs/1/sizes/0/decode_ms") > 0.0, "{report}");
    for absent in ["speaker", "udp", "verdict", "turn"] {
        assert!(report.get(absent).is_none(), "{absent} was not looked at: {report}");
    }
}

#[test]
fn a_check_says_what_is_wrong_and_what_to_do() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let stun = format!("stun:{}", silent.local_addr().expect("it is bound"));
    let ended = Program::start(&["check", "network", "--stun", &stun]).ended();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told = ended.stdout.join("\n");
    assert!(told.contains("wrong     UDP: no server answers") && told.contains("--turn turns:HOST"), "{told}");
    assert!(told.lines().last().is_some_and(|line| line.starts_with("A direct call will work with no one")), "{told}");
}

#[test]
fn a_check_of_a_file_hears_how_loud_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("loud.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(&path, spec).expect("a file");
    (0..48_000).for_each(|n| file.write_sample(if n / 50 % 2 == 0 { i16::MAX } else { i16::MIN }).expect("written"));
    file.finalize().expect("written");
    let audio = format!("file:{}", path.display());
    let ended = Program::start(&["check", "microphone", "--audio", &audio]).ended();
    let told = ended.stdout.join("\n");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(told.contains("attention Sound: ") && told.contains("clipped: turn it down"), "{told}");
}
