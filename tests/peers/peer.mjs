// The process of another WebRTC program: what it is asked, what it tells. One JSON object a line, both ways.
//
// It begins with {"event":"ready","program":"name and version","codecs":[…]}, and in the same object, where it is so:
//   loops    it has no codecs, and sends back what comes
//   silent   it goes without a word
//   mute     its data channel never opens with p2pcall
//   deaf     without a data channel it does not hear that p2pcall goes
// It is asked, in "do":
//   begin    plan (see plans.mjs): what to send and offer, before all else
//   offer    make an offer; tells "description"
//   answer   description: take this offer; tells "description"
//   take     description: take this answer
//   say      text: over the data channel
//   close    hang up as its users would
// It tells, in "event":
//   state    state: of the connection, in the W3C's words
//   picture  number (null if there is none to be read), width, height; of one that was decoded
//   sound    share of the power at listenHz, rms; of half a second
//   packet   kind; of media that a peer without codecs sent back
//   channel  it is open
//   message  text: over it
//   closed, channelClosed, trackEnded: it noticed an end
//   cannot   reason: what it was asked is none of its arts

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { until } from '../browser/until.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Where tests/peers/run lays the packages. */
const packages = process.env.PEER_PACKAGES ?? join(here, '../../target/peers');

/** Each peer's command. Debian's GStreamer is bound to Debian's Python. */
export const PEERS = {
  aiortc: [join(packages, 'venv/bin/python'), join(here, 'aiortc_peer.py')],
  wrtc: [process.execPath, join(here, 'wrtc-peer.mjs')],
  gstreamer: ['/usr/bin/python3', join(here, 'gstreamer_peer.py')],
  libdatachannel: [process.execPath, join(here, 'libdatachannel-peer.mjs')],
  werift: [process.execPath, join(here, 'werift-peer.mjs')],
};

/** It cannot do what it was asked: no failure of p2pcall's. */
export class Cannot extends Error {}

export class Peer {
  events = [];
  words = [];

  static async start(name) {
    const peer = new Peer(name);
    Object.assign(peer, await peer.told('ready', 30));
    return peer;
  }

  constructor(name) {
    const [command, ...args] = PEERS[name];
    this.child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, PEER_PACKAGES: packages } });
    this.child.stdin.on('error', () => {});
    this.child.on('error', (error) => this.words.push(String(error)));
    this.ended = new Promise((done) => this.child.on('close', done));
    createInterface({ input: this.child.stderr }).on('line', (line) => this.words.push(line));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      if (line.startsWith('{"event":') || line.startsWith('{"event": ')) this.events.push(JSON.parse(line));
      else this.words.push(line);
    });
  }

  ask(what, values = {}) {
    this.child.stdin.write(JSON.stringify({ do: what, ...values }) + '\n');
  }

  /** Returns the first event of a name that fits. */
  told(name, seconds, fits = () => true) {
    return until(`the peer tells of "${name}"`, seconds, () => {
      const cannot = this.events.find(({ event }) => event === 'cannot');
      if (cannot) throw new Cannot(cannot.reason);
      const found = this.all(name).find(fits);
      if (!found && this.child.exitCode !== null) throw new Error(`the peer ended with ${this.child.exitCode}`);
      return found;
    });
  }

  all(name) {
    return this.events.filter(({ event }) => event === name);
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
