"""How a peer in Python talks with the driver (peer.mjs): one JSON object a line."""

import json
import sys
import threading

_lock = threading.Lock()


def tell(event, **values):
    """Tells the driver of something that happened; from any thread."""
    with _lock:
        print(json.dumps({"event": event, **values}), flush=True)


def asked():
    """Yields what the driver asks for, until it has no more to ask."""
    for line in sys.stdin:
        yield json.loads(line)
