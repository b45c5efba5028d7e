//! Puts repaired packets among those that came.

use std::collections::HashMap;

use rtc::interceptor::{Attribute, AttributedPacket, Packet, StreamInfo, TaggedPacket};

use super::{decode::Decoder, transport_cc};
use crate::rtc::stage::{Passing, Stage};

/// The interceptor that repairs. It belongs above whoever reports what came, so that reports tell of the losses, and
/// below whoever asks for what did not come. Repair packets pass: they tell the latter when to ask.
pub(in crate::rtc) struct FecReceiver {
    streams: HashMap<u32, Stream>,
}

struct Stream {
    repair_ssrc: u32,
    decoder: Decoder,
    repaired: u64,
}

impl FecReceiver {
    pub(in crate::rtc) fn new() -> Self {
        Self { streams: HashMap::new() }
    }

    /// Returns the packets that this one makes known.
    fn repaired(&mut self, packet: &rtc::rtp::Packet) -> Vec<rtc::rtp::Packet> {
        let ssrc = packet.header.ssrc;
        if let Some(stream) = self.streams.get_mut(&ssrc) {
            return stream.count(|decoder| decoder.media(packet));
        }
        let repaired = self.streams.values_mut().find(|stream| stream.repair_ssrc == ssrc);
        repaired.map_or_else(Vec::new, |stream| stream.count(|decoder| decoder.repair(&packet.payload)))
    }
}

impl Stream {
    fn count(&mut self, take: impl FnOnce(&mut Decoder) -> Vec<rtc::rtp::Packet>) -> Vec<rtc::rtp::Packet> {
        let packets = take(&mut self.decoder);
        self.repaired += packets.len() as u64;
        packets
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        tracing::debug!(packets = self.repaired, "repaired without a retransmission");
    }
}

impl Stage for FecReceiver {
    fn read(&mut self, packet: TaggedPacket, on: &mut Passing) {
        let repaired = match &packet.message.packet {
            Packet::Rtp(rtp) => self.repaired(rtp),
            _ => Vec::new(),
        };
        let (now, transport) = (packet.now, packet.transport);
        // Repaired packets first: a repair packet behind them tells what is still missing.
        for rtp in repaired {
            let message = AttributedPacket::new(Packet::Rtp(rtp)).with(Attribute::RecoveredByFec);
            on.inward(TaggedPacket { now, transport, message });
        }
        on.inward(packet);
    }

    fn remote_stream(&mut self, info: &StreamInfo) {
        if let (Some(repair_ssrc), Some(_)) = (info.ssrc_fec, info.payload_type_fec) {
            let decoder = Decoder::new(info.ssrc, transport_cc(info));
            self.streams.insert(info.ssrc, Stream { repair_ssrc, decoder, repaired: 0 });
        }
    }

    fn remote_stream_ended(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }
}
