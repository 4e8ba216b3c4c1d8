"""Chromium without a window, driven over the DevTools protocol on two pipes (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, Optional

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
SECONDS = 60


class Browser:
    """One page. Use it in a with statement."""

    def __init__(self, width: int = 900, height: int = 640) -> None:
        program = shutil.which("chromium")
        if program is None:
            raise unittest.SkipTest("chromium is not installed: apt install chromium")
        self._profile = tempfile.mkdtemp(prefix="finance-ingest-chromium-")
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()
        # Chromium reads commands on descriptor 3 and writes answers on 4.
        shell = f'exec "$0" "$@" 3<&{read_commands} 4>&{write_answers}'
        command = ["bash", "-c", shell, program, *FLAGS, f"--window-size={width},{height}", f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(command, pass_fds=(read_commands, write_answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_commands)
        os.close(write_answers)
        self._buffer = b""
        self._number = 0
        self._session: Optional[str] = None
        target = next(one for one in self._call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: Any) -> None:
        os.close(self._commands)
        self._process.terminate()
        self._process.wait(30)
        os.close(self._answers)
        shutil.rmtree(self._profile, ignore_errors=True)

    def go(self, url: str) -> None:
        """Opens a page and waits until it is loaded."""
        self._call("Page.navigate", url=url)
        self.wait_for(f"document.readyState == 'complete' && location.href.startsWith({json.dumps(url)[:-1]}\")")

    def run(self, script: str) -> Any:
        """Returns the value of an expression in the page."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Waits until an expression in the page is true."""
        end = time.monotonic() + SECONDS
        while True:
            try:
                if self.run(f"Boolean({script})"):
                    return
            except (AssertionError, RuntimeError):
                pass  # The page is changing.
            if time.monotonic() > end:
                raise AssertionError(f"never true: {script}; the page says: {self.run('document.body.innerText')}")
            time.sleep(0.05)

    def resize(self, width: int, height: int) -> None:
        """Changes the size of the window."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str) -> None:
        """Makes the system's preference ``light`` or ``dark``."""
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path) -> None:
        """Writes a PNG of the window."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def _call(self, method: str, **parameters: Any) -> Dict[str, Any]:
        self._number += 1
        message: Dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next_message()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def _next_message(self) -> Dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._answers], [], [], SECONDS)[0]:
                raise AssertionError("chromium is silent")
            part = os.read(self._answers, 1 << 20)
            if not part:
                raise AssertionError("chromium has ended")
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(text))
