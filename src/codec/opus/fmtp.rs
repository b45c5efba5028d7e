//! Format parameters in SDP (RFC 7587, 6.1).

/// In-band redundancy, please, no silence, and both channels where there are two.
pub(super) const OFFERED: &str = "minptime=10;useinbandfec=1;usedtx=1;stereo=1";

/// Returns whether a remote's parameters can be met: all of them are only preferences.
pub(super) const fn accepts(_fmtp: &str) -> bool {
    true
}
