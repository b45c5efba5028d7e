"""aiortc as the other side of a call. Needs the packages of requirements.txt."""

import asyncio
import fractions
import threading
import time

import aioice.ice
import aiortc
import aiortc.codecs
import av
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

import pattern
import tone
from wire import asked, tell

# It leaves out the loopback on purpose; here all calls stay on it.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Pictures(aiortc.MediaStreamTrack):
    kind = "video"

    def __init__(self, size):
        super().__init__()
        self.size, self.number, self.begun = size, 0, time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.begun + self.number / 15 - time.monotonic()))
        frame = av.VideoFrame(*self.size, "yuv420p")
        for plane, data in zip(frame.planes, pattern.picture(self.number, *self.size)):
            width, height = plane.width, plane.height
            rows = (data[y * width : (y + 1) * width].ljust(plane.line_size, b"\0") for y in range(height))
            plane.update(b"".join(rows))
        frame.pts, frame.time_base = self.number * 6000, fractions.Fraction(1, 90_000)
        self.number += 1
        return frame


class Tone(aiortc.MediaStreamTrack):
    kind = "audio"

    def __init__(self, hz):
        super().__init__()
        self.hz, self.block, self.begun = hz, 0, time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.begun + self.block / 50 - time.monotonic()))
        frame = av.AudioFrame("s16", "mono", 960)
        frame.planes[0].update(tone.samples(self.hz, self.block * 960, 960))
        frame.sample_rate, frame.pts, frame.time_base = tone.RATE, self.block * 960, fractions.Fraction(1, tone.RATE)
        self.block += 1
        return frame


class Peer:
    def __init__(self, plan):
        self.plan = plan
        self.channel = None
        policy = RTCBundlePolicy.MAX_COMPAT if plan.get("unbundled") else RTCBundlePolicy.BALANCED
        data_first = plan["media"][0]["kind"] == "data"
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=policy, alwaysNegotiateDataChannels=data_first)
        self.connection = RTCPeerConnection(configuration)
        self.connection.on("track", lambda track: asyncio.ensure_future(self.watch(track)))
        self.connection.on("datachannel", self.talk)
        self.connection.on("connectionstatechange", lambda: tell("state", state=self.connection.connectionState))
        for kind, first in plan.get("payloadTypes", {}).items():
            for codec in aiortc.codecs.CODECS[kind]:
                if codec.payloadType >= 96:
                    moved = codec.payloadType - (96 if kind == "audio" else 97) + first
                    codec.parameters = {k: moved - 1 if k == "apt" else v for k, v in codec.parameters.items()}
                    codec.payloadType = moved

    def add(self, kind, direction="sendrecv"):
        track = Tone(self.plan["toneHz"]) if kind == "audio" else Pictures(self.plan["size"])
        self.connection.addTransceiver(track if "send" in direction else kind, direction=direction)

    def prefer(self):
        """Leaves the one codec alone for pictures."""
        if self.plan.get("every"):
            return
        wanted = f"video/{self.plan['codec']}".lower()
        codecs = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType.lower() == wanted]
        for transceiver in self.connection.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(codecs)

    async def offer(self):
        if self.plan.get("lite"):
            return tell("cannot", reason="has no ICE-lite")
        if self.plan.get("foreign"):
            return tell("cannot", reason="has no VP9")
        if any("rids" in medium for medium in self.plan["media"]):
            return tell("cannot", reason="has no simulcast")
        for medium in self.plan["media"]:
            if medium["kind"] == "data":
                continue
            self.add(**medium)
        self.prefer()
        data = [index for index, medium in enumerate(self.plan["media"]) if medium["kind"] == "data"]
        if data and data[0] != 0:
            self.talk(self.connection.createDataChannel("p2pcall"))
        offer = await self.connection.createOffer()
        if data and data[0] == 0:
            self.talk(self.connection.createDataChannel("p2pcall"))
        await self.describe(offer)

    async def answer(self, description):
        await self.take(description)
        for transceiver in self.connection.getTransceivers():
            track = Tone(self.plan["toneHz"]) if transceiver.kind == "audio" else Pictures(self.plan["size"])
            transceiver.sender.replaceTrack(track)
            transceiver.direction = "sendrecv"
        self.prefer()
        await self.describe(await self.connection.createAnswer())

    async def describe(self, description):
        await self.connection.setLocalDescription(description)
        local = self.connection.localDescription
        tell("description", description={"type": local.type, "sdp": local.sdp})

    async def take(self, description):
        await self.connection.setRemoteDescription(RTCSessionDescription(**description))

    async def watch(self, track):
        ear = tone.Ear(self.plan["listenHz"], tell)
        try:
            while True:
                frame = await track.recv()
                if track.kind == "audio":
                    # Interleaved; the left channel is enough.
                    ear.hear(memoryview(bytes(frame.planes[0])).cast("h")[: frame.samples * 2 : 2].tolist())
                else:
                    luma = frame.planes[0]
                    number = pattern.read(bytes(luma), luma.line_size, frame.width, frame.height)
                    tell("picture", number=number, width=frame.width, height=frame.height)
        except aiortc.mediastreams.MediaStreamError:
            tell("trackEnded", kind=track.kind)

    def talk(self, channel):
        self.channel = channel
        channel.on("message", lambda text: tell("message", text=text))
        if channel.readyState == "open":
            tell("channel")
        channel.on("open", lambda: tell("channel"))
        channel.on("close", lambda: tell("channelClosed"))

    async def say(self, text):
        self.channel.send(text)

    async def close(self):
        await self.connection.close()
        tell("closed")


async def main():
    loop = asyncio.get_running_loop()
    asks = asyncio.Queue()

    def listen():
        for ask in asked():
            loop.call_soon_threadsafe(asks.put_nowait, ask)
        loop.call_soon_threadsafe(asks.put_nowait, None)

    threading.Thread(target=listen, daemon=True).start()
    tell("ready", program=f"aiortc {aiortc.__version__}", codecs=["h264", "vp8"])
    peer = None
    while ask := await asks.get():
        what = ask.pop("do")
        if what == "begin":
            peer = Peer(ask)
        else:
            await getattr(peer, what)(**ask)


asyncio.run(main())
