use serde_json::Map;

use super::*;
use crate::{
    media::{Description, DescriptionKind},
    observe::{StatsReport, Step},
};

fn dump() -> Dump {
    Dump::new(Subject {
        started: 1_700_000_000_000,
        process: 42,
        version: "1.2.3".into(),
        system: "linux x86_64".into(),
        configuration: r#"{"iceServers":[]}"#.into(),
    })
}

fn event(micros: u64, kind: EventKind) -> Event {
    Event { at: Duration::from_micros(micros), kind }
}

fn step(micros: u64, connection: u32, name: StepName, value: StepValue) -> Event {
    event(micros, EventKind::Step(Box::new(Step { connection, name, value })))
}

#[test]
fn an_empty_one_has_all_that_readers_ask_for() {
    let json = dump().to_json();
    assert!(json["getUserMedia"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(json["UserAgent"], "p2pcall/1.2.3 (linux x86_64)");
    assert_eq!(json["UserAgentData"][2], json!({ "brand": "p2pcall", "version": "1.2.3" }));
    assert_eq!(json["PeerConnections"], json!({}));
}

#[test]
fn steps_keep_their_order_names_values_and_times() {
    let mut dump = dump();
    let sdp = "v=0\r\n".to_owned();
    let description = StepValue::Description(Description { kind: DescriptionKind::Offer, sdp });
    dump.take(&step(0, 1, StepName::CreateOffer, StepValue::Nothing));
    dump.take(&step(12_345, 1, StepName::CreateOfferOnSuccess, description));
    dump.take(&step(12_345, 2, StepName::ConnectionStateChange, StepValue::State("connected".into())));
    dump.take(&step(3_600_000_000, 1, StepName::SetRemoteDescriptionOnFailure, StepValue::Failure("no".into())));
    dump.take(&event(3_700_000_000, EventKind::KeyFrameWanted));
    let json = dump.to_json();
    let log = |connection: &str| {
        let log = json["PeerConnections"][connection]["updateLog"].as_array().cloned().unwrap_or_default();
        let entry = |entry: &Value| (entry["timestamp"].clone(), entry["type"].clone(), entry["value"].clone());
        log.iter().map(entry).collect::<Vec<_>>()
    };
    let entry = |micros: u64, name: &str, value: &str| {
        (json!((1_700_000_000_000_000 + micros) as f64 / 1000.0), json!(name), json!(value))
    };
    let expected = [
        entry(0, "createOffer", ""),
        entry(12_345, "createOfferOnSuccess", r#"{"type":"offer","sdp":"v=0\r\n"}"#),
        entry(3_600_000_000, "setRemoteDescriptionOnFailure", "no"),
    ];
    assert_eq!(log("1-1"), expected);
    assert_eq!(log("1-2"), [entry(12_345, "connectionstatechange", r#""connected""#)]);
    assert_eq!(json["PeerConnections"]["1-1"]["updateLog"][1]["time"], "2023-11-14T22:13:20.012Z");
    assert_eq!(json["timestamp"], 1_700_003_600_000.0);
}

#[test]
fn an_opening_is_a_request_and_its_answer() {
    let mut dump = dump();
    let what = "A \"camera\"".to_owned();
    dump.take(&event(700_250, EventKind::SourceOpened { kind: MediaKind::Video, what }));
    dump.take(&event(700_250, EventKind::SourceFailed { kind: MediaKind::Audio, what: "no microphone".into() }));
    let common = |id, timestamp: f64, own: Value| {
        let mut entry =
            json!({ "pid": 42, "rid": 1, "request_id": id, "request_type": "getUserMedia", "timestamp": timestamp });
        own.as_object().into_iter().flatten().for_each(|(name, value)| entry[name] = value.clone());
        entry
    };
    let (asked, at) = (1_700_000_000_000.0, 1_700_000_000_700.25);
    let camera = r#"{"id":"video","label":"A \"camera\""}"#;
    let failed = json!({ "error": "NotReadableError", "error_message": "no microphone", "stream_id": "" });
    let expected = json!([
        common(0, asked, json!({ "origin": "p2pcall", "url": "p2pcall", "video": "" })),
        common(0, at, json!({ "audio_track_info": "null", "video_track_info": camera, "stream_id": "video" })),
        common(1, asked, json!({ "origin": "p2pcall", "url": "p2pcall", "audio": "" })),
        common(1, at, failed),
    ]);
    assert_eq!(dump.to_json()["getUserMedia"], expected);
}

#[test]
fn what_is_written_is_the_json() {
    let mut dump = dump();
    let objects = Map::from_iter([("T".into(), json!({ "type": "transport", "bytesSent": 1 }))]);
    let report = StatsReport { connection: 1, timestamp: 1_700_000_001_000.0, objects, ..StatsReport::default() };
    dump.take(&event(1_000_000, EventKind::Stats(Box::new(report))));
    let mut text = Vec::new();
    dump.write(&mut text).expect("room");
    assert_eq!(serde_json::from_slice::<Value>(&text).expect("JSON"), dump.to_json());
    assert_eq!(dump.to_json()["timestamp"], 1_700_000_001_000.0);
    assert_eq!(dump.to_json()["PeerConnections"]["1-1"]["stats"]["T-bytesSent"]["values"], "[1]");
}
