//! Packets in any order in, whole frames in time out.
//!
//! Nothing here has a thread or asks the clock: `now` is an argument everywhere. Each buffer is
//! owned by the thread that receives its medium; [`PlayoutClock`] alone is shared between the two.

mod assembly;
mod audio;
mod delay;
#[cfg(test)]
mod lossy_path;
mod playout;
mod reception;

pub use assembly::{Arrived, Pop, VideoBuffer};
pub use audio::{AudioBuffer, AudioPop};
pub use delay::DelayEstimator;
pub use playout::PlayoutClock;
pub use reception::Reception;
