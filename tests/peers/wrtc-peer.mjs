// libwebrtc (npm @roamhq/wrtc) as the other side of a call: what Chromium is made of, as a library.

import { readNumber } from '../browser/pattern.mjs';
import { picture } from './paint.mjs';
import { Ear, samples } from './tone.mjs';
import { load, serve, tell, version } from './wire.mjs';

const { MediaStream, RTCPeerConnection, RTCRtpSender, nonstandard } = load('@roamhq/wrtc');
const { RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource } = nonstandard;
const { codecs } = RTCRtpSender.getCapabilities('video');

class Peer {
  /** Without them the library calls nobody back. */
  sinks = [];

  constructor(plan) {
    this.plan = plan;
    this.connection = new RTCPeerConnection({ bundlePolicy: plan.unbundled ? 'max-compat' : 'balanced' });
    this.connection.ontrack = ({ track }) => this.watch(track);
    this.connection.ondatachannel = ({ channel }) => this.talk(channel);
    this.connection.onconnectionstatechange = () => tell('state', { state: this.connection.connectionState });
  }

  async offer() {
    const { media, lite, payloadTypes } = this.plan;
    if (lite) return tell('cannot', { reason: 'has no ICE-lite' });
    if (payloadTypes) return tell('cannot', { reason: 'its own are fixed' });
    if (media[0].kind === 'data' && media.length > 1) return tell('cannot', { reason: 'puts it last' });
    for (const { kind, direction = 'sendrecv', rids } of media) {
      if (kind === 'data') this.talk(this.connection.createDataChannel('p2pcall'));
      else this.connection.addTransceiver(direction.includes('send') ? this.track(kind) : kind, {
        direction, streams: [new MediaStream()],
        ...rids && { sendEncodings: rids.map((rid, index) => ({ rid, scaleResolutionDownBy: 2 ** index })) },
      });
    }
    this.prefer();
    await this.describe(await this.connection.createOffer());
  }

  async answer({ description }) {
    // Tracks that are added come to stand in the offer's places.
    for (const kind of ['audio', 'video']) this.connection.addTrack(this.track(kind), new MediaStream());
    await this.connection.setRemoteDescription(description);
    this.prefer();
    await this.describe(await this.connection.createAnswer());
  }

  /** Leaves the one codec alone for pictures. */
  prefer() {
    const { codec, every, foreign } = this.plan;
    const wanted = every ? codecs : codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `video/${foreign ?? codec}`);
    for (const transceiver of this.connection.getTransceivers()) {
      if (transceiver.receiver.track.kind === 'video') transceiver.setCodecPreferences(wanted);
    }
  }

  async describe(description) {
    await this.connection.setLocalDescription(description);
    while (this.connection.iceGatheringState !== 'complete') {
      await new Promise((done) => this.connection.addEventListener('icegatheringstatechange', done, { once: true }));
    }
    const { type, sdp } = this.connection.localDescription;
    tell('description', { description: { type, sdp } });
  }

  async take({ description }) {
    await this.connection.setRemoteDescription(description);
  }

  /** Returns a track that shows numbered pictures, or sounds. */
  track(kind) {
    if (kind === 'audio') {
      const source = new RTCAudioSource();
      let block = 0;
      // Blocks of 10 ms are all it takes; as many as time has passed, for timers come late.
      const begun = performance.now();
      setInterval(() => {
        for (; begun + block * 10 <= performance.now(); block++) {
          const format = { sampleRate: 48_000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 };
          source.onData({ samples: samples(this.plan.toneHz, block * 480, 480), ...format });
        }
      }, 10);
      return source.createTrack();
    }
    const source = new RTCVideoSource();
    const [width, height] = this.plan.size;
    let number = 0;
    setInterval(() => source.onFrame({ width, height, data: picture(number++, width, height) }), 1000 / 15);
    return source.createTrack();
  }

  watch(track) {
    if (track.kind === 'audio') {
      const ear = new Ear(this.plan.listenHz, tell);
      const sink = new RTCAudioSink(track);
      sink.ondata = ({ samples, channelCount }) => ear.hear(samples, channelCount);
      this.sinks.push(sink);
    } else {
      const sink = new RTCVideoSink(track);
      sink.onframe = ({ frame: { width, height, data } }) => {
        // Until there is a picture it shows small black ones of its own.
        if (width > 16) tell('picture', { number: readNumber(data, width, height), width, height });
      };
      this.sinks.push(sink);
    }
  }

  talk(channel) {
    this.channel = channel;
    channel.onmessage = ({ data }) => tell('message', { text: data });
    if (channel.readyState === 'open') tell('channel');
    channel.onopen = () => tell('channel');
    channel.onclose = () => tell('channelClosed');
  }

  say({ text }) {
    this.channel.send(text);
  }

  close() {
    this.connection.close();
    tell('closed');
  }
}

const names = ['H264', 'VP8'].filter((name) => codecs.some(({ mimeType }) => mimeType === `video/${name}`));
await serve({ program: `libwebrtc (wrtc ${version('@roamhq/wrtc')})`, codecs: names.map((name) => name.toLowerCase()) }, (plan) => new Peer(plan));
