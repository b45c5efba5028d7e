//! Whom a NAT lets in (RFC 4787, 5; RFC 5780, 4.4).
//!
//! A server with two addresses is asked to answer from one that was never sent to. Each test has a socket of its own:
//! whatever was sent before opens the way, and would be taken for the NAT's kindness.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::{
    ask::{Question, Reply, Silence, ask, ask_one},
    local::open,
    message::Request,
};

/// How a NAT or a firewall filters, as RFC 4787 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Filtering {
    /// Whoever knows the public address gets in.
    EndpointIndependent,
    /// Only addresses that were sent to get in, from any port.
    AddressDependent,
    /// Only addresses and ports that were sent to get in.
    AddressAndPortDependent,
    /// No server that answered can answer from elsewhere.
    Unknown,
}

/// What the tests for it tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filtered {
    pub(super) filtering: Filtering,
    /// Whether the NAT uses another port towards someone who sent something before he was sent to. A router that takes
    /// such a packet for one to itself does (Linux without a firewall): two of them that send at the same time miss
    /// each other. `None`: not known.
    pub(super) disturbed: Option<bool>,
}

/// What came of the request to answer from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    Came,
    Silent,
    /// The server refuses, or answers from where it was asked.
    Unable,
}

/// Asks a server and its other address; `depends` is whether the NAT gives each destination a port of its own.
pub(super) async fn filtering(bind: IpAddr, server: SocketAddr, other: SocketAddr, depends: bool) -> Filtered {
    let ((from_elsewhere, disturbed), from_other_port, able) =
        tokio::join!(elsewhere(bind, server, other), other_port(bind, server), able(bind, server, other));
    let filtering = judge(from_elsewhere, from_other_port, able || depends);
    // A NAT that gives each destination a port of its own does so here, too: that says nothing.
    Filtered { filtering, disturbed: if depends { None } else { disturbed } }
}

/// RFC 5780, 4.4, test II; then the other address is sent to, to see whether its own word made a difference.
async fn elsewhere(bind: IpAddr, server: SocketAddr, other: SocketAddr) -> (Tried, Option<bool>) {
    let Ok(socket) = open(bind).await else { return (Tried::Unable, None) };
    let before = ask_one(&socket, Question::plain(server)).await;
    let tried = ask_one(&socket, Question { to: server, request: Request::FromElsewhere }).await;
    let tried = came(tried, |from| from.ip() != server.ip());
    let after = ask_one(&socket, Question::plain(other)).await;
    let disturbed = match (before, after) {
        (Ok(before), Ok(after)) => Some(before.told.mapped != after.told.mapped),
        _ => None,
    };
    (tried, disturbed)
}

/// RFC 5780, 4.4, test III.
async fn other_port(bind: IpAddr, server: SocketAddr) -> Tried {
    let Ok(socket) = open(bind).await else { return Tried::Unable };
    let tried = ask_one(&socket, Question { to: server, request: Request::FromOtherPort }).await;
    came(tried, |from| from.ip() == server.ip() && from.port() != server.port())
}

/// Whether the server can answer from elsewhere at all: the way is opened first, and silence then is its own.
async fn able(bind: IpAddr, server: SocketAddr, other: SocketAddr) -> bool {
    let Ok(socket) = open(bind).await else { return false };
    ask(&socket, &[Question::plain(server), Question::plain(other)]).await;
    let tried = ask_one(&socket, Question { to: server, request: Request::FromElsewhere }).await;
    came(tried, |from| from.ip() != server.ip()) == Tried::Came
}

fn came(reply: Result<Reply, Silence>, as_asked: impl Fn(SocketAddr) -> bool) -> Tried {
    match reply {
        Ok(reply) if as_asked(reply.from) => Tried::Came,
        Err(Silence::NoAnswer) => Tried::Silent,
        Ok(_) | Err(_) => Tried::Unable,
    }
}

/// Silence is the NAT's only where the server is known to be `able`.
const fn judge(elsewhere: Tried, other_port: Tried, able: bool) -> Filtering {
    match (elsewhere, other_port) {
        (Tried::Came, _) => Filtering::EndpointIndependent,
        (Tried::Silent, Tried::Came) if able => Filtering::AddressDependent,
        (Tried::Silent, Tried::Silent) if able => Filtering::AddressAndPortDependent,
        _ => Filtering::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rtc::nat::message::{Told, tests::read};

    #[test]
    fn silence_counts_where_the_server_could_have_spoken() {
        use Tried::{Came, Silent, Unable};
        for (elsewhere, other_port, able, expected) in [
            (Came, Silent, true, Filtering::EndpointIndependent),
            (Came, Came, false, Filtering::EndpointIndependent),
            (Silent, Came, true, Filtering::AddressDependent),
            (Silent, Silent, true, Filtering::AddressAndPortDependent),
            (Silent, Came, false, Filtering::Unknown),
            (Silent, Silent, false, Filtering::Unknown),
            (Unable, Unable, true, Filtering::Unknown),
            (Silent, Unable, true, Filtering::Unknown),
        ] {
            assert_eq!(judge(elsewhere, other_port, able), expected, "{elsewhere:?} {other_port:?} {able}");
        }
    }

    #[test]
    fn an_answer_from_where_it_was_asked_tells_nothing() {
        let server = read("192.0.2.1:3478");
        let reply = |from| {
            let told = Told { mapped: read("192.0.2.9:1"), other: None };
            Ok(Reply { told, from: read(from), round_trip: Duration::ZERO })
        };
        let elsewhere = |from: SocketAddr| from.ip() != server.ip();
        for (reply, expected) in [
            (reply("192.0.2.2:3479"), Tried::Came),
            (reply("192.0.2.1:3478"), Tried::Unable),
            (Err(Silence::Refused(420)), Tried::Unable),
            (Err(Silence::NoAnswer), Tried::Silent),
        ] {
            assert_eq!(came(reply, elsewhere), expected, "{reply:?}");
        }
    }
}
