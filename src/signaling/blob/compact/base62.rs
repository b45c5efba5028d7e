//! Bytes as letters and digits: what chats, mail and a double click leave whole.
//!
//! Blocks of 32 bytes are numbers, most significant byte first, written with 43 digits to the base of 62,
//! most significant first. The last block has as many digits as its bytes need.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Bytes in a block.
const BLOCK: usize = 32;

/// How many digits a block of so many bytes has: the fewest with 62ⁿ ≥ 256ᵇ.
const DIGITS: [usize; BLOCK + 1] = [
    0, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 26, 27, 29, 30, 31, 33, 34, 35, 37, 38, 39,
    41, 42, 43,
];

/// Returns how many symbols so many bytes become.
pub(super) const fn symbols(bytes: usize) -> usize {
    bytes / BLOCK * DIGITS[BLOCK] + DIGITS[bytes % BLOCK]
}

/// Writes bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(symbols(bytes.len()));
    for block in bytes.chunks(BLOCK) {
        let mut number = block.to_vec();
        let mut digits = vec![0; DIGITS[block.len()]];
        for digit in digits.iter_mut().rev() {
            *digit = divide(&mut number);
        }
        text.extend(digits.into_iter().map(|digit| char::from(ALPHABET[usize::from(digit)])));
    }
    text
}

/// Reads so many bytes, `None` if something else than a digit is among the symbols, or if they stand for
/// more than a block of bytes can hold. The number of symbols must be [`symbols`] of `bytes`.
pub(super) fn decode(text: &str, bytes: usize) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(bytes);
    let mut rest = text.as_bytes();
    while decoded.len() < bytes {
        let mut block = [0; BLOCK];
        let block = &mut block[..(bytes - decoded.len()).min(BLOCK)];
        let (digits, next) = rest.split_at_checked(DIGITS[block.len()])?;
        for symbol in digits {
            multiply_and_add(block, digit(*symbol)?)?;
        }
        decoded.extend_from_slice(block);
        rest = next;
    }
    Some(decoded)
}

/// Writes a number with so many digits, `None` if it needs more.
pub(super) fn number(value: usize, digits: usize) -> Option<String> {
    let mut rest = value;
    let mut text: Vec<char> = Vec::with_capacity(digits);
    for _ in 0..digits {
        text.push(char::from(ALPHABET[rest % 62]));
        rest /= 62;
    }
    (rest == 0).then(|| text.iter().rev().collect())
}

/// Reads a number of a few digits.
pub(super) fn value(text: &str) -> Option<usize> {
    text.bytes().try_fold(0, |value, symbol| Some(value * 62 + usize::from(digit(symbol)?)))
}

fn digit(symbol: u8) -> Option<u8> {
    match symbol {
        b'0'..=b'9' => Some(symbol - b'0'),
        b'A'..=b'Z' => Some(symbol - b'A' + 10),
        b'a'..=b'z' => Some(symbol - b'a' + 36),
        _ => None,
    }
}

/// Divides a number by 62 and returns the remainder.
fn divide(number: &mut [u8]) -> u8 {
    let mut remainder = 0_u16;
    for byte in number {
        let part = remainder << 8 | u16::from(*byte);
        *byte = (part / 62) as u8;
        remainder = part % 62;
    }
    remainder as u8
}

/// Makes `62 × number + digit` of a number, `None` if it does not fit.
fn multiply_and_add(number: &mut [u8], digit: u8) -> Option<()> {
    let mut carry = u16::from(digit);
    for byte in number.iter_mut().rev() {
        let part = u16::from(*byte) * 62 + carry;
        *byte = part as u8;
        carry = part >> 8;
    }
    (carry == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_have_as_many_digits_as_they_need() {
        for (bytes, digits) in DIGITS.iter().enumerate() {
            let needed = (bytes as f64 * 8.0 / 62_f64.log2()).ceil() as usize;
            assert_eq!(*digits, needed, "{bytes} bytes");
            let largest = vec![255; bytes];
            assert_eq!(decode(&encode(&largest), bytes), Some(largest));
        }
    }

    #[test]
    fn what_no_bytes_make_is_refused() {
        for (text, bytes) in [("zz", 1), ("48", 1), ("0-", 1), ("0", 1), ("zzzzzz", 4)] {
            assert_eq!(decode(text, bytes), None, "{text}");
        }
        assert_eq!(decode("47", 1), Some(vec![255]));
        assert_eq!((number(61, 1), number(62, 1), number(62, 3)), (Some("z".into()), None, Some("010".into())));
        assert_eq!(value("010"), Some(62));
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_written(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(text.len(), symbols(bytes.len()));
            prop_assert_eq!(decode(&text, bytes.len()), Some(bytes));
        }
    }
}
