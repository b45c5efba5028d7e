// p2pcall's pattern as planes: what browsers paint with a canvas.

import { paintNumber } from '../browser/pattern.mjs';

/** Video levels of black, white, grey, and blue. */
const [BLACK, WHITE, GREY, BLUE] = [16, 235, 126, { y: 41, u: 240, v: 110 }];

/** Returns a grey picture (I420) with a number, its lower half blue. */
export function picture(number, width, height) {
  const data = new Uint8ClampedArray((width * height * 3) / 2);
  const [luma, chroma] = [width * height, (width * height) / 4];
  data.fill(GREY, 0, luma / 2).fill(BLUE.y, luma / 2, luma).fill(128, luma);
  data.fill(BLUE.u, luma + chroma / 2, luma + chroma).fill(BLUE.v, luma + chroma * 1.5);
  const canvas = {
    fillStyle: 'white',
    fillRect(x, y, w, h) {
      for (let row = y; row < y + h; row++) data.fill(this.fillStyle === 'white' ? WHITE : BLACK, row * width + x, row * width + x + w);
    },
  };
  paintNumber(canvas, number, width, height);
  // Something that moves, so that no codec skips pictures.
  canvas.fillStyle = 'white';
  canvas.fillRect((number * 8) % (width - 32), Math.floor(height / 3), 32, 32);
  return data;
}
