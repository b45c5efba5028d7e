// What all readers ask of a file, from the code that is published: that which parses SDP and candidates.

import assert from 'node:assert/strict';
import sdp from 'sdp';

import { parts } from './expected.mjs';

export const Rules = {
  title: 'the rules that all readers have in common',
  isMissing: () => null,
  read(text) {
    assert.equal(text[0], '{', 'readers know the form by its first character');
    const dump = JSON.parse(text);
    assert(Array.isArray(dump.getUserMedia));
    assert(dump.UserAgentData?.length >= 3);
    checkMedia(dump.getUserMedia);
    const [{ updateLog, stats }] = Object.values(dump.PeerConnections);
    const steps = updateLog.map(({ time, timestamp, type, value }) => {
      // With both times the old and the new readers show the same.
      assert.equal(Date.parse(time), Math.floor(timestamp), `the times of ${type}`);
      if (/candidate$/i.test(type)) checkCandidate(value);
      return { timestamp, type, ...description(value) };
    });
    const series = {};
    for (const [name, { startTime, endTime, statsType, values }] of Object.entries(stats)) {
      const { id, member } = parts(name);
      const times = JSON.parse(stats[`${id}-timestamp`].values);
      const points = JSON.parse(values);
      const first = times.length - points.length;
      if (!member.startsWith('[')) assert.match(member, /^[\w.]+$/, name);
      assert.equal(statsType, stats[`${id}-timestamp`].statsType, name);
      assert.equal(Date.parse(startTime), Math.floor(times[first]), `the start of ${name}`);
      assert.equal(Date.parse(endTime), Math.floor(times.at(-1)), `the end of ${name}`);
      assert(times.every((time, index) => !(time <= times[index - 1])), `the order of ${name}`);
      series[name] = points.map((value, index) => [times[first + index], value]);
    }
    return { steps, series };
  },
};

/** Each answer follows the request of its number. */
function checkMedia(media) {
  const asked = new Set();
  for (const { origin, pid, rid, request_id, audio_track_info, video_track_info, error } of media) {
    const id = [pid, rid, request_id].join();
    if (origin) {
      asked.add(id);
    } else {
      assert(asked.has(id), 'an answer without a request');
      assert(error || JSON.parse(audio_track_info) || JSON.parse(video_track_info), 'an answer that says nothing');
    }
  }
}

/** In JSON and, with a comma and a space between its parts, as old readers split it. */
function checkCandidate(value) {
  const { candidate } = JSON.parse(value);
  const { port, type } = sdp.parseCandidate(candidate);
  assert(port >= 0 && type, candidate);
  assert(value.split(', ')[2].includes(candidate), 'old readers find no candidate');
}

function description(value) {
  if (!value.startsWith('{"type":')) return {};
  const { type: kind, sdp: text } = JSON.parse(value);
  const sections = sdp.splitSections(text);
  for (const section of sections.slice(1)) {
    const { kind: medium, port } = sdp.parseMLine(section);
    assert(medium && port >= 0 && sdp.getMid(section) !== undefined && sdp.getDirection(section, sections[0]), section);
  }
  return { kind, sections: sections.length };
}
