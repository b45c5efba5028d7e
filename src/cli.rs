//! The program: prints, prompts, reads the environment.

mod acquaintance;
mod args;
mod call;
mod check;
mod config;
mod contacts;
mod demo;
mod devices;
mod exchange;
mod figures;
mod input;
mod inspect;
mod interrupt;
mod keys;
mod media;
mod narrator;
mod page;
mod prompt;
mod record;
mod stage;
mod status;
mod summary;
mod terminal;
mod when;

use std::process::ExitCode;

pub use args::Arguments;
pub use keys::{Key, KeyReader};
pub use prompt::{Asked, PasteReader, Pasted, Reading, Step, read_pasted};
pub use status::{StatusInput, StatusLine, render};
pub use terminal::{LeaveOnPanic, RawTerminal};

use args::Command;

/// How the program ends, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The call ended normally.
    Success = 0,
    /// The call failed, or something that a call needs is not there.
    CallFailed = 1,
    /// The options make no sense.
    Usage = 2,
    /// What was pasted is unreadable or the wrong thing.
    WrongBlob = 3,
    /// A device or file that was named cannot be used.
    Device = 4,
    /// Interrupted twice.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program cannot begin: the exit code and words for the person.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) exit: Exit,
    pub(crate) what: String,
}

/// Runs the program as told. Must be called on the main thread: windows demand it.
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { command, output } = arguments;
    let outcome = match command {
        Command::Offer(args) => call::offer(args, &output),
        Command::Answer(args) => call::answer(args, &output),
        Command::Demo(args) => demo::run(args, &output),
        Command::Inspect(args) => inspect::run(args, &output),
        Command::Check(args) => check::run(args, &output),
        Command::Devices(args) => devices::run(&args),
        Command::Contacts(args) => contacts::run(&args),
        Command::Page(args) => page::run(args, &output),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(refusal) => {
            say(&format!("p2pcall: {}", refusal.what));
            refusal.exit.into()
        }
    }
}

/// Prints a line for people. One that nobody can read is lost without harm.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints what was asked for, all at once. A reader who has seen enough ('p2pcall devices | head -1') is no failure.
fn print_result(text: &[u8]) -> Result<(), Refusal> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Refusal { exit: Exit::CallFailed, what: format!("Standard output takes nothing: {error}.") })
        }
        _ => Ok(()),
    }
}
