// Somebody who has web/index.html open, presses its buttons and looks at what it shows.

import { readFileSync } from 'node:fs';

import { Page } from './chromium.mjs';
import { pageUrl } from './page-scripts.mjs';

const TELEPHONE = { width: 390, height: 844, deviceScaleFactor: 3, mobile: true };
const DESK = { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false };

/** Runs in the page: notes which numbered pictures it shows and which sound it plays. */
function watch() {
  globalThis.seen = { pictures: [] };
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const video = document.getElementById('their-picture');
  const look = () => {
    const [width, height] = [video.videoWidth, video.videoHeight];
    Object.assign(canvas, { width, height });
    context.drawImage(video, 0, 0);
    const pixels = context.getImageData(0, 0, width, Math.ceil(height / 6)).data;
    const luma = Uint8Array.from({ length: pixels.length / 4 }, (_, at) =>
      0.299 * pixels[4 * at] + 0.587 * pixels[4 * at + 1] + 0.114 * pixels[4 * at + 2]);
    seen.pictures.push(readNumber(luma, width, height));
    seen.colour = [...context.getImageData(width / 8, height / 2, 1, 1).data];
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  let analyser;
  globalThis.loudest = () => {
    if (!analyser) {
      const audio = new AudioContext();
      analyser = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0 });
      audio.createMediaStreamSource(video.srcObject).connect(analyser);
    }
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const bin = levels.indexOf(Math.max(...levels));
    return { hz: (bin * analyser.context.sampleRate) / analyser.fftSize, level: levels[bin] };
  };
}

export class Visitor extends Page {
  /** Opens the page: its file, or another address of it. Without `permissions` it may use camera and microphone. */
  static async open(chromium, { url = pageUrl.href, phone = false, permissions = ['videoCapture', 'audioCapture'] } = {}) {
    const { browserContextId } = await chromium.call('Target.createBrowserContext');
    const { targetId } = await chromium.call('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await chromium.call('Target.attachToTarget', { targetId, flatten: true });
    const visitor = Object.assign(new Visitor(chromium, targetId, sessionId), { browserContextId, phone });
    const call = (method, params) => chromium.call(method, params, sessionId);
    await call('Emulation.setDeviceMetricsOverride', phone ? TELEPHONE : DESK);
    await call('Emulation.setTouchEmulationEnabled', { enabled: phone });
    for (const name of ['videoCapture', 'audioCapture']) {
      const setting = permissions.includes(name) ? 'granted' : 'denied';
      const permission = { name: name === 'videoCapture' ? 'camera' : 'microphone' };
      await chromium.call('Browser.setPermission', { permission, setting, browserContextId });
    }
    // Nothing leaves this machine: no servers.
    const settings = JSON.stringify({ stun: '' });
    const source = `try { localStorage.setItem('p2pcall.settings', ${JSON.stringify(settings)}) } catch {}`;
    await call('Page.enable');
    await call('Page.addScriptToEvaluateOnNewDocument', { source });
    await call('Page.navigate', { url });
    for (let ready = false; !ready; ) ready = await visitor.run("document.readyState === 'complete' && location.href !== 'about:blank'");
    const pattern = readFileSync(new URL('pattern.mjs', import.meta.url), 'utf8').replaceAll(/^export /gm, '');
    await visitor.run(`${pattern}\n(${watch})();\n0`);
    return visitor;
  }

  /** Presses a button where it is, with the mouse or a finger. */
  async press(id) {
    await this.#pressOn(`document.getElementById('${id}')`);
  }

  async pressIn(id, name) {
    await this.#pressOn(`document.querySelector('#${id} .${name}')`);
  }

  /** Presses a key. */
  async key(key) {
    const code = { Tab: 9, Enter: 13 }[key];
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' ? { text: '\r' } : {}) };
    await this.chromium.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event }, this.sessionId);
    await this.chromium.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event }, this.sessionId);
  }

  /** Puts a text into a box as pasting does. */
  async paste(id, text) {
    await this.run(`document.getElementById('${id}').focus(); document.getElementById('${id}').select()`);
    await this.run(`document.execCommand('insertText', false, ${JSON.stringify(text)})`);
  }

  value(id) {
    return this.run(`document.getElementById('${id}').value`);
  }

  text(id) {
    return this.run(`document.getElementById('${id}').innerText`);
  }

  isShown(id) {
    return this.run(`document.getElementById('${id}').checkVisibility()`);
  }

  isEnabled(id) {
    return this.run(`!document.getElementById('${id}').disabled`);
  }

  async close() {
    await this.chromium.call('Target.disposeBrowserContext', { browserContextId: this.browserContextId }).catch(() => {});
  }

  async #pressOn(element) {
    const { x, y, isHit } = await this.run(`(() => {
      const element = ${element};
      element.scrollIntoView({ block: 'center' });
      const { left, top, width, height } = element.getBoundingClientRect();
      const [x, y] = [left + width / 2, top + height / 2];
      return { x, y, isHit: element.contains(document.elementFromPoint(x, y)) && !element.disabled };
    })()`);
    if (!isHit) throw new Error(`${element} cannot be pressed`);
    const call = (method, params) => this.chromium.call(method, params, this.sessionId);
    if (this.phone) {
      await call('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] });
      await call('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    } else {
      const mouse = { x, y, button: 'left', clickCount: 1 };
      await call('Input.dispatchMouseEvent', { ...mouse, type: 'mousePressed' });
      await call('Input.dispatchMouseEvent', { ...mouse, type: 'mouseReleased' });
    }
  }
}
