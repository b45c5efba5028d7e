// libdatachannel (npm node-datachannel) as the other side of a call. It has ICE, DTLS, SRTP and data channels, but no
// codecs: it sends back what comes.

import { askedBack, formats, isRtcp, sentBack } from './loop.mjs';
import { load, serve, tell } from './wire.mjs';

const { Audio, PeerConnection, Video, getLibraryVersion } = load('node-datachannel');

const OFFERED = {
  audio: { type: 111, parameters: 'minptime=10;useinbandfec=1' },
  video: { type: 102, parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f' },
};

class Peer {
  tracks = [];
  /** Ours, each track's own. */
  ssrc = 1000;

  constructor(plan) {
    this.plan = plan;
    this.connection = new PeerConnection('peer', { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation: true });
    this.connection.onStateChange((state) => tell('state', { state }));
    this.connection.onDataChannel((channel) => this.talk(channel));
  }

  offer() {
    const { media, lite, unbundled, payloadTypes } = this.plan;
    if (lite) return tell('cannot', { reason: 'has no ICE-lite' });
    if (media.some(({ direction }) => direction === 'sendonly')) return tell('cannot', { reason: 'has nothing to send' });
    if (media.some(({ rids }) => rids)) return tell('cannot', { reason: 'has nothing to send' });
    if (unbundled) return tell('cannot', { reason: 'always bundles' });
    media.forEach(({ kind, direction = 'sendrecv' }, index) => {
      if (kind === 'data') return this.talk(this.connection.createDataChannel('p2pcall'));
      const { type, parameters } = OFFERED[kind];
      this.add(kind, direction, `m${index}`, payloadTypes?.[kind] ?? type, parameters);
    });
    this.describe('offer');
  }

  answer({ description: { type, sdp } }) {
    // A track of the same mid takes the offered one's place, and its SSRC then stands in the answer.
    const found = formats(sdp, this.plan.codec);
    for (const medium of sdp.split(/^(?=m=)/m).slice(1)) {
      const kind = medium.match(/^m=(\w+)/)[1];
      const mid = medium.match(/^a=mid:(\S+)/m)[1];
      if (kind !== 'application') this.add(kind, 'sendrecv', mid, found[kind].type, found[kind].parameters);
    }
    this.connection.setRemoteDescription(sdp, type);
    this.describe('answer');
  }

  describe(type) {
    this.connection.onGatheringStateChange((state) => {
      if (state === 'complete') tell('description', { description: this.connection.localDescription() });
    });
    this.connection.setLocalDescription(type);
  }

  take({ description: { type, sdp } }) {
    this.connection.setRemoteDescription(sdp, type);
  }

  add(kind, direction, mid, payloadType, parameters) {
    const media = new (kind === 'audio' ? Audio : Video)(mid, { sendrecv: 'SendRecv', sendonly: 'SendOnly', recvonly: 'RecvOnly', inactive: 'Inactive' }[direction]);
    const { codec, every, foreign } = this.plan;
    if (kind === 'audio') media.addOpusCodec(payloadType, parameters);
    else if (foreign) media.addVP9Codec(payloadType);
    else if (codec === 'h264' || every) media.addH264Codec(payloadType, parameters);
    if (kind === 'video' && !foreign && (codec === 'vp8' || every)) media.addVP8Codec(every ? payloadType + 1 : payloadType);
    const ssrc = this.ssrc++;
    media.addSSRC(ssrc, 'peer', 'peer', `${kind}${mid}`);
    this.loop(kind, this.connection.addTrack(media), ssrc);
  }

  loop(kind, track, ssrc) {
    // Held: without it nobody is called.
    this.tracks.push(track);
    let theirs;
    track.onMessage((packet) => {
      if (isRtcp(packet)) {
        const asked = theirs && askedBack(packet, ssrc, theirs);
        if (asked) track.sendMessageBinary(asked);
        return;
      }
      theirs = packet.readUInt32BE(8);
      tell('packet', { kind });
      if (track.isOpen() && track.direction() !== 'RecvOnly') track.sendMessageBinary(sentBack(packet, ssrc));
    });
    track.onClosed(() => tell('trackEnded', { kind }));
  }

  talk(channel) {
    this.channel = channel;
    channel.onMessage((text) => tell('message', { text }));
    if (channel.isOpen()) tell('channel');
    channel.onOpen(() => tell('channel'));
    channel.onClosed(() => tell('channelClosed'));
  }

  say({ text }) {
    this.channel.sendMessage(text);
  }

  close() {
    this.connection.close();
    tell('closed');
  }
}

await serve({ program: `libdatachannel ${getLibraryVersion()}`, codecs: ['h264', 'vp8'], loops: true }, (plan) => new Peer(plan));
