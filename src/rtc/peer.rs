//! Our end of the connection: build, offer, answer, accept, close (W3C WebRTC 4.4).

use std::sync::Arc;

use rtc::{
    ice::mdns::MulticastDnsMode,
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit},
};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use webrtc::{
    data_channel::DataChannel,
    media_stream::track_local::TrackLocal,
    peer_connection::{PeerConnection, RTCIceCandidateInit, RTCSdpType, RTCSessionDescription},
    rtp_transceiver::RtpSender,
};

use super::{
    Bind, Contact, NetworkChange, PeerConfig, PictureCodecs, RtcError, RtcEvent,
    build::build,
    candidate::without_redundant,
    capability::codec_kind,
    channel,
    contact::Watch,
    counts::Counts,
    description::{chosen, for_library, is_refused, receives, undeclared},
    forward::Forward,
    nack::RoundTrip,
    network::Network,
    padding::Padding,
    relay::Servers,
    steps::{self, Steps},
    track::{LocalTrack, OutgoingTrack},
};
use crate::{
    congestion::Line,
    media::{Clock, Description, DescriptionKind, MediaKind},
    observe::{Events, StepName, StepValue},
};

/// Our end of the connection.
pub struct Peer {
    pub(super) connection: Arc<dyn PeerConnection>,
    outgoing: Vec<(OutgoingTrack, Arc<dyn RtpSender>)>,
    receive_only: Vec<MediaKind>,
    picture_codecs: PictureCodecs,
    channel: Option<Arc<dyn DataChannel>>,
    watch: Arc<Watch>,
    estimate: watch::Receiver<Line>,
    forward: Forward,
    pub(super) steps: Steps,
    pub(super) counts: Counts,
    /// The pair of candidates that carried the call when last asked.
    pub(super) selected: Option<String>,
    pub(super) round_trip: RoundTrip,
    protection: watch::Sender<f64>,
    /// What the other side told, and the SSRCs that it did not.
    remote: Option<Description>,
    learnt: Vec<(MediaKind, u32)>,
    /// What the other side does not want to receive.
    unwanted: Vec<MediaKind>,
    /// Whether the other side takes repair packets.
    repairs: bool,
    addresses_chosen: bool,
}

impl Peer {
    /// Opens sockets and builds the connection, with the tracks that are to be sent.
    ///
    /// # Errors
    /// If no socket can be opened as configured.
    pub async fn new(
        config: &PeerConfig,
        clock: Clock,
        events: &Events,
    ) -> Result<(Self, mpsc::Receiver<RtcEvent>), RtcError> {
        let steps = Steps::new(events);
        let (forward, receiver) = Forward::new(steps.clone());
        let servers = Servers::new(config, forward.clone()).await?;
        let watch = Arc::new(Watch::new());
        let padding = Padding::default();
        let mut outgoing = Vec::new();
        let mut receive_only = Vec::new();
        for (kind, send) in [(MediaKind::Audio, config.send_audio), (MediaKind::Video, config.send_video)] {
            if send {
                outgoing.push(OutgoingTrack::new(kind, config.own, padding.clone())?);
            } else {
                receive_only.push(kind);
            }
        }

        let (round_trip, counts) = (RoundTrip::new(), Counts::default());
        let (protection, share) = watch::channel(0.0);
        let build = |mdns| {
            build(
                config,
                clock,
                &forward,
                (&servers, &watch),
                &outgoing,
                (&round_trip, &padding, &share, &counts),
                mdns,
            )
        };
        // Browsers hide their addresses behind names that multicast DNS resolves (RFC 8828). Where
        // there is no route for multicast the library fails instead of doing without.
        let (connection, estimate) = match build(MulticastDnsMode::QueryOnly).await {
            Ok(built) => built,
            Err(error) => {
                tracing::debug!(%error, "no multicast DNS here");
                build(MulticastDnsMode::Disabled).await?
            }
        };
        let mut senders = Vec::new();
        for track in outgoing {
            let sender = connection.add_track(track.track.clone() as Arc<dyn TrackLocal>).await?;
            senders.push((track, sender));
        }
        let tracks: Vec<_> = senders.iter().map(|(track, _)| (track.timeline.kind, track.id())).collect();
        steps.tracks(&tracks, config.own == DescriptionKind::Offer);
        let peer = Self {
            connection,
            outgoing: senders,
            receive_only,
            picture_codecs: config.picture_codecs.clone(),
            channel: None,
            watch,
            estimate,
            forward,
            steps,
            counts,
            selected: None,
            round_trip,
            protection,
            remote: None,
            learnt: vec![],
            unwanted: vec![],
            repairs: false,
            addresses_chosen: config.bind.iter().any(|bind| matches!(bind, Bind::Address(_))),
        };
        Ok((peer, receiver))
    }

    /// Makes an offer and begins to gather candidates; [`Peer::local_description`] has them.
    ///
    /// # Errors
    /// If the library refuses.
    pub async fn offer(&mut self) -> Result<(), RtcError> {
        for (index, kind) in self.receive_only.iter().enumerate() {
            self.steps.transceiver(*kind, self.outgoing.len() + index, Value::Null, "recvonly");
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                streams: vec![],
                send_encodings: vec![],
            };
            self.connection.add_transceiver_from_kind(codec_kind(*kind), Some(init)).await?;
        }
        let channel = self.connection.create_data_channel(channel::LABEL, None).await?;
        self.steps.channel(StepName::CreateDataChannel, &*channel).await;
        tokio::spawn(channel::read(channel.clone(), self.forward.clone()));
        self.channel = Some(channel);
        let offer = self.steps.create(steps::CREATE_OFFER, self.connection.create_offer(None)).await?;
        self.forward.offered(&offer.sdp);
        self.set_local(offer).await
    }

    /// Takes an offer, makes an answer and begins to gather candidates.
    ///
    /// # Errors
    /// If the offer is not one we can work with.
    pub async fn answer(&mut self, offer: &Description) -> Result<(), RtcError> {
        self.set_remote(offer).await?;
        self.refuse_unknown_codecs().await?;
        let answer = self.steps.create(steps::CREATE_ANSWER, self.connection.create_answer(None)).await?;
        self.set_local(answer).await
    }

    async fn set_local(&self, description: RTCSessionDescription) -> Result<(), RtcError> {
        let told = Description { kind: kind(&description), sdp: description.sdp.clone() };
        let work = self.connection.set_local_description(description);
        Ok(self.steps.set(steps::SET_LOCAL, &told, work, |_| {}).await?)
    }

    /// Gives up what is offered in no codec of ours: that medium is then refused (RFC 9429, 5.3.1), where the
    /// library would refuse the call.
    async fn refuse_unknown_codecs(&mut self) -> Result<(), RtcError> {
        let mut known = Vec::new();
        for (track, sender) in std::mem::take(&mut self.outgoing) {
            match track.negotiated(&*sender).await? {
                Some(_) => known.push((track, sender)),
                None => self.connection.remove_track(&sender).await?,
            }
        }
        self.outgoing = known;
        Ok(())
    }

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// If the answer is not one we can work with.
    pub async fn accept(&mut self, answer: &Description) -> Result<(), RtcError> {
        self.set_remote(answer).await?;
        // The library would go on sending what was refused.
        self.outgoing.retain(|(track, _)| !is_refused(&answer.sdp, track.timeline.kind));
        Ok(())
    }

    /// Returns our description with the candidates found so far.
    pub async fn local_description(&self) -> Option<Description> {
        let description = self.connection.local_description().await?;
        Some(Description { kind: kind(&description), sdp: without_redundant(&description.sdp) })
    }

    /// Returns the tracks that both sides agreed we send.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn local_tracks(&self) -> Result<Vec<LocalTrack>, RtcError> {
        let mut tracks = Vec::new();
        for (track, sender) in &self.outgoing {
            if !self.unwanted.contains(&track.timeline.kind) {
                tracks.extend(track.negotiated(&**sender).await?);
            }
        }
        Ok(tracks)
    }

    /// Returns what the congestion controller knows of the line, for sound and picture together.
    pub fn estimate(&self) -> watch::Receiver<Line> {
        self.estimate.clone()
    }

    /// Sends so many bytes of repair with each byte of picture from now on. Returns how many it will be: none if
    /// the other side does not take them.
    pub fn protect(&self, share: f64) -> f64 {
        let share = if self.repairs { share } else { 0.0 };
        self.protection.send_if_modified(|now| std::mem::replace(now, share) != share);
        share
    }

    /// Takes another candidate of the other side's.
    pub async fn add_candidate(&self, candidate: String) {
        let value = || StepValue::Candidate { mid: "0".into(), index: 0, line: candidate.clone() };
        let init = RTCIceCandidateInit { candidate: candidate.clone(), ..Default::default() };
        match self.connection.add_ice_candidate(init).await {
            Ok(()) => self.steps.tell(StepName::AddIceCandidate, value),
            Err(error) => {
                self.steps.tell(StepName::AddIceCandidateFailed, value);
                tracing::debug!(%error, "a candidate is of no use");
            }
        }
    }

    /// Ends the watch over sockets and NAT mappings: ICE does what is needed from here on.
    pub fn connected(&self) {
        self.watch.stop();
    }

    /// Returns what was heard of the other side so far.
    pub fn contact(&self) -> Contact {
        self.watch.contact()
    }

    /// Looks whether the addresses in `description`, one of ours, are still this machine's.
    pub fn network_change(&self, description: &Description) -> NetworkChange {
        Network::of(&description.sdp, self.addresses_chosen).change()
    }

    /// Returns which of the call's connections this is.
    pub const fn number(&self) -> u32 {
        self.steps.connection
    }

    /// Takes over the channel for messages that the other side opened.
    pub fn set_channel(&mut self, channel: super::MessageChannel) {
        self.channel = Some(channel.0);
    }

    /// Sends a short message to the other side's program, if it has a channel for that.
    pub async fn send_message(&self, text: &str) {
        if let Some(channel) = &self.channel
            && let Err(error) = channel.send_text(text).await
        {
            tracing::debug!(%error, "a message was not sent");
        }
    }

    /// Closes the connection: the other side is told by DTLS. Must not be called from a callback.
    pub async fn close(&self) {
        self.steps.tell(StepName::Close, || StepValue::Nothing);
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing");
        }
    }

    /// Takes note of a stream of which the other side's description did not tell the SSRC: takes the description
    /// again, with it, within this side alone.
    ///
    /// # Errors
    /// If the library refuses.
    pub async fn declare(&mut self, kind: MediaKind, ssrc: u32) -> Result<(), RtcError> {
        let Some(remote) = self.remote.clone() else { return Ok(()) };
        self.learnt.push((kind, ssrc));
        let sdp = self.for_library(&remote);
        let again = RTCSessionDescription::offer(sdp)?;
        self.connection.set_remote_description(again).await?;
        let answer = self.connection.create_answer(None).await?;
        Ok(self.connection.set_local_description(answer).await?)
    }

    fn for_library(&self, description: &Description) -> String {
        // An answer says what its writer likes best, and so does the offer of a p2pcall. The order of others is
        // nobody's wish.
        let is_wish = description.kind == DescriptionKind::Answer || description.attribute("p2pcall").is_some();
        let ours = &self.picture_codecs;
        for_library(description, (ours.insist || !is_wish).then_some(&*ours.order), &self.learnt)
    }

    async fn set_remote(&mut self, description: &Description) -> Result<(), RtcError> {
        let sdp = self.for_library(description);
        if description.kind == DescriptionKind::Offer {
            self.forward.offered(&sdp);
        }
        self.forward.undeclared.expect(undeclared(&sdp));
        self.unwanted =
            [MediaKind::Audio, MediaKind::Video].into_iter().filter(|kind| !receives(&sdp, *kind)).collect();
        self.repairs = sdp.contains(" flexfec-03/90000");
        for (track, sender) in &mut self.outgoing {
            if let Some(codec) = chosen(&sdp, track.timeline.kind) {
                track.choose(codec, &**sender).await?;
            }
        }
        let parsed = match description.kind {
            DescriptionKind::Offer => RTCSessionDescription::offer(sdp),
            DescriptionKind::Answer => RTCSessionDescription::answer(sdp),
        };
        let wrong = |error: webrtc::error::Error| RtcError::Description(error.to_string());
        let work = async { self.connection.set_remote_description(parsed?).await };
        let brought = |steps: &Steps| steps.remote_streams(&description.sdp);
        self.steps.set(steps::SET_REMOTE, description, work, brought).await.map_err(wrong)?;
        self.remote = Some(description.clone());
        Ok(())
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("outgoing", &self.outgoing.len()).finish_non_exhaustive()
    }
}

/// Returns which of the two a description of the library's is.
pub(super) const fn kind(description: &RTCSessionDescription) -> DescriptionKind {
    match description.sdp_type {
        RTCSdpType::Offer => DescriptionKind::Offer,
        _ => DescriptionKind::Answer,
    }
}
