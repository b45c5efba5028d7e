//! Sound to packets.

use opus::{Application, Bitrate, Channels, Encoder};

use super::{codec_error, layout};
use crate::{
    codec::{AudioEncoder, AudioTarget, CodecError},
    media::{AudioFrame, EncodedFrame, SAMPLE_RATE_HZ},
};

/// Samples a channel in 20 ms.
const BLOCK: usize = SAMPLE_RATE_HZ as usize / 50;

/// Half the range: a quarter less work than the most, and no difference to hear in speech.
const COMPLEXITY: i32 = 5;

/// The longest packet the library writes (RFC 6716, 3.4).
const MAX_PACKET_LEN: usize = 1275;

/// A packet so short holds nothing but its head (RFC 6716, 3.1): silence.
const SILENT_LEN: usize = 2;

/// Redundancy is kept for at least so much loss in percent: it must be in the packet before the
/// first loss. Above, the copies would starve the sound itself.
const LOSS_PERCENT: (i32, i32) = (5, 30);

#[derive(Debug)]
pub(super) struct OpusEncoder {
    encoder: Encoder,
    channels: u8,
    packet: [u8; MAX_PACKET_LEN],
    /// Whether the last packet was the first of a pause.
    pausing: bool,
}

impl OpusEncoder {
    pub(super) fn new(channels: u8, target: AudioTarget) -> Result<Self, CodecError> {
        let layout = layout(channels)?;
        let application = if layout == Channels::Mono { Application::Voip } else { Application::Audio };
        let start = || {
            let mut encoder = Encoder::new(SAMPLE_RATE_HZ, layout, application)?;
            encoder.set_complexity(COMPLEXITY)?;
            encoder.set_inband_fec(true)?;
            Ok(encoder)
        };
        let encoder = start().map_err(|error: opus::Error| codec_error("cannot start", error))?;
        let mut this = Self { encoder, channels, packet: [0; MAX_PACKET_LEN], pausing: false };
        this.set_target(target);
        Ok(this)
    }
}

impl AudioEncoder for OpusEncoder {
    fn encode(&mut self, frame: &AudioFrame) -> Result<Option<EncodedFrame>, CodecError> {
        if frame.channels != self.channels || frame.samples.len() != BLOCK * usize::from(self.channels) {
            let reason = format!(
                "a block of {} samples of {} channels; it takes {BLOCK} of {}",
                frame.samples_per_channel(),
                frame.channels,
                self.channels
            );
            return Err(codec_error("cannot encode", reason));
        }
        let len = self
            .encoder
            .encode_float(&frame.samples, &mut self.packet)
            .map_err(|error| codec_error("cannot encode", error))?;
        // The first packet of a pause is sent: it tells the other side that nothing is lost. In the pause
        // comes a packet every 400 ms, which keeps the other side's noise like ours.
        let was_pausing = std::mem::replace(&mut self.pausing, len <= SILENT_LEN);
        if self.pausing && was_pausing {
            return Ok(None);
        }
        Ok(Some(EncodedFrame {
            media_time: frame.captured_at,
            key_frame: true,
            duration: frame.duration(),
            payload: bytes::Bytes::copy_from_slice(&self.packet[..len]),
        }))
    }

    fn set_target(&mut self, target: AudioTarget) {
        let bitrate = Bitrate::Bits(target.bitrate.bps().clamp(6_000, 510_000) as i32);
        let percent = ((target.loss * 100.0).round() as i32).clamp(LOSS_PERCENT.0, LOSS_PERCENT.1);
        let mut set = || {
            self.encoder.set_bitrate(bitrate)?;
            self.encoder.set_packet_loss_perc(percent)?;
            self.encoder.set_dtx(target.dtx)
        };
        if let Err(error) = set() {
            tracing::warn!(%error, ?target, "the sound encoder refused a target in range");
        }
    }
}
