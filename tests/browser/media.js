// What a page shows and plays, noted; and pictures and sound of its own. Runs in the page, after pattern.mjs.

/** What came: numbers read from pictures with their sizes, messages over the data channel, errors. */
globalThis.seen = { pictures: [], messages: [], errors: [] };

/** Notes each picture that an element shows. */
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
    const colour = (x, y) => [...context.getImageData(width * x, height * y, 1, 1).data].slice(0, 3);
    // The red one of p2pcall's colour bars, and the middle of the left side.
    seen.pictures.push({ number: readNumber(luma, width, height), width, height, red: colour(5.5 / 8, 0.2), left: colour(1 / 8, 0.5) });
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}

let analyser;

function hear(stream) {
  const audio = new AudioContext();
  analyser = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0 });
  audio.createMediaStreamSource(stream).connect(analyser);
}

/** The frequency of the loudest sound heard now, in Hz, and its level in dB. */
function loudest() {
  if (!analyser) return { hz: 0, level: -Infinity };
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const bin = levels.indexOf(Math.max(...levels));
  return { hz: (bin * analyser.context.sampleRate) / analyser.fftSize, level: Math.max(-1000, levels[bin]) };
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

/** The pictures of our own: they change their size when this does. */
const ownSize = { width: 0, height: 0 };
let ownNumber = 0;

/** Returns a track of numbered pictures, their lower halves blue, 15 a second. */
function ownPictures(width, height) {
  Object.assign(ownSize, { width, height });
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  const paint = () => {
    const { width, height } = ownSize;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, ownSize);
    context.fillStyle = 'grey';
    context.fillRect(0, 0, width, height);
    context.fillStyle = 'blue';
    context.fillRect(0, height / 2, width, height / 2);
    context.fillStyle = 'white';
    context.fillRect((ownNumber * 8) % width, height / 3, 32, 32);
    paintNumber(context, ownNumber++, width, height);
  };
  paint();
  setInterval(paint, 1000 / 15);
  return canvas.captureStream(15).getVideoTracks()[0];
}

/**
 * Returns a track that shows the pictures of another as a telephone's camera gives them when it is held upright: lying on
 * their side, with the word that they are to be turned by a quarter. `null` where no such track can be made.
 */
function onTheirSide(track) {
  if (!globalThis.MediaStreamTrackGenerator) return null;
  const generator = new MediaStreamTrackGenerator({ kind: 'video' });
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const turned = new TransformStream({
    transform(frame, pictures) {
      const { displayWidth: width, displayHeight: height, timestamp } = frame;
      Object.assign(canvas, { width: height, height: width });
      context.setTransform(0, -1, 1, 0, 0, width);
      context.drawImage(frame, 0, 0);
      frame.close();
      const data = planes(context.getImageData(0, 0, height, width));
      pictures.enqueue(new VideoFrame(data, { format: 'I420', codedWidth: height, codedHeight: width, timestamp, rotation: 90 }));
    },
  });
  new MediaStreamTrackProcessor({ track }).readable.pipeThrough(turned).pipeTo(generator.writable);
  return generator;
}

/** Returns a picture as cameras give it (I420). Sizes are even. */
function planes({ width, height, data }) {
  const [luma, chroma] = [width * height, (width * height) / 4];
  const out = new Uint8Array(luma + 2 * chroma);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const [r, g, b] = data.subarray(4 * at);
      out[at] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
      if (x % 2 || y % 2) continue;
      const half = luma + (y / 2) * (width / 2) + x / 2;
      out[half] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
      out[half + chroma] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
    }
  }
  return out;
}

/** Returns a track with a tone. */
function ownTone(hz) {
  const audio = new AudioContext();
  const oscillator = new OscillatorNode(audio, { frequency: hz });
  const gain = new GainNode(audio, { gain: 0.25 });
  const destination = audio.createMediaStreamDestination();
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  return destination.stream.getAudioTracks()[0];
}

function resize(width, height) {
  Object.assign(ownSize, { width, height });
}
