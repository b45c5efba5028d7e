//! Figures of a call, in the words of the W3C's statistics (webrtc-stats) in snake case.

use serde::Serialize;

use crate::media::{Codec, Size};

/// One second's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StatsReport {
    /// Round trip in seconds, from receiver reports; absent until one came.
    pub round_trip_time: Option<f64>,
    /// The congestion controller's estimate in bits a second.
    pub available_outgoing_bitrate: u64,
    /// Sound and picture we send.
    pub outbound: OutboundPair,
    /// Sound and picture we receive.
    pub inbound: InboundPair,
}

/// What we send.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutboundPair {
    /// Sound.
    pub audio: OutboundStats,
    /// Pictures.
    pub video: OutboundStats,
}

/// What we receive.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InboundPair {
    /// Sound.
    pub audio: InboundStats,
    /// Pictures.
    pub video: InboundStats,
}

/// Figures of one medium we send, counted from the start of the call unless said.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutboundStats {
    /// What it is encoded in; absent before anything was sent.
    pub codec: Option<Codec>,
    /// RTP packets sent, retransmissions not counted.
    pub packets_sent: u64,
    /// Bytes of RTP payload sent.
    pub bytes_sent: u64,
    /// Bits a second of payload over the last second.
    pub bitrate: u64,
    /// Pictures or blocks encoded.
    pub frames_encoded: u64,
    /// Key frames among them.
    pub key_frames_encoded: u64,
    /// Pictures a second over the last second.
    pub frames_per_second: f64,
    /// The size of the pictures sent.
    pub size: Option<Size>,
    /// The share of packets the other side reports lost, 0.0 to 1.0.
    pub fraction_lost: f64,
    /// NACKed packets.
    pub nack_count: u64,
    /// Picture loss indications and full intra requests received.
    pub pli_count: u64,
    /// Raw pictures dropped before the encoder: it was busy, or the network queue full.
    pub frames_dropped: u64,
}

/// Figures of one medium we receive, counted from the start of the call unless said.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InboundStats {
    /// What it is encoded in; absent before anything came.
    pub codec: Option<Codec>,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP packets that never came.
    pub packets_lost: u64,
    /// RTP packets thrown away: too late, twice, or of an unknown payload type.
    pub packets_discarded: u64,
    /// RTP packets dropped because the thread that takes them did not keep up.
    pub queue_overflows: u64,
    /// Bytes of RTP payload received.
    pub bytes_received: u64,
    /// Bits a second of payload over the last second.
    pub bitrate: u64,
    /// Pictures or blocks decoded.
    pub frames_decoded: u64,
    /// Seconds spent decoding pictures.
    pub total_decode_time: f64,
    /// Pictures of which something had to be made up.
    pub frames_concealed: u64,
    /// Pictures a second over the last second.
    pub frames_per_second: f64,
    /// Pictures shown, blocks played.
    pub frames_rendered: u64,
    /// Pictures skipped as too late.
    pub frames_dropped: u64,
    /// Blocks of sound (of 20 ms) that had to be made up.
    pub concealed: u64,
    /// Blocks of sound recovered from in-band redundancy.
    pub recovered: u64,
    /// Samples of sound played, at 48 kHz, silence included.
    pub total_samples_received: u64,
    /// Samples that had to be made up.
    pub concealed_samples: u64,
    /// Samples put in to play later: the line needs more delay.
    pub inserted_samples_for_deceleration: u64,
    /// Samples taken out to play sooner.
    pub removed_samples_for_acceleration: u64,
    /// The size of the pictures received.
    pub size: Option<Size>,
    /// Key frames we asked for.
    pub pli_count: u64,
    /// Gaps of more than 150 ms beyond the usual between two pictures (webrtc-stats, freezeCount).
    pub freeze_count: u64,
    /// Their sum in seconds.
    pub total_freezes_duration: f64,
    /// Playout delay in seconds: how long the newest picture waited between arrival and showing, how long
    /// sound is played after the earliest moment at which it could have come.
    pub jitter_buffer_delay: f64,
    /// Variation of arrival in seconds (RFC 3550, 6.4.1).
    pub jitter: f64,
    /// From capture there to showing here in seconds, by the two wall clocks: as right as they are.
    pub end_to_end_delay: Option<f64>,
    /// How far the picture is shown behind the sound in seconds; absent until both are known.
    pub sync_offset: Option<f64>,
}
