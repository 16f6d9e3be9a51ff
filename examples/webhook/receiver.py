"""Receives alerts of Chaperone: checks the signature, refuses old posts, skips what it has seen, prints the rest.

Only the standard library is used. The port and the secret may be given: receiver.py [port] [secret]
"""

import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
SECRET = (sys.argv[2] if len(sys.argv) > 2 else "not-a-secret").encode()
MAX_AGE_SECONDS = 300
MAX_BODY = 1 << 20

# Idempotency keys of what was taken. A real receiver would bound it and keep it across restarts.
seen = set()


def signature(timestamp: str, body: bytes) -> str:
    """What the signature header must be."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > MAX_BODY:
            return self.answer(413, "too large")
        body = self.rfile.read(length)
        timestamp = self.headers.get("X-Chaperone-Timestamp", "0")
        expected = signature(timestamp, body)
        if not hmac.compare_digest(expected, self.headers.get("X-Chaperone-Signature", "")):
            return self.answer(401, "the signature is wrong")
        # The timestamp is part of what was signed: an old post cannot be sent again.
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > MAX_AGE_SECONDS:
            return self.answer(401, "the post is too old")
        key = self.headers.get("Idempotency-Key", "")
        if key in seen:
            return self.answer(200, "seen before")
        seen.add(key)
        alert = json.loads(body)
        line = [alert.get("state"), alert.get("severity"), alert.get("rule"), alert.get("message")]
        print(" ".join(str(word) for word in line if word), flush=True)
        return self.answer(200, "thank you")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Alerts are what this program prints; refusals are in the sender's log."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", PORT), Receiver)
    print(f"waiting for alerts at http://127.0.0.1:{server.server_port}/alerts", flush=True)
    server.serve_forever()
