"""A tone, made and recognised; 48 kHz, mono, 16 bits."""

import array
import math

RATE = 48_000
# As p2pcall's own: -12 dB.
AMPLITUDE = 0.25 * 32767


def samples(hz, first, count):
    """Returns so many samples of a tone, from one on, as bytes."""
    return array.array("h", (int(AMPLITUDE * math.sin(math.tau * hz * n / RATE)) for n in range(first, first + count))).tobytes()


class Ear:
    """Tells after each half second of sound how much of its power lies at one frequency."""

    def __init__(self, hz, tell):
        self._wave = [(math.sin(math.tau * hz * n / RATE), math.cos(math.tau * hz * n / RATE)) for n in range(RATE // 2)]
        self._heard = array.array("h")
        self._tell = tell

    def hear(self, mono):
        """Takes samples: anything that `array` takes."""
        self._heard.extend(mono)
        count = len(self._wave)
        while len(self._heard) >= count:
            block, self._heard = self._heard[:count], self._heard[count:]
            power = sum(sample * sample for sample in block)
            sine = sum(sample * wave[0] for sample, wave in zip(block, self._wave))
            cosine = sum(sample * wave[1] for sample, wave in zip(block, self._wave))
            share = 2 * (sine**2 + cosine**2) / (count * power) if power else 0
            self._tell("sound", share=round(share, 3), rms=round(math.sqrt(power / count) / 32768, 4))
