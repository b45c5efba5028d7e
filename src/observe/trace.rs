//! The trace: everything that happens in a call, a JSON object a line, to be read while it grows.
//!
//! docs/trace-and-dump.md has the format.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Event, EventKind, redact::redact};

/// The format's version: readers refuse a higher one.
const FORMAT: u32 = 1;

/// Writes a trace. Each line is written at once, so that one that is read while it grows has whole lines.
#[derive(Debug)]
pub struct TraceWriter<W> {
    out: W,
    /// Whether addresses, ICE credentials and fingerprints are told.
    with_addresses: bool,
}

impl<W: Write> TraceWriter<W> {
    /// Begins a trace of a call that was begun at `started`, in milliseconds since 1970. Addresses, ICE credentials and
    /// fingerprints are left out unless `with_addresses`.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn new(out: W, started: u64, with_addresses: bool) -> io::Result<Self> {
        let mut trace = Self { out, with_addresses };
        let program = concat!("p2pcall ", env!("CARGO_PKG_VERSION"));
        trace.line(0.0, "trace", json!({ "format": FORMAT, "program": program, "started": started }))?;
        Ok(trace)
    }

    /// Writes an event; of the statistics all that there are, in the W3C's form.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let at = event.at.as_micros() as f64 / 1e6;
        match &event.kind {
            EventKind::Step(step) => {
                let mut members = json!({ "connection": step.connection });
                let value = step.value.to_json();
                if !value.is_null() {
                    members["value"] = value;
                }
                self.line(at, step.name.as_str(), members)
            }
            EventKind::Stats(report) => {
                let members = json!({ "connection": report.connection, "value": report.to_w3c() });
                self.line(at, "getStats", members)
            }
            kind => {
                let mut members = serde_json::to_value(kind).map_err(io::Error::other)?;
                let name = members.as_object_mut().and_then(|members| members.remove("event"));
                let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
                self.line(at, name, members)
            }
        }
    }

    /// Writes a line: time and type first, for people.
    fn line(&mut self, at: f64, name: &str, mut members: Value) -> io::Result<()> {
        if !self.with_addresses {
            redact(&mut members);
        }
        let members = members.to_string();
        let members =
            members.strip_prefix('{').filter(|rest| *rest != "}").map_or("}".into(), |rest| format!(",{rest}"));
        // In one piece: others may write to the same place.
        self.out.write_all(format!("{{\"t\":{at},\"type\":\"{name}\"{members}\n").as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        media::{Description, DescriptionKind, MediaKind},
        observe::{CallStateName, Step, StepName, StepValue},
    };

    #[test]
    fn lines_have_time_and_type_first() {
        let sdp = "v=0\r\nc=IN IP4 192.0.2.7\r\na=ice-pwd:secret\r\n".to_owned();
        let description = StepValue::Description(Description { kind: DescriptionKind::Offer, sdp });
        let step = |name, value| EventKind::Step(Box::new(Step { connection: 1, name, value }));
        for (kind, with_addresses, line) in [
            (
                EventKind::State { state: CallStateName::Connected },
                false,
                r#"{"t":0.25,"type":"state","state":"connected"}"#,
            ),
            (EventKind::KeyFrameWanted, false, r#"{"t":0.25,"type":"key_frame_wanted"}"#),
            (
                EventKind::FirstFrameSent { kind: MediaKind::Audio },
                false,
                r#"{"t":0.25,"type":"first_frame_sent","kind":"audio"}"#,
            ),
            (
                step(StepName::CreateOffer, StepValue::Nothing),
                false,
                r#"{"t":0.25,"type":"createOffer","connection":1}"#,
            ),
            (
                step(StepName::SignalingStateChange, StepValue::State("stable".into())),
                false,
                r#"{"t":0.25,"type":"signalingstatechange","connection":1,"value":"stable"}"#,
            ),
            (
                step(StepName::CreateOfferOnSuccess, description.clone()),
                false,
                r#"{"t":0.25,"type":"createOfferOnSuccess","connection":1,"value":{"sdp":"v=0\r\nc=IN IP4 x.x.x.x\r\na=ice-pwd:x\r\n","type":"offer"}}"#,
            ),
            (
                step(StepName::CreateOfferOnSuccess, description.clone()),
                true,
                r#"{"t":0.25,"type":"createOfferOnSuccess","connection":1,"value":{"sdp":"v=0\r\nc=IN IP4 192.0.2.7\r\na=ice-pwd:secret\r\n","type":"offer"}}"#,
            ),
            (
                EventKind::Ignored { what: "Nobody at 192.0.2.7.".into() },
                false,
                r#"{"t":0.25,"type":"ignored","what":"Nobody at x.x.x.x."}"#,
            ),
        ] {
            let mut out = Vec::new();
            let mut trace = TraceWriter::new(&mut out, 1_700_000_000_000, with_addresses).expect("room");
            trace.write(&Event { at: Duration::from_millis(250), kind }).expect("room");
            let text = String::from_utf8(out).expect("JSON is text");
            let mut lines = text.lines();
            let program = concat!("p2pcall ", env!("CARGO_PKG_VERSION"));
            let head = format!(r#"{{"t":0,"type":"trace","format":1,"program":"{program}","started":1700000000000}}"#);
            assert_eq!(lines.next(), Some(&*head));
            assert_eq!(lines.next(), Some(line));
            assert_eq!(lines.next(), None);
        }
    }
}
