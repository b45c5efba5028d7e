//! What is between one family of addresses here and the internet.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::Serialize;
use tokio::net::UdpSocket;

use super::{
    ask::{Question, Reply, Silence, ask},
    filtering::{Filtered, Filtering, filtering},
    hairpin::hairpin,
    lifetime::{Lifetime, lifetime},
    local::{leaves_from, open},
    mapping::{Mapping, Observation, other_targets},
};

/// How the NAT behaves, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Behaviour {
    /// Which public address each destination sees.
    pub mapping: Mapping,
    /// Who gets in.
    pub filtering: Filtering,
    /// Whether the NAT takes another port towards someone who sent something before he was sent to, though otherwise
    /// all see the same: then two that send at the same time may miss each other. `None`: not known.
    pub disturbed: Option<bool>,
    /// Whether two sockets behind the NAT reach each other at their public addresses. `None`: no NAT, or not known.
    pub hairpin: Option<bool>,
    /// Whether the public port is the socket's own.
    pub port_preserved: Option<bool>,
    /// How long the NAT remembers a silent socket; `None`: not asked for, no NAT, or no server that can tell.
    pub lifetime: Option<Lifetime>,
}

impl Behaviour {
    pub(super) const UNKNOWN: Self = Self {
        mapping: Mapping::Unknown,
        filtering: Filtering::Unknown,
        disturbed: None,
        hairpin: None,
        port_preserved: None,
        lifetime: None,
    };
}

/// Asks the servers, all at these addresses of one family, and then those that can tell more.
pub(super) async fn behaviour(
    bind: IpAddr,
    servers: &[SocketAddr],
    longest: Option<Duration>,
) -> (Vec<Result<Reply, Silence>>, Behaviour) {
    let socket = match open(bind).await {
        Ok(socket) => socket,
        // Without the family there is no way.
        Err(_) => return (vec![Err(Silence::NoRoute); servers.len()], Behaviour::UNKNOWN),
    };
    let questions: Vec<Question> = servers.iter().copied().map(Question::plain).collect();
    let replies = ask(&socket, &questions).await;
    let answered: Vec<(SocketAddr, Reply)> =
        servers.iter().zip(&replies).filter_map(|(to, reply)| Some((*to, *reply.as_ref().ok()?))).collect();
    let Some((nearest, _)) = answered.iter().min_by_key(|(_, reply)| reply.round_trip).copied() else {
        return (replies, Behaviour::UNKNOWN);
    };

    let mut observations = Vec::new();
    for (to, reply) in &answered {
        observations.extend(observation(&socket, bind, *to, reply).await);
    }
    let (able, others) = first_able(&socket, &answered).await;
    for (to, reply) in &others {
        observations.extend(observation(&socket, bind, *to, reply).await);
    }
    let mapping = Mapping::of(&observations);
    let depends = mapping.depends().unwrap_or(false);
    let has_nat = mapping != Mapping::None;
    let (filtered, hairpin, lifetime) = tokio::join!(
        async {
            match able {
                Some((server, other)) => filtering(bind, server, other, depends).await,
                None => Filtered { filtering: Filtering::Unknown, disturbed: None },
            }
        },
        async { if has_nat { hairpin(bind, nearest).await } else { None } },
        async {
            match longest {
                Some(longest) if has_nat => lifetime(bind, able.map_or(nearest, |(server, _)| server), longest).await,
                _ => None,
            }
        },
    );
    let Filtered { filtering, disturbed } = filtered;
    let port_preserved = has_nat.then(|| observations.iter().all(|each| each.mapped.port() == each.local.port()));
    (replies, Behaviour { mapping, filtering, disturbed, hairpin, port_preserved, lifetime })
}

/// A server and its other address.
type Pair = (SocketAddr, SocketAddr);

/// Returns the first server whose other address answers, and what that answers there.
async fn first_able(socket: &UdpSocket, answered: &[(SocketAddr, Reply)]) -> (Option<Pair>, Vec<(SocketAddr, Reply)>) {
    // Some announce an address that is none. Not many are tried: someone waits.
    const TRIED: usize = 2;
    let told = answered.iter().filter_map(|(server, reply)| Some((*server, reply.told.other?)));
    let tried = told.map(|(server, other)| (server, other, other_targets(server, other)));
    for (server, other, targets) in tried.filter(|(_, _, targets)| !targets.is_empty()).take(TRIED) {
        let questions: Vec<Question> = targets.iter().copied().map(Question::plain).collect();
        let replies = ask(socket, &questions).await;
        let heard: Vec<(SocketAddr, Reply)> =
            targets.into_iter().zip(replies).filter_map(|(to, reply)| Some((to, reply.ok()?))).collect();
        if heard.iter().any(|(to, _)| *to == other) {
            return (Some((server, other)), heard);
        }
    }
    (None, vec![])
}

/// Returns what a server saw, if it is known where the request left from.
pub(super) async fn observation(
    socket: &UdpSocket,
    bind: IpAddr,
    to: SocketAddr,
    reply: &Reply,
) -> Option<Observation> {
    let port = socket.local_addr().ok()?.port();
    let local = SocketAddr::new(leaves_from(bind, to).await?, port);
    Some(Observation { to, local, mapped: reply.told.mapped })
}
