//! Opens the sources and sinks that were asked for.

use std::io::IsTerminal;

use super::{
    Exit, Refusal,
    args::MediaArgs,
    config::{self, has_display},
};
use crate::{
    call::Media,
    media::{Clock, VideoFormat},
    pipeline::{SinkOpener, SourceOpener},
    sink::{self, AudioSink, AudioSinkSpec, SinkError, VideoSinkSpec, terminal},
    source::{
        self, AudioSource, AudioSourceSpec, CameraChoice, SourceError, TestPattern, Tone, VideoSource, VideoSourceSpec,
    },
};

/// What is used where nothing was typed.
pub(super) struct Defaults {
    pub(super) video: VideoSourceSpec,
    pub(super) audio: AudioSourceSpec,
    pub(super) speaker: AudioSinkSpec,
}

/// Where the other side is seen.
pub(super) enum Screen {
    /// In no place of ours.
    None,
    /// In a window, which the main thread has to run.
    #[cfg(feature = "window")]
    Window(Box<sink::window::WindowLoop>, sink::window::WindowControl),
    /// In the terminal, which a thread has to run.
    Terminal(Box<TerminalScreen>, terminal::TerminalControl),
}

/// The terminal as a screen.
pub(super) type TerminalScreen =
    terminal::TerminalScreen<Box<dyn std::io::Write + Send>, Box<dyn Fn() -> (u16, u16) + Send>>;

/// Opens what was asked for. Sources and sinks that were named must be there; where only the default
/// is missing, the call goes on without it.
pub(super) fn open(args: &MediaArgs, defaults: Defaults) -> Result<(Media, Screen), Refusal> {
    let mut media = Media::new();
    let clock = media.clock;
    let format = config::format(args);
    media.video_source = video_source(args.video.clone().unwrap_or(defaults.video), format, clock)?;
    media.audio_source = audio_source(args.audio.clone().unwrap_or(defaults.audio), clock)?;
    media.audio_sink = audio_sink(args.speaker.clone().unwrap_or(defaults.speaker))?;
    let screen = screen(args.show.as_ref(), format, &mut media)?;
    Ok((media, screen))
}

pub(super) fn video_source(
    spec: VideoSourceSpec,
    format: VideoFormat,
    clock: Clock,
) -> Result<Option<SourceOpener<dyn VideoSource>>, Refusal> {
    Ok(match spec {
        VideoSourceSpec::None => None,
        // The first camera that is there, if one is: opened while the exchange begins.
        VideoSourceSpec::Camera(CameraChoice::Any) => Some(camera(CameraChoice::Any, format, clock)),
        VideoSourceSpec::Camera(choice) => Some(opened(open_camera(choice, format, clock)?)),
        VideoSourceSpec::Test => Some(Box::new(move || Ok(Box::new(TestPattern::new(format, clock))))),
        VideoSourceSpec::File(path) => Some(opened(Box::new(source::VideoFile::open(&path, format, clock)?))),
    })
}

/// Opens a camera where it is used.
pub(super) fn camera(choice: CameraChoice, format: VideoFormat, clock: Clock) -> SourceOpener<dyn VideoSource> {
    Box::new(move || open_camera(choice, format, clock))
}

fn opened<T: ?Sized + Send + 'static>(source: Box<T>) -> SourceOpener<T> {
    Box::new(move || Ok(source))
}

#[cfg(feature = "camera")]
fn open_camera(choice: CameraChoice, format: VideoFormat, clock: Clock) -> Result<Box<dyn VideoSource>, SourceError> {
    Ok(Box::new(source::Camera::open(choice, format, clock)?))
}

#[cfg(not(feature = "camera"))]
fn open_camera(_: CameraChoice, _: VideoFormat, _: Clock) -> Result<Box<dyn VideoSource>, SourceError> {
    Err(SourceError::Missing("This p2pcall was built without cameras. Show the test pattern with --video test.".into()))
}

pub(super) fn audio_source(
    spec: AudioSourceSpec,
    clock: Clock,
) -> Result<Option<SourceOpener<dyn AudioSource>>, Refusal> {
    Ok(match spec {
        AudioSourceSpec::None => None,
        AudioSourceSpec::Microphone(name) => microphone(name, clock)?,
        AudioSourceSpec::Tone(hz) => Some(Box::new(move || Ok(Box::new(Tone::new(hz, clock))))),
        AudioSourceSpec::File(path) => Some(opened(Box::new(source::AudioFile::open(&path, clock)?))),
    })
}

#[cfg(feature = "sound")]
fn microphone(name: Option<String>, clock: Clock) -> Result<Option<SourceOpener<dyn AudioSource>>, Refusal> {
    use crate::audio::{SoundSelect, microphones};
    let select = named(name, microphones, "microphone")?.map_or(SoundSelect::Default, SoundSelect::Name);
    Ok(Some(Box::new(move || Ok(Box::new(source::Microphone::open(select, clock)?)))))
}

#[cfg(not(feature = "sound"))]
fn microphone(_: Option<String>, _: Clock) -> Result<Option<SourceOpener<dyn AudioSource>>, Refusal> {
    let missing = "This p2pcall was built without sound devices. Say something with --audio tone or file:PATH.";
    Ok(Some(Box::new(move || Err(SourceError::Missing(missing.into())))))
}

pub(super) fn audio_sink(spec: AudioSinkSpec) -> Result<Option<SinkOpener<dyn AudioSink>>, Refusal> {
    Ok(match spec {
        AudioSinkSpec::None => None,
        AudioSinkSpec::Speaker(name) => speaker(name)?,
        AudioSinkSpec::File(path) => {
            let file: Box<dyn AudioSink> = Box::new(sink::AudioFile::create(&path)?);
            Some(Box::new(move || Ok(file)))
        }
    })
}

#[cfg(feature = "sound")]
fn speaker(name: Option<String>) -> Result<Option<SinkOpener<dyn AudioSink>>, Refusal> {
    use crate::audio::{SoundSelect, speakers};
    let select = named(name, speakers, "speaker")?.map_or(SoundSelect::Default, SoundSelect::Name);
    Ok(Some(Box::new(move || Ok(Box::new(sink::Speaker::open(select)?)))))
}

#[cfg(not(feature = "sound"))]
fn speaker(_: Option<String>) -> Result<Option<SinkOpener<dyn AudioSink>>, Refusal> {
    let missing = "This p2pcall was built without sound devices. Keep what you would hear with --speaker file:PATH.";
    Ok(Some(Box::new(move || Err(SinkError::Missing(missing.into())))))
}

/// Looks whether a device of that name is there: it is opened later, on its own thread.
#[cfg(feature = "sound")]
fn named(
    name: Option<String>,
    devices: fn() -> Vec<crate::audio::SoundDeviceInfo>,
    kind: &str,
) -> Result<Option<String>, Refusal> {
    let Some(name) = name else { return Ok(None) };
    let wanted = name.to_lowercase();
    if devices().iter().any(|device| device.name.to_lowercase().contains(&wanted)) {
        return Ok(Some(name));
    }
    let what =
        format!("There is no {kind} whose name contains '{name}'. 'p2pcall devices' lists those that are there.");
    Err(Refusal { exit: Exit::Device, what })
}

fn screen(spec: Option<&VideoSinkSpec>, format: VideoFormat, media: &mut Media) -> Result<Screen, Refusal> {
    match spec {
        Some(VideoSinkSpec::None) => Ok(Screen::None),
        Some(VideoSinkSpec::File(path)) => {
            media.video_sink = Some(Box::new(sink::VideoFile::create(path, format.frame_rate)?));
            Ok(Screen::None)
        }
        Some(VideoSinkSpec::Window) => Ok(window(media)?),
        Some(VideoSinkSpec::Terminal) => Ok(terminal(media)?),
        None => {
            if has_display() {
                match window(media) {
                    Ok(screen) => return Ok(screen),
                    Err(error) => tracing::warn!(%error, "no window"),
                }
            }
            Ok(terminal(media).unwrap_or(Screen::None))
        }
    }
}

#[cfg(feature = "window")]
fn window(media: &mut Media) -> Result<Screen, SinkError> {
    let (parts, window) = sink::window::create("p2pcall")?;
    media.video_sink = Some(Box::new(parts.picture));
    media.preview = Some(Box::new(parts.preview));
    Ok(Screen::Window(Box::new(window), parts.control))
}

#[cfg(not(feature = "window"))]
fn window(_: &mut Media) -> Result<Screen, SinkError> {
    Err(SinkError::Missing("This p2pcall was built without windows. See the picture with --show terminal.".into()))
}

fn terminal(media: &mut Media) -> Result<Screen, SinkError> {
    let out: Box<dyn std::io::Write + Send> = if std::io::stderr().is_terminal() {
        Box::new(std::io::stderr())
    } else if std::io::stdout().is_terminal() {
        Box::new(std::io::stdout())
    } else {
        return Err(SinkError::Missing(
            "Neither standard error nor standard output is a terminal that could show pictures. Use --show file:PATH or none."
                .into(),
        ));
    };
    let size: Box<dyn Fn() -> (u16, u16) + Send> = Box::new(|| crossterm::terminal::size().unwrap_or((80, 24)));
    let colours = if config::true_colour() { terminal::Colours::True } else { terminal::Colours::Indexed };
    let (parts, screen) = terminal::TerminalScreen::new(out, size, colours);
    media.video_sink = Some(Box::new(parts.picture));
    media.preview = Some(Box::new(parts.preview));
    Ok(Screen::Terminal(Box::new(screen), parts.control))
}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Self {
        Self { exit: Exit::Device, what: error.to_string() }
    }
}

impl From<SinkError> for Refusal {
    fn from(error: SinkError) -> Self {
        Self { exit: Exit::Device, what: error.to_string() }
    }
}
