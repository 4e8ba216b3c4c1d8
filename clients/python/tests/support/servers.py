"""Real IngestServer processes, each with a data directory of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, Optional

from finance_ingest import Client, ServiceUnavailable

CHECKOUT = Path(__file__).resolve().parents[4]
SECONDS_TO_START = 60

BASELINE = {"user_id": 399, "category_id": 2310, "mean": 2000.0, "std_dev": 500.0, "sample_count": 40}
"""The baseline of a shared server: 2500 has a z-score of 1, and 6000 one of 8."""


def server_program() -> Optional[Path]:
    """Returns the built IngestServer: the one that FINANCE_INGEST_SERVER names, or the newest build of this checkout."""
    if os.environ.get("FINANCE_INGEST_SERVER"):
        return Path(os.environ["FINANCE_INGEST_SERVER"])
    built = sorted(CHECKOUT.glob("src/IngestServer/bin/*/net*/IngestServer.dll"), key=lambda path: path.stat().st_mtime)
    return built[-1] if built else None


def free_port() -> int:
    """Returns a port that is free at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class IngestServer:
    """A server that can be stopped and started again on the same port and data."""

    def __init__(self, **settings: str) -> None:
        program = server_program()
        if program is None or shutil.which("dotnet") is None:
            raise unittest.SkipTest("IngestServer is not built: dotnet build src/IngestServer")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._data = tempfile.mkdtemp(prefix="finance-ingest-tests-")
        self._command = ["dotnet", str(program), "--urls", self.url, f"--FinanceIngest:DataDirectory={self._data}"]
        self._settings = settings
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> "IngestServer":
        """Starts the server and waits until it accepts transactions."""
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(("FINANCEINGEST__", "SQL_CONNECTION", "AZURE_STORAGE"))}
        self._process = subprocess.Popen(self._command, env={**inherited, **self._settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS_TO_START
        key = next((value for name, value in self._settings.items() if name.endswith("__Secret")), None)
        with Client(self.url, key, retries=0) as client:
            while True:
                try:
                    client.check()
                    return self
                except ServiceUnavailable:
                    if self._process.poll() is not None or time.monotonic() > end:
                        self.stop()
                        raise RuntimeError(f"IngestServer did not start: {' '.join(self._command)}") from None
                    time.sleep(0.05)

    def stop(self) -> None:
        """Stops the server; its data stays."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def forget_everything(self) -> None:
        """Deletes the data of a stopped server."""
        shutil.rmtree(self._data)
        os.mkdir(self._data)

    def close(self) -> None:
        """Stops the server and deletes its data."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)


_shared: Dict[str, Any] = {}


def shared_server() -> IngestServer:
    """Returns the server that tests share which don't mind each other's transactions. It has BASELINE."""
    if "skip" in _shared:
        raise unittest.SkipTest(_shared["skip"])
    if "server" not in _shared:
        try:
            _shared["server"] = IngestServer().start()
        except unittest.SkipTest as skip:
            _shared["skip"] = str(skip)
            raise
        with Client(_shared["server"].url) as client:
            client.put_stats([BASELINE])
    return _shared["server"]


def stop_shared() -> None:
    """Stops the shared server, if it runs."""
    if "server" in _shared:
        _shared.pop("server").close()
