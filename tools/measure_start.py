#!/usr/bin/env python3
"""Measures the time of published programs from their start to a 200 of /readyz, on embedded storage.

    python3 tools/measure_start.py --runs 15 DIRECTORY/IngestServer.dll DIRECTORY/ScoringWorker.dll …
    python3 tools/measure_start.py --runs 15 --score DIRECTORY/IngestServer.dll …       until a first transaction is scored

The programs take turns, so that a busy machine slows all of them alike. For each program, the output has the median and range of the time until it
is ready, the median of the processor time (which other programs hardly change, and which a quota of a quarter of a core stretches fourfold), and the
resident memory at that moment.
"""
import argparse
import http.client
import os
import shutil
import statistics
import subprocess
import tempfile
import time

PORT = 17981


def start_once(program: str, score: bool) -> tuple[float, float, float]:
    """Returns the milliseconds until ready, and the processor milliseconds and resident megabytes by then."""
    data = tempfile.mkdtemp(prefix="measure-start-")
    environment = dict(os.environ, ASPNETCORE_URLS=f"http://127.0.0.1:{PORT}", FinanceIngest__DataDirectory=data)
    begun = time.perf_counter()
    process = subprocess.Popen(["dotnet", os.path.abspath(program)], env=environment, cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_ready():
            if process.poll() is not None or time.perf_counter() - begun > 60:
                raise SystemExit(f"{program} did not become ready (exit code {process.poll()})")
            time.sleep(0.002)
        if score:
            score_one()
        elapsed = (time.perf_counter() - begun) * 1000
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
            user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
        return elapsed, (int(user) + int(system)) * 1000 / os.sysconf("SC_CLK_TCK"), resident
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(data, ignore_errors=True)


def is_ready() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def score_one() -> None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    body = '{"user_id": 399, "category_id": 2310, "amount": 6000}'
    connection.request("POST", "/api/transactions", body, {"Content-Type": "application/json", "Prefer": "wait=20"})
    assert connection.getresponse().status == 200
    connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--score", action="store_true", help="measure until a first transaction is scored, not only until ready")
    parser.add_argument("programs", nargs="+", metavar="PROGRAM.dll")
    arguments = parser.parse_args()
    samples: dict[str, list[tuple[float, float, float]]] = {program: [] for program in arguments.programs}
    for program in arguments.programs:
        start_once(program, arguments.score)  # brings its files into the page cache
    for _ in range(arguments.runs):
        for program, taken in samples.items():
            taken.append(start_once(program, arguments.score))
    for program, taken in samples.items():
        times, processor, resident = (sorted(values) for values in zip(*taken))
        print(
            f"{statistics.median(times):6.0f} ms ({times[0]:.0f} to {times[-1]:.0f}, {len(times)} runs)"
            f"  {statistics.median(processor):5.0f} ms of processor  {statistics.median(resident):4.0f} MB  {program}")


if __name__ == "__main__":
    main()
