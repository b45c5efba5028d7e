//! What a decoder makes of a damaged stream.
//!
//! openh264's safe interface has no way to switch concealment on, and takes a concealed picture for
//! an error.

use std::{ffi::c_int, ptr::null_mut, slice};

use openh264::decoder::Decoder;
use openh264_sys2::{
    DECODER_OPTION, DECODER_OPTION_ERROR_CON_IDC, DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER, DECODING_STATE,
    ERROR_CON_SLICE_MV_COPY_CROSS_IDR_FREEZE_RES_CHANGE, SBufferInfo, dsErrorFree, dsInvalidArgument,
};

use crate::codec::decoded::DecodedPicture;

/// Makes the decoder fill what is missing of a picture from the one before, moved as its neighbours
/// move: 2 to 6 dB better in a moving picture than to copy what was there.
///
/// # Errors
/// The library's code, if it refuses.
pub(in super::super) fn conceal(decoder: &mut Decoder) -> Result<(), c_int> {
    set_option(decoder, DECODER_OPTION_ERROR_CON_IDC, ERROR_CON_SLICE_MV_COPY_CROSS_IDR_FREEZE_RES_CHANGE)
}

/// Says that the access unit before it is over (H.264, 7.3.2.4): what has not come of it will not.
const ACCESS_UNIT_DELIMITER: [u8; 6] = [0, 0, 0, 1, 9, 0xf0];

/// Decodes an access unit. Returns the picture, if there is one, and whether all of the access unit
/// was there and well-formed.
pub(in super::super) fn decode<'a>(decoder: &'a mut Decoder, stream: &[u8]) -> (Option<DecodedPicture<'a>>, bool) {
    // The library's own way to end an access unit would wait for the slices that are missing.
    let (mut state, mut planes, mut info) = (dsErrorFree, [null_mut(); 3], SBufferInfo::default());
    for part in [stream, &ACCESS_UNIT_DELIMITER] {
        let output = decode_frame(decoder, part);
        state |= output.0;
        if output.2.iBufferStatus == 1 {
            (planes, info) = (output.1, output.2);
        }
    }
    if info.iBufferStatus == 0 && waiting(decoder) > 0 {
        // It would give it with the next one: there is no reordering in a call.
        let output = flush(decoder);
        (state, planes, info) = (state | output.0, output.1, output.2);
    }
    (borrow(decoder, planes, &info), state == dsErrorFree)
}

/// The library's verdict, and where the picture lies if there is one.
type Output = (DECODING_STATE, [*mut u8; 3], SBufferInfo);

#[expect(unsafe_code, reason = "openh264 gives concealed pictures through its raw interface alone")]
fn decode_frame(decoder: &mut Decoder, stream: &[u8]) -> Output {
    let (mut planes, mut info) = ([null_mut::<u8>(); 3], SBufferInfo::default());
    let Ok(len) = c_int::try_from(stream.len()) else { return (dsInvalidArgument, planes, info) };
    // SAFETY: the library reads `len` bytes, which `stream` has, during the call alone, and writes
    // three pointers and one description, which `planes` and `info` have room for.
    let state = unsafe {
        let planes = (&raw mut planes).cast();
        decoder.raw_api().decode_frame2(stream.as_ptr(), len, planes, &raw mut info)
    };
    (state, planes, info)
}

#[expect(unsafe_code, reason = "openh264 gives concealed pictures through its raw interface alone")]
fn flush(decoder: &mut Decoder) -> Output {
    let (mut planes, mut info) = ([null_mut::<u8>(); 3], SBufferInfo::default());
    // SAFETY: the library writes three pointers and one description, which there is room for.
    let state = unsafe { decoder.raw_api().flush_frame((&raw mut planes).cast(), &raw mut info) };
    (state, planes, info)
}

#[expect(unsafe_code, reason = "openh264 tells this through its raw interface alone")]
fn waiting(decoder: &mut Decoder) -> c_int {
    let mut pictures: c_int = 0;
    // SAFETY: for this option the library writes one `int` (codec_app_def.h).
    let code = unsafe {
        let option = DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER;
        decoder.raw_api().get_option(option, (&raw mut pictures).cast())
    };
    if code == 0 { pictures } else { 0 }
}

#[expect(unsafe_code, reason = "openh264 switches concealment on through its raw interface alone")]
fn set_option(decoder: &mut Decoder, option: DECODER_OPTION, mut value: c_int) -> Result<(), c_int> {
    // SAFETY: the one option this is called with takes an `int` (codec_app_def.h), which the library
    // copies during the call.
    let code = unsafe { decoder.raw_api().set_option(option, (&raw mut value).cast()) };
    if code == 0 { Ok(()) } else { Err(code as c_int) }
}

/// Borrows the planes for as long as the decoder is: it overwrites them when it decodes again.
#[expect(unsafe_code, reason = "the library gives bare pointers")]
fn borrow<'a>(_: &'a mut Decoder, planes: [*mut u8; 3], info: &SBufferInfo) -> Option<DecodedPicture<'a>> {
    if info.iBufferStatus != 1 || planes.iter().any(|plane| plane.is_null()) {
        return None;
    }
    // SAFETY: the library fills this arm of the union, the only one there is, when it gives a picture.
    let buffer = unsafe { info.UsrData.sSystemBuffer };
    let [width, height, stride, chroma_stride] =
        [buffer.iWidth, buffer.iHeight, buffer.iStride[0], buffer.iStride[1]].map(|value| usize::try_from(value).ok());
    let ((width, height), strides) = ((width?, height?), [stride?, chroma_stride?, chroma_stride?]);
    let rows = [(width, height), (width.div_ceil(2), height.div_ceil(2)), (width.div_ceil(2), height.div_ceil(2))];
    let mut borrowed = [(&[][..], 0); 3];
    for (index, (width, height)) in rows.into_iter().enumerate() {
        if width == 0 || height == 0 || strides[index] < width {
            return None;
        }
        // From the first sample to the last: a cropped picture begins inside its buffer.
        let len = (height - 1) * strides[index] + width;
        // SAFETY: a plane holds `height` rows of `width` samples, `stride` bytes apart (codec_def.h), which
        // stay as they are until the decoder is used again; `'a` keeps it borrowed until then.
        borrowed[index] = (unsafe { slice::from_raw_parts(planes[index], len) }, strides[index]);
    }
    Some(DecodedPicture { dimensions: (width, height), planes: borrowed })
}
