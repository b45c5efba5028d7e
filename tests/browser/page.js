// The browser's side of a call without web/index.html. Runs in the page, after media.js.

let channel;

function watch(track) {
  const stream = new MediaStream([track]);
  const element = document.createElement(track.kind);
  Object.assign(element, { srcObject: stream, muted: true, autoplay: true });
  document.body.append(element);
  element.play().catch((error) => seen.errors.push(String(error)));
  if (track.kind === 'video') watchPictures(element);
  else hear(stream);
}

function talk(own) {
  channel = own;
  channel.onmessage = (event) => seen.messages.push(event.data);
}

async function begin({ send, width, height, toneHz, lies }) {
  globalThis.connection = new RTCPeerConnection();
  connection.ontrack = (event) => watch(event.track);
  connection.ondatachannel = (event) => talk(event.channel);
  if (send) {
    const upright = ownPictures(width, height);
    const stream = new MediaStream([lies ? onTheirSide(upright) : upright, ownTone(toneHz)]);
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

/** Switches a medium of ours off or on, and tells the other side. */
function mute(kind, muted) {
  connection.getSenders().find(({ track }) => track?.kind === kind).track.enabled = !muted;
  channel.send(JSON.stringify({ say: 'muted', kind, muted }));
}
