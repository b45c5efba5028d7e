//! The program: prints, prompts, reads the environment.

mod keys;
mod prompt;
mod status;
mod terminal;

pub use keys::{Key, KeyReader};
pub use prompt::{Asked, PasteReader, Pasted, Reading, Step, read_pasted};
pub use status::{StatusInput, StatusLine, render};
pub use terminal::{LeaveOnPanic, RawTerminal};
