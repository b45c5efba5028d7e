//! The report as a browser's `getStats` gives it (webrtc-stats): objects by their id, members in camel case.
//!
//! Transport, candidates, certificates and channels are the WebRTC library's. Of streams it knows who they are; what
//! came of them is ours to tell.

use serde_json::{Map, Value, json};

use super::{InboundStats, OutboundStats, QualityLimitation, RemoteInboundStats, RemoteOutboundStats, StatsReport};
use crate::media::{Codec, MediaKind, SAMPLE_RATE_HZ, Size};

/// What the library says of a stream that is taken over.
const IDENTITY: [&str; 7] = ["kind", "ssrc", "mid", "rid", "transportId", "codecId", "trackIdentifier"];

/// The ids of certificates.
const LOCAL_CERTIFICATE: &str = "certificate-local";
const REMOTE_CERTIFICATE: &str = "certificate-remote";

/// Numbers that are never nothing where they are known.
const NEVER_ZERO: [&str; 4] = ["channels", "availableIncomingBitrate", "availableOutgoingBitrate", "relatedPort"];

/// The types of objects that are taken over whole.
const TAKEN: [&str; 8] = [
    "peer-connection",
    "transport",
    "candidate-pair",
    "local-candidate",
    "remote-candidate",
    "certificate",
    "codec",
    "data-channel",
];

impl StatsReport {
    /// Returns all figures as the W3C has them.
    pub fn to_w3c(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let transport = self.objects.values().find(|object| object["type"] == "transport");
        for (id, object) in &self.objects {
            let kind = object["type"].as_str().unwrap_or_default();
            if !TAKEN.contains(&kind) {
                continue;
            }
            let mut object = without_unknown(object);
            let mut id = id.as_str();
            match kind {
                "candidate-pair" => {
                    for member in ["lastPacketSentTimestamp", "lastPacketReceivedTimestamp"] {
                        if let Some(seconds) = object[member].as_f64() {
                            object[member] = (seconds * 1e3).into();
                        }
                    }
                    if object["nominated"] == true {
                        object["availableOutgoingBitrate"] = self.available_outgoing_bitrate.into();
                    }
                }
                // The library's ids of certificates are parts of their fingerprints.
                "certificate" => {
                    let is_local = transport.is_some_and(|transport| transport["localCertificateId"] == id);
                    id = if is_local { LOCAL_CERTIFICATE } else { REMOTE_CERTIFICATE };
                }
                "transport" => {
                    object["localCertificateId"] = LOCAL_CERTIFICATE.into();
                    object["remoteCertificateId"] = REMOTE_CERTIFICATE.into();
                }
                _ => {}
            }
            self.put(&mut out, id, object);
        }
        for kind in [MediaKind::Audio, MediaKind::Video] {
            self.put_outbound(&mut out, kind);
            self.put_inbound(&mut out, kind);
        }
        out
    }

    fn put_outbound(&self, out: &mut Map<String, Value>, kind: MediaKind) {
        let (stats, reported) = match kind {
            MediaKind::Audio => (&self.outbound.audio, &self.remote_inbound.audio),
            MediaKind::Video => (&self.outbound.video, &self.remote_inbound.video),
        };
        let Some((id, own)) = self.stream("outbound-rtp", kind).filter(|_| stats.codec.is_some()) else { return };
        let (source, remote) = (format!("source-{}", name(kind)), format!("remote-inbound-{}", name(kind)));
        let mut object = merged(own, outbound_rtp(kind, stats));
        object["mediaSourceId"] = source.clone().into();
        object["remoteId"] = remote.clone().into();
        self.put(out, id, object);
        self.put(out, &source, without_unknown(&media_source(kind, stats)));
        self.put(out, &remote, merged(own, remote_inbound_rtp(id, reported)));
    }

    fn put_inbound(&self, out: &mut Map<String, Value>, kind: MediaKind) {
        let (stats, reported) = match kind {
            MediaKind::Audio => (&self.inbound.audio, &self.remote_outbound.audio),
            MediaKind::Video => (&self.inbound.video, &self.remote_outbound.video),
        };
        let Some((id, own)) = self.stream("inbound-rtp", kind).filter(|_| stats.codec.is_some()) else { return };
        let mut object = merged(own, inbound_rtp(kind, stats));
        if reported.reports_sent > 0 {
            let remote = format!("remote-outbound-{}", name(kind));
            object["remoteId"] = remote.clone().into();
            self.put(out, &remote, merged(own, remote_outbound_rtp(id, reported)));
        }
        self.put(out, id, object);
    }

    /// Adds an object, which gets what all have.
    fn put(&self, out: &mut Map<String, Value>, id: &str, mut object: Value) {
        object["id"] = id.into();
        object["timestamp"] = self.timestamp.into();
        out.insert(id.into(), object);
    }

    /// Returns the library's object of a stream of ours or theirs.
    fn stream(&self, kind: &str, medium: MediaKind) -> Option<(&str, &Value)> {
        let fits = |object: &Value| object["type"] == kind && object["kind"] == name(medium);
        self.objects.iter().find(|(_, object)| fits(object)).map(|(id, object)| (&**id, object))
    }
}

const fn name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    }
}

/// Leaves out members that are not known.
fn without_unknown(object: &Value) -> Value {
    let known = |(name, value): &(&String, &Value)| {
        let is_nothing = value.as_f64() == Some(0.0) && NEVER_ZERO.contains(&name.as_str());
        !value.is_null() && **value != "" && **value != "Unspecified" && !is_nothing
    };
    object.as_object().into_iter().flatten().filter(known).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Puts what is ours beside what tells which stream it is.
fn merged(own: &Value, mut ours: Value) -> Value {
    for name in IDENTITY {
        ours[name] = own.get(name).cloned().unwrap_or_default();
    }
    without_unknown(&ours)
}

fn outbound_rtp(kind: MediaKind, stats: &OutboundStats) -> Value {
    let mut object = json!({
        "type": "outbound-rtp",
        "active": true,
        "packetsSent": stats.packets_sent,
        "bytesSent": stats.bytes_sent,
        "headerBytesSent": stats.header_bytes_sent,
        "retransmittedPacketsSent": stats.retransmitted_packets_sent,
        "retransmittedBytesSent": stats.retransmitted_bytes_sent,
        "targetBitrate": stats.target_bitrate,
        "nackCount": stats.nack_count,
        "encoderImplementation": stats.codec.map(library),
    });
    if kind == MediaKind::Video {
        let (width, height) = sides(stats.size);
        let durations = stats.quality_limitation_durations;
        let pictures = json!({
            "framesEncoded": stats.frames_encoded,
            "framesSent": stats.frames_encoded,
            "keyFramesEncoded": stats.key_frames_encoded,
            "framesPerSecond": stats.frames_per_second,
            "frameWidth": width,
            "frameHeight": height,
            "totalEncodeTime": stats.total_encode_time,
            "pliCount": stats.pli_count,
            "firCount": stats.fir_count,
            "fecPacketsSent": stats.fec_packets_sent,
            "qualityLimitationReason": match stats.quality_limitation_reason {
                QualityLimitation::None => "none",
                QualityLimitation::Cpu => "cpu",
                QualityLimitation::Bandwidth => "bandwidth",
            },
            "qualityLimitationDurations": {
                "none": durations.none,
                "cpu": durations.cpu,
                "bandwidth": durations.bandwidth,
                "other": 0.0,
            },
            "qualityLimitationResolutionChanges": stats.quality_limitation_resolution_changes,
        });
        extend(&mut object, pictures);
    }
    object
}

fn media_source(kind: MediaKind, stats: &OutboundStats) -> Value {
    match kind {
        MediaKind::Audio => json!({
            "type": "media-source",
            "kind": "audio",
            "audioLevel": stats.audio_level,
            "totalAudioEnergy": stats.total_audio_energy,
            "totalSamplesDuration": stats.total_samples_duration,
        }),
        MediaKind::Video => {
            let (width, height) = sides(stats.source_size);
            json!({
                "type": "media-source",
                "kind": "video",
                "width": width,
                "height": height,
                "frames": stats.frames_encoded + stats.frames_dropped,
                "framesPerSecond": stats.frames_per_second,
            })
        }
    }
}

fn inbound_rtp(kind: MediaKind, stats: &InboundStats) -> Value {
    let mut object = json!({
        "type": "inbound-rtp",
        "packetsReceived": stats.packets_received,
        "packetsLost": stats.packets_lost,
        "packetsDiscarded": stats.packets_discarded,
        "bytesReceived": stats.bytes_received,
        "headerBytesReceived": stats.header_bytes_received,
        "fecPacketsReceived": stats.fec_packets_received,
        "jitter": stats.jitter,
        "nackCount": stats.nack_count,
        "jitterBufferDelay": stats.jitter_buffer_delay,
        "jitterBufferEmittedCount": stats.jitter_buffer_emitted_count,
        "decoderImplementation": stats.codec.map(library),
    });
    let medium = match kind {
        MediaKind::Audio => json!({
            "totalSamplesReceived": stats.total_samples_received,
            "concealedSamples": stats.concealed_samples,
            "concealmentEvents": stats.concealment_events,
            "insertedSamplesForDeceleration": stats.inserted_samples_for_deceleration,
            "removedSamplesForAcceleration": stats.removed_samples_for_acceleration,
            "audioLevel": stats.audio_level,
            "totalAudioEnergy": stats.total_audio_energy,
            "totalSamplesDuration": stats.total_samples_received as f64 / f64::from(SAMPLE_RATE_HZ),
        }),
        MediaKind::Video => {
            let (width, height) = sides(stats.size);
            json!({
                "framesReceived": stats.frames_received,
                "framesDecoded": stats.frames_decoded,
                "framesRendered": stats.frames_rendered,
                "framesDropped": stats.frames_dropped,
                "keyFramesDecoded": stats.key_frames_decoded,
                "framesPerSecond": stats.frames_per_second,
                "frameWidth": width,
                "frameHeight": height,
                "totalDecodeTime": stats.total_decode_time,
                "totalProcessingDelay": stats.total_processing_delay,
                "totalInterFrameDelay": stats.total_inter_frame_delay,
                "totalSquaredInterFrameDelay": stats.total_squared_inter_frame_delay,
                "freezeCount": stats.freeze_count,
                "totalFreezesDuration": stats.total_freezes_duration,
                "pliCount": stats.pli_count,
                "firCount": 0,
            })
        }
    };
    extend(&mut object, medium);
    object
}

fn remote_inbound_rtp(local: &str, stats: &RemoteInboundStats) -> Value {
    json!({
        "type": "remote-inbound-rtp",
        "localId": local,
        "fractionLost": stats.fraction_lost,
        "packetsLost": stats.packets_lost,
        "jitter": stats.jitter,
        "roundTripTime": stats.round_trip_time,
        "totalRoundTripTime": stats.total_round_trip_time,
        "roundTripTimeMeasurements": stats.round_trip_time_measurements,
    })
}

fn remote_outbound_rtp(local: &str, stats: &RemoteOutboundStats) -> Value {
    json!({
        "type": "remote-outbound-rtp",
        "localId": local,
        "packetsSent": stats.packets_sent,
        "bytesSent": stats.bytes_sent,
        "reportsSent": stats.reports_sent,
    })
}

fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

/// Which library encodes and decodes.
const fn library(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "OpenH264",
        Codec::Vp8 => "libvpx",
        Codec::Opus => "libopus",
    }
}

fn sides(size: Option<Size>) -> (Option<usize>, Option<usize>) {
    (size.map(Size::width), size.map(Size::height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_knows_is_completed_and_cleaned() {
        let Value::Object(objects) = json!({
            "T": { "type": "transport", "localCertificateId": "a1:b2", "remoteCertificateId": "c3", "tlsVersion": "" },
            "a1:b2": { "type": "certificate", "fingerprint": "A1:B2" },
            "c3": { "type": "certificate", "fingerprint": "C3" },
            "P": { "type": "candidate-pair", "nominated": true, "availableIncomingBitrate": 0.0,
                   "lastPacketSentTimestamp": 1.5 },
            "L": { "type": "local-candidate", "address": null, "tcpType": "Unspecified", "port": 9 },
            "O": { "type": "outbound-rtp", "kind": "video", "ssrc": 3, "mid": "1", "rid": "", "framesEncoded": 0 },
            "I": { "type": "inbound-rtp", "kind": "audio", "ssrc": 4 },
        }) else {
            panic!("an object")
        };
        let mut report =
            StatsReport { timestamp: 2.0, available_outgoing_bitrate: 900, objects, ..StatsReport::default() };
        report.outbound.video = OutboundStats { codec: Some(Codec::Vp8), frames_encoded: 7, ..Default::default() };
        let out = report.to_w3c();
        for (id, expected) in [
            (
                "T",
                json!({ "id": "T", "type": "transport", "timestamp": 2.0, "localCertificateId": LOCAL_CERTIFICATE,
                        "remoteCertificateId": REMOTE_CERTIFICATE }),
            ),
            (
                LOCAL_CERTIFICATE,
                json!({ "id": LOCAL_CERTIFICATE, "type": "certificate", "timestamp": 2.0, "fingerprint": "A1:B2" }),
            ),
            (
                "P",
                json!({ "id": "P", "type": "candidate-pair", "timestamp": 2.0, "nominated": true,
                        "availableOutgoingBitrate": 900, "lastPacketSentTimestamp": 1500.0 }),
            ),
            ("L", json!({ "id": "L", "type": "local-candidate", "timestamp": 2.0, "port": 9 })),
        ] {
            assert_eq!(out[id], expected);
        }
        let video = &out["O"];
        assert_eq!((&video["framesEncoded"], &video["encoderImplementation"]), (&json!(7), &json!("libvpx")));
        assert_eq!((&video["mid"], video.get("rid")), (&json!("1"), None));
        assert_eq!(out[video["remoteId"].as_str().unwrap_or_default()]["localId"], "O");
        assert_eq!(out.get("I"), None, "nothing has come");
    }
}
