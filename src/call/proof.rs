//! Who is there: what both sides say to each other for it, once the connection stands.
//!
//! The words of the verification begin as soon as the channel is open. Who gave an answer that is protected by a
//! passphrase neither sends nor believes anything before the other side has shown that it knows it.

use std::time::{Duration, Instant};

use super::{Ended, Role, failure::Failure, message::Message, task::Task};
use crate::{
    media::{MediaKind, now},
    observe::EventKind,
    rtc::RemoteTrack,
    trust::{
        AwaitedProof, ContactName, Fingerprint, OfferedPassphrase, PassphraseError, PassphraseProof, Role as TrustRole,
        SafetyNumber, Share, Verification, VerificationError, VerificationMessage,
    },
};

/// Who knows of words has begun with them within this.
const WORDS_TIMEOUT: Duration = Duration::from_secs(5);

/// The proof of the passphrase is the first thing that the other side sends.
const PROOF_TIMEOUT: Duration = Duration::from_secs(10);

/// What is known of who is there.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// What the other side is told that we are called.
    name: Option<ContactName>,
    verification: Option<Verification>,
    /// Nothing more is expected of the verification.
    settled: bool,
    /// Until the answer to our protected offer comes, and the part of it that the offer carries.
    pub(super) offered: Option<(OfferedPassphrase, Share)>,
    /// To be sent first of all.
    pub(super) proof: Option<PassphraseProof>,
    /// To be waited for before anything is sent or believed.
    pub(super) awaited: Option<AwaitedProof>,
    /// What the other side sends meanwhile.
    held: Vec<RemoteTrack>,
}

impl Proof {
    pub(super) fn new(name: Option<ContactName>) -> Self {
        Self { name, ..Self::default() }
    }

    /// Keeps a track until the other side has proved itself. Returns it if there is nothing to wait for.
    pub(super) fn hold(&mut self, track: RemoteTrack) -> Option<RemoteTrack> {
        if self.awaited.is_none() {
            return Some(track);
        }
        // There is one of each kind in a call.
        if self.held.len() < 4 {
            self.held.push(track);
        }
        None
    }
}

impl Task {
    /// The channel is open: says who we are, and begins.
    pub(super) async fn introduce(&mut self) {
        if let Some(proof) = self.proof.proof.take() {
            self.peer.send_message(&proof.to_text()).await;
        }
        if self.proof.awaited.is_none() {
            self.greet().await;
        }
    }

    /// Says what the other side should know from the start.
    async fn greet(&mut self) {
        if let Some(name) = self.proof.name.clone() {
            self.peer.send_message(&Message::Name { name: name.to_string() }.to_text()).await;
        }
        for kind in [MediaKind::Audio, MediaKind::Video] {
            if self.is_muted(kind) {
                self.peer.send_message(&Message::Muted { kind, muted: true }.to_text()).await;
            }
        }
        self.prepare().await;
        if let Some(message) = self.proof.verification.as_mut().and_then(Verification::begin) {
            self.peer.send_message(&message.to_text()).await;
        }
    }

    /// Makes the one verification of this call.
    async fn prepare(&mut self) {
        if self.proof.verification.is_some() || self.proof.settled {
            return;
        }
        let Some((own, remote)) = self.fingerprints().await else { return };
        let role = match self.role {
            Role::Offer => TrustRole::Offerer,
            Role::Answer => TrustRole::Answerer,
        };
        let mut nonce = [0; Verification::NONCE];
        if let Err(error) = getrandom::fill(&mut nonce) {
            tracing::warn!(%error, "no random numbers: the other side cannot be verified");
            return;
        }
        self.proof.verification = Some(Verification::new(role, own, remote, nonce));
    }

    /// Returns what both certificates of this very connection are known by, once it stands.
    async fn fingerprints(&mut self) -> Option<(Fingerprint, Fingerprint)> {
        let own = Fingerprint::of_sdp(&self.own.as_ref()?.sdp).ok()?;
        let remote = Fingerprint::of_certificate(&self.peer.remote_certificate().await?);
        Some((own, remote))
    }

    /// Takes a message of the other side's if it is about who is there. Returns whether it was.
    pub(super) async fn prove(&mut self, text: &str) -> Result<bool, Failure> {
        if self.proof.awaited.is_some() {
            // Nothing else is believed.
            if let Some(proof) = PassphraseProof::from_text(text) {
                self.check(proof).await?;
            }
            return Ok(true);
        }
        if VerificationMessage::from_text(text).is_none() {
            return Ok(false);
        }
        self.prepare().await;
        match self.proof.verification.as_mut().and_then(|verification| verification.hear(text)) {
            Some(Ok(step)) => {
                if let Some(message) = step.send {
                    self.peer.send_message(&message.to_text()).await;
                }
                if let Some(words) = step.words {
                    self.proof.settled = true;
                    self.events.emit(EventKind::VerificationWords { words: words.to_string() });
                }
            }
            Some(Err(error)) => self.failed(error),
            None => {}
        }
        Ok(true)
    }

    fn failed(&mut self, error: VerificationError) {
        self.proof.settled = true;
        self.events.emit(EventKind::VerificationFailed { what: error.to_string() });
    }

    /// Takes the proof that was waited for: from now on it is a call like any other.
    async fn check(&mut self, proof: Result<PassphraseProof, PassphraseError>) -> Result<(), Failure> {
        let Some(awaited) = self.proof.awaited.take() else { return Ok(()) };
        proof.and_then(|proof| awaited.check(&proof))?;
        self.connect().await?;
        for track in std::mem::take(&mut self.proof.held) {
            self.receive(track)?;
        }
        self.greet().await;
        Ok(())
    }

    /// The other side says who it is.
    pub(super) async fn remote_name(&mut self, name: String) {
        let Some((_, fingerprint)) = self.fingerprints().await else { return };
        match name.parse::<ContactName>() {
            Ok(name) => {
                self.events.emit(EventKind::RemoteName { name: name.to_string(), fingerprint: fingerprint.to_string() })
            }
            Err(error) => tracing::debug!(%error, "the other side's name is none"),
        }
    }

    /// The person says that the words are the same.
    pub(super) fn confirm_words(&self) {
        if self.proof.verification.as_ref().is_some_and(|verification| verification.words().is_some()) {
            self.events.emit(EventKind::WordsConfirmed);
        }
    }

    /// Looks whether something that should have come is missing, in a call that was connected at `since`.
    pub(super) async fn miss(&mut self, since: Instant) -> Option<Ended> {
        let passed = now().saturating_duration_since(since);
        if self.proof.awaited.is_some() {
            return (passed >= PROOF_TIMEOUT).then(|| Ended::Failed(PassphraseError::Unproven.to_string()));
        }
        if !self.proof.settled
            && passed >= WORDS_TIMEOUT
            && let Some((own, remote)) = self.fingerprints().await
        {
            self.proof.settled = true;
            let theirs = self.answer.as_ref().or(self.offer.as_ref());
            let suspicious = theirs.is_some_and(|description| description.attribute("p2pcall").is_some());
            let digits = SafetyNumber::new(&own, &remote).to_string();
            self.events.emit(EventKind::SafetyNumber { digits, suspicious });
        }
        None
    }
}
