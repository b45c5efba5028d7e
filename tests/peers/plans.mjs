// What a peer sends, and what it offers.

/** What a peer that takes part like a friend offers. */
export const USUAL = {
  media: [{ kind: 'audio' }, { kind: 'video' }, { kind: 'data' }],
  size: [320, 240],
  toneHz: 600,
  listenHz: 440,
};

const media = (...list) => list.map((entry) => {
  const [kind, direction] = entry.split(' ');
  return direction ? { kind, direction } : { kind };
});

/**
 * Offers that are made otherwise; p2pcall answers each. `edit` is done to the text between the two, for what
 * no program here makes itself. With `refused` p2pcall is to end and say why; with
 * `goes` it is the peer that hangs up; `foreign` is a codec for pictures that
 * it does not know, so that they are to be rejected and the sound to stay.
 */
export const OFFERS = {
  'video before audio': { media: media('video', 'audio', 'data') },
  'data channel first': { media: media('data', 'audio', 'video') },
  'no data channel': { media: media('audio', 'video') },
  'no data channel, and it hangs up': { media: media('audio', 'video'), goes: true },
  'data channel alone': { media: media('data'), refused: /there is nothing both can play/ },
  'sound alone': { media: media('audio', 'data') },
  'all its codecs': { every: true },
  'pictures in VP9 alone': { foreign: 'vp9' },
  'two videos': { media: media('audio', 'video', 'video', 'data') },
  'simulcast': { media: [{ kind: 'audio' }, { kind: 'video', rids: ['full', 'half'] }, { kind: 'data' }] },
  'it only sends': { media: media('audio sendonly', 'video sendonly', 'data') },
  'it only receives': { media: media('audio recvonly', 'video recvonly', 'data') },
  'inactive video': { media: media('audio', 'video inactive', 'data') },
  'payload types of its own': { payloadTypes: { audio: 120, video: 121 } },
  // Each medium would have a path of its own; p2pcall has one, and takes the first.
  'no BUNDLE': { unbundled: true, edit: (sdp) => sdp.replace(/a=group:BUNDLE.*\r\n/, '') },
  'no msid': { edit: (sdp) => sdp.replace(/a=(msid:|ssrc:\d+ msid:).*\r\n/g, '') },
  'no SSRCs': { edit: (sdp) => sdp.replace(/a=ssrc.*\r\n/g, '') },
  'no SSRCs, no mids in RTP': { edit: (sdp) => sdp.replace(/a=(ssrc|extmap:\d+ urn:ietf:params:rtp-hdrext:sdes:mid).*\r\n/g, '') },
  'a .local candidate more': {
    edit: (sdp) => sdp.replace(/^a=candidate:/m, 'a=candidate:77 1 udp 2130706431 0bdb1c5e-3d0e-4bd2-9a5d-6f0f9f1f7a55.local 50000 typ host\r\n$&'),
  },
  // To be read at the session (RFC 8839, 5.3); the one that has it writes it at each medium.
  'ICE-lite': { lite: true, edit: (sdp) => sdp.replaceAll('a=ice-lite\r\n', '').replace('a=group:', 'a=ice-lite\r\n$&') },
  'no candidates yet': {
    edit: (sdp) => sdp.replace(/a=(candidate:.*|end-of-candidates)\r\n/g, ''),
    refused: /There is no address in this at which the other side could be reached/,
  },
};
