//! What a person writes to choose a sink: `window`, `speaker:USB`, `file:out.y4m`.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where pictures are to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoSinkSpec {
    /// `window`: a window on the screen.
    Window,
    /// `terminal`: coloured characters.
    Terminal,
    /// `file:PATH`: a Y4M file or a FIFO.
    File(PathBuf),
    /// `none`: pictures are received and not shown.
    None,
}

/// Where sound is to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioSinkSpec {
    /// `speaker`, `speaker:NAME`: a loudspeaker, the system's preferred one or the one whose name
    /// contains this.
    Speaker(Option<String>),
    /// `file:PATH`: a WAV file or a FIFO.
    File(PathBuf),
    /// `none`: sound is received and not played.
    None,
}

impl FromStr for VideoSinkSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match split(text) {
            ("window", None) => Ok(Self::Window),
            ("terminal", None) => Ok(Self::Terminal),
            ("file", Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            ("none", None) => Ok(Self::None),
            _ => Err(format!("'{text}' is no place for pictures: write window, terminal, file:PATH or none")),
        }
    }
}

impl fmt::Display for VideoSinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window => f.write_str("window"),
            Self::Terminal => f.write_str("terminal"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

impl FromStr for AudioSinkSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match split(text) {
            ("speaker", None) => Ok(Self::Speaker(None)),
            ("speaker", Some(name)) if !name.is_empty() => Ok(Self::Speaker(Some(name.into()))),
            ("file", Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            ("none", None) => Ok(Self::None),
            _ => Err(format!("'{text}' is no place for sound: write speaker, speaker:NAME, file:PATH or none")),
        }
    }
}

impl fmt::Display for AudioSinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speaker(None) => f.write_str("speaker"),
            Self::Speaker(Some(name)) => write!(f, "speaker:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

/// Returns the kind and what follows the first colon.
fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_for_pictures_are_written_as_they_are_read() {
        for (text, expected) in [
            ("window", VideoSinkSpec::Window),
            ("terminal", VideoSinkSpec::Terminal),
            ("file:out/a b.y4m", VideoSinkSpec::File("out/a b.y4m".into())),
            ("none", VideoSinkSpec::None),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in ["", "window:1", "file", "file:", "null", "speaker"] {
            let error = text.parse::<VideoSinkSpec>().expect_err(text);
            assert!(error.contains(&format!("'{text}'")) && error.contains("window, terminal"), "{error}");
        }
    }

    #[test]
    fn places_for_sound_are_written_as_they_are_read() {
        for (text, expected) in [
            ("speaker", AudioSinkSpec::Speaker(None)),
            ("speaker:USB: rear", AudioSinkSpec::Speaker(Some("USB: rear".into()))),
            ("file:out.wav", AudioSinkSpec::File("out.wav".into())),
            ("none", AudioSinkSpec::None),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in ["", "speaker:", "file:", "none:1", "window"] {
            let error = text.parse::<AudioSinkSpec>().expect_err(text);
            assert!(error.contains(&format!("'{text}'")) && error.contains("speaker:NAME"), "{error}");
        }
    }
}
