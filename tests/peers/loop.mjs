// Media sent back as they came, for peers without codecs: p2pcall then shows its own picture and plays its own tone.

/** Whether a packet is RTCP: they share one port (RFC 5761, 4). */
export function isRtcp(packet) {
  return packet[1] >= 192 && packet[1] <= 223;
}

/** Returns an RTP packet as one of ours: with another SSRC, without header extensions, which were of the way here. */
export function sentBack(packet, ssrc) {
  const begin = 12 + 4 * (packet[0] & 0x0f);
  const extended = (packet[0] & 0x10) !== 0;
  const payload = extended ? begin + 4 + 4 * packet.readUInt16BE(begin + 2) : begin;
  const back = Buffer.concat([packet.subarray(0, begin), packet.subarray(payload)]);
  back[0] &= 0xef;
  back.writeUInt32BE(ssrc, 8);
  return back;
}

/**
 * Returns what is to be asked of the sender of the stream with this SSRC, as it was asked of us: packets again
 * (NACK) and key frames (PLI, FIR). Reports stay here.
 */
export function askedBack(compound, ours, theirs) {
  const asked = [];
  for (let at = 0; at + 12 <= compound.length; ) {
    const length = 4 * (compound.readUInt16BE(at + 2) + 1);
    const [format, type] = [compound[at] & 0x1f, compound[at + 1]];
    if ((type === 205 && format === 1) || (type === 206 && (format === 1 || format === 4))) {
      const packet = Buffer.from(compound.subarray(at, at + length));
      packet.writeUInt32BE(ours, 4);
      packet.writeUInt32BE(theirs, format === 4 ? 12 : 8);
      asked.push(packet);
    }
    at += length;
  }
  // On its own none may go (RFC 3550, 6.1): an empty receiver report goes first.
  const report = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 0]);
  report.writeUInt32BE(ours, 4);
  return asked.length > 0 ? Buffer.concat([report, ...asked]) : null;
}

/** Returns payload types and parameters of Opus and of one codec for pictures in a description, by kind. */
export function formats(sdp, codec) {
  const format = (name) => {
    const type = Number(sdp.match(new RegExp(`^a=rtpmap:(\\d+) ${name}/`, 'im'))?.[1]);
    return { type, parameters: sdp.match(new RegExp(`^a=fmtp:${type} (.*?)\\r?$`, 'm'))?.[1] };
  };
  return { audio: format('opus'), video: format(codec) };
}
