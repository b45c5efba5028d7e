//! The number in a test pattern can be read after what a bad call does to a picture.

use std::time::Duration;

use openh264::{
    OpenH264API,
    decoder::Decoder,
    encoder::{BitRate, Encoder, EncoderConfig, FrameRate, RateControlMode},
    formats::{YUVSlices, YUVSource},
};
use p2pcall::{
    media::{MediaTime, Size, VideoFrame},
    source::{frame_number, paint},
};

#[test]
fn the_number_survives_h264_at_150_kbit_a_second_and_a_quarter_of_the_size() {
    for (width, height) in [(640, 360), (320, 180), (160, 90)] {
        let size = Size::new(width, height).expect("in range");
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(150_000))
            .max_frame_rate(FrameRate::from_hz(30.0))
            .rate_control_mode(RateControlMode::Bitrate)
            .skip_frames(false);
        let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config).expect("an encoder");
        let mut decoder = Decoder::new().expect("a decoder");
        let mut bytes = 0;
        for number in 4_090..4_180 {
            let at = MediaTime::new(Duration::from_millis(u64::from(number) * 33));
            // Painted in full size, scaled down, coded, and read as it comes and smaller still.
            let frame = paint(number, Size::HD, at).scaled(size);
            let encoded = encoder.encode(&slices(&frame)).expect("encodes").to_vec();
            bytes += encoded.len();
            let picture = decoder.decode(&encoded).expect("decodes").expect("a picture");
            let decoded = VideoFrame::new(at, size, tight(&picture)).expect("the same size");
            assert_eq!(frame_number(&decoded), Some(number), "at {size}");
            if width >= 320 {
                let small = decoded.scaled(Size::new(width / 4, height / 4).expect("in range"));
                assert_eq!(frame_number(&small), Some(number), "at {size}, a quarter of it");
            }
        }
        let bitrate = bytes * 8 * 30 / 90;
        assert!(bitrate < 400_000, "{size} cost {bitrate} bit/s: this would prove nothing");
    }
}

fn slices(frame: &VideoFrame) -> YUVSlices<'_> {
    let size = frame.size();
    let (chroma, _) = size.chroma();
    YUVSlices::new((frame.y(), frame.u(), frame.v()), (size.width(), size.height()), (size.width(), chroma, chroma))
}

fn tight(picture: &impl YUVSource) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let (y, u, v) = picture.strides();
    let plane = |values: &[u8], stride, width, height| -> Vec<u8> {
        values.chunks(stride).take(height).flat_map(|row| row[..width].to_vec()).collect()
    };
    [
        plane(picture.y(), y, width, height),
        plane(picture.u(), u, width.div_ceil(2), height.div_ceil(2)),
        plane(picture.v(), v, width.div_ceil(2), height.div_ceil(2)),
    ]
    .concat()
}
