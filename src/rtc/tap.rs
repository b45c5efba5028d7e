//! A look at the control packets on their way: what RTCP says to us becomes events, and our own
//! sender reports get the line of time of the capture clock.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use rtc::{
    interceptor::{Attribute, Packet, StreamInfo, TaggedPacket},
    rtcp::{
        Packet as RtcpPacket,
        payload_feedbacks::{full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication},
        receiver_report::ReceiverReport,
        reception_report::ReceptionReport,
        sender_report::SenderReport as RtcpSenderReport,
        transport_feedbacks::{transport_layer_cc::TransportLayerCc, transport_layer_nack::TransportLayerNack},
    },
};

use super::{
    RtcEvent,
    counts::Counts,
    estimate::Coverage,
    forward::Forward,
    nack::RoundTrip,
    stage::{Passing, Stage},
};
use crate::media::{Clock, MediaKind, NtpTime, RtpTime, SenderReport};

/// How the RTP time of a stream of ours relates to the call's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    pub(super) kind: MediaKind,
    pub(super) ssrc: u32,
    /// The RTP time of the clock's epoch: random, as RFC 3550 (5.1) wants it.
    pub(super) base: u32,
    pub(super) clock_rate_hz: u32,
}

/// The interceptor nearest to the wire.
pub(super) struct Tap {
    clock: Clock,
    forward: Forward,
    local: Vec<Timeline>,
    round_trip: RoundTrip,
    coverage: Coverage,
    counts: Counts,
    remote: HashMap<u32, MediaKind>,
    /// The other side's streams of repair packets.
    repairs: HashSet<u32>,
}

impl Tap {
    pub(super) fn new(
        clock: Clock,
        forward: Forward,
        local: Vec<Timeline>,
        round_trip: RoundTrip,
        (coverage, counts): (Coverage, Counts),
    ) -> Self {
        Self { clock, forward, local, round_trip, coverage, counts, remote: HashMap::new(), repairs: HashSet::new() }
    }

    fn read_report(&self, packet: &dyn RtcpPacket, now: Instant) {
        let packet = packet.as_any();
        if packet.is::<PictureLossIndication>() {
            self.counts.update(MediaKind::Video, |counts| counts.plis_received += 1);
            self.forward.tell(RtcEvent::KeyFrameWanted);
        } else if packet.is::<FullIntraRequest>() {
            self.counts.update(MediaKind::Video, |counts| counts.firs_received += 1);
            self.forward.tell(RtcEvent::KeyFrameWanted);
        } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
            if let Some(kind) = self.kind_of_local(nack.media_ssrc) {
                self.counts.update(kind, |counts| counts.nacks_received += 1);
            }
        } else if let Some(report) = packet.downcast_ref::<RtcpSenderReport>() {
            if let Some(kind) = self.remote.get(&report.ssrc) {
                self.counts.update(*kind, |counts| {
                    counts.remote_outbound.packets_sent = report.packet_count.into();
                    counts.remote_outbound.bytes_sent = report.octet_count.into();
                    counts.remote_outbound.reports_sent += 1;
                });
                let report =
                    SenderReport { ssrc: report.ssrc, ntp: NtpTime(report.ntp_time), rtp: RtpTime(report.rtp_time) };
                self.forward.tell(RtcEvent::SenderReport(*kind, report));
            }
            self.read_receptions(&report.reports, now);
        } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
            self.read_receptions(&report.reports, now);
        } else if let Some(report) = packet.downcast_ref::<TransportLayerCc>() {
            self.coverage.add(report.base_sequence_number, report.packet_status_count);
        }
    }

    fn read_receptions(&self, receptions: &[ReceptionReport], now: Instant) {
        for reception in receptions {
            let Some(stream) = self.local.iter().find(|stream| stream.ssrc == reception.ssrc) else {
                continue;
            };
            let round_trip_time = round_trip(self.ntp(now), reception.last_sender_report, reception.delay);
            if let Some(seconds) = round_trip_time {
                self.round_trip.set(Duration::from_secs_f64(seconds));
            }
            let fraction_lost = f64::from(reception.fraction_lost) / 256.0;
            self.counts.update(stream.kind, |counts| {
                let stats = &mut counts.remote_inbound;
                stats.fraction_lost = fraction_lost;
                stats.packets_lost = signed_24(reception.total_lost);
                stats.jitter = f64::from(reception.jitter) / f64::from(stream.clock_rate_hz);
                if let Some(seconds) = round_trip_time {
                    stats.round_trip_time = Some(seconds);
                    stats.total_round_trip_time += seconds;
                    stats.round_trip_time_measurements += 1;
                }
            });
            self.forward.tell(RtcEvent::ReceiverReport { round_trip_time });
        }
    }

    fn kind_of_local(&self, ssrc: u32) -> Option<MediaKind> {
        self.local.iter().find(|stream| stream.ssrc == ssrc).map(|stream| stream.kind)
    }

    /// Counts what is sent.
    fn count(&self, packet: &TaggedPacket) {
        match &packet.message.packet {
            Packet::Rtp(rtp) => match self.kind_of_local(rtp.header.ssrc) {
                Some(kind) => {
                    let retransmission = packet.message.has(&Attribute::Retransmission);
                    self.counts.update(kind, |counts| counts.sent(rtp, retransmission));
                }
                // Nothing else has another stream.
                None => self.counts.update(MediaKind::Video, |counts| counts.fec_packets_sent += 1),
            },
            Packet::Rtcp(compound) => {
                for nack in compound.iter().filter_map(|rtcp| rtcp.as_any().downcast_ref::<TransportLayerNack>()) {
                    if let Some(kind) = self.remote.get(&nack.media_ssrc) {
                        self.counts.update(*kind, |counts| counts.nacks_sent += 1);
                    }
                }
            }
            _ => {}
        }
    }

    /// Puts the capture clock in place of the time of writing, which lags behind it by what the
    /// encoder took: sound and picture would be told apart by the difference.
    fn stamp(&self, report: &RtcpSenderReport, now: Instant) -> Option<RtcpSenderReport> {
        let stream = self.local.iter().find(|stream| stream.ssrc == report.ssrc)?;
        let time = self.clock.at(now);
        Some(RtcpSenderReport {
            ntp_time: self.clock.ntp(time).0,
            rtp_time: stream.base.wrapping_add(time.to_rtp(stream.clock_rate_hz).0),
            ..report.clone()
        })
    }

    fn ntp(&self, now: Instant) -> NtpTime {
        self.clock.ntp(self.clock.at(now))
    }
}

/// Returns a number of 24 bits with its sign: more may come than was expected (RFC 3550, 6.4.1).
const fn signed_24(number: u32) -> i64 {
    (((number << 8) as i32) >> 8) as i64
}

/// Returns the round trip in seconds (RFC 3550, 6.4.1): now less the time our report was sent less
/// the time it lay at the other side. `None` if it names no report of ours or makes no sense.
fn round_trip(now: NtpTime, last_sender_report: u32, delay: u32) -> Option<f64> {
    if last_sender_report == 0 {
        return None;
    }
    let ticks = now.middle().wrapping_sub(last_sender_report).wrapping_sub(delay);
    let seconds = f64::from(ticks) / 65_536.0;
    // A clock that is read twice may make a very short trip come out a tick below zero.
    if seconds > 65_535.0 { Some(0.0) } else { (seconds < 60.0).then_some(seconds) }
}

impl Stage for Tap {
    fn read(&mut self, packet: TaggedPacket, on: &mut Passing) {
        match &packet.message.packet {
            Packet::Rtcp(compound) => {
                for rtcp in compound {
                    self.read_report(&**rtcp, packet.now);
                }
            }
            Packet::Rtp(rtp) if self.repairs.contains(&rtp.header.ssrc) => {
                self.counts.update(MediaKind::Video, |counts| counts.fec_packets_received += 1);
            }
            Packet::Rtp(rtp) => {
                if let Some(kind) = self.remote.get(&rtp.header.ssrc) {
                    self.counts.update(*kind, |counts| counts.received(rtp));
                }
            }
            _ => {}
        }
        on.inward(packet);
    }

    fn write(&mut self, mut packet: TaggedPacket, on: &mut Passing) {
        self.count(&packet);
        let now = packet.now;
        if let Packet::Rtcp(compound) = &mut packet.message.packet {
            for rtcp in compound {
                let stamped = rtcp.as_any().downcast_ref().and_then(|report| self.stamp(report, now));
                if let Some(report) = stamped {
                    *rtcp = Box::new(report);
                }
            }
        }
        on.outward(packet);
    }

    fn remote_stream(&mut self, info: &StreamInfo) {
        self.repairs.extend(info.ssrc_fec);
        // What repair packets have for a line of time is nobody's.
        if self.repairs.contains(&info.ssrc) {
            return;
        }
        let video = info.mime_type.to_ascii_lowercase().starts_with("video/");
        self.remote.insert(info.ssrc, if video { MediaKind::Video } else { MediaKind::Audio });
    }

    fn remote_stream_ended(&mut self, info: &StreamInfo) {
        self.remote.remove(&info.ssrc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_may_be_negative() {
        for (number, expected) in [(0, 0), (5, 5), (0x7f_ffff, 8_388_607), (0xff_ffff, -1), (0x80_0000, -8_388_608)] {
            assert_eq!(signed_24(number), expected);
        }
    }

    #[test]
    fn round_trips_are_told_from_nonsense() {
        let now = NtpTime((100 << 32) | (1 << 31)); // 100.5 s
        let second = 65_536;
        for (sent, delay, expected) in [
            (0, 0, None),
            (100 * second, 0, Some(0.5)),
            (100 * second, second / 4, Some(0.25)),
            (100 * second, second / 2 + 1, Some(0.0)),
            (10 * second, 0, None),
        ] {
            assert_eq!(round_trip(now, sent, delay), expected, "{sent} {delay}");
        }
    }
}
