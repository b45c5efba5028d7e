// Chromium without a screen, spoken to over a pipe in its DevTools protocol.

import { spawn } from 'node:child_process';

import { DESK, Page } from './page.mjs';
import { newProfile, removeProfile } from './profile.mjs';

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
  // A camera and a microphone that are none.
  '--use-fake-device-for-media-stream',
  // The call stays on this machine.
  '--allow-loopback-in-peer-connection',
  '--host-resolver-rules=MAP * 127.0.0.1',
  '--remote-debugging-pipe',
];

export class Chromium {
  static title = 'Chromium';
  /** $CHROMIUM, by default chromium. */
  static program = process.env.CHROMIUM ?? 'chromium';
  #calls = new Map();
  #next = 1;
  /** Why nothing can be asked any more. */
  #over = null;

  /** Whether a picture comes from its camera that is none: green, with a disc that turns. */
  static isFake({ u, v }) {
    return u < 100 && v < 100;
  }

  /** Starts it with more flags. Only if that is wished does it hide addresses behind multicast names. */
  static async start({ flags = [], hidesAddresses = false } = {}) {
    const chromium = new Chromium();
    chromium.profile = newProfile('chromium');
    const openly = hidesAddresses ? [] : ['--disable-features=WebRtcHideLocalIpsWithMdns'];
    const all = [...FLAGS, ...openly, ...flags, `--user-data-dir=${chromium.profile}`, 'about:blank'];
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'];
    chromium.child = spawn(Chromium.program, all, { stdio });
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

  /**
   * Opens an empty page that shares nothing with others: of this size, with these devices allowed, and with a script that
   * is run before those of each document it goes to.
   */
  async page({ screen = DESK, devices = ['camera', 'microphone'], first } = {}) {
    const { browserContextId } = await this.call('Target.createBrowserContext');
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    const page = new ChromiumPage(this, { targetId, sessionId, browserContextId, screen });
    const { width, height, pixelRatio: deviceScaleFactor, isPhone: mobile } = screen;
    await page.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor, mobile });
    await page.call('Emulation.setTouchEmulationEnabled', { enabled: mobile });
    for (const name of ['camera', 'microphone']) {
      const setting = devices.includes(name) ? 'granted' : 'denied';
      await this.call('Browser.setPermission', { permission: { name }, setting, browserContextId });
    }
    await page.call('Page.enable');
    if (first) await page.call('Page.addScriptToEvaluateOnNewDocument', { source: first });
    return page;
  }

  call(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(this.#over);
      this.#calls.set(id, { resolve, reject });
      this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
      return undefined;
    });
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
    await removeProfile(this.profile);
  }

  #take({ id, result, error }) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  }

  #fail(error) {
    this.#over = error;
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

class ChromiumPage extends Page {
  constructor(chromium, known) {
    super();
    Object.assign(this, { chromium, ...known });
  }

  call(method, params) {
    return this.chromium.call(method, params, this.sessionId);
  }

  async run(expression) {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', params);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async go(url) {
    await this.call('Page.navigate', { url });
    for (let ready = false; !ready; ) ready = await this.run("document.readyState === 'complete' && location.href !== 'about:blank'");
  }

  async press(x, y) {
    if (this.screen.isPhone) {
      await this.call('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] });
      await this.call('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    } else {
      const mouse = { x, y, button: 'left', clickCount: 1 };
      await this.call('Input.dispatchMouseEvent', { ...mouse, type: 'mousePressed' });
      await this.call('Input.dispatchMouseEvent', { ...mouse, type: 'mouseReleased' });
    }
  }

  async key(key) {
    const code = { Tab: 9, Enter: 13 }[key] ?? key.toUpperCase().charCodeAt(0);
    const text = { Tab: undefined, Enter: '\r' }[key] ?? (key.length === 1 ? key : undefined);
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(text ? { text } : {}) };
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** Gives a box for files this one. */
  async choose(id, path) {
    const { root } = await this.call('DOM.getDocument');
    const { nodeId } = await this.call('DOM.querySelector', { nodeId: root.nodeId, selector: `#${id}` });
    await this.call('DOM.setFileInputFiles', { nodeId, files: [path] });
  }

  async picture() {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data, 'base64');
  }

  /** The page is gone at once: nobody asks it, and it tells nobody. */
  async close() {
    await this.chromium.call('Target.disposeBrowserContext', { browserContextId: this.browserContextId }).catch(() => {});
  }
}
