//! Files as sinks: pictures as Y4M, sound as WAV, each written at the moment it would be seen or
//! heard, so that the reader of a FIFO may time it.

mod audio;
mod output;
mod video;

pub use audio::AudioFile;
pub use video::VideoFile;
