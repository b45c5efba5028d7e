//! What passes the wire, counted for the statistics (webrtc-stats): what the WebRTC library leaves at zero.

use std::sync::{Arc, Mutex, MutexGuard};

use rtc::rtp::Packet;

use crate::{
    media::MediaKind,
    observe::{RemoteInboundStats, RemoteOutboundStats},
};

/// Counts of one medium, from the start of the connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireCounts {
    /// Bytes of RTP headers and padding sent.
    pub header_bytes_sent: u64,
    /// Packets that were sent again.
    pub retransmitted_packets_sent: u64,
    /// Bytes of payload in them.
    pub retransmitted_bytes_sent: u64,
    /// Packets sent that repair others (FlexFEC).
    pub fec_packets_sent: u64,
    /// Requests for packets to be sent again that came from the other side (RFC 4585, 6.2.1): messages.
    pub nacks_received: u64,
    /// Picture loss indications that came (RFC 4585, 6.3.1).
    pub plis_received: u64,
    /// Full intra requests that came (RFC 5104, 4.3.1).
    pub firs_received: u64,
    /// Requests for packets to be sent again that we sent: messages.
    pub nacks_sent: u64,
    /// Bytes of RTP headers and padding received.
    pub header_bytes_received: u64,
    /// Packets received that repair others.
    pub fec_packets_received: u64,
    /// What the other side says of what it receives.
    pub remote_inbound: RemoteInboundStats,
    /// What the other side says of what it sends.
    pub remote_outbound: RemoteOutboundStats,
}

impl WireCounts {
    pub(super) fn sent(&mut self, packet: &Packet, retransmission: bool) {
        let (headers, payload) = sizes(packet);
        self.header_bytes_sent += headers;
        if retransmission {
            self.retransmitted_packets_sent += 1;
            self.retransmitted_bytes_sent += payload;
        }
    }

    pub(super) fn received(&mut self, packet: &Packet) {
        self.header_bytes_received += sizes(packet).0;
    }
}

/// Returns the bytes of header and padding, and those of payload.
fn sizes(packet: &Packet) -> (u64, u64) {
    let header = &packet.header;
    let extensions = match header.extension {
        true => 4 + header.get_extension_payload_len().next_multiple_of(4),
        false => 0,
    };
    ((12 + 4 * header.csrc.len() + extensions) as u64, packet.payload.len() as u64)
}

/// The counts of both media. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(Arc<Mutex<[WireCounts; 2]>>);

impl Counts {
    /// Changes those of a medium.
    pub(super) fn update(&self, kind: MediaKind, change: impl FnOnce(&mut WireCounts)) {
        change(&mut self.lock()[kind as usize]);
    }

    /// Returns them as they are, sound first.
    pub(super) fn read(&self) -> [WireCounts; 2] {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, [WireCounts; 2]> {
        self.0.lock().expect("the lock is never held across a panic")
    }
}

#[cfg(test)]
mod tests {
    use rtc::rtp::header::Header;

    use super::*;

    #[test]
    fn headers_are_counted_apart_from_what_they_carry() {
        let mut packet = Packet { payload: vec![0; 100].into(), ..Packet::default() };
        assert_eq!(sizes(&packet), (12, 100));
        packet.header = Header { csrc: vec![1, 2], ..Header::default() };
        packet.header.set_extension(1, vec![0, 1].into()).expect("room");
        assert_eq!(sizes(&packet), (12 + 8 + 8, 100));
        let mut counts = WireCounts::default();
        counts.sent(&packet, false);
        counts.sent(&packet, true);
        counts.received(&packet);
        let expected = WireCounts {
            header_bytes_sent: 56,
            retransmitted_packets_sent: 1,
            retransmitted_bytes_sent: 100,
            header_bytes_received: 28,
            ..WireCounts::default()
        };
        assert_eq!(counts, expected);
    }
}
