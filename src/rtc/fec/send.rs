//! Lets repair packets follow the frames that leave.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use rtc::{
    interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket},
    sansio::Protocol,
    shared::error::Error,
};
use tokio::sync::watch;

use super::{
    encode::{Encoder, RepairStream},
    transport_cc,
};

/// The interceptor that protects. It belongs above the pacer and whoever numbers packets for the transport.
pub(in crate::rtc) struct FecSender {
    /// Repair packets for each packet.
    share: watch::Receiver<f64>,
    streams: HashMap<u32, Encoder>,
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

impl FecSender {
    pub(in crate::rtc) fn new(share: watch::Receiver<f64>) -> Self {
        Self { share, streams: HashMap::new(), inbound: VecDeque::new(), outbound: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for FecSender {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        let repairs = match &packet.message.packet {
            // Padding is worth nothing to anybody.
            Packet::Rtp(rtp) if !rtp.payload.is_empty() => {
                let share = *self.share.borrow();
                self.streams.get_mut(&rtp.header.ssrc).map(|encoder| encoder.protect(rtp, share))
            }
            _ => None,
        };
        let (now, transport) = (packet.now, packet.transport);
        self.outbound.push_back(packet);
        self.outbound.extend(repairs.into_iter().flatten().map(|repair| TaggedPacket {
            now,
            transport,
            message: AttributedPacket::new(Packet::Rtp(repair)),
        }));
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }
}

impl Interceptor for FecSender {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if let (Some(ssrc), Some(payload_type)) = (info.ssrc_fec, info.payload_type_fec) {
            let stream = RepairStream { ssrc, payload_type, numbered: transport_cc(info) };
            tracing::debug!("the other side takes FlexFEC");
            self.streams.insert(info.ssrc, Encoder::new(stream));
        }
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        self.streams.remove(&info.ssrc);
    }

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
