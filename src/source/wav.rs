//! WAV, piece by piece: chunks, of which `fmt ` and `data` matter.
//!
//! (Multimedia Programming Interface and Data Specifications 1.0, and WAVEFORMATEXTENSIBLE.)

/// What the `fmt ` chunk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Interleaved channels, 1 to 8.
    pub(super) channels: u16,
    /// Samples a second of each channel.
    pub(super) rate_hz: u32,
    sample: Sample,
}

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sample {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

/// Takes a WAV file in pieces of any length and gives samples.
#[derive(Debug)]
pub(super) struct Parser {
    format: Option<Format>,
    part: Part,
    /// Bytes of a part that is not whole yet.
    pending: Vec<u8>,
    /// Bytes taken so far.
    position: u64,
    /// Where the samples begin and how many bytes they have, if it says.
    samples: Option<(u64, Option<u64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Riff,
    Chunk,
    Format(usize),
    Skip(u64),
    /// Bytes left, or until the file ends.
    Samples(Option<u64>),
}

impl Parser {
    /// Returns a parser that expects the beginning of a file.
    pub(super) const fn new() -> Self {
        Self { format: None, part: Part::Riff, pending: Vec::new(), position: 0, samples: None }
    }

    /// Returns the format, once it has come.
    pub(super) const fn format(&self) -> Option<Format> {
        self.format
    }

    /// Returns where in the file the samples begin, once they do.
    pub(super) fn samples_begin(&self) -> Option<u64> {
        self.samples.map(|(begin, _)| begin)
    }

    /// Expects the samples from their beginning again.
    pub(super) fn rewind(&mut self) {
        self.pending.clear();
        if let Some((begin, len)) = self.samples {
            self.position = begin;
            self.part = Part::Samples(len);
        }
    }

    /// Takes the next bytes of the file and appends samples to `out`: whole moments, interleaved,
    /// each sample from -1.0 to 1.0.
    ///
    /// # Errors
    /// What is wrong with the file, in words; nothing more can be read from it.
    pub(super) fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<f32>) -> Result<(), String> {
        while !bytes.is_empty() {
            let taken = match self.part {
                Part::Riff => self.gather(12, bytes)?,
                Part::Chunk => self.gather(8, bytes)?,
                Part::Format(len) => self.gather(len, bytes)?,
                Part::Skip(left) => self.skip(left, bytes),
                Part::Samples(left) => self.take_samples(left, bytes, out)?,
            };
            self.position += taken as u64;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Collects a part of this length and takes it when it is whole.
    fn gather(&mut self, len: usize, bytes: &[u8]) -> Result<usize, String> {
        let taken = bytes.len().min(len - self.pending.len());
        self.pending.extend_from_slice(&bytes[..taken]);
        if self.pending.len() == len {
            let whole = std::mem::take(&mut self.pending);
            self.part = match self.part {
                Part::Riff if whole.starts_with(b"RIFF") && whole.ends_with(b"WAVE") => Part::Chunk,
                Part::Riff => return Err("'RIFF' and 'WAVE' were expected and something else came".into()),
                Part::Format(len) => {
                    self.format = Some(Format::parse(&whole)?);
                    if len % 2 == 1 { Part::Skip(1) } else { Part::Chunk }
                }
                _ => self.begin_chunk(&whole, self.position + taken as u64)?,
            };
        }
        Ok(taken)
    }

    fn begin_chunk(&mut self, header: &[u8], position: u64) -> Result<Part, String> {
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        match &header[..4] {
            b"fmt " if (16..=1024).contains(&len) => Ok(Part::Format(len as usize)),
            b"fmt " => Err(format!("its format takes {len} bytes")),
            b"data" if self.format.is_none() => Err("its samples come before their format".into()),
            b"data" => {
                // Who writes to a pipe doesn't know the length yet.
                let len = (!matches!(len, 0 | u32::MAX)).then_some(u64::from(len));
                self.samples = Some((position, len));
                Ok(Part::Samples(len))
            }
            // Chunks begin on even bytes.
            _ => Ok(Part::Skip(u64::from(len) + u64::from(len % 2))),
        }
    }

    fn skip(&mut self, left: u64, bytes: &[u8]) -> usize {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - taken as u64;
        self.part = if left == 0 { Part::Chunk } else { Part::Skip(left) };
        taken
    }

    fn take_samples(&mut self, left: Option<u64>, bytes: &[u8], out: &mut Vec<f32>) -> Result<usize, String> {
        if left == Some(0) {
            // What comes after the samples doesn't matter.
            return Ok(bytes.len());
        }
        let format = self.format.ok_or("its samples come before their format")?;
        let taken = left.map_or(bytes.len(), |left| usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
        self.part = Part::Samples(left.map(|left| left - taken as u64));
        let mut rest = &bytes[..taken];
        let moment = usize::from(format.channels) * format.sample.len();
        if !self.pending.is_empty() {
            let (first, others) = rest.split_at(rest.len().min(moment - self.pending.len()));
            self.pending.extend_from_slice(first);
            rest = others;
            if self.pending.len() == moment {
                format.sample.decode(&self.pending, out);
                self.pending.clear();
            }
        }
        let (whole, part) = rest.split_at(rest.len() / moment * moment);
        format.sample.decode(whole, out);
        self.pending.extend_from_slice(part);
        Ok(taken)
    }
}

impl Format {
    fn parse(chunk: &[u8]) -> Result<Self, String> {
        let short = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
        let (channels, bits) = (short(2), short(14));
        let rate_hz = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        let tag = match short(0) {
            0xfffe if chunk.len() >= 26 => short(24),
            tag => tag,
        };
        let sample = match (tag, bits) {
            (1, 8) => Sample::U8,
            (1, 16) => Sample::I16,
            (1, 24) => Sample::I24,
            (1, 32) => Sample::I32,
            (3, 32) => Sample::F32,
            (3, 64) => Sample::F64,
            _ => {
                return Err(format!(
                    "its samples are of kind {tag} with {bits} bits, only plain PCM can be read; convert it: \
                     ffmpeg -i IN -c:a pcm_s16le OUT.wav"
                ));
            }
        };
        if !(1..=8).contains(&channels) {
            return Err(format!("it has {channels} channels, 1 to 8 can be read"));
        }
        if !(4_000..=384_000).contains(&rate_hz) {
            return Err(format!("its rate is {rate_hz} Hz, 4000 to 384000 can be read"));
        }
        Ok(Self { channels, rate_hz, sample })
    }
}

impl Sample {
    const fn len(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Decodes whole samples.
    fn decode(self, bytes: &[u8], out: &mut Vec<f32>) {
        /// A sample of N bytes each, turned into one number.
        fn each<const N: usize>(bytes: &[u8], out: &mut Vec<f32>, decode: impl Fn([u8; N]) -> f32) {
            let clean = |value: f32| if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 };
            out.extend(bytes.as_chunks::<N>().0.iter().map(|sample| clean(decode(*sample))));
        }
        const FULL: f32 = 2_147_483_648.0;
        match self {
            Self::U8 => each(bytes, out, |[a]| (f32::from(a) - 128.0) / 128.0),
            Self::I16 => each(bytes, out, |sample| f32::from(i16::from_le_bytes(sample)) / 32_768.0),
            Self::I24 => each(bytes, out, |[a, b, c]| i32::from_le_bytes([0, a, b, c]) as f32 / FULL),
            Self::I32 => each(bytes, out, |sample| i32::from_le_bytes(sample) as f32 / FULL),
            Self::F32 => each(bytes, out, f32::from_le_bytes),
            Self::F64 => each(bytes, out, |sample| f64::from_le_bytes(sample) as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use hound::{SampleFormat, WavSpec, WavWriter};
    use proptest::prelude::*;

    use super::*;

    fn feed(bytes: &[u8], piece: usize) -> (Option<Format>, Vec<f32>, Result<(), String>) {
        let mut parser = Parser::new();
        let mut out = Vec::new();
        let result = bytes.chunks(piece).try_for_each(|piece| parser.feed(piece, &mut out));
        (parser.format, out, result)
    }

    fn written(bits_per_sample: u16, sample_format: SampleFormat, channels: u16, levels: &[f32]) -> Vec<u8> {
        let spec = WavSpec { channels, sample_rate: 44_100, bits_per_sample, sample_format };
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file, spec).expect("a writer");
        for level in levels {
            match sample_format {
                SampleFormat::Float => writer.write_sample(*level),
                SampleFormat::Int => {
                    writer.write_sample((f64::from(*level) * f64::from(1_u32 << (bits_per_sample - 1))) as i32)
                }
            }
            .expect("writes");
        }
        writer.finalize().expect("finishes");
        file.into_inner()
    }

    #[test]
    fn every_kind_of_sample_is_read() {
        let levels = [0.0, 0.5, -0.5, -1.0, 0.25, -0.125];
        for (bits, kind, channels) in [
            (8, SampleFormat::Int, 1),
            (16, SampleFormat::Int, 2),
            (24, SampleFormat::Int, 1),
            (32, SampleFormat::Int, 3),
            (32, SampleFormat::Float, 2),
        ] {
            let file = written(bits, kind, channels, &levels);
            for piece in [1, 7, usize::MAX] {
                let (format, samples, result) = feed(&file, piece);
                let format = format.expect("a format");
                assert_eq!((format.channels, format.rate_hz, result), (channels, 44_100, Ok(())), "{bits} {kind:?}");
                assert_eq!(samples, levels, "{bits} {kind:?}");
            }
        }
    }

    #[test]
    fn endless_files_and_what_surrounds_the_samples() {
        let file = written(16, SampleFormat::Int, 1, &[0.5, -0.5]);
        let data = file.windows(4).position(|word| word == b"data").expect("a chunk");
        for len in [0, u32::MAX] {
            let mut endless = file.clone();
            endless[data + 4..data + 8].copy_from_slice(&len.to_le_bytes());
            endless.extend([0, 0x20]);
            assert_eq!(feed(&endless, 3).1, [0.5, -0.5, 0.25], "length {len}");
        }
        let surrounded = [&file[..12], b"LIST\x03\0\0\0abc\0", &file[12..], b"junk after it"].concat();
        assert_eq!(feed(&surrounded, 5).1, [0.5, -0.5]);
    }

    #[test]
    fn what_cannot_be_read_is_said_in_words() {
        let file = written(16, SampleFormat::Int, 1, &[0.5]);
        let changed = |at: usize, bytes: &[u8]| {
            let mut file = file.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            feed(&file, 10).2.expect_err("refused")
        };
        for (at, bytes, words) in [
            (0, &b"RIFX"[..], "'RIFF' and 'WAVE'"),
            (8, b"AVI ", "'RIFF' and 'WAVE'"),
            (12, b"fmx ", "before their format"),
            (16, &[3, 0, 0, 0], "its format takes 3 bytes"),
            (20, &[85, 0], "ffmpeg"),
            (22, &[0, 0], "0 channels"),
            (24, &[1, 0, 0, 0], "1 Hz"),
            (34, &[12, 0], "ffmpeg"),
        ] {
            let error = changed(at, bytes);
            assert!(error.contains(words), "{error}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            levels in prop::collection::vec(-1.0_f32..1.0, 0..50), channels in 1_u16..4, piece in 1_usize..30,
        ) {
            let moments = levels.len() / usize::from(channels) * usize::from(channels);
            let file = written(24, SampleFormat::Int, channels, &levels[..moments]);
            prop_assert_eq!(feed(&file, piece), feed(&file, usize::MAX));
        }

        #[test]
        fn no_bytes_make_it_panic(
            mut file in Just(written(16, SampleFormat::Int, 2, &[0.5; 8])),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            tail: Vec<u8>,
            piece in 1_usize..20,
        ) {
            for (place, value) in damage {
                *place.get_mut(&mut file) = value;
            }
            file.extend(tail);
            let (_, samples, _) = feed(&file, piece);
            prop_assert!(samples.iter().all(|sample| (-1.0..=1.0).contains(sample)));
        }
    }
}
