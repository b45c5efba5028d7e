//! Exactly what was typed.

mod values;

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use values::{blob_form, duration, page_url, ports, stun_url, turn_url};

use crate::{
    media::Size,
    rtc::{Bind, ServerUrlError, TurnUrl},
    signaling::BlobForm,
    sink::{AudioSinkSpec, VideoSinkSpec},
    source::{AudioSourceSpec, VideoSourceSpec},
    trust::ContactName,
};

const AFTER_HELP: &str = "\
A first call:
  You run 'p2pcall offer' and send the text it prints to the other person.
  They run 'p2pcall answer', paste it, and send back what that prints.
  You paste it. That is all.

The texts: 'p2pcall offer --copy' puts yours on the clipboard, --blob compact makes it short enough
for a chat, --qr shows it as a QR code, --mail writes a letter around it that tells the other person
what to do. However a text arrives (wrapped, quoted, in a letter), it can be pasted as it is;
'p2pcall inspect' says what is in it.

Keys during a call: m microphone, v camera, s figures, y the words are the same, q hang up, ? help.
Exit codes: 0 ended normally, 1 the call failed, 2 usage, 3 unreadable or wrong text pasted,
4 a named device could not be used, 130 interrupted twice.";

const AFTER_OFFER: &str = "\
Examples:
  p2pcall offer --blob compact --copy   A short text for a chat, already on the clipboard
  p2pcall offer --blob compact --qr     A code to be photographed
  p2pcall offer --mail --out mail.txt   A letter for somebody who does not know p2pcall
Then wait, and paste the whole message that comes back. Its end is recognised, and what is wrong is said.";

const AFTER_ANSWER: &str = "\
Examples:
  p2pcall answer                 Paste the offer, or the whole message that holds it
  p2pcall answer --in mail.txt   Read it from a message that was saved
  p2pcall answer --copy          Put the answer on the clipboard, to be pasted into the reply
The answer is as short as the offer: a compact one gets a compact one.";

const AFTER_PAGE: &str = "\
The page is one file and needs nothing else: no server of yours, no network but the call's own.
It can start a call and join one, with p2pcall or with another such page.

Examples:
  p2pcall page --open             Call from a browser on this machine
  p2pcall page --out call.html    A file to send to a friend, or to put on any web server
  p2pcall offer --link https://example.org/call.html
                                  Once it is there: an offer that is a link, which opens the page";

const AFTER_CHECK: &str = "\
It takes some seconds. Say something meanwhile, so that your microphone has something to hear.
Each line is marked 'ok', 'attention' (a call works, but perhaps not as well) or 'wrong', with what
to do; the last sentence tells whom a direct call will reach from this network.
Exit codes: 0 nothing is wrong, 1 something is, 2 usage.

Examples:
  p2pcall check                        Everything
  p2pcall check network                Only what is between you and the internet
  p2pcall check network --lifetime 2m  And for how long your router remembers a silent connection
  p2pcall check camera --video camera:1
  p2pcall check --json --video none    For programs, without the camera";

const AFTER_INSPECT: &str = "\
Examples:
  p2pcall inspect                  Paste the text, or the whole message that holds it
  p2pcall inspect --in mail.txt    Read it from a message that was saved
It says who made it, when, where its writer can be reached, and whether it is whole.";

/// A video call between two terminals: no server, no account.
#[derive(Debug, Parser)]
#[command(name = "p2pcall", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print an offer, wait for the answer, call
    Offer(OfferArgs),
    /// Read an offer, print the answer, wait, call
    Answer(AnswerArgs),
    /// A whole call between two peers on this machine: needs no camera, microphone, display or network
    Demo(DemoArgs),
    /// Say in words what an offer or an answer holds
    Inspect(InspectArgs),
    /// Look before a call whether all is ready: network, camera, microphone, speaker, this machine's speed
    Check(CheckArgs),
    /// List cameras, microphones and speakers
    Devices(DevicesArgs),
    /// List who is remembered from calls with --as, or forget somebody
    Contacts(ContactsArgs),
    /// The page for somebody who has only a browser: write it to a file, or serve it on this machine
    Page(PageArgs),
}

#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// Print errors alone
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print more; twice: everything the libraries say, too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Write what happens to FILE, one JSON object a line ('-': standard error)
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) events: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_OFFER)]
pub(super) struct OfferArgs {
    /// Print the offer as a link to the page at URL (see 'p2pcall page'), for somebody who has only a browser
    #[arg(long, value_name = "URL", value_parser = page_url, conflicts_with_all = ["blob", "mail"], help_heading = "Exchange")]
    pub(super) link: Option<String>,
    #[command(flatten)]
    pub(super) exchange: ExchangeArgs,
    #[command(flatten)]
    pub(super) media: MediaArgs,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_ANSWER)]
pub(super) struct AnswerArgs {
    /// The offer; without it, it is read from --in or standard input
    #[arg(conflicts_with = "input")]
    pub(super) offer: Option<String>,
    /// Say what the offer holds and ask whether to take it, before anything is sent to anybody
    #[arg(long, help_heading = "Exchange")]
    pub(super) ask: bool,
    #[command(flatten)]
    pub(super) exchange: ExchangeArgs,
    #[command(flatten)]
    pub(super) media: MediaArgs,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    pub(super) media: MediaArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_INSPECT)]
pub(super) struct InspectArgs {
    /// The offer or answer; without it, it is read from --in or standard input
    #[arg(conflicts_with = "input")]
    pub(super) blob: Option<String>,
    /// Read it from FILE
    #[arg(long = "in", value_name = "FILE")]
    pub(super) input: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_PAGE)]
pub(super) struct PageArgs {
    /// Write the page to FILE
    #[arg(long = "out", value_name = "FILE", conflicts_with = "open")]
    pub(super) output: Option<PathBuf>,
    /// Serve it on this machine alone and open it in your browser, until Ctrl-C
    #[arg(long)]
    pub(super) open: bool,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_CHECK)]
pub(super) struct CheckArgs {
    /// What to look at [default: everything]
    #[arg(value_enum)]
    pub(super) parts: Vec<CheckedPart>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print your public addresses in full
    #[arg(long)]
    pub(super) addresses: bool,
    /// Wait, so long at most, to see when your router forgets a connection that is silent
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    pub(super) lifetime: Option<Duration>,
    /// The camera to look at: camera, camera:INDEX or camera:NAME, test, file:PATH (Y4M), none
    #[arg(long, value_name = "SOURCE", help_heading = "Picture and sound")]
    pub(super) video: Option<VideoSourceSpec>,
    /// The microphone to listen to: mic, mic:NAME, tone, file:PATH (WAV), none
    #[arg(long, value_name = "SOURCE", help_heading = "Picture and sound")]
    pub(super) audio: Option<AudioSourceSpec>,
    /// The speaker to play a short tone on: speaker, speaker:NAME, file:PATH (WAV), none
    #[arg(long, value_name = "SINK", help_heading = "Picture and sound")]
    pub(super) speaker: Option<AudioSinkSpec>,
    /// The size of picture that camera and codecs are to manage
    #[arg(long, value_name = "WxH", default_value = "1280x720", help_heading = "Picture and sound")]
    pub(super) size: Size,
    /// Pictures a second
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=120), help_heading = "Picture and sound")]
    pub(super) fps: u16,
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckedPart {
    Network,
    Camera,
    Microphone,
    Speaker,
    Codecs,
}

#[derive(Debug, Args)]
pub(super) struct DevicesArgs {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ContactsArgs {
    /// Forget NAME: who calls himself so will be new to you
    #[arg(long, value_name = "NAME")]
    pub(super) forget: Option<ContactName>,
    /// Print JSON
    #[arg(long, conflicts_with = "forget")]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Who is there")]
pub(super) struct TrustArgs {
    /// Call yourself NAME: the other side is told, and knows you again next time by a certificate that is kept
    #[arg(long = "as", value_name = "NAME")]
    pub(super) name: Option<ContactName>,
    /// Protect the call by a passphrase, a few digits will do, that both of you type: told each other beforehand, on
    /// the phone. It is asked for, or comes from P2PCALL_PASSPHRASE
    #[arg(long)]
    pub(super) passphrase: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Exchange")]
pub(super) struct ExchangeArgs {
    /// Read the other side's text from FILE; one that is not there yet is waited for
    #[arg(long = "in", value_name = "FILE")]
    pub(super) input: Option<PathBuf>,
    /// Write our text to FILE instead of standard output
    #[arg(long = "out", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// How our text is written: plain, which every WebRTC program reads, or compact, a tenth as long,
    /// for p2pcall alone (json and sdp are known, too) [default: plain; an answer is like its offer]
    #[arg(long, value_name = "FORM", value_parser = blob_form)]
    pub(super) blob: Option<BlobForm>,
    /// Put our text on the clipboard, over ssh on that of your own terminal
    #[arg(long)]
    pub(super) copy: bool,
    /// Show our text as a QR code, too; with --blob compact it fits the smallest terminal
    #[arg(long)]
    pub(super) qr: bool,
    /// Write a letter around our text, ready to be mailed: what this is, and what to do
    #[arg(long)]
    pub(super) mail: bool,
    /// Keep the addresses of your own network out of our text; who is in the same network may then
    /// not find a way here
    #[arg(long)]
    pub(super) hide_addresses: bool,
    /// Wait for the other person no longer than this, for example 90s, 30m, 2h [default: until interrupted]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) wait: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Picture and sound")]
pub(super) struct MediaArgs {
    /// What you show: camera, camera:INDEX or camera:NAME, test, file:PATH (Y4M), none
    #[arg(long, value_name = "SOURCE")]
    pub(super) video: Option<VideoSourceSpec>,
    /// What you say: mic, mic:NAME, tone, file:PATH (WAV), none
    #[arg(long, value_name = "SOURCE")]
    pub(super) audio: Option<AudioSourceSpec>,
    /// Where you see the other side: window, terminal, file:PATH (Y4M), none
    /// [default: a window if there is a display, else the terminal]
    #[arg(long, value_name = "SINK")]
    pub(super) show: Option<VideoSinkSpec>,
    /// Where you hear the other side: speaker, speaker:NAME, file:PATH (WAV), none
    #[arg(long, value_name = "SINK")]
    pub(super) speaker: Option<AudioSinkSpec>,
    /// Leave in your microphone's sound what your speaker plays: with headphones
    #[arg(long)]
    pub(super) no_echo_cancellation: bool,
    /// Leave in it what stays the same: fans, hum, hiss; for music
    #[arg(long)]
    pub(super) no_noise_suppression: bool,
    /// Leave it as loud as it is
    #[arg(long)]
    pub(super) no_gain_control: bool,
    /// Size of your picture
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    pub(super) size: Size,
    /// Pictures a second
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=120))]
    pub(super) fps: u16,
    /// The most that your picture may cost, in kbit/s
    #[arg(long, value_name = "KBPS", default_value_t = 2500, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    pub(super) max_bitrate: u32,
    /// Codec for pictures, yours and theirs, if the other side knows it [default: what they like best, else h264]
    #[arg(long, value_name = "NAME", value_enum)]
    pub(super) codec: Option<PictureCodec>,
}

/// What pictures may be encoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PictureCodec {
    H264,
    Vp8,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionArgs {
    /// A STUN server, stun:HOST[:PORT]; again for more [default: two public ones]
    #[arg(long, value_name = "URL", value_parser = stun_url, conflicts_with = "no_stun")]
    pub(super) stun: Vec<String>,
    /// Ask no STUN server: for calls within one network
    #[arg(long)]
    pub(super) no_stun: bool,
    /// A TURN server, turn:HOST[:PORT], with ?transport=tcp for TCP, or turns:HOST[:PORT] for TLS; again for
    /// more, with the same user. The password comes from P2PCALL_TURN_PASSWORD, --turn-password-file or a prompt
    // A wrong one is refused later: clap would repeat it, and there may be a password in it.
    #[arg(long, value_name = "URL", requires = "turn_user", value_parser = turn_url)]
    pub(super) turn: Vec<Result<TurnUrl, ServerUrlError>>,
    /// User name for the TURN servers
    #[arg(long, value_name = "NAME", requires = "turn")]
    pub(super) turn_user: Option<String>,
    /// Read the TURN password from the first line of FILE
    #[arg(long, value_name = "FILE", requires = "turn")]
    pub(super) turn_password_file: Option<PathBuf>,
    /// Trust the certificates in FILE (PEM) for turns:, too: for a server of your own
    #[arg(long, value_name = "FILE", requires = "turn")]
    pub(super) turn_ca: Option<PathBuf>,
    /// Connect through the TURN servers alone: the other side does not learn your addresses
    #[arg(long, requires = "turn")]
    pub(super) relay_only: bool,
    /// Use this local address or interface, for example wlan0; again for more [default: all but loopback]
    #[arg(long, value_name = "ADDR")]
    pub(super) bind: Vec<Bind>,
    /// Use local ports FIRST-LAST, or one PORT
    #[arg(long, value_name = "RANGE", value_parser = ports)]
    pub(super) port: Option<RangeInclusive<u16>>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(super) struct RunArgs {
    /// Hang up that long after the call connected
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// Write every step of the connection, event and figure to FILE as it happens, one JSON object a line; without
    /// FILE, the connection's steps to standard error for people, with -v in full
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(super) trace: Option<PathBuf>,
    /// Leave addresses, ICE credentials and fingerprints in the trace
    #[arg(long, requires = "trace")]
    pub(super) trace_addresses: bool,
    /// Write what webrtc-internals would show to FILE, for the tools that read its dumps: with all addresses
    #[arg(long, value_name = "FILE")]
    pub(super) dump: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }
}
