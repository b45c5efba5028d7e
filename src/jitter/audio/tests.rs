use bytes::Bytes;
use proptest::prelude::*;

use super::{
    simulation::{MILLI, Outcome, Scenario},
    *,
};
use crate::media::{AudioFrame, SeqNo, now};

const SECOND: Duration = Duration::from_secs(1);

/// The largest jump between two samples of the tone that is sent, and a little.
const SMOOTH: f32 = 0.0105;

fn clean() -> Scenario {
    Scenario::clean()
}

fn over(scenario: Scenario, change: impl FnOnce(&mut crate::path::PathConfig)) -> Scenario {
    let mut scenario = scenario;
    change(&mut scenario.path);
    scenario
}

/// The smallest, the median and the largest latency from a second on, in milliseconds, after what the path, the
/// packet and the sink take.
fn beyond(scenario: &Scenario, outcome: &Outcome, from: u32) -> (f64, f64, f64) {
    let latencies = outcome.latencies(SECOND * from, scenario.length);
    let least = scenario.path.delay + scenario.block + scenario.ahead;
    let at = |index: usize| (latencies[index].as_secs_f64() - least.as_secs_f64()) * 1e3;
    (at(0), at(latencies.len() / 2), at(latencies.len() - 1))
}

#[test]
fn a_clean_line_is_played_as_it_comes() {
    for (block, wakes_late) in [(20, 0), (20, 3), (10, 1), (40, 1), (60, 1)] {
        let scenario = Scenario { block: MILLI * block, wakes_late: MILLI * wakes_late, ..clean() };
        let outcome = scenario.run();
        let (_, _, longest) = beyond(&scenario, &outcome, 0);
        assert!(longest < 1.0, "{block}: {longest} ms");
        assert_eq!((outcome.played.concealed, outcome.stretched(), outcome.starved), (0, 0, Duration::ZERO), "{block}");
        assert!(outcome.steepest() < SMOOTH);
    }
}

#[test]
fn jitter_is_waited_for_and_no_longer() {
    for seed in 1..=3 {
        for (jitter, reorders) in [(20, false), (60, false), (20, true), (60, true)] {
            let scenario = over(clean(), |path| {
                (path.seed, path.jitter, path.reorders) = (seed, MILLI * jitter, reorders);
            });
            let outcome = scenario.run();
            let (_, median, longest) = beyond(&scenario, &outcome, 10);
            let name =
                format!("jitter of {jitter} ms, seed {seed}, {reorders}: {median} {longest} {}", outcome.concealed());
            assert!(median < f64::from(jitter) + 7.0 && longest < f64::from(jitter) + 15.0, "{name}");
            assert!(outcome.concealed() < 0.002, "{name}");
            assert!(outcome.steepest() < SMOOTH * 1.2, "{name}: {}", outcome.steepest());
        }
    }
}

#[test]
fn the_delay_shrinks_when_jitter_is_over() {
    // Bad for twenty seconds: up to 80 ms more.
    let stall = |at: Duration| match at.as_millis() {
        millis @ ..20_000 => MILLI * (millis as u32 / 20 * 37 % 81),
        _ => Duration::ZERO,
    };
    let scenario = Scenario { stall, ..clean() };
    let outcome = scenario.run();
    let (_, _, longest) = beyond(&scenario, &outcome, 30);
    assert!(longest < 7.0, "{longest} ms");
    assert_eq!(outcome.played.skipped, 0);
}

#[test]
fn a_burst_is_caught_up_with_in_seconds() {
    for late in [60_u64, 200, 400] {
        let stall = match late {
            60 => |at| stalled(at, 60),
            200 => |at| stalled(at, 200),
            _ => |at| stalled(at, 400),
        };
        let scenario = Scenario { stall, length: SECOND * 30, ..clean() };
        let outcome = scenario.run();
        let (_, _, longest) = beyond(&scenario, &outcome, 10 + 1 + late as u32 / 150);
        assert!(longest < 7.0, "{late}: {longest} ms");
        assert_eq!((outcome.played.skipped, outcome.played.packets), (0, 1_497), "{late}");
        assert!(outcome.played.concealed <= late * 48, "{late}: {}", outcome.played.concealed);
        assert!(outcome.steepest() < SMOOTH * 1.2, "{late}");
    }
}

/// Ten seconds after the start the line stands still for so many milliseconds.
fn stalled(at: Duration, millis: u64) -> Duration {
    let over = 10 * SECOND + Duration::from_millis(millis);
    if at < 10 * SECOND { Duration::ZERO } else { over.saturating_sub(at) }
}

#[test]
fn what_is_lost_is_recovered_from_what_follows() {
    for (loss, fec, redundant) in [(0.05, true, false), (0.05, false, true), (0.05, true, true), (0.1, true, true)] {
        let (mut concealed, mut samples) = (0, 0);
        for seed in 1..=6 {
            let scenario = over(Scenario { fec, redundant, ..clean() }, |path| (path.seed, path.loss) = (seed, loss));
            let outcome = scenario.run();
            let (_, median, longest) = beyond(&scenario, &outcome, 5);
            assert!(median < 21.0 && longest < 28.0, "{loss} {fec} {redundant}: {median} {longest}");
            // Two in a row cannot be recovered, and at first nothing is known of losses.
            let gone = (outcome.reception.lost - outcome.played.recovered) * 960;
            assert!(outcome.played.concealed <= gone + 5 * 960, "{:?} {:?}", outcome.played, outcome.reception);
            concealed += outcome.played.concealed;
            samples += outcome.played.samples;
        }
        let share = concealed as f64 / samples as f64;
        assert!(share < loss * loss * 1.3 + 0.000_5, "{loss} {fec} {redundant}: {share}");
    }
}

#[test]
fn what_cannot_be_recovered_is_made_up_without_delay() {
    for seed in 1..=3 {
        let scenario = over(clean(), |path| (path.seed, path.loss) = (seed, 0.05));
        let outcome = scenario.run();
        let (_, median, longest) = beyond(&scenario, &outcome, 0);
        assert!(median < 1.0 && longest < 1.0, "{median} {longest}");
        assert_eq!(outcome.played.concealed, outcome.reception.lost * 960);
    }
}

#[test]
fn a_dead_line_is_made_up_then_silence_then_a_new_start() {
    let scenario = over(clean(), |path| (path.seed, path.loss, path.burst) = (3, 0.2, 100));
    let outcome = scenario.run();
    let (_, _, longest) = beyond(&scenario, &outcome, 0);
    assert!(longest < 7.0, "{longest}");
    assert!(outcome.reception.lost >= 100);
    assert!(outcome.played.concealed.abs_diff(outcome.reception.lost * 960) < 5 * 960, "{outcome:?}");
    let silent = outcome.sound.iter().filter(|sample| **sample == 0.0).count() as u64;
    assert!(silent > outcome.played.concealed / 2);
}

#[test]
fn twice_is_once() {
    let scenario = over(clean(), |path| path.duplicates = 0.2);
    let outcome = scenario.run();
    let (_, _, longest) = beyond(&scenario, &outcome, 0);
    assert!(longest < 1.0 && outcome.played.packets == 2_997 && outcome.reception.duplicated > 500, "{outcome:?}");
}

#[test]
fn drifting_clocks_change_neither_delay_nor_sound() {
    for drift in [200.0, -200.0] {
        let scenario = Scenario { drift, length: SECOND * 3_600, ..clean() };
        let outcome = scenario.run();
        let (shortest, median, longest) = beyond(&scenario, &outcome, 10);
        assert!(shortest > -3.0 && median < 7.0 && longest < 12.0, "{drift}: {shortest} {median} {longest}");
        assert_eq!((outcome.played.concealed, outcome.played.skipped), (0, 0), "{drift}");
        // 0.72 s in all, and little more.
        assert!((34_000..100_000).contains(&outcome.stretched()), "{:?}", outcome.played);
        assert!(outcome.starved < 20 * MILLI, "{:?}", outcome.starved);
        assert!(outcome.steepest() < SMOOTH * 1.1, "{drift}");
    }
}

#[test]
fn a_pause_of_the_sender_is_silence_not_loss() {
    let pause = |at: Duration| at.as_millis() % 3_000 > 1_500;
    for jitter in [0, 20] {
        let scenario = over(Scenario { pause, ..clean() }, |path| path.jitter = MILLI * jitter);
        let outcome = scenario.run();
        let (_, median, longest) = beyond(&scenario, &outcome, 10);
        assert!(median < f64::from(jitter) + 3.0 && longest < f64::from(jitter) + 12.0, "{median} {longest}");
        assert!(outcome.concealed() <= 0.000_5 * f64::from(jitter), "{jitter}: {:?}", outcome.played);
        assert_eq!(outcome.played.skipped, 0);
        assert!(outcome.played.samples > 59 * 48_000, "something is played in pauses");
    }
}

#[test]
fn another_stream_begins_anew() {
    let scenario = Scenario { stream: |at| at.as_secs() as u32 / 10, ..clean() };
    let outcome = scenario.run();
    let (_, _, longest) = beyond(&scenario, &outcome, 0);
    assert!(longest < 1.0 && outcome.played.packets > 2_990 && outcome.played.concealed == 0, "{longest} {outcome:?}");
}

#[test]
fn an_extra_delay_is_reached_and_left_again() {
    let extra = |at: Duration| if at.as_secs() / 10 == 2 { 100 * MILLI } else { Duration::ZERO };
    let scenario = Scenario { extra, ..clean() };
    let outcome = scenario.run();
    let median = |from: u32, to: u32| {
        let latencies = outcome.latencies(SECOND * from, SECOND * to);
        latencies[latencies.len() / 2].as_millis()
    };
    assert_eq!((median(0, 20), median(22, 30)), (76, 175));
    assert!(median(32, 60) < 83, "{}", median(32, 60));
    assert_eq!((outcome.played.concealed, outcome.played.skipped), (0, 0));
}

/// The `n`-th packet of a tone.
fn packet(start: Instant, n: u32) -> RtpPacket {
    let payload = [&[0], &n.to_be_bytes()[..]].concat().into();
    let (seq, timestamp) = (SeqNo(n as u16), RtpTime(n * 960));
    RtpPacket {
        ssrc: 1,
        payload_type: 111,
        seq,
        timestamp,
        marker: false,
        rotation: None,
        payload,
        arrival: start + BLOCK * n,
    }
}

#[test]
fn what_a_speaker_left_lying_for_long_is_left_behind() {
    let (start, mut piece) = (now(), AudioFrame::default());
    let mut player = AudioPlayer::new(48_000, Box::new(Tone::new(BLOCK)), 1);
    player.insert(packet(start, 0));
    assert!(player.next(start, Duration::ZERO, true, &mut piece));
    // For two seconds nothing was asked for.
    (1..=100).for_each(|n| player.insert(packet(start, n)));
    let at = start + BLOCK * 100;
    for n in 0..4 {
        assert!(player.next(at + 10 * MILLI * n, Duration::ZERO, true, &mut piece));
    }
    assert!(player.played().skipped > 90, "{:?}", player.played());
    assert!(player.delay().is_some_and(|delay| delay < 30 * MILLI), "{:?}", player.delay());
}

#[test]
fn damaged_packets_are_made_up() {
    let (start, mut piece) = (now(), AudioFrame::default());
    let mut player = AudioPlayer::new(48_000, Box::new(Tone::new(BLOCK)), 1);
    for n in 0..50 {
        let payload = if n % 10 == 5 { Bytes::from_static(&[0]) } else { packet(start, n).payload };
        player.insert(RtpPacket { payload, ..packet(start, n) });
        for half in 0..2 {
            assert!(player.next(start + BLOCK * n + 10 * MILLI * half, Duration::ZERO, true, &mut piece));
        }
    }
    let played = player.played();
    assert_eq!((played.packets, played.concealed), (45, 5 * 960));
}

#[test]
fn when_full_the_oldest_goes() {
    let (start, mut buffer) = (now(), AudioBuffer::new(48_000));
    (0..300).for_each(|n| _ = buffer.insert(packet(start, n), false));
    assert_eq!((buffer.len(), buffer.reception().discarded), (CAPACITY, 44));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the path does, sound goes on, is not louder than it was, and nothing is played twice.
    #[test]
    fn any_path(
        seed: u64,
        jitter in 0_u32..300,
        reorders: bool,
        loss in 0.0..0.5,
        burst in 1_u32..20,
        duplicates in 0.0..0.3,
        block in prop::sample::select(vec![10_u32, 20, 40, 60]),
        fec: bool,
        redundant: bool,
        late in 0_u32..40,
    ) {
        let scenario = Scenario { block: MILLI * block, fec, redundant, wakes_late: MILLI * late, length: 10 * SECOND, ..clean() };
        let scenario = over(scenario, |path| {
            (path.seed, path.jitter, path.reorders) = (seed, MILLI * jitter, reorders);
            (path.loss, path.burst, path.duplicates) = (loss, burst, duplicates);
        });
        let outcome = scenario.run();
        let played = outcome.played;
        prop_assert!(played.packets + played.recovered <= u64::from(10_000 / block));
        prop_assert!(played.packets <= outcome.reception.received);
        prop_assert!(outcome.sound.iter().all(|sample| sample.abs() < 0.75));
        if let Some((first, ..)) = outcome.pieces.first() {
            let time = scenario.length.saturating_sub(*first + outcome.starved).as_millis() as u64;
            prop_assert!(played.samples.abs_diff(time * 48) < 48 * 60, "{} of {}", played.samples, time * 48);
        }
        prop_assert!(outcome.max_target <= 500 * MILLI);
    }
}
