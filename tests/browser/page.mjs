// A page in a browser, whichever browser it is.

import { readFileSync } from 'node:fs';

/**
 * What Chromium's pages and Firefox's have in common. Each has besides: run(expression), which returns the value,
 * awaited; go(url); press(x, y), with the mouse or a finger; key(name);
 * choose(id, path), of a file; picture(), a PNG; close().
 */
export class Page {
  /** Gives the page the functions of some scripts of this directory. */
  async know(...names) {
    const sources = names.map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'));
    await this.run(sources.join('\n').replaceAll(/^export /gm, '') + '\n;0');
  }

  /** Calls a function of the page's. */
  ask(name, ...args) {
    return this.run(`${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`);
  }
}

/** How large the page is, and what one points with. */
export const PHONE = { width: 390, height: 844, pixelRatio: 3, isPhone: true };
export const DESK = { width: 1280, height: 800, pixelRatio: 1, isPhone: false };
