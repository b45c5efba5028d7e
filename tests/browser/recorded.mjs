// What p2pcall wrote to files: pictures as Y4M (I420), sound as WAV.

import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

import { readNumber } from './pattern.mjs';

/** A film that p2pcall writes. Each picture is read once: a film of a minute has a gigabyte. */
export class Film {
  #path;
  #found = [];
  /** What was read is before this. */
  #at = 0;
  #size = null;

  constructor(path) {
    this.#path = path;
  }

  /** Returns each whole picture's number, size, and chroma in its lower half. */
  get pictures() {
    if (!existsSync(this.#path)) return [];
    const file = openSync(this.#path);
    try {
      const { size: length } = fstatSync(file);
      this.#size ??= this.#readHeader(file, length);
      while (this.#size && this.#at + this.#size.bytes <= length) this.#found.push(this.#readPicture(file));
    } finally {
      closeSync(file);
    }
    return this.#found;
  }

  #readHeader(file, length) {
    const start = read(file, 0, Math.min(length, 200));
    this.#at = start.indexOf(0x0a) + 1;
    if (this.#at === 0) return null;
    const [width, height] = ['W', 'H'].map((letter) => Number(start.toString('latin1').match(` ${letter}(\\d+)`)[1]));
    const luma = width * height;
    const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
    return { width, height, luma, chroma, bytes: MARK.length + luma + 2 * chroma };
  }

  #readPicture(file) {
    const { width, height, luma, chroma, bytes } = this.#size;
    const picture = read(file, this.#at + MARK.length, bytes - MARK.length);
    this.#at += bytes;
    const spot = luma + Math.floor(chroma * 0.9);
    return { number: readNumber(picture, width, height), width, height, u: picture[spot], v: picture[spot + chroma] };
  }
}

const MARK = 'FRAME\n';

function read(file, at, length) {
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, at);
  return bytes;
}

/**
 * Returns the share of the sound's power that lies at a frequency, 0 to 1, how loud it is (RMS), and how many samples
 * that is of: of two seconds from the second second on, or of the last half second. The share is that of most tenths of
 * a second: sound is stretched a little where a machine falls behind.
 */
export function toneShare(path, hz, { last = false } = {}) {
  const bytes = existsSync(path) ? readFileSync(path) : [];
  if (bytes.length < 100) return { share: 0, rms: 0, count: 0 };
  const [channels, rate, bits] = [bytes.readUInt16LE(22), bytes.readUInt32LE(24), bytes.readUInt16LE(34)];
  const frame = (channels * bits) / 8;
  const data = bytes.indexOf('data') + 8;
  const frames = Math.floor((bytes.length - data) / frame);
  const [begin, end] = last ? [Math.max(0, frames - rate / 2), frames] : [rate, Math.min(frames, 3 * rate)];
  const shares = [];
  let power = 0;
  for (let start = begin; start + rate / 10 <= end; start += rate / 10) {
    let [sine, cosine, own] = [0, 0, 0];
    for (let index = start; index < start + rate / 10; index++) {
      const at = data + index * frame;
      const sample = bits === 32 ? bytes.readFloatLE(at) : bytes.readInt16LE(at) / 32768;
      const angle = (2 * Math.PI * hz * index) / rate;
      sine += sample * Math.sin(angle);
      cosine += sample * Math.cos(angle);
      own += sample * sample;
    }
    shares.push(own > 0 ? (2 * (sine ** 2 + cosine ** 2)) / ((rate / 10) * own) : 0);
    power += own;
  }
  const count = shares.length * (rate / 10);
  return { share: shares.sort((one, other) => one - other)[shares.length >> 1] ?? 0, rms: Math.sqrt(power / Math.max(1, count)), count };
}
