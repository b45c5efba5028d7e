//! What the line bears, from what became of each packet.
//!
//! Four things are looked at. How long packets wait ([`Travel`]): a queue that stands means too much is sent.
//! How fast packets that left together are served ([`Service`]): that is what the line could bear, in both
//! directions, long before a queue or a climb would tell. How much arrives. And how much is lost ([`LossLimit`]).
//!
//! The rate is a share of the capacity so found, less while there is a queue to be drained: the lower rate
//! lasts as long as the queue and not longer.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    Line,
    flood::Flood,
    loss::{LossLimit, Losses},
    service::Service,
    travel::{Travel, Wait},
};
use crate::media::Bitrate;

/// No call is worth having below this: sound alone with its headers.
const MIN: f64 = 40_000.0;

/// The share of the capacity that is used: what is left drains the queue behind a large picture.
const USED: f64 = 0.93;

/// A wait up to this is noise, or a picture behind the one before.
const HARMLESS: f64 = 0.015;

/// A wait of even the newest few packets that grows beyond this is a line that got narrow; already beyond the
/// second if those few are served slower than they are sent.
const SUDDEN: (f64, f64) = (0.060, 0.030);

/// As many gaps between packets tell a rate to follow upwards.
const ENOUGH: usize = 6;

/// A line that has become so much narrower from one report to the next cannot bear what is under way.
const NARROWED: f64 = 0.6;

/// Within this time a queue is to be drained. A wait of so long would stop everything, but [`DRAIN_LEAST`]
/// is kept.
const DRAIN: f64 = 0.5;
const DRAIN_LEAST: f64 = 0.55;

/// A queue that is shorter than the first and younger than the second may be chance: it is drained, but the
/// capacity is not thought to be less.
const DOUBTFUL: (f64, Duration) = (0.040, Duration::from_millis(250));

/// What the capacity gains in a second while all of it is used and nothing waits; after [`CALM`] without a queue;
/// and when packets that left together tell of more than it may be stepped to.
const RISE: f64 = 0.06;
const CALM_RISE: f64 = 0.20;
const PROVEN_RISE: f64 = 0.30;
const CALM: Duration = Duration::from_secs(8);

/// Up to this the capacity rises even if it is not used: enough to try a picture again.
const TRIAL: f64 = 130_000.0;

/// What is proven by packets that left together is followed in steps of at most this, so often.
const STEP: f64 = 1.6;
const STEP_INTERVAL: Duration = Duration::from_millis(200);

/// The share of a proven rate that is believed.
const BELIEVED: f64 = 0.95;

/// After a step that led to a queue no other is made for this long, twice as long each time.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(48));

/// A queue within this time after a step was its doing.
const BLAME: Duration = Duration::from_millis(1500);

/// A queue that stays although less is sent is somebody else's: after this time it is borne.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How often padding may make a train of packets longer, if there is nothing else to learn from.
const PROBE_INTERVAL: Duration = Duration::from_millis(1000);

/// ... and how seldom, when that has taught nothing.
const PROBE_INTERVAL_MOST: Duration = Duration::from_secs(3);

/// As long a time of the line's capacity a probe takes.
const PROBE: f64 = 0.040;

/// So long ago is now.
const NEWEST: Duration = Duration::from_millis(100);

/// Arrivals and departures are counted over this.
const METER: Duration = Duration::from_millis(500);

/// The round trip is the shortest of this time.
const ROUND_TRIPS: Duration = Duration::from_secs(5);

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It came, at this time of the other side's clock.
    Arrived(Duration),
    /// It did not come.
    Lost,
    /// The report about it was lost itself.
    Untold,
}

/// A packet of ours and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct PacketFate {
    /// When it left.
    pub departure: Instant,
    /// Its size on the wire, headers included.
    pub bytes: usize,
    /// What became of it.
    pub fate: Fate,
}

/// Estimates what the line bears. Fed with each report of the other side; asks no clock.
#[derive(Debug)]
pub struct LineEstimator {
    max: f64,
    /// What the line is thought to bear, in bits a second.
    capacity: f64,
    known: bool,
    travel: Travel,
    service: Service,
    sent: Meter,
    came: Meter,
    loss_limit: LossLimit,
    losses: Losses,
    round_trips: VecDeque<(Instant, Duration)>,
    reported: Option<Instant>,
    wait: Wait,
    /// Since when there is a queue.
    queue_since: Option<Instant>,
    queue_last: Option<Instant>,
    flood: Flood,
    /// A wait that is not our doing.
    foreign: f64,
    /// When a proven rate was followed, and the capacity before the first of such steps.
    step: Option<(Instant, f64)>,
    no_step_before: Option<Instant>,
    back_off: Duration,
    probed: Option<Instant>,
    probe_interval: Duration,
}

impl LineEstimator {
    /// Returns an estimator that assumes `start` and never says more than `max`.
    pub fn new(start: Bitrate, max: Bitrate) -> Self {
        let max = (max.bps() as f64).max(MIN);
        Self {
            max,
            capacity: (start.bps() as f64 / USED).clamp(MIN, max / USED),
            known: false,
            travel: Travel::default(),
            service: Service::default(),
            sent: Meter::default(),
            came: Meter::default(),
            loss_limit: LossLimit::new(max),
            losses: Losses::default(),
            round_trips: VecDeque::new(),
            reported: None,
            wait: Wait::default(),
            queue_since: None,
            queue_last: None,
            flood: Flood::default(),
            foreign: 0.0,
            step: None,
            no_step_before: None,
            back_off: BACK_OFF.0,
            probed: None,
            probe_interval: PROBE_INTERVAL,
        }
    }

    /// Returns what is known of the line.
    pub fn line(&self) -> Line {
        Line {
            available: Bitrate::from_bps(self.rate() as u64),
            steady: Bitrate::from_bps(self.steady_rate() as u64),
            known: self.known,
            flooded: self.flood.is_on(),
            floods: self.flood.count(),
            loss: self.losses.share(),
            burst: self.losses.burst(),
            round_trip: self.round_trips.front().map(|(_, round_trip)| *round_trip),
        }
    }

    /// Takes the fates of packets in the order of sending, as a report at `now` tells them.
    pub fn report(&mut self, now: Instant, fates: &[PacketFate]) {
        let elapsed = self.reported.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64()).min(0.5);
        if fates.is_empty() {
            return;
        }
        self.reported = Some(now);
        let rate = self.rate();
        let (mut lost, mut told) = (0, 0);
        for packet in fates {
            self.sent.count(packet.departure, packet.bytes);
            match packet.fate {
                Fate::Arrived(arrival) => {
                    let waited = self.travel.took(packet.departure, arrival);
                    self.service.served(packet.departure, arrival, packet.bytes, rate, waited);
                    self.came.count(packet.departure + Duration::from_secs_f64(waited), packet.bytes);
                    self.known = true;
                }
                Fate::Lost | Fate::Untold => self.service.interrupted(),
            }
            if packet.fate != Fate::Untold {
                told += 1;
                lost += usize::from(packet.fate == Fate::Lost);
            }
        }
        if let Some(last) = fates.iter().rfind(|packet| matches!(packet.fate, Fate::Arrived(_))) {
            self.took_round(now, now.saturating_duration_since(last.departure));
        }
        self.wait = self.travel.wait();
        // Where there is a queue it tells more than the loss behind it.
        let queued = self.queue_last.is_some_and(|at| now.saturating_duration_since(at) < 2 * METER);
        if queued || self.wait.standing > HARMLESS {
            self.loss_limit.skip(now);
        } else {
            self.loss_limit.update(now, lost, told, rate);
            // What a full queue loses says nothing of the line: repairing it would only add to it.
            for packet in fates.iter().filter(|packet| packet.fate != Fate::Untold) {
                self.losses.count(packet.fate == Fate::Lost);
            }
        }
        let before = self.capacity;
        self.follow(now, elapsed);
        let left = fates.last().map_or(now, |last| last.departure);
        let unreported = now.saturating_duration_since(left).as_secs_f64();
        let under_way = self.sent.rate(METER) * unreported / self.capacity;
        let waits = (self.wait.newest - self.foreign).max(0.0);
        self.flood.update(now, (lost, left), (waits, under_way), self.capacity < NARROWED * before);
        tracing::trace!(
            capacity = self.capacity as u64 / 1000,
            served = self.service.rate(PROBE_INTERVAL / 2, ENOUGH).map(|served| served as u64 / 1000),
            sent = self.sent.rate(METER) as u64 / 1000,
            came = self.came.rate(METER) as u64 / 1000,
            limit = self.loss_limit.get() as u64 / 1000,
            wait = ?self.wait,
            "the line"
        );
    }

    /// Returns how many bytes of padding are to follow the next picture, best in half a dozen packets: a train
    /// that is too short to tell what the line could bear is made longer. Counts as given.
    pub fn take_padding(&mut self, now: Instant) -> usize {
        let due = self.probed.is_none_or(|at| now.saturating_duration_since(at) >= self.probe_interval);
        let wanted = self.known && self.rate() < 0.9 * self.max && self.queue_since.is_none() && self.may_step(now);
        let taught = self.service.rate(PROBE_INTERVAL / 2, ENOUGH).is_some_and(|served| served > self.capacity);
        if !due || !wanted || taught {
            return 0;
        }
        // A probe that taught nothing new makes the next one rarer.
        self.probe_interval = (self.probe_interval * 3 / 2).min(PROBE_INTERVAL_MOST);
        self.probed = Some(now);
        (self.capacity * PROBE / 8.0) as usize
    }

    fn rate(&self) -> f64 {
        let waits = (self.wait.standing - self.foreign).max(0.0);
        let drain = (1.0 - (waits - HARMLESS / 2.0).max(0.0) / DRAIN).max(DRAIN_LEAST);
        (self.steady_rate() * drain).max(MIN)
    }

    fn steady_rate(&self) -> f64 {
        (self.capacity * USED).min(self.loss_limit.get()).clamp(MIN, self.max)
    }

    fn follow(&mut self, now: Instant, elapsed: f64) {
        let Wait { standing, newest, rising } = self.wait;
        let stands = standing - self.foreign > HARMLESS;
        let slow = self.service.rate(NEWEST, 3).is_some_and(|served| served < 0.8 * self.capacity);
        let sudden = rising && newest - self.foreign > if slow { SUDDEN.1 } else { SUDDEN.0 };
        if stands || sudden {
            self.lower(now, sudden);
            return;
        }
        self.queue_since = None;
        self.foreign = (self.foreign - 0.02 * elapsed).max(0.0).min(standing);
        if standing - self.foreign < HARMLESS / 2.0 {
            self.raise(now, elapsed);
        }
    }

    /// There is a queue: the capacity is what comes through.
    fn lower(&mut self, now: Instant, sudden: bool) {
        let begins = self.queue_since.is_none();
        let since = *self.queue_since.get_or_insert(now);
        self.queue_last = Some(now);
        let before = self.capacity;
        let lasted = now.saturating_duration_since(since);
        let sure = sudden || self.wait.standing - self.foreign > DOUBTFUL.0 || lasted > DOUBTFUL.1;
        if sure && let Some(served) = self.service.rate(NEWEST, 3) {
            // What arrives is proof, but for the moment in which it changes.
            let proof = if sudden { 0.8 * self.came.rate(NEWEST) } else { self.came.rate(NEWEST * 2) };
            self.capacity = self.capacity.min(served.max(proof));
        }
        // Trains that a radio link bundles tell too much: what arrives all in all does not, unless little is sent.
        let came = self.came.rate(METER);
        if lasted > METER && self.wait.rising && self.sent.rate(METER) > 1.1 * came {
            self.capacity = self.capacity.min(came * 1.05);
        }
        if lasted > PATIENCE {
            self.foreign = self.wait.standing;
            self.queue_since = None;
        }
        self.capacity = self.capacity.max(MIN / USED);
        if self.capacity < 0.9 * before {
            // What trains told before is history.
            self.probe_interval = PROBE_INTERVAL;
            self.probed = Some(now);
        }
        if begins && let Some((_, from)) = self.step.take_if(|(at, _)| now.saturating_duration_since(*at) < BLAME) {
            self.capacity = self.capacity.min(from.max(self.came.rate(METER)));
            self.no_step_before = Some(now + self.back_off);
            self.back_off = (self.back_off * 2).min(BACK_OFF.1);
            self.service.forget();
        }
    }

    /// Nothing waits: there may be room.
    fn raise(&mut self, now: Instant, elapsed: f64) {
        let ceiling = self.max / USED;
        let served = self.service.rate(PROBE_INTERVAL / 2, ENOUGH);
        let came = self.came.rate(METER);
        let bound = served.map_or(ceiling, |served| (served * BELIEVED).max(came).min(ceiling));
        let stepped = self.step.is_some_and(|(at, _)| now.saturating_duration_since(at) < STEP_INTERVAL);
        if bound > 1.15 * self.capacity && served.is_some() && self.may_step(now) && !stepped {
            let from = self.step.filter(|(at, _)| now.saturating_duration_since(*at) < BLAME);
            self.step = Some((now, from.map_or(self.capacity, |(_, from)| from)));
            self.capacity = bound.min(STEP * self.capacity);
            self.probe_interval = PROBE_INTERVAL;
            return;
        }
        if self.step.is_some_and(|(at, _)| now.saturating_duration_since(at) > 4 * BLAME) {
            (self.step, self.back_off) = (None, BACK_OFF.0);
        }
        // Who sends less than he may learns nothing of the rest.
        if self.capacity < TRIAL || self.sent.rate(METER) > 0.75 * self.rate() {
            let proven = served.is_some() && bound > 1.1 * self.capacity;
            let calm = self.queue_last.is_none_or(|at| now.saturating_duration_since(at) > CALM);
            let rise = match (proven, calm) {
                (true, _) => PROVEN_RISE,
                (false, true) => CALM_RISE,
                (false, false) => RISE,
            };
            let risen = self.capacity * (1.0 + elapsed * rise);
            self.capacity = risen.min(bound.max(self.capacity));
        }
    }

    fn may_step(&self, now: Instant) -> bool {
        self.no_step_before.is_none_or(|at| now >= at)
    }

    fn took_round(&mut self, now: Instant, round_trip: Duration) {
        while self.round_trips.back().is_some_and(|(_, longer)| *longer >= round_trip) {
            self.round_trips.pop_back();
        }
        self.round_trips.push_back((now, round_trip));
        while self.round_trips.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > ROUND_TRIPS) {
            self.round_trips.pop_front();
        }
    }
}

/// Bits a second over [`METER`]. **The oldest is forgotten with time, and when there are 8,192.**
#[derive(Debug, Default)]
struct Meter(VecDeque<(Instant, usize)>);

impl Meter {
    fn count(&mut self, at: Instant, bytes: usize) {
        self.0.push_back((at, bytes));
        while self.0.len() > 8192
            || self.0.front().is_some_and(|(first, _)| at.saturating_duration_since(*first) > METER)
        {
            self.0.pop_front();
        }
    }

    fn rate(&self, span: Duration) -> f64 {
        let Some((last, _)) = self.0.back() else { return 0.0 };
        let recent = self.0.iter().rev().take_while(|(at, _)| last.saturating_duration_since(*at) <= span);
        let (mut bytes, mut first) = (0, (*last, 0));
        for packet in recent {
            bytes += packet.1;
            first = *packet;
        }
        // From the end of the first packet to the end of the last.
        let span = last.saturating_duration_since(first.0).max(span / 2).as_secs_f64();
        (bytes - first.1) as f64 * 8.0 / span
    }
}

#[cfg(test)]
mod tests;
