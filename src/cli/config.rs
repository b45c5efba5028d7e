//! What was typed and what the environment says, as a call's configuration.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use super::{
    Exit, Refusal, acquaintance,
    args::{ConnectionArgs, MediaArgs, OutputArgs, PictureCodec, RunArgs, TrustArgs},
    exchange::Surroundings,
};
use crate::{
    audio::MicrophoneSettings,
    call::CallConfig,
    media::{Bitrate, Codec, VideoFormat},
    rtc::{Authorities, ServerUrlError, TurnServer, TurnUrl},
    trust::Passphrase,
};

/// The only place a passphrase may come from besides a prompt.
const PASSPHRASE_VARIABLE: &str = "P2PCALL_PASSPHRASE";

/// Where a person's data is kept, if not where the system says.
const DATA_VARIABLE: &str = "P2PCALL_DATA";

/// The only place a password may come from besides a file and a prompt: command lines are seen by all.
const PASSWORD_VARIABLE: &str = "P2PCALL_TURN_PASSWORD";

/// Returns the size and rate asked for.
pub(super) fn format(media: &MediaArgs) -> VideoFormat {
    VideoFormat { size: media.size, frame_rate: f64::from(media.fps) }
}

/// Returns a configuration without network options.
pub(super) fn local(media: &MediaArgs, run: &RunArgs) -> CallConfig {
    CallConfig {
        format: format(media),
        codec: media.codec.map(|codec| match codec {
            PictureCodec::H264 => Codec::H264,
            PictureCodec::Vp8 => Codec::Vp8,
        }),
        max_bitrate: Bitrate::from_kbps(media.max_bitrate.into()),
        microphone: MicrophoneSettings {
            echo_cancellation: !media.no_echo_cancellation,
            noise_suppression: !media.no_noise_suppression,
            auto_gain_control: !media.no_gain_control,
        },
        duration: run.duration,
        stun: vec![],
        ..CallConfig::default()
    }
}

/// Returns a configuration as typed.
pub(super) fn network(
    media: &MediaArgs,
    connection: &ConnectionArgs,
    trust: &TrustArgs,
    run: &RunArgs,
) -> Result<CallConfig, Refusal> {
    let (stun, turn) = servers(connection)?;
    Ok(CallConfig {
        stun,
        turn,
        relay_only: connection.relay_only,
        bind: connection.bind.clone(),
        ports: connection.port.clone(),
        name: trust.name.clone(),
        certificate: trust.name.as_ref().map(acquaintance::certificate).transpose()?,
        passphrase: trust.passphrase.then(passphrase).transpose()?,
        ..local(media, run)
    })
}

/// Returns the STUN and TURN servers to use.
pub(super) fn servers(connection: &ConnectionArgs) -> Result<(Vec<String>, Vec<TurnServer>), Refusal> {
    let stun = match (connection.no_stun || connection.relay_only, connection.stun.is_empty()) {
        (true, _) => vec![],
        (false, true) => CallConfig::default().stun,
        (false, false) => connection.stun.clone(),
    };
    let turn = match &connection.turn_user {
        Some(user) => turn_servers(connection, user)?,
        None => vec![],
    };
    Ok((stun, turn))
}

fn turn_servers(connection: &ConnectionArgs, user: &str) -> Result<Vec<TurnServer>, Refusal> {
    let refusal = |error: ServerUrlError| Refusal { exit: Exit::Usage, what: format!("{error}.") };
    let urls = connection.turn.iter().cloned().collect::<Result<Vec<_>, _>>().map_err(refusal)?;
    let authorities = connection.turn_ca.as_deref().map(authorities).transpose()?.unwrap_or_default();
    let password = turn_password(connection.turn_password_file.as_deref())?;
    let server = |url: TurnUrl| TurnServer {
        url,
        username: user.to_owned(),
        password: password.clone(),
        authorities: authorities.clone(),
    };
    Ok(urls.into_iter().map(server).collect())
}

fn authorities(path: &Path) -> Result<Authorities, Refusal> {
    let refusal = |what| Refusal { exit: Exit::Usage, what };
    let text = std::fs::read(path)
        .map_err(|error| refusal(format!("The certificates cannot be read from {}: {error}.", path.display())))?;
    Authorities::from_pem(&text).map_err(|error| refusal(format!("{}: {error}", path.display())))
}

fn turn_password(file: Option<&Path>) -> Result<String, Refusal> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| Refusal {
            exit: Exit::Usage,
            what: format!("The TURN password cannot be read from {}: {error}.", path.display()),
        })?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    if let Some(password) = variable(PASSWORD_VARIABLE) {
        return Ok(password);
    }
    if std::io::stdin().is_terminal()
        && let Ok(password) = rpassword::prompt_password("Password for the TURN server: ")
    {
        return Ok(password);
    }
    Err(Refusal {
        exit: Exit::Usage,
        what: format!("The TURN server wants a password. Put it into {PASSWORD_VARIABLE} or a --turn-password-file."),
    })
}

/// Returns the passphrase that was agreed on.
fn passphrase() -> Result<Passphrase, Refusal> {
    let refusal = |what: String| Refusal { exit: Exit::Usage, what };
    let text = match variable(PASSPHRASE_VARIABLE) {
        Some(text) => text,
        None if std::io::stdin().is_terminal() => {
            rpassword::prompt_password("Passphrase, the same as the other person's: ")
                .map_err(|error| refusal(format!("The passphrase cannot be read: {error}.")))?
        }
        None => {
            return Err(refusal(format!(
                "There is nobody to ask for the passphrase. Put it into {PASSPHRASE_VARIABLE}."
            )));
        }
    };
    Passphrase::new(&text).map_err(|error| refusal(error.to_string()))
}

/// Returns where a person's data is kept, if there is a place.
pub(super) fn data_directory() -> Option<PathBuf> {
    variable(DATA_VARIABLE).map(PathBuf::from).or_else(|| Some(dirs::data_dir()?.join("p2pcall")))
}

/// Whether there is a display that a window could be shown on.
pub(super) fn has_display() -> bool {
    cfg!(any(target_os = "macos", windows)) || variable("DISPLAY").is_some() || variable("WAYLAND_DISPLAY").is_some()
}

/// Returns what tells whose clipboard the person uses.
pub(super) fn surroundings() -> Surroundings {
    let is_set = |name| variable(name).is_some();
    Surroundings {
        ssh: is_set("SSH_TTY") || is_set("SSH_CONNECTION"),
        display: has_display(),
        wayland: is_set("WAYLAND_DISPLAY"),
        tmux: is_set("TMUX"),
    }
}

/// Whether a QR code can be painted black on white on standard error. NO_COLOR does not forbid it:
/// it is asked for by name, and without the two it may be unreadable.
pub(super) fn paints() -> bool {
    variable("TERM").is_none_or(|term| term != "dumb") && std::io::stderr().is_terminal()
}

/// Whether colours are welcome on standard error (no-color.org).
pub(super) fn colour() -> bool {
    colour_on(&std::io::stderr())
}

/// Whether colours are welcome there (no-color.org).
pub(super) fn colour_on(out: &impl IsTerminal) -> bool {
    variable("NO_COLOR").is_none() && out.is_terminal()
}

/// Whether the terminal says that it knows 24-bit colours, or at least does not say that it is one
/// of the old ones.
pub(super) fn true_colour() -> bool {
    let colorterm = variable("COLORTERM").unwrap_or_default();
    let term = variable("TERM").unwrap_or_default();
    colorterm.contains("truecolor")
        || colorterm.contains("24bit")
        || !matches!(term.as_str(), "linux" | "xterm" | "screen" | "vt100" | "dumb")
}

/// Sends the library's log to standard error, at the level asked for.
pub(super) fn log(output: &OutputArgs) {
    let level = match output.verbose {
        0 => return,
        1 => "warn,p2pcall=debug,rtc=error,webrtc=error",
        2 => "info,p2pcall=trace",
        _ => "debug,p2pcall=trace",
    };
    let _ = tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr).try_init();
}

#[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
