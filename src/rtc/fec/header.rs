//! The header of a repair packet (draft-ietf-payload-flexible-fec-scheme-03, 4.2.2.1).
//!
//! ```text
//! |R|F|P|X|  CC   |M| PT recovery |        length recovery        |
//! |                          TS recovery                          |
//! |   SSRCCount   |                    reserved                   |
//! |                             SSRC_i                            |
//! |           SN base_i           |k|          Mask [0-14]        |
//! |k|                   Mask [15-45] (optional)                   |
//! |k|                   Mask [46-108] (optional, 63 bits)         |
//! ```

use super::symbol::{RECOVERY, Symbol};

/// The lengths of a header with one, two and three masks; the recovery fields are the first part of it.
const LENGTHS: [usize; 3] = [20, 24, 32];

/// How many packets two masks can name; the third is long, and frames so large are rare.
pub(super) const TWO_MASKS: usize = 46;

/// Which packets a repair packet protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Protected {
    pub(super) ssrc: u32,
    /// The number that the first bit stands for.
    pub(super) base: u16,
    /// Bit *i* stands for number `base` + *i*; there are 109.
    pub(super) mask: u128,
}

impl Protected {
    /// Reads a repair packet's payload. `None` if it is not one of this form: damaged, a retransmission, with a
    /// fixed pattern in place of masks, or for several streams.
    pub(super) fn read(payload: &[u8]) -> Option<(Self, Symbol)> {
        let fixed = payload.get(..LENGTHS[0])?;
        if fixed[0] & 0xc0 != 0 || fixed[8] != 1 {
            return None;
        }
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
        let ends = |at: usize| payload.get(at).map(|byte| byte & 0x80 != 0);
        // In the order of the wire the first packet's bit is the highest.
        let reversed = |bits: u128, count: u32| (bits & ((1 << count) - 1)).reverse_bits() >> (128 - count);
        let mut mask = reversed(number(&fixed[18..20]), 15);
        let mut length = LENGTHS[0];
        if !ends(18)? {
            mask |= reversed(number(payload.get(20..24)?), 31) << 15;
            length = LENGTHS[1];
            if !ends(20)? {
                mask |= reversed(number(payload.get(24..32)?), 63) << 46;
                length = LENGTHS[2];
                ends(24)?.then_some(())?;
            }
        }
        let ssrc = u32::from_be_bytes(fixed[12..16].try_into().ok()?);
        let base = u16::from_be_bytes(fixed[16..18].try_into().ok()?);
        let symbol = Symbol([&payload[..RECOVERY], &payload[length..]].concat());
        (mask != 0).then_some((Self { ssrc, base, mask }, symbol))
    }

    /// Returns the payload of the repair packet.
    pub(super) fn write(&self, symbol: &Symbol) -> Vec<u8> {
        let (recovery, rest) = symbol.0.split_at(RECOVERY);
        let mut payload = Vec::with_capacity(LENGTHS[2] + rest.len());
        payload.extend(recovery);
        payload.extend([1, 0, 0, 0]);
        payload.extend(self.ssrc.to_be_bytes());
        payload.extend(self.base.to_be_bytes());
        let bits = |from: u32, count: u32| (self.mask >> from << (128 - count)).reverse_bits();
        let last = |after: u32, count: u32| u128::from(self.mask >> after == 0) << (count - 1);
        payload.extend(((bits(0, 15) | last(15, 16)) as u16).to_be_bytes());
        if self.mask >> 15 != 0 {
            payload.extend(((bits(15, 31) | last(46, 32)) as u32).to_be_bytes());
        }
        if self.mask >> 46 != 0 {
            payload.extend((bits(46, 63) as u64 | 1 << 63).to_be_bytes());
        }
        payload.extend(rest);
        payload
    }
}

/// Returns the number of the last packet that a repair packet protects.
pub(in crate::rtc) fn last_protected(payload: &[u8]) -> Option<u16> {
    let (protected, _) = Protected::read(payload)?;
    Some(protected.base.wrapping_add(127 - protected.mask.leading_zeros() as u16))
}
