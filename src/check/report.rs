//! Everything that was found, for programs and for people.

use serde::Serialize;

use super::{CameraFinding, CodecFinding, Grade, Line, MicrophoneFinding, Part, SpeakerFinding, TurnFinding};
use crate::rtc::nat::{Findings, Verdict};

/// What was found. What was not looked at is `None` or empty, and not in the JSON; the network's findings stand there
/// at the top.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What STUN servers tell; `None` if none was asked.
    #[serde(flatten)]
    pub findings: Option<Findings>,
    /// With whom a call will work; `None` if no STUN server was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Each TURN server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub turn: Vec<TurnFinding>,
    /// Pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraFinding>,
    /// Sound in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microphone: Option<MicrophoneFinding>,
    /// Sound out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<SpeakerFinding>,
    /// The speed of each codec for pictures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codecs: Vec<CodecFinding>,
}

impl Report {
    /// Returns all of it in words, part by part.
    pub fn lines(&self) -> Vec<(Part, Vec<Line>)> {
        let reached = self.turn.iter().any(TurnFinding::answers);
        let mut network = self.findings.as_ref().map(|findings| findings.lines(reached)).unwrap_or_default();
        network.extend(self.turn.iter().map(TurnFinding::line));
        // What hears the tone is not muted, however quiet it was before.
        let heard = self.speaker.as_ref().is_some_and(|speaker| speaker.heard == Some(true));
        let parts = [
            (Part::Network, network),
            (Part::Camera, self.camera.iter().map(CameraFinding::line).collect()),
            (Part::Microphone, self.microphone.iter().map(|microphone| microphone.line(heard)).collect()),
            (Part::Speaker, self.speaker.iter().map(SpeakerFinding::line).collect()),
            (Part::Codecs, self.codecs.iter().map(CodecFinding::line).collect()),
        ];
        parts.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
    }

    /// Whether nothing that was looked at is bad.
    pub fn is_usable(&self) -> bool {
        self.lines().iter().all(|(_, lines)| lines.iter().all(|line| line.grade != Grade::Bad))
    }

    /// From now on public addresses are written in full.
    pub fn show_addresses(&mut self) {
        if let Some(findings) = &mut self.findings {
            findings.show_addresses();
        }
    }
}
