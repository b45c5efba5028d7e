// Waiting for what a browser or a program does.

import assert from 'node:assert/strict';

/** Asks again and again until the answer is true. */
export async function until(what, seconds, condition) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    assert(Date.now() < deadline, `not within ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
