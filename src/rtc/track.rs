//! Tracks: encoded frames to RTP packets on the way out, RTP packets as they come on the way in.

use std::sync::Arc;

use bytes::Bytes;
use rtc::{
    media_stream::MediaStreamTrack,
    rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication,
    rtp::{
        codec::{h264::H264Payloader, opus::OpusPayloader, vp8::Vp8Payloader},
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
    orientation::Orientation,
    padding::Padding,
    payload_types::PayloadTypes,
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
    own: DescriptionKind,
    id: String,
    codec: Option<Codec>,
    padding: Padding,
}

impl OutgoingTrack {
    pub(super) fn new(kind: MediaKind, own: DescriptionKind, padding: Padding) -> Result<Self, RtcError> {
        let [base, id] = random()?;
        // RTCP is routed by track id: it must differ from that of the other side's track.
        let id = format!("{id:08x}");
        let clock_rate_hz = match kind {
            MediaKind::Audio => Codec::Opus.clock_rate_hz(),
            MediaKind::Video => Codec::H264.clock_rate_hz(),
        };
        let timeline = Timeline { kind, ssrc: ssrc(kind, own), base, clock_rate_hz };
        let track = Arc::new(TrackLocalStaticRTP::new(stream_track(kind, own, &id, None)));
        Ok(Self { timeline, track, own, id, codec: None, padding })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Sets the codec in which the track is sent. To be called before the descriptions of both sides are known to
    /// the library: it then makes what the stream passes ready for it.
    pub(super) async fn choose(&mut self, codec: Codec, sender: &dyn RtpSender) -> Result<(), RtcError> {
        self.codec = Some(codec);
        let track = stream_track(self.timeline.kind, self.own, &self.id, Some(codec));
        Ok(sender.replace_track(Arc::new(TrackLocalStaticRTP::new(track))).await?)
    }

    /// Returns the track ready to send, or `None` if the other side takes none of our codecs.
    pub(super) async fn negotiated(&self, sender: &dyn RtpSender) -> Result<Option<LocalTrack>, RtcError> {
        let Some(our_codec) = self.codec else { return Ok(None) };
        let parameters = sender.get_parameters().await?;
        let codecs = &parameters.rtp_parameters.codecs;
        let find =
            |mime_type: &str| codecs.iter().find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime_type));
        let Some(negotiated) = find(&codec(our_codec).mime_type) else {
            return Ok(None);
        };
        let redundant = find(red::MIME_TYPE).filter(|_| our_codec == Codec::Opus);
        let parameter = |wanted| negotiated.rtp_codec.sdp_fmtp_line.split(';').any(|known| known.trim() == wanted);
        let [seq] = random()?;
        Ok(Some(LocalTrack {
            timeline: self.timeline,
            track: self.track.clone(),
            padding: self.padding.clone(),
            codec: our_codec,
            payload_type: negotiated.payload_type,
            packer: redundant.map(|codec| red::Packer::new(codec.payload_type)),
            wants_no_silence: parameter("usedtx=1"),
            // Below 2¹⁵, so that a loss among the first packets cannot look like a wrap (RFC 3711, 3.3.1).
            seq: SeqNo(seq as u16 & 0x7fff),
            payloader: match our_codec {
                Codec::H264 => Box::<H264Payloader>::default(),
                Codec::Vp8 => Box::new(vp8_payloader()),
                Codec::Opus => Box::new(OpusPayloader),
            },
        }))
    }
}

/// Returns a payloader that numbers the pictures: receivers tell by it whether one is missing.
fn vp8_payloader() -> Vp8Payloader {
    let mut payloader = Vp8Payloader::default();
    payloader.enable_picture_id = true;
    payloader
}

/// Returns what the library knows of a track of ours.
fn stream_track(kind: MediaKind, own: DescriptionKind, id: &str, our_codec: Option<Codec>) -> MediaStreamTrack {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc(kind, own)),
            fec: (kind == MediaKind::Video).then(|| RTCRtpFecParameters { ssrc: repair_ssrc(own) }),
            ..Default::default()
        },
        // None: the library offers all there are.
        codec: our_codec.map(codec).unwrap_or_default(),
        ..Default::default()
    };
    MediaStreamTrack::new("p2pcall".into(), id.into(), kind.to_string(), codec_kind(kind), vec![encoding])
}

/// A track that we send.
pub struct LocalTrack {
    timeline: Timeline,
    track: Arc<TrackLocalStaticRTP>,
    padding: Padding,
    codec: Codec,
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

    /// Returns the codec of the frames that it takes.
    pub const fn codec(&self) -> Codec {
        self.codec
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
            .payload(payload_size(self.codec, frame.payload.len()), &frame.payload)
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
    payload_types: PayloadTypes,
    orientation: Orientation,
    red: red::Incoming,
}

impl RemoteTrack {
    /// Returns the track, or `None` if it is neither sound nor picture.
    pub(super) async fn new(
        track: Arc<dyn TrackRemote>,
        (payload_types, orientation): (PayloadTypes, Orientation),
        red: red::Incoming,
    ) -> Option<Self> {
        let kind = media_kind(track.kind().await)?;
        let ssrc = track.ssrcs().await.first().copied().unwrap_or_default();
        Some(Self { kind, ssrc, track, payload_types, orientation, red })
    }

    /// Returns whether it is sound or picture.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Returns the stream's synchronization source.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Hands over each packet as it comes with the codec of what is in it, until the track ends; of redundant ones
    /// what they hold, each once. What is of none of our codecs is left out.
    ///
    /// `take` must not block: the library drops packets, with an error in its log, when nobody
    /// reads them.
    pub async fn deliver(&self, mut take: impl FnMut(Codec, RtpPacket) + Send) {
        let mut take = |packet: RtpPacket| {
            if let Some(codec) = self.payload_types.codec(packet.payload_type) {
                take(codec, packet);
            }
        };
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
                rotation: self.orientation.of(&header),
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
fn payload_size(codec: Codec, frame: usize) -> usize {
    // How many bytes of the frame are not in the packets, and how many there are in each beside it.
    let (without, beside) = match codec {
        // The start code of three bytes at least and the NAL unit's header, of which each packet has two in its place.
        Codec::H264 => (4, 2),
        // The descriptor with a picture id of 15 bits.
        Codec::Vp8 => (0, 4),
        Codec::Opus => return MAX_PAYLOAD,
    };
    let room = MAX_PAYLOAD - beside;
    let content = frame.saturating_sub(without);
    if content < room {
        return MAX_PAYLOAD;
    }
    let packets = content.div_ceil(room);
    content.div_ceil(packets) + beside
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
        for (frame, packets) in [(100, 1), (1_140, 1), (1_200, 2), (8_333, 8), (9_140, 8), (9_200, 9), (60_000, 53)] {
            for codec in [Codec::H264, Codec::Vp8] {
                let mut payloader: Box<dyn Payloader> = match codec {
                    Codec::H264 => Box::<H264Payloader>::default(),
                    _ => Box::new(vp8_payloader()),
                };
                let nal = [&[0, 0, 0, 1, 0x65][..], &vec![7; frame - 5]].concat().into();
                let payloads = payloader.payload(payload_size(codec, frame), &nal).expect("a frame");
                let sizes = payloads.iter().map(|payload| payload.len());
                assert_eq!(sizes.len(), packets, "{codec:?} {frame}");
                let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
                assert!(most <= MAX_PAYLOAD && most - least <= 2 * packets, "{codec:?} {frame}: {least} to {most}");
            }
        }
    }
}
