//! Painting and scaling of I420 pictures.

use super::{MediaTime, Size, VideoFrame};

/// A picture being painted.
#[derive(Clone, Debug)]
pub struct Canvas {
    size: Size,
    planes: Vec<u8>,
}

impl Canvas {
    /// Returns a black canvas.
    pub fn new(size: Size) -> Self {
        let mut planes = vec![128; size.i420_len()];
        planes[..size.pixels()].fill(16);
        Self { size, planes }
    }

    /// Fills a rectangle, clipped to the canvas, with one limited-range colour `[y, u, v]`.
    pub fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: [u8; 3]) {
        let mut offset = 0;
        for (plane, value) in colour.into_iter().enumerate() {
            let (plane_width, plane_height) =
                if plane == 0 { (self.size.width(), self.size.height()) } else { self.size.chroma() };
            let shift = usize::from(plane != 0);
            let columns = (x >> shift).min(plane_width)..((x + width) >> shift).min(plane_width);
            for row in (y >> shift).min(plane_height)..((y + height) >> shift).min(plane_height) {
                let start = offset + row * plane_width;
                self.planes[start + columns.start..start + columns.end].fill(value);
            }
            offset += plane_width * plane_height;
        }
    }

    /// Ends the painting.
    ///
    /// # Panics
    /// Never: the planes have the length of the size from the start.
    pub fn into_frame(self, captured_at: MediaTime) -> VideoFrame {
        VideoFrame::new(captured_at, self.size, self.planes).expect("a canvas has the length of its size")
    }
}

impl VideoFrame {
    /// Returns the picture at another size; a clone if the size is already right.
    pub fn scaled(&self, size: Size) -> Self {
        if self.size() == size {
            return self.clone();
        }
        let (from_chroma, to_chroma) = (self.size().chroma(), size.chroma());
        let mut planes = Vec::with_capacity(size.i420_len());
        nearest(self.y(), (self.size().width(), self.size().height()), (size.width(), size.height()), &mut planes);
        nearest(self.u(), from_chroma, to_chroma, &mut planes);
        nearest(self.v(), from_chroma, to_chroma, &mut planes);
        Self::new(self.captured_at, size, planes).expect("each plane is scaled to its length")
    }
}

fn nearest(plane: &[u8], from: (usize, usize), to: (usize, usize), out: &mut Vec<u8>) {
    for y in 0..to.1 {
        let row = &plane[y * from.1 / to.1 * from.0..][..from.0];
        out.extend((0..to.0).map(|x| row[x * from.0 / to.0]));
    }
}
