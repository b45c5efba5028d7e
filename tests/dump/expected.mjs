// What a dump holds, and what one of a call has to.

import assert from 'node:assert/strict';

/** Series that a call has: what they are of, of which kind, and of which member. */
const NEEDED = [
  'inbound-rtp audio packetsReceived',
  'inbound-rtp audio jitterBufferDelay',
  'inbound-rtp audio [bytesReceived_in_bits/s]',
  'inbound-rtp video framesDecoded',
  'inbound-rtp video frameWidth',
  'inbound-rtp video [framesDecoded/s]',
  'inbound-rtp video [codec]',
  'outbound-rtp audio packetsSent',
  'outbound-rtp audio [codec]',
  'outbound-rtp video framesEncoded',
  'outbound-rtp video qualityLimitationReason',
  'outbound-rtp video [bytesSent_in_bits/s]',
  'remote-inbound-rtp video roundTripTime',
  'candidate-pair - currentRoundTripTime',
  'candidate-pair - state',
  'transport - selectedCandidatePairId',
  'local-candidate - address',
  'remote-candidate - address',
  'codec - mimeType',
];

/** Steps that a call has, some under one of several names. */
const STEPS = [
  ['setLocalDescription'],
  ['setRemoteDescription'],
  ['iceconnectionstatechange', 'oniceconnectionstatechange'],
  ['connectionstatechange', 'onconnectionstatechange'],
];

/**
 * Returns the steps and, under the name that it has in the file, each series as pairs of a time and a value, the last
 * at the newest time, and its type. Series whose name holds one of the words `without` need not be there.
 */
export function expected(dump, without) {
  assert.equal(Object.keys(dump.PeerConnections).length, 1, 'connections');
  const [connection] = Object.values(dump.PeerConnections);
  for (const names of STEPS) {
    assert(connection.updateLog.some(({ type }) => names.includes(type)), `there is no step ${names[0]}`);
  }
  const steps = connection.updateLog.map(({ timestamp, type, value }) => ({ timestamp, type, ...description(value) }));
  for (const { type, kind } of steps) {
    const describes = /^(set(Local|Remote)Description|create(Offer|Answer)OnSuccess)$/.test(type);
    assert(kind || !describes, `${type} has no description`);
  }
  const values = (name) => JSON.parse(connection.stats[name]?.values ?? '[]');
  const [series, types] = [{}, {}];
  const found = new Set();
  for (const [name, { statsType }] of Object.entries(connection.stats)) {
    const { id, member } = parts(name);
    const [times, points] = [values(`${id}-timestamp`), values(name)];
    const { length } = points;
    assert(length > 0 && length <= times.length, `${name} has ${length} points at ${times.length} times`);
    const [kind] = values(`${id}-kind`);
    found.add(`${statsType} ${kind ?? '-'} ${member}`);
    types[name] = statsType;
    series[name] = points.map((value, index) => [times[times.length - length + index], value]);
  }
  for (const needed of NEEDED.filter((name) => !without.some((word) => name.includes(word)))) {
    assert(found.has(needed), `there is no series ${needed}`);
  }
  return { connection, series, types, steps, media: dump.getUserMedia };
}

/** Splits a series' name as readers do. */
export function parts(name) {
  const at = name.includes('[') ? name.lastIndexOf('[') - 1 : name.lastIndexOf('-');
  return { id: name.slice(0, at), member: name.slice(at + 1) };
}

/** The kind and how many sections a description has, if it is one. */
function description(value) {
  if (!value.startsWith('{"type":')) return {};
  const { type: kind, sdp } = JSON.parse(value);
  return { kind, sections: sdp.split(/^m=/m).length };
}
