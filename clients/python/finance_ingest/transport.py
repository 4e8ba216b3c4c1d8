"""HTTP exchanges over connections that are kept open. An exchange is repeated only when it met a stale connection."""

from __future__ import annotations

import http.client
import os
import selectors
import socket
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Any, Deque, List, Mapping, Optional, Tuple

from .addresses import Address
from .calls import Call, current_call
from .errors import ConnectionFailed, UnexpectedAnswer, UntrustedCertificate
from .retrying import Clock

MOST_ANSWER_BYTES = 16 * 1024 * 1024
"""The largest body of an answer that is read. The service's largest answers, pages of 1,000 results, are a fraction of it."""

_PIECE = 64 * 1024

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
        self.base: Address = Address.parse(base_url)
        self._tls = ssl.create_default_context() if self.base.scheme == "https" else None
        self._clock = clock
        self._start_pool()

    @property
    def address(self) -> str:
        """The address of the service, for messages."""
        return str(self.base)

    def exchange(self, method: str, target: str, body: Optional[bytes], headers: Mapping[str, str], timeout: float, wait: float = 0) -> Answer:
        """
        Sends a request and reads the whole answer. ``timeout`` is the limit in seconds for connecting and for each read; ``wait`` is added to it
        for the first byte of the answer.

        Raises ConnectionFailed when there is no complete answer, CallStopped when this thread's call was stopped, and UnexpectedAnswer for an
        answer of more than MOST_ANSWER_BYTES.
        """
        call = current_call()
        try:
            if call is not None:
                call.require_going()
            connection = self._kept_connection()
            if connection is not None:
                try:
                    return self._exchange_on(connection, call, method, target, body, headers, timeout + wait)
                except _DROPPED:
                    connection.close()
            connection = _Connection.to(self.base, timeout, self._tls, call)
            return self._exchange_on(connection, call, method, target, body, headers, timeout + wait)
        except (OSError, http.client.HTTPException) as error:
            if call is not None:
                call.require_going()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise UntrustedCertificate(f"{self.address} has a certificate that is not trusted: {_why_untrusted(error)}.") from error
            raise ConnectionFailed(f"{self.address} can't be reached: {_describe(error)}.") from error

    def close(self) -> None:
        """Closes the idle connections. The transport can still be used afterwards."""
        while self._idle:
            self._idle.pop()[0].close()

    def _exchange_on(
        self,
        connection: _Connection,
        call: Optional[Call],
        method: str,
        target: str,
        body: Optional[bytes],
        headers: Mapping[str, str],
        timeout: float,
    ) -> Answer:
        try:
            if call is not None:
                call.use(connection.sock)
            connection.sock.settimeout(timeout)
            try:
                connection.request(method, self.base.prefix + target, body, dict(headers))
            except (BrokenPipeError, ConnectionResetError):
                # A server that refuses a large body may answer and close before it has read all of it. The answer can then still be read.
                pass
            response = connection.getresponse()
            content = self._read(response)
            answer = Answer(response.status, response.reason, {name.lower(): value for name, value in response.getheaders()}, content)
            if call is not None:
                # Only a connection that nobody will cut any more may be kept for other calls.
                call.release()
        except BaseException:
            connection.close()
            raise
        if response.will_close or not response.isclosed():
            connection.close()
        else:
            self._keep(connection)
        return answer

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        # A length that was announced bounds what is read. Without one, pieces are counted, because the other side may never end.
        if response.length is not None and response.length <= MOST_ANSWER_BYTES:
            return response.read()
        pieces: List[bytes] = []
        size = response.length or 0
        while size <= MOST_ANSWER_BYTES:
            piece = response.read(_PIECE)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)
        raise UnexpectedAnswer(f"{self.address} answered {response.status} with more than {MOST_ANSWER_BYTES:,} bytes, which FinanceIngest never does.")

    def _start_pool(self) -> None:
        # A deque's append and pop need no lock, so no other thread can hold one while the process forks.
        self._idle: Deque[Tuple[_Connection, float]] = deque()
        self._process = os.getpid()

    def _kept_connection(self) -> Optional[_Connection]:
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

    def _keep(self, connection: _Connection) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append((connection, self._clock.monotonic()))
        else:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection on a socket that a call can be stopped on from its first moment, before it is connected and while TLS is agreed on."""

    sock: socket.socket

    @classmethod
    def to(cls, base: Address, timeout: float, tls: Optional[ssl.SSLContext], call: Optional[Call]) -> _Connection:
        """Connects."""
        connection = cls(base.host, base.port, timeout=timeout)
        # The port stands in the header Host exactly when it is not the scheme's own.
        connection.default_port = base.default_port
        failure: Optional[OSError] = None
        for family, kind, protocol, _, address in socket.getaddrinfo(base.host, base.port, type=socket.SOCK_STREAM):
            try:
                connection.sock = _connected(socket.socket(family, kind, protocol), address, base.host, timeout, tls, call)
                return connection
            except ssl.SSLError:
                raise
            except OSError as error:
                if call is not None:
                    call.require_going()
                failure = error
        raise failure or OSError("the name has no address")


def _connected(
    sock: socket.socket, address: Tuple[Any, ...], host: str, timeout: float, tls: Optional[ssl.SSLContext], call: Optional[Call]
) -> socket.socket:
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if call is not None:
            call.use(sock)
        sock.connect(address)
        if tls is None:
            return sock
        # The handshake is a step of its own, because the wrapping detaches the plain socket, and the call must know the one that is used.
        secured = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        sock = secured
        if call is not None:
            call.use(secured)
        secured.do_handshake()
        return secured
    except BaseException:
        sock.close()
        raise


def _has_something_to_read(connection: _Connection) -> bool:
    # An idle connection becomes readable only when the other side closes it.
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(timeout=0))


def _why_untrusted(error: ssl.SSLCertVerificationError) -> str:
    return (getattr(error, "verify_message", "") or str(error)).rstrip(".")


def _describe(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer was cut short"
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"):
            return "the server does not speak TLS at this address, which begins with https"
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).rstrip(".")
