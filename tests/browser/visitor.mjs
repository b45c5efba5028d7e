// Somebody who has web/index.html open, presses its buttons and looks at what it shows.

import { DESK, PHONE } from './page.mjs';
import { pageUrl } from './page-scripts.mjs';

/** Runs before the page's own scripts. Nothing leaves this machine: no servers. The connection can be asked for figures. */
function beforeAll() {
  try {
    localStorage.setItem('p2pcall.settings', '{"stun":""}');
  } catch {
    // about:blank keeps nothing.
  }
  const Real = RTCPeerConnection;
  const all = [];
  globalThis.RTCPeerConnection = new Proxy(Real, {
    construct: (of, args) => all[all.push(new Real(...args)) - 1],
  });
  Object.defineProperty(globalThis, 'connection', { get: () => all.findLast(({ signalingState }) => signalingState !== 'closed') });
}

/** Runs in the page: its devices show numbered pictures and play a tone. */
function replaceDevices(own) {
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => new MediaStream([
    ...(audio ? [ownTone(own.toneHz)] : []), ...(video ? [ownPictures(own.width, own.height)] : []),
  ]);
}

/** Runs in the page: notes what comes from the other side. */
function watchOther() {
  const video = document.getElementById('their-picture');
  watchPictures(video);
  const asked = loudest;
  globalThis.loudest = () => {
    if (!analyser && video.srcObject?.getAudioTracks().length > 0) hear(video.srcObject);
    return asked();
  };
}

export class Visitor {
  /**
   * Opens the page: its file, or another address of it. `devices` are those that it may use; with `own` they show
   * numbered pictures of that size and play that tone.
   */
  static async open(browser, { url = pageUrl.href, phone = false, devices, own } = {}) {
    const visitor = new Visitor();
    visitor.page = await browser.page({ screen: phone ? PHONE : DESK, devices, first: `(${beforeAll})()` });
    await visitor.page.go(url);
    await visitor.page.know('pattern.mjs', 'media.js');
    await visitor.run(`(${watchOther})();${own ? `(${replaceDevices})(${JSON.stringify(own)});` : ''}0`);
    return visitor;
  }

  run(expression) {
    return this.page.run(expression);
  }

  /** Presses a button where it is, with the mouse or a finger. */
  async press(id) {
    await this.#pressOn(`document.getElementById('${id}')`);
  }

  async pressIn(id, name) {
    await this.#pressOn(`document.querySelector('#${id} .${name}')`);
  }

  /** Presses a key. */
  key(key) {
    return this.page.key(key);
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

  close() {
    return this.page.close();
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
    await this.page.press(x, y);
  }
}
