//! How much the line bears, and what to send at that rate: how much for sound, how much for the picture, and at
//! which size and frame rate a picture of that rate is worth looking at.

mod allocator;
mod effort;
mod estimator;
mod flood;
mod line;
mod loss;
mod pace;
mod protection;
mod redundancy;
mod service;
mod travel;

pub use allocator::{Allocation, RateAllocator};
pub use effort::Effort;
pub use estimator::{Fate, LineEstimator, PacketFate};
pub use line::Line;
pub use pace::Pace;
pub use protection::Protection;
pub use redundancy::Redundancy;
