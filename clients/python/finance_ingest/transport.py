"""HTTP exchanges over connections that are kept open. An exchange is repeated only when it met a stale connection."""

from __future__ import annotations

import http.client
import os
import selectors
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Deque, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from .errors import ConfigurationError, ConnectionFailed
from .retrying import Clock

_LONGEST_IDLE = 60.0
"""Seconds for which an idle connection is used again. Load balancers drop idle connections silently, Azure's after four minutes."""

_MOST_IDLE = 16

_DROPPED = (http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionError, ssl.SSLEOFError)
"""The errors of an idle connection that the other side closes at the moment of its use."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, whatever its status. Header names are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests to one service. It may be used by many threads, each exchange with a connection of its own, and across a fork."""

    def __init__(self, base_url: str, clock: Clock) -> None:
        self._scheme, self._host, self._port, self._prefix = _parse(base_url)
        self._tls = ssl.create_default_context() if self._scheme == "https" else None
        self._clock = clock
        self._start_pool()

    @property
    def address(self) -> str:
        """The address of the service, for messages."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self._port}{self._prefix}"

    def exchange(self, method: str, target: str, body: Optional[bytes], headers: Mapping[str, str], timeout: float, wait: float = 0) -> Answer:
        """
        Sends a request and reads the whole answer. ``timeout`` is the limit in seconds for connecting and for each read; ``wait`` is added to it
        for the first byte of the answer.

        Raises ConnectionFailed when there is no complete answer.
        """
        try:
            connection = self._kept_connection()
            if connection is not None:
                try:
                    return self._exchange_on(connection, method, target, body, headers, timeout + wait)
                except _DROPPED:
                    connection.close()
            connection = self._new_connection(timeout)
            return self._exchange_on(connection, method, target, body, headers, timeout + wait)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionFailed(f"{self.address} can't be reached: {_describe(error)}.") from error

    def close(self) -> None:
        """Closes the idle connections. The transport can still be used afterwards."""
        while self._idle:
            self._idle.pop()[0].close()

    def _exchange_on(
        self, connection: http.client.HTTPConnection, method: str, target: str, body: Optional[bytes], headers: Mapping[str, str], timeout: float
    ) -> Answer:
        try:
            connection.sock.settimeout(timeout)
            try:
                connection.request(method, self._prefix + target, body, dict(headers))
            except (BrokenPipeError, ConnectionResetError):
                # A server that refuses a large body may answer and close before it has read all of it. The answer can then still be read.
                pass
            response = connection.getresponse()
            answer = Answer(response.status, response.reason, {name.lower(): value for name, value in response.getheaders()}, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._keep(connection)
        return answer

    def _new_connection(self, timeout: float) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPConnection(self._host, self._port, timeout=timeout)
            if self._tls is None
            else http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        )
        connection.connect()
        return connection

    def _start_pool(self) -> None:
        # A deque's append and pop need no lock, so no other thread can hold one while the process forks.
        self._idle: Deque[Tuple[http.client.HTTPConnection, float]] = deque()
        self._process = os.getpid()

    def _kept_connection(self) -> Optional[http.client.HTTPConnection]:
        if self._process != os.getpid():
            # The connections belong to the parent of the fork, which goes on using them.
            self._start_pool()
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                return None
            if self._clock.monotonic() - since < _LONGEST_IDLE and not _has_something_to_read(connection):
                return connection
            connection.close()

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append((connection, self._clock.monotonic()))
        else:
            connection.close()


def _parse(base_url: str) -> Tuple[str, str, int, str]:
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{base_url!r} is not an address: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{base_url!r} is not an http address such as http://127.0.0.1:7071.")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ConfigurationError("The address must not carry a query, a user or a password; the key is an argument of its own.")
    prefix = parts.path.rstrip("/")
    if prefix.endswith("/api/score-transaction"):
        raise ConfigurationError(f"{base_url!r} is a route; give the address before it, without /api/score-transaction.")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), prefix


def _has_something_to_read(connection: http.client.HTTPConnection) -> bool:
    # An idle connection becomes readable only when the other side closes it.
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(timeout=0))


def _describe(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer was cut short"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).rstrip(".")
