//! Forward error correction for the picture: FlexFEC as browsers take it
//! (draft-ietf-payload-flexible-fec-scheme-03, `flexfec-03` in descriptions).
//!
//! Behind the packets of a frame go a few repair packets, each the exclusive or of about half of the last
//! packets: as many losses are repaired as there are equations for them. In place of the library's, which makes a
//! fixed number for each five packets from groups that do not overlap, so that two losses in one group are not
//! repaired, and which takes header extensions that are added on the way for damage.

mod bound;
mod coefficients;
mod decode;
mod encode;
mod header;
mod receive;
mod send;
mod symbol;

pub(super) use bound::WithRepair;
pub(super) use header::last_protected;
pub(super) use receive::FecReceiver;
pub(super) use send::FecSender;

use rtc::{interceptor::StreamInfo, sdp::extmap};

/// Returns the id of the header extension that is numbered after the packet was protected.
pub(super) fn transport_cc(info: &StreamInfo) -> Option<u8> {
    let extension = info.rtp_header_extensions.iter().find(|extension| extension.uri == extmap::TRANSPORT_CC_URI)?;
    u8::try_from(extension.id).ok().filter(|id| *id != 0)
}

#[cfg(test)]
mod tests;
