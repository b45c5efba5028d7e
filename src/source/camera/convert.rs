//! From what cameras give to what p2pcall speaks: I420, BT.601 limited range.

use yuv::{
    BufferStoreMut, YuvConversionMode, YuvError, YuvPackedImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix,
    bgr_to_yuv420, rgb_to_yuv420, uyvy422_to_yuv420, yuyv422_to_yuv420,
};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::PixelFormat;
use crate::media::{FrameBuffer, FramePool, Size};

/// Why a camera's bytes are no picture. The next ones may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConvertError {
    /// There are fewer bytes than the size needs.
    #[error("{format} of {size} needs {needed} bytes, there are {len}")]
    Truncated { format: PixelFormat, size: Size, needed: usize, len: usize },
    /// The bytes are not what they claim to be.
    #[error("undecodable {format}: {reason}")]
    Corrupt { format: PixelFormat, reason: String },
}

/// How a camera lays a picture out in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) format: PixelFormat,
    pub(super) size: Size,
    /// Bytes from one row of the first plane to the next; zero means without padding.
    pub(super) stride: usize,
}

impl Layout {
    /// Returns the planes Y, U and V of the picture in `bytes`, and its size: a compressed picture
    /// brings its own.
    pub(super) fn to_i420(self, bytes: &[u8], pool: &FramePool) -> Result<(Size, FrameBuffer), ConvertError> {
        if self.format == PixelFormat::Mjpeg {
            return decode_mjpeg(bytes, pool);
        }
        let stride = self.stride.max(self.format.row_len(self.size));
        let needed = self.needed(stride);
        if bytes.len() < needed {
            return Err(ConvertError::Truncated { format: self.format, size: self.size, needed, len: bytes.len() });
        }
        let mut out = pool.buffer(self.size.i420_len());
        self.fill(&bytes[..needed], stride, &mut out)?;
        Ok((self.size, out))
    }

    /// Returns how many bytes a picture has, at the least.
    fn needed(self, stride: usize) -> usize {
        let height = self.size.height();
        let (chroma_width, chroma_height) = self.size.chroma();
        match self.format {
            // The last row's padding may be missing.
            PixelFormat::Nv12 => stride * (height + chroma_height - 1) + 2 * chroma_width,
            PixelFormat::I420 | PixelFormat::Yv12 => {
                stride * height + stride.div_ceil(2) * (2 * chroma_height - 1) + chroma_width
            }
            PixelFormat::Yuyv | PixelFormat::Uyvy | PixelFormat::Rgb | PixelFormat::Bgr => stride * height,
            PixelFormat::Mjpeg => 0,
        }
    }

    fn fill(self, bytes: &[u8], stride: usize, out: &mut [u8]) -> Result<(), ConvertError> {
        let (width, height) = (self.size.width(), self.size.height());
        let (chroma_width, chroma_height) = self.size.chroma();
        let (y, chroma) = out.split_at_mut(self.size.pixels());
        let (u, v) = chroma.split_at_mut(chroma_width * chroma_height);
        let result = match self.format {
            PixelFormat::Nv12 => {
                copy_plane(bytes, stride, y, width);
                let rows = bytes[stride * height..].chunks(stride);
                let planes = u.chunks_exact_mut(chroma_width).zip(v.chunks_exact_mut(chroma_width));
                for (row, (u, v)) in rows.zip(planes) {
                    for ((pair, u), v) in row.chunks_exact(2).zip(u).zip(v) {
                        (*u, *v) = (pair[0], pair[1]);
                    }
                }
                Ok(())
            }
            PixelFormat::I420 | PixelFormat::Yv12 => {
                let (first, second) = if self.format == PixelFormat::I420 { (u, v) } else { (v, u) };
                let chroma_stride = stride.div_ceil(2);
                let chroma = &bytes[stride * height..];
                copy_plane(bytes, stride, y, width);
                copy_plane(chroma, chroma_stride, first, chroma_width);
                copy_plane(&chroma[chroma_stride * chroma_height..], chroma_stride, second, chroma_width);
                Ok(())
            }
            PixelFormat::Yuyv => from_packed(self.size, bytes, stride, (y, u, v), yuyv422_to_yuv420, [0, 1, 2, 3]),
            PixelFormat::Uyvy => from_packed(self.size, bytes, stride, (y, u, v), uyvy422_to_yuv420, [1, 0, 3, 2]),
            PixelFormat::Rgb => from_rgb(self.size, bytes, stride, (y, u, v), rgb_to_yuv420),
            PixelFormat::Bgr => from_rgb(self.size, bytes, stride, (y, u, v), bgr_to_yuv420),
            PixelFormat::Mjpeg => Ok(()),
        };
        result.map_err(|error| ConvertError::Corrupt { format: self.format, reason: error.to_string() })
    }
}

impl PixelFormat {
    /// Returns how many bytes a row of the first plane has without padding.
    fn row_len(self, size: Size) -> usize {
        match self {
            Self::Nv12 => 2 * size.chroma().0,
            Self::I420 | Self::Yv12 => size.width(),
            Self::Yuyv | Self::Uyvy => 4 * size.chroma().0,
            Self::Rgb | Self::Bgr => 3 * size.width(),
            Self::Mjpeg => 0,
        }
    }
}

/// Decodes a motion JPEG picture. It is full range, as JFIF says: the way over RGB changes the range.
fn decode_mjpeg(bytes: &[u8], pool: &FramePool) -> Result<(Size, FrameBuffer), ConvertError> {
    let corrupt = |reason: String| ConvertError::Corrupt { format: PixelFormat::Mjpeg, reason };
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(Size::MAX as usize)
        .set_max_height(Size::MAX as usize);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let rgb = decoder.decode().map_err(|error| corrupt(format!("{error:?}")))?;
    let info = decoder.info().ok_or_else(|| corrupt("no header".into()))?;
    let size = Size::new(info.width.into(), info.height.into())
        .ok_or_else(|| corrupt(format!("a picture of {}x{}", info.width, info.height)))?;
    Layout { format: PixelFormat::Rgb, size, stride: 0 }.to_i420(&rgb, pool)
}

fn copy_plane(from: &[u8], stride: usize, to: &mut [u8], width: usize) {
    for (from, to) in from.chunks(stride).zip(to.chunks_exact_mut(width)) {
        to.copy_from_slice(&from[..width]);
    }
}

fn planar<'a>(size: Size, y: &'a mut [u8], u: &'a mut [u8], v: &'a mut [u8]) -> YuvPlanarImageMut<'a, u8> {
    let chroma_stride = size.chroma().0 as u32;
    YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: size.width() as u32,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: chroma_stride,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: chroma_stride,
        width: size.width() as u32,
        height: size.height() as u32,
    }
}

type FromPacked = fn(&mut YuvPlanarImageMut<'_, u8>, &YuvPackedImage<'_, u8>) -> Result<(), YuvError>;

/// Converts 4:2:2; `order` says where in four bytes Y, U, the second Y and V are.
fn from_packed(
    size: Size,
    bytes: &[u8],
    stride: usize,
    (y, u, v): (&mut [u8], &mut [u8], &mut [u8]),
    convert: FromPacked,
    order: [usize; 4],
) -> Result<(), YuvError> {
    let image = YuvPackedImage {
        yuy: bytes,
        yuy_stride: stride as u32,
        width: size.width() as u32,
        height: size.height() as u32,
    };
    convert(&mut planar(size, y, u, v), &image)?;
    if size.height() % 2 == 1 {
        // `yuv` 0.8.20 forgets the last row of an odd number.
        let last = size.height() - 1;
        let chroma = last / 2 * size.chroma().0;
        let row = y[last * size.width()..].chunks_mut(2).zip(&mut u[chroma..]).zip(&mut v[chroma..]);
        for (pixels, ((y, u), v)) in bytes[stride * last..].chunks_exact(4).zip(row) {
            (*u, *v) = (pixels[order[1]], pixels[order[3]]);
            for (y, place) in y.iter_mut().zip([order[0], order[2]]) {
                *y = pixels[place];
            }
        }
    }
    Ok(())
}

type FromRgb = fn(
    &mut YuvPlanarImageMut<'_, u8>,
    &[u8],
    u32,
    YuvRange,
    YuvStandardMatrix,
    YuvConversionMode,
) -> Result<(), YuvError>;

fn from_rgb(
    size: Size,
    bytes: &[u8],
    stride: usize,
    (y, u, v): (&mut [u8], &mut [u8], &mut [u8]),
    convert: FromRgb,
) -> Result<(), YuvError> {
    convert(
        &mut planar(size, y, u, v),
        bytes,
        stride as u32,
        YuvRange::Limited,
        YuvStandardMatrix::Bt601,
        YuvConversionMode::default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: [PixelFormat; 7] = [
        PixelFormat::I420,
        PixelFormat::Yv12,
        PixelFormat::Nv12,
        PixelFormat::Yuyv,
        PixelFormat::Uyvy,
        PixelFormat::Rgb,
        PixelFormat::Bgr,
    ];

    /// A picture of one colour in every format: Y 63, U 102, V 240 is full red in BT.601.
    fn red(format: PixelFormat, size: Size, padding: usize) -> (Layout, Vec<u8>) {
        let (width, height) = (size.width(), size.height());
        let (chroma_width, chroma_height) = size.chroma();
        let rows = |pixels: &[u8], count: usize, padding: usize, rows: usize| {
            let row = [pixels.repeat(count), vec![0xEE; padding]].concat();
            row.repeat(rows)
        };
        let y = || rows(&[82], width, padding, height);
        let half = padding.div_ceil(2);
        let (u, v) = (rows(&[90], chroma_width, half, chroma_height), rows(&[240], chroma_width, half, chroma_height));
        let (row, bytes) = match format {
            PixelFormat::I420 => (width, [y(), u, v].concat()),
            PixelFormat::Yv12 => (width, [y(), v, u].concat()),
            PixelFormat::Nv12 => {
                let row = 2 * chroma_width;
                let y = rows(&[82], width, row - width + padding, height);
                (row, [y, rows(&[90, 240], chroma_width, padding, chroma_height)].concat())
            }
            PixelFormat::Yuyv => (4 * chroma_width, rows(&[82, 90, 82, 240], chroma_width, padding, height)),
            PixelFormat::Uyvy => (4 * chroma_width, rows(&[90, 82, 240, 82], chroma_width, padding, height)),
            PixelFormat::Rgb => (3 * width, rows(&[255, 0, 0], width, padding, height)),
            PixelFormat::Bgr => (3 * width, rows(&[0, 0, 255], width, padding, height)),
            PixelFormat::Mjpeg => unreachable!("not raw"),
        };
        (Layout { format, size, stride: row + padding }, bytes)
    }

    #[test]
    fn every_raw_format_becomes_the_same_red() {
        for (width, height) in [(2, 2), (16, 8), (64, 48), (5, 3), (17, 9), (640, 480)] {
            for format in RAW {
                for padding in [0, 6] {
                    let size = Size::new(width, height).expect("in range");
                    let (layout, bytes) = red(format, size, padding);
                    let what = format!("{format} {size} padding {padding}");
                    // What a buffer held before shows nowhere.
                    let pool = FramePool::default();
                    pool.buffer(size.i420_len()).fill(0xEE);
                    let (out_size, out) =
                        layout.to_i420(&bytes, &pool).unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!((out_size, out.len()), (size, size.i420_len()), "{what}");
                    let chroma = (out.len() - size.pixels()) / 2;
                    let (y, rest) = out.split_at(size.pixels());
                    let (u, v) = rest.split_at(chroma);
                    let near = |plane: &[u8], value: u8| plane.iter().all(|sample| sample.abs_diff(value) <= 1);
                    assert!(near(y, 82) && near(u, 90) && near(v, 240), "{what}: {out:?}");
                }
            }
        }
    }

    #[test]
    fn pixels_stay_where_they_are() {
        let size = Size::new(4, 2).expect("in range");
        let table: [(PixelFormat, &[u8]); 5] = [
            (PixelFormat::I420, &[1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40]),
            (PixelFormat::Yv12, &[1, 2, 3, 4, 5, 6, 7, 8, 30, 40, 10, 20]),
            (PixelFormat::Nv12, &[1, 2, 3, 4, 5, 6, 7, 8, 10, 30, 20, 40]),
            (PixelFormat::Yuyv, &[1, 10, 2, 30, 3, 20, 4, 40, 5, 10, 6, 30, 7, 20, 8, 40]),
            (PixelFormat::Uyvy, &[10, 1, 30, 2, 20, 3, 40, 4, 10, 5, 30, 6, 20, 7, 40, 8]),
        ];
        let pool = FramePool::default();
        for (format, bytes) in table {
            let (_, out) = Layout { format, size, stride: 0 }.to_i420(bytes, &pool).expect("long enough");
            assert_eq!(out[..], [1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40], "{format}");
        }
    }

    #[test]
    fn truncated_pictures_are_errors() {
        let pool = FramePool::default();
        for format in RAW {
            for (width, height) in [(2, 2), (5, 3), (16, 16)] {
                let (layout, bytes) = red(format, Size::new(width, height).expect("in range"), 0);
                for len in 0..bytes.len() {
                    let result = layout.to_i420(&bytes[..len], &pool);
                    assert!(matches!(result, Err(ConvertError::Truncated { .. })), "{format} {len}: {result:?}");
                }
            }
        }
    }

    #[test]
    fn jpeg_is_stretched_to_limited_range() {
        let (layout, pool) = (Layout { format: PixelFormat::Mjpeg, size: Size::HD, stride: 0 }, FramePool::default());
        let (size, out) = layout.to_i420(RED_JPEG, &pool).expect("a picture");
        assert_eq!(size, Size::new(16, 16).expect("in range"), "the picture's own size");
        let expected = [(&out[..256], 82_u8), (&out[256..320], 90), (&out[320..], 240)];
        for (plane, value) in expected {
            assert!(plane.iter().all(|sample| sample.abs_diff(value) <= 2), "{value}: {plane:?}");
        }
        // Cameras pad the end of the buffer.
        assert!(layout.to_i420(&[RED_JPEG, &[0; 100]].concat(), &pool).is_ok());
    }

    #[test]
    fn damaged_jpeg_is_an_error_or_a_picture() {
        let (layout, pool) = (Layout { format: PixelFormat::Mjpeg, size: Size::HD, stride: 0 }, FramePool::default());
        for len in 0..RED_JPEG.len() {
            let _ = layout.to_i420(&RED_JPEG[..len], &pool);
            let mut damaged = RED_JPEG.to_vec();
            damaged[len] ^= 0x55;
            let _ = layout.to_i420(&damaged, &pool);
        }
        assert!(layout.to_i420(&[], &pool).is_err());
        assert!(layout.to_i420(b"no picture at all", &pool).is_err());
    }

    /// 16x16 pixels of pure red, 4:4:4.
    const RED_JPEG: &[u8] = include_bytes!("red.jpg");
}
