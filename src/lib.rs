//! p2pcall: a video call between two programs, with no server and no account.
//!
//! Two people exchange two pieces of text (an offer and an answer) by any means they like; then
//! picture and sound flow straight from one to the other over WebRTC.

pub mod audio;
pub mod call;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod codec;
pub mod congestion;
pub mod jitter;
pub mod media;
pub mod observe;
#[cfg(test)]
mod path;
pub mod pipeline;
pub mod rtc;
pub mod signaling;
pub mod sink;
pub mod source;
pub mod trust;
