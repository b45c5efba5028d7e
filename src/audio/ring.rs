//! Samples between a device's callback and a thread.
//!
//! The callback's ends neither lock, allocate nor wait. Only the reading end may discard.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::Thread,
    time::{Duration, Instant},
};

use rtrb::{Consumer, Producer, RingBuffer};

use super::sample_clock::SampleClock;

/// What a microphone's ring holds.
const CAPTURE_CAPACITY: Duration = Duration::from_millis(200);
/// From how much waiting on a reader has fallen behind.
const CAPTURE_BEHIND: Duration = Duration::from_millis(120);
/// What a reader that fell behind keeps.
const CAPTURE_KEPT: Duration = Duration::from_millis(40);
/// What a speaker's ring holds, besides two of the device's requests.
const PLAYBACK_CAPACITY: Duration = Duration::from_millis(60);
/// How many times of arrival wait for the reader.
const MARKS: usize = 64;

/// When the sample at a position was captured.
#[derive(Clone, Copy, Debug)]
struct Mark {
    position: u64,
    at: Instant,
}

#[derive(Debug, Default)]
struct Capture {
    refused: AtomicU64,
    reader: OnceLock<Thread>,
}

/// The callback's end of a microphone's ring: one channel.
#[derive(Debug)]
pub(super) struct CaptureWriter {
    samples: Producer<f32>,
    marks: Producer<Mark>,
    written: u64,
    shared: Arc<Capture>,
}

/// The thread's end of a microphone's ring: one channel.
#[derive(Debug)]
pub(crate) struct CaptureReader {
    samples: Consumer<f32>,
    marks: Consumer<Mark>,
    taken: u64,
    clock: SampleClock,
    rate_hz: u32,
    skipped: u64,
    shared: Arc<Capture>,
}

/// Makes the ring of a microphone: 200 ms. **Overflow: the callback refuses the rest; a reader that
/// fell 120 ms behind skips to the newest 40 ms.** Both are counted.
pub(in crate::audio) fn capture_ring(rate_hz: u32) -> (CaptureWriter, CaptureReader) {
    let (producer, consumer) = RingBuffer::new(samples_in(CAPTURE_CAPACITY, rate_hz));
    let (mark_producer, mark_consumer) = RingBuffer::new(MARKS);
    let shared = Arc::new(Capture::default());
    let writer = CaptureWriter { samples: producer, marks: mark_producer, written: 0, shared: shared.clone() };
    let clock = SampleClock::new(rate_hz);
    let reader =
        CaptureReader { samples: consumer, marks: mark_consumer, taken: 0, clock, rate_hz, skipped: 0, shared };
    (writer, reader)
}

impl CaptureWriter {
    /// Appends samples, the first of them captured at `at`.
    pub(super) fn write(&mut self, samples: impl ExactSizeIterator<Item = f32>, at: Instant) {
        let offered = samples.len();
        // A mark that finds no place is no loss: the next one says the same.
        let _ = self.marks.push(Mark { position: self.written, at });
        let room = self.samples.slots().min(offered);
        if let Ok(chunk) = self.samples.write_chunk_uninit(room) {
            self.written += chunk.fill_from_iter(samples) as u64;
        }
        if room < offered {
            self.shared.refused.fetch_add((offered - room) as u64, Relaxed);
        }
        if let Some(reader) = self.shared.reader.get() {
            reader.unpark();
        }
    }
}

impl CaptureReader {
    /// Fills `out` and returns when its first sample was captured, or `None` if there is not enough.
    pub(crate) fn read(&mut self, out: &mut [f32]) -> Option<Instant> {
        let waiting = self.samples.slots();
        if waiting > samples_in(CAPTURE_BEHIND, self.rate_hz) {
            self.skip(waiting - samples_in(CAPTURE_KEPT, self.rate_hz));
        }
        while let Ok(mark) = self.marks.pop() {
            self.clock.mark(mark.position, mark.at);
        }
        self.samples.pop_entire_slice(out).ok()?;
        let at = self.clock.at(self.taken);
        self.taken += out.len() as u64;
        at
    }

    /// Waits until something was written, at most `timeout`; may return early.
    pub(crate) fn wait(&self, timeout: Duration) {
        self.shared.reader.get_or_init(std::thread::current);
        // In slices: the first reader's thread is the one that is woken, should there be a second.
        std::thread::park_timeout(timeout.min(Duration::from_millis(10)));
    }

    /// Returns how many samples wait.
    pub(crate) fn waiting(&self) -> usize {
        self.samples.slots()
    }

    /// Returns how many samples were lost because nobody read in time.
    pub(crate) fn lost(&self) -> u64 {
        self.skipped + self.shared.refused.load(Relaxed)
    }

    fn skip(&mut self, count: usize) {
        if let Ok(chunk) = self.samples.read_chunk(count) {
            chunk.commit_all();
            self.taken += count as u64;
            self.skipped += count as u64;
            // Samples may have been refused before the ones that are kept.
            self.clock = SampleClock::new(self.rate_hz);
        }
    }
}

#[derive(Debug, Default)]
struct Playback {
    starved: AtomicU64,
    latency_us: AtomicU64,
    /// The most frames that the device asked for at once.
    largest: AtomicU64,
    /// When the device asked last, counted from when the ring was made.
    asked_us: AtomicU64,
}

/// The thread's end of a speaker's ring: interleaved frames.
#[derive(Debug)]
pub(crate) struct PlaybackWriter {
    samples: Producer<f32>,
    channels: usize,
    rate_hz: u32,
    refused: u64,
    made: Instant,
    shared: Arc<Playback>,
}

/// The callback's end of a speaker's ring.
#[derive(Debug)]
pub(super) struct PlaybackReader {
    samples: Consumer<f32>,
    channels: usize,
    made: Instant,
    shared: Arc<Playback>,
}

/// Makes the ring of a speaker at `now`: 60 ms and two requests of `request` frames. **Overflow: what does not
/// fit is refused. Empty: silence is played.** Both are counted.
pub(in crate::audio) fn playback_ring(
    rate_hz: u32,
    channels: usize,
    request: usize,
    now: Instant,
) -> (PlaybackWriter, PlaybackReader) {
    let frames = samples_in(PLAYBACK_CAPACITY, rate_hz) + 2 * request;
    let (producer, consumer) = RingBuffer::new(frames * channels);
    let shared = Arc::new(Playback::default());
    let writer = PlaybackWriter { samples: producer, channels, rate_hz, refused: 0, made: now, shared: shared.clone() };
    (writer, PlaybackReader { samples: consumer, channels, made: now, shared })
}

impl PlaybackWriter {
    /// Appends interleaved frames as far as there is room.
    pub(crate) fn write(&mut self, samples: &[f32]) {
        let room = self.samples.slots().min(samples.len()) / self.channels * self.channels;
        let (_, rest) = self.samples.push_partial_slice(&samples[..room]);
        debug_assert!(rest.is_empty(), "there was room");
        self.refused += ((samples.len() - room) / self.channels) as u64;
    }

    /// Returns how long what waits will sound.
    pub(crate) fn queued(&self) -> Duration {
        let waiting = self.samples.buffer().capacity() - self.samples.slots();
        duration_of(waiting / self.channels, self.rate_hz)
    }

    /// Returns how much the device asks for at once, at most.
    pub(crate) fn largest_request(&self) -> Duration {
        duration_of(self.shared.largest.load(Relaxed) as usize, self.rate_hz)
    }

    /// Returns how long a sample takes from the callback to the air, as the system tells.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_micros(self.shared.latency_us.load(Relaxed))
    }

    /// Returns how long before `now` the device asked for sound the last time.
    pub(crate) fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.made + Duration::from_micros(self.shared.asked_us.load(Relaxed)))
    }

    /// Returns how many channels a frame has.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Returns how many frames found no room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// Returns how much silence was played because nothing waited.
    pub(crate) fn starved(&self) -> Duration {
        duration_of(self.shared.starved.load(Relaxed) as usize, self.rate_hz)
    }
}

impl PlaybackReader {
    /// Plays the next `count` frames at `now`, in the end silence. `latency` is how long from here
    /// until the first of them is heard.
    pub(super) fn read(&mut self, count: usize, now: Instant, latency: Duration, mut play: impl FnMut(usize, &[f32])) {
        let asked = now.saturating_duration_since(self.made);
        self.shared.asked_us.store(asked.as_micros() as u64, Relaxed);
        self.shared.latency_us.store(latency.as_micros() as u64, Relaxed);
        self.shared.largest.fetch_max(count as u64, Relaxed);
        let there = (self.samples.slots() / self.channels).min(count);
        let mut frame = [0.0; 2];
        let frame = &mut frame[..self.channels];
        for index in 0..there {
            let (frame, _) = self.samples.pop_partial_slice(frame);
            play(index, frame);
        }
        frame.fill(0.0);
        for index in there..count {
            play(index, frame);
        }
        if there < count {
            self.shared.starved.fetch_add((count - there) as u64, Relaxed);
        }
    }
}

fn samples_in(duration: Duration, rate_hz: u32) -> usize {
    (duration.as_micros() * u128::from(rate_hz) / 1_000_000) as usize
}

fn duration_of(samples: usize, rate_hz: u32) -> Duration {
    Duration::from_secs_f64(samples as f64 / f64::from(rate_hz))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::now;

    const RATE: u32 = 48_000;
    const MS: usize = 48;

    /// Writes samples that count up from `from`.
    fn write(writer: &mut CaptureWriter, from: usize, count: usize, epoch: Instant) {
        let at = epoch + duration_of(from, RATE);
        writer.write((from..from + count).map(|sample| sample as f32).collect::<Vec<_>>().into_iter(), at);
    }

    #[test]
    fn samples_come_out_in_order_and_in_time() {
        let (mut writer, mut reader) = capture_ring(RATE);
        let epoch = now();
        let mut out = vec![0.0; 960];
        assert_eq!(reader.read(&mut out), None, "nothing yet");
        for block in 0..4 {
            write(&mut writer, block * 480, 480, epoch);
        }
        for block in 0..2 {
            let at = reader.read(&mut out).expect("960 samples");
            assert_eq!(out[0], (block * 960) as f32);
            let expected = epoch + Duration::from_millis(20 * block as u64);
            assert!(at.max(expected) - at.min(expected) < Duration::from_micros(10));
        }
        assert_eq!((reader.read(&mut out), reader.lost()), (None, 0));
    }

    #[test]
    fn a_late_reader_skips_to_the_newest() {
        // Milliseconds written before the first read, then the first millisecond read and those lost.
        let table = [(20, 0, 0), (120, 0, 0), (130, 90, 90), (200, 160, 160), (300, 160, 260)];
        for (written, first, lost) in table {
            let (mut writer, mut reader) = capture_ring(RATE);
            let epoch = now();
            for block in 0..written / 10 {
                write(&mut writer, block * 10 * MS, 10 * MS, epoch);
            }
            let mut out = vec![0.0; 960];
            assert!(reader.read(&mut out).is_some(), "{written}");
            assert_eq!((out[0], reader.lost()), ((first * MS) as f32, (lost * MS) as u64), "{written}");
        }
    }

    #[test]
    fn time_is_right_after_samples_were_refused() {
        let (mut writer, mut reader) = capture_ring(RATE);
        let epoch = now();
        for block in 0..30 {
            write(&mut writer, block * 480, 480, epoch);
        }
        let mut out = vec![0.0; 960];
        reader.read(&mut out).expect("the newest that fitted");
        reader.read(&mut out).expect("the rest");
        write(&mut writer, 30 * 480, 960, epoch);
        let at = reader.read(&mut out).expect("a new block");
        let expected = epoch + Duration::from_millis(300);
        assert!(at.max(expected) - at.min(expected) < Duration::from_millis(1));
    }

    #[test]
    fn an_empty_speaker_plays_silence_and_counts_it() {
        let epoch = now();
        let (mut writer, mut reader) = playback_ring(RATE, 2, 480, epoch);
        writer.write(&[0.25, -0.25].repeat(100));
        assert_eq!(writer.queued(), duration_of(100, RATE));
        let mut heard = Vec::new();
        let at = epoch + Duration::from_secs(1);
        reader.read(480, at, Duration::from_millis(7), |index, frame| heard.push((index, frame.to_vec())));
        assert_eq!(heard.len(), 480);
        assert!(heard[..100].iter().all(|(_, frame)| frame == &[0.25, -0.25]));
        assert!(heard[100..].iter().all(|(_, frame)| frame == &[0.0, 0.0]));
        assert_eq!((writer.starved(), writer.queued()), (duration_of(380, RATE), Duration::ZERO));
        assert_eq!(writer.silent_for(at + Duration::from_secs(2)), Duration::from_secs(2));
        assert_eq!(writer.latency(), Duration::from_millis(7));
    }

    #[test]
    fn the_device_s_appetite_is_known() {
        let (writer, mut reader) = playback_ring(RATE, 1, 10 * MS, now());
        assert_eq!(writer.largest_request(), Duration::ZERO);
        for count in [10 * MS, 40 * MS, 20 * MS] {
            reader.read(count, now(), Duration::ZERO, |_, _| {});
        }
        assert_eq!(writer.largest_request(), Duration::from_millis(40));
    }

    #[test]
    fn a_full_speaker_refuses_whole_frames() {
        let epoch = now();
        let (mut writer, mut reader) = playback_ring(RATE, 2, 480, epoch);
        // 60 ms and two requests of 10 ms are 3840 frames.
        writer.write(&[0.5; 2 * 4000]);
        assert_eq!((writer.refused(), writer.queued()), (160, Duration::from_millis(80)));
        reader.read(1, epoch, Duration::ZERO, |_, _| ());
        writer.write(&[0.5; 3]);
        assert_eq!(writer.queued(), Duration::from_millis(80));
    }
}
