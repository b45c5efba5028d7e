//! `p2pcall`: a video call between two terminals.

use std::process::ExitCode;

use clap::Parser;
use p2pcall::cli::{self, Arguments};

fn main() -> ExitCode {
    cli::run(Arguments::parse())
}
