//! Packets to sound.

use opus::Decoder;

use super::{codec_error, layout};
use crate::{
    codec::{AudioDecoder, AudioPayload, CodecError, DecodeError},
    media::{AudioFrame, MediaTime, SAMPLE_RATE_HZ},
};

/// Samples a channel in 20 ms, what a lost packet is taken to have held until one came.
const BLOCK: usize = SAMPLE_RATE_HZ as usize / 50;

/// Samples a channel in the longest packet, 120 ms (RFC 6716, 3.2).
const MAX_BLOCK: usize = 6 * BLOCK;

#[derive(Debug)]
pub(super) struct OpusDecoder {
    decoder: Decoder,
    channels: u8,
    /// Samples a channel in the last packet.
    block: usize,
    /// Where the sound made up last ended, on the sender's line of time.
    position: MediaTime,
}

impl OpusDecoder {
    pub(super) fn new(channels: u8) -> Result<Self, CodecError> {
        let decoder =
            Decoder::new(SAMPLE_RATE_HZ, layout(channels)?).map_err(|error| codec_error("cannot start", error))?;
        Ok(Self { decoder, channels, block: BLOCK, position: MediaTime::ZERO })
    }
}

impl AudioDecoder for OpusDecoder {
    fn decode(&mut self, payload: AudioPayload<'_>, out: &mut AudioFrame) -> Result<(), DecodeError> {
        let (bytes, fec): (&[u8], bool) = match payload {
            AudioPayload::Packet(frame) => (&frame.payload, false),
            AudioPayload::Recover(successor) => (&successor.payload, true),
            AudioPayload::Conceal => (&[], false),
        };
        if let AudioPayload::Packet(frame) = payload {
            if bytes.is_empty() {
                return Err(DecodeError::Corrupt("an empty Opus packet".into()));
            }
            self.block = self.decoder.get_nb_samples(bytes).map_err(corrupt)?.min(MAX_BLOCK);
            self.position = frame.media_time;
        }
        out.captured_at = self.position;
        out.channels = self.channels;
        out.samples.clear();
        out.samples.resize(self.block * usize::from(self.channels), 0.0);
        let decoded = self.decoder.decode_float(bytes, &mut out.samples, fec).map_err(corrupt)?;
        out.samples.truncate(decoded * usize::from(self.channels));
        self.position = self.position + out.duration();
        Ok(())
    }
}

fn corrupt(error: opus::Error) -> DecodeError {
    DecodeError::Corrupt(error.to_string())
}
