//! The states of a call: what follows from what, with time as an argument and nothing done.
//!
//! ```text
//! Describing ─▶ AwaitingRemote ─▶ Connecting ─▶ Connected ◀─▶ Interrupted
//!                 (a person!)                       any state ─▶ Ending
//! ```

use std::time::{Duration, Instant};

use super::Obstacle;
use crate::{
    observe::CallStateName,
    signaling::{LIFETIME, SignalingError},
};

/// Something the state depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Our description has been handed over.
    Described,
    /// Both descriptions are there.
    RemoteKnown,
    /// ICE found a path; DTLS comes next.
    PathFound,
    /// ICE and DTLS are through.
    Connected,
    /// Nothing has come from the other side for some seconds.
    Disconnected,
    /// The connection failed for good.
    Failed,
    /// The other side closed the connection.
    Closed,
    /// The other side says that it hangs up.
    RemoteBye,
    /// The person here hangs up.
    HangUp,
    /// Time passes.
    Tick,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// We hung up, or the time set was over.
    HungUp,
    /// The other side hung up.
    RemoteHungUp,
    /// Nothing came from the other side any more.
    ConnectionLost,
    /// No path between the two was found.
    Unreachable(Obstacle),
    /// A path was found, but the two could not agree on keys.
    HandshakeFailed(Obstacle),
    /// Nobody came for [`LIFETIME`].
    Expired,
    /// The exchange of descriptions came to nothing.
    Exchange(SignalingError),
    /// The connection could not be opened, or ended for a reason of its own.
    Failed(String),
}

impl Ended {
    /// Whether the call came to an end that somebody wanted.
    pub const fn is_normal(&self) -> bool {
        matches!(self, Self::HungUp | Self::RemoteHungUp)
    }

    /// Returns the end as a word for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::RemoteHungUp => "remote_hung_up",
            Self::ConnectionLost => "connection_lost",
            Self::Unreachable(_) => "unreachable",
            Self::HandshakeFailed(_) => "handshake_failed",
            Self::Expired => "expired",
            Self::Exchange(_) => "exchange_failed",
            Self::Failed(_) => "failed",
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HungUp => "You hung up.",
            Self::RemoteHungUp => "The other side hung up.",
            Self::ConnectionLost => {
                "The connection was lost: nothing came from the other side any more. Call again when both networks are back."
            }
            Self::Unreachable(obstacle) => {
                return write!(f, "No way to the other side was found. {obstacle}");
            }
            Self::HandshakeFailed(obstacle) => return obstacle.fmt(f),
            Self::Expired => "Nobody came for twelve hours. Make a new offer when both of you have time.",
            Self::Exchange(error) => return error.fmt(f),
            Self::Failed(what) => what,
        })
    }
}

/// How long to look for a path once both descriptions are known, and then for the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// When this has passed without a connection, the person is told what stands in its way.
const EXPLAIN_AFTER: Duration = Duration::from_secs(10);

/// How long an interrupted call may stay so. With the 4 s until it is noticed, a peer that was
/// killed is found within 10 s.
const INTERRUPTED_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a call is.
#[derive(Clone, Debug)]
pub(super) struct CallState {
    name: CallStateName,
    since: Instant,
    path_found: bool,
    /// What was last seen to stand in the way, and whether it was told.
    obstacle: Obstacle,
    told: bool,
    connected_at: Option<Instant>,
    duration: Option<Duration>,
}

impl CallState {
    /// A call begins with the making of its description; `duration` after it connected it ends.
    pub(super) const fn new(now: Instant, duration: Option<Duration>) -> Self {
        Self {
            name: CallStateName::Describing,
            since: now,
            path_found: false,
            obstacle: Obstacle::NoReply,
            told: false,
            connected_at: None,
            duration,
        }
    }

    pub(super) const fn name(&self) -> CallStateName {
        self.name
    }

    /// Returns when the call first connected.
    pub(super) const fn connected_at(&self) -> Option<Instant> {
        self.connected_at
    }

    /// Whether ICE has found a path.
    pub(super) const fn path_found(&self) -> bool {
        self.path_found
    }

    /// Takes note of what stands in the way. Whether it is time to tell the person, once.
    pub(super) fn obstructed(&mut self, obstacle: Obstacle, now: Instant) -> bool {
        self.obstacle = obstacle;
        let tell = !self.told && now.saturating_duration_since(self.since) >= EXPLAIN_AFTER;
        self.told |= tell;
        tell
    }

    /// Takes what happened; returns the end if this is it. The name may have changed afterwards.
    pub(super) fn step(&mut self, input: &Input, now: Instant) -> Option<Ended> {
        use CallStateName::{AwaitingRemote, Connected, Connecting, Describing, Ending, Interrupted};
        let ended = match (self.name, input) {
            (Ending, _) => return None,
            (_, Input::HangUp) => Some(Ended::HungUp),
            (_, Input::RemoteBye | Input::Closed) => Some(Ended::RemoteHungUp),
            (Connected | Interrupted, Input::Failed) => Some(Ended::ConnectionLost),
            (_, Input::Failed) if self.path_found => Some(Ended::HandshakeFailed(self.obstacle)),
            (_, Input::Failed) => Some(Ended::Unreachable(self.obstacle)),
            (_, Input::Tick) => self.overdue(now),
            (Describing, Input::Described) => {
                self.enter(AwaitingRemote, now);
                None
            }
            (Describing | AwaitingRemote, Input::RemoteKnown) => {
                self.enter(Connecting, now);
                None
            }
            (Describing | AwaitingRemote | Connecting, Input::PathFound) => {
                self.path_found = true;
                self.enter(Connecting, now);
                None
            }
            (Describing | AwaitingRemote | Connecting | Interrupted, Input::Connected) => {
                self.connected_at.get_or_insert(now);
                self.enter(Connected, now);
                None
            }
            (Connected, Input::Disconnected) => {
                self.enter(Interrupted, now);
                None
            }
            _ => None,
        };
        if ended.is_some() {
            self.enter(Ending, now);
        }
        ended
    }

    fn overdue(&self, now: Instant) -> Option<Ended> {
        let waited = now.saturating_duration_since(self.since);
        let over = |at: Instant| self.duration.is_some_and(|duration| now.saturating_duration_since(at) >= duration);
        match self.name {
            CallStateName::Connecting if self.obstacle == Obstacle::WrongFingerprint => {
                Some(Ended::HandshakeFailed(self.obstacle))
            }
            CallStateName::Connecting if waited >= CONNECT_TIMEOUT && self.path_found => {
                Some(Ended::HandshakeFailed(self.obstacle))
            }
            CallStateName::Connecting if waited >= CONNECT_TIMEOUT => Some(Ended::Unreachable(self.obstacle)),
            CallStateName::AwaitingRemote if waited >= LIFETIME => Some(Ended::Expired),
            CallStateName::Interrupted if waited >= INTERRUPTED_TIMEOUT => Some(Ended::ConnectionLost),
            _ if self.connected_at.is_some_and(over) => Some(Ended::HungUp),
            _ => None,
        }
    }

    fn enter(&mut self, name: CallStateName, now: Instant) {
        self.name = name;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use CallStateName::{AwaitingRemote, Connected, Connecting, Ending, Interrupted};

    use super::*;
    use crate::media::now;

    /// Seconds, what happens, where it leads.
    type Step = (u64, Input, CallStateName, Option<Ended>);

    fn run(duration: Option<u64>, steps: &[Step]) {
        let start = now();
        let mut state = CallState::new(start, duration.map(Duration::from_secs));
        for (second, input, name, ended) in steps {
            let outcome = state.step(input, start + Duration::from_secs(*second));
            assert_eq!((state.name(), &outcome), (*name, ended), "{input:?} at {second} s");
        }
    }

    #[test]
    fn a_person_may_take_hours() {
        run(
            None,
            &[
                (0, Input::Described, AwaitingRemote, None),
                (36_000, Input::Tick, AwaitingRemote, None),
                (36_001, Input::RemoteKnown, Connecting, None),
                (36_002, Input::Connected, Connected, None),
                (90_000, Input::Tick, Connected, None),
                (90_001, Input::HangUp, Ending, Some(Ended::HungUp)),
                (90_002, Input::Closed, Ending, None),
            ],
        );
    }

    #[test]
    fn a_path_that_is_not_found_is_told_from_a_handshake_that_fails() {
        run(
            None,
            &[
                (0, Input::Described, AwaitingRemote, None),
                (1, Input::RemoteKnown, Connecting, None),
                (30, Input::Tick, Connecting, None),
                (31, Input::Tick, Ending, Some(Ended::Unreachable(Obstacle::NoReply))),
            ],
        );
        run(
            None,
            &[
                (0, Input::Described, AwaitingRemote, None),
                (5, Input::PathFound, Connecting, None),
                (35, Input::Tick, Ending, Some(Ended::HandshakeFailed(Obstacle::NoReply))),
            ],
        );
    }

    #[test]
    fn silence_is_survived_for_a_while() {
        run(
            None,
            &[
                (0, Input::Connected, Connected, None),
                (10, Input::Disconnected, Interrupted, None),
                (14, Input::Tick, Interrupted, None),
                (14, Input::Connected, Connected, None),
                (20, Input::Disconnected, Interrupted, None),
                (25, Input::Tick, Ending, Some(Ended::ConnectionLost)),
            ],
        );
    }

    #[test]
    fn the_time_set_counts_from_the_connection() {
        run(
            Some(10),
            &[
                (0, Input::Described, AwaitingRemote, None),
                (100, Input::Connected, Connected, None),
                (109, Input::Tick, Connected, None),
                (110, Input::Tick, Ending, Some(Ended::HungUp)),
            ],
        );
    }

    #[test]
    fn the_other_side_may_end_it_by_word_or_by_closing() {
        for input in [Input::RemoteBye, Input::Closed] {
            run(None, &[(0, Input::Connected, Connected, None), (1, input, Ending, Some(Ended::RemoteHungUp))]);
        }
    }
}
