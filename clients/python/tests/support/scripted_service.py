"""A service with scripted answers, for faults that a real one shows only when something breaks."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Union


class Request:
    """A received request."""

    def __init__(self, method: str, path: str, headers: Any, body: bytes, connection: int) -> None:
        self.method, self.path, self.headers, self.body, self.connection = method, path, headers, body, connection

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Reply:
    """An answer of the script."""

    def __init__(
        self,
        status: int = 200,
        body: Any = None,
        headers: Optional[Dict[str, str]] = None,
        *,
        content_type: str = "application/json",
        cut: bool = False,
        close: bool = False,
    ) -> None:
        self.status, self.headers, self.content_type, self.cut, self.close = status, headers or {}, content_type, cut, close
        self.body = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()


def problem(status: int, kind: str = "validation", headers: Optional[Dict[str, str]] = None, **more: Any) -> Reply:
    """Returns a problem object as the service writes it."""
    body = {"type": f"urn:finance-ingest:problem:{kind}", "title": "Title.", "status": status, "detail": f"{kind} it is", **more}
    return Reply(status, body, headers, content_type="application/problem+json")


HANG_UP = object()
"""A step that closes the connection instead of answering."""

Step = Union[Reply, object, Callable[[Request], Reply]]


class ScriptedService:
    """
    Answers with one step of its script after another, and repeats the last step for ever. With ``certificate`` it speaks TLS, with a certificate for localhost
    that only itself has signed.
    """

    def __init__(self, *script: Step, host: str = "127.0.0.1", port: int = 0, certificate: bool = False) -> None:
        self.script: List[Step] = list(script)
        self.requests: List[Request] = []
        self._accepted: List[socket.socket] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                service.requests.append(Request(self.command, self.path, self.headers, body, id(self.connection)))
                step = service.script.pop(0) if len(service.script) > 1 else service.script[0]
                if step is HANG_UP:
                    self.close_connection = True
                    return
                reply = step(service.requests[-1]) if callable(step) else step
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.body) + (5 if reply.cut else 0)))
                if reply.close:
                    self.send_header("Connection", "close")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
                self.close_connection = self.close_connection or reply.cut

            do_GET = do_POST = do_PUT = _answer

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass  # The client has gone.

            def get_request(self) -> Any:
                accepted = super().get_request()
                service._accepted.append(accepted[0])
                return accepted

        class Server6(Server):
            address_family = socket.AF_INET6

        self._server = (Server6 if ":" in host else Server)((host, port), Handler)
        self._server.daemon_threads = True
        self.certificate = ""
        if certificate:
            self.certificate = _self_signed()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            # The handshake is made by the thread that serves the connection.
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def connections(self) -> int:
        """The number of connections on which requests came."""
        return len({request.connection for request in self.requests})

    def hang_up(self) -> None:
        """Closes all connections, as the end of a process does."""
        for connection in self._accepted:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        """Stops the service. Its connections stay open."""
        self._server.shutdown()
        self._server.server_close()


@functools.lru_cache(maxsize=None)
def _self_signed() -> str:
    """Returns a file with a certificate for localhost and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise unittest.SkipTest("openssl is not installed: apt install openssl")
    with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
        _to_delete.append(file.name)
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "-", "-out", "-", *names]
    made = subprocess.run(command, check=True, capture_output=True)
    with open(file.name, "wb") as pem:
        pem.write(made.stdout)
    return file.name


_to_delete: List[str] = []


@atexit.register
def _delete() -> None:
    for path in _to_delete:
        os.unlink(path)
