#!/usr/bin/env python3
"""Measures how many bytes of telemetry the system sends to Azure Monitor, for tools/azure_cost.py.

    dotnet build src/IngestServer && python3 tools/measure_telemetry.py

IngestServer runs with all its roles on embedded storage. Its exporter sends to a listener on this machine, which counts what Application Insights would take
in: the uncompressed JSON. One run idles, one submits transactions one to a request, and one in batches of 100.
"""
import argparse
import gzip
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Listener(http.server.BaseHTTPRequestHandler):
    """Answers as the ingestion endpoint of Application Insights does, and counts bytes by kind."""

    counts: Counter = Counter()
    bytes: Counter = Counter()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        lines = [line for line in body.split(b"\n") if line.strip()]
        for line in lines:
            kind = json.loads(line)["name"]
            Listener.counts[kind] += 1
            Listener.bytes[kind] += len(line)
        answer = json.dumps({"itemsReceived": len(lines), "itemsAccepted": len(lines), "errors": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(server: Path, work) -> tuple[Counter, Counter, float]:
    """Starts the server, does the work, stops it so that everything is sent, and returns counts, bytes and minutes."""
    Listener.counts, Listener.bytes = Counter(), Counter()
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "APPLICATIONINSIGHTS_CONNECTION_STRING":
                f"InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:{listener.server_port}/",
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED": "true",
            "FinanceIngest__DataDirectory": folder,
            "ASPNETCORE_URLS": f"http://127.0.0.1:{port}",
        }
        started = time.monotonic()
        process = subprocess.Popen(["dotnet", str(server)], env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            for _ in range(300):
                if process.poll() is not None:
                    sys.exit(f"{server.name} ended with {process.returncode}.")
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)
                    break
                except OSError:
                    time.sleep(0.2)
            work(f"http://127.0.0.1:{port}")
            time.sleep(3)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        minutes = (time.monotonic() - started) / 60
    listener.shutdown()
    return Listener.counts, Listener.bytes, minutes


def post(url: str, body) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).read()


def transaction(index: int) -> dict:
    return {"user_id": index % 50 + 1, "category_id": 7, "amount": f"{index % 900}.25"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, default=ROOT / "src/IngestServer/bin/Debug/net10.0/IngestServer.dll")
    parser.add_argument("--count", type=int, default=300, help="transactions of a run")
    parser.add_argument("--rate", type=float, default=3, help="requests a second of the run with single transactions; the exporter samples 5 traces a second")
    arguments = parser.parse_args()
    if not arguments.server.exists():
        sys.exit(f"{arguments.server} is not there: build it first.")

    def singly(url: str) -> None:
        begin = time.monotonic()
        for index in range(arguments.count):
            post(f"{url}/api/transactions", transaction(index))
            time.sleep(max(0.0, begin + (index + 1) / arguments.rate - time.monotonic()))

    def batches(url: str) -> None:
        for start in range(0, arguments.count, 100):
            post(f"{url}/api/transactions/batch", [transaction(index) for index in range(start, start + 100)])
            time.sleep(1)

    starting = 0
    for name, work in (("idle, three minutes", lambda url: time.sleep(180)), ("one to a request", singly), ("batches of 100", batches)):
        counts, sizes, minutes = run(arguments.server, work)
        metrics = sizes.get("Metric", 0)
        rest = sum(sizes.values()) - metrics - starting
        starting = starting or rest  # the log lines of a start and a stop
        print(f"{name}: {minutes:.1f} minutes, {sum(sizes.values())} bytes in {sum(counts.values())} items")
        for kind in sorted(counts):
            print(f"    {kind:24} {counts[kind]:7} items {sizes[kind]:10} bytes {sizes[kind] // counts[kind]:6} each")
        print(f"    metrics {metrics / minutes:.0f} bytes a minute; the rest {rest} bytes, {rest / arguments.count:.0f} a transaction", flush=True)


if __name__ == "__main__":
    main()
