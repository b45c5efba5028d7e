// The part of rtcstats without a page, which its server uses, too. It is a package of its own,
// @rtcstats/rtcstats-shared; that is taken where it is installed and there is no copy of the repository.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { isMissing, place } from './copies.mjs';

const PACKAGE = '@rtcstats/rtcstats-shared';

/** The address of the package's code. */
export function address() {
  const copy = join(place('rtcstats'), 'packages/rtcstats-shared/index.js');
  if (existsSync(copy)) return pathToFileURL(copy).href;
  return pathToFileURL(createRequire(import.meta.url).resolve(PACKAGE)).href;
}

export const Shared = {
  title: 'rtcstats, the part without a page',
  isMissing() {
    try {
      return address() && null;
    } catch {
      return isMissing('rtcstats');
    }
  },
  async read(text) {
    const { createInternalsTimeSeries, extractTracks, readDump, readWebRTCInternalsDump } = await import(address());
    const blob = new Blob([text]);
    const { PeerConnections } = await readWebRTCInternalsDump(blob);
    const [[id, connection]] = Object.entries(PeerConnections);
    const series = {};
    for (const [object, members] of Object.entries(createInternalsTimeSeries(connection))) {
      for (const [member, points] of Object.entries(members)) {
        if (Array.isArray(points)) series[`${object}-${member}`] = points;
      }
    }
    const { peerConnections: traces } = await readDump(blob);
    const own = traces[id].filter(({ type }) => !['create', 'getStats'].includes(type));
    const steps = own.map(({ timestamp, type, value }) => {
      const { type: kind, sdp } = value ?? {};
      return { timestamp, type, ...sdp && { kind, sections: sdp.split(/^m=/m).length } };
    });
    return { steps, series, tracks: await extractTracks(traces[id]), media: traces.null };
  },
  /** It leaves out that which always is the same. */
  draws: (name) => !name.endsWith('-type'),
  check({ tracks, media }, told) {
    const added = told.connection.updateLog.filter(({ type }) => type === 'transceiverAdded');
    assert(tracks.length >= added.length, 'tracks');
    assert.equal(media.length, told.media.length + 1, 'devices');
  },
};
