//! A path between two ends for tests: delay, jitter, loss, duplicates and reordering, all seeded.

use std::time::Duration;

use crate::media::RtpPacket;

/// What a path does to packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LossyPath {
    /// Where the chance begins: the same seed, the same fate of every packet.
    pub(crate) seed: u64,
    /// How long each packet is under way.
    pub(crate) delay: Duration,
    /// By how much more at most; more than the spacing of packets reorders them.
    pub(crate) jitter: Duration,
    /// The share of packets that never arrive, 0.0 to 1.0.
    pub(crate) loss: f64,
    /// The share of packets that arrive twice, 0.0 to 1.0.
    pub(crate) duplicates: f64,
    /// After how long a lost packet is sent again; zero for never.
    pub(crate) retransmission: Duration,
}

impl LossyPath {
    /// A path that does nothing but delay.
    pub(crate) const CLEAN: Self = Self {
        seed: 1,
        delay: Duration::from_millis(30),
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicates: 0.0,
        retransmission: Duration::ZERO,
    };

    /// Carries packets whose `arrival` is the moment of sending; returns them in order of arrival.
    pub(crate) fn carry(&self, packets: impl IntoIterator<Item = RtpPacket>) -> Vec<RtpPacket> {
        let mut chance = Chance(self.seed);
        let mut arrived = Vec::new();
        for mut packet in packets {
            let copies = if chance.happens(self.duplicates) { 2 } else { 1 };
            let mut under_way = self.delay;
            if chance.happens(self.loss) {
                if self.retransmission.is_zero() {
                    continue;
                }
                under_way += self.retransmission;
            }
            let sent = packet.arrival;
            for _ in 0..copies {
                packet.arrival = sent + under_way + self.jitter.mul_f64(chance.share());
                arrived.push(packet.clone());
            }
        }
        arrived.sort_by_key(|packet| packet.arrival);
        arrived
    }
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// From 0.0 to just below 1.0.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
