//! How long a NAT remembers a socket that is silent (RFC 4787, 4.3; RFC 5780, 4.6).
//!
//! RFC 5780 searches with one pair of sockets after the other, which takes many times as long as what is measured.
//! Here one socket for each age is opened at the beginning and left alone; when it has that age, another one asks the
//! server to answer to its port. What does not come in is forgotten.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::Serialize;
use tokio::{net::UdpSocket, time::sleep_until};

use super::{
    ask::{Question, ask_elsewhere, ask_one},
    local::open,
    message::Request,
};
use crate::media::now;

/// Ages that are looked at, in seconds: the usual time-outs (30, 60, 120, 180, 300 and 600 s) lie between them.
const AGES: [u64; 14] = [5, 15, 25, 35, 55, 65, 110, 130, 170, 190, 290, 310, 590, 610];

/// From one age that it was remembered at to one that it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lifetime {
    /// Seconds after which it was still remembered.
    pub at_least_s: u64,
    /// Seconds after which it was forgotten; `None`: not within the time that was to be waited.
    pub less_than_s: Option<u64>,
}

/// Measures for at most `longest`; `None` if the server cannot answer to another port.
pub(super) async fn lifetime(bind: IpAddr, server: SocketAddr, longest: Duration) -> Option<Lifetime> {
    let asking = open(bind).await.ok()?;
    let control = left_alone(bind, server).await?;
    if !is_remembered(&asking, &control, server).await {
        return None;
    }
    let mut sockets = Vec::new();
    for age in ages(longest) {
        let (socket, left) = (left_alone(bind, server).await?, now());
        sockets.push((age, socket, left));
    }
    let mut lifetime = Lifetime { at_least_s: 0, less_than_s: None };
    for (age, socket, left) in sockets {
        sleep_until((left + Duration::from_secs(age)).into()).await;
        if !is_remembered(&asking, &socket, server).await {
            lifetime.less_than_s = Some(age);
            break;
        }
        lifetime.at_least_s = age;
    }
    Some(lifetime)
}

/// Returns the ages to look at, the longest that may be waited for last.
fn ages(longest: Duration) -> Vec<u64> {
    let longest = longest.as_secs();
    let mut ages: Vec<u64> = AGES.into_iter().filter(|age| *age < longest).collect();
    ages.push(longest);
    ages
}

/// A socket that the NAT knows, and the port that it is known by.
struct Known {
    socket: UdpSocket,
    port: u16,
}

async fn left_alone(bind: IpAddr, server: SocketAddr) -> Option<Known> {
    let socket = open(bind).await.ok()?;
    let port = ask_one(&socket, Question::plain(server)).await.ok()?.told.mapped.port();
    Some(Known { socket, port })
}

async fn is_remembered(asking: &UdpSocket, known: &Known, server: SocketAddr) -> bool {
    let question = Question { to: server, request: Request::ToPort(known.port) };
    ask_elsewhere(asking, &known.socket, &[question]).await.iter().any(Result::is_ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_end_with_the_longest_wait() {
        for (longest, expected) in [(0, &[0][..]), (5, &[5]), (30, &[5, 15, 25, 30]), (35, &[5, 15, 25, 35])] {
            assert_eq!(ages(Duration::from_secs(longest)), expected, "{longest}");
        }
        let ages = ages(Duration::from_secs(3600));
        assert!(ages.is_sorted() && ages.ends_with(&[610, 3600]));
    }
}
