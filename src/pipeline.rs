//! Threads and queues: what carries frames between sources, codecs, network and sinks.

mod thread;

pub use thread::{Outcome, Thread, spawn_thread};
