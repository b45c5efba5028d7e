// Texts: what web/index.html reads and writes, alone and together with p2pcall. The last line says how many cases passed.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

import { hard, MANGLINGS } from './manglings.mjs';
import { finish, pageScripts, pageUrl, runCases } from './page-scripts.mjs';
import { Program, programPath } from './program.mjs';

const path = programPath();
const page = pageScripts('blobs');
const [readBlob, readExpected, writeBlob, travelling, stamped, shortIdOf, stampOf] =
  ['readBlob', 'readExpected', 'writeBlob', 'travelling', 'stamped', 'shortIdOf', 'stampOf'].map(page);

const repository = new URL('../../', import.meta.url);
const data = (name) => readFileSync(new URL(`tests/data/${name}.sdp`, repository), 'utf8');
const NOW = 1_783_000_000_000;
const stampAt = (time, answers = null) => ({ minutes: Math.floor((time - Date.UTC(2026, 0, 1)) / 60_000), answers });

/** What is carried: ours with stamps, other programs' as they are. */
const DESCRIPTIONS = {
  "p2pcall's offer": { type: 'offer', sdp: stamped(data('p2pcall-offer'), stampAt(NOW - 600_000)) },
  "p2pcall's answer": { type: 'answer', sdp: stamped(data('p2pcall-answer'), stampAt(NOW - 600_000)) },
  "Chromium's offer": { type: 'offer', sdp: data('chromium-offer') },
  "Firefox's offer": { type: 'offer', sdp: data('firefox-offer') },
  "Firefox's answer": { type: 'answer', sdp: data('firefox-answer') },
};

const document = readFileSync(new URL('docs/blob-format.md', repository), 'utf8');
const EXAMPLES = [...document.matchAll(/```sdp (offer|answer)\n([^`]*)```\n+```compact\n(\w+)\n```/g)]
  .map(([, type, sdp, text]) => ({ description: { type, sdp }, text }));

/** Ways to write a description, and the form as which each is read. */
const WRITTEN = {
  plain: [(description) => writeBlob(description, 'plain'), 'plain'],
  'base64url': [async (description) => urlSafe(await writeBlob(description, 'plain')), 'plain'],
  'base64 with white space in it': [(description) => Buffer.from(JSON.stringify(description, null, 2)).toString('base64'), 'plain'],
  link: [async (description) => `https://call.example/join#${urlSafe(await writeBlob(description, 'plain'))}`, 'plain'],
  json: [({ type, sdp }) => `{"sdp": ${JSON.stringify(sdp)}, "type": "${type}"}`, 'json'],
  sdp: [({ sdp }) => sdp, 'sdp'],
  compact: [(description) => writeBlob(description, 'compact'), 'compact'],
};
const urlSafe = (text) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/** Objects of the page's own world have other prototypes. */
const plain = (object) => JSON.parse(JSON.stringify(object));

function failure(read) {
  try {
    return assert.fail(`it was read: ${JSON.stringify(read())}`);
  } catch (error) {
    if (error.what === undefined) throw error;
    return error;
  }
}

/** The lines without which there is no connection. */
const essentials = (sdp) => sdp.split(/\r?\n/).filter((line) =>
  /^a=(fingerprint|ice-ufrag|ice-pwd|setup|mid|candidate|rtpmap):/.test(line));

function inspected(text) {
  const { stdout, stderr, status } = spawnSync(path, ['inspect', '--json'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** Whether p2pcall reads a text as the page reads it. */
function sameAsProgram(text, description) {
  const theirs = inspected(text);
  const places = [...description.sdp.matchAll(/^a=candidate:(?:\S+ ){4}(\S+) (\d+) typ (\w+)/gm)].map((match) => match.slice(1).join(' '));
  assert.deepEqual([theirs.kind, theirs.id], [description.type, shortIdOf(description.sdp)]);
  assert.equal(theirs.fingerprint, description.sdp.match(/^a=fingerprint:(.*?)\r?$/m)[1]);
  assert.deepEqual(new Set(theirs.candidates.map(({ address, port, type }) => `${address} ${port} ${type}`)), new Set(places));
  assert.equal(theirs.characters, text.replace(/\s/g, '').length);
  const codecs = theirs.codecs.map(({ payload_type: format, name, clock_rate: rate, channels }) => `${format} ${name}/${rate}${channels ? `/${channels}` : ''}`);
  const maps = [...description.sdp.matchAll(/^a=rtpmap:(.*?)\r?$/gm)].map(([, map]) => map);
  assert.deepEqual(codecs.toSorted(), maps.toSorted());
  return theirs;
}

const CASES = {
  "no two scripts of the page use a name, and it asks nobody for anything": () => {
    const source = readFileSync(pageUrl, 'utf8');
    const names = [...source.matchAll(/^(?:async )?(?:function\*? |class |const |let )(\w+|\[[^\]]*\])/gm)].flatMap(([, name]) => name.match(/\w+/g));
    assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), []);
    assert.match(source, /Content-Security-Policy" content="default-src 'none';[^"]*connect-src 'none'/);
    assert.doesNotMatch(source, /<(script|img|iframe)[^>]* src=|<link[^>]* href="(?!data:)|@import|fetch\(|XMLHttpRequest|WebSocket/);
  },

  'the examples of docs/blob-format.md are read and written': async () => {
    assert(EXAMPLES.length >= 4);
    for (const { description, text } of EXAMPLES) {
      assert.deepEqual(plain(readBlob(text).description), description);
      const written = await writeBlob(description, 'compact');
      // Compressors differ: what counts is what is read.
      const isDeflated = description.sdp.includes('s=Käse');
      if (!isDeflated) assert.equal(written, text);
      assert.deepEqual(plain(readBlob(written).description), description);
    }
  },

  'every form is written and read back': async () => {
    for (const [whose, description] of Object.entries(DESCRIPTIONS)) {
      for (const form of ['plain', 'compact', 'json', 'sdp']) {
        const text = await writeBlob(description, form);
        const found = readBlob(text);
        assert.deepEqual(plain(found.description), description, `${whose}, ${form}`);
        assert.deepEqual([found.form, found.characters], [form, text.replace(/\s/g, '').length], `${whose}, ${form}`);
      }
    }
  },

  'what other compressors write is inflated': () => {
    const inflate = page('inflate');
    for (const hex of ['03 00', '4b 4c 04 00', '01 03 00 fc ff 61 62 63', '4b 4c 4c 04 42 00']) {
      const bytes = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
      assert.deepEqual(Buffer.from(inflate(bytes)), inflateRawSync(bytes), hex);
    }
    for (const hex of ['07', '4b', '4b 4c 4c 04 46 ff', '']) {
      assert.equal(failure(() => inflate(Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')))).what, 'damaged', hex);
    }
  },

  'every form survives every mangling': async () => {
    const failures = [];
    let read = 0;
    for (const [whose, description] of Object.entries(DESCRIPTIONS)) {
      for (const [written, [write, form]] of Object.entries(WRITTEN)) {
        const text = await write(description);
        for (const [name, mangle, notFor = []] of MANGLINGS) {
          if (notFor.includes(written)) continue;
          read++;
          try {
            const found = readExpected(mangle(text), { type: description.type }, NOW);
            assert.equal(found.form, form);
            // Without a check sum a break within a word may look like one at a space: what makes the session must be
            // right, names of tracks need not be.
            const isLoose = !description.sdp.includes('a=p2pcall:') && ['json', 'sdp'].includes(written);
            if (isLoose) assert.deepEqual(essentials(found.description.sdp), essentials(description.sdp));
            else assert.deepEqual(plain(found.description), description);
          } catch (error) {
            failures.push(`${whose}, ${written}, ${name}: ${error.message.split('\n')[0]}`);
          }
        }
      }
    }
    assert(failures.length === 0, `${failures.length} of ${read}:\n    ${failures.slice(0, 20).join('\n    ')}`);
    console.log(`    ${read} texts`);
  },

  'a text that is cut anywhere is told to be cut': async () => {
    for (const form of ['plain', 'json', 'sdp', 'compact']) {
      const text = await writeBlob(DESCRIPTIONS["p2pcall's offer"], form);
      const whole = form === 'compact' ? text.length : text.replace(/(?:[=\r\n}"]|\\r|\\n)+$/, '').length - 3;
      for (let cut = form === 'compact' ? 8 : 3; cut < whole; cut += 7) {
        const { what, message } = failure(() => readBlob(text.slice(0, cut)));
        assert.equal(what, 'incomplete', `${cut} of ${form}: ${message}`);
        const characters = text.slice(0, cut).replace(/\s/g, '').length;
        assert.match(message, new RegExp(`cut off after ${characters} characters`), form);
      }
    }
  },

  'what is wrong is told in the words of the program': async () => {
    const offer = DESCRIPTIONS["p2pcall's offer"];
    const answer = { type: 'answer', sdp: stamped(data('p2pcall-answer'), stampAt(NOW, shortIdOf(offer.sdp))) };
    const compact = await writeBlob(offer, 'compact');
    const changed = compact.slice(0, 40) + (compact[40] === '0' ? '1' : '0') + compact.slice(41);
    const text = (description) => writeBlob(description, 'plain');
    const edited = (from, to) => text({ ...offer, sdp: offer.sdp.replaceAll(from, to).replace(/a=p2pcall.*\r\n/, '') });
    const forOffer = { type: 'offer' };
    const forAnswer = { type: 'answer', own: offer };
    for (const [text_, expected, what, words] of [
      ['', forOffer, 'not_a_blob', /There is no offer or answer in this/],
      ['hello there {name}, v=0 and p2pcall 1.0', forOffer, 'not_a_blob', /no offer or answer/],
      [compact.slice(0, 60), forOffer, 'incomplete', new RegExp(`after 60 characters and the last ${compact.length - 60} are missing.*…${compact.slice(52, 60)}"`)],
      [changed, forOffer, 'damaged', /damaged on its way \(.*\)\. Copy it again/],
      [compact.replace('p2pcall1', 'p2pcall2'), forOffer, 'newer', /newer p2pcall/],
      [await text(offer), forAnswer, 'own', /your own offer\. Send it to the other person/],
      [await text({ ...offer, sdp: offer.sdp.replace('p2pcall:1', 'p2pcall:2') }), forOffer, 'newer', /newer p2pcall/],
      [await text(answer), forOffer, 'wrong_kind', /This is an answer, but an offer is needed here/],
      [await text(DESCRIPTIONS["Chromium's offer"]), forAnswer, 'wrong_kind', /This is an offer, but an answer is needed here/],
      [await text({ ...answer, sdp: stamped(answer.sdp, stampAt(NOW, 'abc123')) }), forAnswer, 'another_offer', /to another offer \(abc123\).*waits here \(\w{6}, made 10 minutes ago\)/],
      [await text({ ...offer, sdp: stamped(offer.sdp, stampAt(NOW - 13 * 3_600_000)) }), forOffer, 'too_old', /made 13 hours ago/],
      [await text(offer), { ...forOffer, answered: offer }, 'answered', /answered already/],
      [await edited('a=fingerprint', 'a=finger'), forOffer, 'no_session', /no session that could be joined/],
      [await edited(/a=rtpmap:\d+ /g, 'a=rtpmap:9 X'), forOffer, 'no_common_codec', /no sound and no pictures/],
      [await edited(/a=candidate.*\r\n/g, ''), forOffer, 'no_candidate', /no address in this/],
      [await edited(/ udp /gi, ' tcp '), forOffer, 'out_of_reach', /over TCP alone/],
    ]) {
      const error = failure(() => readExpected(text_, expected, NOW));
      assert.equal(error.what, what, error.message);
      assert.match(error.message, words);
    }
    assert.equal(readExpected(await text(answer), forAnswer, NOW).description.type, 'answer');
  },

  'a text with a passphrase is told to be for the program': async () => {
    const offer = DESCRIPTIONS["p2pcall's offer"];
    const share = `a=passphrase:${Buffer.alloc(32, 7).toString('base64')}\r\n`;
    const begins = 'v=0\no=- 1 1 IN IP6 ::\ns=-\nc=IN IP6 ::\nt=0 0\n';
    const sealed = `${begins}a=sealed:${Buffer.alloc(900, 'What an answer says, and a seal. ').toString('base64')}\n`;
    for (const description of [
      { type: 'offer', sdp: stamped(offer.sdp.replace(/^(?=m=)/m, share), stampAt(NOW)) },
      { type: 'answer', sdp: stamped(sealed, stampAt(NOW, 'abc123')) },
    ]) {
      for (const form of ['plain', 'compact', 'json', 'sdp']) {
        for (const expected of [{ type: 'offer' }, { type: 'answer', own: DESCRIPTIONS["Chromium's offer"] }]) {
          const text = await writeBlob(description, form);
          const error = failure(() => readExpected(`Here it is:\n\n${text}\n\nBye`, expected, NOW));
          assert.deepEqual([error.what, error.message], ['passphrase',
            'This text is protected by a passphrase, which this page cannot do. Use the program p2pcall.'], `${description.type}, ${form}`);
          if (form !== 'sdp') assert.equal(failure(() => readExpected(text.slice(0, -40), expected, NOW)).what, 'incomplete', form);
        }
      }
    }
  },

  'hostile texts take no long time': () => {
    const hostile = ['{"', 'eyJ', 'v=0\no=', 'p2pcall1', '&amp;', '%25', '=3D', '\\\\', '<p>', '> ', '[1: ', 'a=x\n', '{"type":"offer","sdp":"v=0'];
    for (const piece of hostile) {
      const began = performance.now();
      failure(() => readExpected(piece.repeat((256 * 1024) / piece.length), { type: 'offer' }, NOW));
      const took = performance.now() - began;
      assert(took < 3000, `${JSON.stringify(piece)}: ${took.toFixed(0)} ms`);
    }
  },

  "what travels of a browser's description is shorter and says the same": async () => {
    for (const name of ['compact-chromium-offer', 'compact-firefox-offer', 'compact-firefox-answer']) {
      const whole = { type: name.endsWith('offer') ? 'offer' : 'answer', sdp: data(name) };
      const travels = travelling(whole, stampAt(NOW));
      assert(stampOf(travels.sdp).stamp, 'it is stamped');
      assert.equal(shortIdOf(travels.sdp), shortIdOf(whole.sdp));
      const candidates = ({ sdp }) => [...sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+ \d+)/gim)].map(([, place]) => place);
      assert.deepEqual([...new Set(candidates(travels))], [...new Set(candidates(whole))]);
      const text = await writeBlob(travels, 'compact');
      assert(text.length < 900, `${name}: ${text.length} characters`);
      assert.deepEqual(plain(readExpected(text, { type: whole.type }, NOW).description), plain(travels));
    }
  },

  'a header extension stands in front only where it did': () => {
    const whole = { type: 'answer', sdp: data('firefox-answer') };
    const places = (offer) => travelling(whole, stampAt(NOW), offer).sdp.split(/(?=^m=)/m).map((lines) => (lines.match(/^a=extmap:/gm) ?? []).length);
    assert.deepEqual(places({ sdp: data('firefox-offer') }), [0, 1, 1], 'a bare browser');
    const shared = travelling({ type: 'offer', sdp: data('firefox-offer') }, stampAt(NOW));
    assert.deepEqual(places(shared), [1, 0, 0], 'p2pcall and the page');
    // Firefox takes it from nobody so.
    const parts = page('spread')(shared.sdp).split(/(?=^m=)/m).map((lines) => [lines.slice(0, 7), (lines.match(/^a=extmap:/gm) ?? []).length]);
    for (const [medium, count] of parts) assert.equal(count, /^m=(audio|video)/.test(medium) ? 1 : 0, medium);
  },

  'p2pcall reads what the page writes': async () => {
    for (const [whose, description] of Object.entries(DESCRIPTIONS)) {
      for (const form of ['plain', 'compact', 'json', 'sdp']) {
        const text = await writeBlob(description, form);
        assert.equal(sameAsProgram(text, description).form, form, whose);
      }
    }
    const travels = travelling(DESCRIPTIONS["Chromium's offer"], stampAt(NOW));
    sameAsProgram(await writeBlob(travels, 'compact'), travels);
  },

  'the page reads what p2pcall writes': async () => {
    for (const form of ['plain', 'compact', 'json', 'sdp']) {
      const program = new Program(path, ['offer', '--no-stun', '--bind', '127.0.0.1', '--video', 'test', '--audio', 'none', '--show', 'none', '--blob', form]);
      const text = form === 'sdp' ? await program.printedUpTo(/^a=max-message-size/) : await program.blob;
      program.child.kill('SIGKILL');
      const found = readExpected(text, { type: 'offer' });
      assert.equal(found.form, form);
      sameAsProgram(text, found.description);
      for (const again of ['plain', 'compact']) {
        assert.deepEqual(plain(readBlob(await writeBlob(found.description, again)).description), plain(found.description));
      }
      // Its own profile, to the last character.
      if (form === 'compact') assert.equal(await writeBlob(found.description, 'compact'), text);
    }
  },
};

if (!existsSync(path)) {
  for (const name of Object.keys(CASES).filter((name) => name.includes('p2pcall reads') || name.includes('p2pcall writes'))) {
    CASES[name] = () => `there is no ${path}`;
  }
}
const counts = await runCases(CASES);
finish([counts]);
