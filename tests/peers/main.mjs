// Calls between p2pcall and other WebRTC programs, as two tables; each call is told as it ends, on standard error.
// The last line says how many cells are well.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Call } from './call.mjs';
import { table } from './matrix.mjs';
import { Cannot, Peer, PEERS } from './peer.mjs';
import { OFFERS } from './plans.mjs';

const built = fileURLToPath(new URL('../../target/debug/p2pcall', import.meta.url));
const named = process.argv.slice(2);
const path = named.length > 0 && !(named[0] in PEERS) ? named.shift() : process.env.P2PCALL ?? built;
if (!existsSync(path)) {
  console.error(`There is no ${path}. Build it first: cargo build`);
  process.exit(2);
}
const unknown = named.find((name) => !(name in PEERS));
if (unknown) {
  console.error(`No peer is called ${unknown}. There are: ${Object.keys(PEERS).join(', ')}`);
  process.exit(2);
}
const ours = spawnSync(path, ['offer', '--help']).stdout.toString().includes('vp8') ? ['h264', 'vp8'] : ['h264'];

/** What is looked at in a whole call, in this order, and its column's head. */
const LOOKED_AT = {
  'connected': (call) => call.connect(),
  'picture there': (call) => call.pictureThere(),
  'picture here': (call) => call.pictureHere(),
  'sound there': (call) => call.soundThere(),
  'sound here': (call) => call.soundHere(),
  'message here': (call) => call.messageHere(),
  'we hang up': (call) => call.weHangUp(),
  'message there': (call) => call.messageThere(),
};

const details = [];
let [passed, failed] = [0, 0];

/** Does one thing and returns its cell. */
async function cell(what, call, look) {
  try {
    const word = await look(call);
    passed++;
    return word ?? 'ok';
  } catch (error) {
    if (error instanceof Cannot) return error.message;
    failed++;
    details.push(`FAILED: ${what}: ${error.message}`, ...[
      ...(call.program?.words ?? []).map((line) => `p2pcall: ${line}`),
      ...call.peer.words.slice(-12).map((line) => `peer: ${line}`),
      ...process.env.SHOW_SDP ? [call.offered?.sdp, call.answered?.sdp] : [],
    ].map((line) => `    ${line}`));
    return 'FAILED';
  }
}

/** A call in which p2pcall hangs up, and a short one in which the other side does. */
async function wholeCall(name, role, codec) {
  const what = `${name}, p2pcall ${role}s, ${codec}`;
  const row = [];
  const call = await Call.begin(path, name, role, codec);
  for (const [title, look] of Object.entries(LOOKED_AT)) {
    row.push(row.length > 0 && row[0] !== 'ok' ? '-' : await cell(`${what}: ${title}`, call, look));
  }
  await call.stop();
  const again = await Call.begin(path, name, role, codec);
  row.push(await cell(`${what}: they hang up`, again, async () => {
    await again.connect();
    await again.pictureHere();
    return again.theyHangUp();
  }));
  await again.stop();
  console.error(`${what}: ${row.join(', ')}`);
  return row;
}

/** A call after an offer of another kind: all that was agreed on flows, and the end is noticed. */
async function answered(name, offer, codec) {
  const call = await Call.begin(path, name, 'answer', codec, OFFERS[offer]);
  const result = await cell(`${name}: ${offer}`, call, async () => {
    if (call.plan.refused) return call.refuses();
    await call.connect();
    if (call.has('video', 'recv')) await call.pictureThere();
    if (call.has('video', 'send')) await call.pictureHere();
    if (call.has('audio', 'recv')) await call.soundThere();
    if (call.has('audio', 'send')) await call.soundHere();
    if (call.has('data')) await call.messageHere();
    call.sendsNoMore();
    if (call.plan.goes) return call.theyHangUp();
    const end = await call.weHangUp();
    if (call.has('data')) await call.messageThere();
    return end;
  });
  await call.stop();
  console.error(`${name}: ${offer}: ${result}`);
  return result;
}

/** The peers that are here, with what they say of themselves; the others' absence is told. */
async function present() {
  const found = {};
  for (const name of named.length > 0 ? named : Object.keys(PEERS)) {
    try {
      const peer = await Peer.start(name);
      const { program, codecs, loops } = peer;
      found[name] = { program, codecs, loops };
      await peer.stop();
    } catch (error) {
      console.log(`skipped: ${name} (${error.message})`);
      if (named.length > 0) failed++;
    }
  }
  return found;
}

const peers = await present();
const calls = [['peer', 'p2pcall', 'codec', ...Object.keys(LOOKED_AT), 'they hang up']];
for (const [name, { program, codecs }] of Object.entries(peers)) {
  for (const codec of ours.filter((codec) => codecs.includes(codec))) {
    for (const role of ['offer', 'answer']) calls.push([program, `${role}s`, codec, ...await wholeCall(name, role, codec)]);
  }
}
console.log(`\n${table(calls)}\n`);

const offers = [['offered to p2pcall', ...Object.values(peers).map(({ program }) => program)]];
for (const offer of Object.keys(OFFERS)) {
  const row = [offer];
  for (const [name, { codecs }] of Object.entries(peers)) {
    const codec = ours.find((codec) => codecs.includes(codec));
    row.push(codec ? await answered(name, offer, codec) : 'has no codec of ours');
  }
  offers.push(row);
}
console.log(`${table(offers)}\n`);
details.forEach((line) => console.log(line));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
