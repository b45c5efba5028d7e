//! `p2pcall inspect`: what an offer or an answer holds.

mod words;

use std::time::SystemTime;

use serde::Serialize;

use super::{
    Exit, Refusal, StatusLine,
    args::{InspectArgs, OutputArgs},
    config,
    exchange::{self, From, Sought},
    input, print_result, say, stage, when,
};
use crate::{
    media::{Description, DescriptionKind, MediaKind, wall_clock},
    signaling::{
        AddressScope, BlobForm, CandidateInfo, CandidateType, CodecInfo, Contents, Expected, Found, SessionBlob,
        ShortId, SignalingError, Stamp,
    },
};

pub(super) fn run(args: InspectArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    config::log(output);
    let found = match args.input {
        Some(path) => {
            let bytes = std::fs::read(&path).map_err(|error| Refusal {
                exit: Exit::WrongBlob,
                what: format!("{} cannot be read: {error}.", path.display()),
            })?;
            SessionBlob::find(&exchange::text(&bytes)).map_err(SignalingError::from)
        }
        None => ask(args.blob, output.quiet)?,
    };
    let found = match found {
        Ok(found) => found,
        Err(SignalingError::Interrupted) => return Ok(Exit::Interrupted),
        Err(error) => {
            say(&error.to_string());
            return Ok(Exit::WrongBlob);
        }
    };
    let now = wall_clock();
    let report = Report::of(&found, now);
    let text = match args.json {
        true => serde_json::to_string_pretty(&report.for_programs()).expect("plain values are always JSON") + "\n",
        false => words::tell(&report, now, &when::here()),
    };
    print_result(text.as_bytes())?;
    Ok(Exit::Success)
}

/// Returns in words what a text holds.
pub(super) fn told(found: &Found) -> String {
    let now = wall_clock();
    words::tell(&Report::of(found, now), now, &when::here())
}

fn ask(argument: Option<String>, quiet: bool) -> Result<Result<Found, SignalingError>, Refusal> {
    let line = StatusLine::stderr();
    let from = match argument {
        Some(text) => From::Argument(text),
        None if exchange::stdin_is_terminal() => {
            if !quiet {
                line.print("Paste an offer or an answer here:");
            }
            From::Terminal
        }
        None => From::lines(input::lines()),
    };
    Ok(stage::runtime()?.block_on(exchange::read(from, Sought::new("offer or answer", SessionBlob::find), line, quiet)))
}

/// Everything that is told.
#[derive(Debug)]
struct Report {
    contents: Contents,
    form: BlobForm,
    characters: usize,
    created: Option<SystemTime>,
    answers: Option<ShortId>,
    /// What a passphrase has to do with it.
    passphrase: Option<&'static str>,
    warnings: Vec<String>,
}

impl Report {
    fn of(found: &Found, now: SystemTime) -> Self {
        let contents = Contents::of(&found.description);
        let stamp = Stamp::of(&found.description).ok().flatten();
        let mut report = Self {
            contents,
            form: found.form,
            characters: found.characters,
            created: stamp.map(Stamp::created),
            answers: stamp.and_then(Stamp::answers),
            passphrase: passphrase(&found.description),
            warnings: vec![],
        };
        let expected = Expected::new(found.description.kind, None);
        report.warnings.extend(expected.check(&found.description, now).err().map(|error| error.to_string()));
        report.warnings.extend(report.picture().map(str::to_owned));
        report.warnings.extend(report.reach().map(str::to_owned));
        report
    }

    /// Returns a warning if there is sound that p2pcall knows, and a picture that it does not.
    fn picture(&self) -> Option<&'static str> {
        let has = |name: &str| self.contents.codecs.iter().any(|codec| codec.name.eq_ignore_ascii_case(name));
        let offers_picture = self.contents.codecs.iter().any(|codec| codec.kind == MediaKind::Video);
        (offers_picture && has("opus") && !has("H264") && !has("VP8"))
            .then_some("Its picture is neither in H.264 nor in VP8, which p2pcall knows: there would be sound alone.")
    }

    /// Returns a warning if the writer cannot be reached from everywhere.
    fn reach(&self) -> Option<&'static str> {
        let candidates = &self.contents.candidates;
        if candidates.is_empty() || candidates.iter().any(|candidate| candidate.scope == AddressScope::Public) {
            return None;
        }
        Some(match candidates.iter().all(|candidate| candidate.scope == AddressScope::Loopback) {
            true => "Only programs on the same machine can reach its writer.",
            false => {
                "Only somebody in the same network can reach its writer: no STUN or TURN server answered there, or none was asked."
            }
        })
    }

    fn for_programs(&self) -> Json<'_> {
        Json {
            kind: self.contents.kind,
            form: self.form.name(),
            id: self.contents.id.map(|id| id.to_string()),
            created: self.created.map(when::rfc_3339),
            fingerprint: self.contents.fingerprint.as_deref(),
            codecs: &self.contents.codecs,
            candidates: &self.contents.candidates,
            characters: self.characters,
        }
    }
}

/// Returns what a passphrase has to do with a description, if anything.
fn passphrase(description: &Description) -> Option<&'static str> {
    if description.attribute("sealed").is_some() {
        return Some(
            "It is sealed with a passphrase: all that it says can be read by who made the offer, and knows it.",
        );
    }
    description
        .attribute("passphrase")
        .map(|_| "A passphrase belongs to it: answer with --passphrase, and type what you told each other.")
}

/// What programs are told; they rely on these keys.
#[derive(Debug, Serialize)]
struct Json<'a> {
    kind: DescriptionKind,
    form: &'static str,
    id: Option<String>,
    created: Option<String>,
    fingerprint: Option<&'a str>,
    codecs: &'a [CodecInfo],
    candidates: &'a [CandidateInfo],
    characters: usize,
}
