//! Figures of a connection (webrtc-stats): what the WebRTC library knows, and what it leaves out.

use std::{sync::Arc, time::Duration};

use rtc::{peer_connection::transport::RTCIceCandidate, statistics::report::RTCStatsReportEntry as Entry};
use serde_json::{Map, Value, json};
use webrtc::peer_connection::{StatsSelector, transport::DtlsTransport};

use super::{Peer, WireCounts};
use crate::{
    media::now,
    observe::{StepName, StepValue},
};

impl Peer {
    /// Returns the round trip in seconds by ICE's own checks: for a side that sends no media, and so
    /// gets no receiver reports.
    pub async fn round_trip_time(&self) -> Option<f64> {
        let report = self.connection.get_stats(now(), StatsSelector::None).await;
        let seconds = report.candidate_pairs().find(|pair| pair.nominated)?.current_round_trip_time;
        if seconds <= 0.0 {
            return None;
        }
        self.round_trip.set(Duration::from_secs_f64(seconds.min(60.0)));
        Some(seconds)
    }

    /// Returns what passed the wire so far; sound first.
    pub fn counts(&self) -> [WireCounts; 2] {
        self.counts.read()
    }

    /// Returns what the library knows of the connection, as the W3C has it (webrtc-stats): objects by their id.
    pub async fn stats(&mut self) -> Map<String, Value> {
        let report = self.connection.get_stats(now(), StatsSelector::None).await;
        let mut objects: Map<String, Value> =
            report.iter().filter_map(|entry| Some((entry.id().to_owned(), object(entry)?))).collect();
        if let Some(transport) = self.transport().await {
            let ice = transport.ice_transport();
            let (local, remote) = (ice.get_local_candidates().await, ice.get_remote_candidates().await);
            for (kind, candidates) in [("local-candidate", local), ("remote-candidate", remote)] {
                let candidates = candidates.unwrap_or_default();
                objects.extend(candidates.iter().map(|found| (found.id.clone(), candidate(kind, found))));
            }
        }
        self.look_at_pair(&objects);
        objects
    }

    /// Tells when another pair of candidates carries the call: the library does not.
    fn look_at_pair(&mut self, objects: &Map<String, Value>) {
        let transport = objects.values().find(|object| object["type"] == "transport");
        let selected = transport.and_then(|transport| transport["selectedCandidatePairId"].as_str());
        let Some(id) = selected.filter(|id| !id.is_empty() && self.selected.as_deref() != Some(id)) else { return };
        self.selected = Some(id.to_owned());
        self.steps.tell(StepName::SelectedCandidatePairChange, || {
            let pair = &objects[id];
            let side = |which: &str| pair[which].as_str().and_then(|id| objects.get(id)).cloned().unwrap_or_default();
            StepValue::details([("local", side("localCandidateId")), ("remote", side("remoteCandidateId"))])
        });
    }

    /// Returns the other side's certificate in DER, once DTLS is through.
    pub async fn remote_certificate(&self) -> Option<Vec<u8>> {
        self.transport().await?.get_remote_certificates().await.ok()?.into_iter().next()
    }

    /// Returns the one transport that there is, once media or a channel are agreed on.
    pub(super) async fn transport(&self) -> Option<Arc<dyn DtlsTransport>> {
        if let Some(association) = self.connection.sctp().await {
            return Some(association.transport());
        }
        for receiver in self.connection.get_receivers().await {
            if let Ok(Some(transport)) = receiver.transport().await {
                return Some(transport);
            }
        }
        None
    }
}

/// Returns a candidate as the W3C has it.
fn candidate(kind: &str, candidate: &RTCIceCandidate) -> Value {
    let is_local = kind == "local-candidate";
    json!({
        "type": kind,
        "isRemote": !is_local,
        "transportId": "RTCTransport",
        "address": candidate.address,
        "port": candidate.port,
        "protocol": candidate.protocol.to_string(),
        "candidateType": candidate.typ.to_string(),
        "priority": candidate.priority,
        "foundation": candidate.foundation,
        "relatedAddress": candidate.related_address,
        "relatedPort": candidate.related_port,
        "url": candidate.url.as_deref().filter(|_| is_local),
        "relayProtocol": candidate.relay_protocol,
    })
}

/// Returns an object of the report as the W3C has it.
fn object(entry: &Entry) -> Option<Value> {
    let object = match entry {
        Entry::PeerConnection(stats) => serde_json::to_value(stats),
        Entry::Transport(stats) => serde_json::to_value(stats),
        Entry::IceCandidatePair(stats) => serde_json::to_value(stats),
        Entry::Certificate(stats) => serde_json::to_value(stats),
        Entry::Codec(stats) => serde_json::to_value(stats),
        Entry::DataChannel(stats) => serde_json::to_value(stats),
        Entry::InboundRtp(stats) => serde_json::to_value(stats),
        Entry::OutboundRtp(stats) => serde_json::to_value(stats),
        // Those of the other side, of sources and of playing are ours to tell, and candidates have other ids here than
        // pairs know them by, if they are there at all.
        _ => return None,
    };
    object.ok()
}
