// Chromium without a screen, spoken to over a pipe in its DevTools protocol.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--mute-audio',
  '--autoplay-policy=no-user-gesture-required',
  // The call stays on this machine, and addresses are not hidden behind multicast names.
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--host-resolver-rules=MAP * 127.0.0.1',
  '--remote-debugging-pipe',
];

/** A camera and a microphone that are none; pages are not asked about. */
export const FAKE_DEVICES = ['--use-fake-device-for-media-stream'];

export class Chromium {
  #calls = new Map();
  #next = 1;

  static async start(program, more = []) {
    const chromium = new Chromium();
    chromium.profile = mkdtempSync(join(tmpdir(), 'p2pcall-chromium-'));
    const flags = [...FLAGS, ...more, `--user-data-dir=${chromium.profile}`, 'about:blank'];
    chromium.child = spawn(program, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    // Not 'close': its own children hold the pipes for a while.
    chromium.ended = new Promise((done) => chromium.child.on('exit', done));
    chromium.child.on('error', (error) => chromium.#fail(error));
    chromium.child.on('close', () => chromium.#fail(new Error('Chromium ended by itself')));
    let rest = '';
    chromium.child.stdio[4].setEncoding('utf8').on('data', (text) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop();
      messages.forEach((message) => chromium.#take(JSON.parse(message)));
    });
    chromium.child.stdio[3].on('error', () => {});
    await chromium.call('Browser.getVersion');
    return chromium;
  }

  /** Opens a page that knows page.js. */
  async page() {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, targetId, sessionId);
    const source = ['pattern.mjs', 'page.js'].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'));
    await page.run(source.join('\n').replaceAll(/^export /gm, '') + '\n;0');
    return page;
  }

  call(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
    });
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
    // They may write to the profile meanwhile, too.
    for (let left = 50; ; left--) {
      try {
        return rmSync(this.profile, { recursive: true, force: true });
      } catch (error) {
        if (left === 0) throw error;
        await new Promise((done) => setTimeout(done, 100));
      }
    }
  }

  #take({ id, result, error }) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  }

  #fail(error) {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

export class Page {
  constructor(chromium, targetId, sessionId) {
    Object.assign(this, { chromium, targetId, sessionId });
  }

  /** Runs an expression in the page and returns its value, awaited. */
  async run(expression) {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.chromium.call('Runtime.evaluate', params, this.sessionId);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Calls a function of page.js. */
  ask(name, ...args) {
    return this.run(`${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`);
  }

  close() {
    return this.chromium.call('Target.closeTarget', { targetId: this.targetId });
  }
}
