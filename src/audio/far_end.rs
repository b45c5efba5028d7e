//! What the speaker plays, on its way to where its echo is taken out of the microphone's sound.

use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::media::{AudioFrame, SAMPLE_RATE_HZ};

/// Both channels are told, whatever is played.
pub(crate) const CHANNELS: usize = 2;

/// Samples in 10 ms of both channels.
pub(crate) const PIECE: usize = SAMPLE_RATE_HZ as usize / 100 * CHANNELS;

/// What the ring holds: a second.
const CAPACITY: usize = 100 * PIECE;

/// With so much waiting nobody has read for a while: it can no longer be put against what the microphone
/// hears. More than any device takes at once.
const STALE: usize = 40 * PIECE;

/// The speaker's end.
#[derive(Debug)]
pub(crate) struct FarEnd(Producer<f32>);

/// The microphone's end.
#[derive(Debug)]
pub(crate) struct FarEndReader(Consumer<f32>);

/// Makes a ring of one second between the thread that plays and the one that captures: it neither locks nor
/// waits. **Overflow: what does not fit is left out whole; a reader that finds 400 ms skips to the newest
/// 10 ms.** The echo canceller then finds the delay anew.
pub(crate) fn far_end() -> (FarEnd, FarEndReader) {
    let (producer, consumer) = RingBuffer::new(CAPACITY);
    (FarEnd(producer), FarEndReader(consumer))
}

impl FarEnd {
    /// Tells that the speaker played silence for so long because it was handed nothing: what follows is heard
    /// that much later. More than the reader would keep is not told.
    pub(crate) fn starved(&mut self, time: Duration) {
        let samples = (time.as_micros() * u128::from(SAMPLE_RATE_HZ) / 1_000_000) as usize * CHANNELS;
        let Ok(chunk) = self.0.write_chunk_uninit(samples.min(STALE)) else { return };
        chunk.fill_from_iter(std::iter::repeat(0.0));
    }

    /// Tells what is handed to the speaker.
    pub(crate) fn played(&mut self, frame: &AudioFrame) {
        let samples = frame.samples_per_channel() * CHANNELS;
        let Ok(chunk) = self.0.write_chunk_uninit(samples) else { return };
        let channels = usize::from(frame.channels.max(1));
        let both = frame.samples.chunks_exact(channels).flat_map(|sample| [sample[0], sample[channels - 1]]);
        chunk.fill_from_iter(both);
    }
}

impl FarEndReader {
    /// Takes the next 10 ms, interleaved. `false` if they were not played yet.
    pub(crate) fn read(&mut self, piece: &mut [f32; PIECE]) -> bool {
        let waiting = self.0.slots();
        if waiting > STALE
            && let Ok(chunk) = self.0.read_chunk((waiting - PIECE) / CHANNELS * CHANNELS)
        {
            chunk.commit_all();
        }
        self.0.pop_entire_slice(piece).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaTime;

    fn frame(channels: u8, samples: Vec<f32>) -> AudioFrame {
        AudioFrame { captured_at: MediaTime::ZERO, channels, samples }
    }

    #[test]
    fn what_is_played_comes_in_pieces_of_10_ms() {
        let (mut far_end, mut reader) = far_end();
        let mut piece = [0.0; PIECE];
        assert!(!reader.read(&mut piece));
        far_end.played(&frame(1, (0..300).map(|n| n as f32).collect()));
        assert!(!reader.read(&mut piece), "not whole yet");
        far_end.played(&frame(2, (0..720).map(|n| n as f32).collect()));
        assert!(reader.read(&mut piece));
        assert_eq!((piece[0], piece[1], piece[598], piece[599]), (0.0, 0.0, 299.0, 299.0), "mono on both");
        assert_eq!((piece[600], piece[601]), (0.0, 1.0));
        assert!(!reader.read(&mut piece));
    }

    #[test]
    fn what_a_speaker_was_not_handed_is_silence() {
        let (mut far_end, mut reader) = far_end();
        let mut piece = [1.0; PIECE];
        far_end.starved(Duration::from_millis(5));
        far_end.played(&frame(1, vec![0.5; 240]));
        assert!(reader.read(&mut piece));
        assert!(piece[..480].iter().all(|sample| *sample == 0.0) && piece[480..].iter().all(|sample| *sample == 0.5));
        far_end.starved(Duration::from_secs(5));
        assert_eq!(std::iter::from_fn(|| reader.read(&mut piece).then_some(())).count(), 40);
    }

    #[test]
    fn what_nobody_read_for_long_is_left_out() {
        let (mut far_end, mut reader) = far_end();
        let mut piece = [0.0; PIECE];
        for n in 0..300 {
            far_end.played(&frame(2, vec![n as f32; PIECE]));
        }
        assert!(reader.read(&mut piece));
        assert_eq!(piece[0], 99.0, "the newest that found room");
        assert!(!reader.read(&mut piece));
        far_end.played(&frame(2, vec![-1.0; PIECE]));
        assert!(reader.read(&mut piece));
        assert_eq!((piece[0], piece[PIECE - 1]), (-1.0, -1.0));
    }
}
