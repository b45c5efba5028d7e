//! `p2pcall check`: whether all is ready for a call.

use std::io::IsTerminal;

use super::{
    Exit, Refusal,
    args::{CheckArgs, CheckedPart, OutputArgs},
    config, media, print_result, say, stage,
};
use crate::{
    check::{self, Grade, Network, Plan, Report},
    media::{Clock, VideoFormat, VideoFrame, now},
    sink::{AudioSinkSpec, SinkError, terminal},
    source::{AudioSourceSpec, CameraChoice, SourceError, VideoSourceSpec},
};

/// The picture's room, in columns and rows: enough to see a face, and the lines stay on the screen.
const ROOM: (u16, u16) = (48, 14);

pub(super) fn run(args: CheckArgs, output: &OutputArgs) -> Result<Exit, Refusal> {
    config::log(output);
    let (json, addresses) = (args.json, args.addresses);
    let plan = plan(args)?;
    if !output.quiet {
        say("Looking; this takes some seconds. Say something, so that your microphone has something to hear.");
    }
    let failed = |error: crate::rtc::RtcError| Refusal { exit: Exit::CallFailed, what: error.to_string() };
    let mut report = stage::runtime()?.block_on(check::look(plan)).map_err(failed)?;
    if addresses {
        report.show_addresses();
    }
    let stdout = std::io::stdout();
    let text = if json {
        let json = serde_json::to_string_pretty(&report).expect("plain values are always JSON");
        format!("{json}\n").into_bytes()
    } else {
        let colour = config::colour_on(&stdout);
        let screen = Screen { colour, picture: colour && stdout.is_terminal(), quiet: output.quiet };
        words(&report, &screen)
    };
    print_result(&text)?;
    Ok(if report.is_usable() { Exit::Success } else { Exit::CallFailed })
}

/// Returns what was asked for. What cannot be opened is a finding, not a refusal.
fn plan(args: CheckArgs) -> Result<Plan, Refusal> {
    let wanted = |part| args.parts.is_empty() || args.parts.contains(&part);
    let clock = Clock::new(now());
    let format = VideoFormat { size: args.size, frame_rate: f64::from(args.fps) };
    let network = match wanted(CheckedPart::Network) {
        true => {
            let (stun, turn) = config::servers(&args.connection)?;
            let bind = args.connection.bind.clone();
            Some(Network { stun, turn, bind, longest_lifetime: args.lifetime })
        }
        false => None,
    };
    let camera = wanted(CheckedPart::Camera)
        .then(|| match args.video.clone().unwrap_or(VideoSourceSpec::Camera(CameraChoice::Any)) {
            // Opened where the time that it takes is measured.
            VideoSourceSpec::Camera(choice) => Some(media::camera(choice, format, clock)),
            spec => media::video_source(spec, format, clock)
                .unwrap_or_else(|refusal| Some(Box::new(|| Err(SourceError::Missing(refusal.what))))),
        })
        .flatten();
    let microphone = wanted(CheckedPart::Microphone)
        .then(|| {
            media::audio_source(args.audio.clone().unwrap_or(AudioSourceSpec::Microphone(None)), clock)
                .unwrap_or_else(|refusal| Some(Box::new(|| Err(SourceError::Missing(refusal.what)))))
        })
        .flatten();
    let speaker = wanted(CheckedPart::Speaker)
        .then(|| {
            media::audio_sink(args.speaker.clone().unwrap_or(AudioSinkSpec::Speaker(None)))
                .unwrap_or_else(|refusal| Some(Box::new(|| Err(SinkError::Missing(refusal.what)))))
        })
        .flatten();
    let codecs = wanted(CheckedPart::Codecs).then_some(format);
    Ok(Plan { clock, network, camera, microphone, speaker, codecs })
}

/// How it is shown.
struct Screen {
    colour: bool,
    picture: bool,
    /// What is wrong alone.
    quiet: bool,
}

fn words(report: &Report, screen: &Screen) -> Vec<u8> {
    let mut out = Vec::new();
    for (part, lines) in report.lines() {
        let shown: Vec<_> = lines.iter().filter(|line| !screen.quiet || line.grade == Grade::Bad).collect();
        if shown.is_empty() {
            continue;
        }
        out.extend(format!("{part}\n").bytes());
        for line in shown {
            out.extend(format!("  {} {line}\n", mark(line.grade, screen.colour)).bytes());
        }
        if let Some(picture) =
            picture(report).filter(|_| part == check::Part::Camera && screen.picture && !screen.quiet)
        {
            let colours = if config::true_colour() { terminal::Colours::True } else { terminal::Colours::Indexed };
            out.extend(terminal::still(picture, ROOM, colours));
        }
    }
    if let Some(verdict) = report.verdict.as_ref().filter(|_| !screen.quiet) {
        out.extend(format!("\n{}\n", verdict.sentence).bytes());
    }
    out
}

fn picture(report: &Report) -> Option<&VideoFrame> {
    report.camera.as_ref()?.picture.as_ref()
}

/// Returns the mark of a line, all of the same width.
fn mark(grade: Grade, colour: bool) -> String {
    let (word, code) = match grade {
        Grade::Good => ("ok", 32),
        Grade::Fair => ("attention", 33),
        Grade::Bad => ("wrong", 31),
    };
    let padded = format!("{word:9}");
    if colour { format!("\x1b[{code}m{padded}\x1b[0m") } else { padded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CameraFinding, MicrophoneFinding};

    fn report() -> Report {
        Report {
            findings: None,
            verdict: None,
            turn: vec![],
            camera: Some(CameraFinding { error: Some("There is no camera.".into()), ..CameraFinding::default() }),
            microphone: Some(MicrophoneFinding { level: check::Level::of(&[0.1, -0.1]), error: None }),
            speaker: None,
            codecs: vec![],
        }
    }

    #[test]
    fn each_line_has_a_mark_and_quiet_ones_are_wrong() {
        for (colour, quiet, expected) in [
            (
                false,
                false,
                "Camera\n  wrong     Picture: There is no camera.\n\
                 Microphone\n  ok        Sound: mean -20 dBFS, peak -20 dBFS\n",
            ),
            (false, true, "Camera\n  wrong     Picture: There is no camera.\n"),
            (true, true, "Camera\n  \x1b[31mwrong    \x1b[0m Picture: There is no camera.\n"),
        ] {
            let words = words(&report(), &Screen { colour, picture: false, quiet });
            assert_eq!(String::from_utf8_lossy(&words), expected);
        }
        assert!(!report().is_usable());
    }
}
