//! Format parameters in SDP (RFC 7587, 6.1).

/// In-band redundancy, please. Stereo is read, too, but not asked for: it would cost voices bits.
pub(super) const OFFERED: &str = "minptime=10;useinbandfec=1";

/// Returns whether a remote's parameters can be met: all of them are only preferences.
pub(super) const fn accepts(_fmtp: &str) -> bool {
    true
}
