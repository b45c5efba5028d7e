// Calls between p2pcall and Chromium, both on this machine. The last line says how many cases passed.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Chromium } from './chromium.mjs';
import { Program } from './program.mjs';
import { pictures, toneShare } from './recorded.mjs';
import { Relay } from './relay.mjs';
import { until } from './until.mjs';

const built = fileURLToPath(new URL('../../target/debug/p2pcall', import.meta.url));
const path = process.argv[2] ?? process.env.P2PCALL ?? built;
const chromiumPath = process.env.CHROMIUM ?? 'chromium';
if (!existsSync(path)) {
  console.error(`There is no ${path}. Build it first: cargo build`);
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), 'p2pcall-browser-'));
const picture = join(directory, 'picture.y4m');
const sound = join(directory, 'sound.wav');

const OURS = { width: 640, height: 360, toneHz: 440 };
const THEIRS = { send: true, width: 480, height: 270, toneHz: 600 };
const FROM_PROGRAM = ['--bind', '127.0.0.1', '--no-stun', '--video', 'test', '--audio', `tone:${OURS.toneHz}`,
  '--size', `${OURS.width}x${OURS.height}`, '--fps', '15', '--max-bitrate', '800',
  '--show', `file:${picture}`, '--speaker', `file:${sound}`];

/** p2pcall offers, Chromium answers; with a relay, through it. */
async function weOffer(call, options = THEIRS) {
  call.program = new Program(path, ['offer', ...FROM_PROGRAM]);
  let offer = await call.program.description();
  if (call.relay) {
    call.relay = await Relay.start(Number(offer.sdp.match(/a=rtpmap:(\d+) H264/)[1]));
    offer = call.relay.standFor('program', offer);
  }
  const answer = await call.page.ask('answer', offer, options);
  call.program.paste(call.relay ? call.relay.standFor('browser', answer) : answer);
  await connected(call);
}

/** Chromium offers, p2pcall answers. */
async function theyOffer(call, options = THEIRS) {
  call.program = new Program(path, ['answer', ...FROM_PROGRAM]);
  call.program.paste(await call.page.ask('offer', options));
  await call.page.ask('connection.setRemoteDescription', await call.program.description());
  await connected(call);
}

async function connected({ program, page }) {
  await until('connected', 20, async () => {
    assert.equal(program.child.exitCode, null, program.words.join('\n'));
    return program.events.some(({ state }) => state === 'connected') && await page.run('connection.connectionState') === 'connected';
  });
}

/** Pictures and sound arrive on both sides and are what the other one sent. */
async function flows({ program, page }) {
  const numbers = (list) => list.map(({ number }) => number).filter((number) => number !== null);

  const there = await until('Chromium shows 30 of our pictures', 30, async () => {
    const list = await page.run('seen.pictures');
    return numbers(list).length >= 30 && list;
  });
  rising(numbers(there));
  assert(numbers(there).length >= 0.95 * there.length, `${numbers(there).length} of ${there.length} readable`);
  const { width, height } = there.at(-1);
  assert.equal((width / height).toFixed(2), (16 / 9).toFixed(2));
  const reds = there.filter(({ red: [r, g, b] }) => r > 150 && g < 60 && b < 60);
  assert(reds.length > there.length / 3, `the red bar is red: ${JSON.stringify(there.at(-1).red)}`);
  const inbound = await page.ask('figures', 'inbound-rtp', 'video');
  assert.equal(inbound.codec, 'video/H264');
  assert(inbound.framesDecoded >= 30, `${inbound.framesDecoded} decoded`);
  assert.equal((await page.ask('figures', 'inbound-rtp', 'audio')).codec, 'audio/opus');
  const heard = await until('Chromium hears our tone', 10, async () => {
    const loudest = await page.ask('loudest');
    return Math.abs(loudest.hz - OURS.toneHz) < 12 && loudest;
  });
  assert(heard.level > -40 && heard.level < 0, `at ${heard.level} dB`);

  const here = await until('p2pcall shows 30 pictures', 30, () => {
    const list = pictures(picture);
    return numbers(list).length >= 30 && list;
  });
  rising(numbers(here));
  assert(numbers(here).length >= 0.95 * here.length, `${numbers(here).length} of ${here.length} readable`);
  const { u, v } = here.at(-1);
  assert(u > 200 && v < 130, `the lower half is blue: ${u} ${v}`);
  const outbound = await page.ask('figures', 'outbound-rtp', 'video');
  assert.equal(outbound.codec, 'video/H264');
  const tone = await until('p2pcall plays two seconds of the tone', 20, () => {
    const tone = toneShare(sound, THEIRS.toneHz);
    return tone.count >= 96_000 && tone;
  });
  assert(tone.share > 0.9 && tone.rms > 0.05, `the tone is heard: ${JSON.stringify(tone)}`);
  const { inbound: ours } = program.stats();
  assert(ours.video.frames_decoded > 0 && ours.audio.frames_decoded > 0);
  console.log(`    Chromium: ${numbers(there).length} of ${there.length} pictures ${width}x${height}, tone at ${heard.hz.toFixed(0)} Hz, ${heard.level.toFixed(0)} dB;`
    + ` p2pcall: ${numbers(here).length} of ${here.length} pictures, ${(100 * tone.share).toFixed(0)} % tone`);
}

function rising(numbers) {
  numbers.reduce((before, number) => {
    assert(number > before, `picture ${number} came after ${before}`);
    return number;
  });
}

async function ends({ program }, code, words) {
  const timeout = new Promise((done) => setTimeout(done, 15_000, 'still running after 15 s').unref());
  assert.equal(await Promise.race([program.ended, timeout]), code);
  assert.match(program.words.join('\n'), words);
}

const CASES = {
  'Chromium answers; p2pcall hangs up': async (call) => {
    await weOffer(call);
    await flows(call);
    call.program.say('quit');
    await ends(call, 0, /You hung up\. Connected for/);
    await until('Chromium hears of it', 5, async () =>
      (await call.page.run('seen.messages')).includes('{"say":"bye"}'));
    await until('Chromium sees the end', 15, async () =>
      ['closed', 'disconnected', 'failed'].includes(await call.page.run('connection.connectionState')));
  },

  'Chromium offers; Chromium closes': async (call) => {
    await theyOffer(call);
    await flows(call);
    await call.page.ask('connection.close');
    await ends(call, 0, /The other side hung up\. Connected for/);
  },

  'Chromium only watches, and closes': async (call) => {
    await weOffer(call, { send: false });
    await until('Chromium shows 30 of our pictures', 30, async () =>
      (await call.page.run('seen.pictures')).filter(({ number }) => number !== null).length >= 30);
    await call.page.ask('connection.close');
    await ends(call, 0, /The other side hung up\.[^]*Received: nothing\./);
  },

  // A tab that is closed says nothing to anybody.
  "Chromium's page is gone": async (call) => {
    await theyOffer(call);
    await until('p2pcall shows pictures', 30, () => pictures(picture).length >= 5);
    await call.page.close();
    call.closed = true;
    await ends(call, 1, /The connection was lost/);
  },

  'p2pcall asks for a key frame, and gets it': async (call) => {
    call.relay = true;
    await weOffer(call);
    await until('10 pictures are shown', 30, () => pictures(picture).length >= 10);
    const before = await call.page.ask('figures', 'outbound-rtp', 'video');
    const last = pictures(picture).at(-1).number;
    call.relay.lose('browser', 1);
    const after = await until('Chromium counts a PLI and encodes a key frame', 20, async () => {
      const now = await call.page.ask('figures', 'outbound-rtp', 'video');
      return now.pliCount > before.pliCount && now.keyFramesEncoded > before.keyFramesEncoded && now;
    });
    await until('pictures go on', 10, () => pictures(picture).at(-1).number > last + 30);
    console.log(`    PLI ${before.pliCount} -> ${after.pliCount}, key frames ${before.keyFramesEncoded} -> ${after.keyFramesEncoded},`
      + ` lost ${call.relay.lost('browser')} times`);
    assert(call.program.count('key_frame_requested') > 0);
  },

  'Chromium asks for a key frame, and gets it': async (call) => {
    call.relay = true;
    await weOffer(call);
    const newest = async () => (await call.page.run('seen.pictures')).at(-1)?.number;
    await until('Chromium shows pictures', 30, async () => (await call.page.run('seen.pictures')).length >= 10);
    await until('figures', 5, () => call.program.stats());
    const [last, keys, wanted] = [await newest(), call.program.stats().outbound.video.key_frames_encoded, call.program.count('key_frame_wanted')];
    call.relay.lose('program', 1);
    await until('p2pcall is asked for a key frame', 30, () => call.program.count('key_frame_wanted') > wanted);
    await until('p2pcall encodes one', 10, () => call.program.stats().outbound.video.key_frames_encoded > keys);
    await until('pictures go on', 10, async () => await newest() > last + 30);
    console.log(`    asked ${call.program.count('key_frame_wanted') - wanted} times, key frames ${keys} -> ${call.program.stats().outbound.video.key_frames_encoded},`
      + ` lost ${call.relay.lost('program')} times`);
  },
};

const chromium = await Chromium.start(chromiumPath);
let [passed, failed] = [0, 0];
for (const [name, run] of Object.entries(CASES)) {
  const call = { page: await chromium.page() };
  try {
    await run(call);
    console.log(`ok: ${name}`);
    passed++;
  } catch (error) {
    console.log(`FAILED: ${name}\n    ${error.message}`);
    call.program?.words.forEach((line) => console.log(`    p2pcall: ${line}`));
    failed++;
  }
  call.program?.child.kill('SIGKILL');
  await call.program?.ended;
  call.relay?.close?.();
  if (!call.closed) await call.page.close();
}
await chromium.stop();
rmSync(directory, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
