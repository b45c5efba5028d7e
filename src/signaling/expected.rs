//! What the other side's description must be for the call to go on.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use super::{BlobError, Found, OnlyCandidates, ShortId, Stamp, blob::search};
use crate::media::{Description, DescriptionKind};

/// Nobody waits longer than this behind a description.
pub const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What is waited for, and what would be a mistake.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Offer or answer.
    pub kind: DescriptionKind,
    /// Our own description, if we have given one out: it must not come back to us.
    pub own: Option<Description>,
    /// The offer that we have answered already: only another one is news.
    pub answered: Option<Description>,
    /// Which addresses this side can send to.
    pub reach: Reach,
}

/// Which kinds of addresses one side can send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reach {
    /// There is a route to IPv4 addresses, or a relay that has one.
    pub ipv4: bool,
    /// There is a route to IPv6 addresses, or a relay that has one.
    pub ipv6: bool,
}

/// Everything can be reached, as far as anybody knows.
impl Default for Reach {
    fn default() -> Self {
        Self { ipv4: true, ipv6: true }
    }
}

impl Expected {
    /// Expects a description of this kind that does not repeat our own.
    pub fn new(kind: DescriptionKind, own: Option<Description>) -> Self {
        Self { kind, own, answered: None, reach: Reach::default() }
    }

    /// Finds what is waited for in a text: the first whole blob in it that passes the [check](Self::check).
    /// `now` tells how old it is.
    ///
    /// # Errors
    /// If there is none, what is wrong with the one that comes closest. [`BlobError::Incomplete`] if more
    /// text could make it whole.
    pub fn read(&self, text: &str, now: SystemTime) -> Result<Found, BlobError> {
        search(text, |found| {
            self.check(&found.description, now).map_err(|error| match error {
                // The lines that are missed may yet come.
                BlobError::NoSession
                | BlobError::NoCommonCodec
                | BlobError::NoCandidate
                | BlobError::OutOfReach { .. }
                    if !found.end_is_clear =>
                {
                    BlobError::Incomplete { characters: found.characters, wanted: None, ends: String::new() }
                }
                other => other,
            })
        })
    }

    /// Whether a description is what is waited for at `now`.
    ///
    /// # Errors
    /// In words: it is ours, of the wrong kind, damaged, too old, belongs to another offer, or has
    /// nothing we can talk with or reach.
    pub fn check(&self, description: &Description, now: SystemTime) -> Result<(), BlobError> {
        if self.is_own(description) {
            return Err(BlobError::Own(description.kind));
        }
        let stamp = Stamp::of(description)?;
        if description.kind != self.kind {
            return Err(BlobError::WrongKind { got: description.kind, wanted: self.kind });
        }
        let has = |attribute| description.attribute(attribute).is_some();
        if description.kind == DescriptionKind::Answer && has("sealed") {
            // More is to be seen when it is open.
            return stamp.map_or(Ok(()), |stamp| self.check_stamp(stamp, now));
        }
        if !description.sdp.starts_with("v=0") || !has("fingerprint") || !has("ice-ufrag") {
            return Err(BlobError::NoSession);
        }
        if let Some(stamp) = stamp {
            self.check_stamp(stamp, now)?;
        }
        if self.answered.as_ref() == Some(description) {
            return Err(BlobError::Answered);
        }
        if !takes_our_codecs(&description.sdp) {
            return Err(BlobError::NoCommonCodec);
        }
        self.reach.check(&description.sdp)
    }

    fn is_own(&self, description: &Description) -> bool {
        let fingerprint = description.attribute("fingerprint");
        fingerprint.is_some() && self.own.as_ref().is_some_and(|own| own.attribute("fingerprint") == fingerprint)
    }

    fn check_stamp(&self, stamp: Stamp, now: SystemTime) -> Result<(), BlobError> {
        // A clock that goes wrong makes things from the future: they are as good as new.
        let age = |stamp: Stamp| now.duration_since(stamp.created()).unwrap_or_default();
        let own = self.own.as_ref().filter(|own| own.kind == DescriptionKind::Offer);
        if let (Some(answers), Some(own)) = (stamp.answers(), own)
            && let Some(own_id) = ShortId::of(own)
            && answers != own_id
        {
            let own_age = Stamp::of(own).ok().flatten().map(age);
            return Err(BlobError::AnotherOffer { answers, own: own_id, age: age(stamp), own_age });
        }
        if age(stamp) > LIFETIME {
            return Err(BlobError::TooOld { age: age(stamp) });
        }
        Ok(())
    }
}

impl Reach {
    /// Whether any candidate of an SDP can be reached (RFC 8839, 5.1).
    fn check(self, sdp: &str) -> Result<(), BlobError> {
        let mut only = None;
        for candidate in sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:")) {
            let mut words = candidate.split_ascii_whitespace();
            let (transport, address) = (words.nth(2).unwrap_or_default(), words.nth(1).unwrap_or_default());
            if !transport.eq_ignore_ascii_case("udp") {
                only = only.or(Some(OnlyCandidates::Tcp));
                continue;
            }
            match address.parse() {
                Ok(IpAddr::V4(_)) if !self.ipv4 => only = Some(OnlyCandidates::Ipv4),
                Ok(IpAddr::V6(_)) if !self.ipv6 => only = Some(OnlyCandidates::Ipv6),
                // A name, such as the `.local` ones that hide a browser's address, may be anything.
                _ => return Ok(()),
            }
        }
        Err(only.map_or(BlobError::NoCandidate, |only| BlobError::OutOfReach { only }))
    }
}

/// Whether any medium that is not refused lists a codec of ours.
fn takes_our_codecs(sdp: &str) -> bool {
    sdp.split("\nm=").skip(1).any(|medium| {
        // Port 0 refuses (RFC 8866, 5.14), unless the medium shares another's port (RFC 9143, 6).
        let is_refused = medium.split_ascii_whitespace().nth(1) == Some("0");
        let is_open = !is_refused || medium.lines().any(|line| line == "a=bundle-only");
        let codecs = medium.lines().filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '));
        is_open
            && codecs
                .map(|(_, codec)| codec.to_ascii_lowercase())
                .any(|codec| ["opus/48000", "h264/90000", "vp8/90000"].iter().any(|ours| codec.starts_with(ours)))
    })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const SDP: &str = "v=0\r\na=fingerprint:sha-256 AA\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n\
                       a=ice-ufrag:x\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
    const CANDIDATE: &str = "a=candidate:1 1 udp 1 192.0.2.1 9";

    fn offer(sdp: &str) -> Description {
        Description { kind: DescriptionKind::Offer, sdp: sdp.into() }
    }

    fn answer(sdp: &str) -> Description {
        Description { kind: DescriptionKind::Answer, sdp: sdp.into() }
    }

    /// 2026-07-01 or so.
    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_783_000_000)
    }

    #[test]
    fn mistakes_are_told_apart() {
        let expected = Expected::new(DescriptionKind::Offer, None);
        assert_eq!(expected.check(&offer(SDP), now()), Ok(()));
        assert!(matches!(expected.check(&answer(SDP), now()), Err(BlobError::WrongKind { .. })));
        for (from, to, error) in [
            ("v=0", "hello", BlobError::NoSession),
            ("a=fingerprint", "a=finger", BlobError::NoSession),
            ("opus/48000", "PCMU/8000", BlobError::NoCommonCodec),
            ("m=audio 9", "m=audio 0", BlobError::NoCommonCodec),
            ("a=candidate", "a=candid", BlobError::NoCandidate),
            ("1 udp", "1 tcp", BlobError::OutOfReach { only: OnlyCandidates::Tcp }),
        ] {
            assert_eq!(expected.check(&offer(&SDP.replace(from, to)), now()), Err(error), "{to}");
        }
        let bundled = SDP.replace("m=audio 9", "m=audio 0") + "a=bundle-only\r\n";
        assert_eq!(expected.check(&offer(&bundled), now()), Ok(()));
    }

    #[test]
    fn candidates_must_be_within_reach() {
        let (v4, v6) = (Reach { ipv4: true, ipv6: false }, Reach { ipv4: false, ipv6: true });
        for (candidates, reach, only) in [
            (&["udp 1 192.0.2.1"][..], v4, None),
            (&["udp 1 192.0.2.1"], v6, Some(OnlyCandidates::Ipv4)),
            (&["UDP 1 2001:db8::1"], v6, None),
            (&["udp 1 2001:db8::1", "tcp 1 192.0.2.1"], v4, Some(OnlyCandidates::Ipv6)),
            (&["udp 1 2001:db8::1", "udp 1 192.0.2.1"], v4, None),
            (&["udp 1 4b0e.local"], v6, None),
            (&["tcp 1 192.0.2.1"], v4, Some(OnlyCandidates::Tcp)),
        ] {
            let lines: Vec<String> =
                candidates.iter().map(|candidate| format!("a=candidate:1 1 {candidate} 9")).collect();
            let expected = Expected { reach, ..Expected::new(DescriptionKind::Offer, None) };
            let result = expected.check(&offer(&SDP.replace(CANDIDATE, &lines.join(" typ host\r\n"))), now());
            assert_eq!(result.err(), only.map(|only| BlobError::OutOfReach { only }), "{candidates:?}");
        }
    }

    #[test]
    fn ones_own_offer_is_recognised() {
        let expected = Expected::new(DescriptionKind::Answer, Some(offer(SDP)));
        assert_eq!(expected.check(&offer(SDP), now()), Err(BlobError::Own(DescriptionKind::Offer)));
    }

    #[test]
    fn age_and_the_offer_that_is_answered_count() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let made = now() - minutes(3);
        let own = offer(&Stamp::new(made, None).apply(SDP));
        let own_id = ShortId::of(&own).expect("an id");
        let theirs = SDP.replace("sha-256 AA", "sha-256 BB");
        let other_id = ShortId::of(&answer(&theirs)).expect("an id");
        let expected = Expected::new(DescriptionKind::Answer, Some(own));
        let whole_minutes = Stamp::new(made, None).created();
        let another = BlobError::AnotherOffer {
            answers: other_id,
            own: own_id,
            age: now().duration_since(whole_minutes).expect("earlier"),
            own_age: now().duration_since(whole_minutes).ok(),
        };
        for (created, answers, error) in [
            (made, Some(own_id), None),
            (made, None, None),
            (made, Some(other_id), Some(another)),
            (now() + minutes(60), Some(own_id), None),
            (now() - LIFETIME + minutes(1), None, None),
        ] {
            let theirs = answer(&Stamp::new(created, answers).apply(&theirs));
            assert_eq!(expected.check(&theirs, now()).err(), error, "{created:?} {answers:?}");
        }
        let old = answer(&Stamp::new(now() - LIFETIME - minutes(2), None).apply(&theirs));
        assert!(matches!(expected.check(&old, now()), Err(BlobError::TooOld { age }) if age > LIFETIME));
        let damaged = answer(&Stamp::new(made, None).apply(&theirs).replace("BB", "BC"));
        assert!(matches!(expected.check(&damaged, now()), Err(BlobError::Damaged { .. })));
    }
}
