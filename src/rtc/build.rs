//! Builds the WebRTC library's connection as we need it.

use std::sync::Arc;

use rtc::ice::mdns::MulticastDnsMode;
use tokio::sync::watch;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, RTCConfigurationBuilder, RTCIceServer, RTCIceTransportPolicy,
    SettingEngineBuilder,
};

use super::{
    Bind, PeerConfig, RtcError,
    address::addresses,
    again::Again,
    capability::media_engine,
    chain::interceptors,
    contact::Watch,
    counts::Counts,
    estimate::{Coverage, Estimator},
    forward::Forward,
    keepalive::Keepalive,
    nack::{Nack, RoundTrip},
    pacer::Pacer,
    padding::Padding,
    relay::{RelayRuntime, Servers},
    socket::WatchedRuntime,
    tap::Tap,
    track::OutgoingTrack,
};
use crate::{congestion::Line, media::Clock};

/// Time between two refreshes of a relay: as for the STUN servers, below the 30 s after which NATs forget.
const RELAY_REFRESH: std::time::Duration = std::time::Duration::from_secs(12);

pub(super) async fn build(
    config: &PeerConfig,
    clock: Clock,
    forward: &Forward,
    (servers, watch): (&Arc<Servers>, &Arc<Watch>),
    outgoing: &[OutgoingTrack],
    (round_trip, padding, protection, counts): (&RoundTrip, &Padding, &watch::Receiver<f64>, &Counts),
    mdns: MulticastDnsMode,
) -> Result<(Arc<dyn PeerConnection>, watch::Receiver<Line>), RtcError> {
    let mut engine = media_engine(&config.picture_codecs.order)?;
    let coverage = Coverage::default();
    let (estimator, estimate) =
        Estimator::new(config.start_bitrate, config.max_bitrate, coverage.clone(), padding.clone());
    let timelines = outgoing.iter().map(|track| track.timeline).collect();
    let tap = Tap::new(clock, forward.clone(), timelines, round_trip.clone(), (coverage, counts.clone()));
    let (pacer, again) = (Pacer::new(estimate.clone(), padding.clone()), Again::new(estimate.clone()));
    let nack = Nack::new(round_trip.clone());
    let registry = interceptors(&mut engine, estimator, (pacer, again), nack, tap, protection.clone())?;

    let mut ice_servers = vec![RTCIceServer { urls: servers.stun.clone(), ..Default::default() }];
    ice_servers.extend(servers.turn().map(|(urls, username, password)| RTCIceServer {
        urls,
        username: username.into(),
        credential: password.into(),
    }));
    ice_servers.retain(|server| !server.urls.is_empty());
    let policy = if config.relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    let configuration = RTCConfigurationBuilder::new()
        .with_certificates(vec![config.identity.certificate.clone()])
        .with_ice_servers(ice_servers)
        .with_ice_transport_policy(policy)
        .build();

    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_media_engine(engine)
        .with_setting_engine(settings(config, mdns))
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(forward.clone()))
        .with_udp_addrs(addresses(config)?)
        .with_runtime(Arc::new(RelayRuntime::new(
            WatchedRuntime::new(Keepalive::new(servers.stun.clone()), watch.clone(), forward.clone()),
            servers.clone(),
        )))
        .build()
        .await
        .map_err(|error| RtcError::Socket(error.to_string()))?;
    Ok((Arc::new(connection), estimate))
}

fn settings(config: &PeerConfig, mdns: MulticastDnsMode) -> webrtc::peer_connection::SettingEngine {
    use std::time::Duration;
    let is_loopback = |bind: &Bind| match bind {
        Bind::Address(address) => address.is_loopback(),
        Bind::Interface(name) => name == "lo" || name == "lo0",
    };
    SettingEngineBuilder::new()
        .with_ice_credentials(config.identity.ufrag.clone(), config.identity.password.clone())
        .with_multicast_dns_mode(mdns)
        .with_include_loopback_candidate(config.bind.iter().any(is_loopback))
        // Disconnected after 4 s of silence. Never failed: a person carries the blobs, and `failed`
        // would throw the candidates away; the call's own state machine decides when it is over.
        .with_ice_timeouts(Some(Duration::from_secs(4)), Some(Duration::ZERO), Some(Duration::from_secs(1)))
        // A pair is tried for as long as a person may take, not for 1.6 s. The largest number overflows in
        // the library.
        .with_ice_connection_attempts(Some(config.check_interval), Some(u16::MAX - 1))
        // Better paths get a head start, not half a second and two: checks are quick, and so is a
        // path within one network.
        .with_srflx_acceptance_min_wait(Some(Duration::from_millis(150)))
        .with_prflx_acceptance_min_wait(Some(Duration::from_millis(250)))
        // A relay is refreshed in time for the NAT before a TURN server over UDP, not only for the server.
        .with_turn_allocation_refresh_interval_cap(RELAY_REFRESH)
        // What is taken once is kept.
        .with_relay_acceptance_min_wait(Some(Duration::from_millis(800)))
        // In packets. The library's 64 are a quarter of a second of 720p: what is sent again for the second
        // time comes later than that, and would be refused as a replay. Browsers have 1,024.
        .with_srtp_replay_protection_window(2048)
        .build()
}
