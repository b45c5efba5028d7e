//! What a person writes to choose a source: `camera:1`, `tone`, `file:talk.wav`.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where pictures are to come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoSourceSpec {
    /// `camera`, `camera:1`, `camera:NAME`: a camera.
    Camera(CameraChoice),
    /// `test`: the moving test pattern.
    Test,
    /// `file:PATH`: a Y4M file, or a FIFO that is live.
    File(PathBuf),
    /// `none`: no pictures are sent.
    None,
}

/// Which camera.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CameraChoice {
    /// The first that works.
    #[default]
    Any,
    /// The one of this number in the list of devices.
    Index(u32),
    /// The one whose name contains this.
    Name(String),
}

impl fmt::Display for CameraChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("camera"),
            Self::Index(index) => write!(f, "camera:{index}"),
            Self::Name(name) => write!(f, "camera:{name}"),
        }
    }
}

/// Where sound is to come from.
#[derive(Clone, Debug, PartialEq)]
pub enum AudioSourceSpec {
    /// `mic`, `mic:NAME`: a microphone, the system's preferred one or the one whose name contains this.
    Microphone(Option<String>),
    /// `tone`, `tone:HZ`: a sine tone, 440 Hz if not said.
    Tone(f32),
    /// `file:PATH`: a WAV file, or a FIFO that is live.
    File(PathBuf),
    /// `none`: no sound is sent.
    None,
}

/// What `tone` alone means.
const TONE_HZ: f32 = 440.0;

impl FromStr for VideoSourceSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match split(text) {
            ("camera", None) => Ok(Self::Camera(CameraChoice::Any)),
            ("camera", Some(name)) if !name.is_empty() => Ok(Self::Camera(match name.parse() {
                Ok(index) => CameraChoice::Index(index),
                Err(_) => CameraChoice::Name(name.into()),
            })),
            ("test", None) => Ok(Self::Test),
            ("file", Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            ("none", None) => Ok(Self::None),
            _ => Err(format!(
                "'{text}' is no source of pictures: write camera, camera:INDEX, camera:NAME, test, file:PATH or none"
            )),
        }
    }
}

impl fmt::Display for VideoSourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Camera(choice) => choice.fmt(f),
            Self::Test => f.write_str("test"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

impl FromStr for AudioSourceSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match split(text) {
            ("mic", None) => Ok(Self::Microphone(None)),
            ("mic", Some(name)) if !name.is_empty() => Ok(Self::Microphone(Some(name.into()))),
            ("tone", None) => Ok(Self::Tone(TONE_HZ)),
            ("tone", Some(hz)) => match hz.parse() {
                Ok(hz) if (20.0..=20_000.0).contains(&hz) => Ok(Self::Tone(hz)),
                _ => Err(format!("'{text}' is no tone: write tone:HZ with 20 to 20000, for example tone:1000")),
            },
            ("file", Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            ("none", None) => Ok(Self::None),
            _ => Err(format!("'{text}' is no source of sound: write mic, mic:NAME, tone, tone:HZ, file:PATH or none")),
        }
    }
}

impl fmt::Display for AudioSourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Microphone(None) => f.write_str("mic"),
            Self::Microphone(Some(name)) => write!(f, "mic:{name}"),
            Self::Tone(TONE_HZ) => f.write_str("tone"),
            Self::Tone(hz) => write!(f, "tone:{hz}"),
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
    fn sources_of_pictures_are_written_as_they_are_read() {
        let camera = VideoSourceSpec::Camera;
        for (text, expected) in [
            ("camera", camera(CameraChoice::Any)),
            ("camera:0", camera(CameraChoice::Index(0))),
            ("camera:HD Webcam: left", camera(CameraChoice::Name("HD Webcam: left".into()))),
            ("test", VideoSourceSpec::Test),
            ("file:a:b.y4m", VideoSourceSpec::File("a:b.y4m".into())),
            ("none", VideoSourceSpec::None),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in ["", "camera:", "file", "file:", "test:1", "none:", "Camera", "screen", "mic"] {
            let error = text.parse::<VideoSourceSpec>().expect_err(text);
            assert!(error.contains(&format!("'{text}'")) && error.contains("file:PATH"), "{error}");
        }
    }

    #[test]
    fn sources_of_sound_are_written_as_they_are_read() {
        for (text, expected) in [
            ("mic", AudioSourceSpec::Microphone(None)),
            ("mic:USB", AudioSourceSpec::Microphone(Some("USB".into()))),
            ("tone", AudioSourceSpec::Tone(440.0)),
            ("tone:997.5", AudioSourceSpec::Tone(997.5)),
            ("file:talk.wav", AudioSourceSpec::File("talk.wav".into())),
            ("none", AudioSourceSpec::None),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in ["", "mic:", "file:", "tone:", "tone:x", "tone:NaN", "tone:5", "tone:30000", "camera"] {
            let error = text.parse::<AudioSourceSpec>().expect_err(text);
            assert!(error.contains(&format!("'{text}'")) && error.contains("tone:HZ"), "{error}");
        }
    }
}
