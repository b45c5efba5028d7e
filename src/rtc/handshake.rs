//! A guard for the DTLS handshake on a line that loses packets (RFC 6347, 4.2.4).
//!
//! The library stops its timer for retransmissions when the other side's last flight comes a second
//! time, and never starts it again: if our answer to that flight was lost, both sides wait for ever.
//! On a line of constant delay the two timers run out at the same moment, and one lost packet in the
//! handshake ends the call before it began. So a flight that was answered is kept from the library
//! when it comes again: its own timer then repeats the answer.

use std::sync::atomic::{AtomicBool, Ordering};

/// Handshake messages (RFC 5246, 7.4; RFC 6347, 4.3.2).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// What we have answered so far.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// As the server: our hello, certificate and the rest were sent.
    hello_answered: AtomicBool,
    /// As the client: those were answered.
    server_answered: AtomicBool,
}

impl Handshake {
    /// Takes note of a datagram that we send.
    pub(super) fn sent(&self, datagram: &[u8]) {
        match message(datagram) {
            Some(SERVER_HELLO) => self.hello_answered.store(true, Ordering::Relaxed),
            // Both sides send certificates; the server only after its hello.
            Some(CERTIFICATE | CLIENT_KEY_EXCHANGE) if !self.hello_answered.load(Ordering::Relaxed) => {
                self.server_answered.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Whether a datagram is part of a flight that we have answered.
    pub(super) fn was_answered(&self, datagram: &[u8]) -> bool {
        match message(datagram) {
            Some(CLIENT_HELLO) => self.hello_answered.load(Ordering::Relaxed),
            Some(SERVER_HELLO | CERTIFICATE | SERVER_KEY_EXCHANGE | CERTIFICATE_REQUEST | SERVER_HELLO_DONE) => {
                self.server_answered.load(Ordering::Relaxed)
            }
            _ => false,
        }
    }
}

/// Whether a datagram belongs to a handshake, encrypted or not (RFC 6347, 4.1; RFC 5246, 6.2.1).
pub(super) fn is_handshake(datagram: &[u8]) -> bool {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    const HANDSHAKE: u8 = 22;
    matches!(datagram.first(), Some(&CHANGE_CIPHER_SPEC | &HANDSHAKE))
}

/// Whether a datagram may go out again: all of the handshake but the request for a cookie. That is repeated only when it is asked for again (RFC 6347, 4.2.4): some clients
/// begin anew with each.
pub(super) fn is_repeated(datagram: &[u8]) -> bool {
    is_handshake(datagram) && message(datagram) != Some(HELLO_VERIFY_REQUEST)
}

/// Returns the type of the first handshake message in a datagram, if it is one and not encrypted yet.
fn message(datagram: &[u8]) -> Option<u8> {
    const HANDSHAKE: u8 = 22;
    // Content type, version (2), epoch (2), sequence number (6), length (2), then the message's type.
    let record = datagram.first_chunk::<14>()?;
    (record[0] == HANDSHAKE && record[3..5] == [0, 0]).then_some(record[13])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(message: u8) -> Vec<u8> {
        let mut record = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 40, message];
        record.extend([0; 40]);
        record
    }

    #[test]
    fn a_server_hears_a_hello_until_it_has_answered_it() {
        let server = Handshake::default();
        assert!(!server.was_answered(&record(CLIENT_HELLO)));
        // The request for a cookie is no answer: it is repeated only because the hello is.
        server.sent(&record(HELLO_VERIFY_REQUEST));
        assert!(!server.was_answered(&record(CLIENT_HELLO)));
        server.sent(&record(SERVER_HELLO));
        assert!(server.was_answered(&record(CLIENT_HELLO)));
        server.sent(&record(CERTIFICATE));
        assert!(!server.was_answered(&record(CERTIFICATE)), "the client's own");
        assert!(!server.was_answered(&record(CLIENT_KEY_EXCHANGE)));
    }

    #[test]
    fn a_client_hears_the_server_until_it_has_answered() {
        let client = Handshake::default();
        client.sent(&record(CLIENT_HELLO));
        assert!(!client.was_answered(&record(SERVER_HELLO)));
        client.sent(&record(CERTIFICATE));
        for message in [SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE, SERVER_HELLO_DONE] {
            assert!(client.was_answered(&record(message)), "{message}");
        }
    }

    #[test]
    fn a_request_for_a_cookie_goes_out_once() {
        let mut encrypted = record(HELLO_VERIFY_REQUEST);
        encrypted[4] = 1;
        for (datagram, repeated) in [
            (&record(CLIENT_HELLO)[..], true),
            (&record(HELLO_VERIFY_REQUEST), false),
            (&record(SERVER_HELLO), true),
            (&encrypted, true),
            (&[20, 254, 253], true),
            (&[23, 254, 253], false),
            (&[0x80; 60], false),
        ] {
            assert_eq!(is_repeated(datagram), repeated, "{datagram:?}");
        }
    }

    #[test]
    fn anything_else_passes() {
        let client = Handshake::default();
        client.sent(&record(CLIENT_KEY_EXCHANGE));
        let mut encrypted = record(SERVER_HELLO);
        encrypted[4] = 1;
        for datagram in [&encrypted[..], &record(SERVER_HELLO)[..13], &[], &[0x80; 60]] {
            assert!(!client.was_answered(datagram), "{datagram:?}");
        }
    }
}
