// The browsers that the tests run with.

import { spawnSync } from 'node:child_process';

import { Chromium } from './chromium.mjs';
import { Firefox } from './firefox.mjs';
import { ADDRESS } from './network.mjs';

const KNOWN = { chromium: Chromium, firefox: Firefox };

/** Returns those that are there, of those that $BROWSERS names, by default all. */
export function browsers() {
  const names = (process.env.BROWSERS ?? 'chromium firefox').split(/[\s,]+/);
  return names.map((name) => KNOWN[name]).filter((browser) => {
    const reason = missing(browser);
    if (reason) console.log(`skipped: ${browser.title} (there is no ${reason})`);
    return !reason;
  });
}

function missing(browser) {
  if (spawnSync(browser.program, ['--version']).error) return browser.program;
  if (browser !== Firefox) return null;
  if (typeof WebSocket === 'undefined') return 'WebSocket in this node: run tests/browser/run, with Node 20 or newer';
  return ADDRESS === '127.0.0.1' ? 'network but loopback, on which it makes no calls' : null;
}
