//! Reads what a call was recorded to.

use std::path::Path;

use p2pcall::{
    media::{MediaTime, Size, VideoFrame},
    source::frame_number,
};

/// Returns the numbers in the pictures of a Y4M file; a picture without one, such as a black one, is
/// `None`.
pub(crate) fn numbers(path: &Path) -> Vec<Option<u32>> {
    let bytes = std::fs::read(path).expect("the recording is there");
    let (header, mut rest) = line(&bytes).expect("a header");
    let side = |letter| {
        let word = header.split(' ').find_map(|word| word.strip_prefix(letter));
        word.and_then(|digits| digits.parse().ok()).expect("the header has both sides")
    };
    assert!(header.starts_with("YUV4MPEG2 "), "{header}");
    let size = Size::new(side('W'), side('H')).expect("in range");
    let mut numbers = Vec::new();
    while let Some((frame, planes)) = line(rest) {
        assert!(frame.starts_with("FRAME"), "{frame}");
        let (planes, after) = planes.split_at_checked(size.i420_len()).expect("the last picture is whole");
        let picture = VideoFrame::new(MediaTime::ZERO, size, planes.to_vec()).expect("the right length");
        numbers.push(frame_number(&picture));
        rest = after;
    }
    numbers
}

fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// Returns the sound in a WAV file, mixed to mono.
pub(crate) fn sound(path: &Path) -> Vec<f32> {
    let mut file = hound::WavReader::open(path).expect("a WAV file");
    let spec = file.spec();
    assert_eq!(spec.sample_rate, 48_000);
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => file.samples().map(|sample| sample.expect("whole samples")).collect(),
        hound::SampleFormat::Int => {
            let scale = (1_i64 << (spec.bits_per_sample - 1)) as f32;
            file.samples::<i32>().map(|sample| sample.expect("whole samples") as f32 / scale).collect()
        }
    };
    let channels = usize::from(spec.channels);
    samples.chunks_exact(channels).map(|moment| moment.iter().sum::<f32>() / channels as f32).collect()
}
