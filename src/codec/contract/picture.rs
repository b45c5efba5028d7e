//! What every codec for pictures must do.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{codecs, packet};
use crate::{
    codec::*,
    media::{MediaKind, MediaTime, VideoFormat},
};

fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).expect("in range")
}

fn target(size: Size, kbps: u64) -> VideoTarget {
    VideoTarget { size, frame_rate: 30.0, bitrate: Bitrate::from_kbps(kbps) }
}

/// A picture of a moving texture with a little noise, 30 a second: neither flat nor random.
fn scene(i: usize, size: Size, noise: u8) -> VideoFrame {
    let mut seed = i as u32 + 1;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    let mut planes = vec![128; size.i420_len()];
    for (at, sample) in planes[..size.pixels()].iter_mut().enumerate() {
        let (x, y) = (at % size.width() + 3 * i, at / size.width() + i);
        let texture = 40 + ((x / 2) % 64) + ((y / 3) % 48) + if (x / 32 + y / 32) % 2 == 0 { 40 } else { 0 };
        *sample = texture as u8 + if noise == 0 { 0 } else { random() % noise };
    }
    let (width, _) = size.chroma();
    for (at, sample) in planes[size.pixels()..].iter_mut().enumerate() {
        *sample = 100 + ((at % width + i) / 8 % 50) as u8;
    }
    let captured_at = MediaTime::new(VideoFormat { size, frame_rate: 30.0 }.interval() * i as u32);
    VideoFrame::new(captured_at, size, planes).expect("the length of its size")
}

/// Peak signal-to-noise ratio of all planes in dB.
fn psnr(a: &VideoFrame, b: &VideoFrame) -> f64 {
    assert_eq!(a.size(), b.size());
    let squares: u64 = a.planes().iter().zip(b.planes().iter()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    10.0 * (255.0_f64.powi(2) * a.planes().len() as f64 / squares.max(1) as f64).log10()
}

#[test]
fn pictures_come_back_one_for_one() {
    for codec in codecs(MediaKind::Video) {
        // The last one has sides that are no multiple of a macroblock.
        for size in [size(320, 240), size(640, 360), size(202, 118)] {
            let mut encoder = video_encoder(codec, target(size, 2_000)).expect("an encoder");
            let mut decoder = video_decoder(codec).expect("a decoder");
            let mut shown = 0;
            for i in 0..20 {
                let frame = scene(i, size, 0);
                let Some(encoded) = encoder.encode(&frame, false).expect("encodes") else { continue };
                assert_eq!((encoded.media_time, encoded.key_frame), (frame.captured_at, i == 0), "{codec:?} {i}");
                let picture = decoder.decode(&encoded).expect("decodes").expect("without delay");
                assert_eq!(picture.captured_at, frame.captured_at);
                assert!(psnr(&frame, &picture) > 30.0, "{codec:?} {size} {i}: {}", psnr(&frame, &picture));
                shown += 1;
            }
            assert!(shown >= 18, "{codec:?} {size}: rate control skipped {}", 20 - shown);
        }
    }
}

#[test]
fn a_key_frame_comes_when_asked_for_and_only_then() {
    for codec in codecs(MediaKind::Video) {
        let size = size(320, 240);
        // So little that rate control would like to skip.
        let mut encoder = video_encoder(codec, target(size, 60)).expect("an encoder");
        for i in 0..90 {
            let wanted = i % 30 == 0;
            let frame = scene(if i > 45 { i * 31 } else { i }, size, 20);
            let encoded = encoder.encode(&frame, i > 0 && wanted).expect("encodes");
            assert_eq!(encoded.is_some_and(|encoded| encoded.key_frame), wanted, "{codec:?} {i}");
        }
    }
}

#[test]
fn the_bitrate_follows_the_target_without_key_frames() {
    for codec in codecs(MediaKind::Video) {
        let size = size(640, 360);
        let mut encoder = video_encoder(codec, target(size, 800)).expect("an encoder");
        let mut i = 0;
        for (kbps, frame_rate) in [(800, 30.0), (300, 30.0), (1_500, 30.0), (400, 15.0)] {
            encoder.set_target(VideoTarget { frame_rate, ..target(size, kbps) }).expect("a target in range");
            let (mut bytes, mut seconds) = (0, 0.0);
            let step = (30.0 / frame_rate) as usize;
            for n in 0..(5.0 * frame_rate) as usize {
                let encoded = encoder.encode(&scene(i, size, 12), false).expect("encodes");
                assert!(i == 0 || encoded.as_ref().is_none_or(|frame| !frame.key_frame), "{codec:?} {i}");
                i += step;
                if n as f64 >= frame_rate {
                    bytes += encoded.map_or(0, |frame| frame.payload.len());
                    seconds += 1.0 / frame_rate;
                }
            }
            let share = bytes as f64 * 8.0 / seconds / (kbps as f64 * 1000.0);
            assert!((0.75..1.25).contains(&share), "{codec:?}: {share:.2} of {kbps} kbit/s at {frame_rate}");
        }
    }
}

#[test]
fn sizes_change_in_mid_stream() {
    for codec in codecs(MediaKind::Video) {
        let mut encoder = video_encoder(codec, target(size(320, 240), 1_000)).expect("an encoder");
        let mut decoder = video_decoder(codec).expect("a decoder");
        for (n, size) in [size(320, 240), size(640, 360), size(160, 120)].into_iter().enumerate() {
            // Once with a new target, once with the picture alone.
            if n == 1 {
                encoder.set_target(target(size, 1_000)).expect("a target in range");
            }
            for i in 0..5 {
                let frame = scene(i, size, 0);
                let Some(encoded) = encoder.encode(&frame, false).expect("encodes") else { continue };
                assert_eq!(encoded.key_frame, i == 0, "{codec:?} {size} {i}");
                let picture = decoder.decode(&encoded).expect("decodes").expect("without delay");
                assert!(psnr(&frame, &picture) > 30.0, "{codec:?} {size} {i}");
            }
        }
    }
}

#[test]
fn odd_sides_lose_their_last_column_and_row() {
    for codec in codecs(MediaKind::Video) {
        let mut encoder = video_encoder(codec, target(size(321, 241), 1_000)).expect("an encoder");
        let encoded = encoder.encode(&scene(0, size(321, 241), 0), false).expect("encodes").expect("the first");
        let picture = video_decoder(codec).expect("a decoder").decode(&encoded).expect("decodes").expect("a picture");
        assert_eq!(picture.size(), size(320, 240), "{codec:?}");
    }
}

#[test]
fn extreme_sizes_encode_or_are_refused() {
    for codec in codecs(MediaKind::Video) {
        for (size, certain) in [
            (size(1920, 1080), true),
            (size(1080, 1920), true),
            (size(16, 16), true),
            (size(2, 2), false),
            (size(3, 4096), false),
            (size(4096, 4096), false),
        ] {
            let encoder = video_encoder(codec, target(size, 5_000));
            assert!(encoder.is_ok() || !certain, "{codec:?} {size}");
            let Ok(mut encoder) = encoder else { continue };
            let mut decoder = video_decoder(codec).expect("a decoder");
            for i in 0..3 {
                let frame = scene(i, size, 8);
                let encoded = encoder.encode(&frame, false);
                assert!(encoded.is_ok() || !certain, "{codec:?} {size}: {encoded:?}");
                let Ok(Some(encoded)) = encoded else { continue };
                let picture = decoder.decode(&encoded).expect("decodes").expect("without delay");
                assert!(!certain || psnr(&frame, &picture) > 28.0, "{codec:?} {size} {i}");
                let units = packetize(codec, &encoded);
                assert!(units.iter().all(|unit| unit.len() <= 1150), "{codec:?} {size} {i}");
            }
        }
    }
}

#[test]
fn after_a_gap_nothing_decodes_until_a_key_frame() {
    for codec in codecs(MediaKind::Video) {
        let size = size(320, 240);
        let mut encoder = video_encoder(codec, target(size, 1_000)).expect("an encoder");
        let mut decoder = video_decoder(codec).expect("a decoder");
        for i in 0..12 {
            let encoded = encoder.encode(&scene(i, size, 0), i == 8).expect("encodes").expect("not skipped");
            if i == 0 || i == 4 {
                continue;
            }
            let picture = decoder.decode(&encoded);
            if i < 8 {
                assert_eq!(picture.err(), Some(DecodeError::NeedsKeyFrame), "{codec:?} {i}");
            } else {
                assert!(matches!(picture, Ok(Some(_))), "{codec:?} {i}");
            }
        }
        // Now from a decoder that runs: the fifth picture is missing. VP8 does not number its pictures: that one is
        // missing is the jitter buffer's to tell.
        if codec == Codec::Vp8 {
            continue;
        }
        let mut decoder = video_decoder(codec).expect("a decoder");
        for i in 0..8 {
            let encoded = encoder.encode(&scene(i, size, 0), i == 0).expect("encodes").expect("not skipped");
            match i {
                0..4 => assert!(matches!(decoder.decode(&encoded), Ok(Some(_))), "{codec:?} {i}"),
                4 => {}
                _ => assert_eq!(decoder.decode(&encoded).err(), Some(DecodeError::NeedsKeyFrame), "{codec:?} {i}"),
            }
        }
    }
}

#[test]
fn what_is_missing_is_made_up_and_a_key_frame_heals() {
    for codec in codecs(MediaKind::Video) {
        // Which packets of a picture are lost.
        let fates: [fn(usize) -> bool; 5] = [|n| n == 1, |n| n < 3, |n| n == 0, |n| n % 2 == 1, |_| true];
        for (case, lost) in fates.into_iter().enumerate() {
            let size = size(640, 360);
            let mut encoder = video_encoder(codec, target(size, 8_000)).expect("an encoder");
            let mut decoder = video_decoder(codec).expect("a decoder");
            for i in 0..16 {
                let frame = scene(i, size, 40);
                let mut encoded = encoder.encode(&frame, i == 12).expect("encodes").expect("not skipped");
                if i == 6 {
                    let units = packetize(codec, &encoded);
                    assert!(units.len() >= 4, "{codec:?}: {} packets", units.len());
                    encoded.payload = join(codec, units.iter().enumerate().filter(|(n, _)| !lost(*n)));
                    if encoded.payload.is_empty() {
                        continue;
                    }
                }
                let shown = if (6..12).contains(&i) { decoder.conceal(&encoded) } else { decoder.decode(&encoded) };
                let shown = shown.expect("decodes").expect("a picture");
                // What is made up moves a little too late; it is neither green nor grey.
                let least = if (6..12).contains(&i) { 19.0 } else { 27.0 };
                assert!(psnr(&frame, &shown) > least, "{codec:?}, {case}, {i}: {}", psnr(&frame, &shown));
            }
        }
    }
}

#[test]
fn what_follows_damage_is_shown_on_request_only() {
    for codec in codecs(MediaKind::Video) {
        let size = size(640, 360);
        let mut encoder = video_encoder(codec, target(size, 40_000)).expect("an encoder");
        let mut decoder = video_decoder(codec).expect("a decoder");
        let mut encode =
            |i: usize, key| encoder.encode(&scene(i, size, 40), key).expect("encodes").expect("not skipped");
        let damaged = |frame: EncodedFrame| {
            let units = packetize(codec, &frame);
            EncodedFrame {
                payload: join(codec, units.iter().enumerate().filter(|(n, _)| *n != units.len() - 1)),
                ..frame
            }
        };
        assert_eq!(decoder.conceal(&encode(0, false)).map(|shown| shown.is_some()), Ok(true), "nothing is missing");
        assert!(decoder.decode(&encode(1, false)).is_ok(), "and nothing was made up");
        assert!(decoder.conceal(&damaged(encode(2, false))).is_ok());
        assert_eq!(decoder.decode(&encode(3, false)).err(), Some(DecodeError::NeedsKeyFrame));
        assert!(decoder.conceal(&damaged(encode(4, true))).is_err(), "a damaged key frame");
        assert_eq!(decoder.conceal(&encode(5, false)).err(), Some(DecodeError::NeedsKeyFrame));
        assert!(matches!(decoder.decode(&encode(6, true)), Ok(Some(_))));
        assert!(matches!(decoder.decode(&encode(7, false)), Ok(Some(_))));
    }
}

/// Puts together what came of a frame, as the jitter buffer does. The numbers are those of the payloads.
fn join<'a>(codec: Codec, payloads: impl Iterator<Item = (usize, &'a Vec<u8>)>) -> Bytes {
    let mut depacketizer = depacketizer(codec).expect("a depacketizer");
    let mut whole = BytesMut::new();
    for (n, payload) in payloads {
        // What cannot be used is left out.
        let _ = depacketizer.append(&packet(n as u16, payload), &mut whole);
    }
    whole.freeze()
}

/// Splits an access unit into payloads, by the codec's own payload format.
fn packetize(codec: Codec, frame: &EncodedFrame) -> Vec<Vec<u8>> {
    match codec {
        Codec::H264 => annex_b_units(&frame.payload).into_iter().map(<[u8]>::to_vec).collect(),
        Codec::Vp8 => {
            let pieces = frame.payload.chunks(1147).enumerate();
            pieces.map(|(n, piece)| [&[if n == 0 { 0x10 } else { 0 }][..], piece].concat()).collect()
        }
        Codec::Opus => unreachable!("it is for sound"),
    }
}

/// Whether two access units say the same.
fn same(codec: Codec, one: &[u8], other: &[u8]) -> bool {
    match codec {
        Codec::H264 => annex_b_units(one) == annex_b_units(other),
        _ => one == other,
    }
}

/// Returns what lies between the start codes of an Annex B byte stream, without trailing zeros.
fn annex_b_units(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        (0..stream.len().saturating_sub(3)).filter(|&i| stream[i..i + 3] == [0, 0, 1]).map(|i| i + 3).collect();
    let ends = starts.iter().skip(1).map(|start| start - 3).chain([stream.len()]);
    let trim = |unit: &'_ [u8]| unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    starts.iter().zip(ends).map(|(&start, end)| &stream[start..start + trim(&stream[start..end])]).collect()
}

#[test]
fn packets_fit_the_path_and_become_the_same_frame_again() {
    for codec in codecs(MediaKind::Video) {
        let size = size(1280, 720);
        // The first picture at such a rate is about the largest a call will see.
        let mut encoder = video_encoder(codec, target(size, 6_000)).expect("an encoder");
        let mut depacketizer = depacketizer(codec).expect("a depacketizer");
        let mut frames = 0;
        for i in 0..6 {
            let encoded = encoder.encode(&scene(i, size, 40), i == 3).expect("encodes");
            let Some(frame) = encoded else { continue };
            frames += 1;
            let mut whole = BytesMut::new();
            let mut key = false;
            for (n, payload) in packetize(codec, &frame).into_iter().enumerate() {
                assert!(payload.len() <= 1150, "{codec:?} {i}: a packet of {} bytes", payload.len());
                let packet = packet(n as u16, &payload);
                assert!(n > 0 || depacketizer.is_start(&packet));
                key |= depacketizer.is_key(&packet);
                depacketizer.append(&packet, &mut whole).expect("a valid payload");
            }
            assert_eq!(key, frame.key_frame, "{codec:?} {i}");
            assert!(same(codec, &whole, &frame.payload), "{codec:?} {i}");
        }
        assert!(frames >= 2, "{codec:?}: both key frames");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_frames_never_panic_and_a_key_frame_heals(
        hits in prop::collection::vec((0_usize..6, any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
        lost in prop::collection::vec((0_usize..6, 0_usize..4), 0..4),
        random in prop::collection::vec(any::<u8>(), 0..64),
        conceal: bool,
    ) {
        for codec in codecs(MediaKind::Video) {
            let size = size(160, 120);
            let mut encoder = video_encoder(codec, target(size, 500)).expect("an encoder");
            let mut decoder = video_decoder(codec).expect("a decoder");
            for i in 0..6 {
                let encoded = encoder.encode(&scene(i, size, 8), false).expect("encodes");
                let Some(mut encoded) = encoded else { continue };
                let units = packetize(codec, &encoded);
                let kept = units.iter().enumerate().filter(|(n, _)| !lost.contains(&(i, *n)));
                let mut bytes = join(codec, kept).to_vec();
                for (_, at, value) in hits.iter().filter(|(frame, ..)| *frame == i) {
                    let at = at.index(bytes.len().max(1));
                    bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= value);
                }
                if let Some(cut) = cut.filter(|_| i == 4) {
                    bytes.truncate(cut.index(bytes.len().max(1)));
                }
                encoded.payload = bytes.into();
                let _ = if conceal { decoder.conceal(&encoded) } else { decoder.decode(&encoded) };
            }
            let _ = decoder.decode(&EncodedFrame {
                media_time: MediaTime::ZERO,
                key_frame: true,
                duration: Duration::ZERO,
                payload: Bytes::from(random.clone()),
            });
            let frame = scene(7, size, 0);
            let mut shown = None;
            // A key frame that meets a spoilt decoder may be lost; the next one may not.
            for _ in 0..2 {
                let encoded = encoder.encode(&frame, true).expect("encodes").expect("a key frame is never skipped");
                shown = decoder.decode(&encoded).ok().flatten();
            }
            let shown = shown.expect("a key frame heals");
            prop_assert!(psnr(&frame, &shown) > 28.0);
        }
    }
}
