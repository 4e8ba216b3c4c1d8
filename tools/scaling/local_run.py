#!/usr/bin/env python3
"""Starts and stops real workers by the length of a real queue, with Azurite, an intake, and the algorithm of autoscalers.Keda ten times as fast.

    dotnet build src/IngestServer && dotnet build src/ScoringWorker && npm ci --prefix tests/azurite
    python3 tools/scaling/local_run.py --csv artifacts/scaling-local.csv --picture docs/images/scaling-local.svg

Two bursts are sent to the intake over HTTP. One second stands for ten: KEDA polls every 3 s, the HPA every 1.5 s, and the cool-down is 15 s. Workers
are started as processes and stopped by SIGTERM. At the end every accepted transaction must have its row, and no message and no worker may be left;
otherwise the exit code is 1. The script uses the standard library only.
"""
import argparse
import base64
import calendar
import csv
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

from autoscalers import Keda
from picture import draw

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
AZURITE = os.path.join(ROOT, "tests", "azurite", "node_modules", "azurite", "dist", "src", "queue", "main.js")
ACCOUNT = "devstoreaccount1"  # the emulator's public account
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
QUEUE = "transactions-inbound"
SPEED = 10
TICK = 0.5


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Queue:
    """The two requests to Azure's queue service that an autoscaler and this script need, signed by hand."""

    def __init__(self, port):
        self.port = port

    def get(self, resource, query):
        date = email.utils.formatdate(usegmt=True)
        headers = f"x-ms-date:{date}\nx-ms-version:2021-12-02\n"
        signed = f"GET\n{chr(10) * 11}{headers}/{ACCOUNT}/{ACCOUNT}/{resource}" + "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
        signature = base64.b64encode(hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", f"/{ACCOUNT}/{resource}?" + "&".join(f"{name}={value}" for name, value in query.items()),
                               headers={"x-ms-date": date, "x-ms-version": "2021-12-02", "Authorization": f"SharedKey {ACCOUNT}:{signature}"})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def length(self):
        """Returns the number of messages, including leased ones, as KEDA's queueLengthStrategy "all" does."""
        status, headers, body = self.get(QUEUE, {"comp": "metadata"})
        if status == 404:
            return 0
        if status != 200:
            raise RuntimeError(f"Azurite answered {status}: {body[:300]!r}")
        return int(headers["x-ms-approximate-messages-count"])

    def oldest_seconds(self):
        """Returns the age of the oldest of the first 32 visible messages; leased messages are not visible."""
        status, _, body = self.get(f"{QUEUE}/messages", {"numofmessages": "32", "peekonly": "true"})
        times = [] if status != 200 else [node.text for node in xml.fromstring(body.decode("utf-8-sig")).iter("InsertionTime")]
        return max((time.time() - calendar.timegm(email.utils.parsedate(text)) for text in times), default=0.0)


class Processes:
    def __init__(self, folder, environment):
        self.folder, self.environment, self.all = folder, environment, []

    def start(self, name, command, **variables):
        with open(os.path.join(self.folder, f"{name}.log"), "wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, env={**self.environment, **variables}, stdout=log, stderr=log)
        process.processor = 0.0
        self.all.append(process)
        return process

    def stop_all(self):
        for process in reversed(self.all):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(40)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def look_at_processor(process):
    try:
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
            user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
        process.processor = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except OSError:
        pass


def wait_for(what, condition, seconds=90):
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds} s in vain until {what}")
        time.sleep(0.2)


def answers(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    finally:
        connection.close()


class Submitter(threading.Thread):
    """Sends one burst over four connections."""

    def __init__(self, port, total, batch_size, seed):
        super().__init__(daemon=True)
        self.port, self.ids, self.errors = port, [], []
        numbers = random.Random(seed)

        def line():
            item = {"user_id": numbers.randint(1, 500), "category_id": numbers.randint(1, 20), "amount": f"{numbers.uniform(1, 900):.2f}"}
            return json.dumps(item) + "\n"

        self.bodies = ["".join(line() for _ in range(min(batch_size, total - at))) for at in range(0, total, batch_size)]

    def run(self):
        threads = [threading.Thread(target=self.send, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def send(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while True:
            try:
                body = self.bodies.pop()
            except IndexError:
                return
            connection.request("POST", "/api/transactions/batch", body, {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            content = json.loads(answer.read())
            if answer.status != 202 or content["rejected"]:
                self.errors.append((answer.status, content))
                return
            self.ids += [item["id"] for item in content["accepted"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--burst", type=int, default=20_000, help="transactions in each burst")
    parser.add_argument("--bursts", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=10, help="transactions in a request; small requests make many messages")
    parser.add_argument("--target", type=int, default=64, help="queueLength")
    parser.add_argument("--maximum", type=int, default=4)
    parser.add_argument("--limit", type=float, default=240, help="seconds after which the run is given up")
    parser.add_argument("--azurite", default=AZURITE, help="main.js of Azurite's queue service, if it is not installed under tests/azurite")
    parser.add_argument("--csv")
    parser.add_argument("--picture")
    options = parser.parse_args()

    if not os.path.exists(options.azurite):
        subprocess.run(["npm", "ci", "--prefix", os.path.join(ROOT, "tests", "azurite"), "--no-audit", "--no-fund"], check=True)
    folder = tempfile.mkdtemp(prefix="scaling-")
    azurite_port, intake_port = free_port(), free_port()
    environment = {
        **os.environ, "FinanceIngest__DataDirectory": os.path.join(folder, "data"), "DOTNET_NOLOGO": "1",
        "AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
                                           f"QueueEndpoint=http://127.0.0.1:{azurite_port}/{ACCOUNT};",
    }
    processes = Processes(folder, environment)
    try:
        return run(options, folder, processes, azurite_port, intake_port)
    finally:
        processes.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


def program(name):
    return os.path.join(ROOT, "src", name, "bin", "Debug", "net10.0", f"{name}.dll")


def run(options, folder, processes, azurite_port, intake_port):
    queue = Queue(azurite_port)
    processes.start("azurite", ["node", options.azurite, "--queueHost", "127.0.0.1", "--queuePort", str(azurite_port), "--location", folder,
                                "--skipApiVersionCheck", "--disableTelemetry", "--silent"])
    wait_for("Azurite answers", lambda: queue.length() == 0)
    processes.start("intake", ["dotnet", program("IngestServer")], FinanceIngest__Roles="intake", ASPNETCORE_URLS=f"http://127.0.0.1:{intake_port}")
    wait_for("the intake is ready", lambda: answers(intake_port, "/readyz"))

    scaler = Keda(options.target, options.maximum, cool_down=15 * SPEED, up_period=30, down_window=120, down_percent=50, down_period=60)
    workers, leaving, bursts, samples = [], [], [], []
    starts = stops = ticks = 0
    begun = time.monotonic()
    next_burst, next_sample, last_change = 2.0, 0.0, 0.0
    while True:
        now = time.monotonic() - begun
        if now > options.limit:
            raise SystemExit(f"not done after {options.limit:g} s")
        length = queue.length()
        if len(bursts) < options.bursts and now >= next_burst and (not bursts or (not bursts[-1].is_alive() and not workers and length == 0)):
            bursts.append(Submitter(intake_port, options.burst, options.batch_size, seed=len(bursts)))
            bursts[-1].start()
            print(f"{now:6.1f} s  burst of {options.burst:,}", flush=True)
        if bursts and bursts[-1].is_alive() or length:
            next_burst = now + 8

        # Ticks that a busy machine missed are played with the present length.
        while ticks * TICK <= now:
            wanted = scaler.step(int(ticks * TICK * SPEED), length)
            ticks += 1
        while len(workers) < wanted:
            starts += 1
            workers.append(processes.start(f"worker-{starts}", ["dotnet", program("ScoringWorker")], ASPNETCORE_URLS=f"http://127.0.0.1:{free_port()}"))
            print(f"{now:6.1f} s  queue {length}: start, {len(workers)} workers", flush=True)
        while len(workers) > wanted:
            stops += 1
            leaving.append(workers.pop())
            leaving[-1].send_signal(signal.SIGTERM)
            print(f"{now:6.1f} s  queue {length}: stop, {len(workers)} workers", flush=True)
        for process in workers + leaving:
            if process.poll() is None:
                look_at_processor(process)
            elif process in workers or process.returncode != 0:
                raise SystemExit(f"a worker ended with {process.returncode}")

        if now >= next_sample:
            samples.append((round(now, 1), length, len(workers), round(queue.oldest_seconds(), 1)))
            next_sample = max(next_sample + 1, now)
        done = len(bursts) == options.bursts and not bursts[-1].is_alive() and length == 0 and not workers and now > last_change + 5
        if done and all(process.poll() is not None for process in leaving):
            break
        if not done and (length or workers):
            last_change = now
        time.sleep(max(0.0, ticks * TICK - (time.monotonic() - begun)))

    return report(options, folder, queue, bursts, samples, starts, stops, sum(process.processor for process in leaving), leaving)


def report(options, folder, queue, bursts, samples, starts, stops, processor, leaving):
    problems = [str(error) for burst in bursts for error in burst.errors]
    accepted = {number for burst in bursts for number in burst.ids}
    with sqlite3.connect(os.path.join(folder, "data", "finance-ingest.db")) as database:
        rows = dict(database.execute("SELECT transaction_id, status FROM anomaly_transactions_money"))
    missing = sum(rows.get(number) != "scored" for number in accepted)
    if len(accepted) != options.burst * options.bursts:
        problems.append(f"{len(accepted)} accepted of {options.burst * options.bursts}")
    if missing:
        problems.append(f"{missing} accepted transactions without a scored row")
    if len(rows) != len(accepted):
        problems.append(f"{len(rows)} rows for {len(accepted)} accepted transactions")
    if queue.length():
        problems.append(f"{queue.length()} messages are left")
    if any(process.poll() is None for process in leaving) or starts != stops:
        problems.append("workers are left")

    if options.csv:
        os.makedirs(os.path.dirname(os.path.abspath(options.csv)), exist_ok=True)
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["second", "messages", "workers", "oldest_seconds"])
            writer.writerows(samples)
    if options.picture:
        columns = [("messages on the queue", 1), ("workers", 2), ("age of the oldest message that can be seen, s", 3)]
        with open(options.picture, "w", encoding="utf-8") as file:
            file.write(draw(f"Real workers on Azurite: {options.bursts} bursts of {options.burst:,}, queueLength {options.target}, time ten times as fast",
                            [(what, {what: [(sample[0], sample[column]) for sample in samples]}) for what, column in columns], "s", 1))
    longest, most, oldest = (max(sample[column] for sample in samples) for column in (1, 2, 3))
    print(f"{len(accepted):,} accepted, {len(accepted) - missing:,} scored, {len(rows):,} rows; longest queue {longest:,}, most workers {most}, "
          f"oldest message {oldest:.0f} s, {starts} starts, {stops} stops, workers' processor {processor:.2f} s, {samples[-1][0]:.0f} s in all")
    for problem in problems:
        print("FAILED:", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
