//! A sender, a path and a receiver in simulated time.

use super::*;
use crate::{
    congestion::{Pace, RateAllocator},
    media::{Size, VideoFormat, now},
    path::{Chance, Path, PathConfig, UnderWay},
};

const MAX: f64 = 2_300e3;

/// What a side sends besides the line.
#[derive(Clone)]
struct Call {
    path: PathConfig,
    seconds: u64,
    /// What the encoder would like to send, in bits a second: (since, rate).
    wanted: Vec<(u64, f64)>,
    /// Whether pictures vary in size.
    varies: f64,
    /// Share of reports that get lost.
    reports_lost: f64,
}

impl Call {
    fn over(path: PathConfig) -> Self {
        Self { path, seconds: 20, wanted: vec![(0, 2_000e3)], varies: 0.3, reports_lost: 0.0 }
    }
}

/// A moment of the call: every 50 ms.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: f64,
    rate: f64,
}

#[derive(Debug, Default)]
struct Course {
    moments: Vec<Moment>,
    /// When each picture was captured, and how long it took to be there whole; none if a packet was lost.
    pictures: Vec<(f64, Option<f64>)>,
    padding: usize,
    /// When sound was alone.
    alone: Vec<f64>,
    line: Option<Line>,
}

impl Course {
    /// The lowest, the mean and the highest rate in kbit/s from one second to another.
    fn rates(&self, from: f64, until: f64) -> (f64, f64, f64) {
        let rates: Vec<f64> =
            self.moments.iter().filter(|m| m.at >= from && m.at < until).map(|m| m.rate / 1e3).collect();
        let sum: f64 = rates.iter().sum();
        (
            rates.iter().copied().fold(f64::MAX, f64::min),
            sum / rates.len() as f64,
            rates.iter().copied().fold(0.0, f64::max),
        )
    }

    /// The first second after `from` at which the rate is on the other side of `kbps` for good, 0.5 s at least.
    fn reaches(&self, from: f64, kbps: f64, above: bool) -> f64 {
        let hit = |m: &&Moment| m.at >= from && (m.rate / 1e3 >= kbps) == above;
        self.moments.iter().find(hit).map_or(f64::MAX, |m| m.at - from)
    }

    /// Median and 95th percentile in ms of the pictures' latency, and the longest gap between two arrivals.
    fn latency(&self, from: f64, until: f64) -> (f64, f64, f64) {
        let shown: Vec<(f64, f64)> = self
            .pictures
            .iter()
            .filter(|(at, _)| *at >= from && *at < until)
            .filter_map(|(at, took)| Some((*at, (*took)?)))
            .collect();
        let mut took: Vec<f64> = shown.iter().map(|(_, took)| took * 1e3).collect();
        took.sort_by(f64::total_cmp);
        let gap =
            shown.windows(2).map(|pair| (pair[1].0 + pair[1].1 - pair[0].0 - pair[0].1) * 1e3).fold(0.0, f64::max);
        (took[took.len() / 2], took[took.len() * 95 / 100], gap)
    }
}

#[derive(Clone, Copy)]
struct Out {
    departure: Instant,
    bytes: usize,
    picture: Option<usize>,
}

fn run(call: &Call) -> Course {
    let start = now();
    let mut path = Path::new(call.path.clone(), start);
    let mut chance = Chance(call.path.seed ^ 77);
    let mut estimator = LineEstimator::new(Bitrate::from_kbps(1500), Bitrate::from_bps(MAX as u64));
    let mut pace = Pace::default();
    let format = VideoFormat { size: Size::HD, frame_rate: 30.0 };
    let mut allocator = RateAllocator::new(Bitrate::from_kbps(2_000), format);
    let mut waiting: VecDeque<(usize, Option<usize>)> = VecDeque::new();
    let mut history: Vec<(Out, Option<Instant>)> = Vec::new();
    let mut reported = 0;
    let mut arriving: UnderWay<usize> = UnderWay::new();
    let mut arrived: Vec<(usize, Instant)> = Vec::new();
    let mut reports: UnderWay<Vec<(usize, Instant)>> = UnderWay::new();
    let mut course = Course::default();
    // What is missing of each picture.
    let mut missing: Vec<(f64, usize, Option<f64>)> = Vec::new();
    let mut owed = 0.0;
    let clock = start - Duration::from_secs(5);
    for micros in (0..call.seconds * 1_000_000).step_by(500) {
        let at = start + Duration::from_micros(micros);
        let seconds = micros as f64 / 1e6;
        let mut send =
            |bytes: usize, picture: Option<usize>, path: &mut Path, history: &mut Vec<(Out, Option<Instant>)>| {
                let arrivals = path.send(at, bytes);
                arriving.add(&arrivals, &history.len());
                history.push((Out { departure: at, bytes, picture }, None));
            };
        if micros % 20_000 == 0 {
            send(80 + 58, None, &mut path, &mut history);
        }
        if micros % 33_500 == 0 && allocator.allocate(at, &estimator.line(), 0.0).is_audio_alone() {
            course.alone.push(seconds);
        } else if micros % 33_500 == 0 {
            let wanted =
                call.wanted.iter().rev().find(|(since, _)| *since as f64 <= seconds).map_or(0.0, |(_, rate)| *rate);
            let allocation = allocator.allocate(at, &estimator.line(), 0.0);
            let left = allocation.video.bps() as f64;
            let share = 1.0 + call.varies * (2.0 * chance.share() - 1.0);
            let mut bytes = left.min(wanted) / 8.0 * 0.0335 * share - owed;
            // An encoder's rate control makes good for a large picture over the next few.
            owed = if bytes < 200.0 { 200.0 - bytes } else { 0.0 };
            bytes = bytes.max(200.0);
            if micros == 0 {
                bytes = 30_000.0;
                owed = 0.0;
            }
            let packets = (bytes / 1180.0).ceil() as usize;
            for _ in 0..packets {
                waiting.push_back((bytes as usize / packets + 58, Some(missing.len())));
            }
            missing.push((seconds, packets, None));
            let padding = estimator.take_padding(at);
            course.padding += padding;
            if padding > 0 {
                let packets = padding.div_ceil(1000).max(6);
                for _ in 0..packets {
                    waiting.push_back((padding / packets, None));
                }
            }
        }
        while pace.is_free(at)
            && let Some((bytes, picture)) = waiting.pop_front()
        {
            pace.spend(at, bytes, &estimator.line());
            send(bytes, picture, &mut path, &mut history);
        }
        while let Some((came, number)) = arriving.arrived(at) {
            if history[number].1.replace(came).is_none() {
                arrived.push((number, came));
                if let Some(picture) = history[number].0.picture {
                    let picture = &mut missing[picture];
                    picture.1 -= 1;
                    if picture.1 == 0 {
                        picture.2 = Some((came - start).as_secs_f64() - picture.0);
                    }
                }
            }
        }
        if micros % 50_000 == 0 && !arrived.is_empty() {
            let told = std::mem::take(&mut arrived);
            if !chance.happens(call.reports_lost) {
                reports.add(&[at + call.path.delay], &told);
            }
        }
        while let Some((_, told)) = reports.arrived(at) {
            let highest = told.iter().map(|(number, _)| *number).max().unwrap_or_default();
            let lowest = told.iter().map(|(number, _)| *number).min().unwrap_or_default();
            let fates: Vec<PacketFate> = (reported..=highest)
                .map(|number| {
                    let out = history[number].0;
                    let came = told.iter().find(|(told, _)| *told == number).map(|(_, came)| *came);
                    let fate = match came {
                        Some(came) => Fate::Arrived(came - clock),
                        None if number < lowest => Fate::Untold,
                        None => Fate::Lost,
                    };
                    PacketFate { departure: out.departure, bytes: out.bytes, fate }
                })
                .collect();
            reported = reported.max(highest + 1);
            estimator.report(at, &fates);
        }
        if micros % 50_000 == 0 {
            course.moments.push(Moment { at: seconds, rate: estimator.line().available.bps() as f64 });
        }
    }
    course.pictures = missing.into_iter().map(|(at, _, took)| (at, took)).collect();
    course.line = Some(estimator.line());
    course
}

fn line(delay: u64, kbps: &[(u64, f64)]) -> PathConfig {
    let rates = kbps.iter().map(|(since, kbps)| (Duration::from_secs(*since), kbps * 1e3)).collect();
    PathConfig { rates, ..PathConfig::clean(Duration::from_millis(delay)) }
}

const SEEDS: [u64; 4] = [1, 2, 3, 4];

fn seeds(call: &Call, judge: impl Fn(&Course)) {
    for seed in SEEDS {
        let mut call = call.clone();
        call.path.seed = seed;
        judge(&run(&call));
    }
}

#[test]
fn a_clean_line_is_used_at_once() {
    for delay in [1, 20, 100] {
        seeds(&Call::over(line(delay, &[])), |course| {
            assert!(course.reaches(0.0, 2_100.0, true) < 1.0);
            assert!(course.rates(1.0, 20.0).0 > 2_100.0);
        });
    }
}

#[test]
fn a_narrow_line_is_recognised_at_once_and_hardly_waited_for() {
    for kbps in [300.0, 500.0, 1000.0] {
        seeds(&Call::over(line(20, &[(0, kbps)])), |course| {
            assert!(course.reaches(0.0, kbps, false) < 0.3, "{}", course.reaches(0.0, kbps, false));
            let (low, mean, high) = course.rates(3.0, 20.0);
            assert!(low > 0.55 * kbps && mean > 0.8 * kbps && high < 1.02 * kbps, "{low} {mean} {high}");
            let (median, p95, gap) = course.latency(3.0, 18.0);
            assert!(median < 75.0 && p95 < 110.0 && gap < 150.0, "{median} {p95} {gap}");
        });
    }
}

#[test]
fn a_line_that_gets_narrow_and_wide_again_is_followed() {
    for (delay, narrow) in [(20, 500.0), (20, 1000.0), (50, 500.0), (5, 300.0), (30, 200.0)] {
        let mut call = Call::over(line(delay, &[(0, 3000.0), (15, narrow), (35, 3000.0)]));
        call.seconds = 55;
        seeds(&call, |course| {
            assert!(course.rates(2.0, 15.0).0 > 2_000.0);
            let down = course.reaches(15.0, narrow, false);
            let (_, _, gap) = course.latency(14.5, 20.0);
            let (median, p95, _) = course.latency(17.0, 34.5);
            let back = course.reaches(35.0, 1_700.0, true);
            assert!(down < 0.25 + 2e-3 * delay as f64, "{down}");
            assert!(gap < if narrow < 300.0 { 700.0 } else { 400.0 }, "{gap}");
            assert!(back < 3.5, "{back}");
            assert!(median < 75.0 + delay as f64 && p95 < 110.0 + delay as f64, "{median} {p95}");
            let (low, mean, high) = course.rates(17.0, 35.0);
            assert!(low > 0.5 * narrow && mean > 0.78 * narrow && high < 1.05 * narrow, "{low} {mean} {high}");
        });
    }
}

#[test]
fn loss_is_no_congestion() {
    for (loss, burst, reports_lost) in [(0.05, 1, 0.05), (0.1, 1, 0.1), (0.05, 4, 0.0), (0.1, 4, 0.1), (0.2, 1, 0.0)] {
        let path = PathConfig { loss, burst, ..line(50, &[]) };
        seeds(&Call { reports_lost, seconds: 30, ..Call::over(path) }, |course| {
            let floor = if loss < 0.15 { 2_000.0 } else { 700.0 };
            assert!(course.rates(1.5, 30.0).0 > floor, "{:?}", course.rates(1.5, 30.0));
            assert!(course.rates(12.0, 30.0).1 > 1_900.0, "{:?}", course.rates(12.0, 30.0));
            let line = course.line.expect("at the end");
            assert!((line.loss - loss).abs() < 0.07, "{}", line.loss);
        });
    }
}

#[test]
fn a_lossy_narrow_line_is_still_narrow() {
    for (loss, burst) in [(0.05, 1), (0.1, 1), (0.05, 4)] {
        let path = PathConfig { loss, burst, ..line(50, &[(0, 800.0)]) };
        seeds(&Call::over(path), |course| {
            let (low, mean, high) = course.rates(3.0, 20.0);
            assert!(low > 350.0 && mean > 550.0 && high < 1_000.0, "{low} {mean} {high}");
        });
    }
}

#[test]
fn jitter_and_reordering_are_no_congestion() {
    for (jitter, reorders) in [(20, false), (30, false), (10, true), (20, true)] {
        let path = PathConfig { jitter: Duration::from_millis(jitter), reorders, ..line(30, &[]) };
        seeds(&Call::over(path), |course| {
            assert!(
                course.rates(2.0, 20.0).0 > 1_300.0 && course.rates(2.0, 20.0).1 > 1_900.0,
                "{:?}",
                course.rates(2.0, 20.0)
            );
        });
    }
}

#[test]
fn who_sends_little_does_not_climb() {
    let mut call = Call::over(line(20, &[(0, 400.0)]));
    call.wanted = vec![(0, 150e3), (20, 2_000e3)];
    call.seconds = 30;
    seeds(&call, |course| {
        let (_, _, high) = course.rates(2.0, 20.0);
        assert!(high < 450.0, "{high}");
        let (_, p95, gap) = course.latency(20.0, 29.0);
        assert!(p95 < 130.0 && gap < 250.0, "{p95} {gap}");
    });
    // And on a line with room it comes to all of it soon, once it is wanted.
    let mut call = Call::over(line(20, &[]));
    call.wanted = vec![(0, 150e3), (10, 2_000e3)];
    seeds(&call, |course| {
        let back = course.reaches(10.0, 1_900.0, true);
        assert!(back < 1.5, "{back}");
    });
}

#[test]
fn a_very_narrow_line_is_survived() {
    let mut call = Call::over(line(30, &[(0, 3000.0), (10, 60.0), (25, 3000.0)]));
    call.seconds = 45;
    seeds(&call, |course| {
        let (_, mean, _) = course.rates(13.0, 25.0);
        assert!(mean < 85.0, "{mean}");
        assert!(course.alone.first().is_some_and(|at| (14.0..17.0).contains(at)), "{:?}", course.alone.first());
        assert!(course.alone.last().is_some_and(|at| *at < 40.0), "{:?}", course.alone.last());
        let back = course.reaches(25.0, 1_000.0, true);
        assert!(back < 12.0, "{back}");
    });
}

#[test]
fn a_narrow_line_that_jitters_is_used() {
    for (kbps, jitter) in [(500.0, 10), (500.0, 30), (1000.0, 20), (300.0, 20)] {
        let path = PathConfig { jitter: Duration::from_millis(jitter), ..line(20, &[(0, kbps)]) };
        seeds(&Call::over(path), |course| {
            let (_, mean, high) = course.rates(4.0, 20.0);
            assert!(mean > 0.7 * kbps && high < 1.1 * kbps, "{mean} {high}");
            let (median, p95, gap) = course.latency(4.0, 18.0);
            assert!(median < 95.0 && p95 < 140.0 && gap < 180.0, "{median} {p95} {gap}");
        });
    }
}
