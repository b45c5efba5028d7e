// A tone, made and recognised; 48 kHz, mono, 16 bits.

const RATE = 48_000;
/** As p2pcall's own: -12 dB. */
const AMPLITUDE = 0.25 * 32767;

/** Returns so many samples of a tone, from one on. */
export function samples(hz, first, count) {
  return Int16Array.from({ length: count }, (_, n) => AMPLITUDE * Math.sin((2 * Math.PI * hz * (first + n)) / RATE));
}

/** Tells after each half second of sound how much of its power lies at one frequency. */
export class Ear {
  #power = 0;
  #sine = 0;
  #cosine = 0;
  #count = 0;

  constructor(hz, tell) {
    Object.assign(this, { hz, tell });
  }

  /** Takes samples; of several channels each `step`th. */
  hear(samples, step = 1) {
    for (let at = 0; at < samples.length; at += step) {
      const angle = (2 * Math.PI * this.hz * this.#count) / RATE;
      this.#power += samples[at] ** 2;
      this.#sine += samples[at] * Math.sin(angle);
      this.#cosine += samples[at] * Math.cos(angle);
      if (++this.#count === RATE / 2) this.#judge();
    }
  }

  #judge() {
    const share = this.#power > 0 ? (2 * (this.#sine ** 2 + this.#cosine ** 2)) / (this.#count * this.#power) : 0;
    this.tell('sound', { share, rms: Math.sqrt(this.#power / this.#count) / 32768 });
    [this.#power, this.#sine, this.#cosine, this.#count] = [0, 0, 0, 0];
  }
}
