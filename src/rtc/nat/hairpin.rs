//! Whether two sockets behind one NAT reach each other at their public addresses (RFC 4787, 6; RFC 5780, 4.5).

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::UdpSocket, time::timeout_at};

use super::{
    ask::{Question, ask_one, receive},
    local::open,
    message::{Request, Transaction, encode},
};
use crate::media::now;

/// How often both send, and how long they listen after each time: the way leads to the router and back.
const TRIES: u32 = 3;
const LISTEN: Duration = Duration::from_millis(250);

/// Tries it with two sockets; `None` if the server did not tell both their addresses.
pub(super) async fn hairpin(bind: IpAddr, server: SocketAddr) -> Option<bool> {
    let (a, b) = (open(bind).await.ok()?, open(bind).await.ok()?);
    let (public_a, public_b) = tokio::join!(ask_one(&a, Question::plain(server)), ask_one(&b, Question::plain(server)));
    let (public_a, public_b) = (public_a.ok()?.told.mapped, public_b.ok()?.told.mapped);
    let ((to_b, from_a), (to_a, from_b)) = (encode(Request::Plain), encode(Request::Plain));
    let start = now();
    for tries in 1..=TRIES {
        // Both send: a NAT that filters lets in only whom it was asked for. What fails here fails to arrive.
        let _ = tokio::join!(a.send_to(&from_a, public_b), b.send_to(&from_b, public_a));
        let until = start + tries * LISTEN;
        let arrived = async {
            tokio::select! {
                () = arrival(&a, to_a) => {}
                () = arrival(&b, to_b) => {}
            }
        };
        if timeout_at(until.into(), arrived).await.is_ok() {
            return Some(true);
        }
    }
    Some(false)
}

/// Waits for the request of this transaction.
async fn arrival(socket: &UdpSocket, transaction: Transaction) {
    loop {
        let (datagram, _) = receive(socket).await;
        if datagram.get(8..20) == Some(&transaction[..]) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::rtc::nat::message::tests::{answer, read};

    /// Tries it with a server that tells each socket its own address, or another.
    async fn tried(honest: bool) -> Option<bool> {
        let bind = IpAddr::from(Ipv4Addr::LOCALHOST);
        let server = open(bind).await.expect("a socket");
        let silent = open(bind).await.expect("a socket");
        let at = server.local_addr().expect("an address");
        let serve = async {
            loop {
                let (request, from) = receive(&server).await;
                let mapped = if honest { from } else { silent.local_addr().expect("an address") };
                server.send_to(&answer(&request, mapped, Some(read("192.0.2.1:1"))), from).await.expect("sent");
            }
        };
        tokio::select! {
            hairpin = hairpin(bind, at) => hairpin,
            () = serve => unreachable!("it serves for ever"),
        }
    }

    #[tokio::test]
    async fn what_arrives_is_seen_and_what_does_not_is_too() {
        assert_eq!(tried(true).await, Some(true));
        assert_eq!(tried(false).await, Some(false));
    }
}
