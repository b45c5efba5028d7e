//! Which packets go into which repair packet.

/// The most repair packets at once.
pub(super) const MAX_REPAIR: usize = 16;

/// For each degree a primitive polynomial over GF(2), without its highest term.
const PRIMITIVE: [u32; MAX_REPAIR] =
    [0x1, 0x3, 0x3, 0x3, 0x5, 0x3, 0x3, 0x1d, 0x11, 0x9, 0x5, 0x53, 0x1b, 0x2b, 0x3, 0x2d];

/// Returns for one packet after another in which of `repairs` repair packets it is: bit *i* stands for the *i*-th.
///
/// These are successive powers of a primitive element of GF(2^`repairs`). So each is in about half of them, the
/// first 2^`repairs` − 1 packets are all in different ones, and any `repairs` in a row are independent: a
/// burst of so many losses is repaired. The first powers would be in a single repair packet each, with which they'd
/// be lost: they come last.
pub(super) fn coefficients(repairs: usize) -> impl Iterator<Item = u32> {
    let degree = repairs.clamp(1, MAX_REPAIR);
    let next = move |power: &u32| {
        let carry = power >> (degree - 1) & 1;
        Some(((power << 1) & ((1 << degree) - 1)) ^ (carry * PRIMITIVE[degree - 1]))
    };
    std::iter::successors(Some(1), next).skip(degree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_primitive() {
        for repairs in 1..=MAX_REPAIR {
            let period = (1 << repairs) - 1;
            let first = coefficients(repairs).next().expect("there are as many as one likes");
            assert_ne!(first, 0);
            let again = coefficients(repairs).skip(1).position(|power| power == first);
            assert_eq!(again, Some(period - 1), "{repairs}");
        }
    }

    #[test]
    fn as_many_in_a_row_as_there_are_repair_packets_are_independent() {
        for repairs in 1..=MAX_REPAIR {
            let powers: Vec<u32> = coefficients(repairs).take(109).collect();
            for burst in powers.windows(repairs) {
                let mut basis: Vec<u32> = Vec::new();
                for power in burst {
                    let rest = basis.iter().fold(*power, |rest, known| rest.min(rest ^ known));
                    assert_ne!(rest, 0, "{repairs}");
                    basis.push(rest);
                }
            }
        }
    }
}
