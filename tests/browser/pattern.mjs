// The number at the top of p2pcall's test pattern (src/source/test_pattern.rs), painted and read.
// Runs in the page as well as in Node.

const COLUMNS = 24;
const SQUARES = 2 * COLUMNS;

/** Paints the number's squares into the upper sixth of a canvas. */
export function paintNumber(context, number, width, height) {
  code(number).forEach((white, index) => {
    const [x, y, w, h] = square(index, width, height);
    context.fillStyle = white ? 'white' : 'black';
    context.fillRect(x, y, w, h);
  });
}

/**
 * Reads the number from luma, row after row without padding; `height` is the whole picture's, of
 * which the upper sixth is enough. Returns null if there is no number to be read.
 */
export function readNumber(luma, width, height) {
  const whites = [];
  for (let index = 0; index < SQUARES; index++) {
    const [x, y, w, h] = square(index, width, height);
    // The middle alone: edges blur.
    const [left, right] = [x + (w >> 2), x + w - (w >> 2)];
    const [top, bottom] = [y + (h >> 2), y + h - (h >> 2)];
    let sum = 0;
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) sum += luma[row * width + column];
    }
    const mean = sum / ((right - left) * (bottom - top));
    if (mean >= 100 && mean < 150) return null;
    whites.push(mean >= 150);
  }
  let number = 0;
  for (let bit = 0; bit < 32; bit++) number = (number << 1) | whites[place(bit)];
  return code(number).every((white, index) => white === whites[index]) ? number >>> 0 : null;
}

/** Whether each square is white: four that are always the same, 32 bits of number, 8 of CRC. */
function code(number) {
  const whites = new Array(SQUARES).fill(false);
  for (const index of [0, COLUMNS - 2, COLUMNS - 1, COLUMNS + 1]) whites[index] = true;
  const crc = crc8(number);
  for (let bit = 0; bit < 40; bit++) {
    whites[place(bit)] = ((bit < 32 ? number >>> (31 - bit) : crc >>> (39 - bit)) & 1) === 1;
  }
  return whites;
}

function place(bit) {
  return bit < COLUMNS - 4 ? 2 + bit : 6 + bit;
}

function crc8(number) {
  let crc = 0xff;
  for (const shift of [24, 16, 8, 0]) {
    crc ^= (number >>> shift) & 0xff;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
  }
  return crc;
}

function square(index, width, height) {
  const left = (column) => Math.floor((column * width) / COLUMNS);
  const top = (row) => Math.floor((row * height) / 12);
  const [column, row] = [index % COLUMNS, Math.floor(index / COLUMNS)];
  return [left(column), top(row), left(column + 1) - left(column), top(row + 1) - top(row)];
}
