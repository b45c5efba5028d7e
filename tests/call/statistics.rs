//! The statistics of a call in the W3C's form: they are there, and they move.

use std::time::Duration;

use serde_json::{Map, Value};

use p2pcall::{
    observe::{EventKind, StatsReport},
    signaling::memory,
};

use crate::{
    begin_through, hang_up, serial,
    side::{ANSWERER_HZ, OFFERER_HZ, Role, Side, media, runtime},
};

/// What rises from second to second.
const RISING: [(&str, &str, &[&str]); 11] = [
    (
        "outbound-rtp",
        "video",
        &["packetsSent", "bytesSent", "headerBytesSent", "framesEncoded", "framesSent", "totalEncodeTime"],
    ),
    ("outbound-rtp", "audio", &["packetsSent", "bytesSent", "headerBytesSent"]),
    (
        "inbound-rtp",
        "video",
        &[
            "packetsReceived",
            "bytesReceived",
            "headerBytesReceived",
            "framesReceived",
            "framesDecoded",
            "framesRendered",
            "totalDecodeTime",
            "totalProcessingDelay",
            "totalInterFrameDelay",
            "totalSquaredInterFrameDelay",
            "jitterBufferDelay",
            "jitterBufferEmittedCount",
        ],
    ),
    (
        "inbound-rtp",
        "audio",
        &[
            "packetsReceived",
            "bytesReceived",
            "headerBytesReceived",
            "totalSamplesReceived",
            "totalAudioEnergy",
            "totalSamplesDuration",
            "jitterBufferDelay",
            "jitterBufferEmittedCount",
        ],
    ),
    ("remote-inbound-rtp", "video", &["roundTripTimeMeasurements", "totalRoundTripTime"]),
    ("remote-inbound-rtp", "audio", &["roundTripTimeMeasurements", "totalRoundTripTime"]),
    ("remote-outbound-rtp", "video", &["packetsSent", "bytesSent", "reportsSent"]),
    ("remote-outbound-rtp", "audio", &["packetsSent", "bytesSent", "reportsSent"]),
    ("media-source", "video", &["frames"]),
    ("media-source", "audio", &["totalAudioEnergy", "totalSamplesDuration"]),
    ("transport", "", &["packetsSent", "packetsReceived", "bytesSent", "bytesReceived"]),
];

/// What is there, and not nothing.
const THERE: [(&str, &str, &[&str]); 13] = [
    (
        "outbound-rtp",
        "video",
        &[
            "ssrc",
            "mid",
            "transportId",
            "codecId",
            "mediaSourceId",
            "remoteId",
            "keyFramesEncoded",
            "framesPerSecond",
            "frameWidth",
            "frameHeight",
            "targetBitrate",
            "encoderImplementation",
            "qualityLimitationReason",
            "qualityLimitationDurations",
            "active",
        ],
    ),
    ("outbound-rtp", "audio", &["ssrc", "mid", "transportId", "codecId", "targetBitrate", "remoteId"]),
    (
        "inbound-rtp",
        "video",
        &[
            "ssrc",
            "mid",
            "transportId",
            "codecId",
            "trackIdentifier",
            "remoteId",
            "keyFramesDecoded",
            "framesPerSecond",
            "frameWidth",
            "frameHeight",
            "decoderImplementation",
            "jitter",
        ],
    ),
    ("inbound-rtp", "audio", &["ssrc", "mid", "transportId", "codecId", "audioLevel", "remoteId", "jitter"]),
    ("remote-inbound-rtp", "video", &["localId", "roundTripTime", "ssrc"]),
    ("media-source", "video", &["width", "height", "framesPerSecond"]),
    ("media-source", "audio", &["audioLevel"]),
    ("codec", "", &["mimeType", "payloadType", "clockRate"]),
    (
        "transport",
        "",
        &["selectedCandidatePairId", "dtlsState", "iceState", "localCertificateId", "remoteCertificateId"],
    ),
    (
        "candidate-pair",
        "",
        &[
            "localCandidateId",
            "remoteCandidateId",
            "transportId",
            "state",
            "nominated",
            "currentRoundTripTime",
            "totalRoundTripTime",
            "availableOutgoingBitrate",
            "requestsSent",
            "responsesReceived",
            "bytesSent",
        ],
    ),
    ("local-candidate", "", &["address", "port", "protocol", "candidateType"]),
    ("remote-candidate", "", &["address", "port", "protocol", "candidateType"]),
    ("certificate", "", &["fingerprint", "fingerprintAlgorithm", "base64Certificate"]),
];

/// Returns the objects of a type and a kind of media, if it has one.
fn objects<'a>(report: &'a Map<String, Value>, kind: &str, medium: &str) -> Vec<&'a Value> {
    let fits = |object: &&Value| object["type"] == kind && (medium.is_empty() || object["kind"] == medium);
    report.values().filter(fits).collect()
}

fn number(report: &Map<String, Value>, (kind, medium, member): (&str, &str, &str)) -> f64 {
    let found = objects(report, kind, medium);
    let value = found.first().and_then(|object| object[member].as_f64());
    value.unwrap_or_else(|| panic!("{kind} {medium} {member} in {report:?}"))
}

/// Waits for a report that is as wanted.
fn report(side: &Side, wanted: impl Fn(&StatsReport) -> bool) -> StatsReport {
    let event = side.event("figures", |event| matches!(event, EventKind::Stats(report) if wanted(report)));
    let EventKind::Stats(report) = event.kind else { panic!("figures") };
    *report
}

#[test]
fn figures_are_there_and_move() {
    let _turn = serial::turn();
    let runtime = runtime();
    let _entered = runtime.enter();
    let (near, far) = memory();
    let mut offerer = Side::new(Role::Offer, media(OFFERER_HZ), near);
    let mut answerer = Side::new(Role::Answer, media(ANSWERER_HZ), far);
    for side in [&offerer, &answerer] {
        side.connected();
        // Reports of the other side come once a second; the first tell no round trip.
        let measured = |report: &StatsReport, times: u64| {
            [&report.remote_inbound.audio, &report.remote_inbound.video]
                .into_iter()
                .all(|stats| stats.round_trip_time_measurements >= times)
                && report.remote_outbound.video.reports_sent >= times
                && report.remote_outbound.audio.reports_sent >= times
        };
        let first = report(side, |report| measured(report, 1));
        let reports = first.remote_outbound.clone();
        let later = report(side, |report| {
            measured(report, first.remote_inbound.video.round_trip_time_measurements + 2)
                && report.remote_inbound.audio.round_trip_time_measurements
                    > first.remote_inbound.audio.round_trip_time_measurements
                && report.remote_outbound.audio.reports_sent > reports.audio.reports_sent
                && report.remote_outbound.video.reports_sent > reports.video.reports_sent
        });
        assert!(later.timestamp > first.timestamp);
        let (first, later) = (first.to_w3c(), later.to_w3c());
        for (kind, medium, members) in RISING {
            for member in members {
                let [before, after] = [&first, &later].map(|report| number(report, (kind, medium, member)));
                assert!(after > before, "{kind} {medium} {member}: {before}, then {after}");
            }
        }
        for (kind, medium, members) in THERE {
            let found = objects(&later, kind, medium);
            assert!(!found.is_empty(), "{kind} {medium} in {later:?}");
            for object in found {
                for member in members {
                    let value = &object[member];
                    assert!(!value.is_null() && *value != "" && *value != 0, "{kind} {medium} {member}: {object}");
                }
            }
        }
        for (id, object) in &later {
            assert_eq!(object["id"], **id);
            assert!(object["timestamp"].as_f64().is_some_and(|millis| millis > 1.6e12), "{object}");
        }
    }
    let asked = runtime.block_on(offerer.controls().stats()).expect("the call goes on");
    assert!(asked.outbound.video.frames_encoded > 0);
    assert_eq!(asked.candidate_pair.as_ref().map(|pair| &*pair.local_candidate_type), Some("host"));
    let controls = offerer.controls();
    hang_up(&runtime, &mut offerer, &mut answerer);
    assert_eq!(runtime.block_on(controls.stats()), None, "it is over");
}

/// What a line that loses packets must set going: at the offerer's, then at the answerer's.
const AT_LOSS: [(Role, &str, &str, &[&str]); 3] = [
    (Role::Offer, "outbound-rtp", "video", &["nackCount", "retransmittedPacketsSent", "retransmittedBytesSent"]),
    (Role::Answer, "inbound-rtp", "video", &["nackCount"]),
    (Role::Answer, "inbound-rtp", "audio", &["concealedSamples", "concealmentEvents"]),
];

#[test]
fn figures_tell_of_a_line_that_loses() {
    let _turn = serial::turn();
    let runtime = runtime();
    let (mut offerer, mut answerer, relay) = begin_through(&runtime);
    answerer.connected();
    answerer.numbers(|numbers| numbers.len() >= 15);
    relay.impair(60, Duration::from_millis(30));
    report(&offerer, |report| report.remote_inbound.audio.fraction_lost > 0.0);
    let [offerers, answerers] = [
        report(&offerer, |report| report.outbound.video.retransmitted_packets_sent > 0),
        report(&answerer, |report| report.inbound.video.nack_count > 0 && report.inbound.audio.concealed_samples > 0),
    ]
    .map(|report| report.to_w3c());
    for (role, kind, medium, members) in AT_LOSS {
        let report = if matches!(role, Role::Offer) { &offerers } else { &answerers };
        let found = objects(report, kind, medium);
        let object = found.first().unwrap_or_else(|| panic!("{kind} {medium} in {report:?}"));
        for member in members {
            assert!(object[*member].as_f64().is_some_and(|value| value > 0.0), "{kind} {medium} {member}: {object}");
        }
    }
    hang_up(&runtime, &mut offerer, &mut answerer);
}
