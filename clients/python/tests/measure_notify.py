"""
``python3 -m tests.measure_notify [N [RATE]]`` from clients/python: how long it takes from a request, and from the scoring of its transaction, to the
webhook and the mail of its alert: N (default 600) anomalies, RATE (default 20) a second, with a real server, a real receiver of webhooks and aiosmtpd.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List

from aiosmtpd.controller import Controller
from finance_ingest import Client

from .support.servers import BASELINE, IngestServer, free_port

CHANNELS = "FinanceIngest__Notify__Channels__"


class Received:
    """When each transaction's alert came, by channel."""

    def __init__(self) -> None:
        self.webhooks: Dict[str, float] = {}
        self.scored: Dict[str, float] = {}
        self.mails: Dict[str, float] = {}
        self.transaction_of: Dict[str, str] = {}


def receiver_of(received: Received) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]
            received.webhooks.setdefault(data["transaction_id"], time.time())
            received.scored[data["transaction_id"]] = datetime.fromisoformat(data["scored_at"].replace("Z", "+00:00")).timestamp()
            received.transaction_of[data["alert_id"]] = data["transaction_id"]
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Mailbox:
    def __init__(self, received: Received) -> None:
        self._received = received

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        at = time.time()
        alert = next(line for line in envelope.content.decode().splitlines() if line.lower().startswith("x-alert-id:")).split(":")[1].strip()
        self._received.mails.setdefault(alert, at)
        return "250 OK"


def show(what: str, seconds: List[float]) -> None:
    seconds.sort()
    p50, p99 = (1000 * seconds[min(len(seconds) - 1, int(len(seconds) * part))] for part in (0.5, 0.99))
    print(f"{what}: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {1000 * seconds[-1]:.0f} ms of {len(seconds)}", flush=True)


def main(count: int, rate: float) -> None:
    received = Received()
    hooks = receiver_of(received)
    mails = Controller(Mailbox(received), hostname="127.0.0.1", port=free_port())
    mails.start()
    settings = {
        "site__Type": "webhook", "site__Url": f"http://127.0.0.1:{hooks.server_address[1]}/",
        "site__Secret": f"whsec_{base64.b64encode(os.urandom(32)).decode()}", "mail__Type": "smtp", "mail__Host": "127.0.0.1",
        "mail__Port": str(mails.port), "mail__Security": "none", "mail__From": "alerts@finance.example", "mail__To": "family@home.example",
    }
    server = IngestServer(**{CHANNELS + name: value for name, value in settings.items()}).start()
    asked: Dict[str, float] = {}
    answered: Dict[str, float] = {}
    try:
        with Client(server.url) as client:
            client.put_stats([BASELINE])
            begin = time.monotonic()
            for number in range(count):
                time.sleep(max(0.0, begin + number / rate - time.monotonic()))
                at = time.time()
                found = client.submit(399, 2310, 6000 + number, occurred_at=datetime.now(timezone.utc)).id
                asked[found], answered[found] = at, time.time()
            end = time.monotonic() + 60
            while (len(received.webhooks) < count or len(received.mails) < count) and time.monotonic() < end:
                time.sleep(0.05)
    finally:
        server.close()
        mails.stop()
        hooks.shutdown()
    print(f"{len(received.webhooks)} webhooks and {len(received.mails)} mails of {count} alerts, {rate:g} a second; load average {os.getloadavg()[0]:.0f}")
    by_mail = {received.transaction_of[alert]: at for alert, at in received.mails.items()}
    for channel, came in (("webhook", received.webhooks), ("mail", by_mail)):
        show(f"from the scoring to the {channel}", [at - received.scored[one] for one, at in came.items()])
        show(f"from the 202 to the {channel}", [at - answered[one] for one, at in came.items()])
        show(f"from the request to the {channel}", [at - asked[one] for one, at in came.items()])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, float(sys.argv[2]) if len(sys.argv) > 2 else 20)
