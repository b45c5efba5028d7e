//! Pictures into a Y4M file.

use std::path::Path;

use super::output::Output;
use crate::{
    media::{Size, VideoFrame},
    sink::{SinkError, VideoSink},
};

/// Pictures into a Y4M file, each written when it is shown, unbuffered, all in the size of the first.
///
/// A FIFO may have its reader later: pictures before are dropped.
#[derive(Debug)]
pub struct VideoFile {
    output: Output,
    frame_rate: f64,
    /// Known since the first picture was written.
    size: Option<Size>,
}

impl VideoFile {
    /// Makes the file, or takes the FIFO that is there without waiting for its reader. The rate
    /// (usually 30 pictures a second) stands in the header; it changes nothing else.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path, frame_rate: f64) -> Result<Self, SinkError> {
        Ok(Self { output: Output::open(path)?, frame_rate, size: None })
    }
}

impl VideoSink for VideoFile {
    fn show(&mut self, frame: VideoFrame) -> Result<(), SinkError> {
        if !self.output.is_read()? {
            return Ok(());
        }
        if let Some(size) = self.size {
            return self.output.write(&[b"FRAME\n", frame.scaled(size).planes()]);
        }
        let size = frame.size();
        self.size = Some(size);
        self.output.write(&[header(size, self.frame_rate).as_bytes(), b"FRAME\n", frame.planes()])
    }
}

fn header(size: Size, frame_rate: f64) -> String {
    let (count, seconds) = ratio(frame_rate);
    let (width, height) = (size.width(), size.height());
    format!("YUV4MPEG2 W{width} H{height} F{count}:{seconds} Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n")
}

/// Returns the rate as a fraction: 30:1, 30000:1001, or thousandths.
fn ratio(frame_rate: f64) -> (u32, u32) {
    let near = |count: f64, seconds: f64| (frame_rate - count / seconds).abs() < 0.0005;
    let whole = frame_rate.round();
    if near(whole, 1.0) {
        (whole as u32, 1)
    } else if near(whole * 1000.0, 1001.0) {
        (whole as u32 * 1000, 1001)
    } else {
        ((frame_rate * 1000.0).round() as u32, 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaTime;

    fn grey(width: u32, height: u32, luma: u8) -> VideoFrame {
        VideoFrame::grey(MediaTime::ZERO, Size::new(width, height).expect("in range"), luma)
    }

    /// The file that the pictures 4x2 of brightness 20 and 40 make.
    fn expected() -> Vec<u8> {
        let header = b"YUV4MPEG2 W4 H2 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n";
        let frame = |luma| [&b"FRAME\n"[..], &[luma; 8], &[128; 4]].concat();
        [&header[..], &frame(20), &frame(40)].concat()
    }

    #[test]
    fn every_picture_is_written_at_once_in_the_size_of_the_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out.y4m");
        let mut sink = VideoFile::create(&path, 30.0).expect("made");
        sink.show(grey(4, 2, 20)).expect("shown");
        sink.show(grey(64, 64, 40)).expect("shown");
        assert_eq!(std::fs::read(&path).expect("reads"), expected(), "nothing is kept back");
    }

    #[test]
    fn rates_become_fractions() {
        for (rate, expected) in
            [(30.0, (30, 1)), (29.97, (30_000, 1001)), (59.94, (60_000, 1001)), (12.5, (12_500, 1000))]
        {
            assert_eq!(ratio(rate), expected, "{rate}");
        }
    }

    #[test]
    fn a_place_that_isnt_there_is_said() {
        let error = VideoFile::create(Path::new("not/there.y4m"), 30.0).expect_err("refused");
        assert!(matches!(error, SinkError::Missing(_)), "{error}");
        let error = VideoFile::create(Path::new("."), 30.0).expect_err("refused");
        assert!(matches!(error, SinkError::Unusable(_)), "{error}");
    }

    #[cfg(unix)]
    mod live {
        use std::{fs::OpenOptions, io::Read, os::unix::fs::OpenOptionsExt, path::PathBuf};

        use super::*;

        fn fifo() -> (tempfile::TempDir, PathBuf) {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("fifo");
            let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
            assert!(made.success());
            (directory, path)
        }

        /// A reading end that was opened without waiting for the writer.
        fn reader(path: &Path) -> std::fs::File {
            let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
            OpenOptions::new().read(true).custom_flags(flags).open(path).expect("opens")
        }

        #[test]
        fn nobody_is_waited_for_and_a_reader_gets_whole_pictures() {
            let (_directory, path) = fifo();
            let mut sink = VideoFile::create(&path, 30.0).expect("made");
            sink.show(grey(8, 8, 10)).expect("dropped: nobody reads");
            let mut reader = reader(&path);
            sink.show(grey(4, 2, 20)).expect("shown");
            sink.show(grey(8, 8, 40)).expect("shown");
            let mut bytes = vec![0; expected().len() + 1];
            let len = reader.read(&mut bytes).expect("reads");
            assert_eq!(bytes[..len], expected());
            drop(reader);
            for _ in 0..2 {
                let error = sink.show(grey(4, 2, 0)).expect_err("nobody reads");
                assert!(matches!(&error, SinkError::Ended(words) if words.contains("reader has gone")), "{error}");
            }
        }

        #[test]
        fn a_large_picture_passes_through_a_small_pipe() {
            let (_directory, path) = fifo();
            let mut sink = VideoFile::create(&path, 30.0).expect("made");
            std::thread::scope(|scope| {
                let reading = scope.spawn(|| std::fs::read(&path).expect("reads"));
                // Until the reader is there, pictures are dropped.
                while sink.size.is_none() && !reading.is_finished() {
                    sink.show(grey(1920, 1080, 50)).expect("shown");
                    std::thread::yield_now();
                }
                drop(sink);
                let bytes = reading.join().expect("no panic");
                let begin = bytes.len() - Size::new(1920, 1080).expect("in range").i420_len();
                assert!(bytes[..begin].ends_with(b"FRAME\n"));
                assert!(bytes[begin..][..1920 * 1080].iter().all(|luma| *luma == 50));
            });
        }
    }
}
