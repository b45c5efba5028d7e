//! Where a call is written down: events for programs, the trace, the dump.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{
    Exit, Refusal, StatusLine,
    args::{OutputArgs, RunArgs},
};
use crate::{
    call::CallConfig,
    media::wall_clock,
    observe::{Dump, Event, EventKind, Step, StepValue, Subject, TraceWriter, redacted},
};

/// Somewhere to write to.
type Out = Box<dyn Write + Send>;

/// The dump is written this often, so that a crash leaves one.
const DUMP_INTERVAL: Duration = Duration::from_secs(30);

/// All that a call is written down in.
pub(super) struct Records {
    events: Option<Out>,
    trace: Option<TraceWriter<Out>>,
    told: Option<Told>,
    dump: Option<DumpFile>,
}

/// How the connection's steps are told to a person.
struct Told {
    in_full: bool,
    with_addresses: bool,
}

/// A dump and its file.
struct DumpFile {
    dump: Dump,
    path: PathBuf,
    written: Duration,
}

impl Records {
    /// Opens what was asked for, for a call with this configuration.
    pub(super) fn open(output: &OutputArgs, run: &RunArgs, config: &CallConfig) -> Result<Self, Refusal> {
        let started = wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let events = output.events.as_deref().map(|path| file("events", path)).transpose()?;
        let (mut trace, mut told) = (None, None);
        match run.trace.as_deref() {
            Some(path) if path.as_os_str() == "-" => {
                told = Some(Told { in_full: output.verbose > 0, with_addresses: run.trace_addresses });
            }
            Some(path) => {
                let writer = TraceWriter::new(file("trace", path)?, started, run.trace_addresses);
                trace = Some(writer.map_err(|error| refusal("trace", path, &error))?);
            }
            None => {}
        }
        let dump = match &run.dump {
            Some(path) => {
                let subject = Subject {
                    started,
                    process: std::process::id(),
                    version: env!("CARGO_PKG_VERSION").into(),
                    system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
                    configuration: configuration(config).to_string(),
                };
                let file = DumpFile { dump: Dump::new(subject), path: path.clone(), written: Duration::ZERO };
                file.write().map_err(|error| refusal("dump", path, &error))?;
                Some(file)
            }
            None => None,
        };
        Ok(Self { events, trace, told, dump })
    }

    /// Whether any of them is about the steps of the connection.
    pub(super) const fn want_steps(&self) -> bool {
        self.trace.is_some() || self.told.is_some() || self.dump.is_some()
    }

    /// Writes an event down. What cannot be written to any more is left, with a word.
    pub(super) fn take(&mut self, event: &Event, line: &StatusLine) {
        let gave_up = |what: &str, error: &io::Error| line.print(&format!("No more {what}: {error}."));
        if let Some(out) = self.events.as_mut().filter(|_| !matches!(event.kind, EventKind::Step(_)))
            && let Err(error) = write_event(out, event)
        {
            self.events = None;
            gave_up("events are written", &error);
        }
        if let Some(trace) = &mut self.trace
            && let Err(error) = trace.write(event)
        {
            self.trace = None;
            gave_up("of the trace is written", &error);
        }
        if let (Some(told), EventKind::Step(step)) = (&self.told, &event.kind) {
            line.print(&told.words(event.at, step));
        }
        if let Some(file) = &mut self.dump {
            file.dump.take(event);
            let over = matches!(event.kind, EventKind::Ended { .. });
            if over || event.at.saturating_sub(file.written) >= DUMP_INTERVAL {
                file.written = event.at;
                if let Err(error) = file.write() {
                    self.dump = None;
                    gave_up("of the dump is written", &error);
                }
            }
        }
    }
}

impl DumpFile {
    /// Puts it in the place of the one before, at once.
    fn write(&self) -> io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(".part");
        let part = PathBuf::from(name);
        let written = File::create(&part).and_then(|file| {
            let mut out = io::BufWriter::new(file);
            self.dump.write(&mut out)?;
            out.flush()
        });
        written.and_then(|()| fs::rename(&part, &self.path)).inspect_err(|_| _ = fs::remove_file(&part))
    }
}

impl Told {
    /// Returns a step as a line, or in full with what it is about.
    fn words(&self, at: Duration, step: &Step) -> String {
        let mut words = format!("{:9.3} {}", at.as_secs_f64(), step.name);
        let text = match &step.value {
            StepValue::Nothing => String::new(),
            StepValue::Description(description) if self.in_full => {
                let lines: Vec<String> = description.sdp.lines().map(|line| format!("\n            {line}")).collect();
                lines.concat()
            }
            StepValue::Description(_) => String::new(),
            StepValue::Candidate { line, .. } => format!(" {line}"),
            StepValue::State(text) | StepValue::Failure(text) => format!(" {text}"),
            details if self.in_full => format!(" {}", details.to_json()),
            _ => String::new(),
        };
        words.push_str(&if self.with_addresses { text } else { redacted(&text) });
        words
    }
}

fn write_event(out: &mut Out, event: &Event) -> io::Result<()> {
    // In one piece: standard error may be written to by others, too.
    let line = serde_json::to_string(event).map_err(io::Error::other)? + "\n";
    out.write_all(line.as_bytes())?;
    out.flush()
}

fn file(what: &str, path: &Path) -> Result<Out, Refusal> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stderr()));
    }
    match File::create(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(refusal(what, path, &error)),
    }
}

fn refusal(what: &str, path: &Path, error: &io::Error) -> Refusal {
    Refusal { exit: Exit::Usage, what: format!("The {what} cannot be written to {}: {error}.", path.display()) }
}

/// Returns the connection's configuration as the W3C has it (RTCConfiguration), without passwords.
fn configuration(config: &CallConfig) -> Value {
    let stun = config.stun.iter().map(|url| json!({ "urls": [url] }));
    let turn = config.turn.iter().map(|server| json!({ "urls": [server.url.to_string()] }));
    let servers: Vec<Value> = stun.chain(turn).collect();
    let policy = if config.relay_only { "relay" } else { "all" };
    json!({ "iceServers": servers, "iceTransportPolicy": policy, "bundlePolicy": "max-bundle" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{Description, DescriptionKind},
        observe::StepName,
    };

    #[test]
    fn steps_are_told_in_a_line_or_in_full() {
        let sdp = "v=0\r\nc=IN IP4 192.0.2.7\r\n".to_owned();
        let description = StepValue::Description(Description { kind: DescriptionKind::Offer, sdp });
        let step = |name, value: &StepValue| Step { connection: 1, name, value: value.clone() };
        let state = StepValue::State("checking".into());
        for (in_full, with_addresses, step, expected) in [
            (false, false, step(StepName::CreateOfferOnSuccess, &description), "    0.250 createOfferOnSuccess"),
            (
                true,
                false,
                step(StepName::CreateOfferOnSuccess, &description),
                "    0.250 createOfferOnSuccess\n            v=0\n            c=IN IP4 x.x.x.x",
            ),
            (
                true,
                true,
                step(StepName::CreateOfferOnSuccess, &description),
                "    0.250 createOfferOnSuccess\n            v=0\n            c=IN IP4 192.0.2.7",
            ),
            (
                false,
                false,
                step(StepName::IceConnectionStateChange, &state),
                "    0.250 iceconnectionstatechange checking",
            ),
        ] {
            assert_eq!(Told { in_full, with_addresses }.words(Duration::from_millis(250), &step), expected);
        }
    }
}
