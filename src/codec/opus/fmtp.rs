//! Format parameters in SDP (RFC 7587, 6.1).

/// 20 ms a packet, with in-band redundancy; we read stereo, too.
pub(super) const OFFERED: &str = "minptime=10;useinbandfec=1;stereo=1";

/// Returns whether a remote's parameters can be met: all of them are only preferences.
pub(super) const fn accepts(_fmtp: &str) -> bool {
    true
}
