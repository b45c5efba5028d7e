//! In which codec pictures come.

use p2pcall::{call::CallConfig, media::Codec, observe::EventKind, signaling::memory};

use crate::{
    InWriting, hang_up, serial,
    side::{self, ANSWERER_HZ, OFFERER_HZ, Role, Side, media, runtime},
};

#[test]
fn pictures_have_the_codec_that_a_side_insists_on() {
    let (h264, vp8) = (Codec::H264, Codec::Vp8);
    let _turn = serial::turn();
    for (offered, answered, sent) in [
        (Some(vp8), None, [vp8, vp8]),
        (None, Some(vp8), [vp8, vp8]),
        // Each takes what it likes of what the other knows.
        (Some(h264), Some(vp8), [h264, vp8]),
    ] {
        let runtime = runtime();
        let _entered = runtime.enter();
        let (near, far) = memory();
        let config = |codec| CallConfig { codec, ..side::config() };
        let [near, far] = [near, far].map(|memory| InWriting { memory, short: false });
        let mut offerer = Side::with_config(Role::Offer, config(offered), media(OFFERER_HZ), near);
        let mut answerer = Side::with_config(Role::Answer, config(answered), media(ANSWERER_HZ), far);
        for (side, codecs) in [(&offerer, [sent[0], sent[1]]), (&answerer, [sent[1], sent[0]])] {
            side.connected();
            side.numbers(|numbers| numbers.len() >= 20);
            side.event("figures", |event| match event {
                EventKind::Stats(stats) => [stats.outbound.video.codec, stats.inbound.video.codec] == codecs.map(Some),
                _ => false,
            });
        }
        hang_up(&runtime, &mut answerer, &mut offerer);
    }
}
