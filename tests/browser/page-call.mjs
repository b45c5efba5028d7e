// A call between web/index.html in a browser and p2pcall, both on this machine: its beginnings, and what one sees of it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ADDRESS } from './network.mjs';
import { Program, programThere } from './program.mjs';
import { Film } from './recorded.mjs';
import { until } from './until.mjs';
import { Visitor } from './visitor.mjs';

export const TONE = 440;

export const path = programThere();

/** Machines are slow now and then; in seconds. */
export const LONG = 60;

export class PageCall {
  visitors = [];
  program = null;

  constructor(browser) {
    this.browser = browser;
    this.directory = mkdtempSync(join(tmpdir(), 'p2pcall-page-'));
    const picture = join(this.directory, 'picture.y4m');
    this.film = new Film(picture);
    this.options = ['--bind', ADDRESS, '--no-stun', '--video', 'test', '--audio', `tone:${TONE}`, '--size', '640x360',
      '--fps', '15', '--max-bitrate', '800', '--show', `file:${picture}`, '--speaker', 'none'];
  }

  /** Opens the page as somebody who has given it settings without servers. */
  async visit(options, browser = this.browser) {
    this.visitor = await Visitor.open(browser, options);
    this.visitors.push(this.visitor);
    return this.visitor;
  }

  run(...args) {
    this.program = new Program(path, [...args, ...this.options]);
    return this.program;
  }

  /** The page offers, p2pcall answers. Returns both texts; the page has not been given the second. */
  async offerAnswered() {
    const offer = await this.offered();
    this.run('answer');
    this.program.say(offer);
    return [offer, await this.program.blob];
  }

  async offered() {
    await this.visitor.press('make-offer');
    return until('the page shows its offer', LONG, () => this.visitor.value('own-text'));
  }

  async pageOffers() {
    const [, answer] = await this.offerAnswered();
    await this.visitor.paste('answer-text', answer);
    await this.connected();
  }

  /** p2pcall offers, the page answers. */
  async pageAnswers(...args) {
    this.run('offer', ...args);
    await this.takesOffer(await this.program.blob);
    this.program.say(await this.answered());
    await this.connected();
  }

  async takesOffer(text, visitor = this.visitor) {
    await visitor.paste('offer-text', text);
    await until('the offer is taken', LONG, () => visitor.isEnabled('join'));
  }

  async answered(visitor = this.visitor) {
    await visitor.press('join');
    return until('the page shows its answer', LONG, () => visitor.value('own-text'));
  }

  /** Two pages begin a call, on a desk and on a telephone; texts are changed on their way. Returns both. */
  async pagesMeet(deskBrowser, phoneBrowser, { prepare = () => {}, change = (text) => text } = {}) {
    const phone = await this.visit({ phone: true }, phoneBrowser);
    const desk = await this.visit({}, deskBrowser);
    await prepare(desk, phone);
    await this.takesOffer(await change(await this.offered()), phone);
    await desk.paste('answer-text', await change(await this.answered(phone)));
    for (const side of [desk, phone]) await until('the call is shown', LONG, () => side.isShown('call'));
    return [desk, phone];
  }

  async connected() {
    await until('p2pcall is connected', LONG, () => {
      assert.equal(this.program.child.exitCode, null, this.program.words.join('\n'));
      return this.program.events.some(({ state }) => state === 'connected');
    });
    await until('the page shows the call', LONG, () => this.visitor.isShown('call'));
  }

  /** What each side shows is what the other one sends. */
  async flows() {
    await this.showsOurs();
    await this.playsOurs();
    await until("p2pcall shows the browser's own pictures", LONG, () => {
      const { pictures } = this.film;
      return pictures.length >= 10 && this.browser.constructor.isFake(pictures.at(-1));
    });
  }

  async showsOurs() {
    const numbers = await until('the page shows 20 of our pictures', LONG, async () => {
      const list = (await this.visitor.run('seen.pictures')).map(({ number }) => number).filter((number) => number !== null);
      return list.length >= 20 && list;
    });
    assert(numbers.every((number, at) => at === 0 || number >= numbers[at - 1]), `the numbers rise: ${numbers}`);
  }

  async playsOurs() {
    await until('the page plays our tone', LONG, async () => Math.abs((await this.visitor.run('loudest()')).hz - TONE) < 12);
  }

  async ends(code, words) {
    const timeout = new Promise((done) => setTimeout(done, LONG * 1000, `still running after ${LONG} s`).unref());
    assert.equal(await Promise.race([this.program.ended, timeout]), code, this.program.words.join('\n'));
    assert.match(this.program.words.join('\n'), words);
  }

  async pageEnds(words) {
    await until('the page shows the end', LONG, () => this.visitor.isShown('end'));
    assert.match(await this.visitor.text('end'), words);
  }

  /** Whether p2pcall was told that a medium of the page's is off, or on again. */
  heard(kind, muted) {
    return this.program.events.some((event) => event.event === 'muted' && event.remote && event.kind === kind && event.muted === muted);
  }

  /** Where everything stands, for the one who reads that it failed. */
  async account() {
    const words = (this.program?.words ?? []).map((line) => `\n    p2pcall: ${line}`).join('');
    const state = await this.visitor?.run("`${call?.state}: ${$('said').textContent} ${$('notes').textContent}`").catch(() => '');
    return `\n    page: ${state}${words}`;
  }

  async close() {
    this.program?.child.kill('SIGKILL');
    await this.program?.ended;
    for (const visitor of this.visitors) await visitor.close();
    rmSync(this.directory, { recursive: true });
  }
}
