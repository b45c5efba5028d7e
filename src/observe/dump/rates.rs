//! What Chrome works out from two reports in a row and lists beside them, in brackets.

use serde_json::{Map, Number, Value};

use super::date::iso;

/// One object of a report: its members by their names.
type Stats = Map<String, Value>;

/// How something is worked out.
#[derive(Clone, Copy)]
enum Form {
    /// How much a counter grew a second.
    ASecond,
    /// The same, to whole ones.
    WholeASecond,
    /// The same for bytes, in bits.
    BitsASecond,
    /// How much a counter grew for each by which another did.
    Each(&'static str),
    /// The same for seconds, in milliseconds.
    MillisecondsEach(&'static str),
    /// The codec's name, payload type and parameters, by its id.
    Codec,
    /// The mean of the sound's level.
    Level,
    /// The standard deviation of the time between two pictures.
    Unevenness,
    /// How many pictures are neither decoded nor dropped.
    Waiting,
    /// A time as text.
    Date,
}

use Form::{ASecond, BitsASecond, Codec, Date, Each, Level, MillisecondsEach, Unevenness, Waiting, WholeASecond};

/// What is worked out, by the type of statistics.
const WORKED_OUT: [(&str, &[(&str, Form)]); 9] = [
    (
        "outbound-rtp",
        &[
            ("bytesSent", BitsASecond),
            ("headerBytesSent", BitsASecond),
            ("retransmittedBytesSent", BitsASecond),
            ("packetsSent", WholeASecond),
            ("retransmittedPacketsSent", WholeASecond),
            ("totalPacketSendDelay", MillisecondsEach("packetsSent")),
            ("framesEncoded", ASecond),
            ("framesSent", ASecond),
            ("totalEncodedBytesTarget", BitsASecond),
            ("totalEncodeTime", MillisecondsEach("framesEncoded")),
            ("qpSum", Each("framesEncoded")),
            ("codecId", Codec),
        ],
    ),
    (
        "inbound-rtp",
        &[
            ("bytesReceived", BitsASecond),
            ("headerBytesReceived", BitsASecond),
            ("retransmittedBytesReceived", BitsASecond),
            ("fecBytesReceived", BitsASecond),
            ("packetsReceived", WholeASecond),
            ("packetsDiscarded", WholeASecond),
            ("retransmittedPacketsReceived", WholeASecond),
            ("fecPacketsReceived", WholeASecond),
            ("fecPacketsDiscarded", WholeASecond),
            ("framesReceived", ASecond),
            ("framesReceived", Waiting),
            ("framesDecoded", ASecond),
            ("keyFramesDecoded", ASecond),
            ("totalDecodeTime", MillisecondsEach("framesDecoded")),
            ("totalInterFrameDelay", MillisecondsEach("framesDecoded")),
            ("totalSquaredInterFrameDelay", Unevenness),
            ("totalSamplesReceived", ASecond),
            ("concealedSamples", ASecond),
            ("concealedSamples", Each("totalSamplesReceived")),
            ("silentConcealedSamples", ASecond),
            ("insertedSamplesForDeceleration", ASecond),
            ("removedSamplesForAcceleration", ASecond),
            ("qpSum", Each("framesDecoded")),
            ("codecId", Codec),
            ("totalAudioEnergy", Level),
            ("jitterBufferDelay", MillisecondsEach("jitterBufferEmittedCount")),
            ("jitterBufferTargetDelay", MillisecondsEach("jitterBufferEmittedCount")),
            ("jitterBufferMinimumDelay", MillisecondsEach("jitterBufferEmittedCount")),
            ("lastPacketReceivedTimestamp", Date),
            ("totalProcessingDelay", MillisecondsEach("jitterBufferEmittedCount")),
            ("totalAssemblyTime", MillisecondsEach("framesAssembledFromMultiplePackets")),
        ],
    ),
    ("remote-inbound-rtp", &[("totalRoundTripTime", Each("roundTripTimeMeasurements"))]),
    ("remote-outbound-rtp", &[("remoteTimestamp", Date), ("totalRoundTripTime", Each("roundTripTimeMeasurements"))]),
    ("media-source", &[("totalAudioEnergy", Level)]),
    ("media-playout", &[("totalPlayoutDelay", Each("totalSamplesCount"))]),
    (
        "data-channel",
        &[
            ("messagesSent", ASecond),
            ("messagesReceived", ASecond),
            ("bytesSent", BitsASecond),
            ("bytesReceived", BitsASecond),
        ],
    ),
    (
        "transport",
        &[
            ("bytesSent", BitsASecond),
            ("bytesReceived", BitsASecond),
            ("packetsSent", WholeASecond),
            ("packetsReceived", WholeASecond),
        ],
    ),
    (
        "candidate-pair",
        &[
            ("bytesSent", BitsASecond),
            ("bytesReceived", BitsASecond),
            ("packetsSent", WholeASecond),
            ("packetsReceived", WholeASecond),
            ("totalRoundTripTime", Each("responsesReceived")),
            ("lastPacketReceivedTimestamp", Date),
            ("lastPacketSentTimestamp", Date),
        ],
    ),
];

/// Everything that is worked out for an object of type `kind`, by its name: from what it was before, empty if that is
/// not known, from what it is now, and from the whole report.
pub(super) fn worked_out(kind: &str, before: &Stats, now: &Stats, report: &Stats) -> Vec<(String, Value)> {
    let known = WORKED_OUT.iter().find(|(name, _)| *name == kind);
    let forms = known.map_or(&[][..], |(_, forms)| forms);
    forms.iter().filter_map(|(of, form)| Some((name(of, *form), value(of, *form, before, now, report)?))).collect()
}

fn name(of: &str, form: Form) -> String {
    match form {
        ASecond | WholeASecond => format!("[{of}/s]"),
        BitsASecond => format!("[{of}_in_bits/s]"),
        Each(other) => format!("[{of}/{other}]"),
        MillisecondsEach(other) => format!("[{of}/{other}_in_ms]"),
        Codec => "[codec]".into(),
        Level => "[Audio_Level_in_RMS]".into(),
        Unevenness => "[interFrameDelayStDev_in_ms]".into(),
        Waiting => "[framesReceived-framesDecoded-framesDropped]".into(),
        Date => format!("[{of}]"),
    }
}

fn value(of: &str, form: Form, before: &Stats, now: &Stats, report: &Stats) -> Option<Value> {
    let grown = |name| Some(number(now, name)? - number(before, name)?);
    let each = |other| ratio(grown(of)?, grown(other)?);
    let a_second = || Some(1000.0 * each("timestamp")?);
    match form {
        ASecond => plain(a_second()?),
        WholeASecond => plain(a_second()?.round()),
        BitsASecond => plain((8.0 * a_second()?).round()),
        Each(other) => plain(each(other)?),
        MillisecondsEach(other) => plain(1000.0 * each(other)?),
        Codec => codec(report.get(now.get(of)?.as_str()?)?),
        Level => plain(each("totalSamplesDuration")?.sqrt()),
        Unevenness => {
            let (count, sum) = (grown("framesDecoded")?, grown("totalInterFrameDelay")?);
            plain(1000.0 * ratio(grown(of)? - ratio(sum * sum, count)?, count)?.sqrt())
        }
        Waiting => plain(number(now, of)? - number(now, "framesDecoded")? - number(now, "framesDropped")?),
        Date => Some(iso(number(now, of)?).into()),
    }
}

fn codec(codec: &Value) -> Option<Value> {
    let (_, name) = codec.get("mimeType")?.as_str()?.split_once('/')?;
    let parameters = codec.get("sdpFmtpLine").and_then(Value::as_str).filter(|line| !line.is_empty());
    let parameters = parameters.map_or(String::new(), |line| format!(", {line}"));
    Some(format!("{name} ({}{parameters})", codec.get("payloadType")?).into())
}

fn number(stats: &Stats, name: &str) -> Option<f64> {
    stats.get(name)?.as_f64()
}

/// Nothing if there was nothing to share among.
fn ratio(of: f64, among: f64) -> Option<f64> {
    (among > 0.0).then(|| of / among)
}

/// As JSON: whole numbers without a fraction, and nothing for what is no number.
fn plain(number: f64) -> Option<Value> {
    /// Up to here every whole number is one.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < WHOLE {
        return Some((number as i64).into());
    }
    Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stats(value: Value) -> Stats {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn rates_are_worked_out_as_chrome_does() {
        let codec = json!({ "c": { "mimeType": "video/VP8", "payloadType": 96 },
            "o": { "mimeType": "audio/opus", "payloadType": 111, "sdpFmtpLine": "useinbandfec=1" } });
        for (kind, before, now, name, expected) in [
            (
                "inbound-rtp",
                json!({ "bytesReceived": 100 }),
                json!({ "bytesReceived": 350 }),
                "[bytesReceived_in_bits/s]",
                json!(1000),
            ),
            ("transport", json!({ "packetsSent": 10 }), json!({ "packetsSent": 15 }), "[packetsSent/s]", json!(3)),
            ("outbound-rtp", json!({ "framesSent": 10 }), json!({ "framesSent": 15 }), "[framesSent/s]", json!(2.5)),
            (
                "outbound-rtp",
                json!({ "totalEncodeTime": 1.0, "framesEncoded": 10 }),
                json!({ "totalEncodeTime": 1.5, "framesEncoded": 20 }),
                "[totalEncodeTime/framesEncoded_in_ms]",
                json!(50),
            ),
            (
                "candidate-pair",
                json!({ "totalRoundTripTime": 0.5, "responsesReceived": 1 }),
                json!({ "totalRoundTripTime": 1.0, "responsesReceived": 3 }),
                "[totalRoundTripTime/responsesReceived]",
                json!(0.25),
            ),
            ("inbound-rtp", json!({}), json!({ "codecId": "c" }), "[codec]", json!("VP8 (96)")),
            ("inbound-rtp", json!({}), json!({ "codecId": "o" }), "[codec]", json!("opus (111, useinbandfec=1)")),
            (
                "media-source",
                json!({ "totalAudioEnergy": 0, "totalSamplesDuration": 0 }),
                json!({ "totalAudioEnergy": 0.5, "totalSamplesDuration": 2 }),
                "[Audio_Level_in_RMS]",
                json!(0.5),
            ),
            (
                "inbound-rtp",
                json!({}),
                json!({ "framesReceived": 9, "framesDecoded": 6, "framesDropped": 1 }),
                "[framesReceived-framesDecoded-framesDropped]",
                json!(2),
            ),
            (
                "inbound-rtp",
                json!({ "totalSquaredInterFrameDelay": 0, "totalInterFrameDelay": 0, "framesDecoded": 0 }),
                json!({ "totalSquaredInterFrameDelay": 10, "totalInterFrameDelay": 4, "framesDecoded": 2 }),
                "[interFrameDelayStDev_in_ms]",
                json!(1000),
            ),
            (
                "remote-outbound-rtp",
                json!({}),
                json!({ "remoteTimestamp": 0 }),
                "[remoteTimestamp]",
                json!("1970-01-01T00:00:00.000Z"),
            ),
        ] {
            let (mut before, mut now) = (stats(before), stats(now));
            before.insert("timestamp".into(), 1000.into());
            now.insert("timestamp".into(), 3000.into());
            let found = worked_out(kind, &before, &now, &stats(codec.clone()));
            assert_eq!(
                found.iter().find(|(found, _)| found == name).map(|(_, value)| value),
                Some(&expected),
                "{name}"
            );
        }
    }

    #[test]
    fn nothing_is_worked_out_from_what_is_not_there() {
        let now =
            stats(json!({ "timestamp": 1000, "bytesReceived": 1, "codecId": "none", "framesDecoded": 1, "qpSum": 1 }));
        for (kind, before) in [
            ("inbound-rtp", json!({})),
            ("inbound-rtp", json!({ "timestamp": 1000, "bytesReceived": 1, "framesDecoded": 1, "qpSum": 1 })),
            ("codec", json!({ "timestamp": 0, "bytesReceived": 1 })),
        ] {
            assert_eq!(worked_out(kind, &stats(before), &now, &Map::new()), []);
        }
    }
}
