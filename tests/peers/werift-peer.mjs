// werift (npm) as the other side of a call: WebRTC in TypeScript alone. It has no codecs: it sends back what comes.

import { formats } from './loop.mjs';
import { load, serve, tell, version } from './wire.mjs';

const { RTCPeerConnection, RTCRtpCodecParameters } = load('werift');

const H264 = 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f';
const FEEDBACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'transport-cc' }];

class Peer {
  constructor(plan) {
    this.plan = plan;
  }

  /** Connects with these payload types and parameters: it compares those of H.264 letter by letter. */
  begin({ audio, video }) {
    const { codec, every, foreign, lite = false, unbundled } = this.plan;
    const name = `video/${(foreign ?? codec).toUpperCase()}`;
    const vp8 = { mimeType: 'video/VP8', clockRate: 90_000, rtcpFeedback: FEEDBACK, payloadType: video.type + 1 };
    this.connection = new RTCPeerConnection({
      iceServers: [],
      iceLite: lite,
      bundlePolicy: unbundled ? 'disable' : 'max-bundle',
      // It leaves out the loopback on its own; here all calls stay on it.
      iceAdditionalHostAddresses: ['127.0.0.1'],
      iceInterfaceAddresses: { udp4: '127.0.0.1' },
      iceUseIpv6: false,
      codecs: {
        audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: audio.type })],
        video: [
          new RTCRtpCodecParameters({ mimeType: name, clockRate: 90_000, rtcpFeedback: FEEDBACK, payloadType: video.type, parameters: video.parameters }),
          ...every ? [new RTCRtpCodecParameters(vp8)] : [],
        ],
      },
      headerExtensions: {
        audio: [], video: [{ id: 1, uri: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01' }],
      },
    });
    // Its own state waits for the data channel, too; media begin with DTLS.
    this.connection.connectionStateChange.subscribe((state) => state !== 'connected' && tell('state', { state }));
    this.connection.onDataChannel.subscribe((channel) => this.talk(channel));
  }

  async offer() {
    const { media, codec, foreign, payloadTypes } = this.plan;
    if (media.some(({ direction }) => direction === 'sendonly')) return tell('cannot', { reason: 'has nothing to send' });
    if (media.some(({ rids }) => rids)) return tell('cannot', { reason: 'has nothing to send' });
    if (media[0].kind === 'data' && media.length > 1) return tell('cannot', { reason: 'puts it last' });
    this.begin({
      audio: { type: payloadTypes?.audio ?? 96 },
      video: { type: payloadTypes?.video ?? 97, parameters: codec === 'h264' && !foreign ? H264 : undefined },
    });
    for (const { kind, direction = 'sendrecv' } of media) {
      if (kind === 'data') this.talk(this.connection.createDataChannel('p2pcall'));
      else this.loop(this.connection.addTransceiver(kind, { direction }));
    }
    await this.describe(await this.connection.createOffer());
  }

  async answer({ description }) {
    this.begin(formats(description.sdp, this.plan.codec));
    this.connection.onRemoteTransceiverAdded.subscribe((transceiver) => {
      transceiver.setDirection('sendrecv');
      this.loop(transceiver);
    });
    await this.connection.setRemoteDescription(description);
    await this.describe(await this.connection.createAnswer());
  }

  async describe(description) {
    // Waits for all candidates.
    await this.connection.setLocalDescription(description);
    for (const { onStateChange } of this.connection.dtlsTransports) onStateChange.subscribe((state) => tell('state', { state }));
    const { type, sdp } = this.connection.localDescription;
    tell('description', { description: { type, sdp } });
  }

  async take({ description }) {
    await this.connection.setRemoteDescription(description);
  }

  loop({ kind, onTrack, receiver, sender }) {
    onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((packet) => {
        tell('packet', { kind });
        // Those it came with were of the way here.
        packet.header.extensions = [];
        sender.sendRtp(packet);
      });
      sender.onPictureLossIndication.subscribe(() => receiver.sendRtcpPLI(track.ssrc));
    });
  }

  talk(channel) {
    this.channel = channel;
    channel.onMessage.subscribe((text) => tell('message', { text: String(text) }));
    const ends = { open: 'channel', closed: 'channelClosed' };
    const changed = (state) => ends[state] && tell(ends[state]);
    changed(channel.readyState);
    channel.stateChanged.subscribe(changed);
  }

  say({ text }) {
    this.channel.send(text);
  }

  async close() {
    await this.connection.close();
    tell('closed');
  }
}

// Its SCTP and p2pcall's each begin in one role alone, never the same (docs/peers.md).
await serve({ mute: true, program: `werift ${version('werift')}`, codecs: ['h264', 'vp8'], loops: true }, (plan) => new Peer(plan));
