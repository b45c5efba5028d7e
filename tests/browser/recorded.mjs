// What p2pcall wrote to files: pictures as Y4M (I420), sound as WAV.

import { readFileSync } from 'node:fs';

import { readNumber } from './pattern.mjs';

/** Returns each whole picture's number, size, and chroma in its lower half. */
export function pictures(path) {
  const bytes = readFileSync(path);
  const headerEnd = bytes.indexOf(0x0a);
  if (headerEnd < 0) return [];
  const header = bytes.toString('latin1', 0, headerEnd);
  const [width, height] = ['W', 'H'].map((letter) => Number(header.match(` ${letter}(\\d+)`)[1]));
  const chromaWidth = Math.ceil(width / 2);
  const [luma, chroma] = [width * height, chromaWidth * Math.ceil(height / 2)];
  const found = [];
  for (let at = headerEnd + 1; ; ) {
    const begin = bytes.indexOf(0x0a, at) + 1;
    if (begin === 0 || begin + luma + 2 * chroma > bytes.length) return found;
    const spot = begin + luma + Math.floor(chroma * 0.9);
    const number = readNumber(bytes.subarray(begin, begin + luma), width, height);
    found.push({ number, width, height, u: bytes[spot], v: bytes[spot + chroma] });
    at = begin + luma + 2 * chroma;
  }
}

/** Returns the share of the sound's power that lies at a frequency, 0 to 1, from its second second on. */
export function toneShare(path, hz) {
  const bytes = readFileSync(path);
  const [channels, rate, bits] = [bytes.readUInt16LE(22), bytes.readUInt32LE(24), bytes.readUInt16LE(34)];
  const data = bytes.indexOf('data') + 8;
  const frame = (channels * bits) / 8;
  let [sine, cosine, power, count] = [0, 0, 0, 0];
  for (let at = data + rate * frame; at + frame <= bytes.length && count < 2 * rate; at += frame, count++) {
    const sample = bits === 32 ? bytes.readFloatLE(at) : bytes.readInt16LE(at) / 32768;
    const angle = (2 * Math.PI * hz * count) / rate;
    sine += sample * Math.sin(angle);
    cosine += sample * Math.cos(angle);
    power += sample * sample;
  }
  return { share: (2 * (sine ** 2 + cosine ** 2)) / (count * power), rms: Math.sqrt(power / count), count };
}
