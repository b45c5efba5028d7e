//! Binding requests to STUN servers and what is answered (RFC 8489, RFC 5780, 7): bytes alone, no sockets.

use std::net::SocketAddr;

use rtc::stun::{
    addr::MappedAddress,
    attributes::{ATTR_MAPPED_ADDRESS, AttrType, RawAttribute},
    error_code::ErrorCodeAttribute,
    message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, Setter, TransactionId},
    xoraddr::XorMappedAddress,
};

const CHANGE_REQUEST: AttrType = AttrType(0x0003);
/// What OTHER-ADDRESS was called in RFC 3489.
const CHANGED_ADDRESS: AttrType = AttrType(0x0005);
const RESPONSE_PORT: AttrType = AttrType(0x0027);
const OTHER_ADDRESS: AttrType = AttrType(0x802c);

/// What belongs to one request and its answer.
pub(super) type Transaction = [u8; 12];

/// From where and to where a server is asked to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// From where it was asked, to whoever asked.
    Plain,
    /// From its other address and its other port.
    FromElsewhere,
    /// From the same address and its other port.
    FromOtherPort,
    /// To another port of whoever asked.
    ToPort(u16),
}

/// What a server tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Where the request came from.
    pub(super) mapped: SocketAddr,
    /// Its other address with its other port.
    pub(super) other: Option<SocketAddr>,
}

/// An answer: what is told, or the code of the error (RFC 8489, 14.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) transaction: Transaction,
    pub(super) said: Result<Told, u16>,
}

/// Writes a request with a transaction of its own.
pub(super) fn encode(request: Request) -> (Transaction, Vec<u8>) {
    let attribute = |typ, value: Vec<u8>| Box::new(RawAttribute { typ, length: 0, value }) as Box<dyn Setter>;
    let mut setters: Vec<Box<dyn Setter>> = vec![Box::new(TransactionId::new()), Box::new(BINDING_REQUEST)];
    match request {
        Request::Plain => {}
        // The flags "change IP" and "change port".
        Request::FromElsewhere => setters.push(attribute(CHANGE_REQUEST, vec![0, 0, 0, 6])),
        Request::FromOtherPort => setters.push(attribute(CHANGE_REQUEST, vec![0, 0, 0, 2])),
        Request::ToPort(port) => {
            let [high, low] = port.to_be_bytes();
            setters.push(attribute(RESPONSE_PORT, vec![high, low, 0, 0]));
        }
    }
    let mut message = Message::new();
    message.build(&setters).expect("attributes of four bytes fit into a message");
    (message.transaction_id.0, message.raw)
}

/// Reads an answer; `None` if the datagram is none, or tells nothing.
pub(super) fn decode(datagram: &[u8]) -> Option<Answer> {
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    let said = match message.typ {
        BINDING_SUCCESS => Ok(Told {
            mapped: mapped(&message)?,
            other: address(&message, OTHER_ADDRESS).or_else(|| address(&message, CHANGED_ADDRESS)),
        }),
        BINDING_ERROR => {
            let mut error = ErrorCodeAttribute::default();
            error.get_from(&message).ok()?;
            Err(error.code.0)
        }
        _ => return None,
    };
    Some(Answer { transaction: message.transaction_id.0, said })
}

/// Some routers rewrite whatever looks like an address: the one in disguise comes first (RFC 8489, 14.2).
fn mapped(message: &Message) -> Option<SocketAddr> {
    let mut disguised = XorMappedAddress::default();
    match disguised.get_from(message) {
        Ok(()) => Some(SocketAddr::new(disguised.ip, disguised.port)),
        Err(_) => address(message, ATTR_MAPPED_ADDRESS),
    }
}

/// Returns an address in plain, unless nothing can be sent to it.
fn address(message: &Message, attribute: AttrType) -> Option<SocketAddr> {
    let mut address = MappedAddress::default();
    address.get_from_as(message, attribute).ok()?;
    (address.port != 0 && !address.ip.is_unspecified()).then(|| SocketAddr::new(address.ip, address.port))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::rtc::nat) fn read(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    /// Returns the answer of a server that saw a request come from `mapped`.
    pub(in crate::rtc::nat) fn answer(request: &[u8], mapped: SocketAddr, other: Option<SocketAddr>) -> Vec<u8> {
        let mut asked = Message::new();
        asked.unmarshal_binary(request).expect("a request");
        let mut setters: Vec<Box<dyn Setter>> = vec![
            Box::new(TransactionId(asked.transaction_id.0)),
            Box::new(BINDING_SUCCESS),
            Box::new(XorMappedAddress { ip: mapped.ip(), port: mapped.port() }),
        ];
        setters.extend(other.map(|other| plain(OTHER_ADDRESS, other)));
        build(&setters)
    }

    fn build(setters: &[Box<dyn Setter>]) -> Vec<u8> {
        let mut message = Message::new();
        message.build(setters).expect("a message");
        message.raw
    }

    fn plain(typ: AttrType, address: SocketAddr) -> Box<dyn Setter> {
        let family = if address.is_ipv4() { 1 } else { 2 };
        let mut value = vec![0, family];
        value.extend(address.port().to_be_bytes());
        match address {
            SocketAddr::V4(address) => value.extend(address.ip().octets()),
            SocketAddr::V6(address) => value.extend(address.ip().octets()),
        }
        Box::new(RawAttribute { typ, length: 0, value })
    }

    #[test]
    fn requests_ask_for_what_they_should() {
        for (request, attributes) in [
            (Request::Plain, &[][..]),
            (Request::FromElsewhere, &[0, 3, 0, 4, 0, 0, 0, 6]),
            (Request::FromOtherPort, &[0, 3, 0, 4, 0, 0, 0, 2]),
            (Request::ToPort(0x1234), &[0, 0x27, 0, 4, 0x12, 0x34, 0, 0]),
        ] {
            let (transaction, bytes) = encode(request);
            assert_eq!(bytes[..4], [0, 1, 0, u8::try_from(attributes.len()).expect("few")], "{request:?}");
            assert_eq!((&bytes[8..20], &bytes[20..]), (&transaction[..], attributes), "{request:?}");
        }
        assert_ne!(encode(Request::Plain).0, encode(Request::Plain).0);
    }

    #[test]
    fn answers_of_old_and_new_servers_are_read() {
        let (transaction, request) = encode(Request::Plain);
        let begin =
            || -> Vec<Box<dyn Setter>> { vec![Box::new(TransactionId(transaction)), Box::new(BINDING_SUCCESS)] };
        for text in ["192.0.2.1:4000", "[2001:db8::1]:4000"] {
            let (mapped, other) = (read(text), read("192.0.2.9:3479"));
            let new = decode(&answer(&request, mapped, Some(other))).expect("an answer");
            assert_eq!(new, Answer { transaction, said: Ok(Told { mapped, other: Some(other) }) });
            let mut setters = begin();
            setters.extend([plain(ATTR_MAPPED_ADDRESS, mapped), plain(CHANGED_ADDRESS, other)]);
            assert_eq!(decode(&build(&setters)), Some(new), "of RFC 3489");
        }
        let mut setters = begin();
        setters.extend([plain(ATTR_MAPPED_ADDRESS, read("192.0.2.1:1")), plain(OTHER_ADDRESS, read("0.0.0.0:0"))]);
        let said = decode(&build(&setters)).expect("an answer").said;
        assert!(matches!(said, Ok(Told { other: None, .. })), "an address that is none: {said:?}");
        assert_eq!(decode(&build(&begin())), None, "no address");
        assert_eq!(decode(&request), None, "no answer");
    }

    #[test]
    fn errors_are_read() {
        let (transaction, _) = encode(Request::Plain);
        let code = RawAttribute { typ: AttrType(9), length: 0, value: vec![0, 0, 4, 20, b'n', b'o'] };
        let error = build(&[Box::new(TransactionId(transaction)), Box::new(BINDING_ERROR), Box::new(code)]);
        assert_eq!(decode(&error), Some(Answer { transaction, said: Err(420) }));
    }

    #[test]
    fn any_bytes_are_survived() {
        let whole = answer(&encode(Request::Plain).1, read("192.0.2.1:4000"), Some(read("192.0.2.9:3479")));
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), None);
        }
        for index in 0..whole.len() {
            for value in [0, 1, 4, 5, 0x7f, 0xff] {
                let mut wrong = whole.clone();
                wrong[index] = value;
                let _ = decode(&wrong);
                // The length in the header fits a shorter datagram.
                wrong.truncate(index.max(20));
                let attributes = u16::try_from(wrong.len() - 20).expect("short");
                wrong[2..4].copy_from_slice(&attributes.to_be_bytes());
                let _ = decode(&wrong);
            }
        }
    }
}
