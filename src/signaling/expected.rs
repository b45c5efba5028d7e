//! What the other side's description must be for the call to go on.

use std::time::SystemTime;

use super::{BlobError, BlobForm, Found, SessionBlob};
use crate::media::{Description, DescriptionKind};

/// What is waited for, and what would be a mistake.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Offer or answer.
    pub kind: DescriptionKind,
    /// Our own description, if we have given one out: it must not come back to us.
    pub own: Option<Description>,
}

impl Expected {
    /// Finds what is waited for in a text. `now` tells how old it is.
    ///
    /// # Errors
    /// [`BlobError::Incomplete`] if more text could make it whole; what is wrong otherwise.
    pub fn read(&self, text: &str, _now: SystemTime) -> Result<Found, BlobError> {
        let description = SessionBlob::decode(text)?;
        self.check(&description)?;
        Ok(Found {
            description,
            form: BlobForm::Plain,
            characters: text.chars().filter(|c| !c.is_whitespace()).count(),
        })
    }

    /// Whether a description is what is waited for.
    ///
    /// # Errors
    /// In words: it is ours, of the wrong kind, or has nothing we can talk with.
    pub fn check(&self, description: &Description) -> Result<(), BlobError> {
        if self.is_own(description) {
            return Err(BlobError::Own(description.kind));
        }
        if description.kind != self.kind {
            return Err(BlobError::WrongKind { got: description.kind, wanted: self.kind });
        }
        let has = |attribute| description.attribute(attribute).is_some();
        if !description.sdp.starts_with("v=0") || !has("fingerprint") || !has("ice-ufrag") {
            return Err(BlobError::NoSession);
        }
        if !takes_our_codecs(&description.sdp) {
            return Err(BlobError::NoCommonCodec);
        }
        if !has("candidate") {
            return Err(BlobError::NoCandidate);
        }
        Ok(())
    }

    fn is_own(&self, description: &Description) -> bool {
        let fingerprint = description.attribute("fingerprint");
        fingerprint.is_some() && self.own.as_ref().is_some_and(|own| own.attribute("fingerprint") == fingerprint)
    }
}

/// Whether any medium that is not refused (port 0) lists a codec of ours.
fn takes_our_codecs(sdp: &str) -> bool {
    let mut open = false;
    sdp.lines().any(|line| {
        if let Some(media) = line.strip_prefix("m=") {
            open = media.split_ascii_whitespace().nth(1) != Some("0");
        }
        let codec = line.strip_prefix("a=rtpmap:").and_then(|map| map.split_once(' ')).map(|(_, codec)| codec);
        open && codec.is_some_and(|codec| {
            let codec = codec.to_ascii_lowercase();
            codec.starts_with("opus/48000") || codec.starts_with("h264/90000")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=fingerprint:sha-256 AA\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n\
                       a=ice-ufrag:x\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";

    fn offer(sdp: &str) -> Description {
        Description { kind: DescriptionKind::Offer, sdp: sdp.into() }
    }

    #[test]
    fn mistakes_are_told_apart() {
        let expected = Expected { kind: DescriptionKind::Offer, own: None };
        let answer = Description { kind: DescriptionKind::Answer, sdp: SDP.into() };
        assert_eq!(expected.check(&offer(SDP)), Ok(()));
        assert!(matches!(expected.check(&answer), Err(BlobError::WrongKind { .. })));
        for (from, to, error) in [
            ("v=0", "hello", BlobError::NoSession),
            ("a=fingerprint", "a=finger", BlobError::NoSession),
            ("opus/48000", "PCMU/8000", BlobError::NoCommonCodec),
            ("m=audio 9", "m=audio 0", BlobError::NoCommonCodec),
            ("a=candidate", "a=candid", BlobError::NoCandidate),
        ] {
            assert_eq!(expected.check(&offer(&SDP.replace(from, to))), Err(error), "{to}");
        }
    }

    #[test]
    fn ones_own_offer_is_recognised() {
        let expected = Expected { kind: DescriptionKind::Answer, own: Some(offer(SDP)) };
        assert_eq!(expected.check(&offer(SDP)), Err(BlobError::Own(DescriptionKind::Offer)));
    }
}
