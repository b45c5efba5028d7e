// A relay that stands between the two sides and loses the packets it is told to lose, for good:
// a packet that is sent again is lost again.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { ADDRESS } from './network.mjs';

export class Relay {
  /** What pictures are known by; until then nothing is lost. */
  payloadType = null;

  static async start() {
    const relay = new Relay();
    relay.sides = { program: await side(), browser: await side() };
    for (const [name, other] of [['program', 'browser'], ['browser', 'program']]) {
      const [here, there] = [relay.sides[name], relay.sides[other]];
      here.socket.on('message', (packet) => {
        if (there.address && !lost(here, packet, relay.payloadType)) {
          there.socket.send(packet, there.address.port, there.address.host);
        }
      });
    }
    return relay;
  }

  /** Takes the address out of one side's description; returns the description with the relay's in its place. */
  standFor(name, description) {
    const other = this.sides[name === 'program' ? 'browser' : 'program'];
    const lines = description.sdp.split(/\r?\n/);
    const first = lines.find((line) => /^a=candidate:\S+ 1 udp \d+ [\d.]+ \d+ typ host/i.test(line));
    const fields = first.split(' ');
    this.sides[name].address = { host: fields[4], port: Number(fields[5]) };
    [fields[4], fields[5]] = [ADDRESS, other.socket.address().port];
    // The stamp's check sum would not fit any more.
    const kept = lines.filter((line) => !/^a=(candidate|p2pcall):/.test(line) || line === first);
    return { ...description, sdp: kept.map((line) => (line === first ? fields.join(' ') : line)).join('\r\n') };
  }

  /** Loses the next so many packets of pictures that this side sends. */
  lose(name, count) {
    this.sides[name].toLose = count;
  }

  /** How many packets of this side's were lost, those sent again included. */
  lost(name) {
    return this.sides[name].losses;
  }

  close() {
    Object.values(this.sides).forEach(({ socket }) => socket.close());
  }
}

async function side() {
  const socket = createSocket('udp4');
  socket.bind(0, ADDRESS);
  await once(socket, 'listening');
  return { socket, address: null, toLose: 0, missing: new Set(), losses: 0 };
}

/** Whether this packet is to be lost. RTP (RFC 3550, 5.1): the header is not encrypted. */
function lost(side, packet, payloadType) {
  if (packet.length < 12 || packet[0] >> 6 !== 2 || (packet[1] & 0x7f) !== payloadType) return false;
  const sequence = packet.readUInt16BE(2);
  if (side.toLose > 0 && !side.missing.has(sequence)) {
    side.toLose--;
    side.missing.add(sequence);
  }
  const isLost = side.missing.has(sequence);
  side.losses += isLost;
  return isLost;
}
