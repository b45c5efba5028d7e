//! Scaling of one plane: the average of the area when reducing, bilinear when enlarging.
//!
//! Both are weighted sums of neighbours along one axis and then along the other, in integers of
//! 1/256. Rows are summed first, because that loop vectorises.

/// The sum of the weights of one output pixel.
const ONE: usize = 256;

/// Appends the plane, scaled, to `out`. Sizes are width and height, none of them zero.
pub(super) fn scale(plane: &[u8], from: (usize, usize), to: (usize, usize), out: &mut Vec<u8>) {
    let (across, down) = (Axis::new(from.0, to.0), Axis::new(from.1, to.1));
    let mut sums = vec![0_u16; from.0];
    let mut row = vec![0_u8; from.0];
    for (start, weights) in down.outputs() {
        // Many outputs need one row alone: all of them if the height stays, or at the edges.
        if let Some(only) = weights.iter().position(|weight| usize::from(*weight) == ONE) {
            across.apply(&plane[(start + only) * from.0..][..from.0], out);
            continue;
        }
        sums.fill(1 << 7);
        for (source, weight) in plane[start * from.0..].chunks_exact(from.0).zip(weights) {
            for (sum, value) in sums.iter_mut().zip(source) {
                // At most 255 * 256 + 128: fits.
                *sum += u16::from(*value) * *weight;
            }
        }
        for (value, sum) in row.iter_mut().zip(&sums) {
            *value = (*sum >> 8) as u8;
        }
        across.apply(&row, out);
    }
}

/// Where each output pixel along one axis takes its value from: as many neighbours for each.
struct Axis {
    taps: usize,
    starts: Vec<usize>,
    weights: Vec<u16>,
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let exact: Vec<(usize, Vec<u16>)> =
            (0..to).map(|output| if to < from { area(from, to, output) } else { line(from, to, output) }).collect();
        let taps = exact.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let mut axis = Self { taps, starts: Vec::with_capacity(to), weights: vec![0; taps * to] };
        for ((start, weights), padded) in exact.iter().zip(axis.weights.chunks_exact_mut(taps)) {
            // Near the end the padding comes before, so that every tap lies inside.
            let begin = (*start).min(from - taps);
            padded[start - begin..][..weights.len()].copy_from_slice(weights);
            axis.starts.push(begin);
        }
        axis
    }

    fn outputs(&self) -> impl Iterator<Item = (usize, &[u16])> {
        self.starts.iter().copied().zip(self.weights.chunks_exact(self.taps))
    }

    fn apply(&self, row: &[u8], out: &mut Vec<u8>) {
        let outputs = self.starts.len();
        if outputs == row.len() {
            return out.extend_from_slice(row);
        }
        if row.len() == 2 * outputs {
            // Half is the commonest of all, and without a table it vectorises.
            let (pairs, _) = row.as_chunks::<2>();
            return out.extend(pairs.iter().map(|[a, b]| ((u16::from(*a) + u16::from(*b) + 1) >> 1) as u8));
        }
        // A known number of taps makes straight code of the inner loop.
        match self.taps {
            2 => self.apply_taps::<2>(row, out),
            3 => self.apply_taps::<3>(row, out),
            4 => self.apply_taps::<4>(row, out),
            5 => self.apply_taps::<5>(row, out),
            _ => out.extend(self.outputs().map(|(start, weights)| weighted(&row[start..][..weights.len()], weights))),
        }
    }

    fn apply_taps<const TAPS: usize>(&self, row: &[u8], out: &mut Vec<u8>) {
        let (weights, _) = self.weights.as_chunks::<TAPS>();
        out.extend(self.starts.iter().zip(weights).map(|(start, weights)| {
            let values: &[u8; TAPS] = row[*start..].first_chunk().expect("every tap lies inside");
            weighted(values, weights)
        }));
    }
}

#[inline(always)]
fn weighted(values: &[u8], weights: &[u16]) -> u8 {
    let products = values.iter().zip(weights).map(|(value, weight)| u32::from(*value) * u32::from(*weight));
    ((products.sum::<u32>() + (1 << 7)) >> 8) as u8
}

/// The pixels that one output covers, each weighted by how much of it is covered.
fn area(from: usize, to: usize, output: usize) -> (usize, Vec<u16>) {
    // In units of 1/to of a source pixel.
    let (begin, end) = (output * from, (output + 1) * from);
    let first = begin / to;
    let share = |position: usize| (position - begin) * ONE / from;
    let weights = (first..end.div_ceil(to))
        .map(|pixel| (share(((pixel + 1) * to).min(end)) - share((pixel * to).max(begin))) as u16)
        .collect();
    (first, weights)
}

/// The two pixels an output lies between, centres aligned.
fn line(from: usize, to: usize, output: usize) -> (usize, Vec<u16>) {
    if from == to {
        return (output, vec![ONE as u16]);
    }
    // In units of 1/(2 to) of a source pixel.
    let position = ((2 * output + 1) * from).saturating_sub(to).min((from - 1) * 2 * to);
    let first = (position / (2 * to)).min(from.saturating_sub(2));
    let second = ((position - first * 2 * to) * ONE / (2 * to)) as u16;
    if from == 1 { (0, vec![ONE as u16]) } else { (first, vec![ONE as u16 - second, second]) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scaled(plane: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
        let mut out = Vec::new();
        scale(plane, from, to, &mut out);
        out
    }

    #[test]
    fn small_planes_scale_as_by_hand() {
        for (plane, from, to, expected) in [
            (&[10, 20, 30, 40][..], (4, 1), (2, 1), &[15, 35][..]),
            (&[10, 20, 30, 40], (1, 4), (1, 2), &[15, 35]),
            (&[0, 100, 200, 44], (2, 2), (1, 1), &[86]),
            (&[0, 90, 180], (3, 1), (2, 1), &[30, 150]),
            (&[0, 200], (2, 1), (4, 1), &[0, 50, 150, 200]),
            (&[7], (1, 1), (3, 2), &[7; 6]),
            (&[1, 2, 3, 4], (2, 2), (2, 2), &[1, 2, 3, 4]),
        ] {
            assert_eq!(scaled(plane, from, to), expected, "{plane:?} {from:?} to {to:?}");
        }
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_and_lie_inside(from in 1_usize..3000, to in 1_usize..300) {
            for (start, weights) in Axis::new(from, to).outputs() {
                prop_assert!(start + weights.len() <= from);
                prop_assert_eq!(weights.iter().map(|weight| usize::from(*weight)).sum::<usize>(), ONE);
            }
        }

        #[test]
        fn a_flat_plane_stays_flat(value: u8, from in (1_usize..40, 1_usize..40), to in (1_usize..40, 1_usize..40)) {
            prop_assert_eq!(scaled(&vec![value; from.0 * from.1], from, to), vec![value; to.0 * to.1]);
        }

        #[test]
        fn a_slope_stays_a_slope(from in 2_usize..200, to in 2_usize..200) {
            let slope: Vec<u8> = (0..from).map(|x| (x * 255 / (from - 1)) as u8).collect();
            let out = scaled(&slope, (from, 1), (to, 1));
            prop_assert!(out.is_sorted());
            let mean = |row: &[u8]| row.iter().map(|value| f64::from(*value)).sum::<f64>() / row.len() as f64;
            prop_assert!((mean(&slope) - mean(&out)).abs() < 3.0);
        }
    }
}
