//! What this machine can encode: pictures get smaller and fewer before they queue.

use std::time::{Duration, Instant};

use crate::media::{Size, VideoFormat};

/// What is given up, step by step: shares of the width and height, and of the frame rate.
const STEPS: [(f64, f64); 5] = [(1.0, 1.0), (0.75, 1.0), (0.5, 1.0), (0.5, 0.5), (0.25, 0.5)];

/// A machine that encodes for a larger share of the time than this is too slow: other things run, too.
const TOO_MUCH: f64 = 0.85;

/// With a step back it must stay below this.
const PLENTY: f64 = 0.6;

/// How long a machine is too slow before anything changes.
const NEED: Duration = Duration::from_secs(1);

/// How long it has time to spare before a step is taken back; twice as long each time that was wrong.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(240));

/// The weight of the newest picture.
const NEWS: f64 = 0.1;

/// Watches how long encoding takes.
#[derive(Clone, Debug)]
pub struct Effort {
    step: usize,
    /// The share of the time between two pictures that encoding one takes, smoothed.
    load: f64,
    too_slow_since: Option<Instant>,
    idle_since: Option<Instant>,
    /// When a step was last taken back.
    raised: Option<Instant>,
    patience: Duration,
}

impl Default for Effort {
    fn default() -> Self {
        Self { step: 0, load: 0.0, too_slow_since: None, idle_since: None, raised: None, patience: PATIENCE.0 }
    }
}

impl Effort {
    /// Takes how long a picture took of the time there is for one. Returns whether what the machine
    /// sustains has changed.
    pub fn note(&mut self, now: Instant, took: Duration, interval: Duration) -> bool {
        // One picture that was held up says little.
        let share = (took.as_secs_f64() / interval.as_secs_f64().max(0.001)).min(3.0);
        self.load += NEWS * (share - self.load);
        let lasts = |since: &mut Option<Instant>, holds: bool, time: Duration| {
            if !holds {
                *since = None;
            }
            holds && now.saturating_duration_since(*since.get_or_insert(now)) >= time
        };
        if lasts(&mut self.too_slow_since, self.load > TOO_MUCH && self.step + 1 < STEPS.len(), NEED) {
            if self.raised.take().is_some_and(|at| now.saturating_duration_since(at) < PATIENCE.1) {
                self.patience = (self.patience * 2).min(PATIENCE.1);
            }
            self.go_to(self.step + 1);
            return true;
        }
        let before = self.step.checked_sub(1);
        let would_do = before.is_some_and(|before| self.load * cost(before) / cost(self.step) < PLENTY);
        if let Some(before) = before
            && lasts(&mut self.idle_since, would_do, self.patience)
        {
            self.raised = Some(now);
            self.go_to(before);
            return true;
        }
        false
    }

    /// Returns the largest format not beyond `wanted` that the machine sustains.
    pub fn limit(&self, wanted: VideoFormat) -> VideoFormat {
        let (side, rate) = STEPS[self.step];
        let part = |pixels: usize| (pixels as f64 * side) as u32;
        let size = Size::new(part(wanted.size.width()), part(wanted.size.height()))
            .map_or(wanted.size, |limit| if side < 1.0 { wanted.size.fit_into(limit) } else { wanted.size });
        VideoFormat { size, frame_rate: wanted.frame_rate * rate }
    }

    /// Whether the machine sustains less than was asked of it.
    pub const fn is_limited(&self) -> bool {
        self.step > 0
    }

    fn go_to(&mut self, step: usize) {
        self.load *= cost(step) / cost(self.step);
        self.step = step;
        (self.too_slow_since, self.idle_since) = (None, None);
    }
}

/// Returns what a step costs, relative to the first: pixels a picture. Half the pictures have twice the time.
fn cost(step: usize) -> f64 {
    let (side, rate) = STEPS[step];
    side * side * rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    const WANTED: VideoFormat = VideoFormat { size: Size::HD, frame_rate: 30.0 };

    /// Runs so many seconds on a machine that takes `millis` for a whole picture; returns how often the
    /// limit changed and the height at the end.
    fn run(effort: &mut Effort, at: &mut Instant, seconds: u32, millis: f64) -> (usize, usize) {
        let mut changes = 0;
        let end = *at + Duration::from_secs(1) * seconds;
        while *at < end {
            let format = effort.limit(WANTED);
            let interval = Duration::from_secs_f64(1.0 / format.frame_rate);
            let share = format.size.pixels() as f64 / WANTED.size.pixels() as f64;
            changes += usize::from(effort.note(*at, Duration::from_secs_f64(millis * share / 1000.0), interval));
            *at += interval;
        }
        (changes, effort.limit(WANTED).size.height())
    }

    #[test]
    fn a_slow_machine_sends_less_and_stays_there() {
        for (millis, height, frame_rate) in [
            (7.0, 720, 30.0),
            (25.0, 720, 30.0),
            (35.0, 540, 30.0),
            (80.0, 360, 30.0),
            (200.0, 360, 15.0),
            (900.0, 180, 15.0),
        ] {
            let (mut effort, mut at) = (Effort::default(), now());
            run(&mut effort, &mut at, 10, millis);
            let (changes, reached) = run(&mut effort, &mut at, 120, millis);
            assert_eq!((reached, effort.limit(WANTED).frame_rate), (height, frame_rate), "{millis} ms");
            assert_eq!(changes, 0, "{millis} ms");
        }
    }

    #[test]
    fn what_was_only_busy_for_a_while_recovers() {
        let (mut effort, mut at) = (Effort::default(), now());
        assert_eq!(run(&mut effort, &mut at, 10, 80.0).1, 360);
        assert!(effort.is_limited());
        assert_eq!(run(&mut effort, &mut at, 40, 7.0).1, 720);
        assert!(!effort.is_limited());
        // Half a second of it changes nothing.
        let mut busy = |millis| effort.note(at, Duration::from_millis(millis), Duration::from_millis(33));
        assert!((0..15).all(|_| !busy(100)));
    }
}
