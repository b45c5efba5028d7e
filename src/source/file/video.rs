//! Pictures from a Y4M file.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use super::{
    super::{Pace, SourceError, VideoSource, y4m::Parser},
    Input, open,
};
use crate::media::{Clock, FrameBuffer, VideoFormat, VideoFrame};

/// Pictures from a Y4M file (I420), or live from a FIFO.
#[derive(Debug)]
pub struct VideoFile {
    name: String,
    format: VideoFormat,
    clock: Clock,
    parser: Parser,
    feed: Feed,
}

#[derive(Debug)]
enum Feed {
    Looped(Loop),
    #[cfg(unix)]
    Live(super::fifo::Fifo),
}

/// A regular file, read again and again.
#[derive(Debug)]
struct Loop {
    file: File,
    /// Where the first picture begins.
    begin: u64,
    /// Begins with the first read.
    pace: Option<Pace>,
    /// How many pictures were given or left out.
    played: u64,
}

impl VideoFile {
    /// Opens a file. A FIFO is opened without waiting for its writer; until its header has come,
    /// [`VideoSource::format`] is `wanted`, and so is the rate of a file that names none.
    ///
    /// # Errors
    /// If there is no such file, or a regular file is no Y4M file with pictures in 4:2:0.
    pub fn open(path: &Path, wanted: VideoFormat, clock: Clock) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let mut parser = Parser::new();
        let feed = match open(path)? {
            Input::Regular(file) => Feed::Looped(Loop::open(file, &mut parser, &name)?),
            #[cfg(unix)]
            Input::Live(fifo) => Feed::Live(fifo),
        };
        let mut file = Self { name, format: wanted, clock, parser, feed };
        file.take_format();
        Ok(file)
    }

    fn take_format(&mut self) {
        if let Some(header) = self.parser.header() {
            self.format.size = header.size;
            self.format.frame_rate = header.frame_rate.unwrap_or(self.format.frame_rate);
        }
    }
}

impl VideoSource for VideoFile {
    fn format(&self) -> VideoFormat {
        self.format
    }

    fn read(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        match &mut self.feed {
            Feed::Looped(file) => {
                let pace =
                    file.pace.get_or_insert_with(|| Pace::new(self.clock, self.clock.now(), self.format.interval(), 0));
                let Some(tick) = pace.wait(timeout) else { return Ok(None) };
                let planes = file.picture(tick.index, &mut self.parser, &self.name)?;
                Ok(VideoFrame::new(tick.at, self.format.size, planes).ok())
            }
            #[cfg(unix)]
            Feed::Live(_) => self.read_live(timeout),
        }
    }
}

#[cfg(unix)]
impl VideoFile {
    /// How many pictures are passed over for a newer one before one is given anyway: a writer
    /// without a pace of its own would otherwise never let anything through.
    const PASSED_OVER: usize = 8;

    /// Reads until a picture is whole, and on as long as more is waiting: the newest wins.
    fn read_live(&mut self, timeout: Duration) -> Result<Option<VideoFrame>, SourceError> {
        use super::fifo::Got;

        let deadline = self.clock.now() + timeout.min(Duration::from_secs(3600));
        let mut newest = None;
        let mut passed_over = 0;
        while passed_over < Self::PASSED_OVER {
            // With a picture in hand nothing is waited for.
            let left = match newest {
                Some(_) => Duration::ZERO,
                None => deadline.saturating_since(self.clock.now()),
            };
            let Feed::Live(fifo) = &mut self.feed else { break };
            match fifo.read(self.parser.space(), left) {
                Got::Bytes(len) => {
                    let picture = self.parser.advance(len).map_err(|error| unusable(&self.name, &error))?;
                    let Some(planes) = picture else { continue };
                    self.take_format();
                    newest = VideoFrame::new(self.clock.now(), self.format.size, planes).ok();
                    passed_over += 1;
                }
                Got::Nothing => break,
                // What is in hand is given first; the next read comes back here.
                Got::Ended if newest.is_some() => break,
                Got::Ended => return Err(self.ended()),
            }
        }
        self.take_format();
        Ok(newest)
    }

    fn ended(&self) -> SourceError {
        let name = &self.name;
        SourceError::Ended(if self.parser.is_between_frames() {
            format!("{name} has ended: its writer closed it.")
        } else {
            format!("{name} has ended in the middle: its writer has gone.")
        })
    }
}

impl Loop {
    fn open(mut file: File, parser: &mut Parser, name: &str) -> Result<Self, SourceError> {
        while parser.header().is_none() {
            let len = file.read(parser.space()).map_err(|error| unreadable(name, &error))?;
            if len == 0 {
                return Err(unusable(name, "it ends within its header"));
            }
            parser.advance(len).map_err(|error| unusable(name, &error))?;
        }
        let begin = file.stream_position().map_err(|error| unreadable(name, &error))?;
        Ok(Self { file, begin, pace: None, played: 0 })
    }

    /// Returns the picture of this number, counted over all rounds, leaving out those before it.
    fn picture(&mut self, number: u64, parser: &mut Parser, name: &str) -> Result<FrameBuffer, SourceError> {
        let mut rewound_at = None;
        loop {
            if self.played < number
                && let Some(len) = parser.skip_planes()
            {
                self.file.seek_relative(len as i64).map_err(|error| unreadable(name, &error))?;
                self.played += 1;
                continue;
            }
            let len = self.file.read(parser.space()).map_err(|error| unreadable(name, &error))?;
            if len == 0 {
                // A picture that was cut short is left out.
                if rewound_at == Some(self.played) {
                    return Err(unusable(name, "there is no whole picture in it"));
                }
                rewound_at = Some(self.played);
                self.file.seek(SeekFrom::Start(self.begin)).map_err(|error| unreadable(name, &error))?;
                parser.expect_frame();
                continue;
            }
            if let Some(planes) = parser.advance(len).map_err(|error| unusable(name, &error))? {
                self.played += 1;
                return Ok(planes);
            }
        }
    }
}

fn unusable(name: &str, reason: &str) -> SourceError {
    SourceError::Unusable(format!("{name} is no Y4M file that can be played: {reason}."))
}

fn unreadable(name: &str, error: &std::io::Error) -> SourceError {
    SourceError::Ended(format!("{name} cannot be read any more: {error}."))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::media::{MediaTime, Size, now};

    const WANTED: VideoFormat = VideoFormat { size: Size::HD, frame_rate: 30.0 };
    const LONG: Duration = Duration::from_secs(60);

    fn y4m(lumas: impl IntoIterator<Item = u8>) -> Vec<u8> {
        let mut file = b"YUV4MPEG2 W4 H2 F200:1 C420\n".to_vec();
        for luma in lumas {
            file.extend(b"FRAME\n");
            file.extend([luma; 12]);
        }
        file
    }

    fn opened(bytes: &[u8]) -> (tempfile::NamedTempFile, Result<VideoFile, SourceError>) {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("writes");
        let source = VideoFile::open(file.path(), WANTED, Clock::new(now()));
        (file, source)
    }

    /// Returns the regular file and what it feeds.
    fn looped(source: &mut VideoFile) -> (&mut Loop, &mut Parser) {
        match &mut source.feed {
            Feed::Looped(file) => (file, &mut source.parser),
            #[cfg(unix)]
            Feed::Live(_) => panic!("a regular file"),
        }
    }

    #[test]
    fn a_regular_file_loops_at_its_own_rate() {
        let (_file, source) = opened(&[y4m([0, 1, 2]), b"FRAME\n cut".to_vec()].concat());
        let mut source = source.expect("opens");
        assert_eq!(source.format(), VideoFormat { size: Size::new(4, 2).expect("in range"), frame_rate: 200.0 });
        let mut start: Option<MediaTime> = None;
        for _ in 0..10 {
            let frame = source.read(LONG).expect("no end").expect("in time");
            let start = *start.get_or_insert(frame.captured_at);
            let number = frame.captured_at.saturating_since(start).as_millis() / 5;
            assert_eq!(u128::from(frame.y()[0]), number % 3, "picture {number}");
        }
    }

    #[test]
    fn pictures_that_fell_due_unread_are_left_out() {
        let (_file, source) = opened(&y4m(0..5));
        let mut source = source.expect("opens");
        let (file, parser) = looped(&mut source);
        for (number, luma) in [(0, 0), (3, 3), (4, 4), (11, 1), (1004, 4)] {
            let planes = file.picture(number, parser, "it").expect("a picture");
            assert_eq!(planes[..], [luma; 12], "picture {number}");
        }
    }

    #[test]
    fn what_cannot_be_played_is_said() {
        for (bytes, words) in [
            (&b""[..], "ends within its header"),
            (b"YUV4MPEG2 W4", "ends within its header"),
            (b"RIFF1234WAVEfmt ", "is no Y4M file"),
            (b"YUV4MPEG2 W4 H2 C444\n", "ffmpeg"),
        ] {
            let (_file, source) = opened(bytes);
            let error = source.expect_err("refused");
            assert!(matches!(error, SourceError::Unusable(_)) && error.to_string().contains(words), "{error}");
        }
        let (_file, source) = opened(b"YUV4MPEG2 W4 H2\n");
        let error = source.expect("opens").read(LONG).expect_err("empty");
        assert!(error.to_string().contains("no whole picture"), "{error}");
        let missing = VideoFile::open(Path::new("not/there.y4m"), WANTED, Clock::new(now()));
        assert!(matches!(missing, Err(SourceError::Missing(_))));
        let directory = VideoFile::open(Path::new("."), WANTED, Clock::new(now()));
        assert!(matches!(directory, Err(SourceError::Unusable(_))));
    }

    #[cfg(unix)]
    mod live {
        use super::*;
        use crate::source::file::fifo::tests::TestFifo;

        fn opened() -> (TestFifo, VideoFile) {
            let fifo = TestFifo::new();
            let source = VideoFile::open(fifo.path(), WANTED, Clock::new(now())).expect("opens without a writer");
            (fifo, source)
        }

        #[test]
        fn a_picture_comes_when_its_last_byte_does() {
            let (fifo, mut source) = opened();
            assert_eq!(source.read(Duration::from_millis(5)).map(|frame| frame.is_some()), Ok(false), "no writer");
            assert_eq!(source.format(), WANTED);
            let mut writer = fifo.writer();
            assert_eq!(source.read(Duration::ZERO).map(|frame| frame.is_some()), Ok(false), "no header");
            let file = y4m([7, 8]);
            let (first, rest) = file.split_at(28 + 6 + 11);
            writer.write_all(first).expect("writes");
            assert_eq!(source.read(Duration::ZERO).map(|frame| frame.is_some()), Ok(false), "a byte is missing");
            assert_eq!(source.format().frame_rate, 200.0);
            let before = source.clock.now();
            writer.write_all(&rest[..1]).expect("writes");
            let frame = source.read(LONG).expect("no end").expect("a picture");
            assert_eq!(frame.y(), [7; 8]);
            assert!(frame.captured_at >= before && frame.captured_at <= source.clock.now());
            writer.write_all(&rest[1..]).expect("writes");
            drop(writer);
            assert_eq!(source.read(LONG).expect("no end").expect("a picture").y(), [8; 8]);
            assert!(matches!(source.read(LONG), Err(SourceError::Ended(_))));
        }

        #[test]
        fn of_pictures_that_wait_the_newest_wins() {
            let (fifo, mut source) = opened();
            let mut writer = fifo.writer();
            writer.write_all(&y4m(0..5)).expect("writes");
            assert_eq!(source.read(LONG).expect("no end").expect("a picture").y()[0], 4);
            assert!(source.read(Duration::ZERO).expect("no end").is_none());
            writer.write_all(b"FRAME\n half").expect("writes");
            drop(writer);
            let error = source.read(LONG).expect_err("the end");
            assert!(error.to_string().contains("in the middle"), "{error}");
        }

        #[test]
        fn a_large_picture_passes_through_a_small_pipe() {
            let (fifo, mut source) = opened();
            let mut writer = fifo.writer();
            let picture: Vec<u8> = (0..Size::HD.i420_len()).map(|index| (index / 1000) as u8).collect();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    writer.write_all(b"YUV4MPEG2 W1280 H720 F30:1\nFRAME\n").expect("writes");
                    writer.write_all(&picture).expect("writes");
                });
                let frame = source.read(LONG).expect("no end").expect("a picture");
                assert_eq!(**frame.planes(), picture);
            });
        }

        #[test]
        fn garbage_and_a_silent_writer_end_it() {
            let (fifo, mut source) = opened();
            fifo.writer().write_all(b"this is no picture at all\n").expect("writes");
            assert!(matches!(source.read(LONG), Err(SourceError::Unusable(_))));
            let (fifo, mut source) = opened();
            let writer = fifo.writer();
            assert_eq!(source.read(Duration::ZERO).map(|frame| frame.is_some()), Ok(false));
            drop(writer);
            assert!(matches!(source.read(LONG), Err(SourceError::Ended(_))));
        }
    }
}
