//! The microphone: whether it opens, and how loud what it hears is.

use serde::Serialize;

use super::{Grade, Level, Line};

/// More than this share of clipped samples is heard.
const CLIPPED: f64 = 0.001;

/// Quieter than this, in dBFS, is no room.
const FAINT: f64 = -75.0;

/// What a microphone hears.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MicrophoneFinding {
    /// How loud it is; `None` if nothing came.
    pub level: Option<Level>,
    /// Why it gives nothing, and what to do.
    pub error: Option<String>,
}

impl MicrophoneFinding {
    /// Returns it in words; `hears` says whether it heard the speaker's tone afterwards.
    pub fn line(&self, hears: bool) -> Line {
        let about = "Sound";
        if let Some(error) = &self.error {
            return Line::new(Grade::Bad, about, error.as_str());
        }
        let Some(level) = self.level else {
            let words = "it brings nothing. Unplug it and plug it in again, or choose another with --audio mic:NAME.";
            return Line::new(Grade::Bad, about, words);
        };
        let words = format!("mean {:.0} dBFS, peak {:.0} dBFS", level.rms_dbfs, level.peak_dbfs);
        let (grade, words) = if level.is_silent() && hears {
            (Grade::Good, "nothing until the speaker's tone, which it heard".to_owned())
        } else if level.is_silent() {
            let words =
                "nothing but digital silence. Look whether it is muted in the system's settings or by a switch.";
            (Grade::Bad, words.to_owned())
        } else if level.clipped > CLIPPED {
            let share = level.clipped * 100.0;
            (Grade::Fair, format!("{words}, {share:.1} % clipped: turn it down in the system's settings"))
        } else if level.rms_dbfs < FAINT {
            (Grade::Fair, format!("{words}, hardly anything: turn it up in the system's settings"))
        } else {
            (Grade::Good, words)
        };
        Line::new(grade, about, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_microphone_is_judged_by_what_it_hears() {
        let heard = |rms_dbfs, peak_dbfs, clipped| MicrophoneFinding {
            level: Some(Level { rms_dbfs, peak_dbfs, clipped }),
            error: None,
        };
        for (finding, grade, words) in [
            (heard(-42.0, -20.0, 0.0), Grade::Good, "mean -42 dBFS, peak -20 dBFS"),
            (heard(-3.0, 0.0, 0.02), Grade::Fair, "2.0 % clipped: turn it down"),
            (heard(-90.0, -80.0, 0.0), Grade::Fair, "turn it up"),
            (heard(-120.0, -120.0, 0.0), Grade::Bad, "muted"),
            (MicrophoneFinding::default(), Grade::Bad, "it brings nothing"),
            (MicrophoneFinding { level: None, error: Some("It is busy.".into()) }, Grade::Bad, "It is busy."),
        ] {
            let line = finding.line(false);
            assert_eq!(line.grade, grade, "{line}");
            assert!(line.words.contains(words), "{line}");
        }
        assert_eq!(heard(-120.0, -120.0, 0.0).line(true).grade, Grade::Good);
    }
}
