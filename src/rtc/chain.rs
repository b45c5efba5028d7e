//! The chain of interceptors between the application and the wire, and what it asks of both sides.

use std::time::Duration;

use rtc::{
    interceptor::{
        CongestionControlBuilder, NackResponderBuilder, ReceiverReportBuilder, SenderReportBuilder, Slot,
        TwccReceiverBuilder, TwccSenderBuilder,
    },
    peer_connection::configuration::media_engine::MediaEngine,
    rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpHeaderExtensionCapability, RtpCodecKind},
    sdp::extmap,
};
use tokio::sync::watch;
use webrtc::peer_connection::Registry;

use super::{
    RtcError,
    again::Again,
    estimate::Estimator,
    fec::{FecReceiver, FecSender, WithRepair},
    nack::Nack,
    orientation,
    pacer::Pacer,
    stage::Staged,
    tap::Tap,
};

/// Time between two reports about what arrived: twice as often as the library's default. The other side follows a
/// line that gets narrow so much sooner, for 10 kbit/s.
const REPORTS: Duration = Duration::from_millis(50);

/// Returns the chain that RTP and RTCP pass, wire first.
pub(super) fn interceptors(
    engine: &mut MediaEngine,
    estimator: Estimator,
    (pacer, again): (Pacer, Again),
    nack: Nack,
    tap: Tap,
    protection: watch::Receiver<f64>,
) -> Result<Registry, RtcError> {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    engine.register_feedback(feedback("nack", ""), RtpCodecKind::Video);
    engine.register_feedback(feedback("nack", "pli"), RtpCodecKind::Video);
    for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
        engine.register_feedback(feedback("transport-cc", ""), kind);
        let uri = extmap::TRANSPORT_CC_URI.into();
        engine.register_header_extension(RTCRtpHeaderExtensionCapability { uri }, kind, None)?;
    }
    let uri = orientation::URI.into();
    engine.register_header_extension(RTCRtpHeaderExtensionCapability { uri }, RtpCodecKind::Video, None)?;
    // Arrivals are reported before the lost ones are repaired: reports are to tell of the line.
    let registry = Registry::new()
        .with(Slot::from(500), Staged::new(tap))
        .with(Slot::CongestionControl, WithRepair(CongestionControlBuilder::new(estimator).build()))
        .with(Slot::from(1_500), Staged::new(again))
        .with(Slot::TwccSender, WithRepair(TwccSenderBuilder::new().build()))
        .with(Slot::Pacer, Staged::new(pacer))
        .with(Slot::NackResponder, NackResponderBuilder::new().build())
        .with(Slot::FecEncoder, Staged::new(FecSender::new(protection)))
        .with(Slot::from(5_200), TwccReceiverBuilder::new().with_interval(REPORTS).build())
        .with(Slot::from(5_400), ReceiverReportBuilder::new().build())
        .with(Slot::FecDecoder, Staged::new(FecReceiver::new()))
        .with(Slot::NackGenerator, Staged::new(nack))
        .with(Slot::SenderReport, SenderReportBuilder::new().build());
    Ok(registry)
}
