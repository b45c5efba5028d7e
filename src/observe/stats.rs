//! Figures of a call, in the words and units of the W3C's statistics (webrtc-stats) in snake case.
//!
//! [`StatsReport::to_w3c`] gives all there are, as a browser's `getStats` does.

mod w3c;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::media::{Codec, Size};

/// One second's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StatsReport {
    /// Which of the call's connections.
    #[serde(skip)]
    pub connection: u32,
    /// When it was made, in milliseconds since 1970.
    #[serde(skip)]
    pub timestamp: f64,
    /// Round trip in seconds, from receiver reports; absent until one came.
    pub round_trip_time: Option<f64>,
    /// The congestion controller's estimate in bits a second.
    pub available_outgoing_bitrate: u64,
    /// Sound and picture we send.
    pub outbound: OutboundPair,
    /// Sound and picture we receive.
    pub inbound: InboundPair,
    /// What the other side says of what it receives from us.
    pub remote_inbound: RemoteInboundPair,
    /// What the other side says of what it sends.
    pub remote_outbound: RemoteOutboundPair,
    /// The path of the call; absent before there is one.
    pub candidate_pair: Option<CandidatePairStats>,
    /// What the WebRTC library knows of transport, candidates, certificates, channels and streams: objects of the
    /// W3C's form by their id.
    #[serde(skip)]
    pub objects: Map<String, Value>,
}

/// The pair of candidates that carries the call, without addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CandidatePairStats {
    /// `host`, `srflx`, `prflx` or `relay`: ours.
    pub local_candidate_type: String,
    /// Theirs.
    pub remote_candidate_type: String,
    /// `udp` or `tcp`.
    pub protocol: String,
    /// Round trip in seconds by ICE's newest check.
    pub current_round_trip_time: f64,
    /// Bytes sent, all overhead included.
    pub bytes_sent: u64,
    /// Bytes received, all overhead included.
    pub bytes_received: u64,
}

/// What the other side receives.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RemoteInboundPair {
    /// Sound.
    pub audio: RemoteInboundStats,
    /// Pictures.
    pub video: RemoteInboundStats,
}

/// What the other side's receiver reports say of a medium (RFC 3550, 6.4.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RemoteInboundStats {
    /// The share of packets lost between its last two reports, 0.0 to 1.0.
    pub fraction_lost: f64,
    /// Packets lost so far; negative if more came than were expected.
    pub packets_lost: i64,
    /// Variation of arrival in seconds.
    pub jitter: f64,
    /// The newest round trip in seconds; absent until one is known.
    pub round_trip_time: Option<f64>,
    /// The sum of all that were measured, in seconds.
    pub total_round_trip_time: f64,
    /// How many these were.
    pub round_trip_time_measurements: u64,
}

/// What the other side sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RemoteOutboundPair {
    /// Sound.
    pub audio: RemoteOutboundStats,
    /// Pictures.
    pub video: RemoteOutboundStats,
}

/// What the other side's sender reports say of a medium (RFC 3550, 6.4.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RemoteOutboundStats {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Bytes of RTP payload sent.
    pub bytes_sent: u64,
    /// Reports that came.
    pub reports_sent: u64,
}

/// Why a picture is less than was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityLimitation {
    /// It is not.
    #[default]
    None,
    /// The machine does not keep up.
    Cpu,
    /// The line does not carry more.
    Bandwidth,
}

/// For how many seconds each was so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct QualityLimitationDurations {
    /// Nothing was given up.
    pub none: f64,
    /// For the machine's sake.
    pub cpu: f64,
    /// For the line's sake.
    pub bandwidth: f64,
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
    /// Requests for packets to be sent again that came (NACK): messages.
    pub nack_count: u64,
    /// Picture loss indications that came.
    pub pli_count: u64,
    /// Full intra requests that came.
    pub fir_count: u64,
    /// Raw pictures dropped before the encoder: it was busy, or the network queue full.
    pub frames_dropped: u64,
    /// Bits a second that the encoder aims at.
    pub target_bitrate: u64,
    /// Seconds spent encoding pictures.
    pub total_encode_time: f64,
    /// Bytes of RTP headers sent.
    pub header_bytes_sent: u64,
    /// Packets sent again, as was asked for.
    pub retransmitted_packets_sent: u64,
    /// Bytes of payload in them.
    pub retransmitted_bytes_sent: u64,
    /// Packets sent that repair others.
    pub fec_packets_sent: u64,
    /// Why pictures are less than was asked for.
    pub quality_limitation_reason: QualityLimitation,
    /// How long each was the reason.
    pub quality_limitation_durations: QualityLimitationDurations,
    /// How often the size of the pictures changed.
    pub quality_limitation_resolution_changes: u64,
    /// The size of the pictures before they are scaled to be sent.
    pub source_size: Option<Size>,
    /// How loud our sound is, 0.0 to 1.0, as it is sent.
    pub audio_level: f64,
    /// The sum of its squared level, times seconds.
    pub total_audio_energy: f64,
    /// Seconds of it.
    pub total_samples_duration: f64,
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
    /// Key frames among them.
    pub key_frames_decoded: u64,
    /// Whole pictures that came.
    pub frames_received: u64,
    /// Seconds spent decoding pictures.
    pub total_decode_time: f64,
    /// Seconds from the first packet of each picture until it was shown, summed.
    pub total_processing_delay: f64,
    /// Seconds between pictures shown, summed, and their squares.
    pub total_inter_frame_delay: f64,
    /// The sum of their squares.
    pub total_squared_inter_frame_delay: f64,
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
    /// How often samples had to be made up: times in a row count once.
    pub concealment_events: u64,
    /// Samples put in to play later: the line needs more delay.
    pub inserted_samples_for_deceleration: u64,
    /// Samples taken out to play sooner.
    pub removed_samples_for_acceleration: u64,
    /// How loud their sound is, 0.0 to 1.0.
    pub audio_level: f64,
    /// The sum of its squared level, times seconds.
    pub total_audio_energy: f64,
    /// The size of the pictures received.
    pub size: Option<Size>,
    /// Key frames we asked for.
    pub pli_count: u64,
    /// Requests of ours for packets to be sent again (NACK): messages.
    pub nack_count: u64,
    /// Bytes of RTP headers received.
    pub header_bytes_received: u64,
    /// Packets received that repair others.
    pub fec_packets_received: u64,
    /// Gaps of more than 150 ms beyond the usual between two pictures (webrtc-stats, freezeCount).
    pub freeze_count: u64,
    /// Their sum in seconds.
    pub total_freezes_duration: f64,
    /// Seconds that each picture waited for the ones before it or for its time, and each sample of sound, summed.
    pub jitter_buffer_delay: f64,
    /// How many pictures or samples these were.
    pub jitter_buffer_emitted_count: u64,
    /// Playout delay in seconds: how long the newest picture waited between arrival and showing, how long
    /// sound is played after the earliest moment at which it could have come.
    pub playout_delay: f64,
    /// Variation of arrival in seconds (RFC 3550, 6.4.1).
    pub jitter: f64,
    /// From capture there to showing here in seconds, by the two wall clocks: as right as they are.
    pub end_to_end_delay: Option<f64>,
    /// How far the picture is shown behind the sound in seconds; absent until both are known.
    pub sync_offset: Option<f64>,
}
