// Calls between p2pcall and web/index.html in browsers, all on this machine. The last line says how many cases passed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { browsers } from './browsers.mjs';
import { Chromium } from './chromium.mjs';
import { LONG, PageCall, path } from './page-call.mjs';
import { finish, runCases, served } from './page-scripts.mjs';
import { WORDS, sameWords, takesWords } from './page-trust.mjs';
import { until } from './until.mjs';

/** The page's network changes while its text is on the way: a new one is there, and the earlier one is of use as well. */
const MOVED = Object.fromEntries(['offer', 'answer'].flatMap((type) => ['earlier', 'new'].map((which) =>
  [`the network changes, and the ${which} ${type} is used`, async (call) => {
    await call.visit();
    let texts;
    if (type === 'offer') {
      texts = { earlier: await call.offered() };
    } else {
      call.run('offer');
      await call.takesOffer(await call.program.blob);
      texts = { earlier: await call.answered() };
    }
    const [before, now] = await call.visitor.run('Promise.all([call.addresses, addressesNow(call)])');
    assert(before.length > 0);
    assert.deepEqual(now, before, 'what was there is found again');
    // Machines of tests have one network: that it has changed is told as a browser does, and that it is another one.
    await call.visitor.run("addressesNow = async () => ['198.51.100.7']; dispatchEvent(new Event('online')); 0");
    texts.new = await until('there is a new text', LONG, async () => {
      const text = await call.visitor.value('own-text');
      return text !== texts.earlier && text;
    });
    const words = new RegExp(`Your network has changed, so your ${type} is a new one now\\. Send it again; .*the earlier one is t`);
    await until('it says so', LONG, async () => words.test(await call.visitor.text('notes')));
    if (type === 'offer') {
      call.run('answer');
      call.program.say(texts[which]);
      await call.visitor.paste('answer-text', await call.program.blob);
    } else {
      call.program.say(texts[which]);
    }
    await call.connected();
    await call.flows();
    assert.equal(await call.visitor.run('earlier.length'), 0, 'nobody else can come any more');
    await call.visitor.press('hang-up');
    await call.ends(0, /The other side hung up/);
  }])));

/** With every browser. */
const CASES = {
  ...MOVED,

  'the page offers; mute is seen both ways; the page hangs up': async (call) => {
    await call.visit();
    await call.pageOffers();
    const own = await call.visitor.run('call.own.sdp');
    const [, first] = own.match(/^m=video 9 UDP\/TLS\/RTP\/SAVPF (\d+)/m);
    const codec = /^a=rtpmap:\d+ H264/m.test(own) ? 'H264' : 'VP8';
    assert.match(own, new RegExp(`^a=rtpmap:${first} ${codec}/90000$`, 'm'), 'H.264 comes first, where it is known');
    await call.flows();
    for (const [button, kind] of [['mute-microphone', 'audio'], ['mute-camera', 'video']]) {
      await call.visitor.press(button);
      await until(`p2pcall hears that the page's ${kind} is off`, LONG, () => call.heard(kind, true));
      await call.visitor.press(button);
      await until(`p2pcall hears that the page's ${kind} is on`, LONG, () => call.heard(kind, false));
    }
    const before = call.film.pictures.length;
    await until('pictures go on after the camera was off', LONG, () => call.film.pictures.length > before + 15);
    assert.equal(await call.visitor.isShown('their-microphone'), false);
    for (const isFull of [true, false]) {
      await call.visitor.press('full-screen');
      await until(`the page ${isFull ? 'fills' : 'leaves'} the screen`, LONG, async () =>
        await call.visitor.run("Boolean(document.fullscreenElement) && $('full-screen').ariaPressed === 'true'") === isFull);
    }
    await call.visitor.press('hang-up');
    await call.ends(0, /The other side hung up\. Connected for/);
    await call.pageEnds(/You hung up\.\s+Connected for/);
  },

  'the page offers, and both show the same words': async (call) => {
    await call.visit();
    await call.pageOffers();
    await sameWords(call);
  },

  'p2pcall offers, and both show the same words': async (call) => {
    await call.visit();
    await call.pageAnswers();
    await sameWords(call);
  },

  'p2pcall offers, compact; p2pcall hangs up': async (call) => {
    await call.visit();
    await call.pageAnswers('--blob', 'compact');
    assert.match(await call.visitor.value('own-text'), /^p2pcall1/, 'the answer has the form of the offer');
    await call.flows();
    call.program.say('quit');
    await call.ends(0, /You hung up\. Connected for/);
    await call.pageEnds(/The other side hung up\.\s+Connected for/);
  },

  'a link with the offer behind the #, on a telephone': async (call) => {
    const server = await served();
    try {
      call.run('offer', '--link', server.url);
      const given = await call.program.blob;
      assert(given.startsWith(`${server.url}#p2pcall1`), given);
      await call.visit({ url: given, phone: true });
      assert.match(await call.visitor.text('start'), /You are invited[^]*Nothing is sent and no camera is opened/);
      assert.equal(await call.visitor.run('call === null && media === null'), true, 'nothing was begun');
      assert.equal(await call.visitor.run('document.documentElement.scrollWidth <= innerWidth'), true, 'it is not too wide');
      call.program.say(await call.answered());
      await call.connected();
      await call.flows();
      await call.visitor.press('hang-up');
      await call.ends(0, /The other side hung up/);
      assert(server.requests.every((url) => !url.includes('p2pcall1')), 'the offer stays in the browser');
      // An offer of its own it can write as a link to itself.
      await call.visitor.press('again');
      await call.visitor.press('make-offer');
      await until('there is a link', LONG, () => call.visitor.run('ownText?.link'));
      const link = await call.visitor.run('ownText.link');
      assert(link.startsWith(`${server.url}#p2pcall1`), link);
      const { stdout } = spawnSync(path, ['inspect', '--json'], { input: link, encoding: 'utf8' });
      assert.equal(JSON.parse(stdout).kind, 'offer');
    } finally {
      server.close();
    }
  },
};

/** With every browser; each takes more than a minute, in which it does nothing. */
const WAITING = {
  'the answer comes after a minute': async (call) => {
    await call.visit();
    call.run('offer');
    await call.takesOffer(await call.program.blob);
    const answer = await call.answered();
    // What is tested is that the browser's ICE has failed meanwhile: 15 s without an answer to its checks.
    await until('the page has waited for a minute', 65 + LONG, async () =>
      /Waiting for them to paste your answer · [1-9]:/.test(await call.visitor.text('exchange')));
    call.program.say(answer);
    await call.connected();
    await call.flows();
  },

  'the answer is pasted after a minute': async (call) => {
    await call.visit();
    const [, answer] = await call.offerAnswered();
    await until('the page has waited for a minute', 65 + LONG, async () =>
      /Waiting for the answer · [1-9]:/.test(await call.visitor.text('exchange')));
    await call.visitor.paste('answer-text', answer);
    await call.connected();
    await call.flows();
  },
};

/** Where it does not matter which browser it is. */
const ONCE = {
  'a wrong text gives words, and the right one is taken afterwards': async (call) => {
    await call.visit();
    const [offer, answer] = await call.offerAnswered();
    for (const [text, words] of [
      ['hello', /no offer or answer in this/],
      [offer, /your own offer/],
      [answer.slice(0, 200), /cut off after 200 characters/],
      [answer.slice(0, 60) + (answer[60] === 'A' ? 'B' : 'A') + answer.slice(61), /damaged|cut off/],
    ]) {
      await call.visitor.paste('answer-text', text);
      await until(`words: ${words}`, LONG, async () => words.test(await call.visitor.text('answer-verdict')));
    }
    await call.visitor.paste('answer-text', `> ${answer.match(/.{1,70}/g).join('\n> ')}\n\nBye`);
    await call.connected();
  },

  'texts with a passphrase are told to be for the program': async (call) => {
    const words = /^This text is protected by a passphrase, which this page cannot do\. Use the program p2pcall\.$/;
    process.env.P2PCALL_PASSPHRASE = '4711';
    await call.visit();
    const offerer = call.run('offer', '--passphrase');
    const offer = await offerer.blob;
    const answerer = call.run('answer', '--passphrase');
    answerer.say(offer);
    try {
      await call.visitor.paste('offer-text', offer);
      await until('it says so', LONG, async () => words.test(await call.visitor.text('offer-verdict')));
      assert.equal(await call.visitor.isEnabled('join'), false);
      await call.offered();
      await call.visitor.paste('answer-text', await answerer.blob);
      await until('it says so', LONG, async () => words.test(await call.visitor.text('answer-verdict')));
    } finally {
      delete process.env.P2PCALL_PASSPHRASE;
      offerer.child.kill('SIGKILL');
    }
  },

  'without H.264 pictures come in VP8': async (call) => {
    await call.visit();
    await forgets(call, /h264/i);
    await call.pageOffers();
    assert.doesNotMatch(await call.visitor.run('call.own.sdp'), /H264/);
    await call.flows();
    for (const direction of ['inbound-rtp', 'outbound-rtp']) {
      assert.equal((await call.visitor.page.ask('figures', direction, 'video')).codec, 'video/VP8');
    }
  },

  ...Object.fromEntries(['pageOffers', 'pageAnswers'].map((begins) => [`a browser without codecs of ours hears and is heard (${begins})`, async (call) => {
    await call.visit();
    await forgets(call, /h264|vp8/i);
    await call[begins]();
    assert.doesNotMatch(await call.visitor.run('call.own.sdp'), /H264|VP8/);
    await until('the page says that no picture comes', LONG, () => call.visitor.isShown('no-picture'));
    await call.playsOurs();
    await until('p2pcall says so, too', LONG, () => call.program.words.some((line) => /neither H\.264 nor VP8/.test(line)));
    await until("p2pcall hears the page's microphone", LONG, () => call.program.stats()?.inbound.audio.frames_decoded > 50);
    assert.equal(await call.visitor.isEnabled('mute-camera'), false);
    assert.equal(await call.visitor.isShown('own-picture'), false, 'the camera is closed');
    await call.visitor.press('hang-up');
    await call.ends(0, /The other side hung up/);
  }])),

  'another camera is taken': (call) => withTwoCameras(call, {}, async () => {
    await call.pageAnswers();
    await switches(call, [LAST_CAMERA, FIRST_CAMERA]);
  }),

  // Chromium's cameras look nowhere: that they do is told in their stead.
  "a telephone's other camera is taken": (call) => withTwoCameras(call, { phone: true }, async () => {
    await call.visitor.run(`(() => {
      const [open, settings] = [MediaDevices.prototype.getUserMedia, MediaStreamTrack.prototype.getSettings];
      const labels = { user: '${FIRST_CAMERA}', environment: '${LAST_CAMERA}' };
      navigator.mediaDevices.getUserMedia = async function ({ audio, video }) {
        const { facingMode, ...others } = video || {};
        const camera = (await this.enumerateDevices()).find(({ label }) => label === labels[facingMode]);
        return open.call(this, { audio, video: video && { ...others, ...(camera ? { deviceId: { exact: camera.deviceId } } : {}) } });
      };
      MediaStreamTrack.prototype.getSettings = function () {
        const facingMode = Object.keys(labels).find((way) => labels[way] === this.label);
        return { ...settings.call(this), ...(facingMode ? { facingMode } : {}) };
      };
    })()`);
    await call.pageAnswers();
    const isMirrored = () => call.visitor.run("$('own-picture').classList.contains('mirrored')");
    assert.equal(await isMirrored(), true, 'at first it looks at its owner');
    await switches(call, [LAST_CAMERA]);
    assert.equal(await isMirrored(), false, 'what it sees otherwise is no mirror');
    await switches(call, [FIRST_CAMERA]);
  }),

  'without camera and microphone one watches and listens': async (call) => {
    await call.visit({ devices: [] });
    await call.pageAnswers();
    await call.showsOurs();
    assert.equal(await call.visitor.isEnabled('mute-camera'), false);
    assert.match(await call.visitor.run("$('notes').textContent"), /may not use your microphone[^]*allow the microphone, and begin again/);
  },
};

/** Has the browser know nothing of some codecs. */
function forgets(call, codecs) {
  return call.visitor.run(`(() => {
    const all = RTCRtpReceiver.getCapabilities;
    RTCRtpReceiver.getCapabilities = (kind) =>
      ({ codecs: all.call(RTCRtpReceiver, kind).codecs.filter(({ mimeType }) => !${codecs}.test(mimeType)) });
  })()`);
}

/** Of Chromium's cameras that are none the second takes JPEGs, which do not come as far as a connection: it is left out. */
const [FIRST_CAMERA, LEFT_OUT, LAST_CAMERA] = ['fake_device_0', 'fake_device_1', 'fake_device_2'];

/** Visits the page with a browser that has two cameras. */
async function withTwoCameras(call, options, test) {
  const browser = await Chromium.start({ flags: ['--use-fake-device-for-media-stream=device-count=3'] });
  try {
    await call.visit(options, browser);
    await call.visitor.run(`(() => {
      const all = MediaDevices.prototype.enumerateDevices;
      navigator.mediaDevices.enumerateDevices = async () =>
        (await all.call(navigator.mediaDevices)).filter(({ label }) => label !== '${LEFT_OUT}');
    })()`);
    await test();
  } finally {
    await browser.stop();
  }
}

/** Takes the next camera again and again: these; pictures go on each time. */
async function switches(call, labels) {
  for (const label of labels) {
    await call.visitor.press('switch-camera');
    await until(`the camera is ${label}`, LONG, () => call.visitor.run(`media.track('video')?.label === '${label}' && !$('switch-camera').disabled`));
    const before = call.film.pictures.length;
    await until('pictures go on', LONG, () => call.film.pictures.length > before + 10);
  }
}

/** Two pages, on a desk and on a telephone. */
async function pagesTalk(call, deskBrowser, phoneBrowser) {
  const [desk, phone] = await call.pagesMeet(deskBrowser, phoneBrowser);
  const words = await until('words', LONG, () => desk.text('words'));
  await until('the same words', LONG, async () => await phone.text('words') === words);
  for (const side of [phone, desk]) await takesWords(side);
  for (const side of [desk, phone]) {
    await until('20 pictures come', LONG, () => side.run('seen.pictures.length >= 20'));
    // Browsers' own pictures have strong colours; nothing at all is black or grey.
    const colour = await side.run('seen.pictures.at(-1).left');
    assert(Math.max(...colour) - Math.min(...colour) > 80, `it has a colour: ${colour}`);
  }
  await phone.press('mute-camera');
  await until('the desk sees that the camera is off', LONG, () => desk.isShown('no-picture'));
  await phone.press('mute-camera');
  await until('and on again', LONG, async () => !(await desk.isShown('no-picture')));
  await phone.press('hang-up');
  await until('the desk sees the end', LONG, () => desk.isShown('end'));
  assert.match(await desk.text('end'), /The other side hung up/);
}

/** No case may take longer, in milliseconds. */
const LONGEST_CASE = 300_000;

/** Returns a case as it is run, with one browser. */
function prepared(test, browser) {
  return async () => {
    const call = new PageCall(browser);
    const late = new Promise((_, failed) => setTimeout(failed, LONGEST_CASE, new Error('it takes too long')).unref());
    try {
      return await Promise.race([test(call), late]);
    } catch (error) {
      throw new Error(`${error.message}${await call.account()}`);
    } finally {
      await call.close();
    }
  };
}

const started = await Promise.all(browsers().map((Browser) => Browser.start()));

/** Returns these cases with a browser, of those that $CASE names. */
const chosen = (cases, browser) => Object.fromEntries(Object.entries(cases)
  .map(([name, test]) => [`${browser.constructor.title}: ${name}`, prepared(test, browser)])
  .filter(([name]) => name.includes(process.env.CASE ?? '')));

const pairs = Object.fromEntries(started.map((other) =>
  [`and ${other.constructor.title} on a telephone: two pages`, (call) => pagesTalk(call, started[0], other)]));

// At once: mostly they wait.
const counts = await Promise.all(started.flatMap((browser, at) => [
  ...Object.entries(chosen(WAITING, browser)).map(([name, test]) => runCases({ [name]: test })),
  runCases({ ...chosen(CASES, browser), ...(at === 0 ? chosen({ ...ONCE, ...WORDS, ...pairs }, browser) : {}) }),
]));
for (const browser of started) await browser.stop();
finish(counts);
