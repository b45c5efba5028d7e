//! The one task that owns a call: it waits for whatever happens next and does what follows.

mod allocation;
mod ending;

use std::time::{Duration, UNIX_EPOCH};

use tokio::{
    sync::{mpsc, watch},
    time::MissedTickBehavior,
};

use super::{
    CallConfig, Control, Ended, Media, Obstacle, Request, Role, Summary,
    describe::Freshness,
    exchange::Next,
    failure::Failure,
    forewarning::Forewarning,
    incoming::{Incoming, Wish},
    message::Message,
    outgoing::Outgoing,
    proof::Proof,
    report::{Figures, Reporter},
    state::{CallState, Input},
};
use crate::{
    audio::far_end,
    codec::AudioTarget,
    congestion::{Allocation, Line, Protection, RateAllocator},
    media::{Bitrate, Clock, Codec, Description, MediaKind, now, wall_clock},
    observe::{CallStateName, EventKind, Events, StatsReport},
    rtc::{Identity, Peer, PeerConfig, PictureCodecs, RemoteTrack, RtcEvent},
    signaling::Signaling,
    trust::Passphrase,
};

/// The offerer's checks begin when the answer is there: quick ones make a quick call.
const OFFERER_CHECKS: Duration = Duration::from_millis(100);

/// The answerer's begin before the offerer knows of it, and last as long as an answer: 12.7 hours.
const ANSWERER_CHECKS: Duration = Duration::from_millis(700);

/// What the connection begins with, before the congestion controller knows anything: enough for
/// 720p at once, and what nearly every line carries.
const START_BITRATE: Bitrate = Bitrate::from_kbps(1500);

/// What all may cost for each bit of the picture at most: as much repair, and headers.
const REPAIRED: f64 = 2.0 * 1.06;

/// On top of that: sound.
const OVERHEAD: Bitrate = Bitrate::from_kbps(200);

pub(super) async fn run(
    role: Role,
    config: CallConfig,
    mut media: Media,
    mut signaling: impl Signaling,
    events: Events,
    mut controls: mpsc::Receiver<Request>,
) -> Summary {
    let mut state = CallState::new(now(), config.duration);
    let begun = begin(role, &config, &mut media, &events).await;
    let (mut task, mut connection) = match begun {
        Ok(begun) => begun,
        Err(ended) => return conclude(&events, ended, None, StatsReport::default()),
    };
    let exchange = task.exchange(role, &mut signaling, &mut state, &mut connection, &mut controls);
    let ended = match exchange.await {
        Ok(ended) => ended,
        Err(error) => Ended::from(error),
    };
    let connected = state.connected_at().map(|at| now().saturating_duration_since(at));
    let stats = task.report().await;
    // Who said good-bye waits for us to close.
    let say_bye = state.connected_at().is_some() && ended != Ended::RemoteHungUp;
    task.shut_down(connection, say_bye).await;
    conclude(&events, ended, connected, stats)
}

fn conclude(events: &Events, ended: Ended, connected: Option<Duration>, stats: StatsReport) -> Summary {
    events.emit(EventKind::Ended { reason: ended.reason(), what: ended.to_string() });
    Summary { ended, connected, stats }
}

async fn begin(
    role: Role,
    config: &CallConfig,
    media: &mut Media,
    events: &Events,
) -> Result<(Task, mpsc::Receiver<RtcEvent>), Ended> {
    let clock = media.clock;
    let max = Bitrate::from_bps((config.max_bitrate.bps() as f64 * REPAIRED) as u64 + OVERHEAD.bps());
    let peer_config = PeerConfig {
        identity: config.certificate.clone().map_or_else(Identity::new, Identity::with)?,
        own: role.description(),
        stun: config.stun.clone(),
        turn: config.turn.clone(),
        relay_only: config.relay_only,
        bind: config.bind.clone(),
        ports: config.ports.clone(),
        send_audio: media.audio_source.is_some(),
        send_video: media.video_source.is_some(),
        picture_codecs: config.codec.map_or_else(PictureCodecs::default, PictureCodecs::first),
        check_interval: match role {
            Role::Offer => OFFERER_CHECKS,
            Role::Answer => ANSWERER_CHECKS,
        },
        start_bitrate: START_BITRATE,
        max_bitrate: max,
    };
    let allocator = RateAllocator::new(config.max_bitrate, config.format);
    let sound = AudioTarget { bitrate: Bitrate::from_kbps(32), loss: 0.0, dtx: false };
    // The sources first: a camera takes its time to open, and the connection does not wait for it.
    let failed = |error: std::io::Error| Ended::Failed(format!("No thread could be started: {error}."));
    let (speaker, microphone) = far_end();
    let picture = (config.codec.unwrap_or(Codec::H264), config.format);
    let outgoing =
        Outgoing::open(media, (config.microphone, microphone), sound, picture, clock, events).map_err(failed)?;
    let (peer, connection) = Peer::new(&peer_config, clock, events).await?;
    let task = Task {
        estimate: peer.estimate(),
        config: peer_config,
        hide_addresses: config.hide_addresses,
        role,
        passphrase: config.passphrase.clone(),
        proof: Proof::new(config.name.clone()),
        clock,
        offer: None,
        answer: None,
        own: None,
        sent: None,
        freshness: Freshness::default(),
        forewarning: None,
        peer,
        outgoing,
        incoming: Incoming::new(media, speaker, clock, events.clone()),
        allocator,
        announced: None,
        protection: Protection::default(),
        reporter: Reporter::default(),
        events: events.clone(),
    };
    Ok((task, connection))
}

pub(super) struct Task {
    pub(super) config: PeerConfig,
    pub(super) hide_addresses: bool,
    pub(super) role: Role,
    pub(super) passphrase: Option<Passphrase>,
    pub(super) proof: Proof,
    pub(super) clock: Clock,
    /// Theirs.
    pub(super) offer: Option<Description>,
    pub(super) answer: Option<Description>,
    /// Ours, as the library gives it, and as it travels.
    pub(super) own: Option<Description>,
    pub(super) sent: Option<Description>,
    pub(super) freshness: Freshness,
    pub(super) forewarning: Option<Forewarning>,
    pub(super) peer: Peer,
    pub(super) estimate: watch::Receiver<Line>,
    outgoing: Outgoing,
    incoming: Incoming,
    allocator: RateAllocator,
    /// What was shared out last.
    announced: Option<Allocation>,
    protection: Protection,
    reporter: Reporter,
    pub(super) events: Events,
}

impl Task {
    /// The call itself: whatever happens next, until the end.
    pub(super) async fn talk(
        &mut self,
        role: Role,
        signaling: &mut impl Signaling,
        state: &mut CallState,
        connection: &mut mpsc::Receiver<RtcEvent>,
        controls: &mut mpsc::Receiver<Request>,
    ) -> Result<Ended, Failure> {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut receive = Some(Box::pin(signaling.receive(self.expected(role))));
        loop {
            // Once somebody has come nothing more is asked for.
            receive = receive.filter(|_| state.name() == CallStateName::AwaitingRemote);
            let ended = tokio::select! {
                received = async { receive.as_mut().expect("it is there").await }, if receive.is_some() => {
                    let next = self.received(role, received, signaling, state, connection, controls).await?;
                    let again = matches!(next, Next::AskAgain);
                    receive = again.then(|| Box::pin(signaling.receive(self.expected(role))));
                    next.ended()
                }
                event = connection.recv() => match event {
                    Some(event) => self.event(event, state).await?,
                    None => Some(Ended::Failed("The connection ended by itself.".into())),
                },
                control = controls.recv() => self.control(control, state).await,
                Some(wish) = self.incoming.wish() => {
                    self.fulfil(wish).await;
                    None
                }
                Ok(()) = self.estimate.changed() => {
                    self.allocate().await;
                    None
                }
                _ = tick.tick() => {
                    if state.connected_at().is_some() {
                        self.measure_round_trip().await;
                        self.allocate().await;
                        let report = self.report().await;
                        self.events.emit(EventKind::Stats(Box::new(report)));
                    }
                    self.explain(state);
                    if let Some(since) = state.connected_at()
                        && let Some(ended) = self.miss(since).await
                    {
                        return Ok(ended);
                    }
                    match self.renew_if_stale(signaling, state, connection, controls).await? {
                        Some(ended) => Some(ended),
                        None => self.step(&Input::Tick, state).await?,
                    }
                }
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// Tells why there is no connection yet, when it takes long.
    fn explain(&mut self, state: &mut CallState) {
        let (Some(ours), Some(theirs)) = (&self.own, self.answer.as_ref().or(self.offer.as_ref())) else { return };
        if state.name() != CallStateName::Connecting {
            return;
        }
        let obstacle = Obstacle::of(self.peer.contact(), state.path_found(), ours, theirs);
        let first = state.obstructed(obstacle, now());
        if first {
            self.events.emit(EventKind::Obstructed { obstacle: obstacle.name(), what: obstacle.to_string() });
        }
    }

    pub(super) async fn event(&mut self, event: RtcEvent, state: &mut CallState) -> Result<Option<Ended>, Failure> {
        let input = match event {
            RtcEvent::PathFound => Input::PathFound,
            RtcEvent::Connected => Input::Connected,
            RtcEvent::Disconnected => Input::Disconnected,
            RtcEvent::Failed => Input::Failed,
            RtcEvent::Closed => Input::Closed,
            // At once: the library may yet say that it is connected.
            RtcEvent::HandshakeRefused => {
                self.explain(state);
                Input::Tick
            }
            RtcEvent::Message(text) if self.prove(&text).await? => return Ok(None),
            RtcEvent::Message(text) => match self.told(&text).await {
                Some(input) => input,
                None => return Ok(None),
            },
            RtcEvent::Channel(channel) => {
                self.peer.set_channel(channel);
                self.introduce().await;
                return Ok(None);
            }
            RtcEvent::Track(track) => {
                if let Some(track) = self.proof.hold(track) {
                    self.receive(track)?;
                }
                return Ok(None);
            }
            RtcEvent::Undeclared(kind, ssrc) => {
                if let Err(error) = self.peer.declare(kind, ssrc).await {
                    tracing::warn!(%error, %kind, "a stream that was not declared cannot be taken");
                }
                return Ok(None);
            }
            RtcEvent::KeyFrameWanted => {
                self.outgoing.video.want_key_frame();
                self.events.emit(EventKind::KeyFrameWanted);
                return Ok(None);
            }
            RtcEvent::SenderReport(kind, report) => {
                self.incoming.sender_report(kind, report);
                return Ok(None);
            }
            RtcEvent::ReceiverReport { round_trip_time } => {
                if let Some(seconds) = round_trip_time {
                    self.reporter.round_trip_time = Some(seconds);
                    self.reporter.reported = true;
                    self.incoming.round_trip(Duration::from_secs_f64(seconds));
                }
                return Ok(None);
            }
            RtcEvent::MappingChanged => {
                self.mapping_changed();
                return Ok(None);
            }
            RtcEvent::RelayFailed { server, reason, lost } => {
                if lost {
                    self.mapping_changed();
                }
                self.events.emit(EventKind::RelayFailed { server, reason });
                return Ok(None);
            }
            RtcEvent::Candidate(_) | RtcEvent::GatheringComplete => return Ok(None),
        };
        self.step(&input, state).await
    }

    pub(super) async fn step(&mut self, input: &Input, state: &mut CallState) -> Result<Option<Ended>, Failure> {
        let (before, was_connected) = (state.name(), state.connected_at().is_some());
        let ended = state.step(input, now());
        if state.name() != before {
            self.events.emit(EventKind::State { state: state.name() });
        }
        if state.name() == CallStateName::Connected && !was_connected {
            self.peer.connected();
            if self.proof.awaited.is_none() {
                self.connect().await?;
            }
        }
        Ok(ended)
    }

    /// Asks ICE for the round trip where no receiver report tells it.
    async fn measure_round_trip(&mut self) {
        if !self.reporter.reported
            && let Some(seconds) = self.peer.round_trip_time().await
        {
            self.reporter.round_trip_time = Some(seconds);
            self.incoming.round_trip(Duration::from_secs_f64(seconds));
        }
    }

    /// Begins to send.
    pub(super) async fn connect(&mut self) -> Result<(), Failure> {
        self.forewarning = None;
        let tracks = self.peer.local_tracks().await?;
        let allocation = self.share_out();
        self.outgoing.connect(tracks, allocation);
        self.announce(&allocation);
        self.announced = Some(allocation);
        Ok(())
    }

    /// Begins to receive a track.
    pub(super) fn receive(&mut self, track: RemoteTrack) -> std::io::Result<()> {
        self.incoming.start(track)
    }

    pub(super) const fn is_muted(&self, kind: MediaKind) -> bool {
        self.outgoing.is_muted(kind)
    }

    pub(super) async fn control(&mut self, request: Option<Request>, state: &mut CallState) -> Option<Ended> {
        let control = match request {
            Some(Request::Control(control)) => Some(control),
            Some(Request::Stats(asked)) => {
                // Who asked may have gone away meanwhile.
                let _ = asked.send(self.report().await);
                return None;
            }
            None => None,
        };
        let (kind, muted) = match control {
            Some(Control::Mute(kind, muted)) => (kind, muted),
            Some(Control::ToggleMute(kind)) => (kind, !self.outgoing.is_muted(kind)),
            Some(Control::ConfirmWords) => {
                self.confirm_words();
                return None;
            }
            // Nobody holds the call any more.
            Some(Control::HangUp) | None => return state.step(&Input::HangUp, now()),
        };
        self.outgoing.set_muted(kind, muted);
        self.events.emit(EventKind::Muted { kind, remote: false, muted });
        self.peer.send_message(&Message::Muted { kind, muted }.to_text()).await;
        None
    }

    async fn fulfil(&mut self, wish: Wish) {
        match wish {
            Wish::KeyFrame => {
                self.incoming.request_key_frame().await;
                self.events.emit(EventKind::KeyFrameRequested);
            }
        }
    }

    async fn report(&mut self) -> StatsReport {
        let figures = Figures {
            outbound: self.outgoing.stats(),
            inbound: self.incoming.stats(),
            wire: self.peer.counts(),
            objects: self.peer.stats().await,
            available_outgoing_bitrate: self.estimate.borrow().available,
            connection: self.peer.number(),
            narrowed: self.announced.is_some_and(|allocation| self.allocator.is_narrowed(&allocation)),
        };
        let since_1970 = wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.reporter.report(now(), since_1970, figures)
    }
}
