//! Y4M, piece by piece: a header line, then for each picture the line `FRAME` and its planes.
//!
//! The format has no specification of its own but the manual page yuv4mpeg(5) of the mjpegtools.

use crate::media::{FrameBuffer, FramePool, Size};

const MAGIC: &[u8] = b"YUV4MPEG2";
const FRAME: &[u8] = b"FRAME";
/// A header line longer than this is no header line.
const LINE_MAX: usize = 1024;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    /// The size of every picture.
    pub(super) size: Size,
    /// Pictures a second, if the file knows.
    pub(super) frame_rate: Option<f64>,
    full_range: bool,
}

/// Takes a Y4M file in pieces of any length and gives whole pictures.
///
/// Whoever reads puts bytes into [`Parser::space`] and tells [`Parser::advance`] how many.
#[derive(Debug)]
pub(super) struct Parser {
    header: Option<Header>,
    part: Part,
    filled: usize,
    pool: FramePool,
}

/// What is being filled.
#[derive(Debug)]
enum Part {
    /// A line, at first as long as the shortest of its kind, then a byte longer each time.
    Line(Vec<u8>),
    Planes(FrameBuffer),
}

impl Parser {
    /// Returns a parser that expects the beginning of a file.
    pub(super) fn new() -> Self {
        Self { header: None, part: Part::Line(vec![0; MAGIC.len() + 1]), filled: 0, pool: FramePool::default() }
    }

    /// Returns the header, once it has come.
    pub(super) const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Returns where the next bytes of the file belong: never empty, never beyond what is sure to
    /// belong there.
    pub(super) fn space(&mut self) -> &mut [u8] {
        match &mut self.part {
            Part::Line(line) => &mut line[self.filled..],
            Part::Planes(planes) => &mut planes[self.filled..],
        }
    }

    /// Takes the first `len` bytes of the space as filled. Returns the planes of a picture when it
    /// has become whole.
    ///
    /// # Errors
    /// What is wrong with the file, in words; nothing more can be read from it.
    pub(super) fn advance(&mut self, len: usize) -> Result<Option<FrameBuffer>, String> {
        self.filled += len;
        match &mut self.part {
            Part::Line(line) if self.filled == line.len() => {
                if line.last() == Some(&b'\n') {
                    return self.take_line().map(|()| None);
                }
                let kind = if self.header.is_none() { MAGIC } else { FRAME };
                if !line.starts_with(kind) || !matches!(line.get(kind.len()), Some(b' ')) {
                    return Err(unexpected(kind));
                }
                if line.len() == LINE_MAX {
                    return Err(format!("a header is longer than {LINE_MAX} bytes"));
                }
                line.push(0);
                Ok(None)
            }
            Part::Planes(planes) if self.filled == planes.len() => {
                if let Some(header) = self.header.filter(|header| header.full_range) {
                    limit_range(planes, header.size);
                }
                Ok(self.expect_frame())
            }
            _ => Ok(None),
        }
    }

    /// Returns whether the file may end here: between two pictures.
    #[cfg(unix)]
    pub(super) const fn is_between_frames(&self) -> bool {
        self.header.is_some() && matches!(self.part, Part::Line(_)) && self.filled == 0
    }

    /// Leaves out the planes of a picture whose `FRAME` line has come. Returns how many bytes of
    /// the file that are, or `None` if planes are not what comes next.
    pub(super) fn skip_planes(&mut self) -> Option<usize> {
        let len = match &self.part {
            Part::Planes(planes) => planes.len() - self.filled,
            Part::Line(_) => return None,
        };
        self.expect_frame();
        Some(len)
    }

    /// Expects a `FRAME` line next, whatever was begun: the file is read from its first picture again. Returns
    /// the planes that were begun.
    pub(super) fn expect_frame(&mut self) -> Option<FrameBuffer> {
        self.filled = 0;
        match std::mem::replace(&mut self.part, Part::Line(vec![0; FRAME.len() + 1])) {
            Part::Planes(planes) => Some(planes),
            Part::Line(_) => None,
        }
    }

    fn take_line(&mut self) -> Result<(), String> {
        let Part::Line(line) = &self.part else { return Ok(()) };
        let size = match self.header {
            Some(header) if words(line).next() == Some(FRAME) => header.size,
            Some(_) => return Err(unexpected(FRAME)),
            None => {
                self.header = Some(Header::parse(line)?);
                self.expect_frame();
                return Ok(());
            }
        };
        self.part = Part::Planes(self.pool.buffer(size.i420_len()));
        self.filled = 0;
        Ok(())
    }
}

impl Header {
    fn parse(line: &[u8]) -> Result<Self, String> {
        let mut words = words(line);
        if words.next() != Some(MAGIC) {
            return Err(unexpected(MAGIC));
        }
        let (mut width, mut height) = (None, None);
        let mut header = Self { size: Size::HD, frame_rate: None, full_range: false };
        for word in words {
            let word = String::from_utf8_lossy(word);
            let Some(tag) = word.chars().next() else { continue };
            let value = &word[tag.len_utf8()..];
            match tag {
                'W' => width = value.parse::<u32>().ok(),
                'H' => height = value.parse::<u32>().ok(),
                'F' => header.frame_rate = ratio(value),
                'C' => check_colours(value)?,
                'X' => header.full_range |= value == "COLORRANGE=FULL",
                // Interlacing and aspect do not matter here; other tags may come with time.
                _ => {}
            }
        }
        let (Some(width), Some(height)) = (width, height) else {
            return Err("its header names no width and height".into());
        };
        header.size = Size::new(width, height).ok_or_else(|| {
            format!("its pictures are {width}x{height}, each side can be {} to {} pixels", Size::MIN, Size::MAX)
        })?;
        Ok(header)
    }
}

/// Returns the words of a line without its end.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.strip_suffix(b"\n").unwrap_or(line).split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

fn unexpected(kind: &[u8]) -> String {
    format!("'{}' was expected and something else came", String::from_utf8_lossy(kind))
}

/// Returns the rate of `30000:1001`; `0:0` and nonsense mean that it is not known.
fn ratio(text: &str) -> Option<f64> {
    let (count, seconds) = text.split_once(':')?;
    let rate = f64::from(count.parse::<u32>().ok()?) / f64::from(seconds.parse::<u32>().ok()?);
    (0.01..=1000.0).contains(&rate).then_some(rate)
}

fn check_colours(name: &str) -> Result<(), String> {
    // They differ in where a chroma sample sits by half a pixel: not worth a filter.
    if matches!(name, "420" | "420jpeg" | "420mpeg2" | "420paldv") {
        return Ok(());
    }
    Err(format!(
        "its pixels are {name:?}, only 4:2:0 with 8 bits can be read; convert it: \
         ffmpeg -i IN -pix_fmt yuv420p OUT.y4m"
    ))
}

/// Turns full range (0 to 255) into limited range (16 to 235, chroma 16 to 240).
fn limit_range(planes: &mut [u8], size: Size) {
    let (luma, chroma) = planes.split_at_mut(size.pixels());
    let limit =
        |low: u32, span: u32| move |value: &mut u8| *value = (low + (u32::from(*value) * span + 127) / 255) as u8;
    luma.iter_mut().for_each(limit(16, 219));
    chroma.iter_mut().for_each(limit(16, 224));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives the bytes to a parser in pieces of these lengths, over and over.
    fn feed(mut bytes: &[u8], pieces: &[usize]) -> (Option<Header>, Vec<Vec<u8>>, Result<(), String>) {
        let mut parser = Parser::new();
        let mut pictures = Vec::new();
        let mut pieces = pieces.iter().cycle();
        while !bytes.is_empty() {
            let (mut piece, rest) = bytes.split_at((*pieces.next().expect("endless")).clamp(1, bytes.len()));
            bytes = rest;
            while !piece.is_empty() {
                let space = parser.space();
                let len = space.len().min(piece.len());
                assert!(len > 0, "there is always space");
                space[..len].copy_from_slice(&piece[..len]);
                piece = &piece[len..];
                match parser.advance(len) {
                    Ok(picture) => pictures.extend(picture.map(|planes| planes.to_vec())),
                    Err(error) => return (parser.header, pictures, Err(error)),
                }
            }
        }
        (parser.header, pictures, Ok(()))
    }

    #[test]
    fn headers_are_understood_or_refused() {
        for (line, expected) in [
            ("YUV4MPEG2 W640 H360 F30:1 Ip A1:1 C420jpeg XYSCSS=420JPEG", Ok((640, 360, Some(30.0)))),
            ("YUV4MPEG2 W4 H2 F30000:1001 C420mpeg2", Ok((4, 2, Some(30_000.0 / 1001.0)))),
            ("YUV4MPEG2 H2 W4", Ok((4, 2, None))),
            ("YUV4MPEG2 W4 H2 F0:0 C420paldv", Ok((4, 2, None))),
            ("YUV4MPEG2 W4 H2 F1:0", Ok((4, 2, None))),
            ("YUV4MPEG2 W4 H2 C444", Err("ffmpeg")),
            ("YUV4MPEG2 W4 H2 C420p10", Err("ffmpeg")),
            ("YUV4MPEG2 W4", Err("no width and height")),
            ("YUV4MPEG2 W20000 H20000", Err("20000x20000")),
            ("YUV4MPEG2 W0 H0", Err("0x0")),
            ("YUV4MPEG2 W-4 H2", Err("no width and height")),
            ("YUV4MPEG22 W4 H2", Err("'YUV4MPEG2' was expected")),
            ("RIFF....WAVEfmt ", Err("'YUV4MPEG2' was expected")),
        ] {
            let (header, _, result) = feed(format!("{line}\n").as_bytes(), &[7]);
            match expected {
                Ok((width, height, frame_rate)) => {
                    let header = header.expect(line);
                    assert_eq!((header.size.width(), header.size.height()), (width, height), "{line}");
                    assert_eq!(header.frame_rate, frame_rate, "{line}");
                }
                Err(words) => assert!(result.as_ref().is_err_and(|error| error.contains(words)), "{line}: {result:?}"),
            }
        }
        assert!(feed(&[b"YUV4MPEG2 X".as_slice(), &[b'a'; 2000]].concat(), &[100]).2.is_err(), "endless line");
    }

    #[test]
    fn pictures_come_whole_and_in_order() {
        let file = b"YUV4MPEG2 W2 H2\nFRAME\n123456FRAME Ip X\nabcdefFRAME\n12345";
        let (_, pictures, result) = feed(file, &[1]);
        assert_eq!(pictures, [&b"123456"[..], b"abcdef"]);
        assert_eq!(result, Ok(()));
        assert!(feed(b"YUV4MPEG2 W2 H2\nFRAME\n123456FRUMP\n", &[9]).2.is_err());
    }

    #[test]
    fn full_range_is_limited() {
        let file = b"YUV4MPEG2 W2 H2 XCOLORRANGE=FULL\nFRAME\n\x00\xff\x80\x00\x80\xff";
        assert_eq!(feed(file, &[50]).1, [&[16, 235, 126, 16, 128, 240][..]]);
    }

    fn some_file() -> impl Strategy<Value = Vec<u8>> {
        let frame = (0..3_usize, any::<u8>()).prop_map(|(kind, value)| {
            let line = [&b"FRAME\n"[..], b"FRAME Ip\n", b"FRAME XCOMMENT=a\n"][kind];
            [line, &[value; 4 * 2 + 2 * 2]].concat()
        });
        let damage = proptest::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
        (prop::collection::vec(frame, 0..5), damage).prop_map(|(frames, damage)| {
            let mut file = [b"YUV4MPEG2 W4 H2 F25:1\n".to_vec(), frames.concat()].concat();
            if let Some((place, value)) = damage {
                *place.get_mut(&mut file) = value;
            }
            file
        })
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(file in some_file(), pieces in prop::collection::vec(1_usize..40, 1..6)) {
            prop_assert_eq!(feed(&file, &pieces), feed(&file, &[usize::MAX]));
        }

        #[test]
        fn no_bytes_make_it_panic(
            magic in prop::sample::select(vec![&b""[..], b"YUV4MPEG2 ", b"YUV4MPEG2 W2 H2\n", b"YUV4MPEG2 W2 H2\nFRAME"]),
            bytes: Vec<u8>,
            piece in 1_usize..20,
        ) {
            let (_, pictures, _) = feed(&[magic, &bytes].concat(), &[piece]);
            prop_assert!(pictures.len() <= bytes.len());
        }
    }
}
