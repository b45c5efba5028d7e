// Reads the compact form, written from docs/blob-format.md alone.
//
// Usage: node decode.mjs TEXT   prints the description as JSON
//        node decode.mjs        checks the examples of the document

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function number(symbols) {
  return [...symbols].reduce((value, symbol) => {
    const digit = DIGITS.indexOf(symbol);
    if (digit < 0) throw new Error('damaged');
    return value * 62n + BigInt(digit);
  }, 0n);
}

const symbolsOf = (bytes) => Math.ceil((8 * bytes) / Math.log2(62));

function envelopeOf(text) {
  const symbols = text.replace(/\s/g, '');
  if (!symbols.startsWith('p2pcall')) throw new Error('not a blob');
  if (symbols[7] !== '1') throw new Error('newer');
  const length = Number(number(symbols.slice(8, 11)));
  const bytes = [];
  let place = 11;
  while (bytes.length < length) {
    const size = Math.min(32, length - bytes.length);
    const block = symbols.slice(place, (place += symbolsOf(size)));
    if (block.length < symbolsOf(size)) throw new Error('cut off');
    const value = number(block);
    if (value >> BigInt(8 * size)) throw new Error('damaged');
    for (let byte = size - 1; byte >= 0; byte--) bytes.push(Number((value >> BigInt(8 * byte)) & 255n));
  }
  return Uint8Array.from(bytes);
}

function shortId(bits) {
  if (bits === 0xffffffff) return '-';
  return [25, 20, 15, 10, 5, 0].map((shift) => '0123456789abcdefghjkmnpqrstvwxyz'[(bits >>> shift) & 31]).join('');
}

function addressOf(bytes) {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] << 8) | bytes[2 * index + 1]).toString(16));
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1);
}

const base64 = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');

function profile(answer, body) {
  let place = 0;
  const take = (count) => {
    if (place + count > body.length) throw new Error('damaged');
    return body.slice(place, (place += count));
  };
  const integer = (count) => take(count).reduce((value, byte) => value * 256 + byte, 0);
  const [media] = take(1);
  const minutes = integer(3);
  const fingerprint = [...take(32)].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
  const credentials = [`a=ice-ufrag:${base64(take(3))}`, `a=ice-pwd:${base64(take(16))}`];
  const answers = answer ? shortId(integer(4)) : '-';

  const candidates = [];
  const bases = [];
  while (place < body.length) {
    const [what] = take(1);
    const kind = ['host', 'srflx', 'relay'][what & 3];
    if (what > 7 || !kind) throw new Error('newer');
    const address = addressOf([...take(what & 4 ? 16 : 4)]);
    const base = `${kind} ${address}`;
    if (!bases.includes(base)) bases.push(base);
    const priority = { host: 2130706431, srflx: 1694498815, relay: 16777215 }[kind];
    const rest = kind === 'host' ? '' : ` raddr ${what & 4 ? '::' : '0.0.0.0'} rport 9`;
    candidates.push(`a=candidate:${bases.indexOf(base) + 1} 1 udp ${priority} ${address} ${integer(2)} typ ${kind}${rest}`);
  }

  const section = (bits, ssrc, line, ...codec) => (mid) => {
    const direction = ['sendrecv', 'sendonly', 'recvonly', 'inactive'][bits & 3];
    const sends = direction.startsWith('send') ? [`a=ssrc:${ssrc} msid:p ${mid}`] : [];
    return [line, `a=mid:${mid}`, setup, `a=${direction}`, 'a=rtcp-mux', ...codec, ...sends, ...(mid === 0 ? candidates : [])];
  };
  const setup = `a=setup:${answer ? 'active' : 'actpass'}`;
  const [repaired, redundant, vp8] = [media & 32, media & 64, media & 128];
  const sound = section(media, answer ? 4 : 2, `m=audio 9 UDP/TLS/RTP/SAVPF 96${redundant ? ' 63' : ''}`,
    'a=rtpmap:96 opus/48000/2', `a=fmtp:96 useinbandfec=1${redundant ? ';usedtx=1;stereo=1' : ''}`, 'a=rtcp-fb:96 transport-cc',
    ...(redundant ? ['a=rtpmap:63 red/48000/2', 'a=fmtp:63 96/96'] : []));
  const feedback = (codec) => ['nack', 'nack pli', 'transport-cc'].map((kind) => `a=rtcp-fb:${codec} ${kind}`);
  const pictures = section(media >> 2, answer ? 5 : 3, `m=video 9 UDP/TLS/RTP/SAVPF 97${vp8 ? ' 100' : ''}${repaired ? ' 99' : ''}`,
    'a=rtpmap:97 H264/90000', 'a=fmtp:97 packetization-mode=1;profile-level-id=42e01f', ...feedback(97),
    ...(vp8 ? ['a=rtpmap:100 VP8/90000', ...feedback(100)] : []), ...(repaired ? ['a=rtpmap:99 flexfec-03/90000'] : []));
  const [first, second] = media & 16 ? [pictures, sound] : [sound, pictures];
  const before = ['v=0', 'o=- 1 1 IN IP6 ::', 's=-', 'c=IN IP6 ::', 't=0 0', 'a=group:BUNDLE 0 1 2',
    `a=fingerprint:sha-256 ${fingerprint}`,
    ...credentials,
    'a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'];
  const after = [...first(0), ...second(1), 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:2', setup,
    'a=sctp-port:5000', 'a=max-message-size:65536'];
  const stamp = `a=p2pcall:1 ${minutes} ${answers} `;
  const covered = [...before, ...after, stamp].join('\n');
  const checksum = crc32(new TextEncoder().encode(covered)).toString(16).padStart(8, '0');
  return [...before, stamp + checksum, ...after, ''].join('\n');
}

async function inflated(body) {
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const sdp = new Uint8Array(await new Response(stream).arrayBuffer());
  if (sdp.length > 65536) throw new Error('damaged');
  return new TextDecoder('utf-8', { fatal: true }).decode(sdp);
}

export async function decode(text) {
  const envelope = envelopeOf(text);
  const end = envelope.length - 4;
  if (end < 1 || crc32(envelope.slice(0, end)) !== new DataView(envelope.buffer).getUint32(end)) throw new Error('damaged');
  const [what] = envelope;
  if (what > 3) throw new Error('newer');
  const body = envelope.slice(1, end);
  const sdp = what & 2 ? await inflated(body) : profile(Boolean(what & 1), body);
  return { type: what & 1 ? 'answer' : 'offer', sdp };
}

if (process.argv[2]) {
  console.log(JSON.stringify(await decode(process.argv[2])));
} else {
  const document = readFileSync(new URL('../../docs/blob-format.md', import.meta.url), 'utf8');
  const examples = [...document.matchAll(/```sdp (offer|answer)\n([^`]*)```\n+```compact\n(\w+)\n```/g)];
  assert(examples.length >= 4);
  for (const [, type, sdp, text] of examples) {
    assert.deepEqual(await decode(text), { type, sdp });
    await assert.rejects(decode(text.slice(0, -1)), /cut off/);
    const changed = text.slice(0, 20) + (text[20] === '0' ? '1' : '0') + text.slice(21);
    await assert.rejects(decode(changed), /damaged/);
  }
  console.log(`${examples.length} examples of docs/blob-format.md are read as they should be`);
}
