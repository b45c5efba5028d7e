//! Microphones and speakers through cpal: finding, opening, watching. The callbacks copy samples.
//!
//! Host: a sound server that speaks PulseAudio's protocol if one answers, else what the system has.

mod stream;

use std::{convert::Infallible, fmt, str::FromStr};

use cpal::{
    ErrorKind, SampleFormat, SupportedBufferSize, SupportedStreamConfigRange,
    traits::{DeviceTrait as _, HostTrait as _},
};
use serde::Serialize;

pub(crate) use self::stream::{Failure, Request, Stream, open_microphone, open_speaker};
use crate::media::SAMPLE_RATE_HZ;

/// Rates that are listed if a device can do any in a range.
const USUAL_RATES_HZ: [u32; 7] = [8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000];

/// ALSA's plug-ins and second names for the same thing: no devices to choose from. Opening some of them
/// makes libraries talk on standard error.
const ALSA_PLUGINS: [&str; 22] = [
    "a52",
    "dmix",
    "dsnoop",
    "front",
    "hw",
    "iec958",
    "jack",
    "lavrate",
    "modem",
    "null",
    "oss",
    "phoneline",
    "pulse",
    "rear",
    "samplerate",
    "side",
    "speex",
    "speexrate",
    "spdif",
    "upmix",
    "usbstream",
    "vdownmix",
];

/// A microphone or a speaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SoundDeviceInfo {
    /// What the system shows to people.
    pub name: String,
    /// What the system calls it itself.
    pub id: String,
    /// Whether it is the one that is used unless another is named.
    pub is_default: bool,
    /// How many channels it has; 0 if it does not say.
    pub channels: u16,
    /// Sample rates it takes, in Hz. Empty if it does not say.
    pub sample_rates: Vec<u32>,
}

/// Which microphone or speaker to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SoundSelect {
    /// The system's default.
    #[default]
    Default,
    /// The first whose name or id contains this, in capitals or not.
    Name(String),
}

impl SoundSelect {
    /// Returns which of `names` (name and id of each device) is meant.
    fn find<'a>(&self, names: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Option<usize> {
        let Self::Name(wanted) = self else { return None };
        let wanted = wanted.to_lowercase();
        let mut lower = names.map(|(name, id)| (name.to_lowercase(), id.to_lowercase()));
        let mut part = None;
        for index in 0.. {
            let Some((name, id)) = lower.next() else { break };
            if name == wanted || id == wanted {
                return Some(index);
            }
            if part.is_none() && (name.contains(&wanted) || id.contains(&wanted)) {
                part = Some(index);
            }
        }
        part
    }
}

impl FromStr for SoundSelect {
    type Err = Infallible;

    /// Reads nothing or "default" as the default, anything else as a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let default = text.is_empty() || text.eq_ignore_ascii_case("default");
        Ok(if default { Self::Default } else { Self::Name(text.into()) })
    }
}

/// Why a device cannot be opened. The message is for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SoundError {
    /// There is no such device.
    #[error("{0}")]
    Missing(String),
    /// Another program holds it.
    #[error("{0}")]
    Busy(String),
    /// The system does not let us.
    #[error("{0}")]
    Denied(String),
    /// It cannot be used.
    #[error("{0}")]
    Unusable(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Input,
    Output,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "microphone",
            Self::Output => "speaker",
        })
    }
}

/// Lists the microphones, the default one first.
pub fn microphones() -> Vec<SoundDeviceInfo> {
    let _quiet = quiet();
    found(&cpal::default_host(), Direction::Input).into_iter().map(|(_, info)| info).collect()
}

/// Lists the speakers, the default one first.
pub fn speakers() -> Vec<SoundDeviceInfo> {
    let _quiet = quiet();
    found(&cpal::default_host(), Direction::Output).into_iter().map(|(_, info)| info).collect()
}

/// Keeps what alsa-lib has to say to standard error away from the screen, on this thread.
#[cfg(target_os = "linux")]
fn quiet() -> impl Sized {
    alsa::Output::local_error_handler()
}

#[cfg(not(target_os = "linux"))]
fn quiet() -> impl Sized {}

fn default_device(host: &cpal::Host, direction: Direction) -> Option<cpal::Device> {
    match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }
}

fn found(host: &cpal::Host, direction: Direction) -> Vec<(cpal::Device, SoundDeviceInfo)> {
    let id = |device: &cpal::Device| device.id().map(|id| id.id().to_owned()).unwrap_or_default();
    let default = default_device(host, direction).as_ref().map(id);
    let is_alsa = is_host(host, "alsa");
    let devices =
        host.devices().into_iter().flatten().filter(|device| !is_alsa || is_worth_listing(&id(device))).filter(
            |device| match direction {
                Direction::Input => device.supports_input(),
                Direction::Output => device.supports_output(),
            },
        );
    let mut found: Vec<_> = devices
        .map(|device| {
            let id = id(&device);
            let name = device.description().map_or_else(|_| id.clone(), |description| description.name().to_owned());
            let is_default = default.as_ref() == Some(&id);
            let (channels, sample_rates) = abilities(host, &device, direction);
            (device, SoundDeviceInfo { name, id, is_default, channels, sample_rates })
        })
        .collect();
    // What a speaker plays can be heard like a microphone: wanted only by those who name it.
    found.sort_by_key(|(_, info)| (!info.is_default, info.id.ends_with(".monitor")));
    found
}

/// Returns channels and sample rates of a device.
fn abilities(host: &cpal::Host, device: &cpal::Device, direction: Direction) -> (u16, Vec<u32>) {
    let native = match direction {
        Direction::Input => device.default_input_config(),
        Direction::Output => device.default_output_config(),
    };
    let Ok(native) = native else { return (0, Vec::new()) };
    if is_host(host, "pulseaudio") {
        // A sound server takes anything; what the device itself does is more telling.
        return (native.channels(), vec![native.sample_rate()]);
    }
    let ranges = offered(device, direction);
    let mut rates: Vec<u32> = USUAL_RATES_HZ.to_vec();
    rates.push(native.sample_rate());
    rates.retain(|rate| ranges.iter().any(|range| range.contains_rate(*rate)));
    rates.sort_unstable();
    rates.dedup();
    (native.channels(), rates)
}

fn is_host(host: &cpal::Host, name: &str) -> bool {
    host.id().to_string().eq_ignore_ascii_case(name)
}

/// Whether an ALSA PCM is something that a person would choose.
fn is_worth_listing(id: &str) -> bool {
    let (pcm, card) = id.split_once(":CARD=").unwrap_or((id, ""));
    // cpal adds each card once more under its number.
    let is_numbered = card.starts_with(|first: char| first.is_ascii_digit());
    !is_numbered && !pcm.starts_with("surround") && !ALSA_PLUGINS.contains(&pcm)
}

fn offered(device: &cpal::Device, direction: Direction) -> Vec<SupportedStreamConfigRange> {
    match direction {
        Direction::Input => device.supported_input_configs().map(Iterator::collect),
        Direction::Output => device.supported_output_configs().map(Iterator::collect),
    }
    .unwrap_or_default()
}

fn select(host: &cpal::Host, select: &SoundSelect, direction: Direction) -> Result<(cpal::Device, String), SoundError> {
    if *select == SoundSelect::Default {
        let device = default_device(host, direction)
            .ok_or_else(|| SoundError::Missing(format!("There is no {direction}. Plug one in, or call without.")))?;
        let name = device.description().map_or_else(|_| "default".into(), |description| description.name().to_owned());
        return Ok((device, name));
    }
    let mut found = found(host, direction);
    let names = found.iter().map(|(_, info)| (info.name.as_str(), info.id.as_str()));
    match (select.find(names.clone()), select) {
        (Some(index), _) => {
            let (device, info) = found.swap_remove(index);
            Ok((device, info.name))
        }
        (None, SoundSelect::Name(wanted)) => {
            let names = names.map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            let there = if names.is_empty() { "There is none at all.".into() } else { format!("There is: {names}.") };
            Err(SoundError::Missing(format!("There is no {direction} '{wanted}'. {there}")))
        }
        (None, SoundSelect::Default) => Err(none(direction)),
    }
}

/// What to ask a device for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    channels: u16,
    rate_hz: u32,
    format: SampleFormat,
    buffer: SupportedBufferSize,
}

/// Chooses among what a device offers: 48 kHz, else the nearest rate above, else below; for a
/// microphone as few channels as possible, for a speaker two; then the format nearest to ours.
fn choose(offered: &[SupportedStreamConfigRange], direction: Direction) -> Option<Choice> {
    let rank = |format| match format {
        SampleFormat::F32 => Some(0),
        SampleFormat::I32 => Some(1),
        SampleFormat::I24 => Some(2),
        SampleFormat::I16 => Some(3),
        SampleFormat::U16 => Some(4),
        SampleFormat::U8 => Some(5),
        _ => None,
    };
    offered
        .iter()
        .filter(|range| range.channels() > 0 && range.max_sample_rate() > 0)
        .filter_map(|range| {
            let rate_hz = SAMPLE_RATE_HZ.clamp(range.min_sample_rate().max(1), range.max_sample_rate());
            let channels = match direction {
                Direction::Input => range.channels(),
                Direction::Output => range.channels().abs_diff(2),
            };
            let key =
                (rate_hz < SAMPLE_RATE_HZ, rate_hz.abs_diff(SAMPLE_RATE_HZ), channels, rank(range.sample_format())?);
            let choice = Choice {
                channels: range.channels(),
                rate_hz,
                format: range.sample_format(),
                buffer: *range.buffer_size(),
            };
            Some((key, choice))
        })
        .min_by_key(|(key, _)| *key)
        .map(|(_, choice)| choice)
}

fn none(direction: Direction) -> SoundError {
    SoundError::Missing(format!("There is no {direction}. Plug one in, or call without."))
}

fn explain(error: &cpal::Error, name: &str, direction: Direction) -> SoundError {
    match error.kind() {
        ErrorKind::DeviceBusy => SoundError::Busy(format!(
            "Another program is using the {direction} '{name}'. Close it, or choose another: p2pcall devices lists them."
        )),
        ErrorKind::PermissionDenied => SoundError::Denied(format!(
            "You may not use the {direction} '{name}'. On Linux add yourself to the group audio (sudo usermod -aG audio $USER) and log in again; elsewhere allow it in the privacy settings."
        )),
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => {
            SoundError::Missing(format!("There is no {direction} '{name}' ({error}). Plug one in, or call without."))
        }
        _ => SoundError::Unusable(format!(
            "The {direction} '{name}' cannot be used ({error}). Choose another: p2pcall devices lists them."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, min: u32, max: u32, format: SampleFormat) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(channels, min, max, SupportedBufferSize::Unknown, format)
    }

    #[test]
    fn devices_are_found_by_name() {
        let names = [("Built-in Audio Analog Stereo", "alsa_output.pci"), ("USB Headset", "usb"), ("usb", "other")];
        let table = [
            ("headset", Some(1)),
            ("USB", Some(1)),
            ("other", Some(2)),
            ("built-in", Some(0)),
            ("alsa_output.pci", Some(0)),
            ("bluetooth", None),
            ("default", None),
        ];
        for (text, expected) in table {
            let select: SoundSelect = text.parse().expect("infallible");
            assert_eq!(select.find(names.into_iter()), expected, "{text}");
        }
        assert_eq!("".parse(), Ok(SoundSelect::Default));
    }

    #[test]
    fn of_alsa_s_names_those_of_devices_are_listed() {
        let table = [
            ("default", true),
            ("sysdefault:CARD=PCH", true),
            ("plughw:CARD=PCH,DEV=0", true),
            ("hdmi:CARD=PCH,DEV=0", true),
            ("my-own-pcm", true),
            ("hw:CARD=PCH,DEV=0", false),
            ("plughw:CARD=0,DEV=0", false),
            ("surround51:CARD=PCH,DEV=0", false),
            ("jack", false),
            ("null", false),
        ];
        for (id, expected) in table {
            assert_eq!(is_worth_listing(id), expected, "{id}");
        }
    }

    #[test]
    fn the_nearest_configuration_wins() {
        use SampleFormat::{F32, I16, U16, U64};
        type Row<'a> = (&'a str, &'a [SupportedStreamConfigRange], Direction, Option<(u16, u32, SampleFormat)>);
        let table: [Row<'_>; 8] = [
            ("nothing", &[], Direction::Input, None),
            ("nothing known", &[range(2, 48_000, 48_000, U64)], Direction::Input, None),
            (
                "mono for a microphone",
                &[range(2, 1, 384_000, F32), range(1, 1, 384_000, I16)],
                Direction::Input,
                Some((1, 48_000, I16)),
            ),
            (
                "stereo for a speaker",
                &[range(1, 1, 384_000, F32), range(2, 1, 384_000, I16), range(6, 1, 384_000, F32)],
                Direction::Output,
                Some((2, 48_000, I16)),
            ),
            (
                "48 kHz before channels",
                &[range(1, 44_100, 44_100, F32), range(2, 48_000, 48_000, I16)],
                Direction::Input,
                Some((2, 48_000, I16)),
            ),
            (
                "a higher rate before a lower",
                &[range(2, 44_100, 44_100, F32), range(2, 96_000, 96_000, F32)],
                Direction::Output,
                Some((2, 96_000, F32)),
            ),
            ("44.1 kHz if need be", &[range(2, 8_000, 44_100, U16)], Direction::Output, Some((2, 44_100, U16))),
            ("mono speaker", &[range(1, 48_000, 48_000, I16)], Direction::Output, Some((1, 48_000, I16))),
        ];
        for (what, offered, direction, expected) in table {
            let choice = choose(offered, direction).map(|choice| (choice.channels, choice.rate_hz, choice.format));
            assert_eq!(choice, expected, "{what}");
        }
    }
}
