//! Our end of a connection on the loopback interface, without a call around it.

use std::time::Duration;

use p2pcall::{
    media::{Bitrate, DescriptionKind},
    rtc::{Bind, Identity, PeerConfig, PictureCodecs},
};

/// Returns what a side is made of that answers, with sound and picture of its own.
pub(crate) fn answering(picture_codecs: PictureCodecs) -> PeerConfig {
    PeerConfig {
        identity: Identity::new().expect("random numbers"),
        own: DescriptionKind::Answer,
        stun: vec![],
        turn: vec![],
        relay_only: false,
        bind: vec![Bind::Address([127, 0, 0, 1].into())],
        ports: None,
        send_audio: true,
        send_video: true,
        picture_codecs,
        check_interval: Duration::from_millis(700),
        start_bitrate: Bitrate::from_kbps(1000),
        max_bitrate: Bitrate::from_kbps(2000),
    }
}
