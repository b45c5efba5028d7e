// What p2pcall wrote to a WAV file, judged piece by piece: a buffer that stretches sound by a few milliseconds, as
// it does on a busy machine, shifts the tone's phase, and that is no fault.

import { existsSync, readFileSync } from 'node:fs';

/** Returns the share of fiftieths of the newest second that are this tone, and how many there are: 50 if there is so much. */
export function toneFiftieths(path, hz) {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const data = bytes.indexOf('data') + 8;
  if (data < 44) return { share: 0, count: 0 };
  const [channels, rate, bits] = [bytes.readUInt16LE(22), bytes.readUInt32LE(24), bytes.readUInt16LE(34)];
  const frame = (channels * bits) / 8;
  const piece = rate / 50;
  let [tones, count] = [0, 0];
  const whole = Math.floor((bytes.length - data) / (piece * frame));
  for (let at = data + Math.max(0, whole - 50) * piece * frame; at + piece * frame <= bytes.length; at += piece * frame, count++) {
    let [sine, cosine, power] = [0, 0, 0];
    for (let n = 0; n < piece; n++) {
      const place = at + n * frame;
      const sample = bits === 32 ? bytes.readFloatLE(place) : bytes.readInt16LE(place) / 32768;
      const angle = (2 * Math.PI * hz * n) / rate;
      sine += sample * Math.sin(angle);
      cosine += sample * Math.cos(angle);
      power += sample * sample;
    }
    const share = (2 * (sine ** 2 + cosine ** 2)) / (piece * power);
    if (share > 0.9 && Math.sqrt(power / piece) > 0.05) tones++;
  }
  return { share: tones / count, count };
}
