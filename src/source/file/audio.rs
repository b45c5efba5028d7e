//! Sound from a WAV file.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use super::{
    super::{AudioSource, Pace, SourceError, resample::Resampler, wav::Parser},
    Input, open,
};
#[cfg(unix)]
use crate::media::MediaTime;
use crate::media::{AudioFrame, Clock, SAMPLE_RATE_HZ};

const BLOCK: Duration = Duration::from_millis(20);
/// Samples of a channel in a block.
const BLOCK_LEN: usize = SAMPLE_RATE_HZ as usize / 50;
/// Bytes read at a time.
const PIECE: usize = 16 * 1024;

/// Sound from a WAV file, or live from a FIFO. One or two channels stay as they are, more are mixed
/// to one; what comes from a FIFO is always mixed to one, for nobody knows beforehand what will come.
#[derive(Debug)]
pub struct AudioFile {
    name: String,
    clock: Clock,
    channels: usize,
    stream: Stream,
    feed: Feed,
}

#[derive(Debug)]
enum Feed {
    Looped(Loop),
    #[cfg(unix)]
    Live(Live),
}

/// A regular file, read again and again.
#[derive(Debug)]
struct Loop {
    file: File,
    /// Begins with the first read.
    pace: Option<Pace>,
    /// The number of the next block.
    next: u64,
}

/// A FIFO, and when what comes next out of it was captured.
#[cfg(unix)]
#[derive(Debug)]
struct Live {
    fifo: super::fifo::Fifo,
    next_at: Option<MediaTime>,
}

impl AudioFile {
    /// Opens a file. A FIFO is opened without waiting for its writer.
    ///
    /// # Errors
    /// If there is no such file, or a regular file is no WAV file with plain samples.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        match open(path)? {
            Input::Regular(file) => {
                let mut stream = Stream::new(2);
                let file = Loop::open(file, &mut stream, &name)?;
                Ok(Self { name, clock, channels: stream.channels, stream, feed: Feed::Looped(file) })
            }
            #[cfg(unix)]
            Input::Live(fifo) => {
                let live = Live { fifo, next_at: None };
                Ok(Self { name, clock, channels: 1, stream: Stream::new(1), feed: Feed::Live(live) })
            }
        }
    }
}

impl AudioSource for AudioFile {
    fn channels(&self) -> u8 {
        self.channels as u8
    }

    fn read(&mut self, frame: &mut AudioFrame, timeout: Duration) -> Result<bool, SourceError> {
        let captured_at = match &mut self.feed {
            Feed::Looped(file) => {
                // A reader who is late catches up with at most 100 ms; what is older is left out.
                let pace = file.pace.get_or_insert_with(|| Pace::new(self.clock, self.clock.now(), BLOCK, 4));
                let Some(tick) = pace.wait(timeout) else { return Ok(false) };
                file.advance(tick.index, &mut self.stream, &self.name)?;
                tick.at
            }
            #[cfg(unix)]
            Feed::Live(live) => match live.advance(&mut self.stream, &self.name, self.clock, timeout)? {
                Some(captured_at) => captured_at,
                None => return Ok(false),
            },
        };
        frame.captured_at = captured_at;
        frame.channels = self.channels as u8;
        frame.samples.clear();
        frame.samples.extend(self.stream.ready.drain(..BLOCK_LEN * self.channels));
        Ok(true)
    }
}

impl Loop {
    fn open(mut file: File, stream: &mut Stream, name: &str) -> Result<Self, SourceError> {
        let mut piece = vec![0; PIECE];
        while stream.parser.samples_begin().is_none() {
            let len = file.read(&mut piece).map_err(|error| unreadable(name, &error))?;
            if len == 0 {
                return Err(unusable(name, "it ends before its samples"));
            }
            stream.take(&piece[..len]).map_err(|error| unusable(name, &error))?;
        }
        Ok(Self { file, pace: None, next: 0 })
    }

    /// Makes the block of this number ready, leaving out those before it.
    fn advance(&mut self, number: u64, stream: &mut Stream, name: &str) -> Result<(), SourceError> {
        // After a long sleep of the machine it isn't worth finding the exact place.
        let left_out = number.saturating_sub(self.next).min(500);
        for _ in 0..left_out {
            self.fill(stream, name)?;
            stream.skip(BLOCK_LEN);
        }
        self.next = number + 1;
        self.fill(stream, name)
    }

    /// Reads until a block is ready.
    fn fill(&mut self, stream: &mut Stream, name: &str) -> Result<(), SourceError> {
        let mut piece = [0; PIECE];
        let mut rewound = false;
        while stream.ready_len() < BLOCK_LEN {
            let len = self.file.read(&mut piece).map_err(|error| unreadable(name, &error))?;
            let before = stream.taken;
            stream.take(&piece[..len]).map_err(|error| unusable(name, &error))?;
            if stream.taken > before {
                rewound = false;
            }
            if len == 0 {
                if rewound {
                    return Err(unusable(name, "there are no samples in it"));
                }
                rewound = true;
                stream.parser.rewind();
                let begin = stream.parser.samples_begin().unwrap_or_default();
                self.file.seek(SeekFrom::Start(begin)).map_err(|error| unreadable(name, &error))?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
impl Live {
    /// When more than this waits (200 ms), somebody was late …
    const MOST: usize = BLOCK_LEN * 10;
    /// … and only the newest 40 ms are kept.
    const KEPT: usize = BLOCK_LEN * 2;
    /// How far capture may be from when it is expected before the expectation is given up. Writers
    /// write in bursts; captured sound has no gaps.
    const SLACK: Duration = Duration::from_millis(60);

    /// Waits for a block. Returns when its first sample was captured, or nothing if none came.
    fn advance(
        &mut self,
        stream: &mut Stream,
        name: &str,
        clock: Clock,
        timeout: Duration,
    ) -> Result<Option<MediaTime>, SourceError> {
        use super::fifo::Got;

        let deadline = clock.now() + timeout.min(Duration::from_secs(3600));
        let mut piece = [0; PIECE];
        let mut ended = false;
        // What is there is taken first, so that lateness shows; but only so much of it.
        for round in 0.. {
            let ready = stream.ready_len() >= BLOCK_LEN;
            if ready && round > 64 {
                break;
            }
            let left = if ready { Duration::ZERO } else { deadline.saturating_since(clock.now()) };
            match self.fifo.read(&mut piece, left) {
                Got::Bytes(len) => {
                    let empty = stream.ready.is_empty();
                    stream.take(&piece[..len]).map_err(|error| unusable(name, &error))?;
                    if empty && !stream.ready.is_empty() {
                        self.expect(clock.now());
                    }
                }
                Got::Nothing => break,
                Got::Ended => {
                    ended = true;
                    break;
                }
            }
        }
        if stream.ready_len() > Self::MOST {
            stream.skip(stream.ready_len() - Self::KEPT);
            self.next_at = None;
        }
        if stream.ready_len() < BLOCK_LEN {
            if ended {
                return Err(SourceError::Ended(format!("{name} has ended: its writer closed it.")));
            }
            return Ok(None);
        }
        let captured_at = self.next_at.unwrap_or_else(|| clock.now());
        self.next_at = Some(captured_at + BLOCK);
        Ok(Some(captured_at))
    }

    /// Sound has come after none was left: it was captured now, or when it was expected.
    fn expect(&mut self, now: MediaTime) {
        let off = |expected: MediaTime| now.saturating_since(expected).max(expected.saturating_since(now));
        if self.next_at.is_none_or(|expected| off(expected) > Self::SLACK) {
            self.next_at = Some(now);
        }
    }
}

/// Bytes of a WAV file in, samples at 48 kHz out.
#[derive(Debug)]
struct Stream {
    parser: Parser,
    resampler: Option<Resampler>,
    /// At most so many channels come out: 1 or 2.
    channels: usize,
    decoded: Vec<f32>,
    /// What is ready to be given, interleaved.
    ready: Vec<f32>,
    /// Samples taken from the file so far.
    taken: u64,
}

impl Stream {
    const fn new(channels: usize) -> Self {
        Self { parser: Parser::new(), resampler: None, channels, decoded: Vec::new(), ready: Vec::new(), taken: 0 }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.parser.feed(bytes, &mut self.decoded)?;
        let Some(format) = self.parser.format() else { return Ok(()) };
        let from = usize::from(format.channels);
        if from > self.channels {
            self.channels = 1;
            mix(&mut self.decoded, from);
        } else {
            self.channels = from;
        }
        self.taken += self.decoded.len() as u64;
        let resampler = self.resampler.get_or_insert_with(|| Resampler::new(format.rate_hz, self.channels));
        resampler.push(&self.decoded, &mut self.ready);
        self.decoded.clear();
        Ok(())
    }

    /// Returns how many samples of each channel are ready.
    fn ready_len(&self) -> usize {
        self.ready.len() / self.channels
    }

    fn skip(&mut self, len: usize) {
        self.ready.drain(..len * self.channels);
    }
}

/// Mixes interleaved channels to one.
fn mix(samples: &mut Vec<f32>, channels: usize) {
    let moments = samples.len() / channels;
    for moment in 0..moments {
        samples[moment] = samples[moment * channels..][..channels].iter().sum::<f32>() / channels as f32;
    }
    samples.truncate(moments);
}

fn unusable(name: &str, reason: &str) -> SourceError {
    SourceError::Unusable(format!("{name} is no WAV file that can be played: {reason}."))
}

fn unreadable(name: &str, error: &std::io::Error) -> SourceError {
    SourceError::Ended(format!("{name} cannot be read any more: {error}."))
}

#[cfg(test)]
mod tests {
    use hound::{SampleFormat, WavSpec, WavWriter};

    use super::*;
    use crate::{media::now, source::tone_power};

    const LONG: Duration = Duration::from_secs(60);

    fn wav(channels: u16, sample_rate: u32, seconds: f64) -> tempfile::TempPath {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let spec = WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut writer = WavWriter::new(std::io::BufWriter::new(file.as_file()), spec).expect("a writer");
        for n in 0..(seconds * f64::from(sample_rate)) as usize {
            let phase = n as f64 * 500.0 * std::f64::consts::TAU / f64::from(sample_rate);
            for channel in 0..channels {
                let level = if channel == 0 { phase.sin() * 16_000.0 } else { 0.0 };
                writer.write_sample(level as i16).expect("writes");
            }
        }
        writer.finalize().expect("finishes");
        file.into_temp_path()
    }

    /// Returns the regular file and what it feeds.
    fn looped(source: &mut AudioFile) -> (&mut Loop, &mut Stream) {
        match &mut source.feed {
            Feed::Looped(file) => (file, &mut source.stream),
            #[cfg(unix)]
            Feed::Live(_) => panic!("a regular file"),
        }
    }

    #[test]
    fn any_rate_and_any_channels_become_48_khz() {
        for (channels, rate_hz, expected) in [(1, 48_000, 1), (2, 44_100, 2), (1, 8_000, 1), (4, 32_000, 1)] {
            let path = wav(channels, rate_hz, 0.2);
            let mut source = AudioFile::open(&path, Clock::new(now())).expect("opens");
            assert_eq!(source.channels(), expected, "{channels} channels at {rate_hz}");
            // More than is in the file: it loops, and the tone fits into it without a seam.
            let channels = source.channels;
            let (file, stream) = looped(&mut source);
            let mut sound = Vec::new();
            for number in 0..30 {
                file.advance(number, stream, "it").expect("a block");
                let block: Vec<f32> = stream.ready.drain(..BLOCK_LEN * channels).collect();
                sound.extend(block.iter().copied().step_by(channels));
            }
            let power = tone_power(&sound[960..], 500.0);
            assert!(power > 0.99, "{power} with {channels} channels at {rate_hz}");
        }
    }

    #[test]
    fn blocks_come_in_time_and_late_ones_are_left_out() {
        let path = wav(1, 48_000, 0.1);
        let mut source = AudioFile::open(&path, Clock::new(now())).expect("opens");
        let mut frame = AudioFrame::default();
        assert_eq!(source.read(&mut frame, LONG), Ok(true));
        assert_eq!((frame.channels, frame.samples.len()), (1, BLOCK_LEN));
        let first = frame.samples.clone();
        let (file, stream) = looped(&mut source);
        // Five blocks are one round.
        file.advance(10, stream, "it").expect("a block");
        assert_eq!(stream.ready[..BLOCK_LEN], first);
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        let empty = wav(1, 48_000, 0.0);
        let error = AudioFile::open(&empty, Clock::new(now()))
            .and_then(|mut source| source.read(&mut AudioFrame::default(), LONG));
        assert!(error.as_ref().is_err_and(|error| error.to_string().contains("no samples")), "{error:?}");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "YUV4MPEG2 W4 H2\n").expect("writes");
        let error = AudioFile::open(file.path(), Clock::new(now())).expect_err("refused");
        assert!(error.to_string().contains("is no WAV file"), "{error}");
    }

    #[cfg(unix)]
    mod live {
        use std::io::Write;

        use super::*;
        use crate::source::file::fifo::tests::TestFifo;

        /// The header of an endless mono file at 48 kHz.
        fn header() -> Vec<u8> {
            let mut header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
            header.extend(48_000_u32.to_le_bytes());
            header.extend(96_000_u32.to_le_bytes());
            header.extend(b"\x02\0\x10\0data\xff\xff\xff\xff");
            header
        }

        /// Blocks of 20 ms, each with its number in every sample.
        fn blocks(numbers: impl IntoIterator<Item = u8>) -> Vec<u8> {
            numbers.into_iter().flat_map(|number| [0, number].repeat(BLOCK_LEN)).collect()
        }

        fn number(frame: &AudioFrame) -> u8 {
            assert_eq!(frame.samples.len(), BLOCK_LEN);
            assert!(frame.samples.iter().all(|sample| *sample == frame.samples[0]));
            (frame.samples[0] * 128.0) as u8
        }

        #[test]
        fn sound_comes_as_it_is_written() {
            let fifo = TestFifo::new();
            let mut source = AudioFile::open(fifo.path(), Clock::new(now())).expect("opens without a writer");
            let mut frame = AudioFrame::default();
            assert_eq!(source.read(&mut frame, Duration::from_millis(5)), Ok(false), "no writer");
            let mut writer = fifo.writer();
            writer.write_all(&header()).expect("writes");
            assert_eq!(source.read(&mut frame, Duration::ZERO), Ok(false), "no sound");
            let before = source.clock.now();
            writer.write_all(&blocks([1, 2, 3])).expect("writes");
            assert_eq!(source.read(&mut frame, LONG), Ok(true));
            assert_eq!((frame.channels, number(&frame)), (1, 1));
            let first = frame.captured_at;
            assert!(first >= before && first <= source.clock.now());
            for expected in [2, 3] {
                assert_eq!(source.read(&mut frame, LONG), Ok(true));
                assert_eq!(number(&frame), expected);
                assert_eq!(frame.captured_at.saturating_since(first), BLOCK * u32::from(expected - 1));
            }
            drop(writer);
            assert!(matches!(source.read(&mut frame, LONG), Err(SourceError::Ended(_))));
        }

        #[test]
        fn a_late_reader_skips_to_the_newest() {
            let fifo = TestFifo::new();
            let mut source = AudioFile::open(fifo.path(), Clock::new(now())).expect("opens");
            let mut writer = fifo.writer();
            writer.write_all(&[header(), blocks(0..30)].concat()).expect("writes");
            let mut frame = AudioFrame::default();
            for expected in [28, 29] {
                assert_eq!(source.read(&mut frame, LONG), Ok(true));
                assert_eq!(number(&frame), expected);
            }
            assert_eq!(source.read(&mut frame, Duration::ZERO), Ok(false));
        }
    }
}
