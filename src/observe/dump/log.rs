//! What happened, in its order and bounded.

use std::collections::VecDeque;

/// How many steps are kept, and how many openings of devices. The first half stays, as it tells how the call came to
/// be; of the others the oldest make room for new ones.
pub(super) const STEPS: usize = 2000;

#[derive(Clone, Debug)]
pub(super) struct Log<T> {
    first: Vec<T>,
    newest: VecDeque<T>,
    taken: usize,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { first: Vec::new(), newest: VecDeque::new(), taken: 0 }
    }
}

impl<T> Log<T> {
    pub(super) fn push(&mut self, item: T) {
        self.taken += 1;
        if self.first.len() < STEPS / 2 {
            return self.first.push(item);
        }
        if self.newest.len() == STEPS / 2 {
            self.newest.pop_front();
        }
        self.newest.push_back(item);
    }

    /// How many there were, with those that were dropped.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_newest_are_kept_in_their_order() {
        let mut log = Log::default();
        (0..STEPS + 500).for_each(|n| log.push(n));
        let expected: Vec<_> = (0..STEPS / 2).chain(STEPS / 2 + 500..STEPS + 500).collect();
        assert_eq!(log.iter().copied().collect::<Vec<_>>(), expected);
        assert_eq!(log.taken(), STEPS + 500);
    }
}
