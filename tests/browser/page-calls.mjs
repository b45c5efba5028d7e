// Calls between p2pcall and web/index.html in Chromium, both on this machine. The last line says how many cases passed.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Chromium, FAKE_DEVICES } from './chromium.mjs';
import { runCases, served } from './page-scripts.mjs';
import { Program, programPath } from './program.mjs';
import { pictures } from './recorded.mjs';
import { until } from './until.mjs';
import { Visitor } from './visitor.mjs';

const path = programPath();
if (!existsSync(path)) {
  console.error(`There is no ${path}. Build it first: cargo build`);
  process.exit(2);
}
const chromiumPath = process.env.CHROMIUM ?? 'chromium';
const directory = mkdtempSync(join(tmpdir(), 'p2pcall-page-'));
const picture = join(directory, 'picture.y4m');

const TONE = 440;
const OPTIONS = ['--bind', '127.0.0.1', '--no-stun', '--video', 'test', '--audio', `tone:${TONE}`, '--size', '640x360',
  '--fps', '15', '--max-bitrate', '800', '--show', `file:${picture}`, '--speaker', 'none'];

/** No case may take longer, in milliseconds. */
const LONGEST_CASE = 150_000;

let [visitor, program] = [null, null];

/** Opens the page as somebody who has given it settings without servers. */
async function visit(browser, options) {
  visitor = await Visitor.open(browser, options);
  return visitor;
}

function run(...args) {
  program = new Program(path, [...args, ...OPTIONS]);
  return program;
}

/** The page offers, p2pcall answers. Returns both texts; the page has not been given the second. */
async function offerAnswered() {
  await visitor.press('make-offer');
  const offer = await until('the page shows its offer', 20, () => visitor.value('own-text'));
  run('answer');
  program.say(offer);
  return [offer, await program.blob];
}

async function pageOffers() {
  const [, answer] = await offerAnswered();
  await visitor.paste('answer-text', answer);
  await connected();
}

/** p2pcall offers, the page answers. */
async function pageAnswers(...args) {
  run('offer', ...args);
  await visitor.paste('offer-text', await program.blob);
  await until('the offer is taken', 5, () => visitor.isEnabled('join'));
  program.say(await answered());
  await connected();
}

async function answered() {
  await visitor.press('join');
  return until('the page shows its answer', 20, () => visitor.value('own-text'));
}

async function connected(seconds = 20) {
  await until('p2pcall is connected', seconds, () => {
    assert.equal(program.child.exitCode, null, program.words.join('\n'));
    return program.events.some(({ state }) => state === 'connected');
  });
  await until('the page shows the call', 10, () => visitor.isShown('call'));
}

/** What each side shows is what the other one sends. */
async function flows() {
  const numbers = await until('the page shows 20 of our pictures', 30, async () => {
    const list = (await visitor.run('seen.pictures')).filter((number) => number !== null);
    return list.length >= 20 && list;
  });
  assert(numbers.every((number, at) => at === 0 || number > numbers[at - 1]), `the numbers rise: ${numbers}`);
  await until('the page plays our tone', 20, async () => Math.abs((await visitor.run('loudest()')).hz - TONE) < 12);
  // Chromium's own test picture: green, with a disc that turns.
  await until("p2pcall shows the page's green pictures", 30, () => {
    const list = existsSync(picture) ? pictures(picture) : [];
    return list.length >= 10 && list.at(-1).u < 100 && list.at(-1).v < 100;
  });
}

async function ends(code, words) {
  const timeout = new Promise((done) => setTimeout(done, 15_000, 'still running after 15 s').unref());
  assert.equal(await Promise.race([program.ended, timeout]), code, program.words.join('\n'));
  assert.match(program.words.join('\n'), words);
}

async function pageEnds(words) {
  await until('the page shows the end', 15, () => visitor.isShown('end'));
  assert.match(await visitor.text('end'), words);
}

const heard = (kind, muted) => program.events.some((event) =>
  event.event === 'muted' && event.remote && event.kind === kind && event.muted === muted);

const CASES = {
  'the page offers; mute is seen both ways; the page hangs up': async (browser) => {
    await visit(browser);
    await pageOffers();
    const own = await visitor.run('call.own.sdp');
    const [, first] = own.match(/^m=video 9 UDP\/TLS\/RTP\/SAVPF (\d+)/m);
    assert.match(own, new RegExp(`^a=rtpmap:${first} H264/90000$`, 'm'), 'H.264 comes first');
    await flows();
    for (const [button, kind] of [['mute-microphone', 'audio'], ['mute-camera', 'video']]) {
      await visitor.press(button);
      await until(`p2pcall hears that the page's ${kind} is off`, 5, () => heard(kind, true));
      await visitor.press(button);
      await until(`p2pcall hears that the page's ${kind} is on`, 5, () => heard(kind, false));
    }
    const before = pictures(picture).length;
    await until('pictures go on after the camera was off', 15, () => pictures(picture).length > before + 15);
    assert.equal(await visitor.isShown('their-microphone'), false);
    await visitor.press('hang-up');
    await ends(0, /The other side hung up\. Connected for/);
    await pageEnds(/You hung up\.\s+Connected for/);
  },

  'p2pcall offers, compact; p2pcall hangs up': async (browser) => {
    await visit(browser);
    await pageAnswers('--blob', 'compact');
    assert.match(await visitor.value('own-text'), /^p2pcall1/, 'the answer has the form of the offer');
    await flows();
    program.say('quit');
    await ends(0, /You hung up\. Connected for/);
    await pageEnds(/The other side hung up\.\s+Connected for/);
  },

  'a link with the offer behind the #, on a telephone': async (browser) => {
    const server = await served();
    try {
      run('offer', '--link', server.url);
      const given = await program.blob;
      assert(given.startsWith(`${server.url}#p2pcall1`), given);
      await visit(browser, { url: given, phone: true });
      assert.match(await visitor.text('start'), /You are invited[^]*Nothing is sent and no camera is opened/);
      assert.equal(await visitor.run('call === null && media === null'), true, 'nothing was begun');
      assert.equal(await visitor.run('document.documentElement.scrollWidth <= innerWidth'), true, 'it is not too wide');
      program.say(await answered());
      await connected();
      await flows();
      await visitor.press('hang-up');
      await ends(0, /The other side hung up/);
      assert(server.requests.every((url) => !url.includes('p2pcall1')), 'the offer stays in the browser');
      // An offer of its own it can write as a link to itself.
      await visitor.press('again');
      await visitor.press('make-offer');
      await until('there is a link', 20, () => visitor.run('ownText?.link'));
      const link = await visitor.run('ownText.link');
      assert(link.startsWith(`${server.url}#p2pcall1`), link);
      const { stdout } = spawnSync(path, ['inspect', '--json'], { input: link, encoding: 'utf8' });
      assert.equal(JSON.parse(stdout).kind, 'offer');
    } finally {
      server.close();
    }
  },

  'the answer comes after a minute': async (browser) => {
    await visit(browser);
    run('offer');
    await visitor.paste('offer-text', await program.blob);
    await until('the offer is taken', 5, () => visitor.isEnabled('join'));
    const answer = await answered();
    // What is tested is that the browser's ICE has failed meanwhile: 15 s without an answer to its checks.
    await until('the page has waited for a minute', 70, async () =>
      /Waiting for them to paste your answer · 1:0\d/.test(await visitor.text('exchange')));
    program.say(answer);
    await connected();
    await flows();
  },

  'the answer is pasted after a minute': async (browser) => {
    await visit(browser);
    const [, answer] = await offerAnswered();
    await until('the page has waited for a minute', 70, async () =>
      /Waiting for the answer · 1:0\d/.test(await visitor.text('exchange')));
    await visitor.paste('answer-text', answer);
    await connected();
    await flows();
  },

  'a wrong text gives words, and the right one is taken afterwards': async (browser) => {
    await visit(browser);
    const [offer, answer] = await offerAnswered();
    for (const [text, words] of [
      ['hello', /no offer or answer in this/],
      [offer, /your own offer/],
      [answer.slice(0, 200), /cut off after 200 characters/],
      [answer.slice(0, 60) + (answer[60] === 'A' ? 'B' : 'A') + answer.slice(61), /damaged|cut off/],
    ]) {
      await visitor.paste('answer-text', text);
      await until(`words: ${words}`, 5, async () => words.test(await visitor.text('answer-verdict')));
    }
    await visitor.paste('answer-text', `> ${answer.match(/.{1,70}/g).join('\n> ')}\n\nBye`);
    await connected();
  },

  'a browser without H.264 hears and is heard': async (browser) => {
    for (const begins of [pageOffers, pageAnswers]) {
      await visit(browser);
      await visitor.run(`(() => {
        const all = RTCRtpReceiver.getCapabilities;
        RTCRtpReceiver.getCapabilities = (kind) =>
          ({ codecs: all.call(RTCRtpReceiver, kind).codecs.filter(({ mimeType }) => !/h264/i.test(mimeType)) });
      })()`);
      await begins();
      assert.doesNotMatch(await visitor.run('call.own.sdp'), /H264/);
      await until('the page says that no picture comes', 10, () => visitor.isShown('no-picture'));
      await until('the page plays our tone', 20, async () => Math.abs((await visitor.run('loudest()')).hz - TONE) < 12);
      await until('p2pcall says so, too', 5, () => program.words.some((line) => line.includes('knows no H.264')));
      await until("p2pcall hears the page's microphone", 20, () => program.stats()?.inbound.audio.frames_decoded > 50);
      await visitor.press('hang-up');
      await ends(0, /The other side hung up/);
      await visitor.close();
    }
  },

  'without camera and microphone one watches and listens': async (browser) => {
    await visit(browser, { permissions: [] });
    await pageAnswers();
    const numbers = await until('the page shows our pictures', 30, async () => (await visitor.run('seen.pictures')).length >= 10);
    assert(numbers);
    assert.equal(await visitor.isEnabled('mute-camera'), false);
    assert.match(await visitor.run("$('notes').textContent"), /may not use your microphone[^]*allow the microphone, and begin again/);
  },

  'the other side switches camera and microphone off and on': async (browser) => {
    // Only a terminal has keys.
    if (spawnSync('script', ['--version']).error) return 'there is no script (Debian: bsdutils)';
    await visit(browser);
    const [offer, answer] = ['offer.txt', 'answer.txt'].map((name) => join(directory, name));
    await visitor.press('make-offer');
    writeFileSync(offer, await until('the page shows its offer', 20, () => visitor.value('own-text')));
    const command = [path, 'answer', '--in', offer, '--out', answer, ...OPTIONS].map((word) => `'${word}'`).join(' ');
    const terminal = spawn('script', ['-qfec', command, '/dev/null'], { stdio: 'pipe' });
    try {
      await visitor.paste('answer-text', await until('p2pcall answers', 20, () => existsSync(answer) && readFileSync(answer, 'utf8')));
      await until('the page shows the call', 20, () => visitor.isShown('call'));
      const isTheirs = { m: () => visitor.isShown('their-microphone'), v: () => visitor.isShown('no-picture') };
      await until('the page shows our pictures', 20, async () => !(await isTheirs.v()));
      for (const key of ['m', 'v']) {
        for (const muted of [true, false]) {
          terminal.stdin.write(key);
          await until(`the page shows ${key} ${muted ? 'off' : 'on'}`, 5, async () => await isTheirs[key]() === muted);
        }
      }
      terminal.stdin.write('q');
      await pageEnds(/The other side hung up/);
    } finally {
      terminal.kill('SIGKILL');
    }
    return undefined;
  },

  'two pages, one of them on a telephone': async (browser) => {
    const desk = await visit(browser);
    const phone = await visit(browser, { phone: true });
    try {
      await desk.press('make-offer');
      const offer = await until('the offer', 20, () => desk.value('own-text'));
      await phone.paste('offer-text', offer);
      await until('the offer is taken', 5, () => phone.isEnabled('join'));
      await phone.press('join');
      await desk.paste('answer-text', await until('the answer', 20, () => phone.value('own-text')));
      for (const side of [desk, phone]) {
        await until('the call is shown', 20, () => side.isShown('call'));
        await until('20 pictures come', 30, () => side.run('seen.pictures.length >= 20'));
        // Chromium's own test picture, in the middle of its left side.
        const [red, green, blue] = await side.run('seen.colour');
        assert(green > 100 && red < 90 && blue < 90, `it is green: ${[red, green, blue]}`);
      }
      await phone.press('mute-camera');
      await until('the desk sees that the camera is off', 5, () => desk.isShown('no-picture'));
      await phone.press('mute-camera');
      await until('and on again', 5, async () => !(await desk.isShown('no-picture')));
      await phone.press('hang-up');
      await until('the desk sees the end', 10, () => desk.isShown('end'));
      assert.match(await desk.text('end'), /The other side hung up/);
    } finally {
      await desk.close();
    }
  },

};

const chromium = await Chromium.start(chromiumPath, FAKE_DEVICES);
const only = process.env.CASE;
const cases = Object.entries(CASES).filter(([name]) => !only || name.includes(only)).map(([name, test]) => [name, async () => {
  try {
    return await Promise.race([test(chromium), new Promise((_, late) => setTimeout(late, LONGEST_CASE, new Error('it takes too long')).unref())]);
  } catch (error) {
    const words = (program?.words ?? []).map((line) => `\n    p2pcall: ${line}`).join('');
    const state = await visitor?.run("`${call?.state}: ${$('said').textContent} ${$('notes').textContent}`").catch(() => '');
    throw new Error(`${error.message}\n    page: ${state}${words}`);
  } finally {
    program?.child.kill('SIGKILL');
    await program?.ended;
    await visitor?.close();
    [visitor, program] = [null, null];
    rmSync(picture, { force: true });
  }
}]);
const [passed, failed] = await runCases(Object.fromEntries(cases));
await chromium.stop();
rmSync(directory, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
