// One call between p2pcall and another program, and what is looked at in it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Program } from '../browser/program.mjs';
import { Film } from '../browser/recorded.mjs';
import { until } from '../browser/until.mjs';
import { toneFiftieths } from './heard.mjs';
import { Peer } from './peer.mjs';
import { USUAL } from './plans.mjs';

/** Readable pictures that are waited for: more than a second's. */
const PICTURES = 20;

export class Call {
  /** Begins a call in which p2pcall has the role `offer` or `answer`. */
  static async begin(path, name, role, codec, plan = {}) {
    const call = new Call();
    call.plan = { ...USUAL, codec, ...plan };
    call.directory = mkdtempSync(join(tmpdir(), 'p2pcall-peers-'));
    [call.picture, call.sound] = [join(call.directory, 'picture.y4m'), join(call.directory, 'sound.wav')];
    call.film = new Film(call.picture);
    call.peer = await Peer.start(name);
    const { edit, refused, ...asked } = call.plan;
    call.peer.ask('begin', asked);
    call.role = role;
    call.program = null;
    call.path = path;
    return call;
  }

  async connect() {
    const { peer, plan: { codec, foreign, edit = (sdp) => sdp } } = this;
    const program = this.program = new Program(this.path, [this.role, '--bind', '127.0.0.1', '--no-stun',
      '--video', 'test', '--audio', `tone:${USUAL.listenHz}`, '--size', '320x240', '--fps', '15', '--max-bitrate', '500',
      '--show', `file:${this.picture}`, '--speaker', `file:${this.sound}`,
      // Where the peer has no other it is to be taken without being asked for.
      ...codec === peer.codecs[0] ? [] : ['--codec', codec]]);
    const told = async () => (await peer.told('description', 20)).description;
    if (this.role === 'offer') {
      peer.ask('answer', { description: this.offered = await program.description() });
      program.paste(this.answered = await told());
    } else {
      peer.ask('offer');
      const { type, sdp } = await told();
      program.paste(this.offered = { type, sdp: edit(sdp) });
      peer.ask('take', { description: this.answered = await program.description() });
    }
    await until('connected', 20, () => {
      assert.equal(program.child.exitCode, null, 'p2pcall has ended');
      return program.events.some(({ state }) => state === 'connected');
    });
    // One that waits for all its paths, of which p2pcall takes one, never says so.
    if (!this.plan.unbundled) await peer.told('state', 10, ({ state }) => state === 'connected');
    if (foreign) assert.match(this.answered.sdp, /^m=video 0 /m);
    else if (this.has('video')) assert.equal(firstCodec(this.answered.sdp), codec, 'the codec that was agreed on');
  }

  /** p2pcall does not take the offer, and says so. */
  async refuses() {
    await assert.rejects(this.connect(), /p2pcall ended with 3/);
    assert.match(this.program.words.join('\n'), this.plan.refused);
    return 'refused';
  }

  /** Whether a medium of a kind is offered, and is to go from the peer (`send`) or to it (`recv`). */
  has(kind, way = '') {
    if (kind === 'video' && way && this.plan.foreign) return false;
    if (this.plan.unbundled && kind !== this.plan.media[0].kind) return false;
    return this.plan.media.some((medium) => medium.kind === kind && (medium.direction ?? 'sendrecv').includes(way));
  }

  async pictureThere() {
    if (this.peer.loops) return this.packetsThere('video');
    const seen = await until(`the peer shows ${PICTURES} of our pictures`, 20, () => {
      const seen = this.peer.all('picture');
      return numbers(seen).length >= PICTURES && seen;
    });
    judge(seen);
  }

  async pictureHere() {
    const seen = await until(`p2pcall shows ${PICTURES} pictures`, 20, () => {
      const seen = this.film.pictures;
      return numbers(seen).length >= PICTURES && seen;
    });
    judge(seen);
    const { u, v } = seen.at(-1);
    if (!this.peer.loops) assert(u > 200 && v < 130, `the lower half is blue: ${u} ${v}`);
  }

  async soundThere() {
    if (this.peer.loops) return this.packetsThere('audio');
    await this.peer.told('sound', 15, ({ share, rms }) => share > 0.9 && rms > 0.05);
  }

  async soundHere() {
    const hz = this.peer.loops ? USUAL.listenHz : USUAL.toneHz;
    // At the beginning a buffer learns how long it must be.
    await until('p2pcall plays a second of the tone', 20, () => {
      const tone = toneFiftieths(this.sound, hz);
      return tone.count >= 50 && tone.share > 0.8;
    });
  }

  /** What a peer without codecs can show: that media came. What was in it p2pcall shows, as it comes back. */
  async packetsThere(kind) {
    await until(`${kind} packets come`, 10, () => this.peer.all('packet').filter((packet) => packet.kind === kind).length >= PICTURES);
    return 'comes';
  }

  /** What the peer does not want to have is not sent, and not promised (RFC 3264, 6.1). */
  sendsNoMore() {
    const ours = mediaOf(this.role === 'offer' ? this.offered.sdp : this.answered.sdp);
    this.plan.media.forEach(({ kind, direction = 'sendrecv' }, index) => {
      const allowed = { sendrecv: /./, sendonly: /^(recvonly|inactive)$/, recvonly: /^(sendonly|inactive)$/, inactive: /^inactive$/ };
      if (kind !== 'data') assert.match(ours[index].direction, allowed[direction], `the answer to ${direction} ${kind}`);
    });
    for (const kind of ['audio', 'video'].filter((kind) => !this.has(kind, 'recv'))) {
      const sent = this.program.events.some((entry) => entry.event === 'first_frame_sent' && entry.kind === kind);
      assert(!sent, `p2pcall sends ${kind} that was not asked for`);
    }
  }

  async messageHere() {
    if (this.peer.mute) return this.noChannel();
    await this.peer.told('channel', 15);
    this.peer.ask('say', { text: '{"say":"muted","kind":"audio","muted":true}' });
    await until('p2pcall hears that the peer is muted', 10, () =>
      this.program.events.some(({ event, remote, kind, muted }) => event === 'muted' && remote && kind === 'audio' && muted));
  }

  async weHangUp() {
    this.program.say('quit');
    await this.ends(0, /You hung up\. Connected for/);
    if (this.peer.deaf && !this.has('data')) return 'ok, but it sees no end';
    // Without a channel libwebrtc takes 18 s: until nobody answers its checks.
    await until('the peer notices', 30, () => this.peer.events.some(({ event, state }) =>
      ['closed', 'channelClosed', 'trackEnded'].includes(event) || ['closed', 'disconnected', 'failed'].includes(state)));
  }

  /** p2pcall's good-bye, a message over the channel. */
  async messageThere() {
    if (this.peer.mute) return this.noChannel();
    await this.peer.told('message', 10, ({ text }) => text === '{"say":"bye"}');
  }

  /** What is known to be missing is told, until it is there. */
  noChannel() {
    assert.equal(this.peer.all('channel').length, 0, 'the channel opens after all');
    return 'no channel';
  }

  async theyHangUp() {
    this.peer.ask('close');
    if (this.peer.silent) {
      await this.ends(1, /The connection was lost/);
      return 'no word';
    }
    await this.ends(0, /The other side hung up\. Connected for/);
  }

  async ends(code, words) {
    await until('p2pcall ends', 20, () => this.program.child.exitCode !== null);
    assert.equal(await this.program.ended, code);
    assert.match(this.program.words.join('\n'), words);
  }

  async stop() {
    this.program?.child.kill('SIGKILL');
    await this.program?.ended;
    await this.peer.stop();
    rmSync(this.directory, { recursive: true });
  }
}

const numbers = (seen) => seen.map(({ number }) => number).filter((number) => number !== null);

/** What was shown is what was sent: readable, and in order. */
function judge(seen) {
  const read = numbers(seen);
  assert(read.length >= 0.9 * seen.length, `${read.length} of ${seen.length} readable`);
  read.reduce((before, number) => {
    assert(number > before, `picture ${number} came after ${before}`);
    return number;
  });
}

/** Returns each m-line's direction; rejected ones are inactive. */
function mediaOf(sdp) {
  return sdp.split(/^(?=m=)/m).slice(1).map((medium) => ({
    direction: /^m=\w+ 0 /.test(medium) && !medium.includes('a=bundle-only') ? 'inactive' : medium.match(/^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m)?.[1] ?? 'sendrecv',
  }));
}

/** Returns the name of the codec that stands first for pictures, in small letters. */
function firstCodec(sdp) {
  const [, type] = sdp.match(/^m=video [1-9]\d* \S+ (\d+)/m) ?? [];
  return sdp.match(new RegExp(`^a=rtpmap:${type} ([^/]+)`, 'm'))?.[1].toLowerCase();
}
