//! What a picture and a packet cost: `cargo bench --bench media`.

use std::time::Duration;

use bytes::Bytes;
use divan::{Bencher, counter::ItemsCount};
use p2pcall::{
    codec::{self, AudioPayload, AudioTarget, VideoTarget},
    jitter::{AudioPlayer, PictureDelay, Pop, VideoBuffer},
    media::{AudioFrame, Bitrate, Codec, EncodedFrame, MediaTime, RtpPacket, RtpTime, SeqNo, Size, now},
};

#[path = "clip/pictures.rs"]
mod pictures;

use pictures::{FRAMES, pictures};

fn main() {
    divan::main();
}

const TARGET: VideoTarget = VideoTarget { size: Size::HD, frame_rate: 30.0, bitrate: Bitrate::from_kbps(1_500) };

fn encoded() -> Vec<EncodedFrame> {
    let mut encoder = codec::video_encoder(Codec::H264, TARGET).expect("an encoder");
    pictures().iter().filter_map(|picture| encoder.encode(picture, false).expect("encodes")).collect()
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn encode_720p(bencher: Bencher<'_, '_>) {
    let pictures = pictures();
    bencher
        .counter(ItemsCount::new(FRAMES))
        .with_inputs(|| codec::video_encoder(Codec::H264, TARGET).expect("an encoder"))
        .bench_values(|mut encoder| {
            pictures.iter().filter_map(|picture| encoder.encode(picture, false).expect("encodes")).count()
        });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn decode_720p(bencher: Bencher<'_, '_>) {
    let frames = encoded();
    bencher
        .counter(ItemsCount::new(frames.len()))
        .with_inputs(|| codec::video_decoder(Codec::H264).expect("a decoder"))
        .bench_values(|mut decoder| frames.iter().filter_map(|frame| decoder.decode(frame).expect("decodes")).count());
}

/// Nobody lets go of a picture, so that each needs a new buffer.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn decode_720p_into_new_buffers(bencher: Bencher<'_, '_>) {
    let frames = encoded();
    bencher
        .counter(ItemsCount::new(frames.len()))
        .with_inputs(|| codec::video_decoder(Codec::H264).expect("a decoder"))
        .bench_values(|mut decoder| -> Vec<_> {
            frames.iter().filter_map(|frame| decoder.decode(frame).expect("decodes")).collect()
        });
}

#[divan::bench(args = [32, 16])]
fn encode_opus(bencher: Bencher<'_, '_>, kbps: u64) {
    let target = AudioTarget { bitrate: Bitrate::from_kbps(kbps), loss: 0.05, dtx: false };
    let mut encoder = codec::audio_encoder(Codec::Opus, 1, target).expect("an encoder");
    let samples = (0..960).map(|n| 0.5 * (n as f32 * 0.06).sin() + 0.1 * (n as f32 * 0.31).sin()).collect();
    let block = AudioFrame { captured_at: MediaTime::ZERO, channels: 1, samples };
    bencher.bench_local(|| encoder.encode(&block).expect("encodes"));
}

#[divan::bench]
fn decode_opus(bencher: Bencher<'_, '_>) {
    let target = AudioTarget { bitrate: Bitrate::from_kbps(32), loss: 0.05, dtx: false };
    let mut encoder = codec::audio_encoder(Codec::Opus, 1, target).expect("an encoder");
    let samples = (0..960).map(|n| 0.5 * (n as f32 * 0.06).sin()).collect();
    let block = AudioFrame { captured_at: MediaTime::ZERO, channels: 1, samples };
    let packet = encoder.encode(&block).expect("encodes").expect("a packet");
    let mut decoder = codec::audio_decoder(Codec::Opus, 1).expect("a decoder");
    let mut out = AudioFrame::default();
    bencher.bench_local(|| decoder.decode(AudioPayload::Packet(&packet), &mut out).expect("decodes"));
}

fn packet(n: u32, timestamp: u32, marker: bool, first: u8) -> RtpPacket {
    let mut payload = vec![first];
    payload.resize(1_000, 7);
    RtpPacket {
        ssrc: 1,
        payload_type: 96,
        seq: SeqNo(n as u16),
        timestamp: RtpTime(timestamp),
        marker,
        rotation: None,
        payload: Bytes::from(payload),
        arrival: now(),
    }
}

/// A hundred pictures of ten packets, asked for after each packet; of so many in a hundred packets one
/// comes three pictures late.
#[divan::bench(args = [0, 1, 5])]
fn video_buffer(bencher: Bencher<'_, '_>, late: usize) {
    let mut packets: Vec<(usize, RtpPacket)> = (0..1_000)
        .map(|n| {
            let place = if late > 0 && n % (100 / late) == 50 / late { n + 30 } else { n };
            let packet = packet(n as u32, n as u32 / 10 * 3_000, n % 10 == 9, if n < 10 { 0x65 } else { 0x41 });
            (place, packet)
        })
        .collect();
    packets.sort_by_key(|(place, _)| *place);
    let packets: Vec<RtpPacket> = packets.into_iter().map(|(_, packet)| packet).collect();
    let at = now();
    bencher
        .counter(ItemsCount::new(packets.len()))
        .with_inputs(|| {
            let depacketizer = codec::depacketizer(Codec::H264).expect("for pictures");
            (VideoBuffer::new(depacketizer, 90_000), PictureDelay::new(), packets.clone())
        })
        .bench_local_values(|(mut buffer, mut delay, packets)| {
            let mut frames = 0;
            for packet in packets {
                buffer.insert(packet);
                while let Pop::Frame(arrived) = buffer.pop(at) {
                    delay.observe(arrived.frame.media_time, arrived.completed_at);
                    divan::black_box(delay.play_at(arrived.frame.media_time));
                    frames += 1;
                }
            }
            assert_eq!(frames, 100);
        });
}

/// Twenty seconds of sound, one packet in twenty lost, played in pieces of 10 ms.
#[divan::bench]
fn play_sound(bencher: Bencher<'_, '_>) {
    let target = AudioTarget { bitrate: Bitrate::from_kbps(32), loss: 0.05, dtx: false };
    let mut encoder = codec::audio_encoder(Codec::Opus, 1, target).expect("an encoder");
    let (start, block) = (now(), Duration::from_millis(20));
    let packets: Vec<RtpPacket> = (0..1_000)
        .map(|n| {
            let samples = (n * 960..(n + 1) * 960).map(|n| 0.5 * (n as f32 * 0.03).sin()).collect();
            let block_of_sound = AudioFrame { captured_at: MediaTime::ZERO, channels: 1, samples };
            let payload = encoder.encode(&block_of_sound).expect("encodes").expect("no silence").payload;
            RtpPacket { arrival: start + block * n, payload, ..packet(n, n * 960, false, 1) }
        })
        .filter(|packet| packet.seq.0 % 20 != 7)
        .collect();
    let player = || AudioPlayer::new(48_000, codec::audio_decoder(Codec::Opus, 2).expect("a decoder"), 2);
    let mut piece = AudioFrame::default();
    bencher
        .counter(ItemsCount::new(packets.len()))
        .with_inputs(|| (player(), packets.clone().into_iter().peekable()))
        .bench_local_values(|(mut player, mut packets)| {
            for n in 0..2_000 {
                let at = start + block * n / 2;
                while let Some(packet) = packets.next_if(|packet| packet.arrival <= at) {
                    player.insert(packet);
                }
                player.next(at, Duration::ZERO, true, &mut piece);
            }
            assert!(player.played().recovered > 40);
        });
}
