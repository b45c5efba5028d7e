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
        let block = if matches!(payload, AudioPayload::Conceal) { BLOCK / 2 } else { self.block };
        out.samples.resize(block * usize::from(self.channels), 0.0);
        let decoded = self.decoder.decode_float(bytes, &mut out.samples, fec).map_err(corrupt)?;
        out.samples.truncate(decoded * usize::from(self.channels));
        self.position = self.position + out.duration();
        Ok(())
    }

    fn carries_previous(&self, payload: &[u8]) -> bool {
        carries_previous(payload).unwrap_or(false)
    }
}

/// Whether a packet holds low bit-rate redundancy: a flag behind the flags for voice in its first SILK
/// frame (RFC 6716, 4.2.3). Packets of several frames (codes 1 to 3) are looked at where that is cheap.
fn carries_previous(payload: &[u8]) -> Option<bool> {
    let toc = *payload.first()?;
    let configuration = toc >> 3;
    if configuration >= 16 {
        // CELT alone (3.1).
        return Some(false);
    }
    let first = match toc & 3 {
        0 | 1 => *payload.get(1)?,
        // The length of the first frame comes before it (3.2.1).
        2 => *payload.get(if *payload.get(1)? < 252 { 2 } else { 3 })?,
        _ => return Some(false),
    };
    // SILK frames of 20 ms, but for those of 10 (table 2).
    let frames = match configuration {
        0..12 => [1, 1, 2, 3][usize::from(configuration % 4)],
        _ => 1,
    };
    let middle = first >> (7 - frames) & 1;
    let side = if toc & 4 == 0 { 0 } else { first >> (6 - 2 * frames) & 1 };
    Some(middle | side == 1)
}

fn corrupt(error: opus::Error) -> DecodeError {
    DecodeError::Corrupt(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{AudioEncoder, AudioTarget, opus::encode::OpusEncoder},
        media::Bitrate,
    };

    /// A voice: a buzz that rises and falls in pitch, and pauses.
    fn voice(blocks: usize, channels: u8) -> Vec<AudioFrame> {
        let mut phase = 0.0_f32;
        let mut sample = |at: usize| {
            let seconds = at as f32 / SAMPLE_RATE_HZ as f32;
            phase = (phase + (130.0 + 20.0 * (seconds * 5.0).sin()) / SAMPLE_RATE_HZ as f32).fract();
            0.3 * (1.0 - 2.0 * phase) * (seconds * 9.0).sin().max(0.0)
        };
        (0..blocks)
            .map(|block| {
                let mono = (block * BLOCK..(block + 1) * BLOCK).map(&mut sample);
                let samples = mono.flat_map(|sample| std::iter::repeat_n(sample, usize::from(channels))).collect();
                AudioFrame { captured_at: MediaTime::ZERO, channels, samples }
            })
            .collect()
    }

    #[test]
    fn a_copy_of_the_packet_before_is_seen() {
        for (channels, kbps) in [(1, 24), (1, 128), (2, 32)] {
            let target = AudioTarget { bitrate: Bitrate::from_kbps(kbps), loss: 0.2, dtx: false };
            let mut encoder = OpusEncoder::new(channels, target).expect("an encoder");
            let decoder = OpusDecoder::new(channels).expect("a decoder");
            let packets: Vec<_> = voice(200, channels)
                .iter()
                .map(|block| encoder.encode(block).expect("encodes").expect("no silence").payload)
                .collect();
            let copies = packets.iter().filter(|packet| decoder.carries_previous(packet)).count();
            // Where the voice pauses there is nothing worth a copy.
            assert!((60..180).contains(&copies), "{channels} channels, {kbps} kbit/s: {copies} copies");
        }
        let decoder = OpusDecoder::new(1).expect("a decoder");
        assert!(
            [&[][..], &[0], &[2, 255], &[3, 1], &[16 << 3, 255]]
                .iter()
                .all(|payload| !decoder.carries_previous(payload))
        );
    }

    #[test]
    fn what_is_made_up_lasts_10_ms() {
        let mut decoder = OpusDecoder::new(2).expect("a decoder");
        let mut out = AudioFrame::default();
        decoder.decode(AudioPayload::Conceal, &mut out).expect("made up");
        assert_eq!((out.channels, out.samples_per_channel()), (2, BLOCK / 2));
    }
}
