// The words that two people compare, as web/index.html makes them: without a browser. The last line says how many cases passed.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { finish, pageScripts, runCases } from './page-scripts.mjs';

const page = pageScripts('blobs', 'verification');
const [Verification, fingerprintOf, safetyNumber, isVerification] =
  ['Verification', 'fingerprintOf', 'safetyNumber', 'isVerification'].map(page);

const filled = (byte) => new Uint8Array(32).fill(byte);
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

/** The certificates of the example in docs/security.md, and both sides' numbers. */
const [OFFERER, ANSWERER] = [filled(1), filled(2)];
const offerer = (given) => new Verification({ isOfferer: true, own: OFFERER, remote: ANSWERER, nonce: filled(3), ...given });
const answerer = (given) => new Verification({ isOfferer: false, own: ANSWERER, remote: OFFERER, nonce: filled(4), ...given });

const commit = (bytes) => ({ say: 'verify_commit', commitment: base64(bytes) });
const nonce = (bytes) => ({ say: 'verify_nonce', nonce: base64(bytes) });
const reveal = (bytes) => ({ say: 'verify_reveal', nonce: base64(bytes) });

const BROKEN = /cannot be read: somebody may be between you\. Hang up and call again\.$/;
const OUT_OF_TURN = /came out of turn: somebody may be between you\. Hang up and call again\.$/;
const OTHER_CERTIFICATES = /sees other certificates than this one: somebody is between you\. Hang up\.$/;

/** Carries all messages over. Returns the words of both sides. */
async function talk(one, other) {
  let message = await one.begin();
  for (let [hears, said] = [other, one]; message; [hears, said] = [said, hears]) {
    message = await hears.hear(JSON.parse(JSON.stringify(message)));
  }
  return [one.words, other.words];
}

/** Somebody between two people, who rewrote the texts: each of them is connected to him. */
class Middle {
  static #count = 0;

  /** Numbers that nobody in the play can foresee, the same ones each time. */
  static next() {
    return new Uint8Array(createHash('sha256').update(String(Middle.#count++)).digest());
  }

  constructor() {
    // Whose certificates Alice and Bob have, and what each of them sees as the other's.
    [this.alices, this.bobs, this.toAlice, this.toBob] = Array.from({ length: 4 }, Middle.next);
    this.alice = new Verification({ isOfferer: true, own: this.alices, remote: this.toAlice, nonce: Middle.next() });
    this.bob = new Verification({ isOfferer: false, own: this.bobs, remote: this.toBob, nonce: Middle.next() });
  }

  /** Sends Bob a commitment as he would expect it from Alice; returns Bob's number. */
  async commitToBob(number) {
    const own = new Verification({ isOfferer: true, own: this.toBob, remote: this.bobs, nonce: number });
    return this.tell(this.bob, await own.begin());
  }

  async tell(side, message) {
    const { nonce } = (await side.hear(message)) ?? {};
    return nonce && new Uint8Array(Buffer.from(nonce, 'base64'));
  }
}

/** What he does, how often it is tried, and whether both people have words at the end: elsewhere one is told of him. */
const ATTACKS = {
  'his own numbers for both': [10_000, true, async (play) => {
    const [toAlice, toBob] = [Middle.next(), Middle.next()];
    await play.alice.begin();
    await play.tell(play.alice, nonce(toAlice));
    await play.commitToBob(toBob);
    await play.tell(play.bob, reveal(toBob));
  }],
  "Bob's number for Alice": [1000, true, async (play) => {
    const mine = Middle.next();
    await play.alice.begin();
    const bobs = await play.commitToBob(mine);
    await play.tell(play.alice, nonce(bobs));
    await play.tell(play.bob, reveal(mine));
  }],
  "Alice's number for Bob": [1000, true, async (play) => {
    await play.alice.begin();
    const alices = await play.tell(play.alice, nonce(Middle.next()));
    await play.commitToBob(alices);
    await play.tell(play.bob, reveal(alices));
  }],
  'every message is handed on': [1000, false, async (play) => {
    const bobs = await play.tell(play.bob, await play.alice.begin());
    const alices = await play.tell(play.alice, nonce(bobs));
    await play.tell(play.bob, reveal(alices));
  }],
  'another number than he was bound to': [1000, false, async (play) => {
    await play.alice.begin();
    await play.tell(play.alice, nonce(Middle.next()));
    await play.commitToBob(Middle.next());
    await play.tell(play.bob, reveal(Middle.next()));
  }],
  'a second number for Alice': [1000, false, async (play) => {
    const mine = Middle.next();
    await play.alice.begin();
    await play.tell(play.alice, nonce(mine));
    await play.commitToBob(mine);
    await play.tell(play.bob, reveal(mine));
    await play.tell(play.alice, nonce(Middle.next()));
  }],
};

const CASES = {
  "the list is the program's": () => {
    const list = readFileSync(new URL('../../src/trust/words.txt', import.meta.url), 'utf8');
    assert.equal(list.trim().split('\n').length, 256);
    assert.deepEqual(Array.from(page('WORDS')), list.trim().split(/\s+/));
  },

  'the examples of docs/security.md': async () => {
    assert.deepEqual(await talk(offerer(), answerer()), Array(2).fill('flatfoot performance optic backwater'));
    const abc = createHash('sha256').update('abc').digest();
    const number = '03965 06832 80307 09015 30104 14788 27406 13877 97391 31883 42444 25940';
    for (const pair of [[abc, filled(1)], [filled(1), abc]]) assert.equal(await safetyNumber(...pair.map((one) => new Uint8Array(one))), number);
  },

  'two honest sides see the same words, others each time': async () => {
    const seen = new Set();
    for (let tries = 0; tries < 50; tries++) {
      // Their numbers are those of the browser.
      const [here, there] = await talk(offerer({ nonce: undefined }), answerer({ nonce: undefined }));
      assert.match(here, /^\w+ \w+ \w+ \w+$/);
      assert.equal(here, there);
      seen.add(here);
    }
    assert.equal(seen.size, 50);
  },

  'the words depend on both numbers and both certificates': async () => {
    const usual = offerer();
    await talk(usual, answerer());
    for (const [own, remote, ours, theirs] of [
      [OFFERER, ANSWERER, filled(9), filled(4)],
      [OFFERER, ANSWERER, filled(3), filled(9)],
      [filled(9), ANSWERER, filled(3), filled(4)],
      [OFFERER, filled(9), filled(3), filled(4)],
      [OFFERER, ANSWERER, filled(4), filled(3)],
      [ANSWERER, OFFERER, filled(3), filled(4)],
    ]) {
      const [here, there] = await talk(offerer({ own, remote, nonce: ours }), answerer({ own: remote, remote: own, nonce: theirs }));
      assert.equal(here, there);
      assert.notEqual(here, usual.words);
    }
  },

  'a message out of turn, or twice, ends it for good': async () => {
    const commitment = commit(filled(5));
    for (const [name, side, begins, said, words] of [
      ['a number before the commitment', offerer(), false, [nonce(filled(4))], OUT_OF_TURN],
      ['our commitment comes back', offerer(), true, [commitment], OUT_OF_TURN],
      ['a reveal in place of a number', offerer(), true, [reveal(filled(3))], OUT_OF_TURN],
      ['two numbers', offerer(), true, [nonce(filled(4)), nonce(filled(4))], OUT_OF_TURN],
      ['a commitment after the words', offerer(), true, [nonce(filled(4)), commitment], OUT_OF_TURN],
      ['a number to who answers', answerer(), false, [nonce(filled(4))], OUT_OF_TURN],
      ['a reveal without commitment', answerer(), false, [reveal(filled(3))], OUT_OF_TURN],
      ['two commitments', answerer(), false, [commitment, commitment], OUT_OF_TURN],
      ['another number than it was bound to', answerer(), false, [commitment, reveal(filled(3))], OTHER_CERTIFICATES],
      ['a reveal after the words', answerer(), false, [await offerer().begin(), reveal(filled(3)), reveal(filled(3))], OUT_OF_TURN],
    ]) {
      if (begins) await side.begin();
      // All at once, as messages may come.
      const replies = await Promise.all(said.map((message) => side.hear(message)));
      assert.equal(replies.at(-1), null, name);
      assert.match(side.failure, words, name);
      const { failure } = side;
      for (const message of [commitment, nonce(filled(4)), reveal(filled(3)), { say: 'verify_nonce' }]) {
        assert.equal(await side.hear(message), null, `${name}: no second try`);
      }
      assert.equal(await side.begin(), null, name);
      assert.deepEqual([side.words, side.failure], [null, failure], name);
    }
  },

  'only who offered begins, and once': async () => {
    const side = offerer();
    assert.deepEqual(Object.keys(await side.begin()), ['say', 'commitment']);
    assert.equal(await side.begin(), null);
    assert.equal(await answerer().begin(), null);
  },

  'a broken message ends it': async () => {
    for (const message of [
      { say: 'verify_commit' },
      { say: 'verify_commit', commitment: '' },
      { say: 'verify_commit', commitment: 'AwMD' },
      { say: 'verify_commit', commitment: [3] },
      { say: 'verify_commit', nonce: base64(filled(3)) },
      { say: 'verify_commit', commitment: base64(filled(3)).slice(0, -1) },
      { say: 'verify_commit', commitment: ` ${base64(filled(3))}` },
      { say: 'verify_nonce', nonce: 'AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwN=' },
      { say: 'verify_reveal', nonce: 'AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=' },
    ]) {
      const side = answerer();
      assert(isVerification(message));
      assert.equal(await side.hear(message), null);
      assert.match(side.failure, BROKEN, JSON.stringify(message));
    }
    const side = answerer();
    // Newer programs may say more.
    assert.equal((await side.hear({ ...commit(filled(5)), more: 1 })).say, 'verify_nonce');
  },

  'what is about something else is left alone': () => {
    for (const message of [null, 7, 'verify_commit', [], {}, { say: 'bye' }, { say: 'verify_more' }, { say: ['verify_commit'] }]) {
      assert.equal(isVerification(message), false, JSON.stringify(message));
    }
  },

  'a man in the middle cannot make the words equal': async () => {
    for (const [name, [tries, haveWords, attack]] of Object.entries(ATTACKS)) {
      for (let count = 0; count < tries; count++) {
        const play = new Middle();
        await attack(play);
        const [alice, bob] = [play.alice.words, play.bob.words];
        assert.equal(alice !== null && bob !== null, haveWords, name);
        assert.notEqual(alice, bob, name);
        assert.equal(play.alice.failure === null && play.bob.failure === null, haveWords, name);
      }
      console.log(`    ${name}: seen ${tries} times of ${tries}`);
    }
  },

  'a description has one fingerprint, or is refused': () => {
    const bytes = 'BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD';
    const abc = `a=fingerprint:sha-256 ${bytes}`;
    const other = abc.replace('BA', 'BB');
    const expected = new Uint8Array(createHash('sha256').update('abc').digest());
    for (const sdp of [`v=0\n${abc}\n`, `v=0\r\n${abc}\r\nm=audio\r\n${abc.toLowerCase()}`, abc.toUpperCase().replace('A=', 'a='), `v=0\n A=Fingerprint : SHA-256  ${bytes} \n`]) {
      assert.deepEqual(Buffer.from(fingerprintOf(sdp)), Buffer.from(expected), sdp);
    }
    for (const [sdp, words] of [
      ['', /has no fingerprint/],
      [`a=x-fingerprint:sha-256 ${bytes}`, /has no fingerprint/],
      [`${abc}\nm=audio\n${other}`, /more than one fingerprint: it may have been tampered with/],
      [`${abc}\n A=FingerPrint${other.slice(13)}`, /more than one/],
      [`${abc}\ns= \r${other}`, /more than one/],
      [`${abc}\n${abc.replace('256', '1')}`, /was made with sha-1, only sha-256 is taken/],
      [abc.replace('sha-256', '\x1b[31mMD5'), /was made with \[31mMD5,/],
      [`${abc}\na=fingerprint`, /is not 32 bytes in hexadecimal/],
      [`${abc}:00`, /is not 32 bytes/],
      [abc.slice(0, -3), /is not 32 bytes/],
      [abc.replace('BA', '+A'), /is not 32 bytes/],
      [abc.replace(/(?<=[0-9A-F]{2}):/g, ''), /is not 32 bytes/],
    ]) {
      assert.throws(() => fingerprintOf(sdp), { message: words }, sdp);
    }
  },
};

const counts = await runCases(CASES);
finish([counts]);
