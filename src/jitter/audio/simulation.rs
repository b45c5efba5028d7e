//! Sound from a sender over a path to a speaker, in simulated time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{AudioPlayed, AudioPlayer};
use crate::{
    codec::{AudioDecoder, AudioPayload, DecodeError},
    jitter::Reception,
    media::{AudioFrame, MediaTime, RtpPacket, RtpTime, SeqNo, now},
    path::{Chance, Path, PathConfig, UnderWay},
};

/// What happens in a simulation.
#[derive(Clone)]
pub(super) struct Scenario {
    pub(super) path: PathConfig,
    pub(super) length: Duration,
    /// How long a packet lasts.
    pub(super) block: Duration,
    /// How much the sender's clock is slow, in millionths.
    pub(super) drift: f64,
    /// Whether packets carry a copy of the one before.
    pub(super) fec: bool,
    /// Whether each packet comes once more with the next (RFC 2198).
    pub(super) redundant: bool,
    /// How much longer than over the path what is sent at this time takes; order is kept.
    pub(super) stall: fn(Duration) -> Duration,
    /// Whether the sender is silent, and sends nothing, at this time.
    pub(super) pause: fn(Duration) -> bool,
    /// The stream of this time: each has another SSRC, sequence and line of time.
    pub(super) stream: fn(Duration) -> u32,
    /// What the sink keeps ready, and how late the thread that feeds it wakes up at most.
    pub(super) ahead: Duration,
    pub(super) wakes_late: Duration,
    /// What [`AudioPlayer::set_extra_delay`] is told.
    pub(super) extra: fn(Duration) -> Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// When each piece was played and how long after its capture, and whether the sender spoke then.
    pub(super) pieces: Vec<(Duration, Duration, bool)>,
    /// What was played, as mono.
    pub(super) sound: Vec<f32>,
    pub(super) played: AudioPlayed,
    pub(super) reception: Reception,
    /// How long the sink had nothing to play.
    pub(super) starved: Duration,
    pub(super) max_target: Duration,
}

pub(super) const MILLI: Duration = Duration::from_millis(1);

impl Scenario {
    /// A path that delays by 50 ms.
    pub(super) fn clean() -> Self {
        Self {
            path: PathConfig::clean(50 * MILLI),
            length: Duration::from_secs(60),
            block: 20 * MILLI,
            drift: 0.0,
            fec: false,
            redundant: false,
            stall: |_| Duration::ZERO,
            pause: |_| false,
            stream: |_| 1,
            ahead: 6 * MILLI,
            wakes_late: MILLI,
            extra: |_| Duration::ZERO,
        }
    }

    pub(super) fn run(&self) -> Outcome {
        let start = now();
        let mut path = Path::new(self.path.clone(), start);
        let mut under_way = UnderWay::new();
        let mut player = AudioPlayer::new(48_000, Box::new(Tone::new(self.block)), 1);
        let mut chance = Chance(self.path.seed ^ 77);
        let mut outcome = Outcome::default();
        let (mut sent, mut seq, mut last_arrival) = (0_u32, 0_u16, start);
        let (mut plays_until, mut awake_at) = (start, start);
        let (mut ssrc, mut epoch) = (None, Duration::ZERO);
        let mut piece = AudioFrame::default();
        let mut at = Duration::ZERO;
        while at < self.length {
            let now = start + at;
            // A packet is sent when its last sample is captured.
            while self.clock(self.block * (sent + 1)) <= at {
                let captured = self.block * sent;
                if !(self.pause)(captured) {
                    let stall = (self.stall)(captured);
                    let arrivals: Vec<Instant> =
                        path.send(now, 120).iter().map(|arrival| last_arrival.max(*arrival + stall)).collect();
                    if !stall.is_zero() {
                        last_arrival = arrivals.iter().copied().fold(last_arrival, Instant::max);
                    }
                    let packet = self.packet(sent, seq, now);
                    under_way.add(&arrivals, &packet);
                    if self.redundant && sent > 0 && !(self.pause)(captured - self.block) {
                        under_way.add(&arrivals, &self.packet(sent - 1, seq.wrapping_sub(1), now));
                    }
                    seq = seq.wrapping_add(1);
                }
                sent += 1;
            }
            while let Some((arrival, packet)) = under_way.arrived(now) {
                if ssrc != Some(packet.ssrc) {
                    // The player counts from the first packet of a stream.
                    let number = packet.payload[1..5].try_into().map_or(0, u32::from_be_bytes);
                    (ssrc, epoch) = (Some(packet.ssrc), self.block * number);
                }
                player.insert(RtpPacket { arrival, ..packet });
                awake_at = awake_at.min(now);
            }
            if now >= awake_at {
                player.set_ahead(self.ahead);
                player.set_extra_delay((self.extra)(at));
                loop {
                    let queued = plays_until.saturating_duration_since(now);
                    let urgent = queued <= 2 * MILLI;
                    if queued > self.ahead || !player.next(now, queued, urgent, &mut piece) {
                        break;
                    }
                    if plays_until < now && !outcome.pieces.is_empty() {
                        outcome.starved += now - plays_until;
                    }
                    let plays_at = plays_until.max(now) - start;
                    plays_until = start + plays_at + piece.duration();
                    let captured = (piece.captured_at.since_epoch() + epoch).saturating_sub(Duration::from_secs(3600));
                    let captured = self.clock(captured);
                    let spoken = player.delay().is_some();
                    outcome.pieces.push((plays_at, plays_at.saturating_sub(captured), spoken));
                    if outcome.sound.len() < 48_000 * 120 {
                        outcome.sound.extend(&piece.samples);
                    }
                    outcome.max_target = outcome.max_target.max(player.target());
                }
                let queued = plays_until.saturating_duration_since(now);
                let level = if queued > self.ahead { self.ahead } else { MILLI };
                awake_at = now + queued.saturating_sub(level).max(MILLI) + self.wakes_late.mul_f64(chance.share());
            }
            at += MILLI;
        }
        outcome.played = player.played();
        outcome.reception = player.reception();
        outcome
    }

    /// The true time at which the sender's clock shows this.
    fn clock(&self, shown: Duration) -> Duration {
        shown.mul_f64(1.0 + self.drift / 1e6)
    }

    fn packet(&self, number: u32, seq: u16, now: Instant) -> RtpPacket {
        let captured = self.block * number;
        let ssrc = (self.stream)(captured);
        let mut payload = vec![u8::from(self.fec)];
        payload.extend(number.to_be_bytes());
        let ticks = MediaTime::new(captured).to_rtp(48_000).0;
        RtpPacket {
            ssrc,
            payload_type: 111,
            seq: SeqNo(seq.wrapping_add((ssrc as u16).wrapping_mul(65_500))),
            timestamp: RtpTime(ticks.wrapping_add(ssrc.wrapping_mul(4_294_900_000))),
            marker: false,
            rotation: None,
            payload: Bytes::from(payload),
            arrival: now,
        }
    }
}

impl Outcome {
    /// Latencies of what was spoken after a time, ascending.
    pub(super) fn latencies(&self, from: Duration, to: Duration) -> Vec<Duration> {
        let pieces = self.pieces.iter().filter(|(at, _, spoken)| *spoken && (from..to).contains(at));
        let mut latencies: Vec<Duration> = pieces.map(|(_, latency, _)| *latency).collect();
        latencies.sort();
        latencies
    }

    /// The share of time that was made up.
    pub(super) fn concealed(&self) -> f64 {
        self.played.concealed as f64 / self.played.samples.max(1) as f64
    }

    pub(super) fn stretched(&self) -> u64 {
        self.played.removed + self.played.inserted
    }

    /// The largest jump from one sample to the next.
    pub(super) fn steepest(&self) -> f32 {
        self.sound.windows(2).fold(0.0, |steepest, pair| steepest.max((pair[1] - pair[0]).abs()))
    }
}

/// A decoder of packets that say how many packets of a tone were before them. What it makes up goes on with the
/// tone, more softly.
pub(in crate::jitter) struct Tone {
    /// Samples in a packet.
    block: u64,
    /// Where the last sound ended.
    end: u64,
}

pub(super) const HZ: f32 = 150.0;
const LEVEL: f32 = 0.5;

impl Tone {
    pub(in crate::jitter) fn new(block: Duration) -> Self {
        Self { block: MediaTime::new(block).ticks(48_000), end: 0 }
    }
}

impl AudioDecoder for Tone {
    fn decode(&mut self, payload: AudioPayload<'_>, out: &mut AudioFrame) -> Result<(), DecodeError> {
        let number = |payload: &[u8]| {
            let number = payload.get(1..5).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
            number.map(u64::from).ok_or_else(|| DecodeError::Corrupt("too short".into()))
        };
        let (from, len) = match payload {
            AudioPayload::Packet(packet) => (number(&packet.payload)? * self.block, self.block),
            AudioPayload::Recover(next) => ((number(&next.payload)?.saturating_sub(1)) * self.block, self.block),
            AudioPayload::Conceal => (self.end, 480),
        };
        self.end = from + len;
        out.channels = 1;
        out.samples.clear();
        let angle = |index: u64| std::f64::consts::TAU * f64::from(HZ) * (index % 48_000) as f64 / 48_000.0;
        out.samples.extend((from..self.end).map(|index| LEVEL * angle(index).sin() as f32));
        Ok(())
    }

    fn carries_previous(&self, payload: &[u8]) -> bool {
        payload.first() == Some(&1)
    }
}
