//! The exchange: descriptions to and fro, through whatever carries them.

use std::pin::pin;

use tokio::sync::mpsc;

use super::{
    Ended, Request, Role,
    failure::{self, Failure},
    seal::Unsealed,
    state::{CallState, Input},
    task::Task,
};
use crate::{
    media::{Description, DescriptionKind, now},
    observe::EventKind,
    rtc::{RtcError, RtcEvent, routes},
    signaling::{BlobError, Expected, Reach, Signaling, SignalingError},
    trust::Fingerprint,
};

impl Task {
    /// Carries the descriptions to and fro, then the call, to its end.
    pub(super) async fn exchange(
        &mut self,
        role: Role,
        signaling: &mut impl Signaling,
        state: &mut CallState,
        connection: &mut mpsc::Receiver<RtcEvent>,
        controls: &mut mpsc::Receiver<Request>,
    ) -> Result<Ended, Failure> {
        if role == Role::Answer {
            let expected = self.expected(role);
            let mut receive = pin!(signaling.receive(expected));
            let offer = loop {
                tokio::select! {
                    offer = &mut receive => break offer?,
                    control = controls.recv() => if let Some(ended) = self.control(control, state).await {
                        return Ok(ended);
                    },
                }
            };
            if let Err(error) = Fingerprint::of_sdp(&offer.sdp) {
                return Err(Failure::refused(&failure::clause(&error)));
            }
            self.events.emit(EventKind::RemoteDescription { kind: DescriptionKind::Offer });
            self.offer = Some(offer);
        }
        if let Some(ended) = self.describe(signaling, state, connection, controls).await? {
            return Ok(ended);
        }
        self.step(&Input::Described, state).await?;

        self.talk(role, signaling, state, connection, controls).await
    }

    /// Returns what is waited for: the answer to our offer, or an offer, and later another one in the
    /// place of one that went stale. A TURN server reaches what this machine does not.
    pub(super) fn expected(&self, role: Role) -> Expected {
        let kind = match role {
            Role::Offer => DescriptionKind::Answer,
            Role::Answer => DescriptionKind::Offer,
        };
        let relay = !self.config.turn.is_empty();
        let [ipv4, ipv6] = routes().map(|route| route || relay);
        // Within one machine nothing has to lead anywhere.
        let reach = if ipv4 || ipv6 { Reach { ipv4, ipv6 } } else { Reach::default() };
        Expected { reach, answered: self.offer.clone(), ..Expected::new(kind, self.sent.clone()) }
    }

    /// Takes what came while somebody was waited for.
    pub(super) async fn received(
        &mut self,
        role: Role,
        received: Result<Description, SignalingError>,
        signaling: &mut impl Signaling,
        state: &mut CallState,
        connection: &mut mpsc::Receiver<RtcEvent>,
        controls: &mut mpsc::Receiver<Request>,
    ) -> Result<Next, Failure> {
        match (role, received) {
            (Role::Offer, received) => {
                let answer = match self.unsealed(received?)? {
                    Unsealed::Answer(answer) => answer,
                    Unsealed::AskAgain(reason) => return Ok(self.ignore(&BlobError::Refused { reason })),
                };
                if let Err(error) = Fingerprint::of_sdp(&answer.sdp) {
                    return Ok(self.ignore(&BlobError::Refused { reason: failure::clause(&error) }));
                }
                match self.peer.accept(&answer).await {
                    Err(RtcError::Description(reason)) => Ok(self.ignore(&BlobError::Refused { reason })),
                    Err(error) => Err(error.into()),
                    Ok(()) => {
                        self.events.emit(EventKind::RemoteDescription { kind: answer.kind });
                        self.answer = Some(answer);
                        Ok(Next::of(self.step(&Input::RemoteKnown, state).await?))
                    }
                }
            }
            (Role::Answer, Ok(offer)) => {
                self.events.emit(EventKind::RemoteDescription { kind: offer.kind });
                self.offer = Some(offer);
                let ended = self.renew(signaling, state, connection, controls).await?;
                Ok(ended.map_or(Next::AskAgain, Next::End))
            }
            (Role::Answer, Err(SignalingError::Interrupted)) => Ok(Next::of(state.step(&Input::HangUp, now()))),
            // Our answer is out: what else comes in, or comes no more, does not end the call.
            (Role::Answer, Err(SignalingError::Blob(error))) => Ok(self.ignore(&error)),
            (Role::Answer, Err(SignalingError::Ended(_))) => Ok(Next::GoOn),
        }
    }

    fn ignore(&self, error: &BlobError) -> Next {
        self.events.emit(EventKind::Ignored { what: error.to_string() });
        Next::AskAgain
    }
}

/// What follows when something was received.
pub(super) enum Next {
    /// The call goes on.
    GoOn,
    /// The person is asked again.
    AskAgain,
    /// The call is over.
    End(Ended),
}

impl Next {
    fn of(ended: Option<Ended>) -> Self {
        ended.map_or(Self::GoOn, Self::End)
    }

    /// Returns the end, if this is it.
    pub(super) fn ended(self) -> Option<Ended> {
        match self {
            Self::End(ended) => Some(ended),
            Self::GoOn | Self::AskAgain => None,
        }
    }
}
