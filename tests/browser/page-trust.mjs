// What two people see of each other's words, of the number, and of whoever is between them: cases for page-calls.mjs.

import assert from 'node:assert/strict';

import { LONG } from './page-call.mjs';
import { pageScripts } from './page-scripts.mjs';
import { until } from './until.mjs';

const page = pageScripts('blobs');

/** Two pages of which one says something else of words than it should. */
export const WORDS = {
  'one says nothing of words, which is suspicious; the number is the same': async (call) => {
    const [desk, phone] = await call.pagesMeet(call.browser, call.browser, {
      prepare: (desk) => desk.run('Verification.prototype.begin = async () => null; 0'),
    });
    const numbers = [];
    for (const side of [desk, phone]) {
      await until('it says so', LONG, async () => /should have words[^]*somebody may be between you/.test(await side.text('trust')));
      assert.equal(await side.run("$('trust').classList.contains('suspicious')"), true);
      numbers.push(await numberOf(side));
    }
    assert.match(numbers[0], /^(\d{5} ){11}\d{5}$/);
    assert.equal(numbers[0], numbers[1]);
  },

  "a program that is no p2pcall has none, which is not suspicious": async (call) => {
    // Without what p2pcall adds to a text.
    const bare = (text) => {
      const { type, sdp } = page('readBlob')(text).description;
      return page('writeBlob')({ type, sdp: sdp.replace(/^a=p2pcall:.*\r?\n/m, '') }, 'plain');
    };
    const [desk, phone] = await call.pagesMeet(call.browser, call.browser, {
      change: bare, prepare: (desk) => desk.run('Verification.prototype.begin = async () => null; 0'),
    });
    for (const side of [desk, phone]) {
      await until('it says so', LONG, async () => /The other side's program has no words to compare/.test(await side.text('trust')));
      assert.equal(await side.run("$('trust').classList.contains('suspicious')"), false);
    }
    await desk.run("$('show-number').focus()");
    await desk.key('Enter');
    assert.equal(await numberOf(desk, false), await numberOf(phone));
  },

  'a page that came over http has no words, and says why': async (call) => {
    const [desk] = await call.pagesMeet(call.browser, call.browser, {
      prepare: (desk) => desk.run("Object.defineProperty(crypto, 'subtle', { value: undefined }); 0"),
    });
    await until('it says so', LONG, async () => /open this page over https, or save it and open the file/.test(await desk.text('trust')));
    assert.equal(await desk.isShown('safety'), false);
  },

  'a number that comes twice ends it: an alert stays': async (call) => {
    const [desk, phone] = await call.pagesMeet(call.browser, call.browser, {
      prepare: (_, phone) => phone.run(says('text.includes("verify_nonce") ? [text, text] : [text]')),
    });
    await until('the alert', LONG, async () => /came out of turn: somebody may be between you/.test(await desk.text('trust-failure')));
    assert.equal(await desk.isShown('words-same'), false);
    // To the other side all is well: it is the person of this side who says that it is not.
    await until('words', LONG, () => phone.isShown('words-same'));
    await takesWords(phone);
    assert.equal(await desk.isShown('trust-failure'), true);
    await phone.press('hang-up');
    await until('the end', LONG, () => desk.isShown('end'));
    assert.match(await desk.text('end'), /came out of turn/);
  },

  'another number than was bound to ends it; unknown messages do not': async (call) => {
    const [desk, phone] = await call.pagesMeet(call.browser, call.browser, {
      prepare: (desk) => desk.run(says(`['{"say":"verify_more"}', '{"say":"name","name":"Anna"}', '7', '[]', 'null', 'nonsense',
        text.includes('verify_reveal') ? JSON.stringify({ say: 'verify_reveal', nonce: btoa('x'.repeat(32)) }) : text]`)),
    });
    await until('the alert', LONG, async () => /sees other certificates than this one/.test(await phone.text('trust-failure')));
    assert.match(await desk.text('words'), /^\w+ \w+ \w+ \w+$/);
  },
};

/** Has a page say on its data channel, for each `text`, what this expression lists. */
const says = (expression) => `(() => {
  const { send } = RTCDataChannel.prototype;
  RTCDataChannel.prototype.send = function (text) {
    for (const said of ${expression}) send.call(this, said);
  };
})()`;

/** Opens the number, unless it is open, and returns it. */
async function numberOf(side, press = true) {
  if (press) await side.press('show-number');
  await until('the number', LONG, async () => /\d$/.test(await side.text('safety-number')));
  return (await side.text('safety-number')).replace(/\s+/g, ' ');
}

/** Whether both show four words, the same ones, and the page takes it that they are. */
export async function sameWords(call) {
  const { words } = await until('p2pcall has words', LONG, () => call.program.events.find(({ event }) => event === 'verification_words'));
  assert.match(words, /^\w+ \w+ \w+ \w+$/);
  await until('the page shows them', LONG, async () => await call.visitor.text('words') === words);
  assert(call.program.words.some((line) => line.includes(`Compare these words with the other person: ${words}`)));
  await takesWords(call.visitor);
}

/** Presses the button by the words. */
export async function takesWords(visitor) {
  await visitor.press('words-same');
  assert.match(await visitor.text('trust'), /^The words are the same: nobody is between you\.$/);
  assert.equal(await visitor.run('document.activeElement.id'), 'trust-same', 'what is new is in focus');
}
