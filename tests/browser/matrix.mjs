// Calls of p2pcall with each browser, by a script and by the page, in each role and codec; each is looked at from both
// ends, and a table says what there was. The last line says how many calls were as they should be.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { browsers } from './browsers.mjs';
import { ADDRESS } from './network.mjs';
import { programThere } from './program.mjs';
import { Film, toneShare } from './recorded.mjs';
import { ByPage, ByScript } from './sides.mjs';
import { AtTerminal } from './terminal.mjs';
import { until } from './until.mjs';

const path = programThere();

/** What p2pcall sends: after a second its picture gets smaller, as its size is too large for the rate. */
const OURS = { width: 1280, height: 720, toneHz: 440 };
const OPTIONS = ['--bind', ADDRESS, '--no-stun', '--video', 'test', '--audio', `tone:${OURS.toneHz}`,
  '--size', `${OURS.width}x${OURS.height}`, '--fps', '15', '--max-bitrate', '165'];

/** What the browser sends, and the size to which its picture changes. Browsers scale it down on their own, too. */
const THEIRS = { width: 480, height: 270, toneHz: 600 };
const LATER = { width: 320, height: 240 };

/** Machines are slow now and then; in seconds. */
const LONG = 60;

const SIDES = { script: ByScript, page: ByPage };
const CODECS = { 'H.264': 'h264', VP8: 'vp8' };

const COLUMNS = {
  async 'pictures there'(call) {
    const list = await until('the browser shows 20 pictures of ours', LONG, async () => {
      const list = await call.side.page.run('seen.pictures');
      return readable(list).length >= 20 && list;
    });
    assertRising(list);
    const reds = list.filter(({ red: [r, g, b] }) => r > 150 && g < 90 && b < 90);
    assert(reds.length > list.length / 3, `the red bar is red: ${list.at(-1).red}`);
    assert.equal((await call.side.page.ask('figures', 'inbound-rtp', 'video')).codec, call.mimeType);
  },

  async 'pictures here'(call) {
    const list = await until('p2pcall shows 20 pictures', LONG, () => readable(call.film.pictures).length >= 20 && call.film.pictures);
    assertRising(list);
    const { u, v } = list.at(-1);
    assert(u > 200 && v < 130, `the lower half is blue: ${u} ${v}`);
    assert.equal((await call.side.page.ask('figures', 'outbound-rtp', 'video')).codec, call.mimeType);
  },

  async 'sound there'(call) {
    const heard = await until('the browser plays our tone', LONG, async () => await call.hears() && call.heard);
    assert(heard.level > -40 && heard.level < 0, `at ${heard.level} dB`);
  },

  async 'sound here'(call) {
    const tone = await until('p2pcall plays two seconds', LONG, () => {
      const tone = toneShare(call.sound, THEIRS.toneHz);
      return tone.count >= 96_000 && tone;
    });
    assert(tone.share > 0.9 && tone.rms > 0.05, `the tone is heard: ${JSON.stringify(tone)}`);
  },

  async 'size there'(call) {
    const list = await until('the browser shows pictures of two sizes', LONG, async () => {
      const list = readable(await call.side.page.run('seen.pictures'));
      return list.findIndex(({ width }) => width !== list[0].width) in list.slice(0, -10) && list;
    });
    assert.equal(list[0].width, OURS.width);
    assert(list.at(-1).width < OURS.width, 'it gets smaller');
    assertRising(list);
  },

  async 'size here'(call) {
    const isShaped = ({ width, height }) => {
      const size = call.program.stats()?.inbound.video.size;
      return size && Math.abs(size.width / size.height - width / height) < 0.05;
    };
    await until('p2pcall counts a second', LONG, () => isShaped(THEIRS));
    const before = call.film.pictures.length;
    await call.side.page.ask('resize', LATER.width, LATER.height);
    await until('p2pcall is sent the other size', LONG, () => isShaped(LATER));
    await until('pictures go on', LONG, () => readable(call.film.pictures.slice(before)).length >= 20);
    assertRising(call.film.pictures);
  },

  async 'mute there'(call) {
    for (const [key, kind] of [['m', 'audio'], ['v', 'video']]) {
      call.program.press(key);
      await until(`the browser knows that our ${kind} is off`, LONG, () => call.side.knows(kind, true));
      if (kind === 'audio') await until('the browser plays silence', LONG, async () => !await call.hears() && call.heard.level < -80);
      call.program.press(key);
      await until(`the browser knows that our ${kind} is on`, LONG, () => call.side.knows(kind, false));
    }
    await until('the browser plays our tone again', LONG, () => call.hears());
    const last = readable(await call.side.page.run('seen.pictures')).at(-1).number;
    await until('pictures go on there', LONG, async () => readable(await call.side.page.run('seen.pictures')).at(-1).number > last);
  },

  async 'mute here'(call) {
    const heard = (kind, muted) => call.program.events.findLast((event) =>
      event.event === 'muted' && event.remote && event.kind === kind)?.muted === muted;
    for (const kind of ['audio', 'video']) {
      await call.side.mute(kind, true);
      await until(`p2pcall knows that the browser's ${kind} is off`, LONG, () => heard(kind, true));
      if (kind === 'audio') await until('p2pcall plays silence', LONG, () => toneShare(call.sound, THEIRS.toneHz, { last: true }).rms < 0.001);
      await call.side.mute(kind, false);
      await until(`p2pcall knows that the browser's ${kind} is on`, LONG, () => heard(kind, false));
    }
    await until('p2pcall plays the tone again', LONG, () => toneShare(call.sound, THEIRS.toneHz, { last: true }).share > 0.9);
    const before = readable(call.film.pictures).length;
    await until('pictures go on here', LONG, () => readable(call.film.pictures).length > before);
  },

  async 'hang up'(call) {
    const words = call.weHangUp ? /You hung up\. Connected for/ : /The other side hung up\. Connected for/;
    if (call.weHangUp) call.program.press('q');
    else await call.side.hangUp();
    assert.equal(await soon(call.program.ended, 'p2pcall ends'), 0);
    assert.match(call.program.words.join('\n'), words);
    if (call.weHangUp) await until('the browser knows the end', LONG, () => call.side.hasEnded());
  },
};

/** Pictures with another number than the one before: browsers show and send some twice. */
const readable = (pictures) => pictures.filter(({ number }, at) => number !== null && number !== pictures[at - 1]?.number);

/** The numbers rise, and most pictures have one. */
function assertRising(pictures) {
  const unreadable = pictures.filter(({ number }) => number === null).length;
  assert(unreadable <= 0.1 * pictures.length, `${unreadable} of ${pictures.length} pictures have no number`);
  const numbers = readable(pictures).map(({ number }) => number);
  numbers.reduce((before, number) => {
    assert(number > before, `picture ${number} came after ${before}`);
    return number;
  });
}

const mimeTypeOf = (codec) => `video/${codec.replace('.', '')}`;

async function soon(promise, what) {
  const late = new Promise((_, failed) => setTimeout(failed, LONG * 1000, new Error(`not within ${LONG} s: ${what}`)).unref());
  return Promise.race([promise, late]);
}

class Call {
  constructor({ side, directory, role, codec }) {
    Object.assign(this, { side });
    [this.picture, this.sound] = ['picture.y4m', 'sound.wav'].map((name) => join(directory, name));
    this.film = new Film(this.picture);
    const files = ['--show', `file:${this.picture}`, '--speaker', `file:${this.sound}`, '--codec', CODECS[codec]];
    this.program = new AtTerminal(path, [role === 'offers' ? 'answer' : 'offer', ...OPTIONS, ...files], directory);
    this.role = role;
  }

  async connect() {
    const { program, side } = this;
    if (this.role === 'offers') {
      program.take(await side.offer());
      await side.accept(await program.blob);
    } else {
      program.take(await side.answer(await program.blob));
    }
    await until('both are connected', LONG, async () => {
      assert.equal(program.child.exitCode, null, 'p2pcall ended');
      return program.events.some(({ state }) => state === 'connected') && await side.isConnected();
    });
  }

  /** Whether the browser plays our tone at this moment. */
  async hears() {
    this.heard = await this.side.page.ask('loudest');
    return Math.abs(this.heard.hz - OURS.toneHz) < 12 && this.heard.level > -50;
  }
}

/** Makes one call; returns what stands in its row of the table, and what went wrong. */
async function made(browser, { by, role, codec, weHangUp }) {
  const [cells, problems] = [{}, []];
  const directory = mkdtempSync(join(tmpdir(), 'p2pcall-matrix-'));
  const side = await SIDES[by].open(browser, THEIRS);
  const call = new Call({ side, directory, role, codec });
  call.weHangUp = weHangUp;
  const known = await side.page.run("RTCRtpReceiver.getCapabilities('video').codecs.map(({ mimeType }) => mimeType)");
  const spoken = known.includes(mimeTypeOf(codec)) ? codec : 'VP8';
  call.mimeType = mimeTypeOf(spoken);
  try {
    await call.connect();
    for (const [name, check] of Object.entries(COLUMNS)) {
      try {
        await check(call);
        cells[name] = /pictures|size/.test(name) && spoken !== codec ? `ok in ${spoken}` : 'ok';
      } catch (error) {
        cells[name] = 'FAILED';
        problems.push(`${name}: ${error.message}`);
        if (call.program.child.exitCode !== null) break;
      }
    }
  } catch (error) {
    problems.push(error.message);
  }
  if (problems.length > 0) problems.push(...call.program.words.slice(-20).map((line) => `p2pcall: ${line}`));
  call.program.child.kill('SIGKILL');
  await call.program.ended;
  await side.close();
  rmSync(directory, { recursive: true });
  return { cells, problems };
}

function* rows() {
  for (const by of Object.keys(SIDES)) {
    for (const role of ['answers', 'offers']) {
      // Each side hangs up in each role, in one codec or the other.
      for (const codec of Object.keys(CODECS)) yield { by, role, codec, weHangUp: (role === 'answers') === (codec === 'VP8') };
    }
  }
}

/** Makes all calls with one browser; returns its rows of the table, and how many calls were well. */
async function rowsOf(Browser) {
  const browser = await Browser.start();
  const found = [];
  for (const row of rows()) {
    const name = `${Browser.title}, ${row.by}, ${row.role}, ${row.codec}`;
    if (!name.includes(process.env.CASE ?? '')) continue;
    const began = Date.now();
    const { cells, problems } = await made(browser, row);
    const isWell = problems.length === 0;
    console.log([`${isWell ? 'ok' : 'FAILED'}: ${name} (${((Date.now() - began) / 1000).toFixed(0)} s)`, ...problems].join('\n    '));
    found.push({ isWell, row: [name, ...Object.keys(COLUMNS).map((column) => cells[column] ?? '-')] });
  }
  await browser.stop();
  return found;
}

// One after the other: two at once are too much for a small machine.
const calls = [];
for (const browser of browsers()) calls.push(...await rowsOf(browser));
const table = calls.map(({ row }) => row);
const passed = calls.filter(({ isWell }) => isWell).length;
const failed = calls.length - passed;

const lines = [['', ...Object.keys(COLUMNS)], ...table];
const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
console.log();
for (const line of lines) console.log(line.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd());
if (table.flat().includes('ok in VP8')) {
  console.log('\nin VP8: this browser knows no H.264, and p2pcall speaks what it knows. For Firefox CONTRIBUTING.md tells what to do.');
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
