//! `p2pcall devices`: what there is to show, say and hear with.

use serde::Serialize;

use super::{Exit, Refusal, args::DevicesArgs, print_result};

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Devices {
    #[cfg(feature = "camera")]
    cameras: Vec<crate::source::CameraInfo>,
    #[cfg(feature = "sound")]
    microphones: Vec<crate::audio::SoundDeviceInfo>,
    #[cfg(feature = "sound")]
    speakers: Vec<crate::audio::SoundDeviceInfo>,
}

pub(super) fn run(args: &DevicesArgs) -> Result<Exit, Refusal> {
    let devices = Devices {
        #[cfg(feature = "camera")]
        cameras: crate::source::cameras(),
        #[cfg(feature = "sound")]
        microphones: crate::audio::microphones(),
        #[cfg(feature = "sound")]
        speakers: crate::audio::speakers(),
    };
    let text = if args.json {
        let json = serde_json::to_string_pretty(&devices).expect("plain values are always JSON");
        format!("{json}\n")
    } else {
        words(&devices)
    };
    print_result(text.as_bytes())?;
    Ok(Exit::Success)
}

#[cfg_attr(
    not(any(feature = "camera", feature = "sound")),
    expect(unused_variables, reason = "without devices there is nothing to list")
)]
fn words(devices: &Devices) -> String {
    let mut lines = Vec::new();
    #[cfg(feature = "camera")]
    {
        heading(&mut lines, "Cameras", "--video camera:NUMBER or camera:NAME", devices.cameras.is_empty());
        for camera in &devices.cameras {
            lines.push(format!("  {}: {} ({})", camera.index, camera.name, camera.description));
            lines.extend(camera.formats.iter().map(|format| {
                let rates: Vec<String> = format.rates.iter().map(|rate| format!("{rate:.0}")).collect();
                format!("       {} {} at {} frames/s", format.format, format.size, rates.join(", "))
            }));
        }
    }
    #[cfg(feature = "sound")]
    for (title, option, list) in [
        ("Microphones", "--audio mic:NAME", &devices.microphones),
        ("Speakers", "--speaker speaker:NAME", &devices.speakers),
    ] {
        heading(&mut lines, title, option, list.is_empty());
        lines.extend(
            list.iter().map(|device| format!("  {}{}", device.name, if device.is_default { " (default)" } else { "" })),
        );
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(any(feature = "camera", feature = "sound"))]
fn heading(lines: &mut Vec<String>, title: &str, option: &str, empty: bool) {
    lines.push(if empty { format!("{title}: none found") } else { format!("{title} ({option}):") });
}
