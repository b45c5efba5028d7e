//! Buffers of pictures, used again.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::{FrameError, MediaTime, Size, VideoFrame};

/// Makes pictures out of the buffers of those that nobody looks at any more: a new buffer of a
/// megabyte costs a page fault for every 4 KB of it, each time.
///
/// **Keeps at most four unused buffers; the system gets back the others.** Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FramePool {
    unused: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// The most buffers that wait unused: as many pictures as are under way at once.
const CAPACITY: usize = 4;

impl FramePool {
    /// Makes a picture whose planes, Y, U and V without padding, `fill` appends to an empty buffer.
    ///
    /// # Errors
    /// If they are not exactly [`Size::i420_len`] bytes.
    pub fn frame(
        &self,
        captured_at: MediaTime,
        size: Size,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<VideoFrame, FrameError> {
        let mut buffer = self.take(size.i420_len());
        buffer.planes.clear();
        fill(&mut buffer.planes);
        VideoFrame::new(captured_at, size, buffer)
    }

    /// Returns a buffer of `len` bytes to be written over: what is in it means nothing.
    pub(crate) fn buffer(&self, len: usize) -> FrameBuffer {
        let mut buffer = self.take(len);
        buffer.planes.resize(len, 0);
        buffer
    }

    fn take(&self, len: usize) -> FrameBuffer {
        let unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // One of another size is left to the system, or a large picture would be held for small ones.
        let planes = unused
            .filter(|planes| (len..=2 * len).contains(&planes.capacity()))
            .unwrap_or_else(|| Vec::with_capacity(len));
        FrameBuffer { planes, pool: self.clone() }
    }
}

/// A buffer that goes back when the last look at it ends.
#[derive(Debug)]
pub(crate) struct FrameBuffer {
    planes: Vec<u8>,
    pool: FramePool,
}

impl Deref for FrameBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.planes
    }
}

impl DerefMut for FrameBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.planes
    }
}

impl AsRef<[u8]> for FrameBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<FrameBuffer> for Bytes {
    fn from(buffer: FrameBuffer) -> Self {
        Self::from_owner(buffer)
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        let mut unused = self.pool.unused.lock().unwrap_or_else(PoisonError::into_inner);
        if unused.len() < CAPACITY {
            unused.push(std::mem::take(&mut self.planes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_nobody_looks_at_it() {
        let pool = FramePool::default();
        let grey = |size: Size, grey: u8| {
            let frame = pool.frame(MediaTime::ZERO, size, |planes| planes.resize(size.i420_len(), grey));
            frame.expect("the right length")
        };
        let address = |frame: &VideoFrame| frame.planes().as_ptr();
        let first = grey(Size::HD, 1);
        let seen = first.clone();
        let first_address = address(&first);
        drop(first);
        let second = grey(Size::HD, 2);
        assert_ne!(address(&second), first_address, "somebody still looks");
        drop(seen);
        let third = grey(Size::HD, 3);
        assert_eq!(address(&third), first_address);
        assert!(third.planes().iter().all(|sample| *sample == 3) && second.planes().iter().all(|sample| *sample == 2));
    }

    #[test]
    fn sizes_change_and_little_is_kept() {
        let pool = FramePool::default();
        let small = Size::new(16, 16).expect("in range");
        for size in [Size::HD, small, Size::HD, small] {
            let frames: Vec<_> =
                (0..9).map(|_| pool.frame(MediaTime::ZERO, size, |planes| planes.resize(size.i420_len(), 0))).collect();
            assert!(frames.iter().all(Result::is_ok));
            drop(frames);
            assert_eq!(pool.unused.lock().expect("nobody panics").len(), CAPACITY);
        }
        assert!(pool.frame(MediaTime::ZERO, small, |planes| planes.push(0)).is_err());
    }
}
