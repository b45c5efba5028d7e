// web/index.html itself: its buttons, settings, links and scanner, in browsers. The last line says how many cases passed.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { browsers } from './browsers.mjs';
import { Chromium } from './chromium.mjs';
import { ADDRESS } from './network.mjs';
import { finish, pageScripts, runCases, served } from './page-scripts.mjs';
import { until } from './until.mjs';
import { Visitor } from './visitor.mjs';

const directory = mkdtempSync(join(tmpdir(), 'p2pcall-visits-'));
const page = pageScripts('blobs', 'qr-codes');

/** Machines are slow now and then; in seconds. */
const LONG = 60;

let visitor = null;

async function visit(browser, options) {
  visitor = await Visitor.open(browser, options);
}

/** Returns an offer that was made just now, changed. */
function offerMade(change = (sdp) => sdp) {
  const sdp = change(readFileSync(new URL('../data/p2pcall-offer.sdp', import.meta.url), 'utf8'));
  return { type: 'offer', sdp: page('stamped')(sdp, page('stampNow()')) };
}

const offerText = (change) => page('writeBlob')(offerMade(change), 'compact');

const CASES = {
  'everything is reached by keys, in the order in which it stands': async (browser) => {
    await visit(browser);
    await visitor.paste('offer-text', await offerText());
    await until('the offer is taken', LONG, () => visitor.isEnabled('join'));
    await visitor.run('document.activeElement.blur(); document.getSelection().removeAllRanges(); $("start-title").focus()');
    const order = [];
    for (let at = 0; at < 7; at++) {
      await visitor.key('Tab');
      order.push(await visitor.run('document.activeElement.id || document.activeElement.className'));
    }
    assert.deepEqual(order, ['use-camera', 'use-microphone', 'make-offer', 'offer-text', 'paste', 'scan', 'join']);
    await visitor.key('Enter');
    await until('the page shows its answer', LONG, () => visitor.value('own-text'));
    assert.equal(await visitor.run('document.activeElement.id'), 'exchange-title', 'what is new is in focus');
    const nameless = await visitor.run(`[...document.querySelectorAll('button, input, textarea, select, video, [role=img]')]
      .filter((element) => !(element.labels?.length || element.ariaLabel || element.innerText?.trim() || element.textContent.trim()))
      .map((element) => element.outerHTML.slice(0, 80))`);
    assert.deepEqual(nameless, [], 'everything has a name');
  },

  'the servers of the settings are asked, and kept': async (browser) => {
    const server = createSocket('udp4');
    let asked = 0;
    // A STUN binding request (RFC 8489, 5).
    server.on('message', (packet) => (asked += packet.readUInt16BE(0) === 1 && packet.readUInt32BE(4) === 0x2112a442));
    server.bind(0, ADDRESS);
    await once(server, 'listening');
    try {
      await visit(browser);
      await visitor.press('open-settings');
      await visitor.paste('stun', 'stun://nonsense');
      await visitor.press('save-settings');
      assert.match(await visitor.text('settings-verdict'), /is no STUN server: write stun:HOST/);
      const place = `${ADDRESS}:${server.address().port}`;
      await visitor.paste('stun', place);
      await visitor.paste('turn-password', 'secret');
      await visitor.press('save-settings');
      await until('the settings close', LONG, async () => !(await visitor.isShown('settings')));
      const kept = await visitor.run("localStorage.getItem('p2pcall.settings')");
      assert(kept.includes(place), kept);
      assert.doesNotMatch(kept, /secret/, 'a password is kept only if that is wished');
      await visitor.press('make-offer');
      await until('the page shows its offer', LONG, () => visitor.value('own-text'));
      assert(asked > 0, 'the server was asked');
      assert.match(await visitor.text('notes'), /No STUN or TURN server answered in time/);
    } finally {
      server.close();
    }
  },

  'an offer is copied and shared, on a telephone': async (browser) => {
    const server = await served();
    try {
      await visit(browser, { url: server.url, phone: true });
      await visitor.run('navigator.share = async (shared) => { globalThis.shared = shared; }; 0');
      await visitor.press('make-offer');
      const text = await until('the page shows its offer', LONG, () => visitor.value('own-text'));
      await visitor.press('share');
      const { url } = await until('it is shared', LONG, () => visitor.run('globalThis.shared'));
      assert.equal(url, `${server.url}#${text}`);
      for (const id of ['copy', 'copy-link']) {
        await visitor.press(id);
        await until(`${id} says so`, LONG, async () => await visitor.text(id) === 'Copied');
      }
      assert.equal(await visitor.run('readBlob(ownText.link).description.sdp === call.own.sdp'), true);
      await visitor.run("$('form').value = 'plain'; $('form').onchange()");
      await until('it is written another way', LONG, async () => (await visitor.value('own-text')).startsWith('eyJ'));
      await visitor.press('cancel');
      await until('it has ended', LONG, () => visitor.isShown('end'));
    } finally {
      server.close();
    }
  },

  'a link that holds no offer says so, and one can start anew': async (browser) => {
    const server = await served();
    try {
      await visit(browser, { url: `${server.url}#${(await offerText()).slice(0, 300)}` });
      assert.match(await visitor.text('offer-verdict'), /cut off after 300 characters and the last \d+ are missing/);
      assert.equal(await visitor.isEnabled('join'), false);
      assert.equal(await visitor.isShown('make-offer'), true);
    } finally {
      server.close();
    }
  },

  'a newer text of the same session is taken, the same one is not': async (browser) => {
    await visit(browser);
    await visitor.paste('offer-text', await offerText());
    await until('the offer is taken', LONG, () => visitor.isEnabled('join'));
    await visitor.press('join');
    const own = await until('the page shows its answer', LONG, () => visitor.value('own-text'));
    const moved = (sdp) => sdp.replace(/(a=candidate:.* )(\d+)( typ host)/, '$140123$3');
    const other = (sdp) => sdp.replace(/(a=fingerprint:sha-256 )../, '$1FF');
    for (const [text, words] of [
      [await offerText(), /answered already/],
      [await offerText(moved), /newer text of the same session/],
      [await offerText(other), /another offer than the one you answered/],
      [own, /your own answer/],
    ]) {
      await visitor.paste('answer-text', text);
      await until(`words: ${words}`, LONG, async () => words.test(await visitor.text('answer-verdict')));
    }
  },

  'a QR code is taken from a picture: of the screen of another page': async (browser) => {
    await visit(browser, { phone: true });
    await visitor.press('make-offer');
    const text = await until('the page shows its offer', LONG, () => visitor.value('own-text'));
    await visitor.press('qr');
    await until('the code is large', LONG, () => visitor.isShown('large-qr'));
    const [code, page] = ['code.png', 'page.png'].map((name) => join(directory, name));
    writeFileSync(code, await visitor.page.picture());
    await visitor.close();
    await visit(browser);
    writeFileSync(page, await visitor.page.picture());
    await visitor.pressIn('offer-entry', 'scan');
    await until('the scanner is there', LONG, () => visitor.isShown('scanner'));
    await visitor.page.choose('scan-file', page);
    await until('there is none in the first picture', LONG, async () => /No QR code was found/.test(await visitor.text('scan-words')));
    await visitor.page.choose('scan-file', code);
    await until('the code is read', LONG, () => visitor.isEnabled('join'));
    assert.equal(await visitor.value('offer-text'), text);
    assert.equal(await visitor.isShown('scanner'), false);
  },
};

/** Where it does not matter which browser it is. */
const ONCE = {
  'a QR code is scanned by the camera': async () => {
    const text = await offerText();
    const film = join(directory, 'code.y4m');
    writeFileSync(film, filmOf(page('qrCode')(text)));
    const camera = await Chromium.start({ flags: [`--use-file-for-fake-video-capture=${film}`] });
    try {
      await visit(camera);
      await visitor.pressIn('offer-entry', 'scan');
      await until('the code is read', LONG, () => visitor.isEnabled('join'));
      assert.equal(await visitor.value('offer-text'), text);
      assert.equal(await visitor.run("$('scanner').open"), false);
    } finally {
      await camera.stop();
      visitor = null;
    }
  },
};

/** A film of a QR code, turned a little, as Y4M. */
function filmOf(code) {
  const [width, height] = [640, 480];
  const scale = (0.75 * height) / code.size;
  const luma = Buffer.alloc(width * height, 200);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [(x - width / 2) / scale, (y - height / 2) / scale];
      const [u, v] = [0.98 * dx + 0.2 * dy + code.size / 2, 0.98 * dy - 0.2 * dx + code.size / 2];
      const isInside = u >= 0 && v >= 0 && u < code.size && v < code.size;
      if (isInside && code.isDark(Math.floor(u), Math.floor(v))) luma[y * width + x] = 30;
    }
  }
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128)]);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F15:1 Ip A1:1 C420jpeg\n`), frame, frame]);
}

const counts = [];
for (const [at, Browser] of browsers().entries()) {
  const browser = await Browser.start();
  const cases = Object.entries({ ...CASES, ...(at === 0 ? ONCE : {}) }).map(([name, test]) => [`${Browser.title}: ${name}`, async () => {
    try {
      return await test(browser);
    } finally {
      await visitor?.close();
      visitor = null;
    }
  }]);
  counts.push(await runCases(Object.fromEntries(cases.filter(([name]) => name.includes(process.env.CASE ?? '')))));
  await browser.stop();
}
rmSync(directory, { recursive: true });
finish(counts);
