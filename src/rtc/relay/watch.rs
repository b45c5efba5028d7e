//! What a TURN server answers: the library tells of no error, so the messages are read on their way.

use std::collections::VecDeque;

use rtc::stun::{
    attributes::ATTR_USERNAME,
    error_code::ErrorCodeAttribute,
    message::{Getter, Message},
};

use super::failure::{RelayFailure, said};

/// Types of messages (RFC 8656, 17; RFC 8489, 5).
const ALLOCATE: [u8; 2] = [0x00, 0x03];
const ALLOCATE_SUCCESS: [u8; 2] = [0x01, 0x03];
const ALLOCATE_ERROR: [u8; 2] = [0x01, 0x13];
const REFRESH_ERROR: [u8; 2] = [0x01, 0x14];

/// Follows the requests to one server.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Ids of the newest requests that were signed with the password.
    signed: VecDeque<[u8; 12]>,
    asked: bool,
    answered: bool,
}

impl Watch {
    /// So many signed requests are remembered: one of each socket and a few to spare. **The oldest is forgotten.**
    const SIGNED: usize = 32;

    /// Takes a datagram to the server. Returns whether it is the first request for a relay.
    pub(super) fn sent(&mut self, datagram: &[u8]) -> bool {
        if !datagram.starts_with(&ALLOCATE) {
            return false;
        }
        let Some(message) = parse(datagram) else { return false };
        if message.contains(ATTR_USERNAME) && !self.signed.contains(&message.transaction_id.0) {
            self.signed.push_back(message.transaction_id.0);
            self.signed.drain(..self.signed.len().saturating_sub(Self::SIGNED));
        }
        !std::mem::replace(&mut self.asked, true)
    }

    /// Takes a datagram from the server. Returns what is wrong, if something is.
    pub(super) fn received(&mut self, datagram: &[u8]) -> Option<RelayFailure> {
        let typ = datagram.first_chunk::<2>()?;
        if ![ALLOCATE_SUCCESS, ALLOCATE_ERROR, REFRESH_ERROR].contains(typ) {
            return None;
        }
        let message = parse(datagram)?;
        self.answered = true;
        if *typ == ALLOCATE_SUCCESS {
            return None;
        }
        let mut error = ErrorCodeAttribute::default();
        error.get_from(&message).ok()?;
        let (code, reason) = (error.code.0, String::from_utf8_lossy(&error.reason).into_owned());
        match (*typ, code) {
            // The first request is never signed: this is how the server names its realm.
            (ALLOCATE_ERROR, 401) if !self.signed.contains(&message.transaction_id.0) => None,
            (ALLOCATE_ERROR, _) => Some(RelayFailure::of_allocation(code, &reason)),
            // A stale nonce: the library asks again with the new one.
            (_, 438) => None,
            _ => Some(RelayFailure::Lost(said(code, &reason))),
        }
    }

    /// Whether the server has ever answered.
    pub(super) const fn is_answered(&self) -> bool {
        self.answered
    }
}

fn parse(datagram: &[u8]) -> Option<Message> {
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    Some(message)
}

#[cfg(test)]
mod tests {
    use rtc::stun::{
        error_code::ErrorCode,
        message::{MessageType, Setter, TransactionId},
        textattrs::Username,
    };

    use super::*;

    fn message(typ: [u8; 2], id: u8, attribute: Option<Box<dyn Setter>>) -> Vec<u8> {
        let mut kind = MessageType::default();
        kind.read_value(u16::from_be_bytes(typ));
        let mut setters: Vec<Box<dyn Setter>> = vec![Box::new(TransactionId([id; 12])), Box::new(kind)];
        setters.extend(attribute);
        let mut message = Message::new();
        message.build(&setters).expect("a message");
        message.raw
    }

    fn request(id: u8, signed: bool) -> Vec<u8> {
        let name = || Box::new(Username::new(ATTR_USERNAME, "me".into())) as Box<dyn Setter>;
        message(ALLOCATE, id, signed.then(name))
    }

    fn error(typ: [u8; 2], id: u8, code: u16) -> Vec<u8> {
        let error = ErrorCodeAttribute { code: ErrorCode(code), reason: b"why".to_vec() };
        message(typ, id, Some(Box::new(error)))
    }

    #[test]
    fn a_wrong_password_is_told_from_the_first_question() {
        let mut watch = Watch::default();
        assert!(watch.sent(&request(1, false)));
        assert!(!watch.is_answered());
        assert!(watch.received(&error(ALLOCATE_ERROR, 1, 401)).is_none());
        assert!(watch.is_answered());
        assert!(!watch.sent(&request(2, true)));
        assert!(matches!(watch.received(&error(ALLOCATE_ERROR, 2, 401)), Some(RelayFailure::Credentials)));
    }

    #[test]
    fn other_refusals_and_a_lost_relay() {
        let mut watch = Watch::default();
        watch.sent(&request(1, true));
        assert!(watch.received(&message(ALLOCATE_SUCCESS, 1, None)).is_none());
        assert!(matches!(watch.received(&error(ALLOCATE_ERROR, 1, 486)), Some(RelayFailure::Quota(_))));
        assert!(watch.received(&error(REFRESH_ERROR, 3, 438)).is_none());
        assert!(matches!(watch.received(&error(REFRESH_ERROR, 3, 437)), Some(RelayFailure::Lost(_))));
        // Binding responses and media are nothing to it.
        assert!(watch.received(&error([0x01, 0x11], 3, 400)).is_none());
        assert!(watch.received(&[0x80; 100]).is_none() && watch.received(&[]).is_none());
    }
}
