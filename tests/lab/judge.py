"""judge.py OUT - says whether the call that `guest` recorded was one."""

import json
import pathlib
import sys

out = pathlib.Path(sys.argv[1])
passed = failed = 0


def check(what, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{'ok  ' if ok else 'FAIL'}  {what}{': ' if detail else ''}{detail}")


def events(side):
    return [json.loads(line) for line in (out / f"{side}.jsonl").read_text().splitlines() if line]


def pictures(side):
    """The luma of each picture."""
    data = (out / f"{side}.y4m").read_bytes()
    header, _, rest = data.partition(b"\n")
    words = dict((word[:1], word[1:]) for word in header.split()[1:])
    width, height = int(words[b"W"]), int(words[b"H"])
    step = len(b"FRAME\n") + width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
    for at in range(0, len(rest) - step + 1, step):
        yield rest[at + 6 : at + 6 + width * height]


devices = json.loads((out / "devices.json").read_text())
check("both cameras are listed", len(devices["cameras"]) == 2, ", ".join(c["name"] for c in devices["cameras"]))
for side in "ab":
    shown = list(pictures(side))
    moving = sum(x != y for x, y in zip(shown, shown[1:]))
    spread = max(shown[len(shown) // 3]) - min(shown[len(shown) // 3]) if shown else 0
    check(f"{side} sees moving pictures", moving > 60 and spread > 100, f"{len(shown)} pictures, {moving} changes, luma spread {spread}")
    log = events(side)
    stats = [e for e in log if e["event"] == "stats"]
    rtt = [e["round_trip_time"] for e in stats if e["round_trip_time"]]
    lost = stats[-1]["inbound"]["video"]["packets_lost"] if stats else None
    check(f"{side} measured the round trip", rtt and 0.05 < sorted(rtt)[len(rtt) // 2] < 0.3, f"{sorted(rtt)[len(rtt) // 2] * 1000:.0f} ms, {lost} packets of pictures never came" if rtt else "")
    check(f"{side} ended normally", (out / f"{side}.exit").read_text().strip() == "0", log[-1].get("what", "") if log else "")
    offsets = sorted(o for e in stats if (o := e["inbound"]["video"]["sync_offset"]) is not None)
    if offsets:
        check(f"{side} has sound and picture in step", abs(offsets[len(offsets) // 2]) <= 0.04, f"picture {offsets[len(offsets) // 2] * 1000:+.0f} ms behind the sound (median)")
share, rms = map(float, (out / "level").read_text().split())
check("the tone played into A's microphone comes out of B's speaker", share > 0.8 and rms > 0.01, f"share {share}, rms {rms}")
unplugged = [e for e in events("a") if e["event"] == "source_failed" and e["kind"] == "video"]
check("A says that its camera went away", unplugged, unplugged[0]["what"] if unplugged else "")
share, rms = map(float, (out / "level.after").read_text().split())
check("without A's camera the sound goes on", share > 0.8 and rms > 0.01, f"share {share}, rms {rms}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
