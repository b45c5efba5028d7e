//! A call's record in the form in which Chrome's page `webrtc-internals` saves one, so that the programs with which
//! people read such files read ours: what was done and what came of it, and the W3C's statistics as series.
//!
//! It is bounded, so that a call can last for hours: see `STEPS`, `POINTS` and `REPORTS`. It can be written at
//! any time and as often as wished; who writes it over an older one replaces the file at once, so that after a crash
//! there is a whole one.

mod date;
mod log;
mod rates;
mod series;
mod values;

use std::{collections::BTreeMap, io, time::Duration};

use serde_json::{Value, json};

use self::{date::iso, log::Log, series::Series, values::text};
use super::{Event, EventKind, StepName, StepValue};
use crate::media::MediaKind;

/// Chrome's number of a page. We have one.
const PAGE: u32 = 1;

/// What stands for a page's address and its origin. Readers take an entry without an origin for an answer.
const ADDRESS: &str = "p2pcall";

/// What a dump is about: known when the call begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// When the call was begun, in milliseconds since 1970 in UTC.
    pub started: u64,
    /// The program's process.
    pub process: u32,
    /// The program's version.
    pub version: String,
    /// The system it runs on, in words.
    pub system: String,
    /// The connection's configuration, as JSON (RTCConfiguration). Passwords are the caller's to leave out.
    pub configuration: String,
}

/// A camera or a microphone that was to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Opening {
    /// When it was there or had failed, since the call's begin.
    at: Duration,
    /// Sound or picture.
    kind: MediaKind,
    /// What it is, or why it is not, both in words.
    outcome: Result<String, String>,
}

/// A call's record.
#[derive(Clone, Debug)]
pub struct Dump {
    subject: Subject,
    openings: Log<(usize, Opening)>,
    /// By their numbers.
    connections: BTreeMap<u32, Connection>,
    /// When the newest step or opening was, since the call's begin.
    newest: Duration,
}

/// One connection's record.
#[derive(Clone, Debug, Default)]
struct Connection {
    /// Time since the call's begin, name, value.
    steps: Log<(Duration, StepName, StepValue)>,
    series: Series,
}

impl Dump {
    /// An empty one.
    pub fn new(subject: Subject) -> Self {
        Self { subject, openings: Log::default(), connections: BTreeMap::new(), newest: Duration::ZERO }
    }

    /// Takes an event, in the order of time: a step, one second's statistics, or how opening a device went. All else is
    /// left out.
    ///
    /// Of the statistics objects without `type` and `timestamp` are left out, and so are an id with `[` and a member's
    /// name with `-` or `[`: readers could not tell the one from the other. What is no newer than before, as a report
    /// that the other side has not renewed, adds nothing.
    pub fn take(&mut self, event: &Event) {
        let opening = |kind, outcome| (self.openings.taken(), Opening { at: event.at, kind, outcome });
        match &event.kind {
            EventKind::Step(step) => {
                let connection = self.connections.entry(step.connection).or_default();
                connection.steps.push((event.at, step.name, step.value.clone()));
            }
            EventKind::Stats(report) => {
                return self.connections.entry(report.connection).or_default().series.take(&report.to_w3c());
            }
            EventKind::SourceOpened { kind, what } => self.openings.push(opening(*kind, Ok(what.clone()))),
            EventKind::SourceFailed { kind, what } => self.openings.push(opening(*kind, Err(what.clone()))),
            _ => return,
        }
        self.newest = self.newest.max(event.at);
    }

    /// The whole file.
    pub fn to_json(&self) -> Value {
        let Subject { process, version, system, configuration, .. } = &self.subject;
        let openings = self.openings.iter().flat_map(|(id, opening)| self.request(*id, opening)).collect::<Vec<_>>();
        let connection = |(number, connection): (&u32, &Connection)| {
            let steps: Vec<Value> = connection.steps.iter().map(|step| self.entry(step)).collect();
            let stats = connection.series.to_json();
            let connection = json!({
                "pid": process,
                "rid": PAGE,
                "url": ADDRESS,
                "rtcConfiguration": configuration,
                "constraints": "",
                "updateLog": steps,
                "stats": stats,
            });
            (format!("{PAGE}-{number}"), connection)
        };
        let connections: serde_json::Map<String, Value> = self.connections.iter().map(connection).collect();
        let newest = self.connections.values().map(|connection| connection.series.newest()).fold(0.0, f64::max);
        json!({
            "timestamp": self.time(self.newest).max(newest),
            "getUserMedia": openings,
            "PeerConnections": connections,
            "UserAgent": format!("p2pcall/{version} ({system})"),
            // Readers refuse a file without it, and show the third: Chrome has there its own name, after an invented
            // one and its engine's.
            "UserAgentData": [
                { "brand": "Not A Browser", "version": "0" },
                { "brand": "p2pcall", "version": version },
                { "brand": "p2pcall", "version": version },
            ],
        })
    }

    /// Writes the whole file.
    ///
    /// # Errors
    ///
    /// If it cannot be written to.
    pub fn write(&self, to: impl io::Write) -> io::Result<()> {
        Ok(serde_json::to_writer(to, &self.to_json())?)
    }

    fn entry(&self, (at, name, value): &(Duration, StepName, StepValue)) -> Value {
        let time = self.time(*at);
        // Newer readers take `timestamp`, older ones `time`.
        json!({ "time": iso(time), "timestamp": time, "type": name, "value": text(value) })
    }

    /// Chrome tells a request and its answer apart. Ours are all made when the call begins.
    fn request(&self, id: usize, opening: &Opening) -> [Value; 2] {
        let Opening { at, kind, outcome } = opening;
        let (name, info, other_info) = match kind {
            MediaKind::Audio => ("audio", "audio_track_info", "video_track_info"),
            MediaKind::Video => ("video", "video_track_info", "audio_track_info"),
        };
        let entry = |time: Duration, own: [(&str, Value); 3]| {
            let mut entry = json!({
                "pid": self.subject.process,
                "rid": PAGE,
                "request_id": id,
                "request_type": "getUserMedia",
                "timestamp": self.time(time),
            });
            own.into_iter().for_each(|(name, value)| entry[name] = value);
            entry
        };
        let answer = match outcome {
            Ok(what) => [
                (info, json!({ "id": name, "label": what }).to_string().into()),
                (other_info, "null".into()),
                ("stream_id", name.into()),
            ],
            Err(what) => [
                ("error", "NotReadableError".into()),
                ("error_message", what.as_str().into()),
                ("stream_id", "".into()),
            ],
        };
        [
            entry(Duration::ZERO, [("origin", ADDRESS.into()), ("url", ADDRESS.into()), (name, "".into())]),
            entry(*at, answer),
        ]
    }

    /// Milliseconds since 1970.
    fn time(&self, since_begin: Duration) -> f64 {
        (self.subject.started as f64 * 1000.0 + since_begin.as_micros() as f64) / 1000.0
    }
}

#[cfg(test)]
mod tests;
