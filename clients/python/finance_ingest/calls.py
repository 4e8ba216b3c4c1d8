"""
A call that another thread can stop.

``AsyncClient`` runs each call on a thread. When its task is cancelled, the call's pauses end, its connection is cut, and no other is opened. A call of
``Client`` itself has no ``Call``: nobody can stop it.
"""

from __future__ import annotations

import socket
import threading
from typing import Callable, Optional, TypeVar

from .errors import ConnectionFailed

T = TypeVar("T")


class Call:
    """The state of a call: the socket that it uses at the moment, and whether it was stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = None
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Stops the call: its thread, wherever it waits for the network or the end of a pause, goes on at once and finds the call stopped."""
        with self._lock:
            self._stopped.set()
            if self._socket is not None:
                _cut(self._socket)

    def use(self, used: socket.socket) -> None:
        """Notes that the call's thread is about to wait for this socket. Raises CallStopped."""
        with self._lock:
            self.require_going()
            self._socket = used

    def release(self) -> None:
        """
        Notes that the call no longer uses its socket. From now on ``stop`` does not cut it, so that it may be kept for others.

        Raises CallStopped when the socket was cut.
        """
        with self._lock:
            self._socket = None
            self.require_going()

    def pause(self, seconds: float) -> None:
        """Waits. Raises CallStopped."""
        self._stopped.wait(seconds)
        self.require_going()

    def require_going(self) -> None:
        """Raises CallStopped when the call was stopped."""
        if self._stopped.is_set():
            raise CallStopped()


class CallStopped(ConnectionFailed):
    """The call was stopped while it was under way. Whether its request arrived is unknown; repeating it is safe."""

    def __init__(self, message: str = "The call was stopped, because its task was cancelled or its client was closed.") -> None:
        super().__init__(message)


_local = threading.local()


def current_call() -> Optional[Call]:
    """Returns the call that this thread carries out; None when nobody can stop what the thread does."""
    call: Optional[Call] = getattr(_local, "call", None)
    return call


def carry_out(call: Call, work: Callable[[], T]) -> T:
    """Returns the outcome of the work, during which the call is this thread's current one."""
    _local.call = call
    try:
        call.require_going()
        return work()
    finally:
        _local.call = None


def _cut(used: socket.socket) -> None:
    try:
        # Closing would not wake the thread that waits for the socket. The method of the plain socket also leaves an SSLSocket's own state, which that
        # thread is using, as it is.
        socket.socket.shutdown(used, socket.SHUT_RDWR)
    except OSError:
        # The socket is not connected yet, or no longer.
        pass
