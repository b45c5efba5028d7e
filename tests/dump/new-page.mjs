// The page of rtcstats that shows dumps.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import sdp from 'sdp';

import { isMissing, place } from './copies.mjs';
import { parts } from './expected.mjs';
import { Screen, isDrawn, shown } from './screen.mjs';
import { address } from './shared.mjs';

/** The page names the package as a browser finds it. */
const FINDS = `export const resolve = (name, context, next) =>
  name === '@rtcstats/rtcstats-shared' ? { url: '{address}', shortCircuit: true } : next(name, context);`;

export const NewPage = {
  title: 'the page of rtcstats',
  isMissing: () => isMissing('rtcstats'),
  async read(text) {
    const directory = join(place('rtcstats'), 'dump-importer');
    const screen = new Screen(readFileSync(join(directory, 'index.html'), 'utf8'));
    const { document, Highcharts } = screen;
    Object.assign(globalThis, { document, Highcharts, window: { adapter: { sdp } } });
    register(`data:text/javascript,${encodeURIComponent(FINDS.replace('{address}', address()))}`);
    const { WebRTCInternalsDumpImporter } = await import(pathToFileURL(join(directory, 'import-internals.js')));
    const page = new WebRTCInternalsDumpImporter(document.getElementById('tables'), { useReferenceTime: false });
    const done = new Promise((resolve) => page.addEventListener('processed-stats', resolve));
    await page.process(new Blob([text]));
    assert(!document.body.textContent.includes('Unsupported'), 'it refuses the file');
    await done;
    const steps = screen.rows('Time').map(({ time, step }) => ({ timestamp: time, ...shown(step) }));
    const [graphs] = Object.values(page.graphs);
    const ids = Object.keys(graphs);
    return { steps, series: screen.series((_, index) => ids[index]), screen };
  },
  /** It shows times to the second. */
  steps: (steps) => steps.map(({ timestamp, ...step }) => ({ timestamp: String(new Date(timestamp)), ...step })),
  /** It puts holes of its own where a series pauses. */
  like: (points) => points.filter(([, value]) => value !== null),
  draws: isDrawn,
  check({ screen }, told) {
    checkCandidates(screen, told);
    assert(screen.text('tables').includes('p2pcall'), 'the program');
    for (const { error, audio_track_info: audio, video_track_info: video } of told.media) {
      for (const word of [error, audio, video]) assert(!word || screen.text('tables').includes(word), word);
    }
  },
};

/** Both pages list the pairs of candidates and their addresses, and mark the pair that is used. */
export function checkCandidates(screen, { series }) {
  const table = screen.document.querySelector('.candidatepairtable').textContent;
  for (const [name, points] of Object.entries(series)) {
    const { member } = parts(name);
    if (!['selectedCandidatePairId', 'address'].includes(member)) continue;
    assert(table.includes(points.at(-1)[1]), `the table lacks ${name}`);
  }
}
