//! Format parameters in SDP (RFC 6184, 8.1).

/// Constrained baseline, level 3.1, any packet type but interleaved ones. Each side may send at
/// another level than it receives.
pub(super) const OFFERED: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

/// `profile_idc` of what the decoder reads: baseline, main and high.
const PROFILES: [u8; 3] = [66, 77, 100];

/// Returns whether a remote's parameters describe a stream we can read.
pub(super) fn accepts(fmtp: &str) -> bool {
    let value = |name: &str| {
        fmtp.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let mode = value("packetization-mode").unwrap_or("0");
    // Baseline, level 1, is what the absence of the parameter means.
    let profile = value("profile-level-id").unwrap_or("42000a");
    let known = |profile: &str| {
        profile.len() == 6
            && u32::from_str_radix(profile, 16).is_ok_and(|bits| PROFILES.contains(&((bits >> 16) as u8)))
    };
    matches!(mode, "0" | "1") && known(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_judged_by_profile_and_mode() {
        for (fmtp, expected) in [
            (OFFERED, true),
            ("", true),
            ("profile-level-id=42001f", true),
            ("profile-level-id=4d001f; packetization-mode=1", true),
            ("Profile-Level-Id=640C1F;Packetization-Mode=0", true),
            ("packetization-mode=2;profile-level-id=42e01f", false),
            ("packetization-mode=1;profile-level-id=6e001f", false),
            ("profile-level-id=f4001f", false),
            ("profile-level-id=42e0", false),
            ("profile-level-id=ü2e0f", false),
            ("profile-level-id=+2e01f", false),
        ] {
            assert_eq!(accepts(fmtp), expected, "{fmtp}");
        }
    }
}
