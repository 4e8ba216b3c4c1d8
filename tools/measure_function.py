#!/usr/bin/env python3
"""Measures the package size and the cold start of published function apps.

    npm ci --prefix tests/azurite && dotnet build tests/FunctionDriver --configuration Release
    dotnet publish src/IngestFunction --configuration Release --output artifacts/function
    python3 tools/measure_function.py --runs 11 artifacts/function [ANOTHER-FOLDER…]

The package is the folder as a zip. A cold start lasts from the start of the app's process, under the function driver, to the first 200 of /healthz,
and to the first 202 of /api/transactions, which is requested right after it; by then the transaction is on Azurite's queue. The apps take turns, so
that a busy machine slows all of them alike. The output has median and range of both times; the processor time of the app's process until the 202,
which other programs hardly change; and its resident memory at that moment.
"""
import argparse
import collections
import http.client
import io
import os
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DRIVER = ROOT / "tests/FunctionDriver/bin/Release/net10.0/FinanceIngest.FunctionDriver.dll"
AZURITE = ROOT / "tests/azurite/node_modules/azurite/dist/src/queue/main.js"
# The emulator's well-known account and key.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
TICKS = os.sysconf("SC_CLK_TCK")

Start = collections.namedtuple("Start", "healthy accepted processor resident")


def package_bytes(folder: str) -> int:
    """Returns the size of the folder as a zip with the usual compression."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return package.tell()


def start_azurite(port: int) -> subprocess.Popen:
    arguments = ["--queueHost", "127.0.0.1", "--queuePort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    process = subprocess.Popen(["node", str(AZURITE), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    raise SystemExit("Azurite did not start.")


def start_once(folder: str, driver_dll: pathlib.Path, azurite_port: int) -> Start:
    """Returns the milliseconds until healthy and until a transaction is accepted, and the processor milliseconds and resident megabytes by then."""
    with tempfile.TemporaryDirectory(prefix="measure-function-") as data:
        queues = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};QueueEndpoint=http://127.0.0.1:{azurite_port}/{ACCOUNT};"
        environment = dict(os.environ, AZURE_STORAGE_CONNECTION_STRING=queues, FinanceIngest__DataDirectory=data)
        command = ["dotnet", str(driver_dll), "--app", folder, "--port", "0", "--no-local-settings"]
        driver = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            connection = http.client.HTTPConnection("127.0.0.1", listening_port(driver), timeout=60)
            expect(connection, 200, "GET", "/healthz")
            healthy = time.clock_gettime(time.CLOCK_BOOTTIME)
            expect(connection, 202, "POST", "/api/transactions", '{"user_id": 399, "category_id": 2310, "amount": 6000}')
            accepted = time.clock_gettime(time.CLOCK_BOOTTIME)
            with open(f"/proc/{driver.pid}/task/{driver.pid}/children", encoding="ascii") as children:
                worker = int(children.read().split()[0])
            with open(f"/proc/{worker}/stat", encoding="ascii") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{worker}/status", encoding="ascii") as status:
                resident = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
            begun = int(fields[19]) / TICKS
            return Start((healthy - begun) * 1000, (accepted - begun) * 1000, (int(fields[11]) + int(fields[12])) * 1000 / TICKS, resident)
        finally:
            driver.terminate()
            driver.communicate()


def listening_port(driver: subprocess.Popen) -> int:
    lines = []
    for line in driver.stderr:
        lines.append(line)
        if match := re.search(r"Now listening on: http://127\.0\.0\.1:(\d+)", line):
            return int(match.group(1))
    raise SystemExit("The function app did not start:\n" + "".join(lines))


def expect(connection: http.client.HTTPConnection, status: int, method: str, path: str, body: str | None = None) -> None:
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    text = response.read()
    if response.status != status:
        raise SystemExit(f"{method} {path} answered {response.status}: {text.decode()}")


def median_and_range(values: tuple[float, ...]) -> str:
    return f"{statistics.median(values):5.0f} ({min(values):.0f} to {max(values):.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--driver", type=pathlib.Path, default=DRIVER, metavar="DLL", help="the function driver, if not its Release build")
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    arguments = parser.parse_args()
    for needed in (arguments.driver, AZURITE):
        if not needed.exists():
            raise SystemExit(f"{needed} is missing: --help shows what to run first.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    azurite = start_azurite(port)
    try:
        samples: dict[str, list[Start]] = {folder: [] for folder in arguments.folders}
        for folder in arguments.folders:
            start_once(folder, arguments.driver, port)  # brings its files into the page cache
        for _ in range(arguments.runs):
            for folder, taken in samples.items():
                taken.append(start_once(folder, arguments.driver, port))
    finally:
        azurite.terminate()
        azurite.wait()
    for folder, taken in samples.items():
        healthy, accepted, processor, resident = zip(*taken)
        print(f"{folder}: package {package_bytes(folder) / 1e6:.1f} MB, {len(taken)} cold starts")
        print(f"  ms to the first 200 {median_and_range(healthy)}, to the first 202 {median_and_range(accepted)}")
        print(f"  ms of processor time {median_and_range(processor)}, MB resident {median_and_range(resident)}")


if __name__ == "__main__":
    main()
