//! The speaker: whether it plays, and whether the microphone hears it.

use serde::Serialize;

use super::{Grade, Line};

/// An echo that is so much louder than what was played, in decibels, may be too much to be taken out.
const LOUD: f64 = 12.0;

/// What became of a tone that was played.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SpeakerFinding {
    /// Whether the speaker took the tone.
    pub played: bool,
    /// Whether the microphone heard it; `None` if there was none to hear.
    pub heard: Option<bool>,
    /// From handing the tone over to having it back from the microphone, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// How loud it came back, in decibels above what was played.
    pub echo_db: Option<f64>,
    /// Why nothing is played, and what to do.
    pub error: Option<String>,
}

impl SpeakerFinding {
    /// Returns it in words.
    pub fn line(&self) -> Line {
        let about = "Tone";
        if let Some(error) = &self.error {
            return Line::new(Grade::Bad, about, error.as_str());
        }
        if !self.played {
            let words = "it takes no sound. Plug it in again, or choose another with --speaker speaker:NAME.";
            return Line::new(Grade::Bad, about, words);
        }
        let (Some(true), Some(ms), Some(db)) = (self.heard, self.round_trip_ms, self.echo_db) else {
            let words = match self.heard {
                Some(_) => {
                    "played, and not heard by the microphone: as it should be with headphones. If you did not hear it, \
                     either, turn the speaker up, or choose another with --speaker speaker:NAME"
                }
                None => "played; there is no microphone that could hear it",
            };
            return Line::new(Grade::Fair, about, words);
        };
        let way = if db <= 0.0 { "quieter" } else { "louder" };
        let words = format!("heard by the microphone after {ms:.0} ms, {:.0} dB {way} than played", db.abs());
        match db > LOUD {
            true => Line::new(Grade::Fair, about, words + ": turn speaker or microphone down, or use headphones"),
            false => Line::new(Grade::Good, about, words + "; this echo is taken out of your sound"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_is_judged_by_what_is_heard_of_it() {
        let heard = |db| SpeakerFinding {
            played: true,
            heard: Some(true),
            round_trip_ms: Some(62.0),
            echo_db: Some(db),
            error: None,
        };
        let played = SpeakerFinding { played: true, ..SpeakerFinding::default() };
        for (finding, grade, words) in [
            (heard(-23.0), Grade::Good, "after 62 ms, 23 dB quieter than played; this echo"),
            (heard(3.0), Grade::Good, "3 dB louder"),
            (heard(20.0), Grade::Fair, "use headphones"),
            (SpeakerFinding { heard: Some(false), ..played.clone() }, Grade::Fair, "as it should be with headphones"),
            (played, Grade::Fair, "no microphone that could hear it"),
            (SpeakerFinding::default(), Grade::Bad, "takes no sound"),
            (SpeakerFinding { error: Some("It is busy.".into()), ..SpeakerFinding::default() }, Grade::Bad, "busy"),
        ] {
            let line = finding.line();
            assert_eq!(line.grade, grade, "{line}");
            assert!(line.words.contains(words), "{line}");
        }
    }
}
