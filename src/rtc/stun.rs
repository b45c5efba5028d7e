//! What a datagram is, as far as it matters while a person carries the blobs (RFC 8489, RFC 8445, RFC 7983).

use std::net::SocketAddr;

use rtc::stun::{
    message::{Getter, Message},
    xoraddr::XorMappedAddress,
};

/// A datagram that tells something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datagram {
    /// A connectivity check of one side to the other: a binding request with a user name.
    Check,
    /// The answer to such a check: a binding response with a check on its integrity.
    CheckAnswered,
    /// A STUN server's word on where a request came from.
    Mapped {
        /// The request's transaction id.
        transaction: [u8; 12],
        /// Where it came from.
        address: SocketAddr,
    },
    /// A fatal DTLS alert before encryption: its description (RFC 5246, 7.2).
    Alert(u8),
    /// Anything else.
    Other,
}

/// `bad_certificate`: the certificate is not the one whose fingerprint was announced.
pub(super) const BAD_CERTIFICATE: u8 = 42;

/// Says what a datagram is.
pub(super) fn classify(datagram: &[u8]) -> Datagram {
    const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    const REQUEST: [u8; 2] = [0, 1];
    const SUCCESS: [u8; 2] = [1, 1];
    const USERNAME: u16 = 0x0006;
    const MESSAGE_INTEGRITY: u16 = 0x0008;

    if let Some(description) = fatal_alert(datagram) {
        return Datagram::Alert(description);
    }
    let Some(header) = datagram.first_chunk::<20>() else { return Datagram::Other };
    if header[4..8] != MAGIC_COOKIE {
        return Datagram::Other;
    }
    match [header[0], header[1]] {
        REQUEST if has_attribute(datagram, USERNAME) => Datagram::Check,
        SUCCESS if has_attribute(datagram, MESSAGE_INTEGRITY) => Datagram::CheckAnswered,
        SUCCESS => mapped(datagram).unwrap_or(Datagram::Other),
        _ => Datagram::Other,
    }
}

fn mapped(datagram: &[u8]) -> Option<Datagram> {
    let mut response = Message::new();
    let mut mapped = XorMappedAddress::default();
    response.unmarshal_binary(datagram).ok()?;
    mapped.get_from(&response).ok()?;
    let address = SocketAddr::new(mapped.ip, mapped.port);
    Some(Datagram::Mapped { transaction: response.transaction_id.0, address })
}

fn has_attribute(datagram: &[u8], wanted: u16) -> bool {
    let mut rest = &datagram[20..];
    while let Some(&[a, b, c, d]) = rest.first_chunk::<4>() {
        if u16::from_be_bytes([a, b]) == wanted {
            return true;
        }
        // Padded to four bytes.
        let length = usize::from(u16::from_be_bytes([c, d])).next_multiple_of(4);
        rest = rest.get(4 + length..).unwrap_or_default();
    }
    false
}

fn fatal_alert(datagram: &[u8]) -> Option<u8> {
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    // Content type, version (2), epoch (2), sequence number (6), length (2), level, description.
    let record = datagram.first_chunk::<15>()?;
    (record[0] == ALERT && record[3..5] == [0, 0] && record[13] == FATAL).then_some(record[14])
}

#[cfg(test)]
mod tests {
    use rtc::stun::{
        attributes::{AttrType, RawAttribute},
        message::{BINDING_REQUEST, BINDING_SUCCESS, MessageType, Setter, TransactionId},
    };

    use super::*;

    fn message(class: MessageType, attributes: Vec<Box<dyn Setter>>) -> Vec<u8> {
        let mut setters: Vec<Box<dyn Setter>> = vec![Box::new(TransactionId::new()), Box::new(class)];
        setters.extend(attributes);
        let mut message = Message::new();
        message.build(&setters).expect("a message");
        message.raw
    }

    fn attribute(kind: u16) -> Box<dyn Setter> {
        Box::new(RawAttribute { typ: AttrType(kind), length: 0, value: b"abc:d".to_vec() })
    }

    #[test]
    fn datagrams_are_told_apart() {
        let address: SocketAddr = "192.0.2.1:4000".parse().expect("an address");
        let mapped = || Box::new(XorMappedAddress { ip: address.ip(), port: address.port() });
        let alert =
            |level, description| [&[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2][..], &[level, description]].concat();

        assert_eq!(classify(&message(BINDING_REQUEST, vec![attribute(0x24), attribute(6)])), Datagram::Check);
        assert_eq!(classify(&message(BINDING_REQUEST, vec![])), Datagram::Other, "a request to a server");
        assert_eq!(classify(&message(BINDING_SUCCESS, vec![mapped(), attribute(8)])), Datagram::CheckAnswered);
        let told = classify(&message(BINDING_SUCCESS, vec![mapped()]));
        assert!(matches!(told, Datagram::Mapped { address: told, .. } if told == address), "{told:?}");
        assert_eq!(classify(&alert(2, BAD_CERTIFICATE)), Datagram::Alert(BAD_CERTIFICATE));
        for other in [alert(1, 0), message(BINDING_SUCCESS, vec![]), vec![], vec![0; 20], vec![0x80; 1200]] {
            assert_eq!(classify(&other), Datagram::Other, "{other:?}");
        }
    }

    #[test]
    fn lengths_that_lie_are_survived() {
        let mut whole = message(BINDING_REQUEST, vec![attribute(6)]);
        whole[22..24].copy_from_slice(&[0xff, 0xff]);
        for length in 0..whole.len() {
            let _ = classify(&whole[..length]);
        }
        assert_eq!(classify(&whole), Datagram::Check);
    }
}
