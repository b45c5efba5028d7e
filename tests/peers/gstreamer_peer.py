"""GStreamer's webrtcbin as the other side of a call. Needs the packages named in .ci/run, and the Python of Debian."""

import os
import re
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("Nice", "0.1")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC, Nice  # noqa: E402

import pattern  # noqa: E402
import tone  # noqa: E402
from wire import asked, tell  # noqa: E402

RTP = "application/x-rtp,media={},encoding-name={},payload={},clock-rate={}"
ENCODE = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=400 key-int-max=60 ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay config-interval=-1 aggregate-mode=zero-latency mtu=1200",
    "vp8": "vp8enc deadline=1 cpu-used=8 target-bitrate=400000 keyframe-max-dist=60 ! rtpvp8pay mtu=1200 picture-id-mode=15-bit",
}
DECODE = {
    "H264": "rtph264depay request-keyframe=true wait-for-keyframe=true ! h264parse ! avdec_h264 max-threads=1",
    "VP8": "rtpvp8depay request-keyframe=true wait-for-keyframe=true ! vp8dec",
    "OPUS": "rtpopusdepay ! opusdec ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1",
}
Gst.init(None)


class Peer:
    def __init__(self, plan):
        self.plan, self.channel, self.sources = plan, None, []
        self.pipeline = Gst.Pipeline()
        self.rtc = Gst.ElementFactory.make("webrtcbin")
        self.rtc.set_property("bundle-policy", "none" if plan.get("unbundled") else "max-bundle")
        self.pipeline.add(self.rtc)
        # It leaves out the loopback on its own; here all calls stay on it.
        loopback = Nice.Address.new()
        loopback.set_from_string("127.0.0.1")
        # Held: the binding would let go the only reference.
        self.ice = self.rtc.get_property("ice-agent")
        self.ice.get_property("agent").add_local_address(loopback)
        self.rtc.connect("pad-added", self.watch)
        self.rtc.connect("on-data-channel", lambda _, channel: self.talk(channel, open=True))
        self.rtc.connect("notify::connection-state", self.changed)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.failed)
        self.pipeline.set_state(Gst.State.READY)

    def changed(self, *_):
        tell("state", state=self.rtc.get_property("connection-state").value_nick)

    def failed(self, _, message):
        error, _ = message.parse_error()
        # The end of the data channel's transport, of which no signal tells.
        if message.src.get_name().startswith("sctp"):
            tell("channelClosed")
        else:
            print(message.src.get_path_string(), error, flush=True)

    def caps(self, kind, types):
        encoding, clock = ("OPUS", 48_000) if kind == "audio" else (self.plan["codec"].upper(), 90_000)
        caps = RTP.format(kind, encoding, types[kind], clock)
        if kind == "audio":
            return caps + ",encoding-params=(string)2"
        caps += ",rtcp-fb-nack=true,rtcp-fb-nack-pli=true"
        return caps + (',packetization-mode=(string)1,profile-level-id=(string)42e01f' if encoding == "H264" else "")

    def send(self, kind, caps, profile=None):
        """
        Adds a source of numbered pictures or of a tone. With a profile the encoder's own name for what it makes is
        replaced: an answer of its own would otherwise not send, as it compares the names letter by letter.
        """
        if kind == "audio":
            given = "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved"
            path = "audioconvert ! opusenc ! rtpopuspay"
        else:
            width, height = self.plan["size"]
            given = f"video/x-raw,format=I420,width={width},height={height},framerate=15/1"
            path = ENCODE[self.plan["codec"]]
        source = f"appsrc name=source is-live=true format=time caps={given} ! queue"
        # Media, codec and payload type; the encoder's own parameters are what they are.
        path += f' ! capsfilter caps="{",".join(caps.split(",")[:4])}"'
        if profile:
            path += f' ! capssetter caps="application/x-rtp,profile-level-id=(string){profile}"'
        bin = Gst.parse_bin_from_description(f"{source} ! {path}", True)
        self.pipeline.add(bin)
        bin.sync_state_with_parent()
        pad = self.rtc.request_pad_simple("sink_%u")
        bin.get_static_pad("src").link(pad)
        self.sources.append((kind, bin.get_by_name("source")))
        return pad.get_property("transceiver")

    def feed(self):
        """Paces all sources: pictures 15, sound 50 times a second."""
        begun, next_ones = time.monotonic(), [0] * len(self.sources)
        running = self.pipeline.get_clock().get_time() - self.pipeline.get_base_time()
        while True:
            now = time.monotonic() - begun
            for index, (kind, source) in enumerate(self.sources):
                rate, number = 50 if kind == "audio" else 15, next_ones[index]
                if number > now * rate:
                    continue
                if kind == "audio":
                    data = tone.samples(self.plan["toneHz"], number * 960, 960)
                else:
                    data = b"".join(pattern.picture(number, *self.plan["size"]))
                buffer = Gst.Buffer.new_wrapped(data)
                # Even steps, however late this thread is: sound would be torn apart.
                buffer.pts, buffer.duration = running + number * Gst.SECOND // rate, Gst.SECOND // rate
                source.emit("push-buffer", buffer)
                next_ones[index] += 1
            time.sleep(0.005)

    def play(self, then):
        """Starts everything, and makes the description when the encoders have said what they make: it stands there."""
        def encoding():
            if all(pad.get_current_caps() for pad in self.rtc.sinkpads):
                self.describe(then)
                return False
            return True

        self.pipeline.set_state(Gst.State.PLAYING)
        # Until then it has no clock.
        self.pipeline.get_state(Gst.SECOND)
        threading.Thread(target=self.feed, daemon=True).start()
        GLib.timeout_add(20, encoding)

    def offer(self):
        media = self.plan["media"]
        if self.plan.get("lite"):
            return tell("cannot", reason="has no ICE-lite")
        if self.plan.get("every") or self.plan.get("foreign"):
            return tell("cannot", reason="offers what its encoder makes")
        if any("rids" in medium for medium in media):
            return tell("cannot", reason="has no simulcast")
        if media[0]["kind"] == "data" and len(media) > 1:
            return tell("cannot", reason="puts it last")
        types = {"audio": 111, "video": 96, **self.plan.get("payloadTypes", {})}
        for medium in media:
            kind, direction = medium["kind"], medium.get("direction", "sendrecv")
            if kind == "data":
                self.talk(self.rtc.emit("create-data-channel", "p2pcall", None))
                continue
            caps = self.caps(kind, types)
            value = getattr(GstWebRTC.WebRTCRTPTransceiverDirection, direction.upper())
            if "send" in direction:
                transceiver = self.send(kind, caps)
                transceiver.set_property("direction", value)
            else:
                self.rtc.emit("add-transceiver", value, Gst.Caps.from_string(caps))
            # A second picture is another stream: its payload type is its own.
            types[kind] += 1
        self.play("offer")

    def answer(self, description):
        def add(*_):
            for kind, codec in ("audio", "opus"), ("video", self.plan["codec"]):
                found = re.search(rf"a=rtpmap:(\d+) {codec}/", description["sdp"], re.IGNORECASE)
                profile = re.search(rf"a=fmtp:{found[1]} .*profile-level-id=(\w+)", description["sdp"])
                self.send(kind, self.caps(kind, {kind: found[1]}), profile and profile[1])
            self.play("answer")

        self.take(description, add)

    def describe(self, kind):
        def made(promise):
            # Held while it is used: what is in it goes with it.
            reply = promise.get_reply()
            self.rtc.emit("set-local-description", reply.get_value(kind), Gst.Promise.new())
            GLib.timeout_add(20, gathered)

        def gathered():
            if self.rtc.get_property("ice-gathering-state").value_nick != "complete":
                return True
            tell("description", description={"type": kind, "sdp": self.rtc.get_property("local-description").sdp.as_text()})
            return False

        self.rtc.emit(f"create-{kind}", None, Gst.Promise.new_with_change_func(made))

    def take(self, description, then=lambda _: None):
        _, sdp = GstSdp.SDPMessage.new_from_text(description["sdp"])
        kind = getattr(GstWebRTC.WebRTCSDPType, description["type"].upper())
        taken = Gst.Promise.new_with_change_func(lambda promise: GLib.idle_add(lambda: then(promise)))
        self.rtc.emit("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, sdp), taken)

    def watch(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        encoding = pad.get_current_caps().get_structure(0).get_string("encoding-name")
        look = self.hear if encoding == "OPUS" else self.look
        bin = Gst.parse_bin_from_description(f"queue ! {DECODE[encoding]} ! appsink name=sink emit-signals=true sync=false", True)
        self.ear = tone.Ear(self.plan["listenHz"], tell)
        bin.get_by_name("sink").connect("new-sample", look)
        self.pipeline.add(bin)
        bin.sync_state_with_parent()
        pad.link(bin.get_static_pad("sink"))

    def look(self, sink):
        sample = sink.emit("pull-sample")
        format = sample.get_caps().get_structure(0)
        width, height = format.get_value("width"), format.get_value("height")
        luma = sample.get_buffer().extract_dup(0, (width + 3) // 4 * 4 * height)
        tell("picture", number=pattern.read(luma, (width + 3) // 4 * 4, width, height), width=width, height=height)
        return Gst.FlowReturn.OK

    def hear(self, sink):
        buffer = sink.emit("pull-sample").get_buffer()
        self.ear.hear(memoryview(buffer.extract_dup(0, buffer.get_size())).cast("h").tolist())
        return Gst.FlowReturn.OK

    def talk(self, channel, open=False):
        self.channel = channel
        channel.connect("on-message-string", lambda _, text: tell("message", text=text))
        if open:
            tell("channel")
        channel.connect("on-open", lambda _: tell("channel"))
        channel.connect("on-close", lambda _: tell("channelClosed"))

    def say(self, text):
        self.channel.emit("send-string", text)

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)
        tell("closed")


def main():
    loop = GLib.MainLoop()
    peer = None

    def do(ask):
        nonlocal peer
        what = ask.pop("do")
        if what == "begin":
            peer = Peer(ask)
        else:
            getattr(peer, what)(**ask)

    def listen():
        for ask in asked():
            GLib.idle_add(do, ask)
        GLib.idle_add(loop.quit)

    threading.Thread(target=listen, daemon=True).start()
    version = ".".join(map(str, Gst.version()[:3]))
    codecs = [codec for codec, encoder in (("h264", "x264enc"), ("vp8", "vp8enc")) if Gst.ElementFactory.find(encoder)]
    # Its end is silent, and of DTLS's end no signal tells.
    tell("ready", program=f"GStreamer {version}", codecs=codecs, silent=True, deaf=True)
    loop.run()
    # Its threads are in no hurry.
    os._exit(0)


main()
