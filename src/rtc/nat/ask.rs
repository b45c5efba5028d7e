//! Asks STUN servers over UDP, several at the same time from one socket (RFC 8489, 6.2.1).

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    net::UdpSocket,
    time::{sleep, timeout_at},
};

use super::message::{Request, Told, Transaction, decode, encode};
use crate::media::now;

/// When a request leaves, in milliseconds after the first; RFC 8489 would go on for 39.5 s, and a person waits here.
const TRIES: [u64; 3] = [0, 250, 750];

/// When an answer is not waited for any more, in milliseconds after the first request.
const PATIENCE: u64 = 1_750;

/// One question to one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) to: SocketAddr,
    pub(super) request: Request,
}

impl Question {
    pub(super) const fn plain(to: SocketAddr) -> Self {
        Self { to, request: Request::Plain }
    }
}

/// An answer, and how it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) told: Told,
    pub(super) from: SocketAddr,
    pub(super) round_trip: Duration,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// No way leads there from here.
    NoRoute,
    /// This machine does not let the request out.
    NotLetOut,
    /// The server answered with this error (RFC 8489, 14.8).
    Refused(u16),
    /// Nothing came.
    NoAnswer,
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::AddrNotAvailable => {
                Self::NoRoute
            }
            _ => Self::NotLetOut,
        }
    }
}

/// Asks all questions from one socket; returns as soon as all are answered, after two seconds at the latest.
pub(super) async fn ask(socket: &UdpSocket, questions: &[Question]) -> Vec<Result<Reply, Silence>> {
    ask_elsewhere(socket, socket, questions).await
}

/// Asks one question.
pub(super) async fn ask_one(socket: &UdpSocket, question: Question) -> Result<Reply, Silence> {
    ask(socket, &[question]).await.pop().unwrap_or(Err(Silence::NoAnswer))
}

/// Asks from one socket for answers that are to come to another one.
pub(super) async fn ask_elsewhere(
    from: &UdpSocket,
    at: &UdpSocket,
    questions: &[Question],
) -> Vec<Result<Reply, Silence>> {
    let mut results = vec![Err(Silence::NoAnswer); questions.len()];
    // Each try is a transaction of its own: so it is known which of them is answered, and how long that took.
    let mut waiting: HashMap<Transaction, (usize, Instant)> = HashMap::new();
    let start = now();
    for index in 0..TRIES.len() {
        for (number, question) in questions.iter().enumerate() {
            if !is_open(&results[number]) {
                continue;
            }
            let (transaction, bytes) = encode(question.request);
            results[number] = Err(match from.send_to(&bytes, question.to).await {
                Ok(_) => Silence::NoAnswer,
                Err(error) => error.into(),
            });
            waiting.insert(transaction, (number, now()));
        }
        let until = start + Duration::from_millis(TRIES.get(index + 1).copied().unwrap_or(PATIENCE));
        while results.iter().any(is_open) {
            let Ok((datagram, source)) = timeout_at(until.into(), receive(at)).await else { break };
            let Some(answer) = decode(&datagram) else { continue };
            let Some((number, sent)) = waiting.remove(&answer.transaction) else { continue };
            results[number] = match answer.said {
                Ok(told) => Ok(Reply { told, from: source, round_trip: now().saturating_duration_since(sent) }),
                Err(code) => Err(Silence::Refused(code)),
            };
        }
    }
    results
}

/// What could not be sent is tried again: a route may be about to come.
const fn is_open(result: &Result<Reply, Silence>) -> bool {
    matches!(result, Err(Silence::NoAnswer | Silence::NoRoute | Silence::NotLetOut))
}

/// Returns the next datagram. Some systems report here what became of an earlier one: nothing that matters.
pub(super) async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 1500];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                buffer.truncate(length);
                return (buffer, from);
            }
            Err(error) => {
                tracing::debug!(%error, "receiving from a STUN server");
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::rtc::nat::message::tests::{answer, read};

    async fn socket() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket")
    }

    #[tokio::test]
    async fn several_servers_are_asked_at_once() {
        let (client, first, second) = (socket().await, socket().await, socket().await);
        let questions = [&first, &second].map(|server| Question::plain(server.local_addr().expect("an address")));
        let answers = async {
            let (request, from) = receive(&first).await;
            // Nobody's answer, and no answer.
            for stray in [&answer(&encode(Request::Plain).1, read("192.0.2.7:7"), None)[..], b"?"] {
                first.send_to(stray, from).await.expect("sent");
            }
            first.send_to(&answer(&request, read("192.0.2.1:1"), None), from).await.expect("sent");
            // The first request to the second one is lost.
            receive(&second).await;
            let (request, from) = receive(&second).await;
            second.send_to(&answer(&request, read("192.0.2.1:2"), None), from).await.expect("sent");
        };
        let (replies, ()) = tokio::join!(ask(&client, &questions), answers);
        for (reply, (mapped, question)) in
            replies.iter().zip([("192.0.2.1:1", questions[0]), ("192.0.2.1:2", questions[1])])
        {
            let reply = reply.as_ref().expect("an answer");
            assert_eq!((reply.told.mapped, reply.from), (read(mapped), question.to));
            assert!(reply.round_trip < Duration::from_millis(TRIES[1]), "of the try that was answered");
        }
    }

    #[tokio::test]
    async fn silence_ends_in_two_seconds() {
        let (client, server) = (socket().await, socket().await);
        let start = now();
        let reply = ask_one(&client, Question::plain(server.local_addr().expect("an address"))).await;
        assert_eq!(reply, Err(Silence::NoAnswer));
        assert!(now().saturating_duration_since(start) < Duration::from_secs(2));
        for _ in TRIES {
            assert!(server.try_recv_from(&mut [0; 100]).is_ok(), "each try was sent");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_told() {
        // From IPv4 nothing leads to IPv6.
        let reply = ask_one(&socket().await, Question::plain(read("[2001:db8::1]:3478"))).await;
        assert!(matches!(reply, Err(Silence::NoRoute | Silence::NotLetOut)), "{reply:?}");
    }
}
