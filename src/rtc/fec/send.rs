//! Lets repair packets follow the frames that leave.

use std::collections::HashMap;

use rtc::interceptor::{AttributedPacket, Packet, StreamInfo, TaggedPacket};
use tokio::sync::watch;

use super::{
    encode::{Encoder, RepairStream},
    transport_cc,
};
use crate::rtc::stage::{Passing, Stage};

/// The interceptor that protects. It belongs above the pacer and whoever numbers packets for the transport.
pub(in crate::rtc) struct FecSender {
    /// Repair packets for each packet.
    share: watch::Receiver<f64>,
    streams: HashMap<u32, Encoder>,
}

impl FecSender {
    pub(in crate::rtc) fn new(share: watch::Receiver<f64>) -> Self {
        Self { share, streams: HashMap::new() }
    }
}

impl Stage for FecSender {
    fn write(&mut self, packet: TaggedPacket, on: &mut Passing) {
        let repairs = match &packet.message.packet {
            // Padding is worth nothing to anybody.
            Packet::Rtp(rtp) if !rtp.payload.is_empty() => {
                let share = *self.share.borrow();
                self.streams.get_mut(&rtp.header.ssrc).map(|encoder| encoder.protect(rtp, share))
            }
            _ => None,
        };
        let (now, transport) = (packet.now, packet.transport);
        on.outward(packet);
        for repair in repairs.into_iter().flatten() {
            on.outward(TaggedPacket { now, transport, message: AttributedPacket::new(Packet::Rtp(repair)) });
        }
    }

    fn local_stream(&mut self, info: &StreamInfo) {
        if let (Some(ssrc), Some(payload_type)) = (info.ssrc_fec, info.payload_type_fec) {
            let stream = RepairStream { ssrc, payload_type, numbered: transport_cc(info) };
            tracing::debug!("the other side takes FlexFEC");
            self.streams.insert(info.ssrc, Encoder::new(stream));
        }
    }

    fn local_stream_ended(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }
}
