//! Which pictures are to be turned.

use std::collections::VecDeque;

use crate::media::{MediaTime, Rotation};

/// When the rotation of what is sent changes. A sender tells it with key frames and where it changes.
///
/// **Keeps at most 16 changes; when full the oldest is taken for past.**
#[derive(Debug, Default)]
pub(super) struct Rotations {
    now: Rotation,
    /// In the order of time.
    to_come: VecDeque<(MediaTime, Rotation)>,
}

impl Rotations {
    const CAPACITY: usize = 16;

    /// Takes what a packet says of the picture of a time. What is behind the last change is behind the times.
    pub(super) fn note(&mut self, time: MediaTime, rotation: Rotation) {
        let (last, known) = self.to_come.back().map_or((None, self.now), |(time, rotation)| (Some(*time), *rotation));
        if rotation == known || last.is_some_and(|last| time < last) {
            return;
        }
        if self.to_come.len() == Self::CAPACITY
            && let Some((_, oldest)) = self.to_come.pop_front()
        {
            self.now = oldest;
        }
        self.to_come.push_back((time, rotation));
    }

    /// Returns the rotation of the picture of a time; those are asked for in order.
    pub(super) fn at(&mut self, time: MediaTime) -> Rotation {
        while let Some((from, rotation)) = self.to_come.front().copied()
            && from <= time
        {
            self.now = rotation;
            self.to_come.pop_front();
        }
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(n: u64) -> MediaTime {
        MediaTime::from_ticks(n, 30)
    }

    #[test]
    fn a_rotation_holds_until_the_next() {
        let mut rotations = Rotations::default();
        assert_eq!(rotations.at(time(1)), Rotation::None);
        for (at, rotation) in [
            (2, Rotation::Quarter),
            (3, Rotation::Quarter),
            (6, Rotation::None),
            // Late.
            (5, Rotation::Quarter),
            (8, Rotation::Half),
        ] {
            rotations.note(time(at), rotation);
        }
        let seen: Vec<Rotation> = (1..10).map(|n| rotations.at(time(n))).collect();
        let [none, quarter, half] = [Rotation::None, Rotation::Quarter, Rotation::Half];
        assert_eq!(seen, [none, quarter, quarter, quarter, quarter, none, none, half, half]);
    }

    #[test]
    fn what_is_never_asked_for_is_not_kept() {
        let mut rotations = Rotations::default();
        for n in 0..1_000 {
            rotations.note(time(n), if n % 2 == 0 { Rotation::Quarter } else { Rotation::Half });
        }
        assert_eq!(rotations.to_come.len(), Rotations::CAPACITY);
        assert_eq!((rotations.at(time(500)), rotations.at(time(999))), (Rotation::Half, Rotation::Half));
    }
}
