// The page that showed dumps before that of rtcstats: it knows newer ones less well, but many links lead to it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';

import { isMissing, place } from './copies.mjs';
import { checkCandidates } from './new-page.mjs';
import { Screen, isDrawn, shown } from './screen.mjs';

export const OldPage = {
  title: 'the page of webrtc-dump-importer',
  isMissing: () => isMissing('webrtc-dump-importer'),
  read(text) {
    const file = (name) => readFileSync(join(place('webrtc-dump-importer'), name), 'utf8');
    const screen = new Screen(file('index.html'));
    const { document, Highcharts } = screen;
    const page = createContext({ console, document, Highcharts, window: { setTimeout } });
    for (const name of ['sdp.js', 'import.js']) runInContext(file(name), page);
    page.text = text;
    runInContext('importUpdatesAndStats(JSON.parse(text))', page);
    const graphs = runInContext('Object.values(graphs)[0]', page);
    const ids = Object.keys(graphs);
    const rows = screen.rows('connection');
    const steps = rows.map(({ time, step }) => ({ timestamp: Date.parse(time), type: shown(step).type }));
    // Made in another context: its arrays are not ours.
    return { steps, series: structuredClone(screen.series((_, index) => ids[index])), screen };
  },
  /** It shows descriptions of today's form as they are. */
  steps: (steps) => steps.map(({ timestamp, type }) => ({ timestamp: Math.floor(timestamp), type })),
  /** It lays a series that began late against the first time. */
  like: (points) => points.map(([, value]) => value),
  draws: isDrawn,
  check({ screen }, told) {
    checkCandidates(screen, told);
    assert(screen.text('userAgent').includes('p2pcall'), 'the program');
  },
};
