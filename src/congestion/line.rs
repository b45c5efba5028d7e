//! What is known of the way to the other side.

use std::time::Duration;

use crate::media::Bitrate;

/// The line as its own feedback describes it, from one moment to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// What it bears: everything we send, headers and repair included.
    pub available: Bitrate,
    /// What it bears in the long run: as much, but for the moments in which a queue is drained.
    pub steady: Bitrate,
    /// Whether that was learnt from the line, not only assumed.
    pub known: bool,
    /// Whether a queue has overflowed and is still long: what is sent now waits behind what is of no use any more.
    pub flooded: bool,
    /// How often that has happened: whoever looks seldom may miss it.
    pub floods: u32,
    /// The share of packets it loses, 0.0 to 1.0, over the last seconds.
    pub loss: f64,
    /// How many packets in a row it loses when it does, on average: 1.0 for independent losses.
    pub burst: f64,
    /// From here to there and back, if known.
    pub round_trip: Option<Duration>,
}

impl Line {
    /// Returns a line of which only the rate is known, or assumed.
    pub const fn with_rate(available: Bitrate) -> Self {
        Self {
            available,
            steady: available,
            known: false,
            flooded: false,
            floods: 0,
            loss: 0.0,
            burst: 1.0,
            round_trip: None,
        }
    }
}
