// Whether the programs with which people read Chrome's dumps read ours: what they then have is compared with the file.
//
// Usage: node run.mjs FILE [--without WORD]...
// A word is what need not be there, as `video` in a call without a picture.
//
// Their code is not published as packages, but for what parses SDP; their pages are run from copies of their
// repositories. $IMPORTERS names the directory these are in:
//   rtcstats               github.com/rtcstats/rtcstats at 406aeaedf0b0914034d25e731a451ead86a4b137
//   webrtc-dump-importer   github.com/fippo/webrtc-dump-importer at 77742c70b2399f76dbbb17d00cdffda19bf39647
// Without it those are skipped, and said to be. The file is always read by the rules that they have in common.
// The last line says how many readers take it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { NewPage } from './new-page.mjs';
import { OldPage } from './old-page.mjs';
import { Rules } from './rules.mjs';
import { Shared } from './shared.mjs';
import { expected } from './expected.mjs';

const [path, ...options] = process.argv.slice(2);
const without = options.filter((_, index) => options[index - 1] === '--without');
if (!path || options.length !== 2 * without.length) {
  console.error('Usage: node run.mjs FILE [--without WORD]...');
  process.exit(2);
}
const text = readFileSync(path, 'utf8');
let [passed, failed, skipped] = [0, 0, 0];

for (const Reader of [Rules, Shared, NewPage, OldPage]) {
  const why = Reader.isMissing();
  if (why) {
    if (process.env.IMPORTERS) failed++;
    else skipped++;
    console.log(`${process.env.IMPORTERS ? 'FAILED' : 'skipped'}: ${Reader.title} (${why})`);
    continue;
  }
  const complaints = [];
  const { error } = console;
  console.error = (...words) => complaints.push(words.join(' '));
  try {
    const told = expected(JSON.parse(text), without);
    const read = await Reader.read(text);
    assert.deepEqual(complaints, [], 'it complains');
    assert.deepEqual(read.steps, Reader.steps?.(told.steps) ?? told.steps, 'the steps');
    for (const [name, points] of Object.entries(told.series)) {
      const { like = (same) => same, draws = () => true } = Reader;
      if (!draws(name, points, told.types[name])) continue;
      assert.deepEqual(like(read.series[name] ?? []), like(points), `the series ${name}`);
    }
    Reader.check?.(read, told);
    passed++;
    const { length } = Object.keys(read.series);
    console.log(`ok: ${Reader.title}: ${read.steps.length} steps, ${length} series`);
  } catch (failure) {
    failed++;
    console.log(`FAILED: ${Reader.title}: ${failure.stack}`);
  } finally {
    console.error = error;
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed ? 1 : 0;
