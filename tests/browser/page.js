// The browser's side of a call. Runs in the page, after pattern.mjs.

/** What came: numbers read from pictures with their sizes, and messages over the data channel. */
const seen = { pictures: [], messages: [], errors: [] };
let connection, analyser;

/** Paints a numbered picture, its lower half blue, 15 times a second; with it goes a tone. */
function ownStream(width, height, toneHz) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  let number = 0;
  const paint = () => {
    context.fillStyle = 'grey';
    context.fillRect(0, 0, width, height);
    context.fillStyle = 'blue';
    context.fillRect(0, height / 2, width, height / 2);
    context.fillStyle = 'white';
    context.fillRect((number * 8) % width, height / 3, 32, 32);
    paintNumber(context, number++, width, height);
  };
  paint();
  setInterval(paint, 1000 / 15);
  const stream = canvas.captureStream(15);

  const audio = new AudioContext();
  const oscillator = new OscillatorNode(audio, { frequency: toneHz });
  const gain = new GainNode(audio, { gain: 0.25 });
  const destination = audio.createMediaStreamDestination();
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  stream.addTrack(destination.stream.getAudioTracks()[0]);
  return stream;
}

function watch(track) {
  const stream = new MediaStream([track]);
  const element = document.createElement(track.kind);
  Object.assign(element, { srcObject: stream, muted: true, autoplay: true });
  document.body.append(element);
  element.play().catch((error) => seen.errors.push(String(error)));
  if (track.kind === 'video') {
    watchPictures(element);
  } else {
    const audio = new AudioContext();
    analyser = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0 });
    audio.createMediaStreamSource(stream).connect(analyser);
  }
}

function watchPictures(video) {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const look = () => {
    const [width, height] = [video.videoWidth, video.videoHeight];
    Object.assign(canvas, { width, height });
    context.drawImage(video, 0, 0);
    const pixels = context.getImageData(0, 0, width, Math.ceil(height / 6)).data;
    const luma = new Uint8Array(pixels.length / 4);
    for (let i = 0; i < luma.length; i++) {
      luma[i] = 0.299 * pixels[4 * i] + 0.587 * pixels[4 * i + 1] + 0.114 * pixels[4 * i + 2];
    }
    // The red one of the colour bars.
    const red = [...context.getImageData((width * 5.5) / 8, height * 0.2, 1, 1).data].slice(0, 3);
    seen.pictures.push({ number: readNumber(luma, width, height), width, height, red });
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}

function talk(channel) {
  channel.onmessage = (event) => seen.messages.push(event.data);
}

async function begin({ send, width, height, toneHz }) {
  connection = new RTCPeerConnection();
  connection.ontrack = (event) => watch(event.track);
  connection.ondatachannel = (event) => talk(event.channel);
  if (send) {
    const stream = ownStream(width, height, toneHz);
    for (const track of stream.getTracks()) connection.addTrack(track, stream);
  }
}

/** Waits for all candidates; returns our description. */
async function described() {
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((done) => connection.addEventListener('icegatheringstatechange', done, { once: true }));
  }
  return { type: connection.localDescription.type, sdp: connection.localDescription.sdp };
}

async function offer(options) {
  await begin(options);
  talk(connection.createDataChannel('p2pcall'));
  await connection.setLocalDescription(await connection.createOffer());
  return described();
}

async function answer(remote, options) {
  await begin(options);
  await connection.setRemoteDescription(remote);
  await connection.setLocalDescription(await connection.createAnswer());
  return described();
}

/** The figures of one medium and direction ('inbound-rtp' or 'outbound-rtp'), with the codec's name. */
async function figures(type, kind) {
  const report = await connection.getStats();
  for (const entry of report.values()) {
    if (entry.type === type && entry.kind === kind) {
      return { ...entry, codec: report.get(entry.codecId)?.mimeType };
    }
  }
  return {};
}

/** The frequency of the loudest sound heard now, in Hz, and its level in dB. */
function loudest() {
  if (!analyser) return { level: -Infinity };
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const bin = levels.indexOf(Math.max(...levels));
  return { hz: (bin * analyser.context.sampleRate) / analyser.fftSize, level: levels[bin] };
}
