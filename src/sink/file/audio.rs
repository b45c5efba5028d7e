//! Sound into a WAV file.

use std::{path::Path, time::Duration};

use super::output::Output;
use crate::{
    media::{AudioFrame, SAMPLE_RATE_HZ, now},
    sink::{AudioSink, SinkError, pace::VirtualDevice},
};

/// Sound into a WAV file (48 kHz, 16 bit), written when it is handed over, at the pace of a device.
///
/// The channels are those of the first block. A FIFO may have its reader later: sound before is
/// dropped. What is written counts as heard, so that the reader of a FIFO hears in step with the
/// pictures.
#[derive(Debug)]
pub struct AudioFile {
    output: Output,
    device: VirtualDevice,
    /// Known since the first block was written.
    channels: Option<u8>,
    /// Bytes of sound written.
    written: u64,
    bytes: Vec<u8>,
}

impl AudioFile {
    /// Makes the file, or takes the FIFO that is there without waiting for its reader.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, SinkError> {
        let output = Output::open(path)?;
        Ok(Self { output, device: VirtualDevice::default(), channels: None, written: 0, bytes: Vec::new() })
    }
}

impl AudioSink for AudioFile {
    fn play(&mut self, frame: &AudioFrame) -> Result<(), SinkError> {
        self.device.play(frame.duration(), now());
        if !self.output.is_read()? {
            return Ok(());
        }
        self.bytes.clear();
        let channels = *self.channels.get_or_insert_with(|| {
            let channels = frame.channels.max(1);
            // How long it will be is not known: until it is, the longest.
            self.bytes.extend(header(channels, u32::MAX));
            channels
        });
        let before = self.bytes.len();
        encode(frame, channels, &mut self.bytes);
        self.written += (self.bytes.len() - before) as u64;
        self.output.write(&[&self.bytes])
    }

    fn queued(&self) -> Duration {
        self.device.queued(now())
    }

    fn starved(&self) -> Duration {
        self.device.starved()
    }

    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    fn finish(&mut self) {
        let len = u32::try_from(self.written).unwrap_or(u32::MAX);
        // A file into which nothing was played is a file nevertheless.
        self.output.patch(0, &header(self.channels.unwrap_or(1), len));
    }
}

impl Drop for AudioFile {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Returns the header for so many bytes of sound; `u32::MAX` means until the file ends.
fn header(channels: u8, len: u32) -> Vec<u8> {
    let channels = u16::from(channels);
    let mut header = b"RIFF".to_vec();
    header.extend(len.saturating_add(36).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    header.extend(channels.to_le_bytes());
    header.extend(SAMPLE_RATE_HZ.to_le_bytes());
    header.extend((SAMPLE_RATE_HZ * 2 * u32::from(channels)).to_le_bytes());
    header.extend((2 * channels).to_le_bytes());
    header.extend(b"\x10\0data");
    header.extend(len.to_le_bytes());
    header
}

/// Appends the block in 16 bit and so many channels.
fn encode(frame: &AudioFrame, channels: u8, out: &mut Vec<u8>) {
    let mut write = |sample: f32| out.extend(((sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes());
    if frame.channels == channels {
        frame.samples.iter().copied().for_each(write);
        return;
    }
    let from = usize::from(frame.channels.max(1));
    for moment in frame.samples.chunks_exact(from) {
        let mixed = moment.iter().sum::<f32>() / from as f32;
        (0..channels).for_each(|_| write(mixed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaTime;

    fn block(channels: u8, level: f32) -> AudioFrame {
        AudioFrame { captured_at: MediaTime::ZERO, channels, samples: vec![level; 960 * usize::from(channels)] }
    }

    #[test]
    fn a_finished_file_is_read_by_others() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.wav");
        let mut sink = AudioFile::create(&path).expect("made");
        for (channels, level) in [(2, 0.5), (1, -1.0), (2, 9.0)] {
            sink.play(&block(channels, level)).expect("played");
        }
        drop(sink);
        let mut reader = hound::WavReader::open(&path).expect("a WAV file");
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 48_000, 16));
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("whole")).collect();
        let expected = [[16_384; 1920], [-32_767; 1920], [32_767; 1920]].concat();
        assert_eq!(samples, expected);
    }

    #[test]
    fn an_empty_file_is_one_too_and_an_unfinished_one_is_endless() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.wav");
        let mut sink = AudioFile::create(&path).expect("made");
        sink.finish();
        assert_eq!(hound::WavReader::open(&path).expect("a WAV file").len(), 0);
        let mut sink = AudioFile::create(&path).expect("made");
        sink.play(&block(1, 0.0)).expect("played");
        let bytes = std::fs::read(&path).expect("reads");
        assert_eq!((bytes.len(), &bytes[40..44]), (44 + 1920, &[0xff; 4][..]));
    }

    #[test]
    fn it_takes_sound_like_a_device() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut sink = AudioFile::create(&directory.path().join("out.wav")).expect("made");
        sink.play(&AudioFrame::silence(MediaTime::ZERO, 1, 48_000 * 60)).expect("played");
        assert!(sink.queued() > Duration::from_secs(1) && sink.queued() <= Duration::from_secs(60));
        assert_eq!(sink.delay(), Duration::ZERO);
    }
}
