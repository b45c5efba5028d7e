//! The program and who is there: words, names that are known again, a passphrase, an offer that is asked about; and
//! what nobody else is to learn.

use std::{io::ErrorKind, net::UdpSocket, path::Path, process::Command};

use p2pcall::{call::CallConfig, media::Description, signaling::SessionBlob, trust::Passphrase};

use crate::{
    program::{Ended, PATIENCE, Program},
    serial,
};

/// A call within this machine, small enough for any.
const CALL: &[&str] = &[
    "--bind",
    "127.0.0.1",
    "--size",
    "320x180",
    "--fps",
    "15",
    "--video",
    "test",
    "--audio",
    "tone",
    "--show",
    "none",
    "--speaker",
    "none",
];

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command][..], CALL, more].concat()
}

/// Makes a call in which both sides show words; returns what both told, the one who offered first.
fn call(
    offering: &[&str],
    answering: &[&str],
    [offerers, answerers]: [&[(&str, &str)]; 2],
) -> ([Ended; 2], [Description; 2]) {
    let _turn = serial::turn();
    let mut offerer = Program::start_with(&args("offer", &[&["--no-stun"], offering].concat()), offerers);
    let mut answerer = Program::start_with(&args("answer", &[&["--no-stun"], answering].concat()), answerers);
    let offer = offerer.blob();
    answerer.say(&offer);
    let answer = answerer.blob();
    offerer.say(&answer);
    for program in [&offerer, &answerer] {
        program.tells("Compare these words");
    }
    offerer.say("quit");
    let read = |text: &str| SessionBlob::find(text).expect("a text of ours").description;
    ([offerer.ended(), answerer.ended()], [read(&offer), read(&answer)])
}

/// Returns the line that begins so.
fn line<'a>(ended: &'a Ended, start: &str) -> &'a str {
    ended.stderr.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {}", ended.stderr))
}

#[test]
fn people_are_known_again_by_a_certificate_that_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [anna, other, ben] = ["anna", "other", "ben"].map(path);
    let met = |annas: &str| {
        let variables: [&[(&str, &str)]; 2] = [&[("P2PCALL_DATA", annas)], &[("P2PCALL_DATA", &ben)]];
        let (ended, _) = call(&["--as", "Anna"], &[], variables);
        let [offerer, answerer] = &ended;
        assert_eq!(line(offerer, "Compare these words"), line(answerer, "Compare these words"));
        answerer.stderr.clone()
    };
    assert!(met(&anna).contains("calls itself Anna, and is new to you"));
    assert!(met(&anna).contains("This is the Anna of before"));
    assert!(met(&other).contains("WARNING: Anna is NOT THE SAME as before"));
    let contacts = |more: &[&str]| {
        let run =
            Command::new(env!("CARGO_BIN_EXE_p2pcall")).arg("contacts").args(more).env("P2PCALL_DATA", &ben).output();
        let run = run.expect("the program starts");
        (run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    let (code, listed) = contacts(&[]);
    assert!(code == Some(0) && listed.starts_with("Anna: words not compared, first seen "), "{listed}");
    assert_eq!(contacts(&["--forget", "Ann"]).0, Some(1));
    assert_eq!(contacts(&["--forget", "Anna"]).0, Some(0));
    assert_eq!(contacts(&["--json"]).1.trim(), "[]");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let certificate = Path::new(&anna).join("certificates").join("Anna.pem");
        assert_eq!((mode(&certificate), mode(Path::new(&anna))), (0o600, 0o700));
        assert_eq!(mode(&Path::new(&ben).join("contacts.json")), 0o600);
    }
}

#[test]
fn a_passphrase_comes_from_the_environment_and_a_wrong_one_has_one_try() {
    let protected = &["--passphrase"];
    let right: &[(&str, &str)] = &[("P2PCALL_PASSPHRASE", "4711")];
    let (ended, [offer, answer]) = call(protected, protected, [right, right]);
    assert_eq!(ended.map(|ended| ended.code), [Some(0); 2]);
    assert!(offer.attribute("passphrase").is_some() && answer.attribute("candidate").is_none());

    let _turn = serial::turn();
    let wrong: &[(&str, &str)] = &[("P2PCALL_PASSPHRASE", "4712")];
    let mut offerer = Program::start_with(&args("offer", &["--no-stun", "--passphrase"]), right);
    let mut answerer = Program::start_with(&args("answer", &["--no-stun", "--passphrase"]), wrong);
    answerer.say(&offerer.blob());
    offerer.say(&answerer.blob());
    let ended = offerer.ended();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("each is good for one try"), "{}", ended.stderr);
    drop(answerer);

    let nobody = Program::start_with(&args("offer", &["--no-stun", "--passphrase"]), &[]).ended();
    assert_eq!(nobody.code, Some(2), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("P2PCALL_PASSPHRASE"), "{}", nobody.stderr);
}

#[test]
fn nothing_is_sent_to_anybody_before_the_person_says_yes() {
    let _turn = serial::turn();
    let [server, elsewhere] = [0, 0].map(|port| UdpSocket::bind(("127.0.0.1", port)).expect("a socket"));
    let mut offerer = Program::start(&args("offer", &["--no-stun"]));
    // The addresses in an offer are its writer's choice.
    let mut offer = SessionBlob::find(&offerer.blob()).expect("our own text").description;
    let port = |socket: &UdpSocket| socket.local_addr().expect("it is bound").port();
    let lines = offer.sdp.lines().filter(|line| !line.starts_with("a=p2pcall:")).map(|line| {
        match line.strip_prefix("a=candidate:") {
            Some(_) => format!("a=candidate:1 1 udp 1 127.0.0.1 {} typ host\n", port(&elsewhere)),
            None => format!("{line}\n"),
        }
    });
    offer.sdp = lines.collect();
    let offer = SessionBlob::encode(&offer, p2pcall::signaling::BlobForm::Plain).to_string();
    let stun = format!("stun:127.0.0.1:{}", port(&server));
    for (word, accepted) in [("no", false), ("yes", true)] {
        let mut answerer = Program::start(&args("answer", &["--ask", "--stun", &stun]));
        answerer.say(&offer);
        answerer.tells("Nothing has been sent to anybody yet.");
        for socket in [&server, &elsewhere] {
            socket.set_nonblocking(true).expect("a socket");
            let nothing = socket.recv(&mut [0; 1500]).expect_err("nothing was sent");
            assert_eq!(nothing.kind(), ErrorKind::WouldBlock, "{word}");
        }
        answerer.say(word);
        if !accepted {
            let ended = answerer.ended();
            assert!(ended.code == Some(0) && ended.stdout.is_empty(), "{ended:?}");
            continue;
        }
        answerer.blob();
        for socket in [&server, &elsewhere] {
            socket.set_nonblocking(false).expect("a socket");
            socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
            assert!(socket.recv(&mut [0; 1500]).is_ok(), "{word}");
        }
    }
    offerer.say("quit");
}

/// What a description tells that is nobody else's business.
fn secrets(description: &Description) -> Vec<String> {
    let value = |name: &str| description.attribute(name).map(|value| value.trim().to_owned());
    let fingerprint = value("fingerprint").map(|print| print.trim_start_matches("sha-256 ").to_owned());
    let fingerprint = fingerprint.map(|print| print[..23].to_owned());
    let secrets: Vec<String> = [value("ice-ufrag"), value("ice-pwd"), fingerprint].into_iter().flatten().collect();
    assert_eq!(secrets.len(), 3, "{}", description.sdp);
    secrets
}

#[test]
fn nobody_is_told_what_is_nobodys_business() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [trace, with_addresses] = ["trace", "with-addresses"].map(path);
    let (ended, descriptions) =
        call(&["-vv", "--trace", &trace], &["-vv", "--trace", &with_addresses, "--trace-addresses"], [&[], &[]]);
    let mut secrets: Vec<String> = descriptions.iter().flat_map(secrets).collect();
    secrets.push("127.0.0.1".into());
    let read = |path: &str| std::fs::read_to_string(path).expect("a trace");
    let (trace, with_addresses) = (read(&trace), read(&with_addresses));
    for secret in &secrets {
        let found = trace.lines().find(|line| line.contains(secret) || line.contains(&secret.to_lowercase()));
        assert_eq!(found, None, "{secret} in the trace");
        assert!(with_addresses.contains(secret), "{secret} is in the trace that is to have it");
        for Ended { stderr, .. } in &ended {
            // What developers are told below that is theirs to ask for.
            let above_debug = stderr.lines().filter(|line| !line.contains("DEBUG") && !line.contains("TRACE"));
            let found = above_debug.filter(|line| line.contains(secret)).find(|line| !line.starts_with("eyJ"));
            assert_eq!(found, None, "{secret} in the log");
        }
    }
    assert!(ended[0].stderr.contains("DEBUG"), "there is a log");
}

#[test]
fn what_a_crash_would_print_holds_no_secret() {
    let sdp = "v=0\r\na=ice-pwd:secret-word\r\na=candidate:1 1 udp 1 192.0.2.77 9 typ host\r\n".to_owned();
    let description = Description { kind: p2pcall::media::DescriptionKind::Offer, sdp };
    let blob = SessionBlob::encode(&description, p2pcall::signaling::BlobForm::Plain);
    let config = CallConfig {
        passphrase: Some(Passphrase::new("secret-word").expect("a passphrase")),
        certificate: Some(p2pcall::rtc::Certificate::new().expect("random numbers")),
        turn: vec![p2pcall::rtc::TurnServer {
            url: "turn:turn.example.org".parse().expect("an address"),
            username: "me".into(),
            password: "secret-word".into(),
            authorities: Default::default(),
        }],
        ..CallConfig::default()
    };
    for text in [format!("{description:?}"), format!("{blob:?}"), format!("{config:?}")] {
        for secret in ["secret-word", "192.0.2.77", "PRIVATE KEY"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
