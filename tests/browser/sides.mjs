// The two ways in which a browser takes part in a call: by a script of a few lines, or by web/index.html. Both are asked
// the same; texts are as people carry them.

import { until } from './until.mjs';
import { Visitor } from './visitor.mjs';

export class ByScript {
  /** Opens an empty page in which there will be a call; `own` is what it sends: {width, height, toneHz}. */
  static async open(browser, own) {
    const side = new ByScript();
    side.page = await browser.page();
    side.own = { send: true, ...own };
    await side.page.know('pattern.mjs', 'media.js', 'page.js');
    return side;
  }

  async offer() {
    return written(await this.page.ask('offer', this.own));
  }

  async answer(text) {
    return written(await this.page.ask('answer', read(text), this.own));
  }

  accept(text) {
    return this.page.ask('connection.setRemoteDescription', read(text));
  }

  async isConnected() {
    return await this.page.run('connection.connectionState') === 'connected';
  }

  mute(kind, muted) {
    return this.page.ask('mute', kind, muted);
  }

  /** Whether it knows that the other side's microphone or camera is off, or on again. */
  async knows(kind, muted) {
    const messages = (await this.page.run('seen.messages')).map((text) => JSON.parse(text));
    return messages.findLast((message) => message.say === 'muted' && message.kind === kind)?.muted === muted;
  }

  hangUp() {
    return this.page.ask('connection.close');
  }

  /** Whether it knows that the other side hung up. */
  async hasEnded() {
    return (await this.page.run('seen.messages')).includes('{"say":"bye"}')
      && await this.page.run("channel.readyState !== 'open' || connection.connectionState !== 'connected'");
  }

  close() {
    return this.page.close();
  }
}

const written = (description) => Buffer.from(JSON.stringify(description)).toString('base64');
const read = (text) => JSON.parse(Buffer.from(text, 'base64'));

export class ByPage {
  static async open(browser, own) {
    const side = new ByPage();
    side.visitor = await Visitor.open(browser, { own });
    side.page = side.visitor.page;
    return side;
  }

  async offer() {
    await this.visitor.press('make-offer');
    return until('the page shows its offer', 60, () => this.visitor.value('own-text'));
  }

  async answer(text) {
    await this.visitor.paste('offer-text', text);
    await until('the offer is taken', 20, () => this.visitor.isEnabled('join'));
    await this.visitor.press('join');
    return until('the page shows its answer', 60, () => this.visitor.value('own-text'));
  }

  accept(text) {
    return this.visitor.paste('answer-text', text);
  }

  isConnected() {
    return this.visitor.isShown('call');
  }

  /** Presses the button; its camera is closed then, and opened again. */
  mute(kind) {
    return this.visitor.press(kind === 'audio' ? 'mute-microphone' : 'mute-camera');
  }

  async knows(kind, muted) {
    return await this.visitor.isShown(kind === 'audio' ? 'their-microphone' : 'no-picture') === muted;
  }

  hangUp() {
    return this.visitor.press('hang-up');
  }

  async hasEnded() {
    return await this.visitor.isShown('end') && /The other side hung up/.test(await this.visitor.text('end'));
  }

  close() {
    return this.visitor.close();
  }
}
