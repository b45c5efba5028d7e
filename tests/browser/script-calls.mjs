// Calls between p2pcall and a script in a browser that go unlike others, all on this machine. Calls as they usually go are
// those of matrix.mjs. The last line says how many cases passed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { browsers } from './browsers.mjs';
import { finish, runCases } from './page-scripts.mjs';
import { ADDRESS } from './network.mjs';
import { Program, programThere } from './program.mjs';
import { Film } from './recorded.mjs';
import { Relay } from './relay.mjs';
import { until } from './until.mjs';

const path = programThere();
const THEIRS = { send: true, width: 480, height: 270, toneHz: 600 };

/** Machines are slow now and then; in seconds. */
const LONG = 60;

class Call {
  static async begin(browser, options) {
    const call = new Call();
    call.directory = mkdtempSync(join(tmpdir(), 'p2pcall-script-'));
    call.film = new Film(join(call.directory, 'picture.y4m'));
    // The smallest picture: on a busy machine it would get smaller, and that makes a key frame that nobody asked for.
    call.options = ['--bind', ADDRESS, '--no-stun', '--video', 'test', '--audio', 'tone:440', '--size', '320x180', '--fps', '15',
      '--max-bitrate', '400', '--show', `file:${join(call.directory, 'picture.y4m')}`, '--speaker', 'none'];
    call.page = await browser.page(options);
    await call.page.know('pattern.mjs', 'media.js', 'page.js');
    return call;
  }

  /** p2pcall offers, the browser answers; with a relay, through it. Returns the browser's description. */
  async connect(options = THEIRS, { relay = null } = {}) {
    this.relay = relay;
    this.program = new Program(path, ['offer', ...this.options]);
    const offer = await this.program.description();
    const answer = await this.page.ask('answer', relay ? relay.standFor('program', offer) : offer, options);
    if (relay) relay.payloadType = Number(answer.sdp.match(/^m=video \d+ \S+ (\d+)/m)[1]);
    this.program.paste(relay ? relay.standFor('browser', answer) : answer);
    await this.connected();
    return answer;
  }

  /** The browser offers, p2pcall answers. Returns the browser's description. */
  async connectOffered(options = THEIRS) {
    const offer = await this.page.ask('offer', options);
    this.program = new Program(path, ['answer', ...this.options]);
    this.program.paste(offer);
    this.answer = await this.program.description();
    await this.page.ask('connection.setRemoteDescription', this.answer);
    await this.connected();
    return offer;
  }

  async connected() {
    await until('both are connected', LONG, async () => {
      assert.equal(this.program.child.exitCode, null, this.program.words.join('\n'));
      return this.program.events.some(({ state }) => state === 'connected') && await this.page.run('connection.connectionState') === 'connected';
    });
  }

  /** The numbers of the pictures that the browser has shown. */
  async numbersThere() {
    return (await this.page.run('seen.pictures')).map(({ number }) => number).filter((number) => number !== null);
  }

  async ends(code, words) {
    const timeout = new Promise((done) => setTimeout(done, LONG * 1000, `still running after ${LONG} s`).unref());
    assert.equal(await Promise.race([this.program.ended, timeout]), code);
    assert.match(this.program.words.join('\n'), words);
  }

  async close() {
    this.program?.child.kill('SIGKILL');
    await this.program?.ended;
    this.relay?.close();
    await this.page.close();
    rmSync(this.directory, { recursive: true });
  }
}

const CASES = {
  'it only watches, and closes': async (call) => {
    await call.connect({ send: false });
    await until('it shows 30 of our pictures', LONG, async () => (await call.numbersThere()).length >= 30);
    await call.page.ask('connection.close');
    await call.ends(0, /The other side hung up\.[^]*Received: nothing\./);
  },

  // Chromium's tab that is closed says nothing to anybody; Firefox's hangs up.
  'its page is gone': async (call) => {
    await call.connect();
    await until('p2pcall shows pictures', LONG, () => call.film.pictures.length >= 5);
    await call.page.close();
    if (call.page.firefox) await call.ends(0, /The other side hung up/);
    else await call.ends(1, /The connection was lost/);
  },

  'p2pcall asks for a key frame, and gets it': async (call) => {
    await call.connect(THEIRS, { relay: await Relay.start() });
    await until('10 pictures are shown', LONG, () => call.film.pictures.length >= 10);
    const before = await call.page.ask('figures', 'outbound-rtp', 'video');
    const last = call.film.pictures.at(-1).number;
    call.relay.lose('browser', 1);
    const after = await until('it counts a PLI and encodes a key frame', LONG, async () => {
      const now = await call.page.ask('figures', 'outbound-rtp', 'video');
      // Firefox does not count key frames; without one no pictures would go on below.
      return now.pliCount > before.pliCount && (now.keyFramesEncoded === undefined || now.keyFramesEncoded > before.keyFramesEncoded) && now;
    });
    await until('pictures go on', LONG, () => call.film.pictures.at(-1).number > last + 30);
    console.log(`    PLI ${before.pliCount} -> ${after.pliCount}, lost ${call.relay.lost('browser')} times`);
    assert(call.program.count('key_frame_requested') > 0);
  },

  // Only an answer of ours says that we know of it: whoever answers us is to turn his pictures himself.
  async 'it offers pictures that lie on their side'(call) {
    if (!await call.page.run('Boolean(globalThis.MediaStreamTrackGenerator)')) return 'it makes no such pictures';
    const orientation = /^a=extmap:\S+ urn:3gpp:video-orientation/m;
    assert.match((await call.connectOffered({ ...THEIRS, lies: true })).sdp, orientation);
    assert.match(call.answer.sdp, orientation);
    const pictures = await until('p2pcall shows pictures', LONG, () => call.film.pictures.length >= 20 && call.film.pictures);
    const readable = pictures.filter(({ number }) => number !== null);
    assert(readable.length > 0.9 * pictures.length, `${readable.length} of ${pictures.length} pictures are readable`);
    const { width, height } = await until('p2pcall counts a second', LONG, () => call.program.stats()?.inbound.video.size);
    assert(width > height, `they are as wide as they were: ${width}x${height}`);
    const { u, v } = pictures.at(-1);
    assert(u > 200 && v < 130, `the lower half is blue: ${u} ${v}`);
  },

  'it asks for a key frame, and gets it': async (call) => {
    await call.connect(THEIRS, { relay: await Relay.start() });
    await until('it shows pictures', LONG, async () => (await call.numbersThere()).length >= 10);
    await until('figures', LONG, () => call.program.stats());
    const keys = () => call.program.stats().outbound.video.key_frames_encoded;
    const [last, encoded, wanted] = [(await call.numbersThere()).at(-1), keys(), call.program.count('key_frame_wanted')];
    call.relay.lose('program', 1);
    await until('p2pcall is asked for a key frame', LONG, () => call.program.count('key_frame_wanted') > wanted);
    await until('p2pcall encodes one', LONG, () => keys() > encoded);
    await until('pictures go on', LONG, async () => (await call.numbersThere()).at(-1) > last + 30);
    console.log(`    asked ${call.program.count('key_frame_wanted') - wanted} times, key frames ${encoded} -> ${keys()},`
      + ` lost ${call.relay.lost('program')} times`);
  },
};

/**
 * Browsers that nobody gave leave to use a camera name no address, but names that end in `.local` (RFC 8828). Where these
 * mean nothing p2pcall must not wait for them: the browser's checks come in and show its address.
 */
const WITHOUT_ADDRESSES = {
  async 'it names no address, and answers'(call) {
    assertHidden(await call.connect());
    await until('p2pcall shows pictures', LONG, () => call.film.pictures.length >= 5);
  },

  async 'it names no address, and offers'(call) {
    assertHidden(await call.connectOffered());
    await until('p2pcall shows pictures', LONG, () => call.film.pictures.length >= 5);
  },
};

function assertHidden({ sdp }) {
  const addresses = [...sdp.matchAll(/^a=candidate:(?:\S+ ){4}(\S+)/gm)].map(([, address]) => address);
  assert(addresses.length > 0 && addresses.every((address) => address.endsWith('.local')), addresses.join(' '));
}

async function casesOf(Browser) {
  const counts = [];
  for (const [cases, hidesAddresses] of [[CASES, false], [WITHOUT_ADDRESSES, true]]) {
    const browser = await Browser.start({ hidesAddresses });
    const named = Object.entries(cases).map(([name, test]) => [`${Browser.title}: ${name}`, async () => {
      const call = await Call.begin(browser, hidesAddresses ? { devices: [] } : {});
      try {
        return await test(call);
      } catch (error) {
        throw new Error([error.message, ...call.program?.words ?? []].join('\n    p2pcall: '));
      } finally {
        await call.close();
      }
    }]);
    counts.push(await runCases(Object.fromEntries(named.filter(([name]) => name.includes(process.env.CASE ?? '')))));
    await browser.stop();
  }
  return counts;
}

// One after the other: two at once are too much for a small machine.
const results = [];
for (const browser of browsers()) results.push(...await casesOf(browser));
finish(results);
