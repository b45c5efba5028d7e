//! Datagrams of TURN on a stream, and back (RFC 8656, 3.7 and 12.5).

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Length of what a STUN message begins with.
const STUN_HEADER: usize = 20;

/// Length of what ChannelData begins with.
const CHANNEL_HEADER: usize = 4;

/// What comes on the stream is not TURN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotTurn;

/// Appends one datagram to what goes out. On a stream ChannelData fills up a multiple of four bytes.
pub(super) fn write(datagram: &[u8], stream: &mut BytesMut) {
    stream.put_slice(datagram);
    stream.put_bytes(0, padding(datagram.len()));
}

/// Takes the next datagram off what came in, if it is whole.
///
/// # Errors
/// If something else than TURN is spoken there: nothing after it can be read.
pub(super) fn read(stream: &mut BytesMut) -> Result<Option<Bytes>, NotTurn> {
    let Some(&[first, _, high, low]) = stream.first_chunk::<4>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    // The first two bits tell them apart (RFC 8656, 12; RFC 7983). A STUN message is a multiple of four anyway.
    let (whole, padding) = match first >> 6 {
        0 if length % 4 == 0 => (STUN_HEADER + length, 0),
        1 => (CHANNEL_HEADER + length, padding(length)),
        _ => return Err(NotTurn),
    };
    if stream.len() < whole + padding {
        return Ok(None);
    }
    let datagram = stream.split_to(whole).freeze();
    stream.advance(padding);
    Ok(Some(datagram))
}

/// Returns how many bytes are missing to a multiple of four.
const fn padding(length: usize) -> usize {
    length.wrapping_neg() % 4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stun(length: u16) -> Vec<u8> {
        let mut message = vec![0, 1, (length >> 8) as u8, length as u8, 0x21, 0x12, 0xa4, 0x42];
        message.resize(STUN_HEADER + usize::from(length), 7);
        message
    }

    fn channel(length: u16) -> Vec<u8> {
        let mut message = vec![0x40, 0, (length >> 8) as u8, length as u8];
        message.resize(CHANNEL_HEADER + usize::from(length), 9);
        message
    }

    #[test]
    fn channel_data_is_padded_and_messages_are_not() {
        for (datagram, written) in [(stun(0), 20), (stun(8), 28), (channel(0), 4), (channel(1), 8), (channel(4), 8)] {
            let mut stream = BytesMut::new();
            write(&datagram, &mut stream);
            assert_eq!(stream.len(), written);
            assert_eq!(read(&mut stream), Ok(Some(datagram.into())));
            assert!(stream.is_empty());
        }
    }

    #[test]
    fn what_is_not_turn_is_noticed() {
        for bytes in [&b"HTTP/1.1 400"[..], &[0, 1, 0, 3], &[0x80, 0, 0, 0], &[0xff; 4]] {
            // 'H' is 0x48: a channel's number, of which 0x5000 and above are reserved.
            let mut stream = BytesMut::from(bytes);
            match bytes[0] {
                b'H' => assert_eq!(read(&mut stream), Ok(None)),
                _ => assert_eq!(read(&mut stream), Err(NotTurn), "{bytes:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_datagrams(
            lengths in prop::collection::vec((any::<bool>(), 0_u16..400), 0..20),
            cuts in prop::collection::vec(1_usize..500, 1..20),
        ) {
            let datagrams: Vec<Vec<u8>> = lengths.iter()
                .map(|(is_stun, length)| if *is_stun { stun(length / 4 * 4) } else { channel(*length) })
                .collect();
            let mut sent = BytesMut::new();
            datagrams.iter().for_each(|datagram| write(datagram, &mut sent));
            let (mut stream, mut read_back, mut cuts) = (BytesMut::new(), Vec::new(), cuts.iter().cycle());
            while !sent.is_empty() {
                let cut = (*cuts.next().expect("endless")).min(sent.len());
                stream.extend_from_slice(&sent.split_to(cut));
                while let Some(datagram) = read(&mut stream).expect("TURN") {
                    read_back.push(datagram.to_vec());
                }
            }
            prop_assert_eq!(read_back, datagrams);
            prop_assert!(stream.is_empty());
        }

        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut stream = BytesMut::from(&bytes[..]);
            while let Ok(Some(datagram)) = read(&mut stream) {
                prop_assert!(datagram.len() >= CHANNEL_HEADER);
            }
        }
    }
}
