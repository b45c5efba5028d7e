//! A passphrase in offer and answer: an offer carries our part of it, an answer is sealed.

use super::{
    failure::{self, Failure},
    task::Task,
};
use crate::{
    media::{Description, DescriptionKind},
    signaling::{Stamp, sealed_answer, with_share},
    trust::{OfferedPassphrase, PassphraseError, Sealed},
};

/// What the offer carries, and what an answer is made of.
pub(super) const SHARE: &str = "passphrase";
pub(super) const SEALED: &str = "sealed";

/// What becomes of an answer that came.
pub(super) enum Unsealed {
    /// It can be taken.
    Answer(Description),
    /// Nothing was tried: the person can be asked again, with these words.
    AskAgain(String),
}

impl Task {
    /// Returns our description as it is to travel where there is a passphrase.
    pub(super) fn protected(&mut self, plain: Description, stamp: Stamp) -> Result<Description, Failure> {
        let offered_share = self.offer.as_ref().and_then(|offer| offer.attribute(SHARE));
        let Some(passphrase) = &self.passphrase else {
            return match offered_share {
                Some(_) => Err(Failure::refused(
                    "a passphrase belongs to it. Run this again with --passphrase, and type what you told each other",
                )),
                None => Ok(plain),
            };
        };
        match (plain.kind, &self.offer) {
            (DescriptionKind::Offer, _) | (_, None) => {
                // A text that replaces one that went stale belongs to the same try.
                let (_, share) = self.proof.offered.get_or_insert_with(|| OfferedPassphrase::begin(passphrase));
                Ok(with_share(&plain, &share.to_string(), stamp))
            }
            (DescriptionKind::Answer, Some(offer)) => {
                let share = offered_share.ok_or_else(|| {
                    Failure::refused(
                        "it has no passphrase, and you want one. If the other person gave one, somebody took it out",
                    )
                })?;
                let (sealed, awaited) =
                    passphrase.answer(&share.parse()?, &context(&offer.sdp), plain.sdp.as_bytes())?;
                self.proof.awaited = Some(awaited);
                Ok(sealed_answer(&sealed.to_string(), stamp))
            }
        }
    }

    /// Opens an answer to a protected offer of ours. There is one try.
    pub(super) fn unsealed(&mut self, answer: Description) -> Result<Unsealed, Failure> {
        let sealed = answer.attribute(SEALED);
        let (Some(sealed), true) = (sealed, self.passphrase.is_some()) else {
            return Ok(match (sealed, &self.passphrase) {
                (None, None) => Unsealed::Answer(answer),
                (Some(_), _) => Unsealed::AskAgain("it is sealed with a passphrase, and your offer has none".into()),
                (None, Some(_)) => Unsealed::AskAgain(
                    "your offer has a passphrase, and this is not sealed with it. It is not from who knows it".into(),
                ),
            });
        };
        let sealed: Sealed = match sealed.parse() {
            Ok(sealed) => sealed,
            Err(error) => return Ok(Unsealed::AskAgain(failure::clause(&error))),
        };
        let (Some((offered, _)), Some(own)) = (self.proof.offered.take(), &self.sent) else {
            return Err(PassphraseError::Refused.into());
        };
        let opened = offered.open(&sealed, &context(&own.sdp))?;
        self.proof.proof = Some(opened.proof);
        let sdp = String::from_utf8(opened.plaintext).map_err(|_| PassphraseError::Damaged)?;
        Ok(Unsealed::Answer(Description { kind: DescriptionKind::Answer, sdp }))
    }
}

/// What both sides must have read in the same offer: all of it but the candidates, which may be renewed while a person
/// carries it, and the stamp, which changes with them. Whoever changes candidates leads nobody astray: what is at the
/// other end has to have the right certificate.
fn context(sdp: &str) -> Vec<u8> {
    let is_bound = |line: &&str| !line.starts_with("a=candidate:") && !line.starts_with("a=p2pcall:");
    let lines: Vec<&str> = sdp.lines().map(str::trim_end).filter(is_bound).collect();
    lines.join("\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_offer_is_the_same_to_a_passphrase() {
        let offer =
            "v=0\na=fingerprint:sha-256 AA\na=p2pcall:1 0 - 00000000\nm=audio 9\na=candidate:1 1 udp 1 192.0.2.1 9\n";
        let renewed = offer.replace("192.0.2.1", "198.51.100.7").replace("00000000", "00000001").replace('\n', "\r\n");
        assert_eq!(context(offer), context(&renewed));
        assert_ne!(context(offer), context(&offer.replace("AA", "AB")));
        assert_ne!(context(offer), context(&offer.replace("m=audio 9", "m=audio 0")));
    }
}
