//! Tracks: encoded frames to RTP packets on the way out, RTP packets as they come on the way in.

use std::sync::Arc;

use bytes::Bytes;
use rtc::{
    media_stream::MediaStreamTrack,
    rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication,
    rtp::{
        codec::{h264::H264Payloader, opus::OpusPayloader},
        header::Header,
        packetizer::Payloader,
    },
    rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpFecParameters},
};
use webrtc::{
    media_stream::{
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    rtp_transceiver::RtpSender,
};

use super::{
    RtcError,
    capability::{codec, codec_kind, media_kind},
    padding::Padding,
    red,
    tap::Timeline,
};
use crate::media::{Codec, DescriptionKind, EncodedFrame, MediaKind, RtpPacket, RtpTime, SeqNo, now};

/// The largest payload of a packet, in bytes: with IPv6, UDP, SRTP and header extensions, and with what a packet
/// that repairs it has in addition, it stays below the 1,280 that every path carries.
const MAX_PAYLOAD: usize = 1148;

/// Padding comes in at least so many packets: it is the gaps between them that tell something.
const PADDING_PACKETS: usize = 6;

/// A track of ours before its payload type is negotiated.
pub(super) struct OutgoingTrack {
    pub(super) timeline: Timeline,
    pub(super) track: Arc<TrackLocalStaticRTP>,
    codec: Codec,
    padding: Padding,
}

impl OutgoingTrack {
    pub(super) fn new(kind: MediaKind, own: DescriptionKind, padding: Padding) -> Result<Self, RtcError> {
        let our_codec = match kind {
            MediaKind::Audio => Codec::Opus,
            MediaKind::Video => Codec::H264,
        };
        let [base, id] = random()?;
        let ssrc = ssrc(kind, own);
        let encoding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                fec: (kind == MediaKind::Video).then(|| RTCRtpFecParameters { ssrc: repair_ssrc(own) }),
                ..Default::default()
            },
            codec: codec(our_codec),
            ..Default::default()
        };
        // RTCP is routed by track id: it must differ from that of the other side's track.
        let track = MediaStreamTrack::new(
            "p2pcall".into(),
            format!("{id:08x}"),
            kind.to_string(),
            codec_kind(kind),
            vec![encoding],
        );
        let timeline = Timeline { kind, ssrc, base, clock_rate_hz: our_codec.clock_rate_hz() };
        Ok(Self { timeline, track: Arc::new(TrackLocalStaticRTP::new(track)), codec: our_codec, padding })
    }

    /// Returns the track ready to send, or `None` if the other side takes none of our codecs.
    pub(super) async fn negotiated(&self, sender: &dyn RtpSender) -> Result<Option<LocalTrack>, RtcError> {
        let parameters = sender.get_parameters().await?;
        let codecs = &parameters.rtp_parameters.codecs;
        let find =
            |mime_type: &str| codecs.iter().find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime_type));
        let Some(negotiated) = find(&codec(self.codec).mime_type) else {
            return Ok(None);
        };
        let redundant = find(red::MIME_TYPE).filter(|_| self.codec == Codec::Opus);
        let parameter = |wanted| negotiated.rtp_codec.sdp_fmtp_line.split(';').any(|known| known.trim() == wanted);
        let [seq] = random()?;
        Ok(Some(LocalTrack {
            timeline: self.timeline,
            track: self.track.clone(),
            padding: self.padding.clone(),
            payload_type: negotiated.payload_type,
            packer: redundant.map(|codec| red::Packer::new(codec.payload_type)),
            wants_no_silence: parameter("usedtx=1"),
            // Below 2¹⁵, so that a loss among the first packets cannot look like a wrap (RFC 3711, 3.3.1).
            seq: SeqNo(seq as u16 & 0x7fff),
            payloader: match self.codec {
                Codec::H264 => Box::<H264Payloader>::default(),
                Codec::Opus => Box::new(OpusPayloader),
            },
        }))
    }
}

/// A track that we send.
pub struct LocalTrack {
    timeline: Timeline,
    track: Arc<TrackLocalStaticRTP>,
    padding: Padding,
    payload_type: u8,
    /// If the other side takes redundant sound.
    packer: Option<red::Packer>,
    wants_no_silence: bool,
    seq: SeqNo,
    payloader: Box<dyn Payloader>,
}

/// What one frame became on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// RTP packets.
    pub packets: u64,
    /// Bytes of payload.
    pub bytes: u64,
}

impl LocalTrack {
    /// Returns whether it is sound or picture.
    pub const fn kind(&self) -> MediaKind {
        self.timeline.kind
    }

    /// Whether the other side would rather not be sent silence (DTX; RFC 7587, 3.1.3).
    pub const fn wants_no_silence(&self) -> bool {
        self.wants_no_silence
    }

    /// Sets how many of the packets before go along with each, if the other side takes such (RFC 2198).
    pub fn set_copies(&mut self, copies: usize) {
        if let Some(packer) = &mut self.packer {
            packer.set_copies(copies);
        }
    }

    /// Packetizes a frame and hands the packets to the connection.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn send(&mut self, frame: &EncodedFrame) -> Result<Sent, RtcError> {
        let payloads = self
            .payloader
            .payload(payload_size(frame.payload.len()), &frame.payload)
            .map_err(|error| RtcError::Library(error.to_string()))?;
        let ticks = frame.media_time.to_rtp(self.timeline.clock_rate_hz).0;
        let video = self.kind() == MediaKind::Video;
        let last = payloads.len().saturating_sub(1);
        let mut sent = Sent::default();
        let timestamp = self.timeline.base.wrapping_add(ticks);
        for (index, payload) in payloads.into_iter().enumerate() {
            let packer = self.packer.as_mut();
            let packed = packer.and_then(|packer| {
                Some((packer.payload_type, packer.pack(self.payload_type, timestamp, &payload, MAX_PAYLOAD)?))
            });
            let (payload_type, payload) = packed.unwrap_or((self.payload_type, payload));
            sent.packets += 1;
            sent.bytes += payload.len() as u64;
            let header = Header { marker: video && index == last, payload_type, ..self.header(ticks) };
            self.track.write_rtp(rtc::rtp::Packet { header, payload }).await?;
        }
        if video {
            self.pad(ticks).await?;
        }
        Ok(sent)
    }

    /// Sends the padding that the congestion controller wants after this picture.
    async fn pad(&mut self, ticks: u32) -> Result<(), RtcError> {
        let bytes = self.padding.take();
        if bytes == 0 {
            return Ok(());
        }
        let packets = bytes.div_ceil(MAX_PAYLOAD).max(PADDING_PACKETS);
        self.padding.set_weight(bytes / packets);
        for _ in 0..packets {
            let header = Header { padding: true, ..self.header(ticks) };
            self.track.write_rtp(rtc::rtp::Packet { header, payload: Bytes::new() }).await?;
        }
        tracing::trace!(bytes, packets, "padding to probe the line");
        Ok(())
    }

    /// Returns the header of the next packet.
    fn header(&mut self, ticks: u32) -> Header {
        let sequence_number = self.seq.0;
        self.seq = self.seq.next();
        Header {
            version: 2,
            payload_type: self.payload_type,
            sequence_number,
            timestamp: self.timeline.base.wrapping_add(ticks),
            ssrc: self.timeline.ssrc,
            ..Default::default()
        }
    }
}

impl std::fmt::Debug for LocalTrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalTrack").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

/// A track that the other side sends. Clones are handles to the same track.
#[derive(Clone)]
pub struct RemoteTrack {
    kind: MediaKind,
    ssrc: u32,
    track: Arc<dyn TrackRemote>,
    red: red::Incoming,
}

impl RemoteTrack {
    /// Returns the track, or `None` if it is neither sound nor picture.
    pub(super) async fn new(track: Arc<dyn TrackRemote>, red: red::Incoming) -> Option<Self> {
        let kind = media_kind(track.kind().await)?;
        let ssrc = track.ssrcs().await.first().copied().unwrap_or_default();
        Some(Self { kind, ssrc, track, red })
    }

    /// Returns whether it is sound or picture.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Hands over each packet as it comes, until the track ends; of redundant ones what they hold, each once.
    ///
    /// `take` must not block: the library drops packets, with an error in its log, when nobody
    /// reads them.
    pub async fn deliver(&self, mut take: impl FnMut(RtpPacket) + Send) {
        let mut unpacker = red::Unpacker::new(self.red.clone());
        while let Some(event) = self.track.poll().await {
            let TrackRemoteEvent::OnRtpPacket(packet) = event else {
                continue;
            };
            // Padding alone (a probe for bandwidth) carries a sequence number and no media.
            let header = packet.header;
            let packet = RtpPacket {
                ssrc: header.ssrc,
                payload_type: header.payload_type,
                seq: SeqNo(header.sequence_number),
                timestamp: RtpTime(header.timestamp),
                marker: header.marker,
                payload: packet.payload,
                arrival: now(),
            };
            unpacker.unpack(packet, &mut take);
        }
    }

    /// Asks the other side for a key frame (PLI, RFC 4585, 6.3.1).
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn request_key_frame(&self) -> Result<(), RtcError> {
        let ssrc = self.track.ssrcs().await.first().copied().unwrap_or(self.ssrc);
        let pli = PictureLossIndication { sender_ssrc: 0, media_ssrc: ssrc };
        Ok(self.track.write_rtcp(vec![Box::new(pli)]).await?)
    }
}

impl std::fmt::Debug for RemoteTrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteTrack").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Returns how large the payloads of a frame's packets may be, so that they are about equal: a repair packet is as
/// large as the largest packet that it protects.
fn payload_size(frame: usize) -> usize {
    // Without the start code, which has three bytes at least.
    let unit = frame.saturating_sub(3);
    if unit <= MAX_PAYLOAD {
        return MAX_PAYLOAD;
    }
    // In each packet there are two bytes in place of the NAL unit's own header of one.
    let packets = (unit - 1).div_ceil(MAX_PAYLOAD - 2);
    (unit - 1).div_ceil(packets) + 2
}

/// Returns the SSRC of a track of ours.
///
/// Not a random one (RFC 3550, 8): there are two sides and a track of each kind, so these cannot collide,
/// and descriptions need not carry them. Browsers report with SSRC 1 when they send nothing.
pub(super) const fn ssrc(kind: MediaKind, own: DescriptionKind) -> u32 {
    match (own, kind) {
        (DescriptionKind::Offer, MediaKind::Audio) => 2,
        (DescriptionKind::Offer, MediaKind::Video) => 3,
        (DescriptionKind::Answer, MediaKind::Audio) => 4,
        (DescriptionKind::Answer, MediaKind::Video) => 5,
    }
}

/// Returns the SSRC of the packets that repair our pictures.
pub(super) const fn repair_ssrc(own: DescriptionKind) -> u32 {
    match own {
        DescriptionKind::Offer => 6,
        DescriptionKind::Answer => 7,
    }
}

/// Returns numbers that nobody can guess.
fn random<const N: usize>() -> Result<[u32; N], RtcError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = getrandom::u32().map_err(|error| RtcError::Library(format!("no random numbers: {error}")))?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packets_of_a_frame_are_about_equal() {
        for (frame, packets) in [(100, 1), (1_148, 1), (1_200, 2), (8_333, 8), (9_168, 8), (9_200, 9), (60_000, 53)] {
            let nal = [&[0, 0, 0, 1, 0x65][..], &vec![7; frame - 5]].concat().into();
            let payloads = H264Payloader::default().payload(payload_size(frame), &nal).expect("a NAL unit");
            let sizes = payloads.iter().map(|payload| payload.len());
            assert_eq!(sizes.len(), packets, "{frame}");
            let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
            assert!(most <= MAX_PAYLOAD && most - least <= 2 * packets, "{frame}: {least} to {most}");
        }
    }
}
